"""Clients that a server has to bear. abuse.py ADDRESS WHAT N prints counts; the status is 0 if all went well.

    free 1       the machine's free memory, in KiB
    idle N       N connections open at once, of which each hundredth is then used
    short N      N connections with a request each, one after another
    slow N       N clients that send a byte at a time, all at once
    reset N      N connections that are reset in the middle of a request, or of the answer
    unread N     N clients that ask for a megabyte and never read it, while another one is served
"""
import resource, socket, struct, sys, time

ADDRESS, WHAT, N = sys.argv[1], sys.argv[2], int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_NOFILE, 2 * resource.getrlimit(resource.RLIMIT_NOFILE)[1:])


def connect():
    s = socket.create_connection((ADDRESS, 8080), 60)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def body(s):
    got = b''
    while b'\r\n\r\n' not in got:
        piece = s.recv(65536)
        if not piece:
            raise EOFError('the connection ended')
        got += piece
    head, rest = got.split(b'\r\n\r\n', 1)
    size = int(head.split(b'Content-Length: ')[1].split(b'\r\n')[0])
    while len(rest) < size:
        piece = s.recv(65536)
        if not piece:
            raise EOFError('the connection ended')
        rest += piece
    return rest


def ask(s, path='/'):
    s.sendall(f'GET {path} HTTP/1.1\r\n\r\n'.encode())
    return body(s)


def free():
    with connect() as s:
        print(int(ask(s, '/free')))
    return 0


def idle():
    sockets = [connect() for _ in range(N)]
    used = [ask(s) for s in sockets[::100]]
    for s in sockets:
        s.close()
    print(f'{len(sockets)} open, {len(used)} used')
    return used.count(b'hello\n') != len(used)


def short():
    good = 0
    for _ in range(N):
        with connect() as s:
            good += ask(s) == b'hello\n'
    print(f'{good} of {N} answered')
    return good != N


def slow():
    sockets = [connect() for _ in range(N)]
    for byte in b'GET / HTTP/1.1\r\n\r\n':
        for s in sockets:
            s.sendall(bytes([byte]))
        time.sleep(0.02)
    good = sum(body(s) == b'hello\n' for s in sockets)
    print(f'{good} of {N} answered')
    return good != N


def reset():
    for i in range(N):
        s = connect()
        s.sendall(b'GET /lar' if i % 2 else b'GET /large HTTP/1.1\r\n\r\n')
        if i % 4 == 0:
            s.recv(1000)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        s.close()
    with connect() as s:
        good = ask(s) == b'hello\n'
    print(f'{N} reset')
    return not good


def unread():
    sockets = [connect() for _ in range(N)]
    for s in sockets:
        s.sendall(b'GET /large HTTP/1.1\r\n\r\n')
    with connect() as s:
        good = sum(ask(s) == b'hello\n' for _ in range(100)) + (len(ask(s, '/large')) == 1 << 20)
    for s in sockets:
        s.close()
    print(f'{N} that do not read, another served {good} of 101 times')
    return good != 101


sys.exit({'free': free, 'idle': idle, 'short': short, 'slow': slow, 'reset': reset, 'unread': unread}[WHAT]())
