/*
 * QEMU's command line and its process.
 *
 * Nothing secret stands in the command line, and no path: image, run record, channels and folders
 * are inherited descriptors. The devices are those the kernel drives, no others; what the machine
 * doesn't have, neither QEMU nor the firmware sets up.
 */
#include "host/vmm/qemu.h"

#include <stdarg.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/app/app.h"
#include "host/base/buf.h"
#include "host/base/path.h"

#define QEMU_NAME "qemu-system-x86_64"

__attribute__((format(printf, 2, 3))) static void add(struct strlist *argv, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int size = vasprintf(&text, format, args);
    va_end(args);
    if (size >= 0)
        strlist_add(argv, text);
    free(text);
}

/* Two words of the command line. */
#define ADD2(argv, flag, ...) (strlist_add(argv, flag), add(argv, __VA_ARGS__))

char *qemu_find(struct error *err)
{
    const char *named = getenv("ORRIS_QEMU");
    char *found = named && *named ? mem_string(named) : path_search(QEMU_NAME);
    if (!found)
        error_set(err, "%s is missing; install it with: " QEMU_INSTALL, QEMU_NAME);
    return found;
}

/* Whether the host may promise more memory than it has, as it does by default. */
static bool host_overcommits(void)
{
    char policy = 0;
    int fd = open("/proc/sys/vm/overcommit_memory", O_RDONLY | O_CLOEXEC);
    bool strict = fd >= 0 && read(fd, &policy, 1) == 1 && policy == '2';
    if (fd >= 0)
        close(fd);
    return !strict;
}

static void add_machine(struct strlist *argv, const char *qemu, const struct run_options *options,
                        const struct qemu_processor *processor)
{
    uint64_t memory = options->memory_bytes ? options->memory_bytes : APP_DEFAULT_MEMORY_BYTES;
    const char *reserve = host_overcommits() ? ",reserve=off" : "";
    strlist_add(argv, qemu);
    ADD2(argv, "-M", "%s,memory-backend=ram",
         options->machine == MACHINE_Q35
             ? "q35,vmport=off,sata=off,usb=off,smbus=off,i8042=off,hpet=off"
             : "microvm,x-option-roms=off,pit=off,pic=off,rtc=off,acpi=off");
    ADD2(argv, "-object", "memory-backend-ram,id=ram,size=%" PRIu64 "K%s", memory >> 10, reserve);
    ADD2(argv, "-accel", "%s", processor->kvm ? "kvm" : "tcg");
    ADD2(argv, "-cpu", "%s", processor->model);
    ADD2(argv, "-m", "%" PRIu64 "K", memory >> 10);
    if (options->cpus > 1)
        ADD2(argv, "-smp", "%u", options->cpus);
    strlist_add(argv, "-nodefaults");
    strlist_add(argv, "-no-user-config");
    strlist_add(argv, "-no-reboot");
    ADD2(argv, "-display", "none");
    ADD2(argv, "-global", "virtio-mmio.force-legacy=false");
}

/* "device" on microvm, "pci" on q35. */
static const char *bus(const struct run_options *options)
{
    return options->machine == MACHINE_Q35 ? "pci" : "device";
}

/* Commas in an option's value are doubled. Owned by the caller. */
static char *option_value(const char *text)
{
    struct buf out = {0};
    for (; *text; text++)
        buf_add(&out, ",,", *text == ',' ? 2 : 0), buf_add(&out, text, *text != ',');
    return out.data ? out.data : mem_string("");
}

static void add_image(struct strlist *argv, const struct run_options *options, const char *image,
                      const char *record)
{
    char *value = option_value(image);
    ADD2(argv, "-kernel", "%s", image);
    ADD2(argv, "-initrd", "%s", record);
    ADD2(argv, "-blockdev", "driver=file,node-name=image,read-only=on,locking=off,filename=%s",
         value);
    ADD2(argv, "-device", "virtio-blk-%s,drive=image", bus(options));
    ADD2(argv, "-device", "virtio-rng-%s", bus(options));
    free(value);
}

