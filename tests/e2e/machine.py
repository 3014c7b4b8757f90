"""Looks into a running machine from outside, through QEMU's monitor and gdb stub.

machine.py mappings SOCKET: what a kernel must not have, one line each; nothing if all is well.
machine.py base SOCKET: where the kernel and its direct map lie, as far as their random bits go.
machine.py jump SOCKET ADDRESS: sets the instruction pointer of a CPU that is in the kernel."""
import re
import socket
import sys
import time

UPPER_HALF = 1 << 63
STACK_RANGE = range(0xFFFFC90000000000, 0xFFFFCA0000000000)
CR0_WP, EFER_NXE = 1 << 16, 1 << 11
CR4 = {"UMIP": 1 << 11, "SMEP": 1 << 20, "SMAP": 1 << 21}


def connect(path):
    end = time.monotonic() + 60
    while True:
        try:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(60)
            connection.connect(path)
            return connection
        except (FileNotFoundError, ConnectionRefusedError):
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


class Monitor:
    def __init__(self, path):
        self.connection = connect(path)
        self.answer()

    def answer(self):
        got = b""
        while not got.endswith(b"(qemu) "):
            got += self.connection.recv(1 << 16)
        return got.decode()

    def ask(self, command):
        self.connection.sendall(command.encode() + b"\n")
        return self.answer()


def registers(monitor):
    text = monitor.ask("info registers")
    found = dict(re.findall(r"\b(RIP|RSP|CR0|CR4|EFER|CPL|HLT)=\s*([0-9a-f]+)", text))
    found["TR"] = re.search(r"^TR =\w+ (\w+)", text, re.M).group(1)
    return {name: int(value, 16) for name, value in found.items()}


def idle_registers(monitor):
    """Those of a CPU that waits in the kernel, for the machine has nothing to do."""
    for _ in range(600):
        found = registers(monitor)
        if found["HLT"] and found["CPL"] == 0:
            return found
        time.sleep(0.1)
    sys.exit("the machine is never idle")


def base(path):
    monitor = Monitor(path)
    code = idle_registers(monitor)["RIP"] >> 21  # bases are multiples of 2 MiB and of 1 GiB
    pages = re.findall(r"^(\w{16}): ", monitor.ask("info tlb"), re.M)
    direct = min(at for at in (int(page, 16) for page in pages) if at >= UPPER_HALF) >> 30
    print("%x %x" % (code, direct))


def mappings(path):
    monitor = Monitor(path)
    r = idle_registers(monitor)
    if not r["CR0"] & CR0_WP:
        print("CR0.WP is off")
    if not r["EFER"] & EFER_NXE:
        print("EFER.NXE is off")
    for name, bit in CR4.items():
        if not r["CR4"] & bit:
            print("CR4." + name, "is off")

    pages = re.findall(r"^(\w{16}): \w{16} (\S+)\s*$", monitor.ask("info tlb"), re.M)
    upper = [(int(at, 16), flags) for at, flags in pages if int(at, 16) >= UPPER_HALF]
    if not any(flags[0] != "X" for _, flags in upper):
        print("no kernel text was found")  # what follows would prove nothing
    for at, flags in upper:
        if flags.endswith("W") and flags[0] != "X":
            print("writable and executable: %#x %s" % (at, flags))
        if "U" in flags:
            print("the program's in the upper half: %#x %s" % (at, flags))
    for at, flags in pages:
        if int(at, 16) < UPPER_HALF and "U" not in flags:
            print("the kernel's in the lower half: 0x%s %s" % (at, flags))

    ranges = re.findall(r"^(\w{16})-(\w{16}) \w{16} (\S+)\s*$", monitor.ask("info mem"), re.M)
    ranges = [(int(start, 16), int(end, 16), how) for start, end, how in ranges]
    stacks = [(start, end) for start, end, _ in ranges if start in STACK_RANGE]
    if len(stacks) < 2:
        print("no threads' stacks were found")
    for start, end in stacks:
        if end - start != 16384:
            print("stacks without a guard between them: %#x-%#x" % (start, end))
    for start, end, _ in ranges:
        if start <= r["RSP"] < end and r["RSP"] - start > 32768:
            print("no guard below the stack at %#x" % r["RSP"])


class Gdb:
    def __init__(self, path):
        self.connection = connect(path)
        self.got = b""

    def send(self, packet):
        check = sum(packet.encode()) & 255
        self.connection.sendall(b"$%s#%02x" % (packet.encode(), check))

    def packet(self):
        while not (found := re.search(rb"\$([^#]*)#..", self.got)):
            got = self.connection.recv(4096)
            if not got:
                sys.exit("the machine is gone")
            self.got += got
        self.got = self.got[found.end() :]
        self.connection.sendall(b"+")
        return found.group(1).decode()

    def ask(self, request):
        """The answer; what tells only that the machine stands is passed over."""
        self.send(request)
        while (answer := self.packet())[:1] in ("T", "S"):
            pass
        return answer

    def interrupt(self):
        self.connection.sendall(b"\x03")
        while self.packet()[:1] not in ("T", "S"):
            pass


def jump(path, address):
    gdb = Gdb(path)
    gdb.interrupt()
    for _ in range(200):  # until it stands in the kernel: RIP is register 16
        state = bytearray.fromhex(gdb.ask("g"))
        if int.from_bytes(state[128:136], "little") >= UPPER_HALF:
            break
        gdb.send("c")
        time.sleep(0.02)
        gdb.interrupt()
    else:
        sys.exit("the machine is never in its kernel")
    state[128:136] = int(address, 0).to_bytes(8, "little")
    print(gdb.ask("G" + state.hex()))
    gdb.send("c")
    time.sleep(0.5)


if sys.argv[1] == "mappings":
    mappings(sys.argv[2])
elif sys.argv[1] == "base":
    base(sys.argv[2])
else:
    jump(sys.argv[2], sys.argv[3])
