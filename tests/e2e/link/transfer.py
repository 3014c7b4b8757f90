"""Bytes over TCP, both ways, each side with the digest of what it sent and what it got.

    transfer.py serve            one connection after another on port 8080
    transfer.py ask ADDRESS N    sends N bytes and is sent as many; N = 0: only whether it answers
    transfer.py ask ADDRESS free how much memory is free there, in KiB
"""
import hashlib, random, socket, struct, sys

PIECE = 1 << 16
FREE = (1 << 64) - 1


def free_memory():
    for line in open('/proc/meminfo'):
        if line.startswith('MemAvailable:'):
            return int(line.split()[1])
    raise SystemExit('/proc/meminfo has no MemAvailable')


def pieces(total, seed):
    block = random.Random(seed).randbytes(PIECE + 4096)
    while total > 0:
        at = total // PIECE % 4096
        piece = block[at:at + min(total, PIECE)]
        total -= len(piece)
        yield piece


def send(s, total, seed):
    digest = hashlib.sha256()
    for piece in pieces(total, seed):
        s.sendall(piece)
        digest.update(piece)
    return digest.digest()


def receive(s, total):
    digest = hashlib.sha256()
    while total:
        piece = s.recv(min(total, PIECE))
        if not piece:
            raise SystemExit(f'the connection ended {total} bytes too early')
        digest.update(piece)
        total -= len(piece)
    return digest.digest()


def exactly(s, size):
    data = b''
    while len(data) < size:
        piece = s.recv(size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def serve():
    server = socket.create_server(('', 8080), backlog=64)
    print('serving', flush=True)
    while True:
        try:
            s = server.accept()[0]
            s.settimeout(900)
            total, = struct.unpack('>Q', exactly(s, 8))
            if total == FREE:
                s.sendall(struct.pack('>Q', free_memory()))
                exactly(s, 1)
                continue
            got = receive(s, total)
            s.sendall(got)
            s.sendall(send(s, total, 2))
            exactly(s, 1)
        except (OSError, EOFError, SystemExit) as why:
            print(why, flush=True)
        s.close()


def ask(address, total):
    with socket.create_connection((address, 8080), 60) as s:
        s.settimeout(900)
        if total == 'free':
            s.sendall(struct.pack('>Q', FREE))
            print(struct.unpack('>Q', exactly(s, 8))[0])
            s.sendall(b'.')
            return
        total = int(total)
        s.sendall(struct.pack('>Q', total))
        sent = send(s, total, 1)
        if exactly(s, 32) != sent:
            raise SystemExit('what arrived at the machine is not what was sent')
        got = receive(s, total)
        if exactly(s, 32) != got:
            raise SystemExit('what arrived from the machine is not what it sent')
        s.sendall(b'.')
    print(f'{total} bytes both ways')


if sys.argv[1] == 'serve':
    serve()
else:
    ask(sys.argv[2], sys.argv[3])
