/*
 * Shared libraries, found as ld.so finds them. Each search folder has two paths: where it is on the
 * host, and where it will be in the image (a mapped folder's $ORIGIN moves with it). What the image
 * has already counts first, so that a package's libraries are not replaced by the host's.
 */
#include "host/app/closure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/app/elf.h"
#include "host/app/guestenv.h"
#include "host/base/io.h"
#include "host/base/path.h"
#include "host/base/progress.h"
#include "host/base/say.h"

#define CACHE_PATH "/etc/ld.so.cache"
#define LINKS_MAX 40

/* Debian's, then everyone's. */
static const char *const standard_folders[] = {"/lib/x86_64-linux-gnu",
                                               "/usr/lib/x86_64-linux-gnu",
                                               "/lib64",
                                               "/usr/lib64",
                                               "/lib",
                                               "/usr/lib",
                                               NULL};
static const char *const musl_standard[] = {"/lib", "/usr/local/lib", "/usr/lib", NULL};
static const char *const hwcaps[] = {"glibc-hwcaps/x86-64-v4/", "glibc-hwcaps/x86-64-v3/",
                                     "glibc-hwcaps/x86-64-v2/", ""};
#define HWCAP_COUNT (sizeof(hwcaps) / sizeof(*hwcaps))

struct closure_known {
    char *name;
    bool found;
};

/* An ELF file whose needs are being met. */
struct object {
    const char *host, *guest; /* as found, links in them and all */
    struct elf elf;
};

void closure_init(struct closure *closure, struct image_spec *spec, const struct strlist *env)
{
    *closure = (struct closure){.spec = spec};
    for (size_t i = 0; i < env->count; i++)
        strlist_add(&closure->env, env->items[i]);
    const char *library_path = guestenv_get(env, "LD_LIBRARY_PATH");
    if (library_path && *library_path)
        closure->library_path = mem_string(library_path);
    struct buf text = {0};
    struct stat info;
    if (watch_use(&spec->watch, CACHE_PATH, &info) && io_read_file(CACHE_PATH, &text, NULL) &&
        !hostcache_parse(&closure->cache, &text))
        say_verbose("%s is of an unknown format: only the standard folders are searched",
                    CACHE_PATH);
    buf_clear(&text);
}

void closure_clear(struct closure *closure)
{
    hostcache_clear(&closure->cache);
    for (size_t i = 0; i < closure->known_count; i++)
        free(closure->known[i].name);
    free(closure->known);
    free(closure->library_path);
    free(closure->program_rpath);
    free(closure->program_origin);
    strlist_clear(&closure->env);
    strlist_clear(&closure->musl_folders);
    strlist_clear(&closure->sonames);
    strlist_clear(&closure->translators);
    strlist_clear(&closure->links);
    *closure = (struct closure){0};
}

/* The first component of path that is a link on the host: its path (owned), and what follows it. */
static char *first_link(const char *path, const char **rest)
{
    char *prefix = mem_string(path);
    for (const char *at = path; *at;) {
        at += strspn(at, "/");
        at += strcspn(at, "/");
        size_t length = (size_t)(at - path);
        memcpy(prefix, path, length);
        prefix[length] = 0;
        struct stat info;
        if (lstat(prefix, &info) == 0 && S_ISLNK(info.st_mode)) {
            *rest = at;
            return prefix;
        }
    }
    free(prefix);
    return NULL;
}

static bool guest_has(struct closure *closure, const char *guest)
{
    struct spec_found found;
    if (!spec_find(closure->spec, guest, true, &found))
        return false;
    free(found.guest);
    return found.kind == ENTRY_FILE;
}

/* Adds the link at path. Its own folder may lie behind links, which are in the image by now. */
static bool add_link(struct closure *closure, const char *path, const char *target, const char *why,
                     struct error *err)
{
    struct stat info;
    watch_look(&closure->spec->watch, path, &info);
    struct spec_found found;
    if (spec_find(closure->spec, path, false, &found)) {
        free(found.guest);
        return true;
    }
    return spec_add_link(closure->spec, path, target, why, err);
}

