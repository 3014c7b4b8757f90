/* The requests to a 9P server, one function each; and the numbers (fids) it knows files by. */
#include <linux/fcntl.h>

#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/fs/p9.h"
#include "kernel/mm/heap.h"
#include "kernel/platform/run.h"

#define VERSION "9P2000.L"
#define MESSAGE_MAX (P9_DATA_MAX + 4096u)
#define ATTR_MASK 0xfffull /* basic and birth time */
#define ATTR_ATIME_SET 0x80u
#define ATTR_MTIME_SET 0x100u
#define ANY_USER 0xffffffffu

/* ---- fids ---- */

static struct p9_fid *fid_new(struct p9_mount *mount)
{
    struct p9_fid *fid = heap_zalloc(sizeof(*fid));
    if (!fid)
        return NULL;
    fid->mount = mount;
    fid->refs = 1;
    spin_lock(&mount->lock);
    fid->number =
        mount->free_fid_count ? mount->free_fids[--mount->free_fid_count] : mount->next_fid++;
    spin_unlock(&mount->lock);
    return fid;
}

/* The server does not know it, or not any more. */
static void fid_free(struct p9_fid *fid)
{
    struct p9_mount *mount = fid->mount;
    spin_lock(&mount->lock);
    if (mount->free_fid_count < P9_FIDS_KEPT)
        mount->free_fids[mount->free_fid_count++] = fid->number;
    spin_unlock(&mount->lock);
    heap_free(fid);
}

struct p9_fid *p9_fid_get(struct p9_fid *fid)
{
    __atomic_fetch_add(&fid->refs, 1, __ATOMIC_RELAXED);
    return fid;
}

