/* What is known about a file: the stat family, statx, access, statfs. */
#include <asm/stat.h>
#include <asm/statfs.h>
#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/securebits.h>
#include <linux/stat.h>

#include "kernel/fd/fdtable.h"
#include "kernel/proc/task.h"
#include "kernel/syscall/path.h"
#include "kernel/syscall/syscall.h"
#include "kernel/vfs/permission.h"

#define MINOR_BITS 8u
#define ST_VALID 0x20 /* what f_flags has beside the mount's flags */
#define ST_RELATIME 0x1000

/* Seconds rounded down, and what is left, which is not negative. */
static int64_t seconds_of(int64_t ns, uint32_t *rest)
{
    int64_t left, seconds = time_split(ns, &left);
    *rest = (uint32_t)left;
    return seconds;
}

static uint64_t stat_seconds(int64_t ns, unsigned long *rest)
{
    uint32_t left;
    int64_t seconds = seconds_of(ns, &left);
    *rest = left;
    return (uint64_t)seconds;
}

static int stat_out(const struct inode_attr *a, struct uptr out)
{
    struct stat st = {.st_dev = a->device,
                      .st_ino = a->ino,
                      .st_nlink = a->links,
                      .st_mode = a->mode,
                      .st_uid = a->uid,
                      .st_gid = a->gid,
                      .st_rdev = a->rdev,
                      .st_size = (int64_t)a->size,
                      .st_blksize = a->block_size,
                      .st_blocks = (int64_t)a->blocks};
    st.st_atime = stat_seconds(a->atime_ns, &st.st_atime_nsec);
    st.st_mtime = stat_seconds(a->mtime_ns, &st.st_mtime_nsec);
    st.st_ctime = stat_seconds(a->ctime_ns, &st.st_ctime_nsec);
    return copy_to_user(out, &st, sizeof(st));
}

static int fd_getattr(int fd, struct inode_attr *attr)
{
    struct file *f;
    int err = fd_get_path(fd, &f);
    if (err)
        return err;
    file_getattr(f, attr);
    file_put(f);
    return 0;
}

/* The attributes of what a path names; with AT_EMPTY_PATH, of the descriptor. */
static int path_getattr(int dirfd, struct uptr path, unsigned flags, struct inode_attr *attr)
{
    struct user_path p;
    struct dentry *d;
    if ((flags & AT_EMPTY_PATH) && uptr_is_null(path) && dirfd >= 0)
        return fd_getattr(dirfd, attr);
    int err = user_path_get(&p, dirfd, path, flags);
    if (err)
        return err;
    if (!*p.text && p.dir) {
        file_getattr(p.dir, attr);
    } else {
        if (*p.text)
            err = vfs_lookup(p.base, p.text, flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &d,
                             NULL);
        else
            d = vfs_cwd_get();
        if (!err) {
            vfs_getattr(d->inode, attr);
            dentry_put(d);
        }
    }
    user_path_put(&p);
    return err;
}

static int64_t stat_path(int dirfd, struct uptr path, struct uptr out, unsigned flags)
{
    struct inode_attr attr;
    int err = path_getattr(dirfd, path, flags, &attr);
    return err ? err : stat_out(&attr, out);
}

int64_t sys_stat(struct uptr path, struct uptr out)
{
    return stat_path(AT_FDCWD, path, out, 0);
}

int64_t sys_lstat(struct uptr path, struct uptr out)
{
    return stat_path(AT_FDCWD, path, out, AT_SYMLINK_NOFOLLOW);
}

int64_t sys_newfstatat(int dirfd, struct uptr path, struct uptr out, unsigned flags)
{
    if (flags &
        ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE))
        return -EINVAL;
    return stat_path(dirfd, path, out, flags);
}

int64_t sys_fstat(int fd, struct uptr out)
{
    struct inode_attr attr;
    int err = fd_getattr(fd, &attr);
    return err ? err : stat_out(&attr, out);
}

static struct statx_timestamp statx_time(int64_t ns)
{
    struct statx_timestamp t = {0};
    t.tv_sec = seconds_of(ns, &t.tv_nsec);
    return t;
}

static uint32_t device_major(uint64_t device)
{
    return (uint32_t)((device >> MINOR_BITS) & 0xfff);
}

static uint32_t device_minor(uint64_t device)
{
    return (uint32_t)((device & 0xff) | ((device >> 12) & 0xfff00));
}

