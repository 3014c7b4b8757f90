/*
 * Reading ELF files as ld.so does: program headers, then the dynamic section, whose addresses are
 * turned into offsets through the LOAD segments. Sections are for linkers and may be missing. Every
 * offset and length comes from a file that may be damaged, and is checked against its size.
 */
#include "host/app/elf.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/io.h"

#define HEADERS_MAX 256u
#define DYNAMIC_MAX 4096u    /* entries */
#define NAMES_MAX (4u << 20) /* bytes of symbols' names that are looked through */
#define STRING_MAX 4096u

struct reader {
    int fd;
    uint64_t size;
    Elf64_Phdr headers[HEADERS_MAX];
    unsigned header_count;
    uint64_t strings, strings_size; /* DT_STRTAB as an offset */
};

/* Reads exactly size bytes inside the file. */
static bool take(const struct reader *reader, void *out, uint64_t size, uint64_t offset)
{
    return offset <= reader->size && size <= reader->size - offset &&
           io_pread(reader->fd, out, (size_t)size, (off_t)offset) == (ssize_t)size;
}

static bool broken(struct error *err, const char *path, const char *what)
{
    return error_set(err, "%s is damaged: %s", path, what);
}

static const char *machine_name(unsigned machine)
{
    static const struct {
        unsigned machine;
        const char *name;
    } names[] = {{EM_386, "32-bit x86"},     {EM_ARM, "32-bit ARM"},
                 {EM_AARCH64, "64-bit ARM"}, {EM_RISCV, "RISC-V"},
                 {EM_PPC64, "64-bit POWER"}, {EM_S390, "S/390"},
                 {EM_MIPS, "MIPS"},          {EM_X86_64, "x86-64 with 32-bit pointers (x32)"}};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (names[i].machine == machine)
            return names[i].name;
    return "another processor";
}

/* Looks at the file's first bytes. */
static enum elf_kind head_check(const struct reader *reader, const char *path, Elf64_Ehdr *head,
                                struct error *err)
{
    memset(head, 0, sizeof(*head));
    size_t size = reader->size < sizeof(*head) ? (size_t)reader->size : sizeof(*head);
    if (!take(reader, head, size, 0) || size < SELFMAG || memcmp(head->e_ident, ELFMAG, SELFMAG))
        return ELF_NONE;
    if (size < offsetof(Elf64_Ehdr, e_version)) {
        broken(err, path, "it ends inside its header");
        return ELF_BROKEN;
    }
    if (head->e_ident[EI_DATA] != ELFDATA2LSB || head->e_machine != EM_X86_64 ||
        head->e_ident[EI_CLASS] != ELFCLASS64) {
        unsigned machine = head->e_machine;
        if (head->e_ident[EI_DATA] == ELFDATA2MSB)
            machine = __builtin_bswap16((uint16_t)machine);
        error_set(err, "%s is for %s; orris runs programs for 64-bit x86 (x86-64)", path,
                  machine_name(machine));
        return ELF_FOREIGN;
    }
    if (size < sizeof(*head) || head->e_phentsize != sizeof(Elf64_Phdr) ||
        head->e_phnum > HEADERS_MAX) {
        broken(err, path, "its header makes no sense");
        return ELF_BROKEN;
    }
    return ELF_GOOD;
}

/* The file's offset of an address, and how many bytes of the segment follow there. */
static bool offset_of(const struct reader *reader, uint64_t address, uint64_t *offset,
                      uint64_t *room)
{
    for (unsigned i = 0; i < reader->header_count; i++) {
        const Elf64_Phdr *part = &reader->headers[i];
        if (part->p_type != PT_LOAD || address < part->p_vaddr ||
            address - part->p_vaddr >= part->p_filesz)
            continue;
        *offset = part->p_offset + (address - part->p_vaddr);
        *room = part->p_filesz - (address - part->p_vaddr);
        return *offset >= part->p_offset;
    }
    return false;
}

/* A string in the file: at most room bytes, the NUL among them. NULL if it isn't one. */
static char *string_at(const struct reader *reader, uint64_t offset, uint64_t room)
{
    char text[STRING_MAX];
    uint64_t size = room < sizeof(text) ? room : sizeof(text);
    if (offset > reader->size)
        return NULL;
    if (size > reader->size - offset)
        size = reader->size - offset;
    if (!take(reader, text, size, offset) || !memchr(text, 0, (size_t)size))
        return NULL;
    return mem_string(text);
}

static char *dynamic_string(const struct reader *reader, uint64_t index)
{
    if (index >= reader->strings_size)
        return NULL;
    return string_at(reader, reader->strings + index, reader->strings_size - index);
}

static bool find_strings(struct reader *reader, const Elf64_Dyn *table, size_t count)
{
    uint64_t address = 0, size = 0, room = 0;
    for (size_t i = 0; i < count; i++) {
        if (table[i].d_tag == DT_STRTAB)
            address = table[i].d_un.d_ptr;
        if (table[i].d_tag == DT_STRSZ)
            size = table[i].d_un.d_val;
    }
    if (!offset_of(reader, address, &reader->strings, &room))
        return false;
    reader->strings_size = size < room ? size : room;
    return true;
}

