/* System V semaphores. See sem.h. */
#include "kernel/ipc/sem.h"

#include <linux/ipc.h>

#include "kernel/base/errno.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/task.h"

#define BLOCKED 1 /* of perform(): the operations would have to wait */

struct sem {
    int value;
    int pid; /* who changed it last */
};

struct sem_set {
    struct ipc_object object;
    unsigned count;
    int64_t otime, ctime;
    struct list_node waiting; /* struct sem_wait */
    struct list_node undos;   /* struct sem_undo.set_node */
    struct sem sems[];
};

/* What one list undoes in one set. */
struct sem_undo {
    struct list_node list_node, set_node;
    int set_id;
    int16_t adjust[];
};

struct sem_undo_list {
    uint32_t refs;
    struct list_node undos;
};

/* Operations that wait, on their thread's stack. */
struct sem_wait {
    struct list_node node;
    struct waiter waiter;
    const struct sembuf *ops;
    unsigned count;
    unsigned blocking; /* the operation that can't be performed */
    struct sem_undo *undo;
    int result; /* BLOCKED until it is known */
};

struct sem_limits sem_limits = {.per_set = SEMMSL, .total = SEMMNS, .operations = SEMOPM};
struct ipc_table sem_table = {.limit = SEMMNI, .last = -1};
static uint32_t total; /* semaphores of all sets; under ipc_lock */

static struct sem_set *set_of(struct ipc_object *o)
{
    return o ? container_of(o, struct sem_set, object) : NULL;
}

static struct sem_set *find(int id)
{
    return set_of(ipc_find(&sem_table, id));
}

/* Sets. */

static struct sem_set *set_alloc(int32_t key, unsigned count, unsigned flags)
{
    struct sem_set *set = heap_zalloc_object(sizeof(*set) + count * sizeof(set->sems[0]));
    if (!set)
        return NULL;
    ipc_object_init(&set->object, key, flags);
    set->count = count;
    set->ctime = ipc_seconds();
    list_init(&set->waiting);
    list_init(&set->undos);
    return set;
}

static int64_t get_existing(const struct sem_set *set, int count, unsigned flags)
{
    if (count > (int)set->count)
        return -EINVAL;
    return ipc_allowed(&set->object, flags & IPC_MODE_BITS) ? set->object.id : -EACCES;
}

static int64_t create(int32_t key, int count, unsigned flags)
{
    if (count == 0)
        return -EINVAL;
    struct sem_set *set = set_alloc(key, (unsigned)count, flags);
    if (!set)
        return -ENOMEM;
    spin_lock(&ipc_lock);
    bool fits = (uint64_t)total + set->count <= (uint64_t)sem_limits.total;
    int64_t result = fits ? ipc_insert(&sem_table, &set->object) : -ENOSPC;
    if (result == 0) {
        total += set->count;
        result = set->object.id;
    }
    spin_unlock(&ipc_lock);
    if (result < 0)
        heap_free(set);
    return result;
}

int64_t sem_get(int32_t key, int count, unsigned flags)
{
    if (count < 0 || count > sem_limits.per_set)
        return -EINVAL;
    for (;;) {
        struct ipc_object *o;
        spin_lock(&ipc_lock);
        int64_t result = ipc_get(&sem_table, key, flags, &o);
        if (result == 0 && o)
            result = get_existing(set_of(o), count, flags);
        spin_unlock(&ipc_lock);
        if (o || result < 0)
            return result;
        result = create(key, count, flags);
        if (result != -EEXIST) /* another thread was quicker */
            return result;
    }
}

/* Operations. */

static bool undo_fits(const struct sem_undo *undo, const struct sembuf *op)
{
    int adjust = undo->adjust[op->sem_num] - op->sem_op;
    return adjust >= -SEMAEM - 1 && adjust <= SEMAEM;
}

/* Whether one operation is possible now: 0, BLOCKED, -EAGAIN, -ERANGE. */
static int check(const struct sem *sem, const struct sembuf *op, const struct sem_undo *undo)
{
    int value = sem->value + op->sem_op;
    if (op->sem_op == 0 ? sem->value != 0 : value < 0)
        return op->sem_flg & IPC_NOWAIT ? -EAGAIN : BLOCKED;
    if (value > SEMVMX || (op->sem_flg & SEM_UNDO && !undo_fits(undo, op)))
        return -ERANGE;
    return 0;
}

static void apply(struct sem_set *set, const struct sembuf *op, struct sem_undo *undo, int sign)
{
    set->sems[op->sem_num].value += sign * op->sem_op;
    if (op->sem_flg & SEM_UNDO)
        undo->adjust[op->sem_num] = (int16_t)(undo->adjust[op->sem_num] - sign * op->sem_op);
}

