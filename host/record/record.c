/* Recording a command. */
#include "host/record/record.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/path.h"
#include "host/base/say.h"

/* Variables that decide which files a program finds. Only these go into the lock file: others may
 * hold secrets. */
static const char *const variables[] = {
    "PYTHONPATH",      "PYTHONHOME", "PYTHONUSERBASE", "PYTHONNOUSERSITE",
    "LD_LIBRARY_PATH", "LD_PRELOAD", "NODE_PATH",      "PERL5LIB",
    "RUBYLIB",         "LUA_PATH",   "LUA_CPATH",      "GCONV_PATH",
    "LOCPATH",         "TZDIR"};

static const char *value_in(const struct strlist *env, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < env->count; i++)
        if (!strncmp(env->items[i], name, length) && env->items[i][length] == '=')
            return env->items[i] + length + 1;
    return NULL;
}

/* A list with colons, its paths named as in the lock file. */
static void add_variable(struct lock *lock, const char *name, const char *value)
{
    struct buf out = {0};
    buf_printf(&out, "%s=", name);
    for (;;) {
        size_t length = strcspn(value, ":");
        char *part = mem_printf("%.*s", (int)length, value);
        char *clean = *part == '/' ? path_clean(part) : NULL;
        bool inside = clean && strcmp(lock->folder, "/") != 0 && path_under(clean, lock->folder);
        char *named = inside ? lock_name(lock->folder, clean, true) : mem_string(part);
        buf_string(&out, named);
        free(named);
        free(clean);
        free(part);
        if (!value[length])
            break;
        buf_string(&out, ":");
        value += length + 1;
    }
    strlist_add(&lock->env, out.data);
    buf_clear(&out);
}

static void add_environment(struct lock *lock, const struct tracer_command *command)
{
    for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++) {
        const char *value =
            command->env ? value_in(command->env, variables[i]) : getenv(variables[i]);
        if (value && *value)
            add_variable(lock, variables[i], value);
    }
}

static void say_what(const struct lock *lock, const char *path, size_t before)
{
    size_t files = 0, missing = 0;
    uint64_t bytes = 0;
    for (size_t i = 0; i < lock->count; i++) {
        files += lock->entries[i].kind == LOCK_FILE;
        missing += lock->entries[i].kind == LOCK_NONE;
        bytes += lock->entries[i].size;
    }
    say("recorded in %s: %zu file%s (%.1f MB), %zu path%s looked for in vain%s", path, files,
        files == 1 ? "" : "s", (double)bytes / 1e6, missing, missing == 1 ? "" : "s",
        before ? "; together with what stood there" : "");
}

/* The former recording; none if there is no file, or it isn't to count. */
static bool load_former(const struct record_request *request, struct lock *former,
                        struct error *err)
{
    *former = (struct lock){0};
    return request->anew || access(request->lock_path, F_OK) != 0 ||
           lock_load(request->lock_path, former, err);
}

static bool finish(const struct record_request *request, struct gather *gather, struct lock *former,
                   struct error *err)
{
    struct lock lock = {.folder = path_absolute(".")};
    bool good = true;
    for (size_t i = 0; request->keep && good && i < request->keep->count; i++)
        good = gather_keep(gather, request->keep->items[i], err);
    for (size_t i = 0; i < request->shown->count; i++)
        strlist_add(&lock.command, request->shown->items[i]);
    add_environment(&lock, &request->command);
    gather_finish(gather, &lock);
    lock_merge(&lock, former);
    good = good && lock_save(request->lock_path, &lock, err);
    if (good)
        say_what(&lock, request->lock_path, former->count);
    lock_clear(&lock);
    return good;
}

/* Two recordings can only be one if their relative names mean the same. */
static bool same_folder(const struct record_request *request, const struct lock *former,
                        struct error *err)
{
    char *here = path_absolute(".");
    bool same = !former->folder || !strcmp(former->folder, here);
    if (!same)
        error_set(err, "%s was recorded in %s: record there, or name another file with -o",
                  request->lock_path, former->folder);
    free(here);
    return same;
}

int record_run(const struct record_request *request, struct error *err)
{
    struct lock former;
    int status = -1;
    if (load_former(request, &former, err) && same_folder(request, &former, err)) {
        char *folder = path_absolute(".");
        struct gather *gather = gather_create(folder);
        say("runs %s for real on this host, to see what it uses; Ctrl-C ends it and keeps what was "
            "seen",
            request->shown->items[0]);
        status = tracer_run(&request->command, gather, err);
        if (status >= 0 && !finish(request, gather, &former, err))
            status = -1;
        gather_destroy(gather);
        free(folder);
    }
    lock_clear(&former);
    return status;
}
