/* Calls that stand alone: names of the system, protection keys, memory policies, advice, limits. */
#include <linux/mempolicy.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>

#include "tests/harness/guest.h"

static void the_host_name_is_checked(void)
{
    struct utsname name;
    CHECK_OK(uname(&name));
    CHECK_ERR(syscall(SYS_sethostname, name.nodename, -1), EINVAL);
    CHECK_ERR(syscall(SYS_sethostname, name.nodename, 65), EINVAL);
    CHECK_ERR(syscall(SYS_sethostname, KERNEL_ADDRESS, 5), EFAULT);
    CHECK_OK(sethostname(name.nodename, strlen(name.nodename))); /* to what it is */
    struct utsname again;
    CHECK_OK(uname(&again));
    CHECK_STR(again.nodename, name.nodename);
}

static void the_domain_name_is_checked(void)
{
    struct utsname name, again;
    CHECK_OK(uname(&name));
    CHECK_ERR(syscall(SYS_setdomainname, name.domainname, -1), EINVAL);
    CHECK_ERR(syscall(SYS_setdomainname, name.domainname, 65), EINVAL);
    CHECK_ERR(syscall(SYS_setdomainname, KERNEL_ADDRESS, 5), EFAULT);
    CHECK_OK(setdomainname(name.domainname, strlen(name.domainname)));
    CHECK_OK(uname(&again));
    CHECK_STR(again.domainname, name.domainname);
}

static void protection_keys_are_there_or_said_not_to_be(void)
{
    CHECK_ERR(syscall(SYS_pkey_alloc, 1, 0), EINVAL);
    CHECK_ERR(syscall(SYS_pkey_alloc, 0, 77), EINVAL);
    int key = (int)syscall(SYS_pkey_alloc, 0, 0);
    CHECK(key >= 1 || errno == ENOSPC || errno == EINVAL);
    if (key >= 1)
        CHECK_OK(syscall(SYS_pkey_free, key));
    CHECK_ERR(syscall(SYS_pkey_free, 77), EINVAL);
    CHECK_ERR(syscall(SYS_pkey_free, -1), EINVAL);
}

static void pages_without_a_key_are_protected_as_ever(void)
{
    char *p = pages(1);
    CHECK_OK(syscall(SYS_pkey_mprotect, p, PAGE, PROT_READ, -1));
    CHECK(readable(p) && !writable(p));
    CHECK_OK(syscall(SYS_pkey_mprotect, p, PAGE, PROT_READ | PROT_WRITE, -1));
    CHECK(writable(p));
    CHECK_ERR(syscall(SYS_pkey_mprotect, p, PAGE, PROT_READ, 13), EINVAL);
    munmap(p, PAGE);
}

static void memory_policy_starts_as_the_default(void)
{
    int mode = -1;
    unsigned long nodes[16] = {0};
    CHECK_OK(syscall(SYS_get_mempolicy, &mode, nodes, 1024, NULL, 0));
    CHECK_EQ(mode, MPOL_DEFAULT);
    CHECK_OK(syscall(SYS_get_mempolicy, NULL, nodes, 1024, NULL, MPOL_F_MEMS_ALLOWED));
    CHECK_EQ(nodes[0] & 1, 1);
    CHECK_ERR(syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, 1u << 20), EINVAL);
    CHECK_ERR(syscall(SYS_get_mempolicy, KERNEL_ADDRESS, NULL, 0, NULL, 0), EFAULT);
}

static void memory_policies_are_checked(void)
{
    unsigned long first = 1;
    CHECK_ERR(syscall(SYS_set_mempolicy, 77, &first, 64), EINVAL);
    CHECK_ERR(syscall(SYS_set_mempolicy, MPOL_BIND, NULL, 0), EINVAL);
    CHECK_ERR(syscall(SYS_set_mempolicy, MPOL_BIND, KERNEL_ADDRESS, 64), EFAULT);
    CHECK_OK(syscall(SYS_set_mempolicy, MPOL_BIND, &first, 64));
    int mode = -1;
    CHECK_OK(syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, 0));
    CHECK_EQ(mode, MPOL_BIND);
    CHECK_OK(syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0));
}

static void memory_is_bound_to_the_node_there_is(void)
{
    unsigned long first = 1;
    char *p = pages(2);
    CHECK_OK(syscall(SYS_mbind, p, PAGE, MPOL_BIND, &first, 64, 0));
    CHECK_ERR(syscall(SYS_mbind, p + 1, PAGE, MPOL_BIND, &first, 64, 0), EINVAL);
    CHECK_ERR(syscall(SYS_mbind, p, PAGE, 77, &first, 64, 0), EINVAL);
    CHECK_ERR(syscall(SYS_mbind, p, PAGE, MPOL_BIND, &first, 64, 1u << 20), EINVAL);
    CHECK_ERR(syscall(SYS_mbind, p, PAGE, MPOL_BIND, KERNEL_ADDRESS, 64, 0), EFAULT);
    munmap(p, 2 * PAGE);
    CHECK_ERR(syscall(SYS_mbind, p, PAGE, MPOL_BIND, &first, 64, 0), EFAULT);
}

