/*
 * Pseudo-filesystems: /proc, /sys and /dev are tables. An entry is a name with what makes its
 * content; nothing exists in memory until it is looked up, so that a long table costs nothing at
 * boot. Files of text are written anew by their function whenever they are read from the start.
 */
#pragma once

#include "kernel/base/text.h"
#include "kernel/fd/file.h"
#include "kernel/vfs/vfs.h"

/*
 * Which one of several alike a file speaks of: directories may have numbered children ("cpu0", fd
 * "3"), and what lies below one of them knows its number. The lower half is the number, the upper
 * half that of the numbered directory around it.
 */
typedef uint64_t pseudo_key_t;

static inline uint32_t pseudo_number(pseudo_key_t key)
{
    return (uint32_t)key;
}
static inline uint32_t pseudo_outer_number(pseudo_key_t key)
{
    return (uint32_t)(key >> 32);
}

/* Links to objects. */
struct pseudo_link {
    /* What the link shows: writes up to size bytes, returns the whole length or -errno. */
    int64_t (*text)(pseudo_key_t key, char *buf, size_t size);
    /* What it leads to: 0 and a new reference, or -errno. NULL: the path that text makes. */
    int (*follow)(pseudo_key_t key, struct dentry **out);
};

struct pseudo_device {
    uint64_t rdev; /* of numbered ones: the first's */
    const struct file_ops *ops;
    /* Sets what of attr (ATTR_*; 0: nothing, attr is NULL) of the number-th, and then mode, uid and
     * gid of its inode. NULL: root's. */
    void (*owner)(struct inode *inode, uint32_t number, const struct inode_attr *attr,
                  unsigned what);
    /* Instead of ops: sets file->ops and private of one of the number-th. Returns 0 or -errno. */
    int (*open)(struct file *file, uint32_t number);
};

struct pseudo_entry;

struct pseudo_dir {
    const struct pseudo_entry *entries; /* a NULL name ends them */
    /* Numbered children: named prefix (NULL: none) and a decimal number, each like child. next
     * finds the first number >= *number there is. has (NULL: ask next) also knows unlisted ones. */
    const struct pseudo_entry *child;
    const char *prefix;
    bool (*next)(pseudo_key_t key, uint32_t *number);
    bool (*has)(pseudo_key_t key, uint32_t number);
    /* Sets uid and gid of the inode of this directory, or of what lies below it; NULL: as the
     * directory around it says, else root's. */
    void (*owner)(struct inode *inode, pseudo_key_t key);
};

struct pseudo_entry {
    const char *name;
    uint32_t mode; /* type and permissions */
    bool fixed;    /* content is what it is, not a function that writes it */
    union {
        void (*text)(struct text *out, pseudo_key_t key);
        const char *content; /* of a file, or a link's target */
        const struct pseudo_dir *dir;
        const struct pseudo_link *link;
        const struct pseudo_device *device;
    };
    /* Takes what was written at one go. Returns 0 or -errno. NULL: -EPERM. */
    int (*write)(pseudo_key_t key, const char *bytes, size_t length);
};

/* Of mode; <linux/stat.h> has them for the kernel alone, and unit tests are linked with libc. */
#define PSEUDO_TYPE 0170000u
#define PSEUDO_TYPE_DEVICE 0020000u
#define PSEUDO_TYPE_DIR 0040000u
#define PSEUDO_TYPE_FILE 0100000u
#define PSEUDO_TYPE_LINK 0120000u

#define PSEUDO_FILE(file_name, function)                                                           \
    {                                                                                              \
        .name = (file_name), .mode = PSEUDO_TYPE_FILE | 0444, .text = (function)                   \
    }
#define PSEUDO_FILE_MODE(file_name, permissions, function, writer)                                 \
    {                                                                                              \
        .name = (file_name), .mode = PSEUDO_TYPE_FILE | (permissions), .text = (function),         \
        .write = (writer)                                                                          \
    }
#define PSEUDO_FIXED(file_name, bytes)                                                             \
    {                                                                                              \
        .name = (file_name), .mode = PSEUDO_TYPE_FILE | 0444, .fixed = true, .content = (bytes)    \
    }
#define PSEUDO_FIXED_MODE(file_name, permissions, bytes, writer)                                   \
    {                                                                                              \
        .name = (file_name), .mode = PSEUDO_TYPE_FILE | (permissions), .fixed = true,              \
        .content = (bytes), .write = (writer)                                                      \
    }
#define PSEUDO_DIR(dir_name, directory)                                                            \
    {                                                                                              \
        .name = (dir_name), .mode = PSEUDO_TYPE_DIR | 0555, .dir = (directory)                     \
    }
#define PSEUDO_LINK(link_name, path)                                                               \
    {                                                                                              \
        .name = (link_name), .mode = PSEUDO_TYPE_LINK | 0777, .fixed = true, .content = (path)     \
    }
#define PSEUDO_OBJECT_LINK(link_name, object)                                                      \
    {                                                                                              \
        .name = (link_name), .mode = PSEUDO_TYPE_LINK | 0777, .link = (object)                     \
    }
#define PSEUDO_DEVICE(device_name, permissions, what)                                              \
    {                                                                                              \
        .name = (device_name), .mode = PSEUDO_TYPE_DEVICE | (permissions), .device = (what)        \
    }
#define PSEUDO_END                                                                                 \
    {                                                                                              \
        .name = NULL                                                                               \
    }

/* Gives fs a root of this directory. fs->type, device and magic are the caller's. Returns 0 or
 * -ENOMEM. */
MUST_CHECK int pseudo_make_root(struct filesystem *fs, const struct pseudo_entry *root);

/* For pseudo_link.text: copies the text out, up to size bytes, and frees it. Returns its whole
 * length or -ENOMEM. */
int64_t pseudo_take_text(struct text *text, char *buf, size_t size);

/* Whether inode is of fs and is what entry describes. */
bool pseudo_is(const struct inode *inode, const struct filesystem *fs,
               const struct pseudo_entry *entry);

/* Mounts /proc, /sys and /dev. Returns 0 or -errno. */
MUST_CHECK int pseudo_mount_all(void);

extern struct filesystem procfs, sysfs, devfs, devpts;
extern const struct pseudo_entry procfs_root, sysfs_root, devfs_root, devpts_root;