/* Adds the links on the way to path. Returns the path without links, or NULL with err set. */
static char *add_links(struct closure *closure, const char *path, const char *why,
                       struct error *err)
{
    char *at = path_absolute(path);
    bool good = true;
    for (int links = 0; good && links < LINKS_MAX; links++) {
        const char *rest;
        char *link = first_link(at, &rest);
        if (!link)
            return at;
        char *target = path_read_link(link);
        char *parent = path_parent(link);
        char *joined = target ? path_join(parent, target) : mem_string(parent);
        char *whole = mem_printf("%s%s", joined, rest);
        good = target ? add_link(closure, link, target, why, err)
                      : error_errno(err, "%s (%s)", link, why);
        free(at);
        at = path_clean(whole);
        free(whole);
        free(joined);
        free(parent);
        free(target);
        free(link);
    }
    if (good)
        error_set(err, "%s (%s): too many links", path, why);
    free(at);
    return NULL;
}

bool closure_add_path(struct closure *closure, const char *path, const char *why, struct error *err)
{
    char *real = add_links(closure, path, why, err);
    bool good =
        real && (guest_has(closure, real) || spec_add_file(closure->spec, real, real, why, err));
    free(real);
    return good;
}

bool closure_add_folder_links(struct closure *closure, const char *path, const char *why,
                              struct error *err)
{
    char *real = add_links(closure, path, why, err);
    free(real);
    return real != NULL;
}

/* Whether name is musl's own, part of its linker. */
static bool musl_has(const char *name)
{
    static const char *const parts[] = {"c.", "pthread.", "rt.", "m.", "dl.", "util.", "xnet."};
    if (strncmp(name, "lib", 3))
        return false;
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
        if (!strncmp(name + 3, parts[i], strlen(parts[i])))
            return true;
    return false;
}

/* What a search for one library has to go on. */
struct search {
    struct closure *closure;
    const struct object *object;
    const char *name;
    const char *rule; /* where it is being looked for */
    const char *why;  /* NULL: needed by object */
    struct error *err;
    bool found, failed;
};

static bool host_has(struct search *search, const char *path)
{
    struct stat info;
    if (!watch_follow(&search->closure->spec->watch, path, &info, NULL) || !S_ISREG(info.st_mode))
        return false;
    struct elf elf;
    bool good = elf_read(path, &elf, NULL) == ELF_GOOD; /* ld.so passes over others */
    elf_clear(&elf);
    return good;
}

/* $ORIGIN is the folder of the name that a library is loaded by, not that of the file which the
 * name may be a link to: such a name is looked at once more, as itself. */
static void note_link(struct closure *closure, const char *path)
{
    struct stat info;
    if (lstat(path, &info) != 0 || !S_ISLNK(info.st_mode))
        return;
    for (size_t i = 0; i < closure->links.count; i++)
        if (!strcmp(closure->links.items[i], path))
            return;
    strlist_add(&closure->links, path);
}

static char *reason_of(const struct search *search)
{
    if (search->why)
        return mem_string(search->why);
    return mem_printf("needed by %s, found by %s", search->object->guest, search->rule);
}

static void take_candidate(struct search *search, const char *host, const char *guest)
{
    struct closure *closure = search->closure;
    bool same = !strcmp(host, guest);
    if (same)
        note_link(closure, host);
    if (guest_has(closure, guest)) {
        search->found = true;
        return;
    }
    if (!host_has(search, host))
        return;
    char *why = reason_of(search);
    search->failed = same ? !closure_add_path(closure, host, why, search->err)
                          : !spec_add_file(closure->spec, guest, host, why, search->err);
    search->found = true;
    free(why);
}

/* Looks in one folder and its parts for certain processors; all there are go in, as the machine's
 * processor may be another than the host's. */
static void search_folder(struct search *search, const char *host, const char *guest)
{
    bool any = false;
    for (size_t i = 0; i < HWCAP_COUNT && !search->failed; i++) {
        char *host_path = mem_printf("%s/%s%s", host, hwcaps[i], search->name);
        char *guest_path = mem_printf("%s/%s%s", guest, hwcaps[i], search->name);
        char *host_clean = path_clean(host_path), *guest_clean = path_clean(guest_path);
        search->found = false;
        take_candidate(search, host_clean, guest_clean);
        any |= search->found;
        free(host_path);
        free(guest_path);
        free(host_clean);
        free(guest_clean);
    }
    search->found = any;
}

