/*
 * ELF executables, as far as exec needs them: what the headers say, checked. Portable: knows
 * nothing of files and address spaces.
 */
#pragma once

#include <linux/elf.h>

#include "kernel/base/types.h"

#define ELF_SEGMENTS_MAX 32
#define ELF_PATH_MAX 4096

struct elf_segment {
    uint64_t addr, file_size, mem_size, offset; /* addr as linked: without the bias */
    uint32_t flags;                             /* PF_* */
};

struct elf_image {
    bool fixed; /* ET_EXEC: addresses are absolute */
    uint64_t entry;
    uint64_t header_addr; /* of the program headers in memory, as linked; 0: not mapped */
    uint64_t low, high;   /* page-aligned span of all segments, as linked */
    uint64_t alignment;   /* of the bias */
    uint64_t brk;         /* end of the last segment, as linked */
    uint16_t header_count;
    bool stack_exec;                     /* PT_GNU_STACK asks for an executable stack */
    uint64_t interp_offset, interp_size; /* of the interpreter's path in the file; size 0: none */
    unsigned segment_count;
    struct elf_segment segments[ELF_SEGMENTS_MAX];
};

/* Checks the file's header. Returns 0 and where the program headers lie, or -ENOEXEC. */
MUST_CHECK int elf_check_header(const Elf64_Ehdr *header, uint64_t *offset, size_t *size);

/* Takes in the program headers. Returns 0, -ENOEXEC or -EINVAL (segments that overlap or leave the
 * program's half of the address space, which ends at limit). */
MUST_CHECK int elf_parse(const Elf64_Ehdr *header, const Elf64_Phdr *phdrs, uint64_t limit,
                         struct elf_image *image);
