/* Descriptors of the own process: opening, sending signals, taking descriptors, advising memory. */
#include <poll.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "tests/harness/guest.h"

#define PIDFD_NONBLOCK O_NONBLOCK

static int self;

static void opening_oneself(void)
{
    CHECK_OK(self = (int)syscall(SYS_pidfd_open, getpid(), 0));
    CHECK_EQ(fcntl(self, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(fcntl(self, F_GETFL) & O_NONBLOCK, 0);
    int other = (int)syscall(SYS_pidfd_open, getpid(), PIDFD_NONBLOCK);
    CHECK_OK(other);
    CHECK_EQ(fcntl(other, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    close(other);
}

static void opening_what_is_not_there(void)
{
    CHECK_ERR(syscall(SYS_pidfd_open, 0, 0), EINVAL);
    CHECK_ERR(syscall(SYS_pidfd_open, -1, 0), EINVAL);
    CHECK_ERR(syscall(SYS_pidfd_open, getpid(), 1), EINVAL);
    CHECK_ERR(syscall(SYS_pidfd_open, 4194303, 0), ESRCH);
}

static void a_living_process_is_not_readable(void)
{
    struct pollfd p = {.fd = self, .events = POLLIN};
    char byte;
    CHECK_EQ(poll(&p, 1, 0), 0);
    CHECK_ERR(read(self, &byte, 1), EINVAL);
    CHECK_ERR(write(self, &byte, 1), EINVAL);
    CHECK_ERR(lseek(self, 0, SEEK_SET), ESPIPE);
}

static volatile sig_atomic_t got, got_code, got_value;

static void on_signal(int sig, siginfo_t *info, void *context)
{
    (void)context;
    got = sig;
    got_code = info->si_code;
    got_value = info->si_value.sival_int;
}

static void signals_reach_the_process(void)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, NULL);
    CHECK_OK(syscall(SYS_pidfd_send_signal, self, SIGUSR1, NULL, 0));
    CHECK_EQ(got, SIGUSR1);
    CHECK_EQ(got_code, SI_USER);
    siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};
    info.si_value.sival_int = 42;
    CHECK_OK(syscall(SYS_pidfd_send_signal, self, SIGUSR1, &info, 0));
    CHECK_EQ(got_code, SI_QUEUE);
    CHECK_EQ(got_value, 42);
    CHECK_OK(syscall(SYS_pidfd_send_signal, self, 0, NULL, 0));
}

static void signals_are_checked(void)
{
    siginfo_t info = {.si_signo = SIGUSR2};
    int pipes[2];
    CHECK_OK(pipe(pipes));
    CHECK_ERR(syscall(SYS_pidfd_send_signal, self, SIGUSR1, &info, 0), EINVAL);
    CHECK_ERR(syscall(SYS_pidfd_send_signal, self, SIGUSR1, KERNEL_ADDRESS, 0), EFAULT);
    CHECK_ERR(syscall(SYS_pidfd_send_signal, self, 65, NULL, 0), EINVAL);
    CHECK_ERR(syscall(SYS_pidfd_send_signal, self, SIGUSR1, NULL, 1u << 30), EINVAL);
    CHECK_ERR(syscall(SYS_pidfd_send_signal, pipes[0], SIGUSR1, NULL, 0), EBADF);
    CHECK_ERR(syscall(SYS_pidfd_send_signal, 4711, SIGUSR1, NULL, 0), EBADF);
    close(pipes[0]);
    close(pipes[1]);
}

static void a_folder_of_proc_is_its_process(void)
{
    char path[32];
    snprintf(path, sizeof(path), "/proc/%d", getpid());
    int fd = open(path, O_RDONLY | O_DIRECTORY);
    got = 0;
    CHECK_OK(syscall(SYS_pidfd_send_signal, fd, SIGUSR1, NULL, 0));
    CHECK_EQ(got, SIGUSR1);
    close(fd);
    fd = open("/proc", O_RDONLY | O_DIRECTORY);
    CHECK_ERR(syscall(SYS_pidfd_send_signal, fd, SIGUSR1, NULL, 0), EBADF);
    close(fd);
}

static void descriptors_can_be_taken(void)
{
    int pipes[2];
    char byte = 0;
    CHECK_OK(pipe(pipes));
    int copy = (int)syscall(SYS_pidfd_getfd, self, pipes[1], 0);
    CHECK_OK(copy);
    CHECK_EQ(fcntl(copy, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(write(copy, "x", 1), 1);
    CHECK_EQ(read(pipes[0], &byte, 1), 1);
    CHECK_EQ(byte, 'x');
    CHECK_ERR(syscall(SYS_pidfd_getfd, self, 4711, 0), EBADF);
    CHECK_ERR(syscall(SYS_pidfd_getfd, self, pipes[0], 1), EINVAL);
    CHECK_ERR(syscall(SYS_pidfd_getfd, pipes[0], pipes[1], 0), EBADF);
    close(copy);
    close(pipes[0]);
    close(pipes[1]);
}

static void memory_can_be_advised(void)
{
    char *p = pages(4);
    p[0] = 1;
    struct iovec ranges[2] = {{p, PAGE}, {p + 2 * PAGE, 2 * PAGE}};
    CHECK_EQ(syscall(SYS_process_madvise, self, ranges, 2, MADV_COLD, 0), 3 * PAGE);
    CHECK_EQ(p[0], 1);
    CHECK_ERR(syscall(SYS_process_madvise, self, ranges, 2, MADV_COLD, 1), EINVAL);
    CHECK_ERR(syscall(SYS_process_madvise, self, ranges, 2, 4711, 0), EINVAL);
    CHECK_ERR(syscall(SYS_process_madvise, 4711, ranges, 2, MADV_COLD, 0), EBADF);
    CHECK_ERR(syscall(SYS_process_madvise, self, KERNEL_ADDRESS, 2, MADV_COLD, 0), EFAULT);
    CHECK_ERR(syscall(SYS_process_mrelease, self, 0), EINVAL); /* it doesn't end */
    CHECK_ERR(syscall(SYS_process_mrelease, self, 1), EINVAL);
    CHECK_ERR(syscall(SYS_process_mrelease, 4711, 0), EBADF);
    CHECK_ERR(syscall(SYS_process_mrelease, 4711, 1), EINVAL);
    CHECK_ERR(syscall(SYS_process_mrelease, 0, 0), EBADF);
    munmap(p, 4 * PAGE);
}

static void waiting_for_oneself(void)
{
    siginfo_t info;
    CHECK_ERR(waitid(P_PIDFD, (id_t)self, &info, WEXITED), ECHILD);
    CHECK_ERR(waitid(P_PIDFD, (id_t)-1, &info, WEXITED), EINVAL);
    CHECK_ERR(waitid(P_PIDFD, 4711, &info, WEXITED), EBADF);
}

static void proc_tells_whose_it_is(void)
{
    char path[64], want[32];
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", self);
    const char *text = file_get(path);
    snprintf(want, sizeof(want), "\nPid:\t%d\n", getpid());
    CHECK(text && strstr(text, want) != NULL);
}

int main(void)
{
    RUN(opening_oneself);
    RUN(opening_what_is_not_there);
    RUN(a_living_process_is_not_readable);
    RUN(signals_reach_the_process);
    RUN(signals_are_checked);
    RUN(a_folder_of_proc_is_its_process);
    RUN(descriptors_can_be_taken);
    RUN(memory_can_be_advised);
    RUN(waiting_for_oneself);
    RUN(proc_tells_whose_it_is);
    return check_done();
}
