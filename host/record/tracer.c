/*
 * The tracer. The filter lets everything but the calls of calls.def pass at full speed; at one of
 * these the thread stops once, before the call, we read its paths and let it go on. Children and
 * threads are followed from their first instruction on. Only system calls of x86-64 are seen.
 */
#include "host/record/tracer.h"

#include <limits.h>
#include <stddef.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/base/io.h"
#include "host/base/path.h"
#include "host/base/say.h"

#define SPINS 1000 /* some hundreds of microseconds */
#define PAGE_SIZE 4096u

static const struct call {
    short number;
    signed char descriptor, path, flags;
    enum use use;
} calls[] = {
#define CALL(name, descriptor, path, flags, use) {SYS_##name, descriptor, path, flags, USE_##use},
#include "host/record/calls.def"
#undef CALL
};
#define CALL_COUNT (sizeof(calls) / sizeof(*calls))

/* A process or thread that was seen calling, and the name of its program. */
struct tracee {
    pid_t id;
    char *name;
};

struct tracer {
    struct gather *gather;
    pid_t command;
    int status; /* the command's exit status; -1: it runs */
    struct tracee *tracees;
    size_t count;
};

/* ---- the command's side ---- */

/* Stops at the calls of the table, lets all others pass. */
static bool filter_install(void)
{
    struct sock_filter code[CALL_COUNT + 6];
    unsigned short size = 0;
    code[size++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    code[size++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0,
                                                CALL_COUNT + 1);
    code[size++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < CALL_COUNT; i++)
        code[size++] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i].number,
                                         (unsigned char)(CALL_COUNT - i), 0);
    code[size++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[size++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
    struct sock_fprog program = {.len = size, .filter = code};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0)
        return true;
    /* Without privileges a filter needs the promise not to gain any. */
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

static void use_stream(int from, int to)
{
    if (from >= 0)
        dup2(from, to);
}

/* Waits until the tracer is there (go), then becomes the command. Tells errno by problem. */
static _Noreturn void child_run(const struct tracer_command *command, int go, int problem)
{
    char byte;
    while (read(go, &byte, 1) < 0 && errno == EINTR)
        continue;
    use_stream(command->input, STDIN_FILENO);
    use_stream(command->output, STDOUT_FILENO);
    use_stream(command->errors, STDERR_FILENO);
    if (filter_install())
        execvpe(command->program, command->argv->items,
                command->env ? command->env->items : environ);
    int why = errno;
    if (write(problem, &why, sizeof(why)) < 0)
        _exit(126);
    _exit(127);
}

/* ---- signals ---- */

static volatile sig_atomic_t interrupts;
static volatile pid_t signal_target;

/* The terminal sends its signals to the command, too; what another process sends to us goes on. */
static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)context;
    interrupts += number == SIGINT;
    if (info->si_code <= 0 && signal_target > 0)
        kill(signal_target, number);
}

static const int forwarded[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
#define FORWARDED (sizeof(forwarded) / sizeof(*forwarded))

static void signals_take(pid_t target, struct sigaction old[FORWARDED])
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    interrupts = 0;
    signal_target = target;
    for (size_t i = 0; i < FORWARDED; i++)
        sigaction(forwarded[i], &action, &old[i]);
}

static void signals_give_back(const struct sigaction old[FORWARDED])
{
    for (size_t i = 0; i < FORWARDED; i++)
        sigaction(forwarded[i], &old[i], NULL);
    signal_target = 0;
}

/* ---- the calls ---- */

static struct tracee *tracee_get(struct tracer *tracer, pid_t id)
{
    for (size_t i = 0; i < tracer->count; i++)
        if (tracer->tracees[i].id == id)
            return &tracer->tracees[i];
    tracer->tracees = mem_resize(tracer->tracees, (tracer->count + 1) * sizeof(*tracer->tracees));
    struct tracee *tracee = &tracer->tracees[tracer->count++];
    *tracee = (struct tracee){.id = id};
    return tracee;
}

static void tracee_forget(struct tracer *tracer, pid_t id)
{
    for (size_t i = 0; i < tracer->count; i++)
        if (tracer->tracees[i].id == id) {
            free(tracer->tracees[i].name);
            tracer->tracees[i] = tracer->tracees[--tracer->count];
            return;
        }
}

static char *proc_link(pid_t id, const char *format, int number)
{
    char *name = mem_printf(format, number);
    char *path = mem_printf("/proc/%d/%s", (int)id, name);
    char *target = path_read_link(path);
    free(path);
    free(name);
    return target;
}

