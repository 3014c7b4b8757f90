/*
 * Files and directories, whatever filesystem they live on: inodes, names (dentries), lookup.
 *
 * A dentry is a name in a directory; the tree of dentries is cached, negative ones (no such file)
 * too. On an in-memory filesystem the dentries are the directory. Each dentry holds a reference to
 * its parent; a positive one to its inode.
 */
#pragma once

#include "kernel/base/list.h"
#include "kernel/base/types.h"
#include "kernel/sync/mutex.h"
#include "kernel/vfs/filemap.h"

struct dentry;
struct file;
struct file_ops;
struct inode;
struct filesystem;
struct iter;
struct pipe;

#define NAME_BYTES_MAX 255
#define PATH_BYTES_MAX 4096 /* NUL included */
#define LINK_DEPTH_MAX 40

struct inode_attr {
    uint64_t ino, size, blocks; /* blocks: of 512 bytes */
    uint64_t device, rdev;      /* Linux dev_t, new encoding (minor & 0xff | major << 8 | …) */
    uint32_t mode, links, uid, gid, block_size;
    int64_t atime_ns, mtime_ns, ctime_ns, btime_ns; /* since 1970 */
};

/* A component name: not NUL-terminated. */
struct name {
    const char *text;
    uint32_t length, hash;
};

typedef bool (*dir_emit_t)(void *arg, struct name name, uint64_t ino, uint8_t type /* DT_* */,
                           uint64_t next_offset);

/* All calls hold dir->lock where they name a dir. NULL entries mean -EPERM (or the default said).
 * The emit functions given to iterate may be called under spin locks: they do not sleep. */
struct inode_ops {
    /* Finds name: 0 with *out (a new reference), or -ENOENT, -EIO, -ENOMEM. */
    int (*lookup)(struct inode *dir, struct name name, struct inode **out);
    int (*create)(struct inode *dir, struct name name, uint32_t mode, uint64_t rdev,
                  struct inode **out); /* mknod and regular files */
    int (*mkdir)(struct inode *dir, struct name name, uint32_t mode, struct inode **out);
    int (*symlink)(struct inode *dir, struct name name, const char *target, struct inode **out);
    int (*link)(struct inode *dir, struct name name, struct inode *inode);
    int (*unlink)(struct inode *dir, struct name name, struct inode *inode);
    int (*rmdir)(struct inode *dir, struct name name, struct inode *inode);
    /* target is what new_name names now, or NULL. flags: RENAME_*. */
    int (*rename)(struct inode *old_dir, struct name old_name, struct inode *inode,
                  struct inode *new_dir, struct name new_name, struct inode *target,
                  unsigned flags);
    /* Names from *offset on (0: the start; "." and ".." are vfs's). */
    int (*iterate)(struct inode *dir, uint64_t offset, dir_emit_t emit, void *arg);
    /* Writes the target, no NUL; returns its whole length or -errno. */
    int64_t (*readlink)(struct inode *link, char *buf, size_t size);
    /* A link whose target is an object, not a text (/proc/self/fd/N): 0 and *out. */
    int (*follow)(struct inode *link, struct dentry **out);
    void (*getattr)(struct inode *inode, struct inode_attr *attr); /* NULL: the inode's fields */
    int (*setattr)(struct inode *inode, const struct inode_attr *attr, unsigned what); /* ATTR_* */
    int (*open)(struct inode *inode, struct file *file); /* sets file->ops and private */
    int64_t (*getxattr)(struct inode *inode, const char *name, void *value, size_t size);
    int64_t (*listxattr)(struct inode *inode, char *list, size_t size);
    int (*setxattr)(struct inode *inode, const char *name, const void *value, size_t size,
                    int flags);           /* value NULL: remove */
    void (*release)(struct inode *inode); /* last reference is gone: free private, then it */
};

#define ATTR_MODE 0x1u
#define ATTR_UID 0x2u
#define ATTR_GID 0x4u
#define ATTR_SIZE 0x8u
#define ATTR_ATIME 0x10u
#define ATTR_MTIME 0x20u
#define ATTR_CTIME 0x40u
#define ATTR_NOW 0x80u    /* both times are now: who may write may set them */
#define ATTR_OWNER 0x100u /* chown: with ATTR_UID, ATTR_GID, or none of them */