/* Folders of the host. Files get the modes and owners that the program gives them, as far as the
 * user may; several file systems below one folder stay apart. */
static void add_mounts(struct strlist *argv, const struct run_options *options, bool by_name)
{
    for (size_t i = 0; options->mounts && i < options->mounts->count; i++) {
        const struct mount *it = &options->mounts->items[i];
        char *path = by_name ? option_value(it->host) : mem_printf("/proc/self/fd/%d", it->fd);
        ADD2(argv, "-fsdev", "local,id=mount%zu,security_model=none,multidevs=remap%s,path=%s", i,
             it->read_only ? ",readonly=on" : "", path);
        ADD2(argv, "-device", "virtio-9p-%s,fsdev=mount%zu,mount_tag=orris%zu", bus(options), i, i);
        free(path);
    }
}

/* The index-th network card. */
static void add_card(struct strlist *argv, const struct run_options *options, size_t index,
                     bool by_name)
{
    static const struct network_link user;
    struct buf netdev = {0}, card = {0};
    const struct link_list *links = options->links;
    const struct network_link *link = links && links->count ? &links->items[index] : &user;
    buf_printf(&card, "virtio-net-%s,netdev=net%zu", bus(options), index);
    if (options->machine == MACHINE_Q35)
        buf_string(&card, ",romfile=");
    if (link_is_set(link)) {
        const uint8_t *mac = link->hardware;
        if (!by_name)
            buf_printf(&netdev, "tap,id=net%zu,fd=%d", index, link->fd);
        else if (link->tap)
            buf_printf(&netdev, "tap,id=net%zu,ifname=%s,script=no,downscript=no", index,
                       link->tap);
        else
            buf_printf(&netdev, "bridge,id=net%zu,br=%s", index, link->bridge);
        buf_printf(&card, ",mac=%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
                   mac[4], mac[5]);
    } else {
        network_netdev(options->ports, index, &netdev);
    }
    ADD2(argv, "-netdev", "%s", netdev.data);
    ADD2(argv, "-device", "%s", card.data);
    buf_clear(&card);
    buf_clear(&netdev);
}

static void add_network(struct strlist *argv, const struct run_options *options, bool by_name)
{
    size_t count = options->links ? options->links->count : 0, i = 0;
    do
        add_card(argv, options, i, by_name);
    while (++i < count);
}

static void add_extra(struct strlist *argv, const char *extra)
{
    char *words = mem_string(extra ? extra : "");
    char *rest = words;
    for (char *word; (word = strsep(&rest, " "));)
        if (*word)
            strlist_add(argv, word);
    free(words);
}

void qemu_arguments(struct strlist *argv, const char *qemu, const struct run_options *options,
                    const struct qemu_processor *processor, const struct qemu_fds *fds)
{
    char image[32], record[32];
    snprintf(image, sizeof(image), "/proc/self/fd/%d", fds->image);
    snprintf(record, sizeof(record), "/proc/self/fd/%d", fds->record);
    add_machine(argv, qemu, options, processor);
    add_image(argv, options, image, record);
    add_network(argv, options, false);
    ADD2(argv, "-chardev", "socket,id=serial,fd=%d", fds->serial);
    ADD2(argv, "-serial", "chardev:serial");
    ADD2(argv, "-device", "virtio-serial-%s,max_ports=5", bus(options));
    for (int i = 0; i < 4; i++) {
        ADD2(argv, "-chardev", "socket,id=port%d,fd=%d", i + 1, fds->port[i]);
        ADD2(argv, "-device", "virtserialport,nr=%d,chardev=port%d", i + 1, i + 1);
    }
    add_mounts(argv, options, false);
    if (options->qmp_fd > 0) {
        ADD2(argv, "-chardev", "socket,id=qmp,fd=%d,server=on,wait=off", options->qmp_fd);
        ADD2(argv, "-mon", "chardev=qmp,mode=control");
    }
    if (fds->stub >= 0) {
        ADD2(argv, "-chardev", "socket,id=stub,fd=%d", fds->stub);
        ADD2(argv, "-gdb", "chardev:stub");
    } else if (fds->gdb) {
        ADD2(argv, "-gdb", "%s", fds->gdb);
    }
    if (fds->stub >= 0 || fds->gdb)
        strlist_add(argv, "-S");
    add_extra(argv, options->qemu_extra);
}

