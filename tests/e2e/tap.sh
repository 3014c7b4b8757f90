# Sourced by every test here. A test is an executable shell script that prints TAP; it stands in a
# folder of its own ($here: the tests' folder, $work: empty, the current folder) and uses the tool
# through `orris`, which has a time limit. The store is shared between tests ($ORRIS_HOME), so that
# packages are fetched once; a test that changes packages takes a store of its own. Images, hundreds of
# megabytes each, and instances are always the test's own, and go with it.
#
# What the machine happens to have decides nothing: `needs` names what a test can't do without, and skips it with
# the reason; `skip` does so with a part of it. Settings of who runs the tests don't reach them.
set -u
unset CDPATH
umask 022
ulimit -c 0
for tap_fd in 0 1 2; do # what is closed would be the next file that is opened
    [ -e /proc/self/fd/$tap_fd ] || eval "exec $tap_fd<> /dev/null"
done
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
ORRIS=${ORRIS:-$top/build/bin/orris}
ORRIS_HOME=${ORRIS_TEST_HOME:-$top/build/tests/home}
TIME_LIMIT=${TIME_LIMIT:-120} # seconds for one run of the tool
export ORRIS_HOME
# What the tool would name as set here but left outside, and what changes what programs say or do.
# shellcheck disable=SC2046
unset $(env | sed -n 's/^\(\(PYTHON\|NODE_\|OMP_\|OPENBLAS_\|MKL_\|BLIS_\|NUMEXPR_\|JOBLIB_\|LC_\|GO\|PERL\|RUBY\|LUA_\|GUILE_\|PIP_\)[A-Z0-9_]*\)=.*/\1/p')
unset LD_LIBRARY_PATH LD_PRELOAD GLIBC_TUNABLES MALLOC_ARENA_MAX LANGUAGE TZ NO_COLOR POSIXLY_CORRECT SOURCE_DATE_EPOCH
unset ORRIS_DEFAULT_CONFIG ORRIS_STORE_MAX ORRIS_PACKAGES ORRIS_QEMU VIRTUAL_ENV CLASSPATH JAVA_TOOL_OPTIONS
unset CC CFLAGS CPPFLAGS LDFLAGS RUSTFLAGS COLUMNS LINES MANWIDTH MANOPT MANROFFOPT GREP_COLORS TAR_OPTIONS
LANG=C.UTF-8
HOME=$top/build/tests/user # whose home may be read-only, or hold modules of its own
PATH=$PATH:/usr/sbin:/sbin # ip, ldconfig
no_proxy=127.0.0.1,localhost${no_proxy:+,$no_proxy}
NO_PROXY=$no_proxy
export LANG HOME PATH no_proxy NO_PROXY
mkdir -p "$HOME" || exit 1
python=/usr/bin/python3

skip_all() {
    echo "1..0 # SKIP $(echo "$1" | tr '\n' ' ')"
    exit 0
}

# May a test mount what only it sees, as root of a namespace? If not, $no_mount says why.
can_mount() { no_mount=$(unshare -r -m mount -t tmpfs none "$HOME" 2>&1); }

# with_small SIZE SCRIPT: ./small is a file system of that size while the shell runs the script; out, err, $status.
with_small() {
    mkdir -p small
    # shellcheck disable=SC2016
    unshare -r -m sh -c 'mount -t tmpfs -o size="$1" none small && eval "$2"' sh "$@" > out 2> err
    status=$?
}

# A file system as root of a program on Linux, with devices and /proc, as root or not.
can_chroot() {
    mkdir -p "$HOME/dev" "$HOME/proc"
    # shellcheck disable=SC2016
    no_chroot=$(unshare -r -m sh -c 'mount --rbind /dev "$0/dev" && mount --rbind /proc "$0/proc" && chroot / true' "$HOME" 2>&1)
}

# Network namespaces with names, and devices of tap in them: $1 is a name to try it with.
can_netns() {
    no_netns="root and /dev/net/tun are needed"
    [ "$(id -u)" = 0 ] && [ -c /dev/net/tun ] || return 1
    no_netns=$(ip netns add "$1" 2>&1) || return 1
    no_netns=$(ip netns exec "$1" ip tuntap add dev tap0 mode tap 2>&1)
    tap_status=$?
    ip netns del "$1"
    return $tap_status
}

