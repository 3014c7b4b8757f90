/* Reading and writing orris.lock. */
#include "host/record/lock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/base/io.h"
#include "host/base/path.h"

#define HEADER "orris.lock 1"
#define NS_PER_SECOND 1000000000ll

static const char explanation[] =
    "# What a command used, as `orris record` saw it. `orris build --locked` makes an image of\n"
    "# exactly this. Lines may be taken out or added: file MODE SIZE TIME SHA256 PATH,\n"
    "# link PATH -> TARGET, folder MODE PATH, none PATH (looked for in vain).\n";

static void entry_clear(struct lock_entry *entry)
{
    free(entry->name);
    free(entry->target);
    free(entry->why);
}

void lock_clear(struct lock *lock)
{
    for (size_t i = 0; i < lock->count; i++)
        entry_clear(&lock->entries[i]);
    for (size_t i = 0; i < lock->section_count; i++) {
        free(lock->sections[i].name);
        strlist_clear(&lock->sections[i].lines);
    }
    free(lock->entries);
    free(lock->sections);
    free(lock->folder);
    strlist_clear(&lock->command);
    strlist_clear(&lock->env);
    *lock = (struct lock){0};
}

void lock_add(struct lock *lock, struct lock_entry entry)
{
    if ((lock->count & (lock->count + 1)) == 0)
        lock->entries = mem_resize(lock->entries, (2 * lock->count + 2) * sizeof(entry));
    lock->entries[lock->count++] = entry;
}

struct lock_section *lock_section(struct lock *lock, const char *name)
{
    for (size_t i = 0; i < lock->section_count; i++)
        if (!strcmp(lock->sections[i].name, name))
            return &lock->sections[i];
    lock->sections =
        mem_resize(lock->sections, (lock->section_count + 1) * sizeof(*lock->sections));
    lock->sections[lock->section_count] = (struct lock_section){.name = mem_string(name)};
    return &lock->sections[lock->section_count++];
}

/* ---- order ---- */

static int by_name(const void *left, const void *right)
{
    const struct lock_entry *a = left, *b = right;
    return strcmp(a->name, b->name);
}

/* Insertion order must decide among equal names, and qsort() keeps none: mergesort by name and
 * place. */
struct placed {
    struct lock_entry entry;
    size_t place;
};

static int by_name_and_place(const void *left, const void *right)
{
    const struct placed *a = left, *b = right;
    int order = by_name(&a->entry, &b->entry);
    return order ? order : (a->place > b->place) - (a->place < b->place);
}

void lock_sort(struct lock *lock)
{
    if (!lock->count)
        return;
    struct placed *all = mem_alloc(lock->count * sizeof(*all));
    for (size_t i = 0; i < lock->count; i++)
        all[i] = (struct placed){lock->entries[i], i};
    qsort(all, lock->count, sizeof(*all), by_name_and_place);
    size_t kept = 0;
    for (size_t i = 0; i < lock->count; i++) {
        if (i + 1 < lock->count && !by_name(&all[i].entry, &all[i + 1].entry))
            entry_clear(&all[i].entry);
        else
            lock->entries[kept++] = all[i].entry;
    }
    lock->count = kept;
    free(all);
}

static struct lock_entry entry_copy(const struct lock_entry *entry)
{
    struct lock_entry copy = *entry;
    copy.name = mem_string(entry->name);
    copy.target = mem_string(entry->target);
    copy.why = mem_string(entry->why);
    return copy;
}

static bool sets_variable(const struct strlist *env, const char *assignment)
{
    size_t length = strcspn(assignment, "=") + 1;
    for (size_t i = 0; i < env->count; i++)
        if (!strncmp(env->items[i], assignment, length))
            return true;
    return false;
}

