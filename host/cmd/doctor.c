/*
 * `orris doctor`: what this host has and lacks, and the command that gets what is missing. Each
 * line is one function of the table below.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/path.h"
#include "host/base/say.h"
#include "host/base/store.h"
#include "host/cmd/cmd.h"
#include "host/cmd/table.h"
#include "host/image/kernel.h"
#include "host/pkg/command.h"
#include "host/pkg/recipe.h"
#include "host/pkg/sources.h"
#include "host/vmm/accel.h"
#include "host/vmm/qemu.h"

#define ROOM_NEEDED (1ull << 30) /* bytes: the demonstration takes half of it */

struct finding {
    struct buf what; /* what is there, or why it is missing */
    struct buf help; /* what would get it or make it better */
};

static void found(struct finding *f, const char *text)
{
    buf_string(&f->what, text);
}

static bool lacks(struct finding *f, const char *what, const char *help)
{
    buf_string(&f->what, what);
    buf_string(&f->help, help);
    return false;
}

static bool look_at_qemu(struct finding *f)
{
    struct error err = {0};
    struct buf out = {0};
    char *qemu = qemu_find(&err);
    const char *const argv[] = {qemu, "--version", NULL};
    struct command command = {.argv = argv, .out = &out};
    if (!qemu || !command_must(&command, &err)) {
        lacks(f, qemu ? err.text : "no qemu-system-x86_64 in PATH", "get it with: " QEMU_INSTALL);
    } else {
        /* "QEMU emulator version 7.2.22 (Debian …)" */
        const char *mark = strstr(out.data ? out.data : "", "version ");
        const char *version = mark ? mark + strlen("version ") : "of an unknown version";
        buf_printf(&f->what, "%.*s, %s", (int)strcspn(version, " \n"), version, qemu);
    }
    bool ok = !f->help.size;
    buf_clear(&out);
    free(qemu);
    return ok;
}

/* A measurement for one second at most, but for a KVM that hardly moves. */
static bool look_at_acceleration(struct finding *f)
{
    struct error err;
    char *qemu = qemu_find(&err);
    if (!qemu)
        return lacks(f, "not measured: there is no QEMU", "get it with: " QEMU_INSTALL);
    struct hostinfo info;
    hostinfo_load(&info, qemu);
    const char *useless = accel_measure(&info, qemu);
    if (!useless) {
        buf_printf(&f->what, "KVM, %.0f million instructions a second", info.kvm_rate / 1e6);
    } else {
        buf_printf(&f->what, "emulation, %.0f million instructions a second",
                   accel_emulation_rate(qemu) / 1e6);
        if (!accel_try_avx2(&info, qemu))
            buf_string(&f->what, ", without AVX2, which this QEMU has wrong");
        buf_string(&f->help, useless); /* with what would help, where anything would */
    }
    hostinfo_save(&info);
    hostinfo_clear(&info);
    free(qemu);
    return !useless;
}

/* The programs that fetch packages, and archives for them to fetch from. */
static bool look_at_apt(struct finding *f)
{
    static const char *const names[] = {"apt-get", "apt-cache"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char *path = path_search(names[i]);
        if (!path) {
            buf_printf(&f->what, "no %s in PATH: `orris pkg`, --pkg and Packages don't work",
                       names[i]);
            buf_string(&f->help, "get it with: sudo apt install apt, on Debian");
            return false;
        }
        free(path);
    }
    struct buf sources = {0};
    struct error err;
    bool ok = sources_collect("/etc/apt", &sources, &err);
    buf_clear(&sources);
    if (!ok)
        return lacks(f, err.text, "help: an entry for Debian's archive in /etc/apt/sources.list");
    found(f, "apt-get, and Debian's archive among its sources");
    return true;
}

static bool look_at_room(struct finding *f)
{
    struct error err;
    struct statvfs info;
    char *path = store_path("", true, &err);
    if (!path)
        return lacks(f, err.text, "help: another place by ORRIS_HOME=FOLDER");
    bool writable = access(path, W_OK) == 0 && statvfs(path, &info) == 0;
    uint64_t room = writable ? (uint64_t)info.f_bavail * info.f_frsize : 0;
    if (writable)
        buf_printf(&f->what, "%.1f GB free in %s", (double)room / 1e9, path);
    else
        buf_printf(&f->what, "%s can't be written to", path);
    free(path);
    if (room < ROOM_NEEDED)
        buf_string(&f->help, "help: orris prune --all, or another place by ORRIS_HOME=FOLDER");
    return room >= ROOM_NEEDED;
}

