#!/bin/bash
# --user and the key User: ids, names, variables, permissions, mounts, secrets; guest tests as another user than root.
. "$(dirname "$0")/tap.sh"
needs python gcc

cat > who.py <<'PY'
import grp, os, pwd, sys
def user(uid):
    try: return pwd.getpwuid(uid).pw_name
    except KeyError: return "?"
print(os.getuid(), os.geteuid(), os.getgid(), sorted(os.getgroups()), user(os.getuid()), os.environ.get("HOME"), os.environ.get("USER"))
for path in sys.argv[1:]:
    try:
        with open(path, "a"): print(path, "can be written")
    except OSError as e: print(path, e.strerror)
PY
printf 'root:x:0:0::/root:\nalice:x:1001:1002::/home/alice:\n' > passwd
printf 'root:x:0:\nstaff:x:50:alice,bob\nalice:x:1002:\nx:x:60:malice\n' > group
cat > config.json <<'JSON'
{"MapDirs": {"etc/*": "/etc"}, "Dirs": ["home"]}
JSON
mkdir -p etc home/alice
mv passwd group etc/
who() { try run -i user-e2e -c config.json "$@"; }

who $python who.py
ok "by default the program is root" is "$(cat out)" "0 0 0 [] root / None"
who --user 4711 $python who.py /etc/passwd /tmp/user-e2e-new /new
ok "a number" is "$(cat out)" "4711 4711 0 [] ? / None
/etc/passwd Permission denied
/tmp/user-e2e-new can be written
/new Permission denied"
who --user 4711:4712 $python who.py
ok "a number with a group" is "$(cat out)" "4711 4711 4712 [] ? / None"
who --user alice $python who.py
ok "a name of the image's passwd, its groups, HOME and USER" is "$(cat out)" "1001 1001 1002 [50] alice /home/alice alice"
who --user alice:x -e HOME=/tmp -e USER=a $python who.py
ok "a group by name; -e overrides" is "$(cat out)" "1001 1001 60 [] alice /tmp a"
who --user 1001 $python who.py
ok "a number that passwd knows" is "$(cat out)" "1001 1001 1002 [50] alice /home/alice alice"
who --user mallory $python who.py
ok "an unknown user is refused" is "$status" 125
ok "and named" has err 'orris: --user: the image'"'"'s /etc/passwd has no user "mallory"'
who --user alice:none $python who.py
ok "so is a group" has err 'the image'"'"'s /etc/group has no group "none"'

sed 's/^{/{"User": "alice", /' config.json > user.json
try run -i user-e2e -c user.json $python who.py
ok "the key User" is "$(cat out)" "1001 1001 1002 [50] alice /home/alice alice"
try run -i user-e2e -c user.json --user 0 $python who.py
ok "--user comes before it" is "$(cat out)" "0 0 0 [] root /root root"
sed 's/^{/{"User": 1001, /' config.json > number.json
try run -i user-e2e -c number.json $python who.py
ok "which may be a number" is "$(cat out)" "1001 1001 1002 [50] alice /home/alice alice"
for wrong in "" : 5: :5 1:2:3 4294967295; do
    try run -i user-e2e -c config.json --user "$wrong" $python who.py
    ok "\"$wrong\" is none" is "$status $(grep -c '^orris: run: --user: "' err)" "2 1"
done
try build -i user-e2e-built -c user.json $python who.py
try boot user-e2e-built
ok "an image that was built keeps it" is "$(cat out)" "1001 1001 1002 [50] alice /home/alice alice"

# A program with capabilities of its own (setcap), which its image keeps: what Linux gives it.
cat > caps.c <<'C'
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
int main(void)
{
    char line[200];
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, "CapPrm", 6) == 0 || strncmp(line, "CapEff", 6) == 0)
            fputs(line, stdout);
    printf("%lu\n", getauxval(AT_SECURE));
}
C
set_caps='import os, struct, sys; os.setxattr("caps", "security.capability", struct.pack("<5I", int(sys.argv[1], 16), 0x401, 0, 0, 0))'
gcc -o caps caps.c || exit 1
if ! $python -c "$set_caps" 2000001 2> /dev/null; then
    skip "capabilities of a file" "no right to set them here"
else
    chmod 755 caps
    try run -i user-e2e --user 4711 ./caps
    ok "a file's capabilities" is "$(cat out)" "CapPrm:	0000000000000401
CapEff:	0000000000000401
1"
    $python -c "$set_caps" 2000000
    try run -i user-e2e --user 4711 ./caps
    ok "that it has to take up itself" is "$(cat out)" "CapPrm:	0000000000000401
CapEff:	0000000000000000
1"
    $python -c 'import os; os.removexattr("caps", "security.capability")'
    try run -i user-e2e --user 4711 ./caps
    ok "and none" is "$(cat out)" "CapPrm:	0000000000000000
CapEff:	0000000000000000
0"
fi

# Mounts: what belongs to who runs the tool is the program's user's, and back.
mkdir data
echo host > data/host.txt
chmod 600 data/host.txt
cat > files.py <<'PY'
import os
st = os.stat("/data/host.txt")
print(st.st_uid == os.getuid(), st.st_gid == os.getgid(), open("/data/host.txt").read().strip())
with open("/data/guest.txt", "w") as f: f.write("guest")
st = os.stat("/data/guest.txt")
print(st.st_uid == os.getuid(), st.st_gid == os.getgid())
os.chown("/data/guest.txt", os.getuid(), os.getgid())
os.chmod("/data/guest.txt", 0o640)
PY
try run -i user-e2e --mount data:/data --user 4711:4712 $python files.py
ok "the host's files are the program's" is "$(cat out)" "True True host
True True"
ok "and the program's the host's" is "$(stat -c '%u %g %a' data/guest.txt)" "$(id -u) $(id -g) 640"
try run -i user-e2e --mount data:/data $python files.py
ok "for root, too" is "$(cat out)" "True True host
True True"

