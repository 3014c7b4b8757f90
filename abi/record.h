/*
 * Records: how the tool tells the kernel what to run.
 *
 * A run record is a sequence of records, each a struct orris_record and its payload, padded with
 * zeros to a multiple of 8 bytes; an END record closes it. It comes as the first PVH module (QEMU's
 * -initrd), or, without one, from the image's header. Strings are not NUL-terminated: their
 * length is the record's size.
 */
#pragma once

#include <stdint.h>

#include "abi/image.h"

struct orris_record {
    uint32_t type; /* enum orris_record_type */
    uint32_t size; /* bytes of payload, without the padding */
};

enum orris_record_type {
    ORRIS_RECORD_END = 0,
    ORRIS_RECORD_HEADER = 1,    /* first: struct orris_record_header */
    ORRIS_RECORD_LAYER = 2,     /* struct orris_layer; bottom layer first */
    ORRIS_RECORD_PROGRAM = 3,   /* string: path in the image of what to exec; argv[0] may differ */
    ORRIS_RECORD_ARG = 4,       /* string, one record an argument, argv[0] first */
    ORRIS_RECORD_ENV = 5,       /* string "NAME=VALUE", one record a variable */
    ORRIS_RECORD_WORKDIR = 6,   /* string; default "/" */
    ORRIS_RECORD_HOSTNAME = 7,  /* string; default "orris" */
    ORRIS_RECORD_STREAMS = 8,   /* struct orris_streams; default: all three on the serial console */
    ORRIS_RECORD_TIME = 9,      /* struct orris_time */
    ORRIS_RECORD_ENTROPY = 10,  /* 32 to 256 random bytes */
    ORRIS_RECORD_OPTIONS = 11,  /* struct orris_options */
    ORRIS_RECORD_TRACE = 12,    /* string: trace filter, as of --trace=FILTER; empty: every call */
    ORRIS_RECORD_LIMIT = 13,    /* struct orris_limit */
    ORRIS_RECORD_SECRET = 16,   /* a name, NUL, then bytes: a file in /run/secrets */
    ORRIS_RECORD_MOUNT = 15,    /* string: 'r' (read only) or 'w', then the absolute path where the
                                   virtio-9p device tagged orrisN is mounted; N counts these records
                                   from 0 */
    ORRIS_RECORD_COPY_OUT = 14, /* string: absolute path of a file to send to the tool at the end */
    ORRIS_RECORD_INTERFACE = 20, /* struct orris_interface, one a network card, in their order */
    ORRIS_RECORD_FORWARD = 21,   /* struct orris_forward: ports that the host lets in */
    ORRIS_RECORD_USER = 22,      /* struct orris_user; default: root, and so is the host's user */
    ORRIS_RECORD_SIGNALS = 23,   /* struct orris_signals; default: none */
};

#define ORRIS_SECRETS_MAX 16u
#define ORRIS_SECRET_MAX (1u << 20) /* bytes of one */
#define ORRIS_SECRET_NAME_MAX 255u

#define ORRIS_RECORD_MAGIC 0x5355525249524f31ull
struct orris_record_header {
    uint64_t magic;   /* ORRIS_RECORD_MAGIC */
    uint32_t version; /* ORRIS_ABI_VERSION */
    uint32_t crc;     /* CRC-32C of all bytes after this record, END included; 0: not checked */
};
_Static_assert(sizeof(struct orris_record_header) == 16, "record header layout");

struct orris_layer {
    uint64_t offset;         /* bytes into the image, a multiple of ORRIS_IMAGE_LAYER_ALIGN */
    uint64_t size;           /* bytes */
    uint32_t superblock_crc; /* CRC-32C of the 128 bytes of the EROFS superblock */
    uint32_t reserved;
};
_Static_assert(sizeof(struct orris_layer) == 24, "layer layout");

enum orris_stream_kind {
    ORRIS_STREAM_CONSOLE = 0, /* the serial console */
    ORRIS_STREAM_PORT = 1,    /* its own virtio-serial port: a pipe, file or the like */
    ORRIS_STREAM_TTY = 2,     /* its own port, and the host's end is a terminal */
    ORRIS_STREAM_CLOSED = 3,  /* the host's descriptor is closed */
    ORRIS_STREAM_STDOUT = 4,  /* stderr only: the very same open file as stdout (2>&1) */
    ORRIS_STREAM_FILE = 5,    /* stdin only: a file, read by ORRIS_MSG_STDIN_READ */
};

