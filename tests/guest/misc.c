/* The rest that programs call: uname, prctl, limits, unknown calls, identity, capabilities. */
#include <asm/prctl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "tests/harness/guest.h"

static void system_names_itself(void)
{
    struct utsname name;
    int major = 0, minor = 0;
    CHECK_OK(uname(&name));
    CHECK_STR(name.sysname, "Linux");
    CHECK_STR(name.machine, "x86_64");
    CHECK_EQ(sscanf(name.release, "%d.%d", &major, &minor), 2);
    CHECK(major >= 5);
    CHECK(name.nodename[0] != 0);
    char host[65] = "";
    CHECK_OK(gethostname(host, sizeof(host)));
    CHECK_STR(host, name.nodename);
    CHECK_ERR(syscall(SYS_uname, KERNEL_ADDRESS), EFAULT);
}

static void unknown_calls_answer_enosys(void)
{
    CHECK_ERR(syscall(999), ENOSYS);
    CHECK_ERR(syscall(-1), ENOSYS);
    CHECK_ERR(syscall(100000), ENOSYS);
    CHECK_ERR(syscall(0x40000000), ENOSYS); /* the x32 range */
    CHECK_ERR(syscall(LONG_MAX), ENOSYS);
    CHECK_ERR(syscall(SYS_create_module), ENOSYS);
    CHECK_ERR(syscall(SYS_getpmsg), ENOSYS);
}

static void process_control(void)
{
    char name[16] = "";
    int value = -1;
    CHECK_OK(prctl(PR_SET_NAME, "renamed"));
    CHECK_OK(prctl(PR_GET_NAME, name));
    CHECK_STR(name, "renamed");
    CHECK_OK(prctl(PR_SET_NAME, "a name that is far too long"));
    CHECK_OK(prctl(PR_GET_NAME, name));
    CHECK_STR(name, "a name that is ");
    CHECK_OK(prctl(PR_SET_NAME, "short\0but more behind"));
    CHECK_OK(prctl(PR_GET_NAME, name));
    CHECK(memcmp(name, "short\0\0\0\0\0\0\0\0\0\0", sizeof(name)) == 0);
    file_put("/proc/self/comm", "x");
    CHECK_OK(prctl(PR_GET_NAME, name));
    CHECK(memcmp(name, "x\0\0\0\0\0\0\0\0\0\0\0\0\0\0", sizeof(name)) == 0);
    CHECK_EQ(prctl(PR_GET_DUMPABLE), 1);
    CHECK_OK(prctl(PR_SET_PDEATHSIG, SIGUSR1));
    CHECK_OK(prctl(PR_GET_PDEATHSIG, &value));
    CHECK_EQ(value, SIGUSR1);
    CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
    CHECK_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
    CHECK_OK(prctl(PR_SET_TIMERSLACK, 1));
    CHECK_ERR(prctl(4711), EINVAL);
    CHECK_ERR(prctl(PR_SET_NAME, KERNEL_ADDRESS), EFAULT);
    char *p = pages(1);
    int rc =
        prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, p, PAGE, "named"); /* glibc and Android do so */
    CHECK(rc == 0 || errno == EINVAL);
    munmap(p, PAGE);
    CHECK_ERR(prctl(PR_SET_SECCOMP, 77), EINVAL);
}

