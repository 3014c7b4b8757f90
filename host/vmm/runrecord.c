/*
 * The run record.
 */
#include "host/vmm/runrecord.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "host/base/crc32c.h"
#include "host/base/say.h"

#define ENTROPY_SIZE 64u
#define OPEN_FILES_MAX 1048576u /* as the kernel has it by default */

/* Whether a run has records of this type of its own, so that the image's are left out. */
static bool replaced(uint32_t type, const struct run_options *options)
{
    switch (type) {
    case ORRIS_RECORD_ARG:
        return options->args.count > 0;
    case ORRIS_RECORD_ENV:
        return options->env.count > 0;
    case ORRIS_RECORD_WORKDIR:
        return options->workdir != NULL;
    case ORRIS_RECORD_END:
    case ORRIS_RECORD_HEADER:
    case ORRIS_RECORD_STREAMS:
    case ORRIS_RECORD_TIME:
    case ORRIS_RECORD_ENTROPY:
    case ORRIS_RECORD_OPTIONS:
    case ORRIS_RECORD_TRACE:
    case ORRIS_RECORD_INTERFACE:
    case ORRIS_RECORD_FORWARD:
    case ORRIS_RECORD_USER:
    case ORRIS_RECORD_SIGNALS:
        return true;
    default:
        return false;
    }
}

static void copy_image_records(const struct buf *records, const struct run_options *options,
                               struct buf *out)
{
    struct orris_record head;
    for (size_t at = 0; records->size - at >= sizeof(head);) {
        memcpy(&head, records->data + at, sizeof(head));
        at += sizeof(head);
        if (head.size > records->size - at)
            return;
        if (!replaced(head.type, options))
            record_add(out, head.type, records->data + at, head.size);
        size_t padded = ((size_t)head.size + 7) & ~(size_t)7;
        at += padded < records->size - at ? padded : records->size - at;
    }
}

/* The image's user; on mounts it stands for who runs this tool. */
static void add_user(const struct buf *records, struct buf *out)
{
    struct orris_user user = {0};
    struct orris_record head;
    const char *payload;
    for (size_t at = 0; record_next(records, &at, &head, &payload);)
        if (head.type == ORRIS_RECORD_USER && head.size == sizeof(user))
            memcpy(&user, payload, sizeof(user));
    user.host_uid = geteuid();
    user.host_gid = getegid();
    record_add(out, ORRIS_RECORD_USER, &user, sizeof(user));
}

static void add_secret(const struct secret *secret, struct buf *out)
{
    struct buf payload = {0};
    buf_add(&payload, secret->name, strlen(secret->name) + 1);
    buf_add(&payload, secret->data.data ? secret->data.data : "", secret->data.size);
    record_add(out, ORRIS_RECORD_SECRET, payload.data, payload.size);
    explicit_bzero(payload.data, payload.size);
    buf_clear(&payload);
}

static void add_program(const struct run_options *options, struct buf *out)
{
    for (size_t i = 0; i < options->args.count; i++)
        record_string(out, ORRIS_RECORD_ARG, options->args.items[i]);
    for (size_t i = 0; i < options->env.count; i++)
        record_string(out, ORRIS_RECORD_ENV, options->env.items[i]);
    if (options->workdir)
        record_string(out, ORRIS_RECORD_WORKDIR, options->workdir);
    for (size_t i = 0; options->secrets && i < options->secrets->count; i++)
        add_secret(&options->secrets->items[i], out);
    for (size_t i = 0; options->mounts && i < options->mounts->count; i++) {
        const struct mount *it = &options->mounts->items[i];
        char *text = mem_printf("%c%s", it->read_only ? 'r' : 'w', it->guest);
        record_string(out, ORRIS_RECORD_MOUNT, text);
        free(text);
    }
    for (size_t i = 0; options->copies && i < options->copies->count; i++)
        record_string(out, ORRIS_RECORD_COPY_OUT, options->copies->items[i].guest);
}

