/* The kernel as it stands at the beginning of an image. */
#include "host/image/kernel.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "abi/image.h"
#include "host/base/io.h"
#include "host/base/store.h"

static bool kernel_is_elf(const struct buf *file, Elf64_Ehdr *head)
{
    if (file->size < sizeof(*head))
        return false;
    memcpy(head, file->data, sizeof(*head));
    return !memcmp(head->e_ident, ELFMAG, SELFMAG) && head->e_ident[EI_CLASS] == ELFCLASS64 &&
           head->e_machine == EM_X86_64 && head->e_phentsize == sizeof(Elf64_Phdr) &&
           head->e_phoff <= file->size &&
           head->e_phnum <= (file->size - head->e_phoff) / sizeof(Elf64_Phdr);
}

/* The first offset behind everything that the program headers name; 0 if they point outside. */
static size_t kernel_end(const struct buf *file, const Elf64_Ehdr *head)
{
    size_t end = head->e_phoff + head->e_phnum * sizeof(Elf64_Phdr);
    for (unsigned i = 0; i < head->e_phnum; i++) {
        Elf64_Phdr part;
        memcpy(&part, file->data + head->e_phoff + i * sizeof(part), sizeof(part));
        if (part.p_offset > file->size || part.p_filesz > file->size - part.p_offset)
            return 0;
        if (part.p_offset + part.p_filesz > end)
            end = part.p_offset + part.p_filesz;
    }
    return end;
}

bool kernel_read(const char *path, struct buf *out, struct error *err)
{
    if (!io_read_file(path, out, err))
        return error_prefix(err, "the kernel");
    Elf64_Ehdr head;
    size_t end = kernel_is_elf(out, &head) ? kernel_end(out, &head) : 0;
    if (!end)
        return error_set(err, "%s is not a kernel: no 64-bit x86 ELF file", path);
    if (end > ORRIS_IMAGE_HEADER_OFFSET)
        return error_set(err, "%s is too large: %zu bytes, an image has room for %u", path, end,
                         ORRIS_IMAGE_HEADER_OFFSET);
    head.e_shoff = 0;
    head.e_shnum = head.e_shstrndx = 0;
    memcpy(out->data, &head, sizeof(head));
    out->size = end;
    return true;
}

/* The kernel names itself in what uname(2) answers (kernel/proc/uts.h). */
#define KERNEL_VERSION_MARK "#1 SMP Orris "

char *kernel_version(struct error *err)
{
    char *path = store_kernel_path(err);
    struct buf kernel = {0};
    char *version = NULL;
    if (path && kernel_read(path, &kernel, err)) {
        const char *mark =
            memmem(kernel.data, kernel.size, KERNEL_VERSION_MARK, strlen(KERNEL_VERSION_MARK));
        mark = mark ? mark + strlen(KERNEL_VERSION_MARK) : "unknown";
        version = mem_printf("%.*s", (int)strcspn(mark, "\n"), mark);
    }
    buf_clear(&kernel);
    free(path);
    return version;
}
