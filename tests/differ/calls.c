/*
 * Random system calls, the same for the same seed. tests/differ/calls.sh has it on Linux and in the
 * guest and compares.
 *
 *     calls run SEED COUNT    one thread; prints every call with all that is determined of its
 * answer: the result or errno, and what it wrote calls race SEED COUNT   four threads at the same
 * objects, COUNT calls each, with mappings put over each other and taken away, buffers and all,
 * timers and signals in their midst. What a thread has for itself is checked all the time; at the
 * end the process must still be able to do everything
 *
 * For a user without rights, in a folder of its own. A call's arguments come from its own number
 * alone, so that what one answers does not change the next; at most one of them is bad as a rule,
 * for which of two faults is told is seldom determined. Not printed: times, addresses, identifiers,
 * what the machine's own size decides; and what a kernel may choose says the place where it is left
 * out.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/capability.h>
#include <linux/falloc.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <linux/openat2.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_fchmodat2 /* the headers may be older */
#define SYS_fchmodat2 452
#endif

enum {
    PAGE = 4096,
    THREADS = 4,
    SLOTS = 16, /* descriptors */
    IDS = 3,    /* of System V IPC, each kind */
    TIMERS = 3,
    ARENA = 32,     /* pages where mappings come and go */
    OUT = 2 * PAGE, /* for what calls write */
    TIMER_SIGNAL = 41,
    BASE_FD = 240, /* the folder */
    OWN_FD = 200   /* above it nobody closes or makes descriptors by chance */
};
#define ARENA_AT ((char *)0x200000000000)
#define BUFFERS_AT ((char *)0x210000000000)
#define STILL_AT ((char *)0x220000000000)

static bool racing;
static uint64_t seed, count;
static int slots[SLOTS], shm_ids[IDS], sem_ids[IDS], msg_ids[IDS];
static timer_t timers[TIMERS];
static aio_context_t aio;
static uint32_t words[4];
static int running; /* threads that race */

static __thread uint64_t state, number;
static __thread bool bad_used, unhashed;
static volatile unsigned handled; /* signals */
static __thread sigjmp_buf jump;
static __thread char *in, *out; /* a thread's buffers, each before a page that nobody can touch */
static __thread size_t in_used, sets_used;
static __thread bool words_at[6]; /* which arguments are text */

static uint64_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint64_t below(uint64_t limit)
{
    return (draw() >> 20) % limit;
}

static bool one_in(uint64_t n)
{
    return below(n) == 0;
}

static void draw_for(uint64_t which)
{
    state = seed * 0x9e3779b97f4a7c15ul ^ (which + 1) * 0xd1b54a32d192ed03ul;
    state += !state;
    for (int i = 0; i < 8; i++)
        draw();
}

/* Whether this argument is to be a bad one: one of a call's, most times. */
static bool bad(uint64_t n)
{
    if (!one_in(n) || (bad_used && !racing))
        return false;
    bad_used = true;
    return true;
}

/* ---- arguments ---- */

enum kind {
    NONE_ARG,
    FD,
    REG_FD,  /* of a file */
    FILE_FD, /* of a file, a pipe: nothing that has only a descriptor */
    DIRFD,
    PATH,
    READ_TO,
    WRITE_FROM,
    PAIR,   /* of new descriptors */
    OUTPUT, /* what is written there is told */
    SECRET, /* is not */
    SIZE,
    COUNT_SMALL,
    OFFSET,
    OFFSET_AT,
    NUMBER,
    MODE,
    PERMISSIONS,
    IOV_READ,
    IOV_WRITE,
    IOV_STILL, /* of bytes that stay as they are: a pipe may hold the pages themselves */
    TIME,      /* a timespec that is over, or is none */
    TIMES,     /* two of them */
    ITIMER,    /* an itimerspec that never comes, is over, or is none */
    SIGNAL,
    SIGSET,
    SIGSET_SIZE,
    INFO,
    PID,
    USER_ID,
    AREA, /* pages of the arena */
    AREA_SIZE,
    CLOCK,
    TIMER,
    POLLFDS,
    EVENT,
    NAME,    /* of an extended attribute */
    QUEUE,   /* of a message queue */
    ADDRESS, /* AF_UNIX */
    ADDRESS_SIZE,
    MESSAGE,
    SHM,
    SEM,
    MSG,
    SEMBUF,
    MSGBUF,
    LIMIT,
    WORD,
    HOW, /* openat2 */
    SCHED,
    ACTION, /* of a signal that nobody sends */
    ALT_STACK,
    FD_SET_,    /* of the descriptors there are */
    TIMEVAL,    /* over, or none */
    VALUE_SIZE, /* where a socklen_t stands */
    CAP_HEADER,
    CAP_DATA,
    SIGEVENT,
    MESSAGES, /* of recvmmsg */
    WAITERS,  /* whose words have other values */
    CPU_MASK,
    SETS, /* first of the sets of numbers below */
};

#define S(...)                                                                                     \
    {                                                                                              \
        __VA_ARGS__, END                                                                           \
    }
#define END 0xdeadbeefdeadbeeful
/* Sets: "one" of them, or "any" several at once. */
enum {
    S_OPEN = SETS,
    S_WHENCE,
    S_ATFLAGS,
    S_ACCESS,
    S_RENAME,
    S_FALLOCATE,
    S_RWF,
    S_SPLICE,
    S_FCNTL,
    S_FCNTL_ARG,
    S_IOCTL,
    S_LOCK,
    S_ADVICE,
    S_SYNC,
    S_MSG,
    S_SOCK_FLAGS,
    S_FD_FLAGS,
    S_EPOLL_OP,
    S_EFD,
    S_MEMFD,
    S_MADVISE,
    S_PROT,
    S_MSYNC,
    S_SIGHOW,
    S_FUTEX,
    S_WHICH_TIMER,
    S_TIMER_FLAGS,
    S_POLICY,
    S_PRIO,
    S_RESOURCE,
    S_PRCTL,
    S_IPC,
    S_IPC_FLAGS,
    S_SEMCMD,
    S_MSGCMD,
    S_SHMCMD,
    S_SMALL,
    S_DOMAIN,
    S_TYPE,
    S_SHUT,
    S_INOTIFY,
    S_XATTR,
    S_MLOCK,
    S_MEMBARRIER,
    S_QUEUE_FLAGS,
    S_ZERO,
    S_KEY,
    S_ADVICE_FILE,
    S_USAGE,
    S_MQ_PRIO,
    S_SEGMENT,
    S_GRND,
    S_EVENTS,
    S_OWN,
    S_STATX,
    S_LINK,
    S_SHORT, /* IPC_NOWAIT */
    S_WAIT,
    S_SPARE_SIGNAL,
    S_FD_COUNT,
    S_SAFE_LIMIT,
    S_VIRTUAL,
    S_NODE,
    S_MLOCKALL,
    S_MINUS,
    S_DUP,
};

struct set {
    bool any; /* several at once */
    uint64_t values[24];
};

