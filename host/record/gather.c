/*
 * What paths lead to. Names that were seen are in search trees (tsearch(3)), so that a command that
 * asks ten thousand times for the same files costs one walk along each.
 */
#include "host/record/gather.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/app/elf.h"
#include "host/app/launch.h"
#include "host/base/io.h"
#include "host/base/path.h"
#include "host/base/say.h"

#define LINKS_MAX 40
#define NESTING_MAX 5
#define LINE_SIZE 256
#define NS_PER_SECOND 1000000000ll

/* One entry in the making. */
struct item {
    struct lock_entry entry;
    char *host;
    int rank; /* of its reason: a better one replaces it */
    bool hashed;
};

struct gather {
    char *folder;
    struct item **items;
    size_t count;
    void *by_name, *by_host; /* of items */
    void *seen;              /* strings: a path and how it was used */
    void *made;              /* strings: paths that the command made */
    void *folders;           /* strings: paths that are folders, not links */
};

static int by_text(const void *left, const void *right)
{
    return strcmp(left, right);
}

static int by_name(const void *left, const void *right)
{
    return strcmp(((const struct item *)left)->entry.name,
                  ((const struct item *)right)->entry.name);
}

static int by_host(const void *left, const void *right)
{
    return strcmp(((const struct item *)left)->host, ((const struct item *)right)->host);
}

struct gather *gather_create(const char *folder)
{
    struct gather *gather = mem_alloc(sizeof(*gather));
    gather->folder = path_clean(folder);
    return gather;
}

static void keep_nothing(void *unused)
{
    (void)unused;
}

static void item_destroy(struct item *item)
{
    free(item->entry.name);
    free(item->entry.target);
    free(item->entry.why);
    free(item->host);
    free(item);
}

void gather_destroy(struct gather *gather)
{
    tdestroy(gather->by_name, keep_nothing);
    tdestroy(gather->by_host, keep_nothing);
    tdestroy(gather->seen, free);
    tdestroy(gather->made, free);
    tdestroy(gather->folders, free);
    for (size_t i = 0; i < gather->count; i++)
        item_destroy(gather->items[i]);
    free(gather->items);
    free(gather->folder);
    free(gather);
}

static bool set_has(void *const *set, const char *text)
{
    return tfind(text, set, by_text) != NULL;
}

/* Adds a copy. Returns whether it is new. */
static bool set_add(void **set, const char *text)
{
    if (set_has(set, text))
        return false;
    tsearch(mem_string(text), set, by_text);
    return true;
}

/* ---- entries ---- */

/* The item of that name, or a new one. */
static struct item *item_get(struct gather *gather, const char *name, const char *host)
{
    struct item wanted = {.entry.name = (char *)name};
    struct item **known = tfind(&wanted, &gather->by_name, by_name);
    if (known)
        return *known;
    struct item *item = mem_alloc(sizeof(*item));
    *item = (struct item){.entry = {.kind = LOCK_NONE, .name = mem_string(name)}, .rank = -1};
    item->host = mem_string(host);
    if ((gather->count & (gather->count + 1)) == 0)
        gather->items = mem_resize(gather->items, (2 * gather->count + 2) * sizeof(struct item *));
    gather->items[gather->count++] = item;
    tsearch(item, &gather->by_name, by_name);
    tsearch(item, &gather->by_host, by_host);
    return item;
}

static void set_why(struct item *item, int rank, const char *how, const char *who)
{
    if (rank <= item->rank)
        return;
    free(item->entry.why);
    item->entry.why = mem_printf("%s %s", how, who);
    item->rank = rank;
}

/* Takes the file's size, time and digest as they are now. False if it can't be read. */
static bool item_hash(struct item *item)
{
    struct lock_entry *entry = &item->entry;
    struct stat info;
    struct error err;
    int fd = open(item->host, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool good = fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) &&
                sha256_fd(fd, item->host, entry->sha256, &err);
    if (good) {
        entry->mode = info.st_mode & 07777;
        entry->size = (uint64_t)info.st_size;
        entry->mtime_ns = info.st_mtim.tv_sec * NS_PER_SECOND + info.st_mtim.tv_nsec;
    }
    item->hashed = good;
    int why = errno;
    if (fd >= 0)
        close(fd);
    errno = why;
    return good;
}