static const char *tracee_name(struct tracer *tracer, pid_t id)
{
    struct tracee *tracee = tracee_get(tracer, id);
    if (!tracee->name) {
        char *program = proc_link(id, "exe", 0);
        tracee->name = mem_string(program ? path_base(program) : "?");
        free(program);
    }
    return tracee->name;
}

/* Reads up to size bytes of another process; what it has of them. */
static size_t read_memory(pid_t id, uint64_t address, void *out, size_t size)
{
    struct iovec local = {out, size}, remote = {(void *)(uintptr_t)address, size};
    ssize_t got = process_vm_readv(id, &local, 1, &remote, 1, 0);
    return got < 0 ? 0 : (size_t)got;
}

/* A path of another process, page by page. False if it is none. */
static bool read_path(pid_t id, uint64_t address, char path[PATH_MAX])
{
    for (size_t at = 0; at < PATH_MAX;) {
        size_t part = PAGE_SIZE - (address + at) % PAGE_SIZE;
        part = part < PATH_MAX - at ? part : PATH_MAX - at;
        size_t got = read_memory(id, address + at, path + at, part);
        if (memchr(path + at, 0, got))
            return true;
        if (got < part)
            return false;
        at += got;
    }
    return false;
}

/* The folder that a relative path is relative to; owned, NULL if it is none. */
static char *base_of(pid_t id, const struct call *call, const uint64_t args[6])
{
    int descriptor = call->descriptor < 0 ? AT_FDCWD : (int)args[call->descriptor];
    char *base =
        descriptor == AT_FDCWD ? proc_link(id, "cwd", 0) : proc_link(id, "fd/%d", descriptor);
    if (base && *base == '/')
        return base;
    free(base);
    return NULL;
}

static int open_flags(pid_t id, const struct call *call, const uint64_t args[6])
{
    struct open_how how = {0};
    if (call->use == USE_OPEN_HOW)
        read_memory(id, args[call->flags], &how, sizeof(how));
    return call->use == USE_OPEN_HOW ? (int)how.flags : (int)args[call->flags];
}

static void see_path(struct tracer *tracer, pid_t id, const struct call *call,
                     const uint64_t args[6])
{
    char path[PATH_MAX];
    if (!read_path(id, args[call->path], path) || !*path)
        return;
    char *base = *path == '/' ? mem_string("/") : base_of(id, call, args);
    if (!base)
        return;
    struct gather_call seen = {.base = base, .path = path, .use = call->use};
    seen.who = tracee_name(tracer, id);
    if (call->use == USE_OPEN || call->use == USE_OPEN_HOW)
        seen.flags = open_flags(id, call, args);
    else if (call->flags >= 0)
        seen.nofollow = (args[call->flags] & AT_SYMLINK_NOFOLLOW) != 0;
    if (call->use == USE_OPEN_HOW)
        seen.use = USE_OPEN;
    if ((seen.flags & O_TMPFILE) != O_TMPFILE)
        gather_call(tracer->gather, &seen);
    free(base);
}

static void see_call(struct tracer *tracer, pid_t id)
{
    struct __ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, id, (void *)sizeof(info), &info) <= 0)
        return;
    for (size_t i = 0; i < CALL_COUNT; i++)
        if (info.seccomp.nr == (uint64_t)calls[i].number)
            see_path(tracer, id, &calls[i], info.seccomp.args);
}

/* What lies in the memory of a process that ends. */
static void see_maps(struct tracer *tracer, pid_t id)
{
    char *path = mem_printf("/proc/%d/maps", (int)id), *line = NULL;
    size_t size = 0;
    FILE *maps = fopen(path, "re");
    free(path);
    while (maps && getline(&line, &size, maps) > 0) {
        char *name = strchr(line, '/');
        if (!name)
            continue;
        name[strcspn(name, "\n")] = 0;
        gather_mapped(tracer->gather, name, tracee_name(tracer, id));
    }
    free(line);
    if (maps)
        fclose(maps);
}

/* Whether a thread is the first of its process: its memory is looked at once. */
static bool is_first_thread(pid_t id)
{
    char *path = mem_printf("/proc/%d/status", (int)id);
    struct buf text = {0};
    int group = 0;
    io_read_file(path, &text, NULL);
    const char *at = text.data ? strstr(text.data, "\nTgid:") : NULL;
    if (at)
        sscanf(at, "\nTgid: %d", &group);
    buf_clear(&text);
    free(path);
    return group == id;
}

/* ---- stops ---- */

