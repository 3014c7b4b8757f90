/*
 * What a result depends on. Saved, the list is grouped by folder, so that checking opens each
 * folder once and asks for its files by their short names:
 *
 *   group: u32 length of the folder's path, u32 items, the path and a NUL
 *   item:  u8 kind, u8 part, u16 length of the name, u64 stamp, the name and a NUL
 *
 * An item whose name is empty is the folder itself.
 */
#include "host/base/watch.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/base/path.h"
#include "host/base/stamp.h"

#define LINKS_MAX 40
#define NS_PER_SECOND 1000000000ll
#define SETTLE_NS_MAX 20000000ll

struct group_header {
    uint32_t path_length, items;
};
struct item_header {
    uint8_t kind, part;
    uint16_t name_length;
    uint32_t unused;
    uint64_t stamp;
};

static struct watch_item *watch_add(struct watch *watch, const char *path, enum watch_kind kind)
{
    if ((watch->count & (watch->count + 1)) == 0)
        watch->items = mem_resize(watch->items, (2 * watch->count + 2) * sizeof(struct watch_item));
    struct watch_item *item = &watch->items[watch->count++];
    *item = (struct watch_item){.path = mem_string(path), .kind = kind, .part = WATCH_ALL};
    return item;
}

static void watch_note_time(struct watch *watch, const struct stat *info)
{
    int64_t ctime_ns = info->st_ctim.tv_sec * NS_PER_SECOND + info->st_ctim.tv_nsec;
    if (ctime_ns > watch->newest_ctime_ns)
        watch->newest_ctime_ns = ctime_ns;
}

void watch_file(struct watch *watch, const char *path, const struct stat *info, unsigned part)
{
    struct watch_item *item = watch_add(watch, path, WATCH_FILE);
    item->stamp = stamp_hash(info);
    item->part = (uint8_t)part;
    watch_note_time(watch, info);
}

void watch_folder(struct watch *watch, const char *path, const struct stat *info)
{
    watch_add(watch, path, WATCH_FOLDER)->stamp = stamp_hash(info);
    watch_note_time(watch, info);
}

void watch_absent(struct watch *watch, const char *path)
{
    watch_add(watch, path, WATCH_ABSENT);
}

void watch_clear(struct watch *watch)
{
    for (size_t i = 0; i < watch->count; i++)
        free(watch->items[i].path);
    free(watch->items);
    *watch = (struct watch){0};
}

bool watch_look(struct watch *watch, const char *path, struct stat *info)
{
    if (lstat(path, info)) {
        watch_absent(watch, path);
        return false;
    }
    if (!S_ISDIR(info->st_mode))
        watch_file(watch, path, info, WATCH_ALL);
    return true;
}

/* The path that a link at path leads to, with rest appended. */
static char *link_follow(const char *path, const char *rest)
{
    char *target = path_read_link(path);
    if (!target)
        return NULL;
    char *parent = path_parent(path);
    char *joined = path_join(parent, target);
    char *whole = mem_printf("%s%s", joined, rest);
    free(joined);
    free(parent);
    free(target);
    return whole;
}

/* path's first link followed: a new path, or NULL if it holds none (or can't be read). ".." is
 * taken out only where no link stands before it. */
static char *follow_first(struct watch *watch, const char *path, struct stat *info, bool *missing)
{
    char *prefix = mem_string(path);
    char *next = NULL;
    for (const char *at = path; *at && !next && !*missing;) {
        at += strspn(at, "/");
        at += strcspn(at, "/");
        size_t length = (size_t)(at - path);
        memcpy(prefix, path, length);
        prefix[length] = 0;
        *missing = lstat(length ? prefix : "/", info) != 0;
        if (*missing)
            watch_absent(watch, prefix);
        else if (S_ISLNK(info->st_mode)) {
            watch_file(watch, prefix, info, WATCH_ALL);
            next = link_follow(prefix, at);
        }
    }
    free(prefix);
    return next;
}

bool watch_follow(struct watch *watch, const char *path, struct stat *info, char **real)
{
    char *at = path_absolute(path);
    bool missing = false;
    for (int links = 0; links < LINKS_MAX; links++) {
        char *next = follow_first(watch, at, info, &missing);
        if (!next) {
            if (real && !missing)
                *real = path_clean(at);
            free(at);
            return !missing;
        }
        free(at);
        at = next;
    }
    free(at);
    errno = ELOOP;
    return false;
}

