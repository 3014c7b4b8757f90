/*
 * Reading EROFS. One door leads from the disk into memory: page_fill(). Metadata comes through the
 * layer's own page cache, whose pages are looked at in place.
 */
#include "kernel/fs/erofs.h"

#include "kernel/base/crc32c.h"
#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/drivers/block.h"
#include "kernel/fs/erofs_format.h"
#include "kernel/vfs/mode.h"

#define META_READ_AROUND 4u /* pages: metadata is scattered between the files' data */
#define DOUBLE_DOT_MAX 2u
#define NAMES_PER_BLOCK_BITS 12u

/* The one place where a page of the root comes into memory: count blocks from block on. */
static int page_fill(const struct erofs_layer *layer, uint64_t block, struct page **pages,
                     unsigned count)
{
    uint64_t blocks = layer->size >> PAGE_SHIFT;
    if (block >= blocks || count > blocks - block)
        return -EIO;
    return block_read_pages(layer->offset + (block << PAGE_SHIFT), pages, count);
}

static int meta_fill(struct filemap *map, uint64_t index, struct page **pages, unsigned count)
{
    return page_fill(container_of(map, struct erofs_layer, meta), index, pages, count);
}

static const struct filemap_ops meta_ops = {.fill = meta_fill};

/* The page of metadata that byte at lies in, with a reference. */
static int meta_get(struct erofs_layer *layer, uint64_t at, struct page **page)
{
    if (at >= layer->size)
        return -EIO;
    return filemap_get_page(&layer->meta, at >> PAGE_SHIFT, FILEMAP_READ, page);
}

int erofs_read_meta(struct erofs_layer *layer, uint64_t at, void *buf, size_t size)
{
    for (size_t done = 0; done < size;) {
        struct page *page;
        size_t offset = (at + done) & PAGE_MASK;
        size_t part = min_u64(size - done, PAGE_SIZE - offset);
        int err = meta_get(layer, at + done, &page);
        if (err)
            return err;
        memcpy((char *)buf + done, (char *)page_virt(page) + offset, part);
        page_put(page);
        done += part;
    }
    return 0;
}

static const char *super_check(const struct erofs_super *super, const struct orris_layer *record)
{
    if (super->magic != EROFS_MAGIC)
        return "not an EROFS file system";
    if (crc32c(0, super, sizeof(*super)) != record->superblock_crc)
        return "the superblock's checksum is wrong";
    if (super->block_bits != EROFS_BLOCK_BITS || super->dir_block_bits != 0)
        return "its block size is not 4096";
    if (super->feature_incompat & ~(EROFS_INCOMPAT_ZERO_PADDING | EROFS_INCOMPAT_CHUNKED_FILE))
        return "it uses features that are not supported";
    if (super->extra_devices)
        return "it needs other devices";
    return NULL;
}

int erofs_open(struct erofs_layer *layer, const struct orris_layer *record, const char **why)
{
    struct erofs_super super;
    *why = "it lies outside the disk";
    if (record->offset % PAGE_SIZE || record->size < PAGE_SIZE ||
        record->size > block_size_bytes() || record->offset > block_size_bytes() - record->size)
        return -EINVAL;
    *layer =
        (struct erofs_layer){.offset = record->offset, .size = align_down(record->size, PAGE_SIZE)};
    filemap_init(&layer->meta, &meta_ops);
    layer->meta.size = layer->size;
    layer->meta.read_around = META_READ_AROUND;
    layer->meta.read_next = UINT64_MAX;
    *why = "it cannot be read";
    int err = erofs_read_meta(layer, EROFS_SUPER_OFFSET, &super, sizeof(super));
    if (err)
        return err;
    *why = super_check(&super, record);
    if (*why)
        return -EINVAL;
    layer->meta_start = (uint64_t)super.meta_block << EROFS_BLOCK_BITS;
    layer->root_nid = super.root_nid;
    layer->build_time_ns = time_of((int64_t)super.build_time, super.build_time_ns);
    return 0;
}

