/* The run record's parser, with good records and with every kind of broken one. */
// UNIT: kernel/platform/run.c kernel/base/crc32c.c
#include <stdlib.h>

#include "kernel/arch/crc32c.h"
#include "kernel/base/crc32c.h"
#include "kernel/mm/heap.h"
#include "kernel/platform/run.h"
#include "tests/harness/check.h"

void *heap_alloc(size_t size)
{
    return malloc(size);
}

void *heap_zalloc(size_t size)
{
    return calloc(1, size);
}

void heap_free(void *block)
{
    free(block);
}

size_t arch_crc32c(uint32_t *state, const uint8_t *data, size_t len)
{
    (void)state, (void)data, (void)len;
    return 0;
}

static uint8_t record[4096];
static size_t record_size;

static void add(uint32_t type, const void *payload, uint32_t size)
{
    struct orris_record r = {type, size};
    memcpy(record + record_size, &r, sizeof(r));
    memcpy(record + record_size + sizeof(r), payload, size);
    record_size += sizeof(r) + align_up(size, 8);
}

static void add_string(uint32_t type, const char *text)
{
    add(type, text, (uint32_t)strlen(text));
}

static void begin(uint64_t magic, uint32_t version)
{
    struct orris_record_header header = {.magic = magic, .version = version};
    memset(record, 0, sizeof(record));
    record_size = 0;
    add(ORRIS_RECORD_HEADER, &header, sizeof(header));
}

static void begin_good(void)
{
    begin(ORRIS_RECORD_MAGIC, ORRIS_ABI_VERSION);
}

static void end_with_checksum(void)
{
    add(ORRIS_RECORD_END, "", 0);
    uint32_t crc = crc32c(0, record + 24, record_size - 24);
    memcpy(record + 8 + offsetof(struct orris_record_header, crc), &crc, sizeof(crc));
}

/* Parses a copy of exactly size bytes, so that the sanitizer sees a read beyond them. */
static int parse(size_t size, const char **why)
{
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, record, size);
    int err = run_begin(copy, size, why);
    free(copy);
    return err;
}

static void forget(void)
{
    heap_free(the_run.argv);
    the_run.argv = NULL;
}

static void test_takes_a_whole_record(void)
{
    const char *why;
    begin_good();
    add_string(ORRIS_RECORD_PROGRAM, "/bin/hello");
    add_string(ORRIS_RECORD_ARG, "hello");
    add_string(ORRIS_RECORD_ENV, "A=1");
    add_string(ORRIS_RECORD_ARG, "");
    add_string(ORRIS_RECORD_WORKDIR, "/tmp");
    struct orris_layer layer = {.offset = ORRIS_IMAGE_LAYER_ALIGN, .size = 4096};
    add(ORRIS_RECORD_LAYER, &layer, sizeof(layer));
    struct orris_limit limit = {.resource = 3, .soft = 1, .hard = 2};
    add(ORRIS_RECORD_LIMIT, &limit, sizeof(limit));
    struct orris_signals signals = {.ignored = 6, .blocked = 1};
    add(ORRIS_RECORD_SIGNALS, &signals, sizeof(signals));
    add_string(ORRIS_RECORD_COPY_OUT, "/model");
    add_string(ORRIS_RECORD_MOUNT, "r/data");
    end_with_checksum();
    CHECK_EQ(parse(record_size, &why), 0);
    CHECK_STR(the_run.program, "/bin/hello");
    CHECK_EQ(the_run.copy_out_count, 1);
    CHECK_STR(the_run.copy_out[0], "/model");
    CHECK(the_run.copy_out[1] == NULL);
    CHECK_EQ(the_run.mount_count, 1);
    CHECK_STR(the_run.mounts[0], "r/data");
    CHECK_EQ(the_run.argc, 2);
    CHECK_STR(the_run.argv[0], "hello");
    CHECK_STR(the_run.argv[1], "");
    CHECK(the_run.argv[2] == NULL);
    CHECK_EQ(the_run.envc, 1);
    CHECK_STR(the_run.envp[0], "A=1");
    CHECK(the_run.envp[1] == NULL);
    CHECK_STR(the_run.workdir, "/tmp");
    CHECK_STR(the_run.hostname, "orris");
    CHECK(the_run.trace_filter == NULL);
    CHECK_EQ(the_run.layer_count, 1);
    CHECK_EQ(the_run.layers[0].size, 4096);
    CHECK_EQ(the_run.limits[0].hard, 2);
    CHECK_EQ(the_run.signals.ignored, 6);
    CHECK_EQ(the_run.signals.blocked, 1);
    forget();
}

static void test_an_empty_trace_filter_is_one(void)
{
    const char *why;
    begin_good();
    add_string(ORRIS_RECORD_PROGRAM, "/p");
    add_string(ORRIS_RECORD_TRACE, "");
    end_with_checksum();
    CHECK_EQ(parse(record_size, &why), 0);
    CHECK_STR(the_run.trace_filter, "");
    forget();
}

