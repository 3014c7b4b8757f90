/*
 * Layers hide what is below them, so the bills are read from the top and a path counts once. Text
 * is written by hand: tens of thousands of small objects, each of a fixed form.
 */
#include "host/image/spdx.h"

#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/base/escape.h"
#include "host/image/bill.h"

/* A file that the image shows. */
struct shown {
    const struct bill_file *file;
    size_t package; /* in all of the document, from 1; 0: the image's own */
    unsigned layer;
};

struct document {
    const char *name;
    struct bill bills[ORRIS_IMAGE_LAYERS_MAX];
    unsigned count;
    struct bill_package *packages; /* of all layers, each once; the strings are the bills' */
    size_t package_count;
    struct shown *files; /* by path */
    size_t file_count;
    int64_t newest;
    struct buf *out;
};

/* A JSON string. Bytes that are no UTF-8 become "%XX", as they would in a URL. */
static void put_string(struct buf *out, const char *text)
{
    escape_json(out, text, "%%%02X");
}

static void put_hex(struct buf *out, const uint8_t *bytes, size_t size)
{
    buf_string(out, "\"");
    for (size_t i = 0; i < size; i++)
        buf_printf(out, "%02x", bytes[i]);
    buf_string(out, "\"");
}

static size_t package_add(struct document *it, const struct bill_package *package)
{
    for (size_t i = 0; i < it->package_count; i++)
        if (strcmp(it->packages[i].name, package->name) == 0 &&
            strcmp(it->packages[i].version, package->version) == 0)
            return i + 1;
    it->packages = mem_resize(it->packages, (it->package_count + 1) * sizeof(*it->packages));
    it->packages[it->package_count++] = *package;
    return it->package_count;
}

static int by_path_and_layer(const void *left, const void *right)
{
    const struct shown *a = left, *b = right;
    int order = strcmp(a->file->path, b->file->path);
    return order ? order : (a->layer < b->layer) - (a->layer > b->layer);
}

/* All files, the upper layer's first of those with one path. */
static void take_files(struct document *it)
{
    size_t all = 0;
    for (unsigned i = 0; i < it->count; i++)
        all += it->bills[i].file_count;
    it->files = mem_alloc((all + 1) * sizeof(*it->files));
    for (unsigned i = 0; i < it->count; i++) {
        const struct bill *bill = &it->bills[i];
        size_t *numbers = mem_alloc((bill->package_count + 1) * sizeof(*numbers));
        for (size_t k = 0; k < bill->package_count; k++)
            numbers[k + 1] = package_add(it, &bill->packages[k]);
        for (size_t k = 0; k < bill->file_count; k++)
            it->files[it->file_count++] =
                (struct shown){&bill->files[k], numbers[bill->files[k].package], i};
        free(numbers);
    }
    qsort(it->files, it->file_count, sizeof(*it->files), by_path_and_layer);
    size_t kept = 0;
    for (size_t i = 0; i < it->file_count; i++)
        if (!kept || strcmp(it->files[kept - 1].file->path, it->files[i].file->path) != 0)
            it->files[kept++] = it->files[i];
    it->file_count = kept;
}

static int by_sha1(const void *left, const void *right)
{
    const struct bill_file *const *a = left, *const *b = right;
    return memcmp((*a)->sha1, (*b)->sha1, BILL_SHA1_SIZE);
}

/* SPDX's code over a package's files: SHA-1 of their SHA-1 texts, sorted and joined. */
static void put_verification(const struct document *it, size_t package)
{
    const struct bill_file **own = mem_alloc((it->file_count + 1) * sizeof(*own));
    size_t count = 0;
    for (size_t i = 0; i < it->file_count; i++)
        if (it->files[i].package == package)
            own[count++] = it->files[i].file;
    if (count)
        qsort(own, count, sizeof(*own), by_sha1);
    struct sha1_ctx state;
    uint8_t digest[SHA1_DIGEST_SIZE];
    sha1_init(&state);
    for (size_t i = 0; i < count; i++) {
        struct buf text = {0};
        put_hex(&text, own[i]->sha1, BILL_SHA1_SIZE);
        sha1_update(&state, text.size - 2, (const uint8_t *)text.data + 1);
        buf_clear(&text);
    }
    sha1_digest(&state, sizeof(digest), digest);
    buf_string(it->out, ",\"packageVerificationCode\":{\"packageVerificationCodeValue\":");
    put_hex(it->out, digest, sizeof(digest));
    buf_string(it->out, "}");
    free(own);
}

