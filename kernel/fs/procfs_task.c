/* /proc/PID and /proc/PID/task/TID: the tables, and the small files in them. */
#include <linux/capability.h>
#include <linux/resource.h>

#include "kernel/base/errno.h"
#include "kernel/base/format.h"
#include "kernel/base/string.h"
#include "kernel/fs/procfs.h"
#include "kernel/proc/task.h"

#define OOM_MAX 1000

static void proc_comm(struct text *out, pseudo_key_t key)
{
    struct task_snapshot t;
    if (task_snapshot_of(key, &t))
        text_format(out, "%s\n", t.name);
}

static int write_comm(pseudo_key_t key, const char *bytes, size_t length)
{
    spin_lock(&the_proc.task_lock);
    struct task *task = task_find((int)pseudo_number(key));
    if (task) {
        memset(task->name, 0, sizeof(task->name));
        format(task->name, sizeof(task->name), "%.*s", (int)length, bytes);
    }
    spin_unlock(&the_proc.task_lock);
    return task ? 0 : -ESRCH;
}

struct limit_row {
    const char *name, *unit;
};

static const struct limit_row limit_rows[] = {
    [RLIMIT_CPU] = {"Max cpu time", "seconds"},
    [RLIMIT_FSIZE] = {"Max file size", "bytes"},
    [RLIMIT_DATA] = {"Max data size", "bytes"},
    [RLIMIT_STACK] = {"Max stack size", "bytes"},
    [RLIMIT_CORE] = {"Max core file size", "bytes"},
    [RLIMIT_RSS] = {"Max resident set", "bytes"},
    [RLIMIT_NPROC] = {"Max processes", "processes"},
    [RLIMIT_NOFILE] = {"Max open files", "files"},
    [RLIMIT_MEMLOCK] = {"Max locked memory", "bytes"},
    [RLIMIT_AS] = {"Max address space", "bytes"},
    [RLIMIT_LOCKS] = {"Max file locks", "locks"},
    [RLIMIT_SIGPENDING] = {"Max pending signals", "signals"},
    [RLIMIT_MSGQUEUE] = {"Max msgqueue size", "bytes"},
    [RLIMIT_NICE] = {"Max nice priority", ""},
    [RLIMIT_RTPRIO] = {"Max realtime priority", ""},
    [RLIMIT_RTTIME] = {"Max realtime timeout", "us"},
};

static void put_limit(struct text *out, uint64_t limit)
{
    if (limit == ~0ul)
        text_format(out, "%-20s ", "unlimited");
    else
        text_format(out, "%-20lu ", limit);
}

