/*
 * `orris instance`: machines in the background. `create` prepares an image as `run` does, then a
 * process of its own looks after the machine until it ends.
 */
#include "host/vmm/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/io.h"
#include "host/base/path.h"
#include "host/base/say.h"
#include "host/cmd/cmd.h"
#include "host/cmd/start.h"
#include "host/cmd/table.h"
#include "host/vmm/qmp.h"

#define FOLLOW_STEP_NS 200000000
#define COPY_SIZE 65536u

static int failure(const struct error *err)
{
    say_lines(SAY_QUIET, err->text);
    return CMD_FAILURE;
}

/* ---- create ---- */

/* In the child: standard input is empty, output goes to the log. */
static bool take_streams(const struct instance *instance)
{
    char *path = instance_file(instance, "log");
    int log = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    free(path);
    return log >= 0 && null >= 0 && dup2(null, 0) == 0 && dup2(log, 1) == 1 && dup2(log, 2) == 2;
}

/* In the child: looks after the machine. Never returns. */
static void look_after(struct instance *instance, const char *image_path,
                       const struct run_options *options, int started)
{
    struct error err = {0};
    struct run_options own = *options;
    setsid();
    instance->pid = getpid();
    own.qmp_fd = qmp_listen(instance->folder, "qmp", &err);
    own.started_fd = started;
    if (!take_streams(instance) || own.qmp_fd < 0 || !instance_save(instance, &err)) {
        say_lines(SAY_QUIET, err.text);
        _exit(CMD_RUN_FAILED);
    }
    instance->status = vmm_run(image_path, &own, &err);
    if (err.text[0])
        say_lines(SAY_QUIET, err.text);
    instance->ended = time(NULL);
    instance_save(instance, &err);
    _exit(instance->status);
}

static void show_file(const char *path)
{
    struct buf text = {0};
    struct error err;
    if (io_read_file(path, &text, &err))
        fwrite(text.data, 1, text.size, stderr);
    buf_clear(&text);
}

/* The machine ended before its program began. */
static int create_failed(struct instance *instance, pid_t pid)
{
    int status = 0;
    struct error err;
    char *log = instance_file(instance, "log");
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    show_file(log);
    say_error("%s did not start", instance->name);
    if (!instance_delete(instance, &err))
        say_lines(SAY_QUIET, err.text);
    free(log);
    return CMD_FAILURE;
}