static void put_has_files(const struct document *it, size_t package)
{
    const char *mark = ",\"hasFiles\":[";
    bool any = false;
    for (size_t i = 0; i < it->file_count; i++)
        if (it->files[i].package == package) {
            buf_printf(it->out, "%s\"SPDXRef-File-%zu\"", mark, i + 1);
            mark = ",";
            any = true;
        }
    buf_string(it->out, any ? "]" : "");
    buf_printf(it->out, ",\"filesAnalyzed\":%s", any ? "true" : "false");
    if (any)
        put_verification(it, package);
}

static void put_package(const struct document *it, size_t number)
{
    const struct bill_package *package = &it->packages[number - 1];
    struct buf *out = it->out;
    const char *licence = package->licence ? package->licence : "NOASSERTION";
    buf_printf(out, ",\n{\"SPDXID\":\"SPDXRef-Package-%zu\",\"name\":", number);
    put_string(out, package->name);
    buf_string(out, ",\"versionInfo\":");
    put_string(out, package->version);
    buf_string(out, ",\"downloadLocation\":\"NOASSERTION\",\"licenseConcluded\":\"NOASSERTION\","
                    "\"licenseDeclared\":");
    put_string(out, licence);
    buf_string(out, ",\"copyrightText\":\"NOASSERTION\"");
    if (package->sha256) {
        buf_string(out, ",\"supplier\":\"Organization: Debian\",\"checksums\":[{\"algorithm\":"
                        "\"SHA256\",\"checksumValue\":");
        put_string(out, package->sha256);
        buf_string(out, "}]");
    }
    put_has_files(it, number);
    buf_string(out, "}");
}

static void put_packages(const struct document *it)
{
    buf_string(it->out, "\"packages\":[\n{\"SPDXID\":\"SPDXRef-Image\",\"name\":");
    put_string(it->out, it->name);
    buf_string(it->out, ",\"primaryPackagePurpose\":\"OPERATING-SYSTEM\",\"downloadLocation\":"
                        "\"NOASSERTION\",\"licenseConcluded\":\"NOASSERTION\",\"licenseDeclared\":"
                        "\"NOASSERTION\",\"copyrightText\":\"NOASSERTION\"");
    put_has_files(it, 0);
    buf_string(it->out, "}");
    for (size_t i = 0; i < it->package_count; i++)
        put_package(it, i + 1);
    buf_string(it->out, "],\n");
}

static void put_files(const struct document *it)
{
    buf_string(it->out, "\"files\":[");
    for (size_t i = 0; i < it->file_count; i++) {
        const struct bill_file *file = it->files[i].file;
        char *name = mem_printf(".%s", file->path);
        buf_printf(it->out, "%s\n{\"SPDXID\":\"SPDXRef-File-%zu\",\"fileName\":", i ? "," : "",
                   i + 1);
        put_string(it->out, name);
        buf_string(it->out, ",\"checksums\":[{\"algorithm\":\"SHA1\",\"checksumValue\":");
        put_hex(it->out, file->sha1, sizeof(file->sha1));
        buf_string(it->out, "},{\"algorithm\":\"SHA256\",\"checksumValue\":");
        put_hex(it->out, file->sha256, sizeof(file->sha256));
        buf_string(it->out, "}],\"licenseConcluded\":\"NOASSERTION\","
                            "\"copyrightText\":\"NOASSERTION\"}");
        free(name);
    }
    buf_string(it->out, "],\n");
}

