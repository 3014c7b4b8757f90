/* System V semaphores: semget, semop, semtimedop, semctl, SEM_UNDO. */
#include <sys/sem.h>

#include "tests/harness/ipc.h"

union semun {
    int val;
    struct semid_ds *buf;
    unsigned short *array;
    struct seminfo *info;
};

static int make(int count)
{
    return semget(IPC_PRIVATE, count, IPC_CREAT | 0600);
}

static void drop(int id)
{
    CHECK_OK(semctl(id, 0, IPC_RMID));
}

static int op(int id, int number, int value, int flags)
{
    struct sembuf b = {(unsigned short)number, (short)value, (short)flags};
    return semop(id, &b, 1);
}

static int value(int id, int number)
{
    return semctl(id, number, GETVAL);
}

static void set(int id, int number, int to)
{
    CHECK_OK(semctl(id, number, SETVAL, (union semun){.val = to}));
}

static void get_by_key(void)
{
    int id = semget(0x1234, 3, IPC_CREAT | IPC_EXCL | 0640);
    CHECK(id >= 0);
    CHECK_EQ(semget(0x1234, 0, 0), id);
    CHECK_EQ(semget(0x1234, 2, 0600), id);
    CHECK_ERR(semget(0x1234, 4, 0), EINVAL);
    CHECK_ERR(semget(0x1234, 3, IPC_CREAT | IPC_EXCL), EEXIST);
    CHECK_ERR(semget(0x4321, 3, 0), ENOENT);
    CHECK_ERR(semget(0x4321, 0, IPC_CREAT), EINVAL);
    CHECK_ERR(semget(0x4321, -1, IPC_CREAT), EINVAL);
    CHECK_ERR(semget(0x4321, 32001, IPC_CREAT), EINVAL);
    struct semid_ds ds;
    CHECK_OK(semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}));
    CHECK_EQ(ds.sem_nsems, 3);
    CHECK_EQ(ds.sem_perm.mode, 0640);
    CHECK_EQ(ds.sem_otime, 0);
    CHECK(ds.sem_ctime > 0);
    drop(id);
    CHECK_ERR(semget(0x1234, 0, 0), ENOENT);
    CHECK_ERR(value(id, 0), EINVAL);
}

static void values(void)
{
    int id = make(3);
    unsigned short out[3], in[3] = {4, 5, 6}, wrong[3] = {1, 32768, 1};
    CHECK_EQ(value(id, 0), 0);
    CHECK_EQ(semctl(id, 0, GETPID), 0);
    set(id, 1, 32767);
    CHECK_EQ(value(id, 1), 32767);
    CHECK_EQ(semctl(id, 1, GETPID), getpid());
    CHECK_ERR(semctl(id, 1, SETVAL, (union semun){.val = 32768}), ERANGE);
    CHECK_ERR(semctl(id, 1, SETVAL, (union semun){.val = -1}), ERANGE);
    CHECK_ERR(semctl(id, 3, SETVAL, (union semun){.val = 1}), EINVAL);
    CHECK_ERR(semctl(id, 3, GETVAL), EINVAL);
    CHECK_OK(semctl(id, 0, SETALL, (union semun){.array = in}));
    CHECK_OK(semctl(id, 0, GETALL, (union semun){.array = out}));
    CHECK(memcmp(in, out, sizeof(in)) == 0);
    CHECK_ERR(semctl(id, 0, SETALL, (union semun){.array = wrong}), ERANGE);
    CHECK_EQ(value(id, 0), 4);
    CHECK_ERR(semctl(id, 0, GETALL, (union semun){.array = KERNEL_ADDRESS}), EFAULT);
    CHECK_ERR(semctl(id, 0, SETALL, (union semun){.array = KERNEL_ADDRESS}), EFAULT);
    drop(id);
}

static void all_or_nothing(void)
{
    int id = make(2);
    struct sembuf ops[] = {{0, 2, 0}, {1, -1, IPC_NOWAIT}};
    struct sembuf again[] = {{0, 3, 0}, {0, -3, 0}, {0, 0, 0}};
    CHECK_ERR(semop(id, ops, 2), EAGAIN);
    CHECK_EQ(value(id, 0), 0);
    CHECK_EQ(semctl(id, 0, GETPID), 0);
    set(id, 1, 1);
    CHECK_OK(semop(id, ops, 2));
    CHECK_EQ(value(id, 0), 2);
    CHECK_EQ(value(id, 1), 0);
    CHECK_EQ(semctl(id, 0, GETPID), getpid());
    set(id, 0, 0);
    CHECK_OK(semop(id, again, 3));
    CHECK_OK(op(id, 0, 32767, 0));
    CHECK_ERR(op(id, 0, 1, 0), ERANGE);
    drop(id);
}