static const struct set sets[] = {
    [S_OPEN - SETS] = {true, S(O_RDONLY, O_RDWR, O_WRONLY, O_CREAT | O_RDWR, O_CREAT | O_RDWR,
                               O_TRUNC | O_RDWR, O_APPEND, O_EXCL | O_CREAT, O_DIRECTORY,
                               O_NOFOLLOW, O_PATH, O_CLOEXEC)},
    [S_WHENCE - SETS] = {false, S(SEEK_SET, SEEK_CUR, SEEK_END, 5, -1ul)},
    [S_ATFLAGS - SETS] = {true, S(0, 0, 0, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH, AT_SYMLINK_FOLLOW,
                                  0x4, AT_REMOVEDIR)},
    [S_ACCESS - SETS] = {true, S(F_OK, R_OK, W_OK, X_OK, 8)},
    [S_RENAME - SETS] = {true, S(0, 0, 1, 2, 8)},
    [S_FALLOCATE - SETS] = {true, S(0, 0, FALLOC_FL_KEEP_SIZE,
                                    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0x1000)},
    [S_RWF - SETS] = {true, S(0, 0, 0, 1, 2, 4, 0x10, 0x10000)},
    [S_SPLICE - SETS] = {true, S(SPLICE_F_NONBLOCK, SPLICE_F_NONBLOCK | SPLICE_F_MOVE,
                                 SPLICE_F_NONBLOCK | SPLICE_F_MORE, SPLICE_F_NONBLOCK | 0x100)},
    [S_FCNTL - SETS] = {false, S(F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD, F_DUPFD_CLOEXEC,
                                 F_GETPIPE_SZ, 99, -1ul, F_GETSIG, F_GETOWN)},
    [S_FCNTL_ARG -
        SETS] = {false, S(0, 1, 2, O_NONBLOCK, O_NONBLOCK | O_APPEND, 20, 60, 4, O_NONBLOCK)},
    [S_IOCTL - SETS] = {false, S(FIONREAD, FIOCLEX, FIONCLEX, TCGETS, TIOCGWINSZ, 0, -1ul,
                                 0x12345678, TIOCSTI)},
    [S_LOCK - SETS] = {false, S(LOCK_SH | LOCK_NB, LOCK_EX | LOCK_NB, LOCK_UN, LOCK_NB, 0, 99)},
    [S_ADVICE - SETS] = {false, S(0, 1, 2, 3, 4, 5, 99)},
    [S_SYNC - SETS] = {true, S(0, 1, 2, 4, 8)},
    [S_MSG - SETS] = {true, S(MSG_DONTWAIT, MSG_DONTWAIT | MSG_PEEK, MSG_DONTWAIT | MSG_TRUNC,
                              MSG_DONTWAIT | MSG_NOSIGNAL, MSG_DONTWAIT | MSG_WAITALL)},
    [S_SOCK_FLAGS -
        SETS] = {true, S(SOCK_NONBLOCK, SOCK_NONBLOCK | SOCK_CLOEXEC, SOCK_NONBLOCK | 1)},
    [S_FD_FLAGS - SETS] = {true, S(O_NONBLOCK, O_NONBLOCK | O_CLOEXEC, O_NONBLOCK | O_DIRECT,
                                   O_NONBLOCK | 1)},
    [S_EPOLL_OP -
        SETS] = {false, S(EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL, 0, 9)},
    [S_EFD - SETS] = {true, S(EFD_NONBLOCK, EFD_NONBLOCK | EFD_SEMAPHORE,
                              EFD_NONBLOCK | EFD_CLOEXEC, EFD_NONBLOCK | 2)},
    [S_MEMFD - SETS] = {true, S(0, MFD_CLOEXEC, MFD_ALLOW_SEALING, MFD_ALLOW_SEALING, 0x40)},
    [S_MADVISE - SETS] = {false, S(0, 1, 2, 3, 4, 4, 10, 11, 16, 17, 20, 21, 22, 23, 99, -1ul)},
    [S_PROT - SETS] = {false, S(PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE,
                                PROT_NONE, PROT_READ | PROT_EXEC, 0x10000)},
    [S_MSYNC - SETS] = {true, S(MS_SYNC, MS_ASYNC, 0, MS_INVALIDATE, 8)},
    [S_SIGHOW - SETS] = {false, S(SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK, 3, -1ul)},
    [S_FUTEX - SETS] = {false, S(FUTEX_WAKE, FUTEX_WAKE | 128, FUTEX_REQUEUE, FUTEX_CMP_REQUEUE,
                                 FUTEX_WAKE_OP, FUTEX_WAKE_BITSET, FUTEX_WAIT, FUTEX_WAIT | 128,
                                 FUTEX_UNLOCK_PI, 2, 14, 99)},
    [S_WHICH_TIMER - SETS] = {false, S(ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF, 3, -1ul)},
    [S_TIMER_FLAGS - SETS] = {false, S(0, TIMER_ABSTIME, TFD_TIMER_ABSTIME | 2)},
    [S_POLICY - SETS] = {false, S(SCHED_OTHER, SCHED_BATCH, SCHED_OTHER, SCHED_FIFO, SCHED_RR, 4,
                                  99, -1ul)},
    [S_PRIO - SETS] = {false, S(0, 0, 1, 5, 19, 20, -1ul, -20ul, 100)},
    [S_RESOURCE - SETS] = {false, S(RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK,
                                    RLIMIT_CORE, RLIMIT_RSS, RLIMIT_NOFILE, RLIMIT_MEMLOCK,
                                    RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE, RLIMIT_NICE, RLIMIT_RTPRIO,
                                    RLIMIT_RTTIME, 16, 99, -1ul)},
    [S_PRCTL -
        SETS] = {false, S(PR_SET_PDEATHSIG, PR_GET_DUMPABLE, PR_SET_DUMPABLE, PR_GET_KEEPCAPS,
                          PR_SET_KEEPCAPS, PR_SET_NAME, PR_GET_TIMERSLACK, PR_GET_SECUREBITS,
                          PR_GET_NO_NEW_PRIVS, PR_GET_CHILD_SUBREAPER, PR_GET_TSC, PR_CAPBSET_READ,
                          PR_GET_SECCOMP, 0, 9999, -1ul, PR_GET_THP_DISABLE, PR_CAP_AMBIENT)},
    [S_IPC - SETS] = {false, S(IPC_PRIVATE, IPC_PRIVATE, 1, 2, 3)},
    [S_IPC_FLAGS - SETS] = {true, S(0600, IPC_CREAT | 0600, IPC_CREAT | 0600,
                                    IPC_CREAT | IPC_EXCL | 0600, 0, 0400 | IPC_CREAT)},
    [S_SEMCMD - SETS] = {false, S(GETVAL, GETNCNT, GETZCNT, SETVAL, SETVAL, IPC_RMID, GETVAL, 99)},
    [S_MSGCMD - SETS] = {false, S(IPC_RMID, IPC_SET, 99, -1ul)},
    [S_SHMCMD - SETS] = {false, S(IPC_RMID, SHM_LOCK, SHM_UNLOCK, 99, -1ul)},
    [S_SMALL - SETS] = {false, S(0, 1, 2, 3, 4, 7, 16, -1ul, 0x80000000, 0x7fffffff)},
    [S_DOMAIN - SETS] = {false, S(AF_UNIX, AF_UNIX, AF_INET, AF_INET6, AF_INET, 0, 99, -1ul)},
    [S_TYPE -
        SETS] = {false, S(SOCK_STREAM | SOCK_NONBLOCK, SOCK_DGRAM | SOCK_NONBLOCK,
                          SOCK_SEQPACKET | SOCK_NONBLOCK, 0 | SOCK_NONBLOCK, 99 | SOCK_NONBLOCK)},
    [S_SHUT - SETS] = {false, S(SHUT_RD, SHUT_WR, SHUT_RDWR, 3, -1ul)},
    [S_INOTIFY - SETS] = {true, S(IN_CREATE, IN_DELETE, IN_MODIFY, IN_ATTRIB, IN_CLOSE_WRITE,
                                  IN_ONLYDIR, IN_ONESHOT, IN_MASK_CREATE, IN_OPEN)},
    [S_XATTR - SETS] = {false, S(0, 0, 1, 2, 3, 4)},
    [S_MLOCK - SETS] = {false, S(0, 1, 2, -1ul)},
    [S_MEMBARRIER - SETS] = {false, S(1, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED,
                                      MEMBARRIER_CMD_PRIVATE_EXPEDITED, 1 << 20, -1ul)},
    [S_QUEUE_FLAGS -
        SETS] = {false, S(O_RDWR | O_NONBLOCK, O_RDWR | O_NONBLOCK | O_CREAT,
                          O_RDWR | O_NONBLOCK | O_CREAT, O_RDONLY | O_NONBLOCK,
                          O_WRONLY | O_NONBLOCK, O_NONBLOCK | O_RDWR | O_CREAT | O_EXCL)},
    [S_ZERO - SETS] = {false, S(0x40000000, -1ul)},
    [S_KEY - SETS] = {false, S(-1ul, -1ul, 1, 99)},
    [S_ADVICE_FILE - SETS] = {false, S(0, 1, 2, 3, 4, 5, 6, -1ul)},
    [S_USAGE - SETS] = {false, S(RUSAGE_SELF, RUSAGE_THREAD, RUSAGE_CHILDREN, 9, -5ul)},
    [S_MQ_PRIO - SETS] = {false, S(0, 1, 5, 32767, 32768, -1ul)},
    [S_SEGMENT - SETS] = {false, S(PAGE, 2 * PAGE, 1, 0, 3 * PAGE, 1ul << 40)},
    [S_GRND - SETS] = {false, S(0, 1, 4, 1, 2 | 4, 8)},
    [S_EVENTS - SETS] = {false, S(32, 32, 32, 0, -1ul)},
    [S_OWN - SETS] = {false, S(PRIO_PROCESS, PRIO_PROCESS, 3, -1ul)},
    [S_LINK - SETS] = {false, S(0, 0, AT_SYMLINK_FOLLOW, 4)},
    [S_STATX - SETS] = {false, S(0, 0, AT_SYMLINK_NOFOLLOW, AT_NO_AUTOMOUNT, 4, 0x6000)},
    [S_SHORT - SETS] = {false, S(IPC_NOWAIT, IPC_NOWAIT, IPC_NOWAIT | MSG_NOERROR,
                                 IPC_NOWAIT | MSG_EXCEPT)},
    [S_SPARE_SIGNAL - SETS] = {false, S(44, 45, 46, 47, 0, 65, SIGKILL, SIGSTOP, -1ul)},
    [S_FD_COUNT - SETS] = {false, S(0, 1, 16, 64, 200, 1023, -1ul)},
    [S_SAFE_LIMIT -
        SETS] = {false, S(RLIMIT_CORE, RLIMIT_NOFILE, RLIMIT_NICE, RLIMIT_RTPRIO, 16, 99, -1ul)},
    [S_VIRTUAL - SETS] = {false, S(ITIMER_VIRTUAL, ITIMER_PROF, 3, -1ul)},
    [S_NODE -
        SETS] = {false, S(S_IFREG | 0600, S_IFREG | 0644, S_IFSOCK | 0600, 0600, S_IFCHR | 0600,
                          S_IFBLK | 0600, S_IFDIR | 0700, S_IFLNK | 0777, 0170000)},
    [S_MLOCKALL - SETS] = {false, S(0, MCL_CURRENT, MCL_ONFAULT, 8, -1ul)},
    [S_MINUS - SETS] = {false, S(-1ul)},
    [S_DUP - SETS] = {false, S(0, O_CLOEXEC, 0, 1, O_NONBLOCK)},
    [S_WAIT -
        SETS] = {false, S(P_ALL, P_PID, P_PGID, 4, 99, -1ul)}, /* not P_PIDFD: an identifier */
};

