/*
 * The accelerator.
 *
 * The measurement boots a machine of a few bytes (probe.S) that writes one letter to its serial
 * port, loops in ring 0, and writes another; the time between the letters is the loop's. A third
 * one tells whether an instruction that QEMU had wrong is right.
 */
#include "host/vmm/accel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/io.h"
#include "host/base/say.h"
#include "host/vmm/probe.h"
#include "host/vmm/qemu.h"

#define PROBE_LIMIT_MS 2000
#define USEFUL_RATE 2e8 /* instructions a second; emulation reaches about half a billion */

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000ll + now.tv_nsec;
}

/* Reads letters until one of wanted comes. 0 when the time is up or the machine has gone. */
static char wait_letter(int fd, const char *wanted, int64_t deadline_ns)
{
    for (;;) {
        int64_t left = deadline_ns - now_ns();
        struct pollfd entry = {.fd = fd, .events = POLLIN};
        if (left <= 0 || poll(&entry, 1, (int)(left / 1000000) + 1) <= 0)
            return 0;
        char letter;
        ssize_t n = read(fd, &letter, 1);
        if (n <= 0)
            return 0;
        if (letter && strchr(wanted, letter))
            return letter;
    }
}

/* Instructions a second; 0 if the machine didn't come to the loop's end in time. *began: whether it
 * came to its beginning. */
static double measure_rate(int serial, bool *began)
{
    int64_t deadline = now_ns() + PROBE_LIMIT_MS * 1000000ll;
    *began = wait_letter(serial, "S", deadline);
    int64_t from = now_ns();
    if (!*began || !wait_letter(serial, "E", deadline))
        return 0;
    int64_t took = now_ns() - from;
    return (double)PROBE_LOOPS * PROBE_INSTRUCTIONS_PER_LOOP / ((double)(took + 1) / 1e9);
}

