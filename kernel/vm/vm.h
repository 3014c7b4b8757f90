/*
 * The program's address space: areas (VMAs) and page faults. There is one. All functions take the
 * address space's mutex and may sleep; none may be called with a lock above RANK_MM held.
 */
#pragma once

#include "kernel/arch/uaccess.h"
#include "kernel/base/types.h"

struct file;
struct file_ops;
struct filemap;
struct page;

#define VM_READ 0x1u
#define VM_WRITE 0x2u
#define VM_EXEC 0x4u

struct vm_map_request {
    uint64_t addr;     /* hint, or the address if flags has MAP_FIXED or MAP_FIXED_NOREPLACE */
    uint64_t size;     /* bytes; rounded up to pages */
    uint32_t prot;     /* Linux PROT_* */
    uint32_t flags;    /* Linux MAP_* */
    struct file *file; /* NULL: anonymous. A reference is taken. */
    uint64_t offset;   /* bytes in file, page aligned */
    const char *name;  /* for /proc/self/maps: "[heap]", "[stack]", "[vdso]" … or NULL; static */
};

/* mmap(2). Returns the address or -EINVAL, -ENOMEM, -EEXIST, -EACCES, -EPERM, -ENODEV, -EOVERFLOW.
 * Whether file may be mapped so is asked of its ops->mmap_check. */
int64_t vm_map(const struct vm_map_request *r);
/* Maps kernel-owned pages (vDSO) read-only or executable at a random place. The pages stay ours. */
int64_t vm_map_pages(struct page **pages, size_t count, uint32_t prot, const char *name);
/* Tells the tool where the kernel and the vDSO (0: there is none) lie; with ORRIS_OPTION_MAPS. */
void vm_tell_own_code(uint64_t vdso);
int vm_unmap(uint64_t addr, uint64_t size);
/* Unmaps what is left of a mapping of a file with these operations that began at addr (shmdt).
 * Returns 0, -EINVAL (there is none), -ENOMEM. */
int vm_unmap_file(uint64_t addr, const struct file_ops *ops);
int vm_protect(uint64_t addr, uint64_t size, uint32_t prot);
int64_t vm_remap(uint64_t old_addr, uint64_t old_size, uint64_t new_size, uint32_t flags,
                 uint64_t new_addr);
int vm_advise(uint64_t addr, uint64_t size, int advice);
int vm_sync(uint64_t addr, uint64_t size, int flags);
int vm_mincore(uint64_t addr, uint64_t size, struct uptr vec);
int vm_lock(uint64_t addr, uint64_t size, bool on_fault); /* mlock: faults all in, or not yet */
int vm_unlock(uint64_t addr, uint64_t size);
int vm_lock_all(int flags); /* mlockall; 0: munlockall */
/* Whether the program may access (VM_*) the page at addr as its protection says. */
bool vm_may_access(uint64_t addr, uint32_t access);
/* How many areas there may be; sets it. */
uint64_t vm_area_limit(void);
void vm_set_area_limit(uint64_t limit);
int64_t vm_brk(uint64_t brk); /* 0 asks; returns the (new or old) break */

/* Empties the address space and sets a random layout anew (exec). brk_start is set by exec later
 * through vm_set_brk. */
void vm_reset(void);
void vm_set_brk(uint64_t start);
/* The stack: grows on faults, up to RLIMIT_STACK. Returns its top, or -ENOMEM. */
int64_t vm_map_stack(void);

/* The page cache behind a shared mapping (of a file or anonymous) and the offset of addr in it; for
 * futexes. False: nothing shared is mapped there. */
struct filemap;
bool vm_shared_object(uint64_t addr, struct filemap **map, uint64_t *offset);

enum vm_fault_result {
    VM_FAULT_OK,
    VM_FAULT_SEGV_MAPERR,
    VM_FAULT_SEGV_ACCERR,
    VM_FAULT_BUS_ADRERR,
    VM_FAULT_OOM
};
/* Handles a fault at addr by an access (VM_READ, VM_WRITE or VM_EXEC). */
enum vm_fault_result vm_fault(uint64_t addr, uint32_t access);

/* For page caches (vfs/filemap.c). Removes the mappings of pages [first, last] of map; even_private
 * also drops private copies (truncate). Gives way: what is mapped meanwhile stays. */
void vm_unmap_filemap(struct filemap *map, uint64_t first, uint64_t last, bool even_private);
/* The same of one page, not its copies, for eviction, when the mm mutex can't be had: false,
 * nothing done. */
bool vm_try_unmap_page(struct filemap *map, uint64_t index);

/* Text of /proc/self/maps (or smaps): calls line() for each; stops when it returns false. */
struct vm_area_info {
    uint64_t start, end, offset;
    uint32_t prot;
    bool shared, anonymous, may_write, locked, lock_on_fault, grows_down;
    uint64_t device, inode;
    const char *name; /* path or "[heap]" …, or "" */
};
void vm_for_each_area(bool (*each)(const struct vm_area_info *info, void *arg), void *arg);
/* Pages of [start, end) that are mapped. */
uint64_t vm_count_resident(uint64_t start, uint64_t end);
struct vm_stats {
    uint64_t mapped_pages, resident_pages, shared_pages, text_pages, data_pages, stack_pages,
        locked_pages, peak_resident_pages, peak_mapped_pages;
    uint64_t brk_start, brk_end, stack_top;
    uint64_t minor_faults, major_faults;
};
void vm_get_stats(struct vm_stats *stats);
