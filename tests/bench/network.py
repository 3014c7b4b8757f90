"""The figures of the network: servers in the guest and under Debian's kernel in the same QEMU with the same devices,
in turn, asked from the host through QEMU's user network. Part of tests/bench/bench, which gives what it shares as bench."""
import json, os, re, signal, socket, statistics, struct, subprocess, time

SECONDS = 4  # of one load
ROUNDS = 3


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Server:
    """A machine whose server answers on port of 127.0.0.1 to the bytes hello; None: it is iperf3's."""

    def __init__(self, argv, port, hello):
        self.port, self.hello = port, hello
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        start_new_session=True)

    def __enter__(self):
        for _ in range(600):
            if self.process.poll() is not None:
                raise RuntimeError('the server ended: ' + self.process.stdout.read().decode(errors='replace')[-200:])
            try:
                if not self.hello:
                    iperf(self.port, False, '-n', '1K')
                    return self
                # QEMU takes connections before the guest does: only an answer tells.
                with socket.create_connection(('127.0.0.1', self.port), 1) as s:
                    s.settimeout(1)
                    s.sendall(self.hello)
                    if s.recv(1):
                        return self
            except (OSError, KeyError, RuntimeError, subprocess.TimeoutExpired):
                pass
            time.sleep(0.1)
        raise RuntimeError('the server takes no connections')

    def __exit__(self, *_):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.process.stdout.close()


# ---- loads: each returns something per second ----

def output(argv):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    text = done.stdout.decode(errors='replace')
    if done.returncode:
        raise RuntimeError(f'{argv[0]}: status {done.returncode}: {text[-200:]}')
    return text


def wrk(port, connections):
    text = output(['wrk', '-t', '1', '-c', str(connections), '-d', f'{SECONDS}s', f'http://127.0.0.1:{port}/etc/hostname'])
    if 'Non-2xx' in text or 'Socket errors' in text:
        raise RuntimeError('wrk: ' + ' '.join(re.findall(r'(?:Non-2xx|Socket errors).*', text)))
    return float(re.search(r'Requests/sec: +([0-9.]+)', text).group(1))


def ab(port, connections):
    text = output(['ab', '-q', '-t', str(SECONDS), '-n', '1000000', '-c', str(connections),
                   f'http://127.0.0.1:{port}/etc/hostname'])
    failed = int(re.search(r'Failed requests: +(\d+)', text).group(1))
    if failed:
        raise RuntimeError(f'ab: {failed} failed requests')
    return float(re.search(r'Requests per second: +([0-9.]+)', text).group(1))


def iperf(port, back, *how):
    how = how or ('-t', str(SECONDS))
    command = ['timeout', '20', 'iperf3', '-c', '127.0.0.1', '-p', str(port), '-J', *how, *(['-R'] if back else [])]
    return patiently(lambda: json.loads(output(command))['end']['sum_received']['bits_per_second'] / 8e6)


def patiently(measure):
    """What measure() gives; a connection to Debian's kernel stands still for good at times."""
    for left in 2, 1, 0:
        try:
            return measure()
        except (RuntimeError, KeyError):
            if not left:
                raise


def redis(port, test, pipeline):
    command = ['timeout', '30', 'redis-benchmark', '-p', str(port), '-t', test, '-P', str(pipeline), '-c', '8', '-q',
               '--csv', '-n', str(20000 * (1 if pipeline == 1 else 5))]
    return patiently(lambda: float(re.search(r'^"[^"]*","([0-9.]+)"', output(command), re.M).group(1)))


# name, what serves, (what is measured, load, its arguments, goal)
TESTS = [
    ('serve', [
        ("http.server, keep-alive, 1 connection", wrk, (1,), 1.2),
        ("http.server, keep-alive, 8 connections", wrk, (8,), 1.2),
        ("http.server, a connection a request, 1 at a time", ab, (1,), 1.3),
        ("http.server, a connection a request, 8 at a time", ab, (8,), 1.3)]),
    ('answer', [
        ("C server, keep-alive, 1 connection", wrk, (1,), 2),
        ("C server, keep-alive, 64 connections", wrk, (64,), 2)]),
    ('iperf3', [
        ("bulk TCP into the guest", iperf, (False,), 0.5),
        ("bulk TCP out of the guest", iperf, (True,), 0.5)]),
    ('redis', [
        ("redis SET", redis, ('set', 1), 1.5),
        ("redis GET", redis, ('get', 1), 1.5),
        ("redis SET, pipeline of 16", redis, ('set', 16), 1.5),
        ("redis GET, pipeline of 16", redis, ('get', 16), 1.5)]),
]
GUEST_PORT = {'serve': 8080, 'answer': 8080, 'iperf3': 5201, 'redis': 6379}
HELLO = {'serve': b'GET / HTTP/1.0\r\n\r\n', 'answer': b'GET / HTTP/1.0\r\n\r\n', 'iperf3': None, 'redis': b'PING\r\n'}


