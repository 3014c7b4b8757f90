/*
 * In the guest alone: there is one process and one program. On Linux these calls succeed.
 * fork, vfork, clone without CLONE_THREAD and posix_spawn answer ENOSYS at once; the program may
 * exec itself, nothing else.
 */
#include <linux/sched.h>
#include <sched.h>
#include <spawn.h>
#include <sys/wait.h>

#include "tests/harness/guest.h"

extern char **environ;

static void no_second_process(void)
{
    CHECK_ERR(fork(), ENOSYS);
    CHECK_ERR(syscall(SYS_fork), ENOSYS);
    CHECK_ERR(syscall(SYS_vfork), ENOSYS);
    CHECK_ERR(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0), ENOSYS);
    CHECK_ERR(syscall(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0), ENOSYS);
    struct clone_args args = {.exit_signal = SIGCHLD};
    CHECK_ERR(syscall(SYS_clone3, &args, sizeof(args)), ENOSYS);
    pid_t pid;
    char *argv[] = {"true", NULL};
    CHECK_EQ(posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ), ENOSYS);
    CHECK_EQ(WEXITSTATUS(system("true")), 127); /* what the C library makes of ENOSYS */
    CHECK(popen("true", "r") == NULL);
}

static void nobody_to_wait_for(void)
{
    int status;
    siginfo_t info;
    CHECK_ERR(wait(&status), ECHILD);
    CHECK_ERR(waitpid(-1, &status, WNOHANG), ECHILD);
    CHECK_ERR(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
}

static void no_second_program(void)
{
    char *argv[] = {"x", NULL}, *none[] = {NULL};
    CHECK_ERR(execve("/no/such/program", argv, none), ENOENT);
    CHECK_ERR(execve("/etc", argv, none), EACCES);
    CHECK(file_put("/tmp/written", "#!/proc/self/exe\n"));
    CHECK_OK(chmod("/tmp/written", 0755));
    CHECK_ERR(execve("/tmp/written", argv, none), ENOSYS); /* nothing that was not in the image */
    CHECK_OK(unlink("/tmp/written"));
}

int main(void)
{
    RUN(no_second_process);
    RUN(nobody_to_wait_for);
    RUN(no_second_program);
    return check_done();
}
