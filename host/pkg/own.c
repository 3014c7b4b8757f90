/* Both kinds become a tree in the workshop, and that a layer. */
#include "host/pkg/own.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/io.h"
#include "host/base/path.h"
#include "host/base/say.h"
#include "host/base/store.h"
#include "host/image/image.h"
#include "host/pkg/command.h"
#include "host/pkg/manifest.h"
#include "host/pkg/pack.h"
#include "host/pkg/place.h"
#include "host/pkg/recipe.h"
#include "host/pkg/shelf.h"
#include "host/pkg/untar.h"

#define COPY_SIZE (1u << 20)

struct owning {
    const char *source, *name; /* as given; name may be NULL */
    struct shelf_item item;
    char *workshop, *tree;
    char *folder; /* with the manifest */
    struct error *err;
};

static void owning_clear(struct owning *own)
{
    if (own->workshop)
        shelf_remove_tree(own->workshop, NULL);
    shelf_item_clear(&own->item);
    free(own->workshop);
    free(own->tree);
    free(own->folder);
}

static bool owning_begin(struct owning *own)
{
    own->workshop = shelf_workshop(own->err);
    own->tree = own->workshop ? path_join(own->workshop, "tree") : NULL;
    return own->tree && (path_make_dirs(own->tree, true, 0755) ||
                         error_errno(own->err, "can't make %s", own->tree));
}

/* Name and version of what is called "lua_5.2.4"; the version that given names counts most. */
static bool set_name(struct owning *own, const char *called)
{
    struct package *package = &own->item.package;
    char *version = NULL;
    if (!recipe_split(own->name ? own->name : called, &package->name, &version, own->err))
        return own->name
                   ? false
                   : error_prefix(own->err, "%s makes no name (--name gives another)", own->source);
    if (version || !package->version) {
        free(package->version);
        package->version = version ? version : mem_string("0");
    }
    return true;
}

static size_t owner_is_first(const struct bill_origin *origin, const char *path)
{
    (void)origin, (void)path;
    return 1;
}

/* The finished tree becomes NAME_VERSION. */
static bool owning_store(struct owning *own, char **id)
{
    const struct package *package = &own->item.package;
    char *made = path_join(own->workshop, "package");
    char *layer = path_join(made, "layer.erofs"), *listing = path_join(made, "layer.list");
    struct bill_package itself = {.name = package->name, .version = package->version};
    struct bill_origin origin = {&itself, 1, owner_is_first, NULL};
    struct shelf_item old;
    *id = mem_printf("%s_%s", package->name, package->version);
    if (shelf_open(*id, &old, NULL) == 1)
        say("%s takes the place of the one in the store", *id);
    shelf_item_clear(&old);
    bool ok = (path_make_dirs(made, true, 0755) || error_errno(own->err, "can't make %s", made)) &&
              pack_write(own->tree, &origin, layer, listing, own->err) &&
              shelf_write_manifest(&own->item, made, own->err) && shelf_put(made, *id, own->err);
    free(layer);
    free(listing);
    free(made);
    return ok;
}

static bool has_manifest(const char *folder)
{
    char *path = path_join(folder, MANIFEST);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

static int name_is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* folder itself, or the one folder in it; NULL if neither holds a manifest. */
static char *find_folder(const char *folder)
{
    if (has_manifest(folder))
        return mem_string(folder);
    struct dirent **files = NULL;
    int count = scandir(folder, &files, name_is_shown, alphasort);
    char *only = count == 1 ? path_join(folder, files[0]->d_name) : NULL;
    for (int i = 0; i < count; i++)
        free(files[i]);
    free(files);
    if (only && has_manifest(only))
        return only;
    free(only);
    return NULL;
}

/* "lua_5.2.4" for "/x/lua_5.2.4.tar.gz". */
static char *name_of_archive(const char *source)
{
    static const char *const ends[] = {".gz", ".xz", ".zst", ".bz2", ".tgz", ".tar"};
    char *name = mem_string(path_base(source));
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
        size_t length = strlen(name), end = strlen(ends[i]);
        if (length > end && strcmp(name + length - end, ends[i]) == 0)
            name[length - end] = 0;
    }
    return name;
}

