/* System V shared memory. See shm.h. */
#include "kernel/ipc/shm.h"

#include <asm/resource.h>
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/ipc.h>
#include <linux/mman.h>

#include "kernel/base/errno.h"
#include "kernel/base/format.h"
#include "kernel/fd/file.h"
#include "kernel/fs/memfs.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/page.h"
#include "kernel/proc/task.h"
#include "kernel/vm/vm.h"

#define SHM_DEST 01000u   /* of the mode: goes with its last user */
#define SHM_LOCKED 02000u /* of the mode: SHM_LOCK */
#define NAME_BYTES 16u
#define NO_LIMIT (UINT64_MAX - (1ul << 24)) /* SHMMAX, SHMALL */

struct segment {
    struct ipc_object object;
    uint64_t size; /* bytes, as asked for */
    struct dentry *dentry;
    uint64_t attached; /* open files of it: attachments that have not gone wholly */
    int64_t atime, dtime, ctime;
    int cpid, lpid;
};

struct shm_limits shm_limits = {.bytes = NO_LIMIT, .pages = NO_LIMIT};
struct ipc_table shm_table = {.limit = SHMMNI, .last = -1};
static uint64_t all_pages; /* of all segments; under ipc_lock */

static struct segment *segment_of(struct ipc_object *o)
{
    return o ? container_of(o, struct segment, object) : NULL;
}

static struct segment *find(int id)
{
    return segment_of(ipc_find(&shm_table, id));
}

static uint64_t pages_of(const struct segment *s)
{
    return align_up(s->size, PAGE_SIZE) / PAGE_SIZE;
}

static struct filemap *map_of(const struct segment *s)
{
    return s->dentry->inode->map;
}

static void segment_free(struct segment *s)
{
    if (s->dentry)
        dentry_put(s->dentry);
    heap_free(s);
}

/* Attachments: open files. */

static int attachment_mmap(struct file *f, uint32_t prot, uint32_t flags, struct filemap **map)
{
    (void)prot, (void)flags;
    *map = f->inode->map;
    return 0;
}

/* Takes s out of the table if nobody needs it any more. True: it is the caller's to free. */
static bool retire(struct segment *s)
{
    if (s->attached > 0 || !(s->object.mode & SHM_DEST))
        return false;
    ipc_remove(&shm_table, &s->object);
    all_pages -= pages_of(s);
    return true;
}

static void attachment_release(struct file *f)
{
    struct segment *s = f->private;
    spin_lock(&ipc_lock);
    s->attached--;
    s->dtime = ipc_seconds();
    s->lpid = PROC_PID;
    bool gone = retire(s);
    spin_unlock(&ipc_lock);
    if (gone)
        segment_free(s);
}

static const struct file_ops attachment_ops = {
    .name = "shm",
    .mmap = attachment_mmap,
    .release = attachment_release,
};

/* shmget. */

/* More than there is could never be used: as Linux refuses obvious overcommitment. */
static int check_size(size_t size, unsigned flags)
{
    if (size < SHMMIN || size > shm_limits.bytes)
        return -EINVAL;
    uint64_t pages = align_up(size, PAGE_SIZE) / PAGE_SIZE;
    if (pages * PAGE_SIZE < size)
        return -ENOSPC;
    if (flags & SHM_HUGETLB) /* none are set aside */
        return -ENOMEM;
    return !(flags & SHM_NORESERVE) && pages > page_stats.total_pages ? -ENOMEM : 0;
}

static int make_file(struct segment *s)
{
    char name[NAME_BYTES];
    format(name, sizeof(name), "SYSV%08x", (unsigned)s->object.key);
    int err = memfs_create_anonymous(name, s->object.mode, &s->dentry);
    if (!err)
        map_of(s)->size = s->size;
    return err;
}

static int insert_locked(struct segment *s)
{
    uint64_t pages = all_pages + pages_of(s);
    if (pages < all_pages || pages > shm_limits.pages)
        return -ENOSPC;
    int err = ipc_insert(&shm_table, &s->object);
    if (!err) {
        all_pages = pages;
        s->dentry->inode->ino = (uint64_t)s->object.id;
    }
    return err;
}