static uint64_t from_set(const struct set *set)
{
    unsigned n = 0;
    while (set->values[n] != END)
        n++;
    uint64_t value = set->values[below(n)];
    while (set->any && one_in(3))
        value |= set->values[below(n)];
    return value;
}

static const uint64_t extremes[] = {0,         1,          -1ul,      2,         4096,
                                    INT32_MAX, 0x80000000, INT64_MAX, 1ul << 63, 1ul << 32,
                                    100000,    0xfffffffe, -4096ul};

static uint64_t some_number(void)
{
    return one_in(2) ? below(20) : extremes[below(sizeof(extremes) / sizeof(*extremes))];
}

/* Room for what a call reads or writes: in the arena too, where it may go away meanwhile. */
static void *room(size_t size)
{
    void *at = in + in_used;
    in_used += (size + 15) & ~15ul;
    if (bad(40)) {
        void *const wrong[] = {NULL, (void *)8, in + PAGE - 4, (void *)0xffff800000000000,
                               (void *)0x7ffffffff000};
        return wrong[below(size > 4 ? 5 : 2)];
    }
    return at;
}

static uint64_t place(const void *what, size_t size)
{
    void *at = room(size);
    if (at >= (void *)in && (char *)at + size <= in + PAGE)
        memcpy(at, what, size);
    return (uint64_t)at;
}

static uint64_t buffer(char *base, size_t size)
{
    if (racing && one_in(3))
        return (uint64_t)ARENA_AT + below(ARENA * PAGE - PAGE);
    if (bad(40))
        return one_in(2) ? 0 : 0xffff800000000000;
    return (uint64_t)base + below(size / 4);
}

/* Since 6.16 a file of tmpfs grows to where nothing could be written for want of readable memory.
 */
static __thread bool one_writes, one_controls;

static bool is_file(int n, bool pipes)
{
    char path[40], name[40] = "";
    snprintf(path, sizeof(path), "/proc/self/fd/%d", n);
    struct stat s;
    if (readlink(path, name, sizeof(name) - 1) < 0 || fstat(n, &s) < 0 || S_ISDIR(s.st_mode))
        return false; /* what a directory's positions are is each filesystem's affair */
    return !strncmp(name, "/tmp/", 5) || !strncmp(name, "/memfd:", 7) ||
           (pipes && !strncmp(name, "pipe:", 5));
}

/* Of others Linux told before 6.14 that nobody is connected, since then that what is to be sent
 * can't be read. */
static bool connected_stream(int n)
{
    struct sockaddr_un name;
    socklen_t size = sizeof(name), length = sizeof(int);
    int type = 0;
    return getsockopt(n, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_STREAM &&
           getpeername(n, (void *)&name, &size) == 0;
}

static uint64_t fd(void)
{
    int n = slots[below(SLOTS)];
    if (bad(20))
        n = one_in(2) ? -1 : 100 + (int)below(20);
    /* What a signalfd, an inotify or a timer tells holds what is not determined. */
    char path[40], name[40] = "";
    snprintf(path, sizeof(path), "/proc/self/fd/%d", n);
    if (!racing && readlink(path, name, sizeof(name) - 1) > 0)
        unhashed |= strstr(name, "signalfd") || strstr(name, "inotify") || strstr(name, "/q");
    if (one_controls && strstr(name, "eventpoll"))
        n = -1; /* since 6.9 it has some: what it does not know is EINVAL, not ENOTTY */
    bad_used |= !strncmp(name, "socket:", 7) && !connected_stream(n);
    bad_used |= one_writes && is_file(n, false);
    return (uint64_t)(int64_t)n;
}

static uint64_t file_fd(bool pipes)
{
    for (int i = 0; i < 6; i++) {
        uint64_t n = fd();
        if (racing || is_file((int)n, pipes))
            return n;
    }
    return -1ul;
}

static uint64_t timespec(void)
{
    static const int64_t seconds[] = {0, 0, 0, 0, -1, INT64_MIN};
    static const int64_t rest[] = {0, 0, 1, 999, 1000000000, -1};
    struct timespec t = {0, (long)below(2)};
    if (bad(4))
        t = (struct timespec){seconds[below(6)], rest[below(6)]};
    uint64_t at = place(&t, sizeof(t));
    return at ? at : 8; /* none would be for ever */
}

static uint64_t itimer(void)
{
    static const int64_t seconds[] = {0, 0, 1000000, 9223372036, INT64_MAX, -1};
    struct itimerspec t = {{0, 0}, {seconds[below(5)], 1}};
    t.it_interval.tv_sec = one_in(2) ? 1000000 : 0;
    if (racing && one_in(2))
        t = (struct itimerspec){{0, (long)below(4) * 3000000}, {0, 1 + (long)below(1000000)}};
    if (bad(6))
        t.it_value = (struct timespec){seconds[below(6)], one_in(2) ? 1000000000 : -1};
    return place(&t, sizeof(t));
}

static uint64_t iov(char *base)
{
    struct iovec v[3];
    for (int i = 0; i < 3; i++)
        v[i] = (struct iovec){base + i * 600, below(500)};
    if (bad(20))
        v[below(3)].iov_len = one_in(2) ? -1ul : 1ul << 40;
    return place(v, sizeof(v));
}

static uint64_t signal_set(void)
{
    uint64_t set = 0; /* real-time ones are blocked all the time */
    for (int i = 0; i < 3; i++)
        set |= one_in(2) ? 1ul << (39 + i) : 0;
    return place(&set, sizeof(set));
}

static uint64_t address(void)
{
    static const char *const names[] = {"s1", "s2", "s3", "no/s", "a"};
    struct sockaddr_un un = {.sun_family = bad(20) ? AF_INET6 : AF_UNIX};
    strcpy(un.sun_path + one_in(2), names[below(5)]);
    return place(&un, sizeof(un));
}

static uint64_t message(void)
{
    struct iovec v = {in + 3000, below(300)};
    char *const data = (char *)place(&v, sizeof(v));
    struct msghdr m = {.msg_iov = (void *)data, .msg_iovlen = 1};
    return place(&m, sizeof(m));
}

static uint64_t pollfds(void)
{
    struct pollfd p[3];
    for (int i = 0; i < 3; i++)
        p[i] = (struct pollfd){(int)fd(), (short)below(64), 0};
    memcpy(out, p, sizeof(p));
    return (uint64_t)out;
}

static uint64_t sembuf(void)
{
    struct sembuf s[2] = {
        {(unsigned short)below(3), (short)((int)below(5) - 2), IPC_NOWAIT},
        {(unsigned short)below(bad(9) ? 9 : 3), (short)((int)below(5) - 2), IPC_NOWAIT}};
    return place(s, sizeof(s));
}

static uint64_t text(const char *const *all, unsigned n)
{
    const char *chosen = all[below(n)];
    return place(chosen, strlen(chosen) + 1);
}

static uint64_t fd_set_(void)
{
    uint64_t set[16] = {0};
    for (int i = 0; i < 4; i++) {
        int n = (int)fd();
        if (n >= 0)
            set[n / 64] |= 1ul << n % 64;
    }
    if (one_in(3))
        return 0;
    char *at = out + 128 * (sets_used++ % 4);
    memcpy(at, set, sizeof(set));
    return (uint64_t)at;
}

static uint64_t timeval(void)
{
    struct timeval t = {0, (long)below(2)};
    if (bad(4))
        t = (struct timeval){one_in(2) ? -1 : 0, one_in(2) ? -1 : 0};
    uint64_t at = place(&t, sizeof(t));
    return at ? at : 8;
}

static uint64_t messages(void)
{
    struct mmsghdr m[2] = {0};
    static __thread struct iovec v[2];
    for (int i = 0; i < 2; i++) {
        v[i] = (struct iovec){in + 3000 + 400 * i, below(300)};
        m[i].msg_hdr = (struct msghdr){.msg_iov = &v[i], .msg_iovlen = 1};
    }
    return place(m, sizeof(m));
}

static uint64_t futex_waiters(void)
{
    struct {
        uint64_t value, word;
        uint32_t flags, reserved;
    } w[2];
    for (int i = 0; i < 2; i++) {
        w[i].value = 12345; /* never there: none waits */
        w[i].word = (uint64_t)&words[below(4)];
        w[i].flags = 2 | (one_in(2) ? 128 : 0);
        w[i].reserved = 0;
    }
    if (bad(6))
        w[one_in(2)].flags = one_in(2) ? 7 : 0x1000;
    return place(w, sizeof(w));
}

static uint64_t rarest(enum kind kind)
{
    struct {
        uint64_t handler, flags, restorer, mask;
    } action = {below(2), one_in(2) ? SA_RESTART : 0, 0, below(1000)};
    stack_t stack = {.ss_sp = STILL_AT,
                     .ss_flags = one_in(2) ? 0 : SS_DISABLE,
                     .ss_size = one_in(3) ? 100 : 0x10000};
    uint32_t header[2] = {bad(4) ? 5 : 0x20080522, bad(6) ? 99999 : 0}, data[6] = {0};
    struct sigevent event = {.sigev_notify = bad(4) ? 99 : SIGEV_NONE};
    int size = (int)below(130);
    uint64_t mask = 1;
    if (bad(8))
        stack.ss_flags = 7;
    if (bad(8))
        size = -1;
    if (bad(6))
        data[below(6)] = 1u << below(30);
    if (bad(6))
        mask = 0;
    bad_used |= kind == ACTION; /* the signal may be none */
    switch ((int)kind) {
    case ACTION:
        return one_in(4) ? 0 : place(&action, sizeof(action));
    case ALT_STACK:
        return one_in(4) ? 0 : place(&stack, sizeof(stack));
    case FD_SET_:
        return fd_set_();
    case TIMEVAL:
        return timeval();
    case VALUE_SIZE:
        return place(&size, sizeof(size));
    case CAP_HEADER:
        return place(header, sizeof(header));
    case CAP_DATA:
        return place(data, sizeof(data));
    case SIGEVENT:
        return one_in(3) ? 0 : place(&event, sizeof(event));
    case MESSAGES:
        return messages();
    case WAITERS:
        return futex_waiters();
    case CPU_MASK:
        return place(&mask, sizeof(mask));
    default:
        return 0;
    }
}

static uint64_t rare(enum kind kind)
{
    static const char *const names[] = {"user.a", "user.b", "user.", "trusted.a", "none", ""};
    static const char *const queues[] = {"q1", "q2", "q3", ""};
    struct epoll_event event = {.events = (uint32_t)below(32) & ~2u, .data.u32 = (uint32_t)number};
    struct open_how how = {.flags = from_set(&sets[S_OPEN - SETS]) & ~(uint64_t)O_PATH,
                           .resolve = one_in(3) ? 1ul << below(7) : 0};
    struct rlimit limit = {below(2000), 5000};
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t other[3];
    } attr = {48,
              (uint32_t)from_set(&sets[(int)S_POLICY - (int)SETS]),
              0,
              (int)below(25),
              (uint32_t)below(3) / 2,
              {0}};
    long text_of_message[4] = {(long)below(4), 0x6162636465666768, 0, 0};
    siginfo_t info = {.si_code = SI_QUEUE};
    how.mode = how.flags & O_CREAT ? 0600 : 0;
    switch (kind) {
    case NAME:
        return text(names, 6);
    case QUEUE:
        return text(queues, 4);
    case EVENT:
        return place(&event, sizeof(event));
    case HOW:
        return place(&how, sizeof(how));
    case LIMIT:
        return place(&limit, sizeof(limit));
    case SCHED:
        return place(&attr, 48);
    case MSGBUF:
        return place(text_of_message, sizeof(text_of_message));
    case INFO:
        return place(&info, sizeof(info));
    case SHM:
        return (uint64_t)shm_ids[below(IDS)];
    case SEM:
        return (uint64_t)sem_ids[below(IDS)];
    case MSG:
        return (uint64_t)msg_ids[below(IDS)];
    case SEMBUF:
        return sembuf();
    case ADDRESS:
        return address();
    case MESSAGE:
        return message();
    case POLLFDS:
        return pollfds();
    case WORD:
        return (uint64_t)&words[below(4)];
    default:
        return rarest(kind);
    }
}

