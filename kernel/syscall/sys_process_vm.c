/* process_vm_readv and process_vm_writev, on the one process there is. */
#include "kernel/mm/heap.h"
#include "kernel/proc/task.h"
#include "kernel/syscall/iovec.h"
#include "kernel/syscall/syscall.h"
#include "kernel/vm/vm.h"

#define CHUNK 4096ul

static int check_target(int pid)
{
    if (pid == PROC_PID)
        return 0;
    spin_lock(&the_proc.task_lock);
    bool found = task_find(pid) != NULL;
    spin_unlock(&the_proc.task_lock);
    return found ? 0 : -ESRCH;
}

/* Page by page of the other side, whose protection counts, not only what the processor makes of it.
 * Returns bytes, fewer where one side faults, or -EFAULT. */
static int64_t move(struct iter *here, struct iter *there, char *buf, bool write)
{
    int64_t done = 0;
    while (here->left && there->left) {
        size_t size;
        uint64_t at = iter_place(there, &size);
        size = min_u64(min_u64(size, here->left), CHUNK - at % CHUNK);
        if (!vm_may_access(at, write ? VM_WRITE : VM_READ))
            break;
        size_t got = iter_read(write ? here : there, buf, size);
        size_t put = got ? iter_write(write ? there : here, buf, got) : 0;
        done += (int64_t)put;
        if (put < size)
            break;
        cond_resched();
        if (signal_fatal_pending())
            break;
    }
    return done > 0 ? done : -EFAULT;
}

static int64_t transfer(int pid, struct uptr local, uint64_t local_count, struct uptr remote,
                        uint64_t remote_count, uint64_t flags, bool write)
{
    if (flags)
        return -EINVAL;
    struct user_iovec here, there;
    int64_t result = user_iovec_get(&here, local, local_count);
    if (result)
        return result;
    if (!here.it.left)
        goto put_here;
    result = user_iovec_get(&there, remote, remote_count);
    if (result)
        goto put_here;
    result = there.it.left ? check_target(pid) : 0;
    if (result || !there.it.left)
        goto put_there;
    char *buf = heap_alloc(CHUNK);
    if (buf)
        result = move(&here.it, &there.it, buf, write);
    else
        result = -ENOMEM;
    heap_free(buf);
put_there:
    user_iovec_put(&there);
put_here:
    user_iovec_put(&here);
    return result;
}

int64_t sys_process_vm_readv(int pid, struct uptr local, uint64_t local_count, struct uptr remote,
                             uint64_t remote_count, uint64_t flags)
{
    return transfer(pid, local, local_count, remote, remote_count, flags, false);
}

int64_t sys_process_vm_writev(int pid, struct uptr local, uint64_t local_count, struct uptr remote,
                              uint64_t remote_count, uint64_t flags)
{
    return transfer(pid, local, local_count, remote, remote_count, flags, true);
}
