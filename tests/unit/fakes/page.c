/* Physical pages: blocks of libc's memory, each with its struct page, found by its address. */
#include "kernel/mm/page.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/fakes/fakes.h"

struct fake_page {
    struct page page;
    struct fake_page *next;
    void *data;
};

long fake_pages, fake_pages_left = -1;
struct page_stats page_stats = {.total_pages = 65536};
static struct fake_page *all[1024];

static struct fake_page **slot_of(const void *data)
{
    return &all[((uintptr_t)data >> PAGE_SHIFT) % 1024];
}

struct page *page_alloc(unsigned order, unsigned flags)
{
    if (order > 0 && (flags & ALLOC_NORECLAIM)) /* these would be split */
        return NULL;
    if (fake_pages_left == 0 || (fake_pages_left > 0 && fake_pages_left-- == 0))
        return NULL;
    struct fake_page *p = calloc(1, sizeof(*p));
    p->data = aligned_alloc(PAGE_SIZE, PAGE_SIZE << order);
    memset(p->data, flags & ALLOC_ZERO ? 0 : 0x5a, PAGE_SIZE << order);
    p->page.refs = 1;
    p->page.order = (uint8_t)order;
    p->next = *slot_of(p->data);
    *slot_of(p->data) = p;
    fake_pages++;
    return &p->page;
}

bool page_room(unsigned class)
{
    (void)class;
    return true;
}

void page_split(struct page *p)
{
    (void)p;
    abort();
}

struct page *page_get(struct page *p)
{
    p->refs++;
    return p;
}

void page_put(struct page *page)
{
    struct fake_page *p = container_of(page, struct fake_page, page);
    if (--page->refs)
        return;
    struct fake_page **link = slot_of(p->data);
    while (*link != p)
        link = &(*link)->next;
    *link = p->next;
    free(p->data);
    free(p);
    fake_pages--;
}

void *page_virt(const struct page *p)
{
    return container_of(p, struct fake_page, page)->data;
}

struct page *page_of_virt(const void *virt)
{
    void *data = (void *)((uintptr_t)virt & ~PAGE_MASK);
    struct fake_page *p = *slot_of(data);
    while (p && p->data != data)
        p = p->next;
    return p ? &p->page : NULL;
}

void page_zero(struct page *p)
{
    memset(page_virt(p), 0, PAGE_SIZE);
}
