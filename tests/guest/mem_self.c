/* Reading and writing one's own memory by the side doors: process_vm_readv, /proc/self/mem. */
#include <sys/uio.h>

#include "tests/harness/guest.h"

static void process_vm_calls_reach_the_own_process(void)
{
    char from[16] = "side door", to[16] = "";
    struct iovec local = {to, 10}, remote = {from, 10};
    CHECK_EQ(process_vm_readv(getpid(), &local, 1, &remote, 1, 0), 10);
    CHECK_STR(to, "side door");
    CHECK_EQ(process_vm_readv(getpid(), &local, 1, &remote, 0, 0), 0);
    remote.iov_base = NULL_PAGE_ADDRESS;
    CHECK_ERR(process_vm_readv(getpid(), &local, 1, &remote, 1, 0), EFAULT);
    remote.iov_base = KERNEL_ADDRESS;
    CHECK_ERR(process_vm_readv(getpid(), &local, 1, &remote, 1, 0), EFAULT);
    CHECK_ERR(process_vm_readv(getpid(), &local, 1, &remote, 1, 1), EINVAL);
}

int main(void)
{
    RUN(process_vm_calls_reach_the_own_process);
    return check_done();
}