/* The folder with the manifest, an archive unpacked before; *called is what it is named. */
static bool open_folder(struct owning *own, const char *folder, bool archive, char **called)
{
    own->folder = find_folder(folder);
    if (!own->folder)
        return error_set(own->err,
                         "%s holds no " MANIFEST ", neither at its top nor in its one folder",
                         own->source);
    *called = archive && strcmp(own->folder, folder) == 0 ? name_of_archive(own->source)
                                                          : mem_string(path_base(own->folder));
    return true;
}

static bool open_source(struct owning *own, char **called)
{
    struct stat info = {0};
    if (stat(own->source, &info) != 0)
        return error_errno(own->err, "%s", own->source);
    bool archive = !S_ISDIR(info.st_mode);
    char *folder = archive ? path_join(own->workshop, "unpacked") : path_absolute(own->source);
    bool ok = folder != NULL;
    if (ok && archive)
        ok = (path_make_dirs(folder, true, 0755) ||
              error_errno(own->err, "can't make %s", folder)) &&
             untar(own->source, folder, own->err);
    ok = ok && open_folder(own, folder, archive, called);
    free(folder);
    return ok;
}

static bool take_manifest(struct owning *own)
{
    char *path = path_join(own->folder, MANIFEST), *called = path_join(own->source, MANIFEST);
    bool ok = manifest_read(path, called, &own->item.package, own->err);
    free(path);
    free(called);
    return ok;
}

static bool copy_all(const char *from, const char *to, struct error *err)
{
    const char *const argv[] = {"cp", "-a", "--no-preserve=ownership", "--reflink=auto", "-T", from,
                                to,   NULL};
    struct command command = {.argv = argv};
    return command_must(&command, err);
}

/* A program that begins with a slash lies in sysroot; any other beside it, and goes to "/". */
static bool put_program(struct owning *own)
{
    char **program = &own->item.package.program;
    if (*program && **program != '/') {
        char *from = path_join(own->folder, path_base(*program));
        char *guest = mem_printf("/%s", path_base(*program)), *to = place_path(own->tree, guest);
        bool ok = access(from, F_OK) == 0
                      ? copy_all(from, to, own->err)
                      : error_set(own->err, "%s: the program %s is not in the package", own->source,
                                  *program);
        free(*program);
        *program = guest;
        free(from);
        free(to);
        return ok;
    }
    struct stat info;
    char *path = place_path(own->tree, *program);
    bool there = lstat(path, &info) == 0;
    free(path);
    return there ||
           error_set(own->err, "%s: the program %s is not in its sysroot", own->source, *program);
}

static bool check_program(struct owning *own)
{
    struct stat info;
    const char *program = own->item.package.program;
    char *path = place_path(own->tree, program);
    bool file = lstat(path, &info) == 0 && S_ISREG(info.st_mode);
    bool ok = !file || (info.st_mode & 0111) ||
              error_set(own->err, "%s: the program %s may not be executed (chmod +x)", own->source,
                        program);
    free(path);
    return ok;
}

/* README.md is what `pkg describe` shows. */
static bool read_about(struct owning *own)
{
    char *path = path_join(own->folder, "README.md");
    struct buf text = {0};
    if (io_read_file(path, &text, NULL) && text.size)
        own->item.description = mem_string(text.data);
    if (!own->item.package.summary)
        own->item.package.summary = mem_printf("of %s", path_base(own->source));
    buf_clear(&text);
    free(path);
    return true;
}

static bool put_files(struct owning *own)
{
    char *sysroot = path_join(own->folder, "sysroot");
    bool ok = access(sysroot, F_OK) != 0 || copy_all(sysroot, own->tree, own->err);
    free(sysroot);
    return ok && put_program(own) && check_program(own);
}

