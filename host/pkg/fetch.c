/*
 * The order of the steps. All work is done in one folder of the store that goes away with every
 * failure; only the downloaded .deb files stay, so that a second try begins where this one ended.
 */
#include "host/pkg/fetch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/path.h"
#include "host/base/progress.h"
#include "host/base/say.h"
#include "host/image/copyright.h"
#include "host/pkg/command.h"
#include "host/pkg/finish.h"
#include "host/pkg/pack.h"
#include "host/pkg/php.h"
#include "host/pkg/pin.h"
#include "host/pkg/place.h"
#include "host/pkg/users.h"

#define ROOM_LISTS (64u << 20) /* bytes for the archive's lists */
#define ROOM_FACTOR 8u         /* for packages: downloaded, unpacked, and as a layer */

/* One package in the making. */
struct making {
    struct apt apt;
    struct recipe_rules rules;
    const struct strlist *pins;    /* or NULL */
    const struct shelf_item *base; /* what it is an addition to, or NULL */
    struct shelf_item item;
    struct deb_list closure; /* with what base holds */
    char *workshop, *tree;
    struct deb_facts *facts;    /* of item.debs, one each */
    struct scripts scripts;     /* what those of its packages set up */
    struct strlist executables; /* of the package that was asked for */
    int64_t newest;             /* of the packages' own files, seconds since 1970 */
    char *label;                /* for messages: "python_3.11.2" */
    bool current;               /* the package on the shelf is made of the same already */
};

/* apt's helpers wait for ever on a full disk, so the room is looked at first. */
static bool room_check(const char *folder, uint64_t needed, struct error *err)
{
    struct statvfs info;
    if (statvfs(folder, &info) != 0)
        return error_errno(err, "can't look at %s", folder);
    uint64_t free_bytes = (uint64_t)info.f_bavail * info.f_frsize;
    return free_bytes >= needed ||
           error_set(err,
                     "not enough room in %s: %.0f MB are needed, %.0f MB are free (`orris prune` "
                     "frees some; ORRIS_HOME chooses another place)",
                     folder, (double)needed / 1e6, (double)free_bytes / 1e6);
}

static bool making_open(struct making *making, struct error *err)
{
    struct buf preferences = {0};
    buf_string(&preferences, "");
    pin_preferences(making->pins, &preferences);
    bool ok = recipe_rules_read(&making->rules, err) &&
              apt_open(&making->apt, preferences.data, err) &&
              room_check(making->apt.folder, ROOM_LISTS, err);
    buf_clear(&preferences);
    return ok;
}

static void making_close(struct making *making)
{
    for (size_t i = 0; making->facts && i < making->item.debs.count; i++)
        deb_facts_clear(&making->facts[i]);
    free(making->facts);
    if (making->workshop)
        shelf_remove_tree(making->workshop, NULL);
    apt_close(&making->apt);
    recipe_rules_clear(&making->rules);
    shelf_item_clear(&making->item);
    deb_list_clear(&making->closure);
    scripts_clear(&making->scripts);
    strlist_clear(&making->executables);
    free(making->workshop);
    free(making->tree);
    free(making->label);
}

/* Those of the closure that base doesn't hold in the same version. */
static void making_subtract(struct making *making)
{
    deb_list_clear(&making->item.debs);
    for (size_t i = 0; i < making->closure.count; i++) {
        const struct deb *deb = &making->closure.items[i];
        const struct deb *below = making->base ? deb_find(&making->base->debs, deb->name) : NULL;
        if (!below || strcmp(below->version, deb->version) != 0)
            deb_add(&making->item.debs, deb);
    }
}

static bool same_debs(const struct deb_list *a, const struct deb_list *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        const struct deb *other = deb_find(b, a->items[i].name);
        same = other && strcmp(other->version, a->items[i].version) == 0;
    }
    return same;
}

/* Whether the package on the shelf is made of what has just been resolved. */
static bool making_is_current(const struct making *making)
{
    struct shelf_item old;
    bool current =
        shelf_open(making->label, &old, NULL) == 1 && same_debs(&old.debs, &making->item.debs);
    shelf_item_clear(&old);
    return current;
}

/* Resolves and downloads. Lists that name files which the archive has replaced meanwhile are the
 * common reason for a failure: one more try with new lists. */
