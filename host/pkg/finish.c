/*
 * Each step stands alone and needs only the folder; the order is in host/pkg/fetch.c.
 */
#include "host/pkg/finish.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/inroot.h"
#include "host/base/io.h"
#include "host/base/path.h"
#include "host/base/say.h"
#include "host/pkg/command.h"
#include "host/pkg/keystore.h"
#include "host/pkg/ldcache.h"
#include "host/pkg/place.h"

bool finish_base(const char *tree, struct error *err)
{
    static const struct {
        const char *path, *target;
    } links[] = {{"/bin", "usr/bin"},  {"/sbin", "usr/sbin"},
                 {"/lib", "usr/lib"},  {"/lib64", "usr/lib64"},
                 {"/var/run", "/run"}, {"/etc/mtab", "../proc/self/mounts"}};
    static const struct {
        const char *path;
        mode_t mode;
    } folders[] = {{"/usr/bin", 0755},   {"/usr/sbin", 0755}, {"/usr/lib", 0755},
                   {"/usr/lib64", 0755}, {"/dev", 0755},      {"/proc", 0555},
                   {"/sys", 0555},       {"/run", 0755},      {"/tmp", 01777},
                   {"/var/tmp", 01777}};
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof(folders) / sizeof(*folders); i++)
        ok = place_folder(tree, folders[i].path, folders[i].mode, err);
    for (size_t i = 0; ok && i < sizeof(links) / sizeof(*links); i++)
        ok = place_link(tree, links[i].path, links[i].target, err);
    return ok;
}

static bool in_executable_folder(const struct recipe_rules *rules, const char *guest)
{
    char *usr = unpack_guest_path(guest[0] == '/' ? guest + 1 : guest);
    bool inside = false;
    for (size_t i = 0; usr && i < rules->executable_folders.count; i++)
        inside |= path_under(usr, rules->executable_folders.items[i]);
    free(usr);
    return inside;
}

static bool alternative_is_best(const struct alternative *all, size_t count, size_t index,
                                const bool *there)
{
    for (size_t i = 0; i < count; i++)
        if (there[i] && strcmp(all[i].link, all[index].link) == 0 &&
            all[i].priority > all[index].priority)
            return false;
    return there[index];
}

bool finish_alternatives(const char *tree, const struct scripts *scripts,
                         const struct recipe_rules *rules, struct error *err)
{
    const struct alternative *all = scripts->alternatives;
    size_t count = scripts->alternative_count;
    bool *there = mem_alloc(count + 1), ok = true;
    for (size_t i = 0; i < count; i++) {
        there[i] = place_exists(tree, all[i].target) && !in_executable_folder(rules, all[i].link);
    }
    for (size_t i = 0; ok && i < count; i++)
        if (alternative_is_best(all, count, i, there)) {
            char *guest = unpack_guest_path(all[i].link + 1);
            ok = place_link(tree, guest, all[i].target, err);
            free(guest);
        }
    free(there);
    return ok;
}

static int file_is_certificate(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && strcmp(dot, ".crt") == 0;
}

/* Java has a store of its own, which a script of ca-certificates-java would have made. */
static bool place_keystore(const char *tree, const struct buf *certificates, struct error *err)
{
    struct buf store = {0};
    bool ok = !place_exists(tree, "/usr/lib/jvm");
    if (!ok) {
        keystore_make(certificates->data, &store);
        ok = place_file(tree, "/etc/ssl/certs/java/cacerts", store.data, store.size, err);
    }
    buf_clear(&store);
    return ok;
}

bool finish_certificates(const char *tree, struct error *err)
{
    static const char folder[] = "/usr/share/ca-certificates/mozilla";
    struct dirent **files = NULL;
    int count = place_scan(tree, folder, &files, file_is_certificate);
    struct buf all = {0};
    bool ok = true;
    for (int i = 0; i < count; i++) {
        char *path = path_join(folder, files[i]->d_name);
        ok = ok && place_read(tree, path, &all, err);
        free(path);
        free(files[i]);
    }
    free(files);
    ok = ok && (count <= 0 ||
                (place_file(tree, "/etc/ssl/certs/ca-certificates.crt", all.data, all.size, err) &&
                 place_keystore(tree, &all, err)));
    buf_clear(&all);
    return ok;
}

