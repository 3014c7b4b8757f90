#!/bin/bash
# RLIMIT_CPU ends a program: SIGXCPU at the soft limit, SIGKILL at the hard one, with the statuses that a shell has.
. "$(dirname "$0")/tap.sh"
needs gcc

cat > loop.c <<'C'
#include <signal.h>
#include <sys/resource.h>
int main(int argc, char **argv)
{
    struct rlimit limit = {1, 2};
    (void)argv;
    if (argc > 1)
        signal(SIGXCPU, SIG_IGN);
    if (setrlimit(RLIMIT_CPU, &limit))
        return 1;
    for (;;)
        ;
}
C
gcc -O1 -static -o loop loop.c || exit 1

for how in "" "ignored"; do
    # shellcheck disable=SC2086
    bash -c './loop '$how'; exit $?' 2> /dev/null
    linux=$?
    # shellcheck disable=SC2086
    try run ./loop $how
    ok "the limit${how:+ whose signal is $how} ends it as on Linux" is "$status" "$linux"
    ok "with the signal's status" is "$status" "$([ "$how" ] && echo 137 || echo 152)"
    ok "and not for want of memory" not has err 'out of memory'
done
finish