static void proc_limits(struct text *out, pseudo_key_t key)
{
    (void)key;
    text_format(out, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (size_t i = 0; i < ARRAY_SIZE(limit_rows); i++) {
        text_format(out, "%-25s ", limit_rows[i].name);
        put_limit(out, the_proc.limits[i][0]);
        put_limit(out, the_proc.limits[i][1]);
        text_format(out, *limit_rows[i].unit ? "%-10s\n" : "%s\n", limit_rows[i].unit);
    }
}

static void proc_schedstat(struct text *out, pseudo_key_t key)
{
    struct task_snapshot t;
    if (task_snapshot_of(key, &t))
        text_format(out, "%lu 0 %lu\n", t.cpu_ns, t.voluntary_switches + t.involuntary_switches);
}

static void proc_timerslack(struct text *out, pseudo_key_t key)
{
    struct task_snapshot t;
    if (task_snapshot_of(key, &t))
        text_format(out, "%lu\n", t.slack_ns);
}

static const char *skip_blanks(const char *c)
{
    while (*c && strchr(" \t\n", *c))
        c++;
    return c;
}

/* A decimal number with blanks around it, and nothing else. */
static bool read_integer(const char *bytes, int64_t *number)
{
    const char *c = skip_blanks(bytes);
    bool negative = *c == '-';
    const char *digits = c += negative;
    for (*number = 0; *c >= '0' && *c <= '9'; c++)
        if (*number < INT32_MAX)
            *number = *number * 10 + (*c - '0');
    *number = negative ? -*number : *number;
    return c > digits && !*skip_blanks(c);
}

static int write_timerslack(pseudo_key_t key, const char *bytes, size_t length)
{
    int64_t slack;
    (void)key, (void)length;
    if (!read_integer(bytes, &slack) || slack < 0)
        return -EINVAL;
    spin_lock(&the_proc.task_lock);
    struct task *task = task_find(PROC_PID);
    if (task)
        task->timer_slack_ns = slack ? (uint64_t)slack : DEFAULT_SLACK_NS;
    spin_unlock(&the_proc.task_lock);
    return task ? 0 : -ESRCH;
}

/* Whom to end when memory is gone: there is only one. What is asked for is kept, as on Linux. */
static int oom_score, oom_score_min;

static void proc_oom_score_adj(struct text *out, pseudo_key_t key)
{
    (void)key;
    text_format(out, "%d\n", oom_score);
}

static void proc_oom_adj(struct text *out, pseudo_key_t key)
{
    (void)key;
    text_format(out, "%d\n", oom_score == OOM_MAX ? 15 : oom_score * 17 / OOM_MAX);
}

static int set_oom_score(int64_t score)
{
    if (score < oom_score_min && !capable(CAP_SYS_RESOURCE))
        return -EACCES;
    oom_score = (int)score;
    if (capable(CAP_SYS_RESOURCE))
        oom_score_min = oom_score;
    return 0;
}

static int write_oom_score_adj(pseudo_key_t key, const char *bytes, size_t length)
{
    int64_t score;
    (void)key, (void)length;
    bool fine = read_integer(bytes, &score) && score >= -OOM_MAX && score <= OOM_MAX;
    return fine ? set_oom_score(score) : -EINVAL;
}

static int write_oom_adj(pseudo_key_t key, const char *bytes, size_t length)
{
    int64_t adj;
    (void)key, (void)length;
    bool fine = read_integer(bytes, &adj) && adj >= -17 && adj <= 15;
    return fine ? set_oom_score(adj == 15 ? OOM_MAX : adj * OOM_MAX / 17) : -EINVAL;
}

static bool next_tid(pseudo_key_t key, uint32_t *number)
{
    (void)key;
    struct task_snapshot t;
    if (*number > INT32_MAX || !task_snapshot_next((int)*number, &t))
        return false;
    *number = (uint32_t)t.tid;
    return true;
}

#define IO_TEXT                                                                                    \
    "rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: 0\nwrite_bytes: 0\n"                      \
    "cancelled_write_bytes: 0\n"

/* What a process and a thread have in common. */
#define COMMON_ENTRIES                                                                             \
    PSEUDO_FILE_MODE("auxv", 0400, proc_auxv, NULL), PSEUDO_FIXED("cgroup", "0::/\n"),             \
        PSEUDO_FILE("cmdline", proc_cmdline),                                                      \
        PSEUDO_FILE_MODE("comm", 0644, proc_comm, write_comm), PSEUDO_FIXED("cpuset", "/\n"),      \
        PSEUDO_OBJECT_LINK("cwd", &proc_cwd),                                                      \
        PSEUDO_FILE_MODE("environ", 0400, proc_environ, NULL),                                     \
        PSEUDO_OBJECT_LINK("exe", &proc_exe), PSEUDO_DIR("fd", &proc_fd_dir),                      \
        PSEUDO_DIR("fdinfo", &proc_fdinfo_dir), PSEUDO_FIXED_MODE("io", 0400, IO_TEXT, NULL),      \
        PSEUDO_FILE("limits", proc_limits), PSEUDO_FIXED("loginuid", "4294967295"),                \
        PSEUDO_FILE("maps", proc_maps), PSEUDO_FILE("mountinfo", proc_mountinfo),                  \
        PSEUDO_FILE_MODE("mem", 0600, NULL, NULL), PSEUDO_FILE("mounts", proc_mounts),             \
        PSEUDO_DIR("net", &proc_net_dir),                                                          \
        PSEUDO_FILE_MODE("oom_adj", 0644, proc_oom_adj, write_oom_adj),                            \
        PSEUDO_FIXED("oom_score", "0\n"),                                                          \
        PSEUDO_FILE_MODE("oom_score_adj", 0644, proc_oom_score_adj, write_oom_score_adj),          \
        PSEUDO_FIXED_MODE("personality", 0400, "00000000\n", NULL),                                \
        PSEUDO_OBJECT_LINK("root", &proc_rootfs), PSEUDO_FILE("schedstat", proc_schedstat),        \
        PSEUDO_FIXED("sessionid", "4294967295"), PSEUDO_FILE("smaps", proc_smaps),                 \
        PSEUDO_FILE("smaps_rollup", proc_smaps_rollup), PSEUDO_FILE("stat", proc_stat),            \
        PSEUDO_FILE("statm", proc_statm), PSEUDO_FILE("status", proc_status),                      \
        PSEUDO_FIXED("wchan", "0")

static const struct pseudo_entry thread_entries[] = {COMMON_ENTRIES, PSEUDO_END};
static const struct pseudo_dir thread_dir = {.entries = thread_entries};
static const struct pseudo_entry thread_child = PSEUDO_DIR("", &thread_dir);
static const struct pseudo_dir task_dir = {.child = &thread_child, .next = next_tid};

static const struct pseudo_entry process_entries[] = {
    COMMON_ENTRIES,
    PSEUDO_FIXED("coredump_filter", "00000033\n"),
    PSEUDO_FIXED_MODE("gid_map", 0644, "         0          0 4294967295\n", NULL),
    PSEUDO_FIXED_MODE("setgroups", 0644, "allow\n", NULL),
    PSEUDO_DIR("task", &task_dir),
    PSEUDO_FILE_MODE("timerslack_ns", 0666, proc_timerslack, write_timerslack),
    PSEUDO_FIXED_MODE("uid_map", 0644, "         0          0 4294967295\n", NULL),
    PSEUDO_END};
/* The program's user, or root where that user has no right to look into it. */
static void process_owner(struct inode *inode, pseudo_key_t key)
{
    (void)key;
    const struct cred *cred = cred_current();
    inode->uid = the_proc.dumpable ? cred->uid[CRED_EFFECTIVE] : 0;
    inode->gid = the_proc.dumpable ? cred->gid[CRED_EFFECTIVE] : 0;
}

const struct pseudo_dir proc_process_dir = {.entries = process_entries, .owner = process_owner};