static int file_is_python(const struct dirent *entry)
{
    const char *minor = entry->d_name + 9;
    return strncmp(entry->d_name, "python3.", 8) == 0 && isdigit((unsigned char)entry->d_name[8]) &&
           minor[strspn(minor, "0123456789")] == 0;
}

/* "python3.11" if that is in tree's /usr/bin; owned by the caller. */
static char *tree_python(const char *tree)
{
    char *name = NULL;
    struct dirent **files = NULL;
    int count = place_scan(tree, "/usr/bin", &files, file_is_python);
    for (int i = 0; i < count; i++) {
        if (!name)
            name = mem_string(files[i]->d_name);
        free(files[i]);
    }
    free(files);
    return name;
}

/* Gives each .pyc its source's time: when it was made says nothing about what is in it. */
static bool pyc_times(const char *tree, const char *folder, struct error *err)
{
    char *const roots[] = {(char *)(uintptr_t)folder, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    bool ok = walk || error_errno(err, "can't read %s", folder);
    for (FTSENT *entry; ok && (entry = fts_read(walk));) {
        char *dot = entry->fts_info == FTS_F ? strstr(entry->fts_name, ".cpython-") : NULL;
        if (!dot || !strstr(dot, ".pyc") || strcmp(entry->fts_parent->fts_name, "__pycache__") != 0)
            continue;
        size_t parent = entry->fts_parent->fts_pathlen - strlen("/__pycache__");
        char *source = mem_printf("%.*s/%.*s.py", (int)parent, entry->fts_path,
                                  (int)(dot - entry->fts_name), entry->fts_name);
        struct stat info;
        if (place_stat(tree, source + strlen(tree), true, &info)) {
            struct timespec times[2] = {info.st_mtim, info.st_mtim};
            ok = utimensat(AT_FDCWD, entry->fts_path, times, AT_SYMLINK_NOFOLLOW) == 0 ||
                 error_errno(err, "can't set the time of %s", entry->fts_path);
        }
        free(source);
    }
    if (walk)
        fts_close(walk);
    return ok;
}

/* "../../.." from the folder guest to the root of the image, without an end; owned by the caller.
 */
static char *way_up(const char *guest)
{
    struct buf up = {0};
    for (const char *at = strchr(guest, '/'); at; at = strchr(at + 1, '/'))
        buf_printf(&up, "%s..", up.size ? "/" : "");
    return up.data;
}

/* Absolute links to modules would lead the compiler out of tree into the host's files. */
static bool module_links_relative(const char *tree, const char *folder, struct error *err)
{
    char *const roots[] = {(char *)(uintptr_t)folder, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    bool ok = walk || error_errno(err, "can't read %s", folder);
    for (FTSENT *entry; ok && (entry = fts_read(walk));) {
        char *target = entry->fts_info == FTS_SL || entry->fts_info == FTS_SLNONE
                           ? path_read_link(entry->fts_path)
                           : NULL;
        if (target && target[0] == '/') {
            const char *guest = entry->fts_path + strlen(tree);
            char *parent = path_parent(guest), *up = way_up(parent);
            char *relative = mem_printf("%s%s", up, target);
            ok = place_link(tree, guest, relative, err);
            free(relative);
            free(up);
            free(parent);
        }
        free(target);
    }
    if (walk)
        fts_close(walk);
    return ok;
}

/* Compiles the modules below argv[2] as what they are without argv[1] before. Which strings byte
 * code shares depends on what the process compiled before, so the parts are fixed: the same modules
 * give the same bytes. Modules that don't compile (templates, Python 2) are no failure. */
static const char compiler[] =
    "import compileall, os, py_compile, sys, traceback\n"
    "tree, folder = sys.argv[1:]\n"
    "files = sorted(os.path.join(top, name) for top, _, names in os.walk(folder)\n"
    "               for name in names if name.endswith('.py'))\n"
    "def compile_part(part):\n"
    "    mode = py_compile.PycInvalidationMode.TIMESTAMP\n"
    "    for file in files[part::4]:\n"
    "        compileall.compile_file(file, quiet=2, invalidation_mode=mode, stripdir=tree,\n"
    "                                prependdir='/')\n"
    "for part in range(4):\n"
    "    if os.fork() == 0:\n"
    "        try:\n"
    "            compile_part(part)\n"
    "        except BaseException:\n"
    "            traceback.print_exc()\n"
    "            sys.stderr.flush()\n"
    "            os._exit(2)\n"
    "        os._exit(0)\n"
    "sys.exit(max(2 if os.wait()[1] else 0 for part in range(4)))\n";

/* Runs the compiler with the interpreter that lies in home, through its own dynamic linker. */
static bool compile_folder(const char *home, const char *python, const char *tree,
                           const char *folder, struct error *err)
{
    char *linker = place_path(home, "/usr/lib64/ld-linux-x86-64.so.2");
    char *libraries = place_path(home, "/usr/lib/x86_64-linux-gnu");
    char *program = mem_printf("%s/usr/bin/%s", home, python);
    char *home_variable = mem_printf("PYTHONHOME=%s/usr", home);
    const char *const argv[] = {linker, "--library-path", libraries, program, "-B", "-S",
                                "-c",   compiler,         tree,      folder,  NULL};
    const char *const env[] = {home_variable, "PYTHONHASHSEED=0", "LC_ALL=C.UTF-8",
                               "PATH=/usr/bin:/bin", NULL};
    struct buf problems = {0};
    struct command command = {.argv = argv, .env = env, .problems = &problems};
    int status = command_run(&command, err);
    if (status > 0)
        error_set(err, "can't compile the Python modules:"), error_add_lines(err, problems.data);
    buf_clear(&problems);
    free(linker);
    free(libraries);
    free(program);
    free(home_variable);
    return status == 0 && pyc_times(tree, folder, err);
}

/* Whether the folder is there, and by no link: it is walked by its path. */
static bool is_own_folder(const char *tree, const char *guest)
{
    int root = inroot_folder(tree);
    int fd = root >= 0 ? inroot_open(root, guest, O_PATH | O_DIRECTORY, INROOT_NO_LINKS) : -1;
    if (root >= 0)
        close(root);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

bool finish_byte_code(const char *tree, const char *base, struct error *err)
{
    const char *home = tree;
    char *python = tree_python(tree);
    if (!python && base) {
        home = base;
        python = tree_python(base);
    }
    if (!python)
        return true;
    char *standard = mem_printf("/usr/lib/%s", python);
    const char *const folders[] = {standard, "/usr/lib/python3"};
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof(folders) / sizeof(*folders); i++) {
        char *folder = place_path(tree, folders[i]);
        ok = !is_own_folder(tree, folders[i]) || (module_links_relative(tree, folder, err) &&
                                                  compile_folder(home, python, tree, folder, err));
        free(folder);
    }
    free(standard);
    free(python);
    return ok;
}

static bool list_has(const struct strlist *list, const char *string)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], string) == 0)
            return true;
    return false;
}

