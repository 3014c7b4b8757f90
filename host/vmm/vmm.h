/*
 * Running an image in a machine: QEMU's command line, the accelerator, the streams, the end.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "host/base/error.h"
#include "host/image/spec.h"
#include "host/vmm/copyout.h"
#include "host/vmm/link.h"
#include "host/vmm/mount.h"
#include "host/vmm/network.h"
#include "host/vmm/secret.h"

#define VMM_KERNEL_FAILED 124 /* exit statuses of vmm_run() that aren't the program's */
#define VMM_TOOL_FAILED 125
#define VMM_DEFAULT_CPUS_MAX 4u
#define VMM_MEMORY_MIN (4ull << 20) /* bytes; less doesn't hold the kernel */

enum accel { ACCEL_AUTO, ACCEL_KVM, ACCEL_TCG };
enum machine { MACHINE_MICROVM, MACHINE_Q35 };

struct run_options {
    int image_fd; /* the image, open for reading; -1: vmm_run() opens it by its path */
    enum accel accel;
    enum machine machine;
    uint64_t memory_bytes; /* 0: 2 GiB */
    unsigned cpus;         /* 0: what the host has, at most VMM_DEFAULT_CPUS_MAX */
    bool trace, trace_failed;
    const char *trace_filter;  /* or NULL */
    const char *trace_file;    /* or NULL: standard error */
    bool gdb;                  /* wait for a debugger */
    unsigned gdb_port;         /* 0: a socket of its own */
    const char *profile;       /* the flame graph's file; NULL: no profile */
    bool time;                 /* say a chart of the start */
    uint64_t begun_tsc;        /* with time: when the tool began */
    const char *qemu_extra;    /* for tests and benchmarks: more QEMU arguments, split at blanks */
    struct strlist args;       /* replaces the image's arguments if count > 0, argv[0] first */
    struct strlist env;        /* the program's whole environment */
    const char *workdir;       /* or NULL */
    struct port_list *ports;   /* of the host, that lead into the machine, or NULL */
    struct link_list *links;   /* the network cards, or NULL: one, on the user network */
    struct copy_list *copies;  /* files to bring out at the end, or NULL */
    struct mount_list *mounts; /* folders of the host, or NULL */
    /* What no file may hold: the names of such variables, and files for this run (or NULL). */
    struct strlist env_private;
    const struct secret_list *secrets;
    /* Of a machine in the background: QEMU's monitor, a listening socket, and where a byte is
     * written when the program begins; 0: none. */
    int qmp_fd, started_fd;
    /* For the hint at the end about files that lie on the host. */
    const char *config_path; /* or NULL */
    bool locked;             /* the image is of what a recording saw */
};

/* Runs the image and returns the tool's exit status: the program's 0–255, 128+N after signal N,
 * 124 (with err set) if the kernel failed, 125 (with err set) if the tool could not run it. Relays
 * the three streams, signals and the terminal meanwhile. */
int vmm_run(const char *image_path, const struct run_options *options, struct error *err);