void erofs_close(struct erofs_layer *layer)
{
    filemap_fini(&layer->meta);
}

/* What inodes of both forms say. */
static void inode_compact(const struct erofs_layer *layer, const struct erofs_inode_compact *disk,
                          struct erofs_node *node, struct erofs_attr *attr)
{
    node->size = disk->size;
    node->block = disk->data;
    *attr = (struct erofs_attr){.mode = disk->mode,
                                .links = disk->links,
                                .uid = disk->uid,
                                .gid = disk->gid,
                                .mtime_ns = layer->build_time_ns};
}

static void inode_extended(const struct erofs_inode_extended *disk, struct erofs_node *node,
                           struct erofs_attr *attr)
{
    node->size = disk->size;
    node->block = disk->data;
    *attr = (struct erofs_attr){
        .mode = disk->mode, .links = disk->links, .uid = disk->uid, .gid = disk->gid};
    attr->mtime_ns = time_of((int64_t)disk->mtime, disk->mtime_ns);
}

/* Whether the node's data lies inside the layer, as far as that can be told without reading. */
static bool node_ok(const struct erofs_layer *layer, const struct erofs_node *node, uint32_t mode)
{
    uint64_t blocks = node->size >> EROFS_BLOCK_BITS, tail = node->size & PAGE_MASK;
    uint64_t all = layer->size >> EROFS_BLOCK_BITS;
    if (!S_ISREG(mode) && !S_ISDIR(mode) && !S_ISLNK(mode))
        return S_ISCHR(mode) || S_ISBLK(mode) || S_ISFIFO(mode) || S_ISSOCK(mode);
    if (node->size > INT64_MAX - PAGE_SIZE || (S_ISDIR(mode) && node->size > layer->size))
        return false;
    switch (node->layout) {
    case EROFS_FLAT_PLAIN:
        blocks += tail > 0;
        return blocks == 0 || (node->block < all && blocks <= all - node->block);
    case EROFS_FLAT_INLINE:
        if ((node->inline_data & PAGE_MASK) + tail > PAGE_SIZE ||
            node->inline_data + tail > layer->size)
            return false;
        return blocks == 0 || (node->block < all && blocks <= all - node->block);
    case EROFS_CHUNK_BASED:
        return S_ISREG(mode) && EROFS_CHUNK_BITS(node->block) <= 20;
    default:
        return false; /* compressed */
    }
}

int erofs_read_inode(struct erofs_layer *layer, uint64_t nid, struct erofs_node *node,
                     struct erofs_attr *attr)
{
    union {
        struct erofs_inode_compact compact;
        struct erofs_inode_extended extended;
    } disk;
    if (nid > (layer->size - min_u64(layer->meta_start, layer->size)) >> EROFS_SLOT_SHIFT)
        return -EIO;
    uint64_t at = layer->meta_start + (nid << EROFS_SLOT_SHIFT);
    int err = erofs_read_meta(layer, at, &disk.compact, sizeof(disk.compact));
    if (err)
        return err;
    uint16_t format = disk.compact.format, xattrs = disk.compact.xattr_count;
    bool extended = format & EROFS_FORMAT_EXTENDED;
    *node = (struct erofs_node){.nid = nid, .layout = (uint8_t)EROFS_FORMAT_LAYOUT(format)};
    uint32_t data = disk.compact.data; /* at the same place in both */
    if (extended) {
        err = erofs_read_meta(layer, at, &disk.extended, sizeof(disk.extended));
        if (err)
            return err;
        inode_extended(&disk.extended, node, attr);
    } else {
        inode_compact(layer, &disk.compact, node, attr);
    }
    attr->device = data;
    node->xattr = at + (extended ? sizeof(disk.extended) : sizeof(disk.compact));
    uint32_t xattr_size = xattrs ? EROFS_XATTR_HEADER + EROFS_XATTR_ALIGN * (xattrs - 1u) : 0;
    node->xattr_size = (uint16_t)min_u64(xattr_size, UINT16_MAX);
    node->inline_data = node->xattr + xattr_size;
    return node_ok(layer, node, attr->mode) ? 0 : -EIO;
}

