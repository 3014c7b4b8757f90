"""Clients that a server on port 8080 has to bear. abuse.py ADDRESS WHAT N [PATH LARGE] prints counts; the status is 0 if
all went well. PATH and LARGE: what is asked for, else / and /large; their answers must stay what they are at first.

    free 1       the machine's free memory, in KiB
    idle N       N connections open at once, of which each hundredth is then used
    short N      N connections with a request each, one after another
    slow N       N clients that send a byte each ABUSE_PACE seconds (1), all at once, while others are served
    reset N      N connections that are reset in the middle of a request, or of the answer
    unread N     N clients that ask for a megabyte or more and never read it, while another one is served
    restart N    N times the server gives up its port and takes it again, with connections open and others just closed
"""
import os, resource, socket, struct, sys, time

ADDRESS, WHAT, N = sys.argv[1], sys.argv[2], int(sys.argv[3])
PATH, LARGE = sys.argv[4:6] or ('/', '/large')
REQUEST = 'GET {} HTTP/1.1\r\nHost: abuse\r\n\r\n'
MEGABYTE = 1 << 20
PACE = float(os.environ.get('ABUSE_PACE', 1))
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


def ask(s, path=PATH):
    s.sendall(REQUEST.format(path).encode())
    return body(s)


def right_answer(path=PATH):
    with connect() as s:
        answer = ask(s, path)
    if not answer:
        raise SystemExit(f'{path} is empty')
    return answer


def free():
    with connect() as s:
        print(int(ask(s, '/free')))
    return 0


def idle():
    right = right_answer()
    sockets = [connect() for _ in range(N)]
    used = [ask(s) for s in sockets[::100]]
    for s in sockets:
        s.close()
    print(f'{len(sockets)} open, {len(used)} used')
    return used.count(right) != len(used)


def short():
    good, right = 0, right_answer()
    for _ in range(N):
        with connect() as s:
            good += ask(s) == right
    print(f'{good} of {N} answered')
    return good != N


def slow():
    right, others, served = right_answer(), 0, 0
    sockets = [connect() for _ in range(N)]
    began = time.monotonic()
    request = REQUEST.format(PATH).replace('Host: abuse', 'Host: a').encode()
    for due, byte in enumerate(request):
        while time.monotonic() < began + due * PACE:
            with connect() as s:
                served += ask(s) == right
            others += 1
            time.sleep(0.02)
        for s in sockets:
            s.sendall(bytes([byte]))
    good = sum(body(s) == right for s in sockets)
    print(f'{good} of {N} answered, {len(request)} bytes at a byte each {PACE:g} s; of {others} others meanwhile {served}')
    return good != N or not others or served != others


def reset():
    right, request = right_answer(), REQUEST.format(LARGE).encode()
    for i in range(N):
        s = connect()
        s.sendall(request[:8] if i % 2 else request)
        if i % 4 == 0:
            s.recv(1000)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        s.close()
    with connect() as s:
        good = ask(s) == right
    print(f'{N} reset')
    return not good


def unread():
    right, large = right_answer(), right_answer(LARGE)
    sockets = [connect() for _ in range(N)]
    for s in sockets:
        s.setblocking(False)
        try:
            s.sendall(REQUEST.format(LARGE).encode() * (1 + MEGABYTE // len(large)))
        except BlockingIOError:
            pass  # it takes no further request before its answers are read
    with connect() as s:
        good = sum(ask(s) == right for _ in range(100)) + (ask(s, LARGE) == large)
    for s in sockets:
        s.close()
    print(f'{N} that do not read, another served {good} of 101 times')
    return good != 101


def restart():
    good = 0
    kept = connect()
    for _ in range(N):
        with connect() as s:
            closed = ask(s, '/close') == b'hello\n' and s.recv(1) == b''  # it waits in the server's TIME-WAIT
        with connect() as s:
            restarted = ask(s, '/restart') == b'listening again\n'
        with connect() as s:
            good += closed and restarted and ask(s) == b'hello\n' and ask(kept) == b'hello\n'
    print(f'{good} of {N} restarts: new connections and old ones are served')
    return good != N


sys.exit({'free': free, 'idle': idle, 'short': short, 'slow': slow, 'reset': reset, 'unread': unread,
          'restart': restart}[WHAT]())
