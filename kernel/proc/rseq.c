/*
 * Restartable sequences: a thread that was interrupted inside a critical section it has announced
 * finds itself in the section's abort handler. See rseq(2) and <linux/rseq.h>.
 */
#include "kernel/proc/rseq.h"

#include <linux/rseq.h>

#include "kernel/arch/regs.h"
#include "kernel/base/errno.h"
#include "kernel/proc/signal.h"
#include "kernel/proc/task.h"

#define OFFSET_CPU_ID_START 0
#define OFFSET_RSEQ_CS 8
#define OFFSET_NODE_ID 20
#define SIZE_WITH_NODE_ID 28

int rseq_update_cpu(void)
{
    struct task *task = task_current();
    uint32_t cpu = sched_cpu_current();
    uint32_t ids[2] = {cpu, cpu};     /* cpu_id_start, cpu_id */
    uint32_t node_and_mm[2] = {0, 0}; /* node_id; mm_cid: */
    node_and_mm[1] = cpu;
    int err = copy_to_user(uptr_add(task->rseq, OFFSET_CPU_ID_START), ids, sizeof(ids));
    if (!err && task->rseq_size >= SIZE_WITH_NODE_ID)
        err = copy_to_user(uptr_add(task->rseq, OFFSET_NODE_ID), node_and_mm, sizeof(node_and_mm));
    return err;
}

/* Reads the announced section. Returns 1 if there is one, 0 if not, or -errno. */
static int read_section(const struct task *task, struct rseq_cs *cs)
{
    uint64_t addr;
    int err = copy_from_user(&addr, uptr_add(task->rseq, OFFSET_RSEQ_CS), sizeof(addr));
    if (err || !addr)
        return err;
    err = copy_from_user(cs, (struct uptr){addr}, sizeof(*cs));
    if (err)
        return err;
    uint32_t signature;
    err = copy_from_user(&signature, (struct uptr){cs->abort_ip - sizeof(signature)},
                         sizeof(signature));
    if (err)
        return err;
    bool good = cs->version == 0 && signature == task->rseq_signature &&
                cs->abort_ip - cs->start_ip >= cs->post_commit_offset;
    return good ? 1 : -EINVAL;
}

static int leave_section(struct user_regs *regs)
{
    struct task *task = task_current();
    struct rseq_cs cs = {0};
    int found = read_section(task, &cs);
    if (found <= 0)
        return found;
    uint64_t none = 0;
    int err = copy_to_user(uptr_add(task->rseq, OFFSET_RSEQ_CS), &none, sizeof(none));
    if (!err && regs->rip - cs.start_ip < cs.post_commit_offset)
        regs->rip = cs.abort_ip;
    return err;
}

void rseq_resume(struct user_regs *regs)
{
    struct task *task = task_current();
    if (uptr_is_null(task->rseq))
        return;
    if (leave_section(regs) || rseq_update_cpu())
        signal_kill_self(SIGSEGV);
}
