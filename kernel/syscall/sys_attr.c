/* Changing what is known about a file: modes, owners, times; umask. */
#include <linux/fcntl.h>
#include <linux/inotify.h>
#include <linux/stat.h>
#include <linux/time_types.h>

#include "kernel/fd/fdtable.h"
#include "kernel/fd/unnamed.h"
#include "kernel/proc/task.h"
#include "kernel/syscall/path.h"
#include "kernel/syscall/syscall.h"
#include "kernel/time/clock.h"

#define US_PER_S 1000000l
#define TIME_NOW ((1l << 30) - 1l)
#define TIME_OMIT ((1l << 30) - 2l)
#define ID_UNCHANGED 0xffffffffu

/* What inotify says of a change: one time alone looks like what usually changes it. */
static uint32_t event_of(unsigned what)
{
    return what == ATTR_ATIME ? IN_ACCESS : what == ATTR_MTIME ? IN_MODIFY : IN_ATTRIB;
}

/* Sets attributes and says so. Takes over the reference to d. */
static int64_t change(struct dentry *d, struct inode_attr *attr, unsigned what)
{
    int err = what ? vfs_setattr(d->inode, attr, what) : 0;
    if (!err && what)
        vfs_notify_dentry(d, event_of(what));
    dentry_put(d);
    return err;
}

/* The same for a descriptor without a name. */
static int64_t change_unnamed(int fd, struct inode_attr *attr, unsigned what)
{
    struct file *f;
    int err = fd_get(fd, &f);
    if (err)
        return err;
    err = unnamed_setattr(f, attr, what);
    file_put(f);
    return err;
}

/* Of what a lookup with err found: d, or fd if that has no name. */
static int64_t change_found(int err, struct dentry *d, int fd, struct inode_attr *attr,
                            unsigned what)
{
    if (err == -EXDEV)
        return change_unnamed(fd, attr, what);
    return err ? err : change(d, attr, what);
}

static int64_t change_mode(int err, struct dentry *d, int fd, uint32_t mode)
{
    struct inode_attr attr = {.mode = mode};
    if (!err && inode_is_link(d->inode)) {
        dentry_put(d);
        return -EOPNOTSUPP;
    }
    return change_found(err, d, fd, &attr, ATTR_MODE);
}

