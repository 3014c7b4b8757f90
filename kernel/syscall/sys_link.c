/* Names: mkdir, mknod, link, symlink, readlink, unlink, rmdir, rename and their *at forms. */
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>

#include "kernel/base/string.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/task.h"
#include "kernel/syscall/path.h"
#include "kernel/syscall/syscall.h"

#define PERMISSION_BITS 07777u
#define DIR_PERMISSION_BITS 01777u
#define TYPE_BITS 0170000u

static int64_t make_at(int dirfd, struct uptr path, uint32_t mode, uint64_t rdev,
                       const char *target)
{
    struct user_path p;
    int err = user_path_get(&p, dirfd, path, 0);
    if (err)
        return err;
    err = vfs_make(p.base, p.text, mode, rdev, target, NULL);
    user_path_put(&p);
    return err;
}

int64_t sys_mkdirat(int dirfd, struct uptr path, unsigned mode)
{
    mode = S_IFDIR | (mode & DIR_PERMISSION_BITS & ~the_proc.umask);
    return make_at(dirfd, path, mode, 0, NULL);
}

int64_t sys_mkdir(struct uptr path, unsigned mode)
{
    return sys_mkdirat(AT_FDCWD, path, mode);
}

int64_t sys_mknodat(int dirfd, struct uptr path, unsigned mode, uint64_t rdev)
{
    unsigned type = mode & TYPE_BITS ? mode & TYPE_BITS : S_IFREG;
    if (type == S_IFDIR)
        return -EPERM;
    if (type != S_IFREG && type != S_IFCHR && type != S_IFBLK && type != S_IFIFO &&
        type != S_IFSOCK)
        return -EINVAL;
    bool device = type == S_IFCHR || type == S_IFBLK;
    mode = type | (mode & PERMISSION_BITS & ~the_proc.umask);
    return make_at(dirfd, path, mode, device ? rdev : 0, NULL);
}

int64_t sys_mknod(struct uptr path, unsigned mode, uint64_t rdev)
{
    return sys_mknodat(AT_FDCWD, path, mode, rdev);
}

int64_t sys_symlinkat(struct uptr target, int dirfd, struct uptr path)
{
    struct user_path text;
    int err = user_path_get(&text, AT_FDCWD, target, 0);
    if (err)
        return err;
    int64_t result = make_at(dirfd, path, S_IFLNK | 0777, 0, text.text);
    user_path_put(&text);
    return result;
}

int64_t sys_symlink(struct uptr target, struct uptr path)
{
    return sys_symlinkat(target, AT_FDCWD, path);
}

