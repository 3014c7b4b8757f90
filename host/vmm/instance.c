/* Machines in the background: what is written down about them. */
#include "host/vmm/instance.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/io.h"
#include "host/base/path.h"
#include "host/base/store.h"
#include "host/vmm/qmp.h"

#define STOP_PATIENCE_MS 15000 /* longer than the grace that the relay gives a program */
#define STOP_STEP_MS 50
#define NAMES_TRIED 10000

static const char *const files[] = {"state.json", "log", "qmp", "lock"};

char *instance_file(const struct instance *instance, const char *name)
{
    return path_join(instance->folder, name);
}

static bool check_name(const char *name, struct error *err)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    return (*name && *name != '.' && *name != '-' && !name[strspn(name, good)] &&
            strlen(name) < 128) ||
           error_set(err, "\"%s\": an instance's name is a word of letters, digits and . _ -",
                     name);
}

/* An exclusive lock on the instance, without waiting; -1 if somebody has it. */
static int lock_take(const struct instance *instance)
{
    char *path = instance_file(instance, "lock");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    free(path);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

bool instance_runs(const struct instance *instance)
{
    char *path = instance_file(instance, "lock");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    free(path);
    bool runs = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0;
    if (fd >= 0)
        close(fd);
    return runs;
}

/* The image's name without its folder and ending. */
static char *name_of_image(const char *image)
{
    char *name = mem_string(path_base(image));
    size_t length = strlen(name);
    if (length > 4 && strcmp(name + length - 4, ".img") == 0)
        name[length - 4] = 0;
    return name;
}

/* Makes the folder of that name. Returns 1, 0 if there is one, -1 with err set. */
static int make_folder(const char *parent, const char *name, struct instance *instance,
                       struct error *err)
{
    free(instance->name);
    free(instance->folder);
    instance->name = mem_string(name);
    instance->folder = path_join(parent, name);
    if (mkdir(instance->folder, 0700) == 0)
        return 1;
    if (errno == EEXIST)
        return 0;
    error_errno(err, "can't make %s", instance->folder);
    return -1;
}

static bool make_named(const char *name, const char *parent, struct instance *instance,
                       struct error *err)
{
    int made = check_name(name, err) ? make_folder(parent, name, instance, err) : -1;
    if (made == 0)
        error_set(err, "there is an instance %s already; `orris instance delete %s` removes it",
                  name, name);
    return made > 0;
}

/* The image's name, or that with a number. */
static bool make_unnamed(const char *parent, struct instance *instance, struct error *err)
{
    char *base = name_of_image(instance->image);
    int made = 0;
    for (unsigned i = 1; made == 0 && i < NAMES_TRIED; i++) {
        char *name = i > 1 ? mem_printf("%s-%u", base, i) : mem_string(base);
        made = check_name(name, err) ? make_folder(parent, name, instance, err) : -1;
        free(name);
    }
    free(base);
    return made > 0;
}

int instance_create(const char *name, const char *image, struct instance *instance,
                    struct error *err)
{
    *instance = (struct instance){.image = mem_string(image), .created = time(NULL)};
    char *parent = store_path("instances", true, err);
    bool good = parent && (name ? make_named(name, parent, instance, err)
                                : make_unnamed(parent, instance, err));
    free(parent);
    int lock = good ? lock_take(instance) : -1;
    if (good && lock < 0)
        error_errno(err, "can't lock %s", instance->folder);
    return lock;
}

bool instance_save(const struct instance *instance, struct error *err)
{
    json_t *state = json_pack("{s:s, s:s, s:I, s:I, s:I, s:i}", "name", instance->name, "image",
                              instance->image, "pid", (json_int_t)instance->pid, "created",
                              (json_int_t)instance->created, "ended", (json_int_t)instance->ended,
                              "status", instance->status);
    char *text = json_dumps(state, JSON_INDENT(2)), *path = instance_file(instance, "state.json");
    bool good = text ? io_write_file(path, text, strlen(text), 0600, err)
                     : error_set(err, "can't write down %s", instance->name);
    json_decref(state);
    free(text);
    free(path);
    return good;
}

bool instance_load(const char *name, struct instance *instance, struct error *err)
{
    *instance = (struct instance){0};
    if (!check_name(name, err))
        return false;
    char *sub = mem_printf("instances/%s", name);
    instance->name = mem_string(name);
    instance->folder = store_path(sub, false, err);
    free(sub);
    if (!instance->folder)
        return false;
    if (access(instance->folder, F_OK) != 0)
        return error_set(err, "there is no instance %s; `orris instance list` shows them", name);
    instance->running = instance_runs(instance); /* before its state is read: that comes last */
    char *path = instance_file(instance, "state.json");
    json_t *state = json_load_file(path, 0, NULL);
    free(path);
    const char *image = json_string_value(json_object_get(state, "image"));
    instance->image = mem_string(image ? image : "");
    instance->pid = (pid_t)json_integer_value(json_object_get(state, "pid"));
    instance->created = json_integer_value(json_object_get(state, "created"));
    instance->ended = json_integer_value(json_object_get(state, "ended"));
    instance->status = (int)json_integer_value(json_object_get(state, "status"));
    json_decref(state);
    return true;
}

static int is_instance(const struct dirent *entry)
{
    struct error unused;
    return check_name(entry->d_name, &unused);
}

bool instance_list_load(struct instance_list *list, struct error *err)
{
    struct dirent **entries = NULL;
    char *folder = store_path("instances", true, err);
    int count = folder ? scandir(folder, &entries, is_instance, alphasort) : -1;
    bool good = count >= 0 || (folder && error_errno(err, "%s", folder));
    free(folder);
    list->items = mem_alloc(((size_t)(count > 0 ? count : 0) + 1) * sizeof(*list->items));
    for (int i = 0; i < count; i++) {
        struct instance *item = &list->items[list->count];
        struct error gone; /* meanwhile */
        if (instance_load(entries[i]->d_name, item, &gone))
            list->count++;
        else
            instance_clear(item);
        free(entries[i]);
    }
    free(entries);
    return good;
}

void instance_clear(struct instance *instance)
{
    free(instance->name);
    free(instance->folder);
    free(instance->image);
    *instance = (struct instance){0};
}

void instance_list_clear(struct instance_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        instance_clear(&list->items[i]);
    free(list->items);
    *list = (struct instance_list){0};
}

static bool wait_for_end(const struct instance *instance)
{
    const struct timespec step = {.tv_nsec = STOP_STEP_MS * 1000000};
    for (int left = STOP_PATIENCE_MS; left > 0 && instance_runs(instance); left -= STOP_STEP_MS)
        nanosleep(&step, NULL);
    return !instance_runs(instance);
}

bool instance_stop(struct instance *instance, struct error *err)
{
    if (!instance->running)
        return true;
    if (instance->pid > 0)
        kill(instance->pid, SIGTERM); /* the tool that looks after it hands it on */
    if (wait_for_end(instance))
        return true;
    json_t *answer = qmp_execute(instance->folder, "qmp", "quit", err);
    json_decref(answer);
    return wait_for_end(instance) || error_set(err, "%s does not end", instance->name);
}

bool instance_delete(struct instance *instance, struct error *err)
{
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        char *path = instance_file(instance, files[i]);
        unlink(path);
        free(path);
    }
    return rmdir(instance->folder) == 0 || error_errno(err, "can't remove %s", instance->folder);
}