static bool making_download(struct making *making, struct error *err)
{
    struct strlist *names = &making->item.requested;
    for (;;) {
        if (!apt_resolve(&making->apt, names, &making->rules, &making->closure, err))
            return false;
        if (!pin_check(&making->closure, making->pins, err))
            return false;
        making_subtract(making);
        making->current = making_is_current(making);
        if (making->current)
            return true;
        uint64_t needed = ROOM_FACTOR * deb_list_bytes(&making->item.debs);
        if (!room_check(making->apt.folder, needed, err))
            return false;
        if (apt_download(&making->apt, names, &making->item.debs, making->label, err))
            return true;
        struct error ignored;
        if (command_interrupted() || making->apt.updated ||
            !apt_update(&making->apt, true, &ignored))
            return false;
    }
}

static bool making_unpack_one(struct making *making, const struct deb *deb, struct error *err)
{
    char *path = path_join(making->apt.debs, deb->file);
    struct deb_facts *facts = &making->facts[deb - making->item.debs.items];
    bool ok = unpack_deb(path, making->tree, &making->rules, &making->scripts, facts, err);
    free(path);
    return ok && (!command_interrupted() || error_set(err, "interrupted"));
}

/* The one asked for first comes first: the executables that are there then are its own. */
static bool making_unpack_all(struct making *making, struct error *err)
{
    const struct deb_list *debs = &making->item.debs;
    const struct deb *first = deb_find(debs, making->item.requested.items[0]);
    making->facts = mem_alloc((debs->count + 1) * sizeof(*making->facts));
    bool ok = !first || making_unpack_one(making, first, err);
    if (ok && first)
        finish_list_executables(making->tree, &making->rules, &making->executables);
    for (size_t i = 0; ok && i < debs->count; i++) {
        ok = &debs->items[i] == first || making_unpack_one(making, &debs->items[i], err);
        progress_set(100.0 * (double)(i + 1) / (double)debs->count);
    }
    return ok;
}

/* The facts of the package called name, or NULL. */
static const struct deb_facts *making_facts(const struct making *making, const char *name)
{
    const struct deb *deb = name ? deb_find(&making->item.debs, name) : NULL;
    return deb ? &making->facts[deb - making->item.debs.items] : NULL;
}

/* Licences of all, also of those that leave their copyright file to another; the description of the
 * one that was asked for. */
static void making_take_facts(struct making *making)
{
    struct deb_list *debs = &making->item.debs;
    for (size_t i = 0; i < debs->count; i++) {
        const struct deb_facts *own = &making->facts[i];
        const struct deb_facts *other = making_facts(making, own->copyright_of);
        const char *text = own->copyright ? own->copyright : other ? other->copyright : NULL;
        debs->items[i].licence = text ? copyright_licences(text) : NULL;
    }
    const struct deb_facts *first = making_facts(making, making->item.requested.items[0]);
    making->item.description = first ? mem_string(first->description) : NULL;
}

static bool making_unpack(struct making *making, struct error *err)
{
    making->workshop = shelf_workshop(err);
    if (!making->workshop)
        return false;
    making->tree = path_join(making->workshop, "tree");
    bool ok =
        path_make_dirs(making->tree, true, 0755) || error_errno(err, "can't make %s", making->tree);
    char *title = mem_printf("unpacking %s", making->label);
    progress_begin(title);
    ok = ok && making_unpack_all(making, err);
    progress_end();
    if (ok)
        making_take_facts(making);
    free(title);
    making->newest = pack_newest(making->tree);
    ok = ok && finish_alternatives(making->tree, &making->scripts, &making->rules, err);
    return ok;
}

/* Byte code needs an interpreter that runs: the addition's own, or that of base's layer. */
static bool making_compile(struct making *making, struct error *err)
{
    char *base = NULL;
    bool ok = true;
    /* Only Debian's own interpreter runs on the host. */
    bool known = making->base && !making->base->origin;
    if (known && place_exists(making->tree, "/usr/lib/python3")) {
        base = path_join(making->workshop, "base");
        ok = pack_extract(making->base->package.layer.path, base, err);
    }
    char *title = mem_printf("compiling the Python modules of %s", making->label);
    if (ok)
        say_verbose("%s ...", title);
    ok = ok && finish_byte_code(making->tree, base, err);
    free(title);
    free(base);
    return ok;
}

