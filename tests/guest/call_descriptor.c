/* What is judged first when several arguments are wrong: the descriptor, before what is to be done
 * with it. */
#include <limits.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/harness/check.h"
#include "tests/harness/guest.h"

static void the_descriptor_comes_first(void)
{
    struct iovec range = {NULL, 0};
    CHECK_ERR(fcntl(-1, F_DUPFD, -1), EBADF);
    CHECK_ERR(fcntl(-1, F_DUPFD_CLOEXEC, INT_MAX), EBADF);
    CHECK_ERR(fcntl(-1, F_SETSIG, 99), EBADF);
    CHECK_ERR(fcntl(-1, 9999), EBADF);
    CHECK_ERR(sync_file_range(-1, -1, -1, 99), EBADF);
    CHECK_ERR(preadv2(-1, &range, 1, 0, 0x4000000), EBADF);
    CHECK_ERR(pwritev2(-1, &range, 1, 0, 0x4000000), EBADF);
    CHECK_ERR(accept4(-1, NULL, NULL, 99), EBADF);
    CHECK_ERR(lseek(-1, 0, 99), EBADF);
    CHECK_ERR(fallocate(-1, 99, -1, 0), EBADF);
    CHECK_EQ(posix_fadvise(-1, 0, -1, 99), EBADF);
}

static void then_the_rest(void)
{
    int pipes[2];
    char byte = 'x';
    struct iovec range = {&byte, 1};
    CHECK_OK(pipe(pipes));
    CHECK_ERR(fcntl(pipes[0], F_DUPFD, -1), EINVAL);
    CHECK_ERR(sync_file_range(pipes[0], 0, 0, 99), EINVAL);
    CHECK_ERR(sync_file_range(pipes[0], 0, 0, 0), ESPIPE);
    CHECK_ERR(pwritev2(pipes[1], &range, 1, -1, 0x4000000), EOPNOTSUPP);
    int listening = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_ERR(accept4(listening, NULL, NULL, 99), EINVAL);
    CHECK_ERR(accept4(pipes[0], NULL, NULL, 0), ENOTSOCK);
    close(listening);
    close(pipes[0]);
    close(pipes[1]);
}

/* The register's upper half is not part of the number. */
static void a_least_descriptor_is_an_int(void)
{
    long fd = syscall(SYS_fcntl, 0, F_DUPFD, 0x100000064);
    CHECK_EQ(fd, 100);
    close((int)fd);
}

static void a_timer_that_stands_keeps_its_period(void)
{
    struct itimerval it = {.it_interval = {10, 20}}, was;
    for (int which = ITIMER_REAL; which <= ITIMER_PROF; which++) {
        CHECK_OK(setitimer(which, &it, NULL));
        CHECK_OK(getitimer(which, &was));
        CHECK_EQ(was.it_value.tv_sec, 0);
        CHECK_EQ(was.it_interval.tv_sec, which == ITIMER_REAL ? 0 : 10);
        CHECK_OK(setitimer(which, &(struct itimerval){0}, NULL));
    }
}

int main(void)
{
    RUN(the_descriptor_comes_first);
    RUN(then_the_rest);
    RUN(a_least_descriptor_is_an_int);
    RUN(a_timer_that_stands_keeps_its_period);
    return check_done();
}
