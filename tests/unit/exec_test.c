/* ELF headers and script lines: what a broken file can say. */
// UNIT: kernel/proc/elf.c kernel/proc/script.c
#include <stdlib.h>

#include "kernel/proc/elf.h"
#include "kernel/proc/script.h"
#include "tests/harness/check.h"

#define LIMIT 0x7ffffffff000ul

static Elf64_Ehdr header;
static Elf64_Phdr phdrs[4];
static struct elf_image image;

static void begin(void)
{
    header = (Elf64_Ehdr){
        .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB},
        .e_type = ET_DYN,
        .e_machine = EM_X86_64,
        .e_entry = 0x1000,
        .e_phoff = 64,
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 2,
    };
    memset(phdrs, 0, sizeof(phdrs));
    phdrs[0] = (Elf64_Phdr){.p_type = PT_LOAD,
                            .p_flags = PF_R | PF_X,
                            .p_filesz = 0x1800,
                            .p_memsz = 0x1800,
                            .p_align = 0x1000};
    phdrs[1] = (Elf64_Phdr){.p_type = PT_LOAD,
                            .p_flags = PF_R | PF_W,
                            .p_vaddr = 0x2800,
                            .p_offset = 0x1800,
                            .p_filesz = 0x100,
                            .p_memsz = 0x2000,
                            .p_align = 0x1000};
}

static int check_header(void)
{
    uint64_t offset;
    size_t size;
    return elf_check_header(&header, &offset, &size);
}

static int parse(void)
{
    return elf_parse(&header, phdrs, LIMIT, &image);
}

static void test_takes_a_good_file(void)
{
    begin();
    CHECK_EQ(check_header(), 0);
    CHECK_EQ(parse(), 0);
    CHECK_EQ(image.segment_count, 2);
    CHECK_EQ(image.low, 0);
    CHECK_EQ(image.high, 0x5000);
    CHECK_EQ(image.brk, 0x4800);
    CHECK_EQ(image.header_addr, 64);
    CHECK_EQ(image.alignment, 0x1000);
    CHECK(!image.fixed);
    CHECK(!image.stack_exec);
}

static void test_notes_interpreter_stack_and_alignment(void)
{
    begin();
    header.e_phnum = 4;
    phdrs[0].p_align = 0x200000;
    phdrs[2] = (Elf64_Phdr){.p_type = PT_INTERP, .p_offset = 0x300, .p_filesz = 28};
    phdrs[3] = (Elf64_Phdr){.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W | PF_X};
    CHECK_EQ(parse(), 0);
    CHECK_EQ(image.interp_offset, 0x300);
    CHECK_EQ(image.interp_size, 28);
    CHECK(image.stack_exec);
    CHECK_EQ(image.alignment, 0x200000);
}

static void test_refuses_bad_headers(void)
{
    begin();
    header.e_ident[0] = 0;
    CHECK_EQ(check_header(), -ENOEXEC);
    begin();
    header.e_ident[EI_CLASS] = ELFCLASS32;
    CHECK_EQ(check_header(), -ENOEXEC);
    begin();
    header.e_machine = EM_AARCH64;
    CHECK_EQ(check_header(), -ENOEXEC);
    begin();
    header.e_type = ET_REL;
    CHECK_EQ(check_header(), -ENOEXEC);
    begin();
    header.e_phnum = 0;
    CHECK_EQ(check_header(), -ENOEXEC);
    begin();
    header.e_phnum = 0xffff;
    CHECK_EQ(check_header(), -ENOEXEC);
    begin();
    header.e_phentsize = 32;
    CHECK_EQ(check_header(), -ENOEXEC);
    begin();
    header.e_phoff = UINT64_MAX - 8;
    CHECK_EQ(check_header(), -ENOEXEC);
}

static void test_refuses_bad_segments(void)
{
    begin();
    phdrs[0].p_filesz = phdrs[0].p_memsz + 1;
    CHECK_EQ(parse(), -EINVAL);
    begin();
    phdrs[1].p_vaddr = LIMIT - 0x800;
    phdrs[1].p_offset = 0x800;
    CHECK_EQ(parse(), -EINVAL);
    begin();
    phdrs[1].p_memsz = UINT64_MAX;
    CHECK_EQ(parse(), -EINVAL);
    begin();
    phdrs[1].p_vaddr = 0x1800; /* on the first one's last page */
    CHECK_EQ(parse(), -EINVAL);
    begin();
    phdrs[1].p_offset = 0x1700; /* not congruent to its address */
    CHECK_EQ(parse(), -EINVAL);
    begin();
    phdrs[0].p_type = phdrs[1].p_type = PT_NULL;
    CHECK_EQ(parse(), -ENOEXEC);
    begin();
    phdrs[1].p_type = PT_INTERP;
    phdrs[1].p_filesz = ELF_PATH_MAX + 1;
    CHECK_EQ(parse(), -ENOEXEC);
}

/* In a heap block of exactly that size, so that the sanitizer sees a read beyond it. */
static int parse_script(const char *text, size_t size, struct script *script, char **head)
{
    *head = malloc(size ? size : 1);
    memcpy(*head, text, size);
    return script_parse(*head, size, script);
}

static void check_script(const char *text, int want, const char *interpreter, const char *argument)
{
    struct script script = {NULL, NULL};
    char *head;
    CHECK_EQ(parse_script(text, strlen(text), &script, &head), want);
    if (interpreter)
        CHECK_STR(script.interpreter, interpreter);
    if (argument)
        CHECK_STR(script.argument, argument);
    else
        CHECK(script.argument == NULL);
    free(head);
}

static void test_script_lines(void)
{
    check_script("#!/bin/sh\n", 0, "/bin/sh", NULL);
    check_script("#! /usr/bin/env  python3 -u \nx", 0, "/usr/bin/env", "python3 -u");
    check_script("#!/bin/sh\t\n", 0, "/bin/sh", NULL);
    check_script("#!\n", -ENOEXEC, NULL, NULL);
    check_script("#!   \nfoo", -ENOEXEC, NULL, NULL);
    check_script("\177ELF", -ENOEXEC, NULL, NULL);
    check_script("#", -ENOEXEC, NULL, NULL);
    check_script("", -ENOEXEC, NULL, NULL);
    char longest[SCRIPT_LINE_MAX + 1];
    memset(longest, 'a', sizeof(longest) - 1);
    memcpy(longest, "#!", 2);
    longest[SCRIPT_LINE_MAX] = '\0';
    check_script(longest, -ENOEXEC, NULL, NULL);
}

int main(void)
{
    RUN(test_takes_a_good_file);
    RUN(test_notes_interpreter_stack_and_alignment);
    RUN(test_refuses_bad_headers);
    RUN(test_refuses_bad_segments);
    RUN(test_script_lines);
    return check_done();
}