# Secrets belong to the user.
printf 'key' > token
try run -i user-e2e --secret token=token --user 4711 $python -c 'import os; s = os.stat("/run/secrets/token"); print(open("/run/secrets/token").read(), s.st_uid, oct(s.st_mode))'
ok "a secret is the user's" is "$(cat out)" "key 4711 0o100400"

# Streams and low ports.
cat > streams.py <<'PY'
import socket
for fd in 1, 2: open("/proc/self/fd/%d" % fd, "w").write("reopened\n")
s = socket.socket(); s.bind(("0.0.0.0", 80)); print("port 80")
PY
try run -i user-e2e --user 4711 $python streams.py
ok "streams can be opened again, and ports below 1024" is "$(cat out)" "reopened
port 80"

# A server that starts as root and drops its rights: every thread has, and there is no way back.
cat > drop.py <<'PY'
import errno, os, pwd, socket, threading
def refused(call, *args):
    try: return "done: %s" % (call(*args),)
    except OSError as e: return errno.errorcode[e.errno]
with open("/tmp/secret", "w") as f: os.fchmod(f.fileno(), 0o600)
listener = socket.create_server(("127.0.0.1", 80))
dropped = threading.Event()
def serve():
    dropped.wait()
    client = listener.accept()[0]
    client.sendall(refused(open, client.recv(100).decode()).encode())
thread = threading.Thread(target=serve); thread.start()
alice = pwd.getpwnam("alice")
os.initgroups("alice", alice.pw_gid); os.setgid(alice.pw_gid); os.setuid(alice.pw_uid)
dropped.set()
client = socket.create_connection(("127.0.0.1", 80))
for task in sorted(os.listdir("/proc/self/task"), key=int):
    lines = open("/proc/self/task/%s/status" % task).read().splitlines()
    print(" ".join(" ".join(l.split()) for l in lines if l.startswith(("Uid", "Gid", "Groups", "CapPrm", "CapEff"))))
client.sendall(b"/tmp/secret")
print(client.recv(100).decode(), refused(open, "/tmp/secret"), refused(os.setuid, 0), refused(os.setgid, 0), refused(os.chroot, "/"))
PY
rights="Uid: 1001 1001 1001 1001 Gid: 1002 1002 1002 1002 Groups: 50 1002 CapPrm: 0000000000000000 CapEff: 0000000000000000"
who $python drop.py
ok "rights that were dropped are gone, in every thread" is "$(cat out)" "$rights
$rights
EACCES EACCES EPERM EPERM EPERM"

# The guest tests that need no root, as another user.
for name in file_dir file_open file_path file_map file_lock fd_pipe fd_epoll mem_map mem_protect proc_links thread_basic signal_timer time_clock exec_again; do
    program=$top/build/tests/guest/$name
    install -m 755 "$program" "$name" || continue # where it was built, nobody else may be able to look
    try run -q --user 1000:1000 "./$name"
    ok "$name as uid 1000" is "$status $(grep -c '^not ok' out)" "0 0"
done
# Their folder may be the host's: files made there are those of who runs the tool, and the program's.
mkdir mounted
for name in file_dir file_open file_path file_map file_lock file_space fd_pipe; do
    [ -x "$name" ] || install -m 755 "$top/build/tests/guest/$name" "$name" || continue
    try run -q --user 1000:1000 --mount mounted:/home/me --workdir /home/me -e TMPDIR=/home/me "$PWD/$name"
    ok "$name as uid 1000 on a mount" is "$status $(grep -c '^not ok' out)" "0 0"
done

# A server that refuses root, over a folder that the host's own initdb made.
pg=$(ls -d /usr/lib/postgresql/*/bin 2> /dev/null | tail -n 1)
pg_share=/usr/share/postgresql/$(basename "$(dirname "$pg")")
sql() {
    printf '%s\n' "$@" > in
    input=in try run -i user-e2e-pg -c pg.json --user postgres --mount "$work/pg:/data" "$pg/postgres" --single -D /data postgres
}
if [ -z "$pg" ] || [ ! -d "$pg_share" ]; then
    skip "postgres --single" "Debian's postgresql is not installed here"
elif ! can_be_other; then
    skip "postgres --single" "$no_other"
else
    mkdir pg && chmod 755 . && chown postgres:postgres pg
    getent passwd postgres >> etc/passwd
    setpriv --reuid=postgres --regid=postgres --clear-groups env HOME=/tmp LC_ALL=C "$pg/initdb" -D "$work/pg" -U postgres -A trust --locale=C > out 2> err
    ok "initdb on the host" is $? 0
    printf '{"MapDirs": {"etc/*": "/etc"}, "Dirs": ["%s"]}' "$pg_share" > pg.json
    sql 'create table t (a int, b text);' "insert into t values (1, 'one'), (2, 'two');" 'select b from t where a = 2;'
    ok "create, insert and select" has out 'b = "two"'
    ok "and a clean end" is "$status" 0
    sql 'select count(*) from t;'
    ok "after a restart" has out 'count = "2"'
    try run -i user-e2e-pg -c pg.json --mount "$work/pg:/data" "$pg/postgres" --single -D /data postgres
    ok "root is refused by the program itself" has err '"root" execution of the PostgreSQL server is not permitted'
fi
orris image delete user-e2e user-e2e-built > /dev/null 2>&1
finish