static bool is_stop_signal(int signal)
{
    return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

static void see_exec(struct tracer *tracer, pid_t id)
{
    unsigned long former;
    if (ptrace(PTRACE_GETEVENTMSG, id, NULL, &former) == 0 && (pid_t)former != id)
        tracee_forget(tracer, (pid_t)former);
    tracee_forget(tracer, id); /* it has another name now */
}

static void handle_stop(struct tracer *tracer, pid_t id, int status)
{
    int event = status >> 16, signal = WSTOPSIG(status);
    switch (event) {
    case PTRACE_EVENT_SECCOMP:
        see_call(tracer, id);
        break;
    case PTRACE_EVENT_EXEC:
        see_exec(tracer, id);
        break;
    case PTRACE_EVENT_EXIT:
        if (is_first_thread(id))
            see_maps(tracer, id);
        break;
    case PTRACE_EVENT_STOP:
        if (is_stop_signal(signal)) {
            ptrace(PTRACE_LISTEN, id, NULL, NULL);
            return;
        }
        break;
    default:
        break;
    }
    ptrace(PTRACE_CONT, id, NULL, (void *)(long)(event ? 0 : signal));
}

static int exit_status(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The command has ended; others that it started may run on. */
static void command_ended(struct tracer *tracer, int status)
{
    tracer->status = exit_status(status);
    signal_target = 0;
}

static void kill_all(const struct tracer *tracer)
{
    if (tracer->status < 0)
        kill(tracer->command, SIGKILL);
    for (size_t i = 0; i < tracer->count; i++)
        kill(tracer->tracees[i].id, SIGKILL);
}

/* waitpid() that looks a while before it sleeps: what is watched mostly stops again at once, and
 * waking another processor for each stop takes longer than all the rest. */
static pid_t await_stop(int *status, int flags)
{
    static long processors;
    if (!processors)
        processors = sysconf(_SC_NPROCESSORS_ONLN);
    for (int n = 0; processors > 1 && n < SPINS; n++) {
        pid_t id = waitpid(-1, status, flags | WNOHANG);
        if (id != 0)
            return id;
    }
    return waitpid(-1, status, flags);
}

static void trace_all(struct tracer *tracer)
{
    bool said = false;
    for (;;) {
        int status;
        if (interrupts > (tracer->status < 0 ? 1 : 0))
            kill_all(tracer);
        pid_t id = await_stop(&status, __WALL | (tracer->status < 0 || said ? 0 : WNOHANG));
        if (id == 0) {
            said = true;
            interrupts = 0;
            say("the command has ended, but something that it started runs on; Ctrl-C ends it");
        } else if (id < 0 && errno != EINTR) {
            return;
        } else if (id > 0 && WIFSTOPPED(status)) {
            handle_stop(tracer, id, status);
        } else if (id > 0) {
            tracee_forget(tracer, id);
            if (id == tracer->command)
                command_ended(tracer, status);
        }
    }
}

static void tracer_clear(struct tracer *tracer)
{
    for (size_t i = 0; i < tracer->count; i++)
        free(tracer->tracees[i].name);
    free(tracer->tracees);
}

/* Starts to follow the child and lets it go on. */
static bool seize(pid_t child, int go, struct error *err)
{
    const long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                         PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT |
                         PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SEIZE, child, NULL, (void *)options) == 0)
        return write(go, "", 1) == 1;
    error_errno(err, "this host doesn't let a program be watched (ptrace)");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return false;
}

int tracer_run(const struct tracer_command *command, struct gather *gather, struct error *err)
{
    int go[2], problem[2], why = 0;
    if (pipe2(go, O_CLOEXEC) || pipe2(problem, O_CLOEXEC))
        return error_errno(err, "pipe") - 1;
    pid_t child = fork();
    if (child == 0)
        child_run(command, go[0], problem[1]);
    close(go[0]);
    close(problem[1]);
    struct tracer tracer = {.gather = gather, .command = child, .status = -1};
    struct sigaction old[FORWARDED];
    bool good = child > 0 ? seize(child, go[1], err) : error_errno(err, "fork");
    if (good) {
        tracee_get(&tracer, child)->name = mem_string(path_base(command->program));
        signals_take(child, old);
        trace_all(&tracer);
        signals_give_back(old);
    }
    close(go[1]);
    if (good && read(problem[0], &why, sizeof(why)) == sizeof(why)) {
        errno = why;
        good = error_errno(err, "can't run %s", command->program);
    }
    close(problem[0]);
    tracer_clear(&tracer);
    return good ? tracer.status : -1;
}
