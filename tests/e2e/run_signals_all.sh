#!/bin/bash
# Every signal that a user sends to the tool reaches the program, once, as kill() or sigqueue() sent
# it. What Linux does without the tool is the oracle: the same program runs there first.
. "$(dirname "$0")/tap.sh"
needs python gcc

# Tells of each signal that it gets; SIGTERM ends it.
cat > count.c <<'C'
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
int main(void)
{
    sigset_t all;
    siginfo_t info;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("ready");
    do {
        if (sigwaitinfo(&all, &info) > 0)
            printf("got %d code %d value %d\n", info.si_signo, info.si_code, info.si_code == SI_QUEUE ? info.si_value.sival_int : 0);
    } while (info.si_signo != SIGTERM);
    return 7;
}
C
gcc -O1 -static -o count count.c || exit 1

cat > send.py <<'P'
import ctypes, os, pty, signal, subprocess, sys, time
command = sys.argv[1:]
libc = ctypes.CDLL(None)

def wait_for(path, text, limit=60):
    end = time.time() + limit
    while time.time() < end:
        if text in open(path).read().splitlines():
            return
        time.sleep(0.02)
    sys.exit("no %r in %s" % (text, path))

# Whatever was ignored when the test began would stay so.
def defaults():
    for number in range(1, 65):
        if number not in (signal.SIGKILL, signal.SIGSTOP, 32, 33):
            signal.signal(number, signal.SIG_DFL)

def start(group):
    out = open("log", "w")
    child = subprocess.Popen(command, stdout=out, stderr=open("log.err", "w"), stdin=subprocess.DEVNULL,
                             start_new_session=group, preexec_fn=defaults)
    wait_for("log", "ready")
    return child

# Stops and what stands for stops is of the job control; 32 and 33 are glibc's own.
apart = {signal.SIGKILL, signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGTERM, 32, 33}
numbers = [n for n in range(1, 65) if n not in apart]
child = start(True)
for number in numbers: # one after the other: pending ones of a kind are one
    if number == signal.SIGINT:
        os.killpg(child.pid, number) # as a terminal sends it
    elif number >= 34:
        libc.sigqueue(child.pid, number, ctypes.c_void_p(1000 + number))
    else:
        os.kill(child.pid, number)
    queued = number >= 34
    wait_for("log", "got %d code %d value %d" % (number, -1 if queued else 0, 1000 + number if queued else 0))
for i in range(3): # real-time signals queue
    libc.sigqueue(child.pid, 40, ctypes.c_void_p(i))
wait_for("log", "got 40 code -1 value 2")
os.killpg(child.pid, signal.SIGUSR1)
time.sleep(0.3)
child.terminate()
print("status", child.wait())
lines = open("log").read().splitlines()
seen = {n: sum(line.split()[1] == str(n) for line in lines if line.startswith("got")) for n in range(1, 65)}
print("once", sorted(n for n in numbers if seen[n] == 1) == sorted(set(numbers) - {40, signal.SIGUSR1}))
print("40", seen[40], "USR1", seen[signal.SIGUSR1])

# Typed at a terminal which is the tool's own, while its streams are not: the terminal's signals.
pid, master = pty.fork()
if pid == 0:
    defaults()
    os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
    os.dup2(os.open("log", os.O_WRONLY | os.O_TRUNC | os.O_CREAT), 1)
    os.dup2(os.open("log.err", os.O_WRONLY | os.O_TRUNC | os.O_CREAT), 2)
    os.execv(command[0], command)
open("log", "w").close()
wait_for("log", "ready")
os.write(master, b"\x03")
wait_for("log", "got 2 code 128 value 0")
os.write(master, b"\x1c")
wait_for("log", "got 3 code 128 value 0")
time.sleep(0.2)
os.kill(pid, signal.SIGTERM)
print("terminal", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]),
      [line for line in open("log").read().splitlines() if line.startswith("got")])
P
$python send.py "$work/count" > want 2>&1
$python send.py "$ORRIS" run --accel "${ORRIS_ACCEL:-tcg}" "$work/count" > out 2> err
ok "the oracle" has want "once True"
ok "every signal arrives once, with code and value" diff want out

