/* Checks ELF headers. What a broken file can say is refused here, so that the loader need not
 * think of it. */
#include "kernel/proc/elf.h"

#include "kernel/base/errno.h"
#include "kernel/base/string.h"

#define HEADERS_MAX 256 /* program headers: as many as Linux takes in one page or so */

int elf_check_header(const Elf64_Ehdr *h, uint64_t *offset, size_t *size)
{
    bool good = memcmp(h->e_ident, ELFMAG, SELFMAG) == 0 && h->e_ident[EI_CLASS] == ELFCLASS64 &&
                h->e_ident[EI_DATA] == ELFDATA2LSB && h->e_machine == EM_X86_64 &&
                (h->e_type == ET_EXEC || h->e_type == ET_DYN) &&
                h->e_phentsize == sizeof(Elf64_Phdr) && h->e_phnum > 0 &&
                h->e_phnum <= HEADERS_MAX && h->e_phoff < INT64_MAX / 2;
    if (!good)
        return -ENOEXEC;
    *offset = h->e_phoff;
    *size = h->e_phnum * sizeof(Elf64_Phdr);
    return 0;
}

static int take_segment(const Elf64_Phdr *p, uint64_t limit, struct elf_image *image)
{
    if (p->p_filesz > p->p_memsz || p->p_vaddr > limit || p->p_memsz > limit - p->p_vaddr ||
        p->p_offset > INT64_MAX / 2 || p->p_filesz > INT64_MAX / 2)
        return -EINVAL;
    if ((p->p_vaddr - p->p_offset) & PAGE_MASK)
        return -EINVAL;
    if (p->p_memsz == 0)
        return 0;
    if (image->segment_count == ELF_SEGMENTS_MAX)
        return -ENOEXEC;
    if (image->segment_count && align_down(p->p_vaddr, PAGE_SIZE) < image->high)
        return -EINVAL; /* they must ascend, each on pages of its own */
    if (!image->segment_count)
        image->low = align_down(p->p_vaddr, PAGE_SIZE);
    uint64_t end = p->p_vaddr + p->p_memsz;
    image->high = align_up(end, PAGE_SIZE);
    image->brk = end;
    image->segments[image->segment_count++] = (struct elf_segment){
        .addr = p->p_vaddr,
        .file_size = p->p_filesz,
        .mem_size = p->p_memsz,
        .offset = p->p_offset,
        .flags = p->p_flags,
    };
    bool power_of_two = (p->p_align & (p->p_align - 1)) == 0;
    if (power_of_two && p->p_align > image->alignment && p->p_align <= (1ul << 30))
        image->alignment = p->p_align;
    return 0;
}

/* Where the program headers are once the segments are mapped. */
static void find_headers(const Elf64_Ehdr *h, struct elf_image *image)
{
    for (unsigned i = 0; i < image->segment_count; i++) {
        const struct elf_segment *s = &image->segments[i];
        if (h->e_phoff >= s->offset && h->e_phoff - s->offset < s->file_size) {
            image->header_addr = s->addr + (h->e_phoff - s->offset);
            return;
        }
    }
}

int elf_parse(const Elf64_Ehdr *h, const Elf64_Phdr *phdrs, uint64_t limit, struct elf_image *image)
{
    *image = (struct elf_image){
        .fixed = h->e_type == ET_EXEC,
        .entry = h->e_entry,
        .alignment = PAGE_SIZE,
        .header_count = h->e_phnum,
    };
    for (unsigned i = 0; i < h->e_phnum; i++) {
        const Elf64_Phdr *p = &phdrs[i];
        int err = 0;
        if (p->p_type == PT_LOAD) {
            err = take_segment(p, limit, image);
        } else if (p->p_type == PT_INTERP && image->interp_size == 0) {
            if (p->p_filesz < 2 || p->p_filesz > ELF_PATH_MAX || p->p_offset > INT64_MAX / 2)
                err = -ENOEXEC;
            image->interp_offset = p->p_offset;
            image->interp_size = p->p_filesz;
        } else if (p->p_type == PT_GNU_STACK) {
            image->stack_exec = p->p_flags & PF_X;
        }
        if (err)
            return err;
    }
    if (image->segment_count == 0)
        return -ENOEXEC;
    find_headers(h, image);
    return 0;
}
