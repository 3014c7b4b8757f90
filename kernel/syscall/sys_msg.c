/* System V message queues: arguments; the work is in kernel/ipc/msg.c. */
#include <linux/ipc.h>

#include "kernel/ipc/msg.h"
#include "kernel/syscall/syscall.h"

int64_t sys_msgget(unsigned key, unsigned flags)
{
    return msg_get((int32_t)key, flags);
}

/* struct msgbuf: the type, then the text. */
int64_t sys_msgsnd(int id, struct uptr from, size_t size, unsigned flags)
{
    int64_t type;
    struct message *m;
    int err = copy_from_user(&type, from, sizeof(type));
    if (err)
        return err;
    if (size > msg_limits.message_bytes || id < 0 || type < 1)
        return -EINVAL;
    err = message_load(type, uptr_add(from, sizeof(type)), size, &m);
    if (err)
        return err;
    int64_t result = msg_send(id, m, flags);
    if (result)
        message_free(m);
    return result;
}

/* As on Linux, a message is gone also if it can't be copied to the program. */
int64_t sys_msgrcv(int id, struct uptr to, size_t size, int64_t type, unsigned flags)
{
    struct message *m;
    if (id < 0 || (int64_t)size < 0)
        return -EINVAL;
    int64_t result = msg_receive(id, size, type, flags, &m);
    if (result)
        return result;
    size_t part = min_u64(m->size, size);
    result = (int64_t)part;
    if (copy_to_user(to, &m->type, sizeof(m->type)) ||
        message_store(m, uptr_add(to, sizeof(m->type)), part))
        result = -EFAULT;
    message_free(m);
    return result;
}

static int64_t stat(int id, int command, struct uptr to)
{
    struct msqid64_ds stat;
    int64_t result = msg_stat(id, command != IPC_STAT, command == MSG_STAT_ANY, &stat);
    if (result >= 0 && copy_to_user(to, &stat, sizeof(stat)))
        return -EFAULT;
    return result;
}

static int64_t info(int command, struct uptr to)
{
    struct msg_totals totals;
    msg_get_totals(&totals);
    bool used = command == MSG_INFO;
    struct msginfo info = {.msgpool = used ? (int)totals.queues : MSGPOOL,
                           .msgmap = used ? (int)totals.messages : MSGMAP,
                           .msgmax = (int)msg_limits.message_bytes,
                           .msgmnb = (int)msg_limits.queue_bytes,
                           .msgmni = (int)msg_table.limit,
                           .msgssz = MSGSSZ,
                           .msgtql = used ? (int)totals.bytes : MSGTQL,
                           .msgseg = (unsigned short)MSGSEG};
    return copy_to_user(to, &info, sizeof(info)) ? -EFAULT : totals.highest;
}

int64_t sys_msgctl(int id, int command, struct uptr at)
{
    struct msqid64_ds stat_in;
    if (id < 0 || command < 0)
        return -EINVAL;
    switch (command) {
    case IPC_INFO:
    case MSG_INFO:
        return info(command, at);
    case IPC_STAT:
    case MSG_STAT:
    case MSG_STAT_ANY:
        return stat(id, command, at);
    case IPC_SET:
        return copy_from_user(&stat_in, at, sizeof(stat_in)) ? -EFAULT : msg_set(id, &stat_in);
    case IPC_RMID:
        return msg_remove(id);
    default:
        return -EINVAL;
    }
}