/* Users of the layer below stay; its numbers, too. */
static bool making_users(struct making *making, struct error *err)
{
    struct strlist *users = &making->item.users, *groups = &making->item.groups;
    for (size_t i = 0; making->base && i < making->base->users.count; i++)
        strlist_add(users, making->base->users.items[i]);
    for (size_t i = 0; making->base && i < making->base->groups.count; i++)
        strlist_add(groups, making->base->groups.items[i]);
    size_t added = users_add(&making->scripts, &making->rules, users, groups);
    return (making->base && !added) ||
           users_write(making->tree, &making->rules, users, groups, err);
}

/* What is made instead of running the packages' scripts; recipe says which executables stay. */
static bool making_finish(struct making *making, const struct recipe *recipe, struct error *err)
{
    const char *below = making->base ? making->base->package.layer.listing : NULL;
    return making_compile(making, err) &&
           finish_executables(making->tree, recipe, &making->rules, err) &&
           finish_certificates(making->tree, err) && php_extensions(making->tree, err) &&
           making_users(making, err) && (below || finish_base(making->tree, err)) &&
           finish_linker_cache(making->tree, below, err);
}

/* A file and the number of its package. */
struct owned {
    const char *path;
    size_t package;
};

struct owned_list {
    struct owned *items;
    size_t count;
};

static int by_path(const void *left, const void *right)
{
    const struct owned *a = left, *b = right;
    return strcmp(a->path, b->path);
}

static size_t owned_find(const struct owned_list *list, const char *path)
{
    struct owned key = {.path = path};
    const struct owned *found =
        list->count ? bsearch(&key, list->items, list->count, sizeof(key), by_path) : NULL;
    return found ? found->package : 0;
}

/* Byte code belongs to the package of its source: "/x/a.py" for "/x/__pycache__/a.cpython-311.pyc".
 */
static size_t owner_of(const struct bill_origin *origin, const char *path)
{
    static const char cache[] = "/__pycache__/";
    size_t package = owned_find(origin->context, path);
    const char *found = package ? NULL : strstr(path, cache);
    if (!found)
        return package;
    const char *name = found + strlen(cache);
    char *source =
        mem_printf("%.*s/%.*s.py", (int)(found - path), path, (int)strcspn(name, "."), name);
    package = owned_find(origin->context, source);
    free(source);
    return package;
}

static struct owned_list making_owned(const struct making *making)
{
    struct owned_list list = {0};
    size_t count = making->item.debs.count;
    for (size_t i = 0; i < count; i++)
        list.count += making->facts[i].files.count;
    list.items = mem_alloc((list.count + 1) * sizeof(*list.items));
    struct owned *next = list.items;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < making->facts[i].files.count; k++)
            *next++ = (struct owned){making->facts[i].files.items[k], i + 1};
    qsort(list.items, list.count, sizeof(*list.items), by_path);
    return list;
}

/* The layer with its bill of materials. */
static bool making_pack(const struct making *making, const char *image, const char *listing,
                        struct error *err)
{
    const struct deb_list *debs = &making->item.debs;
    struct bill_package *packages = mem_alloc((debs->count + 1) * sizeof(*packages));
    for (size_t i = 0; i < debs->count; i++)
        packages[i] = (struct bill_package){debs->items[i].name, debs->items[i].version,
                                            debs->items[i].sha256, debs->items[i].licence};
    struct owned_list owned = making_owned(making);
    struct bill_origin origin = {packages, debs->count, owner_of, &owned};
    bool ok = pack_write(making->tree, &origin, image, listing, err);
    free(owned.items);
    free(packages);
    return ok;
}

/* The finished folder goes to the shelf. */
static bool making_store(struct making *making, const char *id, struct error *err)
{
    char *out = path_join(making->workshop, "package");
    char *image = path_join(out, "layer.erofs"), *listing = path_join(out, "layer.list");
    bool ok = (path_make_dirs(out, true, 0755) || error_errno(err, "can't make %s", out)) &&
              pack_clamp_times(making->tree, making->newest, err) &&
              making_pack(making, image, listing, err) &&
              shelf_write_manifest(&making->item, out, err) &&
              (!command_interrupted() || error_set(err, "interrupted")) && shelf_put(out, id, err);
    free(image);
    free(listing);
    free(out);
    return ok;
}

static bool wanted_is_there(const struct recipe *recipe, const char *wanted, const char *have,
                            struct error *err)
{
    return recipe_version_matches(wanted, have) ||
           error_set(err, "there is no %s_%s: Debian's archive has %s_%s", recipe->name, wanted,
                     recipe->name, have);
}

