# Sourced after tap.sh by the tests of the services.
needs python
export ORRIS ORRIS_HOME
mkdir in

# examples/iris-native is built of Debian's static libraries, which not every machine has.
needs_native() {
    needs python:sklearn # what it must say
    [ -e /usr/include/linear.h ] || skip_all "examples/iris-native is not built, for there is no liblinear-dev"
}

# Sets $NGINX. Debian's nginx comes from the package store, unpacked here: installing it would start
# one on port 80.
nginx_unpack() {
    needs fsck.erofs package:nginx
    try pkg get nginx
    root=$work/nginx-root
    layer=$(orris pkg describe nginx | sed -n 's/^file *//p')
    fsck.erofs --extract="$root" "$layer" > log 2>&1 || cat log
    cat > nginx <<P
#!/bin/sh
exec "$root/lib64/ld-linux-x86-64.so.2" --library-path "$root/usr/lib/x86_64-linux-gnu" "$root/usr/sbin/nginx" "\$@"
P
    chmod +x nginx
    export NGINX=$work/nginx
}

# SCRIPT ARGUMENT…: one of the scripts beside this one, whose TAP and status are the test's.
check() {
    cd in && "$python" -B "$here/appliance/$1" "${@:2}"
    exit
}
