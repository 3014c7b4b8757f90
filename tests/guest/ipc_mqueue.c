/* POSIX message queues: mq_open, mq_send, mq_receive, mq_notify, attributes, poll, limits. */
#include <mqueue.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "tests/harness/ipc.h"

#define NAME "/orris-test"

static char buffer[16384];

static mqd_t make(int flags, long messages, long size)
{
    struct mq_attr attr = {.mq_maxmsg = messages, .mq_msgsize = size};
    mqd_t q = mq_open(NAME, O_CREAT | O_RDWR | flags, 0600, &attr);
    CHECK(q >= 0);
    return q;
}

static void drop(mqd_t q)
{
    CHECK_OK(mq_close(q));
    CHECK_OK(mq_unlink(NAME));
}

static long count(mqd_t q)
{
    struct mq_attr attr = {.mq_curmsgs = -1};
    mq_getattr(q, &attr);
    return attr.mq_curmsgs;
}

static struct timespec in_ms(long ms)
{
    int64_t at = now_ns(CLOCK_REALTIME) + ms * NS_PER_MS;
    return (struct timespec){at / 1000000000, at % 1000000000};
}

static void names(void)
{
    char longest[300] = "/";
    CHECK_ERR(mq_open(NAME, O_RDWR), ENOENT);
    mqd_t q = mq_open(NAME, O_CREAT | O_EXCL | O_RDWR, 0640, NULL);
    CHECK(q >= 0);
    CHECK_EQ(fcntl(q, F_GETFD), FD_CLOEXEC);
    CHECK_ERR(mq_open(NAME, O_CREAT | O_EXCL | O_RDWR, 0600, NULL), EEXIST);
    mqd_t again = mq_open(NAME, O_CREAT | O_RDONLY, 0600, NULL);
    CHECK(again >= 0);
    CHECK_OK(mq_close(again));
    struct mq_attr attr;
    CHECK_OK(mq_getattr(q, &attr));
    CHECK_EQ(attr.mq_maxmsg, 10);
    CHECK_EQ(attr.mq_msgsize, 8192);
    CHECK_EQ(attr.mq_flags, 0);
    CHECK_EQ(attr.mq_curmsgs, 0);
    struct stat st;
    CHECK_OK(fstat(q, &st));
    CHECK_EQ(st.st_mode, S_IFREG | 0640);
    CHECK_EQ(st.st_size, 80);
    CHECK_OK(mq_unlink(NAME));
    CHECK_ERR(mq_unlink(NAME), ENOENT);
    CHECK_ERR(mq_open(NAME, O_RDWR), ENOENT);
    CHECK_OK(mq_send(q, "lives", 6, 0));
    CHECK_EQ(mq_receive(q, buffer, 8192, NULL), 6);
    CHECK_OK(mq_close(q));
    CHECK_ERR(mq_open("/a/b", O_CREAT | O_RDWR, 0600, NULL), EACCES);
    CHECK_ERR(mq_open("/", O_CREAT | O_RDWR, 0600, NULL), ENOENT);
    CHECK_ERR(mq_open("/.", O_CREAT | O_RDWR, 0600, NULL), EACCES);
    CHECK_ERR(mq_open("/..", O_RDWR), EACCES);
    memset(longest + 1, 'a', 256);
    CHECK_ERR(mq_open(longest, O_CREAT | O_RDWR, 0600, NULL), ENAMETOOLONG);
    longest[256] = 0;
    q = mq_open(longest, O_CREAT | O_RDWR, 0600, NULL);
    CHECK(q >= 0);
    CHECK_OK(mq_unlink(longest));
    CHECK_OK(mq_close(q));
    CHECK_ERR(syscall(SYS_mq_open, KERNEL_ADDRESS, O_RDWR, 0, NULL), EFAULT);
}

/* To calls on files it is one of 80 bytes. */
static void what_files_have(void)
{
    int left = 0;
    mqd_t q = mq_open("/file", O_RDWR | O_CREAT | O_NONBLOCK, 0600, NULL);
    CHECK(q >= 0);
    CHECK_EQ(fcntl(q, F_GETFL), O_RDWR | O_NONBLOCK);
    CHECK_OK(ioctl(q, FIONREAD, &left));
    CHECK_EQ(left, 80);
    CHECK_EQ(lseek(q, 30, SEEK_SET), 30);
    CHECK_OK(ioctl(q, FIONREAD, &left));
    CHECK_EQ(left, 50);
    mq_close(q);
    mq_unlink("/file");
}

