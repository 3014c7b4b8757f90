/*
 * Images: the kernel, the layers and the records in one file (abi/image.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "abi/image.h"
#include "abi/record.h"
#include "host/base/buf.h"
#include "host/base/error.h"
#include "host/image/spec.h"

/* Builds images/NAME.img in the store if it isn't what spec asks for. *path (owned by the caller)
 * is its path, *fd (close-on-exec) the image, open for reading and locked (LOCK_SH) against changes
 * in place; *fresh says whether anything was built. Whenever the tool dies, what has the name is a
 * whole image, the old one or the new one. Safe against other orris processes. */
bool image_build(const struct image_spec *spec, char **path, int *fd, bool *fresh,
                 struct error *err);

/* What an image is put together from. */
struct image_content {
    struct strlist layers; /* paths in the store, bottom first */
    char *annex;           /* the same for what only the tool reads (host/image/annex.h), or NULL */
    struct buf records;    /* of how the program runs */
};
void image_content_clear(struct image_content *content);

/* The parts of image_build(): content from spec, and the file from content. */
bool image_layers(const struct image_spec *spec, struct image_content *content, bool *fresh,
                  struct error *err);
bool image_assemble(const char *name, const struct image_content *content, char **path, int *fd,
                    bool *fresh, struct error *err);

/* The file that an image's name means: itself if it is a path, else the one in the store. Owned by
 * the caller; NULL with err set. */
char *image_file(const char *name, struct error *err);

/* Appends one record (abi/record.h). */
void record_add(struct buf *records, enum orris_record_type type, const void *data, size_t size);
void record_string(struct buf *records, enum orris_record_type type, const char *text);

/* The record at *at, which moves on behind it: its head and its payload. False at the end, and with
 * *at unchanged where the bytes are no record. */
bool record_next(const struct buf *records, size_t *at, struct orris_record *record,
                 const char **payload);

/* The records of how the program runs: PROGRAM, ARG, ENV, WORKDIR. */
void image_records(const struct image_spec *spec, struct buf *records);

/* What an image's header says. */
struct image_info {
    struct orris_image_header header;
    struct buf records;
    struct orris_layer layers[ORRIS_IMAGE_LAYERS_MAX + 1]; /* the annex follows the layers */
    unsigned layer_count, annex_count;
};

/* Reads and checks the header and records of an open image. False with err set ("is not an image of
 * orris", "is damaged"). */
bool image_read(int fd, const char *path, struct image_info *info, struct error *err);
void image_info_clear(struct image_info *info);