/* ---- walking ---- */

/* A walk along a path, as the kernel does it. */
struct walk {
    struct gather *gather;
    const struct gather_call *call;
    char *at;   /* absolute, without links */
    char *rest; /* still to go; owned, todo points into it */
    char *todo;
    bool inside;   /* named relative to the command's folder */
    bool absolute; /* named by its whole path, wherever it lies */
    bool follow;   /* a last link, too */
    int links;
};

enum step { STEP_ON, STEP_END, STEP_MISSING, STEP_STOP };

/* What the machine has of its own, or is made for the image. */
static bool is_the_machines(const char *path)
{
    static const char *const folders[] = {"/proc", "/sys", "/dev"};
    static const char *const files[] = {
        "/etc/ld.so.cache", "/etc/passwd",      "/etc/group",
        "/etc/shadow",      "/etc/gshadow",     "/etc/hosts",
        "/etc/hostname",    "/etc/resolv.conf", "/etc/nsswitch.conf"};
    for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
        if (path_under(path, folders[i]))
            return true;
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
        if (!strcmp(path, files[i]))
            return true;
    return false;
}

/* Whether the command made path, or a folder on the way to it. */
static bool is_made(const struct gather *gather, const char *path)
{
    if (!gather->made)
        return false;
    char *at = mem_string(path);
    bool made = false;
    while (!made && strcmp(at, "/") != 0) {
        made = set_has(&gather->made, at);
        char *parent = path_parent(at);
        free(at);
        at = parent;
    }
    free(at);
    return made;
}

static char *walk_name(const struct walk *walk, const char *path)
{
    return lock_name(walk->absolute ? NULL : walk->gather->folder, path, walk->inside);
}

static struct item *walk_item(const struct walk *walk, const char *path)
{
    char *name = walk_name(walk, path);
    struct item *item = item_get(walk->gather, name, path);
    free(name);
    return item;
}

/* The walk goes on where the link at path leads. */
static enum step walk_link(struct walk *walk, const char *path)
{
    char *target = path_read_link(path);
    if (!target || ++walk->links > LINKS_MAX) {
        free(target);
        return STEP_STOP;
    }
    if (!is_made(walk->gather, path)) {
        struct item *item = walk_item(walk, path);
        item->entry.kind = LOCK_LINK;
        free(item->entry.target);
        item->entry.target = mem_string(target);
        set_why(item, 0, "followed by", walk->call->who);
    }
    char *rest = mem_printf("%s/%s", target, walk->todo);
    if (*target == '/') {
        free(walk->at);
        walk->at = mem_string("/");
        walk->inside = false;
    }
    free(target);
    free(walk->rest);
    walk->rest = walk->todo = rest;
    return STEP_ON;
}

static void walk_up(struct walk *walk)
{
    char *parent = path_parent(walk->at);
    free(walk->at);
    walk->at = parent;
}

static void walk_to(struct walk *walk, char *path)
{
    free(walk->at);
    walk->at = path;
}

/* One step to part, the last one if last. */
static enum step walk_step(struct walk *walk, const char *part, bool last, struct stat *info)
{
    if (!strcmp(part, ".") || !strcmp(part, "..")) {
        if (part[1])
            walk_up(walk);
        return last && lstat(walk->at, info) == 0 ? STEP_END : last ? STEP_STOP : STEP_ON;
    }
    char *next = path_join(walk->at, part);
    if (!last && set_has(&walk->gather->folders, next)) {
        walk_to(walk, next);
        return STEP_ON;
    }
    bool missing = lstat(next, info) != 0;
    if (!missing && S_ISLNK(info->st_mode) && (!last || walk->follow)) {
        enum step step = walk_link(walk, next);
        free(next);
        return step;
    }
    walk_to(walk, next);
    if (missing)
        return errno == ENOENT ? STEP_MISSING : STEP_STOP;
    if (S_ISDIR(info->st_mode))
        set_add(&walk->gather->folders, next);
    return last || !S_ISDIR(info->st_mode) ? STEP_END : STEP_ON;
}