static uint64_t argument(enum kind kind)
{
    static const char *const paths[] = {"a",  "b",    "d",  "d/a",  "d/b", "d/e", "d/e/f",   "l",
                                        "l2", "no/a", "s1", "fifo", "",    ".",   "./d/../a"};
    static const int clocks[] = {
        CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI, 99, -1, 12};
    if (kind == (int)S_ZERO && !bad(10))
        return 0;
    if (kind >= SETS)
        return from_set(&sets[kind - SETS]);
    switch ((int)kind) {
    case FD:
        return fd();
    case REG_FD:
        return file_fd(false);
    case FILE_FD:
        return file_fd(true);
    case DIRFD:
        return bad(10) ? fd() : (uint64_t)AT_FDCWD;
    case PATH:
        return text(paths, sizeof(paths) / sizeof(*paths));
    case READ_TO:
        return buffer(out, OUT / 2);
    case PAIR:
        return (uint64_t)out;
    case OUTPUT:
        return bad(30) ? 0 : (uint64_t)out;
    case SECRET:
        return (uint64_t)in + 2048;
    case WRITE_FROM:
        return buffer(in, PAGE / 2);
    case SIZE:
        return one_in(8) ? (one_in(2) ? 0 : 8) : below(one_in(6) ? 2048 : 200);
    case COUNT_SMALL:
        return bad(12) ? -1ul : below(4);
    case OFFSET:
        return bad(12) ? some_number() : below(20000);
    case OFFSET_AT: {
        uint64_t at = below(3000);
        return one_in(2) ? 0 : place(&at, sizeof(at));
    }
    case NUMBER:
        return some_number();
    case PERMISSIONS:
    case MODE:
        return 0600 | below(0200);
    case IOV_READ:
        return iov(out);
    case IOV_WRITE:
        return iov(in + 1024);
    case IOV_STILL:
        return iov(STILL_AT);
    case TIME:
        return timespec();
    case TIMES:
        return one_in(2) ? 0 : (timespec(), timespec() - 16);
    case ITIMER:
        return itimer();
    case SIGNAL:
        return bad(6) ? (one_in(2) ? 65 : -1ul) : one_in(4) ? 0 : 40 + below(3);
    case SIGSET:
        return signal_set();
    case SIGSET_SIZE:
        return bad(20) ? below(20) : 8;
    case PID:
        return bad(6) ? (one_in(2) ? 99999 : -5ul) : (uint64_t)getpid();
    case USER_ID:
        return one_in(3) ? -1ul : 1000;
    case AREA:
        return (uint64_t)ARENA_AT + below(ARENA) * PAGE + (bad(30) ? 17 : 0);
    case AREA_SIZE:
        return bad(30) ? 0 : (1 + below(4)) * PAGE;
    case CLOCK:
        return (uint64_t)(int64_t)clocks[bad(4) ? 4 + below(3) : below(4)];
    case TIMER:
        return bad(8) ? 77 : (uint64_t)timers[below(TIMERS)];
    case ADDRESS_SIZE:
        return bad(10) ? below(200) : 2 + 4;
    default:
        return rare(kind);
    }
}

/* ---- calls ---- */

enum answer { TOLD, NEW_FD, NEW_PAIR, ID_SHM, ID_SEM, ID_MSG, CLOSED, SIGN };

struct call {
    const char *name;
    short nr;
    unsigned char answer, args[6];
};