static void put_relationships(const struct document *it)
{
    static const char form[] = "{\"spdxElementId\":\"%s\",\"relationshipType\":\"%s\","
                               "\"relatedSpdxElement\":\"SPDXRef-%s%s\"}";
    struct buf *out = it->out;
    buf_string(out, "\"relationships\":[\n");
    buf_printf(out, form, "SPDXRef-DOCUMENT", "DESCRIBES", "Image", "");
    for (size_t i = 0; i < it->package_count; i++) {
        char *number = mem_printf("%zu", i + 1);
        buf_string(out, ",\n");
        buf_printf(out, form, "SPDXRef-Image", "CONTAINS", "Package-", number);
        free(number);
    }
    buf_string(out, "]\n");
}

static void reference_add(struct strlist *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return;
    strlist_add(names, name);
}

/* Licences that SPDX has no name for are declared. */
static void put_references(const struct document *it)
{
    struct strlist names = {0};
    for (size_t i = 0; i < it->package_count; i++) {
        char *copy = mem_string(it->packages[i].licence), *rest = copy;
        for (char *word; rest && (word = strsep(&rest, " ()"));)
            if (strncmp(word, "LicenseRef-", 11) == 0)
                reference_add(&names, word);
        free(copy);
    }
    buf_string(it->out, "\"hasExtractedLicensingInfos\":[");
    for (size_t i = 0; i < names.count; i++)
        buf_printf(it->out,
                   "%s\n{\"licenseId\":\"%s\",\"name\":\"%s\",\"extractedText\":\"As in the "
                   "copyright file of the Debian package.\"}",
                   i ? "," : "", names.items[i], names.items[i] + 11);
    buf_string(it->out, "],\n");
    strlist_clear(&names);
}

/* A name for the document that only this content has. */
static void put_namespace(const struct document *it)
{
    struct sha256_ctx state;
    uint8_t digest[SHA256_SIZE];
    sha256_init(&state);
    for (size_t i = 0; i < it->file_count; i++) {
        const struct bill_file *file = it->files[i].file;
        sha256_update(&state, strlen(file->path) + 1, (const uint8_t *)file->path);
        sha256_update(&state, sizeof(file->sha256), file->sha256);
    }
    sha256_digest(&state, sizeof(digest), digest);
    buf_printf(it->out, "\"documentNamespace\":\"urn:orris:");
    for (size_t i = 0; i < sizeof(digest); i++)
        buf_printf(it->out, "%02x", digest[i]);
    buf_string(it->out, "\",\n");
}

static void put_document(const struct document *it)
{
    char when[32] = "";
    struct tm time;
    time_t seconds = (time_t)it->newest;
    if (gmtime_r(&seconds, &time))
        strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &time);
    buf_string(it->out, "{\"spdxVersion\":\"SPDX-2.3\",\"dataLicense\":\"CC0-1.0\",\"SPDXID\":"
                        "\"SPDXRef-DOCUMENT\",\"name\":");
    put_string(it->out, it->name);
    buf_string(it->out, ",\n");
    put_namespace(it);
    buf_printf(it->out,
               "\"creationInfo\":{\"created\":\"%s\",\"creators\":[\"Tool: orris-%s\"]},\n", when,
               ORRIS_VERSION);
    put_packages(it);
    put_files(it);
    put_references(it);
    put_relationships(it);
    buf_string(it->out, "}\n");
}

bool spdx_print(int fd, const char *name, const struct image_info *info, struct buf *out,
                struct error *err)
{
    struct document it = {.name = name, .out = out};
    bool good = true;
    for (unsigned i = 0; good && i < info->layer_count; i++) {
        uint64_t size;
        good =
            bill_read(fd, info->layers[i].offset, info->layers[i].size, &it.bills[i], &size, err) ||
            error_prefix(err, "layer %u of %s", i, name);
        it.count += good;
        if (good && it.bills[i].newest > it.newest)
            it.newest = it.bills[i].newest;
    }
    if (good) {
        take_files(&it);
        put_document(&it);
    }
    for (unsigned i = 0; i < it.count; i++)
        bill_clear(&it.bills[i]);
    free(it.packages);
    free(it.files);
    return good;
}