bool watch_use(struct watch *watch, const char *path, struct stat *info)
{
    char *real = NULL;
    if (!watch_follow(watch, path, info, &real))
        return false;
    if (!S_ISDIR(info->st_mode))
        watch_file(watch, real, info, WATCH_ALL);
    free(real);
    return true;
}

static bool has_end(const char *name, const char *end)
{
    size_t length = strlen(name), more = strlen(end);
    return length > more && !strcmp(name + length - more, end);
}

bool watch_is_module(const char *name, bool is_folder)
{
    if (!is_folder)
        return *name != '.' &&
               (has_end(name, ".py") || has_end(name, ".pyc") || has_end(name, ".so"));
    if (!strcmp(name, "__pycache__"))
        return true;
    if (isdigit((unsigned char)*name))
        return false;
    for (const char *at = name; *at; at++)
        if (!isalnum((unsigned char)*at) && *at != '_' && !(*at & 0x80))
            return false;
    return *name != 0;
}

/* A hash of the folder's module names, whatever their order. */
static uint64_t modules_hash(int folder)
{
    uint64_t sum = 1;
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir)
        return 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        bool is_folder = entry->d_type == DT_DIR || entry->d_type == DT_LNK;
        if (watch_is_module(entry->d_name, is_folder) || watch_is_module(entry->d_name, false))
            sum += hash_bytes(entry->d_type, entry->d_name, strlen(entry->d_name));
    }
    closedir(dir);
    return sum;
}

void watch_modules(struct watch *watch, const char *path)
{
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    watch_add(watch, path, WATCH_MODULES)->stamp = fd < 0 ? 0 : modules_hash(fd);
    if (fd >= 0)
        close(fd);
}

void watch_settle(int64_t newest_ctime_ns)
{
    for (int64_t waited = 0; waited < SETTLE_NS_MAX; waited += 1000000) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME_COARSE, &now);
        if (now.tv_sec * NS_PER_SECOND + now.tv_nsec > newest_ctime_ns)
            return;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

/* By folder, then by name; the folder itself (which has an empty name) first. */
static size_t folder_length(const struct watch_item *item)
{
    if (item->kind == WATCH_FOLDER || item->kind == WATCH_MODULES)
        return strlen(item->path);
    const char *slash = strrchr(item->path, '/');
    return slash && slash != item->path ? (size_t)(slash - item->path) : 1;
}

static const char *item_name(const struct watch_item *item)
{
    const char *name = item->path + folder_length(item);
    return *name == '/' ? name + 1 : name;
}

static int folder_compare(const struct watch_item *a, const struct watch_item *b)
{
    size_t a_length = folder_length(a), b_length = folder_length(b);
    int order = memcmp(a->path, b->path, a_length < b_length ? a_length : b_length);
    return order ? order : (a_length > b_length) - (a_length < b_length);
}

static int item_compare(const void *left, const void *right)
{
    const struct watch_item *a = left, *b = right;
    int order = folder_compare(a, b);
    order = order ? order : strcmp(item_name(a), item_name(b));
    order = order ? order : (int)a->kind - (int)b->kind;
    return order ? order : (a->part < b->part) - (a->part > b->part); /* WATCH_ALL first */
}

static bool item_repeats(const struct watch *watch, size_t i)
{
    return i && !strcmp(watch->items[i].path, watch->items[i - 1].path) &&
           watch->items[i].kind == watch->items[i - 1].kind &&
           watch->items[i].stamp == watch->items[i - 1].stamp;
}

static void item_save(const struct watch_item *item, struct buf *out)
{
    const char *name = item_name(item);
    struct item_header header = {.kind = (uint8_t)item->kind,
                                 .part = item->part,
                                 .name_length = (uint16_t)strlen(name),
                                 .stamp = item->stamp};
    buf_add(out, &header, sizeof(header));
    buf_add(out, name, strlen(name) + 1);
}

void watch_save(struct watch *watch, struct buf *out)
{
    if (watch->count)
        qsort(watch->items, watch->count, sizeof(*watch->items), item_compare);
    for (size_t i = 0; i < watch->count;) {
        size_t end = i, kept = 0;
        for (; end < watch->count && !folder_compare(&watch->items[i], &watch->items[end]); end++)
            kept += !item_repeats(watch, end);
        struct group_header group = {.path_length = (uint32_t)folder_length(&watch->items[i]),
                                     .items = (uint32_t)kept};
        buf_add(out, &group, sizeof(group));
        buf_add(out, watch->items[i].path, group.path_length);
        buf_add(out, "", 1);
        for (; i < end; i++)
            if (!item_repeats(watch, i))
                item_save(&watch->items[i], out);
    }
}

