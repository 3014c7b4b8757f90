/* The files are hashed from the file system that was just written, so the bill is of what is there.
 */
#include "host/image/bill.h"

#include <stdatomic.h>

#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/crc32c.h"
#include "host/base/io.h"
#include "host/image/erofs_read.h"
#include "host/image/spec.h"

#define HEAD "orris bill 1\n"
#define MAGIC "ORRISBIL"
#define BLOCK 4096u
#define PART_SIZE (256u << 10)
#define DEPTH_MAX 200u
#define THREADS_MAX 7
#define FILES_ALONE 8u /* so few are hashed without further threads */

struct bill_foot {
    char magic[8];
    uint32_t size; /* bytes of text */
    uint32_t crc;  /* CRC-32C of them */
};

void bill_clear(struct bill *bill)
{
    for (size_t i = 0; i < bill->package_count; i++) {
        free(bill->packages[i].name);
        free(bill->packages[i].version);
        free(bill->packages[i].sha256);
        free(bill->packages[i].licence);
    }
    for (size_t i = 0; i < bill->file_count; i++)
        free(bill->files[i].path);
    free(bill->packages);
    free(bill->files);
    *bill = (struct bill){0};
}

/* ---- text ---- */

static void print_hex(struct buf *out, const uint8_t *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    char text[2 * SHA256_SIZE];
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    buf_add(out, text, 2 * size);
}

/* A path with its backslashes, tabs and newlines escaped. */
static void print_path(struct buf *out, const char *path)
{
    for (; *path; path++) {
        const char *escaped = *path == '\\'   ? "\\\\"
                              : *path == '\n' ? "\\n"
                              : *path == '\t' ? "\\t"
                                              : NULL;
        if (escaped)
            buf_string(out, escaped);
        else
            buf_add(out, path, 1);
    }
}

void bill_print(const struct bill *bill, struct buf *out)
{
    buf_printf(out, HEAD "newest\t%lld\n", (long long)bill->newest);
    for (size_t i = 0; i < bill->package_count; i++) {
        const struct bill_package *package = &bill->packages[i];
        buf_printf(out, "package\t%s\t%s\t%s\t%s\n", package->name, package->version,
                   package->sha256 ? package->sha256 : "-",
                   package->licence ? package->licence : "-");
    }
    for (size_t i = 0; i < bill->file_count; i++) {
        const struct bill_file *file = &bill->files[i];
        buf_printf(out, "file\t%zu\t", file->package);
        print_hex(out, file->sha1, sizeof(file->sha1));
        buf_string(out, "\t");
        print_hex(out, file->sha256, sizeof(file->sha256));
        buf_string(out, "\t");
        print_path(out, file->path);
        buf_string(out, "\n");
    }
}

static int digit_value(char digit)
{
    const char *found = digit ? strchr("0123456789abcdef", digit) : NULL;
    return found ? (int)(found - "0123456789abcdef") : -1;
}

