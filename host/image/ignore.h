/*
 * What is kept out of an image although a folder that holds it goes in: patterns as in .gitignore
 * (gitignore(5)). The last one that matches decides, "!" before it takes back; what lies below a
 * folder that is kept out is not looked at. A path that is named itself is never kept out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "host/base/error.h"

struct ignore_rule {
    char *pattern;     /* without "!" and slashes at the ends */
    char *base;        /* counts below this folder only; NULL: anywhere */
    const char *where; /* for messages: "Exclude", ".orrisignore", "by default" */
    bool anchored;     /* against the whole path from base on, not any name */
    bool folders_only, negated;
};

struct ignore {
    struct ignore_rule *rules;
    size_t count;
    char *environment; /* the virtual environment that is used, without links, or NULL */
};

/* The patterns that hold without anyone naming them. */
void ignore_add_default(struct ignore *ignore);

/* Adds one pattern. With a slash in it, it is relative to base; below names that it counts only
 * there even without one. */
void ignore_add(struct ignore *ignore, const char *pattern, const char *base, bool below,
                const char *where);

/* Adds the lines of folder/.orrisignore. True if there is none. */
bool ignore_add_file(struct ignore *ignore, const char *folder, struct error *err);

void ignore_clear(struct ignore *ignore);

/* The rule that keeps path (absolute, on the host) out, or NULL. */
const struct ignore_rule *ignore_match(const struct ignore *ignore, const char *path,
                                       bool is_folder);
