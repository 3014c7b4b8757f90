/* Asynchronous I/O: contexts and requests. See aio.h. */
#include "kernel/fd/aio.h"

#include <linux/eventpoll.h>

#include "kernel/base/errno.h"
#include "kernel/fd/aio_priv.h"
#include "kernel/fd/eventfd.h"
#include "kernel/mm/heap.h"
#include "kernel/vm/vm.h"

#define EVENTS_MAX 0x800000u /* of one context: its ring has a limit by itself */
#define TAKE_CHUNK 16u

uint64_t aio_requests_max = 65536, aio_requests;
struct spinlock aio_lock = SPINLOCK_INIT(RANK_IPC);
static struct list_node contexts = LIST_INIT(contexts); /* under aio_lock */

/* Contexts. */

/* Counts a context's requests. */
static int charge(unsigned count)
{
    spin_lock(&aio_lock);
    bool fits = count <= aio_requests_max && aio_requests <= aio_requests_max - count;
    aio_requests += fits ? count : 0;
    spin_unlock(&aio_lock);
    return fits ? 0 : -EAGAIN;
}

static void uncharge(unsigned count)
{
    spin_lock(&aio_lock);
    aio_requests -= count;
    spin_unlock(&aio_lock);
}

static int make_context(unsigned count, struct aio_context **out)
{
    struct aio_context *ctx = heap_zalloc_object(sizeof(*ctx));
    if (!ctx)
        return -ENOMEM;
    ctx->refs = 1;
    ctx->count = count;
    list_init(&ctx->requests);
    waitq_init(&ctx->waitq);
    mutex_init(&ctx->take_lock, RANK_AIO);
    int err = aio_ring_make(ctx);
    if (err)
        heap_free(ctx);
    *out = ctx;
    return err;
}

int aio_setup(unsigned count, uint64_t *id)
{
    struct aio_context *ctx;
    if (!count || count > EVENTS_MAX)
        return -EINVAL;
    int err = charge(count);
    if (err)
        return err;
    err = make_context(count, &ctx);
    if (err) {
        uncharge(count);
        return err;
    }
    spin_lock(&aio_lock);
    list_add_tail(&contexts, &ctx->node);
    spin_unlock(&aio_lock);
    *id = ctx->id;
    return 0;
}

struct aio_context *aio_get(uint64_t id)
{
    struct aio_context *found = NULL;
    spin_lock(&aio_lock);
    list_for_each(node, &contexts)
    {
        struct aio_context *ctx = list_entry(node, struct aio_context, node);
        if (ctx->id == id) {
            found = ctx;
            found->refs++;
            break;
        }
    }
    spin_unlock(&aio_lock);
    return found;
}

void aio_put(struct aio_context *ctx)
{
    spin_lock(&aio_lock);
    bool last = --ctx->refs == 0;
    spin_unlock(&aio_lock);
    if (!last)
        return;
    aio_ring_free(ctx);
    heap_free(ctx);
}

unsigned aio_size(const struct aio_context *ctx)
{
    return ctx->slots;
}

static void cancel_locked(struct aio_request *r)
{
    r->cancelled = true;
    aio_work(r);
}

/* Whether it waits for events, which may be ended. */
static bool is_poll(const struct aio_request *r)
{
    return r->worker && r->events;
}

static void await_requests(struct aio_context *ctx)
{
    struct waiter w;
    waiter_init(&w, EVENTS_ANY);
    waitq_add(&ctx->waitq, &w);
    for (;;) {
        waiter_arm(&w);
        if (!ctx->under_way)
            break;
        (void)waiter_sleep(&w, DEADLINE_NONE, false);
    }
    waitq_remove(&ctx->waitq, &w);
}

/* Ends ctx, which is out of the list, with the list's reference. */
static void end_context(struct aio_context *ctx)
{
    spin_lock(&aio_lock);
    ctx->dead = true;
    list_for_each(node, &ctx->requests)
    {
        struct aio_request *r = list_entry(node, struct aio_request, node);
        if (is_poll(r))
            cancel_locked(r);
    }
    spin_unlock(&aio_lock);
    waitq_wake(&ctx->waitq, EVENTS_ANY);
    await_requests(ctx);
    uncharge(ctx->count);
    (void)vm_unmap(ctx->id, ctx->bytes);
    aio_put(ctx);
}

/* Takes a context out of the list: that with the id, or any (0). */
static struct aio_context *unlink_context(uint64_t id)
{
    struct aio_context *found = NULL;
    spin_lock(&aio_lock);
    list_for_each_safe(node, next, &contexts)
    {
        struct aio_context *ctx = list_entry(node, struct aio_context, node);
        if (!id || ctx->id == id) {
            list_remove(&ctx->node);
            found = ctx;
            break;
        }
    }
    spin_unlock(&aio_lock);
    return found;
}

int aio_destroy(uint64_t id)
{
    struct aio_context *ctx = id ? unlink_context(id) : NULL;
    if (!ctx)
        return -EINVAL;
    end_context(ctx);
    return 0;
}

void aio_destroy_all(void)
{
    struct aio_context *ctx;
    while ((ctx = unlink_context(0)))
        end_context(ctx);
}

/* Requests. */

/* Room for the completions of all that is under way stays free. */
static int enter(struct aio_context *ctx, struct aio_request *r)
{
    spin_lock(&aio_lock);
    bool room = !ctx->dead && aio_ring_used(ctx) + ctx->under_way + 1 < ctx->slots;
    if (room) {
        ctx->under_way++;
        ctx->refs++;
        list_add_tail(&ctx->requests, &r->node);
    }
    spin_unlock(&aio_lock);
    return room ? 0 : -EAGAIN;
}