static void segment_bases(void)
{
    unsigned long fs = 0, gs = 1;
    CHECK_OK(syscall(SYS_arch_prctl, ARCH_GET_FS, &fs));
    CHECK_EQ(fs, (unsigned long)__builtin_thread_pointer());
    static unsigned long cell = 4242;
    CHECK_OK(syscall(SYS_arch_prctl, ARCH_SET_GS, &cell));
    unsigned long read_back = 0;
    __asm__ volatile("movq %%gs:0, %0" : "=r"(read_back));
    CHECK_EQ(read_back, 4242);
    sched_yield();
    sleep_ms(2);
    __asm__ volatile("movq %%gs:0, %0" : "=r"(read_back));
    CHECK_EQ(read_back, 4242);
    CHECK_OK(syscall(SYS_arch_prctl, ARCH_GET_GS, &gs));
    CHECK_EQ(gs, (unsigned long)&cell);
    CHECK_ERR(syscall(SYS_arch_prctl, ARCH_SET_GS, 1ul << 62), EPERM);
    CHECK_ERR(syscall(SYS_arch_prctl, ARCH_SET_FS, KERNEL_ADDRESS), EPERM);
    CHECK_ERR(syscall(SYS_arch_prctl, ARCH_GET_FS, KERNEL_ADDRESS), EFAULT);
    CHECK_ERR(syscall(SYS_arch_prctl, 0x7777, 0), EINVAL);
    CHECK_OK(syscall(SYS_arch_prctl, ARCH_SET_GS, 0));
}

static void resource_limits(void)
{
    struct rlimit limit, old;
    for (int i = 0; i < RLIM_NLIMITS; i++)
        if (getrlimit(i, &limit) != 0 || limit.rlim_cur > limit.rlim_max)
            CHECK(!"getrlimit of every resource");
    CHECK_OK(getrlimit(RLIMIT_NOFILE, &old));
    CHECK(old.rlim_cur >= 256);
    limit = (struct rlimit){128, old.rlim_max};
    CHECK_OK(setrlimit(RLIMIT_NOFILE, &limit));
    CHECK_EQ(sysconf(_SC_OPEN_MAX), 128);
    CHECK_OK(setrlimit(RLIMIT_NOFILE, &old));
    limit = (struct rlimit){100, 50};
    CHECK_ERR(setrlimit(RLIMIT_NOFILE, &limit), EINVAL);
    CHECK_ERR(syscall(SYS_getrlimit, 77, &limit), EINVAL);
    CHECK_ERR(syscall(SYS_prlimit64, 0, RLIMIT_CORE, KERNEL_ADDRESS, NULL), EFAULT);
    CHECK_ERR(syscall(SYS_prlimit64, 999999, RLIMIT_CORE, NULL, &limit), ESRCH);
    CHECK_OK(getrlimit(RLIMIT_STACK, &limit));
    CHECK(limit.rlim_cur >= 1 << 20);
}

static void address_space_limit_holds(void)
{
    struct rlimit old, small;
    CHECK_OK(getrlimit(RLIMIT_AS, &old));
    small = (struct rlimit){512ul << 20, old.rlim_max};
    CHECK_OK(setrlimit(RLIMIT_AS, &small));
    void *p = mmap(NULL, 1ul << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int error = errno;
    CHECK_OK(setrlimit(RLIMIT_AS, &old));
    CHECK(p == MAP_FAILED && error == ENOMEM);
}

static void identity_can_be_set(void)
{
    gid_t groups[3] = {1, 2, 3}, got[8], old[64];
    int count = getgroups(64, old);
    CHECK_OK(setgroups(3, groups));
    CHECK_EQ(getgroups(8, got), 3);
    CHECK_EQ(got[2], 3);
    CHECK_ERR(getgroups(2, got), EINVAL);
    CHECK_OK(setgroups((size_t)count, old));
    CHECK_OK(setresuid(0, 0, 0));
    CHECK_OK(setgid(0));
    CHECK(setfsuid(0) == 0 && setfsgid(0) == 0);
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    CHECK_OK(syscall(SYS_capget, &header, data));
    header.version = 1;
    CHECK_ERR(syscall(SYS_capget, &header, data), EINVAL);
    CHECK_EQ(header.version, _LINUX_CAPABILITY_VERSION_3);
    CHECK(getpgrp() >= 0);
}

int main(void)
{
    RUN(system_names_itself);
    RUN(unknown_calls_answer_enosys);
    RUN(process_control);
    RUN(segment_bases);
    RUN(resource_limits);
    RUN(address_space_limit_holds);
    RUN(identity_can_be_set);
    return check_done();
}