/* The block of the layer that holds block index of the data; EROFS_CHUNK_HOLE: none does. *run gets
 * how many blocks lie one after the other there. */
static int block_of(struct erofs_layer *layer, const struct erofs_node *node, uint64_t index,
                    uint64_t *block, uint64_t *run)
{
    if (node->layout != EROFS_CHUNK_BASED) {
        *block = node->block + index;
        *run = UINT32_MAX;
        return 0;
    }
    unsigned bits = EROFS_CHUNK_BITS(node->block);
    bool indexes = node->block & EROFS_CHUNK_INDEXES;
    size_t entry = indexes ? 8 : 4;
    uint32_t word[2] = {0};
    uint64_t at = align_up(node->inline_data, entry) + (index >> bits) * entry;
    int err = erofs_read_meta(layer, at, word, entry);
    uint32_t start = word[indexes ? 1 : 0];
    uint64_t within = index & ((1ul << bits) - 1);
    *run = (1ul << bits) - within;
    *block = start == EROFS_CHUNK_HOLE ? EROFS_CHUNK_HOLE : start + within;
    return err;
}

/* Blocks of the data that lie in blocks of their own. */
static uint64_t block_count(const struct erofs_node *node)
{
    uint64_t tail = node->size & PAGE_MASK;
    return (node->size >> EROFS_BLOCK_BITS) + (tail && node->layout != EROFS_FLAT_INLINE);
}

/* Fills pages[0] or more; returns how many, or -errno. */
static int64_t fill_some(struct erofs_layer *layer, const struct erofs_node *node, uint64_t index,
                         struct page **pages, unsigned count)
{
    uint64_t blocks = block_count(node), block, run;
    if (index >= blocks) {
        page_zero(pages[0]);
        if (node->layout != EROFS_FLAT_INLINE || index != node->size >> EROFS_BLOCK_BITS)
            return 1;
        int err =
            erofs_read_meta(layer, node->inline_data, page_virt(pages[0]), node->size & PAGE_MASK);
        return err ? err : 1;
    }
    int err = block_of(layer, node, index, &block, &run);
    if (err)
        return err;
    run = min_u64(min_u64(run, blocks - index), count);
    if (block == EROFS_CHUNK_HOLE) {
        page_zero(pages[0]);
        return 1;
    }
    err = page_fill(layer, block, pages, (unsigned)run);
    return err ? err : (int64_t)run;
}

int erofs_fill(struct erofs_layer *layer, const struct erofs_node *node, uint64_t index,
               struct page **pages, unsigned count)
{
    for (unsigned done = 0; done < count;) {
        int64_t n = fill_some(layer, node, index + done, pages + done, count - done);
        if (n < 0)
            return (int)n;
        done += (unsigned)n;
    }
    uint64_t last = node->size >> EROFS_BLOCK_BITS, tail = node->size & PAGE_MASK;
    if (tail && last >= index && last < index + count)
        memset((char *)page_virt(pages[last - index]) + tail, 0, PAGE_SIZE - tail);
    return 0;
}

/* Where byte offset of the data lies in the layer, for directories and links. */
static uint64_t place_of(const struct erofs_node *node, uint64_t offset)
{
    uint64_t index = offset >> EROFS_BLOCK_BITS;
    if (node->layout == EROFS_FLAT_INLINE && index == node->size >> EROFS_BLOCK_BITS)
        return node->inline_data + (offset & PAGE_MASK);
    return ((node->block + index) << EROFS_BLOCK_BITS) + (offset & PAGE_MASK);
}

