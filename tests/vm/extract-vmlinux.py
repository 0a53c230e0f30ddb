"""extract-vmlinux.py BZIMAGE OUT: writes the ELF inside a compressed kernel, which QEMU starts without decompressing it.

The setup header of a bzImage says where the payload is: payload_offset at 0x248, payload_length at 0x24c, both counted
from the end of the setup sectors, whose number (less the boot sector) is the byte at 0x1f1."""
import lzma
import struct
import sys
import zlib

image = open(sys.argv[1], "rb").read()
offset, length = struct.unpack_from("<II", image, 0x248)
start = ((image[0x1F1] or 4) + 1) * 512 + offset
payload = image[start : start + length]
if payload.startswith(b"\xfd7zXZ\0"):
    elf = lzma.LZMADecompressor().decompress(payload)
elif payload.startswith(b"\x1f\x8b"):
    elf = zlib.decompressobj(31).decompress(payload)
else:
    sys.exit(f"{sys.argv[1]}: the payload is neither xz nor gzip (it begins with {payload[:6].hex()})")
open(sys.argv[2], "wb").write(elf)
