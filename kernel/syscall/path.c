/* Taking in paths. See path.h. */
#include "kernel/syscall/path.h"

#include <linux/fcntl.h>

#include "kernel/base/errno.h"
#include "kernel/fd/fdtable.h"
#include "kernel/mm/heap.h"

static int text_get(struct user_path *p, struct uptr path)
{
    p->long_text = NULL;
    p->text = p->short_text;
    int64_t length = copy_string_from_user(p->short_text, path, sizeof(p->short_text));
    if (LIKELY(length != -ENAMETOOLONG))
        return length < 0 ? (int)length : 0;
    p->text = p->long_text = heap_alloc(PATH_BYTES_MAX);
    if (!p->long_text)
        return -ENOMEM;
    length = copy_string_from_user(p->long_text, path, PATH_BYTES_MAX);
    if (length >= 0)
        return 0;
    heap_free(p->long_text);
    return (int)length;
}

static int base_get(struct user_path *p, int dirfd)
{
    int err = fd_get_path(dirfd, &p->dir);
    if (err)
        return err;
    p->base = p->dir->dentry;
    if (!*p->text || (p->dir->inode && inode_is_dir(p->dir->inode)))
        return 0;
    file_put(p->dir);
    return -ENOTDIR;
}

int user_path_get(struct user_path *p, int dirfd, struct uptr path, unsigned flags)
{
    int err = text_get(p, path);
    if (err)
        return err;
    p->base = NULL;
    p->dir = NULL;
    if (!*p->text && !(flags & AT_EMPTY_PATH))
        err = -ENOENT;
    else if (*p->text != '/' && dirfd != AT_FDCWD)
        err = base_get(p, dirfd);
    if (err)
        heap_free(p->long_text);
    return err;
}

void user_path_put(struct user_path *p)
{
    if (p->dir)
        file_put(p->dir);
    if (UNLIKELY(p->long_text != NULL))
        heap_free(p->long_text);
}

int user_path_lookup(int dirfd, struct uptr path, unsigned flags, struct dentry **out)
{
    struct user_path p;
    int err = user_path_get(&p, dirfd, path, flags);
    if (err)
        return err;
    if (*p.text)
        err =
            vfs_lookup(p.base, p.text, flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW, out, NULL);
    else if (!p.dir)
        *out = vfs_cwd_get();
    else if (p.base)
        *out = dentry_get(p.base);
    else
        err = -EXDEV;
    user_path_put(&p);
    return err;
}

int fd_dentry_get(int fd, bool allow_path, struct dentry **out)
{
    struct file *f;
    int err = allow_path ? fd_get_path(fd, &f) : fd_get(fd, &f);
    if (err)
        return err;
    if (f->dentry)
        *out = dentry_get(f->dentry);
    else
        err = -EXDEV;
    file_put(f);
    return err;
}
