/* `orris profile`: what this host and this installation are, for reports. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/json.h"
#include "host/base/say.h"
#include "host/base/store.h"
#include "host/cmd/cmd.h"
#include "host/cmd/table.h"
#include "host/pkg/command.h"
#include "host/vmm/qemu.h"

/* PRETTY_NAME of /etc/os-release; owned by the caller. */
static char *os_name(void)
{
    char line[256], *name = NULL;
    FILE *file = fopen("/etc/os-release", "re");
    while (file && !name && fgets(line, sizeof(line), file))
        if (strncmp(line, "PRETTY_NAME=\"", 13) == 0)
            name = mem_printf("%.*s", (int)strcspn(line + 13, "\"\n"), line + 13);
    if (file)
        fclose(file);
    return name ? name : mem_string("Linux");
}

/* What QEMU says of itself, the first line; owned by the caller. */
static char *qemu_version(void)
{
    struct error err;
    char *path = qemu_find(&err);
    if (!path)
        return mem_string("missing");
    const char *const argv[] = {path, "--version", NULL};
    struct buf out = {0};
    struct command command = {.argv = argv, .out = &out};
    bool good = command_must(&command, &err) && out.size;
    char *text = good ? mem_printf("%.*s", (int)strcspn(out.data, "\n"), out.data)
                      : mem_string("does not run");
    buf_clear(&out);
    free(path);
    return text;
}

static bool is_virtual(void)
{
    char line[4096];
    bool found = false;
    FILE *file = fopen("/proc/cpuinfo", "re");
    while (file && !found && fgets(line, sizeof(line), file))
        found = strncmp(line, "flags", 5) == 0 && strstr(line, " hypervisor");
    if (file)
        fclose(file);
    return found;
}

/* What was measured of this host: host.json's accelerator. */
static const char *accelerator(void)
{
    return access("/dev/kvm", R_OK | W_OK) == 0 ? "KVM can be used" : "none";
}

static void show(json_t *all, const char *name, const char *key, const char *value)
{
    if (all)
        json_object_set_new(all, key, json_foreign(value));
    else
        print("%-16s %s\n", name, value);
}

static void show_all(json_t *all)
{
    struct error err;
    struct utsname host;
    char *qemu = qemu_version(), *os = os_name(), *kernel = store_kernel_path(&err);
    char *store = store_path("", false, &err);
    uname(&host);
    show(all, "orris", "orris", ORRIS_VERSION);
    show(all, "kernel", "kernel", kernel ? kernel : "missing");
    show(all, "store", "store", store ? store : "none");
    show(all, "QEMU", "qemu", qemu);
    show(all, "system", "os", os);
    show(all, "architecture", "arch", host.machine);
    show(all, "host's kernel", "host_kernel", host.release);
    show(all, "virtual machine", "virtualized", is_virtual() ? "yes" : "no");
    show(all, "acceleration", "acceleration", accelerator());
    free(store);
    free(qemu);
    free(os);
    free(kernel);
}

static int profile_run(const struct verb *verb, int argc, char **argv)
{
    bool json = false;
    if (!table_flags(&argc, argv, &json))
        return cmd_unknown_flag(verb, argv[1]);
    if (argc > 1)
        return cmd_usage(verb, "unexpected argument %s", argv[1]);
    json_t *all = json ? json_object() : NULL;
    show_all(all);
    if (all)
        json_put(all);
    json_decref(all);
    return fflush(stdout) ? CMD_FAILURE : CMD_OK;
}

const struct verb verb_profile = {
    .name = "profile",
    .usage = "[--json]",
    .summary = "Say what this host and this installation are.",
    .help = {"      --json           an object\n"},
    .run = profile_run,
};
