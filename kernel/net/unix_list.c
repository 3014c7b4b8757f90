/* AF_UNIX: all sockets, and /proc/net/unix. */
#include "kernel/net/inet_list.h"
#include "kernel/net/unix.h"
#include "kernel/sched/thread.h"

#define FLAG_LISTENING 0x10000u
#define STATE_UNCONNECTED 1u
#define STATE_CONNECTED 3u

static struct spinlock all_lock = SPINLOCK_INIT(RANK_SOCKET_LIST);
static struct list_node all = LIST_INIT(all);

void unix_list_add(struct unix_socket *u)
{
    spin_lock(&all_lock);
    list_add_tail(&all, &u->all_node);
    spin_unlock(&all_lock);
}

void unix_list_remove(struct unix_socket *u)
{
    spin_lock(&all_lock);
    list_remove(&u->all_node);
    spin_unlock(&all_lock);
}

/* A reference, unless the last one is gone. */
static bool try_get(struct unix_socket *u)
{
    uint32_t refs = __atomic_load_n(&u->refs, __ATOMIC_RELAXED);
    while (refs && !__atomic_compare_exchange_n(&u->refs, &refs, refs + 1, true, __ATOMIC_ACQUIRE,
                                                __ATOMIC_RELAXED))
        ;
    return refs != 0;
}

/* The first after u, NULL: of all, with a reference, or NULL. u stays in the list meanwhile. */
static struct unix_socket *next_after(struct unix_socket *u)
{
    struct unix_socket *next = NULL;
    spin_lock(&all_lock);
    for (struct list_node *n = u ? u->all_node.next : all.next; n != &all && !next; n = n->next) {
        next = list_entry(n, struct unix_socket, all_node);
        if (!try_get(next))
            next = NULL;
    }
    spin_unlock(&all_lock);
    return next;
}

/* A path ends at its first 0; an abstract name's are shown as @. */
static void put_name(struct text *out, const struct socket_name *name)
{
    bool is_abstract = name->bytes[UNIX_NAME_HEAD] == 0;
    text_char(out, ' ');
    for (uint32_t i = UNIX_NAME_HEAD; i < name->size; i++) {
        if (!name->bytes[i] && !is_abstract)
            break;
        text_char(out, name->bytes[i] ? (char)name->bytes[i] : '@');
    }
}

static void put_socket(struct text *out, struct unix_socket *u)
{
    spin_lock(&u->lock);
    bool closed = u->dead, connected = u->peer != NULL;
    uint32_t flags = u->state == UNIX_LISTENING ? FLAG_LISTENING : 0;
    spin_unlock(&u->lock);
    if (closed)
        return;
    text_format(out, "0000000000000000: %08X 00000000 %08X %04X %02X %5lu", connected ? 3u : 2u,
                flags, (unsigned)u->base.type, connected ? STATE_CONNECTED : STATE_UNCONNECTED,
                u->base.ino);
    if (__atomic_load_n(&u->bound, __ATOMIC_ACQUIRE))
        put_name(out, &u->name);
    text_char(out, '\n');
}

void unix_list(struct text *out)
{
    struct unix_socket *u = next_after(NULL);
    while (u) {
        put_socket(out, u);
        cond_resched();
        struct unix_socket *next = next_after(u);
        unix_put(u);
        u = next;
    }
}