static int name_is_real(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static bool folder_prune(const char *tree, const char *folder, const struct strlist *keep,
                         struct error *err)
{
    struct dirent **files = NULL;
    int count = place_scan(tree, folder, &files, name_is_real);
    bool ok = true;
    for (int i = 0; i < count; i++) {
        char *guest = path_join(folder, files[i]->d_name);
        ok = (list_has(keep, guest) || place_remove(tree, guest, err)) && ok;
        free(guest);
        free(files[i]);
    }
    free(files);
    return ok;
}

bool finish_executables(const char *tree, const struct recipe *recipe,
                        const struct recipe_rules *rules, struct error *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < rules->executable_folders.count; i++)
        ok = folder_prune(tree, rules->executable_folders.items[i], &recipe->executables, err);
    for (size_t i = 0; ok && i < recipe->link_paths.count; i++)
        ok = place_link(tree, recipe->link_paths.items[i], recipe->link_targets.items[i], err);
    return ok;
}

/* Where the link guest of tree ends; a copy of guest itself if it is none. */
static char *follow(const char *tree, const char *guest)
{
    char *at = mem_string(guest);
    for (int links = 0; links < 16; links++) {
        char *target = place_read_link(tree, at);
        if (!target)
            break;
        char *parent = path_parent(at), *joined = path_join(parent, target);
        free(at);
        free(target);
        free(parent);
        char *clean = path_clean(joined);
        at = unpack_guest_path(clean + 1);
        free(clean);
        free(joined);
    }
    return at;
}