/* Takes the next component off the walk; NULL at the end. *last: nothing follows. */
static char *walk_part(struct walk *walk, bool *last)
{
    walk->todo += strspn(walk->todo, "/");
    if (!*walk->todo)
        return NULL;
    char *part = walk->todo;
    walk->todo += strcspn(part, "/");
    *last = walk->todo[strspn(walk->todo, "/")] == 0;
    walk->follow |= *last && *walk->todo; /* a slash at the end follows */
    if (*walk->todo)
        *walk->todo++ = 0;
    return part;
}

static enum step walk_all(struct walk *walk, bool *last, struct stat *info)
{
    enum step step = STEP_ON;
    *last = true;
    for (char *part; step == STEP_ON && (part = walk_part(walk, last));) {
        step = walk_step(walk, part, *last, info);
        if (is_the_machines(walk->at))
            return STEP_STOP;
    }
    if (step == STEP_ON)
        step = lstat(walk->at, info) ? STEP_STOP : STEP_END;
    return step;
}

/* ---- calls ---- */

/* What a path means to the command, beyond being looked at. */
struct meaning {
    bool makes;    /* it comes into being if it isn't there */
    bool discards; /* what it was before doesn't matter */
    bool changes;  /* its content is another afterwards */
    bool becomes;  /* whatever it is afterwards, the command made it */
    int rank;
    const char *how;
};

static struct meaning open_meaning(int flags)
{
    bool writes = (flags & O_ACCMODE) != O_RDONLY && !(flags & O_PATH);
    return (struct meaning){.makes = (flags & O_CREAT) != 0,
                            .discards = (flags & O_CREAT) && (flags & O_TRUNC) && writes,
                            .changes = writes,
                            .rank = 2,
                            .how = flags & O_DIRECTORY ? "listed by" : "opened by"};
}

static struct meaning call_meaning(const struct gather_call *call)
{
    switch (call->use) {
    case USE_OPEN:
    case USE_OPEN_HOW:
        return open_meaning(call->flags);
    case USE_CREATE:
        return open_meaning(O_CREAT | O_TRUNC | O_WRONLY);
    case USE_EXEC:
        return (struct meaning){.rank = 4, .how = "executed by"};
    case USE_CHANGE:
        return (struct meaning){.changes = true, .rank = 2, .how = "changed by"};
    case USE_REMOVE:
        return (struct meaning){.changes = true, .rank = 1, .how = "removed by"};
    case USE_REPLACE:
        return (struct meaning){.makes = true, .discards = true, .changes = true, .becomes = true};
    case USE_MAKE:
        return (struct meaning){.makes = true, .rank = 1, .how = "looked at by"};
    case USE_LOOK:
    case USE_LINK:
        break;
    }
    return (struct meaning){.rank = 1, .how = "looked at by"};
}

static void add_folder(struct walk *walk, const char *path, const struct stat *info,
                       const char *how)
{
    struct item *item = walk_item(walk, path);
    item->entry.kind = LOCK_FOLDER;
    item->entry.mode = info->st_mode & 07777;
    set_why(item, 1, how, walk->call->who);
}

/* A name that comes into being needs the folder that it lies in. */
static void walk_made(struct walk *walk)
{
    struct stat info;
    char *parent = path_parent(walk->at);
    if (!is_made(walk->gather, parent) && stat(parent, &info) == 0)
        add_folder(walk, parent, &info, "written to by");
    free(parent);
    set_add(&walk->gather->made, walk->at);
}

static void walk_missing(struct walk *walk, bool last, const struct meaning *meaning)
{
    if (last && meaning->makes) {
        walk_made(walk);
    } else if (!is_made(walk->gather, walk->at)) {
        struct item *item = walk_item(walk, walk->at);
        set_why(item, 0, "looked for by", walk->call->who);
    }
}

static void walk_file(struct walk *walk, const struct meaning *meaning)
{
    struct gather *gather = walk->gather;
    char *name = walk_name(walk, walk->at);
    struct item wanted = {.entry.name = name};
    struct item **known = tfind(&wanted, &gather->by_name, by_name);
    free(name);
    if (meaning->discards && !known) {
        walk_made(walk);
        return;
    }
    struct item *item = walk_item(walk, walk->at);
    item->entry.kind = LOCK_FILE;
    if (meaning->how)
        set_why(item, meaning->rank, meaning->how, walk->call->who);
    if (meaning->changes && !item->hashed)
        item_hash(item);
    if (meaning->becomes)
        set_add(&gather->made, walk->at);
}

