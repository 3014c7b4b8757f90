/*
 * In the guest alone, for root on Linux would harm the host: random system calls with random
 * arguments from several threads. Nothing is expected of the answers but that the kernel lives
 * and the program's own memory stays as it was. Left out is what may rightly end the program or
 * take the ground from under it: its memory map, its signals, its threads, its exit.
 *
 * The seed is fixed, so that a failure comes again; argv[1] is another.
 */
#include <linux/aio_abi.h>
#include <mqueue.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include "tests/harness/guest.h"

enum { THREADS = 3, ROUNDS = 12000, CALL_MAX = 462, CANARY = 0x5a };

static const short left_out[] = {SYS_mmap,
                                 SYS_mprotect,
                                 SYS_munmap,
                                 SYS_brk,
                                 SYS_mremap,
                                 SYS_madvise,
                                 SYS_remap_file_pages,
                                 SYS_pkey_mprotect,
                                 SYS_shmat,
                                 SYS_shmdt,
                                 SYS_mlockall,
                                 SYS_process_madvise,
                                 SYS_rt_sigaction,
                                 SYS_rt_sigprocmask,
                                 SYS_rt_sigreturn,
                                 SYS_sigaltstack,
                                 SYS_rt_sigsuspend,
                                 SYS_pause,
                                 SYS_kill,
                                 SYS_tkill,
                                 SYS_tgkill,
                                 SYS_rt_sigqueueinfo,
                                 SYS_rt_tgsigqueueinfo,
                                 SYS_pidfd_send_signal,
                                 SYS_rt_sigtimedwait,
                                 SYS_exit,
                                 SYS_exit_group,
                                 SYS_execve,
                                 SYS_execveat,
                                 SYS_clone,
                                 SYS_clone3,
                                 SYS_fork,
                                 SYS_vfork,
                                 SYS_arch_prctl,
                                 SYS_set_robust_list,
                                 SYS_rseq,
                                 SYS_setitimer,
                                 SYS_alarm,
                                 SYS_timer_create,
                                 SYS_timer_settime,
                                 SYS_setrlimit,
                                 SYS_prlimit64,
                                 SYS_prctl,
                                 SYS_reboot,
                                 SYS_process_vm_writev,
                                 SYS_ptrace,
                                 SYS_fcntl,
                                 SYS_ioctl,
                                 SYS_close_range,
                                 SYS_close,
                                 SYS_dup2,
                                 SYS_dup3,
                                 SYS_set_tid_address,
                                 SYS_seccomp,
                                 SYS_userfaultfd,
                                 SYS_chroot,
                                 SYS_settimeofday,
                                 SYS_clock_settime,
                                 SYS_setuid,
                                 SYS_setresuid,
                                 SYS_vhangup,
                                 SYS_modify_ldt,
                                 SYS_unshare,
                                 SYS_kexec_load,
                                 SYS_ppoll,
                                 SYS_pselect6,
                                 SYS_epoll_pwait,
                                 SYS_epoll_pwait2,
                                 SYS_io_uring_enter,
                                 SYS_io_pgetevents};

static char *buffer; /* four pages between two that nobody may touch */
static unsigned char canary[PAGE] __attribute__((aligned(4096)));
static char *const paths[] = {"/tmp/a",    "/tmp/b",    "/tmp/b/c",        "/proc/self/maps",
                              "/dev/null", "/dev/zero", "/proc/self/fd/3", "/etc/passwd",
                              "/",         "/nothing"};
static uint64_t seed = 20260101;
static aio_context_t aio;

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static unsigned long argument(uint64_t *state)
{
    uint64_t r = next(state);
    switch (r % 16) {
    case 0:
        return r >> 60; /* a descriptor, a small number */
    case 1:
    case 2:
        return 3 + (r >> 32) % 16; /* a descriptor that may be open, never 0 to 2 */
    case 3:
    case 4:
    case 5:
        return (unsigned long)buffer + (r >> 32) % (2 * PAGE);
    case 6:
        return (unsigned long)paths[(r >> 32) % (sizeof(paths) / sizeof(*paths))];
    case 7:
        return r >> 60 ? (r >> 32) % PAGE : aio;
    case 8:
        return 1ul << (r >> 32) % 64;
    case 9:
        return 0xffffffff80000000ul + (r >> 40);
    case 10:
        return -1ul - (r >> 32) % 8;
    case 11:
        return 0;
    case 12:
        return 0x7ffffffff000ul - (r >> 32) % 16;
    default:
        return r;
    }
}

