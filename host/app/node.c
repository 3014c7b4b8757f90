/* What node loads by name: node_modules, in the script's folder or above it, and the files beside.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/app/launch.h"
#include "host/base/path.h"

#define LEVELS_MAX 64u

static bool beside_take(const struct spec_filter *filter, const char *path, bool is_folder,
                        size_t depth)
{
    static const char *const endings[] = {".js", ".mjs", ".cjs", ".json", ".node", ".wasm"};
    (void)filter;
    const char *name = path_base(path);
    if (is_folder)
        return depth > 1 || !strcmp(name, "node_modules") || !strcmp(name, "lib");
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof(endings) / sizeof(*endings); i++)
        if (!strcmp(dot, endings[i]))
            return true;
    return depth > 1;
}

/* A folder on the way up from the script's: where it is on the host, and where in the image. Beyond
 * the image's root there is the root. */
struct level {
    char *host, *guest;
};

static struct level level_up(const struct level *level)
{
    return (struct level){.host = path_parent(level->host), .guest = path_parent(level->guest)};
}

static void level_clear(struct level *level)
{
    free(level->host);
    free(level->guest);
}

/* A package that is linked into node_modules (a workspace's) goes where its link leads. */
static bool add_linked(struct image_spec *spec, const struct level *level, const char *link,
                       struct error *err)
{
    const char *rest = link + (strcmp(level->guest, "/") ? strlen(level->guest) : 0);
    char *host = mem_printf("%s%s", level->host, rest), *real = realpath(host, NULL);
    struct spec_found found;
    struct stat info;
    bool done = true;
    char *target = path_read_link(host);
    if (real && target && *target != '/' && stat(real, &info) == 0 && S_ISDIR(info.st_mode) &&
        !spec_find(spec, link, true, &found)) {
        char *folder = path_parent(link), *joined = path_join(folder, target);
        char *guest = path_clean(joined);
        done = spec_add_tree(spec, guest, real, "linked into node_modules", err);
        free(guest);
        free(joined);
        free(folder);
    }
    free(target);
    free(real);
    free(host);
    return done;
}

static bool add_modules(struct image_spec *spec, const struct level *level, struct error *err)
{
    struct stat info;
    size_t first = spec->entry_count;
    char *host = path_join(level->host, "node_modules");
    char *guest = path_join(level->guest, "node_modules");
    bool done = !watch_follow(&spec->watch, host, &info, NULL) || !S_ISDIR(info.st_mode) ||
                spec_add_tree(spec, guest, host, "node_modules in reach", err);
    for (size_t i = first; done && i < spec->entry_count; i++) {
        if (spec->entries[i].kind != ENTRY_LINK)
            continue;
        char *link = mem_string(spec->entries[i].guest);
        done = add_linked(spec, level, link, err);
        free(link);
    }
    free(guest);
    free(host);
    return done;
}

/* The nearest package.json says what kind of modules a package's files are. */
static bool add_package(struct image_spec *spec, const struct level *level, bool *found,
                        struct error *err)
{
    struct stat info;
    char *host = path_join(level->host, "package.json");
    char *guest = path_join(level->guest, "package.json");
    *found = watch_follow(&spec->watch, host, &info, NULL) && S_ISREG(info.st_mode);
    bool done = !*found || spec_add_file(spec, guest, host, "the script's package", err);
    free(guest);
    free(host);
    return done;
}

/* What lies in the folders above; the farthest first, as the nearest counts where both lead to one
 * place. */
static bool add_above(struct image_spec *spec, const struct level *start, struct error *err)
{
    struct level levels[LEVELS_MAX];
    size_t count = 0;
    bool found = false, good = add_package(spec, start, &found, err);
    for (const struct level *at = start; count < LEVELS_MAX && strcmp(at->host, "/") != 0;) {
        levels[count] = level_up(at);
        at = &levels[count++];
        if (good && !found)
            good = add_package(spec, at, &found, err);
    }
    for (size_t i = count; i-- > 0;) {
        good = good && add_modules(spec, &levels[i], err);
        level_clear(&levels[i]);
    }
    return good;
}

bool node_add_beside(struct image_spec *spec, const char *host, const char *guest,
                     struct error *err)
{
    static const struct spec_filter filter = {.take = beside_take};
    struct level start = {.host = (char *)host, .guest = (char *)guest};
    return add_above(spec, &start, err) &&
           spec_add_filtered(spec, guest, host, &filter, "beside the script", err) &&
           add_modules(spec, &start, err);
}