int aio_begin(struct aio_context *ctx, const struct iocb *iocb, struct uptr at, struct file *file,
              struct file *eventfd, struct aio_request **out)
{
    struct aio_request *r = heap_zalloc_object(sizeof(*r));
    if (!r)
        return -EAGAIN;
    list_init(&r->work);
    int err = enter(ctx, r);
    if (err) {
        heap_free(r);
        return err;
    }
    r->ctx = ctx;
    r->iocb = at.addr;
    r->data = iocb->aio_data;
    r->file = file_get(file);
    r->eventfd = eventfd ? file_get(eventfd) : NULL;
    *out = r;
    return 0;
}

/* The request's end, with or without a completion. */
static void leave(struct aio_request *r, const struct io_event *event)
{
    struct aio_context *ctx = r->ctx;
    spin_lock(&aio_lock);
    list_remove(&r->node);
    ctx->under_way--;
    if (event)
        aio_ring_put(ctx, event);
    spin_unlock(&aio_lock);
    waitq_wake(&ctx->waitq, EVENTS_ANY);
    if (r->eventfd) {
        if (event)
            eventfd_signal(r->eventfd);
        file_put(r->eventfd);
    }
    file_put(r->file);
    heap_free(r);
    aio_put(ctx);
}

void aio_complete(struct aio_request *r, int64_t result)
{
    struct io_event event = {.data = r->data, .obj = r->iocb, .res = result};
    leave(r, &event);
}

void aio_drop(struct aio_request *r)
{
    leave(r, NULL);
}

static bool poll_wake(struct waiter *w, uint32_t events)
{
    (void)events;
    aio_work(container_of(w, struct aio_request, waiter));
    return true;
}

int aio_poll(struct aio_request *r, uint32_t events)
{
    struct file *f = r->file;
    struct waitq *q = f->ops->waitq ? f->ops->waitq(f) : NULL;
    events |= EPOLLERR | EPOLLHUP;
    uint32_t ready = file_poll(f) & events;
    if (ready) {
        aio_complete(r, ready);
        return 0;
    }
    int err = q ? aio_use_poll_worker(r) : -EINVAL;
    if (err) {
        r->worker = NULL;
        aio_drop(r);
        return err;
    }
    r->events = events;
    waiter_init(&r->waiter, events);
    r->waiter.wake = poll_wake;
    waitq_add(q, &r->waiter);
    aio_work(r); /* it may have become ready before it was in the queue */
    return 0;
}

void aio_fsync(struct aio_request *r)
{
    if (aio_use_fsync_worker(r))
        aio_complete(r, r->file->ops->fsync(r->file));
    else
        aio_work(r);
}

int aio_cancel(struct aio_context *ctx, struct uptr at)
{
    bool found = false;
    spin_lock(&aio_lock);
    list_for_each(node, &ctx->requests)
    {
        struct aio_request *r = list_entry(node, struct aio_request, node);
        if (r->iocb == at.addr && is_poll(r) && !r->cancelled) {
            cancel_locked(r);
            found = true;
            break;
        }
    }
    spin_unlock(&aio_lock);
    return found ? 0 : -EINVAL;
}

/* Completions. */

/* Copies what there is, up to max. Returns how many, or -EFAULT with none. */
static int64_t take_now(struct aio_context *ctx, int64_t max, struct uptr to)
{
    struct io_event events[TAKE_CHUNK];
    int64_t done = 0;
    mutex_lock(&ctx->take_lock);
    while (done < max) {
        spin_lock(&aio_lock);
        unsigned n =
            aio_ring_look(ctx, events, (unsigned)min_u64(TAKE_CHUNK, (uint64_t)(max - done)));
        spin_unlock(&aio_lock);
        if (!n)
            break;
        if (copy_to_user(to, events, n * sizeof(events[0]))) {
            done = done ? done : -EFAULT;
            break;
        }
        spin_lock(&aio_lock);
        aio_ring_skip(ctx, n);
        spin_unlock(&aio_lock);
        to = uptr_add(to, n * sizeof(events[0]));
        done += n;
    }
    mutex_unlock(&ctx->take_lock);
    return done;
}

/* Waits for the next completion. Returns 0, -EINVAL (the context ended), -ETIMEDOUT, -EINTR. */
static int await_one(struct aio_context *ctx, uint64_t deadline_ns)
{
    int err = 0;
    struct waiter w;
    waiter_init(&w, EVENTS_ANY);
    waitq_add(&ctx->waitq, &w);
    for (;;) {
        waiter_arm(&w);
        err = ctx->dead ? -EINVAL : err;
        if (err || aio_ring_used(ctx))
            break;
        err = waiter_sleep(&w, deadline_ns, true);
    }
    waitq_remove(&ctx->waitq, &w);
    return err;
}

int64_t aio_take(struct aio_context *ctx, int64_t min, int64_t max, struct uptr to,
                 uint64_t deadline_ns)
{
    int64_t done = 0;
    for (;;) {
        int64_t n = ctx->dead ? -EINVAL : take_now(ctx, max - done, to);
        if (n < 0)
            return done ? done : n;
        done += n;
        to = uptr_add(to, (uint64_t)n * sizeof(struct io_event));
        if (done >= min || deadline_ns == 0)
            return done;
        int err = await_one(ctx, deadline_ns);
        if (err)
            return done || err == -ETIMEDOUT ? done : err;
    }
}