/* Replaces $ORIGIN, $LIB and $PLATFORM, with or without braces. */
static char *expand(const char *text, size_t length, const char *origin)
{
    const struct {
        const char *name, *value;
    } tokens[] = {{"$ORIGIN", origin},
                  {"${ORIGIN}", origin},
                  {"$LIB", "lib/x86_64-linux-gnu"},
                  {"${LIB}", "lib/x86_64-linux-gnu"},
                  {"$PLATFORM", "x86_64"},
                  {"${PLATFORM}", "x86_64"}};
    struct buf out = {0};
    buf_string(&out, "");
    for (size_t at = 0; at < length;) {
        bool replaced = false;
        for (size_t i = 0; i < sizeof(tokens) / sizeof(*tokens) && !replaced; i++) {
            size_t size = strlen(tokens[i].name);
            replaced = size <= length - at && !strncmp(text + at, tokens[i].name, size);
            if (replaced) {
                buf_string(&out, tokens[i].value);
                at += size;
            }
        }
        if (!replaced)
            buf_add(&out, text + at++, 1);
    }
    return out.data;
}

/* Looks in a list of folders with colons (LD_LIBRARY_PATH: semicolons, too). */
static void search_list(struct search *search, const char *rule, const char *list,
                        const char *host_file, const char *guest_file)
{
    if (!list)
        return;
    search->rule = rule;
    char *host_origin = path_parent(host_file), *guest_origin = path_parent(guest_file);
    while (!search->found && !search->failed) {
        size_t length = strcspn(list, ":;");
        char *host = expand(list, length, host_origin), *guest = expand(list, length, guest_origin);
        if (*host == '/')
            search_folder(search, host, guest);
        free(host);
        free(guest);
        if (!list[length])
            break;
        list += length + 1;
    }
    free(host_origin);
    free(guest_origin);
}

/* Everything of that name in the cache: the plain library and those for certain processors. */
static void search_cache(struct search *search)
{
    const struct hostcache *cache = &search->closure->cache;
    const struct hostcache_entry *entry = hostcache_find(cache, search->name);
    search->rule = CACHE_PATH;
    bool any = false;
    for (; entry && entry < cache->entries + cache->count && !search->failed; entry++) {
        if (strcmp(entry->name, search->name))
            break;
        search->found = false;
        take_candidate(search, entry->path, entry->path);
        any |= search->found;
    }
    search->found = any;
}

static void search_folders(struct search *search, const char *const *folders)
{
    search->rule = "the standard folders";
    for (; *folders && !search->found && !search->failed; folders++)
        search_folder(search, *folders, *folders);
}

static struct closure_known *known_find(const struct closure *closure, const char *name)
{
    for (size_t i = 0; i < closure->known_count; i++)
        if (!strcmp(closure->known[i].name, name))
            return &closure->known[i];
    return NULL;
}

/* Cache and standard folders, once for each name. */
static void search_standard(struct search *search)
{
    struct closure *closure = search->closure;
    const struct closure_known *known = known_find(closure, search->name);
    if (known) {
        search->found = known->found;
        return;
    }
    if (closure->musl) {
        search_folders(search, closure->musl_folders.count
                                   ? (const char *const *)closure->musl_folders.items
                                   : musl_standard);
    } else {
        if (!closure->spec->layer_count)
            search_cache(search);
        if (!search->found)
            search_folders(search, standard_folders);
        if (!search->found && closure->spec->layer_count)
            search_cache(search);
    }
    closure->known =
        mem_resize(closure->known, (closure->known_count + 1) * sizeof(*closure->known));
    closure->known[closure->known_count++] =
        (struct closure_known){.name = mem_string(search->name), .found = search->found};
}

static bool names_origin(const struct elf *elf)
{
    return (elf->rpath && strstr(elf->rpath, "ORIGIN")) ||
           (elf->runpath && strstr(elf->runpath, "ORIGIN"));
}

static void search_all(struct search *search)
{
    struct closure *closure = search->closure;
    const struct object *object = search->object;
    const struct elf *elf = &object->elf;
    if (strchr(search->name, '/')) {
        search->rule = "its path";
        take_candidate(search, search->name, search->name);
        return;
    }
    if (closure->musl && musl_has(search->name)) {
        search->found = true;
        return;
    }
    if (!elf->runpath) {
        search_list(search, "its RPATH", elf->rpath, object->host, object->guest);
        if (!search->found && closure->program_rpath)
            search_list(search, "the program's RPATH", closure->program_rpath,
                        closure->program_origin, closure->program_origin);
    }
    if (!search->found)
        search_list(search, "LD_LIBRARY_PATH", closure->library_path, object->host, object->guest);
    if (!search->found)
        search_list(search, "its RUNPATH", elf->runpath, object->host, object->guest);
    if (!search->found && !elf->no_default)
        search_standard(search);
}

