/*
 * The host's /etc/ld.so.cache: which file ld.so takes for a library's name.
 */
#pragma once

#include <stdbool.h>

#include "host/base/buf.h"
#include "host/image/spec.h"

struct hostcache_entry {
    const char *name, *path; /* into the text of struct hostcache */
    uint64_t hwcap;          /* as in the file; 0: for every processor */
    uint32_t flags, os_version;
};

struct hostcache {
    struct buf text;
    struct hostcache_entry *entries; /* x86-64 ones, in the file's order */
    size_t count;
};

/* Takes over text's bytes. False (with an empty cache) if this isn't a cache of glibc's, or is
 * damaged. */
bool hostcache_parse(struct hostcache *cache, struct buf *text);
void hostcache_clear(struct hostcache *cache);

/* The first entry of that name (its others follow it), or NULL. */
const struct hostcache_entry *hostcache_find(const struct hostcache *cache, const char *name);

/* The same cache with only those entries that keep() wants, in the current format. */
void hostcache_write(const struct hostcache *cache,
                     bool (*keep)(void *context, const struct hostcache_entry *entry),
                     void *context, struct buf *out);
