/* Operations on large ranges, and what Linux says of their details. */
#include <linux/falloc.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/uio.h>

#include "tests/harness/guest.h"

#define MB (1ul << 20)

static void *reserve(size_t size)
{
    return mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static void stack_below_grows(void)
{
    char *window = reserve(256 * PAGE * 3);
    char *at = window + 256 * PAGE * 2;
    CHECK(munmap(window, 256 * PAGE * 3) == 0);
    CHECK(mmap(at, PAGE, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED_NOREPLACE, -1, 0) == at);
    CHECK(writable(at - 10 * PAGE));
    CHECK_EQ(at[-10 * (long)PAGE], 1);
    CHECK_OK(mprotect(at, PAGE, PROT_READ | PROT_GROWSDOWN)); /* all of it */
    CHECK(!writable(at - 9 * PAGE));
    CHECK_ERR(mprotect(window, PAGE, PROT_READ | PROT_GROWSDOWN), ENOMEM);
    /* It keeps a distance from what lies below. */
    CHECK(mmap(window, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == window);
    CHECK_EQ(fault_of(probe_read, window + 200 * PAGE).sig, SIGSEGV);
    CHECK(readable(window + 300 * PAGE));
    CHECK_OK(munmap(window, 256 * PAGE * 3));
}

static void only_private_memory_grows_down(void)
{
    CHECK_ERR((long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0),
              EINVAL);
}

static void the_stack_limit_bounds_growth(void)
{
    struct rlimit old, now;
    char *window = reserve(16 * MB);
    char *at = window + 16 * MB - PAGE;
    getrlimit(RLIMIT_STACK, &old);
    now = (struct rlimit){2 * MB, old.rlim_max};
    munmap(window, 16 * MB);
    CHECK(mmap(at, PAGE, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED_NOREPLACE, -1, 0) == at);
    CHECK_OK(setrlimit(RLIMIT_STACK, &now));
    CHECK_EQ(fault_of(probe_write, at - 3 * MB).sig, SIGSEGV);
    CHECK(writable(at - 1 * MB));
    CHECK_OK(setrlimit(RLIMIT_STACK, &old));
    CHECK(writable(at - 3 * MB));
    CHECK_OK(munmap(window, 16 * MB));
}

static int deep(int depth)
{
    volatile char frame[8192];
    frame[0] = (char)depth;
    return depth ? deep(depth - 1) + frame[0] * 0 : 0;
}

static void the_stack_grows_as_far_as_its_limit_is_raised(void)
{
    struct rlimit old, now;
    getrlimit(RLIMIT_STACK, &old);
    now = (struct rlimit){48 * MB, old.rlim_max};
    CHECK_OK(setrlimit(RLIMIT_STACK, &now));
    CHECK_EQ(deep(3000), 0);
    CHECK_OK(setrlimit(RLIMIT_STACK, &old));
}

static long locked_kb(void)
{
    const char *line = strstr(file_get("/proc/self/status"), "VmLck:");
    return line ? strtol(line + 6, NULL, 10) : -1;
}

static void all_memory_is_locked(void)
{
    CHECK_ERR(mlockall(MCL_ONFAULT), EINVAL);
    CHECK_ERR(mlockall(0), EINVAL);
    CHECK_OK(mlockall(MCL_FUTURE));
    CHECK_EQ(locked_kb(), 0);
    char *p = pages(4);
    unsigned char there[4] = {0};
    CHECK_EQ(locked_kb(), 16);
    CHECK_OK(mincore(p, 4 * PAGE, there));
    CHECK(there[0] & there[1] & there[2] & there[3] & 1);
    CHECK_ERR(msync(p, PAGE, MS_INVALIDATE), EBUSY);
    CHECK_ERR(madvise(p, PAGE, MADV_DONTNEED), EINVAL);
    CHECK_OK(munlockall());
    CHECK_EQ(locked_kb(), 0);
    CHECK_OK(msync(p, PAGE, MS_INVALIDATE));
    CHECK_OK(mlockall(MCL_CURRENT));
    CHECK(locked_kb() > 16);
    CHECK_ERR(msync(p, PAGE, MS_INVALIDATE), EBUSY);
    CHECK_OK(munlockall());
    CHECK_OK(munmap(p, 4 * PAGE));
}

static void locking_on_fault_fetches_nothing(void)
{
    char *p = pages(2);
    unsigned char there[1] = {1};
    CHECK_OK((int)syscall(SYS_mlock2, p, 2 * PAGE, 1));
    CHECK_EQ(locked_kb(), 8);
    CHECK_OK(mincore(p, PAGE, there));
    CHECK_EQ(there[0] & 1, 0);
    CHECK_OK(munlock(p, 2 * PAGE));
    CHECK_EQ(locked_kb(), 0);
    CHECK_OK(munmap(p, 2 * PAGE));
}

static void what_is_inaccessible_is_locked_but_not_fetched(void)
{
    char *p = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_ERR(mlock(p, PAGE), ENOMEM);
    CHECK_EQ(locked_kb(), 4);
    CHECK_OK(munmap(p, PAGE));
    CHECK_EQ(locked_kb(), 0);
}

/* What another process could not: the protection counts, not what the processor can. */
static void other_memory_is_as_protected(void)
{
    char text[] = "abc", *p = pages(2);
    struct iovec here = {text, 3}, there = {p, 3};
    CHECK_OK(mprotect(p, PAGE, PROT_READ));
    CHECK_ERR(process_vm_writev(getpid(), &here, 1, &there, 1, 0), EFAULT);
    CHECK_EQ(process_vm_readv(getpid(), &here, 1, &there, 1, 0), 3);
    CHECK_OK(mprotect(p, PAGE, PROT_WRITE));
    CHECK_ERR(process_vm_readv(getpid(), &here, 1, &there, 1, 0), EFAULT);
    memcpy(text, "abc", 3);
    CHECK_EQ(process_vm_writev(getpid(), &here, 1, &there, 1, 0), 3);
    CHECK_OK(mprotect(p, PAGE, PROT_EXEC));
    CHECK_ERR(process_vm_readv(getpid(), &here, 1, &there, 1, 0), EFAULT);
    CHECK_OK(mprotect(p, PAGE, PROT_NONE));
    CHECK_ERR(process_vm_writev(getpid(), &here, 1, &there, 1, 0), EFAULT);
    /* As far as it goes. */
    CHECK_OK(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
    CHECK_OK(munmap(p + PAGE, PAGE));
    there.iov_base = p + PAGE - 1;
    CHECK_EQ(process_vm_writev(getpid(), &here, 1, &there, 1, 0), 1);
    CHECK_EQ(p[PAGE - 1], text[0]);
    there.iov_base = p + PAGE;
    CHECK_ERR(process_vm_writev(getpid(), &here, 1, &there, 1, 0), EFAULT);
    CHECK_OK(munmap(p, PAGE));
}

static void shrinking_goes_over_several_mappings(void)
{
    char *p = pages(4);
    CHECK_OK(mprotect(p + PAGE, PAGE, PROT_READ));
    CHECK(mremap(p, 4 * PAGE, PAGE, 0) == p);
    CHECK(readable(p) && !readable(p + PAGE) && !readable(p + 3 * PAGE));
    CHECK_OK(munmap(p, PAGE));
    /* But not as far as the kernel. */
    p = pages(2);
    CHECK_ERR((long)mremap(p, 1ul << 47, PAGE, 0), EINVAL);
    CHECK(readable(p + PAGE));
    CHECK_OK(munmap(p, 2 * PAGE));
}

static void punching_a_hole_leaves_private_copies(void)
{
    int fd = memfd_create("copies", 0);
    CHECK_OK(ftruncate(fd, 3 * PAGE));
    CHECK_EQ(pwrite(fd, "abc", 3, 0), 3);
    char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    p[1] = 'x';
    CHECK_OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
    CHECK_EQ(p[0], 'a');
    CHECK_EQ(p[1], 'x');
    CHECK_OK(ftruncate(fd, 0));
    CHECK_EQ(fault_of(probe_read, p).sig, SIGBUS);
    CHECK_OK(munmap(p, 3 * PAGE));
    close(fd);
}

/* Private pages of locked memory are copied when they become writable, not when they are written.
 */
static void locked_copies_are_made_at_once(void)
{
    int fd = memfd_create("locked", 0);
    CHECK_OK(ftruncate(fd, PAGE));
    CHECK_EQ(pwrite(fd, "old", 3, 0), 3);
    char *p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
    CHECK_OK(mlock(p, PAGE));
    CHECK_OK(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
    CHECK_EQ(pwrite(fd, "new", 3, 0), 3);
    CHECK_EQ(p[0], 'o');
    CHECK_OK(munmap(p, PAGE));
    close(fd);
}

/* A page that a hole behind it kept from being fetched when it was locked. */
static void what_was_writable_is_not_copied_by_mprotect(void)
{
    int fd = memfd_create("locked", 0);
    CHECK_OK(ftruncate(fd, PAGE));
    CHECK_EQ(pwrite(fd, "old", 3, 0), 3);
    char *p = reserve(2 * PAGE);
    CHECK_OK(munmap(p + PAGE, PAGE));
    p = mmap(p, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0);
    CHECK_ERR(mlock(p, 2 * PAGE), ENOMEM);
    CHECK_OK(mprotect(p, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
    CHECK_EQ(pwrite(fd, "new", 3, 0), 3);
    CHECK_EQ(p[0], 'n');
    CHECK_OK(munmap(p, PAGE));
    close(fd);
}

static void limits_of_locking_come_before_wrapping(void)
{
    char *p = pages(1);
    struct rlimit old, some;
    CHECK_OK(getrlimit(RLIMIT_MEMLOCK, &old));
    some = (struct rlimit){PAGE, old.rlim_max};
    CHECK_OK(setrlimit(RLIMIT_MEMLOCK, &some));
    CHECK_OK(seteuid(65534));
    CHECK_ERR(syscall(SYS_mlock, p, -(size_t)PAGE), ENOMEM);
    CHECK_ERR(syscall(SYS_munlock, p, -(size_t)PAGE), EINVAL);
    CHECK_OK(seteuid(0));
    CHECK_ERR(syscall(SYS_mlock, p, -(size_t)PAGE), EINVAL);
    CHECK_OK(setrlimit(RLIMIT_MEMLOCK, &old));
    CHECK_OK(munmap(p, PAGE));
}

static void mappings_are_limited(void)
{
    long limit = strtol(file_get("/proc/sys/vm/max_map_count"), NULL, 10);
    if (limit > 70000) /* more than fits into a short test */
        return;
    size_t size = 2 * (size_t)limit * PAGE;
    char *p = reserve(size);
    size_t split = 0;
    int error = 0;
    for (size_t at = 0; at < size && !error; at += 2 * PAGE, split++)
        error = mprotect(p + at, PAGE, PROT_READ) ? errno : 0;
    CHECK_EQ(error, ENOMEM);
    CHECK((long)split > limit / 2 - 100 && (long)split < limit / 2 + 100);
    CHECK_ERR((long)mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + size - PAGE), ENOMEM);
    CHECK_OK(munmap(p, size));
}

/* Root may map what a null pointer points to, if it insists. */
static void low_addresses_are_for_root(void)
{
    char *p = mmap((void *)(4 * PAGE), PAGE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CHECK(p == (void *)(4 * PAGE));
    CHECK(writable(p));
    CHECK_OK(munmap(p, PAGE));
    p = mmap((void *)PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_EQ((long)p, 0x10000); /* a wish is raised to the lowest address for all */
    CHECK_OK(munmap(p, PAGE));
}

static volatile int alarms;

static void on_alarm(int sig)
{
    (void)sig;
    alarms++;
}

/* A handled signal ends a long read of random numbers early, at whole pages. */
static void signals_end_long_reads(void)
{
    size_t size = 1ul << 30;
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    struct timeval soon[2] = {{0, 0}, {0, 20000}};
    struct itimerval timer = {.it_value = soon[1]};
    sigaction(SIGALRM, &action, NULL);
    CHECK_OK(setitimer(ITIMER_REAL, &timer, NULL));
    ssize_t n = syscall(SYS_getrandom, p, size, 0);
    CHECK(n > 0 && n < (ssize_t)size && n % (ssize_t)PAGE == 0);
    CHECK_EQ(alarms, 1);
    CHECK_OK(munmap(p, size));
}

int main(void)
{
    RUN(stack_below_grows);
    RUN(only_private_memory_grows_down);
    RUN(the_stack_limit_bounds_growth);
    RUN(the_stack_grows_as_far_as_its_limit_is_raised);
    RUN(all_memory_is_locked);
    RUN(locking_on_fault_fetches_nothing);
    RUN(what_is_inaccessible_is_locked_but_not_fetched);
    RUN(other_memory_is_as_protected);
    RUN(shrinking_goes_over_several_mappings);
    RUN(punching_a_hole_leaves_private_copies);
    RUN(locked_copies_are_made_at_once);
    RUN(what_was_writable_is_not_copied_by_mprotect);
    RUN(limits_of_locking_come_before_wrapping);
    RUN(mappings_are_limited);
    RUN(low_addresses_are_for_root);
    RUN(signals_end_long_reads);
    return check_done();
}