static void attributes_refused(void)
{
    struct mq_attr attr = {.mq_maxmsg = 0, .mq_msgsize = 100};
    CHECK_ERR(mq_open(NAME, O_CREAT | O_RDWR, 0600, &attr), EINVAL);
    attr = (struct mq_attr){.mq_maxmsg = 10, .mq_msgsize = -1};
    CHECK_ERR(mq_open(NAME, O_CREAT | O_RDWR, 0600, &attr), EINVAL);
    attr = (struct mq_attr){.mq_maxmsg = 65537, .mq_msgsize = 1};
    CHECK_ERR(mq_open(NAME, O_CREAT | O_RDWR, 0600, &attr), EINVAL);
    attr = (struct mq_attr){.mq_maxmsg = 1, .mq_msgsize = (16 << 20) + 1};
    CHECK_ERR(mq_open(NAME, O_CREAT | O_RDWR, 0600, &attr), EINVAL);
    CHECK_ERR(mq_open(NAME, O_RDWR), ENOENT);
    CHECK_ERR(syscall(SYS_mq_open, "x", O_CREAT | O_RDWR, 0600, KERNEL_ADDRESS), EFAULT);
}

static void by_priority(void)
{
    static const unsigned order[] = {3, 32767, 0, 3, 7};
    unsigned priority;
    mqd_t q = make(0, 8, 64);
    for (size_t i = 0; i < 5; i++) {
        char text[2] = {(char)('a' + i), 0};
        CHECK_OK(mq_send(q, text, 2, order[i]));
    }
    CHECK_EQ(count(q), 5);
    for (const char *want = "beadc"; *want; want++) {
        CHECK_EQ(mq_receive(q, buffer, sizeof(buffer), &priority), 2);
        CHECK_EQ(buffer[0], *want);
        CHECK_EQ(priority, order[*want - 'a']);
    }
    CHECK_OK(mq_send(q, "", 0, 1));
    CHECK_EQ(mq_receive(q, buffer, 64, NULL), 0);
    drop(q);
}

static void refused(void)
{
    mqd_t q = make(O_NONBLOCK, 2, 64);
    mqd_t reader = mq_open(NAME, O_RDONLY), writer = mq_open(NAME, O_WRONLY);
    struct timespec wrong = {0, 1000000000}, negative = {-1, 0};
    CHECK_ERR(mq_send(q, buffer, 65, 0), EMSGSIZE);
    CHECK_ERR(mq_send(q, buffer, 1, 32768), EINVAL);
    CHECK_ERR(mq_send(reader, buffer, 1, 0), EBADF);
    CHECK_ERR(mq_receive(writer, buffer, 64, NULL), EBADF);
    CHECK_ERR(mq_receive(q, buffer, 63, NULL), EMSGSIZE);
    CHECK_ERR(mq_receive(q, buffer, 64, NULL), EAGAIN);
    CHECK_ERR(mq_send(0, buffer, 1, 0), EBADF);
    CHECK_ERR(mq_receive(-1, buffer, 64, NULL), EBADF);
    CHECK_ERR(mq_timedsend(q, buffer, 1, 0, &wrong), EINVAL);
    CHECK_ERR(mq_timedreceive(q, buffer, 64, NULL, &negative), EINVAL);
    CHECK_ERR(syscall(SYS_mq_timedsend, q, KERNEL_ADDRESS, 1, 0, NULL), EFAULT);
    CHECK_OK(mq_send(q, "1", 1, 0));
    CHECK_OK(mq_send(q, "2", 1, 0));
    CHECK_ERR(mq_send(q, "3", 1, 0), EAGAIN);
    CHECK_ERR(mq_unlink("/no-such-queue"), ENOENT);
    CHECK_OK(mq_close(reader));
    CHECK_OK(mq_close(writer));
    drop(q);
}

