/*
 * What an image is to hold. The entries are a plain list; the tree beside it knows, by path, which
 * of them (or of a package's files) counts, so that adding is a walk through the tree.
 */
#include "host/image/spec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/path.h"
#include "host/base/say.h"
#include "host/image/tree.h"

#define TREE_DEPTH_MAX 128

void spec_init(struct image_spec *spec)
{
    *spec = (struct image_spec){.tree = tree_create()};
}

static void entry_clear(struct spec_entry *entry)
{
    free(entry->guest);
    free(entry->source);
    free(entry->why);
}

void spec_clear(struct image_spec *spec)
{
    for (size_t i = 0; i < spec->entry_count; i++)
        entry_clear(&spec->entries[i]);
    for (size_t i = 0; i < spec->layer_count; i++) {
        free(spec->layers[i].path);
        free(spec->layers[i].listing);
    }
    free(spec->entries);
    free(spec->layers);
    free(spec->name);
    free(spec->program);
    free(spec->workdir);
    strlist_clear(&spec->args);
    strlist_clear(&spec->env);
    strlist_clear(&spec->variables);
    watch_clear(&spec->watch);
    ignore_clear(&spec->ignore);
    tree_destroy(spec->tree);
    *spec = (struct image_spec){0};
}

bool spec_add_layer(struct image_spec *spec, const char *path, const char *listing,
                    struct error *err)
{
    if (!tree_load(spec->tree, listing, err))
        return false;
    spec->layers = mem_resize(spec->layers, (spec->layer_count + 1) * sizeof(*spec->layers));
    spec->layers[spec->layer_count++] =
        (struct spec_layer){.path = mem_string(path), .listing = mem_string(listing)};
    return true;
}

bool spec_find(struct image_spec *spec, const char *guest, bool follow, struct spec_found *found)
{
    const struct node *node = tree_find(spec->tree, guest, follow);
    if (!node)
        return false;
    *found = (struct spec_found){.kind = node->kind, .guest = tree_path(node)};
    found->entry = node->entry < 0 ? NULL : &spec->entries[node->entry];
    return true;
}

/* The entry of node: a new one, or the one that it replaces, emptied. */
static struct spec_entry *entry_of(struct image_spec *spec, struct node *node)
{
    if (node->entry < 0) {
        if ((spec->entry_count & (spec->entry_count + 1)) == 0)
            spec->entries =
                mem_resize(spec->entries, (2 * spec->entry_count + 2) * sizeof(*spec->entries));
        node->entry = (long)spec->entry_count++;
    } else {
        entry_clear(&spec->entries[node->entry]);
    }
    struct spec_entry *entry = &spec->entries[node->entry];
    *entry = (struct spec_entry){.guest = tree_path(node), .tier = spec->tier};
    return entry;
}

static bool add_failed(const char *guest, const char *why, struct error *err)
{
    if (errno == ENOTDIR)
        return error_set(err, "%s (%s): a part of this path is a file in the image", guest, why);
    return error_errno(err, "%s (%s)", guest, why);
}

/* Makes the node at guest a file or link. NULL with err set; NULL with *folder set if there is a
 * folder. */
static struct node *node_for(struct image_spec *spec, const char *guest, enum entry_kind kind,
                             const char *why, bool *folder, struct error *err)
{
    bool made;
    struct node *node = tree_make(spec->tree, guest, kind, &made);
    if (!node) {
        add_failed(guest, why, err);
        return NULL;
    }
    *folder = node->kind == ENTRY_DIR;
    if (*folder) {
        error_set(err, "%s (%s): a folder of that name is in the image", guest, why);
        return NULL;
    }
    node->kind = kind;
    free(node->target);
    node->target = NULL;
    return node;
}

/* A file that was asked for before keeps the reason of that time. */
static const char *first_reason(const struct image_spec *spec, const struct node *node,
                                const char *host, const char *why)
{
    const struct spec_entry *old = node->entry < 0 ? NULL : &spec->entries[node->entry];
    return old && old->kind == ENTRY_FILE && !strcmp(old->source, host) ? old->why : why;
}

