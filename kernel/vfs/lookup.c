/*
 * Path lookup. As long as all names are cached, the walk goes on under dentry_lock without taking
 * references. Only where it must ask a filesystem (an unknown name, a link whose text is not in
 * memory) it takes a reference, the anchor, and lets the lock go.
 *
 * Links nest without recursion: the text of a link is walked like a path; what is left of the path
 * it stood in waits on a small stack.
 */
#include "kernel/base/errno.h"
#include "kernel/base/panic.h"
#include "kernel/mm/heap.h"
#include "kernel/vfs/dentry.h"
#include "kernel/vfs/memo.h"
#include "kernel/vfs/permission.h"
#include "kernel/vfs/words.h"

struct walk {
    struct dentry *at;     /* where we are: cached or held by anchor */
    struct dentry *anchor; /* referenced, or NULL */
    const char *path;      /* what is still to be walked */
    unsigned links;        /* followed so far */
    unsigned depth;        /* of later[] */
    unsigned flags;        /* LOOKUP_* */
    struct dentry *top;    /* what LOOKUP_BENEATH and LOOKUP_IN_ROOT do not go above */
    bool want_directory;
    bool restricted;   /* not every directory may be searched: each is asked, and no memo used */
    const char *start; /* for the memo: the path, while all of it was cached; or NULL */
    const char *later[LINK_DEPTH_MAX]; /* the rest of paths in which links stood */
    struct inode *link[LINK_DEPTH_MAX];
    char *text[LINK_DEPTH_MAX]; /* of link, if it is ours to free */
};

/* Takes a reference to d in place of the anchor's; leaves dentry_lock. */
static void walk_leave(struct walk *w, struct dentry *d) RELEASES(dentry_lock)
{
    struct dentry *old = w->anchor;
    w->start = NULL; /* what we went by may change now */
    w->anchor = dentry_get(d);
    spin_unlock(&dentry_lock);
    dentry_put(old);
}

/* Asks the filesystem for a name below w->at. Comes back with dentry_lock, and with the child held
 * by the anchor (and so its parent). */
static int walk_load(struct walk *w, struct name name, struct dentry **child) REQUIRES(dentry_lock)
{
    walk_leave(w, w->at);
    int err = dentry_load(w->at, name, child);
    if (!err) {
        dentry_put(w->anchor);
        w->anchor = *child;
    }
    spin_lock(&dentry_lock);
    return err;
}

int link_read(struct inode *link, char **out)
{
    char *text = heap_alloc(PATH_BYTES_MAX);
    if (!text)
        return -ENOMEM;
    int64_t length =
        link->ops->readlink ? link->ops->readlink(link, text, PATH_BYTES_MAX - 1) : -EINVAL;
    if (length >= PATH_BYTES_MAX)
        length = -ENAMETOOLONG;
    if (length < 0) {
        heap_free(text);
        return (int)length;
    }
    text[length] = 0;
    *out = text;
    return 0;
}

/* A path, or a link's text, begins with a slash. */
static int walk_to_root(struct walk *w) REQUIRES(dentry_lock)
{
    if (w->flags & LOOKUP_BENEATH)
        return -EXDEV;
    struct dentry *root = w->top ? w->top : vfs_root_locked();
    if ((w->flags & LOOKUP_NO_MOUNTS) && w->at && w->at->inode->fs != root->inode->fs)
        return -EXDEV;
    w->at = root;
    return 0;
}

/* A link that leads to an object. */
static int walk_jump(struct walk *w, struct dentry *link, const char *rest) REQUIRES(dentry_lock)
{
    struct dentry *target;
    if (w->flags & LOOKUP_NO_MAGIC)
        return -ELOOP;
    if (w->top)
        return -EXDEV;
    const struct filesystem *from = link->inode->fs;
    walk_leave(w, link);
    int err = link->inode->ops->follow(link->inode, &target);
    if (!err && (w->flags & LOOKUP_NO_MOUNTS) && target->inode->fs != from) {
        dentry_put(target);
        err = -EXDEV;
    }
    if (!err) {
        dentry_put(w->anchor);
        w->anchor = w->at = target;
        w->path = rest;
    }
    spin_lock(&dentry_lock);
    return err;
}

