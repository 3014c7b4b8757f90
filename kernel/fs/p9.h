/*
 * Folders of the host, mounted in the guest: 9P2000.L (the protocol of QEMU's file server; its
 * messages are described in diod's protocol.md) over a channel9p.
 *
 * The host changes these files, too. So names are looked up anew each time (filesystem.shared),
 * attributes are asked for, and reads and writes go to the server at once. Only what the program
 * maps has pages in a page cache: writes then go to both, and what was written through a mapping
 * goes to the server at msync, fsync, close and at the end.
 *
 * Nothing the server says is believed: an answer is used only as far as it reaches.
 */
#pragma once

#include "kernel/drivers/channel9p.h"
#include "kernel/fd/file.h"
#include "kernel/vfs/vfs.h"

/* ---- messages: p9_call.c ---- */

enum p9_type {
    P9_RLERROR = 7,
    P9_STATFS = 8,
    P9_LOPEN = 12,
    P9_LCREATE = 14,
    P9_SYMLINK = 16,
    P9_MKNOD = 18,
    P9_READLINK = 22,
    P9_GETATTR = 24,
    P9_SETATTR = 26,
    P9_READDIR = 40,
    P9_FSYNC = 50,
    P9_LINK = 70,
    P9_MKDIR = 72,
    P9_RENAMEAT = 74,
    P9_UNLINKAT = 76,
    P9_VERSION = 100,
    P9_ATTACH = 104,
    P9_WALK = 110,
    P9_READ = 116,
    P9_WRITE = 118,
    P9_CLUNK = 120,
};

#define P9_NO_TAG 0xffffu
#define P9_NO_FID 0xffffffffu
#define P9_DATA_MAX (128u << 10) /* bytes of a read or write */
#define P9_MESSAGE_SIZE 8192u    /* room for any other message */
#define P9_READ_HEAD_SIZE 11u    /* of a read's answer: what precedes the data */
#define P9_FIDS_KEPT 256u
#define P9_BUCKETS 256u

struct p9_qid {
    uint8_t type;
    uint32_t version;
    uint64_t path;
};

struct p9_inode;

/* What the server knows as a number: a file by its path, or an open one. */
struct p9_fid {
    struct p9_mount *mount;
    uint32_t number;
    uint32_t refs;
    bool writable, append; /* how it was opened */
    struct p9_fid *next;   /* of those to be given back */
};

struct p9_mount {
    struct filesystem fs;
    struct channel9p *channel;
    struct spinlock lock; /* guards all below */
    uint64_t tags;        /* in use; bit 0 is tag 0 */
    struct waitq tag_freed;
    uint32_t next_fid, free_fid_count;
    uint32_t free_fids[P9_FIDS_KEPT];
    struct p9_fid *retired; /* to be given back to the server */
    struct p9_inode *buckets[P9_BUCKETS];
};

/* A request and its answer. */
struct p9_call {
    struct p9_mount *mount;
    struct page *page; /* both messages */
    uint8_t *at, *end; /* what is still to be written, or read */
    uint8_t type;
    uint16_t tag;
    bool broken; /* it did not fit, or the answer ended too early */
    struct channel9p_part data[CHANNEL9P_PARTS_MAX - 2]; /* of a read or write, behind the rest */
    unsigned data_count;
    uint32_t data_size;
    uint32_t answered; /* bytes of the answer in all */
};

/* Starts a request. Returns 0 or -ENOMEM; then p9_finish() is due. Sleeps. */
MUST_CHECK int p9_begin(struct p9_call *c, struct p9_mount *mount, enum p9_type type);
void p9_put(struct p9_call *c, uint64_t value, unsigned bytes);
void p9_put_text(struct p9_call *c, const char *text, size_t length);
void p9_put_name(struct p9_call *c, struct name name);
/* Sends it and waits for the answer, to be read with p9_get. Returns 0, what the server refused it
 * with, or -EIO if the answer is none. */
