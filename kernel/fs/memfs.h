/*
 * The in-memory filesystem, with or without layers under it: the root, and every tmpfs. Names are
 * dentries (pinned where they were created), data is pages of the page cache.
 *
 * An inode that came from layers knows where: one node for a file, one per layer for a directory
 * that several layers have, the uppermost first.
 */
#pragma once

#include "kernel/fs/erofs.h"
#include "kernel/vfs/vfs.h"

struct memfs_xattr;

struct memfs_inode {
    struct inode inode;
    struct filemap map;         /* regular files */
    uint64_t layer_size;        /* bytes of the layer's data that still count */
    struct memfs_xattr *xattrs; /* under inode.lock */
    uint32_t charged;           /* bytes of the filesystem's names_used, */
    uint32_t links_charged;     /* and for names beyond the first */
    bool xattrs_loaded;         /* the layer's are among them */
    bool in_links;              /* in the table of files with several names */
    bool kept;                  /* referenced for names that are not in memory */
    struct memfs_inode *links_next;
    uint32_t node_count;
    struct erofs_node nodes[];
};

static inline struct memfs_inode *memfs_of(struct inode *inode)
{
    return container_of(inode, struct memfs_inode, inode);
}

extern const struct inode_ops memfs_ops;

/* One reference; NULL: no memory. mode says what kind. Directories' links are 2. */
struct memfs_inode *memfs_inode_alloc(struct filesystem *fs, uint32_t mode, uint32_t node_count);
/* Its inode_ops.iterate. */
int memfs_iterate(struct inode *dir, uint64_t offset, dir_emit_t emit, void *arg);
/* Fills in a filesystem: no layers, an empty root directory with this mode. type is static.
 * pages_max 0: half of all memory. */
MUST_CHECK int memfs_init(struct filesystem *fs, const char *type, uint32_t mode,
                          uint64_t pages_max);
/* A new tmpfs, to be mounted. NULL: no memory. */
struct filesystem *tmpfs_create(uint32_t mode, uint64_t pages_max);
/* A file without a name on a filesystem of its own (memfd_create): a dentry for it, one reference.
 * name is for /proc/self/fd. */
MUST_CHECK int memfs_create_anonymous(const char *name, uint32_t mode, struct dentry **out);
bool memfs_is_anonymous(const struct inode *inode);

/* Counts bytes as m's: 0 or -ENOSPC; and as no longer m's. */
MUST_CHECK int memfs_charge_names(struct memfs_inode *m, size_t bytes);
void memfs_uncharge_names(struct memfs_inode *m, size_t bytes);

/* Makes the root from the_run.layers, and what is missing in it for programs. Returns 0 or -errno,
 * after a log_note() of why. */
MUST_CHECK int rootfs_mount(void);
/* Tells the tool (ORRIS_MSG_LOST) which files the program wrote in the root. */
void rootfs_report_lost(void);

/* Makes the files of the_run.secrets. Returns 0 or -errno. */
MUST_CHECK int secrets_make(void);
/* Sends the files of the_run.copy_out to the tool. */
void copy_out_send(void);

/* What the root's layers have: fs/layers.c. */
MUST_CHECK int layers_lookup(struct inode *dir, struct name name, struct inode **out);
MUST_CHECK int layers_iterate(struct inode *dir, uint64_t offset, dir_emit_t emit, void *arg,
                              bool *stopped);
MUST_CHECK int layers_fill(struct filemap *map, uint64_t index, struct page **pages,
                           unsigned count);
MUST_CHECK int layers_open(struct filesystem *fs); /* the_run's; makes fs->root */
void layers_forget(struct memfs_inode *m);         /* it ends */
struct erofs_layer *layer_get(unsigned index);

#define LAYERS_OFFSETS_END (1ull << 56) /* offsets of names in memory lie behind it */
