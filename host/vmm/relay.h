/*
 * The relay between the machine and the world: three streams, the control channel, signals, the
 * terminal, until the program has ended and everything it wrote has been taken.
 *
 * The other ends are descriptors, so that a test can play the machine.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <signal.h>
#include <stdio.h>

#include "abi/control.h"
#include "host/base/buf.h"
#include "host/base/error.h"
#include "host/image/spec.h"
#include "host/vmm/copyout.h"
#include "host/vmm/network.h"
#include "host/vmm/streams.h"
#include "host/vmm/terminal.h"

/* Our ends of the machine's channels: stream sockets, non-blocking. */
struct relay_channels {
    int control, stdin_port, stdout_port, stderr_port;
    int serial;   /* the serial console's output, or -1 */
    int messages; /* what the monitor (QEMU) itself says, or -1 */
    int process;  /* pidfd of the monitor */
};

/* A file the program wrote, which is lost with the machine. */
struct lost_file {
    char *path;
    uint64_t size;
};

struct relay_result {
    bool hello;  /* the kernel answered */
    bool exited; /* .exit is set */
    struct orris_exit exit;
    int forced;             /* signal number: we ended the machine after it; else 0 */
    bool monitor_failed;    /* the monitor (KVM) gave up on the machine */
    bool output_failed;     /* the host's side refused output (disk full …); said already */
    uint32_t abi_version;   /* of HELLO */
    struct strlist missing; /* latest last */
    struct lost_file *lost;
    size_t lost_count;
    const struct link_list *links; /* set before: the network cards, or NULL */
    struct port_list *ports;       /* set before: those that lead into the machine */
    bool oom_known;                /* set before: oom_before is, of oom_kills() */
    uint64_t oom_before;
    int started_fd;           /* set before: gets a byte when the program begins; 0: none */
    struct copy_list *copies; /* set before: where files that are brought out go, or NULL */
    /* Set before: who is to be told of ORRIS_MSG_MAPPED, or NULL. */
    void (*mapped)(void *context, const char *data, size_t size);
    void *mapped_context;
    char *note;          /* the last NOTE, or NULL */
    struct buf said[2];  /* the last of standard output and error */
    struct buf report;   /* of a crash, as text */
    struct buf serial;   /* the last of the serial console */
    struct buf messages; /* the last of what the monitor said */
    struct orris_stages stages;
    uint64_t stages_tsc; /* when they came, on the host's counter; 0: they didn't */
    uint64_t started_ns; /* kernel entry to the program's first instruction, or 0 */
};

/* Takes all signals that can be passed on to the program for the relay, also those that are
 * ignored: a descriptor, or -1. Call before the machine starts, and undo with
 * relay_signals_end(). *old gets the former mask, for the child. */
int relay_signals_begin(sigset_t *old);
void relay_signals_end(int signals, const sigset_t *old);

/* Runs until the end. trace: where traced calls go, or NULL for standard error. */
void relay_run(const struct relay_channels *channels, const struct streams *streams,
               struct terminal *terminal, int signals, FILE *trace, struct relay_result *result);

void relay_result_clear(struct relay_result *result);
