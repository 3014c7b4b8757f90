/* Files for this run: /run/secrets, a filesystem in memory that only the program's user can read.
 */
#include <linux/fcntl.h>

#include "kernel/base/errno.h"
#include "kernel/base/format.h"
#include "kernel/fd/file.h"
#include "kernel/fs/memfs.h"
#include "kernel/platform/run.h"
#include "kernel/vfs/mode.h"

#define FOLDER "/run/secrets"
#define FOLDER_MODE 0700u
#define FILE_MODE 0400u

static int write_all(struct file *f, const struct run_secret *secret)
{
    struct iter it;
    uint64_t pos = 0;
    iter_kernel(&it, (void *)(uintptr_t)secret->data, secret->size);
    int64_t n = secret->size ? f->ops->write(f, &it, &pos) : 0;
    return n < 0 ? (int)n : (uint64_t)n < secret->size ? -ENOSPC : 0;
}

static void own(struct inode *inode)
{
    inode->uid = the_run.user.uid;
    inode->gid = the_run.user.gid;
}

static int make_file(const struct run_secret *secret)
{
    char path[sizeof(FOLDER) + 1 + ORRIS_SECRET_NAME_MAX];
    struct file *f;
    format(path, sizeof(path), FOLDER "/%s", secret->name);
    int err = vfs_open(NULL, path, O_WRONLY | O_CREAT | O_EXCL, FILE_MODE, &f);
    if (err)
        return err;
    own(f->inode);
    err = write_all(f, secret);
    file_put(f);
    return err;
}

int secrets_make(void)
{
    if (!the_run.secret_count)
        return 0;
    struct filesystem *fs = tmpfs_create(FOLDER_MODE, 0);
    int err = fs ? vfs_make_folders(FOLDER) : -ENOMEM;
    err = err ? err : vfs_mount(FOLDER, fs);
    if (!err)
        own(fs->root->inode);
    for (unsigned i = 0; !err && i < the_run.secret_count; i++)
        err = make_file(&the_run.secrets[i]);
    return err;
}
