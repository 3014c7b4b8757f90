/* libarchive reads and writes; what it is given to write are paths below the folder. */
#include "host/pkg/untar.h"

#include <limits.h>

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/base/buf.h"
#include "host/base/path.h"

#define BLOCK 65536

struct untarring {
    const char *path, *folder;
    const char *member; /* that is being unpacked, or NULL */
    struct archive *tar, *disk;
};

bool untar_failed(struct archive *archive, const char *path, const char *folder, const char *member,
                  struct error *err)
{
    const char *text = archive_error_string(archive);
    int number = archive_errno(archive);
    if (number == EILSEQ || number == EINVAL) /* libarchive's for what is no error of the system */
        number = 0;
    struct buf said = {0};
    size_t length = strlen(folder);
    for (const char *at = text ? text : ""; *at;) {
        bool inside = length && strncmp(at, folder, length) == 0 && at[length] == '/';
        buf_add(&said, at, !inside);
        at += inside ? length + 1 : 1;
    }
    const char *words = said.data ? said.data : "unknown error";
    bool named = !member || !*member || strstr(words, member);
    error_set(err, "can't unpack %s: %s%s%s%s%s", path, named ? "" : member, named ? "" : ": ",
              words, number > 0 ? ": " : "", number > 0 ? strerror(number) : "");
    buf_clear(&said);
    return false;
}

static bool failed(const struct untarring *job, struct archive *archive, struct error *err)
{
    return untar_failed(archive, job->path, job->folder, job->member, err);
}

/* Where a member goes; NULL if that is outside. Owned by the caller. */
static char *place_of(const struct untarring *job, const char *member)
{
    bool outside = *member == '/' || strcmp(member, "..") == 0 || strncmp(member, "../", 3) == 0 ||
                   strstr(member, "/../") ||
                   (strlen(member) > 2 && strcmp(member + strlen(member) - 3, "/..") == 0);
    char *rooted = mem_printf("/%s", member), *clean = path_clean(rooted);
    char *place = outside ? NULL : mem_printf("%s%s", job->folder, clean);
    free(rooted);
    free(clean);
    return place;
}

static bool entry_name(const struct untarring *job, struct archive_entry *entry)
{
    const char *hard = archive_entry_hardlink(entry);
    char *place = place_of(job, archive_entry_pathname(entry));
    char *target = hard ? place_of(job, hard) : NULL;
    bool inside = place && (!hard || target);
    if (inside)
        archive_entry_set_pathname(entry, place);
    if (inside && hard)
        archive_entry_set_hardlink(entry, target);
    free(place);
    free(target);
    return inside;
}

static bool entry_write(const struct untarring *job, struct archive_entry *entry, struct error *err)
{
    const void *block;
    size_t size;
    la_int64_t offset;
    int result = ARCHIVE_EOF;
    if (archive_write_header(job->disk, entry) < ARCHIVE_OK)
        return failed(job, job->disk, err);
    while (archive_entry_size(entry) > 0 &&
           (result = archive_read_data_block(job->tar, &block, &size, &offset)) == ARCHIVE_OK)
        if (archive_write_data_block(job->disk, block, size, offset) < ARCHIVE_OK)
            return failed(job, job->disk, err);
    if (result != ARCHIVE_EOF)
        return failed(job, job->tar, err);
    return archive_write_finish_entry(job->disk) >= ARCHIVE_WARN || failed(job, job->disk, err);
}

static void copy_user_attributes(struct archive_entry *from, struct archive_entry *to)
{
    const char *name;
    const void *value;
    size_t size;
    archive_entry_xattr_reset(from);
    while (archive_entry_xattr_next(from, &name, &value, &size) == ARCHIVE_OK)
        if (name && strncmp(name, "user.", 5) == 0)
            archive_entry_xattr_add_entry(to, name, value, size);
}

/* Not those that give rights: on this host the file would have them, too. */
static void keep_user_attributes(struct archive_entry *entry)
{
    struct archive_entry *kept = archive_entry_new();
    copy_user_attributes(entry, kept);
    archive_entry_xattr_clear(entry);
    copy_user_attributes(kept, entry);
    archive_entry_free(kept);
}

static bool entry_take(struct untarring *job, struct archive_entry *entry, struct error *err)
{
    unsigned type = archive_entry_filetype(entry);
    bool kept =
        type == AE_IFREG || type == AE_IFDIR || type == AE_IFLNK || archive_entry_hardlink(entry);
    if (!kept)
        return true;
    char *member = mem_string(archive_entry_pathname(entry));
    bool ok = member && entry_name(job, entry);
    job->member = member;
    if (ok && strlen(archive_entry_pathname(entry)) >= PATH_MAX)
        ok = error_set(err, "%s holds a path that is too long: %.100s…", job->path, member);
    else if (!ok)
        error_set(err, "%s holds a path that leads out of it: %s", job->path,
                  member ? member : "(none)");
    mode_t more = type == AE_IFDIR ? 0700 : 0;
    archive_entry_set_perm(entry, (archive_entry_perm(entry) & 0777) | more);
    keep_user_attributes(entry);
    ok = ok && entry_write(job, entry, err);
    job->member = NULL;
    free(member);
    return ok;
}

static bool entries_take(struct untarring *job, struct error *err)
{
    struct archive_entry *entry;
    int result;
    while ((result = archive_read_next_header(job->tar, &entry)) == ARCHIVE_OK)
        if (!entry_take(job, entry, err))
            return false;
    return result == ARCHIVE_EOF || failed(job, job->tar, err);
}

struct archive *untar_reader(void)
{
    struct archive *tar = archive_read_new();
    /* libarchive turns the UTF-8 of pax headers into the locale's characters, and C has none for
     * most. */
    setlocale(LC_CTYPE, "C.UTF-8");
    archive_read_support_filter_all(tar);
    archive_read_support_format_tar(tar);
    return tar;
}

bool untar(const char *archive, const char *folder, struct error *err)
{
    struct untarring job = {
        .path = archive, .folder = folder, .tar = untar_reader(), .disk = archive_write_disk_new()};
    archive_write_disk_set_options(job.disk, ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_PERM |
                                                 ARCHIVE_EXTRACT_UNLINK | ARCHIVE_EXTRACT_XATTR |
                                                 ARCHIVE_EXTRACT_SECURE_SYMLINKS);
    bool ok = archive_read_open_filename(job.tar, archive, BLOCK) == ARCHIVE_OK ||
              failed(&job, job.tar, err);
    ok = ok && entries_take(&job, err);
    archive_read_free(job.tar);
    if (archive_write_free(job.disk) < ARCHIVE_WARN && ok)
        ok = error_set(err, "can't unpack %s", archive);
    return ok;
}
