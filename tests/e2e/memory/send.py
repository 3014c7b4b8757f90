"""Opens connections to a port of this host and sends as much as each takes, until none takes more."""
import socket
import sys
import time

address = ("127.0.0.1", int(sys.argv[1]))
sent, connections = 0, []
deadline = time.monotonic() + 8
while len(connections) < 300 and time.monotonic() < deadline:
    try:
        connections.append(socket.create_connection(address, timeout=5))
        connections[-1].setblocking(False)
    except OSError:
        time.sleep(0.1)
while time.monotonic() < deadline:
    before = sent
    for connection in connections:
        try:
            sent += connection.send(b"x" * 262144)
        except OSError:
            pass
    if sent == before:
        time.sleep(0.05)
print(sent >> 20, "MiB")
time.sleep(4)
