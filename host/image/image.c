/*
 * Images. A new image is put together without a name and named when complete. When only its last
 * layers differ from what is there, and no machine runs it, the new layers go into free space of
 * the same file, and one write of the header's page turns it from the old image into the new one;
 * then the old layers' space is given back. So a changed script costs a few pages, not a copy.
 */
#include "host/image/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/crc32c.h"
#include "host/base/fresh.h"
#include "host/base/io.h"
#include "host/base/store.h"
#include "host/image/annex.h"
#include "host/image/erofs.h"
#include "host/image/kernel.h"
#include "host/image/layer.h"

#define ALIGN ((uint64_t)ORRIS_IMAGE_LAYER_ALIGN)
#define PAGE 4096u
#define COPY_SIZE (1u << 20)

/* A layer that is to be in the image. */
struct part {
    int fd;
    const char *path;
    uint8_t superblock[EROFS_SUPERBLOCK_SIZE];
    struct orris_layer layer;
    bool there; /* the image has it at this offset already */
    bool annex;
};

/* An image in the making. */
struct making {
    struct buf kernel;
    const struct buf *run; /* the records of how the program runs */
    struct part parts[ORRIS_IMAGE_LAYERS_MAX + 1];
    unsigned count;
    struct error *err;
};

void image_info_clear(struct image_info *info)
{
    buf_clear(&info->records);
}

static bool info_damaged(const char *path, const char *what, struct error *err)
{
    return error_set(err, "%s is damaged: %s", path, what);
}

/* Takes the LAYER records out of info->records. */
static bool info_layers(struct image_info *info)
{
    size_t at = 0;
    struct orris_record record = {.type = ORRIS_RECORD_HEADER};
    const char *payload;
    while (record_next(&info->records, &at, &record, &payload)) {
        if (record.type != ORRIS_RECORD_LAYER)
            continue;
        if (record.size != sizeof(struct orris_layer) ||
            info->layer_count == ORRIS_IMAGE_LAYERS_MAX)
            return false;
        memcpy(&info->layers[info->layer_count++], payload, record.size);
    }
    return record.type == ORRIS_RECORD_END;
}

/* The annex counts as one more layer, for which nobody has to vouch. */
static bool info_annex(struct image_info *info, int fd)
{
    const struct orris_image_header *header = &info->header;
    uint8_t superblock[EROFS_SUPERBLOCK_SIZE];
    if (!header->annex_offset)
        return true;
    ssize_t got = io_pread(fd, superblock, sizeof(superblock),
                           (off_t)(header->annex_offset + EROFS_SUPERBLOCK_OFFSET));
    struct orris_layer *annex = &info->layers[info->layer_count];
    *annex = (struct orris_layer){.offset = header->annex_offset, .size = header->annex_size};
    annex->superblock_crc = crc32c(0, superblock, sizeof(superblock));
    info->annex_count = 1;
    return got == sizeof(superblock);
}

bool image_read(int fd, const char *path, struct image_info *info, struct error *err)
{
    *info = (struct image_info){0};
    struct orris_image_header *header = &info->header;
    ssize_t got = io_pread(fd, header, sizeof(*header), ORRIS_IMAGE_HEADER_OFFSET);
    if (got < 0)
        return error_errno(err, "can't read %s", path);
    if (got != sizeof(*header) || memcmp(header->magic, ORRIS_IMAGE_MAGIC, sizeof(header->magic)))
        return error_set(err, "%s is not an image of orris", path);
    if (header->version != ORRIS_ABI_VERSION)
        return error_set(err, "%s is of another version of orris: build it again", path);
    struct orris_image_header zero = *header;
    zero.header_crc = 0;
    if (crc32c(0, &zero, sizeof(zero)) != header->header_crc ||
        header->records_size > ORRIS_IMAGE_RECORDS_MAX)
        return info_damaged(path, "its header's checksum is wrong", err);
    buf_reserve(&info->records, header->records_size);
    got = io_pread(fd, info->records.data, header->records_size,
                   ORRIS_IMAGE_HEADER_OFFSET + sizeof(*header));
    info->records.size = header->records_size;
    if (got != (ssize_t)header->records_size ||
        crc32c(0, info->records.data, info->records.size) != header->records_crc ||
        !info_layers(info) || !info_annex(info, fd)) {
        image_info_clear(info);
        return info_damaged(path, "its records' checksum is wrong", err);
    }
    return true;
}