static void refused(void)
{
    int id = make(1);
    struct sembuf b = {0, 1, 0};
    struct timespec wrong = {0, 1000000000};
    static struct sembuf many[501];
    CHECK_ERR(semop(id, &b, 0), EINVAL);
    CHECK_ERR(semop(-1, &b, 1), EINVAL);
    CHECK_ERR(semop(id, many, 501), E2BIG);
    CHECK_OK(semop(id, many, 500));
    CHECK_ERR(op(id, 1, 1, 0), EFBIG);
    CHECK_ERR(semop(id, KERNEL_ADDRESS, 1), EFAULT);
    CHECK_ERR(semtimedop(id, &b, 1, &wrong), EINVAL);
    CHECK_ERR(semctl(id, 0, 999), EINVAL);
    CHECK_ERR(semctl(-1, 0, GETVAL), EINVAL);
    drop(id);
    CHECK_ERR(semop(id, &b, 1), EINVAL);
}

static void timed_out(void)
{
    int id = make(1);
    struct sembuf b = {0, -1, 0};
    struct timespec ts = ms_timespec(30);
    int64_t start = now_ns(CLOCK_MONOTONIC);
    CHECK_ERR(semtimedop(id, &b, 1, &ts), EAGAIN);
    CHECK(now_ns(CLOCK_MONOTONIC) - start >= 30 * NS_PER_MS);
    ts = ms_timespec(0);
    CHECK_ERR(semtimedop(id, &b, 1, &ts), EAGAIN);
    CHECK_EQ(semctl(id, 0, GETNCNT), 0);
    drop(id);
}

struct job {
    int id, result, error;
    struct sembuf ops[2];
    unsigned count;
    volatile int started, done;
};