/* Called when image and options are ready. */
static int create_launch(const char *image_path, const struct run_options *options,
                         const char *name)
{
    struct instance instance;
    struct error err = {0};
    int channel[2], lock = instance_create(name, image_path, &instance, &err);
    if (lock < 0 || pipe2(channel, O_CLOEXEC) != 0) {
        say_lines(SAY_QUIET, lock < 0 ? err.text : strerror(errno));
        instance_clear(&instance);
        return CMD_FAILURE;
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        look_after(&instance, image_path, options, channel[1]);
    close(channel[1]);
    close(lock);
    char byte;
    bool started = pid > 0 && read(channel[0], &byte, 1) == 1;
    close(channel[0]);
    int result = CMD_OK;
    if (started)
        print("%s\n", instance.name);
    else
        result = create_failed(&instance, pid);
    instance_clear(&instance);
    return result;
}

static int create_run(const struct verb *verb, int argc, char **argv)
{
    struct start_flags flags = {.launch = create_launch, .takes_name = true};
    return start_program(verb, &flags, argc, argv);
}

/* ---- list, stats ---- */

/* "running", "exited 3", or "lost": the tool that looked after it was killed. */
static char *state_text(const struct instance *it)
{
    if (it->running)
        return mem_string("running");
    return it->ended ? mem_printf("exited %d", it->status) : mem_string("lost");
}

static int list_run(const struct verb *verb, int argc, char **argv)
{
    static const struct column columns[] = {{"NAME", COLUMN_TEXT},  {"STATUS", COLUMN_TEXT},
                                            {"PID", COLUMN_NUMBER}, {"CREATED", COLUMN_TIME},
                                            {"ENDED", COLUMN_TIME}, {"IMAGE", COLUMN_TEXT},
                                            {NULL, COLUMN_TEXT}};
    struct table table = {.columns = columns};
    struct instance_list list = {0};
    struct error err = {0};
    bool json = false;
    if (!table_flags(&argc, argv, &json))
        return cmd_unknown_flag(verb, argv[1]);
    if (argc > 1)
        return cmd_usage(verb, "unexpected argument %s", argv[1]);
    bool good = instance_list_load(&list, &err);
    for (size_t i = 0; i < list.count; i++) {
        const struct instance *it = &list.items[i];
        char *state = state_text(it);
        table_text(&table, it->name);
        table_text(&table, state);
        table_number(&table, it->running ? it->pid : -1);
        table_number(&table, it->created);
        table_number(&table, it->running || !it->ended ? -1 : it->ended);
        table_text(&table, it->image);
        free(state);
    }
    instance_list_clear(&list);
    bool printed = table_print(&table, json);
    return !good ? failure(&err) : printed ? CMD_OK : CMD_FAILURE;
}

/* QEMU's process: the child of the tool that looks after it. */
static pid_t machine_pid(const struct instance *it)
{
    char *path = mem_printf("/proc/%d/task/%d/children", (int)it->pid, (int)it->pid);
    struct buf text = {0};
    struct error err;
    pid_t pid = io_read_file(path, &text, &err) && text.size ? (pid_t)atoi(text.data) : 0;
    buf_clear(&text);
    free(path);
    return pid;
}

/* Processor time and memory of a process, from /proc/PID/stat. */
static void measure(pid_t pid, int64_t *cpu_ms, int64_t *memory)
{
    char *path = mem_printf("/proc/%d/stat", (int)pid);
    struct buf text = {0};
    struct error err;
    unsigned long user = 0, system = 0;
    long pages = 0;
    const char *rest =
        io_read_file(path, &text, &err) && text.size ? strrchr(text.data, ')') : NULL;
    if (rest && sscanf(rest,
                       ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d "
                       "%*d %*u %*u %ld",
                       &user, &system, &pages) == 3) {
        *cpu_ms = (int64_t)((user + system) * 1000 / (unsigned long)sysconf(_SC_CLK_TCK));
        *memory = pages * sysconf(_SC_PAGESIZE);
    }
    buf_clear(&text);
    free(path);
}

static void stats_row(struct table *table, const struct instance *it)
{
    struct error err;
    int64_t cpu_ms = -1, memory = -1;
    json_t *answer = qmp_execute(it->folder, "qmp", "query-status", &err);
    const char *state = json_string_value(json_object_get(answer, "status"));
    pid_t pid = machine_pid(it);
    if (pid > 0)
        measure(pid, &cpu_ms, &memory);
    table_text(table, it->name);
    table_text(table, state ? state : "unknown");
    table_number(table, time(NULL) - it->created);
    table_number(table, cpu_ms);
    table_number(table, memory);
    json_decref(answer);
}

static int stats_run(const struct verb *verb, int argc, char **argv)
{
    static const struct column columns[] = {{"NAME", COLUMN_TEXT},      {"MACHINE", COLUMN_TEXT},
                                            {"SECONDS", COLUMN_NUMBER}, {"CPU MS", COLUMN_NUMBER},
                                            {"MEMORY", COLUMN_BYTES},   {NULL, COLUMN_TEXT}};
    struct table table = {.columns = columns};
    struct instance_list list = {0};
    struct error err = {0};
    bool json = false;
    if (!table_flags(&argc, argv, &json))
        return cmd_unknown_flag(verb, argv[1]);
    bool good = instance_list_load(&list, &err);
    for (size_t i = 0; i < list.count; i++) {
        bool wanted = argc < 2;
        for (int k = 1; k < argc; k++)
            wanted |= strcmp(argv[k], list.items[i].name) == 0;
        if (wanted && list.items[i].running)
            stats_row(&table, &list.items[i]);
    }
    instance_list_clear(&list);
    bool printed = table_print(&table, json);
    return !good ? failure(&err) : printed ? CMD_OK : CMD_FAILURE;
}

/* ---- logs ---- */

/* Copies what there is from *at on. */
static bool copy_log(int fd, off_t *at)
{
    char *data = mem_alloc(COPY_SIZE);
    ssize_t n = 0;
    bool good = true;
    while (good && (n = io_pread(fd, data, COPY_SIZE, *at)) > 0) {
        good = io_write(STDOUT_FILENO, data, (size_t)n);
        *at += n;
    }
    free(data);
    return good && n == 0;
}

static bool show_log(const struct instance *instance, bool follow, struct error *err)
{
    const struct timespec step = {.tv_nsec = FOLLOW_STEP_NS};
    char *path = instance_file(instance, "log");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    off_t at = 0;
    bool good = fd >= 0, more = true;
    while (good && more) {
        more = follow && instance_runs(instance); /* before: what comes after its end is the end */
        good = copy_log(fd, &at);
        if (more)
            nanosleep(&step, NULL);
    }
    if (!good)
        error_errno(err, "%s", path);
    if (fd >= 0)
        close(fd);
    free(path);
    return good;
}

static int logs_run(const struct verb *verb, int argc, char **argv)
{
    struct instance instance = {0};
    struct error err = {0};
    bool follow = false;
    const char *name = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-f") == 0 || strcmp(argv[i], "--follow") == 0)
            follow = true;
        else if (argv[i][0] == '-')
            return cmd_unknown_flag(verb, argv[i]);
        else if (name)
            return cmd_usage(verb, "unexpected argument %s", argv[i]);
        else
            name = argv[i];
    }
    if (!name)
        return cmd_usage(verb, "no instance is named");
    bool good = instance_load(name, &instance, &err) && show_log(&instance, follow, &err);
    instance_clear(&instance);
    return good ? CMD_OK : failure(&err);
}

