/*
 * Folders of the host in the guest (--mount, Mounts): DIR:/path[:ro].
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "host/base/error.h"

#define MOUNTS_MAX 4u /* what a machine has room for beside its other devices */

struct mount {
    char *host;  /* absolute */
    char *guest; /* absolute, clean */
    bool read_only;
    int fd; /* the host's folder, -1 before mount_list_begin() */
};

struct mount_list {
    struct mount items[MOUNTS_MAX];
    size_t count;
};

/* Adds DIR:/path[:ro]; DIR is relative to folder. */
bool mount_list_add(struct mount_list *list, const char *text, const char *folder,
                    struct error *err);
/* The same from two parts: the folder, and "/path" or "/path:ro". */
bool mount_list_add_parts(struct mount_list *list, const char *host, const char *guest,
                          const char *folder, struct error *err);
/* Whether one of the first count is at guest ("/path" or "/path:ro"). */
bool mount_list_has(const struct mount_list *list, size_t count, const char *guest);
void mount_list_clear(struct mount_list *list);

/* Opens the folders, so that the machine gets those that were meant, whatever happens to their
 * names. */
bool mount_list_begin(struct mount_list *list, struct error *err);