int64_t sys_fchmodat2(int dirfd, struct uptr path, unsigned mode, unsigned flags)
{
    struct dentry *d = NULL;
    if (flags & ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    int err = user_path_lookup(dirfd, path, flags, &d);
    return change_mode(err, d, dirfd, mode);
}

int64_t sys_fchmodat(int dirfd, struct uptr path, unsigned mode)
{
    return sys_fchmodat2(dirfd, path, mode, 0);
}

int64_t sys_chmod(struct uptr path, unsigned mode)
{
    return sys_fchmodat2(AT_FDCWD, path, mode, 0);
}

int64_t sys_fchmod(int fd, unsigned mode)
{
    struct dentry *d = NULL;
    int err = fd_dentry_get(fd, false, &d);
    return change_mode(err, d, fd, mode);
}

static int64_t change_owner(int err, struct dentry *d, int fd, unsigned uid, unsigned gid)
{
    struct inode_attr attr = {.uid = uid, .gid = gid};
    unsigned what = ATTR_OWNER;
    if (uid != ID_UNCHANGED)
        what |= ATTR_UID;
    if (gid != ID_UNCHANGED)
        what |= ATTR_GID;
    return change_found(err, d, fd, &attr, what);
}

int64_t sys_fchownat(int dirfd, struct uptr path, unsigned uid, unsigned gid, unsigned flags)
{
    struct dentry *d = NULL;
    if (flags & ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    int err = user_path_lookup(dirfd, path, flags, &d);
    return change_owner(err, d, dirfd, uid, gid);
}

int64_t sys_chown(struct uptr path, unsigned uid, unsigned gid)
{
    return sys_fchownat(AT_FDCWD, path, uid, gid, 0);
}

int64_t sys_lchown(struct uptr path, unsigned uid, unsigned gid)
{
    return sys_fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

int64_t sys_fchown(int fd, unsigned uid, unsigned gid)
{
    struct dentry *d = NULL;
    int err = fd_dentry_get(fd, false, &d);
    return change_owner(err, d, fd, uid, gid);
}

int64_t sys_umask(unsigned mask)
{
    return __atomic_exchange_n(&the_proc.umask, mask & 0777, __ATOMIC_RELAXED);
}

/* times[0] access, times[1] modification. */
static unsigned times_get(const struct __kernel_timespec times[2], struct inode_attr *attr)
{
    int64_t now = clock_realtime_ns(), ns[2];
    unsigned what = 0;
    for (unsigned i = 0; i < 2; i++) {
        if (times[i].tv_nsec == TIME_OMIT)
            continue;
        what |= i == 0 ? ATTR_ATIME : ATTR_MTIME;
        ns[i] = now;
        if (times[i].tv_nsec != TIME_NOW)
            ns[i] = time_of(times[i].tv_sec, times[i].tv_nsec);
    }
    if (times[0].tv_nsec == TIME_NOW && times[1].tv_nsec == TIME_NOW)
        what |= ATTR_NOW;
    if (what & ATTR_ATIME)
        attr->atime_ns = ns[0];
    if (what & ATTR_MTIME)
        attr->mtime_ns = ns[1];
    return what;
}

static int64_t change_times(int err, struct dentry *d, int fd,
                            const struct __kernel_timespec times[2])
{
    struct inode_attr attr = {0};
    unsigned what = times_get(times, &attr);
    return change_found(err, d, fd, &attr, what);
}

static bool time_ok(const struct __kernel_timespec *t)
{
    return (t->tv_nsec >= 0 && t->tv_nsec < NS_PER_SECOND) || t->tv_nsec == TIME_NOW ||
           t->tv_nsec == TIME_OMIT;
}

int64_t sys_utimensat(int dirfd, struct uptr path, struct uptr times, unsigned flags)
{
    struct __kernel_timespec t[2] = {{.tv_nsec = TIME_NOW}, {.tv_nsec = TIME_NOW}};
    struct dentry *d = NULL;
    if (!uptr_is_null(times) && copy_from_user(t, times, sizeof(t)))
        return -EFAULT;
    bool valid = time_ok(&t[0]) && time_ok(&t[1]);
    if (t[0].tv_nsec == TIME_OMIT && t[1].tv_nsec == TIME_OMIT)
        return 0;
    if (flags & ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    int err;
    if (uptr_is_null(path) && dirfd != AT_FDCWD)
        err = flags ? -EINVAL : fd_dentry_get(dirfd, false, &d);
    else
        err = user_path_lookup(dirfd, path, flags, &d);
    if (!err && !valid)
        dentry_put(d);
    if (!valid && (!err || err == -EXDEV))
        err = -EINVAL;
    return change_times(err, d, dirfd, t);
}

/* Times in microseconds. */
static int64_t change_times_us(int dirfd, struct uptr path, struct uptr times)
{
    struct __kernel_timespec t[2] = {{.tv_nsec = TIME_NOW}, {.tv_nsec = TIME_NOW}};
    struct dentry *d = NULL;
    if (!uptr_is_null(times)) {
        if (copy_from_user(t, times, sizeof(t)))
            return -EFAULT;
        for (unsigned i = 0; i < 2; i++) {
            if (t[i].tv_nsec < 0 || t[i].tv_nsec >= US_PER_S)
                return -EINVAL;
            t[i].tv_nsec = time_of_us(0, t[i].tv_nsec);
        }
    }
    int err = uptr_is_null(path) && dirfd != AT_FDCWD ? fd_dentry_get(dirfd, false, &d)
                                                      : user_path_lookup(dirfd, path, 0, &d);
    return change_times(err, d, dirfd, t);
}

int64_t sys_futimesat(int dirfd, struct uptr path, struct uptr times)
{
    return change_times_us(dirfd, path, times);
}

int64_t sys_utimes(struct uptr path, struct uptr times)
{
    return change_times_us(AT_FDCWD, path, times);
}

int64_t sys_utime(struct uptr path, struct uptr times)
{
    struct __kernel_timespec t[2] = {{.tv_nsec = TIME_NOW}, {.tv_nsec = TIME_NOW}};
    int64_t seconds[2];
    struct dentry *d = NULL;
    if (!uptr_is_null(times)) {
        if (copy_from_user(seconds, times, sizeof(seconds)))
            return -EFAULT;
        for (unsigned i = 0; i < 2; i++)
            t[i] = (struct __kernel_timespec){.tv_sec = seconds[i]};
    }
    int err = user_path_lookup(AT_FDCWD, path, 0, &d);
    return change_times(err, d, AT_FDCWD, t);
}
