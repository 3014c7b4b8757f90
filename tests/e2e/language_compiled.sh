#!/bin/bash
# Compiled programs: C, static, PIE, of musl; Go and Rust, built by Debian's compilers, and as Debian
# has them.
. "$(dirname "$0")/tap.sh"
needs gcc package:gron package:ripgrep

# both PROGRAM ARG…: the same on Linux and in the guest.
both() {
    "$@" > linux.out 2> linux.err < /dev/null
    linux_status=$?
    try run "$@"
    program_err > shown
    ok "$1: the same status" is "$status" "$linux_status"
    ok "$1: the same output" cmp linux.out out
    ok "$1: the same on standard error" cmp linux.err shown
}

cat > app.c <<'C'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
static void *work(void *from)
{
    long sum = 0;
    for (long i = 0; i < 100000; i++)
        sum += (i * (long)from) % 7;
    return (void *)sum;
}
int main(int argc, char **argv)
{
    pthread_t threads[4];
    for (long i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, work, (void *)i);
    for (int i = 0; i < 4; i++) {
        void *sum;
        pthread_join(threads[i], &sum);
        printf("%ld ", (long)sum);
    }
    char text[32];
    time_t zero = 0;
    strftime(text, sizeof(text), "%F", gmtime(&zero));
    fprintf(stderr, "%s %s %d\n", text, argv[argc - 1], (int)strlen(getenv("PATH")) > 0);
    return 3;
}
C
gcc -O1 -static -o static app.c && gcc -O1 -static-pie -o static_pie app.c && gcc -O1 -o pie app.c &&
    gcc -O1 -no-pie -o fixed app.c || exit 1
for program in static static_pie pie fixed; do
    both ./$program one "two words"
done
if command -v musl-gcc > log; then
    musl-gcc -O1 -static -o musl app.c
    both ./musl one "two words"
else
    skip musl "there is no musl-gcc"
fi

# The examples, run by their config.json.
built() { # LANGUAGE COMPILER COMMAND…
    command -v "$2" > log || { skip "examples/$1" "there is no $2"; return; }
    set -- "$1" "${@:3}"
    mkdir "$1"
    cp "$top/examples/$1/"* "$1"
    (cd "$1" && "${@:2}" > ../log 2>&1) || cat log
    "$1/app" > linux.out 2> linux.err < /dev/null
    linux_status=$?
    try run -c "$1/config.json"
    program_err > shown
    ok "examples/$1: the same status" is "$status" "$linux_status"
    ok "examples/$1: the same output" cmp linux.out out
    ok "examples/$1: the same on standard error" cmp linux.err shown
}
built go /usr/bin/go env GOCACHE="$work/cache" /usr/bin/go build -o app main.go
built rust /usr/bin/rustc /usr/bin/rustc -O -o app main.rs

# gron is a Go program, ripgrep one of Rust with threads.
printf '{"a": [1, 2.5, {"b": "x"}], "c": null}' > x.json
try pkg load gron x.json
ok "a Go program of Debian" is "$status:$(tail -n 2 out | tr -d '\n')" '0:json.a[2].b = "x";json.c = null;'
mkdir tree && for i in 1 2 3 4 5 6 7 8 9; do seq $i 1000 > tree/$i; done
try pkg load ripgrep -- -j 4 --sort path -c '^99' tree
ok "a Rust program of Debian" is "$status:$(tr '\n' ' ' < out)" "0:$(cd tree && grep -c ^99 * | sed 's|^|tree/|' | tr '\n' ' ')"
try pkg load ripgrep -- nothing-like-this tree
ok "with its exit status" is "$status" 1
finish
