/*
 * The door to packages: the store first, Debian's archive when it isn't there. Fetching is done by
 * one orris at a time; who waited for it looks into the store again.
 */
#include "host/pkg/pkg.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/digest.h"
#include "host/base/nearest.h"
#include "host/base/say.h"
#include "host/base/store.h"
#include "host/pkg/apt.h"
#include "host/pkg/command.h"
#include "host/pkg/fetch.h"
#include "host/pkg/pin.h"
#include "host/pkg/recipe.h"
#include "host/pkg/shelf.h"

#define LOCK "packages"

void package_clear(struct package *package)
{
    free(package->name);
    free(package->version);
    free(package->summary);
    free(package->program);
    strlist_clear(&package->args);
    strlist_clear(&package->default_args);
    strlist_clear(&package->env);
    free(package->user);
    free(package->layer.path);
    free(package->layer.listing);
    *package = (struct package){0};
}

/* Moves the package out of item and clears the rest. */
static void item_take(struct shelf_item *item, struct package *out)
{
    *out = item->package;
    item->package = (struct package){0};
    shelf_item_clear(item);
}

/* Adds the recipe's name that is near to a name nobody knows. */
static void suggest(const char *name, struct error *err)
{
    struct strlist names = {0};
    const char *near = recipe_names(&names, NULL) && names.count
                           ? nearest(name, (const char *const *)names.items)
                           : NULL;
    if (near && strcmp(near, name) != 0)
        error_add(err, " (did you mean %s?)", near);
    strlist_clear(&names);
}

/* What packages are made of doesn't depend on the user's mask. */
#define PACKAGE_UMASK 022

/* Fetches with the lock held; the signals that end us meanwhile clean up first. */
static bool fetch_locked(struct recipe *recipe, const char *version, const struct strlist *pins,
                         bool update, struct error *err)
{
    mode_t mask = umask(PACKAGE_UMASK);
    command_guard_begin();
    bool ok = fetch_package(recipe, version, pins, update, err);
    int interrupted = command_interrupted();
    command_guard_end();
    umask(mask);
    if (interrupted)
        raise(interrupted);
    return ok;
}

/* The package on the shelf if it is one that may be used. Returns as shelf_find(). */
static int find_item(const struct recipe *recipe, const char *version, const struct strlist *pins,
                     bool update, struct shelf_item *out, struct error *err)
{
    int found = update ? 0 : shelf_find(recipe->name, version, out, err);
    if (found > 0 && !pin_check(&out->debs, pins, NULL)) {
        shelf_item_clear(out);
        found = 0;
    }
    return found;
}

static bool get_item(struct recipe *recipe, const char *version, const struct strlist *pins,
                     bool update, struct shelf_item *out, struct error *err)
{
    int found = find_item(recipe, version, pins, update, out, err);
    if (found != 0)
        return found > 0;
    if (recipe->version && !recipe_version_matches(version, recipe->version))
        return error_set(err, "there is no %s_%s: Debian's archive has %s_%s", recipe->name,
                         version, recipe->name, recipe->version);
    int lock = store_lock(LOCK, err);
    if (lock < 0)
        return false;
    found = find_item(recipe, version, pins, update, out, err);
    if (found == 0 && fetch_locked(recipe, version, pins, update, err))
        found = shelf_find(recipe->name, recipe->version, out, err);
    close(lock);
    return found > 0;
}

static bool package_find(const char *reference, const struct strlist *pins, bool update,
                         struct shelf_item *out, struct error *err)
{
    char *name, *version;
    struct recipe recipe = {0};
    *out = (struct shelf_item){0};
    if (!recipe_split(reference, &name, &version, err))
        return false;
    bool ok = recipe_find(name, &recipe, err) && get_item(&recipe, version, pins, update, out, err);
    if (!ok && recipe.name && !recipe.version)
        suggest(name, err);
    recipe_clear(&recipe);
    free(name);
    free(version);
    return ok;
}

bool package_get(const char *reference, const struct strlist *pins, struct package *out,
                 struct error *err)
{
    struct shelf_item item;
    if (!package_find(reference, pins, false, &item, err))
        return false;
    item_take(&item, out);
    return true;
}

bool package_update(const char *reference, struct package *out, struct error *err)
{
    struct shelf_item item;
    if (!package_find(reference, NULL, true, &item, err))
        return false;
    item_take(&item, out);
    return true;
}

bool package_offer(const char *reference, struct recipe *recipe, struct deb_list *debs,
                   struct error *err)
{
    char *name, *version;
    if (!recipe_split(reference, &name, &version, err))
        return false;
    int lock = store_lock(LOCK, err);
    bool ok =
        lock >= 0 && recipe_find(name, recipe, err) && fetch_offer(recipe, version, debs, err);
    if (lock >= 0)
        close(lock);
    if (!ok && recipe->name && !recipe->version)
        suggest(name, err);
    free(name);
    free(version);
    return ok;
}

