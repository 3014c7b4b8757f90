/* Memory calls: argument checks, then the address space (kernel/vm). */
#include <asm/resource.h>
#include <linux/mman.h>
#include <linux/prctl.h>

#include "kernel/fd/fdtable.h"
#include "kernel/proc/task.h"
#include "kernel/syscall/syscall.h"
#include "kernel/vm/vm.h"

int64_t sys_mmap(uint64_t addr, size_t size, unsigned prot, unsigned flags, int fd, uint64_t offset)
{
    if (offset & PAGE_MASK)
        return -EINVAL;
    struct vm_map_request r = {
        .addr = addr,
        .size = size,
        .prot = prot,
        .flags = flags,
        .offset = offset,
    };
    if (flags & MAP_ANONYMOUS)
        return vm_map(&r);
    int err = fd_get(fd, &r.file);
    if (err)
        return err;
    int64_t at = vm_map(&r);
    file_put(r.file);
    return at;
}

int64_t sys_munmap(uint64_t addr, size_t size)
{
    return vm_unmap(addr, size);
}

int64_t sys_mprotect(uint64_t addr, size_t size, unsigned prot)
{
    return vm_protect(addr, size, prot);
}

int64_t sys_mremap(uint64_t old_addr, size_t old_size, size_t new_size, unsigned flags,
                   uint64_t new_addr)
{
    return vm_remap(old_addr, old_size, new_size, flags, new_addr);
}

int64_t sys_brk(uint64_t brk)
{
    return vm_brk(brk);
}

int64_t sys_madvise(uint64_t addr, size_t size, int advice)
{
    return vm_advise(addr, size, advice);
}

int64_t sys_msync(uint64_t addr, size_t size, int flags)
{
    if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC))
        return -EINVAL;
    if ((flags & MS_ASYNC) && (flags & MS_SYNC))
        return -EINVAL;
    return vm_sync(addr, size, flags);
}

int64_t sys_mincore(uint64_t addr, size_t size, struct uptr vec)
{
    return vm_mincore(addr, size, vec);
}

/* The pages that [addr, addr + size) touches; their end may have wrapped. */
static void whole_pages(uint64_t *addr, uint64_t *size)
{
    uint64_t start = align_down(*addr, PAGE_SIZE), end = align_up(*addr + *size, PAGE_SIZE);
    *addr = start;
    *size = end - start;
}

static bool may_lock_any(void)
{
    return capable(CAP_IPC_LOCK) || proc_limit(RLIMIT_MEMLOCK) != 0;
}

static int64_t lock(uint64_t addr, uint64_t size, bool on_fault)
{
    if (!may_lock_any())
        return -EPERM;
    whole_pages(&addr, &size);
    return vm_lock(addr, size, on_fault);
}

int64_t sys_mlock(uint64_t addr, size_t size)
{
    return lock(addr, size, false);
}

int64_t sys_mlock2(uint64_t addr, size_t size, unsigned flags)
{
    if (flags & ~(unsigned)MLOCK_ONFAULT)
        return -EINVAL;
    return lock(addr, size, flags != 0);
}

int64_t sys_munlock(uint64_t addr, size_t size)
{
    whole_pages(&addr, &size);
    return vm_unlock(addr, size);
}

int64_t sys_mlockall(unsigned flags)
{
    unsigned known = MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT;
    if (!flags || flags & ~known || flags == MCL_ONFAULT)
        return -EINVAL;
    return may_lock_any() ? vm_lock_all((int)flags) : -EPERM;
}

int64_t sys_munlockall(void)
{
    return vm_lock_all(0);
}

/* Protection keys: as on a processor without them. */
int64_t sys_pkey_alloc(uint64_t flags, uint64_t rights)
{
    return flags || (rights & ~(uint64_t)PKEY_ACCESS_MASK) ? -EINVAL : -ENOSPC;
}

int64_t sys_pkey_free(int key)
{
    (void)key;
    return -EINVAL;
}

int64_t sys_pkey_mprotect(uint64_t addr, size_t size, unsigned prot, int key)
{
    return key == -1 ? vm_protect(addr, size, prot) : -EINVAL;
}
