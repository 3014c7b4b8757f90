/* What can be asked of the address space. */
#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/fd/file.h"
#include "kernel/vfs/vfs.h"
#include "kernel/vm/vm_priv.h"

#define NAME_BYTES 4096

static uint64_t count_resident(const struct area *a)
{
    uint64_t pages = 0;
    uint64_t at = pt_next(a->start, a->end);
    while (at < a->end) { /* a huge page lies in one area */
        uint64_t size = pt_lookup(at).huge ? HUGE_SIZE : PAGE_SIZE;
        pages += size / PAGE_SIZE;
        at = pt_next(at + size, a->end);
    }
    return pages;
}

static void fill_info(struct area *a, struct vm_area_info *info, char *name)
{
    name[0] = '\0';
    *info = (struct vm_area_info){
        .start = a->start,
        .end = a->end,
        .offset = a->file ? a->offset : 0,
        .prot = a->prot,
        .shared = a->shared,
        .name = a->name ? a->name : name,
        .resident_pages = count_resident(a),
    };
    if (a->memory) {
        info->name = "/dev/zero (deleted)";
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
        stats->stack_pages += a->stack ? pages : 0;
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

static bool is_resident(const struct area *a, uint64_t addr)
{
    if (pt_lookup(addr).page) {
        return true;
    }
    if (!a->map) {
        return false;
    }
    struct page *page = filemap_find_page(a->map, (a->offset + (addr - a->start)) >> PAGE_SHIFT);
    if (page) {
        page_put(page);
    }
    return page != NULL;
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
    uint8_t chunk[256];
    while (addr < end) {
        size_t count = 0;
        vm_lock_mm();
        const struct area *a = area_find(addr);
        for (; a && count < sizeof(chunk) && addr < end && addr < a->end; addr += PAGE_SIZE) {
            chunk[count++] = is_resident(a, addr);
        }
        vm_unlock_mm();
        if (!a) {
            return -ENOMEM;
        }
        if (copy_to_user(vec, chunk, count)) {
            return -EFAULT;
        }
        vec = uptr_add(vec, count);
    }
    return 0;
}
