"""Drives the tool on a pseudo-terminal of its own, as a person would. Prints TAP.

usage: terminal.py ORRIS PYTHON; the current folder is scratch."""

import fcntl
import os
import pty
import re
import select
import shlex
import signal
import struct
import sys
import termios
import time

ORRIS, PYTHON = sys.argv[1:3]
QUOTED = shlex.quote(ORRIS)
LIMIT = 60  # seconds that one answer may take
count = failed = 0


def ok(name, passed, why=""):
    global count, failed
    count += 1
    failed += not passed
    print(f"{'ok' if passed else 'not ok'} {count} - {name}")
    if not passed:
        print("\n".join("# " + line for line in repr(why).split("\n")))
    sys.stdout.flush()


class Terminal:
    """A command on a terminal of 30 rows and 100 columns."""

    def __init__(self, *command):
        self.text = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)  # as a terminal's shell has them, whoever runs the test
            self.resize_fd(0, 30, 100)
            os.environ["TERM"] = "xterm"
            os.execvp(command[0], command)
        self.modes = termios.tcgetattr(self.fd)

    @staticmethod
    def resize_fd(fd, rows, columns):
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, rows, columns):
        self.resize_fd(self.fd, rows, columns)

    def type(self, text):
        os.write(self.fd, text.encode())

    def read_some(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self.fd], [], [], left)[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # the other side was closed
            return False
        self.text += data
        return bool(data)

    def expect(self, pattern):
        """Reads up to the pattern; returns whether it came. What stands behind it is kept."""
        deadline = time.monotonic() + LIMIT
        while True:
            found = re.search(pattern.encode(), self.text)
            if found:
                self.before = self.text[: found.end()]
                self.text = self.text[found.end() :]
                return True
            if not self.read_some(deadline):
                return False

    def finish(self):
        """Reads to the end; returns the exit status."""
        deadline = time.monotonic() + LIMIT
        while self.read_some(deadline):
            pass
        if time.monotonic() >= deadline:
            os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        try:
            os.close(self.fd)
        except OSError:
            pass
        return os.waitstatus_to_exitcode(status)


def script(name, text):
    with open(name, "w") as file:
        file.write(text)
    return name


def run(*words):
    return Terminal(ORRIS, "run", "--accel", "tcg", *words)


def quiet(*words):
    return run("-q", *words)


def test_output():
    t = quiet(PYTHON, script("tty.py", "import os; print([os.isatty(i) for i in range(3)])\n"
                             "print(os.get_terminal_size())\n"))
    status = t.finish()
    ok("all three streams are a terminal, of the host's size",
       t.text == b"[True, True, True]\r\nos.terminal_size(columns=100, lines=30)\r\n", t.text)
    ok("status 0", status == 0, status)
    t = run("/bin/echo", "hello")
    t.finish()
    ok("booting … is said on a terminal", re.search(rb"orris: booting .*\.img \.\.\.\r?\n", t.text), t.text)


def test_input():
    name = script("ask.py", "name = input('name? ')\nprint('hello', name)\n")
    t = quiet(PYTHON, name)
    ok("a prompt comes without a newline", t.expect(r"name\? "), t.text)
    t.type("Adx\x7fa\n")
    ok("typing is echoed and edited", t.expect("Adx\x08 \x08a\r\n"), t.text)
    t.finish()
    ok("the line arrives", t.text == b"hello Ada\r\n", t.text)
    t = quiet(PYTHON, name)
    t.expect(r"name\? ")
    t.type("\x04")
    ok("Ctrl-D is an end of file", t.expect("EOFError"), t.text)
    ok("with Python's status", t.finish() == 1)


def test_interrupt():
    # A signal that comes just before Python's sleep begins is handled after it: so short sleeps.
    name = script("spin.py", "import time\nprint('ready', flush=True)\n"
                             "for _ in range(1000):\n    time.sleep(.1)\n")
    t = quiet(PYTHON, name)
    t.expect("ready")
    t.type("\x03")
    ok("Ctrl-C raises KeyboardInterrupt", t.expect("KeyboardInterrupt"), t.text)
    status = t.finish()
    ok("the status is that of SIGINT", status == 130, status)
    t = quiet(PYTHON, name)
    t.expect("ready")
    ok("the terminal is raw meanwhile", not termios.tcgetattr(t.fd)[3] & termios.ECHO)
    os.kill(t.pid, signal.SIGTERM)
    ok("SIGTERM ends it", t.finish() == 143)


def shell():
    t = Terminal("/bin/bash", "--norc", "--noediting", "-i")
    t.type("PS1='$ '; PS2=''\n")
    t.expect(r"(\n|[#$] )\$ ")  # the old prompt may come after the typed line's echo
    return t


def test_job_control():
    script("count.py", "import time\nfor i in range(1000):\n    print('n%d.' % i, flush=True)\n"
           "    time.sleep(0.1)\n")
    t = shell()
    t.type(f"{QUOTED} run -q --accel tcg {PYTHON} count.py\n")
    ok("a program runs from a shell", t.expect(r"n3\."), t.text)
    t.type("\x1a")
    ok("Ctrl-Z stops it", t.expect("Stopped"), t.text)
    t.expect(r"\$ ")
    last = max([int(n) for n in re.findall(rb"n(\d+)\.", t.before)] or [3])
    ok("the terminal is the shell's again", termios.tcgetattr(t.fd)[3] & termios.ECHO)
    time.sleep(1)
    t.type("fg\n")
    ok("fg lets it go on", t.expect(r"n(\d+)\."), t.text)
    first = int(re.findall(rb"n(\d+)\.", t.before)[-1])
    ok("where it was", first <= last + 3, (first, last))
    t.type("\x03")
    t.expect(r"\$ ")
    t.type("echo status $?\n")
    ok("Ctrl-C ends it after that", t.expect(r"status 130\r\n\$ "), t.text)
    t.type(f"{QUOTED} run -q --accel tcg /bin/echo from | cat\n")
    ok("in a pipeline lines end as they should", t.expect(r"\nfrom\r\n\$ "), t.text)
    t.type("stty -a | grep -c -- '-echo '\n")
    ok("the modes are the shell's at the end", t.expect(r"\n0\r\n"), t.text)
    t.type("exit\n")
    t.finish()


def test_size():
    t = quiet(PYTHON, script("size.py", "import os, signal, time\n"
                             "def show(*args):\n"
                             "    size = os.get_terminal_size()\n"
                             "    os.write(1, b'size %d %d\\n' % (size.columns, size.lines))\n" # print() can't be in two signals
                             "signal.signal(signal.SIGWINCH, show)\nshow()\n"
                             "for _ in range(300):\n    time.sleep(.1)\n"))
    ok("the window's size is known", t.expect("size 100 30"), t.text)
    t.resize(44, 132)
    ok("a change raises SIGWINCH", t.expect("size 132 44"), t.text)
    t.type("\x03")
    t.finish()


def test_password():
    t = quiet(PYTHON, script("secret.py", "import getpass\nprint(len(getpass.getpass()))\n"))
    ok("getpass asks", t.expect("Password: "), t.text)
    t.type("hidden\n")
    t.finish()
    ok("nothing typed is shown", t.text.strip() == b"6", t.text)


def test_debugger():
    t = quiet(PYTHON, script("debug.py", "x = 41\nbreakpoint()\nprint('x is', x)\n"))
    ok("breakpoint() opens the debugger", t.expect(r"\(Pdb\) "), t.text)
    t.type("x += 1\n")
    t.expect(r"\(Pdb\) ")
    t.type("c\n")
    ok("which goes on", t.expect("x is 42"), t.text)
    t.finish()


def test_prompt():
    t = quiet(PYTHON)
    ok("Python shows its prompt", t.expect(">>> "), t.text)
    t.type("6*7\n")
    ok("and answers", t.expect("\n42\r\n>>> "), t.text)
    t.type("\x1b[A\n")
    ok("the arrow key brings the last line back", t.expect("\n42\r\n>>> "), t.text)
    t.type("\x03")
    ok("Ctrl-C is no end", t.expect("KeyboardInterrupt\r\n>>> "), t.text)
    t.type("\x04")
    ok("Ctrl-D is", t.finish() == 0)


for test in (test_output, test_input, test_interrupt, test_job_control, test_size,
             test_password, test_debugger, test_prompt):
    test()
print(f"1..{count}")
sys.exit(failed != 0)
