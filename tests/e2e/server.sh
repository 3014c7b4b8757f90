# Sourced by the tests of servers: the same clients see the same of a server that runs in the guest and
# of one that Linux runs. There it has a network of its own, so both use the same ports.
. "$(dirname "$0")/tap.sh"
needs python fsck.erofs chroot
no_network=$(unshare -r -m -n ip link set lo up 2>&1) || skip_all "no network namespaces here: $no_network"
TIME_LIMIT=300
export PYTHONDONTWRITEBYTECODE=1

# Waits until the file has such a line, while the process lives.
wait_for() { # FILE PATTERN PID
    for _ in $(seq 3000); do
        grep -qE -- "$2" "$1" && return 0
        kill -0 "$3" 2> /dev/null || return 1
        sleep 0.1
    done
    return 1
}

# The package's files in $root, and the words of its program in $program.
unpack() { # PACKAGE
    needs "package:$1"
    try pkg get "$1"
    root=$work/root
    fsck.erofs --extract="$root" "$(orris pkg describe "$1" | sed -n 's/^file *//p')" > log 2>&1 || cat log
    mkdir -p "$root/tmp" "$root/dev" "$root/proc"
    program=$(orris pkg describe "$1" | sed -n 's/^program *//p')
}

# CLIENT… with the server that $serve starts, on Linux, in a network of its own. With $ended, the client
# itself has the server end.
export ended=
on_linux() { # PORT CLIENT…
    port=$1
    shift
    unshare -r -m -n bash -c '
        ip link set lo up
        '"$serve"' > linux.out 2> linux.err &
        server=$!
        for _ in $(seq 600); do
            (exec 3<> /dev/tcp/127.0.0.1/'"$port"') 2> /dev/null && break
            sleep 0.1
        done
        SERVER=$server "$@"
        status=$?
        [ -n "$ended" ] || kill $server
        wait $server
        echo $? > linux.status
        exit $status' client "$@" > linux.seen 2> linux.client.err
}

# A machine in the background, $machine, as soon as its program listens.
machine=
trap '[ -z "$machine" ] || kill -KILL "$machine" 2> /dev/null; cd /; rm -rf "$work"' EXIT
start() { # run|pkg load, its FLAGS and ARGUMENTS
    words=("$1")
    [ "$1" = run ] || { words+=("$2") && shift; }
    shift
    : > guest.err
    "$ORRIS" "${words[@]}" --accel "${ORRIS_ACCEL:-tcg}" "$@" > guest.out 2> guest.err < /dev/null &
    machine=$!
    wait_for guest.err '-> guest ' $machine || { cat guest.err; return 1; }
}

# The machine is told to end: its program's $status.
stop() {
    [ -n "$ended" ] || kill "$machine" 2> /dev/null
    wait "$machine"
    status=$?
    machine=
}

# Both have served: the same seen, and the same end.
same_served() { # NAME
    ok "$1: Linux serves the clients" test -s linux.seen -a ! -s linux.client.err
    ok "$1: the guest's clients see the same" cmp linux.seen guest.seen
    ok "$1: no client complains" test ! -s guest.client.err
    ok "$1: SIGTERM ends it as on Linux" is "$status" "$(cat linux.status)"
}
