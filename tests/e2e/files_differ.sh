#!/bin/bash
# The same random operations on files, on Linux and in the guest: `make fuzz-files` has more of them.
. "$(dirname "$0")/tap.sh"

export ORRIS ORRIS_ACCEL=${ORRIS_ACCEL:-tcg}
timeout 500 "$here/../differ/files.sh" 1 6 5000 > out 2> err
status=$?
[ "$status" != 77 ] || skip_all "$(cat out)"
ok "12 runs of 5,000 operations agree with Linux" is "$status" 0
finish
