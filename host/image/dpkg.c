/*
 * dpkg's lists name files as the packages have them, so /lib/x and /usr/lib/x are one file where
 * /usr is merged: all paths are compared in the longer form.
 */
#include "host/image/dpkg.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/io.h"
#include "host/base/path.h"
#include "host/image/copyright.h"

#define LISTS "/var/lib/dpkg/info"
#define STATUS "/var/lib/dpkg/status"
#define DOCS "/usr/share/doc"

struct dpkg_path {
    char *path;     /* the longer form */
    size_t package; /* 0: not found yet */
};

static int by_path(const void *left, const void *right)
{
    const struct dpkg_path *a = left, *b = right;
    return strcmp(a->path, b->path);
}

static bool is_merged(const char *path)
{
    static const char *const folders[] = {"/bin", "/sbin", "/lib", "/lib64", "/lib32", "/libx32"};
    for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
        if (path_under(path, folders[i]))
            return true;
    return false;
}

static struct dpkg_path *path_find(const struct dpkg *dpkg, const char *path)
{
    if (!dpkg->path_count)
        return NULL;
    char *longer = is_merged(path) ? mem_printf("/usr%s", path) : NULL;
    struct dpkg_path key = {.path = longer ? longer : (char *)(uintptr_t)path};
    struct dpkg_path *found = bsearch(&key, dpkg->paths, dpkg->path_count, sizeof(key), by_path);
    free(longer);
    return found;
}

size_t dpkg_owner(const struct dpkg *dpkg, const char *path)
{
    const struct dpkg_path *found = path_find(dpkg, path);
    return found ? found->package : 0;
}

static void take_paths(struct dpkg *dpkg, const struct strlist *paths)
{
    dpkg->paths = mem_alloc((paths->count + 1) * sizeof(*dpkg->paths));
    for (size_t i = 0; i < paths->count; i++) {
        const char *path = paths->items[i];
        dpkg->paths[dpkg->path_count++].path =
            is_merged(path) ? mem_printf("/usr%s", path) : mem_string(path);
    }
    if (dpkg->path_count)
        qsort(dpkg->paths, dpkg->path_count, sizeof(*dpkg->paths), by_path);
}

/* "libc6" for "libc6:amd64.list". */
static size_t add_package(struct dpkg *dpkg, const char *list)
{
    dpkg->packages = mem_resize(dpkg->packages, (dpkg->count + 1) * sizeof(*dpkg->packages));
    dpkg->packages[dpkg->count++] =
        (struct bill_package){.name = mem_printf("%.*s", (int)strcspn(list, ":"), list)};
    char *name = dpkg->packages[dpkg->count - 1].name;
    size_t length = strlen(name);
    if (length > 5 && strcmp(name + length - 5, ".list") == 0)
        name[length - 5] = 0;
    return dpkg->count;
}

/* Gives each wanted path that the list names its package. */
static void take_list(struct dpkg *dpkg, const char *file)
{
    struct buf text = {0};
    char *path = path_join(LISTS, file);
    size_t package = 0;
    char *rest = io_read_file(path, &text, NULL) ? text.data : NULL;
    for (char *line; rest && (line = strsep(&rest, "\n"));) {
        struct dpkg_path *found = *line == '/' ? path_find(dpkg, line) : NULL;
        if (!found || found->package)
            continue;
        if (!package)
            package = add_package(dpkg, file);
        found->package = package;
    }
    buf_clear(&text);
    free(path);
}

static int is_list(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 5 && strcmp(entry->d_name + length - 5, ".list") == 0;
}

static struct bill_package *package_find(const struct dpkg *dpkg, const char *name)
{
    for (size_t i = 0; i < dpkg->count; i++)
        if (strcmp(dpkg->packages[i].name, name) == 0)
            return &dpkg->packages[i];
    return NULL;
}

/* Versions from the paragraphs of dpkg's status file. */
static void take_versions(struct dpkg *dpkg)
{
    struct buf text = {0};
    struct bill_package *package = NULL;
    char *rest = io_read_file(STATUS, &text, NULL) ? text.data : NULL;
    for (char *line; rest && (line = strsep(&rest, "\n"));) {
        if (strncmp(line, "Package: ", 9) == 0)
            package = package_find(dpkg, line + 9);
        else if (package && !package->version && strncmp(line, "Version: ", 9) == 0)
            package->version = mem_string(line + 9);
    }
    buf_clear(&text);
}

static void take_licences(struct dpkg *dpkg)
{
    for (size_t i = 0; i < dpkg->count; i++) {
        struct bill_package *package = &dpkg->packages[i];
        struct buf text = {0};
        char *path = mem_printf(DOCS "/%s/copyright", package->name);
        if (io_read_file(path, &text, NULL) && text.data)
            package->licence = copyright_licences(text.data);
        if (!package->version)
            package->version = mem_string("unknown");
        buf_clear(&text);
        free(path);
    }
}

void dpkg_find(struct dpkg *dpkg, const struct strlist *paths)
{
    *dpkg = (struct dpkg){0};
    take_paths(dpkg, paths);
    struct dirent **files = NULL;
    int count = paths->count ? scandir(LISTS, &files, is_list, alphasort) : 0;
    for (int i = 0; i < count; i++) {
        take_list(dpkg, files[i]->d_name);
        free(files[i]);
    }
    free(files);
    if (dpkg->count)
        take_versions(dpkg);
    take_licences(dpkg);
}

void dpkg_clear(struct dpkg *dpkg)
{
    for (size_t i = 0; i < dpkg->count; i++) {
        free(dpkg->packages[i].name);
        free(dpkg->packages[i].version);
        free(dpkg->packages[i].licence);
    }
    for (size_t i = 0; i < dpkg->path_count; i++)
        free(dpkg->paths[i].path);
    free(dpkg->packages);
    free(dpkg->paths);
    *dpkg = (struct dpkg){0};
}
