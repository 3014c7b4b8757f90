#!/bin/sh
# Random operations on memory mappings answer as on Linux (tests/differ/maps.sh; `make fuzz` has more).
. "$(dirname "$0")/tap.sh"
"$top/tests/differ/maps.sh" 1 4 2500 > out 2> err
status=$?
[ "$status" != 77 ] || skip_all "$(cat out)"
ok "as on Linux" is "$status" 0
finish
