/*
 * A file's stamp: what changes whenever its content, its place or its mode does. The change time
 * (ctime) can't be set by programs, so a change that keeps size and modification time shows, too.
 */
#pragma once

#include <stdint.h>

#include <sys/stat.h>

struct stamp {
    uint64_t dev, ino;
    int64_t size; /* bytes */
    int64_t mtime_ns, ctime_ns;
    uint32_t mode; /* st_mode */
    uint32_t links;
};

struct stamp stamp_of(const struct stat *info);

/* 64 bits that stand for the stamp; never 0. The number of links counts for nothing in it. */
uint64_t stamp_hash(const struct stat *info);

/* Mixes value into hash; for the quick hashes of stamps and names. */
uint64_t hash_mix(uint64_t hash, uint64_t value);
uint64_t hash_bytes(uint64_t hash, const void *data, unsigned long size);