static int64_t create(int32_t key, size_t size, unsigned flags)
{
    int64_t result = check_size(size, flags);
    if (result)
        return result;
    struct segment *s = heap_zalloc_object(sizeof(*s));
    if (!s)
        return -ENOMEM;
    ipc_object_init(&s->object, key, flags);
    s->size = size;
    s->cpid = PROC_PID;
    s->ctime = ipc_seconds();
    result = make_file(s);
    if (!result) {
        spin_lock(&ipc_lock);
        result = insert_locked(s);
        result = result ? result : s->object.id;
        spin_unlock(&ipc_lock);
    }
    if (result < 0)
        segment_free(s);
    return result;
}

static int64_t get_existing(const struct segment *s, size_t size, unsigned flags)
{
    if (size > s->size)
        return -EINVAL;
    return ipc_allowed(&s->object, flags & IPC_MODE_BITS) ? s->object.id : -EACCES;
}

int64_t shm_get(int32_t key, size_t size, unsigned flags)
{
    for (;;) {
        struct ipc_object *o;
        spin_lock(&ipc_lock);
        int64_t result = ipc_get(&shm_table, key, flags, &o);
        if (result == 0 && o)
            result = get_existing(segment_of(o), size, flags);
        spin_unlock(&ipc_lock);
        if (o || result < 0)
            return result;
        result = create(key, size, flags);
        if (result != -EEXIST) /* another thread was quicker */
            return result;
    }
}

/* shmat. */

static unsigned rights_for(unsigned flags)
{
    unsigned wanted = flags & SHM_RDONLY ? IPC_READ : IPC_READ | IPC_WRITE;
    return flags & SHM_EXEC ? wanted | 0111u : wanted;
}

/* Counts an attachment of the segment. Returns 0, -EINVAL, -EACCES. */
static int attach_begin(int id, unsigned flags, struct segment **out)
{
    spin_lock(&ipc_lock);
    struct segment *s = find(id);
    int err = !s ? -EINVAL : ipc_allowed(&s->object, rights_for(flags)) ? 0 : -EACCES;
    if (!err) {
        s->attached++;
        *out = s;
    }
    spin_unlock(&ipc_lock);
    return err;
}

static void attach_done(struct segment *s, bool attached)
{
    bool gone = false;
    spin_lock(&ipc_lock);
    if (attached) {
        s->atime = ipc_seconds();
        s->lpid = PROC_PID;
    } else {
        s->attached--;
        gone = retire(s);
    }
    spin_unlock(&ipc_lock);
    if (gone)
        segment_free(s);
}

static int64_t map_segment(struct segment *s, struct file *f, uint64_t addr, unsigned flags)
{
    struct vm_map_request r = {
        .addr = addr,
        .size = s->size,
        .prot =
            PROT_READ | (flags & SHM_RDONLY ? 0 : PROT_WRITE) | (flags & SHM_EXEC ? PROT_EXEC : 0),
        .flags = MAP_SHARED,
        .file = f,
    };
    if (addr)
        r.flags |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
    int64_t at = vm_map(&r);
    return at == -EEXIST ? -EINVAL : at;
}

static int place_of(uint64_t *addr, unsigned flags)
{
    if (*addr & PAGE_MASK) {
        if (!(flags & SHM_RND))
            return -EINVAL;
        *addr = align_down(*addr, PAGE_SIZE);
    }
    return !*addr && flags & SHM_REMAP ? -EINVAL : 0;
}

int64_t shm_attach(int id, uint64_t addr, unsigned flags)
{
    struct segment *s;
    int err = id < 0 ? -EINVAL : place_of(&addr, flags);
    err = err ? err : attach_begin(id, flags, &s);
    if (err)
        return err;
    struct file *f = file_alloc(&attachment_ops, flags & SHM_RDONLY ? O_RDONLY : O_RDWR,
                                dentry_get(s->dentry), s);
    if (!f) {
        dentry_put(s->dentry);
        attach_done(s, false);
        return -ENOMEM;
    }
    int64_t at = map_segment(s, f, addr, flags);
    if (at >= 0)
        attach_done(s, true);
    file_put(f); /* the mapping has its own; else it goes, and with it the attachment */
    return at;
}

