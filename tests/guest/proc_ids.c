/* Who the process is: users, groups, process group and session; children it does not have. */
#include <sys/fsuid.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/harness/guest.h"

#define NOBODY 65534u

/* The calls themselves: the C library's would tell all threads. */
static void users_are(uid_t real, uid_t effective, uid_t saved)
{
    uid_t r, e, s;
    CHECK_OK(getresuid(&r, &e, &s));
    CHECK_EQ(r, real);
    CHECK_EQ(e, effective);
    CHECK_EQ(s, saved);
}

static void groups_are(gid_t real, gid_t effective, gid_t saved)
{
    gid_t r, e, s;
    CHECK_OK(getresgid(&r, &e, &s));
    CHECK_EQ(r, real);
    CHECK_EQ(e, effective);
    CHECK_EQ(s, saved);
}

static void effective_user_goes_and_comes_back(void)
{
    CHECK_OK(syscall(SYS_setresuid, -1, NOBODY, -1));
    users_are(0, NOBODY, 0);
    CHECK_EQ(geteuid(), NOBODY);
    CHECK_EQ(getuid(), 0);
    CHECK_ERR(syscall(SYS_setresuid, 4711, -1, -1), EPERM);
    CHECK_ERR(syscall(SYS_setuid, 4711), EPERM);
    CHECK_ERR(syscall(SYS_setgroups, 0, NULL), EPERM);
    CHECK_OK(syscall(SYS_setresuid, -1, 0, -1));
    users_are(0, 0, 0);
}

static void setreuid_keeps_what_is_minus_one(void)
{
    CHECK_OK(syscall(SYS_setreuid, -1, -1));
    users_are(0, 0, 0);
    CHECK_OK(syscall(SYS_setreuid, -1, 4711)); /* saved becomes the effective one, too */
    users_are(0, 4711, 4711);
    CHECK_ERR(syscall(SYS_setreuid, -1, 4712), EPERM);
    CHECK_OK(syscall(SYS_setreuid, -1, 0)); /* the real one */
    users_are(0, 0, 4711);
    CHECK_OK(syscall(SYS_setresuid, 0, 0, 0));
}

static void seteuid_leaves_the_saved_user(void)
{
    CHECK_OK(syscall(SYS_setresuid, -1, 4711, 0));
    CHECK_OK(syscall(SYS_setuid, 0)); /* to the saved one: only the effective changes */
    users_are(0, 0, 0);
    CHECK_ERR(syscall(SYS_setuid, -1), EINVAL);
}

static void groups_change_like_users(void)
{
    CHECK_OK(syscall(SYS_setresgid, 1, 2, 3));
    groups_are(1, 2, 3);
    CHECK_EQ(getgid(), 1);
    CHECK_EQ(getegid(), 2);
    CHECK_OK(syscall(SYS_setregid, 4, -1)); /* the real one set: saved is the effective one */
    groups_are(4, 2, 2);
    CHECK_OK(syscall(SYS_setregid, -1, 5));
    groups_are(4, 5, 5);
    CHECK_OK(syscall(SYS_setgid, 0)); /* root sets all three */
    groups_are(0, 0, 0);
    CHECK_ERR(syscall(SYS_setgid, -1), EINVAL);
}

static void groups_of_another_user_are_refused(void)
{
    CHECK_OK(syscall(SYS_setresuid, -1, NOBODY, -1));
    CHECK_ERR(syscall(SYS_setresgid, 77, -1, -1), EPERM);
    CHECK_ERR(syscall(SYS_setregid, 77, 77), EPERM);
    CHECK_ERR(syscall(SYS_setgid, 77), EPERM);
    CHECK_OK(syscall(SYS_setgid, 0));
    CHECK_OK(syscall(SYS_setresuid, -1, 0, -1));
}

static void ids_go_to_good_pointers_only(void)
{
    uid_t id;
    CHECK_ERR(syscall(SYS_getresuid, KERNEL_ADDRESS, &id, &id), EFAULT);
    CHECK_ERR(syscall(SYS_getresuid, &id, NULL, &id), EFAULT);
    CHECK_ERR(syscall(SYS_getresgid, &id, &id, KERNEL_ADDRESS), EFAULT);
}

static void file_system_ids_answer_the_old_one(void)
{
    CHECK_EQ(syscall(SYS_setfsuid, NOBODY), 0);
    CHECK_EQ(syscall(SYS_setfsuid, -1), NOBODY);
    CHECK_EQ(syscall(SYS_setfsuid, 0), NOBODY);
    CHECK_EQ(syscall(SYS_setfsuid, -1), 0);
    CHECK_EQ(syscall(SYS_setfsgid, 7), 0);
    CHECK_EQ(syscall(SYS_setfsgid, 0), 7);
}

