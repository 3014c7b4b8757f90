// UNIT: kernel/drivers/virtio.c tests/unit/fakes/page.c tests/unit/fakes/heap.c
/* Split queues against a device that the test plays: in any order, wrapping, and lying. */
#include "kernel/base/log.h"
#include "kernel/drivers/virtio.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/page.h"
#include "tests/harness/check.h"
#include "tests/unit/fakes/fakes.h"

#define DRIVER(type, name, probe)                                                                  \
    bool probe(struct virtio_device *d);                                                           \
    bool probe(struct virtio_device *d)                                                            \
    {                                                                                              \
        (void)d;                                                                                   \
        return false;                                                                              \
    }
#include "kernel/drivers/drivers.def"
#undef DRIVER

void log_info(const char *fmt, ...)
{
    (void)fmt;
}

paddr_t page_phys(const struct page *p)
{
    return (paddr_t)page_virt(p);
}

static unsigned queue_limit = 64, notified;
static volatile uint16_t *device_avail, *device_used;
static uint8_t device_status;
static uint64_t offered_features;

static unsigned queue_max(struct virtio_device *d, unsigned index)
{
    (void)d, (void)index;
    return queue_limit;
}

static void queue_enable(struct virtio_device *d, unsigned index, unsigned size, paddr_t desc,
                         paddr_t avail, paddr_t used)
{
    (void)d, (void)index, (void)size, (void)desc;
    device_avail = (volatile uint16_t *)avail;
    device_used = (volatile uint16_t *)used;
}

static void notify(struct virtio_device *d, unsigned index)
{
    (void)d, (void)index;
    notified++;
}

static uint64_t device_features(struct virtio_device *d)
{
    (void)d;
    return offered_features;
}

static void set_features(struct virtio_device *d, uint64_t features)
{
    (void)d, (void)features;
}

static uint8_t status(struct virtio_device *d)
{
    (void)d;
    return device_status;
}

static void set_status(struct virtio_device *d, uint8_t value)
{
    (void)d;
    device_status = value;
}

static const struct virtio_transport transport = {
    .queue_max = queue_max,
    .queue_enable = queue_enable,
    .notify = notify,
    .device_features = device_features,
    .set_features = set_features,
    .status = status,
    .set_status = set_status,
};
static struct virtio_device device = {.transport = &transport};
static struct virtq queue;
static uint16_t device_seen; /* of the available ring */

static bool make_queue(unsigned size)
{
    memset(&queue, 0xa5, sizeof(queue));
    device_seen = 0;
    return virtio_queue(&device, 0, size, &queue);
}

static void drop_queue(void)
{
    page_put(page_of_virt(queue.desc));
    CHECK_EQ(fake_pages, 0);
}

/* The device's side. */
static uint16_t device_take(void)
{
    return device_avail[2 + device_seen++ % queue.size];
}

static void device_return(uint32_t id, uint32_t length)
{
    volatile struct virtq_used_element *ring =
        (volatile struct virtq_used_element *)(device_used + 2);
    ring[device_used[1] % queue.size] = (struct virtq_used_element){id, length};
    device_used[1]++;
}

static const struct virtq_segment segments[3] = {{0x1000, 16}, {0x2000, 4096}, {0x3000, 1}};
static int things[VIRTQ_MAX];

static bool add(unsigned out, unsigned in, unsigned thing)
{
    return virtq_add(&queue, segments, out, in, &things[thing]);
}

static void test_chains(void)
{
    CHECK(make_queue(8));
    CHECK(add(1, 2, 0));
    uint16_t head = device_take();
    const struct virtq_desc *d = &queue.desc[head];
    CHECK_EQ(d->address, 0x1000);
    CHECK_EQ(d->length, 16);
    CHECK_EQ(d->flags, 1);
    d = &queue.desc[d->next];
    CHECK_EQ(d->flags, 3);
    d = &queue.desc[d->next];
    CHECK_EQ(d->address, 0x3000);
    CHECK_EQ(d->flags, 2);
    uint32_t length = 0;
    CHECK(!virtq_take(&queue, &length));
    device_return(head, 4097);
    CHECK(virtq_take(&queue, &length) == &things[0]);
    CHECK_EQ(length, 4097);
    CHECK_EQ(queue.free_count, 8);
    drop_queue();
}

