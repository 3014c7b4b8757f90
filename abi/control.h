/*
 * The control channel: messages between tool and kernel on a virtio-serial port of their own.
 *
 * Each message is a struct orris_message and its payload, unpadded. An unknown type is skipped.
 * The order of messages is kept; order against the three data ports is not, which is why messages
 * that depend on data carry byte counts.
 */
#pragma once

#include <stdint.h>

/* virtio-serial port numbers (port 0 is a virtconsole's by definition). */
#define ORRIS_PORT_CONTROL 1u
#define ORRIS_PORT_STDIN 2u
#define ORRIS_PORT_STDOUT 3u
#define ORRIS_PORT_STDERR 4u

#define ORRIS_MESSAGE_MAX 65536u /* bytes of payload */

struct orris_message {
    uint32_t type; /* enum orris_message_type */
    uint32_t size; /* bytes of payload */
};

enum orris_message_type {
    /* From the kernel. */
    ORRIS_MSG_HELLO = 1,    /* struct orris_hello; first message */
    ORRIS_MSG_EXIT = 2,     /* struct orris_exit; last message but for none. The tool takes the
                               streams' remaining bytes, then ends the machine. */
    ORRIS_MSG_LOG = 3,      /* text, one line, no newline: the kernel's log (-v) */
    ORRIS_MSG_TRACE = 4,    /* text, one line, no newline: a traced system call */
    ORRIS_MSG_NOTE = 5,     /* text, one line: tell the user ("orris: " is put before it) */
    ORRIS_MSG_STOPPED = 6,  /* uint32_t: the program was stopped by this signal (Ctrl-Z) */
    ORRIS_MSG_TTY_OUT = 7,  /* bytes for the terminal that neither stdout nor stderr is */
    ORRIS_MSG_MISSING = 8,  /* text: absolute path the program looked for and did not find; sent
                               just before EXIT when the status isn't 0, latest last */
    ORRIS_MSG_LOST = 9,     /* uint64_t size in bytes, then the path: a file written by the program
                               outside /tmp, /run, /dev, lost at the end; sent before EXIT */
    ORRIS_MSG_REPORT = 10,  /* text, many lines: report on a program killed by a signal, or on a
                               bug of the kernel */
    ORRIS_MSG_STARTED = 11, /* the program's first instruction comes next; uint64_t: ns since the
                               kernel's entry */
    ORRIS_MSG_COPY_DATA = 12, /* uint32_t: which COPY_OUT record, then bytes of that file; before
                               EXIT */
    ORRIS_MSG_COPY_END = 13,  /* struct orris_copy_end: that was all of it */
    ORRIS_MSG_MAPPED = 14, /* with ORRIS_OPTION_MAPS: struct orris_mapped, then the file's path or
                              "[vdso]" or "[kernel]" */
    ORRIS_MSG_STAGES = 15, /* with ORRIS_OPTION_STAGES: struct orris_stages; before EXIT */
    ORRIS_MSG_LISTENING = 16,      /* struct orris_listening: a socket can be reached now */
    ORRIS_MSG_STDIN_READ = 17,     /* struct orris_stdin_read, of a standard input that is a file
                                      (ORRIS_STREAM_FILE): answered on the stdin port */
    ORRIS_MSG_STDIN_POSITION = 18, /* uint64_t: where the program has left it; before EXIT */
    /* From the tool. */
    ORRIS_MSG_WELCOME = 32,       /* struct orris_welcome; answer to HELLO */
    ORRIS_MSG_SIGNAL = 33,        /* struct orris_signal; of an older tool its number alone */
    ORRIS_MSG_WINSIZE = 34,       /* struct orris_winsize */
    ORRIS_MSG_STDIN_EOF = 35,     /* uint64_t: bytes sent on the stdin port in all */
    ORRIS_MSG_STREAM_CLOSED = 36, /* uint32_t: 1 or 2: nobody reads stdout / stderr any more */
    ORRIS_MSG_CONTINUE = 37,      /* the tool was continued after STOPPED */
};

