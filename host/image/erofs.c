/*
 * Writing an EROFS file system. Layout, in blocks of 4 KiB:
 *
 *   superblock (at 1024) and the inodes, each with a folder's or link's last bytes right behind it
 *   the folders' full blocks
 *   the files' blocks, in the order of the tree, so that reading a folder's files reads ahead
 *
 * Everything but the files' bytes is made in memory first; its size is known after one walk.
 * Format: Linux, fs/erofs/erofs_fs.h and Documentation/filesystems/erofs.rst.
 */
#include "host/image/erofs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/crc32c.h"
#include "host/base/io.h"
#include "host/base/progress.h"
#include "host/image/attributes.h"

#define BLOCK 4096u
#define BLOCK_BITS 12
#define SIZE_LIMIT ((uint64_t)UINT32_MAX * BLOCK) /* blocks are counted in 32 bits */
#define MAGIC 0xe0f5e1e2u
#define FEATURE_CHECKSUM 1u
#define FEATURE_MTIME 2u
#define SLOT 32u /* inodes are numbered by their offset in units of this */
#define INODE_SIZE 64u
#define FORMAT_EXTENDED 1u
#define LAYOUT_PLAIN (0u << 1)
#define LAYOUT_INLINE (2u << 1)
#define DIRENT_SIZE 12u
#define STREAM_SIZE (1u << 20)
#define NS_PER_SECOND 1000000000ll

struct superblock {
    uint32_t magic, checksum, feature_compat;
    uint8_t block_bits, extension_slots;
    uint16_t root_number;
    uint64_t inodes, build_time;
    uint32_t build_time_ns, blocks, meta_block, xattr_block;
    uint8_t uuid[16], volume_name[16];
    uint32_t feature_incompat;
    uint16_t unused[3];
    uint8_t dir_block_bits, xattr_prefixes;
    uint32_t xattr_prefix_start;
    uint64_t packed_number;
    uint8_t reserved[24];
};
_Static_assert(sizeof(struct superblock) == EROFS_SUPERBLOCK_SIZE, "EROFS superblock");

struct inode {
    uint16_t format, xattr_count, mode, reserved;
    uint64_t size;
    uint32_t block, number, uid, gid;
    uint64_t mtime;
    uint32_t mtime_ns, links;
    uint8_t reserved2[16];
};
_Static_assert(sizeof(struct inode) == INODE_SIZE, "EROFS inode");

struct dirent_head {
    uint64_t number;
    uint16_t name_offset;
    uint8_t type, reserved;
} __attribute__((packed));
_Static_assert(sizeof(struct dirent_head) == DIRENT_SIZE, "EROFS directory entry");

/* The whole tree as a list, and the sizes of the parts. */
struct plan {
    struct erofs_node **nodes; /* folders before what is in them */
    size_t count;
    uint64_t meta_size; /* bytes, superblock and inodes */
    uint32_t blocks;
    uint64_t inodes;
};

struct erofs_node *erofs_create(mode_t mode, int64_t mtime_ns)
{
    struct erofs_node *root = mem_alloc(sizeof(*root));
    root->name = "";
    root->mode = S_IFDIR | mode;
    root->mtime_ns = mtime_ns;
    return root;
}

struct erofs_node *erofs_add(struct erofs_node *parent, const char *name, mode_t mode,
                             int64_t mtime_ns)
{
    struct erofs_node *node = mem_alloc(sizeof(*node));
    node->name = name;
    node->mode = mode;
    node->mtime_ns = mtime_ns;
    node->parent = parent;
    node->next = parent->child;
    parent->child = node;
    parent->children++;
    return node;
}

void erofs_destroy(struct erofs_node *root)
{
    struct erofs_node *node = root;
    while (node) {
        struct erofs_node *child = node->child;
        if (child) {
            node->child = child->next;
            node = child;
            continue;
        }
        struct erofs_node *parent = node == root ? NULL : node->parent;
        free(node->attributes);
        free(node);
        node = parent;
    }
}

