#!/bin/bash
# Memory taken by the program itself, by threads, and by several things at once; and an interpreter whose
# text must stay while it takes all of one kind.
. "$(dirname "$0")/tap.sh"
needs python gcc
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

# 10 MiB of text in use while memory runs out: the text stays until the end, which comes in time.
gcc -O1 -o text "$here/memory/text.c"
try run -m 64M ./text
ok "so does memory that pushes at the text in use" is "$status$(grep -c 'out of memory' err)" 1371
ok "most of memory was had" [ "$(tail -n 1 out)" -ge 40 ]
try run -m 64M ./text 45
ok "with little left the text is called on" matches out '^rounds [1-9][0-9]'
finish
