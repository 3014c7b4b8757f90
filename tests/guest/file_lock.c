/* flock, record locks and open-file-description locks within one process; leases and xattrs. */
#include <sys/file.h>
#include <sys/xattr.h>

#include "tests/harness/guest.h"

static void whole_file_locks_belong_to_the_open_file(void)
{
    int a = open("f", O_RDWR), b = open("f", O_RDWR), copy = dup(a);
    CHECK_OK(flock(a, LOCK_EX));
    CHECK_ERR(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    CHECK_ERR(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
    CHECK_OK(flock(copy, LOCK_EX | LOCK_NB)); /* the same open file */
    CHECK_OK(flock(a, LOCK_SH));
    CHECK_OK(flock(b, LOCK_SH | LOCK_NB));
    CHECK_OK(flock(a, LOCK_UN));
    CHECK_OK(flock(b, LOCK_EX | LOCK_NB));
    CHECK_OK(close(b)); /* closing frees it */
    CHECK_OK(flock(a, LOCK_EX | LOCK_NB));
    CHECK_ERR(flock(a, 77), EINVAL);
    CHECK_ERR(flock(9999, LOCK_EX), EBADF);
    close(a);
    int c = open("f", O_RDWR);
    CHECK_ERR(flock(c, LOCK_EX | LOCK_NB), EWOULDBLOCK); /* copy still holds it */
    close(copy);
    CHECK_OK(flock(c, LOCK_EX | LOCK_NB));
    close(c);
}

static int lock_fd;

static void *release_later(void *arg)
{
    (void)arg;
    sleep_ms(30);
    flock(lock_fd, LOCK_UN);
    return NULL;
}

static void waiting_for_a_lock(void)
{
    lock_fd = open("f", O_RDWR);
    int other = open("f", O_RDWR);
    CHECK_OK(flock(lock_fd, LOCK_EX));
    pthread_t thread = thread_start(release_later, NULL);
    CHECK_OK(flock(other, LOCK_EX));
    thread_join(thread);
    close(lock_fd);
    close(other);
}

static void record_locks_never_conflict_within_a_process(void)
{
    int fd = open("f", O_RDWR), other = open("f", O_RDWR);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10};
    CHECK_OK(fcntl(fd, F_SETLK, &lock));
    CHECK_OK(fcntl(other, F_SETLK, &lock));
    CHECK_OK(fcntl(other, F_SETLKW, &lock));
    CHECK_OK(fcntl(fd, F_GETLK, &lock));
    CHECK_EQ(lock.l_type, F_UNLCK);
    lock.l_type = F_UNLCK;
    CHECK_OK(fcntl(fd, F_SETLK, &lock));
    lock.l_type = 99;
    CHECK_ERR(fcntl(fd, F_SETLK, &lock), EINVAL);
    lock = (struct flock){.l_type = F_WRLCK, .l_start = -5};
    CHECK_ERR(fcntl(fd, F_SETLK, &lock), EINVAL);
    CHECK_ERR(fcntl(fd, F_SETLK, KERNEL_ADDRESS), EFAULT);
    int reader = open("f", O_RDONLY);
    lock = (struct flock){.l_type = F_WRLCK};
    CHECK_ERR(fcntl(reader, F_SETLK, &lock), EBADF);
    CHECK_OK(lockf(fd, F_LOCK, 5));
    CHECK_OK(lockf(fd, F_ULOCK, 5));
    close(reader);
    close(fd);
    close(other);
}

static void description_locks_conflict(void)
{
    int a = open("f", O_RDWR), b = open("f", O_RDWR);
    struct flock lock = {.l_type = F_WRLCK, .l_start = 10, .l_len = 10};
    CHECK_OK(fcntl(a, F_OFD_SETLK, &lock));
    CHECK_ERR(fcntl(b, F_OFD_SETLK, &lock), EAGAIN);
    lock.l_start = 20;
    CHECK_OK(fcntl(b, F_OFD_SETLK, &lock)); /* beside it there is room */
    lock.l_start = 15;
    lock.l_len = 2;
    CHECK_OK(fcntl(b, F_OFD_GETLK, &lock));
    CHECK_EQ(lock.l_type, F_WRLCK);
    CHECK_EQ(lock.l_start, 10);
    CHECK_EQ(lock.l_len, 10);
    CHECK_EQ(lock.l_pid, -1);
    lock = (struct flock){.l_type = F_UNLCK, .l_start = 12, .l_len = 4}; /* splits the lock */
    CHECK_OK(fcntl(a, F_OFD_SETLK, &lock));
    lock = (struct flock){.l_type = F_WRLCK, .l_start = 12, .l_len = 4};
    CHECK_OK(fcntl(b, F_OFD_SETLK, &lock));
    lock.l_start = 16;
    lock.l_len = 1;
    CHECK_ERR(fcntl(b, F_OFD_SETLK, &lock), EAGAIN);
    close(a);
    CHECK_OK(fcntl(b, F_OFD_SETLK, &lock));
    close(b);
}

static void attributes_that_are_not_there(void)
{
    char text[16];
    ssize_t n = getxattr("f", "user.none", text, sizeof(text));
    CHECK(n == -1 && (errno == ENODATA || errno == EOPNOTSUPP));
    n = getxattr("f", "security.capability", text, sizeof(text)); /* programs look for these */
    CHECK(n == -1 && (errno == ENODATA || errno == EOPNOTSUPP));
    n = getxattr("f", "system.posix_acl_access", text, sizeof(text));
    CHECK(n == -1 && (errno == ENODATA || errno == EOPNOTSUPP));
    n = listxattr("f", text, sizeof(text));
    CHECK(n == 0 || (n == -1 && errno == EOPNOTSUPP));
    CHECK_ERR(getxattr("nothing", "user.none", text, sizeof(text)), ENOENT);
    CHECK_ERR(fgetxattr(9999, "user.none", text, sizeof(text)), EBADF);
    CHECK_ERR(listxattr("nothing", text, sizeof(text)), ENOENT);
    n = lgetxattr("f", "user.none", text, sizeof(text));
    CHECK(n == -1 && (errno == ENODATA || errno == EOPNOTSUPP));
    char name[300];
    memset(name, 'u', 299);
    name[299] = 0;
    CHECK_ERR(getxattr("f", name, text, sizeof(text)), ERANGE);
}

int main(void)
{
    scratch_enter();
    CHECK(file_put("f", "something to lock, thirty bytes or so"));
    RUN(whole_file_locks_belong_to_the_open_file);
    RUN(waiting_for_a_lock);
    RUN(record_locks_never_conflict_within_a_process);
    RUN(description_locks_conflict);
    RUN(attributes_that_are_not_there);
    CHECK_OK(unlink("f"));
    CHECK(scratch_leave());
    return check_done();
}
