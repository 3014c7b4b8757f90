# Sourced by every test here. A test is an executable shell script that prints TAP; it stands in a
# folder of its own ($here: the tests' folder, $work: empty, the current folder) and uses the tool
# through `orris`, which has a time limit. The store is shared between tests ($ORRIS_HOME), so that
# packages are fetched once; a test that changes packages takes a store of its own. Images, hundreds of
# megabytes each, are a test's own if it runs as root, and go with it.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
ORRIS=${ORRIS:-$top/build/bin/orris}
ORRIS_HOME=${ORRIS_TEST_HOME:-$top/build/tests/home}
TIME_LIMIT=${TIME_LIMIT:-120} # seconds for one run of the tool
export ORRIS_HOME
# What the tool would name as set here but left outside.
# shellcheck disable=SC2046
unset $(env | sed -n 's/^\(\(PYTHON\|NODE_\|OMP_\|OPENBLAS_\|MKL_\|BLIS_\|NUMEXPR_\|JOBLIB_\)[A-Z0-9_]*\)=.*/\1/p')
unset LD_LIBRARY_PATH LD_PRELOAD GLIBC_TUNABLES MALLOC_ARENA_MAX

# May a test mount what only it sees?
can_mount() { [ "$(id -u)" = 0 ] && unshare -m true 2> /dev/null; }

if [ -n "${TAP_IMAGES:-}" ]; then
    mount --bind "$TAP_IMAGES" "$ORRIS_HOME/images" || exit 1
    unset TAP_IMAGES
elif can_mount; then
    mkdir -p "$ORRIS_HOME/images" "$top/build/tests"
    TAP_IMAGES=$(mktemp -d "$top/build/tests/images.XXXXXX") || exit 1
    export TAP_IMAGES
    trap : INT TERM # the test ends by them, then this
    unshare -m "$0" "$@"
    tap_status=$?
    rm -rf "$TAP_IMAGES"
    exit "$tap_status"
fi
python=/usr/bin/python3

work=$(mktemp -d "${TMPDIR:-/tmp}/orris-test.XXXXXX")
cd "$work" || exit 1
trap 'cd /; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

tap_count=0
tap_failed=0

# The tool, with a time limit and no terminal. Emulation unless ORRIS_ACCEL says otherwise.
orris() {
    verb=$1
    shift
    case $verb in
    run | boot) set -- "$verb" --accel "${ORRIS_ACCEL:-tcg}" "$@" ;;
    pkg)
        sub=$1
        shift
        case $sub in
        load) set -- "$verb" "$sub" --accel "${ORRIS_ACCEL:-tcg}" "$@" ;;
        *) set -- "$verb" "$sub" "$@" ;;
        esac
        ;;
    *) set -- "$verb" "$@" ;;
    esac
    timeout -k 5 "$TIME_LIMIT" "$ORRIS" "$@"
}

# orris with its output in the files out and err and its status in $status.
try() {
    orris "$@" > out 2> err < "${input:-/dev/null}"
    status=$?
}

# ok NAME COMMAND…: one test, which passes if COMMAND succeeds.
ok() {
    tap_name=$1
    shift
    tap_count=$((tap_count + 1))
    if "$@"; then
        echo "ok $tap_count - $tap_name"
    else
        tap_failed=$((tap_failed + 1))
        echo "not ok $tap_count - $tap_name"
        echo "# failed: $*"
        for tap_file in out err; do
            [ ! -s $tap_file ] || { echo "# --- $tap_file (status ${status:-?})"; sed 's/^/# /' $tap_file | tail -n 25; }
        done
    fi
}

not() { ! "$@"; }
quiet() { "$@" > out; }
has() { grep -qF -- "$2" "$1"; }         # FILE TEXT
matches() { grep -qE -- "$2" "$1"; }     # FILE PATTERN
is() { [ "$1" = "$2" ]; }
program_err() { grep -v '^orris: ' err; } # what the program itself wrote
tool_err() { grep '^orris: ' err; }

skip_all() {
    echo "1..0 # SKIP $1"
    exit 0
}

finish() {
    echo "1..$tap_count"
    [ "$tap_failed" = 0 ]
    exit
}