static void *do_job(void *arg)
{
    struct job *j = arg;
    __atomic_store_n(&j->started, 1, __ATOMIC_SEQ_CST);
    j->result = semop(j->id, j->ops, j->count);
    j->error = errno;
    __atomic_store_n(&j->done, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

/* Until count threads wait for semaphore number to grow (or for zero). */
static bool await_waiting(int id, int number, int what, int count)
{
    for (int i = 0; i < 10000; i++, sleep_ms(1))
        if (semctl(id, number, what) == count)
            return true;
    return false;
}

static void waits_until_it_is_enough(void)
{
    struct job j = {.id = make(2), .ops = {{0, -2, 0}, {1, 1, 0}}, .count = 2};
    pthread_t t = thread_start(do_job, &j);
    CHECK(await_waiting(j.id, 0, GETNCNT, 1));
    CHECK_EQ(semctl(j.id, 0, GETZCNT), 0);
    CHECK_EQ(semctl(j.id, 1, GETNCNT), 0);
    CHECK_OK(op(j.id, 0, 1, 0));
    sleep_ms(5);
    CHECK_EQ(j.done, 0);
    CHECK_OK(op(j.id, 0, 2, 0));
    CHECK(wait_for(&j.done, 1));
    thread_join(t);
    CHECK_EQ(j.result, 0);
    CHECK_EQ(value(j.id, 0), 1);
    CHECK_EQ(value(j.id, 1), 1);
    drop(j.id);
}

static void waits_for_zero(void)
{
    struct job j = {.id = make(1), .ops = {{0, 0, 0}}, .count = 1};
    set(j.id, 0, 2);
    pthread_t t = thread_start(do_job, &j);
    CHECK(await_waiting(j.id, 0, GETZCNT, 1));
    CHECK_OK(op(j.id, 0, -1, 0));
    CHECK_EQ(semctl(j.id, 0, GETZCNT), 1);
    CHECK_OK(op(j.id, 0, -1, 0));
    thread_join(t);
    CHECK_EQ(j.result, 0);
    drop(j.id);
}

static void woken_by_values(void)
{
    for (int all = 0; all < 2; all++) {
        struct job j = {.id = make(1), .ops = {{0, -3, 0}}, .count = 1};
        unsigned short four = 4;
        pthread_t t = thread_start(do_job, &j);
        CHECK(await_waiting(j.id, 0, GETNCNT, 1));
        CHECK_OK(all ? semctl(j.id, 0, SETALL, (union semun){.array = &four})
                     : semctl(j.id, 0, SETVAL, (union semun){.val = 4}));
        thread_join(t);
        CHECK_EQ(j.result, 0);
        CHECK_EQ(value(j.id, 0), 1);
        drop(j.id);
    }
}

static void removed_while_waiting(void)
{
    struct job j = {.id = make(1), .ops = {{0, -1, SEM_UNDO}}, .count = 1};
    pthread_t t = thread_start(do_job, &j);
    CHECK(await_waiting(j.id, 0, GETNCNT, 1));
    drop(j.id);
    thread_join(t);
    CHECK_EQ(j.result, -1);
    CHECK_EQ(j.error, EIDRM);
}

static void on_signal(int sig)
{
    (void)sig;
}

static void interrupted(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct job j = {.id = make(1), .ops = {{0, -1, 0}}, .count = 1};
    sigaction(SIGUSR1, &action, NULL);
    pthread_t t = thread_start(do_job, &j);
    CHECK(await_waiting(j.id, 0, GETNCNT, 1));
    pthread_kill(t, SIGUSR1);
    thread_join(t);
    CHECK_EQ(j.result, -1);
    CHECK_EQ(j.error, EINTR);
    CHECK_EQ(semctl(j.id, 0, GETNCNT), 0);
    drop(j.id);
}

/* unshare(CLONE_SYSVSEM) ends a thread's share of what is to be undone, as its end does. */
static void *with_undo(void *arg)
{
    int id = *(int *)arg;
    CHECK_OK(unshare(CLONE_SYSVSEM));
    CHECK_OK(op(id, 0, -3, SEM_UNDO));
    CHECK_OK(op(id, 1, 4, SEM_UNDO));
    CHECK_OK(op(id, 1, -1, 0));
    CHECK_EQ(value(id, 0), 7);
    CHECK_OK(unshare(CLONE_SYSVSEM));
    CHECK_EQ(value(id, 0), 10);
    CHECK_EQ(value(id, 1), 0); /* not below zero */
    CHECK_OK(op(id, 0, -5, SEM_UNDO));
    set(id, 0, 2); /* forgets what is to be undone */
    CHECK_OK(op(id, 2, 1, SEM_UNDO));
    CHECK_OK(op(id, 2, 32766, SEM_UNDO));
    CHECK_OK(op(id, 2, -2, 0));
    CHECK_ERR(op(id, 2, 2, SEM_UNDO), ERANGE); /* more than can be undone */
    return NULL;
}

static void undone(void)
{
    int id = make(3);
    set(id, 0, 10);
    set(id, 1, 0);
    thread_join(thread_start(with_undo, &id));
    for (int i = 0; i < 1000 && value(id, 2) != 0; i++)
        sleep_ms(1); /* the thread's end in the kernel */
    CHECK_EQ(value(id, 0), 2);
    CHECK_EQ(value(id, 2), 0);
    drop(id);
}

static void *undo_in_a_thread(void *arg)
{
    CHECK_OK(op(*(int *)arg, 0, 5, SEM_UNDO));
    return NULL;
}

/* Threads of a process have one list: a thread's end undoes nothing. */
static void threads_share_undo(void)
{
    int id = make(1);
    thread_join(thread_start(undo_in_a_thread, &id));
    sleep_ms(10);
    CHECK_EQ(value(id, 0), 5);
    CHECK_OK(unshare(CLONE_SYSVSEM)); /* the main thread is the last user */
    CHECK_EQ(value(id, 0), 0);
    drop(id);
}

static void owner_and_mode(void)
{
    int id = make(1);
    struct semid_ds ds;
    CHECK_OK(semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}));
    ds.sem_perm.uid = 1000;
    ds.sem_perm.gid = 1001;
    ds.sem_perm.mode = 0444;
    CHECK_OK(semctl(id, 0, IPC_SET, (union semun){.buf = &ds}));
    CHECK_OK(semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}));
    CHECK_EQ(ds.sem_perm.uid, 1000);
    CHECK_EQ(ds.sem_perm.mode, 0444);
    CHECK_ERR(semctl(id, 0, IPC_SET, (union semun){.buf = KERNEL_ADDRESS}), EFAULT);
    drop(id);
}

