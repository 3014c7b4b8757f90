#!/bin/bash
# Memory taken by names and files' data: ENOSPC, and the program lives.
. "$(dirname "$0")/tap.sh"
needs gcc
. "$here/memory/judge.sh"

ways_end names

# What hides an image's names is no file's and has no end of its own.
gcc -O1 -o whiteouts "$here/memory/whiteouts.c"
mkdir many
./whiteouts --make 100000 many > out
echo '{"MapDirs": {"many/*": "/many"}}' > many.json
try run -m 40M -c many.json ./whiteouts 100000 /many
ok "removing an image's files ends with ENOSPC" matches out '^END [1-9][0-9]* ENOSPC$'
ok "and the program lives" is "$status" 0
finish
