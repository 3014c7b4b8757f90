/*
 * The other end of QEMU's gdb stub: stops the machine, reads registers and memory, lets it go on.
 * Only what a profile needs. The protocol is that of "Debugging with gdb", appendix E.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REMOTE_CPUS_MAX 32u
#define REMOTE_PIECE 2048u /* bytes read at once: what fits into the stub's packet */

/* In the order the stub sends them. */
enum remote_register {
    REMOTE_RAX,
    REMOTE_RBX,
    REMOTE_RCX,
    REMOTE_RDX,
    REMOTE_RSI,
    REMOTE_RDI,
    REMOTE_RBP,
    REMOTE_RSP,
    REMOTE_R8,
    REMOTE_R15 = REMOTE_R8 + 7,
    REMOTE_RIP,
    REMOTE_COUNT,
};

struct remote {
    int fd; /* a stream socket, blocking */
    unsigned cpu_count;
    char cpus[REMOTE_CPUS_MAX][12]; /* as the stub names them */
    size_t in, out;                 /* of the buffer: filled, taken */
    char buffer[2 * REMOTE_PIECE + 4096];
};

/* All of these return false when the machine has gone. */
bool remote_begin(struct remote *remote, int fd); /* the machine is stopped then */
bool remote_go(struct remote *remote);
bool remote_stop(struct remote *remote);
bool remote_registers(struct remote *remote, unsigned cpu, uint64_t values[REMOTE_COUNT]);
/* Asks for count pieces from addr on, as the chosen processor sees them; *size: bytes that could be
 * read, from the beginning. */
bool remote_read(struct remote *remote, uint64_t addr, void *data, unsigned count, size_t *size);