/* Something that was looked for in vain the last time, and is there now, is there. */
void lock_merge(struct lock *lock, const struct lock *older)
{
    lock_sort(lock);
    size_t own = lock->count;
    for (size_t i = 0; i < older->count; i++) {
        const struct lock_entry *old = &older->entries[i];
        struct lock_entry *same =
            own ? bsearch(old, lock->entries, own, sizeof(*old), by_name) : NULL;
        if (!same)
            lock_add(lock, entry_copy(old));
    }
    for (size_t i = 0; i < older->env.count; i++)
        if (!sets_variable(&lock->env, older->env.items[i]))
            strlist_add(&lock->env, older->env.items[i]);
    for (size_t i = 0; i < older->section_count; i++) {
        struct lock_section *section = lock_section(lock, older->sections[i].name);
        for (size_t k = 0; !section->lines.count && k < older->sections[i].lines.count; k++)
            strlist_add(&section->lines, older->sections[i].lines.items[k]);
    }
    lock_sort(lock);
}

/* ---- names ---- */

static const char *home_folder(void)
{
    const char *home = getenv("HOME");
    return home && *home == '/' && home[1] ? home : NULL;
}

bool lock_is_inside(const char *name)
{
    return !strcmp(name, ".") || !strcmp(name, "..") || !strncmp(name, "./", 2) ||
           !strncmp(name, "../", 3);
}

/* path relative to folder, both absolute and clean: "./x", "../x". */
static char *relative_name(const char *folder, const char *path)
{
    struct buf out = {0};
    char *at = mem_string(folder);
    while (!path_under(path, at)) {
        buf_string(&out, out.size ? "/.." : "..");
        char *parent = path_parent(at);
        free(at);
        at = parent;
    }
    const char *rest = path + strlen(at);
    rest += *rest == '/';
    if (!out.size)
        buf_string(&out, ".");
    if (*rest)
        buf_printf(&out, "/%s", rest);
    free(at);
    return out.data;
}

char *lock_name(const char *folder, const char *path, bool inside)
{
    if (folder && (inside || (path_under(path, folder) && strcmp(folder, "/") != 0)))
        return relative_name(folder, path);
    const char *home = home_folder();
    if (home && path_under(path, home) && strcmp(path, home) != 0)
        return mem_printf("~%s", path + strlen(home));
    return mem_string(path);
}

char *lock_host_path(const struct lock *lock, const struct lock_entry *entry)
{
    const char *home = home_folder();
    char *joined = !strncmp(entry->name, "~/", 2) ? path_join(home ? home : "/", entry->name + 2)
                                                  : path_join(lock->folder, entry->name);
    char *clean = path_clean(joined);
    free(joined);
    return clean;
}

/* ---- writing ---- */

