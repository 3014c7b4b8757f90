/* System V message queues. See msg.h. */
#include "kernel/ipc/msg.h"

#include <linux/capability.h>
#include <linux/ipc.h>

#include "kernel/base/errno.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/task.h"

#define WAITING 1 /* msg_wait.result: nothing has happened */
#define AGAIN 2   /* something has changed: look again */

struct msg_queue {
    struct ipc_object object;
    int64_t stime, rtime, ctime;
    uint64_t bytes, count, bytes_max;
    int lspid, lrpid;
    struct list_node messages;           /* struct message.node */
    struct list_node senders, receivers; /* struct msg_wait.node: who waits */
};

/* What messages a receiver takes. */
struct msg_wanted {
    int64_t type;
    size_t size_max;
    unsigned flags;
};

struct msg_wait {
    struct list_node node;
    struct waiter waiter;
    struct msg_wanted wanted; /* receivers */
    struct message *message;  /* what a receiver got */
    int result;
};

struct msg_limits msg_limits = {.message_bytes = MSGMAX, .queue_bytes = MSGMNB};
struct ipc_table msg_table = {.limit = MSGMNI, .last = -1};
static uint64_t all_messages, all_bytes; /* of all queues; under ipc_lock */

static struct msg_queue *queue_of(struct ipc_object *o)
{
    return o ? container_of(o, struct msg_queue, object) : NULL;
}

static struct msg_queue *find(int id)
{
    return queue_of(ipc_find(&msg_table, id));
}

static int64_t create(int32_t key, unsigned flags)
{
    struct msg_queue *q = heap_zalloc_object(sizeof(*q));
    if (!q)
        return -ENOMEM;
    ipc_object_init(&q->object, key, flags);
    q->ctime = ipc_seconds();
    q->bytes_max = msg_limits.queue_bytes;
    list_init(&q->messages);
    list_init(&q->senders);
    list_init(&q->receivers);
    spin_lock(&ipc_lock);
    int64_t result = ipc_insert(&msg_table, &q->object);
    if (result == 0)
        result = q->object.id;
    spin_unlock(&ipc_lock);
    if (result < 0)
        heap_free(q);
    return result;
}

int64_t msg_get(int32_t key, unsigned flags)
{
    for (;;) {
        struct ipc_object *o;
        spin_lock(&ipc_lock);
        int64_t result = ipc_get(&msg_table, key, flags, &o);
        if (result == 0 && o)
            result = ipc_allowed(o, flags & IPC_MODE_BITS) ? o->id : -EACCES;
        spin_unlock(&ipc_lock);
        if (o || result < 0)
            return result;
        result = create(key, flags);
        if (result != -EEXIST) /* another thread was quicker */
            return result;
    }
}

/* Waiting. */

static void wait_begin(struct msg_wait *w, struct list_node *list)
{
    w->result = WAITING;
    waiter_init(&w->waiter, EVENTS_ANY);
    list_add_tail(list, &w->node);
}

static void finish(struct msg_wait *w, int result)
{
    list_remove(&w->node);
    w->result = result;
    waiter_signal(&w->waiter);
}

static void finish_all(struct list_node *list, int result)
{
    list_for_each_safe(node, next, list) finish(list_entry(node, struct msg_wait, node), result);
}

/* Sleeps. Returns what the waker said (AGAIN, 0, -errno), or -EINTR. */
static int wait_end(struct msg_wait *w)
{
    for (;;) {
        waiter_arm(&w->waiter);
        if (w->result != WAITING)
            return w->result;
        if (!waiter_sleep(&w->waiter, DEADLINE_NONE, true))
            continue;
        spin_lock(&ipc_lock);
        list_remove(&w->node);
        spin_unlock(&ipc_lock);
        if (w->result == WAITING)
            return -EINTR;
    }
}

/* Sending. */

static bool matches(const struct msg_wanted *wanted, const struct message *m)
{
    if (wanted->type == 0)
        return true;
    if (wanted->type < 0)
        return m->type <= -wanted->type;
    return (m->type == wanted->type) != ((wanted->flags & MSG_EXCEPT) != 0);
}

static bool fits(const struct msg_wanted *wanted, const struct message *m)
{
    return m->size <= wanted->size_max || wanted->flags & MSG_NOERROR;
}