static void refused(const char *text)
{
    const char *why = NULL;
    CHECK_EQ(parse(record_size, &why), -EINVAL);
    CHECK_STR(why, text);
}

static void test_refuses_bad_headers(void)
{
    begin(1, ORRIS_ABI_VERSION);
    end_with_checksum();
    refused("the run record's magic number is wrong");
    begin(ORRIS_RECORD_MAGIC, ORRIS_ABI_VERSION + 1);
    end_with_checksum();
    refused("the run record is of another version");
    record_size = 0;
    refused("the run record has no header");
}

static void test_refuses_bad_payloads(void)
{
    begin_good();
    end_with_checksum();
    refused("the run record names no program");
    begin_good();
    add(ORRIS_RECORD_ARG, "a\0b", 3);
    end_with_checksum();
    refused("a string in the run record holds a NUL");
    begin_good();
    add(ORRIS_RECORD_TIME, "abc", 3);
    end_with_checksum();
    refused("a record in the run record has the wrong size");
    begin_good();
    add_string(99, "x");
    end_with_checksum();
    refused("the run record holds a record of an unknown type");
    struct orris_layer layer = {.offset = 4096};
    begin_good();
    add(ORRIS_RECORD_LAYER, &layer, sizeof(layer));
    end_with_checksum();
    refused("a layer in the run record lies at an impossible place");
    begin_good();
    layer.offset = 0;
    for (unsigned i = 0; i <= ORRIS_IMAGE_LAYERS_MAX; i++)
        add(ORRIS_RECORD_LAYER, &layer, sizeof(layer));
    end_with_checksum();
    refused("the run record names too many layers");
    struct orris_streams streams = {.kind = {0, 77, 0}};
    begin_good();
    add(ORRIS_RECORD_STREAMS, &streams, sizeof(streams));
    end_with_checksum();
    refused("the run record names a stream of an unknown kind");
    begin_good();
    streams.kind[1] = ORRIS_STREAM_FILE; /* standard input alone may be one */
    add(ORRIS_RECORD_STREAMS, &streams, sizeof(streams));
    end_with_checksum();
    refused("the run record names a stream of an unknown kind");
}

static void test_refuses_a_wrong_checksum(void)
{
    begin_good();
    add_string(ORRIS_RECORD_PROGRAM, "/p");
    end_with_checksum();
    record[record_size - 9] ^= 1; /* padding of the program's name */
    refused("the run record's checksum is wrong");
}

static void test_refuses_every_cut(void)
{
    begin_good();
    add_string(ORRIS_RECORD_PROGRAM, "/bin/hello");
    add_string(ORRIS_RECORD_ARG, "hello");
    end_with_checksum();
    int refusals = 0;
    for (size_t size = 0; size < record_size; size++) {
        const char *why;
        refusals += parse(size, &why) == -EINVAL;
    }
    CHECK_EQ(refusals, record_size);
}

static bool takes_secret(const char *payload, uint32_t size)
{
    const char *why;
    begin_good();
    add_string(ORRIS_RECORD_PROGRAM, "/bin/hello");
    add(ORRIS_RECORD_SECRET, payload, size);
    end_with_checksum();
    bool good = parse(record_size, &why) == 0;
    if (good && the_run.secret_count) {
        CHECK_STR(the_run.secrets[0].name, "key");
        CHECK_EQ(the_run.secrets[0].size, size - 4);
        free(the_run.secrets[0].name);
    }
    if (good)
        forget();
    return good;
}

static void test_secrets_are_names_and_bytes(void)
{
    CHECK(takes_secret("key\0a\0b", 7));
    CHECK(takes_secret("key", 4)); /* empty */
    CHECK(!takes_secret("key", 3));
    CHECK(!takes_secret("\0key", 4));
    CHECK(!takes_secret("a/b", 4));
    CHECK(!takes_secret("..", 3));
    CHECK(!takes_secret("", 0));
}

static void test_survives_any_changed_byte(void)
{
    begin_good();
    add_string(ORRIS_RECORD_PROGRAM, "/bin/hello");
    add_string(ORRIS_RECORD_ENV, "A=1");
    add(ORRIS_RECORD_END, "", 0); /* no checksum: the parser alone must cope */
    for (size_t i = 24; i < record_size; i++) {
        for (int bit = 0; bit < 8; bit++) {
            const char *why;
            record[i] ^= (uint8_t)(1 << bit);
            if (parse(record_size, &why) == 0)
                forget();
            record[i] ^= (uint8_t)(1 << bit);
        }
    }
    CHECK(true);
}

int main(void)
{
    RUN(test_takes_a_whole_record);
    RUN(test_an_empty_trace_filter_is_one);
    RUN(test_refuses_bad_headers);
    RUN(test_refuses_bad_payloads);
    RUN(test_refuses_a_wrong_checksum);
    RUN(test_refuses_every_cut);
    RUN(test_secrets_are_names_and_bytes);
    RUN(test_survives_any_changed_byte);
    return check_done();
}
