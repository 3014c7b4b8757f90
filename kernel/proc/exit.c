/*
 * The end of the program.
 *
 * What it wrote must reach the host before the tool hears of the end, so: the files that the tool
 * wants are sent and the streams drained, then come the lines that help the user (files looked for
 * in vain, files lost), then EXIT with the streams' byte counts. The tool takes these bytes and
 * ends the machine; without a tool we end it ourselves.
 */
#include "kernel/proc/exit.h"

#include "abi/control.h"
#include "kernel/arch/cpu.h"
#include "kernel/arch/stages.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/fd/hostfile.h"
#include "kernel/fd/tty.h"
#include "kernel/fs/memfs.h"
#include "kernel/platform/platform.h"
#include "kernel/platform/run.h"
#include "kernel/platform/streams.h"
#include "kernel/proc/task.h"
#include "kernel/vfs/vfs.h"

#define STATUS_OF_SIGNAL 128

static NORETURN void wait_for_the_tool(void)
{
    for (;;)
        (void)thread_sleep_until(DEADLINE_NONE, false);
}

static void send_stages(void)
{
    struct orris_stages stages = {.now = arch_cycles()};
    memcpy(stages.cycles, stage_cycles, sizeof(stages.cycles));
    control_send(ORRIS_MSG_STAGES, &stages, sizeof(stages), true);
}

void exit_machine(uint32_t kind, uint32_t code)
{
    stage_reached(ORRIS_STAGE_PROGRAM);
    if (code != 0 || (the_run.options.flags & ORRIS_OPTION_VERBOSE))
        vfs_report_missing();
    vfs_sync();
    copy_out_send();
    rootfs_report_lost();
    tty_console_drain();
    hostfile_tell_position();
    struct orris_exit message = {
        .kind = kind,
        .code = code,
        .stdout_bytes = stream_bytes_out(STREAM_STDOUT),
        .stderr_bytes = stream_bytes_out(STREAM_STDERR),
    };
    if (the_run.options.flags & ORRIS_OPTION_STAGES)
        send_stages();
    bool told = control_send(ORRIS_MSG_EXIT, &message, sizeof(message), true);
    if (told && (the_run.options.flags & ORRIS_OPTION_CONTROL))
        wait_for_the_tool();
    if (code != 0) /* no tool will say so */
        log_note(kind == ORRIS_EXIT_STATUS ? "exit status %u" : "ended by signal %u", code);
    platform_power_off(kind == ORRIS_EXIT_STATUS ? (int)code : (int)code + STATUS_OF_SIGNAL);
}

void proc_out_of_memory(void)
{
    static bool told;
    if (!__atomic_exchange_n(&told, true, __ATOMIC_RELAXED))
        log_note("out of memory: the program needs more than the machine has (-m gives it more)");
    (void)signal_send_process(SIGKILL, NULL);
}

void proc_exit(int wait_status)
{
    struct task *self = task_current();
    spin_lock(&the_proc.task_lock);
    bool first = !the_proc.exiting;
    the_proc.exiting = true;
    spin_unlock(&the_proc.task_lock);
    if (!first) { /* another thread sees to the end */
        if (self)
            task_end(0);
        return;
    }
    the_proc.exit_code = wait_status;
    task_kill_others();
    int signo = wait_status & 0x7f;
    if (signo)
        exit_machine(ORRIS_EXIT_SIGNAL, (uint32_t)signo);
    exit_machine(ORRIS_EXIT_STATUS, (uint32_t)wait_status >> 8 & 0xff);
}