static bool has_soname(const struct closure *closure, const char *name)
{
    for (size_t i = 0; i < closure->sonames.count; i++)
        if (!strcmp(closure->sonames.items[i], name))
            return true;
    return false;
}

/* How loud a missing library is. */
enum missing { MISSING_IS_ERROR, MISSING_IS_NOTED, MISSING_IS_QUIET };

static bool missing_library(const struct search *search, enum missing missing)
{
    const char *who = search->object->host;
    if (missing == MISSING_IS_ERROR)
        return error_set(search->err,
                         "the library %s, which %s needs, is not on this host: install the "
                         "package that holds it",
                         search->name, who);
    if (missing == MISSING_IS_NOTED)
        say("the library %s, which %s needs, is not on this host", search->name, who);
    else
        say_verbose("the library %s, which %s needs, is not on this host", search->name, who);
    return true;
}

static bool add_needed(struct closure *closure, const struct object *object, const char *name,
                       enum missing missing, struct error *err)
{
    struct search search = {.closure = closure, .object = object, .name = name, .err = err};
    search_all(&search);
    if (search.failed)
        return false;
    return search.found || has_soname(closure, name) || missing_library(&search, missing);
}

static bool add_object(struct closure *closure, const struct object *object, enum missing missing,
                       struct error *err)
{
    bool good = true;
    closure->converts |= object->elf.converts;
    closure->names |= object->elf.names;
    closure->zones |= object->elf.zones;
    if (object->elf.translates)
        strlist_add(&closure->translators, object->host);
    if (object->elf.soname)
        strlist_add(&closure->sonames, object->elf.soname);
    for (size_t i = 0; good && i < object->elf.needed.count; i++)
        good = add_needed(closure, object, object->elf.needed.items[i], missing, err);
    if (good && object->elf.interpreter && !guest_has(closure, object->elf.interpreter))
        good = closure_add_path(closure, object->elf.interpreter, "the program's linker", err);
    return good;
}

static bool may_be_elf(const struct spec_entry *entry)
{
    const char *dot = strstr(path_base(entry->guest), ".so");
    bool is_library = dot && (dot[3] == 0 || dot[3] == '.');
    return entry->kind == ENTRY_FILE && (is_library || (entry->stamp.mode & 0111));
}

/* Whether host is loaded by the name of a link: what it lacks is then said for that name. */
static bool loaded_by_link(const struct closure *closure, const char *host)
{
    bool loaded = false;
    for (size_t i = 0; i < closure->links.count && !loaded; i++) {
        char *real = realpath(closure->links.items[i], NULL);
        loaded = real && !strcmp(real, host);
        free(real);
    }
    return loaded;
}

/* Looks at entry i, whose place in memory may change while its libraries are added. */
static bool scan_entry(struct closure *closure, size_t i, enum missing missing, struct error *err)
{
    struct spec_entry *entry = &closure->spec->entries[i];
    if (entry->scanned || !may_be_elf(entry))
        return true;
    char *host = mem_string(entry->source), *guest = mem_string(entry->guest);
    struct object object = {.host = host, .guest = guest};
    enum spec_tier tier = closure->spec->tier;
    if (missing != MISSING_IS_ERROR)
        missing = entry->tier == TIER_SYSTEM ? MISSING_IS_QUIET : MISSING_IS_NOTED;
    closure->spec->tier = entry->tier == TIER_APP ? TIER_FOLDERS : entry->tier;
    bool is_elf = elf_read(host, &object.elf, NULL) == ELF_GOOD;
    if (is_elf && names_origin(&object.elf) && loaded_by_link(closure, host))
        missing = MISSING_IS_QUIET;
    closure->spec->entries[i].scanned = is_elf;
    bool good = !is_elf || add_object(closure, &object, missing, err);
    closure->spec->tier = tier;
    elf_clear(&object.elf);
    free(host);
    free(guest);
    return good;
}

/* Looks at what is loaded by the name of link i, if that makes a difference. */
static bool scan_link(struct closure *closure, size_t i, enum missing missing, struct error *err)
{
    char *path = mem_string(closure->links.items[i]); /* the list may move */
    struct object object = {.host = path, .guest = path};
    bool other = elf_read(path, &object.elf, NULL) == ELF_GOOD && names_origin(&object.elf);
    bool good = !other || add_object(closure, &object, missing, err);
    elf_clear(&object.elf);
    free(path);
    return good;
}

