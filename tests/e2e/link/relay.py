"""A wire that loses, doubles, reorders and invents frames, by seed, between a machine on the tap device NAME and this
host's network as tap device "wire".

    relay.py NAME SEED LOSS DOUBLE REORDER [INVENT]

LOSS, DOUBLE, REORDER: per cent of the frames, each way. INVENT: so many frames that nobody should send go to the machine.
Prints "ready"; at SIGTERM one line of counts. The machine's address is 10.79.0.5, this host's 10.79.0.1.
"""
import fcntl, os, random, select, signal, socket, struct, subprocess, sys

TUNSETIFF, IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x400454ca, 2, 0x1000, 0x4000
SOL_PACKET, PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING, ETH_P_ALL = 263, 15, 23, 3
VNET_BYTES = 10  # struct virtio_net_hdr before each frame: checksums may still be to be made
asked = []  # by what the machine's lease client knows its answers
HERE, THERE = socket.inet_aton('10.79.0.1'), socket.inet_aton('10.79.0.5')


def open_wire():
    fd = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack('16sH22x', b'wire', IFF_TAP | IFF_NO_PI | IFF_VNET_HDR))
    for command in ('ip addr add 10.79.0.1/24 dev wire', 'ip link set wire up'):
        subprocess.run(command.split(), check=True)
    return fd


def open_tap(name):
    subprocess.run(['ip', 'link', 'set', name, 'up'], check=True)
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    s.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    s.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    s.bind((name, ETH_P_ALL))
    s.setblocking(False)
    return s


class Wire:
    """One direction."""

    def __init__(self, rng, rates, send):
        self.rng, self.rates, self.send, self.late = rng, rates, send, []
        self.counts = dict.fromkeys(('passed', 'lost', 'doubled', 'late'), 0)

    def deliver(self, frame):
        try:
            self.send(frame)
        except (BlockingIOError, OSError):  # full: lost as on a real wire
            self.counts['lost'] += 1

    def frame(self, frame):
        loss, double, reorder = self.rates
        at = self.rng.random() * 100
        if at < loss:
            self.counts['lost'] += 1
            return
        if at < loss + reorder:
            self.counts['late'] += 1
            self.late.append((self.rng.randrange(1, 6), frame))
            return
        self.counts['passed'] += 1
        self.deliver(frame)
        if at < loss + reorder + double:
            self.counts['doubled'] += 1
            self.deliver(frame)
        if self.late:
            due = [f for n, f in self.late if n <= 1]
            self.late = [(n - 1, f) for n, f in self.late if n > 1]
            for f in due:
                self.deliver(f)

    def idle(self):
        for _, f in self.late:
            self.deliver(f)
        self.late = []


# ---- frames that nobody should send ----

def checksum(data):
    if len(data) % 2:
        data += b'\0'
    words = sum(struct.unpack(f'>{len(data) // 2}H', data))
    words = (words >> 16) + (words & 0xffff)
    return ~(words + (words >> 16)) & 0xffff


def mend(rng, protocol, source, to, payload):
    """Half of the payloads get a right checksum, so that more than that is looked at."""
    at = {6: 16, 17: 6, 1: 2, 58: 2}.get(protocol)
    if at is None or len(payload) < at + 2 or rng.random() < 0.5:
        return payload
    pseudo = b'' if protocol == 1 else source + to + struct.pack('>II', len(payload), protocol)
    payload = payload[:at] + bytes(2) + payload[at + 2:]
    return payload[:at] + struct.pack('>H', checksum(pseudo + payload)) + payload[at + 2:]


def ipv4(rng, protocol, payload, source=HERE, to=THERE):
    payload = mend(rng, protocol, source, to, payload)
    total = rng.choice((20 + len(payload),) * 6 + (rng.randrange(65536), 0, 19))
    first = rng.choice((0x45,) * 8 + (0x46, 0x4f, 0x44, 0x40, 0x65))
    fragment = rng.choice((0,) * 6 + (0x2000, 0x2001, rng.randrange(65536)))
    head = struct.pack('>BBHHHBBH4s4s', first, rng.randrange(256), total, rng.randrange(65536), fragment,
                       rng.choice((64, 0, 255)), protocol, 0, source, to)
    return head[:10] + struct.pack('>H', checksum(head)) + head[12:] + payload


def tcp(rng):
    return struct.pack('>HHIIBBHHH', rng.randrange(65536), rng.choice((8080, 8080, rng.randrange(65536))),
                       rng.getrandbits(32), rng.getrandbits(32), rng.choice((0x50, 0x60, 0xf0, 0x40, 0)),
                       rng.randrange(256), rng.randrange(65536), rng.randrange(65536), rng.randrange(65536)) + \
        rng.randbytes(rng.choice((0, 4, 40, 1400)))


def udp(rng, source, to):
    payload = rng.randbytes(rng.choice((0, 8, 240, 1200)))
    return struct.pack('>HHHH', source, to, rng.choice((8 + len(payload), 0, 7, 65535)), rng.choice((0, 1))) + payload


def lease(rng):
    """To the machine's lease client, half of them as if in answer to what it asked last. No offer, acknowledgment or refusal:
    a client believes those."""
    kind = rng.choice((0, 1, 3, 4, 7, 8, rng.randrange(9, 256)))
    options = b''.join(bytes([rng.choice((1, 3, 6, 51, 54, 58, 59, 52, rng.randrange(256))), rng.choice((4, 4, 4, 0, 255))]) +
                       rng.randbytes(4) for _ in range(rng.randrange(20)))
    number = asked[-1] if asked and rng.random() < 0.5 else rng.randbytes(4)
    body = bytes([rng.choice((2, 2, 1)), 1, rng.choice((6, 6, 16)), 0]) + number + rng.randbytes(20) + bytes(208) + \
        b'\x63\x82\x53\x63' + bytes([53, 1, kind]) + options + b'\xff'
    return struct.pack('>HHHH', 67, 68, rng.choice((8 + len(body), 8 + len(body), 40)), 0) + body