static void attributes_changed(void)
{
    mqd_t q = make(0, 2, 64);
    struct mq_attr attr = {.mq_flags = O_NONBLOCK, .mq_maxmsg = 77}, old;
    CHECK_OK(mq_setattr(q, &attr, &old));
    CHECK_EQ(old.mq_flags, 0);
    CHECK_EQ(old.mq_maxmsg, 2);
    CHECK_OK(mq_getattr(q, &old));
    CHECK_EQ(old.mq_flags, O_NONBLOCK);
    CHECK_EQ(old.mq_maxmsg, 2);
    CHECK_EQ(fcntl(q, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    CHECK_ERR(mq_receive(q, buffer, 64, NULL), EAGAIN);
    attr.mq_flags = O_NONBLOCK | O_APPEND;
    CHECK_ERR(mq_setattr(q, &attr, NULL), EINVAL);
    CHECK_ERR(syscall(SYS_mq_getsetattr, 0, NULL, &old), EBADF);
    drop(q);
}

static void timed_out(void)
{
    mqd_t q = make(0, 1, 64);
    int64_t start = now_ns(CLOCK_MONOTONIC);
    struct timespec ts = in_ms(30);
    CHECK_ERR(mq_timedreceive(q, buffer, 64, NULL, &ts), ETIMEDOUT);
    CHECK(now_ns(CLOCK_MONOTONIC) - start >= 20 * NS_PER_MS);
    CHECK_OK(mq_send(q, "x", 1, 0));
    CHECK_ERR(mq_timedsend(q, "y", 1, 0, &ts), ETIMEDOUT);
    CHECK_EQ(count(q), 1);
    CHECK_EQ(mq_timedreceive(q, buffer, 64, NULL, &ts), 1);
    drop(q);
}

struct job {
    mqd_t q;
    bool sends;
    char text[64];
    unsigned priority;
    ssize_t result;
    int error;
    volatile int done;
};

static void *do_job(void *arg)
{
    struct job *j = arg;
    j->result = j->sends ? mq_send(j->q, j->text, strlen(j->text) + 1, j->priority)
                         : mq_receive(j->q, j->text, sizeof(j->text), &j->priority);
    j->error = errno;
    __atomic_store_n(&j->done, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void receivers_wait(void)
{
    mqd_t q = make(0, 4, 64);
    struct job first = {.q = q}, second = {.q = q};
    pthread_t a = thread_start(do_job, &first);
    let_it_block();
    pthread_t b = thread_start(do_job, &second);
    let_it_block();
    CHECK_OK(mq_send(q, "one", 4, 5));
    thread_join(a);
    CHECK_STR(first.text, "one");
    CHECK_EQ(first.priority, 5);
    CHECK_EQ(second.done, 0);
    CHECK_OK(mq_send(q, "two", 4, 1));
    thread_join(b);
    CHECK_STR(second.text, "two");
    drop(q);
}

static void senders_wait(void)
{
    mqd_t q = make(0, 1, 64);
    struct job j = {.q = q, .sends = true, .text = "waits", .priority = 9};
    CHECK_OK(mq_send(q, "first", 6, 1));
    pthread_t t = thread_start(do_job, &j);
    let_it_block();
    CHECK_EQ(j.done, 0);
    CHECK_EQ(count(q), 1);
    CHECK_EQ(mq_receive(q, buffer, 64, NULL), 6);
    CHECK_STR(buffer, "first");
    thread_join(t);
    CHECK_EQ(j.result, 0);
    CHECK_EQ(mq_receive(q, buffer, 64, NULL), 6);
    CHECK_STR(buffer, "waits");
    drop(q);
}

static void on_signal(int sig)
{
    (void)sig;
}

static void interrupted(void)
{
    mqd_t q = make(0, 1, 64);
    struct sigaction action = {.sa_handler = on_signal};
    struct job j = {.q = q};
    sigaction(SIGUSR1, &action, NULL);
    pthread_t t = thread_start(do_job, &j);
    for (int i = 0; i < 1000 && !j.done; i++) {
        sleep_ms(5);
        pthread_kill(t, SIGUSR1);
    }
    thread_join(t);
    CHECK_EQ(j.result, -1);
    CHECK_EQ(j.error, EINTR);
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &action, NULL);
    j = (struct job){.q = q};
    t = thread_start(do_job, &j);
    for (int i = 0; i < 10; i++) {
        sleep_ms(2);
        pthread_kill(t, SIGUSR1);
    }
    CHECK_EQ(j.done, 0);
    CHECK_OK(mq_send(q, "x", 2, 0));
    thread_join(t);
    CHECK_EQ(j.result, 2);
    drop(q);
}

static void polled(void)
{
    mqd_t q = make(0, 1, 64);
    struct pollfd p = {.fd = q, .events = POLLIN | POLLOUT};
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u32 = 5}, got;
    int ep = epoll_create1(0);
    CHECK_OK(epoll_ctl(ep, EPOLL_CTL_ADD, q, &event));
    CHECK_EQ(poll(&p, 1, 0), 1);
    CHECK_EQ(p.revents, POLLOUT);
    CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0);
    CHECK_OK(mq_send(q, "x", 1, 0));
    CHECK_EQ(epoll_wait(ep, &got, 1, 1000), 1);
    CHECK_EQ(got.data.u32, 5);
    CHECK_EQ(poll(&p, 1, 0), 1);
    CHECK_EQ(p.revents, POLLIN);
    CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0);
    CHECK_EQ(mq_receive(q, buffer, 64, NULL), 1);
    CHECK_EQ(poll(&p, 1, 0), 1);
    CHECK_EQ(p.revents, POLLOUT);
    close(ep);
    drop(q);
}