/* The length of the UTF-8 character at text, or 0 if there is none. */
static size_t character(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t length = *at < 0x80   ? 1
                    : *at < 0xc2 ? 0
                    : *at < 0xe0 ? 2
                    : *at < 0xf0 ? 3
                    : *at < 0xf5 ? 4
                                 : 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

static bool is_plain(const char *word)
{
    if (!*word || *word == '"' || *word == '#' || *word == '[')
        return false;
    for (size_t length; *word; word += length) {
        length = character(word);
        if (!length || (unsigned char)*word <= ' ' || *word == 0x7f || *word == '\\')
            return false;
    }
    return true;
}

static void write_word(struct buf *out, const char *word)
{
    if (is_plain(word)) {
        buf_string(out, word);
        return;
    }
    buf_string(out, "\"");
    for (size_t length; *word; word += length) {
        length = character(word);
        if (*word == '\n' || *word == '\t')
            buf_string(out, *word == '\n' ? "\\n" : "\\t");
        else if (*word == '"' || *word == '\\')
            buf_printf(out, "\\%c", *word);
        else if (!length || (unsigned char)*word < ' ' || *word == 0x7f)
            buf_printf(out, "\\x%02x", (unsigned char)*word);
        else
            buf_add(out, word, length);
        length += !length;
    }
    buf_string(out, "\"");
}

static void write_time(struct buf *out, int64_t time_ns)
{
    int64_t fraction = time_ns % NS_PER_SECOND;
    fraction += fraction < 0 ? NS_PER_SECOND : 0;
    time_t seconds = (time_t)((time_ns - fraction) / NS_PER_SECOND);
    char text[64];
    struct tm parts;
    gmtime_r(&seconds, &parts);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
    buf_printf(out, "%s.%09lldZ", text, (long long)fraction);
}

static void write_entry(struct buf *out, const struct lock_entry *entry)
{
    char digest[SHA256_TEXT_SIZE];
    static const char *const kinds[] = {"file", "link", "folder", "none"};
    buf_printf(out, "%s ", kinds[entry->kind]);
    if (entry->kind == LOCK_FILE || entry->kind == LOCK_FOLDER)
        buf_printf(out, "%04o ", (unsigned)entry->mode & 07777);
    if (entry->kind == LOCK_FILE) {
        sha256_print(entry->sha256, digest);
        buf_printf(out, "%llu ", (unsigned long long)entry->size);
        write_time(out, entry->mtime_ns);
        buf_printf(out, " %s ", digest);
    }
    write_word(out, entry->name);
    if (entry->kind == LOCK_LINK) {
        buf_string(out, " -> ");
        write_word(out, entry->target);
    }
    if (entry->why && *entry->why) {
        buf_string(out, " # ");
        for (const char *at = entry->why; *at; at++)
            buf_add(out, (unsigned char)*at < ' ' ? "?" : at, 1);
    }
    buf_string(out, "\n");
}

static void write_words(struct buf *out, const char *before, const struct strlist *words)
{
    for (size_t i = 0; i < words->count; i++) {
        buf_string(out, before);
        write_word(out, words->items[i]);
        buf_string(out, "\n");
    }
}

static void write_all(const struct lock *lock, const char *own_folder, struct buf *out)
{
    buf_printf(out, "%s\n%s\n[command]\nfolder ", HEADER, explanation);
    char *folder = relative_name(own_folder, lock->folder);
    write_word(out, folder);
    free(folder);
    buf_string(out, "\n");
    write_words(out, "argument ", &lock->command);
    if (lock->env.count)
        buf_string(out, "\n[environment]\n");
    write_words(out, "", &lock->env);
    buf_string(out, "\n[files]\n");
    for (size_t i = 0; i < lock->count; i++)
        write_entry(out, &lock->entries[i]);
    for (size_t i = 0; i < lock->section_count; i++) {
        buf_printf(out, "\n[%s]\n", lock->sections[i].name);
        for (size_t k = 0; k < lock->sections[i].lines.count; k++)
            buf_printf(out, "%s\n", lock->sections[i].lines.items[k]);
    }
}

bool lock_save(const char *path, struct lock *lock, struct error *err)
{
    struct buf out = {0};
    char *whole = path_absolute(path), *folder = path_parent(whole);
    lock_sort(lock);
    write_all(lock, folder, &out);
    bool done = io_write_file(path, out.data, out.size, 0666, err);
    buf_clear(&out);
    free(folder);
    free(whole);
    return done;
}

/* ---- reading ---- */

struct reader {
    const char *path;
    unsigned line;
    char *at; /* in the line */
    struct lock *lock;
    struct error *err;
};

static bool fail(struct reader *reader, const char *what)
{
    return error_set(reader->err, "%s:%u: %s", reader->path, reader->line, what);
}

static int hex_digit(char digit)
{
    const char *digits = "0123456789abcdef", *at = digit ? strchr(digits, digit) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* Takes the escape after a backslash at *from; false if it is none. */
static bool unescape(const char **from, char *out)
{
    char letter = *(*from)++;
    *out = letter == 'n' ? '\n' : letter == 't' ? '\t' : letter;
    if (letter != 'x')
        return letter && strchr("nt\"\\", letter);
    int high = hex_digit((*from)[0]), low = high < 0 ? -1 : hex_digit((*from)[1]);
    if (low < 0 || (high == 0 && low == 0))
        return false;
    *out = (char)(high << 4 | low);
    *from += 2;
    return true;
}

static char *quoted_word(struct reader *reader)
{
    const char *from = reader->at + 1;
    char *to = reader->at;
    bool good = true;
    while (good && *from && *from != '"') {
        char byte = *from++;
        if (byte == '\\')
            good = unescape(&from, &byte);
        *to++ = byte;
    }
    if (!good || *from != '"' || (from[1] && from[1] != ' ')) {
        fail(reader, "a word in double quotes doesn't end, or has a backslash that means nothing");
        return NULL;
    }
    char *word = mem_printf("%.*s", (int)(to - reader->at), reader->at);
    reader->at = (char *)from + 1;
    return word;
}

/* The next word of the line, owned by the caller. NULL with err set if there is none. */
static char *next_word(struct reader *reader, const char *what)
{
    reader->at += strspn(reader->at, " ");
    if (*reader->at == '"')
        return quoted_word(reader);
    size_t length = *reader->at == '#' ? 0 : strcspn(reader->at, " ");
    if (!length) {
        error_set(reader->err, "%s:%u: %s is missing", reader->path, reader->line, what);
        return NULL;
    }
    char *word = mem_printf("%.*s", (int)length, reader->at);
    reader->at += length;
    return word;
}

static bool read_end(struct reader *reader, char **why)
{
    reader->at += strspn(reader->at, " ");
    if (*reader->at && *reader->at != '#')
        return fail(reader, "there is more in this line than belongs there");
    if (why && *reader->at)
        *why = mem_string(reader->at + 1 + strspn(reader->at + 1, " "));
    return true;
}

static bool read_number(struct reader *reader, int base, const char *what, uint64_t max,
                        uint64_t *out)
{
    char *word = next_word(reader, what), *end = NULL;
    if (!word)
        return false;
    errno = 0;
    *out = strtoull(word, &end, base);
    bool good = *word >= '0' && *word <= '9' && !*end && !errno && *out <= max;
    free(word);
    return good || error_set(reader->err, "%s:%u: %s is no number, or too large", reader->path,
                             reader->line, what);
}

static bool parse_time(const char *word, int64_t *out)
{
    struct tm parts = {0};
    const char *rest = strptime(word, "%Y-%m-%dT%H:%M:%S", &parts);
    long long fraction = 0;
    int length = 0;
    if (!rest || (*rest == '.' && sscanf(rest, ".%9lld%n", &fraction, &length) != 1))
        return false;
    for (int digits = length ? length - 1 : 9; digits < 9; digits++)
        fraction *= 10;
    rest += length;
    time_t seconds = timegm(&parts);
    if (strcmp(rest, "Z") != 0 || fraction < 0 || llabs((long long)seconds) > 9000000000ll)
        return false;
    *out = seconds * NS_PER_SECOND + fraction;
    return true;
}

static bool read_stamp(struct reader *reader, struct lock_entry *entry)
{
    if (!read_number(reader, 10, "the size", INT64_MAX, &entry->size))
        return false;
    char *time = next_word(reader, "the time"), *digest = NULL;
    bool good = time && (parse_time(time, &entry->mtime_ns) ||
                         fail(reader, "the time is not as in 2026-01-31T12:00:00.000000000Z"));
    free(time);
    digest = good ? next_word(reader, "the SHA-256") : NULL;
    good = digest && (sha256_parse(digest, entry->sha256) ||
                      fail(reader, "the SHA-256 is not 64 hexadecimal digits"));
    free(digest);
    return good;
}

static bool read_target(struct reader *reader, struct lock_entry *entry)
{
    char *arrow = next_word(reader, "\"->\"");
    bool good = arrow && (!strcmp(arrow, "->") || fail(reader, "\"->\" must follow a link's path"));
    free(arrow);
    entry->target = good ? next_word(reader, "the link's target") : NULL;
    return entry->target && (*entry->target || fail(reader, "the link's target is empty"));
}

static bool name_is_good(const char *name)
{
    return *name == '/' || lock_is_inside(name) || !strncmp(name, "~/", 2);
}

static bool read_entry(struct reader *reader, struct lock_entry *entry)
{
    uint64_t mode = 0;
    bool has_mode = entry->kind == LOCK_FILE || entry->kind == LOCK_FOLDER;
    if (has_mode && !read_number(reader, 8, "the mode", 07777, &mode))
        return false;
    entry->mode = (mode_t)mode;
    if (entry->kind == LOCK_FILE && !read_stamp(reader, entry))
        return false;
    entry->name = next_word(reader, "the path");
    if (!entry->name)
        return false;
    if (!name_is_good(entry->name))
        return fail(reader, "a path begins with /, ./, ../ or ~/");
    return (entry->kind != LOCK_LINK || read_target(reader, entry)) &&
           read_end(reader, &entry->why);
}

static bool files_line(struct reader *reader)
{
    static const char *const kinds[] = {"file", "link", "folder", "none"};
    struct lock_entry entry = {0};
    char *kind = next_word(reader, "file, link, folder or none");
    size_t i = 0;
    while (kind && i < 4 && strcmp(kind, kinds[i]) != 0)
        i++;
    free(kind);
    if (!kind || i == 4)
        return fail(reader, "a line of [files] begins with file, link, folder or none");
    entry.kind = (enum lock_kind)i;
    if (!read_entry(reader, &entry)) {
        entry_clear(&entry);
        return false;
    }
    lock_add(reader->lock, entry);
    return true;
}

static bool command_line(struct reader *reader)
{
    struct lock *lock = reader->lock;
    char *key = next_word(reader, "folder or argument");
    char *value = key ? next_word(reader, "the value") : NULL;
    bool good = value && read_end(reader, NULL);
    if (good && !strcmp(key, "argument")) {
        strlist_add(&lock->command, value);
    } else if (good && !strcmp(key, "folder")) {
        char *joined = path_join(lock->folder, value);
        free(lock->folder);
        lock->folder = path_clean(joined);
        free(joined);
    } else if (good) {
        good = fail(reader, "a line of [command] begins with folder or argument");
    }
    free(key);
    free(value);
    return good;
}

static bool environment_line(struct reader *reader)
{
    char *assignment = next_word(reader, "NAME=VALUE");
    bool good = assignment && read_end(reader, NULL);
    if (good && (*assignment == '=' || !strchr(assignment, '=')))
        good = fail(reader, "a line of [environment] is NAME=VALUE");
    if (good)
        strlist_add(&reader->lock->env, assignment);
    free(assignment);
    return good;
}

/* "[name]": *section becomes the name, owned by the caller. */
static bool header_line(struct reader *reader, char **section)
{
    size_t length = strcspn(reader->at + 1, "]");
    if (reader->at[1 + length] != ']' || !length || reader->at[2 + length])
        return fail(reader, "a section's name stands in brackets, alone on its line");
    free(*section);
    *section = mem_printf("%.*s", (int)length, reader->at + 1);
    return true;
}

static bool read_line(struct reader *reader, char **section)
{
    reader->at += strspn(reader->at, " ");
    if (!*reader->at || *reader->at == '#')
        return true;
    if (*reader->at == '[')
        return header_line(reader, section);
    if (!*section)
        return fail(reader, "a section such as [files] must come first");
    if (!strcmp(*section, "files"))
        return files_line(reader);
    if (!strcmp(*section, "command"))
        return command_line(reader);
    if (!strcmp(*section, "environment"))
        return environment_line(reader);
    strlist_add(&lock_section(reader->lock, *section)->lines, reader->at);
    return true;
}

static bool read_lines(struct reader *reader, char *text)
{
    char *section = NULL, *rest = text;
    bool good = true;
    for (char *line; good && (line = strsep(&rest, "\n"));) {
        size_t length = strlen(line);
        if (length && line[length - 1] == '\r')
            line[length - 1] = 0;
        reader->line++;
        reader->at = line;
        if (reader->line == 1)
            good = !strcmp(line, HEADER) ||
                   fail(reader, !strncmp(line, HEADER, strlen(HEADER) - 1)
                                    ? "is of another version of orris: record anew"
                                    : "the first line of a lock file is \"" HEADER "\"");
        else
            good = read_line(reader, &section);
    }
    free(section);
    return good;
}

bool lock_parse(const char *path, const char *text, size_t size, struct lock *lock,
                struct error *err)
{
    *lock = (struct lock){0};
    char *whole = path_absolute(path), *copy = mem_alloc(size + 1);
    lock->folder = path_parent(whole);
    memcpy(copy, text, size);
    struct reader reader = {.path = path, .lock = lock, .err = err};
    bool good = memchr(text, 0, size) ? error_set(err, "%s: holds a zero byte", path)
                                      : read_lines(&reader, copy);
    lock_sort(lock);
    free(copy);
    free(whole);
    return good;
}

bool lock_load(const char *path, struct lock *lock, struct error *err)
{
    struct buf text = {0};
    *lock = (struct lock){0};
    bool good = io_read_file(path, &text, err) &&
                lock_parse(path, text.data ? text.data : "", text.size, lock, err);
    buf_clear(&text);
    return good;
}
