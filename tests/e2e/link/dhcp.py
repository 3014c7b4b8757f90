"""A DHCP server: dhcp.py DEVICE SERVER ADDRESS NAMESERVER. Prints a line per message."""
import socket, struct, sys

device, server, address, resolver = sys.argv[1], *(socket.inet_aton(a) for a in sys.argv[2:5])
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
    print('message', kind, 'asks for', sorted(options.get(55, b'')), flush=True)
    if kind not in ANSWERS:
        continue
    reply = bytes([2, 1, 6, 0]) + data[4:8] + struct.pack('>HH', 0, 0x8000) + bytes(4) + address + server + bytes(4) + \
        data[28:44] + bytes(192) + MAGIC + bytes([53, 1, ANSWERS[kind], 54, 4]) + server + \
        bytes([51, 4]) + struct.pack('>I', 3600) + bytes([1, 4, 255, 255, 255, 0, 3, 4]) + server + \
        bytes([6, 4]) + resolver + bytes([255])
    s.sendto(reply, ('255.255.255.255', 68))
