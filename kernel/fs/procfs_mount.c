/* /proc/PID/mounts and mountinfo. */
#include "kernel/base/string.h"
#include "kernel/fs/procfs.h"
#include "kernel/vfs/dentry.h"
#include "kernel/vfs/mode.h"

#define SPECIAL " \t\n#"
#define FIRST_MOUNT_ID 20u

#define INNER_MOUNT_ID 16u /* of pipes, sockets and the like */

struct mount_list {
    struct text *out;
    unsigned count;
};

static const char *mount_source(const struct filesystem *fs)
{
    return strcmp(fs->type, "erofs") == 0 ? "/dev/root" : fs->type;
}

static const char *mount_options(const struct filesystem *fs)
{
    return fs->read_only ? "ro,relatime" : "rw,relatime";
}

static bool mounts_each(struct filesystem *fs, const char *path, void *arg)
{
    struct mount_list *list = arg;
    text_format(list->out, "%s ", mount_source(fs));
    text_escaped(list->out, path, SPECIAL);
    text_format(list->out, " %s %s 0 0\n", fs->type, mount_options(fs));
    return !text_failed(list->out);
}

void proc_mounts(struct text *out, pseudo_key_t key)
{
    (void)key;
    struct mount_list list = {.out = out};
    vfs_for_each_mount(mounts_each, &list);
}

/* The root comes first; all others are taken to lie in it. */
static bool mountinfo_each(struct filesystem *fs, const char *path, void *arg)
{
    struct mount_list *list = arg;
    unsigned id = FIRST_MOUNT_ID + list->count;
    text_format(list->out, "%u %u %u:%u / ", id, list->count == 0 ? 1 : FIRST_MOUNT_ID,
                device_major(fs->device), device_minor(fs->device));
    text_escaped(list->out, path, SPECIAL);
    text_format(list->out, " %s - %s %s %s\n", mount_options(fs), fs->type, mount_source(fs),
                fs->read_only ? "ro" : "rw");
    list->count++;
    return !text_failed(list->out);
}

struct mount_search {
    const struct filesystem *fs;
    unsigned count;
};

static bool mount_is_other(struct filesystem *fs, const char *path, void *arg)
{
    struct mount_search *search = arg;
    (void)path;
    if (fs == search->fs)
        return false;
    search->count++;
    return true;
}

unsigned proc_mount_id(const struct dentry *d)
{
    struct mount_search search = {.fs = d && d->inode ? d->inode->fs : NULL}, all = {.fs = NULL};
    vfs_for_each_mount(mount_is_other, &search);
    vfs_for_each_mount(mount_is_other, &all);
    return search.count < all.count ? FIRST_MOUNT_ID + search.count : INNER_MOUNT_ID;
}

void proc_mountinfo(struct text *out, pseudo_key_t key)
{
    (void)key;
    struct mount_list list = {.out = out};
    vfs_for_each_mount(mountinfo_each, &list);
}
