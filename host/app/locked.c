/*
 * An image of what a recording saw: every line of the lock file becomes an entry, with the mode and
 * the time that stand there, and what is otherwise on the host by now is told.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/app/guestenv.h"
#include "host/app/launch.h"
#include "host/base/path.h"
#include "host/base/say.h"
#include "host/record/lock.h"

#define NAMED 5u /* so many changed paths are named */
#define NS_PER_SECOND 1000000000ll

/* Paths for one note. */
struct tally {
    struct buf names;
    size_t count;
};

struct locked {
    struct launch *launch;
    const struct lock *lock;
    struct tally changed, gone, new;
    bool in_home; /* files of the home folder are among them */
    struct error *err;
};

static void tally_add(struct tally *tally, const char *name)
{
    if (tally->count++ < NAMED)
        buf_printf(&tally->names, "%s%s", tally->count > 1 ? ", " : "", name);
}

static void tally_note(struct tally *tally, const char *what, const char *lock_path,
                       struct strlist *notes)
{
    if (tally->count > NAMED)
        buf_printf(&tally->names, " and %zu more", tally->count - NAMED);
    char *note = mem_printf("%s since %s was recorded: %s", what, lock_path,
                            tally->count ? tally->names.data : "");
    if (tally->count)
        strlist_add(notes, note);
    free(note);
    buf_clear(&tally->names);
}

/* Whether a file is known by its absolute path: as the script is, or by the interpreter (a virtual
 * environment, a folder of its search path). */
static bool stays(const struct locked *it, const char *host)
{
    const struct launch *launch = it->launch;
    bool stays = launch->script && !strcmp(launch->script, launch->script_guest) &&
                 path_under(host, it->lock->folder);
    for (size_t i = 0; !stays && i < launch->roots.count; i++)
        stays = path_under(host, launch->roots.items[i]);
    return stays;
}

/* Where the entry's file lies in the image. What was named relative to the command's folder moves
 * with it to where the program starts. */
static char *guest_path(const struct locked *it, const struct lock_entry *entry, const char *host)
{
    const struct launch *launch = it->launch;
    if (lock_is_inside(entry->name) && !stays(it, host))
        return launch_guest_path(launch, entry->name);
    return mem_string(host);
}

/* Whether the file's content is what was recorded. */
static bool is_same(const struct lock_entry *entry, const char *host, const struct stat *info)
{
    uint8_t digest[SHA256_SIZE];
    struct error err;
    int64_t mtime_ns = info->st_mtim.tv_sec * NS_PER_SECOND + info->st_mtim.tv_nsec;
    if ((uint64_t)info->st_size != entry->size)
        return false;
    return mtime_ns == entry->mtime_ns ||
           (sha256_file(host, digest, &err) && !memcmp(digest, entry->sha256, sizeof(digest)));
}

static bool add_file(struct locked *it, const struct lock_entry *entry, const char *host,
                     const char *guest, const char *why)
{
    struct image_spec *spec = it->launch->closure->spec;
    struct stat info;
    if (lstat(host, &info) || !S_ISREG(info.st_mode)) {
        tally_add(&it->gone, entry->name);
        return true;
    }
    if (!is_same(entry, host, &info)) {
        tally_add(&it->changed, entry->name);
        return spec_add_file(spec, guest, host, why, it->err);
    }
    struct spec_look look = {.mode = entry->mode, .mtime_ns = entry->mtime_ns};
    return spec_add_file_as(spec, guest, host, &look, why, it->err);
}

static bool add_link(struct locked *it, const struct lock_entry *entry, const char *host,
                     const char *guest, const char *why)
{
    char *target = path_read_link(host);
    bool same = target && !strcmp(target, entry->target);
    if (!same)
        tally_add(target ? &it->changed : &it->gone, entry->name);
    bool done = !target || spec_add_link(it->launch->closure->spec, guest, target, why, it->err);
    free(target);
    return done;
}

static bool add_folder(struct locked *it, const struct lock_entry *entry, const char *host,
                       const char *guest, const char *why)
{
    struct stat info;
    if (stat(host, &info) || !S_ISDIR(info.st_mode))
        tally_add(&it->gone, entry->name);
    return !strcmp(guest, "/") ||
           spec_add_empty_dir(it->launch->closure->spec, guest, entry->mode, why, it->err);
}

static bool add_entry(struct locked *it, const struct lock_entry *entry)
{
    struct image_spec *spec = it->launch->closure->spec;
    struct stat info;
    char *host = lock_host_path(it->lock, entry), *guest = guest_path(it, entry, host);
    const char *why = entry->why && *entry->why ? entry->why : "in the lock file";
    bool done = true;
    watch_look(&spec->watch, host, &info);
    spec->tier = lock_is_inside(entry->name) ? TIER_FOLDERS : TIER_SYSTEM;
    it->in_home |= entry->kind == LOCK_FILE && *entry->name == '~';
    if (entry->kind == LOCK_FILE)
        done = add_file(it, entry, host, guest, why);
    else if (entry->kind == LOCK_LINK)
        done = add_link(it, entry, host, guest, why);
    else if (entry->kind == LOCK_FOLDER)
        done = add_folder(it, entry, host, guest, why);
    else if (lstat(host, &info) == 0)
        tally_add(&it->new, entry->name);
    free(host);
    free(guest);
    return done;
}

static void set_variable(struct locked *it, const char *assignment)
{
    struct closure *closure = it->launch->closure;
    char *name = mem_printf("%.*s", (int)strcspn(assignment, "="), assignment);
    if (!guestenv_get(&closure->env, name)) {
        guestenv_set(&closure->env, assignment);
        guestenv_set(&closure->spec->env, assignment);
    }
    free(name);
}

/* A variable of the recording: the parts of its value that name what lies in the command's folder
 * move with it. */
static void add_variable(struct locked *it, const char *assignment)
{
    struct buf out = {0};
    const char *at = strchr(assignment, '=') + 1;
    buf_printf(&out, "%.*s", (int)(at - assignment), assignment);
    for (;;) {
        size_t length = strcspn(at, ":");
        char *part = mem_printf("%.*s", (int)length, at);
        char *moved = lock_is_inside(part) ? launch_guest_path(it->launch, part) : mem_string(part);
        buf_string(&out, moved);
        free(moved);
        free(part);
        if (!at[length])
            break;
        buf_string(&out, ":");
        at += length + 1;
    }
    set_variable(it, out.data);
    buf_clear(&out);
}

static void add_environment(struct locked *it)
{
    for (size_t i = 0; i < it->lock->env.count; i++)
        add_variable(it, it->lock->env.items[i]);
    const char *home = getenv("HOME");
    if (it->in_home && home) {
        char *assignment = mem_printf("HOME=%s", home);
        set_variable(it, assignment);
        free(assignment);
    }
}

bool locked_add(struct launch *launch, const char *lock_path, struct strlist *notes,
                struct error *err)
{
    struct locked it = {.launch = launch, .lock = launch->lock, .err = err};
    bool good = true;
    for (size_t i = 0; good && i < it.lock->count; i++)
        good = add_entry(&it, &it.lock->entries[i]);
    add_environment(&it);
    tally_note(&it.changed, "changed", lock_path, notes);
    tally_note(&it.gone, "gone", lock_path, notes);
    tally_note(&it.new, "come into being", lock_path, notes);
    return good;
}