#define C(name, answer, ...)                                                                       \
    {                                                                                              \
#name, SYS_##name, answer,                                                                 \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
static const struct call calls[] = {
    C(read, TOLD, FD, READ_TO, SIZE),
    C(write, TOLD, FD, WRITE_FROM, SIZE),
    C(read, TOLD, FD, READ_TO, SIZE),
    C(write, TOLD, FD, WRITE_FROM, SIZE),
    C(pread64, TOLD, FILE_FD, READ_TO, SIZE, OFFSET),
    C(pwrite64, TOLD, FILE_FD, WRITE_FROM, SIZE, OFFSET),
    C(readv, TOLD, FD, IOV_READ, COUNT_SMALL),
    C(writev, TOLD, FD, IOV_WRITE, COUNT_SMALL),
    C(preadv, TOLD, FILE_FD, IOV_READ, COUNT_SMALL, OFFSET),
    C(pwritev, TOLD, FILE_FD, IOV_WRITE, COUNT_SMALL, OFFSET),
    C(preadv2, TOLD, FILE_FD, IOV_READ, COUNT_SMALL, OFFSET, S_ZERO, S_RWF),
    C(pwritev2, TOLD, FILE_FD, IOV_WRITE, COUNT_SMALL, OFFSET, S_ZERO, S_RWF),
    C(lseek, TOLD, FILE_FD, OFFSET, S_WHENCE),
    C(sendfile, TOLD, REG_FD, FILE_FD, OFFSET_AT, SIZE),
    C(splice, TOLD, FD, OFFSET_AT, FD, OFFSET_AT, SIZE, S_SPLICE),
    C(tee, TOLD, FD, FD, SIZE, S_SPLICE),
    C(vmsplice, TOLD, FD, IOV_STILL, COUNT_SMALL, S_SPLICE),
    C(copy_file_range, TOLD, FILE_FD, OFFSET_AT, FILE_FD, OFFSET_AT, SIZE, S_ZERO),
    C(ftruncate, TOLD, FILE_FD, OFFSET),
    C(truncate, TOLD, PATH, OFFSET),
    C(fallocate, TOLD, FILE_FD, S_FALLOCATE, OFFSET, SIZE),
    C(fsync, TOLD, FILE_FD),
    C(fdatasync, TOLD, FILE_FD),
    C(sync_file_range, TOLD, FILE_FD, OFFSET, SIZE, S_SYNC),
    C(readahead, TOLD, FILE_FD, OFFSET, SIZE),
    C(fadvise64, TOLD, FILE_FD, OFFSET, SIZE, S_ADVICE_FILE),
    C(flock, TOLD, FD, S_LOCK),
    C(fcntl, TOLD, FD, S_FCNTL, S_FCNTL_ARG),
    C(ioctl, TOLD, FD, S_IOCTL, OUTPUT),
    C(dup, NEW_FD, FD),
    C(close, CLOSED, FD),
    C(open, NEW_FD, PATH, S_OPEN, MODE),
    C(openat, NEW_FD, DIRFD, PATH, S_OPEN, MODE),
    C(openat2, NEW_FD, DIRFD, PATH, HOW, S_ZERO),
    C(creat, NEW_FD, PATH, MODE),
    C(access, TOLD, PATH, S_ACCESS),
    C(faccessat2, TOLD, DIRFD, PATH, S_ACCESS, S_ATFLAGS),
    C(chmod, TOLD, PATH, MODE),
    C(fchmod, TOLD, FILE_FD, MODE),
    C(fchmodat, TOLD, DIRFD, PATH, MODE),
    C(chown, TOLD, PATH, USER_ID, USER_ID),
    C(fchown, TOLD, FILE_FD, USER_ID, USER_ID),
    C(lchown, TOLD, PATH, USER_ID, USER_ID),
    C(fchownat, TOLD, DIRFD, PATH, USER_ID, USER_ID, S_ATFLAGS),
    C(link, TOLD, PATH, PATH),
    C(linkat, TOLD, DIRFD, PATH, DIRFD, PATH, S_LINK),
    C(unlink, TOLD, PATH),
    C(unlinkat, TOLD, DIRFD, PATH, S_ATFLAGS),
    C(rename, TOLD, PATH, PATH),
    C(renameat2, TOLD, DIRFD, PATH, DIRFD, PATH, S_RENAME),
    C(mkdir, TOLD, PATH, MODE),
    C(mkdirat, TOLD, DIRFD, PATH, MODE),
    C(rmdir, TOLD, PATH),
    C(symlink, TOLD, PATH, PATH),
    C(symlinkat, TOLD, PATH, DIRFD, PATH),
    C(readlink, TOLD, PATH, READ_TO, SIZE),
    C(readlinkat, TOLD, DIRFD, PATH, READ_TO, SIZE),
    C(utimensat, TOLD, DIRFD, PATH, TIMES, S_ATFLAGS),
    C(umask, TOLD, S_ZERO),
    C(setxattr, TOLD, PATH, NAME, WRITE_FROM, SIZE, S_XATTR),
    C(fsetxattr, TOLD, FILE_FD, NAME, WRITE_FROM, SIZE, S_XATTR),
    C(getxattr, TOLD, PATH, NAME, READ_TO, SIZE),
    C(fgetxattr, TOLD, FILE_FD, NAME, READ_TO, SIZE),
    C(lgetxattr, TOLD, PATH, NAME, READ_TO, SIZE),
    C(removexattr, TOLD, PATH, NAME),
    C(fremovexattr, TOLD, FILE_FD, NAME),
    C(inotify_init1, NEW_FD, S_FD_FLAGS),
    C(inotify_add_watch, SIGN, FD, PATH, S_INOTIFY),
    C(inotify_rm_watch, TOLD, FD, S_SMALL),
    C(pipe2, NEW_PAIR, OUTPUT, S_FD_FLAGS),
    C(eventfd2, NEW_FD, S_SMALL, S_EFD),
    C(timerfd_create, NEW_FD, CLOCK, S_EFD),
    C(timerfd_settime, TOLD, FD, S_TIMER_FLAGS, ITIMER),
    C(signalfd4, NEW_FD, S_KEY, SIGSET, SIGSET_SIZE, S_EFD),
    C(memfd_create, NEW_FD, NAME, S_MEMFD),
    C(epoll_create1, NEW_FD, S_FD_FLAGS),
    C(epoll_ctl, TOLD, FD, S_EPOLL_OP, FD, EVENT),
    C(epoll_wait, TOLD, FD, OUTPUT, S_EVENTS, NONE_ARG),
    C(poll, TOLD, POLLFDS, COUNT_SMALL, NONE_ARG),
    C(ppoll, TOLD, POLLFDS, COUNT_SMALL, TIME, SIGSET, SIGSET_SIZE),
    C(socket, NEW_FD, S_DOMAIN, S_TYPE, S_ZERO),
    C(socketpair, NEW_PAIR, S_DOMAIN, S_TYPE, S_ZERO, PAIR),
    C(socketpair, NEW_PAIR, S_DOMAIN, S_TYPE, S_ZERO, PAIR),
    C(bind, TOLD, FD, ADDRESS, ADDRESS_SIZE),
    C(connect, TOLD, FD, ADDRESS, ADDRESS_SIZE),
    C(listen, TOLD, FD, S_SMALL),
    C(accept4, NEW_FD, FD, NONE_ARG, NONE_ARG, S_SOCK_FLAGS),
    C(sendto, TOLD, FD, WRITE_FROM, SIZE, S_MSG),
    C(recvfrom, TOLD, FD, READ_TO, SIZE, S_MSG),
    C(sendmsg, TOLD, FD, MESSAGE, S_MSG),
    C(recvmsg, TOLD, FD, MESSAGE, S_MSG),
    C(shutdown, TOLD, FD, S_SHUT),
    C(mprotect, TOLD, AREA, AREA_SIZE, S_PROT),
    C(munmap, TOLD, AREA, AREA_SIZE),
    C(madvise, TOLD, AREA, AREA_SIZE, S_MADVISE),
    C(msync, TOLD, AREA, AREA_SIZE, S_MSYNC),
    C(mlock2, TOLD, AREA, AREA_SIZE, S_MLOCK),
    C(munlock, TOLD, AREA, AREA_SIZE),
    C(mincore, SIGN, AREA, AREA_SIZE, SECRET),
    C(membarrier, TOLD, S_MEMBARRIER, S_ZERO),
    C(rt_sigprocmask, TOLD, S_SIGHOW, SIGSET, OUTPUT, SIGSET_SIZE),
    C(rt_sigpending, TOLD, OUTPUT, SIGSET_SIZE),
    C(rt_sigtimedwait, TOLD, SIGSET, NONE_ARG, TIME, SIGSET_SIZE),
    C(rt_sigqueueinfo, TOLD, PID, SIGNAL, INFO),
    C(kill, TOLD, PID, SIGNAL),
    C(tgkill, TOLD, PID, PID, SIGNAL),
    C(tkill, TOLD, PID, SIGNAL),
    C(pidfd_open, NEW_FD, PID, S_ZERO),
    C(pidfd_send_signal, TOLD, FD, SIGNAL, NONE_ARG, S_ZERO),
    C(clock_gettime, TOLD, CLOCK, SECRET),
    C(clock_getres, TOLD, CLOCK, SECRET),
    C(clock_nanosleep, TOLD, CLOCK, NONE_ARG, TIME, SECRET),
    C(nanosleep, TOLD, TIME, SECRET),
    C(timer_settime, TOLD, TIMER, S_TIMER_FLAGS, ITIMER),
    C(timer_getoverrun, TOLD, TIMER),
    C(timer_gettime, TOLD, TIMER, SECRET),
    C(getitimer, TOLD, S_WHICH_TIMER, SECRET),
    C(times, SIGN, SECRET),
    C(getrusage, TOLD, S_USAGE, SECRET),
    C(futex, TOLD, WORD, S_FUTEX, COUNT_SMALL, TIME, WORD, S_SMALL),
    C(sched_yield, TOLD, NONE_ARG),
    C(sched_setscheduler, TOLD, S_ZERO, S_POLICY, TIME),
    C(sched_getscheduler, TOLD, S_ZERO),
    C(sched_getparam, TOLD, S_ZERO, OUTPUT),
    C(sched_setattr, TOLD, S_ZERO, SCHED, S_ZERO),
    C(sched_get_priority_max, TOLD, S_POLICY),
    C(sched_get_priority_min, TOLD, S_POLICY),
    C(getpriority, TOLD, S_OWN, S_ZERO),
    C(setpriority, TOLD, S_OWN, S_ZERO, S_PRIO),
    C(getrlimit, TOLD, S_RESOURCE, SECRET),
    C(prctl, TOLD, S_PRCTL, OUTPUT, S_ZERO, S_ZERO, S_ZERO),
    C(getuid, TOLD, NONE_ARG),
    C(setresuid, TOLD, USER_ID, USER_ID, USER_ID),
    C(setresgid, TOLD, USER_ID, USER_ID, USER_ID),
    C(getresuid, TOLD, OUTPUT, SECRET, SECRET),
    C(setfsuid, TOLD, USER_ID),
    C(setgroups, TOLD, COUNT_SMALL, WRITE_FROM),
    C(getgroups, SIGN, S_SMALL, SECRET),
    C(sethostname, TOLD, WRITE_FROM, SIZE),
    C(chroot, TOLD, PATH),
    C(clock_settime, TOLD, CLOCK, TIME),
    C(shmget, ID_SHM, S_IPC, S_SEGMENT, S_IPC_FLAGS),
    C(shmctl, TOLD, SHM, S_SHMCMD, NONE_ARG),
    C(semget, ID_SEM, S_IPC, COUNT_SMALL, S_IPC_FLAGS),
    C(semop, TOLD, SEM, SEMBUF, COUNT_SMALL),
    C(semctl, TOLD, SEM, COUNT_SMALL, S_SEMCMD, COUNT_SMALL),
    C(semtimedop, TOLD, SEM, SEMBUF, COUNT_SMALL, TIME),
    C(msgget, ID_MSG, S_IPC, S_IPC_FLAGS),
    C(msgsnd, TOLD, MSG, MSGBUF, COUNT_SMALL, S_SHORT),
    C(msgrcv, TOLD, MSG, READ_TO, SIZE, S_SMALL, S_SHORT),
    C(msgctl, TOLD, MSG, S_MSGCMD, NONE_ARG),
    C(mq_open, NEW_FD, QUEUE, S_QUEUE_FLAGS, MODE, NONE_ARG),
    C(mq_unlink, TOLD, QUEUE),
    C(mq_timedsend, TOLD, FD, WRITE_FROM, SIZE, S_MQ_PRIO, TIME),
    C(mq_timedreceive, TOLD, FD, READ_TO, NUMBER, NONE_ARG, TIME),
    C(io_getevents, TOLD, NUMBER, S_ZERO, COUNT_SMALL, OUTPUT, TIME),
    C(io_destroy, TOLD, NUMBER),
    C(process_vm_readv, TOLD, PID, IOV_READ, COUNT_SMALL, IOV_WRITE, COUNT_SMALL, S_ZERO),
    C(process_vm_writev, TOLD, PID, IOV_WRITE, COUNT_SMALL, IOV_READ, COUNT_SMALL, S_ZERO),
    C(getrandom, TOLD, SECRET, SIZE, S_GRND),
    C(getcpu, TOLD, SECRET, SECRET, NONE_ARG),
    C(uname, TOLD, SECRET),
    C(fstat, TOLD, FD, SECRET),
    C(stat, TOLD, PATH, SECRET),
    C(statx, TOLD, DIRFD, PATH, S_STATX, NUMBER, SECRET),
    C(fstatfs, TOLD, FD, SECRET),
    C(getdents64, SIGN, FD, SECRET, SIZE),
    C(rseq, TOLD, NUMBER, NUMBER, NUMBER, NUMBER),
    C(get_robust_list, TOLD, S_ZERO, SECRET, SECRET),
    C(waitid, TOLD, S_WAIT, PID, SECRET, NUMBER, NONE_ARG),
    C(wait4, TOLD, PID, SECRET, NUMBER, NONE_ARG),
    C(capget, TOLD, CAP_HEADER, OUTPUT),
    C(capset, TOLD, CAP_HEADER, CAP_DATA),
    C(rt_sigaction, TOLD, S_SPARE_SIGNAL, ACTION, OUTPUT, SIGSET_SIZE),
    C(sigaltstack, TOLD, ALT_STACK, OUTPUT),
    C(pipe, NEW_PAIR, OUTPUT),
    C(select, TOLD, S_FD_COUNT, FD_SET_, FD_SET_, FD_SET_, TIMEVAL),
    C(pselect6, TOLD, S_FD_COUNT, FD_SET_, FD_SET_, FD_SET_, TIME, NONE_ARG),
    C(dup2, NEW_FD, FD, FD),
    C(dup3, NEW_FD, FD, FD, S_DUP),
    C(setitimer, TOLD, S_VIRTUAL, TIMEVAL, NONE_ARG),
    C(getpid, SIGN, NONE_ARG),
    C(gettid, SIGN, NONE_ARG),
    C(getppid, SIGN, NONE_ARG),
    C(getpgrp, SIGN, NONE_ARG),
    C(getpgid, SIGN, PID),
    C(getsid, SIGN, PID),
    C(setsid, TOLD, NONE_ARG),
    C(setpgid, TOLD, PID, S_ZERO),
    C(accept, NEW_FD, FD, NONE_ARG, NONE_ARG),
    C(getsockname, TOLD, FD, OUTPUT, VALUE_SIZE),
    C(getpeername, TOLD, FD, OUTPUT, VALUE_SIZE),
    C(getdents, SIGN, FD, SECRET, SIZE),
    C(getcwd, TOLD, SECRET, SIZE),
    C(gettimeofday, TOLD, SECRET, NONE_ARG),
    C(time, SIGN, NONE_ARG),
    C(sysinfo, TOLD, SECRET),
    C(getgid, TOLD, NONE_ARG),
    C(geteuid, TOLD, NONE_ARG),
    C(getegid, TOLD, NONE_ARG),
    C(setuid, TOLD, USER_ID),
    C(setgid, TOLD, USER_ID),
    C(setreuid, TOLD, USER_ID, USER_ID),
    C(setregid, TOLD, USER_ID, USER_ID),
    C(getresgid, TOLD, OUTPUT, SECRET, SECRET),
    C(setfsgid, TOLD, USER_ID),
    C(utime, TOLD, PATH, NONE_ARG),
    C(utimes, TOLD, PATH, NONE_ARG),
    C(futimesat, TOLD, DIRFD, PATH, NONE_ARG),
    C(mknod, TOLD, PATH, S_NODE, NONE_ARG),
    C(mknodat, TOLD, DIRFD, PATH, S_NODE, NONE_ARG),
    C(statfs, TOLD, PATH, SECRET),
    C(sched_setparam, TOLD, S_ZERO, TIME),
    C(sched_rr_get_interval, TOLD, S_ZERO, SECRET),
    C(sched_getattr, TOLD, S_ZERO, SECRET, SIZE, S_ZERO),
    C(sched_setaffinity, TOLD, S_ZERO, SIZE, CPU_MASK),
    C(sched_getaffinity, SIGN, S_ZERO, SIZE, SECRET),
    C(mlock, TOLD, AREA, AREA_SIZE),
    C(mlockall, TOLD, S_MLOCKALL),
    C(pkey_mprotect, TOLD, AREA, AREA_SIZE, S_PROT, S_MINUS),
    C(pkey_free, TOLD, NUMBER),
    C(setrlimit, TOLD, S_SAFE_LIMIT, LIMIT),
    C(sync, TOLD, NONE_ARG),
    C(syncfs, TOLD, FD),
    C(settimeofday, TOLD, TIMEVAL, NONE_ARG),
    C(setdomainname, TOLD, WRITE_FROM, SIZE),
    C(lsetxattr, TOLD, PATH, NAME, WRITE_FROM, SIZE, S_XATTR),
    C(listxattr, TOLD, PATH, READ_TO, SIZE),
    C(llistxattr, TOLD, PATH, READ_TO, SIZE),
    C(flistxattr, TOLD, FILE_FD, READ_TO, SIZE),
    C(lremovexattr, TOLD, PATH, NAME),
    C(io_cancel, TOLD, NUMBER, SECRET, SECRET),
    C(io_pgetevents, TOLD, NUMBER, S_ZERO, COUNT_SMALL, OUTPUT, TIME, NONE_ARG),
    C(epoll_create, NEW_FD, S_SMALL),
    C(epoll_pwait, TOLD, FD, OUTPUT, S_EVENTS, NONE_ARG, SIGSET, SIGSET_SIZE),
    C(epoll_pwait2, TOLD, FD, OUTPUT, S_EVENTS, TIME, SIGSET, SIGSET_SIZE),
    C(set_robust_list, TOLD, SECRET, COUNT_SMALL),
    C(mq_notify, TOLD, FD, SIGEVENT),
    C(mq_getsetattr, TOLD, FD, NONE_ARG, OUTPUT),
    C(inotify_init, NEW_FD, NONE_ARG),
    C(newfstatat, TOLD, DIRFD, PATH, SECRET, S_STATX),
    C(renameat, TOLD, DIRFD, PATH, DIRFD, PATH),
    C(faccessat, TOLD, DIRFD, PATH, S_ACCESS),
    C(fchmodat2, TOLD, DIRFD, PATH, MODE, S_ATFLAGS),
    C(signalfd, NEW_FD, S_KEY, SIGSET, SIGSET_SIZE),
    C(eventfd, NEW_FD, S_SMALL),
    C(timerfd_gettime, TOLD, FD, SECRET),
    C(rt_tgsigqueueinfo, TOLD, PID, PID, SIGNAL, INFO),
    C(recvmmsg, TOLD, FD, MESSAGES, COUNT_SMALL, S_MSG, NONE_ARG),
    C(sendmmsg, TOLD, FD, MESSAGES, COUNT_SMALL, S_MSG),
    C(pidfd_getfd, NEW_FD, FD, FD, S_ZERO),
    C(futex_waitv, TOLD, WAITERS, COUNT_SMALL, S_ZERO, NONE_ARG, S_ZERO),
};

static void keep(int new)
{
    int *slot = &slots[below(SLOTS)];
    if (new >= 0 && *slot >= 0)
        close(*slot);
    if (new >= 0)
        *slot = new;
}

static void keep_id(int *ids, int id, enum answer kind)
{
    int *slot = &ids[below(IDS)], old = *slot;
    *slot = id;
    for (int i = 0; i < IDS; i++) /* of a key it may be one that is there already */
        if (ids[i] == old)
            return;
    if (kind == ID_SHM)
        shmctl(old, IPC_RMID, NULL);
    else if (kind == ID_SEM)
        semctl(old, 0, IPC_RMID);
    else
        msgctl(old, IPC_RMID, NULL);
}

/* What may have been made without O_NONBLOCK. */
static void wait_never(int new)
{
    int flags = racing ? O_NONBLOCK : fcntl(new, F_GETFL);
    if (!(flags & (O_NONBLOCK | O_PATH)))
        fcntl(new, F_SETFL, flags | O_NONBLOCK);
}

/* What is new is taken; returns whether the result's value is to be told. */
static bool taken(const struct call *c, const uint64_t *a, long result)
{
    int *pair = (int *)out;
    switch (c->answer) {
    case NEW_FD:
        wait_never((int)result);
        keep((int)result);
        return true;
    case NEW_PAIR:
        wait_never(pair[0]);
        wait_never(pair[1]);
        keep(pair[0]);
        keep(pair[1]);
        return true;
    case ID_SHM:
        keep_id(shm_ids, (int)result, ID_SHM);
        return false;
    case ID_SEM:
        keep_id(sem_ids, (int)result, ID_SEM);
        return false;
    case ID_MSG:
        keep_id(msg_ids, (int)result, ID_MSG);
        return false;
    case CLOSED:
        for (int i = 0; i < SLOTS; i++)
            slots[i] = slots[i] == (int)a[0] ? -1 : slots[i];
        return true;
    case SIGN:
        return false;
    default:
        if (c->nr == SYS_fcntl && ((int)a[1] == F_DUPFD || (int)a[1] == F_DUPFD_CLOEXEC))
            keep((int)result);
        return true;
    }
}

/* Of what a call wrote; events of epoll come in any order. */
static uint32_t written(bool events)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < OUT / 4; i++) {
        uint32_t word = ((uint32_t *)out)[i];
        if (word != 0x5a5a5a5a)
            sum = events ? sum + word * 0x9e3779b1ul
                         : (sum ^ word ^ (uint64_t)i << 32) * 0x9e3779b97f4a7c15ul;
    }
    return (uint32_t)(sum >> 32 ^ sum);
}