static bool look_at_kernel(struct finding *f)
{
    struct error err;
    char *version = kernel_version(&err);
    if (!version)
        return lacks(f, err.text, "get it with: make, in orris's sources");
    char *path = store_kernel_path(&err);
    buf_printf(&f->what, "%s, %s", version, path ? path : "");
    free(path);
    free(version);
    return true;
}

static bool look_at_recipes(struct finding *f)
{
    struct error err;
    struct strlist names = {0};
    if (!recipe_names(&names, &err))
        return lacks(f, err.text, "get it with: make install, in orris's sources");
    buf_printf(&f->what, "%zu: orris pkg search names them", names.count);
    strlist_clear(&names);
    return true;
}

static bool look_for(struct finding *f, const char *name, const char *missing, const char *package)
{
    char *path = path_search(name);
    if (path)
        found(f, path);
    else
        buf_string(&f->what, missing),
            buf_printf(&f->help, "get it with: sudo apt install %s", package);
    free(path);
    return f->help.size == 0;
}

static bool look_at_erofs(struct finding *f)
{
    return look_for(f, "fsck.erofs", "no fsck.erofs: `make test` checks layers with it",
                    "erofs-utils");
}

static bool look_at_gdb(struct finding *f)
{
    return look_for(f, "gdb", "no gdb: --gdb waits for one", "gdb");
}

static const struct check {
    const char *name;
    bool needed; /* without it, programs don't run */
    bool (*look)(struct finding *);
} checks[] = {
    {"QEMU", true, look_at_qemu},          {"acceleration", false, look_at_acceleration},
    {"kernel", true, look_at_kernel},      {"store", true, look_at_room},
    {"recipes", true, look_at_recipes},    {"apt", true, look_at_apt},
    {"erofs-utils", false, look_at_erofs}, {"gdb", false, look_at_gdb},
};

static const struct column columns[] = {
    {"CHECK", COLUMN_TEXT}, {"STATE", COLUMN_TEXT}, {"FOUND", COLUMN_TEXT},
    {"HELP", COLUMN_TEXT},  {NULL, COLUMN_TEXT},
};

static void check_print(const struct check *check, const char *state, const struct finding *f)
{
    print("%-8s %-13s ", state, check->name);
    print_lines(f->what.data);
    print("\n");
    if (f->help.size)
        print("%-9s%-14s%s\n", "", "", f->help.data);
    fflush(stdout); /* the next may take a second */
}

/* Looks, and prints a line, or adds it to the table unless that is NULL. */
static bool check_run(const struct check *check, struct table *table)
{
    struct finding f = {0};
    bool good = check->look(&f);
    const char *state = good ? "ok" : check->needed ? "MISSING" : "could be";
    if (table) {
        table_text(table, check->name);
        table_text(table, state);
        table_text(table, f.what.data);
        table_text(table, f.help.data);
    } else {
        check_print(check, state, &f);
    }
    buf_clear(&f.what);
    buf_clear(&f.help);
    return good || !check->needed;
}

static int doctor_run(const struct verb *verb, int argc, char **argv)
{
    bool json = false, ok = true;
    if (!table_flags(&argc, argv, &json))
        return cmd_unknown_flag(verb, argv[1]);
    if (argc > 1)
        return cmd_usage(verb, "unexpected argument %s", argv[1]);
    struct table table = {.columns = columns};
    for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
        ok &= check_run(&checks[i], json ? &table : NULL);
    if (json)
        ok &= table_print(&table, true);
    return ok ? CMD_OK : CMD_FAILURE;
}

const struct verb verb_doctor = {
    .name = "doctor",
    .usage = "[--json]",
    .summary = "Tell what this host has and lacks.",
    .help =
        {"One line for each thing that orris uses: QEMU, its acceleration (measured, which may\n"
         "take 2 seconds), the kernel, room for the store, recipes and apt for packages. A line\n"
         "that begins with MISSING is followed by what gets it, \"could be\" by what would be\n"
         "better.\n"
         "\n"
         "      --json           an array of objects\n"
         "\n"
         "Exit status: 0 when everything needed is there, else 1.\n"},
    .run = doctor_run,
};