struct inode {
    uint32_t refs;
    uint32_t mode; /* type and permissions */
    const struct inode_ops *ops;
    const struct file_ops *file_ops; /* what open() gives files of it (unless ops->open does) */
    struct filesystem *fs;
    struct mutex lock; /* RANK_DIR for directories, RANK_INODE else */
    uint64_t ino, rdev;
    uint64_t size; /* if there is no map */
    uint32_t links, uid, gid;
    uint32_t writers; /* open files that may write to a regular file: it is not executed then */
    bool pinned;      /* differs from what it was loaded from: must stay in memory */
    bool linkable;    /* of O_TMPFILE: may get a first name */
    bool capable;     /* it may have the attribute security.capability */
    int64_t atime_ns, mtime_ns, ctime_ns, btime_ns;
    struct filemap *map; /* data, or NULL; map->size is the file's size */
    void *private;
    const char *link_text;    /* links: the target, or NULL: ask ops->readlink */
    struct dentry *dentry;    /* directories: the one name they have (borrowed), or NULL */
    struct list_node watches; /* inotify; under the inotify lock */
    struct pipe *pipe;        /* FIFOs: while one has it open; fd/pipe.c */
    struct list_node flocks;  /* advisory locks; vfs/flock.c */
};

struct filesystem {
    const char *type;               /* "erofs", "tmpfs", "proc" */
    uint64_t device;                /* st_dev */
    uint64_t magic;                 /* statfs f_type */
    uint64_t pages_used, pages_max; /* 0: no limit */
    uint64_t pages_below;           /* what read-only layers hold: used beyond pages_max */
    uint64_t inodes_used;
    uint64_t names_used, names_max; /* bytes that names, links and attributes count as */
    bool read_only;
    bool no_negative; /* names come and go by themselves (proc): don't cache dentries */
    bool in_memory;   /* the dentries are the directory: what is created is pinned */
    bool shared;      /* others change it, too: a name is looked up anew each time */
    void (*statfs)(struct filesystem *fs); /* brings pages_used, pages_max up to date; or NULL */
    int (*sync)(struct filesystem *fs);    /* writes what is only here; or NULL */
    struct dentry *root;
    uint64_t next_ino;
};

struct dentry {
    uint32_t refs;
    uint32_t hash;         /* of the name */
    struct dentry *parent; /* itself for a root */
    struct inode *inode;   /* NULL: negative */
    struct dentry *hash_next;
    const char *name; /* NUL-terminated */
    uint16_t name_length;
    uint16_t name_room; /* bytes of name_storage */
    bool unhashed;      /* deleted, or of a filesystem whose names are not cached */
    bool deleted;
    bool pinned;     /* in-memory filesystems: the cache is the directory */
    bool from_layer; /* a layer has this name here: deleting it leaves a pinned negative one */
    bool used;       /* since the last vfs_shrink() passed */
    uint32_t pinned_children;
    uint64_t cookie;           /* place among the names that were created: readdir's offset */
    struct list_node siblings; /* in parent->children */
    struct list_node children;
    struct list_node lru;   /* all that are cached and not pinned */
    struct dentry *mounted; /* root of what is mounted here, or NULL */
    struct dentry *covers;  /* for a mounted root: the dentry it is mounted on */
    char name_storage[];
};

/* Makes an inode with one reference in memory of the caller's, which his ops->release frees. */
void inode_init(struct inode *inode, struct filesystem *fs, uint32_t mode);
struct inode *inode_get(struct inode *inode);
void inode_put(struct inode *inode);
struct dentry *dentry_get(struct dentry *d);
void dentry_put(struct dentry *d);

static inline bool inode_is_dir(const struct inode *i)
{
    return (i->mode & 0170000) == 0040000;
}
static inline bool inode_is_regular(const struct inode *i)
{
    return (i->mode & 0170000) == 0100000;
}
static inline bool inode_is_link(const struct inode *i)
{
    return (i->mode & 0170000) == 0120000;
}

