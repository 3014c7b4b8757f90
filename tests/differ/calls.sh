#!/bin/sh
# Random system calls (calls.c): one thread's on Linux and in the guest, compared; those of four that race, in the guest.
#     tests/differ/calls.sh FIRST COUNT CALLS [RACING]    seeds FIRST to FIRST+COUNT-1, CALLS each, and RACING by each thread
# They run as a user without rights, on Linux in namespaces of its own, with a tmpfs of 64 MiB.
# The end is 0 (no difference), 1, or 77: not here, and why. ORRIS_FLAGS are more flags of orris run.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
orris=${ORRIS:-$top/build/bin/orris}
first=$1 count=$2 calls=$3 racing=${4:-0}
work=$(mktemp -d "${TMPDIR:-/tmp}/orris-differ.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
cd "$work" || exit 1
. "$top/tests/differ/confined.sh"
MODE=1777 OTHER=yes

gcc -std=gnu17 -O1 -g -static-pie -pthread -Wall -Wextra -D_GNU_SOURCE "$top/tests/differ/calls.c" -o calls || exit 1
if ! confined /tmp calls true < calls 2> why; then
    echo "skipped: no namespaces for a user without rights here: $(tail -n 1 why)"
    exit 77
fi
guest() {
    # shellcheck disable=SC2086
    timeout 600 "$orris" run -q --accel "${ORRIS_ACCEL:-tcg}" --user 1000:1000 ${ORRIS_FLAGS:-} ./calls "$@"
}
failed() {
    failures=$((failures + 1))
    echo "seed $seed, $1 (< Linux, > the guest; the guest's end is $status):"
}
failures=0 seed=$first
while [ "$seed" -lt $((first + count)) ]; do
    if [ "$calls" != 0 ]; then
        confined /tmp calls "./calls run $seed $calls" < calls > linux.out 2> linux.err
        guest run "$seed" "$calls" > guest.out 2> guest.err
        status=$?
        if [ "$status" != 0 ] || ! cmp -s linux.out guest.out; then
            failed "one thread"
            cat linux.err guest.err
            diff linux.out guest.out | head -n "${LINES_SHOWN:-12}"
            [ -z "${KEEP:-}" ] || cp linux.out guest.out "$KEEP"
        fi
    fi
    if [ "$racing" != 0 ]; then
        guest race "$seed" "$racing" > guest.out 2> guest.err
        status=$?
        if [ "$status" != 0 ] || ! grep -q 'ended well' guest.out; then
            failed "four threads"
            tail -n 20 guest.out guest.err
        fi
    fi
    seed=$((seed + 1))
done
echo "$((count - failures)) seeds agree, $failures differ (seeds $first to $((seed - 1)), $calls calls each, and $racing by each of four threads)"
[ "$failures" = 0 ]
