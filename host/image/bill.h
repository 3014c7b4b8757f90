/*
 * The bill of materials of a layer: the packages that its files come from, and every file with its
 * hashes. It stands behind the file system in the layer's own file, so that it is made once, when
 * the layer is, and goes into every image with it:
 *
 *   the EROFS file system, whole blocks
 *   the bill, a text, and zeros up to a whole block less the foot
 *   struct bill_foot
 *
 * The text is "orris bill 1", then lines of fields parted by tabs, "-" for none:
 *
 *   newest SECONDS                              the newest file's time, since 1970
 *   package NAME VERSION SHA256 LICENCE         SHA256 of the .deb, LICENCE as SPDX writes it
 *   file PACKAGE SHA1 SHA256 PATH               PACKAGE counts from 1; 0: of none
 *
 * (SPDX wants SHA-1 besides; nothing is judged by it.)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/base/buf.h"
#include "host/base/error.h"
#include "host/base/sha256.h"

#define BILL_SHA1_SIZE 20

struct bill_package {
    char *name, *version;
    char *sha256;  /* hexadecimal, or NULL */
    char *licence; /* or NULL */
};

struct bill_file {
    char *path;     /* in the image */
    size_t package; /* counts from 1; 0: of none */
    uint8_t sha1[BILL_SHA1_SIZE], sha256[SHA256_SIZE];
};

struct bill {
    struct bill_package *packages;
    size_t package_count;
    struct bill_file *files; /* by folder and name */
    size_t file_count;
    int64_t newest; /* seconds since 1970 */
};

/* Where the files of a layer come from. */
struct bill_origin {
    const struct bill_package *packages;
    size_t count;
    /* The number of the package that the file at path belongs to, from 1; 0 if to none. */
    size_t (*owner)(const struct bill_origin *origin, const char *path);
    void *context;
};

/* Adds the bill to fd, which holds a whole EROFS file system and nothing else. */
bool bill_append(int fd, const struct bill_origin *origin, struct error *err);

/* Reads the bill of the layer at [offset, offset + size) of fd. False if it has none or it is
 * damaged. *file_system is the size of what stands before it. */
bool bill_read(int fd, uint64_t offset, uint64_t size, struct bill *bill, uint64_t *file_system,
               struct error *err);
void bill_clear(struct bill *bill);

/* Whether the files of the file system at [offset, offset + size) of fd are those of the bill, each
 * with the hashes that stand there. False with err naming the first that differs. */
bool bill_check(int fd, uint64_t offset, uint64_t size, const struct bill *bill, struct error *err);

/* The bill's text, and back. */
void bill_print(const struct bill *bill, struct buf *out);
bool bill_parse(const char *text, size_t size, struct bill *bill);
