/* Looks a function up in an ELF file's .symtab, or, if it was stripped, in its .dynsym. */
#include "kernel/proc/symbols.h"

#include <linux/elf.h>

#include "kernel/base/format.h"
#include "kernel/base/string.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/elf.h"
#include "kernel/vfs/vfs.h"

#define CHUNK_SYMBOLS 128u
#define NAME_SHOWN 80
#define SECTIONS_MAX 256u
#define SYMBOL_FUNCTION 2
#define SYMBOL_INDIRECT 10 /* STT_GNU_IFUNC */

struct finder {
    struct file *f;
    uint64_t addr; /* as linked */
    uint64_t best_value;
    uint32_t best_name;
    bool found;
    Elf64_Sym symbols[CHUNK_SYMBOLS];
};

static bool read_all(struct file *f, void *buf, size_t size, uint64_t offset)
{
    return vfs_read_kernel(f, buf, size, offset) == (int64_t)size;
}

/* From an offset in the file to the address it is linked at. */
static bool find_address(struct file *f, const Elf64_Ehdr *h, uint64_t offset, uint64_t *addr)
{
    for (unsigned i = 0; i < h->e_phnum; i++) {
        Elf64_Phdr p;
        if (!read_all(f, &p, sizeof(p), h->e_phoff + i * sizeof(p)))
            return false;
        if (p.p_type == PT_LOAD && offset >= p.p_offset && offset - p.p_offset < p.p_filesz) {
            *addr = p.p_vaddr + (offset - p.p_offset);
            return true;
        }
    }
    return false;
}

/* The section of that type, and the string table it names. */
static bool find_table(struct file *f, const Elf64_Ehdr *h, uint32_t type, Elf64_Shdr *table,
                       Elf64_Shdr *strings)
{
    if (h->e_shentsize != sizeof(*table) || h->e_shnum > SECTIONS_MAX)
        return false;
    for (unsigned i = 0; i < h->e_shnum; i++) {
        if (!read_all(f, table, sizeof(*table), h->e_shoff + i * sizeof(*table)))
            return false;
        if (table->sh_type == type)
            return table->sh_link < h->e_shnum &&
                   read_all(f, strings, sizeof(*strings),
                            h->e_shoff + table->sh_link * sizeof(*strings));
    }
    return false;
}

static void look_at(struct finder *finder, const Elf64_Sym *s)
{
    unsigned type = ELF64_ST_TYPE(s->st_info);
    bool holds =
        s->st_value <= finder->addr && (s->st_size == 0 || finder->addr - s->st_value < s->st_size);
    if ((type != SYMBOL_FUNCTION && type != SYMBOL_INDIRECT) || s->st_shndx == SHN_UNDEF || !holds)
        return;
    if (finder->found && s->st_value <= finder->best_value)
        return;
    finder->found = true;
    finder->best_value = s->st_value;
    finder->best_name = s->st_name;
}

static void scan(struct finder *finder, const Elf64_Shdr *table)
{
    uint64_t count = table->sh_size / sizeof(Elf64_Sym);
    for (uint64_t i = 0; i < count; i += CHUNK_SYMBOLS) {
        uint64_t here = min_u64(count - i, CHUNK_SYMBOLS);
        if (!read_all(finder->f, finder->symbols, here * sizeof(Elf64_Sym),
                      table->sh_offset + i * sizeof(Elf64_Sym)))
            return;
        for (uint64_t j = 0; j < here; j++)
            look_at(finder, &finder->symbols[j]);
    }
}

static void put_name(struct finder *finder, const Elf64_Shdr *strings, char *buf, size_t size)
{
    char name[NAME_SHOWN];
    int64_t got =
        vfs_read_kernel(finder->f, name, sizeof(name) - 1, strings->sh_offset + finder->best_name);
    name[got > 0 ? got : 0] = '\0';
    format(buf, size, "%s+%#lx", name, finder->addr - finder->best_value);
}

static bool find_in(struct finder *finder, const Elf64_Ehdr *h, char *buf, size_t size)
{
    static const uint32_t types[] = {SHT_SYMTAB, SHT_DYNSYM};
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        Elf64_Shdr table, strings;
        if (!find_table(finder->f, h, types[i], &table, &strings))
            continue;
        scan(finder, &table);
        if (finder->found) {
            put_name(finder, &strings, buf, size);
            return true;
        }
    }
    return false;
}

bool symbols_find(struct file *f, uint64_t offset, char *buf, size_t size)
{
    Elf64_Ehdr h;
    uint64_t headers, addr;
    size_t headers_size;
    if (!read_all(f, &h, sizeof(h), 0) || elf_check_header(&h, &headers, &headers_size) ||
        !find_address(f, &h, offset, &addr))
        return false;
    struct finder *finder = heap_zalloc(sizeof(*finder));
    if (!finder)
        return false;
    finder->f = f;
    finder->addr = addr;
    bool found = find_in(finder, &h, buf, size);
    heap_free(finder);
    return found;
}