void qemu_plain_arguments(struct strlist *argv, const char *qemu, const struct run_options *options,
                          const struct qemu_processor *processor, const char *image_path,
                          const char *record_path)
{
    add_machine(argv, qemu, options, processor);
    add_image(argv, options, image_path, record_path);
    add_network(argv, options, true);
    ADD2(argv, "-serial", "stdio");
    add_mounts(argv, options, true);
    add_extra(argv, options->qemu_extra);
}

/* Whether a shell takes word as it is. */
static bool is_plain_word(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "%+,-./:=@_";
    return *word && word[strspn(word, plain)] == 0;
}

static void add_quoted(struct buf *line, const char *word)
{
    if (is_plain_word(word)) {
        buf_string(line, word);
        return;
    }
    buf_string(line, "'");
    for (; *word; word++) {
        if (*word == '\'')
            buf_string(line, "'\\''");
        else
            buf_add(line, word, 1);
    }
    buf_string(line, "'");
}

char *qemu_shell_line(const struct strlist *argv)
{
    struct buf line = {0};
    for (size_t i = 0; i < argv->count; i++) {
        if (i)
            buf_string(&line, " ");
        add_quoted(&line, argv->items[i]);
    }
    return line.data;
}

static void keep_open(int fd)
{
    if (fd > 0)
        fcntl(fd, F_SETFD, 0);
}

/* In the child: never returns. */
static void become_qemu(const struct strlist *argv, const struct qemu_fds *fds,
                        const sigset_t *mask, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it died before the line above */
        _exit(127);
    setsid(); /* what is typed at the terminal is not for QEMU */
    keep_open(fds->image);
    keep_open(fds->record);
    keep_open(fds->serial);
    keep_open(fds->stub);
    for (int i = 0; i < 4; i++)
        keep_open(fds->port[i]);
    keep_open(fds->qmp);
    for (size_t i = 0; fds->links && i < fds->links->count; i++)
        keep_open(fds->links->items[i].fd);
    for (size_t i = 0; fds->mounts && i < fds->mounts->count; i++)
        keep_open(fds->mounts->items[i].fd);
    int null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(null, 0) < 0 || dup2(fds->output, 1) < 0 || dup2(fds->output, 2) < 0)
        _exit(127);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, mask, NULL);
    execv(argv->items[0], argv->items);
    dprintf(2, "cannot start %s: %s\n", argv->items[0], strerror(errno));
    _exit(127);
}

int qemu_spawn(const struct strlist *argv, const struct qemu_fds *fds, const sigset_t *mask,
               pid_t *pid, struct error *err)
{
    pid_t parent = getpid();
    *pid = fork();
    if (*pid < 0) {
        error_errno(err, "cannot start %s", argv->items[0]);
        return -1;
    }
    if (*pid == 0)
        become_qemu(argv, fds, mask, parent);
    int fd = (int)syscall(SYS_pidfd_open, *pid, 0);
    if (fd >= 0)
        return fd;
    error_errno(err, "cannot watch %s", argv->items[0]);
    int status;
    qemu_end(*pid, &status);
    return -1;
}

void qemu_end(pid_t pid, int *status)
{
    kill(pid, SIGKILL);
    while (waitpid(pid, status, 0) < 0 && errno == EINTR)
        ;
}
