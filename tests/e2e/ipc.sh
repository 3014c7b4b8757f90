#!/bin/bash
# System V IPC as the tools of util-linux use it, and its limits.
. "$(dirname "$0")/tap.sh"
needs gcc ipcmk ipcs

try run ipcmk -M 100000 -S 3 -Q
ok "objects are made" is "$(cat out)" "Shared memory id: 0
Message queue id: 0
Semaphore id: 0"

try run ipcs -l
for line in "max number of segments = 4096" "max semaphores per array = 32000" "max size of message (bytes) = 8192"; do
    ok "ipcs -l: $line" grep -qxF "$line" out
done

try run ipcs -u
ok "nothing is left of another run" grep -q "^used arrays = 0" out

cat > mq.c << 'C'
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    struct mq_attr attr = {.mq_maxmsg = 3, .mq_msgsize = 16};
    char text[16];
    unsigned priority;
    mqd_t q = mq_open("/queue", O_CREAT | O_RDWR, 0600, &attr);
    mq_send(q, "later", 6, 1);
    mq_send(q, "first", 6, 9);
    mq_receive(q, text, sizeof(text), &priority);
    printf("%s %u\n", text, priority);
    fflush(stdout);
    FILE *f = fopen("/dev/mqueue/queue", "r");
    char line[100] = "";
    if (f && fgets(line, sizeof(line), f))
        printf("%.8s\n", line);
    return 0;
}
C
gcc -o mq mq.c || exit 1
try run ./mq
ok "a message queue, and its file" is "$(cat out)" "first 9
QSIZE:6 "
try run --trace=ipc:calls ./mq
ok "the trace has a class for it" grep -q '^mq_open("queue", 0x42, 0600, ' calls
ok "and nothing else in it" sh -c "! grep -qv '^mq_' calls"
finish