/* What the archive says of the recipe's main package. */
static bool making_describe(struct making *making, struct recipe *recipe, const char *wanted,
                            struct error *err)
{
    char *version = NULL, *summary = NULL;
    if (!apt_describe(&making->apt, recipe->debian, &version, &summary, err))
        return false;
    free(recipe->version);
    recipe->version = deb_upstream_version(version);
    if (!recipe->summary)
        recipe->summary = mem_string(summary ? summary : "");
    making->label = mem_printf("%s_%s", recipe->name, recipe->version);
    free(version);
    free(summary);
    return wanted_is_there(recipe, wanted, recipe->version, err);
}

static void list_copy(const struct strlist *from, struct strlist *to)
{
    strlist_clear(to);
    for (size_t i = 0; i < from->count; i++)
        strlist_add(to, from->items[i]);
}

static void item_from_recipe(const struct recipe *recipe, struct shelf_item *item)
{
    item->package.name = mem_string(recipe->name);
    item->package.version = mem_string(recipe->version);
    item->package.summary = mem_string(recipe->summary);
    item->package.program = mem_string(recipe->program);
    list_copy(&recipe->args, &item->package.args);
    list_copy(&recipe->default_args, &item->package.default_args);
    list_copy(&recipe->env, &item->package.env);
    list_copy(&recipe->aliases, &item->aliases);
}

static bool making_package(struct making *making, struct recipe *recipe, struct error *err)
{
    if (!making_unpack(making, err))
        return false;
    bool ok =
        recipe->program || finish_find_program(making->tree, recipe, &making->executables, err);
    if (!ok || !making_finish(making, recipe, err))
        return false;
    item_from_recipe(recipe, &making->item);
    return making_store(making, making->label, err);
}

/* The Debian packages that the recipe names. */
static void making_request(struct making *making, const struct recipe *recipe)
{
    strlist_add(&making->item.requested, recipe->debian);
    for (size_t i = 0; i < recipe->also.count; i++)
        strlist_add(&making->item.requested, recipe->also.items[i]);
    for (size_t i = 0; i < making->rules.also.count; i++)
        strlist_add(&making->item.requested, making->rules.also.items[i]);
}

bool fetch_package(struct recipe *recipe, const char *version, const struct strlist *pins,
                   bool update, struct error *err)
{
    struct making making = {.pins = pins};
    bool ok = making_open(&making, err) && apt_update(&making.apt, update, err) &&
              making_describe(&making, recipe, version, err);
    if (ok) {
        making_request(&making, recipe);
        ok = making_download(&making, err) &&
             (making.current || making_package(&making, recipe, err));
    }
    making_close(&making);
    return ok;
}

bool fetch_offer(struct recipe *recipe, const char *version, struct deb_list *debs,
                 struct error *err)
{
    struct making making = {0};
    bool ok = making_open(&making, err) && apt_update(&making.apt, false, err) &&
              making_describe(&making, recipe, version, err);
    if (ok) {
        making_request(&making, recipe);
        ok = apt_resolve(&making.apt, &making.item.requested, &making.rules, debs, err);
    }
    making_close(&making);
    return ok;
}

static bool making_additions(struct making *making, const char *id, struct error *err)
{
    static const struct recipe nothing;
    return making_unpack(making, err) && making_finish(making, &nothing, err) &&
           making_store(making, id, err);
}

bool fetch_additions(const struct strlist *names, const struct shelf_item *base, const char *id,
                     const struct strlist *pins, struct error *err)
{
    struct making making = {.base = base, .pins = pins};
    struct buf label = {0};
    bool ok = making_open(&making, err) && apt_update(&making.apt, false, err);
    for (size_t i = 0; ok && i < names->count; i++) {
        char *version = NULL, *summary = NULL;
        ok = apt_describe(&making.apt, names->items[i], &version, &summary, err);
        strlist_add(&making.item.requested, names->items[i]);
        buf_printf(&label, "%s%s", i ? ", " : "", names->items[i]);
        free(version);
        free(summary);
    }
    for (size_t i = 0; base && i < base->requested.count; i++)
        strlist_add(&making.item.requested, base->requested.items[i]);
    making.label = mem_string(label.data);
    making.item.package.name = mem_string(label.data);
    making.item.package.version = mem_string("0");
    ok = ok && making_download(&making, err) && making_additions(&making, id, err);
    buf_clear(&label);
    making_close(&making);
    return ok;
}
