/*
 * Running an image in a machine: the order of it all.
 */
#include "host/vmm/vmm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/base/crc32c.h"
#include "host/base/io.h"
#include "host/base/path.h"
#include "host/base/say.h"
#include "host/base/store.h"
#include "host/image/image.h"
#include "host/profile/profile.h"
#include "host/vmm/accel.h"
#include "host/vmm/chart.h"
#include "host/vmm/debug.h"
#include "host/vmm/end.h"
#include "host/vmm/hostinfo.h"
#include "host/vmm/inherited.h"
#include "host/vmm/oom.h"
#include "host/vmm/qemu.h"
#include "host/vmm/relay.h"
#include "host/vmm/runrecord.h"
#include "host/vmm/streams.h"
#include "host/vmm/terminal.h"

#define EROFS_SUPERBLOCK_OFFSET 1024
#define EROFS_SUPERBLOCK_SIZE 128u

struct vmm {
    const char *image_path;
    const struct run_options *options;
    struct run_options settled; /* the options, with what they left open */
    int image;                  /* descriptor */
    bool image_ours;            /* to be closed */
    struct image_info info;
    struct hostinfo host;
    char *qemu;
    struct qemu_processor processor;
    struct debug debug;
    struct profile *profile;
    int stub; /* our end of the gdb stub */
    struct streams streams;
    struct terminal terminal;
    struct qemu_fds fds; /* the machine's ends */
    struct relay_channels channels;
    int signals;
    sigset_t mask;
    FILE *trace;
    pid_t pid;
    int status; /* of QEMU, as waitpid() sets it */
    struct relay_result result;
};

/* ---- the image ---- */

static bool check_superblocks(const struct vmm *vmm, struct error *err)
{
    for (unsigned i = 0; i < vmm->info.layer_count; i++) {
        const struct orris_layer *layer = &vmm->info.layers[i];
        char block[EROFS_SUPERBLOCK_SIZE];
        off_t at = (off_t)layer->offset + EROFS_SUPERBLOCK_OFFSET;
        ssize_t n = io_pread(vmm->image, block, sizeof(block), at);
        if (n != (ssize_t)sizeof(block) || crc32c(0, block, sizeof(block)) != layer->superblock_crc)
            return error_set(err, "corrupt image: %s: layer %u is damaged; build it again",
                             vmm->image_path, i + 1);
    }
    return true;
}

static bool check_kernel(const struct vmm *vmm, struct error *err)
{
    const struct orris_image_header *header = &vmm->info.header;
    size_t size = header->kernel_size;
    if (size > ORRIS_IMAGE_HEADER_OFFSET)
        return error_set(err, "corrupt image: %s: kernel size", vmm->image_path);
    char *kernel = mem_alloc(size);
    bool ok = io_pread(vmm->image, kernel, size, 0) == (ssize_t)size &&
              crc32c(0, kernel, size) == header->kernel_crc;
    free(kernel);
    if (!ok)
        error_set(err, "corrupt image: %s: the kernel is damaged; build it again", vmm->image_path);
    return ok;
}

static bool open_image(struct vmm *vmm, struct error *err)
{
    vmm->image = vmm->options->image_fd;
    if (vmm->image < 0) {
        vmm->image = open(vmm->image_path, O_RDONLY | O_CLOEXEC);
        vmm->image_ours = true;
    }
    struct stat stat;
    if (vmm->image < 0 || fstat(vmm->image, &stat) != 0)
        return error_errno(err, "%s", vmm->image_path);
    if (!image_read(vmm->image, vmm->image_path, &vmm->info, err))
        return false;
    if ((uint64_t)stat.st_size < vmm->info.header.image_size)
        return error_set(err, "corrupt image: %s is cut off: %lld bytes of %llu", vmm->image_path,
                         (long long)stat.st_size, (unsigned long long)vmm->info.header.image_size);
    return check_kernel(vmm, err) && check_superblocks(vmm, err);
}

/* ---- the run record ---- */

