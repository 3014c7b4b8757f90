/* Extended attributes. */
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/inotify.h>
#include <linux/limits.h>
#include <linux/stat.h>
#include <linux/xattr.h>

#include "kernel/base/string.h"
#include "kernel/fd/fdtable.h"
#include "kernel/fd/unnamed.h"
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
    int err = 0;
    if (strncmp(name, "user.", 5) == 0)
        err = user_name_check(inode, change);
    if (err || strcmp(name, "user.") == 0 || strcmp(name, "trusted.") == 0 ||
        strcmp(name, "security.") == 0)
        return err ? err : -EINVAL;
    if (strncmp(name, "user.", 5) == 0)
        return 0;
    if (strncmp(name, "trusted.", 8) == 0)
        return capable(CAP_SYS_ADMIN) ? 0 : change ? -EPERM : -ENODATA;
    if (strcmp(name, "security.capability") == 0)
        return change && !capable(CAP_SETFCAP) ? -EPERM : 0;
    if (strncmp(name, "security.", 9) == 0)
        return change && !capable(CAP_SYS_ADMIN) ? -EPERM : 0;
    if (strncmp(name, "system.", 7) != 0)
        err = inode_permission(inode, change ? MAY_WRITE : MAY_READ);
    return err ? err : -EOPNOTSUPP;
}

/* The same where the filesystem may know no attributes: what is not permitted comes before that. */
static int access_check(const struct inode *inode, const char *name, bool change)
{
    bool known = inode->ops && (change ? !!inode->ops->setxattr : !!inode->ops->getxattr);
    int err = name_check(inode, name, change);
    return known || (err && err != -EINVAL) ? err : -EOPNOTSUPP;
}

static int64_t xattr_get(struct dentry *d, const char *name, struct uptr out, size_t size)
{
    struct inode *inode = d->inode;
    int64_t n = access_check(inode, name, false);
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
    int err = access_check(inode, name, true);
    if (!err && inode->fs->read_only)
        err = -EROFS;
    if (!err)
        err = inode->ops->setxattr(inode, name, value, size, flags);
    if (!err)
        vfs_notify_dentry(d, IN_ATTRIB);
    return err;
}

/* An attribute as it is to become: all of it is read before the file is looked for. */
struct wanted {
    char name[NAME_SIZE];
    void *value;
};

static bool capabilities_ok(const struct vfs_ns_cap_data *value, size_t size)
{
    uint32_t revision = size >= XATTR_CAPS_SZ_2 ? value->magic_etc & VFS_CAP_REVISION_MASK : 0;
    return (size == XATTR_CAPS_SZ_2 && revision == VFS_CAP_REVISION_2) ||
           (size == XATTR_CAPS_SZ_3 && revision == VFS_CAP_REVISION_3);
}

static int64_t wanted_get(struct wanted *w, struct uptr name, struct uptr from, size_t size,
                          int flags)
{
    w->value = NULL;
    if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
        return -EINVAL;
    int64_t n = name_get(w->name, name);
    if (n)
        return n;
    if (size > XATTR_SIZE_MAX)
        return -E2BIG;
    w->value = heap_alloc(size);
    n = w->value ? copy_from_user(w->value, from, size) : -ENOMEM;
    bool capabilities = size && strcmp(w->name, XATTR_NAME_CAPS) == 0;
    return !n && capabilities && !capabilities_ok(w->value, size) ? -EINVAL : n;
}

/* Three forms each: follow a link, don't, descriptor. */
#define WITH(before, lookup, call)                                                                 \
    struct dentry *d;                                                                              \
    int64_t result = before;                                                                       \
    if (!result)                                                                                   \
        result = lookup;                                                                           \
    if (result)                                                                                    \
        return result;                                                                             \
    result = call;                                                                                 \
    dentry_put(d);                                                                                 \
    return result
#define WITH_NAME(lookup, call)                                                                    \
    char text[NAME_SIZE];                                                                          \
    WITH(name_get(text, name), lookup, call)
#define SET(lookup)                                                                                \
    struct wanted w;                                                                               \
    struct dentry *d;                                                                              \
    int64_t result = wanted_get(&w, name, value, size, flags);                                     \
    if (!result)                                                                                   \
        result = lookup;                                                                           \
    if (!result) {                                                                                 \
        result = xattr_change(d, w.name, w.value, size, flags);                                    \
        dentry_put(d);                                                                             \
    }                                                                                              \
    heap_free(w.value);                                                                            \
    return result
#define FOLLOW user_path_lookup(AT_FDCWD, path, 0, &d)
#define NO_FOLLOW user_path_lookup(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, &d)

/* The name of an open file. One without a name has no attributes: why not, by the attribute's. */
static int xattr_fd(int fd, const char *name, bool change, struct dentry **out)
{
    struct file *f;
    int err = fd_get(fd, &f);
    if (err)
        return err;
    const struct inode *inode = file_inode(f);
    if (f->dentry)
        *out = dentry_get(f->dentry);
    else
        err = inode ? access_check(inode, name, change) : -ENOMEM;
    if (!f->dentry && !err)
        err = -EOPNOTSUPP;
    file_put(f);
    return err;
}

int64_t sys_getxattr(struct uptr path, struct uptr name, struct uptr value, size_t size)
{
    WITH_NAME(FOLLOW, xattr_get(d, text, value, size));
}

int64_t sys_lgetxattr(struct uptr path, struct uptr name, struct uptr value, size_t size)
{
    WITH_NAME(NO_FOLLOW, xattr_get(d, text, value, size));
}

int64_t sys_fgetxattr(int fd, struct uptr name, struct uptr value, size_t size)
{
    WITH_NAME(xattr_fd(fd, text, false, &d), xattr_get(d, text, value, size));
}

int64_t sys_listxattr(struct uptr path, struct uptr list, size_t size)
{
    WITH(0, FOLLOW, xattr_list(d, list, size));
}

int64_t sys_llistxattr(struct uptr path, struct uptr list, size_t size)
{
    WITH(0, NO_FOLLOW, xattr_list(d, list, size));
}

int64_t sys_flistxattr(int fd, struct uptr list, size_t size)
{
    struct dentry *d;
    int64_t result = fd_dentry_get(fd, false, &d);
    if (result)
        return result == -EXDEV ? 0 : result;
    result = xattr_list(d, list, size);
    dentry_put(d);
    return result;
}

int64_t sys_setxattr(struct uptr path, struct uptr name, struct uptr value, size_t size, int flags)
{
    SET(FOLLOW);
}

int64_t sys_lsetxattr(struct uptr path, struct uptr name, struct uptr value, size_t size, int flags)
{
    SET(NO_FOLLOW);
}

int64_t sys_fsetxattr(int fd, struct uptr name, struct uptr value, size_t size, int flags)
{
    SET(xattr_fd(fd, w.name, true, &d));
}

int64_t sys_removexattr(struct uptr path, struct uptr name)
{
    WITH_NAME(FOLLOW, xattr_change(d, text, NULL, 0, 0));
}

int64_t sys_lremovexattr(struct uptr path, struct uptr name)
{
    WITH_NAME(NO_FOLLOW, xattr_change(d, text, NULL, 0, 0));
}

int64_t sys_fremovexattr(int fd, struct uptr name)
{
    WITH_NAME(xattr_fd(fd, text, true, &d), xattr_change(d, text, NULL, 0, 0));
}
