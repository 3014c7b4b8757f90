#!/bin/sh
# Machines in the background.
. "$(dirname "$0")/tap.sh"
needs python

accel="--accel ${ORRIS_ACCEL:-tcg}"
name=t$$
cat > service.py <<'P'
import os, signal, sys, time
def end(*_):
    print("asked to end", flush=True)
    sys.exit(3)
if len(sys.argv) > 1:
    signal.signal(signal.SIGTERM, signal.SIG_IGN if sys.argv[1] == "deaf" else end)
print("ready", os.environ.get("MODE"), flush=True)
while True:
    time.sleep(0.1)
P
has_log() { orris instance logs "$1" 2> /dev/null | grep -qF "$2"; }
wait_for() { for _ in $(seq 600); do "$@" && return 0; sleep 0.1; done; return 1; }
state_is() { orris instance list | grep -qE "^$1 +$2"; }

try instance create -i instance-e2e $accel --name $name -e MODE=fast $python service.py polite
ok "create prints the name" is "$(cat out)" $name
ok "and succeeds" is "$status" 0
ok "the program runs" wait_for has_log $name "ready fast"
try instance list
ok "list shows it" matches out "^$name +running +[0-9]+ "
try instance list --json
ok "also as JSON" $python -c "
import json
rows = [r for r in json.load(open('out')) if r['name'] == '$name']
assert rows[0]['status'] == 'running' and rows[0]['pid'] > 0 and rows[0]['ended'] is None, rows"
try instance stats --json $name
ok "stats asks the machine" $python -c "
import json
row, = json.load(open('out'))
assert row['machine'] == 'running' and row['memory'] > 1e6 and row['cpu_ms'] > 0, row"
try instance create -i instance-e2e $accel --name $name $python service.py
ok "a name is taken once" has err "there is an instance $name already"
try instance delete $name
ok "one that runs is not removed" has err "$name runs"
orris instance logs -f $name > follow 2> /dev/null &
follower=$!
try instance stop $name
ok "stop waits for the end" is "$status" 0
wait $follower
ok "the program was asked first" has follow "asked to end"
try instance list
ok "its status is kept" matches out "^$name +exited 3 "
try instance stop $name
ok "stopping again is no error" is "$status" 0
try instance delete $name
ok "delete removes it" is "$status" 0
try instance list
ok "from the list" not has out "$name "
try instance logs $name
ok "and its log" has err "there is no instance $name"

# One that ignores the signal goes off with the machine; what ends by itself tells its status.
try instance create -i instance-e2e $accel --name $name-deaf $python service.py deaf
wait_for has_log $name-deaf ready
try instance stop $name-deaf
ok "a deaf program is ended" is "$status" 0
ok "with the signal's status" state_is $name-deaf "exited 143"
try instance create -i instance-e2e $accel --name $name-short $python -c 'print("done")'
ok "a short one ends by itself" wait_for state_is $name-short "exited 0"
ok "its log stays" is "$(orris instance logs $name-short)" "done"
try instance delete $name-deaf $name-short
ok "several are removed at once" is "$status" 0

# What does not start leaves nothing.
try instance create -i instance-e2e $accel --name $name-bad --mount none:/x $python service.py
ok "a failure is told" is "$status" 1
ok "and why" has err "can't mount"
try instance list
ok "nothing is left" not has out $name-bad
try instance create -i instance-e2e $accel --name ../x $python service.py
ok "a bad name is refused" has err "name is a word"

# A tool that is killed takes its machine along.
try instance create -i instance-e2e $accel --name $name-killed $python service.py
pid=$(orris instance list --json | $python -c "
import json, sys
print(*[r['pid'] for r in json.load(sys.stdin) if r['name'] == '$name-killed'])")
kill -9 "$pid"
ok "killed: it is called lost" wait_for state_is $name-killed lost
try instance delete $name-killed
ok "and can be removed" is "$status" 0

# An image.
image=$(orris build -q -i $name-image $python -c 'import socket, sys; print("image", sys.argv[1:], flush=True)
s = socket.create_server(("", 8080)); s.accept()')
port=$(free_port)
try instance create -p "$port:8080" $accel --name $name-image $name-image.img
ok "an image, too" wait_for has_log $name-image "image []"
ok "with its ports" wait_for has_log $name-image "http://127.0.0.1:$port -> guest 8080"
"$python" -c "import socket; socket.create_connection(('127.0.0.1', $port))"
wait_for state_is $name-image "exited 0"
try instance delete $name-image
try image delete $name-image
orris image delete instance-e2e
finish