#define LOOKUP_FOLLOW 0x1u    /* the last component, if a link */
#define LOOKUP_DIRECTORY 0x2u /* the last must be a directory (also: path ends with '/') */
#define LOOKUP_PARENT 0x4u    /* stop before the last component: *out is its directory, *last it */
/* Limits of openat2(2), with a base that is not NULL: */
#define LOOKUP_BENEATH 0x10u   /* -EXDEV instead of leaving base's tree */
#define LOOKUP_IN_ROOT 0x20u   /* base is the root for this lookup */
#define LOOKUP_NO_LINKS 0x40u  /* -ELOOP instead of following any link */
#define LOOKUP_NO_MOUNTS 0x80u /* -EXDEV instead of entering another filesystem */
#define LOOKUP_NO_MAGIC 0x100u /* -ELOOP instead of following /proc/self/fd/N and the like */
#define LOOKUP_LIMITS 0x1f0u

/* Finds path from base (the root if path begins with '/'; base NULL: the current directory).
 * Returns 0 and a new reference in *out, or -ENOENT, -ENOTDIR, -ELOOP, -ENAMETOOLONG, -EIO,
 * -ENOMEM. With LOOKUP_PARENT, *last points into path. */
MUST_CHECK int vfs_lookup(struct dentry *base, const char *path, unsigned flags,
                          struct dentry **out, struct name *last);

/* Opens as open(2) with O_* flags and mode (umask not yet applied: it is done here for O_CREAT).
 * Returns 0 and *out with one reference. */
MUST_CHECK int vfs_open(struct dentry *base, const char *path, unsigned flags, uint32_t mode,
                        struct file **out);
/* The same with limits on the lookup (LOOKUP_LIMITS). */
MUST_CHECK int vfs_open_limited(struct dentry *base, const char *path, unsigned flags,
                                uint32_t mode, unsigned limits, struct file **out);
/* Opens what d names (exec, /proc/self/fd/N). */
MUST_CHECK int vfs_open_dentry(struct dentry *d, unsigned flags, struct file **out);

/* Absolute path of d, with its NUL; " (deleted)" is added for an unlinked one. Returns bytes
 * written or -ENAMETOOLONG/-ERANGE. */
MUST_CHECK int64_t vfs_path_of(struct dentry *d, char *buf, size_t size);

/* Makes a node: mode says of which type; target is a symbolic link's, else NULL. The umask is not
 * applied. Returns 0 and *out (NULL: not wanted), or -EEXIST, -ENOENT, -ENOTDIR, -EPERM, -EROFS,
 * -ENOMEM, -ENOSPC and those of vfs_lookup. */
MUST_CHECK int vfs_make(struct dentry *base, const char *path, uint32_t mode, uint64_t rdev,
                        const char *target, struct dentry **out);
/* Makes the folder at an absolute path and those above it, where there are none. */
MUST_CHECK int vfs_make_folders(const char *path);
/* Another name for what d names. */
MUST_CHECK int vfs_link(struct dentry *d, struct dentry *base, const char *path);
/* Removes a name: of a directory (-ENOTDIR, -ENOTEMPTY, -EBUSY), or of another thing (-EISDIR). */
MUST_CHECK int vfs_unlink(struct dentry *base, const char *path, bool directory);
/* The directory of path's last name, which points into path. */
MUST_CHECK int vfs_parent_get(struct dentry *base, const char *path, struct dentry **dir,
                              struct name *last);
bool vfs_rename_flags_ok(unsigned flags);
/* Renames what is last in old_dir, flags being right. */
MUST_CHECK int vfs_rename_to(struct dentry *old_dir, struct name last, struct dentry *new_base,
                             const char *new_path, unsigned flags);
MUST_CHECK int vfs_rename(struct dentry *old_base, const char *old_path, struct dentry *new_base,
                          const char *new_path, unsigned flags);
