# What `orris run --gdb` gives to gdb, behind lines that set KERNEL, IMAGE, ORRIS, FOLDER and TARGET.
#
# The kernel chooses its base at random before anything could be told, so its start-up code is
# stopped where it still runs one to one mapped, and the slide read there. The kernel itself then
# calls vm_mapping_told() for all code that is mapped; what that is called with names file and place.
import os, struct, subprocess, time

import gdb

PAGE_MASK = ~4095
loaded = {}  # path in the machine -> load bias


def execute(command):
    return gdb.execute(command, to_string=True)


def connect():
    deadline = time.monotonic() + 20
    while True:
        try:
            return execute('target remote ' + TARGET)
        except gdb.error:  # QEMU is still starting
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def address_of(symbol):
    return int(gdb.parse_and_eval('(unsigned long)&' + symbol))


def read_word(address):
    return struct.unpack('<Q', bytes(gdb.selected_inferior().read_memory(address, 8)))[0]


def run_to(address):
    point = gdb.Breakpoint(f'*{address:#x}', type=gdb.BP_HARDWARE_BREAKPOINT, internal=True)
    point.silent = True
    execute('continue')
    point.delete()


def load_kernel():
    """Symbols at the addresses of the file, then, with the slide read, at the right ones."""
    execute(f"symbol-file '{KERNEL}'")
    at, slide = address_of('boot_jump'), address_of('kernel_slide')
    run_to(at)
    slide = read_word(slide)
    execute('symbol-file')
    execute(f"add-symbol-file -readnow '{KERNEL}' -o {slide:#x}")  # or what is inlined has no places


def extract(path):
    """The image's file of that name, on the host."""
    out = os.path.join(FOLDER, path.strip('/').replace('/', '!'))
    if not os.path.exists(out):
        with open(out, 'wb') as f:
            subprocess.run([ORRIS, 'image', 'cat', IMAGE, path], stdout=f, stderr=subprocess.DEVNULL, check=True)
    return out


def load_bias(path, start, offset):
    """What its addresses are moved by, from the segment that begins at offset; None if it is no ELF file."""
    with open(path, 'rb') as f:
        head = f.read(64)
        if head[:4] != b'\x7fELF':
            return None
        f.seek(struct.unpack_from('<Q', head, 32)[0])
        size, count = struct.unpack_from('<HH', head, 54)
        for _ in range(count):
            kind, _, at, address = struct.unpack_from('<IIQQ', f.read(size))
            if kind == 1 and at & PAGE_MASK == offset:
                return start - (address & PAGE_MASK)
    return None


def load_file(path, start, offset):
    try:
        file = extract(path)
        bias = load_bias(file, start, offset)
    except (OSError, subprocess.CalledProcessError, struct.error):
        return
    if bias is not None and loaded.get(path) != bias:
        loaded[path] = bias
        execute(f"add-symbol-file '{file}' -o {bias:#x}")


class Mapped(gdb.Breakpoint):
    """vm_mapping_told(): three numbers, then a path."""

    def __init__(self):
        super().__init__(f"*{address_of('vm_mapping_told'):#x}", internal=True)
        self.silent = True

    def stop(self):
        at, size = (int(gdb.parse_and_eval(r)) & (1 << 64) - 1 for r in ('$rdi', '$rsi'))
        data = bytes(gdb.selected_inferior().read_memory(at, size))
        path = data[24:].decode(errors='surrogateescape')
        if path.startswith('/'):
            start, _, offset = struct.unpack_from('<QQQ', data)
            load_file(path, start, offset)
        return False


def begin():
    for setting in ('pagination off', 'confirm off', 'architecture i386:x86-64', 'breakpoint pending on',
                    'python print-stack message'):
        execute('set ' + setting)
    connect()
    load_kernel()
    Mapped()
    run_to(address_of('arch_leave_to_user'))
    entry = int(gdb.parse_and_eval('((struct user_regs *)$rdi)->rip'))
    run_to(entry)
    execute('set confirm on')
    print(f"orris: at the program's first instruction, {entry:#x}. Symbols are there of the kernel and of "
          + ', '.join(loaded) + '; other libraries\' come when they are mapped.')


begin()