/* ---- stop, delete ---- */

static bool stop_one(struct instance *instance, bool force, struct error *err)
{
    (void)force;
    return instance_stop(instance, err);
}

static bool delete_one(struct instance *instance, bool force, struct error *err)
{
    if (instance->running && !force)
        return error_set(err, "%s runs; `orris instance stop %s` ends it, or --force",
                         instance->name, instance->name);
    return instance_stop(instance, err) && instance_delete(instance, err);
}

/* Does it with each that is named. */
static int for_each(const struct verb *verb, int argc, char **argv, bool may_force,
                    bool (*action)(struct instance *instance, bool force, struct error *err))
{
    bool force = false, good = true;
    int names = 0;
    for (int i = 1; i < argc; i++) {
        if (may_force && (strcmp(argv[i], "--force") == 0 || strcmp(argv[i], "-f") == 0))
            force = true;
        else if (argv[i][0] == '-')
            return cmd_unknown_flag(verb, argv[i]);
        else
            argv[1 + names++] = argv[i];
    }
    if (!names)
        return cmd_usage(verb, "no instance is named");
    for (int i = 0; i < names; i++) {
        struct instance instance;
        struct error err = {0};
        bool done = instance_load(argv[1 + i], &instance, &err) && action(&instance, force, &err);
        if (!done)
            say_lines(SAY_QUIET, err.text);
        good &= done;
        instance_clear(&instance);
    }
    return good ? CMD_OK : CMD_FAILURE;
}

static int stop_run(const struct verb *verb, int argc, char **argv)
{
    return for_each(verb, argc, argv, false, stop_one);
}

static int delete_run(const struct verb *verb, int argc, char **argv)
{
    return for_each(verb, argc, argv, true, delete_one);
}

static const char create_help[] =
    "Prepares an image as `orris run` does and leaves the machine running; prints the instance's\n"
    "name when the program has begun. Its standard input is empty; what it writes is in its log.\n"
    "PROGRAM may be an image: a name that ends in .img.\n"
    "\n"
    "      --name NAME      the instance's name (default: the image's)\n";

const struct verb verb_instance_create = {
    .name = "instance create",
    .usage = "[FLAGS] PROGRAM [ARG…]",
    .summary = "Run a program in a machine in the background.",
    .help = {create_help, app_flags_help, start_flags_help},
    .run = create_run,
};

const struct verb verb_instance_list = {
    .name = "instance list",
    .usage = "[--json]",
    .summary = "List machines in the background.",
    .help = {"      --json           an array of objects\n"},
    .run = list_run,
};

const struct verb verb_instance_logs = {
    .name = "instance logs",
    .usage = "[-f] NAME",
    .summary = "Print what an instance has written.",
    .help = {"  -f, --follow         go on until it ends\n"},
    .run = logs_run,
};

const struct verb verb_instance_stats = {
    .name = "instance stats",
    .usage = "[--json] [NAME…]",
    .summary = "Show what running instances use.",
    .help = {"Shows the machine's state, seconds since the start, processor time and memory.\n"
             "\n"
             "      --json           an array of objects\n"},
    .run = stats_run,
};

const struct verb verb_instance_stop = {
    .name = "instance stop",
    .usage = "NAME…",
    .summary = "End instances.",
    .help =
        {"The program gets a SIGTERM; after 10 seconds the machine goes off anyway. Waits until\n"
         "it has. The log stays.\n"},
    .run = stop_run,
};

const struct verb verb_instance_delete = {
    .name = "instance delete",
    .usage = "[--force] NAME…",
    .summary = "Remove instances that have ended, with their logs.",
    .help = {"  -f, --force          end those that still run\n"},
    .run = delete_run,
};