static bool parse_hex(const char *text, uint8_t *bytes, size_t size)
{
    if (!text || strlen(text) != 2 * size)
        return false;
    for (size_t i = 0; i < size; i++) {
        int high = digit_value(text[2 * i]), low = digit_value(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* A copy of text with what print_path() escaped. */
static char *parse_path(const char *text)
{
    char *path = mem_string(text), *to = path;
    for (const char *at = text; *at; at++) {
        bool escaped = *at == '\\' && at[1];
        at += escaped;
        *to++ = !escaped ? *at : *at == 'n' ? '\n' : *at == 't' ? '\t' : *at;
    }
    *to = 0;
    return path;
}

static char *parse_optional(const char *field)
{
    return field && strcmp(field, "-") != 0 ? mem_string(field) : NULL;
}

static bool parse_package(char *rest, struct bill *bill)
{
    const char *name = strsep(&rest, "\t"), *version = strsep(&rest, "\t");
    const char *sha256 = strsep(&rest, "\t"), *licence = strsep(&rest, "\t");
    if (!name || !version || !sha256 || !licence || rest)
        return false;
    bill->packages =
        mem_resize(bill->packages, (bill->package_count + 1) * sizeof(*bill->packages));
    bill->packages[bill->package_count++] =
        (struct bill_package){.name = mem_string(name),
                              .version = mem_string(version),
                              .sha256 = parse_optional(sha256),
                              .licence = parse_optional(licence)};
    return true;
}

static void add_file(struct bill *bill, const struct bill_file *file)
{
    if ((bill->file_count & (bill->file_count + 1)) == 0)
        bill->files = mem_resize(bill->files, (2 * bill->file_count + 2) * sizeof(*bill->files));
    bill->files[bill->file_count++] = *file;
}

static bool parse_file(char *rest, struct bill *bill)
{
    struct bill_file file = {0};
    const char *package = strsep(&rest, "\t"), *sha1 = strsep(&rest, "\t");
    const char *sha256 = strsep(&rest, "\t");
    if (!package || !rest || !parse_hex(sha1, file.sha1, sizeof(file.sha1)) ||
        !parse_hex(sha256, file.sha256, sizeof(file.sha256)))
        return false;
    file.package = strtoul(package, NULL, 10);
    if (*rest != '/' || file.package > bill->package_count)
        return false;
    file.path = parse_path(rest);
    add_file(bill, &file);
    return true;
}

static bool parse_line(char *line, struct bill *bill)
{
    const char *kind = strsep(&line, "\t");
    if (!line)
        return false;
    if (strcmp(kind, "package") == 0)
        return parse_package(line, bill);
    if (strcmp(kind, "file") == 0)
        return parse_file(line, bill);
    bill->newest = strtoll(line, NULL, 10);
    return strcmp(kind, "newest") == 0;
}

bool bill_parse(const char *text, size_t size, struct bill *bill)
{
    *bill = (struct bill){0};
    if (size < strlen(HEAD) || memcmp(text, HEAD, strlen(HEAD)) != 0 || text[size - 1] != '\n')
        return false;
    char *copy = mem_printf("%.*s", (int)(size - strlen(HEAD) - 1), text + strlen(HEAD));
    char *rest = *copy ? copy : NULL;
    bool good = true;
    for (char *line; good && (line = strsep(&rest, "\n"));)
        good = parse_line(line, bill);
    free(copy);
    if (!good)
        bill_clear(bill);
    return good;
}

/* ---- a layer's files ---- */

struct billing {
    struct erofs_volume volume;
    const struct bill_origin *origin;
    struct bill bill;
    struct erofs_file *from; /* where the bill's files lie, one each */
    atomic_size_t next;      /* of the files to be hashed */
    atomic_bool failed;
    bool too_deep; /* its folders */
};

/* A folder being read. */
struct folder {
    struct billing *it;
    const char *path; /* "" for the root */
    unsigned depth;
};

static bool hash_file(const struct billing *it, const struct erofs_file *from, uint8_t *part,
                      struct bill_file *file)
{
    struct sha1_ctx one;
    struct sha256_ctx two;
    sha1_init(&one);
    sha256_init(&two);
    ssize_t got;
    for (uint64_t at = 0; (got = erofs_read(&it->volume, from, part, PART_SIZE, at)) > 0;
         at += (uint64_t)got) {
        sha1_update(&one, (size_t)got, part);
        sha256_update(&two, (size_t)got, part);
    }
    sha1_digest(&one, sizeof(file->sha1), file->sha1);
    sha256_digest(&two, sizeof(file->sha256), file->sha256);
    return got == 0;
}

static void *hash_some(void *context)
{
    struct billing *it = context;
    uint8_t *part = mem_alloc(PART_SIZE);
    for (size_t i; (i = atomic_fetch_add(&it->next, 1)) < it->bill.file_count;)
        if (!hash_file(it, &it->from[i], part, &it->bill.files[i]))
            it->failed = true;
    free(part);
    return NULL;
}

/* Hashes all files, on as many processors as there are. */
static bool hash_all(struct billing *it)
{
    pthread_t threads[THREADS_MAX];
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    long started = 0;
    while (started < THREADS_MAX && started + 1 < cpus && it->bill.file_count > FILES_ALONE &&
           pthread_create(&threads[started], NULL, hash_some, it) == 0)
        started++;
    hash_some(it);
    while (started > 0)
        pthread_join(threads[--started], NULL);
    return !it->failed;
}

static void take_file(struct billing *it, const struct erofs_file *from, char *path)
{
    struct bill *bill = &it->bill;
    struct bill_file file = {.path = path};
    if (from->mtime > bill->newest)
        bill->newest = from->mtime;
    file.package = it->origin->owner ? it->origin->owner(it->origin, path) : 0;
    if ((bill->file_count & (bill->file_count + 1)) == 0)
        it->from = mem_resize(it->from, (2 * bill->file_count + 2) * sizeof(*it->from));
    it->from[bill->file_count] = *from;
    add_file(bill, &file);
}

static bool take_entry(void *context, const char *name, uint64_t number)
{
    const struct folder *folder = context;
    struct billing *it = folder->it;
    struct erofs_file file;
    if (!erofs_stat(&it->volume, number, &file))
        return false;
    char *path = mem_printf("%s/%s", folder->path, name);
    if (S_ISREG(file.mode)) {
        take_file(it, &file, path);
        return true;
    }
    struct folder below = {it, path, folder->depth + 1};
    it->too_deep |= S_ISDIR(file.mode) && below.depth >= DEPTH_MAX;
    bool good = !S_ISDIR(file.mode) ||
                (!it->too_deep && erofs_list(&it->volume, &file, take_entry, &below));
    free(path);
    return good;
}

static bool take_all(struct billing *it, int fd, uint64_t base, uint64_t size, struct error *err)
{
    struct erofs_file root;
    struct folder top = {it, "", 0};
    if (!erofs_open(&it->volume, fd, base, size, err))
        return false;
    return (erofs_stat(&it->volume, it->volume.root, &root) &&
            erofs_list(&it->volume, &root, take_entry, &top) && hash_all(it)) ||
           (it->too_deep ? error_set(err, "folders nest too deeply; %u in each other are the limit",
                                     DEPTH_MAX)
                         : error_set(err, "its file system is damaged"));
}

static void take_packages(struct billing *it)
{
    const struct bill_origin *origin = it->origin;
    it->bill.packages = mem_alloc((origin->count + 1) * sizeof(*it->bill.packages));
    for (size_t i = 0; i < origin->count; i++)
        it->bill.packages[i] =
            (struct bill_package){.name = mem_string(origin->packages[i].name),
                                  .version = mem_string(origin->packages[i].version),
                                  .sha256 = mem_string(origin->packages[i].sha256),
                                  .licence = mem_string(origin->packages[i].licence)};
    it->bill.package_count = origin->count;
}

/* Text and foot, from the file system's end to a whole block. */
static bool write_bill(int fd, uint64_t at, const struct bill *bill, struct error *err)
{
    struct buf text = {0};
    bill_print(bill, &text);
    struct bill_foot foot = {.size = (uint32_t)text.size, .crc = crc32c(0, text.data, text.size)};
    memcpy(foot.magic, MAGIC, sizeof(foot.magic));
    static const char zeros[BLOCK];
    size_t used = (text.size + sizeof(foot)) % BLOCK;
    buf_add(&text, zeros, used ? BLOCK - used : 0);
    buf_add(&text, &foot, sizeof(foot));
    bool done = io_pwrite(fd, text.data, text.size, (off_t)at) ||
                error_errno(err, "can't write a layer's bill of materials");
    buf_clear(&text);
    return done;
}

bool bill_append(int fd, const struct bill_origin *origin, struct error *err)
{
    struct stat info;
    if (fstat(fd, &info))
        return error_errno(err, "can't look at a layer");
    struct billing it = {.origin = origin};
    take_packages(&it);
    bool done = take_all(&it, fd, 0, (uint64_t)info.st_size, err) &&
                write_bill(fd, (uint64_t)info.st_size, &it.bill, err);
    bill_clear(&it.bill);
    free(it.from);
    return done;
}

bool bill_read(int fd, uint64_t offset, uint64_t size, struct bill *bill, uint64_t *file_system,
               struct error *err)
{
    struct bill_foot foot;
    *bill = (struct bill){0};
    if (size < sizeof(foot) ||
        io_pread(fd, &foot, sizeof(foot), (off_t)(offset + size - sizeof(foot))) !=
            (ssize_t)sizeof(foot) ||
        memcmp(foot.magic, MAGIC, sizeof(foot.magic)) != 0)
        return error_set(err, "has no bill of materials");
    uint64_t all = ((uint64_t)foot.size + sizeof(foot) + BLOCK - 1) / BLOCK * BLOCK;
    if (all > size)
        return error_set(err, "its bill of materials is damaged");
    *file_system = size - all;
    struct buf text = {0};
    buf_reserve(&text, foot.size);
    bool good =
        io_pread(fd, text.data, foot.size, (off_t)(offset + *file_system)) == (ssize_t)foot.size &&
        crc32c(0, text.data, foot.size) == foot.crc && bill_parse(text.data, foot.size, bill);
    buf_clear(&text);
    return good || error_set(err, "its bill of materials is damaged");
}

/* The first file in which the two differ, or NULL. */
static const char *first_difference(const struct bill *there, const struct bill *bill)
{
    for (size_t i = 0; i < there->file_count || i < bill->file_count; i++) {
        if (i >= there->file_count)
            return bill->files[i].path;
        const struct bill_file *file = &there->files[i], *wanted = &bill->files[i];
        if (i >= bill->file_count || strcmp(file->path, wanted->path) != 0 ||
            memcmp(file->sha256, wanted->sha256, sizeof(file->sha256)) != 0 ||
            memcmp(file->sha1, wanted->sha1, sizeof(file->sha1)) != 0)
            return file->path;
    }
    return NULL;
}

bool bill_check(int fd, uint64_t offset, uint64_t size, const struct bill *bill, struct error *err)
{
    static const struct bill_origin none;
    struct billing it = {.origin = &none};
    bool good = take_all(&it, fd, offset, size, err);
    const char *path = good ? first_difference(&it.bill, bill) : NULL;
    if (path)
        good = error_set(err, "%s is not what the bill of materials says", path);
    bill_clear(&it.bill);
    free(it.from);
    return good;
}
