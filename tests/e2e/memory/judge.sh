# Sourced by the tests memory_*.sh: every way of taking memory (ways.c), each in a machine of 64 MiB,
# ends within 30 seconds, with an error that the call has on Linux or with one clear line.
TIME_LIMIT=30

gcc -O1 -pthread -o ways "$here/memory/ways.c" || skip_all "no compiler"

# Whether the last run ended in one of the ways that are named.
ended() {
    ends=" $* "
    if [ "$status" = 137 ]; then
        [ "${ends#* KILL }" != "$ends" ] && [ "$(grep -c 'out of memory' err)" = 1 ]
        return
    fi
    end=$(sed -n 's/^END [a-z_0-9]* -\{0,1\}[0-9]* //p' out)
    [ -n "$end" ] && [ "${ends#* "$end" }" != "$ends" ] && [ "$status" = 0 ] &&
        ! grep -q 'out of memory' err && { [ "$end" = SIGBUS ] || grep -qx ALIVE out; }
}

# ways_end GROUP FLAG…
ways_end() {
    group=$1
    shift
    ./ways --list "$group" > list
    while read -r name ends; do
        try run -m 64M "$@" ./ways --in-a-machine "$name"
        # shellcheck disable=SC2086
        ok "$name ends" ended $ends
    done < list
}
