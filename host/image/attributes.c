/* Which attributes go along, and their format. Lists of rights (system.posix_acl_…) mean nothing in
 * the machine, and stay behind. */
#include "host/image/attributes.h"

#include <limits.h>
#include <stdint.h>

#include <errno.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#define HEADER_SIZE 12u /* a filter of names and a count of shared ones: none */
#define ALIGN 4u

struct entry_head {
    uint8_t name_size, prefix;
    uint16_t value_size;
};
_Static_assert(sizeof(struct entry_head) == 4, "EROFS attribute");

/* The format has numbers for the beginnings of names. */
static const struct {
    const char *text;
    uint8_t number;
} prefixes[] = {{"user.", 1}, {"trusted.", 4}, {"security.", 6}};

static int prefix_of(const char *name)
{
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
        if (strncmp(name, prefixes[i].text, strlen(prefixes[i].text)) == 0)
            return (int)i;
    return -1;
}

/* What the host's own policy says of its files. */
static bool is_hosts(const char *name)
{
    static const char *const beginnings[] = {"security.selinux", "security.apparmor",
                                             "security.SMACK64", "security.ima", "security.evm"};
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(*beginnings); i++)
        if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
}

static int by_name(const void *left, const void *right)
{
    const char *const *a = left, *const *b = right;
    return strcmp(*a, *b);
}

/* No attributes is no error, nor is a file system that has none. */
static bool nothing_there(void)
{
    return errno == ENOTSUP || errno == ENODATA || errno == EPERM || errno == EACCES;
}

static bool add_entry(const char *path, const char *name, struct buf *out, struct error *err)
{
    int prefix = prefix_of(name);
    char *value = mem_alloc(XATTR_SIZE_MAX);
    ssize_t size = prefix < 0 || is_hosts(name) ? -1 : lgetxattr(path, name, value, XATTR_SIZE_MAX);
    bool ok = size >= 0 || prefix < 0 || is_hosts(name) || nothing_there() ||
              error_errno(err, "can't read the attribute %s of %s", name, path);
    if (size > UINT16_MAX)
        ok = error_set(err, "the attribute %s of %s is too long: an image takes 65535 bytes", name,
                       path);
    if (ok && size >= 0) {
        const char *rest = name + strlen(prefixes[prefix].text);
        struct entry_head head = {(uint8_t)strlen(rest), prefixes[prefix].number, (uint16_t)size};
        buf_add(out, &head, sizeof(head));
        buf_string(out, rest);
        buf_add(out, value, (size_t)size);
        buf_add(out, "\0\0\0", (ALIGN - out->size % ALIGN) % ALIGN);
    }
    free(value);
    return ok;
}

/* The names one after the other, each with a NUL; *size 0: there are none. */
static bool read_names(const char *path, char *names, size_t *size, struct error *err)
{
    ssize_t got = llistxattr(path, names, XATTR_LIST_MAX);
    *size = got > 0 ? (size_t)got : 0;
    return got >= 0 || nothing_there() || error_errno(err, "can't read the attributes of %s", path);
}

static bool add_entries(const char *path, char *names, size_t size, struct buf *out,
                        struct error *err)
{
    static const char header[HEADER_SIZE];
    char **list = mem_alloc((size + 1) * sizeof(*list));
    size_t count = 0;
    for (size_t at = 0; at < size; at += strlen(names + at) + 1)
        list[count++] = names + at;
    qsort(list, count, sizeof(*list), by_name);
    buf_add(out, header, sizeof(header));
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++)
        ok = add_entry(path, list[i], out, err);
    free(list);
    if (out->size == HEADER_SIZE)
        out->size = 0;
    if (ok && out->size > ATTRIBUTES_MAX - 1)
        ok = error_set(err, "the attributes of %s are too long: %zu bytes, and an image takes %u",
                       path, out->size, ATTRIBUTES_MAX);
    return ok;
}

bool attributes_read(const char *path, struct buf *out, struct error *err)
{
    char names[XATTR_LIST_MAX];
    size_t size;
    return read_names(path, names, &size, err) &&
           (!size || add_entries(path, names, size, out, err));
}