static volatile sig_atomic_t signals;
static siginfo_t last_info;

static void on_info(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)context;
    last_info = *info;
    signals++;
}

static void notified_by_signal(void)
{
    mqd_t q = make(0, 4, 64), second = mq_open(NAME, O_RDWR);
    struct sigaction action = {.sa_sigaction = on_info, .sa_flags = SA_SIGINFO};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
    event.sigev_value.sival_int = 4711;
    sigaction(SIGUSR2, &action, NULL);
    CHECK_OK(mq_notify(q, &event));
    CHECK_ERR(mq_notify(second, &event), EBUSY);
    CHECK_OK(mq_send(q, "x", 1, 0));
    CHECK_EQ(signals, 1);
    CHECK_EQ(last_info.si_code, SI_MESGQ);
    CHECK_EQ(last_info.si_value.sival_int, 4711);
    CHECK_EQ(last_info.si_pid, getpid());
    CHECK_EQ(last_info.si_uid, getuid());
    CHECK_OK(mq_notify(q, &event)); /* not empty: nothing comes */
    CHECK_OK(mq_send(q, "y", 1, 0));
    CHECK_EQ(signals, 1);
    mq_receive(q, buffer, 64, NULL);
    mq_receive(q, buffer, 64, NULL);
    CHECK_OK(mq_send(q, "z", 1, 0));
    CHECK_EQ(signals, 2);
    CHECK_OK(mq_send(q, "z", 1, 0)); /* it counts once */
    CHECK_EQ(signals, 2);
    mq_receive(q, buffer, 64, NULL);
    mq_receive(q, buffer, 64, NULL);
    CHECK_OK(mq_notify(q, &event));
    CHECK_OK(mq_notify(q, NULL));
    CHECK_OK(mq_send(q, "a", 1, 0));
    CHECK_EQ(signals, 2);
    mq_receive(q, buffer, 64, NULL);
    CHECK_OK(mq_notify(q, &event));
    CHECK_OK(mq_close(second)); /* of the same process: the registration goes */
    CHECK_OK(mq_send(q, "b", 1, 0));
    CHECK_EQ(signals, 2);
    event.sigev_signo = 65;
    CHECK_ERR(mq_notify(q, &event), EINVAL);
    event.sigev_notify = 99;
    CHECK_ERR(mq_notify(q, &event), EINVAL);
    event.sigev_notify = SIGEV_NONE;
    CHECK_ERR(mq_notify(0, &event), EBADF);
    mq_receive(q, buffer, 64, NULL);
    CHECK_OK(mq_notify(q, &event));
    CHECK_ERR(mq_notify(q, &event), EBUSY);
    CHECK_OK(mq_send(q, "c", 1, 0));
    CHECK_OK(mq_notify(q, &event));
    drop(q);
}

/* A receiver that waits comes first. */
static void no_notice_while_somebody_waits(void)
{
    mqd_t q = make(0, 4, 64);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
    struct job j = {.q = q};
    signals = 0;
    CHECK_OK(mq_notify(q, &event));
    pthread_t t = thread_start(do_job, &j);
    let_it_block();
    CHECK_OK(mq_send(q, "x", 2, 0));
    thread_join(t);
    CHECK_STR(j.text, "x");
    CHECK_EQ(signals, 0);
    CHECK_OK(mq_send(q, "y", 2, 0));
    CHECK_EQ(signals, 1);
    drop(q);
}

static volatile int thread_told;

static void in_a_thread(union sigval value)
{
    __atomic_store_n(&thread_told, value.sival_int, __ATOMIC_SEQ_CST);
}