void p9_fid_put(struct p9_fid *fid)
{
    if (!fid || __atomic_sub_fetch(&fid->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    spin_lock(&fid->mount->lock);
    fid->next = fid->mount->retired;
    fid->mount->retired = fid;
    spin_unlock(&fid->mount->lock);
}

static struct p9_fid *retired_take(struct p9_mount *mount)
{
    spin_lock(&mount->lock);
    struct p9_fid *fid = mount->retired;
    if (fid)
        mount->retired = fid->next;
    spin_unlock(&mount->lock);
    return fid;
}

void p9_give_back(struct p9_mount *mount)
{
    struct p9_call c;
    for (struct p9_fid *fid; (fid = retired_take(mount));) {
        if (p9_begin(&c, mount, P9_CLUNK)) {
            fid->refs = 1;
            p9_fid_put(fid); /* some other time */
            return;
        }
        p9_put(&c, fid->number, 4);
        int err = p9_send(&c);
        p9_finish(&c);
        if (err == -EIO)
            heap_free(fid); /* who knows what the server thinks of that number */
        else
            fid_free(fid);
    }
}

/* ---- requests ---- */

static int agree(struct p9_mount *mount)
{
    struct p9_call c;
    size_t length;
    int err = p9_begin(&c, mount, P9_VERSION);
    if (err)
        return err;
    p9_put(&c, MESSAGE_MAX, 4);
    p9_put_text(&c, VERSION, strlen(VERSION));
    err = p9_send(&c);
    if (!err) {
        uint64_t size = p9_get(&c, 4);
        const char *version = p9_get_text(&c, &length);
        if (c.broken || size < MESSAGE_MAX || length != strlen(VERSION) ||
            memcmp(version, VERSION, length) != 0)
            err = -EPROTONOSUPPORT;
    }
    p9_finish(&c);
    return err;
}

int p9_attach(struct p9_mount *mount, struct p9_fid **root)
{
    struct p9_call c;
    int err = agree(mount);
    struct p9_fid *fid = err ? NULL : fid_new(mount);
    if (!err)
        err = fid ? p9_begin(&c, mount, P9_ATTACH) : -ENOMEM;
    if (!err) {
        p9_put(&c, fid->number, 4);
        p9_put(&c, P9_NO_FID, 4);
        p9_put_text(&c, "root", 4);
        p9_put_text(&c, "", 0);
        p9_put(&c, 0, 4);
        err = p9_send(&c);
        p9_finish(&c);
    }
    if (err && fid)
        fid_free(fid);
    *root = fid;
    return err;
}

int p9_walk(struct p9_fid *dir, struct name name, struct p9_fid **out)
{
    struct p9_call c;
    struct p9_mount *mount = dir->mount;
    p9_give_back(mount);
    struct p9_fid *fid = fid_new(mount);
    int err = fid ? p9_begin(&c, mount, P9_WALK) : -ENOMEM;
    if (!err) {
        p9_put(&c, dir->number, 4);
        p9_put(&c, fid->number, 4);
        p9_put(&c, name.length > 0, 2);
        if (name.length > 0)
            p9_put_name(&c, name);
        err = p9_send(&c);
        if (!err && p9_get(&c, 2) != (name.length > 0))
            err = -EIO;
        p9_finish(&c);
    }
    if (err && fid)
        fid_free(fid);
    *out = err ? NULL : fid;
    return err;
}

int p9_open_fid(struct p9_fid *fid, unsigned flags)
{
    struct p9_call c;
    int err = p9_begin(&c, fid->mount, P9_LOPEN);
    if (err)
        return err;
    p9_put(&c, fid->number, 4);
    p9_put(&c, flags & (O_ACCMODE | O_APPEND | O_DIRECTORY), 4);
    err = p9_send(&c);
    p9_finish(&c);
    fid->writable = (flags & O_ACCMODE) != O_RDONLY;
    fid->append = flags & O_APPEND;
    return err;
}

static int64_t get_time(struct p9_call *c)
{
    uint64_t seconds = p9_get(c, 8), ns = p9_get(c, 8);
    return time_of((int64_t)seconds, time_of_ns(ns));
}

/* On a mount, what belongs to the host's user is the program's user's. */
static uint32_t uid_of_host(uint32_t uid)
{
    return uid == the_run.user.host_uid ? the_run.user.uid : uid;
}

static uint32_t gid_of_host(uint32_t gid)
{
    return gid == the_run.user.host_gid ? the_run.user.gid : gid;
}

static uint32_t uid_to_host(uint32_t uid)
{
    return uid == the_run.user.uid ? the_run.user.host_uid : uid;
}

static uint32_t gid_to_host(uint32_t gid)
{
    return gid == the_run.user.gid ? the_run.user.host_gid : gid;
}

int p9_get_attr(struct p9_fid *fid, struct inode_attr *attr, struct p9_qid *qid)
{
    struct p9_call c;
    int err = p9_begin(&c, fid->mount, P9_GETATTR);
    if (err)
        return err;
    p9_put(&c, fid->number, 4);
    p9_put(&c, ATTR_MASK, 8);
    err = p9_send(&c);
    if (!err) {
        (void)p9_get(&c, 8);
        *qid = p9_get_qid(&c);
        *attr = (struct inode_attr){.ino = qid->path};
        attr->mode = (uint32_t)p9_get(&c, 4);
        attr->uid = uid_of_host((uint32_t)p9_get(&c, 4));
        attr->gid = gid_of_host((uint32_t)p9_get(&c, 4));
        attr->links = (uint32_t)p9_get(&c, 8);
        attr->rdev = p9_get(&c, 8);
        attr->size = p9_get(&c, 8);
        attr->block_size = (uint32_t)p9_get(&c, 8);
        attr->blocks = p9_get(&c, 8);
        attr->atime_ns = get_time(&c);
        attr->mtime_ns = get_time(&c);
        attr->ctime_ns = get_time(&c);
        attr->btime_ns = get_time(&c);
        if (c.broken || attr->size > INT64_MAX)
            err = -EIO;
    }
    p9_finish(&c);
    return err;
}

static void put_time(struct p9_call *c, int64_t ns)
{
    int64_t rest, seconds = time_split(ns, &rest);
    p9_put(c, (uint64_t)seconds, 8);
    p9_put(c, (uint64_t)rest, 8);
}

int p9_set_attr(struct p9_fid *fid, const struct inode_attr *attr, unsigned what)
{
    struct p9_call c;
    int err = p9_begin(&c, fid->mount, P9_SETATTR);
    if (err)
        return err;
    what |= what & ATTR_ATIME ? ATTR_ATIME_SET : 0; /* the other bits are the protocol's */
    what |= what & ATTR_MTIME ? ATTR_MTIME_SET : 0;
    p9_put(&c, fid->number, 4);
    p9_put(&c, what & ~ATTR_CTIME, 4);
    p9_put(&c, attr->mode, 4);
    p9_put(&c, uid_to_host(attr->uid), 4);
    p9_put(&c, gid_to_host(attr->gid), 4);
    p9_put(&c, attr->size, 8);
    put_time(&c, attr->atime_ns);
    put_time(&c, attr->mtime_ns);
    err = p9_send(&c);
    p9_finish(&c);
    return err;
}

int64_t p9_transfer(struct p9_fid *fid, enum p9_type type, uint64_t offset,
                    const struct channel9p_part *parts, unsigned count)
{
    struct p9_call c;
    int64_t n = p9_begin(&c, fid->mount, type);
    if (n)
        return n;
    memcpy(c.data, parts, count * sizeof(parts[0]));
    c.data_count = count;
    for (unsigned i = 0; i < count; i++)
        c.data_size += parts[i].size;
    p9_put(&c, fid->number, 4);
    p9_put(&c, offset, 8);
    p9_put(&c, c.data_size, 4);
    n = p9_send(&c);
    if (!n) {
        n = (int64_t)p9_get(&c, 4);
        if (c.broken || (uint64_t)n > c.data_size ||
            (type == P9_READ && (uint64_t)n > c.answered - P9_READ_HEAD_SIZE))
            n = -EIO;
    }
    p9_finish(&c);
    return n;
}

int p9_sync(struct p9_fid *fid)
{
    struct p9_call c;
    int err = p9_begin(&c, fid->mount, P9_FSYNC);
    if (err)
        return err;
    p9_put(&c, fid->number, 4);
    p9_put(&c, 0, 4); /* not the data alone */
    err = p9_send(&c);
    p9_finish(&c);
    return err;
}