static void tell(const char *name, const uint64_t *a, long result, bool value, uint32_t sum)
{
    int error = errno;
    if (racing)
        return;
    printf("%lu %s(", number, name);
    for (int i = 0; i < 6; i++)
        if (words_at[i])
            printf("%s%s", i ? "," : "", (char *)a[i]);
        else
            printf("%s%lx", i ? "," : "", a[i]);
    if (result == -1)
        printf(") = %s", strerrorname_np(error));
    else if (value)
        printf(") = %ld", result);
    else
        printf(") = ok");
    if (sum)
        printf(" wrote %x", sum);
    if (handled)
        printf(" signals %u", handled);
    handled = 0;
    printf("\n");
}

static bool undetermined(enum kind kind)
{
    return kind == PID || kind == TIMER || kind == SHM || kind == SEM || kind == MSG ||
           kind == WORD;
}

static bool argument_is_text(enum kind kind, uint64_t at)
{
    return (kind == PATH || kind == NAME || kind == QUEUE) && at >= (uint64_t)in &&
           at < (uint64_t)in + PAGE - 64;
}

/* Of a timer that is set anew: since 6.13 Linux shows them as pending, but never delivers them. */
static void forget_signals(void)
{
    uint64_t set = 1ul << (TIMER_SIGNAL - 1);
    struct timespec none = {0};
    while (syscall(SYS_rt_sigtimedwait, &set, NULL, &none, 8) > 0)
        continue;
}

