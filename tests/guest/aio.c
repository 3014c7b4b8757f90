/* Asynchronous I/O as libaio uses it: the calls, and the ring of completions in memory. */
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

#include "tests/harness/guest.h"

enum { SLOTS = 8 };

struct ring {
    unsigned id, slots, head, tail, magic, features, missing_features, head_bytes;
    struct io_event events[];
};

static aio_context_t ctx;
static char data[4 * PAGE];

static long setup(unsigned count, aio_context_t *c)
{
    return syscall(SYS_io_setup, count, c);
}

static long submit(long count, struct iocb **list)
{
    return syscall(SYS_io_submit, ctx, count, list);
}

static long one(struct iocb *cb)
{
    return submit(1, &cb);
}

static long take(long min, long max, struct io_event *events, long ms)
{
    struct timespec ts = ms_timespec(ms);
    return syscall(SYS_io_getevents, ctx, min, max, events, ms < 0 ? NULL : &ts);
}

static struct iocb request(int opcode, int fd, void *buf, size_t size, long offset)
{
    return (struct iocb){.aio_lio_opcode = (unsigned short)opcode,
                         .aio_fildes = (unsigned)fd,
                         .aio_buf = (unsigned long)buf,
                         .aio_nbytes = size,
                         .aio_offset = offset,
                         .aio_data = 0x1234567890ul};
}

/* The result of a request that is done at once. */
static long result_of(struct iocb *cb)
{
    struct io_event event = {.res = -9999};
    if (one(cb) != 1)
        return -errno;
    CHECK_EQ(take(1, 1, &event, 5000), 1);
    CHECK_EQ(event.obj, (unsigned long)cb);
    CHECK_EQ(event.data, cb->aio_data);
    return event.res;
}

static void contexts(void)
{
    aio_context_t c = 0, busy = 1;
    CHECK_ERR(setup(0, &c), EINVAL);
    CHECK_ERR(setup(1, &busy), EINVAL);
    CHECK_ERR(setup(1, KERNEL_ADDRESS), EFAULT);
    CHECK_ERR(setup(0x10000000, &c), EINVAL);
    CHECK_ERR(setup(1 << 20, &c), EAGAIN);
    CHECK_OK(setup(1, &c));
    CHECK(c != 0);
    CHECK_OK(syscall(SYS_io_destroy, c));
    CHECK_ERR(syscall(SYS_io_destroy, c), EINVAL);
    CHECK_ERR(syscall(SYS_io_destroy, 0), EINVAL);
    CHECK_ERR(syscall(SYS_io_getevents, c, 0, 1, data, NULL), EINVAL);
    CHECK_ERR(syscall(SYS_io_submit, c, 0, NULL), EINVAL);
}

static void the_ring(void)
{
    const struct ring *ring = (void *)ctx;
    CHECK_EQ(ring->magic, 0xa10a10a1);
    CHECK_EQ(ring->features, 1);
    CHECK_EQ(ring->missing_features, 0);
    CHECK_EQ(ring->head_bytes, 32);
    CHECK(ring->slots >= 2 * SLOTS + 2);
    CHECK_EQ((32 + ring->slots * 32) / PAGE, (32 + (ring->slots + 1) * 32 - 1) / PAGE);
    CHECK_EQ(ring->head, ring->tail);
    CHECK(strstr(file_get("/proc/self/maps"), "/[aio] (deleted)") != NULL);
}