/* Sets what (ATTR_*; not ATTR_SIZE) from attr, and the change time, if the thread may: else -EPERM,
 * -EACCES. */
MUST_CHECK int vfs_setattr(struct inode *inode, struct inode_attr *attr, unsigned what);
/* A root dentry for a filesystem, over the inode (reference taken over). NULL: no memory. */
struct dentry *dentry_make_root(struct inode *inode);

void vfs_getattr(struct inode *inode, struct inode_attr *attr);
/* It was read: changes the access time as on a filesystem mounted with relatime. Takes no lock. */
void vfs_accessed(struct inode *inode);
/* Sets a regular file's size. -EISDIR, -EINVAL, -EROFS, -ETXTBSY, -EFBIG (with SIGXFSZ), -EPERM by
 * a seal, -EIO. */
MUST_CHECK int vfs_truncate(struct inode *inode, uint64_t size);
/* The same as truncate(2) does it: a size that stays, of no data, changes no time. */
MUST_CHECK int vfs_truncate_path(struct inode *inode, uint64_t size);
/* Whether a file may get this size: 0, -EFBIG (with SIGXFSZ) or -EPERM. Under the inode's mutex. */
MUST_CHECK int vfs_check_size(const struct filemap *map, uint64_t size);
/* Whether it is what the process runs, which nobody may write to. */
bool inode_is_running(const struct inode *inode);

/* Reads a whole file or a part of it into kernel memory; returns bytes or -errno. */
int64_t vfs_read_kernel(struct file *file, void *buf, size_t size, uint64_t offset);

struct dentry *vfs_root(void);        /* borrowed */
struct dentry *vfs_cwd_get(void);     /* new reference */
void vfs_cwd_set(struct dentry *dir); /* takes over the reference */

/* Mounts fs at path (a directory that exists). */
MUST_CHECK int vfs_mount(const char *path, struct filesystem *fs);
/* Calls each() for every mount, root first. */
void vfs_for_each_mount(bool (*each)(struct filesystem *fs, const char *path, void *arg),
                        void *arg);

/* Tells inotify watchers (fs/inotify.c implements; one comparison while nobody watches). mask:
 * IN_*, with IN_ISDIR where it is due. inode or parent may be NULL; events of names (IN_CREATE,
 * IN_DELETE, IN_MOVED_*) go to the parent alone, IN_DELETE_SELF and IN_MOVE_SELF to the inode
 * alone, others to both. With IN_EXCL_UNLINK watches that have it do not hear. IN_ISDIR is added
 * for events of the inode itself. Must not be called under spin locks. */
extern unsigned vfs_watch_count;
void vfs_notify_watchers(struct inode *inode, struct inode *parent, struct name name, uint32_t mask,
                         uint32_t cookie);
static inline void vfs_notify(struct inode *inode, struct inode *parent, struct name name,
                              uint32_t mask, uint32_t cookie)
{
    if (UNLIKELY(__atomic_load_n(&vfs_watch_count, __ATOMIC_RELAXED) != 0))
        vfs_notify_watchers(inode, parent, name, mask, cookie);
}
/* The same of what d names: it and its directory hear of it. */
static inline void vfs_notify_dentry(struct dentry *d, uint32_t mask)
{
    struct name name = {d->name, d->name_length, d->hash};
    vfs_notify(d->inode, d->parent->inode, name, mask, 0);
}
/* Remembers a path that was looked for and not found, for the tool's hint at the end. */
void vfs_note_missing(struct dentry *base, const char *path);
/* Those in a directory that was removed, which would be kept for them. */
void vfs_forget_missing(struct dentry *base);
/* Sends the paths noted last to the tool (ORRIS_MSG_MISSING), oldest first. */
void vfs_report_missing(void);

/* Has every filesystem write what is only in memory. */
void vfs_sync(void);

/* Gives back up to count unused dentries and inodes, but leaves keep cached names. Returns how
 * many. */
unsigned vfs_shrink(unsigned count, size_t keep);
/* Boot: makes the dentry hash; the root is mounted by fs/. */
MUST_CHECK int vfs_init(struct filesystem *root);
