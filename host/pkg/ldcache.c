/*
 * The cache as ldconfig would write it for Debian's folders, in its only current format (ldconfig
 * -c new): a header, entries in falling order of names, the strings. Debian's packages ship every
 * library under its soname, so the name of a file or link is the key; no file is opened.
 */
#include "host/pkg/ldcache.h"

#include <stdbool.h>
#include <stdint.h>

#include <stdlib.h>
#include <string.h>

#include "host/base/path.h"

#define FLAG_X86_64 0x0303 /* an ELF library for glibc 2 and later, x86-64 */
#define FLAG_LITTLE_ENDIAN 2

struct cache_header {
    char magic[20];
    uint32_t count;
    uint32_t strings_size;
    uint8_t flags, padding[3];
    uint32_t extension_offset;
    uint32_t unused[3];
};
_Static_assert(sizeof(struct cache_header) == 48, "cache header layout");

struct cache_entry {
    int32_t flags;
    uint32_t key, value; /* offsets of strings in the file */
    uint32_t os_version;
    uint64_t hwcap;
};
_Static_assert(sizeof(struct cache_entry) == 24, "cache entry layout");

struct library {
    const char *name;
    char *path;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int ldcache_compare(const char *a, const char *b)
{
    while (*a) {
        if (is_digit(*a) != is_digit(*b))
            return is_digit(*a) ? 1 : -1;
        if (is_digit(*a)) {
            char *a_end, *b_end;
            unsigned long x = strtoul(a, &a_end, 10), y = strtoul(b, &b_end, 10);
            if (x != y)
                return x < y ? -1 : 1;
            a = a_end;
            b = b_end;
        } else if (*a != *b) {
            break;
        } else {
            a++;
            b++;
        }
    }
    return (unsigned char)*a - (unsigned char)*b;
}

static int library_order(const void *a, const void *b)
{
    const struct library *x = a, *y = b;
    int order = ldcache_compare(y->name, x->name);
    return order ? order : strcmp(x->path, y->path);
}

/* The path as ldconfig writes it, which comes by /lib first where that is a link to usr/lib; NULL
 * if this isn't a library that it would list. */
static char *library_path(const char *path)
{
    static const char *const folders[] = {"/usr/lib/x86_64-linux-gnu/", "/usr/lib/", "/usr/lib64/"};
    const char *name = path_base(path);
    bool named =
        (strncmp(name, "lib", 3) == 0 && strstr(name, ".so")) || strncmp(name, "ld-linux", 8) == 0;
    for (size_t i = 0; named && i < sizeof(folders) / sizeof(*folders); i++)
        if (strlen(folders[i]) == (size_t)(name - path) &&
            strncmp(path, folders[i], strlen(folders[i])) == 0)
            return mem_string(path + strlen("/usr"));
    return NULL;
}

void ldcache_build(const struct strlist *paths, struct buf *out)
{
    struct library *libraries = mem_alloc((paths->count + 1) * sizeof(*libraries));
    size_t found = 0, count = 0;
    for (size_t i = 0; i < paths->count; i++) {
        char *path = library_path(paths->items[i]);
        if (path)
            libraries[found++] = (struct library){path_base(path), path};
    }
    qsort(libraries, found, sizeof(*libraries), library_order);
    for (size_t i = 0; i < found; i++) {
        if (count > 0 && strcmp(libraries[count - 1].name, libraries[i].name) == 0)
            free(libraries[i].path);
        else
            libraries[count++] = libraries[i];
    }
    struct cache_header header = {
        .magic = "glibc-ld.so.cache1.1", /* 20 bytes, no NUL */
        .count = (uint32_t)count,
        .flags = FLAG_LITTLE_ENDIAN,
    };
    uint32_t strings = (uint32_t)(sizeof(header) + count * sizeof(struct cache_entry));
    for (size_t i = 0; i < count; i++)
        header.strings_size += (uint32_t)strlen(libraries[i].path) + 1;
    buf_add(out, &header, sizeof(header));
    for (size_t i = 0; i < count; i++) {
        const struct library *library = &libraries[i];
        struct cache_entry entry = {.flags = FLAG_X86_64, .value = strings};
        entry.key = strings + (uint32_t)(library->name - library->path);
        strings += (uint32_t)strlen(library->path) + 1;
        buf_add(out, &entry, sizeof(entry));
    }
    for (size_t i = 0; i < count; i++) {
        buf_add(out, libraries[i].path, strlen(libraries[i].path) + 1);
        free(libraries[i].path);
    }
    free(libraries);
}
