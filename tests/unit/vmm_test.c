// UNIT: host/vmm/oom.c host/vmm/runrecord.c host/vmm/end.c host/vmm/qemu.c host/image/record.c host/vmm/network.c host/vmm/link.c host/base/digest.c
// UNIT: host/vmm/hint.c
// UNIT: host/base/buf.c host/base/say.c host/base/strlist.c host/base/path.c host/base/error.c
// UNIT: host/app/hostcache.c host/pkg/command.c host/base/crc32c.c host/vmm/copyout.c host/base/fresh.c host/base/io.c
// UNIT: host/base/escape.c
// LIBS: -lb2
/*
 * The parts of a run that need no machine: run record, command line, the hint about missing files.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/crc32c.h"
#include "host/base/say.h"
#include "host/vmm/end.h"
#include "host/vmm/hint.h"
#include "host/vmm/qemu.h"
#include "host/vmm/runrecord.h"
#include "host/vmm/vmm.h"
#include "tests/harness/check.h"

/* The payload of the n-th record of this type (from 0), or NULL. */
static const char *find_record(const struct buf *records, uint32_t type, int n, uint32_t *size)
{
    for (size_t at = 0; at < records->size;) {
        struct orris_record head;
        memcpy(&head, records->data + at, sizeof(head));
        at += sizeof(head);
        if (head.type == type && n-- == 0) {
            *size = head.size;
            return records->data + at;
        }
        at += (head.size + 7) & ~7u;
    }
    return NULL;
}

static bool record_is(const struct buf *records, uint32_t type, int n, const char *text)
{
    uint32_t size;
    const char *data = find_record(records, type, n, &size);
    return data && size == strlen(text) && memcmp(data, text, size) == 0;
}

static void test_run_record_replaces_what_a_run_has_of_its_own(void)
{
    struct image_info image = {0};
    struct orris_layer layer = {.offset = 0x200000, .size = 4096};
    record_add(&image.records, ORRIS_RECORD_LAYER, &layer, sizeof(layer));
    record_string(&image.records, ORRIS_RECORD_PROGRAM, "/bin/x");
    record_string(&image.records, ORRIS_RECORD_ARG, "old");
    record_string(&image.records, ORRIS_RECORD_ENV, "OLD=1");
    record_add(&image.records, ORRIS_RECORD_END, NULL, 0);
    struct run_options options = {.cpus = 2, .trace = true, .trace_filter = "openat"};
    strlist_add(&options.args, "x");
    strlist_add(&options.args, "second argument");
    struct streams streams = {.kind = {ORRIS_STREAM_TTY, ORRIS_STREAM_PORT, ORRIS_STREAM_CLOSED}};
    struct runrecord_host host = {
        .streams = &streams, .tsc_hz = 2500000000u, .size.rows = 24, .signals.ignored = 6};
    struct buf out = {0};
    runrecord_build(&image, &options, &host, &out);

    uint32_t size;
    struct orris_record_header header;
    memcpy(&header, find_record(&out, ORRIS_RECORD_HEADER, 0, &size), sizeof(header));
    size_t body = sizeof(struct orris_record) + sizeof(header);
    CHECK(header.magic == ORRIS_RECORD_MAGIC && header.version == ORRIS_ABI_VERSION);
    CHECK(header.crc == crc32c(0, out.data + body, out.size - body));
    CHECK(find_record(&out, ORRIS_RECORD_LAYER, 0, &size) && size == sizeof(layer));
    CHECK(record_is(&out, ORRIS_RECORD_PROGRAM, 0, "/bin/x"));
    CHECK(record_is(&out, ORRIS_RECORD_ARG, 0, "x"));
    CHECK(record_is(&out, ORRIS_RECORD_ARG, 1, "second argument"));
    CHECK(!find_record(&out, ORRIS_RECORD_ARG, 2, &size));
    CHECK(record_is(&out, ORRIS_RECORD_ENV, 0, "OLD=1")); /* no environment was given */
    CHECK(record_is(&out, ORRIS_RECORD_TRACE, 0, "openat"));
    struct orris_streams told;
    memcpy(&told, find_record(&out, ORRIS_RECORD_STREAMS, 0, &size), sizeof(told));
    CHECK(told.kind[0] == ORRIS_STREAM_TTY && told.kind[2] == ORRIS_STREAM_CLOSED);
    CHECK(told.rows == 24);
    struct orris_signals signals;
    memcpy(&signals, find_record(&out, ORRIS_RECORD_SIGNALS, 0, &size), sizeof(signals));
    CHECK(signals.ignored == 6 && !signals.blocked);
    struct orris_options flags;
    memcpy(&flags, find_record(&out, ORRIS_RECORD_OPTIONS, 0, &size), sizeof(flags));
    CHECK(flags.flags == (ORRIS_OPTION_CONTROL | ORRIS_OPTION_TRACE) && flags.cpus == 2);
    CHECK(find_record(&out, ORRIS_RECORD_ENTROPY, 0, &size) && size >= 32);
    CHECK(find_record(&out, ORRIS_RECORD_END, 0, &size) ==
          out.data + out.size); /* one, and the last */
    strlist_clear(&options.args);
    buf_clear(&image.records);
    buf_clear(&out);
}

static void test_plain_record_has_no_control_channel(void)
{
    struct image_info image = {0};
    struct run_options options = {0};
    struct runrecord_host host = {0};
    struct buf out = {0};
    uint32_t size;
    runrecord_build(&image, &options, &host, &out);
    struct orris_options flags;
    memcpy(&flags, find_record(&out, ORRIS_RECORD_OPTIONS, 0, &size), sizeof(flags));
    CHECK(!(flags.flags & ORRIS_OPTION_CONTROL));
    CHECK(!find_record(&out, ORRIS_RECORD_STREAMS, 0, &size));
    buf_clear(&out);
}