static void files(void)
{
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    char back[100] = {0};
    strcpy(data, "asynchronous");
    struct iocb cb = request(IOCB_CMD_PWRITE, fd, data, 13, 5000);
    CHECK_EQ(result_of(&cb), 13);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
    cb = request(IOCB_CMD_PREAD, fd, back, sizeof(back), 5000);
    cb.aio_key = 77; /* the kernel sets it */
    CHECK_EQ(result_of(&cb), 13);
    CHECK_EQ(cb.aio_key, 0);
    CHECK_STR(back, "asynchronous");
    cb = request(IOCB_CMD_PREAD, fd, back, 10, 6000);
    CHECK_EQ(result_of(&cb), 0);
    cb = request(IOCB_CMD_PWRITE, fd, "end", 3, 0);
    cb.aio_rw_flags = RWF_APPEND;
    CHECK_EQ(result_of(&cb), 3);
    CHECK_EQ(pread(fd, back + 20, 10, 5013), 3);
    CHECK(memcmp(back + 20, "end", 3) == 0);
    CHECK_OK(ftruncate(fd, 5013));
    struct iovec iov[2] = {{back, 5}, {back + 50, 8}};
    cb = request(IOCB_CMD_PREADV, fd, iov, 2, 5000);
    CHECK_EQ(result_of(&cb), 13);
    CHECK_STR(back + 50, "hronous");
    cb = request(IOCB_CMD_PWRITEV, fd, iov, 2, 0);
    CHECK_EQ(result_of(&cb), 13);
    cb = request(IOCB_CMD_FSYNC, fd, NULL, 0, 0);
    CHECK_EQ(result_of(&cb), 0);
    cb = request(IOCB_CMD_FDSYNC, fd, NULL, 0, 0);
    CHECK_EQ(result_of(&cb), 0);
    cb = request(IOCB_CMD_FSYNC, fd, NULL, 1, 0);
    CHECK_EQ(result_of(&cb), -EINVAL);
    cb = request(IOCB_CMD_PREAD, fd, (void *)8, 10, 0);
    CHECK_EQ(result_of(&cb), -EFAULT);
    cb = request(IOCB_CMD_PREAD, fd, back, 10, -1);
    CHECK_EQ(result_of(&cb), -EINVAL);
    cb = request(IOCB_CMD_PREADV, fd, iov, 1025, 0);
    CHECK_EQ(result_of(&cb), -EINVAL);
    close(fd);
    unlink("file");
}

static void refused(void)
{
    int reader = open("/dev/null", O_RDONLY), writer = open("/dev/null", O_WRONLY), p[2];
    CHECK_OK(pipe(p));
    struct iocb cb = request(IOCB_CMD_PREAD, writer, data, 1, 0);
    CHECK_EQ(result_of(&cb), -EBADF);
    cb = request(IOCB_CMD_PWRITE, reader, data, 1, 0);
    CHECK_EQ(result_of(&cb), -EBADF);
    cb = request(IOCB_CMD_PREAD, -1, data, 1, 0);
    CHECK_EQ(result_of(&cb), -EBADF);
    cb = request(99, reader, data, 1, 0);
    CHECK_EQ(result_of(&cb), -EINVAL);
    cb = request(IOCB_CMD_NOOP, reader, data, 1, 0);
    CHECK_EQ(result_of(&cb), -EINVAL);
    cb = request(IOCB_CMD_FSYNC, p[0], NULL, 0, 0);
    CHECK_EQ(result_of(&cb), -EINVAL);
    cb = request(IOCB_CMD_PREAD, reader, data, 1, 0);
    cb.aio_reserved2 = 1;
    CHECK_EQ(result_of(&cb), -EINVAL);
    cb = request(IOCB_CMD_PREAD, reader, data, 1, 0);
    cb.aio_rw_flags = 0x40000000;
    CHECK_EQ(result_of(&cb), -EOPNOTSUPP);
    cb = request(IOCB_CMD_PREAD, reader, data, 1, 0);
    cb.aio_flags = IOCB_FLAG_RESFD;
    cb.aio_resfd = (unsigned)reader;
    CHECK_EQ(result_of(&cb), -EINVAL);
    struct iocb *list[] = {KERNEL_ADDRESS};
    CHECK_ERR(submit(1, list), EFAULT);
    CHECK_ERR(submit(1, KERNEL_ADDRESS), EFAULT);
    CHECK_ERR(submit(-1, list), EINVAL);
    CHECK_EQ(submit(0, list), 0);
    CHECK_ERR(take(2, 1, NULL, 0), EINVAL);
    CHECK_ERR(take(-1, 1, NULL, 0), EINVAL);
    close(reader);
    close(writer);
    close(p[0]);
    close(p[1]);
}