/* All operations or none. Returns as check(), with *blocking the operation in the way. */
static int perform(struct sem_set *set, const struct sembuf *ops, unsigned count,
                   struct sem_undo *undo, unsigned *blocking)
{
    int result = 0;
    unsigned done = 0;
    for (; done < count; done++) {
        result = check(&set->sems[ops[done].sem_num], &ops[done], undo);
        if (result)
            break;
        apply(set, &ops[done], undo, 1);
    }
    *blocking = done;
    if (result) {
        while (done > 0)
            apply(set, &ops[--done], undo, -1);
        return result;
    }
    for (unsigned i = 0; i < count; i++)
        set->sems[ops[i].sem_num].pid = PROC_PID;
    set->otime = ipc_seconds();
    return 0;
}

static bool alters(const struct sembuf *ops, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (ops[i].sem_op)
            return true;
    return false;
}

static void finish(struct sem_wait *w, int result)
{
    list_remove(&w->node);
    w->result = result;
    waiter_signal(&w->waiter);
}

/* A single operation that still can't be: no need to try. */
static bool still_blocked(const struct sem_set *set, const struct sem_wait *w)
{
    return w->count == 1 && check(&set->sems[w->ops[0].sem_num], w->ops, w->undo) == BLOCKED;
}

/* Performs what has become possible, first come first served. Under ipc_lock. */
static void serve_waiting(struct sem_set *set)
{
    bool again = true;
    while (again) {
        again = false;
        list_for_each_safe(node, next, &set->waiting)
        {
            struct sem_wait *w = list_entry(node, struct sem_wait, node);
            if (still_blocked(set, w))
                continue;
            int result = perform(set, w->ops, w->count, w->undo, &w->blocking);
            if (result == BLOCKED)
                continue;
            again = result == 0 && alters(w->ops, w->count);
            finish(w, result);
            if (again)
                break;
        }
    }
}

/* Undo. */

static struct sem_undo *find_undo(const struct sem_undo_list *list, int set_id)
{
    list_for_each(node, &list->undos)
    {
        struct sem_undo *undo = list_entry(node, struct sem_undo, list_node);
        if (undo->set_id == set_id)
            return undo;
    }
    return NULL;
}

static int own_list(struct sem_undo_list **out)
{
    struct task *self = task_current();
    if (!self->sem_undo) {
        struct sem_undo_list *list = heap_zalloc_object(sizeof(*list));
        if (!list)
            return -ENOMEM;
        list->refs = 1;
        list_init(&list->undos);
        self->sem_undo = list;
    }
    *out = self->sem_undo;
    return 0;
}

/* The current thread's undo entry for a set, which is made if there is none. Takes ipc_lock and
 * keeps it if it succeeds. Returns 0, -EINVAL (no such set), -ENOMEM. */
static int get_undo(int id, struct sem_undo **out) NO_LOCK_ANALYSIS
{
    struct sem_undo_list *list = NULL;
    struct sem_undo *fresh = NULL;
    int err = own_list(&list);
    while (!err) {
        spin_lock(&ipc_lock);
        struct sem_set *set = find(id);
        *out = set ? find_undo(list, id) : NULL;
        if (set && !*out && fresh) {
            *out = fresh;
            list_add_tail(&list->undos, &fresh->list_node);
            list_add_tail(&set->undos, &fresh->set_node);
            return 0;
        }
        if (*out)
            break;
        unsigned count = set ? set->count : 0;
        spin_unlock(&ipc_lock);
        fresh = set ? heap_zalloc_object(sizeof(*fresh) + count * sizeof(fresh->adjust[0])) : NULL;
        err = !set ? -EINVAL : fresh ? 0 : -ENOMEM;
        if (fresh)
            fresh->set_id = id;
    }
    heap_free(fresh);
    return err;
}

static int clamp(int value)
{
    return value < 0 ? 0 : value > SEMVMX ? SEMVMX : value;
}

static void undo_in_set(struct sem_set *set, const struct sem_undo *undo)
{
    for (unsigned i = 0; i < set->count; i++) {
        if (!undo->adjust[i])
            continue;
        set->sems[i].value = clamp(set->sems[i].value + undo->adjust[i]);
        set->sems[i].pid = PROC_PID;
    }
    set->otime = ipc_seconds();
    serve_waiting(set);
}

int sem_undo_share(struct task *to)
{
    struct sem_undo_list *list = NULL;
    int err = own_list(&list);
    if (!err) {
        list->refs++;
        to->sem_undo = list;
    }
    return err;
}