static void test_command_line_is_quoted_for_a_shell(void)
{
    struct strlist argv = {0};
    strlist_add(&argv, "qemu");
    strlist_add(&argv, "a b");
    strlist_add(&argv, "it's");
    strlist_add(&argv, "$HOME;");
    strlist_add(&argv, "");
    char *line = qemu_shell_line(&argv);
    CHECK(strcmp(line, "qemu 'a b' 'it'\\''s' '$HOME;' ''") == 0);
    free(line);
    strlist_clear(&argv);
}

static void test_comma_in_the_image_path_is_doubled(void)
{
    struct strlist argv = {0};
    struct run_options options = {0};
    const struct qemu_processor processor = {.model = QEMU_TCG_CPU};
    qemu_plain_arguments(&argv, "qemu", &options, &processor, "/a,b.img", "/r");
    bool found = false;
    for (size_t i = 0; i < argv.count; i++)
        found = found || strstr(argv.items[i], "filename=/a,,b.img");
    CHECK(found);
    strlist_clear(&argv);
}

static bool finds(const char *missing, const char *workdir, const char *want)
{
    struct strlist list = {0};
    strlist_add(&list, missing);
    const char *guest;
    char *found = hint_find_file(&list, workdir, &guest);
    bool same = want ? found && strcmp(found, want) == 0 : !found;
    free(found);
    strlist_clear(&list);
    return same;
}

static void test_missing_file_of_the_current_folder_is_found(void)
{
    char folder[] = "/tmp/vmm_test.XXXXXX";
    CHECK(mkdtemp(folder) && chdir(folder) == 0);
    CHECK(mkdir("data", 0777) == 0);
    FILE *file = fopen("data/hello.txt", "w");
    fclose(file);
    CHECK(finds("/data/hello.txt", NULL, "data/hello.txt"));
    CHECK(finds("/app/data/hello.txt", "/app", "data/hello.txt"));
    CHECK(finds("/app/data/hello.txt", "/app/", "data/hello.txt"));
    CHECK(finds("/hello.txt", NULL, NULL));
    CHECK(finds("/proc/self/status", NULL, NULL));
    CHECK(finds("/etc/ssl/certs", "/app", NULL)); /* libraries look for it on their own */
    char *absolute = mem_printf("%s/data/hello.txt", folder);
    CHECK(finds(absolute, "/app", NULL)); /* below /tmp: the machine's own */
    free(absolute);
    CHECK(unlink("data/hello.txt") == 0 && rmdir("data") == 0 && rmdir(folder) == 0);
}

static void test_exit_messages_become_statuses(void)
{
    struct error err;
    struct run_options options = {0};
    struct relay_result result = {.exited = true};
    say_level = SAY_QUIET;
    result.exit = (struct orris_exit){.kind = ORRIS_EXIT_STATUS, .code = 255};
    CHECK(end_status(&result, 0, &options, &err) == 255 && !err.text[0]);
    result.exit = (struct orris_exit){.kind = ORRIS_EXIT_SIGNAL, .code = 11};
    CHECK(end_status(&result, 0, &options, &err) == 139 && !err.text[0]);
    result.exit = (struct orris_exit){.kind = ORRIS_EXIT_PANIC};
    CHECK(end_status(&result, 0, &options, &err) == 124 && err.text[0]);
    result.exit = (struct orris_exit){.kind = ORRIS_EXIT_REFUSED, .code = 12};
    CHECK(end_status(&result, 0, &options, &err) == 125 && err.text[0]);
    result = (struct relay_result){.hello = true};
    CHECK(end_status(&result, 0, &options, &err) == 124 && err.text[0]);
    result = (struct relay_result){0};
    CHECK(end_status(&result, 1 << 8, &options, &err) == 125 && err.text[0]);
}

static bool reads(const char *text, enum lack kind, const char *name)
{
    struct lacking lacking = hint_read(text);
    bool same = lacking.kind == kind && (!name || !strcmp(lacking.name, name));
    free(lacking.name);
    return same;
}

static void test_what_was_said_last_names_what_is_lacking(void)
{
    CHECK(reads("", LACK_NOTHING, NULL));
    CHECK(reads("all is well\n", LACK_NOTHING, NULL));
    CHECK(reads("Traceback\n  import a.b\nModuleNotFoundError: No module named 'a.b'\n",
                LACK_MODULE, "a.b"));
    CHECK(
        reads("ModuleNotFoundError: No module named 'a'; 'a' is not a package", LACK_MODULE, "a"));
    CHECK(reads("ModuleNotFoundError: No module named '", LACK_NOTHING, NULL));
    CHECK(reads("OSError: libx.so.1: cannot open shared object file: No such file or directory\n",
                LACK_LIBRARY, "libx.so.1"));
    CHECK(reads("p: error while loading shared libraries: liby.so: cannot open shared object "
                "file: No such file or directory\n\n",
                LACK_LIBRARY, "liby.so"));
    CHECK(reads(": cannot open shared object file: No such file", LACK_NOTHING, NULL));
}

int main(void)
{
    test_run_record_replaces_what_a_run_has_of_its_own();
    test_plain_record_has_no_control_channel();
    test_command_line_is_quoted_for_a_shell();
    test_comma_in_the_image_path_is_doubled();
    test_missing_file_of_the_current_folder_is_found();
    test_what_was_said_last_names_what_is_lacking();
    test_exit_messages_become_statuses();
    return check_done();
}
