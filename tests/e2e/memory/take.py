"""Takes a number of MiB, then one kind of thing until it is refused; then loads code it has not used."""
import mmap
import os
import resource
import socket
import sys
import threading

kind = sys.argv[1]
kept = [bytearray(b"x" * (int(sys.argv[2]) << 20))] if len(sys.argv) > 2 else []
resource.setrlimit(resource.RLIMIT_NOFILE, (1 << 20, 1 << 20))


def take(count):
    if kind == "names":
        os.close(os.open(f"/tmp/{count}", os.O_CREAT | os.O_RDWR))
    elif kind == "data":
        with open(f"/tmp/{count}", "wb") as file:
            file.write(b"x" * 100000)
    elif kind == "threads":
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    elif kind == "areas":
        kept.append(mmap.mmap(-1, 4096, prot=(mmap.PROT_READ, mmap.PROT_WRITE)[count % 2]))
    elif kind == "pipes":
        _, write = os.pipe()
        fill(write, os.write)
    elif kind == "sockets":
        kept.append(socket.socketpair())
        fill(kept[-1][0].fileno(), os.write)


def fill(descriptor, write):
    os.set_blocking(descriptor, False)
    try:
        while True:
            write(descriptor, b"x" * 10000)
    except BlockingIOError:
        pass


count = 0
try:
    while True:
        take(count)
        count += 1
except (OSError, RuntimeError) as error:
    print("END", count, error)
if kind == "areas":
    del kept[-500:]  # their number is limited, and loading code takes some, too
import csv, decimal, json, textwrap  # noqa: E401, E402, F401

print("ALIVE", json.loads(str(round(decimal.Decimal(2).sqrt(), 9))))
sys.stdout.flush()
os._exit(0)
