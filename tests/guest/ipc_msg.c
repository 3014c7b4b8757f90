/* System V message queues: msgget, msgsnd, msgrcv, msgctl. */
#include <sys/msg.h>

#include "tests/harness/ipc.h"

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif

struct message {
    long type;
    char text[9000];
};

static int make(void)
{
    return msgget(IPC_PRIVATE, IPC_CREAT | 0600);
}

static void drop(int id)
{
    CHECK_OK(msgctl(id, IPC_RMID, NULL));
}

static int put(int id, long type, const char *text)
{
    struct message m = {.type = type};
    strcpy(m.text, text);
    return msgsnd(id, &m, strlen(text) + 1, IPC_NOWAIT);
}

static ssize_t take(int id, long type, int flags, struct message *m)
{
    memset(m, 0, sizeof(*m));
    return msgrcv(id, m, sizeof(m->text), type, flags | IPC_NOWAIT);
}

static struct msqid_ds stat_of(int id)
{
    struct msqid_ds ds = {0};
    CHECK_OK(msgctl(id, IPC_STAT, &ds));
    return ds;
}

static void get_by_key(void)
{
    int id = msgget(0x1234, IPC_CREAT | IPC_EXCL | 0640);
    CHECK(id >= 0);
    CHECK_EQ(msgget(0x1234, 0600), id);
    CHECK_ERR(msgget(0x1234, IPC_CREAT | IPC_EXCL), EEXIST);
    CHECK_ERR(msgget(0x4321, 0), ENOENT);
    struct msqid_ds ds = stat_of(id);
    CHECK_EQ(ds.msg_perm.mode, 0640);
    CHECK_EQ(ds.msg_qbytes, 16384);
    CHECK_EQ(ds.msg_qnum, 0);
    CHECK_EQ(ds.msg_stime, 0);
    drop(id);
    CHECK_ERR(put(id, 1, "x"), EINVAL);
}

static void by_type(void)
{
    int id = make();
    struct message m;
    CHECK_OK(put(id, 3, "three"));
    CHECK_OK(put(id, 1, "one"));
    CHECK_OK(put(id, 2, "two"));
    CHECK_OK(put(id, 1, "one again"));
    CHECK_EQ(stat_of(id).msg_qnum, 4);
    CHECK_EQ(stat_of(id).__msg_cbytes, 24);
    CHECK_EQ(take(id, 2, 0, &m), 4);
    CHECK_STR(m.text, "two");
    CHECK_EQ(m.type, 2);
    CHECK_EQ(take(id, -2, 0, &m), 4);
    CHECK_STR(m.text, "one");
    CHECK_EQ(take(id, 1, MSG_EXCEPT, &m), 6);
    CHECK_STR(m.text, "three");
    CHECK_ERR(take(id, 7, 0, &m), ENOMSG);
    CHECK_EQ(take(id, 0, 0, &m), 10);
    CHECK_STR(m.text, "one again");
    CHECK_ERR(take(id, 0, 0, &m), ENOMSG);
    struct msqid_ds ds = stat_of(id);
    CHECK_EQ(ds.msg_qnum, 0);
    CHECK_EQ(ds.msg_lspid, getpid());
    CHECK_EQ(ds.msg_lrpid, getpid());
    CHECK(ds.msg_stime > 0 && ds.msg_rtime > 0);
    drop(id);
}

static void lowest_type_first(void)
{
    int id = make();
    struct message m;
    CHECK_OK(put(id, 5, "five"));
    CHECK_OK(put(id, 3, "three"));
    CHECK_OK(put(id, 4, "four"));
    CHECK_ERR(take(id, -2, 0, &m), ENOMSG);
    CHECK_EQ(take(id, -9, 0, &m), 6);
    CHECK_EQ(m.type, 3);
    CHECK_EQ(take(id, LONG_MIN, 0, &m), 5);
    CHECK_EQ(m.type, 4);
    drop(id);
}