static void table_call(void)
{
    const struct call *c = &calls[below(sizeof(calls) / sizeof(*calls))];
    uint64_t a[6];
    one_controls = c->nr == SYS_ioctl;
    one_writes = c->nr == SYS_write || c->nr == SYS_pwrite64;
    for (int i = 0; i < 6; i++)
        words_at[i] = argument_is_text(c->args[i], a[i] = argument(c->args[i]));
    if (c->nr == SYS_fcntl && (int)a[1] == F_SETFL && !racing)
        a[2] |= O_NONBLOCK;
    if (c->nr == SYS_timer_settime && !racing)
        forget_signals();
    long result = syscall(c->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
    int error = errno;
    bool value = result < 0 || taken(c, a, result);
    bool timer = c->nr == SYS_timer_settime || c->nr == SYS_timerfd_settime;
    if (timer && !racing && result == 0) /* what is over must have happened */
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    for (int i = 0; i < 6; i++)
        a[i] = undetermined(c->args[i]) ? 0 : a[i];
    errno = error;
    if (racing)
        return;
    tell(c->name, a, result, value,
         unhashed || (result < 0 && c->answer == NEW_PAIR)
             ? 0
             : written(c->nr == SYS_epoll_wait || c->nr == SYS_epoll_pwait ||
                       c->nr == SYS_epoll_pwait2));
}

/* ---- what is no call of the table ---- */

static void do_mmap(void)
{
    uint64_t a[6] = {argument(AREA), argument(AREA_SIZE), argument((int)S_PROT), MAP_FIXED,
                     -1ul,           below(3) * PAGE};
    a[3] |= one_in(2) ? MAP_SHARED : MAP_PRIVATE;
    if (one_in(2))
        a[4] = file_fd(false);
    else
        a[3] |= MAP_ANONYMOUS;
    if (racing && one_in(4))
        a[3] |= MAP_POPULATE;
    if (a[0] + a[1] > (uint64_t)ARENA_AT + ARENA * PAGE)
        a[1] = PAGE;
    tell("mmap", a, syscall(SYS_mmap, a[0], a[1], a[2], a[3], a[4], a[5]) == -1 ? -1 : 0, true, 0);
}

static void do_touch(void)
{
    uint64_t a[6] = {argument(AREA) & -64ul, below(2)};
    volatile char *at = (char *)a[0];
    volatile long value = 1000;
    if (sigsetjmp(jump, 1) == 0) {
        value = *at;
        if (a[1])
            *at = 5;
    }
    tell("touch", a, value, true, 0);
}

static void do_mremap(void)
{
    uint64_t a[6] = {argument(AREA), argument(AREA_SIZE), argument(AREA_SIZE),
                     MREMAP_MAYMOVE | MREMAP_FIXED, argument(AREA)};
    bool inside = a[4] + a[2] <= (uint64_t)ARENA_AT + ARENA * PAGE;
    if (racing && inside)
        syscall(SYS_mremap, a[0], a[1], a[2], a[3], a[4]);
}

static void do_shmat(void)
{
    uint64_t a[6] = {rare(SHM), argument(AREA), SHM_REMAP | (one_in(4) ? SHM_RDONLY : 0)};
    if (a[1] > (uint64_t)ARENA_AT + (ARENA - 3) * PAGE)
        a[1] = (uint64_t)ARENA_AT;
    long result = syscall(SYS_shmat, (int)a[0], a[1], a[2]) == -1 ? -1 : 0;
    a[0] = 0;
    tell("shmat", a, result, true, 0);
    if (one_in(3))
        tell("shmdt", a, syscall(SYS_shmdt, a[1]), true, 0);
}

static void do_stat(void)
{
    uint64_t a[6] = {argument(PATH)}, told[4] = {0};
    struct stat s;
    long result = syscall(SYS_lstat, a[0], &s);
    if (result == 0) {
        bool dir = S_ISDIR(s.st_mode);
        uint64_t all[4] = {s.st_mode, s.st_uid, dir ? 0 : s.st_nlink,
                           dir ? 0 : (uint64_t)s.st_size};
        memcpy(told, all, sizeof(told));
    }
    memcpy(out, told, sizeof(told));
    tell("lstat", a, result, true, racing ? 0 : written(false));
}

static void do_aio(void)
{
    struct iocb cb = {.aio_fildes = (uint32_t)file_fd(false),
                      .aio_buf = (uint64_t)out,
                      .aio_nbytes = below(300),
                      .aio_offset = (int64_t)below(4000)};
    struct iocb *list[1] = {&cb};
    cb.aio_lio_opcode = one_in(3) ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
    if (bad(10))
        cb.aio_flags = 4;
    uint64_t a[6] = {cb.aio_fildes, cb.aio_lio_opcode, cb.aio_nbytes, (uint64_t)cb.aio_offset};
    long result = syscall(SYS_io_submit, aio, 1, list);
    tell("io_submit", a, result, true, 0);
    struct io_event event = {0};
    struct timespec soon = {1, 0};
    if (result == 1 && syscall(SYS_io_getevents, aio, 1, 1, &event, &soon) == 1) {
        unhashed |= event.res < 0;
        tell("event", a, event.res < 0 ? 0 : event.res, true,
             racing || unhashed ? 0 : written(false));
    }
}

static void do_chdir(void)
{
    uint64_t a[6] = {argument(PATH)};
    if (racing || access(".", X_OK) < 0) /* it must find back */
        return;
    tell("chdir", a, syscall(SYS_chdir, a[0]), true, 0);
    a[0] = argument(PATH);
    tell("access", a, syscall(SYS_access, a[0], 0), true, 0);
    a[0] = fd();
    tell("fchdir", a, syscall(SYS_fchdir, a[0]), true, 0);
    if (fchdir(BASE_FD) < 0)
        exit(2);
}

static void do_timer(void)
{
    int id = 0;
    struct sigevent event = {.sigev_notify = SIGEV_NONE, .sigev_signo = TIMER_SIGNAL};
    uint64_t a[6] = {argument(CLOCK), below(3)};
    event.sigev_notify = a[1] == 0 ? SIGEV_NONE : a[1] == 1 ? SIGEV_SIGNAL : 99;
    long result = syscall(SYS_timer_create, a[0], &event, &id);
    tell("timer_create", a, result, true, 0);
    if (result == 0)
        tell("timer_delete", a, syscall(SYS_timer_delete, id), true, 0);
}

static void do_limit(void)
{
    uint64_t a[6] = {from_set(&sets[S_RESOURCE - SETS]), below(3)};
    struct rlimit limit = {0};
    long result = syscall(SYS_prlimit64, 0, a[0], NULL, &limit);
    if (result == 0 && a[1] && (int)a[0] != RLIMIT_NOFILE && (int)a[0] != RLIMIT_STACK &&
        (int)a[0] != RLIMIT_DATA && a[0]) {
        limit.rlim_cur = a[1] == 1 ? limit.rlim_max : limit.rlim_max + 1;
        result = syscall(SYS_prlimit64, 0, a[0], &limit, NULL);
    }
    tell("prlimit64", a, result, true, 0);
}

/* Sent through the loopback and waited for. */
static void do_inet(void)
{
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM};
    uint64_t a[6] = {below(2), 1 + below(1000)};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);
    int server = socket(AF_INET, types[a[0]], 0), client = socket(AF_INET, types[a[0]], 0);
    bind(server, (void *)&at, sizeof(at));
    getsockname(server, (void *)&at, &size);
    if (a[0] == 0)
        listen(server, 4);
    tell("inet", a, connect(client, (void *)&at, sizeof(at)), true, 0);
    int peer = a[0] == 0 ? accept(server, NULL, NULL) : server;
    tell("send", a, send(client, in, a[1], MSG_NOSIGNAL), true, 0);
    tell("recv", a, recv(peer, out, a[1], a[0] ? 0 : MSG_WAITALL), true,
         racing ? 0 : written(false));
    fcntl(client, F_SETFL, O_NONBLOCK);
    fcntl(peer, F_SETFL, O_NONBLOCK);
    if (a[0] == 0)
        close(server);
    if (racing) {
        keep(client);
        keep(peer);
    } else { /* when something arrives is not determined */
        close(client);
        close(peer);
    }
}