static bool part_open(struct part *part, const char *path, struct error *err)
{
    struct stat info;
    part->path = path;
    part->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (part->fd < 0 || fstat(part->fd, &info))
        return error_errno(err, "layer %s", path);
    ssize_t got =
        io_pread(part->fd, part->superblock, sizeof(part->superblock), EROFS_SUPERBLOCK_OFFSET);
    if (got != sizeof(part->superblock))
        return error_set(err, "layer %s is cut short", path);
    part->layer.size = (uint64_t)info.st_size;
    part->layer.superblock_crc = crc32c(0, part->superblock, sizeof(part->superblock));
    return true;
}

static void making_close(struct making *making)
{
    for (unsigned i = 0; i < making->count; i++)
        if (making->parts[i].fd >= 0)
            close(making->parts[i].fd);
    buf_clear(&making->kernel);
}

static bool making_open(struct making *making, const struct image_content *content)
{
    const struct strlist *layers = &content->layers;
    if (layers->count > ORRIS_IMAGE_LAYERS_MAX)
        return error_set(making->err,
                         "an image has at most %u layers, not %zu: name fewer packages",
                         ORRIS_IMAGE_LAYERS_MAX, layers->count);
    for (size_t i = 0; i < layers->count; i++) {
        making->count++;
        if (!part_open(&making->parts[i], layers->items[i], making->err))
            return false;
    }
    if (content->annex) {
        struct part *part = &making->parts[making->count++];
        part->annex = true;
        if (!part_open(part, content->annex, making->err))
            return false;
    }
    char *kernel = store_kernel_path(making->err);
    bool done = kernel && kernel_read(kernel, &making->kernel, making->err);
    free(kernel);
    return done;
}

static uint64_t round_up(uint64_t size)
{
    return (size + ALIGN - 1) / ALIGN * ALIGN;
}

/* Whether [offset, offset + size) is free of the layers of old and of those placed before part i.
 */
static bool space_free(const struct making *making, unsigned i, const struct image_info *old,
                       uint64_t offset, uint64_t size)
{
    for (unsigned k = 0; k < making->count; k++) {
        const struct orris_layer *layer = &making->parts[k].layer;
        if ((k < i || making->parts[k].there) && offset < layer->offset + layer->size &&
            layer->offset < offset + size)
            return false;
    }
    for (unsigned k = 0; old && k < old->layer_count + old->annex_count; k++)
        if (offset < old->layers[k].offset + old->layers[k].size &&
            old->layers[k].offset < offset + size)
            return false;
    return true;
}

/* Gives every part that isn't there an offset, the lowest that is free. */
static void place_parts(struct making *making, const struct image_info *old)
{
    for (unsigned i = 0; i < making->count; i++) {
        struct part *part = &making->parts[i];
        if (part->there)
            continue;
        uint64_t offset = ALIGN;
        while (!space_free(making, i, old, offset, part->layer.size))
            offset += ALIGN;
        part->layer.offset = offset;
    }
}

static uint64_t making_size(const struct making *making)
{
    uint64_t end = ALIGN;
    for (unsigned i = 0; i < making->count; i++) {
        const struct orris_layer *layer = &making->parts[i].layer;
        if (layer->offset + layer->size > end)
            end = layer->offset + layer->size;
    }
    return round_up(end);
}

