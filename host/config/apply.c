/*
 * Files, Dirs and MapDirs. Host paths are relative to the folder of config.json, wherever the tool
 * is started.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/base/path.h"
#include "host/config/config.h"

static char *host_path(const struct config *config, const char *path)
{
    char *joined = path_join(config->folder, path);
    char *clean = path_clean(joined);
    free(joined);
    return clean;
}

/* Puts the place of what is being applied before an error. */
static bool fail_at(const struct config *config, const char *key, const char *member, size_t index,
                    struct error *err)
{
    char *place = config_where(config, key, member, index);
    error_prefix(err, "%s", place);
    free(place);
    return false;
}

static bool apply_files(const struct config *config, struct image_spec *spec, struct error *err)
{
    for (size_t i = 0; i < config->files.count; i++) {
        const char *name = config->files.items[i];
        char *host = host_path(config, name), *guest = path_clean(name);
        struct stat info;
        bool is_folder = stat(host, &info) == 0 && S_ISDIR(info.st_mode);
        bool done = is_folder ? error_set(err, "%s (Files): is a folder: name it in Dirs", host)
                              : spec_add_file(spec, guest, host, "Files", err);
        free(host);
        free(guest);
        if (!done)
            return fail_at(config, "Files", NULL, i, err);
    }
    return true;
}

static bool apply_dirs(const struct config *config, struct image_spec *spec, struct error *err)
{
    for (size_t i = 0; i < config->dirs.count; i++) {
        char *host = host_path(config, config->dirs.items[i]);
        char *guest = path_clean(config->dirs.items[i]);
        bool done = strcmp(host, "/") ? spec_add_tree(spec, guest, host, "Dirs", err)
                                      : error_set(err, "/ (Dirs): not the whole host");
        free(host);
        free(guest);
        if (!done)
            return fail_at(config, "Dirs", NULL, i, err);
    }
    return true;
}

struct glob_filter {
    struct spec_filter filter;
    const char *pattern;
    size_t *matches;
};

static bool glob_take(const struct spec_filter *filter, const char *path, bool is_folder,
                      size_t depth)
{
    const struct glob_filter *glob = (const struct glob_filter *)filter;
    (void)depth;
    if (is_folder)
        return true;
    bool match = fnmatch(glob->pattern, path_base(path), 0) == 0;
    *glob->matches += match;
    return match;
}

static bool map_glob(struct image_spec *spec, const char *host, const char *guest,
                     struct error *err)
{
    size_t matches = 0;
    char *folder = path_parent(host);
    struct glob_filter glob = {.filter = {.take = glob_take}, .pattern = path_base(host)};
    glob.matches = &matches;
    glob.filter.files_only = strcmp(glob.pattern, "*") != 0;
    bool done = spec_add_filtered(spec, guest, folder, &glob.filter, "MapDirs", err);
    if (done && !matches)
        done = error_set(err, "no file below %s matches \"%s\" (MapDirs)", folder, glob.pattern);
    free(folder);
    return done;
}

/* A key that isn't a pattern: a folder goes in as guest, a file into guest. */
static bool map_plain(struct image_spec *spec, const char *host, const char *guest,
                      struct error *err)
{
    struct stat info;
    if (stat(host, &info))
        return error_errno(err, "%s (MapDirs)", host);
    if (S_ISDIR(info.st_mode))
        return spec_add_tree(spec, guest, host, "MapDirs", err);
    char *path = path_join(guest, path_base(host));
    bool done = spec_add_file(spec, path, host, "MapDirs", err);
    free(path);
    return done;
}

static bool apply_map(const struct config *config, struct image_spec *spec, size_t i,
                      struct error *err)
{
    char *host = host_path(config, config->map_dirs.names.items[i]),
         *guest = path_clean(config->map_dirs.values.items[i]);
    bool is_pattern = strpbrk(path_base(host), "*?[") != NULL;
    bool done = !strcmp(host, "/") ? error_set(err, "/ (MapDirs): not the whole host")
                : is_pattern       ? map_glob(spec, host, guest, err)
                                   : map_plain(spec, host, guest, err);
    free(host);
    free(guest);
    return done;
}

bool config_apply(const struct config *config, struct image_spec *spec, struct error *err)
{
    spec->tier = TIER_FOLDERS;
    for (size_t i = 0; i < config->map_dirs.names.count; i++)
        if (!apply_map(config, spec, i, err))
            return fail_at(config, "MapDirs", config->map_dirs.written.items[i], 0, err);
    if (!apply_dirs(config, spec, err))
        return false;
    spec->tier = TIER_APP;
    return apply_files(config, spec, err);
}
