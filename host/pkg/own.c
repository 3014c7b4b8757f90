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
#include "host/base/escape.h"
#include "host/base/inroot.h"
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

#define README "README.md"
#define SYSROOT "sysroot"
#define COPY_SIZE (1u << 20)
#define VERSION_MAX 100u /* bytes: of a folder's name, with the package's */

struct owning {
    const char *source, *name; /* as given; name may be NULL */
    struct shelf_item item;
    char *workshop, *tree;
    char *folder; /* with the manifest */
    int root;     /* the same, opened; 0: not yet */
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
    if (own->root > 0)
        close(own->root);
}

static bool owning_begin(struct owning *own)
{
    own->workshop = shelf_workshop(own->err);
    own->tree = own->workshop ? path_join(own->workshop, "tree") : NULL;
    return own->tree && (path_make_dirs(own->tree, true, 0755) ||
                         error_errno(own->err, "can't make %s", own->tree));
}

/* The manifest may say what it likes; the version becomes part of a folder's name. */
static bool check_version(const struct owning *own, const char *version)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  ".+~-_:";
    bool good = *version && *version != '.' && version[strspn(version, allowed)] == 0 &&
                strlen(version) < VERSION_MAX;
    return good || error_set(own->err,
                             "%s: \"%.200s\" can't be a version: letters, digits and .+~-_: are "
                             "allowed (--name NAME_VERSION gives another)",
                             own->source, version);
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
    return check_version(own, package->version);
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
              (pack_write(own->tree, &origin, layer, listing, own->err) ||
               error_prefix(own->err, "%s", own->source)) &&
              shelf_write_manifest(&own->item, made, own->err) && shelf_put(made, *id, own->err);
    free(layer);
    free(listing);
    free(made);
    return ok;
}

/* The folder's descriptor if a manifest is in it, were it a link; else -1. */
static int open_with_manifest(const char *folder, int flags)
{
    struct stat info;
    int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC | flags);
    if (fd < 0 || fstatat(fd, MANIFEST, &info, AT_SYMLINK_NOFOLLOW) == 0)
        return fd;
    close(fd);
    return -1;
}

static int name_is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* folder itself, or the one folder in it (which is no link); NULL if neither holds a manifest. */
static char *find_folder(const char *folder, int *root)
{
    *root = open_with_manifest(folder, 0);
    if (*root >= 0)
        return mem_string(folder);
    struct dirent **files = NULL;
    int count = scandir(folder, &files, name_is_shown, alphasort);
    char *only = count == 1 ? path_join(folder, files[0]->d_name) : NULL;
    for (int i = 0; i < count; i++)
        free(files[i]);
    free(files);
    *root = only ? open_with_manifest(only, O_NOFOLLOW) : -1;
    if (*root >= 0)
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
    own->folder = find_folder(folder, &own->root);
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

/* Manifest and README are files of the package itself: a link could name one of the host's. */
static bool own_text(const struct owning *own, const char *name, const char *called,
                     struct buf *text, struct error *err)
{
    buf_string(text, "");
    if (inroot_read(own->root, name, INROOT_NO_LINKS, text))
        return true;
    if (errno == ELOOP)
        return error_set(err, "%s is a link, and isn't read: it must be a file of the package",
                         called);
    if (errno == EINVAL)
        return error_set(err, "%s is no regular file", called);
    return error_errno(err, "%s", called);
}

static bool take_manifest(struct owning *own)
{
    char *called = path_join(own->source, MANIFEST);
    struct buf text = {0};
    bool ok = own_text(own, MANIFEST, called, &text, own->err) &&
              manifest_read(text.data, text.size, called, &own->item.package, own->err);
    buf_clear(&text);
    free(called);
    return ok;
}

/* links: "-P" to copy them, "-L" to follow them. */
static bool copy_all(const char *from, const char *links, const char *to, struct error *err)
{
    const char *const argv[] = {
        "cp", "-a", links, "--no-preserve=ownership", "--reflink=auto", "-T", from, to, NULL};
    struct command command = {.argv = argv};
    return command_must(&command, err);
}

static bool put_program_beside(struct owning *own, char **program)
{
    char *name = mem_string(path_base(*program));
    int fd = inroot_open_file(own->root, name, INROOT_LINKS);
    bool ok = fd >= 0;
    if (!ok)
        error_set(own->err, "%s: the program %s is not in the package: %s", own->source, *program,
                  errno == EINVAL ? "no regular file" : strerror(errno));
    char *guest = mem_printf("/%s", name), *to = place_path(own->tree, guest);
    char *from = mem_printf("/proc/%d/fd/%d", (int)getpid(), fd); /* the file that was found */
    ok = ok && copy_all(from, "-L", to, own->err);
    if (fd >= 0)
        close(fd);
    free(*program);
    *program = guest;
    free(name);
    free(from);
    free(to);
    return ok;
}

/* A program that begins with a slash lies in sysroot; any other beside it, and goes to "/". */
static bool put_program(struct owning *own)
{
    char **program = &own->item.package.program;
    if (**program != '/')
        return put_program_beside(own, program);
    struct stat info;
    return place_stat(own->tree, *program, false, &info) ||
           error_set(own->err, "%s: the program %s is not in its sysroot", own->source, *program);
}

static bool check_program(struct owning *own)
{
    struct stat info;
    const char *program = own->item.package.program;
    bool there = place_stat(own->tree, program, true, &info);
    if (there && !S_ISREG(info.st_mode))
        return error_set(own->err, "%s: the program %s is no regular file", own->source, program);
    return !there || (info.st_mode & 0111) ||
           error_set(own->err, "%s: the program %s may not be executed (chmod +x)", own->source,
                     program);
}

/* README.md is what `pkg describe` shows. */
static bool read_about(struct owning *own)
{
    struct buf text = {0}, shown = {0};
    struct error why;
    struct stat info;
    if (own_text(own, README, README, &text, &why))
        escape_add(&shown, text.data, text.size, true);
    else if (fstatat(own->root, README, &info, AT_SYMLINK_NOFOLLOW) == 0)
        say("%s: %s", own->source, why.text);
    own->item.description = shown.data;
    if (!own->item.package.summary)
        own->item.package.summary = mem_printf("of %s", path_base(own->source));
    buf_clear(&text);
    return true;
}

static bool put_files(struct owning *own)
{
    struct stat info;
    char *sysroot = path_join(own->folder, SYSROOT);
    bool there = fstatat(own->root, SYSROOT, &info, AT_SYMLINK_NOFOLLOW) == 0, ok = true;
    if (there && !S_ISDIR(info.st_mode))
        ok = error_set(own->err, "%s: its %s is no folder, and no link may stand for it",
                       own->source, SYSROOT);
    else if (there)
        ok = copy_all(sysroot, "-P", own->tree, own->err);
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