/* Takes the list's next entry out and undoes it. False: there was none. */
static bool undo_next(struct sem_undo_list *list)
{
    spin_lock(&ipc_lock);
    struct sem_undo *undo = NULL;
    if (!list_empty(&list->undos)) {
        undo = list_entry(list->undos.next, struct sem_undo, list_node);
        struct sem_set *set = find(undo->set_id);
        list_remove(&undo->list_node);
        list_remove(&undo->set_node);
        if (set)
            undo_in_set(set, undo);
    }
    spin_unlock(&ipc_lock);
    heap_free(undo);
    return undo != NULL;
}

void sem_undo_leave(struct task *task)
{
    struct sem_undo_list *list = task->sem_undo;
    task->sem_undo = NULL;
    if (!list || --list->refs > 0)
        return;
    while (undo_next(list))
        continue;
    heap_free(list);
}

/* semop. */

static int check_set(const struct sem_set *set, const struct sembuf *ops, unsigned count)
{
    if (!set)
        return -EINVAL;
    for (unsigned i = 0; i < count; i++)
        if (ops[i].sem_num >= set->count)
            return -EFBIG;
    return ipc_allowed(&set->object, alters(ops, count) ? IPC_WRITE : IPC_READ) ? 0 : -EACCES;
}

static bool wants_undo(const struct sembuf *ops, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (ops[i].sem_flg & SEM_UNDO)
            return true;
    return false;
}

/* Sleeps until another performs the operations. */
static int wait(struct sem_wait *w, uint64_t deadline_ns)
{
    int err = 0;
    for (;;) {
        waiter_arm(&w->waiter);
        if (w->result != BLOCKED)
            return w->result;
        err = waiter_sleep(&w->waiter, deadline_ns, true);
        if (!err)
            continue;
        spin_lock(&ipc_lock);
        list_remove(&w->node);
        spin_unlock(&ipc_lock);
        if (w->result == BLOCKED)
            return err == -ETIMEDOUT ? -EAGAIN : -EINTR;
    }
}

int64_t sem_operate(int id, const struct sembuf *ops, unsigned count,
                    uint64_t deadline_ns) NO_LOCK_ANALYSIS
{
    struct sem_undo *undo = NULL;
    struct sem_wait w = {.ops = ops, .count = count};
    int err = wants_undo(ops, count) ? get_undo(id, &undo) : 0;
    if (err)
        return err;
    if (!undo)
        spin_lock(&ipc_lock);
    struct sem_set *set = find(id);
    err = check_set(set, ops, count);
    if (!err)
        err = perform(set, ops, count, undo, &w.blocking);
    if (err == 0 && alters(ops, count))
        serve_waiting(set);
    if (err == BLOCKED) {
        w.undo = undo;
        w.result = BLOCKED;
        waiter_init(&w.waiter, EVENTS_ANY);
        list_add_tail(&set->waiting, &w.node);
    }
    spin_unlock(&ipc_lock);
    return err == BLOCKED ? wait(&w, deadline_ns) : err;
}

/* semctl. */

static void put_stat(const struct sem_set *set, struct semid64_ds *out)
{
    *out = (struct semid64_ds){
        .sem_otime = set->otime, .sem_ctime = set->ctime, .sem_nsems = set->count};
    ipc_put_perm(&set->object, &out->sem_perm);
}

int64_t sem_stat(int id, bool by_place, bool any, struct semid64_ds *out)
{
    spin_lock(&ipc_lock);
    const struct sem_set *set = by_place ? set_of(ipc_at(&sem_table, id)) : find(id);
    int64_t result = -EINVAL;
    if (set && !any && !ipc_allowed(&set->object, IPC_READ)) {
        result = -EACCES;
    } else if (set) {
        put_stat(set, out);
        result = by_place ? set->object.id : 0;
    }
    spin_unlock(&ipc_lock);
    return result;
}

bool sem_next(uint32_t place, struct semid64_ds *out, int *id)
{
    spin_lock(&ipc_lock);
    const struct sem_set *set = set_of(ipc_next(&sem_table, place));
    if (set) {
        put_stat(set, out);
        *id = set->object.id;
    }
    spin_unlock(&ipc_lock);
    return set != NULL;
}

int64_t sem_set_perm(int id, const struct ipc64_perm *perm)
{
    spin_lock(&ipc_lock);
    struct sem_set *set = find(id);
    int64_t err = !set ? -EINVAL : ipc_owner(&set->object) ? 0 : -EPERM;
    if (!err)
        err = ipc_set_owner(&set->object, perm);
    if (!err)
        set->ctime = ipc_seconds();
    spin_unlock(&ipc_lock);
    return err;
}

