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
#include "host/vmm/hint.h"
#include "host/vmm/oom.h"

#define LOST_NAMED 5u /* so many lost files are named */
#define TAIL_LINES 12 /* of the serial console, after a failure */

/* ---- files ---- */

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

/* The kernel's report of a crash; its lines are lines. */
static void say_report(const struct buf *report)
{
    char *text = mem_printf("%.*s", (int)trimmed_size(report), report->data);
    say_lines(SAY_NORMAL, text);
    free(text);
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
    error_set(err, "orris's kernel failed: %s", how);
    error_add_lines(err, details);
    free(details);
    return VMM_KERNEL_FAILED;
}

/* The signal that ended QEMU from outside, or 0. Some it takes as a wish, says so and ends well. */
static int killed_by(int qemu_status, const char *said)
{
    static const char words[] = "terminating on signal ";
    const char *found = strstr(said, words);
    if (WIFSIGNALED(qemu_status))
        return WTERMSIG(qemu_status);
    return found ? atoi(found + strlen(words)) : 0;
}

static bool ran_out_of_memory(const struct relay_result *result, int number)
{
    uint64_t kills;
    return number == SIGKILL && result->oom_known && oom_kills("", &kills) &&
           kills > result->oom_before;
}

static int qemu_killed(const struct relay_result *result, int number, const char *said,
                       struct error *err)
{
    if (ran_out_of_memory(result, number))
        error_set(err, "out of memory: the host's kernel killed QEMU (signal 9, SIGKILL); give the "
                       "machine less (-m), or the tool's control group more");
    else if (number == SIGSEGV || number == SIGABRT || number == SIGBUS || number == SIGILL)
        error_set(err, "QEMU crashed with signal %d (SIG%s)%s", number, sigabbrev_np(number),
                  *said ? ":" : "");
    else
        error_set(err, "QEMU was killed from outside with signal %d (SIG%s)%s", number,
                  sigabbrev_np(number) ? sigabbrev_np(number) : "?",
                  number == SIGKILL ? ": by somebody, or for lack of memory on the host (dmesg "
                                      "tells)"
                                    : "");
    if (!strstr(said, "terminating on signal"))
        error_add_lines(err, said);
    return VMM_TOOL_FAILED;
}

/* The machine ended and the kernel had not said that it would. */
static int ended_early(const struct relay_result *result, int qemu_status, struct error *err)
{
    char *said = last_lines(&result->messages, TAIL_LINES);
    int status;
    int number = killed_by(qemu_status, said);
    if (strstr(said, "Terminated via GDBstub")) {
        say("the debugger ended the machine");
        status = 128 + SIGKILL;
    } else if (number) {
        status = qemu_killed(result, number, said, err);
    } else if (WIFEXITED(qemu_status) && WEXITSTATUS(qemu_status) != 0) {
        error_set(err, result->hello ? "QEMU gave the machine up:"
                                     : "QEMU could not start the machine:");
        error_add_lines(err, said);
        status = VMM_TOOL_FAILED;
    } else if (result->hello || result->serial.size) {
        status = kernel_failed(result, "the machine stopped without a word", err);
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
        say_report(&result->report);
    say_lost(result);
    if (!status && result->output_failed)
        return VMM_TOOL_FAILED;
    if (status)
        say("exit status %d", status);
    hint_say(result, options, status);
    return status;
}
