"""Advertises 2001:db8:77::/64 on DEVICE and itself as the way out, twice a second: router.py DEVICE."""
import socket, struct, sys, time

s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, sys.argv[1].encode())
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
hardware = bytes.fromhex(open(f'/sys/class/net/{sys.argv[1]}/address').read().strip().replace(':', ''))
prefix = socket.inet_pton(socket.AF_INET6, '2001:db8:77::')
advertisement = struct.pack('>BBHBBHII', 134, 0, 0, 64, 0, 1800, 0, 0) + bytes([1, 1]) + hardware + \
    struct.pack('>BBBBIII', 3, 4, 64, 0xc0, 7200, 3600, 0) + prefix
print('ready', flush=True)
while True:
    s.sendto(advertisement, ('ff02::1', 0, 0, socket.if_nametoindex(sys.argv[1])))
    time.sleep(0.5)