/* More than 65536 requests, given back in another order than they came. */
static void test_wrap_around(void)
{
    CHECK(make_queue(8));
    unsigned wrong = 0;
    for (unsigned round = 0; round < 40000; round++) {
        unsigned first_size = round % 3;
        wrong += !add(1, first_size, 1) || !add(1, 1, 2);
        wrong += queue.free_count != 8 - 1 - first_size - 2;
        uint16_t a = device_take(), b = device_take();
        device_return(b, 2);
        device_return(a, 1);
        uint32_t length;
        wrong += virtq_take(&queue, &length) != &things[2] || length != 2;
        wrong += virtq_take(&queue, &length) != &things[1] || length != 1;
        wrong += virtq_take(&queue, &length) != NULL || queue.free_count != 8;
    }
    CHECK_EQ(wrong, 0);
    drop_queue();
}

static void test_full(void)
{
    CHECK(make_queue(8));
    for (unsigned i = 0; i < 8; i++)
        CHECK(add(1, 0, i));
    CHECK(!add(1, 0, 0));
    for (unsigned i = 0; i < 8; i++)
        device_return(device_take(), i);
    uint32_t length;
    for (unsigned i = 0; i < 8; i++)
        CHECK(virtq_take(&queue, &length) == &things[i]);
    CHECK(!add(9, 0, 0));
    CHECK(add(1, 2, 0) && add(1, 2, 0) && !add(1, 2, 0) && add(1, 1, 0));
    drop_queue();
}

/* Numbers out of range, of descriptors that are free, in the middle of a chain, or twice. */
static void test_device_that_lies(void)
{
    CHECK(make_queue(8));
    CHECK(add(1, 2, 3));
    uint16_t head = device_take();
    static const uint32_t lies[] = {8, 9, 0x10000, UINT32_MAX, 5, 7};
    uint32_t length;
    for (unsigned i = 0; i < ARRAY_SIZE(lies); i++)
        device_return(lies[i], 1);
    device_return(queue.desc[head].next, 1);
    CHECK(!virtq_take(&queue, &length));
    CHECK_EQ(queue.free_count, 5);
    device_return(head, 1);
    device_return(head, 1);
    CHECK(virtq_take(&queue, &length) == &things[3]);
    CHECK(!virtq_take(&queue, &length));
    CHECK_EQ(queue.free_count, 8);
    device_used[1] += 40000; /* more than it was ever given */
    CHECK(!virtq_take(&queue, &length));
    CHECK(!virtq_pending(&queue));
    CHECK(add(1, 2, 4));
    device_return(device_take(), 1);
    CHECK(virtq_take(&queue, &length) == &things[4]);
    drop_queue();
}

static void test_sizes(void)
{
    queue_limit = 0;
    CHECK(!make_queue(8));
    queue_limit = 100; /* no power of two: the ring would not wrap with its index */
    CHECK(make_queue(128));
    CHECK_EQ(queue.size, 64);
    drop_queue();
    queue_limit = 1024;
    CHECK(make_queue(128));
    CHECK_EQ(queue.size, 128);
    for (unsigned i = 0; i < 128; i++)
        device_return(i, 1); /* all of both rings lies in the pages */
    CHECK(!virtq_take(&queue, &(uint32_t){0}));
    drop_queue();
    fake_pages_left = 0;
    CHECK(!make_queue(8));
    fake_pages_left = -1;
}

static void test_notification(void)
{
    CHECK(make_queue(8));
    notified = 0;
    virtq_kick(&queue);
    CHECK_EQ(notified, 1);
    device_used[0] = 1;
    virtq_kick(&queue);
    CHECK_EQ(notified, 1);
    virtq_interrupts(&queue, false);
    CHECK_EQ(device_avail[0], 1);
    virtq_interrupts(&queue, true);
    CHECK_EQ(device_avail[0], 0);
    drop_queue();
}

static void test_features(void)
{
    offered_features = 2; /* an old device */
    CHECK_EQ(virtio_begin(&device, 2), 0);
    CHECK_EQ(device_status, 128);
    offered_features = VIRTIO_F_VERSION_1 | 6;
    CHECK_EQ(virtio_begin(&device, 3), VIRTIO_F_VERSION_1 | 2);
    struct virtio_device *unknown = heap_zalloc(sizeof(*unknown));
    unknown->type = (enum virtio_type)99;
    virtio_add(unknown);
    CHECK_EQ(fake_heap_blocks, 0);
}

int main(void)
{
    RUN(test_chains);
    RUN(test_wrap_around);
    RUN(test_full);
    RUN(test_device_that_lies);
    RUN(test_sizes);
    RUN(test_notification);
    RUN(test_features);
    return check_done();
}
