/*
 * A package's folder is put together elsewhere and comes by one rename. FORMAT counts up when
 * packages made by an older orris can't be used any more: those are then as if not there.
 */
#include "host/pkg/shelf.h"

#include <dirent.h>
#include <errno.h>
#include <fts.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/path.h"
#include "host/base/store.h"

#define FORMAT 5
#define WORKSHOP "work-"

void shelf_item_clear(struct shelf_item *item)
{
    package_clear(&item->package);
    strlist_clear(&item->aliases);
    strlist_clear(&item->requested);
    deb_list_clear(&item->debs);
    strlist_clear(&item->users);
    strlist_clear(&item->groups);
    free(item->description);
    free(item->origin);
    free(item->folder);
    *item = (struct shelf_item){0};
}

char *shelf_path(struct error *err)
{
    return store_path("packages", true, err);
}

static json_t *list_to_json(const struct strlist *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(array, json_string(list->items[i]));
    return array;
}

static void list_from_json(const json_t *root, const char *key, struct strlist *out)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(root, key), i, item)
    {
        if (json_is_string(item))
            strlist_add(out, json_string_value(item));
    }
}

static json_t *debs_to_json(const struct deb_list *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++) {
        const struct deb *deb = &list->items[i];
        json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:I, s:s, s:s*}", "Name", deb->name,
                                               "Version", deb->version, "File", deb->file, "Size",
                                               (json_int_t)deb->size, "Sha256", deb->sha256,
                                               "Licence", deb->licence));
    }
    return array;
}

static void debs_from_json(const json_t *root, struct deb_list *out)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(root, "Debs"), i, item)
    {
        struct deb deb = {0};
        json_int_t size;
        if (json_unpack(item, "{s:s, s:s, s:s, s:I, s:s, s?s}", "Name", &deb.name, "Version",
                        &deb.version, "File", &deb.file, "Size", &size, "Sha256", &deb.sha256,
                        "Licence", &deb.licence) != 0)
            continue;
        deb.size = (uint64_t)size;
        deb_add(out, &deb);
    }
}

/* JSON holds no other text. */
static bool check_text(const struct strlist *list, const char *what, struct error *err)
{
    for (size_t i = 0; i < list->count; i++) {
        json_t *text = json_string(list->items[i]);
        json_decref(text);
        if (!text)
            return error_set(err, "%s \"%s\" is no UTF-8, which a package can't have", what,
                             list->items[i]);
    }
    return true;
}

bool shelf_write_manifest(const struct shelf_item *item, const char *folder, struct error *err)
{
    const struct package *package = &item->package;
    if (!check_text(&package->args, "the argument", err) ||
        !check_text(&package->env, "the variable", err))
        return false;
    json_t *root =
        json_pack("{s:i, s:s, s:s, s:s*, s:s*, s:s*, s:s*, s:s*, s:I}", "Format", FORMAT, "Name",
                  package->name, "Version", package->version, "Summary", package->summary,
                  "Description", item->description, "Origin", item->origin, "Program",
                  package->program, "User", package->user, "Made", (json_int_t)time(NULL));
    if (!root)
        return error_set(err, "%s: what it is called is no UTF-8", package->name);
    json_object_set_new(root, "Aliases", list_to_json(&item->aliases));
    json_object_set_new(root, "Args", list_to_json(&package->args));
    json_object_set_new(root, "DefaultArgs", list_to_json(&package->default_args));
    json_object_set_new(root, "Env", list_to_json(&package->env));
    json_object_set_new(root, "Users", list_to_json(&item->users));
    json_object_set_new(root, "Groups", list_to_json(&item->groups));
    json_object_set_new(root, "Requested", list_to_json(&item->requested));
    json_object_set_new(root, "Debs", debs_to_json(&item->debs));
    char *path = path_join(folder, "package.json");
    bool ok =
        json_dump_file(root, path, JSON_INDENT(4)) == 0 || error_errno(err, "can't write %s", path);
    free(path);
    json_decref(root);
    return ok;
}

static char *json_text(const json_t *root, const char *key)
{
    return mem_string(json_string_value(json_object_get(root, key)));
}

static void item_fill(struct shelf_item *out, const json_t *root, const char *folder)
{
    struct stat info;
    *out = (struct shelf_item){
        .package = {.name = json_text(root, "Name"),
                    .version = json_text(root, "Version"),
                    .summary = json_text(root, "Summary"),
                    .program = json_text(root, "Program"),
                    .user = json_text(root, "User"),
                    .layer = {.path = path_join(folder, "layer.erofs"),
                              .listing = path_join(folder, "layer.list")}},
        .description = json_text(root, "Description"),
        .origin = json_text(root, "Origin"),
        .folder = mem_string(folder),
        .made = json_integer_value(json_object_get(root, "Made")),
    };
    list_from_json(root, "Args", &out->package.args);
    list_from_json(root, "DefaultArgs", &out->package.default_args);
    list_from_json(root, "Env", &out->package.env);
    list_from_json(root, "Users", &out->users);
    list_from_json(root, "Groups", &out->groups);
    list_from_json(root, "Aliases", &out->aliases);
    list_from_json(root, "Requested", &out->requested);
    debs_from_json(root, &out->debs);
    if (stat(out->package.layer.path, &info) == 0)
        out->layer_size = (uint64_t)info.st_size;
}