static int by_name(const void *left, const void *right)
{
    const struct erofs_node *const *a = left, *const *b = right;
    return strcmp((*a)->name, (*b)->name);
}

/* Appends node's children to the list, by name, and leaves them so in the tree. */
static void plan_children(struct plan *plan, struct erofs_node *node)
{
    struct erofs_node **first = plan->nodes + plan->count;
    size_t count = 0;
    for (struct erofs_node *child = node->child; child; child = child->next)
        first[count++] = child;
    if (count)
        qsort(first, count, sizeof(*first), by_name);
    node->child = NULL;
    for (size_t i = count; i-- > 0;) {
        first[i]->next = node->child;
        node->child = first[i];
    }
    plan->count += count;
}

static size_t tree_count(const struct erofs_node *root)
{
    size_t count = 1;
    for (const struct erofs_node *at = root;;) {
        if (at->child) {
            at = at->child;
        } else {
            while (at != root && !at->next)
                at = at->parent;
            if (at == root)
                return count;
            at = at->next;
        }
        count++;
    }
}

static void plan_list(struct plan *plan, struct erofs_node *root)
{
    plan->nodes = mem_alloc(tree_count(root) * sizeof(struct erofs_node *));
    plan->nodes[plan->count++] = root;
    for (size_t i = 0; i < plan->count; i++)
        if (S_ISDIR(plan->nodes[i]->mode))
            plan_children(plan, plan->nodes[i]);
}