static void probe_arguments(struct strlist *argv, const char *qemu, bool kvm,
                            const struct qemu_fds *fds)
{
    char kernel[32], chardev[48];
    snprintf(kernel, sizeof(kernel), "/proc/self/fd/%d", fds->image);
    snprintf(chardev, sizeof(chardev), "socket,id=serial,fd=%d", fds->serial);
    const char *const words[] = {
        qemu,
        "-M",
        "microvm,x-option-roms=off,pit=off,pic=off,rtc=off,acpi=off",
        "-accel",
        kvm ? "kvm" : "tcg",
        "-cpu",
        kvm ? QEMU_KVM_CPU : QEMU_TCG_CPU,
        "-m",
        "16",
        "-kernel",
        kernel,
        "-nodefaults",
        "-no-user-config",
        "-no-reboot",
        "-display",
        "none",
        "-chardev",
        chardev,
        "-serial",
        "chardev:serial",
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        strlist_add(argv, words[i]);
}

/* The first line of what QEMU wrote, owned by the caller. */
static char *first_line(int fd)
{
    char text[512] = "";
    ssize_t n = io_pread(fd, text, sizeof(text) - 1, 0);
    text[n > 0 ? n : 0] = 0;
    text[strcspn(text, "\n")] = 0;
    return mem_string(text);
}

struct probe {
    struct qemu_fds fds;
    int serial;   /* our end */
    char verdict; /* on the instruction: of "RWN", or 0 */
};

static bool probe_open(struct probe *probe)
{
    int pair[2] = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return false;
    probe->serial = pair[0];
    probe->fds =
        (struct qemu_fds){.serial = pair[1], .port = {-1, -1, -1, -1}, .record = -1, .stub = -1};
    probe->fds.image = memfd_create("orris-probe", MFD_CLOEXEC);
    probe->fds.output = memfd_create("orris-probe-output", MFD_CLOEXEC);
    size_t size = (size_t)(probe_elf_end - probe_elf);
    return probe->fds.image >= 0 && probe->fds.output >= 0 &&
           io_write(probe->fds.image, probe_elf, size);
}

static void probe_close(struct probe *probe)
{
    close(probe->serial);
    close(probe->fds.serial);
    close(probe->fds.image);
    close(probe->fds.output);
}

static char *why_useless(double rate, bool began, int output)
{
    char *said = first_line(output);
    char *why;
    if (!began && *said)
        why = mem_printf("QEMU with KVM fails: %s", said);
    else if (rate > 0)
        why = mem_printf("KVM on this machine runs %.1f million instructions a second, slower "
                         "than emulation",
                         rate / 1e6);
    else
        why = mem_printf("KVM on this machine runs less than %.1f million instructions a second",
                         (double)PROBE_LOOPS * PROBE_INSTRUCTIONS_PER_LOOP / 1e6 /
                             (PROBE_LIMIT_MS / 1e3));
    free(said);
    return why;
}

/* Instructions a second, or 0. False if the machine could not even be tried. */
static bool probe_run(struct probe *probe, const char *qemu, bool kvm, double *rate, bool *began)
{
    struct strlist argv = {0};
    struct error err;
    sigset_t mask;
    pid_t pid;
    probe_arguments(&argv, qemu, kvm, &probe->fds);
    sigprocmask(SIG_SETMASK, NULL, &mask);
    int pidfd = qemu_spawn(&argv, &probe->fds, &mask, &pid, &err);
    strlist_clear(&argv);
    if (pidfd < 0)
        return false;
    close(probe->fds.serial); /* so that we see QEMU's end close */
    probe->fds.serial = -1;
    *rate = measure_rate(probe->serial, began);
    int64_t deadline = now_ns() + PROBE_LIMIT_MS * 1000000ll;
    if (!kvm && *rate > 0) /* that is asked of emulation alone */
        probe->verdict = wait_letter(probe->serial, "RWN", deadline);
    int status;
    qemu_end(pid, &status);
    close(pidfd);
    return true;
}

static void kvm_measure(struct hostinfo *info, const char *qemu)
{
    struct probe probe = {.serial = -1};
    bool began = false;
    if (probe_open(&probe) && probe_run(&probe, qemu, true, &info->kvm_rate, &began)) {
        info->kvm_useful = info->kvm_rate >= USEFUL_RATE;
        free(info->kvm_why);
        info->kvm_why = NULL;
        if (!info->kvm_useful)
            info->kvm_why = why_useless(info->kvm_rate, began, probe.fds.output);
        info->kvm_known = info->changed = true;
    }
    probe_close(&probe);
}

static double emulation_rate_once(const char *qemu)
{
    struct probe probe = {.serial = -1};
    bool began = false;
    double rate = 0;
    if (probe_open(&probe))
        probe_run(&probe, qemu, false, &rate, &began);
    probe_close(&probe);
    return rate;
}

static int by_rate(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The median: on a busy host one reading is off when we come late to either letter. */
double accel_emulation_rate(const char *qemu)
{
    double rates[5];
    for (size_t i = 0; i < 5; i++)
        rates[i] = emulation_rate_once(qemu);
    qsort(rates, 5, sizeof(rates[0]), by_rate);
    return rates[2];
}

/* Why /dev/kvm can't be opened, and what would help; NULL if it can. Not remembered: it takes no
 * time to see. */
static const char *kvm_closed(void)
{
    int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (fd >= 0) {
        close(fd);
        return NULL;
    }
    if (errno == EACCES)
        return "/dev/kvm may not be opened by this user; help: sudo adduser \"$USER\" kvm, and log "
               "in again";
    return "there is no /dev/kvm; help: switch virtualization on in the firmware, or, in a virtual "
           "machine, allow nested virtualization on its host";
}

static void say_emulation(const char *why, const char *help, bool first)
{
    if (first)
        say("running under emulation: %s%s", why, help);
    else
        say_verbose("running under emulation: %s%s", why, help);
}

static bool choose_auto(struct hostinfo *info, const char *qemu)
{
    const char *closed = kvm_closed();
    bool first = !info->kvm_known;
    if (closed) {
        say_emulation(closed, "", first);
        /* Remembered so that it is said once; a /dev/kvm that opens is measured anew. */
        if (first) {
            info->kvm_known = info->changed = true;
            info->kvm_rate = -1;
        }
        return false;
    }
    if (first || info->kvm_rate < 0) {
        first = true;
        kvm_measure(info, qemu);
    }
    if (!info->kvm_useful && info->kvm_why)
        say_emulation(info->kvm_why, "; help: a host whose processor virtualizes by itself", first);
    return info->kvm_useful;
}

bool accel_try_avx2(struct hostinfo *info, const char *qemu)
{
    struct probe probe = {.serial = -1};
    bool began = false;
    double rate;
    if (probe_open(&probe) && probe_run(&probe, qemu, false, &rate, &began) && probe.verdict) {
        info->avx2_known = info->changed = true;
        info->avx2_wrong = probe.verdict == 'W';
    }
    probe_close(&probe);
    return info->avx2_known && !info->avx2_wrong;
}

static const char *emulated_model(struct hostinfo *info, const char *qemu)
{
    bool right = info->avx2_known ? !info->avx2_wrong : accel_try_avx2(info, qemu);
    return right ? QEMU_TCG_CPU : QEMU_TCG_CPU_NO_AVX2;
}

bool accel_choose(enum accel wish, struct hostinfo *info, const char *qemu,
                  struct qemu_processor *processor, struct error *err)
{
    bool kvm = wish == ACCEL_KVM;
    const char *closed = kvm ? kvm_closed() : NULL;
    if (closed)
        return error_set(err, "--accel kvm: %s", closed);
    if (wish == ACCEL_AUTO)
        kvm = choose_auto(info, qemu);
    processor->kvm = kvm;
    processor->model = kvm ? QEMU_KVM_CPU : emulated_model(info, qemu);
    return true;
}

const char *accel_measure(struct hostinfo *info, const char *qemu)
{
    const char *closed = kvm_closed();
    if (!closed)
        kvm_measure(info, qemu);
    if (closed || !info->kvm_useful)
        return closed ? closed : info->kvm_why;
    return NULL;
}