int erofs_read(struct erofs_layer *layer, const struct erofs_node *node, uint64_t offset, void *buf,
               size_t size)
{
    if (node->layout == EROFS_CHUNK_BASED || offset > node->size || size > node->size - offset)
        return -EIO;
    for (size_t done = 0; done < size;) {
        size_t part = min_u64(size - done, PAGE_SIZE - ((offset + done) & PAGE_MASK));
        int err = erofs_read_meta(layer, place_of(node, offset + done), (char *)buf + done, part);
        if (err)
            return err;
        done += part;
    }
    return 0;
}

/* A directory's block, looked at in place. */
struct dir_block {
    struct page *page; /* referenced */
    const uint8_t *data;
    uint32_t size, count; /* bytes; names */
};

static inline const struct erofs_dirent *dirent_at(const struct dir_block *block, uint32_t i)
{
    return (const struct erofs_dirent *)(const void *)block->data + i; /* packed: any alignment */
}

static int dir_block_get(struct erofs_layer *layer, const struct erofs_node *dir, uint64_t index,
                         struct dir_block *out)
{
    uint64_t offset = index << EROFS_BLOCK_BITS, at = place_of(dir, offset);
    int err = meta_get(layer, at, &out->page);
    if (err)
        return err;
    out->data = (uint8_t *)page_virt(out->page) + (at & PAGE_MASK);
    out->size = (uint32_t)min_u64(dir->size - offset, PAGE_SIZE);
    uint32_t first = out->size < sizeof(struct erofs_dirent) ? 0 : dirent_at(out, 0)->name_offset;
    out->count = first / sizeof(struct erofs_dirent);
    if ((at & PAGE_MASK) + out->size > PAGE_SIZE || out->count == 0 || first > out->size ||
        first % sizeof(struct erofs_dirent)) {
        page_put(out->page);
        return -EIO;
    }
    return 0;
}

/* Name i of a block; its text lies in the block. False: nonsense. */
static inline bool dir_block_name(const struct dir_block *block, uint32_t i, struct name *name)
{
    const struct erofs_dirent *entry = dirent_at(block, i);
    bool last = i + 1 == block->count;
    uint32_t start = entry->name_offset, end = last ? block->size : entry[1].name_offset;
    if (start >= end || end > block->size)
        return false;
    name->hash = 0;
    name->text = (const char *)block->data + start;
    name->length = UNLIKELY(last) ? (uint32_t)strnlen(name->text, end - start) : end - start;
    return name->length > 0 && name->length <= NAME_BYTES_MAX;
}

/* As memcmp orders them; most names differ at once. */
static inline int name_compare(struct name a, struct name b)
{
    int order = (uint8_t)a.text[0] - (uint8_t)b.text[0];
    if (!order)
        order = memcmp(a.text, b.text, min_u64(a.length, b.length));
    return order ? order : (a.length > b.length) - (a.length < b.length);
}

