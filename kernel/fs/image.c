/* Checking the image, and its own run record: 1 MiB at a time, the size of each part's place. */
#include "kernel/fs/image.h"

#include "abi/image.h"
#include "kernel/base/crc32c.h"
#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/drivers/block.h"
#include "kernel/mm/page.h"
#include "kernel/platform/run.h"

#define PART_SIZE ORRIS_IMAGE_HEADER_OFFSET
#define PART_ORDER 8
#define READ_PAGES 64u

_Static_assert(PAGE_SIZE << PART_ORDER == PART_SIZE, "a part is one block of pages");

static const char no_image[] = "the disk holds no image";
static const char corrupt[] = "the image is corrupt (a checksum differs): build it again";

/* One part of the image in memory, or NULL. */
static struct page *read_part(uint64_t offset)
{
    struct page *part = page_alloc(PART_ORDER, 0), *list[READ_PAGES];
    for (unsigned done = 0; part && done < 1u << PART_ORDER; done += READ_PAGES) {
        for (unsigned i = 0; i < READ_PAGES; i++) {
            list[i] = part + done + i;
        }
        if (block_read_pages(offset + done * PAGE_SIZE, list, READ_PAGES)) {
            page_put(part);
            part = NULL;
        }
    }
    return part;
}

static bool header_valid(const struct orris_image_header *header)
{
    struct orris_image_header copy = *header;
    copy.header_crc = 0;
    return header->version == ORRIS_ABI_VERSION &&
           crc32c(0, &copy, sizeof(copy)) == header->header_crc &&
           header->records_size <= ORRIS_IMAGE_RECORDS_MAX && header->kernel_size <= PART_SIZE &&
           crc32c(0, header + 1, header->records_size) == header->records_crc;
}

static bool kernel_valid(const struct orris_image_header *header)
{
    struct page *part = read_part(0);
    bool valid = part && crc32c(0, page_virt(part), header->kernel_size) == header->kernel_crc;
    if (part) {
        page_put(part);
    }
    return valid;
}

/* The checked header with its records, to be put; NULL with *why. */
static struct page *read_header(const char **why)
{
    struct page *part = block_size_bytes() ? read_part(ORRIS_IMAGE_HEADER_OFFSET) : NULL;
    *why = no_image;
    if (!part) {
        return NULL;
    }
    const struct orris_image_header *header = page_virt(part);
    if (memcmp(header->magic, ORRIS_IMAGE_MAGIC, sizeof(header->magic)) == 0) {
        *why = corrupt;
        if (header_valid(header) && kernel_valid(header)) {
            return part;
        }
    }
    page_put(part);
    return NULL;
}

int image_check(const char **why)
{
    struct page *part = read_header(why);
    if (!part) {
        return -EINVAL;
    }
    page_put(part);
    return 0;
}

int image_run_begin(const char **why)
{
    struct page *part = read_header(why);
    if (!part) {
        return -EINVAL;
    }
    const struct orris_image_header *header = page_virt(part);
    int err = run_begin(header + 1, header->records_size, why);
    page_put(part);
    return err;
}
