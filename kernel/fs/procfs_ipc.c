/* /proc/sysvipc, and the limits of System V IPC, POSIX message queues and others in /proc/sys. */
#include <linux/capability.h>

#include "kernel/base/errno.h"
#include "kernel/fd/aio.h"
#include "kernel/fs/procfs.h"
#include "kernel/ipc/mqueue.h"
#include "kernel/ipc/msg.h"
#include "kernel/ipc/sem.h"
#include "kernel/ipc/shm.h"
#include "kernel/sched/thread.h"
#include "kernel/vfs/permission.h"

static void shm_text(struct text *out, pseudo_key_t key)
{
    (void)key;
    text_string(out,
                "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  "
                "cuid  cgid      atime      dtime      ctime                   rss            "
                "      swap\n");
    struct shmid64_ds s;
    int id;
    uint64_t resident;
    for (uint32_t place = 0; shm_next(place, &s, &id, &resident); place = ipc_index(id) + 1) {
        const struct ipc64_perm *p = &s.shm_perm;
        text_format(out, "%10d %10d  %4o %21lu %5d %5d  %5lu", p->key, id, p->mode,
                    (uint64_t)s.shm_segsz, s.shm_cpid, s.shm_lpid, s.shm_nattch);
        text_format(out, " %5u %5u %5u %5u %10lu %10lu %10lu %21lu %21lu\n", p->uid, p->gid,
                    p->cuid, p->cgid, s.shm_atime, s.shm_dtime, s.shm_ctime, resident, 0ul);
        cond_resched();
    }
}

static void sem_text(struct text *out, pseudo_key_t key)
{
    (void)key;
    text_string(out,
                "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      "
                "ctime\n");
    struct semid64_ds s;
    int id;
    for (uint32_t place = 0; sem_next(place, &s, &id); place = ipc_index(id) + 1) {
        const struct ipc64_perm *p = &s.sem_perm;
        text_format(out, "%10d %10d  %4o %10lu %5u %5u %5u %5u %10lu %10lu\n", p->key, id, p->mode,
                    s.sem_nsems, p->uid, p->gid, p->cuid, p->cgid, s.sem_otime, s.sem_ctime);
        cond_resched();
    }
}

static void msg_text(struct text *out, pseudo_key_t key)
{
    (void)key;
    text_string(out, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  "
                     "cuid  cgid      stime      rtime      ctime\n");
    struct msqid64_ds s;
    int id;
    for (uint32_t place = 0; msg_next(place, &s, &id); place = ipc_index(id) + 1) {
        const struct ipc64_perm *p = &s.msg_perm;
        text_format(out, "%10d %10d  %4o  %10lu %10lu %5d %5d", p->key, id, p->mode, s.msg_cbytes,
                    s.msg_qnum, s.msg_lspid, s.msg_lrpid);
        text_format(out, " %5u %5u %5u %5u %10lu %10lu %10lu\n", p->uid, p->gid, p->cuid, p->cgid,
                    s.msg_stime, s.msg_rtime, s.msg_ctime);
        cond_resched();
    }
}

static const struct pseudo_entry sysvipc_entries[] = {PSEUDO_FILE("msg", msg_text),
                                                      PSEUDO_FILE("sem", sem_text),
                                                      PSEUDO_FILE("shm", shm_text), PSEUDO_END};
const struct pseudo_dir proc_sysvipc_dir = {.entries = sysvipc_entries};

/* Limits: decimal numbers. */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\0';
}

/* The next number of text, which ends with a NUL. Returns 0 or -EINVAL: none, or beyond max. */
static int number_next(const char **text, uint64_t max, uint64_t *out)
{
    const char *c = *text;
    uint64_t value = 0;
    while (*c && is_blank(*c))
        c++;
    const char *start = c;
    for (; *c >= '0' && *c <= '9'; c++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*c - '0'), &value))
            return -EINVAL;
    if (c == start || !is_blank(*c) || value > max)
        return -EINVAL;
    *text = c;
    *out = value;
    return 0;
}

static int number_write(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    uint64_t value;
    int err = number_next(&text, max, &value);
    if (!err && value < min)
        err = -EINVAL;
    if (!err)
        *out = value;
    return err;
}