# Can Debian's archive be reached, as apt's sources name it?
can_fetch() {
    # shellcheck disable=SC2016
    tap_url=$(apt-get indextargets --format '$(REPO_URI)dists/$(RELEASE)/InRelease' 'Created-By: Packages' 2> /dev/null | head -n 1)
    timeout 60 /usr/lib/apt/apt-helper -o APT::Sandbox::User=root download-file "$tap_url" "$work/InRelease" > /dev/null 2>&1
    tap_status=$?
    rm -f "$work/InRelease"
    return $tap_status
}

# needs WHAT…: the test is skipped where one is missing: python, python:MODULE, chroot, netns, pty, archive (Debian's),
# package:NAME (in the store or there), or a command.
needs() {
    for tap_need in "$@"; do
        case $tap_need in
        python) [ -x $python ] || skip_all "there is no $python" ;;
        python:*) $python -c "import ${tap_need#*:}" 2> /dev/null || skip_all "$python has no ${tap_need#*:}" ;;
        chroot) can_chroot || skip_all "Linux lets no chroot be made here: $no_chroot" ;;
        netns) can_netns "orris-try$$" || skip_all "no network namespaces with a tap here: $no_netns" ;;
        package:*)
            orris pkg get -q "${tap_need#*:}" > /dev/null 2>&1 || can_fetch ||
                skip_all "${tap_need#*:} is not in the store, and Debian's archive is out of reach"
            ;;
        archive) can_fetch || skip_all "Debian's archive is out of reach" ;;
        pty) $python -c 'import os; os.openpty()' 2> /dev/null || skip_all "there are no pseudo-terminals here" ;;
        *) command -v "$tap_need" > /dev/null || skip_all "there is no $tap_need here" ;;
        esac
    done
}

# The test, as a child, has a store of its own, most of which is the shared one.
if [ -z "${TAP_STORE:-}" ]; then
    mkdir -p "$top/build/tests"
    TAP_STORE=$(mktemp -d "$top/build/tests/store.XXXXXX") || exit 1
    export TAP_STORE
    trap : INT TERM # the test ends by them, then this
    "$0" "$@"
    tap_status=$?
    rm -rf "$TAP_STORE"
    exit "$tap_status"
fi
for tap_folder in cache layers locks packages; do
    mkdir -p "$ORRIS_HOME/$tap_folder"
    ln -s "$ORRIS_HOME/$tap_folder" "$TAP_STORE/"
done
[ ! -e "$ORRIS_HOME/host.json" ] || cp "$ORRIS_HOME/host.json" "$TAP_STORE"
ORRIS_HOME=$TAP_STORE
unset TAP_STORE

work=$(mktemp -d "${TMPDIR:-/tmp}/orris-test.XXXXXX")
cp /bin/true "$work/tap" && "$work/tap" 2> /dev/null || { # no programs may run there
    rm -rf "$work"
    work=$(mktemp -d "$top/build/tests/work.XXXXXX")
}
work=$(cd "$work" && pwd -P)
cd "$work" || exit 1
rm -f tap
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
    tap_limit=$TIME_LIMIT
    [ "$verb" != pkg ] || [ "$tap_limit" -ge 400 ] || tap_limit=400 # it may be the first that fetches a package
    timeout -k 5 "$tap_limit" "$ORRIS" "$@"
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

free_port() { $python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# skip NAME REASON: one test that can't be made here.
skip() {
    tap_count=$((tap_count + 1))
    echo "ok $tap_count - $1 # SKIP $(echo "$2" | tr '\n' ' ')"
}

# The tool and all it needs, as another user than root, with a home and a store of its own in $work/other: as_other COMMAND…
can_be_other() {
    no_other="being another user takes root"
    [ "$(id -u)" = 0 ] && no_other=$(setpriv --reuid=65534 --regid=65534 --clear-groups true 2>&1)
}
as_other() {
    if [ ! -d "$work/other" ]; then # a clone may lie where that user can't look
        mkdir -p "$work/tool" "$work/other"
        cp "$ORRIS" "$work/tool/orris"
        cp "${ORRIS_KERNEL:-$top/build/kernel/orris.elf}" "$work/tool"
        cp -r "$top/packages" "$work/tool"
        chmod -R a+rX "$work/tool"
        chmod 755 "$work"
        chown 65534:65534 "$work/other"
    fi
    ORRIS_HOME=$work/other/store HOME=$work/other ORRIS_PACKAGES=$work/tool/packages ORRIS_KERNEL=$work/tool/orris.elf \
        timeout -k 5 "$TIME_LIMIT" setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

finish() {
    echo "1..$tap_count"
    [ "$tap_failed" = 0 ]
    exit
}