bool package_search(const char *pattern, struct buf *out, struct error *err)
{
    struct apt apt;
    int lock = store_lock(LOCK, err);
    if (lock < 0)
        return false;
    bool ok = apt_open(&apt, "", err);
    if (ok) {
        ok = apt_update(&apt, false, err) && apt_search(&apt, pattern, out, err);
        apt_close(&apt);
    }
    close(lock);
    return ok;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Where the additions lie: by the packages' names and what they stand on. */
static char *additions_id(const struct strlist *names, const struct shelf_item *base)
{
    struct digest state;
    uint8_t digest[DIGEST_SIZE];
    char hash[41];
    digest_init(&state);
    for (size_t i = 0; i < names->count; i++)
        digest_update(&state, names->items[i], strlen(names->items[i]) + 1);
    for (size_t i = 0; base && i < base->debs.count; i++)
        digest_update(&state, base->debs.items[i].sha256, strlen(base->debs.items[i].sha256));
    digest_final(&state, digest);
    digest_name(digest, hash);
    if (!base)
        return mem_printf("host_0@%.16s", hash);
    return mem_printf("%s_%s@%.16s", base->package.name, base->package.version, hash);
}

static bool additions_names(const struct strlist *names, struct strlist *out, struct error *err)
{
    for (size_t i = 0; i < names->count; i++) {
        char *name, *version;
        if (!recipe_split(names->items[i], &name, &version, err))
            return false;
        strlist_add(out, name);
        bool ok = !version || error_set(err,
                                        "an addition is the newest that Debian has; leave the "
                                        "version out of \"%s\"",
                                        names->items[i]);
        free(name);
        free(version);
        if (!ok)
            return false;
    }
    if (out->count)
        qsort(out->items, out->count, sizeof(*out->items), by_name);
    return true;
}

/* The additions on the shelf if they may be used. Returns as shelf_open(). */
static int additions_open(const char *id, const struct strlist *pins, struct shelf_item *out,
                          struct error *err)
{
    int found = shelf_open(id, out, err);
    if (found > 0 && !pin_check(&out->debs, pins, NULL)) {
        shelf_item_clear(out);
        found = 0;
    }
    return found;
}

static bool additions_find(const struct strlist *names, const struct shelf_item *base,
                           const struct strlist *pins, struct shelf_item *out, struct error *err)
{
    char *id = additions_id(names, base);
    int found = additions_open(id, pins, out, err);
    int lock = found == 0 ? store_lock(LOCK, err) : -1;
    if (lock >= 0)
        found = additions_open(id, pins, out, err);
    if (lock >= 0 && found == 0) {
        mode_t mask = umask(PACKAGE_UMASK);
        command_guard_begin();
        bool ok = fetch_additions(names, base, id, pins, err);
        int interrupted = command_interrupted();
        command_guard_end();
        umask(mask);
        if (interrupted)
            raise(interrupted);
        if (ok)
            found = shelf_open(id, out, err);
    }
    if (lock >= 0)
        close(lock);
    free(id);
    return found > 0;
}

bool package_get_additions(const struct strlist *names, const struct package *base,
                           const struct strlist *pins, struct package *out, struct error *err)
{
    struct strlist sorted = {0};
    struct shelf_item below = {0}, item = {0};
    bool ok = additions_names(names, &sorted, err);
    if (ok && base)
        ok = shelf_find(base->name, base->version, &below, err) > 0;
    ok = ok && additions_find(&sorted, base ? &below : NULL, pins, &item, err);
    if (ok)
        item_take(&item, out);
    shelf_item_clear(&below);
    strlist_clear(&sorted);
    return ok;
}

bool package_pins(const char *reference, const struct strlist *names, struct strlist *lines,
                  struct error *err)
{
    struct strlist sorted = {0};
    struct shelf_item base = {0}, item = {0};
    bool ok = (!reference || package_find(reference, NULL, false, &base, err)) &&
              additions_names(names, &sorted, err);
    if (ok && names->count)
        ok = additions_find(&sorted, reference ? &base : NULL, NULL, &item, err);
    pin_add(&base.debs, lines);
    pin_add(&item.debs, lines);
    shelf_item_clear(&base);
    shelf_item_clear(&item);
    strlist_clear(&sorted);
    return ok;
}

bool package_apply(const struct package *package, struct image_spec *spec, struct error *err)
{
    if (access(package->layer.path, R_OK) != 0)
        return error_errno(err,
                           "the package %s is damaged: %s (`orris pkg delete %s` and load it "
                           "again)",
                           package->name, package->layer.path, package->name);
    if (!spec_add_layer(spec, package->layer.path, package->layer.listing, err))
        return false;
    bool had_args = spec->args.count > 0;
    if (!package->program)
        return true;
    if (!spec->program)
        spec->program = mem_string(package->program);
    for (size_t i = 0; !had_args && i < package->args.count; i++)
        strlist_add(&spec->args, package->args.items[i]);
    for (size_t i = 0; i < package->env.count; i++)
        strlist_add(&spec->env, package->env.items[i]);
    return true;
}
