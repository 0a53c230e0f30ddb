"""gdb.py PORT: speaks GDB's remote protocol with a server on this machine, so that one script drives the core through any tool.

Each line of standard input is a packet, or `monitor TEXT`; each is printed with its answer. Packets that let the core run are
answered when it stops."""
import socket
import sys
import time

port = int(sys.argv[1])
for _ in range(600):
    try:
        server = socket.create_connection(("127.0.0.1", port))
        break
    except ConnectionRefusedError:
        time.sleep(0.1)
else:
    sys.exit(f"nobody listens on port {port}")
server.settimeout(60)
stream = server.makefile("rb")


def send(packet):
    data = packet.encode()
    server.sendall(b"$%s#%02x" % (data, sum(data) & 0xFF))


def byte():
    """The next byte; the server has not gone."""
    return stream.read(1) or sys.exit("the server closed the connection")


def answer():
    """The next packet, acknowledged. `c*n` stands for c and then as many more as n says."""
    while byte() != b"$":
        pass
    data = b""
    while (new := byte()) != b"#":
        data += data[-1:] * (byte()[0] - 29) if new == b"*" else new
    stream.read(2)
    server.sendall(b"+")
    return data.decode("latin1")


send("qSupported:swbreak+;hwbreak+;vContSupported+")
answer()
for line in sys.stdin:
    line = line.strip()
    monitor = line.startswith("monitor ")
    send("qRcmd," + line[8:].encode().hex() if monitor else line)
    said = answer()
    # What a monitor command prints comes as packets of its own, before OK.
    while monitor and said.startswith("O") and said != "OK":
        print("  ", bytes.fromhex(said[1:]).decode().strip())
        said = answer()
    print(line, "->", said, flush=True)
