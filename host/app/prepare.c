/*
 * From a request to an image ready to boot: by what is remembered when nothing changed, by making
 * one layer again when only the application's own files did, else by looking for everything.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/app/app.h"
#include "host/app/guestenv.h"
#include "host/app/leaks.h"
#include "host/app/limit.h"
#include "host/app/memo.h"
#include "host/app/resolve.h"
#include "host/app/trim.h"
#include "host/base/path.h"
#include "host/base/say.h"
#include "host/base/store.h"
#include "host/image/image.h"
#include "host/image/layer.h"

#define APP_BIT (1u << TIER_APP)

void app_clear(struct app *app)
{
    free(app->image_path);
    if (app->image_fd > 0)
        close(app->image_fd);
    strlist_clear(&app->args);
    strlist_clear(&app->env);
    strlist_clear(&app->env_private);
    strlist_clear(&app->mounts);
    strlist_clear(&app->ports);
    strlist_clear(&app->network);
    free(app->workdir);
    *app = (struct app){0};
}

static uint64_t stamp_of_fd(int fd)
{
    struct stat info;
    return fstat(fd, &info) ? 0 : stamp_hash(&info);
}

/* Opens the image that the memo speaks of, if it is still the same. */
static int open_known(const struct memo *memo)
{
    int fd = open(memo->image_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    while (flock(fd, LOCK_SH) && errno == EINTR)
        continue;
    if (stamp_of_fd(fd) == memo->numbers.image_stamp)
        return fd;
    close(fd);
    return -1;
}

/* Puts the image together from the memo's layers and remembers that. */
static bool assemble(struct memo *memo, const char *path, int *fd, bool *fresh, struct error *err)
{
    char *image = NULL;
    if (!image_assemble(memo->name, &memo->content, &image, fd, fresh, err))
        return false;
    free(memo->image_path);
    memo->image_path = image;
    memo->numbers.image_stamp = stamp_of_fd(*fd);
    struct error why;
    if (!memo_save(path, memo, &why)) /* the image is good without it; the next run takes longer */
        say_verbose("not remembered: %s", why.text);
    return true;
}

/* Makes the application's layer again. False if that isn't possible: then all is looked for. */
static bool remake_app_layer(struct memo *memo)
{
    uint32_t index = memo->numbers.app_layer;
    if (index >= memo->content.layers.count || !memo->recipe.size ||
        (*memo->script && memo_line_hash(memo->script) != memo->numbers.line_hash))
        return false;
    int64_t newest_ns = 0;
    if (!watch_refresh(memo->watch.data, memo->watch.size, APP_BIT, &newest_ns))
        return false;
    watch_settle(newest_ns);
    char *layer;
    bool stale;
    if (!layer_remake(memo->recipe.data, memo->recipe.size, &layer, &stale, NULL))
        return false;
    free(memo->content.layers.items[index]);
    memo->content.layers.items[index] = layer;
    return true;
}

/* Tries what is remembered. False if everything must be looked for. */
static bool prepare_known(const struct app_request *request, struct memo *memo, const char *path,
                          int *fd, bool *fresh)
{
    if (!memo_load(path, memo) || !memo_variables_hold(memo))
        return false;
    unsigned changed = watch_check(memo->watch.data, memo->watch.size);
    if (changed & (request->locked ? ~0u : ~APP_BIT)) /* a lock file's reader says what changed */
        return false;
    if (changed && !remake_app_layer(memo))
        return false;
    *fd = changed ? -1 : open_known(memo);
    if (*fd >= 0)
        return true;
    return assemble(memo, path, fd, fresh, NULL);
}

static void add_list(const struct strlist *from, struct strlist *to)
{
    for (size_t i = 0; i < from->count; i++)
        strlist_add(to, from->items[i]);
}

static void move_list(struct strlist *from, struct strlist *to)
{
    *to = *from;
    *from = (struct strlist){0};
}

/* The index of the application's layer: the last one, if the tier has one. */
static uint32_t app_layer_index(const struct memo *memo)
{
    return memo->recipe.size ? (uint32_t)memo->content.layers.count - 1 : MEMO_NO_LAYER;
}

/* Whether a library came along that has variables for its threads. */
static bool has_numeric(const struct image_spec *spec)
{
    static const char *const names[] = {"libgomp.so",  "libomp.so", "libiomp5.so",
                                        "libopenblas", "libblis",   "libmkl_"};
    for (size_t i = 0; i < spec->entry_count; i++)
        for (size_t k = 0; k < sizeof(names) / sizeof(*names); k++)
            if (!strncmp(path_base(spec->entries[i].guest), names[k], strlen(names[k])))
                return true;
    return false;
}

static void memo_fill(struct memo *memo, struct resolved *found)
{
    struct image_spec *spec = &found->spec;
    memo->name = mem_string(spec->name);
    memo->workdir = mem_string(spec->workdir ? spec->workdir : "");
    memo->script = mem_string(found->script ? found->script : "");
    memo->numbers =
        (struct memo_numbers){.memory_bytes = found->memory_bytes,
                              .cpus = found->cpus,
                              .emulate = found->emulate,
                              .runtime = found->runtime,
                              .numeric = found->runtime == RUNTIME_PYTHON || has_numeric(spec),
                              .line_hash = found->script ? memo_line_hash(found->script) : 0};
    add_list(&spec->args, &memo->args);
    move_list(&found->more_args, &memo->more_args);
    add_list(&memo->more_args, &spec->args);
    image_records(spec, &memo->content.records);
    move_list(&spec->env, &memo->env);
    move_list(&found->notes, &memo->notes);
    move_list(&found->mounts, &memo->mounts);
    move_list(&found->ports, &memo->ports);
    move_list(&found->network, &memo->network);
    for (size_t i = 0; i < spec->variables.count; i++)
        memo_add_variable(memo, spec->variables.items[i]);
}

/* Looks for everything and builds the image. */
static bool prepare_anew(const struct app_request *request, struct memo *memo, const char *path,
                         int *fd, bool *fresh, struct error *err)
{
    struct resolved found;
    bool good = resolve(request, &found, err);
    if (good) {
        leaks_note(&found.spec);
        memo_fill(memo, &found);
        spec_watch_entries(&found.spec);
        watch_settle(found.spec.watch.newest_ctime_ns);
        good = image_layers(&found.spec, &memo->content, fresh, err);
    }
    if (good) {
        layer_recipe(&found.spec, TIER_APP, &memo->recipe);
        memo->numbers.app_layer = app_layer_index(memo);
        watch_save(&found.spec.watch, &memo->watch);
        good = assemble(memo, path, fd, fresh, err);
    }
    resolved_clear(&found);
    return good;
}

/* The names of assignments. */
static void add_names(const struct strlist *env, struct strlist *names)
{
    for (size_t i = 0; i < env->count; i++) {
        char *name = mem_printf("%.*s", (int)strcspn(env->items[i], "="), env->items[i]);
        strlist_add(names, name);
        free(name);
    }
}

/* argv and environment of this run: what is remembered, then what the request adds. */
static bool app_fill(const struct app_request *request, struct memo *memo, struct app *app,
                     struct error *err)
{
    const struct strlist none = {0};
    app->image_path = mem_string(memo->image_path);
    app->workdir = *memo->workdir ? mem_string(memo->workdir) : NULL;
    app->memory_bytes = request->memory_bytes ? request->memory_bytes : memo->numbers.memory_bytes;
    app->emulate = memo->numbers.emulate;
    app->cpus = request->cpus ? request->cpus : memo->numbers.cpus;
    move_list(&memo->args, &app->args);
    move_list(&memo->env, &app->env);
    move_list(&memo->mounts, &app->mounts);
    move_list(&memo->ports, &app->ports);
    move_list(&memo->network, &app->network);
    if (!request->bake) {
        add_list(&request->program_args, &app->args);
        add_list(&memo->more_args, &app->args);
        add_list(&request->args, &app->args);
    }
    if (!guestenv_add(&app->env, &(struct pairs){0}, request->bake ? &none : &request->env, err))
        return false;
    add_names(&request->env, &app->env_private);
    guestenv_add_default(&app->env);
    guestenv_add_host(&app->env);
    for (size_t i = 0; i < memo->notes.count; i++)
        say("%s", memo->notes.items[i]);
    const struct memo_numbers *numbers = &memo->numbers;
    guestenv_note_left(&app->env,
                       &(struct guestenv_readers){.python = numbers->runtime == RUNTIME_PYTHON,
                                                  .node = numbers->runtime == RUNTIME_NODE,
                                                  .numeric = numbers->numeric});
    return true;
}

bool app_prepare(const struct app_request *request, struct app *app, struct error *err)
{
    *app = (struct app){.image_fd = -1};
    if (request->trim && !trim_record(request, err))
        return false;
    char *path = memo_path(request, err);
    if (!path)
        return false;
    struct memo memo = {0};
    int builders = store_lock_shared(STORE_BUILDERS, err);
    bool good = builders >= 0;
    if (good && !prepare_known(request, &memo, path, &app->image_fd, &app->fresh)) {
        memo_clear(&memo);
        good = prepare_anew(request, &memo, path, &app->image_fd, &app->fresh, err);
    }
    if (builders >= 0)
        close(builders);
    if (good && app->fresh)
        limit_keep(memo.image_path);
    good = good && app_fill(request, &memo, app, err);
    memo_clear(&memo);
    free(path);
    return good;
}