/* All records and the header before them, as they stand in the file. */
static bool header_make(const struct making *making, struct buf *out)
{
    struct buf records = {0};
    const struct part *last = making->count ? &making->parts[making->count - 1] : NULL;
    const struct part *annex = last && last->annex ? last : NULL;
    for (unsigned i = 0; i < making->count - (annex != NULL); i++)
        record_add(&records, ORRIS_RECORD_LAYER, &making->parts[i].layer,
                   sizeof(struct orris_layer));
    buf_add(&records, making->run->data, making->run->size);
    record_add(&records, ORRIS_RECORD_END, "", 0);
    struct buf whole = {0};
    struct orris_record_header head = {.magic = ORRIS_RECORD_MAGIC,
                                       .version = ORRIS_ABI_VERSION,
                                       .crc = crc32c(0, records.data, records.size)};
    record_add(&whole, ORRIS_RECORD_HEADER, &head, sizeof(head));
    buf_add(&whole, records.data, records.size);
    struct orris_image_header header = {.version = ORRIS_ABI_VERSION,
                                        .image_size = making_size(making),
                                        .kernel_size = making->kernel.size,
                                        .kernel_crc =
                                            crc32c(0, making->kernel.data, making->kernel.size),
                                        .records_size = (uint32_t)whole.size,
                                        .records_crc = crc32c(0, whole.data, whole.size),
                                        .annex_offset = annex ? annex->layer.offset : 0,
                                        .annex_size = annex ? annex->layer.size : 0};
    memcpy(header.magic, ORRIS_IMAGE_MAGIC, sizeof(header.magic));
    header.header_crc = crc32c(0, &header, sizeof(header));
    buf_add(out, &header, sizeof(header));
    buf_add(out, whole.data, whole.size);
    bool fits = whole.size <= ORRIS_IMAGE_RECORDS_MAX;
    buf_clear(&records);
    buf_clear(&whole);
    return fits || error_set(making->err, "arguments and environment are too long for an image");
}

static bool copy_slowly(int from, int to, uint64_t offset, uint64_t done, uint64_t size)
{
    char *buffer = mem_alloc(COPY_SIZE);
    bool good = true;
    while (good && done < size) {
        size_t part = size - done < COPY_SIZE ? (size_t)(size - done) : COPY_SIZE;
        ssize_t got = io_pread(from, buffer, part, (off_t)done);
        good = got == (ssize_t)part && io_pwrite(to, buffer, part, (off_t)(offset + done));
        if (got >= 0 && got != (ssize_t)part)
            errno = EIO;
        done += part;
    }
    free(buffer);
    return good;
}

/* Copies [from, end) of a layer; on file systems that can, this shares the blocks. */
static bool range_copy(const struct part *part, int to, uint64_t from, uint64_t end)
{
    while (from < end) {
        off_t from_at = (off_t)from, to_at = (off_t)(part->layer.offset + from);
        ssize_t got = copy_file_range(part->fd, &from_at, to, &to_at, end - from, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        from += (uint64_t)got;
    }
    return from == end || copy_slowly(part->fd, to, part->layer.offset, from, end);
}

/* The next place at or after at where data (SEEK_DATA) or a hole (SEEK_HOLE) is, at most size. */
static uint64_t seek(int fd, uint64_t at, int what, uint64_t size)
{
    off_t found = lseek(fd, (off_t)at, what);
    if (found < 0)
        return errno != ENXIO && what == SEEK_DATA ? at : size;
    return (uint64_t)found < size ? (uint64_t)found : size;
}

static bool punch(int fd, uint64_t from, uint64_t end)
{
    return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)from,
                     (off_t)(end - from)) == 0;
}

/* Copies a layer into the image, where its holes stay holes: what was there before goes. */
static bool part_copy(const struct part *part, int to)
{
    uint64_t size = part->layer.size, at = 0;
    while (at < size) {
        uint64_t data = seek(part->fd, at, SEEK_DATA, size);
        if (data > at && punch(to, part->layer.offset + at, part->layer.offset + data)) {
            at = data;
            continue;
        }
        uint64_t hole = seek(part->fd, at, SEEK_HOLE, size);
        uint64_t end = hole > at ? hole : size; /* else a hole that could not be punched */
        if (!range_copy(part, to, at, end))
            return false;
        at = end;
    }
    return true;
}

static bool parts_copy(const struct making *making, int fd, const char *path)
{
    for (unsigned i = 0; i < making->count; i++)
        if (!making->parts[i].there && !part_copy(&making->parts[i], fd))
            return error_errno(making->err, "can't write the image %s", path);
    return true;
}

