#!/bin/bash
# Servers in the machine bear clients by the thousand, slow ones, rude ones; the memory is what it was.
# `make soak` runs it at length (ABUSE_*).
. "$(dirname "$0")/tap.sh"
needs sysctl netns python gcc package:nginx

ns=orris$$
ip netns add $ns || exit 1
ulimit -Sn "$(ulimit -Hn)" # nginx in one process takes as many as it is given
trap 'ip netns del $ns; cd /; rm -rf "$work"' EXIT
await() { for _ in $(seq 100); do "$@" && return 0; sleep 0.1; done; return 1; }
inside() { ip netns exec $ns "$@"; }
address=10.79.0.5
export ABUSE_PACE="${ABUSE_PACE:-0.2}" # seconds between two bytes of a slow client; at length: 1
asked= # what is asked for, if not what abuse.py asks for
abuse() { inside timeout "${ABUSE_LIMIT:-120}" "$python" "$here/link/abuse.py" $address "$@" $asked > out 2> err; }
free_kib() { abuse free 1 && cat out; }
bears() {
    abuse "$@"
    status=$?
    sed 's/^/# /' out
    [ $status = 0 ]
}
start() { # run|pkg load, FLAGS and ARGUMENTS: a machine whose port 8080 answers
    words=("$1")
    [ "$1" = run ] || { words+=("$2") && shift; }
    shift
    ip netns exec $ns "$ORRIS" "${words[@]}" -q --accel tcg --tap tap0 --ip 10.79.0.5/24 "$@" > machine.out 2>&1 < /dev/null &
    machine=$!
    await bears short 1 > log || { cat machine.out err; return 1; }
}
end_machine() {
    ok "$name: the machine is still the same" kill -0 $machine
    kill $machine
    wait $machine
}
# The server NAME bears all of it; MANY: at once, at most.
bears_all() { # NAME MANY SHORT SLOW RESET UNREAD
    name=$1
    ok "$name: $2 at once" bears idle "$2"
    ok "$name: one after another" bears short "$3"
    ok "$name: a byte each $ABUSE_PACE s" bears slow "$4"
    ok "$name: reset in the middle" bears reset "$5"
    ok "$name: that never read" bears unread "$6"
    ok "$name: it still answers" bears short 10
}

inside ip link set lo up
inside ip tuntap add dev tap0 mode tap
# The clients' side must not run out of ports: it forgets connections that wait in TIME-WAIT.
inside sysctl -qw net.ipv4.tcp_max_tw_buckets=1000 "net.ipv4.ip_local_port_range=2000 65000"
inside ip addr add 10.79.0.1/24 dev tap0
inside ip link set tap0 up
gcc -static -O1 -Wall -Wextra -D_GNU_SOURCE "$here/link/server.c" -o server || exit 99

# ---- a small server of the tests, which tells its memory ----
start run -m 256M ./server
many=${ABUSE_MANY:-1000} # so many have been open at once: what the kernel keeps of that is there before and after
ok "$many at once" bears idle "$many"
bears short 200
before=$(free_kib)
bears_all server "$many" "${ABUSE_SHORT:-1000}" "${ABUSE_SLOW:-50}" "${ABUSE_RESET:-200}" "${ABUSE_UNREAD:-20}"
ok "restarted on its port at once" bears restart "${ABUSE_RESTART:-20}"
after=$(free_kib)
echo "# free memory before and after: $before and $after KiB"
ok "its memory is within 5 % of what it was" eval '[ "${before:-0}" -gt 0 ] && [ "${after:-0}" -ge $((before * 95 / 100)) ]'
end_machine

# ---- nginx, as Debian has it ----
try pkg get nginx # there is no way out of the namespace
mkdir www
echo hello > www/index.html
"$python" -c 'open("www/large", "wb").write(b"x" * (1 << 20))'
cat > nginx.conf <<'C'
daemon off;
master_process off;
worker_rlimit_nofile 20000;
error_log stderr crit;
pid /tmp/nginx.pid;
events { worker_connections 15000; }
http {
    access_log off;
    server { listen 8080 backlog=4096; root /www; }
}
C
echo '{"Dirs": ["www"], "Files": ["nginx.conf"], "Args": ["-c", "/nginx.conf"]}' > config.json
asked="/ /large"
start pkg load -m 512M -c config.json nginx
bears_all nginx "$many" "${ABUSE_SHORT:-1000}" "${ABUSE_SLOW:-50}" "${ABUSE_RESET:-200}" "${ABUSE_UNREAD:-20}"
end_machine

# ---- examples/iris-native, which serves 512 at a time ----
iris_native() {
    fewer() { echo $(($1 < 400 ? $1 : 400)); }
    ip netns exec $ns "$python" -m http.server -d "$top/examples/iris-service/store" --bind 10.79.0.1 8000 > log 2>&1 &
    store=$!
    await inside "$python" -c 'import socket; socket.create_connection(("10.79.0.1", 8000))' 2> log # else there is no model to begin with
    asked="/model /model"
    start run -m 64M -e IRIS_STORE=http://10.79.0.1:8000/iris.csv -e IRIS_REFRESH=3600 "$top/build/examples/iris-native/iris-native"
    bears_all iris-native 400 "${ABUSE_SHORT:-1000}" "$(fewer "${ABUSE_SLOW:-50}")" "${ABUSE_RESET:-200}" \
        "$(fewer "${ABUSE_UNREAD:-20}")"
    end_machine
    kill $store
}
if [ -e /usr/include/linear.h ]; then
    iris_native
else
    skip iris-native "it is not built, for there is no liblinear-dev"
fi

# ---- one machine after another on the same port of the host, at once ----
address=127.0.0.1
asked=
starts=${ABUSE_STARTS:-3}
good=0
for _ in $(seq "$starts"); do
    ip netns exec $ns "$ORRIS" run -q --accel tcg -m 64M -p 8080 ./server > machine.out 2>&1 < /dev/null &
    machine=$!
    await bears short 1 > log && good=$((good + 1))
    kill $machine
    wait $machine
done
echo "# $good of $starts machines answered"
ok "a machine takes the port that another one has just given up" is "$good" "$starts"
finish
