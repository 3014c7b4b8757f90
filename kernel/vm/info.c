/* What can be asked of the address space. */
#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/fd/file.h"
#include "kernel/proc/task.h"
#include "kernel/vfs/vfs.h"
#include "kernel/vm/vm_priv.h"

#define NAME_BYTES 4096
#define SHARED_MEMORY_DEVICE 1 /* 00:01, as Linux says it */

uint64_t vm_count_resident(uint64_t start, uint64_t end)
{
    struct vm_op op;
    uint64_t pages = 0;
    vm_begin_anywhere(&op);
    for (uint64_t at = vm_next_mapped(&op, start, end); at < end;) {
        uint64_t next = pt_lookup(at).huge ? align_down(at, HUGE_SIZE) + HUGE_SIZE : at + PAGE_SIZE;
        pages += (min_u64(next, end) - at) / PAGE_SIZE;
        if (next % CHUNK_SIZE == 0) {
            (void)vm_pause(&op);
        }
        at = vm_next_mapped(&op, min_u64(next, end), end);
    }
    vm_end(&op);
    return pages;
}

static void fill_info(struct area *a, struct vm_area_info *info, char *name)
{
    name[0] = '\0';
    *info = (struct vm_area_info){
        .start = a->start,
        .end = a->end,
        .offset = a->file || a->memory ? a->offset : 0,
        .prot = a->prot,
        .shared = a->shared,
        .anonymous = !a->map || a->memory,
        .may_write = !a->pages && !(a->shared && a->file && !file_writable(a->file)),
        .locked = a->locked,
        .lock_on_fault = a->lock_on_fault,
        .grows_down = a->grows_down,
        .name = a->name ? a->name : name,
    };
    if (a->memory) {
        info->name = "/dev/zero (deleted)";
        info->device = SHARED_MEMORY_DEVICE;
        info->inode = a->memory->inode;
    }
    if (!a->file || !a->file->dentry) {
        return;
    }
    if (vfs_path_of(a->file->dentry, name, NAME_BYTES) < 0) {
        name[0] = '\0';
    }
    info->name = name;
    if (a->file->inode) {
        info->inode = a->file->inode->ino;
        info->device = a->file->inode->fs->device;
    }
}

/* The callback may sleep and fault: the lock is not held around it. */
void vm_for_each_area(bool (*each)(const struct vm_area_info *info, void *arg), void *arg)
{
    struct page *page = page_alloc(0, 0);
    if (!page) {
        return;
    }
    char *name = page_virt(page);
    uint64_t at = 0;
    for (;;) {
        struct vm_area_info info;
        vm_lock_mm();
        struct area *a = area_find_from(at);
        if (a) {
            fill_info(a, &info, name);
        }
        vm_unlock_mm();
        if (!a || !each(&info, arg)) {
            break;
        }
        at = info.end;
        cond_resched();
    }
    page_put(page);
}

void vm_get_stats(struct vm_stats *stats)
{
    vm_lock_mm();
    *stats = (struct vm_stats){
        .mapped_pages = the_vm.mapped_pages,
        .resident_pages = the_vm.resident_pages,
        .shared_pages = the_vm.shared_pages,
        .locked_pages = the_vm.locked_pages,
        .peak_resident_pages = the_vm.peak_resident,
        .peak_mapped_pages = the_vm.peak_mapped,
        .brk_start = the_vm.brk_start,
        .brk_end = the_vm.brk_end,
        .stack_top = the_vm.stack_top,
        .minor_faults = the_vm.minor_faults,
        .major_faults = the_vm.major_faults,
    };
    for (struct area *a = area_find_from(0); a; a = area_next(a)) {
        uint64_t pages = (a->end - a->start) / PAGE_SIZE;
        stats->text_pages += a->prot & VM_EXEC ? pages : 0;
        stats->data_pages += a->prot & VM_WRITE && !a->shared ? pages : 0;
        stats->stack_pages += a->grows_down ? pages : 0;
    }
    vm_unlock_mm();
}

bool vm_shared_object(uint64_t addr, struct filemap **map, uint64_t *offset)
{
    vm_lock_mm();
    const struct area *a = area_find(addr);
    bool shared = a && a->shared && a->map;
    if (shared) {
        *map = a->map;
        *offset = a->offset + (addr - a->start);
    }
    vm_unlock_mm();
    return shared;
}

/* Whether a page that isn't mapped is in the page cache all the same. */
static bool is_cached(const struct area *a, uint64_t addr)
{
    if (!a->map) {
        return false;
    }
    struct page *page = filemap_find_page(a->map, (a->offset + (addr - a->start)) >> PAGE_SHIFT);
    if (page) {
        page_put(page);
    }
    return page != NULL;
}

/* As much of [addr, end) as lies in one area and in vec. Returns how many pages; 0: a hole. */
static size_t mincore_part(uint64_t addr, uint64_t end, uint8_t *vec, size_t size)
{
    const struct area *a = area_find(addr);
    if (!a) {
        return 0;
    }
    end = min_u64(end, min_u64(a->end, addr + size * PAGE_SIZE));
    uint64_t mapped = pt_next(addr, end);
    size_t count = 0;
    for (uint64_t at = addr; at < end; at += PAGE_SIZE) {
        if (at > mapped) {
            mapped = pt_next(at, end);
        }
        vec[count++] = at == mapped || is_cached(a, at);
    }
    return count;
}

int vm_mincore(uint64_t addr, uint64_t size, struct uptr vec)
{
    uint64_t end = align_up(addr + size, PAGE_SIZE);
    if (addr & PAGE_MASK) {
        return -EINVAL;
    }
    if (size > VM_END || addr > VM_END - size) {
        return -ENOMEM;
    }
    if (!user_range_ok(vec, (end - addr) / PAGE_SIZE)) {
        return -EFAULT;
    }
    uint8_t chunk[256];
    while (addr < end) {
        vm_lock_mm();
        size_t count = mincore_part(addr, end, chunk, sizeof(chunk));
        vm_unlock_mm();
        if (!count) {
            return -ENOMEM;
        }
        if (copy_to_user(vec, chunk, count)) {
            return -EFAULT;
        }
        vec = uptr_add(vec, count);
        addr += count * PAGE_SIZE;
        cond_resched();
        if (signal_fatal_pending()) {
            return -EINTR;
        }
    }
    return 0;
}

bool vm_may_access(uint64_t addr, uint32_t access)
{
    vm_lock_mm();
    const struct area *a = area_find(addr);
    bool may = a && (a->prot & access) == access;
    vm_unlock_mm();
    return may;
}

uint64_t vm_area_limit(void)
{
    return the_vm.area_limit;
}

void vm_set_area_limit(uint64_t limit)
{
    the_vm.area_limit = limit;
}