static void one(void)
{
    static void (*const others[])(void) = {do_mmap,   do_mmap,  do_touch, do_touch,
                                           do_mremap, do_shmat, do_stat,  do_aio,
                                           do_limit,  do_mmap,  do_chdir, do_timer};
    bad_used = unhashed = false;
    memset(words_at, 0, sizeof(words_at));
    in_used = sets_used = 0;
    memset(in, (int)number, PAGE);
    if (!racing)
        memset(out, 0x5a, OUT);
    if (one_in(200))
        do_inet();
    else if (one_in(8))
        others[below(sizeof(others) / sizeof(*others))]();
    else
        table_call();
}

/* ---- what nobody else can reach: it must stay as it is ---- */

struct own {
    int ends[2], file;
    unsigned char *memory;
};

static void wrong(const char *what)
{
    printf("wrong: %s at call %lu: %s\n", what, number, strerror(errno));
    fflush(stdout);
    _exit(1);
}

static void own_make(struct own *o, unsigned thread)
{
    int ends[2], file = memfd_create("own", 0);
    if (pipe(ends) < 0 || file < 0)
        wrong("own descriptors");
    o->memory = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(o->memory, (int)thread + 1, 4 * PAGE);
    o->ends[0] = ends[0];
    o->ends[1] = ends[1];
    o->file = file;
    if (thread >= THREADS)
        return;
    int at = OWN_FD + (int)thread * 4;
    o->ends[0] = dup2(ends[0], at);
    o->ends[1] = dup2(ends[1], at + 1);
    o->file = dup2(file, at + 2);
    close(ends[0]);
    close(ends[1]);
    close(file);
}

static ssize_t whole(int fd, bool to, void *at, size_t size)
{
    ssize_t n;
    do
        n = to ? write(fd, at, size) : read(fd, at, size);
    while (n < 0 && errno == EINTR);
    return n;
}

static void own_check(struct own *o, unsigned thread)
{
    uint64_t sent = number * 0x9e3779b97f4a7c15ul, got = 0;
    if (whole(o->ends[1], true, &sent, 8) != 8 || whole(o->ends[0], false, &got, 8) != 8 ||
        got != sent)
        wrong("pipe");
    off_t at = (off_t)(number % 100) * 8;
    if (pwrite(o->file, &sent, 8, at) != 8 || pread(o->file, &got, 8, at) != 8 || got != sent)
        wrong("file");
    for (int i = 0; i < 4 * PAGE; i += 256)
        if (o->memory[i] != thread + 1)
            wrong("memory");
    if (one_in(20) && madvise(o->memory, 4 * PAGE, MADV_DONTNEED) == 0)
        memset(o->memory, (int)thread + 1, 4 * PAGE);
}

static void buffers(unsigned thread)
{
    char *at = BUFFERS_AT + thread * 8 * PAGE;
    at = mmap(at, 8 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    in = at + PAGE;
    out = at + 3 * PAGE;
    if (at == MAP_FAILED || mprotect(in, PAGE, PROT_READ | PROT_WRITE) ||
        mprotect(out, OUT, PROT_READ | PROT_WRITE))
        exit(2);
}

static struct own own[THREADS];

static void *race(void *arg)
{
    unsigned thread = (unsigned)(uintptr_t)arg;
    buffers(thread);
    for (number = 0; number < count; number++) {
        draw_for(number * THREADS + thread);
        sigsetjmp(jump, 1);
        one();
        if (number % 32 == 0)
            own_check(&own[thread], thread);
    }
    __atomic_sub_fetch(&running, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

/* ---- all of it ---- */

static void fault(int sig)
{
    (void)sig;
    siglongjmp(jump, 1);
}

/* A call that does not end is no answer. */
static void stuck(int sig)
{
    (void)sig;
    printf("stuck\n");
    fflush(stdout);
    _exit(3);
}

static void noted(int sig)
{
    (void)sig;
    handled++;
}

static void limits(void)
{
    static const struct {
        int which;
        rlim_t value;
    } all[] = {{RLIMIT_NOFILE, OWN_FD - 10},
               {RLIMIT_MEMLOCK, 64 * PAGE},
               {RLIMIT_FSIZE, 1 << 20},
               {RLIMIT_SIGPENDING, 100},
               {RLIMIT_NICE, 0},
               {RLIMIT_RTPRIO, 0},
               {RLIMIT_CORE, 0}};
    for (unsigned i = 0; i < sizeof(all) / sizeof(*all); i++)
        setrlimit(all[i].which, &(struct rlimit){all[i].value, all[i].value});
}

static void set_up(void)
{
    struct sigaction faults = {.sa_handler = fault, .sa_flags = SA_NODEFER},
                     note = {.sa_handler = noted};
    sigset_t set;
    sigaction(SIGSEGV, &faults, NULL);
    sigaction(SIGBUS, &faults, NULL);
    sigaction(SIGUSR1, &note, NULL);
    signal(SIGALRM, stuck);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    signal(SIGVTALRM, SIG_IGN);
    signal(SIGPROF, SIG_IGN);
    setpgid(0, 0); /* in the guest it leads a group anyway */
    signal(SIGIO, SIG_IGN);
    sigemptyset(&set);
    for (int sig = 40; sig < 43; sig++) {
        sigaddset(&set, sig);
        sigaction(sig, &note, NULL);
    }
    sigprocmask(SIG_BLOCK, &set, NULL);
    umask(0);
    for (int i = 3; i < OWN_FD; i++)
        close(i);
    memset(slots, -1, sizeof(slots));
    mmap(ARENA_AT, ARENA * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
         0);
    mmap(STILL_AT, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = TIMER_SIGNAL};
    for (int i = 0; i < TIMERS; i++)
        syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timers[i]);
    syscall(SYS_io_setup, 8, &aio);
    char folder[] = "/tmp/callsXXXXXX";
    if (!mkdtemp(folder) || chdir(folder) < 0 || dup2(open(".", O_PATH), BASE_FD) < 0)
        exit(2);
    close(3);
}

/* The process can still do what it could. */
static void check_well(void)
{
    pthread_t thread;
    number = count;
    limits();
    for (int i = 0; i < SLOTS; i++)
        if (slots[i] >= 0)
            close(slots[i]);
    struct own fresh;
    own_make(&fresh, THREADS);
    own_check(&fresh, THREADS);
    count = 0;
    running = 1;
    if (pthread_create(&thread, NULL, race, (void *)(uintptr_t)(THREADS + 1)) ||
        pthread_join(thread, NULL))
        wrong("a thread");
    char *p = mmap(NULL, 1 << 24, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        wrong("memory");
    memset(p, 1, 1 << 24);
}

static void race_all(void)
{
    pthread_t threads[THREADS];
    running = THREADS;
    for (unsigned i = 0; i < THREADS; i++)
        own_make(&own[i], i);
    limits();
    for (uintptr_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, race, (void *)i))
            wrong("threads");
    while (__atomic_load_n(&running, __ATOMIC_SEQ_CST)) { /* nobody blocks for ever */
        nanosleep(&(struct timespec){0, 5000000}, NULL);
        for (int i = 0; i < THREADS && __atomic_load_n(&running, __ATOMIC_SEQ_CST); i++)
            pthread_kill(threads[i], SIGUSR1);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    check_well();
    printf("%lu calls ended well\n", THREADS * count);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    racing = !strcmp(argv[1], "race");
    seed = strtoull(argv[2], NULL, 10);
    count = strtoull(argv[3], NULL, 10);
    set_up();
    if (racing) {
        race_all();
        return 0;
    }
    limits();
    buffers(0);
    for (number = 0; number < count; number++) {
        if (number % 128 == 0)
            alarm(10);
        draw_for(number);
        one();
    }
    return 0;
}