static void walk_found(struct walk *walk, const struct stat *info, const struct meaning *meaning)
{
    if (is_made(walk->gather, walk->at))
        return;
    const char *how = meaning->how ? meaning->how : "looked at by";
    if (S_ISREG(info->st_mode)) {
        walk_file(walk, meaning);
    } else if (S_ISDIR(info->st_mode)) {
        add_folder(walk, walk->at, info, how);
    } else if (S_ISLNK(info->st_mode)) {
        struct item *item = walk_item(walk, walk->at);
        char *target = path_read_link(walk->at);
        if (target && item->entry.kind != LOCK_LINK) {
            item->entry.kind = LOCK_LINK;
            item->entry.target = target;
            target = NULL;
        }
        free(target);
        set_why(item, meaning->rank, how, walk->call->who);
    }
}

/* Looks along the path. Returns where it led (owned by the caller), or NULL. */
static char *call_walk(struct gather *gather, const struct gather_call *call)
{
    struct stat info;
    bool last, absolute = *call->path == '/';
    struct meaning meaning = call_meaning(call);
    bool nofollow = call->nofollow || call->use == USE_LINK || call->use == USE_REMOVE ||
                    call->use == USE_REPLACE || call->use == USE_MAKE ||
                    (call->use == USE_OPEN && (call->flags & O_NOFOLLOW)) ||
                    (call->use == USE_OPEN && (call->flags & O_EXCL) && (call->flags & O_CREAT));
    struct walk walk = {.gather = gather,
                        .call = call,
                        .at = mem_string(absolute ? "/" : call->base),
                        .rest = mem_string(call->path),
                        .inside = !absolute && path_under(call->base, gather->folder),
                        .absolute = call->by_whole_path,
                        .follow = !nofollow};
    walk.todo = walk.rest;
    enum step step = walk_all(&walk, &last, &info);
    if (step == STEP_MISSING)
        walk_missing(&walk, last, &meaning);
    else if (step == STEP_END)
        walk_found(&walk, &info, &meaning);
    free(walk.rest);
    if (step == STEP_END)
        return walk.at;
    free(walk.at);
    return NULL;
}

/* Whether the same was asked before, and found. */
static bool seen_before(struct gather *gather, const struct gather_call *call, char **key)
{
    *key = NULL;
    if (call->use != USE_LOOK && call->use != USE_LINK &&
        (call->use != USE_OPEN || (call->flags & (O_ACCMODE | O_CREAT | O_TRUNC))))
        return false;
    bool follow = call->use == USE_OPEN ? !(call->flags & O_NOFOLLOW)
                                        : call->use == USE_LOOK && !call->nofollow;
    *key = mem_printf("%c%c%c%s//%s", call->use == USE_OPEN ? 'o' : 'l', follow ? 'f' : 'n',
                      call->by_whole_path ? 'w' : ' ', *call->path == '/' ? "" : call->base,
                      call->path);
    return set_has(&gather->seen, *key);
}

/* What the kernel itself reads to execute a file: its interpreter. Owned by the caller, or NULL. */
static char *interpreter_of(const char *path)
{
    struct elf elf;
    char line[LINE_SIZE + 1] = "";
    char *interpreter = NULL;
    if (elf_read(path, &elf, NULL) == ELF_GOOD) {
        interpreter = mem_string(elf.interpreter);
    } else {
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        ssize_t got = fd < 0 ? -1 : io_pread(fd, line, LINE_SIZE, 0);
        if (got > 2 && !memcmp(line, "#!", 2)) {
            const char *name = line + 2 + strspn(line + 2, " \t");
            interpreter = mem_printf("%.*s", (int)strcspn(name, " \t\n"), name);
        }
        if (fd >= 0)
            close(fd);
    }
    elf_clear(&elf);
    return interpreter;
}