void finish_list_executables(const char *tree, const struct recipe_rules *rules,
                             struct strlist *out)
{
    for (size_t i = 0; i < rules->executable_folders.count; i++) {
        const char *folder = rules->executable_folders.items[i];
        struct dirent **files = NULL;
        int count = place_scan(tree, folder, &files, name_is_real);
        for (int j = 0; j < count; j++) {
            char *guest = path_join(folder, files[j]->d_name);
            strlist_add(out, guest);
            free(guest);
            free(files[j]);
        }
        free(files);
    }
}

static void program_set(const char *tree, struct recipe *recipe, const char *guest)
{
    recipe->program = follow(tree, guest);
    strlist_clear(&recipe->args);
    strlist_add(&recipe->args, guest);
    strlist_add(&recipe->executables, recipe->program);
    if (strcmp(recipe->program, guest) != 0)
        strlist_add(&recipe->executables, guest);
}

bool finish_find_program(const char *tree, struct recipe *recipe, const struct strlist *all,
                         struct error *err)
{
    const char *best = all->count == 1 ? all->items[0] : NULL;
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(path_base(all->items[i]), recipe->name) == 0)
            best = all->items[i];
    if (best) {
        program_set(tree, recipe, best);
        return true;
    }
    struct buf names = {0};
    for (size_t i = 0; i < all->count && i < 12; i++)
        buf_printf(&names, "%s%s", i ? ", " : "", all->items[i]);
    error_set(err,
              all->count ? "Debian's package %s has no program of its own name (it comes "
                           "with %s%s); name it as an addition (--pkg %s)"
                         : "Debian's package %s holds no program%s%s; name it as an "
                           "addition (--pkg %s)",
              recipe->name, names.data ? names.data : "", all->count > 12 ? ", …" : "",
              recipe->name);
    buf_clear(&names);
    return false;
}

static void listing_paths(const char *text, struct strlist *out)
{
    for (const char *line = text; line && *line;) {
        const char *slash = strchr(line, '/'), *newline = strchr(line, '\n');
        if (slash && (!newline || slash < newline)) {
            size_t length = strcspn(slash, "\n");
            char *path = mem_printf("%.*s", (int)length, slash);
            char *arrow = strstr(path, " -> ");
            if (arrow)
                *arrow = 0;
            strlist_add(out, path);
            free(path);
        }
        line = newline ? newline + 1 : NULL;
    }
}

static void folder_paths(const char *tree, const char *folder, struct strlist *out)
{
    struct dirent **files = NULL;
    int count = place_scan(tree, folder, &files, name_is_real);
    for (int i = 0; i < count; i++) {
        char *guest = path_join(folder, files[i]->d_name);
        strlist_add(out, guest);
        free(guest);
        free(files[i]);
    }
    free(files);
}

bool finish_linker_cache(const char *tree, const char *listing, struct error *err)
{
    struct strlist paths = {0};
    struct buf below = {0}, cache = {0};
    bool ok = !listing || io_read_file(listing, &below, err);
    if (ok && below.data)
        listing_paths(below.data, &paths);
    folder_paths(tree, "/usr/lib/x86_64-linux-gnu", &paths);
    folder_paths(tree, "/usr/lib", &paths);
    folder_paths(tree, "/usr/lib64", &paths);
    if (ok) {
        ldcache_build(&paths, &cache);
        ok = place_file(tree, "/etc/ld.so.cache", cache.data, cache.size, err);
    }
    strlist_clear(&paths);
    buf_clear(&below);
    buf_clear(&cache);
    return ok;
}