/* Goes on with the text of link, a child of w->at; then with rest. */
static int walk_follow(struct walk *w, struct dentry *link, const char *rest) REQUIRES(dentry_lock)
{
    struct inode *inode = link->inode;
    if (w->links == LINK_DEPTH_MAX || (w->flags & LOOKUP_NO_LINKS))
        return -ELOOP;
    if (inode->ops->follow)
        return walk_jump(w, link, rest);
    vfs_accessed(inode);
    char *buffer = NULL;
    if (!inode->link_text) {
        walk_leave(w, link); /* holds its parent, w->at, too */
        int err = link_read(inode, &buffer);
        spin_lock(&dentry_lock);
        if (err)
            return err;
    }
    w->link[w->links] = inode_get(inode);
    w->text[w->links++] = buffer;
    if (*rest)
        w->later[w->depth++] = rest;
    w->path = buffer ? buffer : inode->link_text;
    if (*w->path == '/')
        return walk_to_root(w);
    return *w->path ? 0 : -ENOENT;
}

static int walk_up(struct walk *w) REQUIRES(dentry_lock)
{
    struct dentry *d = w->at;
    if (UNLIKELY(d == w->top))
        return w->flags & LOOKUP_BENEATH ? -EXDEV : 0;
    if (UNLIKELY(d->covers && (w->flags & LOOKUP_NO_MOUNTS)))
        return -EXDEV;
    while (d->covers)
        d = d->covers;
    w->at = dentry_mounted_locked(d->parent);
    return 0;
}

/* A component as it stands in a path: hashed and cut into words on one way through the text. */
struct component {
    size_t length;
    uint32_t hash;
    uint64_t words[(NAME_BYTES_MAX + 1) / NAME_WORD];
};

/* Takes the component at text apart. False: it is too long. */
static inline bool component_scan(const char *text, struct component *c)
{
    uint64_t state = 0;
    for (size_t i = 0; i < ARRAY_SIZE(c->words); i++) {
        uint64_t word = word_load(text + i * NAME_WORD);
        uint64_t stop = zero_bytes(word) | zero_bytes(word ^ EACH_BYTE('/'));
        if (stop) {
            unsigned bits = (unsigned)__builtin_ctzl(stop) & ~7u;
            word &= (1ul << bits) - 1;
            c->words[i] = word;
            c->length = i * NAME_WORD + bits / 8;
            c->hash = (uint32_t)(hash_mix(state, word) >> 32);
            return true;
        }
        c->words[i] = word;
        state = hash_mix(state, word);
    }
    return false;
}

static inline bool component_is(const struct component *c, const struct dentry *d)
{
    const uint64_t *name = (const uint64_t *)(const void *)d->name;
    for (size_t i = 0; i <= c->length / NAME_WORD; i++)
        if (name[i] != c->words[i]) /* NOLINT: filled as far as length goes */
            return false;
    return true;
}

static inline struct dentry *component_find(const struct dentry *parent, const struct component *c)
{
    struct dentry *d = *dentry_slot(parent, c->hash);
    while (d && (d->hash != c->hash || d->parent != parent || !component_is(c, d)))
        d = d->hash_next;
    return d;
}

static const char *skip_slashes(const char *path)
{
    while (*path == '/')
        path++;
    return path;
}

/* One step down, to the name at w->path. */
static int walk_down(struct walk *w, const struct component *c, const char *rest)
    REQUIRES(dentry_lock)
{
    bool last = !*rest && w->depth == 0;
    bool slash = w->path[c->length] == '/';
    struct dentry *child = component_find(w->at, c);
    if (UNLIKELY(!child || w->at->inode->fs->shared)) {
        struct name name = {w->path, (uint32_t)c->length, c->hash};
        int err = walk_load(w, name, &child);
        if (err)
            return err;
    }
    child->used = true;
    if (UNLIKELY(child->mounted)) {
        if (w->flags & LOOKUP_NO_MOUNTS)
            return -EXDEV;
        child = dentry_mounted_locked(child);
    }
    if (!child->inode)
        return -ENOENT;
    if (last && slash) { /* also for what a link leads to */
        w->want_directory = true;
        w->flags |= LOOKUP_FOLLOW;
    }
    if (UNLIKELY(inode_is_link(child->inode)) && (!last || slash || (w->flags & LOOKUP_FOLLOW)))
        return walk_follow(w, child, rest);
    w->at = child;
    w->path = rest;
    return 0;
}