/* Writes a whole new image and puts it in path's place. *fd: the image, open. */
static bool image_replace(struct making *making, const char *folder, const char *path, int *fd)
{
    for (unsigned i = 0; i < making->count; i++)
        making->parts[i].there = false;
    place_parts(making, NULL);
    struct buf header = {0};
    struct fresh_file file = {.fd = -1};
    bool done = header_make(making, &header) && fresh_open(&file, folder, making->err);
    if (done)
        done = (ftruncate(file.fd, (off_t)making_size(making)) == 0 &&
                io_pwrite(file.fd, making->kernel.data, making->kernel.size, 0) &&
                io_pwrite(file.fd, header.data, header.size, ORRIS_IMAGE_HEADER_OFFSET)) ||
               error_errno(making->err, "can't write the image %s", path);
    done =
        done && parts_copy(making, file.fd, path) && fresh_keep_open(&file, path, fd, making->err);
    if (!done && file.fd >= 0)
        fresh_drop(&file);
    buf_clear(&header);
    return done;
}

/* Marks the parts that old has already, by their superblocks, which hold their content's hash. */
static void find_parts(struct making *making, int fd, const struct image_info *old)
{
    for (unsigned i = 0; i < making->count; i++) {
        struct part *part = &making->parts[i];
        for (unsigned k = 0; k < old->layer_count + old->annex_count && !part->there; k++) {
            const struct orris_layer *layer = &old->layers[k];
            uint8_t superblock[EROFS_SUPERBLOCK_SIZE];
            part->there =
                layer->size == part->layer.size &&
                layer->superblock_crc == part->layer.superblock_crc &&
                io_pread(fd, superblock, sizeof(superblock),
                         (off_t)(layer->offset + EROFS_SUPERBLOCK_OFFSET)) == sizeof(superblock) &&
                !memcmp(superblock, part->superblock, sizeof(superblock));
            if (part->there)
                part->layer.offset = layer->offset;
        }
    }
}

static bool same_kernel(const struct making *making, const struct image_info *old)
{
    return old->header.kernel_size == making->kernel.size &&
           old->header.kernel_crc == crc32c(0, making->kernel.data, making->kernel.size);
}

/* Gives back the space of old's layers that the image no longer has. */
static void free_parts(const struct making *making, int fd, const struct image_info *old)
{
    for (unsigned k = 0; k < old->layer_count + old->annex_count; k++) {
        bool kept = false;
        for (unsigned i = 0; i < making->count; i++)
            kept |= making->parts[i].layer.offset == old->layers[k].offset;
        if (!kept)
            fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)old->layers[k].offset,
                      (off_t)old->layers[k].size);
    }
}

/* What became of an attempt to change the image in place. */
enum in_place { IN_PLACE_DONE, IN_PLACE_SAME, IN_PLACE_NOT };

/* Whether most of the image stays: else a new file is as cheap, and has no holes. */
static bool mostly_there(const struct making *making)
{
    uint64_t there = 0, other = 0;
    for (unsigned i = 0; i < making->count; i++)
        *(making->parts[i].there ? &there : &other) += making->parts[i].layer.size;
    return other == 0 || there > other;
}

/* Writes the parts that are missing into free space, then the header. */
static bool write_parts(struct making *making, int fd, const char *path,
                        const struct image_info *old, const struct buf *header)
{
    uint64_t size = making_size(making);
    struct stat info;
    if (fstat(fd, &info))
        return false;
    bool good = ((uint64_t)info.st_size >= size || ftruncate(fd, (off_t)size) == 0) &&
                parts_copy(making, fd, path) &&
                io_pwrite(fd, header->data, header->size, ORRIS_IMAGE_HEADER_OFFSET);
    if (good)
        free_parts(making, fd, old);
    return ftruncate(fd, good ? (off_t)size : info.st_size) == 0 && good;
}