static void information(void)
{
    int id = make(7), other = make(3);
    struct seminfo info;
    struct semid_ds ds;
    int highest = semctl(0, 0, IPC_INFO, (union semun){.info = &info});
    CHECK_EQ(info.semmni, 32000);
    CHECK_EQ(info.semmsl, 32000);
    CHECK_EQ(info.semmns, 1024000000);
    CHECK_EQ(info.semopm, 500);
    CHECK_EQ(info.semvmx, 32767);
    CHECK_EQ(info.semaem, 32767);
    CHECK_EQ(info.semume, 500);
    CHECK_EQ(info.semusz, 20);
    CHECK_EQ(semctl(0, 0, SEM_INFO, (union semun){.info = &info}), highest);
    CHECK_EQ(info.semusz, 2);
    CHECK_EQ(info.semaem, 10);
    CHECK_EQ(semctl(highest, 0, SEM_STAT, (union semun){.buf = &ds}), other);
    CHECK_EQ(ds.sem_nsems, 3);
    CHECK_ERR(semctl(highest + 1, 0, SEM_STAT, (union semun){.buf = &ds}), EINVAL);
    drop(id);
    drop(other);
}

static void listed_in_proc(void)
{
    char want[256];
    int id = semget(0x99, 2, IPC_CREAT | 0640);
    struct semid_ds ds;
    CHECK_OK(op(id, 0, 1, 0));
    CHECK_OK(semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}));
    snprintf(want, sizeof(want), "%10d %10d  %4o %10u %5u %5u %5u %5u %10llu %10llu\n", 0x99, id,
             0640, 2, 0, 0, 0, 0, (unsigned long long)ds.sem_otime,
             (unsigned long long)ds.sem_ctime);
    CHECK(ds.sem_otime > 0);
    CHECK_STR(strchr(file_get("/proc/sysvipc/sem"), '\n') + 1, want);
    drop(id);
}

static void limits_hold(void)
{
    CHECK_STR(file_get("/proc/sys/kernel/sem"), "32000\t1024000000\t500\t32000\n");
    CHECK(file_put("/proc/sys/kernel/sem", "10 15 3 2"));
    CHECK_STR(file_get("/proc/sys/kernel/sem"), "10\t15\t3\t2\n");
    CHECK_ERR(make(11), EINVAL);
    int a = make(10);
    CHECK_ERR(make(6), ENOSPC);
    int b = make(1);
    CHECK_ERR(make(1), ENOSPC);
    struct sembuf four[4] = {{0, 1, 0}};
    CHECK_ERR(semop(a, four, 4), E2BIG);
    CHECK(file_put("/proc/sys/kernel/sem", "32000 1024000000 500 32000"));
    drop(a);
    drop(b);
}

static void *contend(void *arg)
{
    static volatile int inside;
    int id = *(int *)arg;
    long wrong = 0;
    for (int i = 0; i < 500; i++) {
        op(id, 0, -1, 0);
        wrong += __atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST) != 1;
        if (i % 16 == 0)
            sched_yield();
        __atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
        op(id, 0, 1, 0);
    }
    return (void *)wrong;
}

static void one_at_a_time(void)
{
    enum { THREADS = 4 };
    int id = make(1);
    pthread_t threads[THREADS];
    set(id, 0, 1);
    for (int i = 0; i < THREADS; i++)
        threads[i] = thread_start(contend, &id);
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ((long)thread_join(threads[i]), 0);
    CHECK_EQ(value(id, 0), 1);
    drop(id);
}

int main(void)
{
    ipc_namespace();
    RUN(get_by_key);
    RUN(values);
    RUN(all_or_nothing);
    RUN(refused);
    RUN(timed_out);
    RUN(waits_until_it_is_enough);
    RUN(waits_for_zero);
    RUN(woken_by_values);
    RUN(removed_while_waiting);
    RUN(interrupted);
    RUN(undone);
    RUN(threads_share_undo);
    RUN(owner_and_mode);
    RUN(information);
    RUN(listed_in_proc);
    RUN(limits_hold);
    RUN(one_at_a_time);
    return check_done();
}