static void advice_on_files_is_checked(void)
{
    int pipes[2], fd = open("/proc/self/exe", O_RDONLY);
    CHECK_OK(pipe(pipes));
    for (int advice = POSIX_FADV_NORMAL; advice <= POSIX_FADV_NOREUSE; advice++)
        if (syscall(SYS_fadvise64, fd, 0l, 0l, advice) != 0)
            CHECK(!"every advice");
    CHECK_ERR(syscall(SYS_fadvise64, fd, 0l, 0l, 77), EINVAL);
    CHECK_ERR(syscall(SYS_fadvise64, fd, 0l, -1l, POSIX_FADV_NORMAL), EINVAL);
    CHECK_ERR(syscall(SYS_fadvise64, pipes[0], 0l, 0l, POSIX_FADV_NORMAL), ESPIPE);
    CHECK_ERR(syscall(SYS_fadvise64, 4711, 0l, 0l, POSIX_FADV_NORMAL), EBADF);
    close(fd);
    close(pipes[0]);
    close(pipes[1]);
}

static void reading_ahead_is_for_files(void)
{
    int pipes[2], fd = open("/proc/self/exe", O_RDONLY);
    CHECK_OK(pipe(pipes));
    CHECK_OK(readahead(fd, 0, PAGE));
    CHECK_ERR(readahead(pipes[0], 0, PAGE), EINVAL);
    CHECK_ERR(readahead(4711, 0, PAGE), EBADF);
    CHECK_ERR(readahead(pipes[1], 0, PAGE), EBADF); /* not open for reading */
    close(fd);
    close(pipes[0]);
    close(pipes[1]);
}

static void system_figures_agree(void)
{
    struct sysinfo info;
    CHECK_OK(sysinfo(&info));
    CHECK(info.totalram >= info.freeram && info.freeram > 0);
    CHECK(info.mem_unit >= 1);
    CHECK(info.procs >= 1);
    CHECK_EQ((long)sysconf(_SC_PHYS_PAGES), (long)(info.totalram * info.mem_unit / PAGE));
    int64_t up = now_ns(CLOCK_BOOTTIME) / 1000000000;
    CHECK(info.uptime >= up - 2 && info.uptime <= up + 2);
}

static void times_go_forward(void)
{
    struct tms first, second;
    clock_t start = times(&first);
    CHECK(start != (clock_t)-1);
    sleep_ms(30);
    clock_t end = times(&second);
    CHECK(end > start);
    CHECK(second.tms_utime >= first.tms_utime && second.tms_stime >= first.tms_stime);
    CHECK_EQ(second.tms_cutime, 0);
}

static void limits_of_other_kinds(void)
{
    struct rlimit old, limit;
    CHECK_OK(getrlimit(RLIMIT_CORE, &old));
    limit = (struct rlimit){0, old.rlim_max};
    CHECK_OK(setrlimit(RLIMIT_CORE, &limit));
    CHECK_OK(getrlimit(RLIMIT_CORE, &limit));
    CHECK_EQ(limit.rlim_cur, 0);
    CHECK_OK(setrlimit(RLIMIT_CORE, &old));
    CHECK_OK(prlimit(getpid(), RLIMIT_CORE, NULL, &limit));
    CHECK_EQ(limit.rlim_cur, old.rlim_cur);
    CHECK_ERR(syscall(SYS_setrlimit, 77, &limit), EINVAL);
    CHECK_ERR(syscall(SYS_prlimit64, 0, 77, NULL, &limit), EINVAL);
}

static void open_file_limit_has_a_ceiling(void)
{
    struct rlimit limit = {1ul << 40, 1ul << 40};
    CHECK_ERR(setrlimit(RLIMIT_NOFILE, &limit), EPERM);
}

int main(void)
{
    RUN(the_host_name_is_checked);
    RUN(the_domain_name_is_checked);
    RUN(protection_keys_are_there_or_said_not_to_be);
    RUN(pages_without_a_key_are_protected_as_ever);
    RUN(memory_policy_starts_as_the_default);
    RUN(memory_policies_are_checked);
    RUN(memory_is_bound_to_the_node_there_is);
    RUN(advice_on_files_is_checked);
    RUN(reading_ahead_is_for_files);
    RUN(system_figures_agree);
    RUN(times_go_forward);
    RUN(limits_of_other_kinds);
    RUN(open_file_limit_has_a_ceiling);
    return check_done();
}
