/*
 * The ring of completions. Its layout is known to programs: libaio and others read it themselves,
 * so its first words are as Linux has them.
 */
#include <linux/fcntl.h>
#include <linux/mman.h>

#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/fd/aio_priv.h"
#include "kernel/fs/memfs.h"
#include "kernel/mm/heap.h"
#include "kernel/sched/thread.h"
#include "kernel/vm/vm.h"

#define RING_MAGIC 0xa10a10a1u
#define RING_FEATURES 1u
#define PER_CPU 4u /* slots at least */
#define SPARE 2u

struct ring_head {
    uint32_t id, slots;
    uint32_t head; /* the program's to move, too */
    uint32_t tail;
    uint32_t magic, features, missing_features, head_bytes;
};

static int ring_mmap(struct file *f, uint32_t prot, uint32_t flags, struct filemap **map)
{
    (void)prot, (void)flags;
    *map = f->inode->map;
    return 0;
}

static const struct file_ops ring_ops = {.name = "aio", .mmap = ring_mmap};

static struct ring_head *head_of(const struct aio_context *ctx)
{
    return page_virt(ctx->pages[0]);
}

static struct io_event *slot_of(const struct aio_context *ctx, uint32_t slot)
{
    size_t at = sizeof(struct ring_head) + slot * sizeof(struct io_event);
    return (struct io_event *)((char *)page_virt(ctx->pages[at / PAGE_SIZE]) + at % PAGE_SIZE);
}

static uint32_t read_head(const struct aio_context *ctx)
{
    return __atomic_load_n(&head_of(ctx)->head, __ATOMIC_ACQUIRE) % ctx->slots;
}

/* As many slots as Linux makes: enough for each CPU, twice, and what fills the last page. */
static void choose_size(struct aio_context *ctx)
{
    unsigned slots = ctx->count, least = sched_cpu_count() * PER_CPU;
    slots = 2 * (slots > least ? slots : least) + SPARE;
    size_t bytes = sizeof(struct ring_head) + slots * sizeof(struct io_event);
    ctx->bytes = align_up(bytes, PAGE_SIZE);
    ctx->page_count = (unsigned)(ctx->bytes / PAGE_SIZE);
    ctx->slots = (unsigned)((ctx->bytes - sizeof(struct ring_head)) / sizeof(struct io_event));
}

/* The pages, which stay ours whatever becomes of the mapping. */
static int take_pages(struct aio_context *ctx, struct filemap *map)
{
    unsigned wanted = ctx->page_count;
    ctx->pages = heap_zalloc_object(wanted * sizeof(struct page *));
    if (!ctx->pages)
        return -ENOMEM;
    for (ctx->page_count = 0; ctx->page_count < wanted; ctx->page_count++) {
        struct page **page = &ctx->pages[ctx->page_count];
        int err = filemap_get_page(map, ctx->page_count, FILEMAP_WRITE, page);
        if (err)
            return -EAGAIN;
    }
    return 0;
}

static int map_ring(struct aio_context *ctx, struct dentry *d)
{
    struct file *f = file_alloc(&ring_ops, O_RDWR, dentry_get(d), NULL);
    if (!f) {
        dentry_put(d);
        return -ENOMEM;
    }
    struct vm_map_request r = {
        .size = ctx->bytes, .prot = PROT_READ | PROT_WRITE, .flags = MAP_SHARED, .file = f};
    int64_t at = vm_map(&r);
    file_put(f);
    ctx->id = at < 0 ? 0 : (uint64_t)at;
    return at < 0 ? -ENOMEM : 0;
}

int aio_ring_make(struct aio_context *ctx)
{
    struct dentry *d;
    choose_size(ctx);
    int err = memfs_create_anonymous("[aio]", 0600, &d);
    if (err)
        return err;
    struct filemap *map = d->inode->map;
    map->size = ctx->bytes;
    err = take_pages(ctx, map);
    if (!err) {
        *head_of(ctx) = (struct ring_head){.id = UINT32_MAX,
                                           .slots = ctx->slots,
                                           .magic = RING_MAGIC,
                                           .features = RING_FEATURES,
                                           .head_bytes = sizeof(struct ring_head)};
        err = map_ring(ctx, d);
    }
    dentry_put(d);
    if (err)
        aio_ring_free(ctx);
    return err;
}

void aio_ring_free(struct aio_context *ctx)
{
    for (unsigned i = 0; ctx->pages && i < ctx->page_count; i++)
        page_put(ctx->pages[i]);
    heap_free(ctx->pages);
    ctx->pages = NULL;
}

unsigned aio_ring_used(const struct aio_context *ctx)
{
    return (ctx->tail + ctx->slots - read_head(ctx)) % ctx->slots;
}

void aio_ring_put(struct aio_context *ctx, const struct io_event *event)
{
    *slot_of(ctx, ctx->tail) = *event;
    ctx->tail = (ctx->tail + 1) % ctx->slots;
    __atomic_store_n(&head_of(ctx)->tail, ctx->tail, __ATOMIC_RELEASE);
}

unsigned aio_ring_look(const struct aio_context *ctx, struct io_event *events, unsigned max)
{
    unsigned used = aio_ring_used(ctx), count = used < max ? used : max;
    uint32_t head = read_head(ctx);
    for (unsigned i = 0; i < count; i++)
        events[i] = *slot_of(ctx, (head + i) % ctx->slots);
    return count;
}

void aio_ring_skip(struct aio_context *ctx, unsigned count)
{
    uint32_t head = (read_head(ctx) + count) % ctx->slots;
    __atomic_store_n(&head_of(ctx)->head, head, __ATOMIC_RELEASE);
}
