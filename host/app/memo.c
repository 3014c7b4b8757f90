/*
 * What came of a request the last time: one file, sections with their lengths in a fixed order. It
 * is a cache: what can't be read is made anew.
 */
#include "host/app/memo.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/app/argument.h"
#include "host/base/digest.h"
#include "host/base/io.h"
#include "host/base/path.h"
#include "host/base/stamp.h"
#include "host/base/store.h"

#define MEMO_MAGIC "orris memo 5\n"
#define LINE_SIZE 256

static void key_text(struct digest *hash, const char *text)
{
    if (text)
        digest_update(hash, text, strlen(text));
    digest_update(hash, text ? "" : "\n", 1);
}

static void key_list(struct digest *hash, const struct strlist *list)
{
    for (size_t i = 0; i < list->count; i++)
        key_text(hash, list->items[i]);
    key_text(hash, NULL);
}

/* Only the arguments that name files matter to the image, unless all go into it. */
static void key_arguments(struct digest *hash, const struct app_request *request,
                          const struct strlist *list, const char *folder)
{
    for (size_t i = 0; i < list->count; i++)
        if (request->bake || (i == 0 && request->package) ||
            argument_names_file(list->items[i], folder) || !strncmp(list->items[i], "-m", 2))
            key_text(hash, list->items[i]);
    key_text(hash, NULL);
}

/* Only these variables of -e matter to what is put in, unless all go into the image. */
static void key_env(struct digest *hash, const struct app_request *request)
{
    static const char *const starts[] = {"PYTHON", "LD_", "NODE_", "TZ", "LC_", "LANG"};
    for (size_t i = 0; i < request->env.count; i++) {
        const char *item = request->env.items[i];
        bool counts = request->bake;
        for (size_t k = 0; k < sizeof(starts) / sizeof(*starts); k++)
            counts |= !strncmp(item, starts[k], strlen(starts[k]));
        if (!counts)
            continue;
        key_text(hash, item);
        key_text(hash, strchr(item, '=') ? "" : getenv(item));
    }
    key_text(hash, NULL);
}

/* The host's variables that every search depends on, and this tool itself. */
static void key_host(struct digest *hash)
{
    static const char *const names[] = {"PATH", "HOME",   "ORRIS_KERNEL", "ORRIS_DEFAULT_CONFIG",
                                        "LANG", "LC_ALL", "LC_CTYPE",     "TZ"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        key_text(hash, getenv(names[i]));
    struct stat info;
    uint64_t tool = stat("/proc/self/exe", &info) ? 0 : stamp_hash(&info);
    uid_t user = geteuid();
    digest_update(hash, &tool, sizeof(tool));
    digest_update(hash, &user, sizeof(user));
}

char *memo_path(const struct app_request *request, struct error *err)
{
    struct digest hash;
    digest_init(&hash);
    key_host(&hash);
    char *folder = path_absolute(".");
    key_text(&hash, folder);
    const char *texts[] = {request->package,
                           request->config_path,
                           request->program,
                           request->workdir,
                           request->user,
                           request->image_name,
                           request->bake ? "bake" : "run",
                           request->locked ? "locked" : "",
                           request->lock_path};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        key_text(&hash, texts[i]);
    key_list(&hash, &request->packages);
    key_arguments(&hash, request, &request->args, folder);
    key_arguments(&hash, request, &request->program_args, folder);
    key_env(&hash, request);
    free(folder);
    uint8_t digest[DIGEST_SIZE];
    char name[41];
    digest_final(&hash, digest);
    digest_name(digest, name);
    char *sub = mem_printf("cache/runs/%s", name);
    char *path = store_path(sub, false, err);
    free(sub);
    return path;
}

static void save_bytes(struct buf *out, const void *data, size_t size)
{
    uint32_t length = (uint32_t)size;
    buf_add(out, &length, sizeof(length));
    buf_add(out, data ? data : "", size);
    buf_add(out, "", 1);
}

static void save_text(struct buf *out, const char *text)
{
    save_bytes(out, text, text ? strlen(text) : 0);
}

static void save_list(struct buf *out, const struct strlist *list)
{
    uint32_t count = (uint32_t)list->count;
    buf_add(out, &count, sizeof(count));
    for (size_t i = 0; i < list->count; i++)
        save_text(out, list->items[i]);
}

bool memo_save(const char *path, const struct memo *memo, struct error *err)
{
    struct buf out = {0};
    buf_string(&out, MEMO_MAGIC);
    buf_add(&out, &memo->numbers, sizeof(memo->numbers));
    const char *texts[] = {memo->name, memo->image_path, memo->workdir, memo->script,
                           memo->content.annex};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        save_text(&out, texts[i]);
    const struct strlist *lists[] = {
        &memo->content.layers, &memo->args,      &memo->more_args, &memo->env,    &memo->notes,
        &memo->mounts,         &memo->variables, &memo->ports,     &memo->network};
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
        save_list(&out, lists[i]);
    const struct buf *parts[] = {&memo->content.records, &memo->recipe, &memo->watch};
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
        save_bytes(&out, parts[i]->data, parts[i]->size);
    bool done = io_write_file(path, out.data, out.size, 0666, err);
    buf_clear(&out);
    return done;
}

struct reader {
    const char *at, *end;
    bool broken;
};

static void load_raw(struct reader *reader, void *out, size_t size)
{
    if ((size_t)(reader->end - reader->at) < size) {
        reader->broken = true;
        memset(out, 0, size);
        return;
    }
    memcpy(out, reader->at, size);
    reader->at += size;
}

/* The bytes stay the reader's. */
static const char *load_bytes(struct reader *reader, size_t *size)
{
    uint32_t length;
    load_raw(reader, &length, sizeof(length));
    const char *data = reader->at;
    if (reader->broken || (size_t)(reader->end - data) <= length || data[length]) {
        reader->broken = true;
        *size = 0;
        return "";
    }
    reader->at += (size_t)length + 1;
    *size = length;
    return data;
}

static void load_list(struct reader *reader, struct strlist *list)
{
    uint32_t count;
    size_t size;
    load_raw(reader, &count, sizeof(count));
    for (uint32_t i = 0; i < count && !reader->broken; i++)
        strlist_add(list, load_bytes(reader, &size));
}

static bool load_all(struct memo *memo, struct reader *reader)
{
    size_t size;
    char magic[sizeof(MEMO_MAGIC) - 1];
    load_raw(reader, magic, sizeof(magic));
    if (memcmp(magic, MEMO_MAGIC, sizeof(magic)))
        return false;
    load_raw(reader, &memo->numbers, sizeof(memo->numbers));
    char **texts[] = {&memo->name, &memo->image_path, &memo->workdir, &memo->script,
                      &memo->content.annex};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        *texts[i] = mem_string(load_bytes(reader, &size));
    struct strlist *lists[] = {&memo->content.layers, &memo->args,   &memo->more_args, &memo->env,
                               &memo->notes,          &memo->mounts, &memo->variables, &memo->ports,
                               &memo->network};
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
        load_list(reader, lists[i]);
    struct buf *parts[] = {&memo->content.records, &memo->recipe, &memo->watch};
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        const char *data = load_bytes(reader, &size);
        buf_add(parts[i], data, size);
    }
    return !reader->broken;
}