static void many_at_once(void)
{
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    struct iocb cb[SLOTS], bad = request(99, fd, data, 1, 0), *list[SLOTS + 1];
    struct io_event events[SLOTS];
    for (int i = 0; i < SLOTS; i++) {
        cb[i] = request(IOCB_CMD_PWRITE, fd, data + i, 1, i);
        cb[i].aio_data = (unsigned long)i;
        list[i] = &cb[i];
    }
    CHECK_EQ(submit(SLOTS, list), SLOTS);
    CHECK_EQ(take(2, 3, events, -1), 3);
    CHECK_EQ(events[0].data, 0);
    CHECK_EQ(take(1, SLOTS, events, -1), SLOTS - 3);
    CHECK_EQ(events[SLOTS - 4].data, SLOTS - 1);
    CHECK_EQ(take(0, SLOTS, events, 0), 0);
    CHECK_EQ(take(1, 1, events, 20), 0);
    list[2] = &bad; /* those before it are done */
    CHECK_EQ(submit(4, list), 2);
    CHECK_EQ(take(2, SLOTS, events, -1), 2);
    close(fd);
    unlink("file");
}

/* No more are taken than there is room for in the ring; what is taken makes room. */
static void full(void)
{
    const struct ring *ring = (void *)ctx;
    int fd = open("/dev/null", O_RDWR);
    struct iocb cb = request(IOCB_CMD_PWRITE, fd, data, 1, 0);
    struct io_event event;
    unsigned done = 0;
    while (done < 2 * ring->slots && one(&cb) == 1)
        done++;
    CHECK_EQ(errno, EAGAIN);
    CHECK(done >= SLOTS && done < ring->slots);
    CHECK_EQ(take(1, 1, &event, 0), 1);
    while (take(1, 1, &event, 0) == 1)
        continue;
    CHECK_EQ(one(&cb), 1);
    CHECK_EQ(take(1, 1, &event, 0), 1);
    close(fd);
}

/* As libaio and fio do: completions are read from the ring without a call. */
static void taken_from_the_ring(void)
{
    struct ring *ring = (void *)ctx;
    int fd = open("/dev/null", O_RDWR);
    struct iocb cb = request(IOCB_CMD_PWRITE, fd, data, 9, 0);
    for (unsigned i = 0; i < 3 * ring->slots; i++) {
        if (one(&cb) != 1 || ring->head == ring->tail || ring->events[ring->head].res != 9) {
            CHECK_EQ(i, -1);
            break;
        }
        ring->head = (ring->head + 1) % ring->slots;
    }
    CHECK_EQ(ring->head, ring->tail);
    struct io_event event;
    CHECK_EQ(take(0, 1, &event, 0), 0);
    close(fd);
}

static void by_eventfd(void)
{
    int fd = open("/dev/null", O_RDWR), ev = eventfd(0, 0);
    uint64_t value = 0;
    struct io_event events[2];
    struct iocb cb = request(IOCB_CMD_PWRITE, fd, data, 1, 0);
    cb.aio_flags = IOCB_FLAG_RESFD;
    cb.aio_resfd = (unsigned)ev;
    CHECK_EQ(one(&cb), 1);
    CHECK_EQ(one(&cb), 1);
    CHECK_EQ(read(ev, &value, sizeof(value)), sizeof(value));
    CHECK_EQ(value, 2);
    CHECK_EQ(take(2, 2, events, 0), 2);
    close(fd);
    close(ev);
}