static bool scan_entries(struct closure *closure, enum missing missing, struct error *err)
{
    bool good = true;
    progress_begin_late("looking for what is needed");
    while (good) {
        const size_t all = closure->spec->entry_count + closure->links.count;
        progress_set(100.0 * (double)(closure->scanned + closure->scanned_links) /
                     (double)(all + 1));
        if (closure->scanned < closure->spec->entry_count)
            good = scan_entry(closure, closure->scanned++, missing, err);
        else if (closure->scanned_links < closure->links.count)
            good = scan_link(closure, closure->scanned_links++, missing, err);
        else
            break;
    }
    progress_end();
    return good;
}

bool closure_add_entries(struct closure *closure, struct error *err)
{
    return scan_entries(closure, MISSING_IS_NOTED, err);
}

/* musl's list of folders, beside its linker's name: /etc/ld-musl-x86_64.path. */
static void read_musl_folders(struct closure *closure)
{
    struct buf text = {0};
    struct stat info;
    static const char path[] = "/etc/ld-musl-x86_64.path";
    if (watch_look(&closure->spec->watch, path, &info) && io_read_file(path, &text, NULL)) {
        char *rest = text.data;
        for (char *word; (word = strsep(&rest, ":\n"));)
            if (*word)
                strlist_add(&closure->musl_folders, word);
        closure_add_path(closure, path, "musl's list of folders", NULL);
    }
    buf_clear(&text);
}

static void take_program(struct closure *closure, const char *path, const struct elf *elf)
{
    free(closure->program_rpath);
    free(closure->program_origin);
    closure->program_rpath = elf->rpath && !elf->runpath ? mem_string(elf->rpath) : NULL;
    closure->program_origin = mem_string(path);
    if (elf->interpreter && strstr(elf->interpreter, "ld-musl")) {
        closure->musl = true;
        read_musl_folders(closure);
    }
}

/* pthread_cancel() and pthread_exit() load this one by name. */
static bool add_unwinder(struct closure *closure, const struct object *program, struct error *err)
{
    if (closure->musl || !program->elf.interpreter)
        return true;
    struct search search = {.closure = closure, .object = program, .name = "libgcc_s.so.1"};
    search.why = "loaded by glibc's threads, by its name";
    search.err = err;
    search_standard(&search);
    return !search.failed;
}

bool closure_add_program(struct closure *closure, const char *path, const char *guest,
                         struct error *err)
{
    struct object program = {0};
    struct stat info;
    char *real = NULL;
    if (!watch_follow(&closure->spec->watch, path, &info, &real))
        return error_errno(err, "%s", path);
    program.host = real;
    program.guest = guest ? guest : real;
    enum elf_kind kind = elf_read(real, &program.elf, err);
    bool good = kind == ELF_GOOD || (kind == ELF_NONE && error_set(err, "%s is no ELF file", path));
    if (good) {
        take_program(closure, real, &program.elf);
        good = (guest ? spec_add_file(closure->spec, guest, real, "the program", err)
                      : closure_add_path(closure, path, "the program", err)) &&
               scan_entries(closure, MISSING_IS_ERROR, err) &&
               add_object(closure, &program, MISSING_IS_ERROR, err) &&
               scan_entries(closure, MISSING_IS_ERROR, err) &&
               add_unwinder(closure, &program, err) && scan_entries(closure, MISSING_IS_ERROR, err);
    }
    elf_clear(&program.elf);
    free(real);
    return good;
}

bool closure_add_library(struct closure *closure, const char *name, const char *why,
                         struct error *err)
{
    static const struct object nobody = {.host = "", .guest = ""};
    struct search search = {.closure = closure, .object = &nobody, .name = name, .why = why};
    search.err = err;
    search_standard(&search);
    return !search.failed;
}

static bool keep_entry(void *context, const struct hostcache_entry *entry)
{
    return guest_has(context, entry->path);
}

bool closure_add_cache(struct closure *closure, struct error *err)
{
    struct spec_found found;
    bool dynamic = closure->sonames.count > 0;
    if (!dynamic || closure->musl || !closure->cache.count || closure->spec->layer_count)
        return true;
    if (spec_find(closure->spec, CACHE_PATH, true, &found)) {
        free(found.guest);
        return true;
    }
    struct buf text = {0};
    hostcache_write(&closure->cache, keep_entry, closure, &text);
    bool done = spec_add_data(closure->spec, CACHE_PATH, text.data, text.size, 0644,
                              "the libraries' cache", err);
    buf_clear(&text);
    return done;
}
