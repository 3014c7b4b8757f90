/*
 * The run record: checked as a whole, then taken apart in two passes. The first counts strings and
 * bytes, so that one block holds them all; the second copies. Nothing in a record is believed:
 * every size is checked against what is left.
 */
#include "kernel/platform/run.h"

#include "kernel/base/crc32c.h"
#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/mm/heap.h"

#define RECORD_ALIGN 8
#define STRINGS_MAX 65536u

struct run_config the_run = {.program = "", .workdir = "/", .hostname = "orris"};

struct cursor {
    const uint8_t *at, *end;
};

struct counts {
    size_t args, env, copy_out, mounts, bytes;
};

/* The next record and its payload. Returns 0, or -EINVAL if it doesn't fit. */
static int next_record(struct cursor *c, struct orris_record *r, const uint8_t **payload)
{
    size_t left = (size_t)(c->end - c->at);
    if (left < sizeof(*r))
        return -EINVAL;
    memcpy(r, c->at, sizeof(*r));
    left -= sizeof(*r);
    uint64_t padded = align_up(r->size, RECORD_ALIGN);
    if (padded > left)
        return -EINVAL;
    *payload = c->at + sizeof(*r);
    c->at += sizeof(*r) + padded;
    return 0;
}

static bool is_string(uint32_t type)
{
    switch (type) {
    case ORRIS_RECORD_PROGRAM:
    case ORRIS_RECORD_ARG:
    case ORRIS_RECORD_ENV:
    case ORRIS_RECORD_WORKDIR:
    case ORRIS_RECORD_HOSTNAME:
    case ORRIS_RECORD_TRACE:
    case ORRIS_RECORD_COPY_OUT:
    case ORRIS_RECORD_MOUNT:
        return true;
    default:
        return false;
    }
}

static const char *check_header(struct cursor *c)
{
    struct orris_record r;
    struct orris_record_header header;
    const uint8_t *payload;
    if (next_record(c, &r, &payload) || r.type != ORRIS_RECORD_HEADER || r.size != sizeof(header))
        return "the run record has no header";
    memcpy(&header, payload, sizeof(header));
    if (header.magic != ORRIS_RECORD_MAGIC)
        return "the run record's magic number is wrong";
    if (header.version != ORRIS_ABI_VERSION)
        return "the run record is of another version";
    return NULL;
}

/* Counts, finds the END record, and shortens the cursor to what lies before it. */
static const char *count_records(struct cursor *c, struct counts *counts)
{
    struct cursor at = *c;
    struct orris_record r;
    const uint8_t *payload;
    for (;;) {
        const uint8_t *start = at.at;
        if (next_record(&at, &r, &payload))
            return "the run record is cut off";
        if (r.type == ORRIS_RECORD_END) {
            c->end = start;
            return NULL;
        }
        if (!is_string(r.type))
            continue;
        if (memchr(payload, '\0', r.size))
            return "a string in the run record holds a NUL";
        counts->args += r.type == ORRIS_RECORD_ARG;
        counts->env += r.type == ORRIS_RECORD_ENV;
        counts->copy_out += r.type == ORRIS_RECORD_COPY_OUT;
        counts->mounts += r.type == ORRIS_RECORD_MOUNT;
        counts->bytes += r.size + 1;
        if (counts->args > STRINGS_MAX || counts->env > STRINGS_MAX ||
            counts->copy_out > STRINGS_MAX || counts->mounts > STRINGS_MAX)
            return "the run record holds too many strings";
    }
}

/* The checksum covers what follows the header record, END included. */
static bool checksum_matches(const struct cursor *body, const uint8_t *record)
{
    struct orris_record_header header;
    memcpy(&header, record + sizeof(struct orris_record), sizeof(header));
    size_t size = (size_t)(body->end - body->at) + sizeof(struct orris_record);
    return header.crc == 0 || crc32c(0, body->at, size) == header.crc;
}