int64_t sys_linkat(int old_dirfd, struct uptr old_path, int new_dirfd, struct uptr new_path,
                   unsigned flags)
{
    struct dentry *d;
    struct user_path p;
    if (flags & ~(unsigned)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if ((flags & AT_EMPTY_PATH) && !capable(CAP_DAC_READ_SEARCH))
        return -ENOENT;
    unsigned how = (flags & AT_EMPTY_PATH) | (flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW);
    int err = user_path_lookup(old_dirfd, old_path, how, &d);
    if (err)
        return err;
    err = user_path_get(&p, new_dirfd, new_path, 0);
    if (!err) {
        err = vfs_link(d, p.base, p.text);
        user_path_put(&p);
    }
    dentry_put(d);
    return err;
}

int64_t sys_link(struct uptr old_path, struct uptr new_path)
{
    return sys_linkat(AT_FDCWD, old_path, AT_FDCWD, new_path, 0);
}

static int64_t unlink_at(int dirfd, struct uptr path, bool directory)
{
    struct user_path p;
    int err = user_path_get(&p, dirfd, path, 0);
    if (err)
        return err;
    err = vfs_unlink(p.base, p.text, directory);
    user_path_put(&p);
    return err;
}

int64_t sys_unlinkat(int dirfd, struct uptr path, unsigned flags)
{
    if (flags & ~(unsigned)AT_REMOVEDIR)
        return -EINVAL;
    return unlink_at(dirfd, path, flags & AT_REMOVEDIR);
}

int64_t sys_unlink(struct uptr path)
{
    return unlink_at(AT_FDCWD, path, false);
}

int64_t sys_rmdir(struct uptr path)
{
    return unlink_at(AT_FDCWD, path, true);
}

/* Of two paths that are wrong the first counts, as on Linux. */
static int rename_to(struct dentry *dir, struct name last, int new_dirfd, struct uptr new_path,
                     unsigned flags)
{
    struct user_path to;
    int err = user_path_get(&to, new_dirfd, new_path, 0);
    if (err)
        return err;
    err = vfs_rename_to(dir, last, to.base, to.text, flags);
    user_path_put(&to);
    return err;
}

int64_t sys_renameat2(int old_dirfd, struct uptr old_path, int new_dirfd, struct uptr new_path,
                      unsigned flags)
{
    struct user_path from;
    struct dentry *dir;
    struct name last;
    if (!vfs_rename_flags_ok(flags))
        return -EINVAL;
    int err = user_path_get(&from, old_dirfd, old_path, 0);
    if (err)
        return err;
    err = vfs_parent_get(from.base, from.text, &dir, &last);
    if (!err) {
        err = rename_to(dir, last, new_dirfd, new_path, flags);
        dentry_put(dir);
    }
    user_path_put(&from);
    return err;
}

int64_t sys_renameat(int old_dirfd, struct uptr old_path, int new_dirfd, struct uptr new_path)
{
    return sys_renameat2(old_dirfd, old_path, new_dirfd, new_path, 0);
}

int64_t sys_rename(struct uptr old_path, struct uptr new_path)
{
    return sys_renameat2(AT_FDCWD, old_path, AT_FDCWD, new_path, 0);
}

static int64_t link_text_out(struct inode *link, struct uptr buf, size_t size)
{
    vfs_accessed(link);
    if (link->link_text) {
        size = min_u64(size, link->size);
        int err = copy_to_user(buf, link->link_text, size);
        return err ? err : (int64_t)size;
    }
    char *text = heap_alloc(PATH_BYTES_MAX);
    if (!text)
        return -ENOMEM;
    int64_t length =
        link->ops->readlink ? link->ops->readlink(link, text, PATH_BYTES_MAX) : -EINVAL;
    if (length > 0) {
        length = (int64_t)min_u64((uint64_t)length, min_u64(size, PATH_BYTES_MAX));
        if (copy_to_user(buf, text, (size_t)length))
            length = -EFAULT;
    }
    heap_free(text);
    return length;
}

/* Whether the path was empty, when the descriptor itself is what is read. */
static bool path_is_empty(struct uptr path)
{
    char first = 1;
    return copy_from_user(&first, path, 1) == 0 && !first;
}

int64_t sys_readlinkat(int dirfd, struct uptr path, struct uptr buf, size_t size)
{
    struct dentry *d;
    if ((int)size <= 0)
        return -EINVAL;
    int err = user_path_lookup(dirfd, path, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, &d);
    if (err)
        return err == -EXDEV ? -ENOENT : err;
    bool empty = path_is_empty(path);
    int64_t result = inode_is_link(d->inode) ? link_text_out(d->inode, buf, size)
                     : empty                 ? -ENOENT
                                             : -EINVAL;
    dentry_put(d);
    return result;
}

int64_t sys_readlink(struct uptr path, struct uptr buf, size_t size)
{
    struct dentry *d;
    if ((int)size <= 0)
        return -EINVAL;
    int err = user_path_lookup(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, &d);
    if (err)
        return err;
    int64_t result = inode_is_link(d->inode) ? link_text_out(d->inode, buf, size) : -EINVAL;
    dentry_put(d);
    return result;
}