#define ORRIS_STDIN_READ_MAX 262144u /* bytes asked for at once */
#define ORRIS_STDIN_READS_MAX 2u     /* not answered yet; more are dropped */
struct orris_stdin_read {
    uint64_t offset;
    uint32_t size; /* 0: the attributes alone */
    uint32_t reserved;
};
_Static_assert(sizeof(struct orris_stdin_read) == 16, "stdin read layout");

/* The answer: this, then size bytes of the file; fewer than asked for at its end. */
struct orris_stdin_answer {
    uint32_t size;
    uint32_t error; /* errno, and size is 0; or 0 */
    uint64_t file_size, blocks, ino;
    int64_t atime_ns, mtime_ns, ctime_ns; /* since 1970 */
    uint32_t mode, links, uid, gid, block_size;
    uint32_t reserved;
};
_Static_assert(sizeof(struct orris_stdin_answer) == 80, "stdin answer layout");

/* A signal for the program, as siginfo_t has it. */
struct orris_signal {
    uint32_t number;
    int32_t code;   /* SI_USER, SI_QUEUE, SI_KERNEL … */
    uint64_t value; /* of SI_QUEUE */
};

struct orris_hello {
    uint32_t version; /* ORRIS_ABI_VERSION */
    uint32_t reserved;
};

struct orris_welcome {
    int64_t realtime_ns; /* since 1970 UTC, when sent */
};

enum orris_exit_kind {
    ORRIS_EXIT_STATUS = 0, /* code: 0 to 255 */
    ORRIS_EXIT_SIGNAL = 1, /* code: signal number */
    ORRIS_EXIT_PANIC = 2,  /* the kernel failed */
    ORRIS_EXIT_REFUSED =
        3, /* the kernel could not start the program; code: errno; a NOTE said why */
};

struct orris_exit {
    uint32_t kind; /* enum orris_exit_kind */
    uint32_t code;
    uint64_t stdout_bytes; /* sent on that port in all */
    uint64_t stderr_bytes;
};
_Static_assert(sizeof(struct orris_exit) == 24, "exit layout");

struct orris_copy_end {
    uint32_t index; /* of the COPY_OUT record */
    uint32_t error; /* errno, or 0 */
    uint32_t mode;  /* permissions */
    uint32_t reserved;
    uint64_t size; /* bytes sent */
};
_Static_assert(sizeof(struct orris_copy_end) == 24, "copy end layout");

/* Code that was mapped. Of "[kernel]", offset is what its addresses were moved by (the slide). */
struct orris_mapped {
    uint64_t start, end, offset;
};
_Static_assert(sizeof(struct orris_mapped) == 24, "mapped layout");

/* The counter's reading (TSC) where a stage of the start, or the program, ended; 0: never did. */
enum orris_stage {
    ORRIS_STAGE_FIRMWARE = 0, /* the kernel's first instructions */
    ORRIS_STAGE_MEMORY = 1,   /* mapped, pages can be had */
    ORRIS_STAGE_DEVICES = 2,  /* found */
    ORRIS_STAGE_FILES = 3,    /* file systems mounted */
    ORRIS_STAGE_STREAMS = 4,  /* opened */
    ORRIS_STAGE_EXEC = 5,     /* the program's first instruction comes next */
    ORRIS_STAGE_LOADER = 6,   /* the dynamic loader has come to the program's own entry */
    ORRIS_STAGE_CALL = 7,     /* the first system call was made */
    ORRIS_STAGE_PROGRAM = 8,  /* the program has ended */
    ORRIS_STAGE_COUNT = 9,
};
struct orris_stages {
    uint64_t cycles[ORRIS_STAGE_COUNT];
    uint64_t now; /* when this was sent */
};
_Static_assert(sizeof(struct orris_stages) == 80, "stages layout");
struct orris_listening {
    uint16_t port;
    uint8_t protocol;    /* 6 TCP, 17 UDP */
    uint8_t version;     /* of IP: 4, 6, or 0: both */
    uint8_t address[16]; /* in network order, IPv4 in the first four; zeros: any */
    uint8_t loopback;    /* within the machine only */
    uint8_t reserved[3];
};
_Static_assert(sizeof(struct orris_listening) == 24, "listening layout");

struct orris_winsize {
    uint16_t rows, columns, x_pixels, y_pixels;
};