/* Reads from a saved list; all zero once it is at its end or broken. */
struct reader {
    const char *at, *end;
    bool broken;
};

static bool reader_take(struct reader *reader, void *out, size_t size)
{
    if ((size_t)(reader->end - reader->at) < size) {
        reader->broken = true;
        memset(out, 0, size);
        return false;
    }
    memcpy(out, reader->at, size);
    reader->at += size;
    return true;
}

static const char *reader_string(struct reader *reader, size_t length)
{
    const char *text = reader->at;
    if ((size_t)(reader->end - reader->at) <= length || text[length] != 0) {
        reader->broken = true;
        return "";
    }
    reader->at += length + 1;
    return text;
}

static bool item_holds(int folder, const struct item_header *item, const char *name)
{
    struct stat info;
    if (item->kind == WATCH_MODULES)
        return folder >= 0 && item->stamp == modules_hash(folder);
    if (item->kind == WATCH_FOLDER)
        return folder >= 0 && fstat(folder, &info) == 0 && stamp_hash(&info) == item->stamp;
    bool there = folder >= 0 && fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) == 0;
    if (item->kind == WATCH_ABSENT)
        return !there;
    return there && stamp_hash(&info) == item->stamp;
}

static unsigned group_check(struct reader *reader, uint32_t items, int folder)
{
    unsigned changed = 0;
    for (uint32_t i = 0; i < items && !reader->broken && changed != WATCH_CHANGED; i++) {
        struct item_header item;
        reader_take(reader, &item, sizeof(item));
        const char *name = reader_string(reader, item.name_length);
        if (!reader->broken && !item_holds(folder, &item, name))
            changed |= item.part < 31 ? 1u << item.part : WATCH_CHANGED;
        if (changed & WATCH_CHANGED)
            return WATCH_CHANGED;
    }
    return changed;
}

unsigned watch_check(const char *data, size_t size)
{
    struct reader reader = {.at = data, .end = data + size};
    unsigned changed = 0;
    while (reader.at < reader.end && !reader.broken && !(changed & WATCH_CHANGED)) {
        struct group_header group;
        reader_take(&reader, &group, sizeof(group));
        const char *path = reader_string(&reader, group.path_length);
        int folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        changed |= group_check(&reader, group.items, folder);
        if (folder >= 0)
            close(folder);
    }
    return reader.broken ? WATCH_CHANGED : changed;
}

/* Stamps one item anew. Returns false if it is no plain file any more. */
static bool item_refresh(char *at, const struct item_header *item, int folder, const char *name,
                         int64_t *newest_ctime_ns)
{
    struct stat info;
    if (item->kind != WATCH_FILE || fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) ||
        !S_ISREG(info.st_mode))
        return false;
    struct item_header fresh = *item;
    fresh.stamp = stamp_hash(&info);
    memcpy(at, &fresh, sizeof(fresh));
    struct watch time = {.newest_ctime_ns = *newest_ctime_ns};
    watch_note_time(&time, &info);
    *newest_ctime_ns = time.newest_ctime_ns;
    return true;
}

static bool group_refresh(struct reader *reader, const struct group_header *group, const char *path,
                          unsigned parts, int64_t *newest_ctime_ns)
{
    int folder = -1;
    bool good = true;
    for (uint32_t i = 0; i < group->items && good && !reader->broken; i++) {
        char *at = (char *)(uintptr_t)reader->at;
        struct item_header item;
        reader_take(reader, &item, sizeof(item));
        const char *name = reader_string(reader, item.name_length);
        if (reader->broken || item.part >= 31 || !(parts & (1u << item.part)))
            continue;
        if (folder < 0)
            folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        good = item_refresh(at, &item, folder, name, newest_ctime_ns);
    }
    if (folder >= 0)
        close(folder);
    return good && !reader->broken;
}

bool watch_refresh(char *data, size_t size, unsigned parts, int64_t *newest_ctime_ns)
{
    struct reader reader = {.at = data, .end = data + size};
    bool good = true;
    while (reader.at < reader.end && good && !reader.broken) {
        struct group_header group;
        reader_take(&reader, &group, sizeof(group));
        const char *path = reader_string(&reader, group.path_length);
        good = group_refresh(&reader, &group, path, parts, newest_ctime_ns);
    }
    return good && !reader.broken;
}