static void polls(void)
{
    int p[2];
    struct io_event event;
    CHECK_OK(pipe(p));
    struct iocb cb = request(IOCB_CMD_POLL, p[0], (void *)POLLIN, 0, 0);
    int ev = eventfd(0, 0);
    cb.aio_flags = IOCB_FLAG_RESFD;
    cb.aio_resfd = (unsigned)ev;
    CHECK_EQ(one(&cb), 1);
    CHECK_EQ(take(1, 1, &event, 10), 0);
    CHECK_EQ(write(p[1], "x", 1), 1);
    struct pollfd wait = {.fd = ev, .events = POLLIN};
    CHECK_EQ(poll(&wait, 1, 5000), 1); /* comes without any call that asks for it */
    const struct ring *ring = (void *)ctx;
    CHECK(ring->head != ring->tail);
    CHECK_EQ(take(1, 1, &event, 5000), 1);
    CHECK_EQ(event.res & POLLIN, POLLIN);
    CHECK_EQ(event.obj, (unsigned long)&cb);
    cb.aio_flags = 0;
    CHECK_EQ(result_of(&cb), POLLIN); /* is so already */
    cb = request(IOCB_CMD_POLL, p[1], (void *)POLLOUT, 0, 0);
    CHECK_EQ(result_of(&cb), POLLOUT);
    cb = request(IOCB_CMD_POLL, p[0], (void *)POLLIN, 1, 0);
    CHECK_EQ(result_of(&cb), -EINVAL);
    cb = request(IOCB_CMD_POLL, p[0], (void *)0x10001, 0, 0);
    CHECK_EQ(result_of(&cb), -EINVAL);
    char byte;
    CHECK_EQ(read(p[0], &byte, 1), 1);
    cb = request(IOCB_CMD_POLL, p[0], (void *)POLLIN, 0, 0);
    CHECK_EQ(one(&cb), 1);
    close(p[1]);
    CHECK_EQ(take(1, 1, &event, 5000), 1);
    CHECK_EQ(event.res & POLLHUP, POLLHUP);
    close(p[0]);
    close(ev);
}

static void cancelled(void)
{
    int p[2];
    struct io_event event = {0};
    CHECK_OK(pipe(p));
    struct iocb cb = request(IOCB_CMD_POLL, p[0], (void *)POLLIN, 0, 0), other = cb;
    CHECK_EQ(one(&cb), 1);
    CHECK_ERR(syscall(SYS_io_cancel, ctx, &other, &event), EINVAL);
    CHECK_ERR(syscall(SYS_io_cancel, ctx, &cb, &event), EINPROGRESS);
    CHECK_EQ(take(1, 1, &event, 5000), 1);
    CHECK_EQ(event.obj, (unsigned long)&cb);
    CHECK_EQ(event.res, 0);
    CHECK_ERR(syscall(SYS_io_cancel, ctx, &cb, &event), EINVAL);
    CHECK_ERR(syscall(SYS_io_cancel, ctx, KERNEL_ADDRESS, &event), EFAULT);
    close(p[0]);
    close(p[1]);
}

/* A context that is ended while polls are under way, and while another thread waits. */
static void *wait_in_vain(void *arg)
{
    struct io_event event;
    long n = syscall(SYS_io_getevents, *(aio_context_t *)arg, 1, 1, &event, NULL);
    return (void *)(n < 0 ? (long)-errno : n);
}

static void ended_while_waiting(void)
{
    int p[2];
    aio_context_t c = 0;
    CHECK_OK(pipe(p));
    CHECK_OK(setup(4, &c));
    struct iocb cb = request(IOCB_CMD_POLL, p[0], (void *)POLLIN, 0, 0), *list = &cb;
    CHECK_EQ(syscall(SYS_io_submit, c, 1, &list), 1);
    pthread_t t = thread_start(wait_in_vain, &c);
    sleep_ms(20);
    CHECK_OK(syscall(SYS_io_destroy, c));
    long n = (long)thread_join(t);
    CHECK(n == -EINVAL || n == 1); /* the poll's end may be seen */
    CHECK(!readable((void *)c));
    CHECK_EQ(write(p[1], "x", 1), 1);
    close(p[0]);
    close(p[1]);
}

static volatile int alarms;

static void on_signal(int sig)
{
    (void)sig;
    alarms++;
}

static void *interrupt(void *arg)
{
    for (int i = 0; i < 1000 && !alarms; i++) {
        sleep_ms(5);
        pthread_kill(*(pthread_t *)arg, SIGUSR1);
    }
    return NULL;
}

