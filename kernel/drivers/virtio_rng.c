/* Entropy from the host, asked for once at boot; it comes in when it comes in. */
#include "kernel/base/random.h"
#include "kernel/drivers/virtio.h"
#include "kernel/mm/page.h"

#define BYTES 64

static struct virtq queue;

bool virtio_rng_probe(struct virtio_device *d);

static void arrived(struct virtio_device *d)
{
    (void)d;
    uint32_t length;
    struct page *page = virtq_take(&queue, &length);
    if (page) {
        random_feed(page_virt(page), length < BYTES ? length : BYTES);
        page_put(page);
    }
}

bool virtio_rng_probe(struct virtio_device *d)
{
    struct page *page = page_alloc(0, 0);
    if (!page) {
        return false;
    }
    if (!virtio_begin(d, 0) || !virtio_queue(d, 0, 2, &queue)) {
        page_put(page);
        return false;
    }
    d->interrupt = arrived;
    virtio_ready(d);
    struct virtq_segment segment = {page_phys(page), BYTES};
    (void)virtq_add(&queue, &segment, 0, 1, page); /* the queue is empty */
    virtq_kick(&queue);
    return true;
}