static int by_inode(const void *left, const void *right)
{
    const struct erofs_node *a = *(struct erofs_node *const *)left;
    const struct erofs_node *b = *(struct erofs_node *const *)right;
    if (a->dev != b->dev)
        return a->dev < b->dev ? -1 : 1;
    if (a->ino != b->ino)
        return a->ino < b->ino ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

/* Files that are one file on the host become one inode. */
static void plan_share(struct plan *plan)
{
    struct erofs_node **several = mem_alloc(plan->count * sizeof(*several));
    size_t count = 0;
    for (size_t i = 0; i < plan->count; i++) {
        plan->nodes[i]->number = (uint32_t)i;
        plan->nodes[i]->links = 1;
        if (plan->nodes[i]->ino)
            several[count++] = plan->nodes[i];
    }
    if (count)
        qsort(several, count, sizeof(*several), by_inode);
    for (size_t i = 1; i < count; i++) {
        struct erofs_node *before = several[i - 1], *node = several[i];
        if (node->dev == before->dev && node->ino == before->ino) {
            node->same = before->same ? before->same : before;
            node->same->links++;
        }
    }
    free(several);
}

static bool plan_attributes(const struct plan *plan, struct error *err)
{
    bool done = true;
    for (size_t i = 0; done && i < plan->count; i++) {
        struct erofs_node *node = plan->nodes[i];
        struct buf bytes = {0};
        free(node->attributes);
        done = !node->origin || node->same || attributes_read(node->origin, &bytes, err);
        node->attributes = bytes.data;
        node->attributes_size = (uint32_t)bytes.size;
    }
    return done;
}

/* What a folder lists: "." and ".." among its children, all by name. */
struct listing {
    const struct erofs_node *dir, *child;
    int dots; /* how many of the two have been given */
};

static const char *listing_next(struct listing *listing, const struct erofs_node **node)
{
    static const char *const names[] = {".", ".."};
    const struct erofs_node *child = listing->child;
    if (listing->dots < 2 && (!child || strcmp(names[listing->dots], child->name) < 0)) {
        const struct erofs_node *parent = listing->dir->parent;
        *node = listing->dots == 0 || !parent ? listing->dir : parent;
        return names[listing->dots++];
    }
    *node = child;
    if (child)
        listing->child = child->next;
    return child ? child->name : NULL;
}

static uint64_t dir_size(const struct erofs_node *dir)
{
    struct listing listing = {.dir = dir, .child = dir->child};
    const struct erofs_node *node;
    uint64_t full = 0, used = 0;
    for (const char *name; (name = listing_next(&listing, &node));) {
        uint64_t need = DIRENT_SIZE + strlen(name);
        if (used + need > BLOCK) {
            full += BLOCK;
            used = 0;
        }
        used += need;
    }
    return full + used;
}

/* Bytes that stand right behind the inode; the rest has blocks of its own. */
static uint64_t node_inline(const struct erofs_node *node)
{
    uint64_t tail = S_ISDIR(node->mode)   ? node->dir_size % BLOCK
                    : S_ISLNK(node->mode) ? node->size
                                          : 0;
    return INODE_SIZE + node->attributes_size + tail <= BLOCK ? tail : 0;
}

static uint64_t node_bytes(const struct erofs_node *node)
{
    return S_ISDIR(node->mode) ? node->dir_size : node->size;
}

static uint32_t node_blocks(const struct erofs_node *node)
{
    return (uint32_t)((node_bytes(node) - node_inline(node) + BLOCK - 1) / BLOCK);
}

static const char *node_called(const struct erofs_node *node)
{
    return S_ISREG(node->mode) && node->source ? node->source : node->name;
}

/* Whether all of it can be counted, and has room where it goes: a sparse file takes none in an
 * archive, and a name says nothing of its size. */
static bool plan_fits(const struct plan *plan, int fd, struct error *err)
{
    struct statvfs disk;
    const struct erofs_node *largest = plan->nodes[0];
    uint64_t size = plan->meta_size;
    for (size_t i = 0; i < plan->count; i++) {
        const struct erofs_node *node = plan->nodes[i];
        uint64_t bytes = node->same ? 0 : node_bytes(node);
        size = bytes > SIZE_LIMIT - size ? SIZE_LIMIT : size + bytes;
        if (bytes > node_bytes(largest))
            largest = node;
    }
    if (size >= SIZE_LIMIT)
        return error_set(err, "a layer can't be of more than 16 TiB; %s alone has %" PRIu64 " GiB",
                         node_called(largest), node_bytes(largest) >> 30);
    bool told = fstatvfs(fd, &disk) == 0 && disk.f_blocks; /* not every file system tells */
    uint64_t room = told ? (uint64_t)disk.f_bavail * disk.f_frsize : size;
    if (size <= room)
        return true;
    errno = ENOSPC;
    return error_errno(err,
                       "can't write a layer: it takes %" PRIu64 " KiB (%" PRIu64
                       " of them %s), %" PRIu64 " are free in the store",
                       (size + 1023) >> 10, node_bytes(largest) >> 10, node_called(largest),
                       room >> 10);
}

static void plan_inodes(struct plan *plan)
{
    uint64_t at = EROFS_SUPERBLOCK_OFFSET + EROFS_SUPERBLOCK_SIZE;
    for (size_t i = 0; i < plan->count; i++) {
        struct erofs_node *node = plan->nodes[i];
        if (node->same)
            continue;
        if (S_ISDIR(node->mode))
            node->dir_size = dir_size(node);
        if (S_ISLNK(node->mode))
            node->size = strlen(node->source);
        uint64_t need = INODE_SIZE + node->attributes_size + node_inline(node);
        if (at % BLOCK + need > BLOCK && (node_inline(node) || need <= BLOCK))
            at = (at + BLOCK - 1) / BLOCK * BLOCK;
        node->offset = at;
        node->number = (uint32_t)++plan->inodes;
        at = (at + need + SLOT - 1) / SLOT * SLOT;
        if (at % BLOCK > BLOCK - INODE_SIZE)
            at = (at + BLOCK - 1) / BLOCK * BLOCK;
    }
    plan->meta_size = (at + BLOCK - 1) / BLOCK * BLOCK;
}

static void plan_blocks(struct plan *plan)
{
    plan->blocks = (uint32_t)(plan->meta_size / BLOCK);
    for (int files = 0; files < 2; files++)
        for (size_t i = 0; i < plan->count; i++) {
            struct erofs_node *node = plan->nodes[i];
            if (node->same || S_ISREG(node->mode) != (files == 1))
                continue;
            if (S_ISDIR(node->mode)) {
                node->links = 2;
                for (const struct erofs_node *child = node->child; child; child = child->next)
                    node->links += S_ISDIR(child->mode);
            }
            node->block = plan->blocks;
            plan->blocks += node_blocks(node);
        }
}

static uint8_t type_of(mode_t mode)
{
    return S_ISDIR(mode) ? 2 : S_ISLNK(mode) ? 7 : 1;
}

/* Writes the entries [from, to) of one block of a folder. */
static void dir_block(char *block, struct listing from, size_t count, uint64_t heads)
{
    uint64_t at = heads;
    for (size_t i = 0; i < count; i++) {
        const struct erofs_node *node = NULL;
        const char *name = listing_next(&from, &node);
        const struct erofs_node *real = node->same ? node->same : node;
        struct dirent_head head = {.number = real->offset / SLOT,
                                   .name_offset = (uint16_t)at,
                                   .type = type_of(node->mode)};
        memcpy(block + i * DIRENT_SIZE, &head, sizeof(head));
        for (; *name; name++) /* names have no NUL behind them here */
            block[at++] = *name;
    }
}

/* Writes a folder's content to out (dir_size bytes). */
static void dir_write(const struct erofs_node *dir, char *out)
{
    struct listing listing = {.dir = dir, .child = dir->child};
    for (;;) {
        struct listing start = listing, before = listing;
        size_t count = 0;
        uint64_t used = 0;
        const struct erofs_node *node;
        for (const char *name; (name = listing_next(&listing, &node)); before = listing) {
            if (used + DIRENT_SIZE + strlen(name) > BLOCK)
                break;
            used += DIRENT_SIZE + strlen(name);
            count++;
        }
        dir_block(out, start, count, count * DIRENT_SIZE);
        if (!node)
            return;
        listing = before;
        out += BLOCK;
    }
}

/* How the format counts them: the header is one, then each 4 bytes. */
static uint16_t attribute_words(const struct erofs_node *node)
{
    return node->attributes_size ? (uint16_t)((node->attributes_size - 12) / 4 + 1) : 0;
}

static void inode_write(const struct erofs_node *node, char *meta)
{
    int64_t ns = node->mtime_ns % NS_PER_SECOND;
    int64_t seconds = node->mtime_ns / NS_PER_SECOND - (ns < 0);
    uint64_t tail = node_inline(node);
    struct inode inode = {.format = FORMAT_EXTENDED | (tail ? LAYOUT_INLINE : LAYOUT_PLAIN),
                          .xattr_count = attribute_words(node),
                          .mode = (uint16_t)node->mode,
                          .size = node_bytes(node),
                          .block = node->block,
                          .number = node->number,
                          .mtime = (uint64_t)seconds,
                          .mtime_ns = (uint32_t)(ns < 0 ? ns + NS_PER_SECOND : ns),
                          .links = node->links};
    memcpy(meta + node->offset, &inode, sizeof(inode));
    if (node->attributes_size)
        memcpy(meta + node->offset + INODE_SIZE, node->attributes, node->attributes_size);
}

/* A folder's or link's bytes: whole blocks at its blocks, the rest behind the inode. */
static void content_write(const struct erofs_node *node, char *meta)
{
    uint64_t size = node_bytes(node), tail = node_inline(node);
    char *content = mem_alloc(size + BLOCK);
    if (S_ISDIR(node->mode))
        dir_write(node, content);
    else
        memcpy(content, node->source, size);
    memcpy(meta + (uint64_t)node->block * BLOCK, content, size - tail);
    memcpy(meta + node->offset + INODE_SIZE + node->attributes_size, content + size - tail, tail);
    free(content);
}

/* Bytes on their way to the file, hashed as they pass. */
struct stream {
    int fd;
    char *buffer; /* STREAM_SIZE */
    size_t fill;
    uint64_t written, size; /* bytes so far, and in all */
    struct digest hash;
    struct error *err;
};

static bool stream_flush(struct stream *stream)
{
    digest_update(&stream->hash, stream->buffer, stream->fill);
    bool done = io_write_sparse(stream->fd, stream->buffer, stream->fill);
    if (!done)
        error_errno(stream->err, "can't write a layer");
    stream->written += stream->fill;
    progress_set(100.0 * (double)stream->written / (double)stream->size);
    stream->fill = 0;
    return done;
}

static bool stream_add(struct stream *stream, const void *data, uint64_t size)
{
    const char *at = data;
    while (size) {
        size_t room = STREAM_SIZE - stream->fill;
        size_t part = size < room ? (size_t)size : room;
        memcpy(stream->buffer + stream->fill, at, part);
        stream->fill += part;
        at += part;
        size -= part;
        if (stream->fill == STREAM_SIZE && !stream_flush(stream))
            return false;
    }
    return true;
}

static bool stream_pad(struct stream *stream, uint64_t size)
{
    static const char zeros[BLOCK];
    return size % BLOCK == 0 || stream_add(stream, zeros, BLOCK - size % BLOCK);
}

static bool stream_from(struct stream *stream, int fd, uint64_t size, const char *path)
{
    while (size) {
        size_t room = STREAM_SIZE - stream->fill;
        ssize_t got = read(fd, stream->buffer + stream->fill, size < room ? (size_t)size : room);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_errno(stream->err, "can't read %s", path);
        if (got == 0)
            return error_set(stream->err, "%s became shorter while it was read: try again", path);
        stream->fill += (size_t)got;
        size -= (uint64_t)got;
        if (stream->fill == STREAM_SIZE && !stream_flush(stream))
            return false;
    }
    return true;
}

static bool stream_file(struct stream *stream, const struct erofs_node *node)
{
    if (!node->source)
        return stream_add(stream, node->data, node->size) && stream_pad(stream, node->size);
    int fd = open(node->source, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return error_errno(stream->err, "can't read %s", node->source);
    struct stat info;
    bool same =
        fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && (uint64_t)info.st_size == node->size;
    bool done =
        same ? stream_from(stream, fd, node->size, node->source)
             : error_set(stream->err, "%s changed while it was read: try again", node->source);
    close(fd);
    return done && stream_pad(stream, node->size);
}

static char *meta_create(const struct plan *plan, uint64_t size)
{
    char *meta = mem_alloc(size);
    for (size_t i = 0; i < plan->count; i++) {
        const struct erofs_node *node = plan->nodes[i];
        if (node->same)
            continue;
        inode_write(node, meta);
        if (!S_ISREG(node->mode) && node_bytes(node))
            content_write(node, meta);
    }
    struct superblock super = {.magic = MAGIC,
                               .feature_compat = FEATURE_CHECKSUM | FEATURE_MTIME,
                               .block_bits = BLOCK_BITS,
                               .root_number = (uint16_t)(plan->nodes[0]->offset / SLOT),
                               .inodes = plan->inodes,
                               .blocks = plan->blocks};
    memcpy(meta + EROFS_SUPERBLOCK_OFFSET, &super, sizeof(super));
    return meta;
}

/* Puts UUID and checksum into the first block, which is on disk already. */
static bool super_finish(int fd, char *meta, const uint8_t digest[DIGEST_SIZE], struct error *err)
{
    struct superblock super;
    memcpy(&super, meta + EROFS_SUPERBLOCK_OFFSET, sizeof(super));
    memcpy(super.uuid, digest, sizeof(super.uuid));
    memcpy(meta + EROFS_SUPERBLOCK_OFFSET, &super, sizeof(super));
    super.checksum = ~crc32c(0, meta + EROFS_SUPERBLOCK_OFFSET, BLOCK - EROFS_SUPERBLOCK_OFFSET);
    return io_pwrite(fd, &super, sizeof(super), EROFS_SUPERBLOCK_OFFSET) ||
           error_errno(err, "can't write a layer");
}

static bool plan_write(const struct plan *plan, int fd, uint8_t digest[DIGEST_SIZE],
                       struct error *err)
{
    uint64_t size = plan->meta_size;
    for (size_t i = 0; i < plan->count; i++)
        if (!plan->nodes[i]->same && !S_ISREG(plan->nodes[i]->mode))
            size += (uint64_t)node_blocks(plan->nodes[i]) * BLOCK;
    char *meta = meta_create(plan, size);
    struct stream stream = {.fd = fd,
                            .buffer = mem_alloc(STREAM_SIZE),
                            .size = (uint64_t)plan->blocks * BLOCK + 1,
                            .err = err};
    digest_init(&stream.hash);
    progress_begin_late("building a layer");
    bool done = stream_add(&stream, meta, size);
    for (size_t i = 0; done && i < plan->count; i++)
        if (!plan->nodes[i]->same && S_ISREG(plan->nodes[i]->mode))
            done = stream_file(&stream, plan->nodes[i]);
    done = done && stream_flush(&stream);
    progress_end();
    digest_final(&stream.hash, digest);
    done = done &&
           (ftruncate(fd, (off_t)stream.written) == 0 || error_errno(err, "can't write a layer"));
    done = done && super_finish(fd, meta, digest, err);
    free(stream.buffer);
    free(meta);
    return done;
}

bool erofs_write(struct erofs_node *root, int fd, uint8_t digest[DIGEST_SIZE], struct error *err)
{
    struct plan plan = {0};
    plan_list(&plan, root);
    plan_share(&plan);
    bool done = plan_attributes(&plan, err);
    plan_inodes(&plan);
    done = done && plan_fits(&plan, fd, err);
    plan_blocks(&plan);
    done = done && plan_write(&plan, fd, digest, err);
    free(plan.nodes);
    return done;
}

/* The superblock as it was while the hash was taken: without UUID and checksum. *uuid: what it has.
 */
static void super_blank(char *block, uint8_t uuid[16])
{
    struct superblock super;
    memcpy(&super, block + EROFS_SUPERBLOCK_OFFSET, sizeof(super));
    memcpy(uuid, super.uuid, sizeof(super.uuid));
    memset(super.uuid, 0, sizeof(super.uuid));
    super.checksum = 0;
    memcpy(block + EROFS_SUPERBLOCK_OFFSET, &super, sizeof(super));
}

bool erofs_verify(int fd, uint64_t base, uint64_t size, struct error *err)
{
    struct digest hash;
    uint8_t digest[DIGEST_SIZE], uuid[16] = {0};
    char *buffer = mem_alloc(STREAM_SIZE);
    bool done = size >= BLOCK;
    digest_init(&hash);
    for (uint64_t at = 0; done && at < size; at += STREAM_SIZE) {
        size_t part = size - at < STREAM_SIZE ? (size_t)(size - at) : STREAM_SIZE;
        done = io_pread(fd, buffer, part, (off_t)(base + at)) == (ssize_t)part;
        if (done && at == 0)
            super_blank(buffer, uuid);
        digest_update(&hash, buffer, part);
    }
    free(buffer);
    digest_final(&hash, digest);
    return (done && memcmp(digest, uuid, sizeof(uuid)) == 0) ||
           error_set(err, done ? "its content is not what its hash says" : "it is cut short");
}
