/*
 * The disk: virtio-blk, reads only. A request's header and status live in the heap, because a
 * device needs physical addresses; the caller sleeps until the device is done.
 */
#include "kernel/arch/direct_map.h"
#include "kernel/base/errno.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/drivers/block.h"
#include "kernel/drivers/virtio.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/page.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/waitq.h"
#include "kernel/time/clock.h"
#include "kernel/time/ns.h"

#define SECTOR 512ul
#define REQUEST_READ 0u
#define PAGES_MAX 64u /* in one request */
#define QUEUE_SIZE 128u

struct request {
    struct {
        uint32_t type, reserved;
        uint64_t sector;
    } header;
    uint8_t status;
    struct waiter waiter;
};

static struct {
    struct spinlock lock;
    struct virtq queue; /* GUARDED_BY(lock) */
    struct waitq room;  /* woken when descriptors become free */
    uint64_t size;
    struct block_stats stats;              /* GUARDED_BY(lock) */
    uint64_t busy_since_ns, idle_since_ns; /* while reads are under way */
} disk = {.lock = SPINLOCK_INIT(RANK_DEVICE)};

bool virtio_block_probe(struct virtio_device *d);

uint64_t block_size_bytes(void)
{
    return disk.size;
}

/* What goes on since reads are under way. */
static void add_busy(struct block_stats *s, uint64_t now)
{
    uint64_t took = ns_sub(now, disk.busy_since_ns);
    s->busy_ns = ns_add(s->busy_ns, took);
    s->stalled_ns =
        ns_add(s->stalled_ns, min_u64(ns_sub(sched_idle_mean_ns(), disk.idle_since_ns), took));
}

struct block_stats block_stats(void)
{
    spin_lock(&disk.lock);
    struct block_stats stats = disk.stats;
    if (stats.in_flight) {
        add_busy(&stats, clock_monotonic_ns());
    }
    spin_unlock(&disk.lock);
    return stats;
}

/* A read begins. Returns when. */
static uint64_t read_begins(void)
{
    uint64_t now = clock_monotonic_ns();
    spin_lock(&disk.lock);
    if (disk.stats.in_flight++ == 0) {
        disk.busy_since_ns = now;
        disk.idle_since_ns = sched_idle_mean_ns();
    }
    spin_unlock(&disk.lock);
    return now;
}

static void read_ends(uint64_t began_ns, uint64_t bytes)
{
    uint64_t now = clock_monotonic_ns();
    spin_lock(&disk.lock);
    struct block_stats *s = &disk.stats;
    s->reads++;
    s->sectors += bytes / SECTOR;
    s->read_ns = ns_add(s->read_ns, ns_sub(now, began_ns));
    if (--s->in_flight == 0) {
        add_busy(s, now);
    }
    spin_unlock(&disk.lock);
}

static void complete(struct virtio_device *d)
{
    (void)d;
    spin_lock(&disk.lock);
    uint32_t length;
    bool any = false;
    struct request *r;
    while ((r = virtq_take(&disk.queue, &length))) {
        waiter_signal(&r->waiter);
        any = true;
    }
    spin_unlock(&disk.lock);
    if (any) {
        waitq_wake(&disk.room, EVENTS_ANY);
    }
}

bool virtio_block_probe(struct virtio_device *d)
{
    if (disk.size || !virtio_begin(d, 0)) {
        return false;
    }
    uint64_t sectors;
    d->transport->config(d, 0, &sectors, sizeof(sectors));
    waitq_init(&disk.room);
    if (!virtio_queue(d, 0, QUEUE_SIZE, &disk.queue)) {
        return false;
    }
    d->interrupt = complete;
    virtio_ready(d);
    disk.size = sectors * SECTOR;
    return true;
}

/* Header, pages (neighbours joined), status. Returns how many segments. */
static unsigned make_segments(struct request *r, struct page **pages, uint64_t bytes,
                              struct virtq_segment *segments)
{
    unsigned count = 0;
    segments[count++] = (struct virtq_segment){direct_map_phys(&r->header), sizeof(r->header)};
    for (uint64_t done = 0; done < bytes; done += PAGE_SIZE) {
        paddr_t phys = page_phys(pages[done / PAGE_SIZE]);
        uint32_t length = (uint32_t)min_u64(PAGE_SIZE, bytes - done);
        struct virtq_segment *last = &segments[count - 1];
        if (count > 1 && last->address + last->length == phys) {
            last->length += length;
        } else {
            segments[count++] = (struct virtq_segment){phys, length};
        }
    }
    segments[count++] = (struct virtq_segment){direct_map_phys(&r->status), 1};
    return count;
}

/* Hands the request over, waiting for room first if there is none. */
static void submit(struct request *r, const struct virtq_segment *segments, unsigned count)
{
    struct waiter w;
    waiter_init(&w, EVENTS_ANY);
    waitq_add(&disk.room, &w);
    for (;;) {
        waiter_arm(&w);
        spin_lock(&disk.lock);
        bool added = virtq_add(&disk.queue, segments, 1, count - 1, r);
        if (added) {
            virtq_kick(&disk.queue);
        }
        spin_unlock(&disk.lock);
        if (added) {
            break;
        }
        (void)waiter_sleep(&w, DEADLINE_NONE, false);
    }
    waitq_remove(&disk.room, &w);
}

static int read_pages(uint64_t offset, struct page **pages, uint64_t bytes)
{
    struct virtq_segment segments[PAGES_MAX + 2];
    struct request *r = heap_alloc(sizeof(*r));
    if (!r) {
        return -ENOMEM;
    }
    r->header.type = REQUEST_READ;
    r->header.reserved = 0;
    r->header.sector = offset / SECTOR;
    r->status = 0xff;
    waiter_init(&r->waiter, EVENTS_ANY);
    uint64_t began = read_begins();
    submit(r, segments, make_segments(r, pages, bytes, segments));
    (void)waiter_sleep(&r->waiter, DEADLINE_NONE, false);
    read_ends(began, bytes);
    int err = r->status ? -EIO : 0;
    if (err) {
        log_info("disk: read of %lu bytes at %#lx failed (status %u)", bytes, offset, r->status);
    }
    heap_free(r);
    return err;
}

int block_read_pages(uint64_t offset, struct page **pages, unsigned count)
{
    uint64_t total = count * PAGE_SIZE;
    uint64_t there = offset < disk.size ? min_u64(total, disk.size - offset) : 0;
    for (uint64_t at = there; at < total; at = align_down(at, PAGE_SIZE) + PAGE_SIZE) {
        memset((char *)page_virt(pages[at / PAGE_SIZE]) + at % PAGE_SIZE, 0,
               PAGE_SIZE - at % PAGE_SIZE);
    }
    for (uint64_t done = 0; done < there; done += PAGES_MAX * PAGE_SIZE) {
        uint64_t bytes = min_u64(PAGES_MAX * PAGE_SIZE, there - done);
        int err = read_pages(offset + done, pages + done / PAGE_SIZE, bytes);
        if (err) {
            return err;
        }
    }
    return 0;
}
