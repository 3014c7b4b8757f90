/* The parts of virtio that all transports and drivers share: start-up and split queues. */
#include "kernel/drivers/virtio.h"

#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/page.h"

#define STATUS_ACKNOWLEDGE 1
#define STATUS_DRIVER 2
#define STATUS_DRIVER_OK 4
#define STATUS_FEATURES_OK 8
#define STATUS_FAILED 128

#define DESC_NEXT 1
#define DESC_WRITE 2
#define AVAIL_NO_INTERRUPT 1
#define USED_NO_NOTIFY 1

#define DRIVER(type, name, probe) bool probe(struct virtio_device *d);
#include "kernel/drivers/drivers.def"
#undef DRIVER

static const struct virtio_driver drivers[] = {
#define DRIVER(type, name, probe) {type, name, probe},
#include "kernel/drivers/drivers.def"
#undef DRIVER
};

void virtio_add(struct virtio_device *d)
{
    for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
        if (drivers[i].type != d->type) {
            continue;
        }
        bool ok = drivers[i].probe(d);
        log_info("virtio %s: %s", drivers[i].name, ok ? "ready" : "not usable");
        if (ok) {
            return;
        }
    }
    heap_free(d);
}

const char *virtio_name(enum virtio_type type)
{
    static const char *const names[] = {
        [VIRTIO_TYPE_NET] = "virtio-net",         [VIRTIO_TYPE_BLOCK] = "virtio-blk",
        [VIRTIO_TYPE_CONSOLE] = "virtio-console", [VIRTIO_TYPE_RNG] = "virtio-rng",
        [VIRTIO_TYPE_9P] = "virtio-9p",
    };
    const char *name = (unsigned)type < ARRAY_SIZE(names) ? names[type] : NULL;
    return name ? name : "virtio";
}

uint64_t virtio_begin(struct virtio_device *d, uint64_t wanted)
{
    const struct virtio_transport *t = d->transport;
    t->set_status(d, 0);
    t->set_status(d, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
    uint64_t features = t->device_features(d) & (wanted | VIRTIO_F_VERSION_1);
    if (!(features & VIRTIO_F_VERSION_1)) {
        t->set_status(d, STATUS_FAILED);
        return 0;
    }
    t->set_features(d, features);
    t->set_status(d, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK);
    return t->status(d) & STATUS_FEATURES_OK ? features : 0;
}

void virtio_ready(struct virtio_device *d)
{
    d->transport->set_status(d, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK |
                                    STATUS_DRIVER_OK);
}

bool virtio_queue(struct virtio_device *d, unsigned index, unsigned size, struct virtq *q)
{
    unsigned max = d->transport->queue_max(d, index);
    while (size > max) { /* stays a power of two */
        size /= 2;
    }
    unsigned used_offset = size > 64 ? 4096 : 2048; /* of a page (64 entries) or two */
    struct page *page = size ? page_alloc(size > 64 ? 1 : 0, ALLOC_ZERO) : NULL;
    if (!page) {
        return false;
    }
    char *base = page_virt(page);
    memset(q, 0, sizeof(*q));
    q->device = d;
    q->index = index;
    q->size = size;
    q->desc = (struct virtq_desc *)base;
    q->avail = (volatile uint16_t *)(base + size * sizeof(struct virtq_desc));
    q->used = (volatile uint16_t *)(base + used_offset);
    q->free_count = (uint16_t)size;
    for (unsigned i = 0; i < size; i++) {
        q->desc[i].next = (uint16_t)(i + 1);
    }
    paddr_t phys = page_phys(page);
    d->transport->queue_enable(d, index, size, phys, phys + size * sizeof(struct virtq_desc),
                               phys + used_offset);
    return true;
}

bool virtq_add(struct virtq *q, const struct virtq_segment *segments, unsigned out, unsigned in,
               void *cookie)
{
    unsigned count = out + in;
    if (q->free_count < count) {
        return false;
    }
    uint16_t head = q->free_head, at = head;
    for (unsigned i = 0; i < count; i++) {
        struct virtq_desc *d = &q->desc[at];
        d->address = segments[i].address;
        d->length = segments[i].length;
        d->flags = (uint16_t)((i + 1 < count ? DESC_NEXT : 0) | (i >= out ? DESC_WRITE : 0));
        at = d->next;
    }
    q->free_head = at;
    q->free_count = (uint16_t)(q->free_count - count);
    q->cookies[head] = cookie;
    uint16_t index = q->avail[1];
    q->avail[2 + index % q->size] = head;
    __atomic_thread_fence(__ATOMIC_RELEASE);
    q->avail[1] = (uint16_t)(index + 1);
    return true;
}

void virtq_kick(struct virtq *q)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!(q->used[0] & USED_NO_NOTIFY)) {
        q->device->transport->notify(q->device, q->index);
    }
}

bool virtq_pending(const struct virtq *q)
{
    return q->used[1] != q->used_seen;
}

/* Puts the chain of descriptors that starts at head back on the free list. */
static void chain_free(struct virtq *q, uint16_t head)
{
    uint16_t last = head;
    unsigned count = 1;
    while (q->desc[last].flags & DESC_NEXT) {
        last = q->desc[last].next;
        count++;
    }
    q->desc[last].next = q->free_head;
    q->free_head = head;
    q->free_count = (uint16_t)(q->free_count + count);
}

void *virtq_take(struct virtq *q, uint32_t *length)
{
    while (virtq_pending(q)) {
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        const volatile struct virtq_used_element *e =
            (const volatile struct virtq_used_element *)(q->used + 2) + q->used_seen % q->size;
        uint32_t head = e->id;
        *length = e->length;
        q->used_seen++;
        void *cookie = head < q->size ? q->cookies[head] : NULL;
        if (cookie) { /* else the device is done with what it never had */
            q->cookies[head] = NULL;
            chain_free(q, (uint16_t)head);
            return cookie;
        }
    }
    return NULL;
}

void virtq_interrupts(struct virtq *q, bool on)
{
    q->avail[0] = on ? 0 : AVAIL_NO_INTERRUPT;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void virtio_interrupt(void *device)
{
    struct virtio_device *d = device;
    d->transport->acknowledge(d);
    if (d->interrupt) {
        d->interrupt(d);
    }
}