def loads(server, tests):
    """Name -> rate of each load on a server that is there."""
    results = {}
    for what, load, arguments, _ in tests:
        results[what] = load(server.port, *arguments)
        time.sleep(0.3)
    return results


def beside_debian(bench, name, tests):
    inside = GUEST_PORT[name]
    debian, ours = [], []
    machine = bench.debian_machine(name, network=True)
    for _ in range(ROUNDS):
        port = free_port()
        netdev = f'user,id=n,hostfwd=tcp:127.0.0.1:{port}-:{inside}'
        with Server([*machine, '-netdev', netdev, '-device', 'virtio-net-pci,netdev=n'], port, HELLO[name]) as server:
            debian.append(loads(server, tests))
        port = free_port()
        with Server(bench.orris(name, '--machine', 'q35', '-p', f'{port}:{inside}'), port, HELLO[name]) as server:
            ours.append(loads(server, tests))
    medians = {}
    for what, _, _, goal in tests:
        mine, theirs = (statistics.median(r[what] for r in rounds) for rounds in (ours, debian))
        medians[what] = mine
        bench.row(f'{what}, over Debian\'s kernel', '', f'>= {goal} x', f'{mine / theirs:.2f} x', mine / theirs >= goal,
                  f'{mine:.0f} over {theirs:.0f} ' + ('MB/s' if name == 'iperf3' else '/s'))
    if name == 'serve':
        one, eight = medians[tests[0][0]], medians[tests[1][0]]
        bench.row('http.server, keep-alive, 8 connections over 1', '0.67 x', '>= 1 x', f'{eight / one:.2f} x', eight >= one)


def kernel_instructions(path):
    return struct.unpack('<16Q', open(path, 'rb').read(128))[1]


def request(port, count, keep):
    """So many requests of one client, one after another."""
    head = b'GET / HTTP/1.1\r\nHost: x\r\n\r\n' if keep else b'GET / HTTP/1.0\r\n\r\n'
    s = None
    for _ in range(count):
        if not s:
            s = socket.create_connection(('127.0.0.1', port))
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.sendall(head)
        got = b''
        while b'\r\n\r\n' not in got or len(got.split(b'\r\n\r\n', 1)[1]) < 100:
            piece = s.recv(4096)
            if not piece:
                raise RuntimeError('the server ended the connection')
            got += piece
        if not keep:
            s.close()
            s = None


def instructions(bench):
    for keep, goal, peer, what in ((True, 9000, '18,000', 'kernel instructions for a request, keep-alive, C server'),
                                   (False, 60000, '193,000', 'kernel instructions for a request with a connection')):
        try:
            out = os.path.join(bench.OUT, 'counts')
            plugin = f'-plugin {bench.OUT}/count.so,out={out},start={bench.kernel_entry(bench.KERNEL):x}'
            port, number = free_port(), 2000
            with Server(bench.orris('answer', '-p', f'{port}:8080', '--qemu-args', plugin), port, HELLO['answer']) as server:
                request(server.port, 50, keep)
                time.sleep(1)
                before = kernel_instructions(out)
                request(server.port, number, keep)
                time.sleep(1)
                each = (kernel_instructions(out) - before) / number
            bench.row(what, peer, f'<= {goal:,}', f'{each:,.0f}', each <= goal)
        except Exception as why:
            bench.failed(what, peer, f'<= {goal:,}', why)


def measure(bench):
    instructions(bench)
    for name, tests in TESTS:
        try:
            beside_debian(bench, name, tests)
        except Exception as why:
            bench.failed(tests[0][0], '', '', why)