static void follow_interpreters(struct gather *gather, char *file, const char *base)
{
    for (int i = 0; i < NESTING_MAX && file; i++) {
        char *interpreter = interpreter_of(file);
        struct gather_call call = {.base = base, .path = interpreter, .use = USE_EXEC};
        call.who = path_base(file);
        char *next = interpreter && *interpreter ? call_walk(gather, &call) : NULL;
        free(interpreter);
        free(file);
        file = next;
    }
    free(file);
}

/* A compiled program has an absolute path from its building or its configuration, and asks for it
 * in the image, too. An interpreter has it from the current folder, which is another there. */
static bool keeps_whole_path(const struct gather *gather, const struct gather_call *call)
{
    return *call->path == '/' && strcmp(gather->folder, "/") != 0 &&
           path_under(call->path, gather->folder) && runtime_of(call->who) == RUNTIME_NONE;
}

void gather_call(struct gather *gather, const struct gather_call *call)
{
    char *key;
    struct gather_call whole = *call;
    if (!call->by_whole_path && keeps_whole_path(gather, call)) {
        whole.by_whole_path = true;
        gather_call(gather, &whole);
    }
    if (*call->path && !seen_before(gather, call, &key)) {
        char *file = call_walk(gather, call);
        if (file && key)
            set_add(&gather->seen, key);
        if (call->use == USE_EXEC)
            follow_interpreters(gather, file, call->base);
        else
            free(file);
        free(key);
    } else if (*call->path) {
        free(key);
    }
}

void gather_mapped(struct gather *gather, const char *path, const char *who)
{
    struct item wanted = {.host = (char *)path};
    struct item **known = tfind(&wanted, &gather->by_host, by_host);
    if (known && (*known)->entry.kind == LOCK_FILE)
        set_why(*known, 3, "mapped by", who);
}

/* ---- --keep ---- */

/* nftw() hands no context over. */
static struct gather *keep_gather;
static const char *keep_pattern;

static int keep_visit(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    char *why = mem_printf("--keep %s", keep_pattern);
    struct gather_call call = {
        .base = keep_gather->folder, .path = path, .who = why, .use = USE_LINK};
    char *file = call_walk(keep_gather, &call);
    struct item wanted = {.host = file};
    struct item **item = file ? tfind(&wanted, &keep_gather->by_host, by_host) : NULL;
    if (item && (*item)->rank <= 1) {
        free((*item)->entry.why);
        (*item)->entry.why = mem_string(why);
        (*item)->rank = 2;
    }
    free(file);
    free(why);
    return 0;
}

bool gather_keep(struct gather *gather, const char *pattern, struct error *err)
{
    char *whole = path_join(gather->folder, pattern);
    glob_t found = {0};
    int result = glob(whole, GLOB_NOSORT | GLOB_PERIOD | GLOB_BRACE | GLOB_TILDE, NULL, &found);
    free(whole);
    keep_gather = gather;
    keep_pattern = pattern;
    for (size_t i = 0; result == 0 && i < found.gl_pathc; i++) {
        const char *name = path_base(found.gl_pathv[i]);
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
            nftw(found.gl_pathv[i], keep_visit, 16, FTW_PHYS);
    }
    globfree(&found);
    return result == 0 || error_set(err, "--keep %s: nothing has such a name", pattern);
}

/* ---- the end ---- */

/* Whether the entry still stands for something that the command needs. */
static bool item_finish(struct gather *gather, struct item *item)
{
    if (item->entry.kind == LOCK_NONE)
        return !is_made(gather, item->host);
    if (item->entry.kind != LOCK_FILE || item->hashed || item_hash(item))
        return true;
    say("%s is left out: %s", item->host, strerror(errno));
    return false;
}

void gather_finish(struct gather *gather, struct lock *lock)
{
    for (size_t i = 0; i < gather->count; i++) {
        struct item *item = gather->items[i];
        if (!item_finish(gather, item))
            continue;
        lock_add(lock, item->entry);
        item->entry = (struct lock_entry){0};
    }
    /* Their names are gone: no search in the trees from here on. */
    tdestroy(gather->by_name, keep_nothing);
    gather->by_name = NULL;
    lock_sort(lock);
}
