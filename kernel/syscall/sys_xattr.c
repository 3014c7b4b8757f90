/* Extended attributes. */
#include <linux/fcntl.h>
#include <linux/inotify.h>
#include <linux/limits.h>
#include <linux/stat.h>
#include <linux/xattr.h>

#include "kernel/base/string.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/cred.h"
#include "kernel/syscall/path.h"
#include "kernel/syscall/syscall.h"
#include "kernel/vfs/permission.h"

#define NAME_SIZE (XATTR_NAME_MAX + 1)

static int name_get(char *name, struct uptr from)
{
    int64_t length = copy_string_from_user(name, from, NAME_SIZE);
    if (length == -ENAMETOOLONG || length == 0)
        return -ERANGE;
    return length < 0 ? (int)length : 0;
}

/* Attributes of users go by the file's permissions, in a shared directory by its owner. */
static int user_name_check(const struct inode *inode, bool change)
{
    if (change && inode_is_dir(inode) && (inode->mode & S_ISVTX) && !inode_owner_or_capable(inode))
        return -EPERM;
    return inode_permission(inode, change ? MAY_WRITE : MAY_READ);
}

/* Whether inode may have an attribute of this name, and the thread may get or change it. */
static int name_check(const struct inode *inode, const char *name, bool change)
{
    bool plain = inode_is_regular(inode) || inode_is_dir(inode);
    if (strncmp(name, "user.", 5) == 0 && !plain)
        return change ? -EPERM : -ENODATA;
    if (strcmp(name, "user.") == 0 || strcmp(name, "trusted.") == 0 ||
        strcmp(name, "security.") == 0)
        return -EINVAL;
    if (strncmp(name, "user.", 5) == 0)
        return user_name_check(inode, change);
    if (strncmp(name, "trusted.", 8) == 0)
        return capable(CAP_SYS_ADMIN) ? 0 : change ? -EPERM : -ENODATA;
    if (strcmp(name, "security.capability") == 0)
        return change && !capable(CAP_SETFCAP) ? -EPERM : 0;
    if (strncmp(name, "security.", 9) == 0)
        return change && !capable(CAP_SYS_ADMIN) ? -EPERM : 0;
    return -EOPNOTSUPP;
}

static int64_t xattr_get(struct dentry *d, struct uptr uname, struct uptr out, size_t size)
{
    char name[NAME_SIZE];
    struct inode *inode = d->inode;
    int64_t n = name_get(name, uname);
    if (!n)
        n = inode->ops && inode->ops->getxattr ? name_check(inode, name, false) : -EOPNOTSUPP;
    if (n)
        return n;
    size = min_u64(size, XATTR_SIZE_MAX);
    char *value = size ? heap_alloc(size) : NULL;
    if (size && !value)
        return -ENOMEM;
    n = inode->ops->getxattr(inode, name, value, size);
    if (n > 0 && size && copy_to_user(out, value, (size_t)n))
        n = -EFAULT;
    heap_free(value);
    return n;
}

static int64_t xattr_list(struct dentry *d, struct uptr out, size_t size)
{
    struct inode *inode = d->inode;
    if (!inode->ops || !inode->ops->listxattr)
        return 0;
    size = min_u64(size, XATTR_LIST_MAX);
    char *list = size ? heap_alloc(size) : NULL;
    if (size && !list)
        return -ENOMEM;
    int64_t n = inode->ops->listxattr(inode, list, size);
    if (n > 0 && size && copy_to_user(out, list, (size_t)n))
        n = -EFAULT;
    heap_free(list);
    return n;
}

static int64_t xattr_change(struct dentry *d, const char *name, const void *value, size_t size,
                            int flags)
{
    struct inode *inode = d->inode;
    int err = inode->ops && inode->ops->setxattr ? name_check(inode, name, true) : -EOPNOTSUPP;
    if (!err && inode->fs->read_only)
        err = -EROFS;
    if (!err)
        err = inode->ops->setxattr(inode, name, value, size, flags);
    if (!err)
        vfs_notify_dentry(d, IN_ATTRIB);
    return err;
}

static int64_t xattr_set(struct dentry *d, struct uptr uname, struct uptr from, size_t size,
                         int flags)
{
    char name[NAME_SIZE];
    if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
        return -EINVAL;
    int64_t n = name_get(name, uname);
    if (n)
        return n;
    if (size > XATTR_SIZE_MAX)
        return -E2BIG;
    char *value = heap_alloc(size);
    if (!value)
        return -ENOMEM;
    n = copy_from_user(value, from, size);
    if (!n)
        n = xattr_change(d, name, value, size, flags);
    heap_free(value);
    return n;
}

static int64_t xattr_remove(struct dentry *d, struct uptr uname)
{
    char name[NAME_SIZE];
    int64_t n = name_get(name, uname);
    return n ? n : xattr_change(d, name, NULL, 0, 0);
}

/* Three forms each: follow a link, don't, descriptor. */
#define WITH(lookup, call)                                                                         \
    struct dentry *d;                                                                              \
    int64_t result = lookup;                                                                       \
    if (result)                                                                                    \
        return result;                                                                             \
    result = call;                                                                                 \
    dentry_put(d);                                                                                 \
    return result
#define FOLLOW user_path_lookup(AT_FDCWD, path, 0, &d)
#define NO_FOLLOW user_path_lookup(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, &d)

static int xattr_fd(int fd, struct dentry **out)
{
    int err = fd_dentry_get(fd, false, out);
    return err == -EINVAL ? -EOPNOTSUPP : err;
}

int64_t sys_getxattr(struct uptr path, struct uptr name, struct uptr value, size_t size)
{
    WITH(FOLLOW, xattr_get(d, name, value, size));
}

int64_t sys_lgetxattr(struct uptr path, struct uptr name, struct uptr value, size_t size)
{
    WITH(NO_FOLLOW, xattr_get(d, name, value, size));
}

int64_t sys_fgetxattr(int fd, struct uptr name, struct uptr value, size_t size)
{
    WITH(xattr_fd(fd, &d), xattr_get(d, name, value, size));
}

int64_t sys_listxattr(struct uptr path, struct uptr list, size_t size)
{
    WITH(FOLLOW, xattr_list(d, list, size));
}

int64_t sys_llistxattr(struct uptr path, struct uptr list, size_t size)
{
    WITH(NO_FOLLOW, xattr_list(d, list, size));
}

int64_t sys_flistxattr(int fd, struct uptr list, size_t size)
{
    WITH(xattr_fd(fd, &d), xattr_list(d, list, size));
}

int64_t sys_setxattr(struct uptr path, struct uptr name, struct uptr value, size_t size, int flags)
{
    WITH(FOLLOW, xattr_set(d, name, value, size, flags));
}

int64_t sys_lsetxattr(struct uptr path, struct uptr name, struct uptr value, size_t size, int flags)
{
    WITH(NO_FOLLOW, xattr_set(d, name, value, size, flags));
}

int64_t sys_fsetxattr(int fd, struct uptr name, struct uptr value, size_t size, int flags)
{
    WITH(xattr_fd(fd, &d), xattr_set(d, name, value, size, flags));
}

int64_t sys_removexattr(struct uptr path, struct uptr name)
{
    WITH(FOLLOW, xattr_remove(d, name));
}

int64_t sys_lremovexattr(struct uptr path, struct uptr name)
{
    WITH(NO_FOLLOW, xattr_remove(d, name));
}

int64_t sys_fremovexattr(int fd, struct uptr name)
{
    WITH(xattr_fd(fd, &d), xattr_remove(d, name));
}
