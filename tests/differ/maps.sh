#!/bin/sh
# Random operations on memory mappings (maps.c), on Linux and in the guest, compared.
#     tests/differ/maps.sh FIRST COUNT OPERATIONS    seeds FIRST to FIRST+COUNT-1
# On Linux they run as a user without rights, in namespaces of its own, with a tmpfs of 64 MiB.
# The end is 0 (no difference), 1, or 77: not here, and why. ORRIS_FLAGS are more flags of orris run.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
orris=${ORRIS:-$top/build/bin/orris}
first=$1 count=$2 operations=$3
work=$(mktemp -d "${TMPDIR:-/tmp}/orris-differ.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
cd "$work" || exit 1

gcc -std=gnu17 -O1 -g -static-pie -Wall -Wextra -D_GNU_SOURCE "$top/tests/differ/maps.c" -o maps || exit 1

. "$top/tests/differ/confined.sh"
if ! confined /tmp maps true < maps 2> why; then
    echo "skipped: no namespaces for a user without rights here: $(tail -n 1 why)"
    exit 77
fi
# The rules of mremap for several mappings at once came with Linux 6.17.
failed=0 seed=$first
while [ "$seed" -lt $((first + count)) ]; do
    confined /tmp maps "./maps $seed $operations" < maps > linux.out 2> linux.err
    # shellcheck disable=SC2086
    timeout 120 "$orris" run -q --accel "${ORRIS_ACCEL:-tcg}" ${ORRIS_FLAGS:-} ./maps "$seed" "$operations" 65534 \
        > guest.out 2> guest.err
    status=$?
    if [ "$status" != 0 ] || ! cmp -s linux.out guest.out; then
        failed=$((failed + 1))
        echo "seed $seed differs (< Linux, > the guest; the guest's end is $status):"
        cat linux.err guest.err
        diff linux.out guest.out | head -n 12
        [ -z "${KEEP:-}" ] || cp linux.out guest.out "$KEEP"
    fi
    seed=$((seed + 1))
done
echo "$((count - failed)) runs agree, $failed differ (seeds $first to $((seed - 1)), $operations operations each)"
[ "$failed" = 0 ]