/* Two functions for a limit: its text, and what takes a new one between min and max. */
#define LIMIT(scope, name, variable, min, max)                                                     \
    scope void proc_##name##_text(struct text *out, pseudo_key_t key)                              \
    {                                                                                              \
        (void)key;                                                                                 \
        text_format(out, "%lu\n", (uint64_t)(variable));                                           \
    }                                                                                              \
    scope int proc_##name##_write(pseudo_key_t key, const char *bytes, size_t length)              \
    {                                                                                              \
        uint64_t value;                                                                            \
        (void)key, (void)length;                                                                   \
        int err = number_write(bytes, min, max, &value);                                           \
        if (!err)                                                                                  \
            (variable) = (typeof(variable))value;                                                  \
        return err;                                                                                \
    }

LIMIT(extern, msgmax, msg_limits.message_bytes, 0, INT32_MAX)
LIMIT(extern, msgmnb, msg_limits.queue_bytes, 0, INT32_MAX)
LIMIT(extern, msgmni, msg_table.limit, 0, IPC_OBJECTS_MAX)
LIMIT(extern, shmall, shm_limits.pages, 0, UINT64_MAX)
LIMIT(extern, shmmax, shm_limits.bytes, 0, UINT64_MAX)
LIMIT(extern, shmmni, shm_table.limit, 0, IPC_OBJECTS_MAX)
LIMIT(extern, aio_max, aio_requests_max, 0, UINT64_MAX)
LIMIT(extern, hardlinks, protected_hardlinks, 0, 1)

void proc_aio_nr_text(struct text *out, pseudo_key_t key)
{
    (void)key;
    text_format(out, "%lu\n", aio_requests);
}

void proc_sem_text(struct text *out, pseudo_key_t key)
{
    (void)key;
    text_format(out, "%d\t%d\t%d\t%u\n", sem_limits.per_set, sem_limits.total,
                sem_limits.operations, sem_table.limit);
}

/* As many of the four as are written; none if one is no number that can be. */
int proc_sem_write(pseudo_key_t key, const char *bytes, size_t length)
{
    uint64_t values[4] = {(uint64_t)sem_limits.per_set, (uint64_t)sem_limits.total,
                          (uint64_t)sem_limits.operations, sem_table.limit};
    const char *end = bytes + length;
    (void)key;
    for (int i = 0; i < 4; i++) {
        while (bytes < end && is_blank(*bytes))
            bytes++;
        int err = bytes < end ? number_next(&bytes, INT32_MAX, &values[i]) : 0;
        if (err)
            return err;
    }
    if (values[3] > IPC_OBJECTS_MAX)
        return -EINVAL;
    sem_limits = (struct sem_limits){(int)values[0], (int)values[1], (int)values[2]};
    sem_table.limit = (uint32_t)values[3];
    return 0;
}

LIMIT(static, mq_queues, mqueue_limits.queues, 0, INT32_MAX)
LIMIT(static, mq_messages, mqueue_limits.messages, 1, MQUEUE_MESSAGES_MAX)
LIMIT(static, mq_bytes, mqueue_limits.message_bytes, MQUEUE_BYTES_MIN, MQUEUE_BYTES_MAX)
LIMIT(static, mq_default_messages, mqueue_limits.default_messages, 1, MQUEUE_MESSAGES_MAX)
LIMIT(static, mq_default_bytes, mqueue_limits.default_bytes, MQUEUE_BYTES_MIN, MQUEUE_BYTES_MAX)

#define LIMIT_FILE(file_name, name)                                                                \
    PSEUDO_FILE_MODE(file_name, 0644, proc_##name##_text, proc_##name##_write)

static const struct pseudo_entry mqueue_entries[] = {
    LIMIT_FILE("msg_default", mq_default_messages),
    LIMIT_FILE("msg_max", mq_messages),
    LIMIT_FILE("msgsize_default", mq_default_bytes),
    LIMIT_FILE("msgsize_max", mq_bytes),
    LIMIT_FILE("queues_max", mq_queues),
    PSEUDO_END};
const struct pseudo_dir proc_sys_mqueue_dir = {.entries = mqueue_entries};