static void notified_by_thread(void)
{
    mqd_t q = make(0, 4, 64);
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = in_a_thread};
    for (int i = 1; i <= 3; i++) {
        event.sigev_value.sival_int = i;
        CHECK_OK(mq_notify(q, &event));
        CHECK_ERR(mq_notify(q, &event), EBUSY);
        CHECK_OK(mq_send(q, "x", 1, 0));
        CHECK(wait_for(&thread_told, i));
        mq_receive(q, buffer, 64, NULL);
    }
    CHECK_OK(mq_notify(q, &event));
    CHECK_OK(mq_notify(q, NULL)); /* its attributes are given back by the C library's thread */
    drop(q);
}

/* What SIGEV_THREAD is made of, and its errors. */
static void cookie_to_a_socket(void)
{
    mqd_t q = make(0, 4, 64);
    char cookie[32], got[64];
    int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0),
        other = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_signo = netlink};
    event.sigev_value.sival_ptr = cookie;
    memset(cookie, 'c', sizeof(cookie));
    CHECK_OK(syscall(SYS_mq_notify, q, &event));
    CHECK_OK(mq_send(q, "x", 1, 0));
    CHECK_EQ(recv(netlink, got, sizeof(got), 0), 32);
    CHECK_EQ(got[0], 'c');
    CHECK_EQ(got[31], 1);
    CHECK_OK(syscall(SYS_mq_notify, q, &event));
    CHECK_OK(syscall(SYS_mq_notify, q, NULL));
    CHECK_EQ(recv(netlink, got, sizeof(got), 0), 32);
    CHECK_EQ(got[31], 2);
    event.sigev_signo = other;
    CHECK_ERR(syscall(SYS_mq_notify, q, &event), EINVAL);
    event.sigev_signo = q;
    CHECK_ERR(syscall(SYS_mq_notify, q, &event), ENOTSOCK);
    event.sigev_signo = -1;
    CHECK_ERR(syscall(SYS_mq_notify, q, &event), EBADF);
    event.sigev_signo = netlink;
    event.sigev_value.sival_ptr = KERNEL_ADDRESS;
    CHECK_ERR(syscall(SYS_mq_notify, q, &event), EFAULT);
    event.sigev_value.sival_ptr = cookie;
    CHECK_OK(syscall(SYS_mq_notify, q, &event));
    drop(q);
    CHECK_EQ(recv(netlink, got, sizeof(got), MSG_DONTWAIT), 32);
    CHECK_EQ(got[31], 2);
    close(netlink);
    close(other);
}

static void limits_hold(void)
{
    struct rlimit old, few = {3 * (64 + 48 + 48), 819200};
    struct mq_attr attr = {.mq_maxmsg = 3, .mq_msgsize = 64};
    CHECK_STR(file_get("/proc/sys/fs/mqueue/msg_max"), "10\n");
    CHECK_STR(file_get("/proc/sys/fs/mqueue/msgsize_max"), "8192\n");
    CHECK_STR(file_get("/proc/sys/fs/mqueue/msg_default"), "10\n");
    CHECK_STR(file_get("/proc/sys/fs/mqueue/msgsize_default"), "8192\n");
    CHECK_STR(file_get("/proc/sys/fs/mqueue/queues_max"), "256\n");
    CHECK(!file_put("/proc/sys/fs/mqueue/msgsize_max", "127"));
    CHECK(file_put("/proc/sys/fs/mqueue/msg_default", "4"));
    CHECK(file_put("/proc/sys/fs/mqueue/msgsize_default", "256"));
    mqd_t q = mq_open("/other", O_CREAT | O_RDWR, 0600, NULL);
    CHECK_OK(mq_getattr(q, &attr));
    CHECK_EQ(attr.mq_maxmsg, 4);
    CHECK_EQ(attr.mq_msgsize, 256);
    CHECK_OK(mq_close(q));
    CHECK_OK(mq_unlink("/other"));
    CHECK(file_put("/proc/sys/fs/mqueue/msg_default", "10"));
    CHECK(file_put("/proc/sys/fs/mqueue/msgsize_default", "8192"));
    attr = (struct mq_attr){.mq_maxmsg = 3, .mq_msgsize = 64};
    getrlimit(RLIMIT_MSGQUEUE, &old);
    few.rlim_max = old.rlim_max;
    CHECK_OK(setrlimit(RLIMIT_MSGQUEUE, &few));
    q = mq_open(NAME, O_CREAT | O_RDWR, 0600, &attr);
    CHECK(q >= 0);
    CHECK_ERR(mq_open("/other", O_CREAT | O_RDWR, 0600, &attr), EMFILE);
    CHECK_ERR(mq_open("/other", O_RDWR), ENOENT);
    CHECK_OK(mq_close(q));
    CHECK_OK(mq_unlink(NAME));
    q = mq_open("/other", O_CREAT | O_RDWR, 0600, &attr);
    CHECK(q >= 0);
    CHECK_OK(mq_close(q));
    CHECK_OK(mq_unlink("/other"));
    setrlimit(RLIMIT_MSGQUEUE, &old);
}

