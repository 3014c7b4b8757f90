/*
 * Tells the tool where code lies, when it asked (ORRIS_OPTION_MAPS): a debugger and a profile need
 * addresses that are random otherwise. Nobody is told without being asked.
 */
#include <asm/mman.h>

#include "abi/control.h"
#include "kernel/arch/cpu.h"
#include "kernel/base/string.h"
#include "kernel/fd/file.h"
#include "kernel/mm/heap.h"
#include "kernel/platform/run.h"
#include "kernel/platform/streams.h"
#include "kernel/vfs/vfs.h"
#include "kernel/vm/vm_priv.h"

#define PATH_BYTES 4096
#define KERNEL_END 0x40000000ul /* of its addresses as linked: more than it ever has */

struct message {
    struct orris_mapped mapped;
    char path[PATH_BYTES];
};

void vm_mapping_told(const struct orris_mapped *mapped, size_t size);

/* A debugger's script stops here for its arguments (host/vmm/gdb.py). */
BY_NAME void vm_mapping_told(const struct orris_mapped *mapped, size_t size)
{
    (void)control_send(ORRIS_MSG_MAPPED, mapped, size, true);
}

static void tell(const struct orris_mapped *mapped, const char *name, struct file *file)
{
    struct message *m = heap_alloc(sizeof(*m));
    if (!m) {
        return;
    }
    m->mapped = *mapped;
    size_t length = name ? strlen(name) : 0;
    if (name) {
        memcpy(m->path, name, length);
    } else if (vfs_path_of(file->dentry, m->path, sizeof(m->path)) >= 0) {
        length = strlen(m->path);
    }
    vm_mapping_told(&m->mapped, sizeof(m->mapped) + length);
    heap_free(m);
}

bool vm_debugged(const struct vm_map_request *r)
{
    return UNLIKELY(the_run.options.flags & ORRIS_OPTION_DEBUG) && r->file && r->prot & PROT_EXEC;
}

void vm_tell_mapping(const struct vm_map_request *r, int64_t addr)
{
    if (addr < 0 || !r->file || !r->file->dentry || !(r->prot & PROT_EXEC)) {
        return;
    }
    const struct orris_mapped mapped = {
        .start = (uint64_t)addr,
        .end = (uint64_t)addr + align_up(r->size, PAGE_SIZE),
        .offset = r->offset,
    };
    tell(&mapped, NULL, r->file);
}

void vm_tell_own_code(uint64_t vdso)
{
    uint64_t here = (uint64_t)vm_tell_own_code;
    uint64_t slide = here - arch_link_address(here);
    const struct orris_mapped kernel = {slide, slide + KERNEL_END, slide};
    tell(&kernel, "[kernel]", NULL);
    const struct orris_mapped code = {vdso, vdso + PAGE_SIZE, 0};
    if (vdso) {
        tell(&code, "[vdso]", NULL);
    }
}
