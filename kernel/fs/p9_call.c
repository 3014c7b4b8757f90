/*
 * 9P messages: put together, sent, taken apart. All numbers are little-endian. A message begins
 * with its size[4], type[1] and tag[2]; an answer's type is the request's plus one, or RLERROR.
 */
#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/fs/p9.h"
#include "kernel/mm/page.h"

#define HEAD_SIZE 7u
#define PAGE_ORDER 2u /* of two messages of P9_MESSAGE_SIZE */
#define ERRNO_MAX 4095u

/* Takes a tag, waiting for one. */
static uint16_t tag_take(struct p9_mount *mount)
{
    struct waiter w;
    uint64_t free = 0;
    waiter_init(&w, EVENTS_ANY);
    waitq_add(&mount->tag_freed, &w);
    for (;;) {
        waiter_arm(&w);
        spin_lock(&mount->lock);
        free = ~mount->tags;
        mount->tags |= free & -free; /* the lowest */
        spin_unlock(&mount->lock);
        if (free)
            break;
        (void)waiter_sleep(&w, DEADLINE_NONE, false);
    }
    waitq_remove(&mount->tag_freed, &w);
    return (uint16_t)__builtin_ctzl(free);
}

static void tag_free(struct p9_mount *mount, uint16_t tag)
{
    spin_lock(&mount->lock);
    mount->tags &= ~(1ul << tag);
    spin_unlock(&mount->lock);
    waitq_wake(&mount->tag_freed, EVENTS_ANY);
}

int p9_begin(struct p9_call *c, struct p9_mount *mount, enum p9_type type)
{
    struct page *page = page_alloc(PAGE_ORDER, 0);
    if (!page)
        return -ENOMEM;
    uint8_t *out = page_virt(page);
    *c = (struct p9_call){.mount = mount, .page = page, .type = (uint8_t)type};
    c->at = out + HEAD_SIZE;
    c->end = out + P9_MESSAGE_SIZE;
    c->tag = tag_take(mount);
    return 0;
}

void p9_put(struct p9_call *c, uint64_t value, unsigned bytes)
{
    if ((size_t)(c->end - c->at) < bytes) {
        c->broken = true;
        return;
    }
    for (unsigned i = 0; i < bytes; i++)
        *c->at++ = (uint8_t)(value >> 8 * i);
}

void p9_put_text(struct p9_call *c, const char *text, size_t length)
{
    p9_put(c, length, 2);
    if (length > UINT16_MAX || (size_t)(c->end - c->at) < length) {
        c->broken = true;
        return;
    }
    memcpy(c->at, text, length);
    c->at += length;
}

void p9_put_name(struct p9_call *c, struct name name)
{
    p9_put_text(c, name.text, name.length);
}

uint64_t p9_get(struct p9_call *c, unsigned bytes)
{
    uint64_t value = 0;
    if ((size_t)(c->end - c->at) < bytes) {
        c->broken = true;
        c->at = c->end;
        return 0;
    }
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)*c->at++ << 8 * i;
    return value;
}

struct p9_qid p9_get_qid(struct p9_call *c)
{
    struct p9_qid qid;
    qid.type = (uint8_t)p9_get(c, 1);
    qid.version = (uint32_t)p9_get(c, 4);
    qid.path = p9_get(c, 8);
    return qid;
}

const char *p9_get_text(struct p9_call *c, size_t *length)
{
    *length = p9_get(c, 2);
    if ((size_t)(c->end - c->at) < *length) {
        c->broken = true;
        *length = 0;
        c->at = c->end;
    }
    const char *text = (const char *)c->at;
    c->at += *length;
    return text;
}

/* Writes the head, now that the size is known. */
static void head_write(struct p9_call *c, uint8_t *out, uint32_t size)
{
    c->at = out;
    p9_put(c, size, 4);
    p9_put(c, c->type, 1);
    p9_put(c, c->type == P9_VERSION ? P9_NO_TAG : c->tag, 2);
}

/* Sends the message at out, of size bytes, with the data; returns the answer's bytes. */
static uint64_t transmit(struct p9_call *c, uint8_t *out, uint32_t size, uint8_t *in)
{
    struct channel9p_part parts[CHANNEL9P_PARTS_MAX];
    bool reads = c->type == P9_READ, writes = c->type == P9_WRITE;
    unsigned count = 0, outs;
    parts[count++] = (struct channel9p_part){out, size};
    if (writes)
        for (unsigned i = 0; i < c->data_count; i++)
            parts[count++] = c->data[i];
    outs = count;
    parts[count++] = (struct channel9p_part){in, reads ? P9_READ_HEAD_SIZE : P9_MESSAGE_SIZE};
    if (reads)
        for (unsigned i = 0; i < c->data_count; i++)
            parts[count++] = c->data[i];
    return channel9p_call(c->mount->channel, parts, outs, count - outs);
}

int p9_send(struct p9_call *c)
{
    if (c->broken)
        return -EIO;
    uint8_t *out = page_virt(c->page), *in = out + P9_MESSAGE_SIZE;
    uint32_t size = (uint32_t)(c->at - out);
    head_write(c, out, size + (c->type == P9_WRITE ? c->data_size : 0));
    uint64_t answered = transmit(c, out, size, in);
    c->at = in;
    c->end = in + min_u64(answered, c->type == P9_READ ? P9_READ_HEAD_SIZE : P9_MESSAGE_SIZE);
    uint64_t told = p9_get(c, 4), type = p9_get(c, 1), tag = p9_get(c, 2);
    if (c->broken || told < HEAD_SIZE || told > answered ||
        tag != (c->type == P9_VERSION ? P9_NO_TAG : c->tag))
        return -EIO;
    c->end = in + min_u64(told, (uint64_t)(c->end - in));
    c->answered = (uint32_t)told;
    if (type == c->type + 1u)
        return 0;
    uint64_t refused = type == P9_RLERROR ? p9_get(c, 4) : 0;
    return refused > 0 && refused <= ERRNO_MAX ? -(int)refused : -EIO;
}

void p9_finish(struct p9_call *c)
{
    tag_free(c->mount, c->tag);
    page_put(c->page);
}