static void drop_undos(struct sem_set *set)
{
    list_for_each_safe(node, next, &set->undos)
    {
        struct sem_undo *undo = list_entry(node, struct sem_undo, set_node);
        list_remove(&undo->list_node);
        list_remove(&undo->set_node);
        heap_free(undo);
    }
}

int64_t sem_remove(int id)
{
    spin_lock(&ipc_lock);
    struct sem_set *set = find(id);
    int64_t err = !set ? -EINVAL : ipc_owner(&set->object) ? 0 : -EPERM;
    if (!err) {
        ipc_remove(&sem_table, &set->object);
        total -= set->count;
        list_for_each_safe(node, next, &set->waiting)
            finish(list_entry(node, struct sem_wait, node), -EIDRM);
        drop_undos(set);
    }
    spin_unlock(&ipc_lock);
    if (!err)
        heap_free(set);
    return err;
}

/* How many wait for semaphore number to grow, or to become zero. */
static int count_waiting(const struct sem_set *set, unsigned number, bool for_zero)
{
    int waiting = 0;
    list_for_each(node, &set->waiting)
    {
        const struct sem_wait *w = list_entry(node, struct sem_wait, node);
        const struct sembuf *op = &w->ops[w->blocking];
        waiting += op->sem_num == number && (op->sem_op == 0) == for_zero;
    }
    return waiting;
}

static int64_t get_locked(const struct sem_set *set, unsigned number, int what)
{
    switch (what) {
    case GETVAL:
        return set->sems[number].value;
    case GETPID:
        return set->sems[number].pid;
    default:
        return count_waiting(set, number, what == GETZCNT);
    }
}

/* Whether the process has the rights, and the set the semaphore. */
static int check_one(const struct sem_set *set, int number, unsigned wanted)
{
    if (!set)
        return -EINVAL;
    if (!ipc_allowed(&set->object, wanted))
        return -EACCES;
    return number < 0 || (unsigned)number >= set->count ? -EINVAL : 0;
}

int64_t sem_get_one(int id, int number, int what)
{
    spin_lock(&ipc_lock);
    const struct sem_set *set = find(id);
    int64_t result = check_one(set, number, IPC_READ);
    if (!result)
        result = get_locked(set, (unsigned)number, what);
    spin_unlock(&ipc_lock);
    return result;
}

/* Sets a value: what was to be undone there is forgotten. */
static void set_value(struct sem_set *set, unsigned number, int value)
{
    set->sems[number] = (struct sem){.value = value, .pid = PROC_PID};
    list_for_each(node, &set->undos) list_entry(node, struct sem_undo, set_node)->adjust[number] =
        0;
}

int64_t sem_set_one(int id, int number, int value)
{
    if (value < 0 || value > SEMVMX)
        return -ERANGE;
    spin_lock(&ipc_lock);
    struct sem_set *set = find(id);
    int64_t err = !set ? -EINVAL : number < 0 || (unsigned)number >= set->count ? -EINVAL : 0;
    if (!err && !ipc_allowed(&set->object, IPC_WRITE))
        err = -EACCES;
    if (!err) {
        set_value(set, (unsigned)number, value);
        set->ctime = ipc_seconds();
        serve_waiting(set);
    }
    spin_unlock(&ipc_lock);
    return err;
}

int64_t sem_count(int id, unsigned wanted)
{
    spin_lock(&ipc_lock);
    const struct sem_set *set = find(id);
    int64_t result = !set ? -EINVAL : ipc_allowed(&set->object, wanted) ? 0 : -EACCES;
    if (!result)
        result = set->count;
    spin_unlock(&ipc_lock);
    return result;
}

int64_t sem_get_all(int id, uint16_t *values, unsigned count)
{
    spin_lock(&ipc_lock);
    const struct sem_set *set = find(id);
    for (unsigned i = 0; set && i < count; i++)
        values[i] = (uint16_t)set->sems[i].value;
    spin_unlock(&ipc_lock);
    return set ? 0 : -EIDRM;
}

int64_t sem_set_all(int id, const uint16_t *values, unsigned count)
{
    spin_lock(&ipc_lock);
    struct sem_set *set = find(id);
    for (unsigned i = 0; set && i < count; i++)
        set_value(set, i, values[i]);
    if (set) {
        set->ctime = ipc_seconds();
        serve_waiting(set);
    }
    spin_unlock(&ipc_lock);
    return set ? 0 : -EIDRM;
}

void sem_get_totals(struct sem_totals *out)
{
    spin_lock(&ipc_lock);
    *out = (struct sem_totals){sem_table.used, total, ipc_highest(&sem_table)};
    spin_unlock(&ipc_lock);
}
