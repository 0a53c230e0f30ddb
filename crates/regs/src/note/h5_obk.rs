//! Notes of `vendor-notes/stm32h5-obk.md`.

use super::{Confidence, Note, note};

pub(super) const NOTES: &[Note] = &[
    note(
        "H5-OBK-1",
        Confidence::Verified,
        "An .obk file is three little-endian words (destination, payload size, encryption flag) and the payload; the words are not written to OBK",
        "compare a provisioned part's discovery with the file",
    ),
    note(
        "H5-OBK-2",
        Confidence::Verified,
        "The debug-authentication payload is 0x60 bytes: SHA-256 of the following 64 bytes, credential hash, 16 bytes of permissions, 16 zero bytes",
        "build a file from the sample password and compare byte for byte",
    ),
    note(
        "H5-OBK-3",
        Confidence::Verified,
        "The encryption flag of the debug-authentication file is 0 on H562/H563 and must be 1 on H573/H533; H523 is unknown",
        "compare with ST's file for the part",
    ),
    note(
        "H5-OBK-4",
        Confidence::Verified,
        "OBK is written through the flash registers: unlock flash and OBK, erase the alternate sector, write quad-words with PG and ALT_SECT, swap with SWAP_OFFSET and SWAP_SECT_REQ, lock",
        "write one quad-word into level 3 of a bench part and read discovery",
    ),
    note(
        "H5-OBK-5",
        Confidence::Svd,
        "An OBK access at another hide protection level than the slot's sets OBKERR; reads return FF or 0",
        "read HDPLSR, then write a level 1 slot from level 2",
    ),
    note(
        "H5-OBK-6",
        Confidence::Svd,
        "SWAP_OFFSET counts 16 bytes and must be at least 16, 144 or 192 at level 1, 2 or 3",
        "swap with 15 at level 1",
    ),
    note(
        "H5-OBK-7",
        Confidence::Verified,
        "RSSLIB's table holds DataProvisioning(conf) first; conf is source (in SRAM3), destination, size, DoEncryption, CRC; the result is EAEAEAEA or F5F5F5F5",
        "read the descriptors in OPEN",
    ),
    note(
        "H5-OBK-8",
        Confidence::Guess,
        "The CRC of DataProvisioning is CRC-32 over the data and the four words before it",
        "call the service with candidate CRCs until the answer is not F5F58080",
    ),
    note(
        "H5-OBK-9",
        Confidence::Svd,
        "SBS_RSSCMDR names a command that the ROM runs at the next reset; in OPEN a value that is not zero makes the part boot the ROM's services whatever BOOT0 says",
        "write 1, reset, sample the program counter",
    ),
    note(
        "H5-OBK-10",
        Confidence::Guess,
        "Which way of writing OBK silicon accepts from a debugger, and in which state, is not public",
        "try each in OPEN and in 0x17 on a bench part and read discovery",
    ),
    note(
        "H5-OBK-11",
        Confidence::Verified,
        "ST publishes sample credentials: the password 0123456789012345 (hash 184aa46d…) and for H503 the bytes 00 to 0B (hash fff3a9bc…)",
        "none needed",
    ),
    note(
        "H5-OBK-12",
        Confidence::Verified,
        "An OBK swap cut by a reset shows OPSR code 7 and is repaired like an option change",
        "cut power in a swap and read OPSR",
    ),
    note(
        "H5-OBK-13",
        Confidence::Guess,
        "A debugger cannot read OBK back in PROVISIONING",
        "read 0x0BFD_0100 through AP1 in 0x17",
    ),
    note(
        "H5-OBK-14",
        Confidence::Verified,
        "On crypto parts the payload is stored encrypted (AES-256-CBC with a key of the part)",
        "none from outside",
    ),
    note(
        "H503-1",
        Confidence::Verified,
        "H503 has no OBK: SHA-256 of the password is programmed at OTP 0x08FF_F000 in state 17 and the block is locked; once, for ever",
        "not on a part that is needed",
    ),
];
