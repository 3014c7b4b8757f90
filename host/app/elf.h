/*
 * What an ELF file says about how it is loaded. Only read, never run.
 */
#pragma once

#include <stdbool.h>

#include "host/base/error.h"
#include "host/image/spec.h"

enum elf_kind {
    ELF_NONE,    /* not an ELF file */
    ELF_FOREIGN, /* for another processor, or 32-bit, or another byte order: see error */
    ELF_BROKEN,  /* damaged: see error */
    ELF_GOOD,    /* x86-64, little-endian, 64-bit */
};

struct elf {
    bool executable;                /* ET_EXEC, or ET_DYN with an interpreter or the PIE flag */
    bool dynamic;                   /* has a dynamic section */
    bool no_default;                /* DF_1_NODEFLIB: ld.so doesn't search its standard folders */
    char *interpreter;              /* or NULL */
    char *soname, *rpath, *runpath; /* or NULL */
    struct strlist needed;
    bool converts;   /* it calls iconv_open() */
    bool names;      /* it asks for users, hosts or services by name */
    bool translates; /* it calls bindtextdomain() */
    bool zones;      /* it sets its environment and asks for local times: perhaps TZ, too */
};

/* Reads path. For ELF_FOREIGN and ELF_BROKEN err is filled in; out is to be cleared in any case.
 * A file that can't be read is ELF_BROKEN. */
enum elf_kind elf_read(const char *path, struct elf *out, struct error *err);
void elf_clear(struct elf *elf);
