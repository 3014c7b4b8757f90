/*
 * EROFS on disk (linux: fs/erofs/erofs_fs.h; Documentation/filesystems/erofs.rst): little-endian,
 * blocks of 4096 bytes, inodes in slots of 32 bytes that a nid counts.
 */
#pragma once

#include <stdint.h>

#define EROFS_MAGIC 0xe0f5e1e2u
#define EROFS_SUPER_OFFSET 1024u
#define EROFS_SUPER_SIZE 128u
#define EROFS_SLOT_SHIFT 5u
#define EROFS_BLOCK_BITS 12u

/* Incompatible features that need nothing of us, as long as no inode uses them. */
#define EROFS_INCOMPAT_ZERO_PADDING 0x1u
#define EROFS_INCOMPAT_CHUNKED_FILE 0x4u

struct erofs_super {
    uint32_t magic, checksum, feature_compat;
    uint8_t block_bits, slots;
    uint16_t root_nid;
    uint64_t inodes, build_time;
    uint32_t build_time_ns, blocks, meta_block, xattr_block;
    uint8_t uuid[16], volume[16];
    uint32_t feature_incompat;
    uint16_t compression;
    uint16_t extra_devices, device_slot;
    uint8_t dir_block_bits, xattr_prefix_count;
    uint32_t xattr_prefix_start;
    uint64_t packed_nid;
    uint8_t reserved[24];
};
_Static_assert(sizeof(struct erofs_super) == EROFS_SUPER_SIZE, "superblock layout");

#define EROFS_FORMAT_EXTENDED 0x1u
#define EROFS_FORMAT_LAYOUT(format) (((format) >> 1) & 7u)
enum { EROFS_FLAT_PLAIN = 0, EROFS_FLAT_INLINE = 2, EROFS_CHUNK_BASED = 4 };

/* The start of every inode. */
struct erofs_inode_compact {
    uint16_t format, xattr_count, mode, links;
    uint32_t size, reserved;
    uint32_t data; /* first block, device number, or chunk format */
    uint32_t ino;
    uint16_t uid, gid;
    uint32_t reserved2;
};
_Static_assert(sizeof(struct erofs_inode_compact) == 32, "compact inode layout");

struct erofs_inode_extended {
    uint16_t format, xattr_count, mode, reserved;
    uint64_t size;
    uint32_t data;
    uint32_t ino, uid, gid;
    uint64_t mtime;
    uint32_t mtime_ns, links;
    uint8_t reserved2[16];
};
_Static_assert(sizeof(struct erofs_inode_extended) == 64, "extended inode layout");

/* The area of extended attributes: this header, shared ids, entries; a count of 0 is none. */
#define EROFS_XATTR_HEADER 12u
#define EROFS_XATTR_ALIGN 4u
struct erofs_xattr_entry { /* then name and value */
    uint8_t name_length, name_index;
    uint16_t value_size;
};

/* Of an inode's data field when it is chunk-based. */
#define EROFS_CHUNK_BITS(data) ((data)&0x1fu) /* more than a block's */
#define EROFS_CHUNK_INDEXES 0x20u             /* 8 bytes a chunk instead of 4 */
#define EROFS_CHUNK_HOLE 0xffffffffu

/* Directory blocks: entries, sorted by name, then the names. The first entry's name begins where
 * the entries end. */
struct erofs_dirent {
    uint64_t nid;
    uint16_t name_offset;
    uint8_t type, reserved;
} __attribute__((packed));
_Static_assert(sizeof(struct erofs_dirent) == 12, "directory entry layout");
