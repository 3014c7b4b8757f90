/*
 * Writing an EROFS file system, uncompressed, in one pass: every file's bytes go from the source
 * straight to their place. (mkfs.erofs wants all of it in a folder first: twice the copying, and a
 * folder left behind when the tool is killed.) The result is what mkfs.erofs -E noinline_data
 * makes: Linux mounts it, fsck.erofs checks it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sys/types.h>

#include "host/base/digest.h"
#include "host/base/error.h"

#define EROFS_SUPERBLOCK_OFFSET 1024u
#define EROFS_SUPERBLOCK_SIZE 128u

/* A file, folder or link to be written. Names and sources are the caller's and must last. */
struct erofs_node {
    const char *name;
    const char *source; /* file: host path (NULL: data); link: its target */
    const char *origin; /* the host's file whose extended attributes go along; or NULL */
    const void *data;
    uint64_t size; /* file: bytes */
    int64_t mtime_ns;
    uint64_t dev, ino; /* file with several names on the host; else 0: they share one inode here */
    mode_t mode;       /* with the type */
    struct erofs_node *parent, *child, *next; /* next: in the parent */
    /* The writer's own. */
    struct erofs_node *same; /* the node whose inode this one shares, or NULL */
    uint64_t offset, dir_size;
    char *attributes; /* what stands behind the inode, or NULL */
    uint32_t attributes_size;
    uint32_t number, links, block, children;
};

/* A root folder. */
struct erofs_node *erofs_create(mode_t mode, int64_t mtime_ns);

/* A node below parent; fill in the rest. */
struct erofs_node *erofs_add(struct erofs_node *parent, const char *name, mode_t mode,
                             int64_t mtime_ns);
void erofs_destroy(struct erofs_node *root);

/* Writes all to fd (an empty file) and sets digest to the hash of its bytes, its UUID and checksum
 * taken as 0; the UUID is then the digest's beginning. A source whose size isn't what the node says
 * is an error: it changed meanwhile. */
bool erofs_write(struct erofs_node *root, int fd, uint8_t digest[DIGEST_SIZE], struct error *err);

/* Whether the file system at [base, base + size) of fd is what erofs_write() wrote, to the byte:
 * its UUID is the hash of all. False with err set if it isn't. */
bool erofs_verify(int fd, uint64_t base, uint64_t size, struct error *err);
