/*
 * /etc/ld.so.cache: where the dynamic linker looks a library's name up first.
 */
#pragma once

#include "host/base/buf.h"
#include "host/image/spec.h"

/* The cache for an image that holds the files in paths (absolute, any files). Libraries are those
 * in the linker's standard folders with a name like lib*.so* or ld-*.so*. */
void ldcache_build(const struct strlist *paths, struct buf *out);

/* glibc's order of names in the cache: runs of digits compare as numbers. */
int ldcache_compare(const char *a, const char *b);
