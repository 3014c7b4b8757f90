/* Doubly linked circular list with a head. A node that is in no list is self-linked once
 * initialised, so list_remove is harmless twice. */
#pragma once

#include "kernel/base/types.h"

struct list_node {
    struct list_node *next, *prev;
};

static inline void list_init(struct list_node *n)
{
    n->next = n->prev = n;
}

#define LIST_INIT(name)                                                                            \
    {                                                                                              \
        &(name), &(name)                                                                           \
    }

static inline bool list_empty(const struct list_node *head)
{
    return head->next == head;
}

static inline void list_insert_before(struct list_node *at, struct list_node *n)
{
    n->prev = at->prev;
    n->next = at;
    at->prev->next = n;
    at->prev = n;
}

static inline void list_add_tail(struct list_node *head, struct list_node *n)
{
    list_insert_before(head, n);
}

static inline void list_add_head(struct list_node *head, struct list_node *n)
{
    list_insert_before(head->next, n);
}

static inline void list_remove(struct list_node *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    list_init(n);
}

/* Moves all of from to the end of head. */
static inline void list_splice_tail(struct list_node *head, struct list_node *from)
{
    if (list_empty(from))
        return;
    from->next->prev = head->prev;
    head->prev->next = from->next;
    from->prev->next = head;
    head->prev = from->prev;
    list_init(from);
}

#define list_entry(node, type, member) container_of(node, type, member)
#define list_for_each(pos, head)                                                                   \
    for (struct list_node *pos = (head)->next; pos != (head); pos = pos->next)
/* pos may be removed in the body. */
#define list_for_each_safe(pos, tmp, head)                                                         \
    for (struct list_node *pos = (head)->next, *tmp = pos->next; pos != (head);                    \
         pos = tmp, tmp = pos->next)