static void sizes(void)
{
    int id = make();
    static struct message m, out;
    m.type = 1;
    memset(m.text, 'a', sizeof(m.text));
    CHECK_OK(msgsnd(id, &m, 8192, 0));
    CHECK_ERR(msgsnd(id, &m, 8193, 0), EINVAL);
    CHECK_OK(msgsnd(id, &m, 0, 0));
    CHECK_ERR(msgrcv(id, &out, 100, 0, 0), E2BIG);
    CHECK_EQ(msgrcv(id, &out, 100, 0, MSG_NOERROR), 100);
    CHECK_EQ(out.text[99], 'a');
    CHECK_EQ(out.text[100], 0);
    CHECK_EQ(msgrcv(id, &out, 0, 0, 0), 0);
    m.type = 0;
    CHECK_ERR(msgsnd(id, &m, 1, 0), EINVAL);
    m.type = -1;
    CHECK_ERR(msgsnd(id, &m, 1, 0), EINVAL);
    CHECK_ERR(msgsnd(id, KERNEL_ADDRESS, 1, 0), EFAULT);
    CHECK_ERR(msgsnd(-1, &out, 1, 0), EINVAL);
    CHECK_ERR(msgrcv(id, &out, (size_t)-1, 0, IPC_NOWAIT), EINVAL);
    drop(id);
}

static void full(void)
{
    int id = make();
    static struct message m = {.type = 1};
    CHECK_OK(msgsnd(id, &m, 8192, IPC_NOWAIT));
    CHECK_OK(msgsnd(id, &m, 8192, IPC_NOWAIT));
    CHECK_ERR(msgsnd(id, &m, 1, IPC_NOWAIT), EAGAIN);
    struct msqid_ds ds = stat_of(id);
    ds.msg_qbytes = 20000;
    bool may = msgctl(id, IPC_SET, &ds) == 0; /* with CAP_SYS_RESOURCE */
    CHECK(may || errno == EPERM);
    if (may)
        CHECK_OK(msgsnd(id, &m, 1, IPC_NOWAIT));
    ds.msg_qbytes = 100;
    CHECK_OK(msgctl(id, IPC_SET, &ds));
    CHECK_EQ(stat_of(id).msg_qbytes, 100);
    CHECK_ERR(msgsnd(id, &m, 1, IPC_NOWAIT), EAGAIN);
    drop(id);
}

static void copied(void)
{
    int id = make();
    struct message m;
    CHECK_OK(put(id, 8, "first"));
    CHECK_OK(put(id, 9, "second"));
    ssize_t n = take(id, 1, MSG_COPY, &m);
    if (n == -1 && errno == ENOSYS) { /* a kernel without CONFIG_CHECKPOINT_RESTORE */
        drop(id);
        return;
    }
    CHECK_EQ(n, 7);
    CHECK_EQ(m.type, 9);
    CHECK_STR(m.text, "second");
    CHECK_EQ(stat_of(id).msg_qnum, 2);
    CHECK_ERR(take(id, 2, MSG_COPY, &m), ENOMSG);
    CHECK_ERR(take(id, 0, MSG_COPY | MSG_EXCEPT, &m), EINVAL);
    CHECK_ERR(msgrcv(id, &m, 10, 0, MSG_COPY), EINVAL);
    CHECK_ERR(msgrcv(id, &m, 2, 0, MSG_COPY | IPC_NOWAIT), E2BIG);
    CHECK_ERR(msgrcv(id, &m, 2, 0, MSG_COPY | IPC_NOWAIT | MSG_NOERROR), EINVAL);
    drop(id);
}

struct job {
    int id;
    bool sends;
    long type;
    size_t size;
    ssize_t result;
    int error;
    volatile int done;
    struct message m;
};