static void in_the_tree(void)
{
    struct statfs info;
    mqd_t q = make(0, 4, 64);
    bool mounted = statfs("/dev/mqueue", &info) == 0 && info.f_type == 0x19800202;
    char text[128];
    CHECK_OK(mq_send(q, "12345", 5, 0));
    ssize_t n = pread(q, text, sizeof(text) - 1, 0);
    text[n > 0 ? n : 0] = 0;
    CHECK_STR(text, "QSIZE:5          NOTIFY:0     SIGNO:0     NOTIFY_PID:0     \n");
    if (mounted && access("/dev/mqueue" NAME, F_OK) == 0) {
        CHECK_STR(file_get("/dev/mqueue" NAME), text);
        CHECK_OK(close(creat("/dev/mqueue/touched", 0600)));
        mqd_t touched = mq_open("/touched", O_RDONLY);
        CHECK(touched >= 0);
        CHECK_OK(mq_close(touched));
        CHECK_OK(unlink("/dev/mqueue/touched"));
        CHECK_ERR(mkdir("/dev/mqueue/folder", 0700), EPERM);
        CHECK_ERR(rename("/dev/mqueue" NAME, "/dev/mqueue/other"), EPERM);
    }
    CHECK_ERR(write(q, "x", 1), EINVAL);
    drop(q);
}

static void large_messages(void)
{
    enum { SIZE = 700000 };
    struct rlimit old, much = {4 << 20, 4 << 20};
    char *data = malloc(SIZE), *back = malloc(SIZE);
    getrlimit(RLIMIT_MSGQUEUE, &old);
    bool may = setrlimit(RLIMIT_MSGQUEUE, &much) == 0;
    mqd_t q = make(0, 2, may ? SIZE : 1000);
    size_t size = may ? SIZE : 1000;
    for (size_t i = 0; i < size; i++)
        data[i] = (char)(i * 7 + i / 4096);
    CHECK_OK(mq_send(q, data, size, 0));
    CHECK_EQ(mq_receive(q, back, SIZE, NULL), size);
    CHECK(memcmp(data, back, size) == 0);
    drop(q);
    setrlimit(RLIMIT_MSGQUEUE, &old);
    free(data);
    free(back);
}

enum { EACH = 1000 };
static mqd_t stress;

static void *send_many(void *arg)
{
    for (long i = 0; i < EACH; i++)
        mq_send(stress, (char *)&i, sizeof(i), (unsigned)(long)arg);
    return NULL;
}

static void *receive_many(void *arg)
{
    long got, sum = 0;
    (void)arg;
    for (int i = 0; i < EACH; i++)
        sum += mq_receive(stress, (char *)&got, sizeof(got), NULL) == sizeof(got) ? got : -1000000;
    return (void *)sum;
}

static void all_arrive(void)
{
    pthread_t t[4];
    stress = make(0, 3, sizeof(long));
    for (long i = 0; i < 4; i++)
        t[i] = thread_start(i < 2 ? send_many : receive_many, (void *)i);
    thread_join(t[0]);
    thread_join(t[1]);
    long sum = (long)thread_join(t[2]);
    sum += (long)thread_join(t[3]);
    CHECK_EQ(sum, (long)EACH * (EACH - 1));
    CHECK_EQ(count(stress), 0);
    drop(stress);
}

int main(void)
{
    ipc_namespace();
    RUN(names);
    RUN(what_files_have);
    RUN(attributes_refused);
    RUN(by_priority);
    RUN(refused);
    RUN(attributes_changed);
    RUN(timed_out);
    RUN(receivers_wait);
    RUN(senders_wait);
    RUN(interrupted);
    RUN(polled);
    RUN(notified_by_signal);
    RUN(no_notice_while_somebody_waits);
    RUN(notified_by_thread);
    RUN(cookie_to_a_socket);
    RUN(limits_hold);
    RUN(in_the_tree);
    RUN(large_messages);
    RUN(all_arrive);
    return check_done();
}