static bool add_locked(struct owning *own, char **id)
{
    char *called = NULL;
    bool ok = owning_begin(own) && open_source(own, &called) && take_manifest(own) &&
              put_files(own) && read_about(own) && set_name(own, called);
    if (ok && !own->item.package.args.count)
        strlist_add(&own->item.package.args, own->item.package.program);
    own->item.origin = mem_printf("added from %s", path_base(own->source));
    free(called);
    return ok && owning_store(own, id);
}

/* Does the work with the lock held; the signals that end us meanwhile clean up first. */
static bool with_lock(struct owning *own, bool (*work)(struct owning *own, char **id), char **id)
{
    *id = NULL;
    int lock = store_lock("packages", own->err);
    if (lock < 0)
        return false;
    mode_t mask = umask(022); /* what is made here has Debian's modes */
    bool ok = work(own, id);
    umask(mask);
    owning_clear(own);
    close(lock);
    if (!ok) {
        free(*id);
        *id = NULL;
    }
    return ok;
}

bool own_add(const char *source, const char *name, char **id, struct error *err)
{
    struct owning own = {.source = source, .name = name, .err = err};
    return with_lock(&own, add_locked, id);
}

/* Writes one layer of an image to a file of its own. */
static bool layer_save(int image, const struct orris_layer *layer, const char *path,
                       struct error *err)
{
    int out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    char *data = mem_alloc(COPY_SIZE);
    bool ok = out >= 0;
    for (uint64_t at = 0; ok && at < layer->size; at += COPY_SIZE) {
        size_t part = layer->size - at < COPY_SIZE ? (size_t)(layer->size - at) : COPY_SIZE;
        ok = io_pread(image, data, part, (off_t)(layer->offset + at)) == (ssize_t)part &&
             io_write(out, data, part);
    }
    free(data);
    if (out >= 0)
        close(out);
    return ok || error_errno(err, "can't write %s", path);
}

/* What is the host's at the time of a run is not the package's. */
static bool is_package_variable(const char *variable)
{
    static const char *const others[] = {
        "PATH=", "HOME=", "LANG=", "LANGUAGE=", "LC_", "TZ=", "TERM="};
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        if (strncmp(variable, others[i], strlen(others[i])) == 0)
            return false;
    return true;
}

static void take_record(struct package *package, const struct orris_record *record,
                        const char *payload)
{
    char *text = mem_printf("%.*s", (int)record->size, payload);
    if (record->type == ORRIS_RECORD_PROGRAM) {
        free(package->program);
        package->program = mem_string(text);
    } else if (record->type == ORRIS_RECORD_ARG) {
        strlist_add(&package->args, text);
    } else if (record->type == ORRIS_RECORD_ENV && is_package_variable(text)) {
        strlist_add(&package->env, text);
    }
    free(text);
}

static bool take_layers(struct owning *own, int fd, const struct image_info *info)
{
    bool ok = true;
    char *layer = path_join(own->workshop, "layer");
    for (unsigned i = 0; ok && i < info->layer_count; i++)
        ok = layer_save(fd, &info->layers[i], layer, own->err) &&
             pack_extract(layer, own->tree, own->err);
    free(layer);
    return ok;
}

static bool add_image_locked(struct owning *own, char **id)
{
    struct image_info info = {0};
    struct orris_record record;
    const char *payload;
    int fd = open(own->source, O_RDONLY | O_CLOEXEC);
    bool ok = (fd >= 0 || error_errno(own->err, "%s", own->source)) && owning_begin(own) &&
              image_read(fd, own->source, &info, own->err);
    for (size_t at = 0; ok && record_next(&info.records, &at, &record, &payload);)
        take_record(&own->item.package, &record, payload);
    ok = ok && take_layers(own, fd, &info) && set_name(own, own->name);
    image_info_clear(&info);
    if (fd >= 0)
        close(fd);
    own->item.package.summary = mem_printf("what a run of %s needed", own->item.package.program);
    own->item.origin = mem_string("a run on this host");
    return ok && owning_store(own, id);
}

bool own_add_image(const char *image, const char *name, char **id, struct error *err)
{
    struct owning own = {.source = image, .name = name, .err = err};
    return with_lock(&own, add_image_locked, id);
}