struct orris_streams {
    uint32_t kind[3];      /* stdin, stdout, stderr: enum orris_stream_kind */
    uint32_t host_mode[3]; /* st_mode of the host's descriptor (S_IFREG, S_IFIFO, S_IFCHR …) */
    uint16_t rows, columns, x_pixels, y_pixels; /* of the terminal, 0 if there is none */
    uint32_t tty_flags;                         /* reserved, 0 */
    uint32_t reserved;
    uint64_t stdin_position; /* of ORRIS_STREAM_FILE, in bytes */
};
_Static_assert(sizeof(struct orris_streams) == 48, "streams layout");

struct orris_time {
    int64_t realtime_ns; /* since 1970-01-01 UTC, when the record was written */
    uint64_t tsc_hz;     /* the time-stamp counter's rate, or 0 if not known */
};
_Static_assert(sizeof(struct orris_time) == 16, "time layout");

#define ORRIS_OPTION_VERBOSE 0x1u      /* the kernel's log goes to the control channel */
#define ORRIS_OPTION_TRACE 0x2u        /* trace system calls to the control channel */
#define ORRIS_OPTION_TRACE_FAILED 0x4u /* only those that fail */
#define ORRIS_OPTION_NO_ASLR 0x8u
#define ORRIS_OPTION_MAPS 0x20u /* tell what code is mapped where (a debugger, a profile) */
#define ORRIS_OPTION_DEBUG                                                                         \
    0x40u                          /* what code is mapped is there at once: a debugger can read it \
                                    */
#define ORRIS_OPTION_STAGES 0x80u  /* tell when the stages of the start were reached */
#define ORRIS_OPTION_CONTROL 0x10u /* there is a control channel; wait for it at the end */
#define ORRIS_CPUS_MAX 32u
struct orris_options {
    uint32_t flags;
    uint32_t cpus;         /* the machine's processors, at most ORRIS_CPUS_MAX; 0: one */
    uint64_t memory_limit; /* bytes of memory to use; 0: all there is */
};
_Static_assert(sizeof(struct orris_options) == 16, "options layout");

struct orris_limit {
    uint32_t resource; /* Linux RLIMIT_* */
    uint32_t reserved;
    uint64_t soft, hard;
};
_Static_assert(sizeof(struct orris_limit) == 24, "limit layout");

#define ORRIS_INTERFACES_MAX 8u
#define ORRIS_INTERFACE_DHCP 0x1u  /* ask for IPv4 addresses */
#define ORRIS_INTERFACE_SLAAC 0x2u /* take IPv6 addresses from routers' advertisements */
/* A network card's addresses, in network order; zero: none. */
struct orris_interface {
    uint8_t address[4], netmask[4], gateway[4];
    uint32_t flags; /* ORRIS_INTERFACE_* */
    uint8_t address6[16], gateway6[16];
    uint8_t prefix6; /* bits */
    uint8_t reserved[7];
};
_Static_assert(sizeof(struct orris_interface) == 56, "interface layout");

#define ORRIS_USER_GROUPS_MAX 64u
/* Who the program is. On mounts, files of the host's user appear as the program's, and back. */
struct orris_user {
    uint32_t uid, gid;
    uint32_t host_uid, host_gid; /* of who runs the tool */
    uint32_t group_count;        /* supplementary groups: those of groups[] that count */
    uint32_t groups[ORRIS_USER_GROUPS_MAX];
};
_Static_assert(sizeof(struct orris_user) == 276, "user layout");

/* Signals that the program has from whoever starts it; bit N-1 is signal N. */
struct orris_signals {
    uint64_t ignored, blocked;
};
_Static_assert(sizeof(struct orris_signals) == 16, "signals layout");

#define ORRIS_FORWARDS_MAX 32u
struct orris_forward {
    uint16_t first, last; /* the guest's ports */
    uint8_t protocol;     /* 6 TCP, 17 UDP */
    uint8_t reserved[3];
};
_Static_assert(sizeof(struct orris_forward) == 8, "forward layout");