/* Copies a payload into a field, if it has the field's size. */
#define TAKE(field)                                                                                \
    (r->size == sizeof(field) ? (memcpy(&(field), payload, sizeof(field)), (const char *)NULL)     \
                              : "a record in the run record has the wrong size")

static const char *take_layer(struct run_config *run, const struct orris_record *r,
                              const uint8_t *payload)
{
    if (run->layer_count == ORRIS_IMAGE_LAYERS_MAX)
        return "the run record names too many layers";
    struct orris_layer *layer = &run->layers[run->layer_count++];
    const char *why = TAKE(*layer);
    if (!why &&
        (layer->offset % ORRIS_IMAGE_LAYER_ALIGN || layer->offset + layer->size < layer->size))
        why = "a layer in the run record lies at an impossible place";
    return why;
}

static const char *take_limit(struct run_config *run, const struct orris_record *r,
                              const uint8_t *payload)
{
    if (run->limit_count == ARRAY_SIZE(run->limits))
        return "the run record holds too many limits";
    struct orris_limit *limit = &run->limits[run->limit_count++];
    return TAKE(*limit);
}

static const char *take_interface(struct run_config *run, const struct orris_record *r,
                                  const uint8_t *payload)
{
    if (run->interface_count == ARRAY_SIZE(run->interfaces))
        return "the run record names too many network interfaces";
    struct orris_interface *interface = &run->interfaces[run->interface_count++];
    return TAKE(*interface);
}

/* What doesn't fit is not known here, but let in all the same. */
static const char *take_forward(struct run_config *run, const struct orris_record *r,
                                const uint8_t *payload)
{
    struct orris_forward forward;
    const char *why = TAKE(forward);
    if (!why && run->forward_count < ARRAY_SIZE(run->forwards))
        run->forwards[run->forward_count++] = forward;
    return why;
}

static const char *take_user(struct run_config *run, const struct orris_record *r,
                             const uint8_t *payload)
{
    const char *why = TAKE(run->user);
    if (!why && run->user.group_count > ORRIS_USER_GROUPS_MAX)
        why = "the run record names too many groups";
    return why;
}

static const char *take_entropy(struct run_config *run, const struct orris_record *r,
                                const uint8_t *payload)
{
    if (r->size > sizeof(run->entropy))
        return "the run record holds too much entropy";
    memcpy(run->entropy, payload, r->size);
    run->entropy_size = r->size;
    return NULL;
}

/* The name and the bytes, in one block of their own: the record's memory may go. */
static const char *take_secret(struct run_config *run, const struct orris_record *r,
                               const uint8_t *payload)
{
    const uint8_t *end = memchr(payload, 0, r->size);
    size_t length = end ? (size_t)(end - payload) : 0;
    if (run->secret_count == ORRIS_SECRETS_MAX)
        return "the run record holds too many secrets";
    if (!length || length > ORRIS_SECRET_NAME_MAX || memchr(payload, '/', length) ||
        payload[0] == '.' || r->size - length - 1 > ORRIS_SECRET_MAX)
        return "a secret in the run record is not one";
    char *block = heap_alloc(r->size);
    if (!block)
        return "there is no memory for the run record";
    memcpy(block, payload, r->size);
    run->secrets[run->secret_count++] = (struct run_secret){
        block, (const uint8_t *)block + length + 1, (uint32_t)(r->size - length - 1)};
    return NULL;
}

static const char *take_streams(struct run_config *run, const struct orris_record *r,
                                const uint8_t *payload)
{
    const char *why = TAKE(run->streams);
    for (int i = 0; !why && i < 3; i++) {
        if (run->streams.kind[i] > (i ? ORRIS_STREAM_STDOUT : ORRIS_STREAM_FILE))
            why = "the run record names a stream of an unknown kind";
    }
    return why;
}

