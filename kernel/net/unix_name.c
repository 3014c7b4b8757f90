/*
 * AF_UNIX: names. A path names an inode, which a socket was bound to; an abstract name (its first
 * byte is 0) is only bytes. Both are found in one hash table.
 */
#include "kernel/base/errno.h"
#include "kernel/base/format.h"
#include "kernel/base/hash.h"
#include "kernel/base/random.h"
#include "kernel/base/string.h"
#include "kernel/net/unix.h"
#include "kernel/proc/task.h"
#include "kernel/vfs/mode.h"
#include "kernel/vfs/permission.h"

#define AUTOBIND_BYTES 6u /* a 0 and five digits */
#define AUTOBIND_NAMES 0x100000u
#define NAME_BUCKETS 1024u

static struct spinlock names_lock = SPINLOCK_INIT(RANK_PIPE);
static struct list_node names[NAME_BUCKETS];

/* The names that may be this one. inode NULL: by its bytes. */
static struct list_node *bucket_of(const struct socket_name *name, const struct inode *inode)
{
    uint32_t hash =
        inode ? hash_u64((uintptr_t)inode) : hash_bytes((const char *)name->bytes, name->size, 0);
    struct list_node *bucket = &names[hash % NAME_BUCKETS];
    if (!bucket->next)
        list_init(bucket);
    return bucket;
}

static bool is_abstract(const struct socket_name *name)
{
    return name->bytes[UNIX_NAME_HEAD] == 0;
}

/* names_lock is held. inode NULL: by its bytes. */
static struct unix_socket *find_locked(const struct socket_name *name, const struct inode *inode)
{
    list_for_each(node, bucket_of(name, inode))
    {
        struct unix_socket *u = list_entry(node, struct unix_socket, bound_node);
        if (inode ? u->bound_inode == inode
                  : !u->bound_inode && u->name.size == name->size &&
                        memcmp(u->name.bytes, name->bytes, name->size) == 0)
            return u;
    }
    return NULL;
}

/* Adds u under its name. Returns 0, -EADDRINUSE, or -EINVAL: it has one already. */
static int publish(struct unix_socket *u, const struct socket_name *name, struct inode *inode)
{
    int err = 0;
    spin_lock(&names_lock);
    if (u->bound)
        err = -EINVAL;
    else if (!inode && find_locked(name, NULL))
        err = -EADDRINUSE;
    if (!err) {
        u->name = *name;
        u->bound_inode = inode;
        list_add_tail(bucket_of(name, inode), &u->bound_node);
        __atomic_store_n(&u->bound, true, __ATOMIC_RELEASE);
    }
    spin_unlock(&names_lock);
    return err;
}

void unix_unbind(struct unix_socket *u)
{
    spin_lock(&names_lock);
    list_remove(&u->bound_node);
    struct inode *inode = u->bound_inode;
    u->bound_inode = NULL;
    spin_unlock(&names_lock);
    if (inode)
        inode_put(inode);
}

/* The path of a name, with its end marked: it need not have one. */
static const char *path_of(struct socket_name *name)
{
    uint32_t end = name->size < sizeof(name->bytes) ? name->size : sizeof(name->bytes) - 1;
    name->bytes[end] = 0;
    return (const char *)name->bytes + UNIX_NAME_HEAD;
}

static int bind_path(struct unix_socket *u, struct socket_name *name)
{
    struct dentry *d;
    const char *path = path_of(name);
    name->size = UNIX_NAME_HEAD + (uint32_t)strlen(path) + 1;
    int err = vfs_make(NULL, path, S_IFSOCK | (0777 & ~the_proc.umask), 0, NULL, &d);
    if (err)
        return err == -EEXIST ? -EADDRINUSE : err;
    err = publish(u, name, inode_get(d->inode));
    if (err) {
        inode_put(d->inode);
        int undone = vfs_unlink(NULL, path, false);
        (void)undone;
    }
    dentry_put(d);
    return err;
}

/* A name of the kernel's choice. */
static int autobind(struct unix_socket *u)
{
    int err = -EADDRINUSE;
    struct socket_name name = {.size = UNIX_NAME_HEAD + AUTOBIND_BYTES, .family = AF_UNIX};
    if (u->bound)
        return 0;
    uint32_t first = (uint32_t)random_u64();
    for (uint32_t i = 0; i < AUTOBIND_NAMES && err == -EADDRINUSE; i++) {
        char digits[AUTOBIND_BYTES];
        format(digits, sizeof(digits), "%05x", (first + i) % AUTOBIND_NAMES);
        memcpy(name.bytes + UNIX_NAME_HEAD + 1, digits, AUTOBIND_BYTES - 1);
        err = publish(u, &name, NULL);
    }
    return err;
}

static int check_name(const struct socket_name *name)
{
    bool fits = name->size >= UNIX_NAME_HEAD && name->size <= UNIX_NAME_HEAD + UNIX_PATH_BYTES;
    return fits && name->family == AF_UNIX ? 0 : -EINVAL;
}

int unix_bind(struct socket *s, const struct socket_name *wanted)
{
    struct unix_socket *u = unix_of(s);
    struct socket_name name = *wanted;
    int err = check_name(&name);
    if (err)
        return err;
    if (name.size == UNIX_NAME_HEAD)
        return autobind(u);
    return is_abstract(&name) ? publish(u, &name, NULL) : bind_path(u, &name);
}

static struct unix_socket *find_bound(const struct socket_name *name, const struct inode *inode)
{
    spin_lock(&names_lock);
    struct unix_socket *u = find_locked(name, inode);
    if (u)
        unix_get(u);
    spin_unlock(&names_lock);
    return u;
}

int unix_find(const struct socket_name *wanted, struct unix_socket **out)
{
    struct socket_name name = *wanted;
    struct dentry *d = NULL;
    int err = check_name(&name);
    if (err || name.size == UNIX_NAME_HEAD)
        return -EINVAL;
    if (!is_abstract(&name)) {
        err = vfs_lookup(NULL, path_of(&name), LOOKUP_FOLLOW, &d, NULL);
        if (err)
            return err;
        err = inode_permission(d->inode, MAY_WRITE);
        if (err) {
            dentry_put(d);
            return err;
        }
    }
    bool possible = !d || (d->inode && S_ISSOCK(d->inode->mode));
    *out = possible ? find_bound(&name, d ? d->inode : NULL) : NULL;
    if (d)
        dentry_put(d);
    return *out ? 0 : -ECONNREFUSED;
}