static bool set_string(const struct reader *reader, uint64_t index, char **field)
{
    free(*field);
    *field = dynamic_string(reader, index);
    return *field != NULL;
}

static bool take_entry(const struct reader *reader, const Elf64_Dyn *entry, struct elf *out)
{
    char *name = NULL;
    switch (entry->d_tag) {
    case DT_NEEDED:
        if (!set_string(reader, entry->d_un.d_val, &name))
            return false;
        strlist_add(&out->needed, name);
        free(name);
        return true;
    case DT_SONAME:
        return set_string(reader, entry->d_un.d_val, &out->soname);
    case DT_RPATH:
        return set_string(reader, entry->d_un.d_val, &out->rpath);
    case DT_RUNPATH:
        return set_string(reader, entry->d_un.d_val, &out->runpath);
    case DT_FLAGS_1:
        out->no_default = entry->d_un.d_val & DF_1_NODEFLIB;
        out->executable |= (entry->d_un.d_val & DF_1_PIE) != 0;
        return true;
    default:
        return true;
    }
}

static bool has_name(const char *strings, size_t size, const char *name)
{
    return memmem(strings, size, name, strlen(name) + 1) != NULL;
}

/* Which of glibc's functions that open files of their own are among the symbols' names. */
static void take_names(const struct reader *reader, struct elf *out)
{
    size_t size = reader->strings_size < NAMES_MAX ? (size_t)reader->strings_size : NAMES_MAX;
    char *strings = mem_alloc(size + 1);
    if (take(reader, strings, size, reader->strings) &&
        (!out->soname || strcmp(out->soname, "libc.so.6") != 0)) {
        out->converts = has_name(strings, size, "iconv_open");
        out->translates = has_name(strings, size, "bindtextdomain");
        out->zones =
            has_name(strings, size, "tzset") ||
            ((has_name(strings, size, "setenv") || has_name(strings, size, "putenv")) &&
             (has_name(strings, size, "localtime") || has_name(strings, size, "localtime_r") ||
              has_name(strings, size, "mktime")));
        out->names = has_name(strings, size, "getaddrinfo") ||
                     has_name(strings, size, "getservbyname") ||
                     has_name(strings, size, "getpwnam") || has_name(strings, size, "getpwuid");
    }
    free(strings);
}

static bool take_dynamic(struct reader *reader, const Elf64_Phdr *part, struct elf *out)
{
    static const Elf64_Dyn end = {.d_tag = DT_NULL};
    size_t count = part->p_filesz / sizeof(Elf64_Dyn);
    if (!count || count > DYNAMIC_MAX)
        return false;
    Elf64_Dyn *table = mem_alloc((count + 1) * sizeof(*table));
    bool good = take(reader, table, count * sizeof(*table), part->p_offset);
    table[count] = end;
    size_t used = 0;
    while (table[used].d_tag != DT_NULL)
        used++;
    good = good && find_strings(reader, table, used);
    for (size_t i = 0; good && i < used; i++)
        good = take_entry(reader, &table[i], out);
    free(table);
    if (good)
        take_names(reader, out);
    out->dynamic = true;
    return good;
}

static enum elf_kind read_open(struct reader *reader, const char *path, struct elf *out,
                               struct error *err)
{
    Elf64_Ehdr head;
    enum elf_kind kind = head_check(reader, path, &head, err);
    if (kind != ELF_GOOD)
        return kind;
    reader->header_count = head.e_phnum;
    bool good = take(reader, reader->headers, head.e_phnum * sizeof(Elf64_Phdr), head.e_phoff);
    out->executable = head.e_type == ET_EXEC;
    for (unsigned i = 0; good && i < reader->header_count; i++) {
        const Elf64_Phdr *part = &reader->headers[i];
        if (part->p_type == PT_INTERP) {
            free(out->interpreter);
            out->interpreter = string_at(reader, part->p_offset, part->p_filesz);
            out->executable = true;
            good = out->interpreter != NULL;
        } else if (part->p_type == PT_DYNAMIC) {
            good = take_dynamic(reader, part, out);
        }
    }
    if (good)
        return ELF_GOOD;
    broken(err, path, "it is cut short, or its dynamic section makes no sense");
    return ELF_BROKEN;
}

enum elf_kind elf_read(const char *path, struct elf *out, struct error *err)
{
    *out = (struct elf){0};
    struct stat info;
    struct reader *reader = mem_alloc(sizeof(*reader));
    reader->fd = open(path, O_RDONLY | O_CLOEXEC);
    enum elf_kind kind = ELF_BROKEN;
    if (reader->fd < 0 || fstat(reader->fd, &info)) {
        error_errno(err, "%s", path);
    } else {
        reader->size = (uint64_t)info.st_size;
        kind = read_open(reader, path, out, err);
    }
    if (reader->fd >= 0)
        close(reader->fd);
    free(reader);
    return kind;
}

void elf_clear(struct elf *elf)
{
    free(elf->interpreter);
    free(elf->soname);
    free(elf->rpath);
    free(elf->runpath);
    strlist_clear(&elf->needed);
    *elf = (struct elf){0};
}
