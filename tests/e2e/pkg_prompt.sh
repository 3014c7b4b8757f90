#!/bin/sh
# A package without arguments on a terminal: Python's prompt, with line editing.
. "$(dirname "$0")/tap.sh"
needs python pty archive

cat > terminal.py <<'P'
"""Plays the person at a terminal of 100 columns: each step types, then waits for the prompt."""
import fcntl, os, pty, select, struct, sys, termios, time

def read_until(fd, end, seconds=60):
    text = b""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit and not text.endswith(end):
        if not select.select([fd], [], [], 0.2)[0]:
            continue
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        text += data
    return text.decode(errors="replace").replace("\r", "")

child, fd = pty.fork()
if child == 0:
    time.sleep(0.2)
    os.execvp(sys.argv[1], sys.argv[1:])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
print("start:", read_until(fd, b">>> "))
for name, keys in (("plain", b"6*7\r"), ("edited", b"13+\x1b[D\x1b[D\x7f4\x1b[C\x1b[C2\r"),
                   ("recalled", b"\x1b[A\x1b[A\r"),
                   ("size", b"import os; os.get_terminal_size()\r")):
    os.write(fd, keys)
    print(name + ":", read_until(fd, b">>> "))
os.write(fd, b"for i in range(10**12):\r print(end='busy\\n' if i == 1 else '')\r\r")
read_until(fd, b"busy\r\n")
os.write(fd, b"\x03")
print("interrupt:", read_until(fd, b">>> "))
os.write(fd, b"1\r")
read_until(fd, b">>> ")
os.write(fd, b"\x04")
print("end:", read_until(fd, b"no such text", 30))
print("status:", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
P
TERM=xterm timeout -k 5 200 $python terminal.py "$ORRIS" pkg load --accel "${ORRIS_ACCEL:-tcg}" python > out 2> err < /dev/null
ok "it says what it boots" matches out 'orris: booting .*/images/.*\.img \.\.\.'
ok "the prompt comes" matches out '^>>> $'
ok "a line is worked out" is "$(sed -n '/^plain:/,/^edited:/p' out | sed -n 2p)" 42
ok "cursor keys edit the line" is "$(sed -n '/^edited:/,/^recalled:/p' out | sed -n 2p)" 45
ok "earlier lines come back" is "$(sed -n '/^recalled:/,/^size:/p' out | sed -n 2p)" 42
ok "the window has the host's size" has out "os.terminal_size(columns=100, lines=30)"
ok "Ctrl-C interrupts" matches out '^KeyboardInterrupt'
ok "Ctrl-D ends it" matches out '^status: 0'
ok "the prompt's history is not named as lost" not has out "history"
finish
