# Sourced by the differential fuzzers: random calls on Linux harm nothing there.
#
# confined FOLDER NAME COMMAND: standard input is a program, which becomes FOLDER/NAME on a tmpfs of 64 MiB; COMMAND is
# then run in that folder, by a user without rights, in namespaces of its own, with few processes, 2 GB of addresses
# and two minutes. MODE is the folder's (755); OTHER is "yes" for a user who isn't root in these namespaces either.
confined() {
    folder=$1 name=$2 command=$3
    [ -z "${OTHER:-}" ] || command="ip link set lo up; unshare -U --map-user=1000 --map-group=1000 sh -c '$command'"
    set -- prlimit --as=2000000000 --nproc=200 --core=0 unshare -U --map-root-user -m -p -i -n --fork --mount-proc sh -c \
        "mount -t tmpfs -o size=64m,mode=${MODE:-755} tmpfs /tmp && mkdir -p $folder && cd $folder && cat > $name && chmod 755 $name && $command"
    [ "$(id -u)" != 0 ] || set -- setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
    (cd / && timeout 120 "$@")
}
