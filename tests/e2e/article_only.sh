#!/bin/sh
# One program and nothing else: no second one can be started, and none is in the image.
. "$(dirname "$0")/tap.sh"
needs package:python

cat > fork.py <<'P'
import errno, os, subprocess, sys, time
start = time.monotonic()
for name, call in (("fork", os.fork), ("subprocess", lambda: subprocess.run(["/bin/true"])),
                   ("spawn", lambda: os.posix_spawn("/usr/bin/python3.11", ["x"], {}))):
    try:
        call()
        print(name, "worked")
    except OSError as error:
        print(name, errno.errorcode[error.errno])
print("system", os.system("true") != 0)
print("at once", time.monotonic() - start < 5)
P
try pkg load python fork.py
ok "fork answers ENOSYS" has out "fork ENOSYS"
ok "so does subprocess" has out "subprocess ENOSYS"
ok "and posix_spawn" has out "spawn ENOSYS"
ok "os.system fails" has out "system True"
ok "all of it at once" has out "at once True"
ok "one line of the tool says why" is "$(tool_err | grep -c 'process')" 1

cat > look.py <<'P'
import os
found = []
for folder, folders, files in os.walk("/"):
    if folder in ("/proc", "/sys", "/dev"):
        folders.clear()
        continue
    for name in files:
        path = os.path.join(folder, name)
        if os.path.islink(path) or not os.path.isfile(path):
            continue
        if not os.stat(path).st_mode & 0o111:
            continue
        with open(path, "rb") as file:
            head = file.read(4)
        if head == b"\x7fELF" and ".so" not in name:
            found.append(path)
        elif "/bin/" in path or "/sbin/" in path:
            found.append(path)
print(sorted(set(found)))
print([p for p in ("/etc/shadow", "/root/.bashrc", "/bin/sh", "/usr/bin/dpkg")
       if os.path.exists(p)] + os.listdir("/home") + os.listdir("/root"))
print(sum(1 for f, d, n in os.walk("/usr") for x in n
          if os.lstat(os.path.join(f, x)).st_mode & 0o6000), "set-id")
P
try pkg load python look.py
ok "the interpreter is the only executable" is "$(sed -n 1p out)" "['/usr/bin/python3.11']"
ok "no users' secrets, no shell, nobody's home" is "$(sed -n 2p out)" "[]"
ok "nothing is set-id" is "$(sed -n 3p out)" "0 set-id"

cat > lost.py <<'P'
import os
os.makedirs("/data/deep")
with open("/data/deep/result.txt", "w") as file:
    file.write("x" * 1000)
with open("/tmp/scratch", "w") as file:
    file.write("not worth a word")
P
try pkg load python lost.py
ok "a file that was written is named at the end" is "$(tool_err | grep -c '/data/deep/result.txt')" 1
ok "one in /tmp isn't" not has err "/tmp/scratch"
ok "writing is no failure" is "$status" 0
finish