/* Gives m to the first receiver that waits for one like it. */
static bool deliver(struct msg_queue *q, struct message *m)
{
    list_for_each_safe(node, next, &q->receivers)
    {
        struct msg_wait *w = list_entry(node, struct msg_wait, node);
        if (!matches(&w->wanted, m))
            continue;
        if (!fits(&w->wanted, m)) {
            finish(w, -E2BIG);
            continue;
        }
        q->lrpid = PROC_PID;
        q->rtime = ipc_seconds();
        w->message = m;
        finish(w, 0);
        return true;
    }
    return false;
}

static void enqueue(struct msg_queue *q, struct message *m)
{
    list_add_tail(&q->messages, &m->node);
    q->count++;
    q->bytes += m->size;
    all_messages++;
    all_bytes += m->size;
}

static bool has_room(const struct msg_queue *q, size_t size)
{
    return size + q->bytes <= q->bytes_max && q->count + 1 <= q->bytes_max;
}

static int send_locked(struct msg_queue *q, struct message *m, unsigned flags, struct msg_wait *w)
{
    if (!ipc_allowed(&q->object, IPC_WRITE))
        return -EACCES;
    if (!has_room(q, m->size)) {
        if (flags & IPC_NOWAIT)
            return -EAGAIN;
        wait_begin(w, &q->senders);
        return WAITING;
    }
    q->lspid = PROC_PID;
    q->stime = ipc_seconds();
    if (!deliver(q, m))
        enqueue(q, m);
    return 0;
}

int64_t msg_send(int id, struct message *m, unsigned flags)
{
    struct msg_wait w = {0};
    int err = -EINVAL; /* what an unknown queue is */
    for (;;) {
        spin_lock(&ipc_lock);
        struct msg_queue *q = find(id);
        if (q)
            err = send_locked(q, m, flags, &w);
        spin_unlock(&ipc_lock);
        if (err == WAITING)
            err = wait_end(&w);
        if (err != AGAIN)
            return err;
        err = -EIDRM; /* if it is unknown by now */
    }
}

/* Receiving. */

/* The message that is wanted, or NULL: of types up to one, the lowest; with MSG_COPY, by place. */
static struct message *choose(const struct msg_queue *q, const struct msg_wanted *wanted)
{
    struct message *found = NULL;
    int64_t place = 0;
    list_for_each(node, &q->messages)
    {
        struct message *m = list_entry(node, struct message, node);
        if (wanted->flags & MSG_COPY) {
            if (place++ == wanted->type)
                return m;
        } else if (matches(wanted, m) && (!found || m->type < found->type)) {
            if (wanted->type >= 0 || m->type == 1)
                return m;
            found = m;
        }
    }
    return found;
}

static void dequeue(struct msg_queue *q, struct message *m)
{
    list_remove(&m->node);
    q->count--;
    q->bytes -= m->size;
    all_messages--;
    all_bytes -= m->size;
    q->rtime = ipc_seconds();
    q->lrpid = PROC_PID;
    finish_all(&q->senders, AGAIN);
}

static int receive_locked(struct msg_queue *q, struct msg_wait *w, struct message *copy)
{
    const struct msg_wanted *wanted = &w->wanted;
    if (!ipc_allowed(&q->object, IPC_READ))
        return -EACCES;
    struct message *m = choose(q, wanted);
    if (!m) {
        if (wanted->flags & IPC_NOWAIT)
            return -ENOMSG;
        wait_begin(w, &q->receivers);
        return WAITING;
    }
    if (!fits(wanted, m))
        return -E2BIG;
    if (!copy) {
        dequeue(q, m);
        w->message = m;
    } else if (m->size <= copy->size) {
        message_copy(copy, m);
        w->message = copy;
    } else {
        return -EINVAL; /* a copy is never a part */
    }
    return 0;
}

/* MSG_COPY, with room for the copy. */
static int copy_prepare(const struct msg_wanted *wanted, struct message **copy)
{
    *copy = NULL;
    if (!(wanted->flags & MSG_COPY))
        return 0;
    if (wanted->flags & MSG_EXCEPT || !(wanted->flags & IPC_NOWAIT))
        return -EINVAL;
    uint64_t size = min_u64(wanted->size_max, msg_limits.message_bytes);
    *copy = message_alloc(0, size);
    return *copy ? 0 : -ENOMEM;
}

