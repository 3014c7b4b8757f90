# Sourced by the tests memory_*.sh: every way of taking memory (ways.c), each in a machine of 64 MiB,
# ends within 30 seconds of processor time, with an error that the call has on Linux or with one clear line.
TIME_LIMIT=200 # of a busy host

gcc -O1 -pthread -o ways "$here/memory/ways.c" || skip_all "no compiler"

# Sets $spent: seconds of processor time that what was run has taken so far.
look_at_time() {
    times > spent
    spent=$(awk -F '[ms ]+' 'END { print int($1 * 60 + $2 + $3 * 60 + $4) }' spent)
}

# Whether the last run ended in time and in one of the ways that are named.
ended() {
    ends=" $* "
    [ $((spent - before)) -le 30 ] || { echo "# $((spent - before)) s"; return 1; }
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
        look_at_time
        before=$spent
        try run -m 64M "$@" ./ways --in-a-machine "$name"
        look_at_time
        # shellcheck disable=SC2086
        ok "$name ends" ended $ends
    done < list
}