/* Searches a block: 0 with *nid, -ENOENT, -EIO. */
static int dir_block_search(const struct dir_block *block, struct name name, uint64_t *nid)
{
    uint32_t low = 0, high = block->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        struct name there;
        if (!dir_block_name(block, middle, &there))
            return -EIO;
        int order = name_compare(name, there);
        if (order == 0) {
            *nid = dirent_at(block, middle)->nid;
            return 0;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return -ENOENT;
}

/* Whether name sorts before the first name of a block. */
static int dir_block_before(const struct dir_block *block, struct name name, bool *before)
{
    struct name first;
    if (!dir_block_name(block, 0, &first))
        return -EIO;
    *before = name_compare(name, first) < 0;
    return 0;
}

/* The block in which name would stand: the last one whose first name isn't behind it. */
static int dir_find_block(struct erofs_layer *layer, const struct erofs_node *dir, struct name name,
                          uint64_t *index)
{
    uint64_t low = 0, high = (dir->size + PAGE_MASK) >> EROFS_BLOCK_BITS;
    while (high - low > 1) {
        uint64_t middle = (low + high) / 2;
        struct dir_block block;
        bool before = false;
        int err = dir_block_get(layer, dir, middle, &block);
        if (err)
            return err;
        err = dir_block_before(&block, name, &before);
        page_put(block.page);
        if (err)
            return err;
        if (before)
            high = middle;
        else
            low = middle;
    }
    *index = low;
    return 0;
}

int erofs_find(struct erofs_layer *layer, const struct erofs_node *dir, struct name name,
               uint64_t *nid)
{
    struct dir_block block;
    uint64_t index;
    if (dir->size == 0)
        return -ENOENT;
    int err = dir_find_block(layer, dir, name, &index);
    if (!err)
        err = dir_block_get(layer, dir, index, &block);
    if (err)
        return err;
    err = dir_block_search(&block, name, nid);
    page_put(block.page);
    return err;
}

static bool is_dots(struct name name)
{
    return name.text[0] == '.' &&
           (name.length == 1 || (name.length == DOUBLE_DOT_MAX && name.text[1] == '.'));
}

/* The names of one block from i on. 1: each had enough. */
static int dir_block_iterate(const struct dir_block *block, uint64_t index, uint32_t i,
                             erofs_each_t each, void *arg)
{
    for (; i < block->count; i++) {
        const struct erofs_dirent *entry = dirent_at(block, i);
        struct name name;
        if (!dir_block_name(block, i, &name))
            return -EIO;
        if (is_dots(name))
            continue;
        uint64_t next = (index << NAMES_PER_BLOCK_BITS) | (i + 1);
        if (!each(arg, name, entry->nid, entry->type, next))
            return 1;
    }
    return 0;
}

int erofs_iterate(struct erofs_layer *layer, const struct erofs_node *dir, uint64_t position,
                  erofs_each_t each, void *arg)
{
    uint64_t index = position >> NAMES_PER_BLOCK_BITS;
    uint32_t i = (uint32_t)(position & ((1u << NAMES_PER_BLOCK_BITS) - 1));
    for (; index < (dir->size + PAGE_MASK) >> EROFS_BLOCK_BITS; index++, i = 0) {
        struct dir_block block;
        int err = dir_block_get(layer, dir, index, &block);
        if (err)
            return err;
        err = dir_block_iterate(&block, index, i, each, arg);
        page_put(block.page);
        if (err)
            return err < 0 ? err : 0;
    }
    return 0;
}

static const char *const xattr_prefixes[] = {
    "", "user.",    "system.posix_acl_access", "system.posix_acl_default", "trusted.",
    "", "security."};

int erofs_next_xattr(struct erofs_layer *layer, const struct erofs_node *node, uint64_t *position,
                     struct erofs_xattr *out)
{
    uint8_t header[EROFS_XATTR_HEADER];
    struct erofs_xattr_entry entry;
    uint64_t end = node->xattr + node->xattr_size;
    if (node->xattr_size == 0)
        return -ENODATA;
    if (*position == 0) {
        int err = erofs_read_meta(layer, node->xattr, header, sizeof(header));
        if (err)
            return err;
        *position = node->xattr + sizeof(header) + 4ul * header[4]; /* shared ones: not ours */
    }
    if (*position + sizeof(entry) > end)
        return -ENODATA;
    int err = erofs_read_meta(layer, *position, &entry, sizeof(entry));
    if (err)
        return err;
    if (entry.name_length == 0 && entry.value_size == 0)
        return -ENODATA; /* padding */
    uint64_t next = *position + sizeof(entry) + entry.name_length + entry.value_size;
    if (next > end || entry.name_index >= ARRAY_SIZE(xattr_prefixes))
        return -EIO;
    const char *prefix = xattr_prefixes[entry.name_index];
    size_t length = strlen(prefix);
    if (length + entry.name_length >= sizeof(out->name))
        return -EIO;
    memcpy(out->name, prefix, length);
    err = erofs_read_meta(layer, *position + sizeof(entry), out->name + length, entry.name_length);
    out->name[length + entry.name_length] = 0;
    out->value_size = entry.value_size;
    out->value = *position + sizeof(entry) + entry.name_length;
    *position = align_up(next, EROFS_XATTR_ALIGN);
    return err;
}
