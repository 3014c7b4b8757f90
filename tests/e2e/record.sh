#!/bin/bash
# Recording: what a command uses on the host, and only that, is in the image; it runs there as here.
. "$(dirname "$0")/tap.sh"
needs python archive
export HOME=$work/home
mkdir -p "$HOME/.config" app/data app/plugins app/unused side
cd app || exit 1

await() {
    for _ in $(seq 400); do
        "$@" && return 0
        sleep 0.05
    done
    return 1
}
there() { "$ORRIS" image ls "$image" "$1" > listing 2>&1; } # PATH: in the image
locked() { grep -qE "^$1 .*$2( #|\$)" "${3:-orris.lock}"; } # KIND PATH [FILE]

# ---- one program with everything that reading alone can't find ----
echo 'plugged = 5' > plugins/odd.py
echo one > data/one.txt
echo two > data/two.txt
echo never > unused/file.txt
echo aside > ../side/note.txt
echo settings > "$HOME/.config/tool.conf"
ln -s data/one.txt short.txt
printf 'x' > 'data/a name
with a line'
printf 'y' > "$(printf 'data/\xff\xfe')"
cat > main.py <<'P'
import ctypes, importlib, os, sys, threading
print("args", sys.argv[1:])
sys.path.insert(0, "plugins")
print("plugin", importlib.import_module("o" + "dd").plugged)
print("zlib", ctypes.CDLL("libz" + ".so.1").zlibVersion is not None)
print(open("short.txt").read().strip(), open("../side/note.txt").read().strip())
print(open(os.path.expanduser("~/.config/tool.conf")).read().strip())
print(open("data/a name\nwith a line").read(), open(b"data/\xff\xfe").read())
t = threading.Thread(target=lambda: print("thread", open("data/two.txt").read().strip()))
t.start(); t.join()
print(os.path.exists("data/missing.txt"), len(sys.stdin.read()))
with open("made.txt", "w") as f: f.write("made here")
print(open("made.txt").read())
with open("state.txt", "a") as f: f.write("more\n")
sys.exit(7)
P
echo kept > state.txt
cp state.txt before.txt
export PYTHONDONTWRITEBYTECODE=1
echo input | "$python" main.py a 'b c' > ../host.out
cp before.txt state.txt

echo input | orris record -- "$python" main.py a 'b c' > ../out 2> ../err
status=$?
cd .. || exit 1
ok "the command's output is its own" cmp out host.out
ok "and its status" is "$status" 7
ok "it says first that the command runs for real" has err "runs $python for real on this host"
ok "the command's writes are done" is "$(cat app/made.txt) $(xargs < app/state.txt)" "made here kept more"
cd app || exit 1
ok "a file" locked file ./main.py
ok "a plug-in" locked file ./plugins/odd.py
ok "a library loaded by name" locked file '/libz.so.1[.0-9]*'
ok "a link, and what it leads to" eval 'locked link "./short.txt -> data/one.txt" && locked file ./data/one.txt'
ok "a file that a thread opens" locked file ./data/two.txt
ok "a file outside, named relative" locked file ../side/note.txt
ok "a file of the home folder" locked file '~/.config/tool.conf'
ok "a name with a line feed" has orris.lock './data/a name\nwith a line"'
ok "a name that isn't UTF-8" has orris.lock './data/\xff\xfe"'
ok "what was looked for in vain" locked none ./data/missing.txt
ok "why it is there" has orris.lock './plugins/odd.py # opened by python3'
ok "a library is told from a file" matches orris.lock 'libz.so.1[.0-9]* # mapped by python3'
ok "not what the command made" not has orris.lock made.txt
ok "a file that it adds to, as it was" matches orris.lock "$(sha256sum < before.txt | cut -c 1-64) ./state.txt"
ok "not what it never asked for" not has orris.lock unused

try build --locked -i e2e-record
ok "an image is built from it" is "$status" 0
ok "what the command changed itself is told" has err "changed since orris.lock was recorded: ./state.txt"
image=$(cat out)
cp before.txt state.txt
echo input | orris run -q --locked -i e2e-record > out 2> err
status=$?
ok "the program runs from it as on the host" cmp out ../host.out
ok "with its status" is "$status" 7
ok "nothing else is in the image" not there /unused
ok "the modules of Python that it didn't import aren't" not there /usr/lib/python3.11/tkinter

# ---- what has changed since ----
echo three > data/one.txt
touch -d '2001-01-01' data/two.txt
rm ../side/note.txt
echo now > data/missing.txt
try build --locked -i e2e-record
ok "a changed file is named, one with a new time alone is not" has err "changed since orris.lock was recorded: ./data/one.txt"
ok "one that is gone" has err "gone since orris.lock was recorded: ../side/note.txt"
ok "one that has come into being" has err "come into being since orris.lock was recorded: ./data/missing.txt"
sed -i '/one.txt/d' orris.lock
try build --locked -i e2e-record
image=$(cat out)
ok "a line taken out is not in the image" not there /data/one.txt