int64_t msg_receive(int id, size_t size_max, int64_t type, unsigned flags, struct message **out)
{
    struct msg_wait w = {.wanted = {.type = type, .size_max = size_max, .flags = flags}};
    struct message *copy;
    int err = copy_prepare(&w.wanted, &copy);
    if (err)
        return err;
    if (type == INT64_MIN)
        w.wanted.type = -INT64_MAX;
    err = -EINVAL;
    for (;;) {
        spin_lock(&ipc_lock);
        struct msg_queue *q = find(id);
        if (q)
            err = receive_locked(q, &w, copy);
        spin_unlock(&ipc_lock);
        if (err == WAITING)
            err = wait_end(&w);
        if (err != AGAIN)
            break;
        err = -EIDRM;
    }
    *out = w.message;
    if (copy && copy != w.message)
        message_free(copy);
    return err;
}

/* msgctl. */

static void put_stat(const struct msg_queue *q, struct msqid64_ds *out)
{
    *out = (struct msqid64_ds){.msg_stime = q->stime,
                               .msg_rtime = q->rtime,
                               .msg_ctime = q->ctime,
                               .msg_cbytes = q->bytes,
                               .msg_qnum = q->count,
                               .msg_qbytes = q->bytes_max,
                               .msg_lspid = q->lspid,
                               .msg_lrpid = q->lrpid};
    ipc_put_perm(&q->object, &out->msg_perm);
}

int64_t msg_stat(int id, bool by_place, bool any, struct msqid64_ds *out)
{
    spin_lock(&ipc_lock);
    const struct msg_queue *q = by_place ? queue_of(ipc_at(&msg_table, id)) : find(id);
    int64_t result = -EINVAL;
    if (q && !any && !ipc_allowed(&q->object, IPC_READ)) {
        result = -EACCES;
    } else if (q) {
        put_stat(q, out);
        result = by_place ? q->object.id : 0;
    }
    spin_unlock(&ipc_lock);
    return result;
}

bool msg_next(uint32_t place, struct msqid64_ds *out, int *id)
{
    spin_lock(&ipc_lock);
    const struct msg_queue *q = queue_of(ipc_next(&msg_table, place));
    if (q) {
        put_stat(q, out);
        *id = q->object.id;
    }
    spin_unlock(&ipc_lock);
    return q != NULL;
}

static int set_locked(struct msg_queue *q, const struct msqid64_ds *from)
{
    if (!ipc_owner(&q->object))
        return -EPERM;
    if (from->msg_qbytes > msg_limits.queue_bytes && !capable(CAP_SYS_RESOURCE))
        return -EPERM;
    int err = ipc_set_owner(&q->object, &from->msg_perm);
    if (err)
        return err;
    q->bytes_max = from->msg_qbytes;
    q->ctime = ipc_seconds();
    finish_all(&q->receivers, AGAIN); /* they may have lost the right */
    finish_all(&q->senders, AGAIN);
    return 0;
}

int64_t msg_set(int id, const struct msqid64_ds *from)
{
    spin_lock(&ipc_lock);
    struct msg_queue *q = find(id);
    int64_t err = q ? set_locked(q, from) : -EINVAL;
    spin_unlock(&ipc_lock);
    return err;
}

int64_t msg_remove(int id)
{
    spin_lock(&ipc_lock);
    struct msg_queue *q = find(id);
    int64_t err = !q ? -EINVAL : ipc_owner(&q->object) ? 0 : -EPERM;
    if (!err) {
        ipc_remove(&msg_table, &q->object);
        all_messages -= q->count;
        all_bytes -= q->bytes;
        finish_all(&q->receivers, -EIDRM);
        finish_all(&q->senders, -EIDRM);
    }
    spin_unlock(&ipc_lock);
    if (!err) {
        messages_free(&q->messages);
        heap_free(q);
    }
    return err;
}

void msg_get_totals(struct msg_totals *out)
{
    spin_lock(&ipc_lock);
    *out = (struct msg_totals){msg_table.used, all_messages, all_bytes, ipc_highest(&msg_table)};
    spin_unlock(&ipc_lock);
}
