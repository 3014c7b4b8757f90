#!/bin/bash
# Memory taken by the program itself, by threads, and by several things at once; and an interpreter whose
# text must stay while it takes all of one kind.
. "$(dirname "$0")/tap.sh"
needs python
. "$here/memory/judge.sh"

ways_end memory

cp "$here/memory/take.py" .
for what in "names" "names 20" "pipes" "pipes 15" "data 10" "threads" "sockets 20" "areas"; do
    # shellcheck disable=SC2086
    try run -q -m 64M $python take.py $what
    ok "an interpreter gets an error for $what" matches out "^END [1-9]"
    ok "and lives" is "$(tail -n 1 out)$status" "ALIVE 1.4142135620"
done
try run -m 64M $python take.py names 30
ok "memory that it needs itself ends it with a line that says why" \
    is "$status$(grep -c 'out of memory' err)" 1371
finish
