/* What tests of System V IPC and of message queues share. On Linux they get a namespace of their
 * own, so that nothing is left there whatever becomes of them. */
#pragma once

#include <sched.h>
#include <sys/ipc.h>

#include "tests/harness/guest.h"

static inline void ipc_namespace(void)
{
    int result = unshare(CLONE_NEWIPC); /* a machine with one program has but one */
    (void)result;
}

/* A thread that waits: gives it time to. */
static inline void let_it_block(void)
{
    sleep_ms(20);
}
