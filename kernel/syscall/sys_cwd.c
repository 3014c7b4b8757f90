/* The current directory, and the root that cannot be changed. */
#include <linux/fcntl.h>

#include "kernel/mm/heap.h"
#include "kernel/proc/cred.h"
#include "kernel/syscall/path.h"
#include "kernel/syscall/syscall.h"
#include "kernel/vfs/permission.h"

/* Linux counts the NUL in the result. */
int64_t sys_getcwd(struct uptr buf, size_t size)
{
    char *path = heap_alloc(PATH_BYTES_MAX);
    if (!path)
        return -ENOMEM;
    struct dentry *dir = vfs_cwd_get();
    int64_t length = dir->deleted ? -ENOENT : vfs_path_of(dir, path, PATH_BYTES_MAX);
    dentry_put(dir);
    if (length > 0 && (uint64_t)length > size)
        length = -ERANGE;
    if (length > 0 && copy_to_user(buf, path, (size_t)length))
        length = -EFAULT;
    heap_free(path);
    return length;
}

/* Takes over the reference to dir. */
static int64_t change_to(struct dentry *dir)
{
    int err = inode_is_dir(dir->inode) ? inode_permission(dir->inode, MAY_EXEC) : -ENOTDIR;
    if (err) {
        dentry_put(dir);
        return err;
    }
    vfs_cwd_set(dir);
    return 0;
}

int64_t sys_chdir(struct uptr path)
{
    struct user_path p;
    struct dentry *dir;
    int err = user_path_get(&p, AT_FDCWD, path, 0);
    if (err)
        return err;
    err = vfs_lookup(p.base, p.text, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &dir, NULL);
    if (err == -ENOENT)
        vfs_note_missing(p.base, p.text);
    user_path_put(&p);
    return err ? err : change_to(dir);
}

int64_t sys_fchdir(int fd)
{
    struct dentry *dir;
    int err = fd_dentry_get(fd, true, &dir);
    if (err)
        return err == -EXDEV ? -ENOTDIR : err;
    return change_to(dir);
}

/* One root is all there is: only "/" itself is accepted. */
int64_t sys_chroot(struct uptr path)
{
    struct dentry *dir;
    int err = user_path_lookup(AT_FDCWD, path, 0, &dir);
    if (err)
        return err;
    if (!inode_is_dir(dir->inode))
        err = -ENOTDIR;
    else if (inode_permission(dir->inode, MAY_EXEC))
        err = -EACCES;
    else if (dir != vfs_root() || !capable(CAP_SYS_CHROOT))
        err = -EPERM;
    dentry_put(dir);
    return err;
}