static void file_system_user_follows_the_effective_one(void)
{
    CHECK_OK(syscall(SYS_setresuid, -1, NOBODY, -1));
    CHECK_EQ(syscall(SYS_setfsuid, -1), NOBODY);
    CHECK_OK(syscall(SYS_setresuid, -1, 0, -1));
    CHECK_EQ(syscall(SYS_setfsuid, -1), 0);
}

static void group_lists_are_checked(void)
{
    gid_t old[64];
    int count = getgroups(64, old);
    CHECK_ERR(syscall(SYS_setgroups, -1, old), EINVAL);
    CHECK_ERR(syscall(SYS_setgroups, 65537, old), EINVAL);
    CHECK_ERR(syscall(SYS_getgroups, -1, old), EINVAL);
    CHECK_OK(syscall(SYS_setgroups, 0, NULL));
    CHECK_EQ(getgroups(0, NULL), 0);
    CHECK_OK(syscall(SYS_setgroups, count, old));
    CHECK_EQ(getgroups(0, NULL), count);
}

static void process_group_and_session(void)
{
    pid_t self = getpid();
    CHECK_EQ(getpgid(0), getpgrp());
    CHECK_EQ(getpgid(self), getpgrp());
    CHECK_EQ(getsid(0), getsid(self));
    CHECK_ERR(getpgid(-1), ESRCH);
    CHECK_ERR(getsid(-1), ESRCH);
    CHECK_ERR(setpgid(0, -1), EINVAL);
    CHECK_ERR(setpgid(-1, 0), EINVAL);
    CHECK_ERR(setpgid(4194303, 0), ESRCH);
}

static void a_leader_of_a_group_stays_in_its_session(void)
{
    CHECK(setpgid(0, 0) == 0 || getsid(0) == getpid());
    CHECK_EQ(getpgrp(), getpid());
    CHECK_ERR(setsid(), EPERM);
}

static void a_parent_that_cannot_be_seen_or_is_another(void)
{
    CHECK(getppid() != getpid());
    CHECK(getppid() >= 0);
    CHECK_EQ(syscall(SYS_getppid), getppid());
}

static void waiting_without_children(void)
{
    int status;
    siginfo_t info;
    struct rusage usage;
    CHECK_ERR(waitpid(-1, &status, 0), ECHILD);
    CHECK_ERR(waitpid(-1, &status, WNOHANG), ECHILD);
    CHECK_ERR(waitpid(0, &status, 0), ECHILD);
    CHECK_ERR(waitpid(getpid(), &status, 0), ECHILD);
    CHECK_ERR(wait4(-1, &status, WUNTRACED | WCONTINUED, &usage), ECHILD);
    CHECK_ERR(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
    CHECK_ERR(waitid(P_PID, (id_t)getpid(), &info, WEXITED | WNOHANG | WNOWAIT), ECHILD);
    CHECK_ERR(waitid(P_PGID, (id_t)getpgrp(), &info, WSTOPPED), ECHILD);
}

static void waiting_is_checked_first(void)
{
    int status;
    siginfo_t info;
    CHECK_ERR(waitpid(-1, &status, 0x100), EINVAL);
    CHECK_ERR(waitpid(INT_MIN, &status, 0), ESRCH);
    CHECK_ERR(waitid(P_ALL, 0, &info, 0), EINVAL);
    CHECK_ERR(waitid(P_ALL, 0, &info, WEXITED | 0x100), EINVAL);
    CHECK_ERR(waitid(77, 0, &info, WEXITED), EINVAL);
    CHECK_ERR(waitid(P_PID, 0, &info, WEXITED), EINVAL);
    CHECK_ERR(waitid(P_PIDFD, 4711, &info, WEXITED), EBADF);
}

static void children_have_used_nothing(void)
{
    struct rusage usage;
    CHECK_OK(getrusage(RUSAGE_CHILDREN, &usage));
    CHECK_EQ(usage.ru_maxrss, 0);
    CHECK_EQ(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec, 0);
    CHECK_OK(getrusage(RUSAGE_SELF, &usage));
    CHECK(usage.ru_maxrss > 0);
    CHECK_OK(getrusage(RUSAGE_THREAD, &usage));
    CHECK_ERR(syscall(SYS_getrusage, 77, &usage), EINVAL);
}

int main(void)
{
    RUN(effective_user_goes_and_comes_back);
    RUN(setreuid_keeps_what_is_minus_one);
    RUN(seteuid_leaves_the_saved_user);
    RUN(groups_change_like_users);
    RUN(groups_of_another_user_are_refused);
    RUN(ids_go_to_good_pointers_only);
    RUN(file_system_ids_answer_the_old_one);
    RUN(file_system_user_follows_the_effective_one);
    RUN(group_lists_are_checked);
    RUN(process_group_and_session);
    RUN(a_leader_of_a_group_stays_in_its_session);
    RUN(a_parent_that_cannot_be_seen_or_is_another);
    RUN(waiting_without_children);
    RUN(waiting_is_checked_first);
    RUN(children_have_used_nothing);
    return check_done();
}