static bool is_left_out(long number)
{
    for (size_t i = 0; i < sizeof(left_out) / sizeof(*left_out); i++)
        if (left_out[i] == number)
            return true;
    return false;
}

static volatile int ended;

static void *fuzz(void *arg)
{
    uint64_t state = seed + (uint64_t)(long)arg * 7919;
    long answered = 0;
    for (int i = 0; i < ROUNDS; i++) {
        long number = (long)(next(&state) % CALL_MAX);
        unsigned long a[6];
        for (int k = 0; k < 6; k++)
            a[k] = argument(&state);
        /* The first argument of most calls is a descriptor: not one of the standard ones. */
        if (is_left_out(number) || a[0] <= 2)
            continue;
        syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
        answered++;
    }
    __atomic_add_fetch(&ended, 1, __ATOMIC_SEQ_CST);
    return (void *)answered;
}

static void on_alarm(int sig)
{
    (void)sig;
}

/* Objects whose identifiers are what descriptors are, too. */
static void make_ipc(void)
{
    struct {
        long type;
        char text[8];
    } m = {1, "text"};
    for (int i = 0; i < 20; i++) {
        int q = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
        semget(IPC_PRIVATE, 4, IPC_CREAT | 0600);
        shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0600);
        msgsnd(q, &m, sizeof(m.text), IPC_NOWAIT);
    }
    syscall(SYS_io_setup, 64, &aio);
    mq_open("/a", O_CREAT | O_RDWR, 0600, NULL);
    mq_open("/b", O_CREAT | O_RDWR | O_NONBLOCK, 0600, NULL);
}

static void prepare(void)
{
    struct sigaction action = {.sa_handler = on_alarm};
    struct rlimit small = {1 << 20, 1 << 20};
    buffer = pages(6) + PAGE;
    mprotect(buffer - PAGE, PAGE, PROT_NONE);
    mprotect(buffer + 4 * PAGE, PAGE, PROT_NONE);
    memset(canary, CANARY, sizeof(canary));
    for (int sig = 1; sig < 32; sig++)
        if (sig != SIGSEGV && sig != SIGBUS && sig != SIGILL)
            signal(sig, SIG_IGN);
    sigaction(SIGALRM, &action, NULL); /* without SA_RESTART: ends what would wait for ever */
    setrlimit(RLIMIT_FSIZE, &small);
    make_ipc();
    for (int i = 0; i < 8; i++)
        open(i % 2 ? "/tmp/a" : "/dev/zero", O_RDWR | O_CREAT, 0644);
}

int main(int argc, char **argv)
{
    pthread_t thread[THREADS];
    long answered = 0;
    if (argc > 1)
        seed = strtoull(argv[1], NULL, 0);
    prepare();
    for (long i = 0; i < THREADS; i++)
        thread[i] = thread_start(fuzz, (void *)i);
    while (__atomic_load_n(&ended, __ATOMIC_SEQ_CST) < THREADS) {
        for (int i = 0; i < THREADS; i++)
            pthread_kill(thread[i], SIGALRM);
        sleep_ms(10);
    }
    for (int i = 0; i < THREADS; i++)
        answered += (long)thread_join(thread[i]);
    printf("# %ld calls answered\n", answered);
    CHECK(answered > THREADS * ROUNDS / 2);
    int changed = 0;
    for (size_t i = 0; i < sizeof(canary); i++)
        changed += canary[i] != CANARY;
    CHECK_EQ(changed, 0);
    char *p = pages(64);
    memset(p, 1, 64 * PAGE);
    CHECK_EQ(p[63 * PAGE], 1);
    return check_done();
}