int shelf_open(const char *id, struct shelf_item *out, struct error *err)
{
    *out = (struct shelf_item){0};
    char *shelf = shelf_path(err);
    if (!shelf)
        return -1;
    char *folder = path_join(shelf, id), *path = path_join(folder, "package.json");
    json_error_t problem;
    json_t *root = json_load_file(path, 0, &problem);
    int result = 0;
    if (root && json_integer_value(json_object_get(root, "Format")) == FORMAT) {
        item_fill(out, root, folder);
        result = out->package.name && out->package.version && out->layer_size > 0;
        if (!result)
            shelf_item_clear(out);
    }
    json_decref(root);
    free(path);
    free(folder);
    free(shelf);
    return result;
}

static int entry_is_package(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && strchr(entry->d_name, '_') &&
           strncmp(entry->d_name, WORKSHOP, strlen(WORKSHOP)) != 0;
}

static int by_version(const struct dirent **a, const struct dirent **b)
{
    return strverscmp((*a)->d_name, (*b)->d_name);
}

bool shelf_list(bool additions, struct strlist *out, struct error *err)
{
    char *shelf = shelf_path(err);
    if (!shelf)
        return false;
    struct dirent **files = NULL;
    int count = scandir(shelf, &files, entry_is_package, by_version);
    bool ok = count >= 0 || error_errno(err, "can't read %s", shelf);
    for (int i = 0; i < count; i++) {
        if (additions || !strchr(files[i]->d_name, '@'))
            strlist_add(out, files[i]->d_name);
        free(files[i]);
    }
    free(files);
    free(shelf);
    return ok;
}

static bool item_is(const struct shelf_item *item, const char *name, const char *version)
{
    bool named = strcmp(item->package.name, name) == 0;
    for (size_t i = 0; !named && i < item->aliases.count; i++)
        named = strcmp(item->aliases.items[i], name) == 0;
    return named && recipe_version_matches(version, item->package.version);
}

int shelf_find(const char *name, const char *version, struct shelf_item *out, struct error *err)
{
    struct strlist ids = {0};
    *out = (struct shelf_item){0};
    int result = shelf_list(false, &ids, err) ? 0 : -1;
    for (size_t i = ids.count; result == 0 && i-- > 0;) {
        result = shelf_open(ids.items[i], out, err);
        if (result == 1 && !item_is(out, name, version)) {
            shelf_item_clear(out);
            result = 0;
        }
    }
    strlist_clear(&ids);
    return result;
}

bool shelf_remove_tree(const char *path, struct error *err)
{
    char *const roots[] = {(char *)(uintptr_t)path, NULL};
    /* It goes into each folder: paths may be longer than any call takes. */
    FTS *walk = fts_open(roots, FTS_PHYSICAL, NULL);
    bool ok = walk || error_errno(err, "can't read %s", path);
    for (FTSENT *entry; ok && (entry = fts_read(walk));) {
        if (entry->fts_info == FTS_D) {
            if (access(entry->fts_accpath, W_OK) != 0)
                chmod(entry->fts_accpath, 0700);
            continue;
        }
        if (entry->fts_info == FTS_NS && entry->fts_errno == ENOENT)
            continue;
        if (remove(entry->fts_accpath) != 0 && errno != ENOENT)
            ok = error_errno(err, "can't remove %s", entry->fts_path);
    }
    if (walk)
        fts_close(walk);
    return ok;
}

bool shelf_put(const char *made, const char *id, struct error *err)
{
    char *shelf = shelf_path(err);
    if (!shelf)
        return false;
    char *place = path_join(shelf, id), *old = mem_printf("%s/" WORKSHOP "old-%s", shelf, id);
    bool replaced = rename(place, old) == 0;
    bool ok = rename(made, place) == 0 || error_errno(err, "can't move %s to %s", made, place);
    if (replaced)
        shelf_remove_tree(old, NULL);
    free(old);
    free(place);
    free(shelf);
    return ok;
}

bool shelf_delete(const char *id, struct error *err)
{
    struct strlist ids = {0};
    char *shelf = shelf_path(err);
    bool ok = shelf && shelf_list(true, &ids, err);
    size_t length = strlen(id);
    for (size_t i = 0; ok && i < ids.count; i++) {
        const char *other = ids.items[i];
        bool same = strncmp(other, id, length) == 0 && (!other[length] || other[length] == '@');
        if (!same)
            continue;
        char *place = path_join(shelf, other);
        char *old = mem_printf("%s/" WORKSHOP "old-%s", shelf, other);
        ok = rename(place, old) == 0 || error_errno(err, "can't remove %s", place);
        ok = ok && shelf_remove_tree(old, err);
        free(old);
        free(place);
    }
    strlist_clear(&ids);
    free(shelf);
    return ok;
}

static int entry_is_workshop(const struct dirent *entry)
{
    return strncmp(entry->d_name, WORKSHOP, strlen(WORKSHOP)) == 0;
}

char *shelf_workshop(struct error *err)
{
    char *shelf = shelf_path(err);
    if (!shelf)
        return NULL;
    struct dirent **files = NULL;
    int count = scandir(shelf, &files, entry_is_workshop, NULL);
    for (int i = 0; i < count; i++) {
        char *path = path_join(shelf, files[i]->d_name);
        shelf_remove_tree(path, NULL);
        free(path);
        free(files[i]);
    }
    free(files);
    char *template = path_join(shelf, WORKSHOP "XXXXXX"), *real = NULL;
    if (!mkdtemp(template) || !(real = realpath(template, NULL)))
        error_errno(err, "can't make a folder in %s", shelf);
    free(template);
    free(shelf);
    return real;
}
