/* The boot order. kernel_main() runs on the boot stack with what needs no sleeping; the rest runs
 * in the program's first thread. */
#include "abi/control.h"
#include "kernel/arch/cpu.h"
#include "kernel/arch/direct_map.h"
#include "kernel/arch/stages.h"
#include "kernel/arch/thread.h"
#include "kernel/base/errno.h"
#include "kernel/base/format.h"
#include "kernel/base/log.h"
#include "kernel/base/names.h"
#include "kernel/base/panic.h"
#include "kernel/base/random.h"
#include "kernel/drivers/virtio.h"
#include "kernel/fd/streams.h"
#include "kernel/fs/image.h"
#include "kernel/fs/memfs.h"
#include "kernel/fs/p9.h"
#include "kernel/fs/pseudofs.h"
#include "kernel/fs/resolver.h"
#include "kernel/ipc/mqueue.h"
#include "kernel/mm/page.h"
#include "kernel/mm/page_init.h"
#include "kernel/net/lease.h"
#include "kernel/platform/platform.h"
#include "kernel/platform/pvh.h"
#include "kernel/platform/run.h"
#include "kernel/platform/streams.h"
#include "kernel/proc/task.h"
#include "kernel/sched/sleep.h"
#include "kernel/sched/thread.h"
#include "kernel/sync/check.h"
#include "kernel/time/clock.h"
#include "kernel/time/clock_init.h"
#include "kernel/vfs/vfs.h"
#include "kernel/vm/vm_init.h"

extern char kernel_start[];

NORETURN void kernel_main(void);

/* Ends the machine because the program can't be run; why is for the user. */
NORETURN static void refuse(int err, const char *why)
{
    struct orris_exit end = {.kind = ORRIS_EXIT_REFUSED, .code = (uint32_t)-err};
    log_note("%s", why);
    control_send(ORRIS_MSG_EXIT, &end, sizeof(end), true);
    platform_power_off(127);
}

static void memory_init(void)
{
    struct page_range ranges[BOOT_RANGES_MAX], reserved[2];
    for (unsigned i = 0; i < boot_info.range_count; i++) {
        ranges[i] = (struct page_range){boot_info.ranges[i].start, boot_info.ranges[i].end};
    }
    reserved[0] = (struct page_range){arch_link_address((uint64_t)kernel_start), boot_memory_end()};
    reserved[1] = (struct page_range){boot_info.module, boot_info.module + boot_info.module_size};
    page_init(ranges, boot_info.range_count, reserved, 2, 0);
}

/* A machine that no tool looks after checks its image, and may have its run record there. */
static void take_image(void)
{
    const char *why;
    int err = boot_info.module ? image_check(&why) : image_run_begin(&why);
    if (err) {
        refuse(err, why);
    }
}

static void read_run_record(void)
{
    const char *why;
    if (boot_info.module && run_begin(direct_map(boot_info.module), boot_info.module_size, &why)) {
        refuse(-EINVAL, why);
    }
    random_feed(the_run.entropy, the_run.entropy_size);
}

/* The thread that takes in what the tool says. */
static int start_control(void)
{
    struct thread *control;
    if (!(the_run.options.flags & ORRIS_OPTION_CONTROL)) {
        return 0;
    }
    int err = thread_create(&control, control_receive, NULL, "control");
    if (!err) {
        thread_start(control);
    }
    return err;
}

/* Addresses and name servers from others, where the run asks for them. */
static void await_network(void)
{
    uint32_t servers[LEASE_SERVERS_MAX];
    lease_wait();
    unsigned count = lease_name_servers(servers);
    if (count && resolver_write(servers, count)) {
        log_note("no room for /etc/resolv.conf");
    }
}

static void enter_workdir(void)
{
    struct dentry *dir;
    int err = the_run.workdir
                  ? vfs_lookup(NULL, the_run.workdir, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &dir, NULL)
                  : -ENOENT;
    if (!err) {
        vfs_cwd_set(dir);
    } else if (the_run.workdir) {
        char why[512];
        format(why, sizeof(why), "the working directory %s: error %d", the_run.workdir, -err);
        refuse(err, why);
    }
}

NORETURN static void refuse_program(int err)
{
    char why[512];
    struct dentry *file;
    bool there = err == -ENOENT && !vfs_lookup(NULL, the_run.program, LOOKUP_FOLLOW, &file, NULL);
    format(why, sizeof(why), "cannot start %s: %s%s", the_run.program,
           errno_name((unsigned long)-err),
           there ? ", for its interpreter (the dynamic loader) is not in the image" : "");
    refuse(err, why);
}

/* The program's first thread. */
static void run_program(void *unused)
{
    (void)unused;
    if (!boot_info.module || !(the_run.options.flags & ORRIS_OPTION_CONTROL)) {
        take_image();
    }
    int err = rootfs_mount();
    if (err) {
        refuse(err, "the image's file systems can't be mounted: it is corrupt; build it again");
    }
    err = pseudo_mount_all();
    err = err ? err : mqueue_init();
    const char *why;
    if (!err && p9_mount_all(&why)) {
        refuse(-EIO, why);
    }
    stage_reached(ORRIS_STAGE_FILES);
    err = err ? err : proc_init();
    err = err ? err : secrets_make(); /* subject to the process's limits */
    err = err ? err : arch_fpu_init(thread_current());
    err = err ? err : streams_open_std();
    err = err ? err : start_control();
    if (err) {
        refuse(err, "too little memory to start");
    }
    await_network();
    enter_workdir();
    stage_reached(ORRIS_STAGE_STREAMS);
    if (proc_take_user()) {
        refuse(-ENOMEM, "too little memory to start");
    }
    const struct exec_args args = {the_run.program, the_run.argv, the_run.envp};
    err = proc_exec(&args);
    if (err) {
        refuse_program(err);
    }
    stage_reached(ORRIS_STAGE_EXEC);
    uint64_t now = ns_sub(clock_monotonic_ns(), CLOCK_START_NS);
    control_send(ORRIS_MSG_STARTED, &now, sizeof(now), false);
    arch_enter_user();
}

void kernel_main(void)
{
    arch_init();
    boot_info_read();
    memory_init();
    sched_init();
    paging_init();
    stage_reached(ORRIS_STAGE_MEMORY);
    arch_interrupts_init();
    read_run_record();
    clock_init(the_run.time.tsc_hz, the_run.time.realtime_ns);
    lock_checks_on = true;
    vm_init();
    virtio_discover(boot_info.command_line);
    stage_reached(ORRIS_STAGE_DEVICES);
    struct thread *first;
    if (thread_create(&first, run_program, NULL, "program")) {
        panic("no memory for the first thread");
    }
    thread_start(first);
    sched_idle();
}