def name_answer(rng):
    body = rng.randbytes(2) + b'\x81\x80' + struct.pack('>HHHH', 1, rng.randrange(3), 0, 0) + b'\3www\7example\0\0\1\0\1' + \
        rng.choice((b'\xc0\x0c', b'\xc0\xff', b'\x3f')) + rng.randbytes(14)
    return struct.pack('>HHHH', 53, rng.randrange(65536), 8 + len(body), 0) + body


def icmp(rng):
    kind = rng.choice((0, 3, 4, 5, 8, 11, 12, 13, rng.randrange(256)))
    return bytes([kind, rng.randrange(16)]) + rng.randbytes(6) + ipv4(rng, rng.choice((6, 17, 1)), rng.randbytes(8), THERE, HERE)


def ipv6(rng):
    payload = rng.choice((lambda: rng.randbytes(rng.randrange(64)), lambda: bytes([rng.choice((133, 134, 135, 136, 137, 128, 1, 2))])
                          + rng.randbytes(rng.choice((3, 7, 23, 40)))))()
    to = rng.choice((bytes.fromhex('ff02' + 26 * '0' + '01'), bytes.fromhex('fe80') + rng.randbytes(14)))
    source = bytes.fromhex('fe80') + rng.randbytes(14)
    protocol = rng.choice((58, 58, 6, 17, 0, 43, 44, 60, rng.randrange(256)))
    return struct.pack('>IHBB', 0x60000000 | rng.getrandbits(20), rng.choice((len(payload), rng.randrange(65536))),
                       protocol, rng.choice((255, 64))) + source + to + mend(rng, protocol, source, to, payload)


def arp(rng):
    return struct.pack('>HHBBH', rng.choice((1, rng.randrange(65536))), rng.choice((0x800, rng.randrange(65536))),
                       rng.choice((6, 0, 255)), rng.choice((4, 0, 255)), rng.choice((1, 2, rng.randrange(65536)))) + \
        rng.randbytes(6) + rng.choice((THERE, b'\x0a\x4f\x00' + bytes([rng.randrange(6, 256)]))) + rng.randbytes(6) + THERE


def invent(rng, hardware):
    kind, payload = rng.choice((
        (0x800, lambda: ipv4(rng, 6, tcp(rng))), (0x800, lambda: ipv4(rng, 17, udp(rng, 67, 68))),
        (0x800, lambda: ipv4(rng, 17, lease(rng))), (0x800, lambda: ipv4(rng, 17, name_answer(rng))),
        (0x800, lambda: ipv4(rng, 17, udp(rng, 53, rng.randrange(65536)))), (0x800, lambda: ipv4(rng, 1, icmp(rng))),
        (0x800, lambda: ipv4(rng, rng.randrange(256), rng.randbytes(40))), (0x806, lambda: arp(rng)),
        (0x86dd, lambda: ipv6(rng)), (rng.randrange(65536), lambda: rng.randbytes(rng.randrange(1400)))))
    to = rng.choice((hardware, hardware, hardware, b'\xff' * 6, rng.randbytes(6)))
    frame = bytearray(to + bytes.fromhex('0250') + rng.randbytes(4) + struct.pack('>H', kind) + payload())
    for _ in range(rng.choice((0, 0, 1, 3))):
        frame[rng.randrange(len(frame))] = rng.randrange(256)
    if rng.random() < 0.1:
        del frame[rng.randrange(14, len(frame) + 1):]
    return bytes(VNET_BYTES) + bytes(frame[:1514])


def main():
    name, seed = sys.argv[1], int(sys.argv[2])
    rates, wanted = [float(v) for v in sys.argv[3:6]], int(sys.argv[6]) if len(sys.argv) > 6 else 0
    rng = random.Random(seed)
    wire, tap = open_wire(), open_tap(name)
    ends = []
    signal.signal(signal.SIGTERM, lambda *_: ends.append(1))
    to_machine = Wire(random.Random(seed + 1), rates, tap.send)
    to_host = Wire(random.Random(seed + 2), rates, lambda frame: os.write(wire, frame))
    hardware, invented, began = None, 0, False
    print('ready', flush=True)
    while not ends:
        # Frames are invented once the machine has spoken: its address is known then.
        inventing = hardware is not None and invented < wanted
        ready = select.select([wire, tap], [], [], 0 if inventing else 0.02)[0]
        if not ready and not inventing:
            to_machine.idle()
            to_host.idle()
        for source in ready:
            try:
                for _ in range(64):
                    if source is tap:
                        frame = tap.recv(70000)
                        hardware = frame[VNET_BYTES + 6:VNET_BYTES + 12]
                        if frame[VNET_BYTES + 34:VNET_BYTES + 38] == b'\0\x44\0\x43':
                            asked[:] = [frame[VNET_BYTES + 46:VNET_BYTES + 50]]
                        to_host.frame(frame)
                    else:
                        to_machine.frame(os.read(wire, 70000))
            except BlockingIOError:
                pass
        for _ in range(100 if inventing else 0):
            try:
                tap.send(invent(rng, hardware))
            except (BlockingIOError, OSError):
                break
            invented += 1
            if invented == wanted:
                print('invented', invented, flush=True)
    print(*(f'{way}: ' + ', '.join(f'{n} {what}' for what, n in w.counts.items()) + ';'
            for way, w in (('to the machine', to_machine), ('from it', to_host))), f'{invented} invented', flush=True)


main()
