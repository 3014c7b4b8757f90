/* Running other programs: output, statuses, lines, interrupts. */
// UNIT: host/pkg/command.c host/base/error.c host/base/buf.c host/base/escape.c
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/pkg/command.h"
#include "tests/harness/check.h"

static void count_line(void *context, const char *line)
{
    int *count = context;
    *count += strcmp(line, "dlstatus:1:50:x") == 0;
}

static void check_output(void)
{
    struct error err;
    struct buf out = {0}, problems = {0};
    const char *const echo[] = {"sh", "-c", "cat; echo oops >&2; exit 3", NULL};
    struct command command = {.argv = echo, .input = "in\n", .out = &out, .problems = &problems};
    CHECK(command_run(&command, &err) == 3);
    CHECK(out.data && strcmp(out.data, "in\n") == 0);
    CHECK(problems.data && strcmp(problems.data, "oops\n") == 0);
    buf_clear(&out);
    buf_clear(&problems);

    const char *const many[] = {"sh", "-c", "yes | head -c 1000000; yes | head -c 500000 >&2",
                                NULL};
    command = (struct command){.argv = many, .out = &out, .problems = &problems};
    CHECK(command_run(&command, &err) == 0);
    CHECK(out.size == 1000000 && problems.size == 500000);
    buf_clear(&out);
    buf_clear(&problems);
}

static void check_lines(void)
{
    struct error err;
    int count = 0;
    const char *const argv[] = {"sh", "-c", "for i in 1 2 3; do echo dlstatus:1:50:x >&3; done",
                                NULL};
    struct command command = {.argv = argv, .line = count_line, .context = &count};
    CHECK(command_run(&command, &err) == 0);
    CHECK(count == 3);
}

static void check_environment(void)
{
    struct error err;
    struct buf out = {0};
    const char *const argv[] = {"/bin/sh", "-c", "echo $A$HOME", NULL}, *const env[] = {"A=b",
                                                                                        NULL};
    struct command command = {.argv = argv, .env = env, .out = &out};
    CHECK(command_run(&command, &err) == 0);
    CHECK(out.data && strcmp(out.data, "b\n") == 0);
    buf_clear(&out);
}

static void check_failures(void)
{
    struct error err;
    const char *const missing[] = {"no-such-program-anywhere", NULL};
    struct command command = {.argv = missing};
    CHECK(!command_must(&command, &err));
    CHECK(strstr(err.text, "no-such-program-anywhere is not installed"));
    const char *const fails[] = {"sh", "-c", "echo why >&2; exit 4", NULL};
    command = (struct command){.argv = fails, .name = "thing"};
    CHECK(!command_must(&command, &err));
    CHECK(strcmp(err.text, "thing ended with status 4:\n    why") == 0);
    const char *const killed[] = {"sh", "-c", "kill -KILL $$", NULL};
    command = (struct command){.argv = killed};
    CHECK(command_run(&command, &err) == 128 + SIGKILL);
}

static void check_interrupt(void)
{
    struct error err;
    char script[64];
    snprintf(script, sizeof(script), "kill -INT %d; exec sleep 30", (int)getpid());
    const char *const argv[] = {"sh", "-c", script, NULL};
    struct command command = {.argv = argv};
    command_guard_begin();
    CHECK(command_run(&command, &err) == -1);
    CHECK(command_interrupted() == SIGINT);
    CHECK(command_run(&command, &err) == -1);
    command_guard_end();
}

int main(void)
{
    check_output();
    check_lines();
    check_environment();
    check_failures();
    check_interrupt();
    return check_done();
}
