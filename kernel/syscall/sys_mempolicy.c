/*
 * Memory policies on a machine with one node of memory: every policy that can be set holds already,
 * so what is left is to refuse what Linux refuses and to tell what was set.
 */
#include <linux/mempolicy.h>
#include <linux/mman.h>

#include "kernel/proc/task.h"
#include "kernel/syscall/syscall.h"
#include "kernel/vm/vm.h"

#define NODES_MAX (8 * PAGE_SIZE)
#define NODE_0 1ul

/* Reads a set of nodes: max_node is one more than its bits. Only node 0 can be in it. */
static int nodes_get(struct uptr from, uint64_t max_node, uint64_t *nodes)
{
    *nodes = 0;
    if (uptr_is_null(from) || max_node <= 1)
        return 0;
    if (max_node - 1 > NODES_MAX)
        return -EINVAL;
    uint64_t bits = max_node - 1, first;
    int err = copy_from_user(&first, from, sizeof(first));
    if (err)
        return err;
    *nodes = bits < 64 ? first & ((1ul << bits) - 1) : first;
    for (uint64_t at = 64; at < bits; at += 64) {
        uint64_t word;
        if (copy_from_user(&word, uptr_add(from, at / 8), sizeof(word)))
            return -EFAULT;
        *nodes |= word ? ~NODE_0 : 0;
    }
    return 0;
}

/* Whether this policy can be set with these nodes: those that need some need node 0 among them. */
static int policy_check(int mode, uint64_t nodes)
{
    const int both = MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES;
    int policy = mode & ~MPOL_MODE_FLAGS;
    if (policy < 0 || policy >= MPOL_MAX || (mode & both) == both)
        return -EINVAL;
    if ((mode & MPOL_F_NUMA_BALANCING) && policy != MPOL_BIND)
        return -EINVAL;
    if (policy == MPOL_DEFAULT || policy == MPOL_LOCAL || (policy == MPOL_PREFERRED && !nodes))
        return nodes || (mode & both) ? -EINVAL : 0;
    return nodes & NODE_0 ? 0 : -EINVAL;
}

int64_t sys_mbind(uint64_t addr, size_t size, int mode, struct uptr from, uint64_t max_node,
                  unsigned flags)
{
    uint64_t nodes, end = align_up(addr + size, PAGE_SIZE);
    int err = nodes_get(from, max_node, &nodes);
    if (err)
        return err;
    if ((flags & ~(unsigned)MPOL_MF_VALID) || addr & PAGE_MASK || end < addr)
        return -EINVAL;
    if (end == addr)
        return 0;
    err = policy_check(mode, nodes);
    if (err)
        return err;
    return vm_sync(addr, size, MS_ASYNC) ? -EFAULT : 0; /* is all of it mapped? */
}

int64_t sys_set_mempolicy(int mode, struct uptr from, uint64_t max_node)
{
    uint64_t nodes;
    int err = nodes_get(from, max_node, &nodes);
    if (!err)
        err = policy_check(mode, nodes);
    if (err)
        return err;
    task_current()->memory_policy = mode;
    task_current()->memory_nodes = nodes & NODE_0;
    return 0;
}

static int nodes_put(struct uptr to, uint64_t max_node, uint64_t nodes)
{
    if (uptr_is_null(to))
        return 0;
    if (max_node == 0 || max_node > NODES_MAX)
        return -EINVAL;
    if (clear_user_partial(to, align_up(max_node, 64) / 8))
        return -EFAULT;
    return copy_to_user(to, &nodes, sizeof(nodes));
}

/* MPOL_F_ADDR and MPOL_F_NODE ask where pages are: missing (PART). */
int64_t sys_get_mempolicy(struct uptr mode, struct uptr nodes, uint64_t max_node, uint64_t addr,
                          unsigned flags)
{
    const struct task *task = task_current();
    if (flags == MPOL_F_MEMS_ALLOWED)
        return nodes_put(nodes, max_node, NODE_0);
    if (flags || addr)
        return -EINVAL;
    int policy = task->memory_policy;
    int err = uptr_is_null(mode) ? 0 : copy_to_user(mode, &policy, sizeof(policy));
    return err ? err : nodes_put(nodes, max_node, task->memory_nodes);
}
