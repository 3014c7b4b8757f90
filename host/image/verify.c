/*
 * Checksums (CRC-32C) find what was damaged by accident. A layer's UUID is the hash of all its
 * bytes, and its bill has SHA-256 of each file.
 */
#include "host/image/verify.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/base/crc32c.h"
#include "host/base/io.h"
#include "host/image/bill.h"
#include "host/image/erofs.h"
#include "host/image/image.h"

static bool kernel_good(int fd, const struct image_info *info, struct error *err)
{
    size_t size = (size_t)info->header.kernel_size;
    if (size > ORRIS_IMAGE_HEADER_OFFSET)
        return error_set(err, "its kernel has an impossible size");
    char *kernel = mem_alloc(size + 1);
    bool good = io_pread(fd, kernel, size, 0) == (ssize_t)size &&
                crc32c(0, kernel, size) == info->header.kernel_crc;
    free(kernel);
    return good || error_set(err, "its kernel's checksum is wrong");
}

static bool layer_good(int fd, const struct orris_layer *layer, size_t *files, struct error *err)
{
    struct bill bill;
    uint64_t size;
    uint8_t superblock[EROFS_SUPERBLOCK_SIZE];
    if (io_pread(fd, superblock, sizeof(superblock),
                 (off_t)(layer->offset + EROFS_SUPERBLOCK_OFFSET)) != (ssize_t)sizeof(superblock) ||
        crc32c(0, superblock, sizeof(superblock)) != layer->superblock_crc)
        return error_set(err, "its superblock's checksum is wrong");
    if (!bill_read(fd, layer->offset, layer->size, &bill, &size, err))
        return false;
    /* The files first: they can be named. */
    bool good = bill_check(fd, layer->offset, size, &bill, err) &&
                erofs_verify(fd, layer->offset, size, err);
    *files += bill.file_count;
    bill_clear(&bill);
    return good;
}

bool image_verify(const char *path, size_t *files, struct error *err)
{
    struct image_info info = {0};
    *files = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, "%s", path);
    bool good = image_read(fd, path, &info, err) &&
                (kernel_good(fd, &info, err) || error_prefix(err, "%s is damaged", path));
    for (unsigned i = 0; good && i < info.layer_count + info.annex_count; i++)
        good = layer_good(fd, &info.layers[i], files, err) ||
               error_prefix(err, "%s is damaged, layer %u", path, i);
    image_info_clear(&info);
    close(fd);
    return good;
}
