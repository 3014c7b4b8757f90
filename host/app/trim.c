/*
 * Recording for `run --trim` and `build --trim`. The program's output belongs to the machine's run:
 * here it goes to standard error (build), or nowhere (run). What a run reads from its standard
 * input is kept, so that the program in the machine reads it again.
 */
#include "host/app/trim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/app/resolve.h"
#include "host/base/io.h"
#include "host/base/say.h"
#include "host/record/record.h"

#define NS_PER_SECOND 1000000000ll
#define COPY_SIZE 65536u

static bool entry_changed(const struct lock *lock, const struct lock_entry *entry)
{
    struct stat info;
    char *host = lock_host_path(lock, entry);
    bool there = lstat(host, &info) == 0;
    free(host);
    switch (entry->kind) {
    case LOCK_NONE:
        return there;
    case LOCK_LINK:
        return !there || !S_ISLNK(info.st_mode);
    case LOCK_FOLDER:
        return !there;
    case LOCK_FILE:
        break;
    }
    return !there || (uint64_t)info.st_size != entry->size ||
           info.st_mtim.tv_sec * NS_PER_SECOND + info.st_mtim.tv_nsec != entry->mtime_ns;
}

static bool same_list(const struct strlist *left, const struct strlist *right)
{
    bool same = left->count == right->count;
    for (size_t i = 0; same && i < left->count; i++)
        same = !strcmp(left->items[i], right->items[i]);
    return same;
}

/* What the lock file is worth: a recording of this very command counts as long as nothing of it has
 * changed, and is replaced then; others are added to. */
static bool is_recorded(const char *path, const struct strlist *argv, bool *anew)
{
    struct lock lock;
    struct error err;
    bool good = lock_load(path, &lock, &err) && same_list(&lock.command, argv);
    *anew = good;
    for (size_t i = 0; good && i < lock.count; i++)
        good = !entry_changed(&lock, &lock.entries[i]);
    lock_clear(&lock);
    return good;
}

/* Standard input as the recording may read it: *after is what the machine's run reads then, or -1
 * for the same. */
static bool keep_input(off_t *position, struct error *err)
{
    struct stat info;
    *position = lseek(STDIN_FILENO, 0, SEEK_CUR);
    if (*position >= 0 || fstat(STDIN_FILENO, &info) || S_ISCHR(info.st_mode))
        return true;
    int copy = memfd_create("input", 0);
    char *data = mem_alloc(COPY_SIZE);
    ssize_t got = copy < 0 ? -1 : 1;
    while (got > 0) {
        got = read(STDIN_FILENO, data, COPY_SIZE);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0 && !io_write(copy, data, (size_t)got))
            got = -1;
    }
    free(data);
    bool good = got == 0 && lseek(copy, 0, SEEK_SET) == 0 && dup2(copy, STDIN_FILENO) >= 0;
    if (copy >= 0)
        close(copy);
    *position = 0;
    return good || error_errno(err, "can't keep the standard input");
}

static bool record(const struct app_request *request, const char *path, const struct strlist *argv,
                   const struct strlist *env, bool anew, struct error *err)
{
    off_t position = -1;
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    struct record_request recording = {.shown = argv,
                                       .keep = &request->keep,
                                       .lock_path = resolve_lock_path(request),
                                       .anew = anew};
    recording.command = (struct tracer_command){
        .program = path, .argv = argv, .env = env, .input = -1, .output = STDERR_FILENO};
    recording.command.errors = -1;
    if (!request->bake)
        recording.command.output = recording.command.errors = nowhere;
    bool good = request->bake || keep_input(&position, err);
    good = good && record_run(&recording, err) >= 0;
    if (position >= 0)
        lseek(STDIN_FILENO, position, SEEK_SET);
    if (nowhere >= 0)
        close(nowhere);
    return good;
}

bool trim_record(const struct app_request *request, struct error *err)
{
    char *path = NULL;
    struct strlist argv = {0}, env = {0};
    bool anew = false;
    bool good = !request->package ||
                error_set(err, "--trim is for programs of this host, not for a package");
    good = good && resolve_command(request, &path, &argv, &env, err);
    if (good && (request->keep.count || !is_recorded(resolve_lock_path(request), &argv, &anew)))
        good = record(request, path, &argv, &env, anew, err);
    strlist_clear(&argv);
    strlist_clear(&env);
    free(path);
    return good;
}