# ---- several recordings make one; children are followed ----
cd .. && mkdir two && cd two || exit 1
echo first > first.txt
echo second > second.txt
echo extra > extra.txt
cat > pick.sh <<'S'
#!/bin/sh
cat "$1" < /dev/null
S
chmod +x pick.sh
try record -o pick.lock --keep 'ex*' -- ./pick.sh first.txt
ok "a child's output" is "$(cat out)" first
ok "a child's program and its files" eval 'locked file /usr/bin/cat pick.lock && locked file ./first.txt pick.lock'
ok "the interpreter of its first line" eval 'locked file /usr/bin/dash pick.lock'
ok "--keep" has pick.lock './extra.txt # --keep ex*'
try record -o pick.lock -- ./pick.sh second.txt
ok "a second recording adds" eval 'locked file ./first.txt pick.lock && locked file ./second.txt pick.lock'
try record -o pick.lock --anew -- ./pick.sh second.txt
ok "--anew forgets" not has pick.lock first.txt

# ---- Ctrl-C keeps what was seen ----
cat > service.py <<'P'
import time
open("first.txt").read()
print("ready", flush=True)
while True: time.sleep(0.1)
P
set -m
: > out
"$ORRIS" record -o service.lock -- "$python" service.py > out 2> err < /dev/null &
tool=$!
await has out ready
kill -INT $tool
wait $tool
ok "an interrupt ends a service" is "$?" 130
ok "and keeps what was recorded" locked file ./first.txt service.lock

# so does one while `run --trim` records; the service then runs in the machine, until the next
cat > wait.py <<'P'
import time
open("first.txt").read()
open("reached", "w").close()
print("up", flush=True)
while True: time.sleep(0.1)
P
"$ORRIS" run --accel tcg --trim --lock wait.lock "$python" wait.py > out 2> err < /dev/null &
tool=$!
await test -e reached
kill -INT $tool
await has err "recorded in wait.lock"
ok "an interrupt of run --trim keeps what was recorded" locked file ./first.txt wait.lock
await has out up
kill -INT $tool
wait $tool
ok "and the machine it starts then ends by the next" is "$?" 130
set +m

# ---- a disk that fills up ----
if can_mount; then
    export ORRIS python
    with_small 16k 'cd small
        "$ORRIS" record -q -o kept.lock -- /bin/true
        cp kept.lock ../kept.copy
        head -c 1M /dev/zero > fill 2> ../log
        timeout 120 "$ORRIS" record -o kept.lock -- "$python" -c "print(1)"
        status=$?
        cp kept.lock ../kept.lock
        exit $status'
    ok "a full disk while recording is an error" eval 'is "$status" 125 && has err "cannot write kept.lock: No space left"'
    ok "and what was recorded before stays" cmp kept.lock kept.copy
else
    skip "a full disk while recording is an error" "$no_mount"
fi

# ---- --trim ----
cat > filter.py <<'P'
import sys, string
sys.stdout.write(sys.stdin.read().upper() + string.digits)
P
printf 'through a pipe' | orris run -q --trim "$python" filter.py > out 2> err
ok "run --trim reads its standard input in the machine" is "$(cat out)" "THROUGH A PIPE0123456789"
try run --trim "$python" filter.py
ok "what is recorded already is not recorded again" not has err "for real"
echo 'import json; print(json.dumps(1))' >> filter.py
try run --trim "$python" filter.py
ok "a changed script is recorded again" eval 'has err "for real" && is "$(cat out)" 01234567891'

# ---- what can't be ----
try record -- ./nothing.sh
ok "a command that isn't there" eval 'is $status 125 && has err "can'"'"'t run ./nothing.sh: No such file"'
try build --locked --lock none.lock
ok "a lock file that isn't there" eval 'is $status 1 && has err "none.lock (\`orris record"'
sed '12s/^/x/' pick.lock > bad.lock
try build --locked --lock bad.lock
ok "a line that is wrong" eval 'is $status 1 && has err "bad.lock:12: "'
try pkg load --trim python_3.11.2
ok "a package can't be trimmed" eval 'is $status 125 && has err "not for a package"'

# ---- the classifier: at most 45 % ----
cp "$top/examples/iris/iris.py" .
if $python -c 'import sklearn' 2> log; then
    whole=$(orris build -q -i e2e-iris "$python" iris.py)
    trimmed=$(orris build -q --trim --lock iris.lock -i e2e-iris-trim "$python" iris.py 2> err)
    $python iris.py > host.out 2> log
    try run -q --locked --lock iris.lock -i e2e-iris-trim "$python" iris.py
    share=$((100 * $(stat -c %b "$trimmed") / $(stat -c %b "$whole")))
    echo "# the trimmed image of iris has $share % of the whole one's size"
    ok "the trimmed image of iris has at most 45 %" test "$share" -le 45
    ok "and gives the same bytes" cmp out host.out
else
    skip "the trimmed image of iris" "$python has no scikit-learn"
fi
finish