MUST_CHECK int p9_send(struct p9_call *c);
uint64_t p9_get(struct p9_call *c, unsigned bytes); /* 0 behind the end: see broken */
struct p9_qid p9_get_qid(struct p9_call *c);
/* Text in the answer, borrowed; its length in *length. */
const char *p9_get_text(struct p9_call *c, size_t *length);
void p9_finish(struct p9_call *c);

/* ---- requests: p9_client.c ---- */

/* Agrees on the protocol and attaches to the server's root. */
MUST_CHECK int p9_attach(struct p9_mount *mount, struct p9_fid **root);
/* A new fid for name in dir (length 0: for dir itself). */
MUST_CHECK int p9_walk(struct p9_fid *dir, struct name name, struct p9_fid **out);
/* Opens fid, which no longer stands for a path then. */
MUST_CHECK int p9_open_fid(struct p9_fid *fid, unsigned flags);
/* Reads the attributes and *qid. */
MUST_CHECK int p9_get_attr(struct p9_fid *fid, struct inode_attr *attr, struct p9_qid *qid);
MUST_CHECK int p9_set_attr(struct p9_fid *fid, const struct inode_attr *attr, unsigned what);
/* Moves up to size bytes between the parts (P9_DATA_MAX in all) and the file. Returns bytes. */
int64_t p9_transfer(struct p9_fid *fid, enum p9_type type, uint64_t offset,
                    const struct channel9p_part *parts, unsigned count);
MUST_CHECK int p9_sync(struct p9_fid *fid);

struct p9_fid *p9_fid_get(struct p9_fid *fid);
/* The last one goes back to the server with one of the next requests: never sleeps. */
void p9_fid_put(struct p9_fid *fid);
void p9_give_back(struct p9_mount *mount); /* those: sleeps */

/* ---- files: p9_inode.c, p9_file.c ---- */

struct p9_inode {
    struct inode inode;
    struct filemap map;
    struct p9_qid qid;
    /* Under the mount's lock: */
    struct p9_inode *next;  /* of its bucket */
    struct p9_fid *fid;     /* by path */
    struct p9_fid *created; /* open since it was created, for the open that follows; or NULL */
    struct p9_fid *mapped;  /* open, for the pages of map; or NULL */
    uint32_t sync_round;
    /* Under inode.lock: */
    uint32_t open_count;
    /* Directories: which name of which directory they are; only to be compared. */
    const struct inode *dir;
    uint32_t name_hash;
    bool gone; /* the last name was removed: the server can't find it any more */
    uint64_t blocks;
    uint32_t block_size;
};

static inline struct p9_inode *p9_of(struct inode *inode)
{
    return container_of(inode, struct p9_inode, inode);
}
static inline struct p9_mount *p9_mount_of(const struct inode *inode)
{
    return container_of(inode->fs, struct p9_mount, fs);
}

/* The file that fid, which it takes over, stands for: name of dir (NULL: the root). Its attributes
 * are fresh. */
MUST_CHECK int p9_inode_find(struct p9_mount *mount, struct inode *dir, struct name name,
                             struct p9_fid *fid, struct inode **out);
/* A reference to what *place, of an inode, holds, or NULL. */
struct p9_fid *p9_fid_of(struct p9_mount *mount, struct p9_fid *const *place);
/* Puts fid, which it takes over, in *place. */
void p9_fid_set(struct p9_mount *mount, struct p9_fid **place, struct p9_fid *fid);
/* Asks for the attributes. Returns 0 or -errno; they stay as they were then. */
int p9_refresh(struct p9_inode *p);
/* Writes to the server what was written through mappings. Returns 0 or -errno. */
int p9_flush(struct p9_inode *p);
int p9_open(struct inode *inode, struct file *f); /* inode_ops.open */

extern const struct filemap_ops p9_map_ops;

/* ---- mounts: p9_mount.c ---- */

/* Mounts what the_run.mounts says. Returns 0, or -errno with *why, a text. */
MUST_CHECK int p9_mount_all(const char **why);
