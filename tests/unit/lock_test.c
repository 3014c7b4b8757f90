// UNIT: host/record/lock.c host/base/buf.c host/base/error.c host/base/fresh.c host/base/io.c
// UNIT: host/base/path.c host/base/sha256.c host/base/strlist.c host/base/escape.c
// LIBS: -lnettle
/*
 * orris.lock: what is written is read back, whatever the names hold; what isn't a lock file is
 * refused with its line.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/io.h"
#include "host/record/lock.h"
#include "tests/harness/check.h"

static char path[] = "/tmp/orris-lock.XXXXXX";
static const char digest_text[] =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; /* of "abc": FIPS 180-2 */

static void add(struct lock *lock, enum lock_kind kind, const char *name, const char *target)
{
    struct lock_entry entry = {
        .kind = kind, .mode = 0644, .size = 3, .mtime_ns = 1700000000000000001};
    entry.name = mem_string(name);
    entry.target = mem_string(target);
    entry.why = mem_string("opened by test");
    lock_add(lock, entry);
}

static void digest_of_a_file(void)
{
    struct error err;
    uint8_t digest[SHA256_SIZE], again[SHA256_SIZE];
    char text[SHA256_TEXT_SIZE];
    CHECK(io_write_file(path, "abc", 3, 0644, &err));
    CHECK(sha256_file(path, digest, &err));
    sha256_print(digest, text);
    CHECK_STR(text, digest_text);
    CHECK(sha256_parse(text, again) && !memcmp(digest, again, sizeof(digest)));
    CHECK(!sha256_parse("ba78", again));
    CHECK(!sha256_file("/nonexistent", digest, &err));
}

static void written_and_read_back(void)
{
    static const char *const names[] = {
        "./a b",   "./new\nline", "./\"quoted\"", "./back\\slash", "./\xff\xfe", "/grün",
        "./#hash", "./tab\t",     "../up",        "~/home",        "/[x]",       "./ü\xc3"};
    struct lock lock = {.folder = mem_string("/tmp")}, again;
    struct error err;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        add(&lock, LOCK_FILE, names[i], NULL);
    add(&lock, LOCK_LINK, "/link", "to a\nplace");
    add(&lock, LOCK_FOLDER, "/folder", NULL);
    add(&lock, LOCK_NONE, "/none", NULL);
    strlist_add(&lock.command, "a program");
    strlist_add(&lock.env, "PYTHONPATH=a b");
    strlist_add(&lock_section(&lock, "packages")->lines, "libc6 2.36 amd64");
    CHECK(lock_save(path, &lock, &err));
    CHECK(lock_load(path, &again, &err));
    CHECK_EQ(again.count, lock.count);
    for (size_t i = 0; i < lock.count && i < again.count; i++) {
        const struct lock_entry *a = &lock.entries[i], *b = &again.entries[i];
        CHECK_STR(b->name, a->name);
        CHECK_EQ(b->kind, a->kind);
        CHECK(!a->target || (b->target && !strcmp(a->target, b->target)));
        CHECK(a->kind != LOCK_FILE || (a->size == b->size && a->mtime_ns == b->mtime_ns));
        CHECK_STR(b->why, "opened by test");
    }
    CHECK_STR(again.folder, "/tmp");
    CHECK_STR(again.command.items[0], "a program");
    CHECK_STR(again.env.items[0], "PYTHONPATH=a b");
    CHECK_STR(lock_section(&again, "packages")->lines.items[0], "libc6 2.36 amd64");
    lock_clear(&lock);
    lock_clear(&again);
}

static void bad_lines_are_named(void)
{
    static const char *const texts[] = {
        "",
        "orris.lock 2\n",
        "nonsense\n",
        "orris.lock 1\nfile\n",
        "orris.lock 1\n[files\n",
        "orris.lock 1\n[]\n",
        "orris.lock 1\n[files]\nsocket ./x\n",
        "orris.lock 1\n[files]\nfile 9999 1 x y ./x\n",
        "orris.lock 1\n[files]\nfile 0644 -1 2026-01-01T00:00:00Z "
        "x"
        " ./x\n",
        "orris.lock 1\n[files]\nfile 0644 99999999999999999999 2026-01-01T00:00:00Z x ./x\n",
        "orris.lock 1\n[files]\nfile 0644 1 2026-01-01 x ./x\n",
        "orris.lock 1\n[files]\nlink ./x\n",
        "orris.lock 1\n[files]\nlink ./x -> \"\"\n",
        "orris.lock 1\n[files]\nnone x\n",
        "orris.lock 1\n[files]\nnone \"./x\n",
        "orris.lock 1\n[files]\nnone \"./\\x00\"\n",
        "orris.lock 1\n[files]\nnone \"./\\q\"\n",
        "orris.lock 1\n[files]\nnone ./x y\n",
        "orris.lock 1\n[command]\nprogram x\n",
        "orris.lock 1\n[environment]\nNAME\n",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct lock lock;
        struct error err = {0};
        CHECK(!lock_parse("x.lock", texts[i], strlen(texts[i]), &lock, &err));
        CHECK(!strncmp(err.text, "x.lock:", 7));
        lock_clear(&lock);
    }
}

static void two_recordings_make_one(void)
{
    struct lock lock = {.folder = mem_string("/tmp")}, older = {.folder = mem_string("/tmp")};
    add(&lock, LOCK_FILE, "./both", NULL);
    add(&lock, LOCK_NONE, "./b", NULL);
    add(&older, LOCK_NONE, "./both", NULL);
    add(&older, LOCK_FILE, "./a", NULL);
    strlist_add(&older.env, "X=1");
    lock_merge(&lock, &older);
    CHECK_EQ(lock.count, 3);
    CHECK_STR(lock.entries[0].name, "./a");
    CHECK_EQ(lock.entries[2].kind, LOCK_FILE);
    CHECK_EQ(lock.env.count, 1);
    lock_clear(&lock);
    lock_clear(&older);
}

static void names_relative_to_a_folder(void)
{
    setenv("HOME", "/home/me", 1);
    struct {
        const char *folder, *path;
        bool inside;
        const char *name;
    } cases[] = {
        {"/home/me/x", "/home/me/x/a", false, "./a"},
        {"/home/me/x", "/home/me/x", false, "."},
        {"/home/me/x", "/home/me/y/a", true, "../y/a"},
        {"/home/me/x", "/home/me/y/a", false, "~/y/a"},
        {"/home/me/x", "/home/me/xy", false, "~/xy"},
        {"/home/me/x", "/usr/a", false, "/usr/a"},
        {"/", "/usr/a", false, "/usr/a"},
        {"/", "/usr/a", true, "./usr/a"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char *name = lock_name(cases[i].folder, cases[i].path, cases[i].inside);
        struct lock lock = {.folder = (char *)cases[i].folder};
        struct lock_entry entry = {.name = name};
        char *host = lock_host_path(&lock, &entry);
        CHECK_STR(name, cases[i].name);
        CHECK_STR(host, cases[i].path);
        free(host);
        free(name);
    }
}

int main(void)
{
    close(mkstemp(path));
    RUN(digest_of_a_file);
    RUN(written_and_read_back);
    RUN(bad_lines_are_named);
    RUN(two_recordings_make_one);
    RUN(names_relative_to_a_folder);
    unlink(path);
    return check_done();
}
