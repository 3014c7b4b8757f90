# Sourced by the tests of languages: a package's example in the guest, compared with the very same
# files on Linux: the package's layer unpacked, and the program run in it by chroot.
. "$(dirname "$0")/tap.sh"
needs python fsck.erofs chroot
TIME_LIMIT=300

# The command of a package's example, as words that the shell can read: program and arguments.
language_command() { # PACKAGE CONFIG
    $python - "$ORRIS_HOME/packages" "$1" "$2" <<'P'
import glob, json, shlex, sys
store, name, config = sys.argv[1:]
package = json.load(open(glob.glob(f'{store}/{name}_*/package.json')[0]))
words = [package['Program']] + package['Args'][1:] + json.load(open(config))['Args']
print(shlex.join(words))
P
}

# language PACKAGE: both runs of examples/PACKAGE, three tests.
language() {
    needs "package:$1"
    cp "$top/examples/$1"/* .
    try pkg get "$1"
    root=$work/root
    fsck.erofs --extract="$root" "$ORRIS_HOME"/packages/"$1"_*/layer.erofs > log 2>&1 || cat log
    cp "$top/examples/$1"/* "$root"
    mkdir -p "$root/tmp" "$root/dev" "$root/proc"
    command=$(language_command "$1" config.json)
    unshare -r -m sh -c 'mount --rbind /dev "$1/dev" && mount --rbind /proc "$1/proc" || exit 77
        cd / && exec env -i HOME=/ PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$1" '"$command" sh "$root" > linux.out 2> linux.err < /dev/null
    linux_status=$?
    ok "$1: Linux runs the example" test -s linux.out
    try pkg load "$1" -c config.json
    program_err > shown
    ok "$1: the same status" is "$status" "$linux_status"
    ok "$1: the same output" cmp linux.out out
    ok "$1: the same on standard error" cmp linux.err shown
}