int64_t shm_detach(uint64_t addr)
{
    return addr & PAGE_MASK ? -EINVAL : vm_unmap_file(addr, &attachment_ops);
}

/* shmctl. */

static void put_stat(const struct segment *s, struct shmid64_ds *out)
{
    *out = (struct shmid64_ds){.shm_segsz = s->size,
                               .shm_atime = s->atime,
                               .shm_dtime = s->dtime,
                               .shm_ctime = s->ctime,
                               .shm_cpid = s->cpid,
                               .shm_lpid = s->lpid,
                               .shm_nattch = s->attached};
    ipc_put_perm(&s->object, &out->shm_perm);
}

int64_t shm_stat(int id, bool by_place, bool any, struct shmid64_ds *out)
{
    spin_lock(&ipc_lock);
    const struct segment *s = by_place ? segment_of(ipc_at(&shm_table, id)) : find(id);
    int64_t result = -EINVAL;
    if (s && !any && !ipc_allowed(&s->object, IPC_READ)) {
        result = -EACCES;
    } else if (s) {
        put_stat(s, out);
        result = by_place ? s->object.id : 0;
    }
    spin_unlock(&ipc_lock);
    return result;
}

bool shm_next(uint32_t place, struct shmid64_ds *out, int *id, uint64_t *resident_bytes)
{
    spin_lock(&ipc_lock);
    const struct segment *s = segment_of(ipc_next(&shm_table, place));
    if (s) {
        put_stat(s, out);
        *id = s->object.id;
        *resident_bytes = map_of(s)->page_count * PAGE_SIZE;
    }
    spin_unlock(&ipc_lock);
    return s != NULL;
}

int64_t shm_set_perm(int id, const struct ipc64_perm *perm)
{
    spin_lock(&ipc_lock);
    struct segment *s = find(id);
    int64_t err = !s ? -EINVAL : ipc_owner(&s->object) ? 0 : -EPERM;
    if (!err)
        err = ipc_set_owner(&s->object, perm);
    if (!err)
        s->ctime = ipc_seconds();
    spin_unlock(&ipc_lock);
    return err;
}

int64_t shm_remove(int id)
{
    bool gone = false;
    spin_lock(&ipc_lock);
    struct segment *s = find(id);
    int64_t err = !s ? -EINVAL : ipc_owner(&s->object) ? 0 : -EPERM;
    if (!err) {
        s->object.mode |= SHM_DEST;
        ipc_hide_key(&shm_table, &s->object);
        gone = retire(s);
    }
    spin_unlock(&ipc_lock);
    if (gone)
        segment_free(s);
    return err;
}

static int check_lock(const struct segment *s, bool lock)
{
    if (capable(CAP_IPC_LOCK))
        return 0;
    uint32_t uid = cred_current()->uid[CRED_EFFECTIVE];
    if (uid != s->object.uid && uid != s->object.cuid)
        return -EPERM;
    return lock && !proc_limit(RLIMIT_MEMLOCK) ? -EPERM : 0;
}

/* Nothing is ever swapped out: a locked segment only says so. */
int64_t shm_lock(int id, bool lock)
{
    spin_lock(&ipc_lock);
    struct segment *s = find(id);
    int64_t err = s ? check_lock(s, lock) : -EINVAL;
    if (!err)
        s->object.mode = lock ? s->object.mode | SHM_LOCKED : s->object.mode & ~SHM_LOCKED;
    spin_unlock(&ipc_lock);
    return err;
}

void shm_get_totals(struct shm_totals *out)
{
    spin_lock(&ipc_lock);
    *out = (struct shm_totals){shm_table.used, all_pages, 0, ipc_highest(&shm_table)};
    uint32_t place = 0;
    for (const struct segment *s; (s = segment_of(ipc_next(&shm_table, place)));
         place = ipc_index(s->object.id) + 1)
        out->resident_pages += map_of(s)->page_count;
    spin_unlock(&ipc_lock);
}