bool memo_load(const char *path, struct memo *memo)
{
    *memo = (struct memo){0};
    struct buf text = {0};
    bool good = io_read_file(path, &text, NULL);
    if (good) {
        struct reader reader = {.at = text.data, .end = text.data + text.size};
        good = text.data && load_all(memo, &reader);
    }
    buf_clear(&text);
    return good;
}

void memo_clear(struct memo *memo)
{
    free(memo->name);
    free(memo->image_path);
    free(memo->workdir);
    free(memo->script);
    image_content_clear(&memo->content);
    strlist_clear(&memo->args);
    strlist_clear(&memo->more_args);
    strlist_clear(&memo->env);
    strlist_clear(&memo->notes);
    strlist_clear(&memo->mounts);
    strlist_clear(&memo->variables);
    strlist_clear(&memo->ports);
    strlist_clear(&memo->network);
    buf_clear(&memo->recipe);
    buf_clear(&memo->watch);
    *memo = (struct memo){0};
}

/* A variable as it is now. Its value may be a secret: only a hash of it is kept. */
static char *variable_text(const char *name)
{
    const char *value = getenv(name);
    if (!value)
        return mem_string(name);
    struct digest hash;
    uint8_t digest[DIGEST_SIZE];
    char text[41];
    digest_init(&hash);
    digest_update(&hash, name, strlen(name) + 1);
    digest_update(&hash, value, strlen(value));
    digest_final(&hash, digest);
    digest_name(digest, text);
    return mem_printf("%s=%s", name, text);
}

void memo_add_variable(struct memo *memo, const char *name)
{
    char *text = variable_text(name);
    strlist_add(&memo->variables, text);
    free(text);
}

bool memo_variables_hold(const struct memo *memo)
{
    bool hold = true;
    for (size_t i = 0; hold && i < memo->variables.count; i++) {
        const char *item = memo->variables.items[i];
        char *name = mem_printf("%.*s", (int)strcspn(item, "="), item);
        char *now = variable_text(name);
        hold = strcmp(now, item) == 0;
        free(name);
        free(now);
    }
    return hold;
}

uint64_t memo_line_hash(const char *script)
{
    char text[LINE_SIZE];
    int fd = open(script, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : io_pread(fd, text, sizeof(text), 0);
    if (fd >= 0)
        close(fd);
    if (size < 0)
        return 1;
    const char *end = memchr(text, '\n', (size_t)size);
    uint64_t hash = hash_bytes(0, text, end ? (size_t)(end - text) : (size_t)size);
    return hash > 1 ? hash : 2;
}