int64_t sys_statx(int dirfd, struct uptr path, unsigned flags, unsigned mask, struct uptr out)
{
    struct inode_attr a;
    unsigned known = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE;
    if ((flags & ~known) || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE ||
        (mask & STATX__RESERVED))
        return -EINVAL;
    int err = path_getattr(dirfd, path, flags, &a);
    if (err)
        return err;
    struct statx x = {.stx_mask = STATX_BASIC_STATS | STATX_BTIME,
                      .stx_blksize = a.block_size,
                      .stx_nlink = a.links,
                      .stx_uid = a.uid,
                      .stx_gid = a.gid,
                      .stx_mode = (uint16_t)a.mode,
                      .stx_ino = a.ino,
                      .stx_size = a.size,
                      .stx_blocks = a.blocks,
                      .stx_rdev_major = device_major(a.rdev),
                      .stx_rdev_minor = device_minor(a.rdev),
                      .stx_dev_major = device_major(a.device),
                      .stx_dev_minor = device_minor(a.device),
                      .stx_atime = statx_time(a.atime_ns),
                      .stx_btime = statx_time(a.btime_ns),
                      .stx_ctime = statx_time(a.ctime_ns),
                      .stx_mtime = statx_time(a.mtime_ns)};
    return copy_to_user(out, &x, sizeof(x));
}

/* Has the thread go by its real ids, in place of those for files. */
static void use_real_ids(struct cred *cred)
{
    cred->uid[CRED_FS] = cred->uid[CRED_REAL];
    cred->gid[CRED_FS] = cred->gid[CRED_REAL];
    if (!(cred->securebits & SECBIT_NO_SETUID_FIXUP))
        cred->effective = cred->uid[CRED_REAL] == 0 ? cred->permitted : 0;
}

/* mode: MAY_*, which are R_OK, W_OK and X_OK. */
static int access_check(int dirfd, struct uptr path, unsigned mode, unsigned flags)
{
    struct inode_attr attr;
    int err = path_getattr(dirfd, path, flags, &attr);
    if (err)
        return err;
    const struct inode seen = {.mode = attr.mode, .uid = attr.uid, .gid = attr.gid};
    return mode ? inode_permission(&seen, mode) : 0;
}

static int64_t access_at(int dirfd, struct uptr path, int mode, unsigned flags)
{
    struct cred *cred = cred_current(), saved = *cred;
    if ((unsigned)mode & ~7u)
        return -EINVAL;
    if (!(flags & AT_EACCESS))
        use_real_ids(cred);
    int64_t result = access_check(dirfd, path, (unsigned)mode, flags);
    *cred = saved;
    return result;
}

int64_t sys_access(struct uptr path, int mode)
{
    return access_at(AT_FDCWD, path, mode, 0);
}

int64_t sys_faccessat(int dirfd, struct uptr path, int mode)
{
    return access_at(dirfd, path, mode, 0);
}

int64_t sys_faccessat2(int dirfd, struct uptr path, int mode, unsigned flags)
{
    if (flags & ~(unsigned)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    return access_at(dirfd, path, mode, flags);
}

static int statfs_out(struct filesystem *fs, struct uptr out)
{
    if (fs->statfs)
        fs->statfs(fs);
    struct statfs st = {.f_type = (long)fs->magic,
                        .f_bsize = PAGE_SIZE,
                        .f_namelen = NAME_BYTES_MAX,
                        .f_frsize = PAGE_SIZE,
                        .f_flags = ST_VALID | ST_RELATIME | (fs->read_only ? 1 : 0)};
    if (fs->pages_max) {
        uint64_t left = fs->pages_max - min_u64(fs->pages_used, fs->pages_max);
        st.f_blocks = (long)(fs->pages_below + fs->pages_max);
        st.f_bfree = st.f_bavail = (long)left;
        uint64_t names = (fs->names_max - min_u64(fs->names_used, fs->names_max)) / 1024;
        st.f_ffree = (long)(fs->names_max ? min_u64(names, left) : left);
        st.f_files = (long)fs->inodes_used + st.f_ffree;
    }
    st.f_fsid.val[0] = (int)fs->device;
    return copy_to_user(out, &st, sizeof(st));
}

int64_t sys_statfs(struct uptr path, struct uptr out)
{
    struct dentry *d;
    int err = user_path_lookup(AT_FDCWD, path, 0, &d);
    if (err)
        return err;
    err = statfs_out(d->inode->fs, out);
    dentry_put(d);
    return err;
}

int64_t sys_fstatfs(int fd, struct uptr out)
{
    struct filesystem unnamed = {.magic = PIPEFS_MAGIC};
    struct file *f;
    int err = fd_get_path(fd, &f);
    if (err)
        return err;
    uint32_t type = file_type(f);
    if (type != S_IFIFO)
        unnamed.magic = type ? SOCKFS_MAGIC : ANON_INODE_FS_MAGIC;
    err = statfs_out(f->dentry ? f->inode->fs : &unnamed, out);
    file_put(f);
    return err;
}
