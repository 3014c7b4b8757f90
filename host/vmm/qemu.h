/*
 * QEMU: its command line, and starting it so that it never outlives the tool.
 */
#pragma once

#include <stdbool.h>

#include <signal.h>
#include <sys/types.h>

#include "host/base/error.h"
#include "host/image/spec.h"
#include "host/vmm/vmm.h"

#define QEMU_INSTALL "sudo apt install qemu-system-x86"

/* The processor under KVM: the host's, but for a register that a host which is itself a virtual
 * machine may not let us set. */
#define QEMU_KVM_CPU "host,-arch-capabilities"
/* Under emulation: all that QEMU knows, and without AVX2 where that is wrong. */
#define QEMU_TCG_CPU "max"
#define QEMU_TCG_CPU_NO_AVX2 "max,-avx2"

/* The descriptors QEMU inherits, under the same numbers. */
struct qemu_fds {
    int image, record;
    int serial;      /* socket */
    int port[4];     /* sockets: control, stdin, stdout, stderr */
    int output;      /* QEMU's own standard output and error */
    int stub;        /* socket: of the gdb stub, for a profile; or -1 */
    const char *gdb; /* where the gdb stub listens, and the machine waits for it; or NULL */
    int qmp;         /* listening socket, or 0 */
    /* Whose descriptors it inherits, too; each may be NULL. */
    const struct mount_list *mounts;
    const struct link_list *links;
};

/* The path of qemu-system-x86_64 ($ORRIS_QEMU, else from PATH). Owned by the caller; NULL with err
 * set, which names the package to install. */
char *qemu_find(struct error *err);

/* What runs the machine's instructions: KVM or emulation, and the processor's model. */
struct qemu_processor {
    bool kvm;
    const char *model;
};

/* The command line for a run through fds. */
void qemu_arguments(struct strlist *argv, const char *qemu, const struct run_options *options,
                    const struct qemu_processor *processor, const struct qemu_fds *fds);

/* The command line for pasting into a shell: the streams are the serial console, which is the
 * terminal. */
void qemu_plain_arguments(struct strlist *argv, const char *qemu, const struct run_options *options,
                          const struct qemu_processor *processor, const char *image_path,
                          const char *record_path);

/* argv as one line that a shell reads back as argv. Owned by the caller. */
char *qemu_shell_line(const struct strlist *argv);

/* Starts argv in a session of its own, with signals and mask as they were (*mask), killed when we
 * die in whatever way. Returns a pidfd and sets *pid, or -1 with err set. */
int qemu_spawn(const struct strlist *argv, const struct qemu_fds *fds, const sigset_t *mask,
               pid_t *pid, struct error *err);

/* Ends QEMU at once and takes it from the process table. *status: as waitpid() sets it. */
void qemu_end(pid_t pid, int *status);
