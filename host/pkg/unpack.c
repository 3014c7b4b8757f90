/*
 * A .deb is an ar archive that holds two tar archives: control.tar.* with the scripts, which are
 * read for what they set up, and data.tar.* with the files. libarchive reads the outer
 * one; a second reader takes its bytes from the first.
 */
#include "host/pkg/unpack.h"

#include <limits.h>

#include <archive.h>
#include <archive_entry.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/base/buf.h"
#include "host/base/path.h"
#include "host/pkg/untar.h"

#define BLOCK 65536
#define TEXT_MAX (16u << 20) /* bytes */
#define DOCS "/usr/share/doc/"

void deb_facts_clear(struct deb_facts *facts)
{
    free(facts->description);
    free(facts->copyright);
    free(facts->copyright_of);
    strlist_clear(&facts->files);
    *facts = (struct deb_facts){0};
}

char *unpack_guest_path(const char *member)
{
    static const char *const merged[] = {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"};
    while (member[0] == '.' && member[1] == '/')
        member += 2;
    char *rooted = mem_printf("/%s", member), *clean = path_clean(rooted);
    free(rooted);
    bool leads_out =
        strcmp(member, "..") == 0 || strncmp(member, "../", 3) == 0 || strstr(member, "/../");
    for (size_t i = 0; !leads_out && i < sizeof(merged) / sizeof(*merged); i++) {
        if (!path_under(clean, merged[i]))
            continue;
        char *usr = mem_printf("/usr%s", clean);
        free(clean);
        return usr;
    }
    if (!leads_out)
        return clean;
    free(clean);
    return NULL;
}

/* Whether pattern matches guest or a folder above it. */
static bool path_matches(const char *pattern, const char *guest)
{
    return fnmatch(pattern, guest, FNM_PATHNAME | FNM_LEADING_DIR) == 0;
}

bool unpack_left_out(const struct recipe_rules *rules, const char *guest)
{
    for (size_t i = 0; i < rules->paths.count; i++)
        if (path_matches(rules->paths.items[i], guest))
            return true;
    return false;
}

struct member {
    struct archive *outer;
    char block[BLOCK];
};

static la_ssize_t member_read(struct archive *inner, void *context, const void **block)
{
    struct member *member = context;
    (void)inner;
    *block = member->block;
    return archive_read_data(member->outer, member->block, BLOCK);
}

struct unpacking {
    const char *deb, *folder;
    const char *member; /* that is being unpacked, or NULL */
    const struct recipe_rules *rules;
    struct scripts *scripts;
    struct deb_facts *facts;
    struct archive *disk;
};

static bool failed(const struct unpacking *job, struct archive *archive, struct error *err)
{
    return untar_failed(archive, job->deb, job->folder, job->member, err);
}

static bool data_write(const struct unpacking *job, struct archive *from, struct archive *to,
                       struct error *err)
{
    const void *block;
    size_t size;
    la_int64_t offset;
    int result;
    while ((result = archive_read_data_block(from, &block, &size, &offset)) == ARCHIVE_OK)
        if (archive_write_data_block(to, block, size, offset) < ARCHIVE_OK)
            return failed(job, to, err);
    return result == ARCHIVE_EOF || failed(job, from, err);
}

static bool leads_out(const struct unpacking *job, const char *member, struct error *err)
{
    return error_set(err, "%s holds a path that leads out of it: %s", job->deb,
                     member ? member : "(none)");
}

static bool entry_write(const struct unpacking *job, struct archive *tar,
                        struct archive_entry *entry, const char *guest, struct error *err)
{
    char *path = mem_printf("%s%s", job->folder, guest);
    const char *hard = archive_entry_hardlink(entry);
    char *hard_guest = hard ? unpack_guest_path(hard) : NULL;
    if (hard && !hard_guest) {
        free(path);
        return leads_out(job, hard, err);
    }
    bool fits = strlen(path) < PATH_MAX;
    archive_entry_set_pathname(entry, path);
    free(path);
    if (!fits) {
        free(hard_guest);
        return error_set(err, "%s holds a path that is too long: %.100s…", job->deb, guest);
    }
    archive_entry_set_perm(entry, archive_entry_perm(entry) & 0777);
    if (archive_entry_filetype(entry) == AE_IFDIR)
        archive_entry_set_perm(entry, archive_entry_perm(entry) | 0700);
    if (hard_guest) {
        char *target = mem_printf("%s%s", job->folder, hard_guest);
        archive_entry_set_hardlink(entry, target);
        free(target);
    }
    free(hard_guest);
    if (archive_write_header(job->disk, entry) < ARCHIVE_OK)
        return failed(job, job->disk, err);
    if (archive_entry_size(entry) > 0 && !data_write(job, tar, job->disk, err))
        return false;
    return archive_write_finish_entry(job->disk) >= ARCHIVE_WARN || failed(job, job->disk, err);
}

/* The text of the member that tar stands at, were it longer than any, its beginning. */
static char *text_read(struct archive *tar)
{
    struct buf text = {0};
    char block[4096];
    la_ssize_t n;
    while (text.size < TEXT_MAX && (n = archive_read_data(tar, block, sizeof(block))) > 0)
        buf_add(&text, block, (size_t)n);
    return text.data;
}

/* Keeps the copyright file, or the name of the package that has it: /usr/share/doc/NAME is then a
 * link to that one's folder. */
static void copyright_take(struct deb_facts *facts, struct archive *tar,
                           struct archive_entry *entry, const char *guest)
{
    if (strncmp(guest, DOCS, strlen(DOCS)) != 0)
        return;
    const char *below = strchr(guest + strlen(DOCS), '/');
    const char *target = archive_entry_symlink(entry);
    if (below && strcmp(below, "/copyright") == 0 && !target && !facts->copyright)
        facts->copyright = text_read(tar);
    else if (target && !below && !facts->copyright_of)
        facts->copyright_of = mem_string(path_base(target));
}

static bool entry_take(struct unpacking *job, struct archive *tar, struct archive_entry *entry,
                       struct error *err)
{
    const char *member = archive_entry_pathname(entry);
    char *guest = member ? unpack_guest_path(member) : NULL;
    if (!guest)
        return leads_out(job, member, err);
    unsigned type = archive_entry_filetype(entry);
    bool wanted =
        type == AE_IFREG || type == AE_IFDIR || type == AE_IFLNK || archive_entry_hardlink(entry);
    wanted = wanted && strcmp(guest, "/") != 0 && !unpack_left_out(job->rules, guest);
    if (wanted && type == AE_IFREG)
        strlist_add(&job->facts->files, guest);
    if (!wanted)
        copyright_take(job->facts, tar, entry, guest);
    job->member = guest;
    bool ok = !wanted || entry_write(job, tar, entry, guest, err);
    job->member = NULL;
    free(guest);
    return ok;
}

static bool data_unpack(struct unpacking *job, struct archive *tar, struct error *err)
{
    struct archive_entry *entry;
    int result;
    while ((result = archive_read_next_header(tar, &entry)) == ARCHIVE_OK)
        if (!entry_take(job, tar, entry, err))
            return false;
    return result == ARCHIVE_EOF || failed(job, tar, err);
}

/* The description of a control file: its first line, then the others without their blank, and
 * without the dot that stands for an empty one. NULL if there is none. */
static char *description_of(const char *control)
{
    static const char key[] = "\nDescription: ";
    const char *at = control ? strstr(control, key) : NULL;
    struct buf text = {0};
    at = at ? at + strlen(key) : NULL;
    for (bool first = true; at && *at && (first || *at == ' '); first = false) {
        size_t length = strcspn(at, "\n");
        bool blank = !first && length == 2 && at[1] == '.';
        if (!blank)
            buf_add(&text, at + !first, length - !first);
        buf_string(&text, "\n");
        at += length + (at[length] != 0);
    }
    return text.data;
}

static bool control_read(const struct unpacking *job, struct archive *tar, struct error *err)
{
    struct archive_entry *entry;
    int result;
    while ((result = archive_read_next_header(tar, &entry)) == ARCHIVE_OK) {
        const char *member = archive_entry_pathname(entry), *name = member ? path_base(member) : "";
        bool script = strcmp(name, "postinst") == 0;
        char *text = script || strcmp(name, "control") == 0 ? text_read(tar) : NULL;
        if (text && script)
            scripts_read(text, job->scripts);
        else if (text && !job->facts->description)
            job->facts->description = description_of(text);
        free(text);
    }
    return result == ARCHIVE_EOF || failed(job, tar, err);
}

/* Opens the member that outer stands at as an archive; NULL with err set. */
static struct archive *member_open(const struct unpacking *job, struct member *member,
                                   struct error *err)
{
    struct archive *tar = untar_reader();
    if (archive_read_open(tar, member, NULL, member_read, NULL) == ARCHIVE_OK)
        return tar;
    failed(job, tar, err);
    archive_read_free(tar);
    return NULL;
}

static bool members_take(struct unpacking *job, struct archive *outer, struct error *err)
{
    struct member *member = mem_alloc(sizeof(*member));
    struct archive_entry *entry;
    bool ok = true, data_seen = false;
    int result = ARCHIVE_OK;
    member->outer = outer;
    while (ok && (result = archive_read_next_header(outer, &entry)) == ARCHIVE_OK) {
        const char *name = archive_entry_pathname(entry);
        bool control = name && strncmp(name, "control.tar", 11) == 0;
        bool data = name && strncmp(name, "data.tar", 8) == 0;
        if (!control && !data)
            continue;
        struct archive *tar = member_open(job, member, err);
        ok = tar && (control ? control_read(job, tar, err) : data_unpack(job, tar, err));
        data_seen |= data;
        archive_read_free(tar);
    }
    free(member);
    if (ok && result != ARCHIVE_EOF)
        return failed(job, outer, err);
    return ok && (data_seen || error_set(err, "%s is not a Debian package", job->deb));
}

bool unpack_deb(const char *deb, const char *folder, const struct recipe_rules *rules,
                struct scripts *scripts, struct deb_facts *facts, struct error *err)
{
    struct archive *outer = archive_read_new(), *disk = archive_write_disk_new();
    struct unpacking job = {.deb = deb,
                            .folder = folder,
                            .rules = rules,
                            .scripts = scripts,
                            .facts = facts,
                            .disk = disk};
    archive_read_support_format_ar(outer);
    archive_write_disk_set_options(disk, ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_PERM |
                                             ARCHIVE_EXTRACT_UNLINK |
                                             ARCHIVE_EXTRACT_SECURE_SYMLINKS);
    bool ok =
        archive_read_open_filename(outer, deb, BLOCK) == ARCHIVE_OK || failed(&job, outer, err);
    ok = ok && members_take(&job, outer, err);
    archive_read_free(outer);
    if (archive_write_free(disk) < ARCHIVE_WARN && ok)
        ok = error_set(err, "can't unpack %s", deb);
    return ok;
}
