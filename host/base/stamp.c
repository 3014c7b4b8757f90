/* Stamps of files. */
#include "host/base/stamp.h"

#include <string.h>

#define NS_PER_SECOND 1000000000ll

static int64_t ns_of(struct timespec time)
{
    return time.tv_sec * NS_PER_SECOND + time.tv_nsec;
}

struct stamp stamp_of(const struct stat *info)
{
    return (struct stamp){.dev = info->st_dev,
                          .ino = info->st_ino,
                          .size = info->st_size,
                          .mtime_ns = ns_of(info->st_mtim),
                          .ctime_ns = ns_of(info->st_ctim),
                          .mode = info->st_mode,
                          .links = (uint32_t)info->st_nlink};
}

uint64_t hash_mix(uint64_t hash, uint64_t value)
{
    unsigned __int128 product =
        (unsigned __int128)(hash ^ value ^ 0x9e3779b97f4a7c15ull) * 0xd6e8feb86659fd93ull;
    return (uint64_t)product ^ (uint64_t)(product >> 64) ^ (hash << 7);
}

uint64_t hash_bytes(uint64_t hash, const void *data, unsigned long size)
{
    const char *at = data;
    hash = hash_mix(hash, size);
    for (; size >= 8; at += 8, size -= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        hash = hash_mix(hash, word);
    }
    uint64_t last = 0;
    memcpy(&last, at, size);
    return hash_mix(hash, last);
}

uint64_t stamp_hash(const struct stat *info)
{
    uint64_t hash = hash_mix(info->st_dev, info->st_ino);
    hash = hash_mix(hash, (uint64_t)info->st_size);
    hash = hash_mix(hash, (uint64_t)ns_of(info->st_mtim));
    hash = hash_mix(hash, (uint64_t)ns_of(info->st_ctim));
    hash = hash_mix(hash, info->st_mode);
    return hash ? hash : 1;
}
