# Sourced by tests of Python's packages: the very files of the guest's layers as a root for Linux.
. "$(dirname "$0")/tap.sh"
needs fsck.erofs chroot
TIME_LIMIT=400

# Makes root of the package python and its addition of "NAME", … as package.json has them.
python_root() { # NAMES
    base=$(find "$ORRIS_HOME/packages/" -maxdepth 1 -name 'python_*' ! -name '*@*')
    addition=$(grep -l "$1" "$base"@*/package.json)
    mkdir root
    for layer in "$base/layer.erofs" "${addition%package.json}layer.erofs"; do
        fsck.erofs --extract=root --overwrite "$layer" > log 2>&1 || cat log
    done
    mkdir -p root/tmp root/dev root/proc
}

# Runs /app.py there: linux.out, linux.err. 77: no mounting here.
linux() {
    unshare -r -m sh -c 'mount --rbind /dev "$1/dev" && mount --rbind /proc "$1/proc" || exit 77
        cd / && exec env -i HOME=/ PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$1" /usr/bin/python3 /app.py' \
        sh "$work/root" > linux.out 2> linux.err < /dev/null
}
