/*
 * EROFS layers: read-only images of file trees on the disk. Nothing of a layer is trusted: what
 * does not fit gives -EIO.
 *
 * Metadata (inodes, directories) is read through a page cache of the layer's own; a file's data
 * goes straight into the file's page cache.
 */
#pragma once

#include "abi/record.h"
#include "kernel/vfs/vfs.h"

struct erofs_layer {
    uint64_t offset;     /* bytes into the disk */
    uint64_t size;       /* bytes, whole blocks */
    uint64_t meta_start; /* byte in the layer that nid 0 would have */
    uint64_t root_nid;
    int64_t build_time_ns;
    struct filemap meta; /* the layer's blocks as pages */
};

/* Where an inode's data lies. */
struct erofs_node {
    uint64_t nid;
    uint64_t size;        /* bytes */
    uint64_t inline_data; /* byte in the layer: the tail's, or the chunk table's */
    uint32_t block;       /* first block of the data, or the chunk format */
    uint8_t layer;        /* the caller's */
    uint8_t layout;
    uint16_t xattr_size; /* bytes of attributes, which end at inline_data (before alignment) */
    uint64_t xattr;      /* byte in the layer */
};

struct erofs_attr {
    uint32_t mode, links, uid, gid, device;
    int64_t mtime_ns;
};

/* Reads and checks the superblock. Returns 0, or -EIO or -EINVAL with *why a static text. */
MUST_CHECK int erofs_open(struct erofs_layer *layer, const struct orris_layer *record,
                          const char **why);
/* Drops what is cached. */
void erofs_close(struct erofs_layer *layer);

/* All of these return 0, -EIO or -ENOMEM, and sleep. */
MUST_CHECK int erofs_read_inode(struct erofs_layer *layer, uint64_t nid, struct erofs_node *node,
                                struct erofs_attr *attr);
/* Finds name in a directory: also -ENOENT. */
MUST_CHECK int erofs_find(struct erofs_layer *layer, const struct erofs_node *dir, struct name name,
                          uint64_t *nid);
/* Calls each for the names from *position on, "." and ".." left out, with the position after each,
 * until it returns false. */
typedef bool (*erofs_each_t)(void *arg, struct name name, uint64_t nid, uint8_t type,
                             uint64_t next_position);
MUST_CHECK int erofs_iterate(struct erofs_layer *layer, const struct erofs_node *dir,
                             uint64_t position, erofs_each_t each, void *arg);
/* Reads bytes [offset, offset + size) of the data, which must lie inside. */
MUST_CHECK int erofs_read(struct erofs_layer *layer, const struct erofs_node *node, uint64_t offset,
                          void *buf, size_t size);
/* Fills pages with the data from page index on; zeros beyond the end. */
MUST_CHECK int erofs_fill(struct erofs_layer *layer, const struct erofs_node *node, uint64_t index,
                          struct page **pages, unsigned count);
/* The inode's own (not shared) attributes, one after the other from *position (0: the start): 0,
 * or -ENODATA after the last. Name gets a NUL; value gets up to value_room bytes. */
struct erofs_xattr {
    char name[NAME_BYTES_MAX + 16];
    uint16_t value_size;
    uint64_t value; /* byte in the layer */
};
MUST_CHECK int erofs_next_xattr(struct erofs_layer *layer, const struct erofs_node *node,
                                uint64_t *position, struct erofs_xattr *out);
/* Copies metadata bytes of the layer. */
MUST_CHECK int erofs_read_meta(struct erofs_layer *layer, uint64_t at, void *buf, size_t size);
