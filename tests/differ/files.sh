#!/bin/sh
# Random operations on files (files.c), on Linux and in the guest, compared: with a tree that comes
# from the image, and from scratch.
#     tests/differ/files.sh FIRST COUNT OPERATIONS [EVERY]   seeds FIRST to FIRST+COUNT-1
# On Linux they run as a user without rights, in namespaces of its own, with a tmpfs of 64 MiB.
# The end is 0 (no difference), 1, or 77: not here, and why. ORRIS_FLAGS are more flags of orris run.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
orris=${ORRIS:-$top/build/bin/orris}
first=$1 count=$2 operations=$3 every=${4:-250} # operations after which the whole tree is compared
work=$(mktemp -d /tmp/orris-differ.XXXXXX) || exit 1 # the same path on all sides, as links hold it
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
cd "$work" || exit 1

gcc -std=gnu17 -O1 -g -static-pie -Wall -Wextra -D_GNU_SOURCE "$top/tests/differ/files.c" -o files || exit 1
./files tree tree || exit 1
echo "{\"Dirs\": [\"$work/tree\"]}" > config.json

. "$top/tests/differ/confined.sh"
if ! confined "$work" files true < files 2> why; then
    echo "skipped: no namespaces for a user without rights here: $(tail -n 1 why)"
    exit 77
fi
# user.* on tmpfs came with Linux 6.6.
confined "$work" files './files xattrs files' < files || NO_XATTRS=1
seeds=0 failed=0
# compare TREE SEED: TREE is a folder of the image, or one that isn't there.
compare() {
    confined "$work" files "${3:-true} && ${NO_XATTRS:+NO_XATTRS=1} ./files run $work/$1 $2 1 $operations $every | cat" \
        < files > linux.out 2> linux.err # a limit for files holds for standard output, too
    # shellcheck disable=SC2086
    timeout 120 "$orris" run -q --accel "${ORRIS_ACCEL:-tcg}" ${ORRIS_FLAGS:-} -c config.json ${NO_XATTRS:+-e NO_XATTRS=1} \
        ./files run "$work/$1" "$2" 1 "$operations" "$every" > guest.out 2> guest.err
    status=$?
    seeds=$((seeds + 1))
    [ "$status" = 0 ] && cmp -s linux.out guest.out && return
    failed=$((failed + 1))
    echo "seed $2 in $1 differs (< Linux, > the guest; the guest's end is $status):"
    cat linux.err guest.err
    diff linux.out guest.out | head -n 12
    [ -z "${KEEP:-}" ] || cp linux.out guest.out "$KEEP"
}
seed=$first
while [ "$seed" -lt $((first + count)) ]; do
    compare tree "$seed" './files tree tree'
    compare empty "$seed"
    seed=$((seed + 1))
done
echo "$((seeds - failed)) runs agree, $failed differ (seeds $first to $((seed - 1)), $operations operations each)"
[ "$failed" = 0 ]
