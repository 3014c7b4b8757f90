/*
 * Files for one run (--secret NAME=FILE): in the guest they are /run/secrets/NAME, in memory. They
 * go there in the run record, which no file holds.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "host/base/buf.h"
#include "host/base/error.h"

struct secret {
    char *name;
    struct buf data;
};

struct secret_list {
    struct secret *items;
    size_t count;
};

/* Reads the file of NAME=FILE. */
bool secret_list_add(struct secret_list *list, const char *text, struct error *err);
void secret_list_clear(struct secret_list *list); /* and overwrites them */