static bool file_add(struct image_spec *spec, const char *guest, const char *host,
                     const struct stat *info, const char *why, struct error *err)
{
    bool folder;
    struct node *node = node_for(spec, guest, ENTRY_FILE, why, &folder, err);
    if (!node)
        return false;
    char *reason = mem_string(first_reason(spec, node, host, why));
    struct spec_entry *entry = entry_of(spec, node);
    entry->kind = ENTRY_FILE;
    entry->source = mem_string(host);
    entry->why = reason;
    entry->stamp = stamp_of(info);
    return true;
}

bool spec_add_file(struct image_spec *spec, const char *guest, const char *host, const char *why,
                   struct error *err)
{
    struct stat info;
    char *real = NULL;
    if (!watch_follow(&spec->watch, host, &info, &real))
        return error_errno(err, "%s (%s)", host, why);
    bool done = false;
    if (S_ISDIR(info.st_mode))
        error_set(err, "%s (%s): is a folder, not a file", host, why);
    else if (!S_ISREG(info.st_mode))
        error_set(err, "%s (%s): is not a regular file", host, why);
    else if (access(real, R_OK))
        error_errno(err, "%s (%s)", host, why);
    else
        done = file_add(spec, guest, real, &info, why, err);
    free(real);
    return done;
}

bool spec_add_file_as(struct image_spec *spec, const char *guest, const char *host,
                      const struct spec_look *look, const char *why, struct error *err)
{
    if (!spec_add_file(spec, guest, host, why, err))
        return false;
    const struct node *node = tree_find(spec->tree, guest, false);
    struct spec_entry *entry = node && node->entry >= 0 ? &spec->entries[node->entry] : NULL;
    if (entry) {
        entry->mode = look->mode;
        entry->stamp.mtime_ns = look->mtime_ns;
    }
    return true;
}

static bool link_add(struct image_spec *spec, const char *guest, const char *target,
                     const char *why, struct error *err)
{
    bool folder = false;
    struct node *node = node_for(spec, guest, ENTRY_LINK, why, &folder, err);
    if (!node)
        return folder; /* a folder stays: what the link would lead to merges with it elsewhere */
    struct spec_entry *entry = entry_of(spec, node);
    entry->kind = ENTRY_LINK;
    entry->source = mem_string(target);
    entry->why = mem_string(why);
    node->target = mem_string(target);
    return true;
}

bool spec_add_link(struct image_spec *spec, const char *guest, const char *target, const char *why,
                   struct error *err)
{
    return link_add(spec, guest, target, why, err);
}

static struct spec_entry *folder_add(struct image_spec *spec, const char *guest, const char *host,
                                     const struct stat *info, const char *why, struct error *err)
{
    bool made;
    struct node *node = tree_make(spec->tree, guest, ENTRY_DIR, &made);
    if (!node) {
        add_failed(guest, why, err);
        return NULL;
    }
    if (node->kind != ENTRY_DIR) {
        error_set(err, "%s (%s): a file of that name is in the image", guest, why);
        return NULL;
    }
    struct spec_entry *entry = entry_of(spec, node);
    entry->kind = ENTRY_DIR;
    entry->source = mem_string(host);
    entry->why = mem_string(why);
    entry->mode = info->st_mode & 07777;
    entry->stamp = stamp_of(info);
    return entry;
}

bool spec_add_dir(struct image_spec *spec, const char *guest, const char *host, const char *why,
                  struct error *err)
{
    struct stat info;
    if (!watch_follow(&spec->watch, host, &info, NULL))
        return error_errno(err, "%s (%s)", host, why);
    if (!S_ISDIR(info.st_mode))
        return error_set(err, "%s (%s): is not a folder", host, why);
    return folder_add(spec, guest, host, &info, why, err) != NULL;
}