/* Whether a last name is too long is for who looks it up to tell, after all else. */
static int walk_long_name(const struct walk *w, struct name *last)
{
    size_t length = 0;
    while (w->path[length] && w->path[length] != '/')
        length++;
    if (!(w->flags & LOOKUP_PARENT) || *skip_slashes(w->path + length) || w->depth > 0)
        return -ENAMETOOLONG;
    *last = (struct name){w->path, (uint32_t)length, 0};
    return 0;
}

/* Walks all of the path, or with LOOKUP_PARENT all but the last name. Under dentry_lock, which it
 * may let go in between. */
static int walk_path(struct walk *w, struct name *last) REQUIRES(dentry_lock)
{
    struct component c;
    for (;;) {
        w->path = skip_slashes(w->path);
        if (!*w->path) {
            if (w->depth == 0)
                break;
            w->path = w->later[--w->depth];
            continue;
        }
        if (UNLIKELY(!w->at->inode || !inode_is_dir(w->at->inode)))
            return -ENOTDIR;
        if (UNLIKELY(w->restricted) && inode_permission(w->at->inode, MAY_EXEC))
            return -EACCES;
        if (UNLIKELY(!component_scan(w->path, &c)))
            return walk_long_name(w, last);
        size_t length = c.length;
        const char *rest = skip_slashes(w->path + length);
        if (!*rest && w->depth == 0 && w->start)
            memo_store(w->start, w->path, w->at);
        if ((w->flags & LOOKUP_PARENT) && !*rest && w->depth == 0) {
            *last = (struct name){w->path, (uint32_t)length, c.hash};
            return 0;
        }
        if (w->path[0] == '.' && (length == 1 || (length == 2 && w->path[1] == '.'))) {
            int err = length == 2 ? walk_up(w) : 0;
            if (err)
                return err;
            w->path = rest;
            continue;
        }
        int err = walk_down(w, &c, rest);
        if (err)
            return err;
    }
    if (w->flags & LOOKUP_PARENT) /* "/", or "///" */
        *last = (struct name){w->path, 0, 0};
    return w->want_directory && !inode_is_dir(w->at->inode) ? -ENOTDIR : 0;
}

/* Where the walk starts: as far along the path as is remembered. */
static int walk_begin(struct walk *w, struct dentry *base) REQUIRES(dentry_lock)
{
    if (*w->path != '/') {
        w->at = base ? base : vfs_cwd_locked();
        return 0;
    }
    if (w->flags & LOOKUP_LIMITS)
        return walk_to_root(w);
    if (UNLIKELY(w->restricted)) {
        w->at = vfs_root_locked();
        return 0;
    }
    w->start = w->path;
    w->at = memo_find(&w->path);
    if (w->at)
        w->start = NULL;
    else
        w->at = vfs_root_locked();
    return 0;
}

int vfs_lookup_within(struct dentry *top, struct dentry *base, const char *path, unsigned flags,
                      struct dentry **out, struct name *last)
{
    struct walk w;
    if (!*path)
        return -ENOENT;
    w.path = path;
    w.anchor = w.at = NULL;
    w.links = w.depth = 0;
    w.flags = flags;
    w.top = flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT) ? top : NULL;
    w.want_directory = flags & LOOKUP_DIRECTORY;
    w.start = NULL;
    w.restricted = !may_search_all();
    spin_lock(&dentry_lock);
    int err = walk_begin(&w, base);
    ASSERT(err || w.at);
    if (!err)
        err = walk_path(&w, last);
    struct dentry *result = err ? NULL : dentry_get(w.at);
    spin_unlock(&dentry_lock);
    while (w.links-- > 0) {
        heap_free(w.text[w.links]);
        inode_put(w.link[w.links]);
    }
    if (w.anchor)
        dentry_put(w.anchor);
    *out = result;
    return err;
}

int vfs_lookup(struct dentry *base, const char *path, unsigned flags, struct dentry **out,
               struct name *last)
{
    return vfs_lookup_within(base, base, path, flags, out, last);
}
