/* Messages. See message.h. */
#include "kernel/ipc/message.h"

#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/mm/heap.h"
#include "kernel/sched/thread.h"

struct message_block {
    struct message_block *next;
    size_t size;
    char bytes[];
};

#define BLOCK_BYTES (PAGE_SIZE - sizeof(struct message_block))

struct message *message_alloc(int64_t type, size_t size)
{
    struct message *m = heap_zalloc_object(sizeof(*m));
    if (!m)
        return NULL;
    list_init(&m->node);
    m->type = type;
    m->size = size;
    for (struct message_block **link = &m->blocks; size > 0; link = &(*link)->next) {
        size_t part = min_u64(size, BLOCK_BYTES);
        *link = heap_alloc_object(sizeof(**link) + part);
        if (!*link) {
            message_free(m);
            return NULL;
        }
        (*link)->next = NULL;
        (*link)->size = part;
        size -= part;
    }
    return m;
}

void message_free(struct message *m)
{
    if (!m)
        return;
    while (m->blocks) {
        struct message_block *next = m->blocks->next;
        heap_free(m->blocks);
        m->blocks = next;
    }
    heap_free(m);
}

void messages_free(struct list_node *list)
{
    list_for_each_safe(node, next, list)
    {
        message_free(list_entry(node, struct message, node));
        cond_resched();
    }
    list_init(list);
}

int message_load(int64_t type, struct uptr from, size_t size, struct message **out)
{
    struct message *m = message_alloc(type, size);
    if (!m)
        return -ENOMEM;
    for (struct message_block *b = m->blocks; b; b = b->next) {
        if (copy_from_user(b->bytes, from, b->size)) {
            message_free(m);
            return -EFAULT;
        }
        from = uptr_add(from, b->size);
    }
    *out = m;
    return 0;
}

int message_store(const struct message *m, struct uptr to, size_t size)
{
    for (const struct message_block *b = m->blocks; b && size > 0; b = b->next) {
        size_t part = min_u64(size, b->size);
        if (copy_to_user(to, b->bytes, part))
            return -EFAULT;
        to = uptr_add(to, part);
        size -= part;
    }
    return 0;
}

void message_copy(struct message *to, const struct message *from)
{
    struct message_block *t = to->blocks;
    to->type = from->type;
    to->size = from->size;
    for (const struct message_block *f = from->blocks; f; f = f->next, t = t->next)
        memcpy(t->bytes, f->bytes, f->size);
}