static void add_streams(const struct runrecord_host *host, struct buf *out)
{
    struct orris_streams streams = {
        .rows = host->size.rows,
        .columns = host->size.columns,
        .x_pixels = host->size.x_pixels,
        .y_pixels = host->size.y_pixels,
        .stdin_position = host->streams->position,
    };
    memcpy(streams.kind, host->streams->kind, sizeof(streams.kind));
    memcpy(streams.host_mode, host->streams->host_mode, sizeof(streams.host_mode));
    record_add(out, ORRIS_RECORD_STREAMS, &streams, sizeof(streams));
}

static void add_time(const struct runrecord_host *host, struct buf *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct orris_time time = {
        .realtime_ns = now.tv_sec * 1000000000ll + now.tv_nsec,
        .tsc_hz = host->tsc_hz,
    };
    record_add(out, ORRIS_RECORD_TIME, &time, sizeof(time));
}

static void add_entropy(struct buf *out)
{
    unsigned char bytes[ENTROPY_SIZE];
    if (getrandom(bytes, sizeof(bytes), 0) == (ssize_t)sizeof(bytes))
        record_add(out, ORRIS_RECORD_ENTROPY, bytes, sizeof(bytes));
    explicit_bzero(bytes, sizeof(bytes));
}

/* How many files the program may have open is what the shell says (`ulimit -n`); the machine lets
 * it raise that as far as the kernel goes. */
static void add_limits(struct buf *out)
{
    struct rlimit own;
    struct orris_limit limit = {.resource = RLIMIT_NOFILE, .hard = OPEN_FILES_MAX};
    if (getrlimit(RLIMIT_NOFILE, &own) != 0)
        return;
    limit.soft = own.rlim_cur < limit.hard ? own.rlim_cur : limit.hard;
    record_add(out, ORRIS_RECORD_LIMIT, &limit, sizeof(limit));
}

static void add_options(const struct run_options *run, const struct runrecord_host *host,
                        struct buf *out)
{
    struct orris_options options = {.cpus = run->cpus};
    if (host->streams)
        options.flags |= ORRIS_OPTION_CONTROL;
    if (host->streams && say_level >= SAY_VERBOSE) /* a plain stream is for the program's output */
        options.flags |= ORRIS_OPTION_VERBOSE;
    if (run->profile)
        options.flags |= ORRIS_OPTION_MAPS;
    if (run->gdb)
        options.flags |= ORRIS_OPTION_MAPS | ORRIS_OPTION_DEBUG;
    if (run->time)
        options.flags |= ORRIS_OPTION_STAGES;
    if (run->trace)
        options.flags |= ORRIS_OPTION_TRACE;
    if (run->trace_failed)
        options.flags |= ORRIS_OPTION_TRACE_FAILED;
    record_add(out, ORRIS_RECORD_OPTIONS, &options, sizeof(options));
    if (run->trace && run->trace_filter)
        record_string(out, ORRIS_RECORD_TRACE, run->trace_filter);
}

void runrecord_build(const struct image_info *image, const struct run_options *options,
                     const struct runrecord_host *host, struct buf *out)
{
    struct orris_record_header header = {
        .magic = ORRIS_RECORD_MAGIC,
        .version = ORRIS_ABI_VERSION,
    };
    size_t head = out->size + sizeof(struct orris_record);
    record_add(out, ORRIS_RECORD_HEADER, &header, sizeof(header));
    size_t body = out->size;
    copy_image_records(&image->records, options, out);
    add_user(&image->records, out);
    add_program(options, out);
    if (host->streams) {
        add_streams(host, out);
        record_add(out, ORRIS_RECORD_SIGNALS, &host->signals, sizeof(host->signals));
    }
    add_time(host, out);
    add_entropy(out);
    add_limits(out);
    add_options(options, host, out);
    network_records(options->ports, options->links, out);
    record_add(out, ORRIS_RECORD_END, NULL, 0);
    header.crc = crc32c(0, out->data + body, out->size - body);
    memcpy(out->data + head, &header, sizeof(header));
}