static const char *take_value(struct run_config *run, const struct orris_record *r,
                              const uint8_t *payload)
{
    switch (r->type) {
    case ORRIS_RECORD_LAYER:
        return take_layer(run, r, payload);
    case ORRIS_RECORD_STREAMS:
        return take_streams(run, r, payload);
    case ORRIS_RECORD_TIME:
        return TAKE(run->time);
    case ORRIS_RECORD_ENTROPY:
        return take_entropy(run, r, payload);
    case ORRIS_RECORD_OPTIONS:
        return TAKE(run->options);
    case ORRIS_RECORD_LIMIT:
        return take_limit(run, r, payload);
    case ORRIS_RECORD_SECRET:
        return take_secret(run, r, payload);
    case ORRIS_RECORD_FORWARD:
        return take_forward(run, r, payload);
    case ORRIS_RECORD_INTERFACE:
        return take_interface(run, r, payload);
    case ORRIS_RECORD_USER:
        return take_user(run, r, payload);
    case ORRIS_RECORD_SIGNALS:
        return TAKE(run->signals);
    default:
        return "the run record holds a record of an unknown type";
    }
}

static void place_string(struct run_config *run, uint32_t type, char *text)
{
    switch (type) {
    case ORRIS_RECORD_PROGRAM:
        run->program = text;
        break;
    case ORRIS_RECORD_ARG:
        run->argv[run->argc++] = text;
        break;
    case ORRIS_RECORD_ENV:
        run->envp[run->envc++] = text;
        break;
    case ORRIS_RECORD_COPY_OUT:
        run->copy_out[run->copy_out_count++] = text;
        break;
    case ORRIS_RECORD_MOUNT:
        run->mounts[run->mount_count++] = text;
        break;
    case ORRIS_RECORD_WORKDIR:
        run->workdir = text;
        break;
    case ORRIS_RECORD_HOSTNAME:
        run->hostname = text;
        break;
    default:
        run->trace_filter = text;
        break;
    }
}

static const char *take_records(struct run_config *run, struct cursor c, char *strings)
{
    struct orris_record r;
    const uint8_t *payload;
    while (c.at < c.end) {
        if (next_record(&c, &r, &payload))
            return "the run record is cut off";
        if (!is_string(r.type)) {
            const char *why = take_value(run, &r, payload);
            if (why)
                return why;
            continue;
        }
        memcpy(strings, payload, r.size);
        strings[r.size] = '\0';
        place_string(run, r.type, strings);
        strings += r.size + 1;
    }
    if (!*run->program)
        return "the run record names no program";
    return NULL;
}

/* One block: the vectors, then the strings. */
static const char *build(struct run_config *run, const struct cursor *c,
                         const struct counts *counts)
{
    size_t pointers = counts->args + counts->env + counts->copy_out + counts->mounts + 4;
    char **block = heap_zalloc(pointers * sizeof(char *) + counts->bytes);
    if (!block)
        return "there is no memory for the run record";
    run->argv = block;
    run->envp = block + counts->args + 1;
    run->copy_out = run->envp + counts->env + 1;
    run->mounts = run->copy_out + counts->copy_out + 1;
    const char *why = take_records(run, *c, (char *)(block + pointers));
    if (why) {
        heap_free(block);
        for (unsigned i = 0; i < run->secret_count; i++)
            heap_free(run->secrets[i].name);
    }
    return why;
}

int run_begin(const void *record, size_t size, const char **why)
{
    const uint8_t *start = record;
    struct cursor c = {start, start + size};
    struct counts counts = {0};
    static struct run_config run; /* too large for a stack */
    run = (struct run_config){.program = "", .workdir = "/", .hostname = "orris"};
    *why = check_header(&c);
    if (!*why)
        *why = count_records(&c, &counts);
    if (!*why && !checksum_matches(&c, start))
        *why = "the run record's checksum is wrong";
    if (!*why)
        *why = build(&run, &c, &counts);
    if (*why)
        return -EINVAL;
    the_run = run;
    return 0;
}