static void interrupted(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct io_event event;
    sigset_t blocked, none;
    pthread_t self = pthread_self();
    sigaction(SIGUSR1, &action, NULL);
    pthread_t t = thread_start(interrupt, &self);
    CHECK_ERR(take(1, 1, &event, -1), EINTR);
    thread_join(t);
    struct {
        const sigset_t *mask;
        size_t size;
    } argument = {&none, 8};
    sigemptyset(&none);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    raise(SIGUSR1);
    int before = alarms;
    struct timespec none_ms = ms_timespec(0);
    CHECK_EQ(syscall(SYS_io_pgetevents, ctx, 0, 1, &event, &none_ms, NULL), 0);
    CHECK_EQ(alarms, before);
    CHECK_ERR(syscall(SYS_io_pgetevents, ctx, 1, 1, &event, NULL, &argument), EINTR);
    CHECK_EQ(alarms, before + 1);
    argument.size = 7;
    CHECK_ERR(syscall(SYS_io_pgetevents, ctx, 1, 1, &event, NULL, &argument), EINVAL);
    sigprocmask(SIG_UNBLOCK, &blocked, NULL);
}

static void pipes_and_positions(void)
{
    int p[2], fd = open("file", O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
    char back[8] = {0};
    CHECK_OK(pipe(p));
    struct iocb cb = request(IOCB_CMD_PWRITE, p[1], "pipe", 5, 0);
    CHECK_EQ(result_of(&cb), 5);
    cb = request(IOCB_CMD_PREAD, p[0], back, 8, 0);
    CHECK_EQ(result_of(&cb), 5);
    CHECK_STR(back, "pipe");
    cb = request(IOCB_CMD_PWRITE, fd, "ab", 2, 0);
    CHECK_EQ(result_of(&cb), 2);
    CHECK_EQ(result_of(&cb), 2);
    CHECK_STR(file_get("file"), "abab");
    CHECK_OK(fcntl(p[0], F_SETFL, O_NONBLOCK));
    cb = request(IOCB_CMD_PREAD, p[0], back, 8, 0);
    CHECK_EQ(result_of(&cb), -EAGAIN);
    close(p[0]);
    close(p[1]);
    close(fd);
    unlink("file");
}

static void counted(void)
{
    aio_context_t c = 0;
    long before = atol(file_get("/proc/sys/fs/aio-nr")),
         max = atol(file_get("/proc/sys/fs/aio-max-nr"));
    CHECK(max >= 65536);
    CHECK_OK(setup(100, &c));
    CHECK_EQ(atol(file_get("/proc/sys/fs/aio-nr")), before + 100);
    CHECK_OK(syscall(SYS_io_destroy, c));
}

/* The program may write what it likes into the ring. */
static void spoilt_ring(void)
{
    struct ring *ring = (void *)ctx;
    struct io_event events[4];
    int fd = open("/dev/null", O_RDWR);
    struct iocb cb = request(IOCB_CMD_PWRITE, fd, data, 1, 0);
    for (unsigned i = 0; i < 8; i++) {
        ring->head = 0xfffffff0u + 5 * i;
        ring->slots = i * 1000;
        ring->tail = 77 * i;
        one(&cb);
        take(0, 4, events, 0);
    }
    CHECK_OK(munmap(ring, PAGE));
    one(&cb);
    take(0, 4, events, 0);
    close(fd);
}

int main(void)
{
    scratch_enter();
    CHECK_OK(setup(SLOTS, &ctx));
    RUN(contexts);
    RUN(the_ring);
    RUN(files);
    RUN(refused);
    RUN(many_at_once);
    RUN(full);
    RUN(taken_from_the_ring);
    RUN(by_eventfd);
    RUN(polls);
    RUN(cancelled);
    RUN(ended_while_waiting);
    RUN(interrupted);
    RUN(pipes_and_positions);
    RUN(counted);
    RUN(spoilt_ring);
    CHECK(scratch_leave());
    return check_done();
}
