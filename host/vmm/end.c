/*
 * What is said and returned when a machine has ended.
 */
#include "host/vmm/end.h"

#include <limits.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/base/path.h"
#include "host/base/say.h"

#define LOST_NAMED 5u /* so many lost files are named */
/* A file of the same absolute path counts if it was looked for so late. */
#define ABSOLUTE_LATEST 8
#define TAIL_LINES 12 /* of the serial console, after a failure */

/* ---- files ---- */

static bool lies_on_host(const char *path)
{
    struct stat stat_path;
    return stat(path, &stat_path) == 0 &&
           (S_ISREG(stat_path.st_mode) || S_ISDIR(stat_path.st_mode));
}

/* What guest is relative to workdir, or NULL. */
static const char *relative_to(const char *guest, const char *workdir)
{
    size_t size = strlen(workdir);
    while (size > 0 && workdir[size - 1] == '/')
        size--;
    if (strncmp(guest, workdir, size) != 0 || guest[size] != '/' || !guest[size + 1])
        return NULL;
    return guest + size + 1;
}

/* Paths of the machine's own, and those that every program tries in vain. */
static bool is_system_path(const char *path)
{
    static const char *const folders[] = {"/proc", "/sys",     "/dev",   "/run",
                                          "/tmp",  "/usr/lib", "/lib64", "/lib"};
    static const char *const beginnings[] = {
        "/etc/ld.so",     "/etc/inputrc",     "/etc/terminfo",      "/etc/ssl/",   "/etc/gai.conf",
        "/etc/host.conf", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/python3"};
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        if (path_under(path, folders[i]))
            return true;
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
        if (strncmp(path, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
}

char *end_find_missing(const struct strlist *missing, const char *workdir, const char **guest)
{
    for (size_t i = missing->count; i-- > 0;) {
        const char *relative = relative_to(missing->items[i], workdir ? workdir : "/");
        *guest = missing->items[i];
        if (relative && lies_on_host(relative))
            return mem_string(relative);
    }
    for (size_t i = missing->count; i-- > 0 && missing->count - i <= ABSOLUTE_LATEST;) {
        *guest = missing->items[i];
        if (!is_system_path(*guest) && lies_on_host(*guest))
            return mem_string(*guest);
    }
    return NULL;
}

static void say_missing(const struct relay_result *result, const struct run_options *options)
{
    const char *guest;
    char *host = end_find_missing(&result->missing, options->workdir, &guest);
    if (!host)
        return;
    const char *config = options->config_path ? options->config_path : "config.json (with -c)";
    struct stat info;
    bool folder = stat(host, &info) == 0 && S_ISDIR(info.st_mode);
    say("%s was not found in the image, but %s lies on the host: \"%s\": [\"%s\"] in %s adds it",
        guest, strcmp(guest, host) == 0 ? "it" : host, folder ? "Dirs" : "Files", host, config);
    free(host);
}

static void add_size(struct buf *text, uint64_t size)
{
    if (size < 10240)
        buf_printf(text, "%llu byte%s", (unsigned long long)size, size == 1 ? "" : "s");
    else if (size < (10240ull << 10))
        buf_printf(text, "%llu KiB", (unsigned long long)size >> 10);
    else
        buf_printf(text, "%llu MiB", (unsigned long long)size >> 20);
}

/* What an interpreter's prompt keeps of the lines typed (/.python_history): nobody's result. */
static bool is_prompt_history(const char *path)
{
    static const char ending[] = "history";
    size_t length = strlen(path);
    return strncmp(path, "/.", 2) == 0 && !strchr(path + 1, '/') && length >= sizeof(ending) - 1 &&
           strcmp(path + length - (sizeof(ending) - 1), ending) == 0;
}

/* What keeps such a file the next time. */
static void add_remedy(struct buf *text, const char *path, size_t count)
{
    if (count == 1)
        buf_printf(text, "; --copy-out %s=./%s brings it out", path, path_base(path));
    else
        buf_string(text, "; --copy-out FILE=HOSTFILE brings a file out, --mount keeps a folder");
}

static void say_lost(const struct relay_result *result)
{
    const char *first = NULL;
    struct buf text = {0};
    size_t count = 0;
    for (size_t i = 0; i < result->lost_count; i++) {
        const char *path = result->lost[i].path;
        if (is_prompt_history(path) || copy_list_has(result->copies, path) || count++ >= LOST_NAMED)
            continue;
        first = first ? first : path;
        buf_printf(&text, "%s%s (", count > 1 ? ", " : "", path);
        add_size(&text, result->lost[i].size);
        buf_string(&text, ")");
    }
    if (!count)
        return;
    if (count > LOST_NAMED)
        buf_printf(&text, " and %zu more", count - LOST_NAMED);
    add_remedy(&text, first, count);
    say("written inside the machine and lost with it: %s", text.data);
    buf_clear(&text);
}

/* ---- failures ---- */

/* Without empty lines at the end. */
static size_t trimmed_size(const struct buf *text)
{
    size_t end = text->size;
    while (end > 0 && (text->data[end - 1] == '\n' || text->data[end - 1] == '\r'))
        end--;
    return end;
}

/* The last lines of text, owned by the caller. */
static char *last_lines(const struct buf *text, int lines)
{
    size_t end = trimmed_size(text);
    size_t start = end;
    for (; start > 0; start--)
        if (text->data[start - 1] == '\n' && --lines == 0)
            break;
    char *out = mem_printf("%.*s", (int)(end - start), text->data ? text->data + start : "");
    char *to = out;
    for (const char *from = out; *from; from++)
        if (*from != '\r')
            *to++ = *from;
    *to = 0;
    return out;
}

static int kernel_failed(const struct relay_result *result, const char *how, struct error *err)
{
    bool reported = result->report.size > 0;
    char *details =
        reported ? last_lines(&result->report, INT_MAX) : last_lines(&result->serial, TAIL_LINES);
    error_set(err, "orris's kernel failed: %s%s%s", how, *details ? "\n" : "", details);
    free(details);
    return VMM_KERNEL_FAILED;
}

/* The machine ended and the kernel had not said that it would. */
static int ended_early(const struct relay_result *result, int qemu_status, struct error *err)
{
    char *said = last_lines(&result->messages, TAIL_LINES);
    int status;
    if (strstr(said, "Terminated via GDBstub")) {
        say("the debugger ended the machine");
        status = 128 + SIGKILL;
    } else if (result->hello || result->serial.size) {
        status = kernel_failed(result, "the machine stopped without a word", err);
    } else if (WIFEXITED(qemu_status) && WEXITSTATUS(qemu_status) != 0) {
        error_set(err, "QEMU could not start the machine:\n%s", said);
        status = VMM_TOOL_FAILED;
    } else if (WIFSIGNALED(qemu_status)) {
        error_set(err,
                  "QEMU was killed (signal %d: %s); too little memory on the host, perhaps%s%s",
                  WTERMSIG(qemu_status), strsignal(WTERMSIG(qemu_status)), *said ? "\n" : "", said);
        status = VMM_TOOL_FAILED;
    } else {
        status = kernel_failed(result,
                               "the machine stopped before the kernel said a word; too "
                               "little memory (-m), perhaps",
                               err);
    }
    free(said);
    return status;
}

static int exit_status(const struct relay_result *result, struct error *err)
{
    const struct orris_exit *end = &result->exit;
    switch (end->kind) {
    case ORRIS_EXIT_STATUS:
        return (int)(end->code & 0xff);
    case ORRIS_EXIT_SIGNAL:
        return 128 + (int)end->code;
    case ORRIS_EXIT_REFUSED:
        /* -q kept the note from being said. */
        error_set(err, "the program could not be started: %s",
                  say_level == SAY_QUIET && result->note ? result->note : strerror((int)end->code));
        return VMM_TOOL_FAILED;
    default:
        return kernel_failed(result, "this is a bug of orris", err);
    }
}

int end_status(const struct relay_result *result, int qemu_status,
               const struct run_options *options, struct error *err)
{
    err->text[0] = 0;
    if (result->forced) {
        say("the machine was ended after %s",
            result->forced == SIGINT ? "a second SIGINT" : "10 seconds' grace");
        return 128 + result->forced;
    }
    if (result->monitor_failed) {
        error_set(err, "KVM can't run this machine: it gave up on an instruction; --accel tcg does "
                       "without KVM");
        return VMM_TOOL_FAILED;
    }
    if (!result->exited)
        return ended_early(result, qemu_status, err);
    int status = exit_status(result, err);
    if (err->text[0])
        return status;
    if (result->report.size)
        say("%.*s", (int)trimmed_size(&result->report), result->report.data);
    say_lost(result);
    if (!status && result->output_failed)
        return VMM_TOOL_FAILED;
    if (status)
        say("exit status %d", status);
    if (status)
        say_missing(result, options);
    return status;
}
