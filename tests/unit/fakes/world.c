/* The rest of the kernel as vfs/ and fs/ see it: process, clock, user memory, address space. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

int printf(const char *, ...);
int vprintf(const char *, va_list);
int snprintf(char *, size_t, const char *, ...);
void abort(void);

#include "kernel/arch/uaccess.h"
#include "kernel/base/errno.h"
#include "kernel/base/panic.h"
#include "kernel/base/string.h"
#include "kernel/platform/run.h"
#include "kernel/platform/streams.h"
#include "kernel/proc/task.h"
#include "kernel/time/clock.h"
#include "kernel/vfs/vfs.h"
#include "kernel/vm/vm.h"
#include "tests/unit/fakes/fakes.h"

struct proc the_proc = {.umask = 022, .limits = {[0 ... 15] = {UINT64_MAX, UINT64_MAX}}};
struct run_config the_run;
int fake_signal;
char fake_control[65536];
static size_t control_used;
static struct task only_task = {.cred = {.effective = CRED_CAPABILITIES_ALL}};

struct task *task_current(void)
{
    return &only_task;
}

bool signal_fatal_pending(void)
{
    return false;
}

int signal_send_task(struct task *t, int signo, const siginfo_t *info)
{
    (void)t, (void)info;
    fake_signal = signo;
    return 0;
}

int64_t clock_realtime_ns(void)
{
    static int64_t now = 1700000000000000000;
    return now += 1000;
}

uint64_t clock_monotonic_ns(void)
{
    return 0;
}

void proc_out_of_memory(void)
{
    abort();
}

void log_note(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    printf("# note: ");
    vprintf(fmt, args);
    printf("\n");
    va_end(args);
}

void panic(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    printf("Bail out! ");
    vprintf(fmt, args);
    printf("\n");
    abort();
}

bool control_send(uint32_t type, const void *payload, size_t size, bool can_sleep)
{
    (void)can_sleep;
    control_used += (size_t)snprintf(fake_control + control_used, 32, "%u:", type);
    memcpy(fake_control + control_used, payload, size);
    control_used += size;
    fake_control[control_used++] = '\n';
    return true;
}

int copy_to_user(struct uptr dst, const void *src, size_t len)
{
    memcpy((void *)dst.addr, src, len);
    return 0;
}

int copy_from_user(void *dst, struct uptr src, size_t len)
{
    memcpy(dst, (void *)src.addr, len);
    return 0;
}

void vm_unmap_filemap(struct filemap *map, uint64_t first, uint64_t last, bool even_private)
{
    (void)map, (void)first, (void)last, (void)even_private;
}

bool vm_try_unmap_page(struct filemap *map, uint64_t index)
{
    (void)map, (void)index;
    return false;
}

unsigned vfs_watch_count;

void vfs_notify_watchers(struct inode *inode, struct inode *parent, struct name name, uint32_t mask,
                         uint32_t cookie)
{
    (void)inode, (void)parent, (void)name, (void)mask, (void)cookie;
}
