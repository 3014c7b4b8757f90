"""A DHCP server: dhcp.py DEVICE SERVER ADDRESS NAMESERVER [LEASE]. LEASE: seconds. Prints a line per message."""
import socket, struct, sys

device, server, address, resolver = sys.argv[1], *(socket.inet_aton(a) for a in sys.argv[2:5])
lease = int(sys.argv[5]) if len(sys.argv) > 5 else 3600
MAGIC = b'\x63\x82\x53\x63'
ANSWERS = {1: 2, 3: 5}  # DISCOVER: OFFER, REQUEST: ACK
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
s.bind(('', 67))
print('ready', flush=True)
while True:
    data = s.recv(2000)
    if len(data) < 240 or data[236:240] != MAGIC:
        continue
    options, at = {}, 240
    while at + 1 < len(data) and data[at] != 255:
        options[data[at]] = data[at + 2:at + 2 + data[at + 1]]
        at += 2 + data[at + 1]
    kind = options[53][0]
    print('message', kind, 'from', socket.inet_ntoa(data[12:16]), 'asks for', sorted(options.get(55, b'')), flush=True)
    if kind not in ANSWERS:
        continue
    reply = bytes([2, 1, 6, 0]) + data[4:8] + struct.pack('>HH', 0, 0x8000) + bytes(4) + address + server + bytes(4) + \
        data[28:44] + bytes(192) + MAGIC + bytes([53, 1, ANSWERS[kind], 54, 4]) + server + \
        bytes([51, 4]) + struct.pack('>I', lease) + bytes([1, 4, 255, 255, 255, 0, 3, 4]) + server + \
        bytes([6, 4]) + resolver + bytes([255])
    # Who has its address already is answered there.
    s.sendto(reply, ('255.255.255.255' if data[12:16] == bytes(4) else socket.inet_ntoa(data[12:16]), 68))