bool spec_add_data(struct image_spec *spec, const char *guest, const void *data, size_t size,
                   mode_t mode, const char *why, struct error *err)
{
    bool folder;
    struct node *node = node_for(spec, guest, ENTRY_FILE, why, &folder, err);
    if (!node)
        return false;
    struct spec_entry *entry = entry_of(spec, node);
    entry->kind = ENTRY_DATA;
    entry->source = mem_alloc(size + 1);
    memcpy(entry->source, data, size);
    entry->size = size;
    entry->mode = mode;
    entry->why = mem_string(why);
    return true;
}

bool spec_add_empty_dir(struct image_spec *spec, const char *guest, mode_t mode, const char *why,
                        struct error *err)
{
    struct stat info = {.st_mode = S_IFDIR | mode};
    struct spec_found found;
    if (spec_find(spec, guest, true, &found)) {
        free(found.guest);
        return true;
    }
    return folder_add(spec, guest, "", &info, why, err) != NULL;
}

/* Never in an image, whoever asks. */
static bool is_forbidden(const char *guest)
{
    static const char *const names[] = {"/etc/shadow", "/etc/shadow-", "/etc/gshadow",
                                        "/etc/gshadow-"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (!strcmp(guest, names[i]))
            return true;
    return false;
}

/* One folder of a tree being added. */
struct level {
    DIR *dir;
    char *host, *guest;
};

struct climb {
    struct image_spec *spec;
    const struct spec_filter *filter;
    const char *why;
    struct error *err;
    struct level levels[TREE_DEPTH_MAX];
    size_t depth;
};

/* The user is told about what he named himself. */
static void left_out(const struct climb *climb, const char *host, const char *why)
{
    if (climb->filter && climb->filter->modules)
        say_verbose("%s is left out: %s", host, why);
    else
        say("%s is left out: %s", host, why);
}

static bool climb_enter(struct climb *climb, const char *host, const char *guest,
                        const struct stat *info)
{
    int fd = open(host, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        watch_folder(&climb->spec->watch, host, info);
        left_out(climb, host, strerror(errno));
        return true;
    }
    if (climb->depth == TREE_DEPTH_MAX) {
        close(fd);
        return error_set(climb->err,
                         "%s (%s): folders nest too deeply; %d in each other are the limit", host,
                         climb->why, TREE_DEPTH_MAX);
    }
    bool modules = climb->filter && climb->filter->modules && !climb->depth;
    bool bare = modules || (climb->filter && climb->filter->files_only);
    if (!bare && !folder_add(climb->spec, guest, host, info, climb->why, climb->err)) {
        close(fd);
        return false;
    }
    if (modules)
        watch_modules(&climb->spec->watch, host);
    else
        watch_folder(&climb->spec->watch, host, info);
    climb->levels[climb->depth++] =
        (struct level){.dir = fdopendir(fd), .host = mem_string(host), .guest = mem_string(guest)};
    return true;
}

static void climb_leave(struct climb *climb)
{
    struct level *level = &climb->levels[--climb->depth];
    closedir(level->dir);
    free(level->host);
    free(level->guest);
}

static bool climb_link(struct climb *climb, const char *host, const char *guest,
                       const struct stat *info)
{
    watch_file(&climb->spec->watch, host, info, WATCH_ALL);
    char *target = path_read_link(host);
    if (!target)
        return error_errno(climb->err, "%s (%s)", host, climb->why);
    bool added = link_add(climb->spec, guest, target, climb->why, climb->err);
    free(target);
    return added;
}

static bool climb_file(struct climb *climb, const char *host, const char *guest,
                       const struct stat *info)
{
    if (is_forbidden(guest) || !(S_ISREG(info->st_mode) || S_ISLNK(info->st_mode))) {
        left_out(climb, host,
                 is_forbidden(guest) ? "never in an image"
                                     : "neither a file nor a folder nor a link");
        return true;
    }
    if (S_ISLNK(info->st_mode))
        return climb_link(climb, host, guest, info);
    if (!(info->st_mode & 0004) && access(host, R_OK)) {
        int why = errno;
        watch_file(&climb->spec->watch, host, info, WATCH_ALL);
        left_out(climb, host, strerror(why));
        return true;
    }
    return file_add(climb->spec, guest, host, info, climb->why, climb->err);
}

static bool follows(const struct climb *climb, const struct stat *info)
{
    return climb->filter && climb->filter->modules && climb->depth == 1 && S_ISLNK(info->st_mode);
}

static bool climb_is_folder(const struct climb *climb, const char *host, const struct stat *info)
{
    struct stat target;
    if (follows(climb, info) && stat(host, &target) == 0)
        return S_ISDIR(target.st_mode);
    return S_ISDIR(info->st_mode);
}

/* A module that is a link stands for what it leads to, which may lie anywhere on the host. */
static void climb_through(struct climb *climb, char **host, struct stat *info)
{
    char *real = NULL;
    if (!follows(climb, info) || !watch_follow(&climb->spec->watch, *host, info, &real))
        return;
    free(*host);
    *host = real;
}

static bool is_ignored(const struct climb *climb, const char *host, bool is_folder)
{
    const struct ignore_rule *rule = ignore_match(&climb->spec->ignore, host, is_folder);
    if (rule)
        say_verbose("%s is left out: %s (%s)", host, rule->pattern, rule->where);
    return rule != NULL;
}

static bool climb_item(struct climb *climb, const char *name)
{
    const struct level *level = &climb->levels[climb->depth - 1];
    struct stat info;
    if (fstatat(dirfd(level->dir), name, &info, AT_SYMLINK_NOFOLLOW))
        return true; /* gone meanwhile; the folder's stamp tells next time */
    const struct spec_filter *filter = climb->filter;
    char *host = path_join(level->host, name), *guest = path_join(level->guest, name);
    bool is_folder = climb_is_folder(climb, host, &info);
    bool done = true;
    if ((!filter || filter->take(filter, host, is_folder, climb->depth)) &&
        !is_ignored(climb, host, is_folder)) {
        climb_through(climb, &host, &info);
        done = is_folder ? climb_enter(climb, host, guest, &info)
                         : climb_file(climb, host, guest, &info);
    }
    free(host);
    free(guest);
    return done;
}

static bool climb_all(struct climb *climb)
{
    bool good = true;
    while (climb->depth && good) {
        const struct dirent *item = readdir(climb->levels[climb->depth - 1].dir);
        if (!item)
            climb_leave(climb);
        else if (strcmp(item->d_name, ".") && strcmp(item->d_name, ".."))
            good = climb_item(climb, item->d_name);
    }
    while (climb->depth)
        climb_leave(climb);
    return good;
}

bool spec_add_filtered(struct image_spec *spec, const char *guest, const char *host,
                       const struct spec_filter *filter, const char *why, struct error *err)
{
    struct stat info;
    char *real = NULL;
    if (!watch_follow(&spec->watch, host, &info, &real))
        return error_errno(err, "%s (%s)", host, why);
    struct climb *climb = mem_alloc(sizeof(*climb));
    *climb = (struct climb){.spec = spec, .filter = filter, .why = why, .err = err};
    bool done = S_ISDIR(info.st_mode) ? climb_enter(climb, real, guest, &info) && climb_all(climb)
                                      : error_set(err, "%s (%s): is not a folder", host, why);
    free(climb);
    free(real);
    return done;
}

bool spec_add_tree(struct image_spec *spec, const char *guest, const char *host, const char *why,
                   struct error *err)
{
    return spec_add_filtered(spec, guest, host, NULL, why, err);
}

void spec_watch_entries(struct image_spec *spec)
{
    for (size_t i = 0; i < spec->entry_count; i++) {
        const struct spec_entry *entry = &spec->entries[i];
        struct stat info;
        if (entry->kind == ENTRY_FILE && lstat(entry->source, &info) == 0)
            watch_file(&spec->watch, entry->source, &info,
                       entry->scanned ? WATCH_ALL : (unsigned)entry->tier);
    }
}
