/*
 * virtio-9p: requests and answers of a file server on the host. Several requests may be on their
 * way; who made one sleeps until its answer is there. (QEMU answers each, in any order.)
 */
#include "kernel/arch/direct_map.h"
#include "kernel/base/string.h"
#include "kernel/drivers/channel9p.h"
#include "kernel/drivers/virtio.h"
#include "kernel/mm/heap.h"
#include "kernel/sched/waitq.h"

#define FEATURE_TAG 1ul
#define QUEUE_SIZE 128u
#define TAG_BYTES_MAX 31u
#define CONFIG_TAG_OFFSET 2u

struct channel9p {
    struct spinlock lock;
    struct virtq queue; /* GUARDED_BY(lock) */
    struct waitq room;  /* woken when descriptors become free */
    struct channel9p *next;
    char tag[TAG_BYTES_MAX + 1];
};

/* One that is on its way. In the caller's memory until it is answered. */
struct call {
    struct waiter waiter;
    uint32_t answered; /* bytes */
};

static struct channel9p *channels; /* made at boot, never ended */

bool virtio_9p_probe(struct virtio_device *d);

static void complete(struct virtio_device *d)
{
    struct channel9p *channel = d->driver;
    uint32_t length;
    bool any = false;
    struct call *call;
    spin_lock(&channel->lock);
    while ((call = virtq_take(&channel->queue, &length))) {
        call->answered = length;
        waiter_signal(&call->waiter);
        any = true;
    }
    spin_unlock(&channel->lock);
    if (any) {
        waitq_wake(&channel->room, EVENTS_ANY);
    }
}

static bool read_tag(struct virtio_device *d, char *tag)
{
    uint16_t length;
    d->transport->config(d, 0, &length, sizeof(length));
    if (length == 0 || length > TAG_BYTES_MAX) {
        return false;
    }
    for (unsigned i = 0; i < length; i++) {
        d->transport->config(d, CONFIG_TAG_OFFSET + i, tag + i, 1);
    }
    tag[length] = 0;
    return true;
}

bool virtio_9p_probe(struct virtio_device *d)
{
    struct channel9p *channel = heap_zalloc(sizeof(*channel));
    if (!channel) {
        return false;
    }
    spin_init(&channel->lock, RANK_DEVICE);
    waitq_init(&channel->room);
    if (!(virtio_begin(d, FEATURE_TAG) & FEATURE_TAG) || !read_tag(d, channel->tag) ||
        !virtio_queue(d, 0, QUEUE_SIZE, &channel->queue)) {
        heap_free(channel);
        return false;
    }
    d->driver = channel;
    d->interrupt = complete;
    virtio_ready(d);
    channel->next = channels;
    channels = channel;
    return true;
}

struct channel9p *channel9p_find(const char *tag)
{
    struct channel9p *channel = channels;
    while (channel && strcmp(channel->tag, tag) != 0) {
        channel = channel->next;
    }
    return channel;
}

/* Hands the request over, waiting for room first if there is none. */
static void submit(struct channel9p *channel, const struct virtq_segment *segments, unsigned out,
                   unsigned in, struct call *call)
{
    struct waiter w;
    waiter_init(&w, EVENTS_ANY);
    waitq_add(&channel->room, &w);
    for (;;) {
        waiter_arm(&w);
        spin_lock(&channel->lock);
        bool added = virtq_add(&channel->queue, segments, out, in, call);
        if (added) {
            virtq_kick(&channel->queue);
        }
        spin_unlock(&channel->lock);
        if (added) {
            break;
        }
        (void)waiter_sleep(&w, DEADLINE_NONE, false);
    }
    waitq_remove(&channel->room, &w);
}

uint64_t channel9p_call(struct channel9p *channel, const struct channel9p_part *parts, unsigned out,
                        unsigned in)
{
    struct virtq_segment segments[CHANNEL9P_PARTS_MAX];
    struct call call = {0};
    uint64_t room = 0;
    for (unsigned i = 0; i < out + in; i++) {
        segments[i] = (struct virtq_segment){direct_map_phys(parts[i].data), parts[i].size};
        room += i < out ? 0 : parts[i].size;
    }
    waiter_init(&call.waiter, EVENTS_ANY);
    submit(channel, segments, out, in, &call);
    (void)waiter_sleep(&call.waiter, DEADLINE_NONE, false);
    return min_u64(call.answered, room);
}
