/*
 * glibc's cache of libraries (sysdeps/generic/dl-cache.h): a header, entries sorted by name in
 * falling order, strings. An older format may stand before it in the same file.
 */
#include "host/app/hostcache.h"

#include <stdlib.h>
#include <string.h>

#define MAGIC "glibc-ld.so.cache1.1"
#define MAGIC_SIZE 20
#define OLD_MAGIC "ld.so-1.7.0"
#define OLD_MAGIC_SIZE 11
#define OLD_HEADER_SIZE 16
#define OLD_ENTRY_SIZE 12
#define FLAGS_X86_64 0x0303u
#define LITTLE_ENDIAN_FLAG 2

struct cache_header {
    char magic[MAGIC_SIZE];
    uint32_t count, strings_size;
    uint8_t flags, padding[3];
    uint32_t extension_offset;
    uint32_t unused[3];
};
_Static_assert(sizeof(struct cache_header) == 48, "cache header layout");

struct cache_entry {
    uint32_t flags, key, value, os_version;
    uint64_t hwcap;
};
_Static_assert(sizeof(struct cache_entry) == 24, "cache entry layout");

/* Where the new format begins: offsets count from there. */
static size_t new_format_at(const struct buf *text)
{
    if (text->size < OLD_HEADER_SIZE || memcmp(text->data, OLD_MAGIC, OLD_MAGIC_SIZE))
        return 0;
    uint32_t count;
    memcpy(&count, text->data + OLD_HEADER_SIZE - sizeof(count), sizeof(count));
    size_t end = OLD_HEADER_SIZE + (size_t)count * OLD_ENTRY_SIZE;
    return (end + 7) / 8 * 8;
}

static const char *text_at(const char *base, size_t size, uint32_t offset)
{
    if (offset >= size || !memchr(base + offset, 0, size - offset))
        return NULL;
    return base + offset;
}

static bool parse_entries(struct hostcache *cache, const char *base, size_t size)
{
    struct cache_header header;
    if (size < sizeof(header))
        return false;
    memcpy(&header, base, sizeof(header));
    if (memcmp(header.magic, MAGIC, MAGIC_SIZE) ||
        header.count > (size - sizeof(header)) / sizeof(struct cache_entry))
        return false;
    cache->entries = mem_alloc(header.count * sizeof(*cache->entries));
    for (uint32_t i = 0; i < header.count; i++) {
        struct cache_entry entry;
        memcpy(&entry, base + sizeof(header) + i * sizeof(entry), sizeof(entry));
        struct hostcache_entry *out = &cache->entries[cache->count];
        *out = (struct hostcache_entry){.name = text_at(base, size, entry.key),
                                        .path = text_at(base, size, entry.value),
                                        .hwcap = entry.hwcap,
                                        .flags = entry.flags,
                                        .os_version = entry.os_version};
        if (!out->name || !out->path)
            return false;
        cache->count += entry.flags == FLAGS_X86_64 && *out->path == '/';
    }
    return true;
}

bool hostcache_parse(struct hostcache *cache, struct buf *text)
{
    *cache = (struct hostcache){.text = *text};
    *text = (struct buf){0};
    size_t at = new_format_at(&cache->text);
    if (cache->text.data && at <= cache->text.size &&
        parse_entries(cache, cache->text.data + at, cache->text.size - at))
        return true;
    hostcache_clear(cache);
    return false;
}

void hostcache_clear(struct hostcache *cache)
{
    buf_clear(&cache->text);
    free(cache->entries);
    *cache = (struct hostcache){0};
}

const struct hostcache_entry *hostcache_find(const struct hostcache *cache, const char *name)
{
    for (size_t i = 0; i < cache->count; i++)
        if (!strcmp(cache->entries[i].name, name))
            return &cache->entries[i];
    return NULL;
}

void hostcache_write(const struct hostcache *cache,
                     bool (*keep)(void *context, const struct hostcache_entry *entry),
                     void *context, struct buf *out)
{
    const struct hostcache_entry **kept = mem_alloc((cache->count + 1) * sizeof(*kept));
    struct cache_header header = {.magic = MAGIC, .flags = LITTLE_ENDIAN_FLAG};
    struct buf strings = {0};
    /* Entries for some processors only need an extension that names them: the plain ones do. */
    for (size_t i = 0; i < cache->count; i++)
        if (!cache->entries[i].hwcap && keep(context, &cache->entries[i]))
            kept[header.count++] = &cache->entries[i];
    struct buf table = {0};
    uint32_t base = (uint32_t)(sizeof(header) + header.count * sizeof(struct cache_entry));
    for (uint32_t i = 0; i < header.count; i++) {
        struct cache_entry entry = {.flags = kept[i]->flags,
                                    .os_version = kept[i]->os_version,
                                    .key = base + (uint32_t)strings.size};
        buf_add(&strings, kept[i]->name, strlen(kept[i]->name) + 1);
        entry.value = base + (uint32_t)strings.size;
        buf_add(&strings, kept[i]->path, strlen(kept[i]->path) + 1);
        buf_add(&table, &entry, sizeof(entry));
    }
    header.strings_size = (uint32_t)strings.size;
    buf_add(out, &header, sizeof(header));
    buf_add(out, table.data, table.size);
    buf_add(out, strings.data, strings.size);
    buf_clear(&table);
    buf_clear(&strings);
    free(kept);
}
