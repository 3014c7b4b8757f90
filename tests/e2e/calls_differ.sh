#!/bin/sh
# Random system calls answer as on Linux, and four threads of them end well (tests/differ/calls.sh; `make fuzz` has more).
. "$(dirname "$0")/tap.sh"
for cpus in 1 2; do
    ORRIS_FLAGS="--cpus $cpus" "$top/tests/differ/calls.sh" 1 3 2000 5000 > out 2> err
    status=$?
    [ "$status" != 77 ] || skip_all "$(cat out)"
    ok "as on Linux, $cpus processors" is "$status" 0
done
finish