/* A file in memory that holds the record; its path is /proc/self/fd/N. */
static int record_memory(const struct buf *record, struct error *err)
{
    int fd = memfd_create("orris-run", MFD_CLOEXEC);
    if (fd >= 0 && io_write(fd, record->data, record->size))
        return fd;
    error_errno(err, "cannot write the run record");
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool make_record(struct vmm *vmm, struct error *err)
{
    struct runrecord_host host = {
        .streams = &vmm->streams, .tsc_hz = vmm->host.tsc_hz, .signals = inherited_signals()};
    struct buf record = {0};
    terminal_size(&vmm->terminal, &host.size);
    runrecord_build(&vmm->info, vmm->options, &host, &record);
    vmm->fds.record = record_memory(&record, err);
    buf_clear(&record);
    return vmm->fds.record >= 0;
}

/* Without what no file may hold. */
static struct run_options public_options(const struct run_options *options)
{
    struct run_options open = *options;
    open.secrets = NULL;
    open.env = (struct strlist){0};
    for (size_t i = 0; i < options->env.count; i++) {
        const char *item = options->env.items[i];
        size_t length = strcspn(item, "=");
        bool private = false;
        for (size_t k = 0; k < options->env_private.count; k++) {
            const char *name = options->env_private.items[k];
            private |= strlen(name) == length && strncmp(name, item, length) == 0;
        }
        if (!private)
            strlist_add(&open.env, item);
    }
    return open;
}

/* -v: a command line that boots the same with the terminal as its console. */
static void say_plain_line(struct vmm *vmm)
{
    struct run_options open = public_options(vmm->options);
    const char *without = vmm->options->env_private.count || vmm->options->secrets
                              ? ", without -e, --env-file and --secret"
                              : "";
    struct error err;
    struct runrecord_host host = {.tsc_hz = vmm->host.tsc_hz};
    struct buf record = {0};
    struct strlist argv = {0};
    runrecord_build(&vmm->info, &open, &host, &record);
    const char *base = strrchr(vmm->image_path, '/');
    char *name = mem_printf("cache/%s.run", base ? base + 1 : vmm->image_path);
    char *path = store_path(name, false, &err);
    if (path && io_write_file(path, record.data, record.size, 0600, &err)) {
        char *image = path_absolute(vmm->image_path);
        qemu_plain_arguments(&argv, vmm->qemu, vmm->options, &vmm->processor, image, path);
        char *line = qemu_shell_line(&argv);
        say_verbose("the same with plain streams%s:", without);
        say_verbose("%s", line);
        free(line);
        free(image);
    } else {
        say_verbose("no plain command line: %s", err.text);
    }
    strlist_clear(&argv);
    strlist_clear(&open.env);
    buf_clear(&record);
    free(path);
    free(name);
}

/* ---- the machine ---- */

static bool make_pair(int *ours, int *theirs, struct error *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return error_errno(err, "cannot make a channel");
    int size = 1 << 20; /* larger pieces, fewer switches between the processes */
    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    *ours = pair[0];
    *theirs = pair[1];
    return true;
}

static bool make_channels(struct vmm *vmm, struct error *err)
{
    struct relay_channels *ours = &vmm->channels;
    struct qemu_fds *theirs = &vmm->fds;
    return make_pair(&ours->control, &theirs->port[0], err) &&
           make_pair(&ours->stdin_port, &theirs->port[1], err) &&
           make_pair(&ours->stdout_port, &theirs->port[2], err) &&
           make_pair(&ours->stderr_port, &theirs->port[3], err) &&
           make_pair(&ours->serial, &theirs->serial, err) &&
           make_pair(&ours->messages, &theirs->output, err);
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void close_theirs(struct vmm *vmm)
{
    for (int i = 0; i < 4; i++)
        close_fd(&vmm->fds.port[i]);
    close_fd(&vmm->fds.serial);
    close_fd(&vmm->fds.stub);
    close_fd(&vmm->fds.output);
    close_fd(&vmm->fds.record);
    if (vmm->options->links)
        link_list_close(vmm->options->links);
}

static void close_ours(struct vmm *vmm)
{
    close_fd(&vmm->channels.control);
    close_fd(&vmm->channels.stdin_port);
    close_fd(&vmm->channels.stdout_port);
    close_fd(&vmm->channels.stderr_port);
    close_fd(&vmm->channels.serial);
    close_fd(&vmm->channels.messages);
    close_fd(&vmm->channels.process);
}

static bool start_machine(struct vmm *vmm, struct error *err)
{
    struct strlist argv = {0};
    vmm->fds.image = vmm->image;
    vmm->fds.mounts = vmm->options->mounts;
    vmm->fds.qmp = vmm->options->qmp_fd;
    vmm->fds.links = vmm->options->links;
    qemu_arguments(&argv, vmm->qemu, vmm->options, &vmm->processor, &vmm->fds);
    vmm->channels.process = qemu_spawn(&argv, &vmm->fds, &vmm->mask, &vmm->pid, err);
    strlist_clear(&argv);
    close_theirs(vmm);
    return vmm->channels.process >= 0;
}

static void look_at_streams(struct vmm *vmm)
{
    streams_look(&vmm->streams);
    const uint32_t *kind = vmm->streams.kind;
    bool input = kind[0] == ORRIS_STREAM_TTY;
    terminal_init(&vmm->terminal, vmm->streams.terminal, input,
                  input && kind[1] == ORRIS_STREAM_TTY);
}

static bool open_trace(struct vmm *vmm, struct error *err)
{
    if (!vmm->options->trace || !vmm->options->trace_file)
        return true;
    vmm->trace = fopen(vmm->options->trace_file, "we");
    return vmm->trace ? true : error_errno(err, "--trace: %s", vmm->options->trace_file);
}

static bool check_memory(const struct run_options *options, struct error *err)
{
    if (!options->memory_bytes || options->memory_bytes >= VMM_MEMORY_MIN)
        return true;
    return error_set(err, "too little memory: %llu KiB; a machine needs %llu MiB at least",
                     (unsigned long long)options->memory_bytes >> 10,
                     (unsigned long long)VMM_MEMORY_MIN >> 20);
}

static void told_mapped(void *context, const char *data, size_t size)
{
    profile_mapped(context, data, size);
}

static bool begin_profile(struct vmm *vmm, struct error *err)
{
    int pair[2];
    char *folder = path_parent(vmm->options->profile);
    bool writable = access(folder, W_OK) == 0; /* said now, not after an hour's run */
    free(folder);
    if (!writable)
        return error_errno(err, "--profile: can't write %s", vmm->options->profile);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return error_errno(err, "cannot make a channel");
    vmm->stub = pair[0];
    vmm->fds.stub = pair[1];
    vmm->profile = profile_create(vmm->stub, vmm->image, err);
    vmm->result.mapped = told_mapped;
    vmm->result.mapped_context = vmm->profile;
    return vmm->profile != NULL;
}

static bool begin_debug(struct vmm *vmm, struct error *err)
{
    const struct run_options *options = vmm->options;
    if (options->gdb && options->profile)
        return error_set(err, "--gdb and --profile both want QEMU's debugging stub: one at a time");
    if (options->gdb &&
        !debug_begin(&vmm->debug, vmm->image_path, &vmm->info, options->gdb_port, err))
        return false;
    vmm->fds.gdb = vmm->debug.server;
    return !options->profile || begin_profile(vmm, err);
}

/* Each processor is a thread of the host's. The profiler samples the first. */
static void settle_cpus(struct vmm *vmm)
{
    unsigned cpus = vmm->options->profile ? 1 : hostinfo_cpus();
    vmm->settled = *vmm->options;
    if (!vmm->settled.cpus)
        vmm->settled.cpus = cpus < VMM_DEFAULT_CPUS_MAX ? cpus : VMM_DEFAULT_CPUS_MAX;
    vmm->options = &vmm->settled;
}

static bool prepare(struct vmm *vmm, struct error *err)
{
    if (!check_memory(vmm->options, err) || !open_image(vmm, err) || !open_trace(vmm, err))
        return false;
    if (vmm->options->links && !link_list_open(vmm->options->links, err))
        return false;
    vmm->result.ports = vmm->options->ports;
    vmm->result.links = vmm->options->links;
    if (vmm->options->links && !link_list_has_user(vmm->options->links) && vmm->result.ports &&
        vmm->result.ports->count)
        return error_set(err,
                         "-p goes with QEMU's user network (--nic user adds a card on it); on a "
                         "tap or a bridge the program is reached at its own address");
    if (vmm->result.ports && !port_list_check(vmm->result.ports, err))
        return false;
    vmm->result.copies = vmm->options->copies;
    vmm->result.started_fd = vmm->options->started_fd;
    if (vmm->result.copies && !copy_list_begin(vmm->result.copies, vmm->options->workdir, err))
        return false;
    if (vmm->options->mounts && !mount_list_begin(vmm->options->mounts, err))
        return false;
    vmm->qemu = qemu_find(err);
    if (!vmm->qemu)
        return false;
    hostinfo_load(&vmm->host, vmm->qemu);
    if (!accel_choose(vmm->options->accel, &vmm->host, vmm->qemu, &vmm->processor, err))
        return false;
    settle_cpus(vmm);
    hostinfo_measure_tsc(&vmm->host);
    look_at_streams(vmm);
    if (say_level >= SAY_VERBOSE)
        say_plain_line(vmm);
    return begin_debug(vmm, err) && make_record(vmm, err) && make_channels(vmm, err);
}

static void say_times(const struct vmm *vmm, struct tsc_reading from, struct tsc_reading to)
{
    double all_ms = (double)(to.ns - from.ns) / 1e6;
    if (vmm->result.started_ns)
        say_verbose("kernel to program: %.2f ms; start of QEMU to its end: %.0f ms",
                    (double)vmm->result.started_ns / 1e6, all_ms);
    else
        say_verbose("start of QEMU to its end: %.0f ms", all_ms);
}

static void say_chart(const struct vmm *vmm, struct tsc_reading from, struct tsc_reading to)
{
    const struct chart chart = {
        .begun = vmm->options->begun_tsc,
        .spawned = from.tsc,
        .arrived = vmm->result.stages_tsc,
        .ended = to.tsc,
        .stages = vmm->result.stages,
        .hz = vmm->host.tsc_hz,
    };
    chart_say(&chart);
}

static bool tell_profile(const struct vmm *vmm)
{
    struct error err;
    const char *program = vmm->options->args.count ? vmm->options->args.items[0] : vmm->image_path;
    bool told = profile_tell(vmm->profile, program, vmm->options->profile, &err);
    if (!told)
        say_error("--profile: %s", err.text);
    return told;
}

static int run(struct vmm *vmm, struct error *err)
{
    vmm->signals = relay_signals_begin(&vmm->mask);
    vmm->result.oom_known = oom_kills("", &vmm->result.oom_before);
    struct tsc_reading from = tsc_read();
    int status = VMM_TOOL_FAILED;
    if (start_machine(vmm, err)) {
        if (vmm->debug.server)
            debug_say(&vmm->debug);
        if (vmm->profile)
            profile_start(vmm->profile);
        relay_run(&vmm->channels, &vmm->streams, &vmm->terminal, vmm->signals, vmm->trace,
                  &vmm->result);
        if (vmm->profile)
            profile_stop(vmm->profile);
        qemu_end(vmm->pid, &vmm->status);
        status = end_status(&vmm->result, vmm->status, vmm->options, err);
        if (!copy_list_finish(vmm->result.copies) && status == 0)
            status = VMM_TOOL_FAILED;
    }
    struct tsc_reading to = tsc_read();
    say_times(vmm, from, to);
    if (vmm->profile && !tell_profile(vmm) && status == 0)
        status = VMM_TOOL_FAILED;
    if (vmm->options->time)
        say_chart(vmm, from, to);
    hostinfo_refine_tsc(&vmm->host, from, to);
    relay_signals_end(vmm->signals, &vmm->mask);
    return status;
}

static void vmm_clear(struct vmm *vmm)
{
    close_theirs(vmm);
    close_ours(vmm);
    debug_end(&vmm->debug);
    close_fd(&vmm->stub);
    if (vmm->profile)
        profile_destroy(vmm->profile);
    if (vmm->image_ours)
        close_fd(&vmm->image);
    if (vmm->trace)
        fclose(vmm->trace);
    relay_result_clear(&vmm->result);
    hostinfo_clear(&vmm->host);
    image_info_clear(&vmm->info);
    free(vmm->qemu);
}

int vmm_run(const char *image_path, const struct run_options *options, struct error *err)
{
    struct vmm vmm = {
        .image_path = image_path,
        .options = options,
        .image = -1,
        .signals = -1,
        .stub = -1,
        .fds = {.image = -1,
                .record = -1,
                .stub = -1,
                .serial = -1,
                .port = {-1, -1, -1, -1},
                .output = -1},
        .channels = {-1, -1, -1, -1, -1, -1, -1},
    };
    int status = prepare(&vmm, err) ? run(&vmm, err) : VMM_TOOL_FAILED;
    if (vmm.host.key)
        hostinfo_save(&vmm.host);
    vmm_clear(&vmm);
    return status;
}