static enum in_place update_parts(struct making *making, int fd, const char *path,
                                  const struct image_info *old, bool locked)
{
    find_parts(making, fd, old);
    if (!mostly_there(making))
        return IN_PLACE_NOT;
    place_parts(making, old);
    struct buf header = {0};
    enum in_place result = IN_PLACE_NOT;
    bool good = header_make(making, &header);
    if (good && old->header.records_size + sizeof(old->header) == header.size &&
        !memcmp(&old->header, header.data, sizeof(old->header)))
        result = IN_PLACE_SAME;
    else if (good && locked && header.size <= PAGE && write_parts(making, fd, path, old, &header))
        result = IN_PLACE_DONE;
    buf_clear(&header);
    return result;
}

/* Tries to make path the image wanted by changing little or nothing of it. *fd: the image, open. */
static enum in_place image_update(struct making *making, const char *path, int *fd)
{
    struct image_info old;
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0)
        return IN_PLACE_NOT;
    enum in_place result = IN_PLACE_NOT;
    bool locked = flock(file, LOCK_EX | LOCK_NB) == 0;
    if (image_read(file, path, &old, NULL)) {
        if (same_kernel(making, &old))
            result = update_parts(making, file, path, &old, locked);
        image_info_clear(&old);
    }
    if (result == IN_PLACE_NOT)
        close(file);
    else
        *fd = file;
    return result;
}

/* Opens path anew for reading only, locked for sharing, instead of fd. */
static bool image_share(const char *path, int *fd, struct error *err)
{
    close(*fd);
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0)
        return error_errno(err, "can't open the image %s", path);
    while (flock(*fd, LOCK_SH) && errno == EINTR)
        continue; /* a file system without locks has no changes in place, either */
    return true;
}

static bool assemble_locked(struct making *making, const char *folder, const char *path, int *fd,
                            bool *fresh)
{
    enum in_place result = image_update(making, path, fd);
    if (result == IN_PLACE_NOT && !image_replace(making, folder, path, fd))
        return false;
    *fresh |= result != IN_PLACE_SAME;
    return image_share(path, fd, making->err);
}

bool image_assemble(const char *name, const struct image_content *content, char **path, int *fd,
                    bool *fresh, struct error *err)
{
    char *folder = store_path("images", true, err);
    if (!folder)
        return false;
    char *lock_name = mem_printf("image-%s", name);
    int lock = store_lock(lock_name, err);
    free(lock_name);
    *path = mem_printf("%s/%s.img", folder, name);
    struct making making = {.run = &content->records, .err = err};
    bool done = lock >= 0 && making_open(&making, content) &&
                assemble_locked(&making, folder, *path, fd, fresh);
    making_close(&making);
    if (lock >= 0)
        close(lock);
    free(folder);
    if (!done) {
        free(*path);
        *path = NULL;
    }
    return done;
}

void image_content_clear(struct image_content *content)
{
    strlist_clear(&content->layers);
    free(content->annex);
    buf_clear(&content->records);
    *content = (struct image_content){0};
}

char *image_file(const char *name, struct error *err)
{
    size_t length = strlen(name);
    bool ends = length > 4 && !strcmp(name + length - 4, ".img");
    if (strchr(name, '/') || (ends && access(name, F_OK) == 0))
        return mem_string(name);
    char *sub = mem_printf("images/%s%s", name, ends ? "" : ".img");
    char *path = store_path(sub, false, err);
    free(sub);
    return path;
}

bool image_layers(const struct image_spec *spec, struct image_content *content, bool *fresh,
                  struct error *err)
{
    struct strlist *layers = &content->layers;
    for (size_t i = 0; i < spec->layer_count; i++)
        strlist_add(layers, spec->layers[i].path);
    for (unsigned tier = 0; tier < TIER_COUNT; tier++) {
        char *path;
        if (!layer_get(spec, tier, &path, fresh, err))
            return false;
        if (path)
            strlist_add(layers, path);
        free(path);
    }
    content->annex = annex_make(spec, err);
    return content->annex != NULL;
}

bool image_build(const struct image_spec *spec, char **path, int *fd, bool *fresh,
                 struct error *err)
{
    struct image_content content = {0};
    image_records(spec, &content.records);
    bool done = image_layers(spec, &content, fresh, err) &&
                image_assemble(spec->name, &content, path, fd, fresh, err);
    image_content_clear(&content);
    return done;
}
