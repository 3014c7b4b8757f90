/*
 * Maps the vDSO: the clock's page of numbers, then the code. The code's pages are made once, at
 * the first exec; each address space maps the same ones.
 */
#include "kernel/proc/vdso.h"

#include <linux/mman.h>

#include "kernel/base/string.h"
#include "kernel/mm/page.h"
#include "kernel/proc/vdso_data.h"
#include "kernel/sched/thread.h"
#include "kernel/time/clock.h"
#include "kernel/vm/vm.h"

#define CODE_PAGES_MAX 3

extern const uint8_t vdso_image_start[], vdso_image_end[];

static struct page *pages[1 + CODE_PAGES_MAX]; /* the clock's page first */
static size_t page_count;

static bool make_pages(void)
{
    size_t size = (size_t)(vdso_image_end - vdso_image_start);
    size_t count = align_up(size, PAGE_SIZE) >> PAGE_SHIFT;
    if (count > CODE_PAGES_MAX)
        return false;
    pages[0] = clock_params_page();
    for (size_t i = 0; i < count; i++) {
        struct page *p = page_alloc(0, ALLOC_ZERO);
        if (!p)
            return false;
        size_t at = i << PAGE_SHIFT;
        memcpy(page_virt(p), vdso_image_start + at, min_u64(PAGE_SIZE, size - at));
        pages[1 + i] = p;
    }
    struct vdso_data *data =
        (struct vdso_data *)((uint8_t *)page_virt(pages[0]) + VDSO_DATA_OFFSET);
    data->one_cpu = sched_cpu_count() == 1;
    page_count = 1 + count;
    return true;
}

uint64_t vdso_map(void)
{
    if (!page_count && !make_pages())
        return 0;
    int64_t at = vm_map_pages(pages, page_count, PROT_READ | PROT_EXEC, "[vdso]");
    if (at < 0 || vm_protect((uint64_t)at, PAGE_SIZE, PROT_READ))
        return 0;
    return (uint64_t)at + PAGE_SIZE;
}