static void *do_job(void *arg)
{
    struct job *j = arg;
    j->m.type = j->type;
    j->result =
        j->sends ? msgsnd(j->id, &j->m, j->size, 0) : msgrcv(j->id, &j->m, j->size, j->type, 0);
    j->error = errno;
    __atomic_store_n(&j->done, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void receivers_wait(void)
{
    int id = make();
    static struct job j[2];
    for (int i = 0; i < 2; i++)
        j[i] = (struct job){.id = id, .type = i + 1, .size = 100};
    pthread_t a = thread_start(do_job, &j[0]), b = thread_start(do_job, &j[1]);
    let_it_block();
    CHECK_OK(put(id, 2, "for the second"));
    thread_join(b);
    CHECK_EQ(j[1].result, 15);
    CHECK_STR(j[1].m.text, "for the second");
    CHECK_EQ(j[0].done, 0);
    CHECK_OK(put(id, 3, "for nobody"));
    CHECK_OK(put(id, 1, "for the first"));
    thread_join(a);
    CHECK_STR(j[0].m.text, "for the first");
    CHECK_EQ(stat_of(id).msg_qnum, 1);
    drop(id);
}

static void too_much_for_who_waits(void)
{
    static struct job j;
    j = (struct job){.id = make(), .size = 3};
    pthread_t t = thread_start(do_job, &j);
    let_it_block();
    CHECK_OK(put(j.id, 1, "more than three"));
    thread_join(t);
    CHECK_EQ(j.result, -1);
    CHECK_EQ(j.error, E2BIG);
    CHECK_EQ(stat_of(j.id).msg_qnum, 1);
    drop(j.id);
}

static void senders_wait(void)
{
    static struct job j;
    struct message m;
    j = (struct job){.id = make(), .sends = true, .type = 7, .size = 8192};
    static struct message big = {.type = 1};
    CHECK_OK(msgsnd(j.id, &big, 8192, 0));
    CHECK_OK(msgsnd(j.id, &big, 8000, 0));
    pthread_t t = thread_start(do_job, &j);
    let_it_block();
    CHECK_EQ(j.done, 0);
    CHECK_EQ(take(j.id, 0, 0, &m), 8192);
    thread_join(t);
    CHECK_EQ(j.result, 0);
    CHECK_EQ(take(j.id, 7, 0, &m), 8192);
    drop(j.id);
}

static void removed_while_waiting(void)
{
    static struct job j[2];
    static struct message big = {.type = 1};
    int id = make();
    CHECK_OK(msgsnd(id, &big, 8192, 0));
    CHECK_OK(msgsnd(id, &big, 8192, 0));
    j[0] = (struct job){.id = id, .type = 2, .size = 100};
    j[1] = (struct job){.id = id, .sends = true, .type = 2, .size = 100};
    pthread_t a = thread_start(do_job, &j[1]);
    let_it_block();
    pthread_t b = thread_start(do_job, &j[0]);
    let_it_block();
    drop(id);
    thread_join(a);
    thread_join(b);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(j[i].result, -1);
        CHECK_EQ(j[i].error, EIDRM);
    }
}

static void on_signal(int sig)
{
    (void)sig;
}

static void interrupted(void)
{
    static struct job j;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    j = (struct job){.id = make(), .size = 100};
    pthread_t t = thread_start(do_job, &j);
    for (int i = 0; i < 1000 && !j.done; i++) {
        sleep_ms(5);
        pthread_kill(t, SIGUSR1);
    }
    thread_join(t);
    CHECK_EQ(j.result, -1);
    CHECK_EQ(j.error, EINTR);
    drop(j.id);
}

static void information(void)
{
    int id = make();
    struct msginfo info;
    struct msqid_ds ds;
    CHECK_OK(put(id, 1, "1234"));
    int highest = msgctl(0, IPC_INFO, (struct msqid_ds *)&info);
    CHECK_EQ(info.msgmax, 8192);
    CHECK_EQ(info.msgmnb, 16384);
    CHECK_EQ(info.msgmni, 32000);
    CHECK_EQ(info.msgpool, 512000);
    CHECK_EQ(info.msgmap, 16384);
    CHECK_EQ(info.msgtql, 16384);
    CHECK_EQ(info.msgssz, 16);
    CHECK_EQ(info.msgseg, 65535);
    CHECK_EQ(msgctl(0, MSG_INFO, (struct msqid_ds *)&info), highest);
    CHECK_EQ(info.msgpool, 1);
    CHECK_EQ(info.msgmap, 1);
    CHECK_EQ(info.msgtql, 5);
    CHECK_EQ(msgctl(highest, MSG_STAT, &ds), id);
    CHECK_EQ(ds.msg_qnum, 1);
    CHECK_ERR(msgctl(id, 999, &ds), EINVAL);
    CHECK_ERR(msgctl(id, IPC_STAT, KERNEL_ADDRESS), EFAULT);
    drop(id);
}

static void listed_in_proc(void)
{
    char want[256];
    int id = msgget(0x99, IPC_CREAT | 0640);
    CHECK_OK(put(id, 1, "1234"));
    struct msqid_ds ds = stat_of(id);
    snprintf(want, sizeof(want),
             "%10d %10d  %4o  %10lu %10lu %5u %5u %5u %5u %5u %5u %10llu %10llu %10llu\n", 0x99, id,
             0640, 5ul, 1ul, getpid(), 0, 0, 0, 0, 0, (unsigned long long)ds.msg_stime, 0ull,
             (unsigned long long)ds.msg_ctime);
    CHECK_STR(strchr(file_get("/proc/sysvipc/msg"), '\n') + 1, want);
    drop(id);
}

static void limits_hold(void)
{
    CHECK(file_put("/proc/sys/kernel/msgmax", "100"));
    CHECK(file_put("/proc/sys/kernel/msgmnb", "150"));
    CHECK(file_put("/proc/sys/kernel/msgmni", "1"));
    CHECK(!file_put("/proc/sys/kernel/msgmax", "many"));
    CHECK_STR(file_get("/proc/sys/kernel/msgmax"), "100\n");
    int id = make();
    struct message m = {.type = 1};
    CHECK_ERR(make(), ENOSPC);
    CHECK_ERR(msgsnd(id, &m, 101, IPC_NOWAIT), EINVAL);
    CHECK_OK(msgsnd(id, &m, 100, IPC_NOWAIT));
    CHECK_ERR(msgsnd(id, &m, 51, IPC_NOWAIT), EAGAIN);
    CHECK_EQ(stat_of(id).msg_qbytes, 150);
    CHECK(file_put("/proc/sys/kernel/msgmax", "8192"));
    CHECK(file_put("/proc/sys/kernel/msgmnb", "16384"));
    CHECK(file_put("/proc/sys/kernel/msgmni", "32000"));
    drop(id);
}

/* Two senders and two receivers: everything comes once, each sender's in its order. */
enum { EACH = 1000 };
static int stress_id;

static void *send_many(void *arg)
{
    struct message m = {.type = 1 + (long)arg};
    for (int i = 0; i < EACH; i++) {
        memcpy(m.text, &i, sizeof(i));
        while (msgsnd(stress_id, &m, 100, 0) == -1 && errno == EINTR)
            continue;
    }
    return NULL;
}

static void *receive_many(void *arg)
{
    struct message m;
    long wrong = 0;
    for (int i = 0; i < EACH; i++) {
        int got = -1;
        if (msgrcv(stress_id, &m, 100, 1 + (long)arg, 0) == 100)
            memcpy(&got, m.text, sizeof(got));
        wrong += got != i;
    }
    return (void *)wrong;
}

static void all_arrive(void)
{
    pthread_t t[4];
    stress_id = make();
    for (long i = 0; i < 4; i++)
        t[i] = thread_start(i < 2 ? send_many : receive_many, (void *)(i % 2));
    thread_join(t[0]);
    thread_join(t[1]);
    CHECK_EQ((long)thread_join(t[2]), 0);
    CHECK_EQ((long)thread_join(t[3]), 0);
    CHECK_EQ(stat_of(stress_id).msg_qnum, 0);
    drop(stress_id);
}

int main(void)
{
    ipc_namespace();
    RUN(get_by_key);
    RUN(by_type);
    RUN(lowest_type_first);
    RUN(sizes);
    RUN(full);
    RUN(copied);
    RUN(receivers_wait);
    RUN(too_much_for_who_waits);
    RUN(senders_wait);
    RUN(removed_while_waiting);
    RUN(interrupted);
    RUN(information);
    RUN(listed_in_proc);
    RUN(limits_hold);
    RUN(all_arrive);
    return check_done();
}
