#!/bin/bash
# Signals reach the program as they are; the machine never outlives the tool.
. "$(dirname "$0")/tap.sh"
needs python pgrep

# start COMMAND…: runs the tool in the background; $tool is its process.
start() {
    : > out # what await() finds there is of this run
    "$ORRIS" run --accel tcg "$@" > out 2> err < /dev/null &
    tool=$!
}

# await COMMAND…: until it succeeds, for some seconds.
await() {
    for _ in $(seq 400); do
        "$@" && return 0
        sleep 0.05
    done
    return 1
}

machines() { pgrep -P "$1" -f qemu-system > /dev/null; }
gone() { ! kill -0 "$1" 2> /dev/null || grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2> /dev/null; }

cat > handler.py << 'PY'
import signal, sys, time
def handle(number, frame):
    print("got", signal.Signals(number).name, flush=True)
    sys.exit(number)
for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"):
    signal.signal(getattr(signal, name), handle)
print("ready", flush=True)
while True: # a signal just before a sleep is handled after it
    time.sleep(0.1)
PY
set -m # so that background jobs get SIGINT
for name in INT TERM HUP QUIT; do
    start "$python" handler.py
    await has out ready
    kill -$name $tool
    wait $tool
    status=$?
    ok "SIG$name reaches the program" has out "got SIG$name"
    ok "and its status comes back" is "$status" "$(kill -l $name)"
done

start /bin/sleep 100
await machines $tool
sleep 0.5
kill -TERM $tool
wait $tool
ok "a program without a handler dies of it" is "$?" 143

cat > deaf.py << 'PY'
import signal, time
for name in ("SIGINT", "SIGTERM"):
    signal.signal(getattr(signal, name), signal.SIG_IGN)
print("ready", flush=True)
while True:
    time.sleep(60)
PY
start "$python" deaf.py
await has out ready
kill -INT $tool
sleep 0.3
ok "one SIGINT leaves a deaf program alone" kill -0 $tool
kill -INT $tool
wait $tool
ok "the second ends the machine" is "$?" 130

start "$python" deaf.py
await has out ready
began=$(date +%s)
kill -TERM $tool
wait $tool
status=$?
took=$(($(date +%s) - began))
ok "10 s after a SIGTERM the machine ends" is "$status" 143
ok "not sooner, not much later" test $took -ge 9 -a $took -le 13

start "$python" deaf.py
await has out ready
machine=$(pgrep -P $tool)
kill -KILL $tool
wait $tool 2> /dev/null
ok "SIGKILL of the tool ends the machine" await gone "$machine"

start "$python" deaf.py
await has out ready
machine=$(pgrep -P $tool)
kill -KILL "$machine"
wait $tool
ok "a killed QEMU is an error of the tool" is "$?" 125
finish
