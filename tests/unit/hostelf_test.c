// UNIT: host/app/elf.c host/app/hostcache.c host/base/buf.c host/base/error.c
// UNIT: host/base/fresh.c host/base/io.c host/base/strlist.c host/base/escape.c
/*
 * ELF files and ld.so's cache: the real ones are read right, damaged ones never crash or hang.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/app/elf.h"
#include "host/app/hostcache.h"
#include "host/base/buf.h"
#include "host/base/io.h"
#include "tests/harness/check.h"

static char path[] = "/tmp/orris-elf.XXXXXX";

/* A small ELF file: headers, an interpreter, a dynamic section with one needed library. */
struct sample {
    Elf64_Ehdr head;
    Elf64_Phdr parts[3];
    char interpreter[32];
    Elf64_Dyn dynamic[6];
    char strings[64];
};

#define OFFSET(field) offsetof(struct sample, field)

static struct sample sample_make(void)
{
    struct sample s = {
        .head = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                 .e_type = ET_DYN,
                 .e_machine = EM_X86_64,
                 .e_version = EV_CURRENT,
                 .e_phoff = OFFSET(parts),
                 .e_ehsize = sizeof(Elf64_Ehdr),
                 .e_phentsize = sizeof(Elf64_Phdr),
                 .e_phnum = 3},
        .parts = {{.p_type = PT_LOAD,
                   .p_vaddr = 0x1000,
                   .p_filesz = sizeof(struct sample),
                   .p_memsz = sizeof(struct sample)},
                  {.p_type = PT_INTERP, .p_offset = OFFSET(interpreter), .p_filesz = 32},
                  {.p_type = PT_DYNAMIC,
                   .p_offset = OFFSET(dynamic),
                   .p_filesz = sizeof(s.dynamic)}},
        .interpreter = "/lib64/ld.so",
        .dynamic = {{DT_NEEDED, {1}},
                    {DT_RUNPATH, {9}},
                    {DT_SONAME, {1}},
                    {DT_STRTAB, {0x1000 + OFFSET(strings)}},
                    {DT_STRSZ, {64}},
                    {DT_NULL, {0}}},
        .strings = "\0libx.so\0$ORIGIN/lib",
    };
    return s;
}

static enum elf_kind read_bytes(const void *data, size_t size, struct elf *elf, struct error *err)
{
    io_write_file(path, data, size, 0644, NULL);
    return elf_read(path, elf, err);
}

static void test_sample_is_read(void)
{
    struct sample s = sample_make();
    struct elf elf;
    CHECK_EQ(read_bytes(&s, sizeof(s), &elf, NULL), ELF_GOOD);
    CHECK(elf.executable && elf.dynamic);
    CHECK_STR(elf.interpreter, "/lib64/ld.so");
    CHECK_STR(elf.needed.items[0], "libx.so");
    CHECK_STR(elf.runpath, "$ORIGIN/lib");
    CHECK_STR(elf.soname, "libx.so");
    elf_clear(&elf);
}

static void test_foreign_files_are_named(void)
{
    struct elf elf;
    struct error err = {0};
    struct sample s = sample_make();
    s.head.e_machine = EM_AARCH64;
    CHECK_EQ(read_bytes(&s, sizeof(s), &elf, &err), ELF_FOREIGN);
    CHECK(strstr(err.text, "64-bit ARM") != NULL);
    s = sample_make();
    s.head.e_ident[EI_CLASS] = ELFCLASS32;
    s.head.e_machine = EM_386;
    CHECK_EQ(read_bytes(&s, sizeof(s), &elf, &err), ELF_FOREIGN);
    CHECK(strstr(err.text, "32-bit x86") != NULL);
    CHECK_EQ(read_bytes("#!/bin/sh\n", 10, &elf, &err), ELF_NONE);
    CHECK_EQ(read_bytes("", 0, &elf, &err), ELF_NONE);
    CHECK_EQ(elf_read("/nonexistent", &elf, &err), ELF_BROKEN);
}

static void test_every_cut_is_survived(void)
{
    struct sample s = sample_make();
    for (size_t size = 0; size < sizeof(s); size += 3) {
        struct elf elf;
        enum elf_kind kind = read_bytes(&s, size, &elf, NULL);
        if (size >= 4 && size < OFFSET(strings) && kind == ELF_GOOD)
            CHECK(!"a cut file is not good");
        elf_clear(&elf);
    }
    CHECK(true);
}

/* Puts each of some nasty values into each 4-byte word. Nothing to check but that it ends. */
static void test_every_damage_is_survived(void)
{
    static const uint32_t values[] = {0, 1, 0xffffffffu, 0x7fffffffu, 0x1000};
    size_t good = 0;
    for (size_t at = 4; at + 4 <= sizeof(struct sample); at += 4)
        for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
            struct sample s = sample_make();
            memcpy((char *)&s + at, &values[i], sizeof(values[i]));
            struct elf elf;
            good += read_bytes(&s, sizeof(s), &elf, NULL) == ELF_GOOD;
            elf_clear(&elf);
        }
    CHECK(good > 0);
}

static void test_a_real_program(void)
{
    struct elf elf;
    CHECK_EQ(elf_read("/proc/self/exe", &elf, NULL), ELF_GOOD);
    CHECK(elf.executable && elf.interpreter && elf.needed.count > 0);
    elf_clear(&elf);
}

static bool keep_c(void *context, const struct hostcache_entry *entry)
{
    (void)context;
    return !strcmp(entry->name, "libc.so.6");
}

static void test_the_hosts_cache(void)
{
    struct buf text = {0}, written = {0};
    struct hostcache cache, again;
    if (!io_read_file("/etc/ld.so.cache", &text, NULL)) {
        printf("# no /etc/ld.so.cache here\n");
        return;
    }
    CHECK(hostcache_parse(&cache, &text));
    const struct hostcache_entry *entry = hostcache_find(&cache, "libc.so.6");
    CHECK(entry && access(entry->path, R_OK) == 0);
    CHECK(!hostcache_find(&cache, "libnowhere.so"));
    hostcache_write(&cache, keep_c, NULL, &written);
    CHECK(hostcache_parse(&again, &written));
    CHECK_EQ(again.count, 1);
    CHECK_STR(again.entries[0].path, entry->path);
    hostcache_clear(&cache);
    hostcache_clear(&again);
}

static void test_damaged_caches(void)
{
    struct buf text = {0};
    struct hostcache cache;
    buf_string(&text, "glibc-ld.so.cache1.1");
    CHECK(!hostcache_parse(&cache, &text));
    char many[48] = "glibc-ld.so.cache1.1\xff\xff\xff\xff";
    buf_add(&text, many, sizeof(many));
    CHECK(!hostcache_parse(&cache, &text));
    char one[72] = "glibc-ld.so.cache1.1\x01";
    memset(one + 52, 0xff, 8);
    buf_add(&text, one, sizeof(one));
    CHECK(!hostcache_parse(&cache, &text));
    buf_string(&text, "ld.so-1.7.0");
    buf_add(&text, "\0\xff\xff\xff\xff", 5);
    CHECK(!hostcache_parse(&cache, &text));
    CHECK(!hostcache_parse(&cache, &(struct buf){0}));
}

int main(void)
{
    int fd = mkstemp(path);
    close(fd);
    RUN(test_sample_is_read);
    RUN(test_foreign_files_are_named);
    RUN(test_every_cut_is_survived);
    RUN(test_every_damage_is_survived);
    RUN(test_a_real_program);
    RUN(test_the_hosts_cache);
    RUN(test_damaged_caches);
    unlink(path);
    return check_done();
}