# Without handlers each ends the program as it does on Linux.
status_of() {
    : > log # not of the one before
    "$@" > log 2> err < /dev/null &
    job=$!
    for _ in $(seq 200); do
        grep -q ready log && break
        sleep 0.05
    done
    kill -"$signal" $job
    wait $job
    status=$?
}
cat > idle.c <<'C'
#include <stdio.h>
#include <unistd.h>
int main(void)
{
    puts("ready");
    fflush(stdout);
    sleep(60);
    return 0;
}
C
gcc -O1 -static -o idle idle.c || exit 1
for signal in USR1 USR2 HUP ALRM RTMIN+3 SEGV PIPE IO; do
    status_of env --default-signal "$ORRIS" run --accel "${ORRIS_ACCEL:-tcg}" ./idle
    ok "SIG$signal ends a program without a handler" is "$status" $((128 + $(kill -l $signal)))
done

# What was ignored or held back when it started is so for the program, as after any exec, and reaches
# it all the same: a script's `server &` ignores INT and QUIT until the server takes them.
cat > inherits.c <<'C'
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static volatile sig_atomic_t count[65];
static void take(int signo)
{
    count[signo]++;
}
int main(void)
{
    char line[100];
    FILE *f = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof(line), f))
        if (!strncmp(line, "SigBlk", 6) || !strncmp(line, "SigIgn", 6))
            fputs(line, stdout);
    struct sigaction action = {.sa_handler = take};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGQUIT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    puts("ready");
    fflush(stdout);
    for (int i = 0; i < 300 && (!count[SIGQUIT] || count[SIGINT] < 3); i++)
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    sigset_t pending;
    sigpending(&pending);
    printf("INT %d QUIT %d USR1 %d TERM %d pending %d %d\n", count[SIGINT], count[SIGQUIT], count[SIGUSR1],
           count[SIGTERM], sigismember(&pending, SIGUSR1), sigismember(&pending, SIGTERM));
    return 3;
}
C
gcc -O1 -static -o inherits inherits.c || exit 1
cat > hand_down.py <<'P'
import ctypes, os, signal, subprocess, sys, time
libc = ctypes.CDLL(None)
def hand_down():
    for number in (32, 33): # the C library keeps them for itself, so by rt_sigaction (13), with SIG_IGN (1)
        libc.syscall(13, number, (ctypes.c_uint64 * 4)(1, 0, 0, 0), None, 8)
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE, signal.SIGCHLD, 50):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [signal.SIGUSR1, signal.SIGTERM, 60])
child = subprocess.Popen(sys.argv[1:], stdout=open("log", "w"), stderr=open("log.err", "w"), restore_signals=False,
                         stdin=subprocess.DEVNULL, preexec_fn=hand_down)
for _ in range(1200):
    if "ready" in open("log").read():
        break
    time.sleep(0.05)
for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGPIPE, signal.SIGINT, signal.SIGINT, signal.SIGINT, signal.SIGQUIT):
    child.send_signal(number)
    time.sleep(0.4)
print("status", child.wait())
print(open("log").read())
P
$python hand_down.py ./inherits > want 2>&1
$python hand_down.py "$ORRIS" run --accel "${ORRIS_ACCEL:-tcg}" ./inherits > out 2> err
ok "the oracle of what is handed down" has want "INT 3 QUIT 1 USR1 0 TERM 0 pending 1 1"
ok "ignored and blocked signals are handed down, and reach the program" diff want out
# A parent that ignores SIGCHLD would keep the ends of the tool's own children from it.
$python -c 'import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])' \
    "$ORRIS" doctor > out 2>&1
ok "the tool learns its children's status in spite of that" not has out "185"

# A window's size: a WINCH of a user is one, too, where there is no terminal; what is ignored stays so.
cat > reload.py <<'P'
import signal, sys, time
count = 0
def reload(number, frame):
    global count
    count += 1
    print("reload", count, flush=True)
signal.signal(signal.SIGHUP, reload)
print("ready", flush=True)
end = time.monotonic() + 14
while time.monotonic() < end:
    time.sleep(0.1)
sys.exit(count)
P
: > log
env --default-signal "$ORRIS" run --accel "${ORRIS_ACCEL:-tcg}" "$python" reload.py > log 2> err < /dev/null &
job=$!
for i in 1 2 3; do
    for _ in $(seq 400); do
        grep -q "ready" log && { [ $i = 1 ] || grep -q "reload $((i - 1))" log; } && break
        sleep 0.05
    done
    kill -HUP $job
done
wait $job
ok "a server that is told to reload goes on for as long as it likes" is "$?" 3
finish
