/*
 * Files brought out of the machine at its end (--copy-out). The kernel sends them over the control
 * channel; each is written beside its place and takes it when it is whole.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/base/error.h"
#include "host/base/fresh.h"

struct copy_out {
    char *guest; /* as typed; absolute from copy_list_begin() on */
    char *host;
    struct fresh_file file;
    uint64_t bytes;
    bool kept;           /* it is where it belongs */
    struct error failed; /* text, if it isn't and we know why */
};

struct copy_list {
    struct copy_out *items;
    size_t count;
};

/* Adds GUEST=HOST (HOST missing: the same name in the current folder). */
bool copy_list_add(struct copy_list *list, const char *text, struct error *err);
void copy_list_clear(struct copy_list *list);

/* Before the machine starts: makes the paths whole (workdir NULL: "/"), and sees to it that every
 * place can be written to. */
bool copy_list_begin(struct copy_list *list, const char *workdir, struct error *err);

/* Messages of the kernel: ORRIS_MSG_COPY_DATA, ORRIS_MSG_COPY_END. */
void copy_list_data(struct copy_list *list, const char *data, size_t size);
void copy_list_end(struct copy_list *list, const char *data, size_t size);

/* After the machine's end: says which files didn't come and why. Returns whether all did. */
bool copy_list_finish(struct copy_list *list);

/* Whether the guest's file was brought out. */
bool copy_list_has(const struct copy_list *list, const char *guest);
