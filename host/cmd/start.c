/*
 * What `run` and `pkg load` share: the flags about the machine, and starting it.
 */
#include "host/cmd/start.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <x86intrin.h>

#include "host/base/buf.h"
#include "host/base/io.h"
#include "host/base/say.h"
#include "host/cmd/cmd.h"
#include "host/cmd/trace.h"
#include "host/image/image.h"

const char start_flags_help[] =
    "      --mount DIR:/path[:ro]\n"
    "                       a folder of the host in the machine while it runs, read only with "
    ":ro;\n"
    "                       may be repeated\n"
    "      --secret NAME=FILE\n"
    "                       a file for this run alone: /run/secrets/NAME, in memory; it reaches\n"
    "                       no image, cache or command line; may be repeated\n"
    "  -p, --port [ADDRESS:][HOST:]GUEST[/udp]\n"
    "                       let this host reach a port of the program: -p 8080, -p 80:8080,\n"
    "                       -p 0.0.0.0:80:8080 (without ADDRESS: this host alone), -p 53/udp,\n"
    "                       -p 8000-8010; may be repeated\n"
    "      --tap NAME       connect the machine's network card to a tap device of this host\n"
    "  -b, --bridge NAME    connect it to a bridge of this host\n"
    "      --ip ADDRESS/PREFIX | dhcp\n"
    "                       with --tap or --bridge: the program's address on that network, or "
    "that\n"
    "                       a DHCP server there gives it\n"
    "      --ip6 ADDRESS | slaac\n"
    "                       its IPv6 address (of a network of 64 bits), or that routers there\n"
    "                       advertise one\n"
    "      --gateway ADDRESS, --gateway6 ADDRESS\n"
    "                       and the ways out of it\n"
    "      --nic user | tap=NAME,ip=… | bridge=NAME,ip=…\n"
    "                       a network card, the first or a further one, with ip, gateway, ip6 and\n"
    "                       gateway6 as above; user: QEMU's user network, which -p leads into;\n"
    "                       may be repeated\n"
    "      --copy-out FILE=HOSTFILE\n"
    "                       at the end, also after a failure, bring a file out of the machine:\n"
    "                       --copy-out /model.pkl=./model.pkl; may be repeated\n"
    "  -v, --verbose        show the boot, and a QEMU command line that works when pasted\n"
    "  -q, --quiet          say nothing but errors\n"
    "      --trace[=[FILTER:][FILE]]\n"
    "                       print every system call of the program with arguments and result,\n"
    "                       to FILE or standard error. FILTER is a list with commas of calls,\n"
    "                       of classes (file, desc, memory, process, signal, network, ipc),\n"
    "                       and \"failed\"; \"!\" before it turns it round: --trace=file:\n"
    "                       --trace=openat,failed:log.txt --trace='!memory:'\n"
    "      --profile[=FILE.svg]\n"
    "                       at the end, the functions of program, libraries and kernel that took\n"
    "                       the time, and a flame graph in FILE.svg (profile.svg). Of Python and\n"
    "                       other interpreted code it shows the interpreter's own functions\n"
    "      --gdb[=PORT]     wait for gdb, and print the command that starts it: it stops at the\n"
    "                       program's first instruction, with the symbols of program, libraries\n"
    "                       and kernel. Without PORT (TCP, loopback), over a socket of this "
    "user's\n"
    "      --time           at the end, a chart of the start: the tool, QEMU, firmware, the "
    "kernel\n"
    "                       by stage, the program's loader, its first system call and its end\n"
    "      --accel kvm|tcg  hardware virtualization or emulation (default: what was measured to\n"
    "                       be fast on this host; remembered)\n"
    "      --machine microvm|q35\n"
    "                       QEMU's machine type (default microvm)\n"
    "  -h, --help           this text\n";

void start_flags_clear(struct start_flags *flags)
{
    free(flags->trace_filter);
    copy_list_clear(&flags->copies);
    mount_list_clear(&flags->mounts);
    secret_list_clear(&flags->secrets);
    port_list_clear(&flags->ports);
    link_clear(&flags->link);
    link_list_clear(&flags->links);
    *flags = (struct start_flags){0};
}

/* The value of flag name at argv[*index]: "--name=VALUE" or the next argument. NULL if argv[*index]
 * is not that flag; "" with err set if the value is missing. */
static const char *flag_value(const char *name, int argc, char **argv, int *index,
                              struct error *err)
{
    const char *flag = argv[*index];
    size_t size = strlen(name);
    if (strncmp(flag, name, size) != 0 || (flag[size] != 0 && flag[size] != '='))
        return NULL;
    const char *value = "";
    if (flag[size] == '=')
        value = flag + size + 1;
    else if (*index + 1 < argc)
        value = argv[++*index];
    if (!*value)
        error_set(err, "%s needs a value", name);
    return value;
}

static int take_accel(struct run_options *options, const char *value, struct error *err)
{
    if (strcmp(value, "kvm") == 0)
        options->accel = ACCEL_KVM;
    else if (strcmp(value, "tcg") == 0)
        options->accel = ACCEL_TCG;
    else if (strcmp(value, "auto") == 0)
        options->accel = ACCEL_AUTO;
    else if (*value)
        return error_set(err, "--accel is kvm, tcg or auto, not \"%s\"", value) - 1;
    else
        return -1;
    return 1;
}

static int take_machine(struct run_options *options, const char *value, struct error *err)
{
    if (strcmp(value, "microvm") == 0)
        options->machine = MACHINE_MICROVM;
    else if (strcmp(value, "q35") == 0)
        options->machine = MACHINE_Q35;
    else if (*value)
        return error_set(err, "--machine is microvm or q35, not \"%s\"", value) - 1;
    else
        return -1;
    return 1;
}

/* Takes the word "failed" out of a filter's list. Returns whether it was there. */
static bool filter_take_failed(char *filter)
{
    bool found = false;
    struct buf rest = {0};
    char *words = mem_string(filter);
    char *next = words;
    for (char *word; (word = strsep(&next, ","));) {
        if (strcmp(word, "failed") == 0) {
            found = true;
            continue;
        }
        if (*word)
            buf_printf(&rest, "%s%s", rest.size ? "," : "", word);
    }
    strcpy(filter, rest.data ? rest.data : "");
    buf_clear(&rest);
    free(words);
    return found;
}

/* value: "[FILTER:][FILE]". A filter holds no "/" and no ".", so that a colon in a file's
 * path can be told apart. */
static int take_trace(struct start_flags *flags, const char *value, struct error *err)
{
    struct run_options *options = &flags->options;
    options->trace = true;
    size_t size = strspn(value, "!abcdefghijklmnopqrstuvwxyz0123456789_,");
    if (value[size] == ':') {
        free(flags->trace_filter);
        flags->trace_filter = mem_printf("%.*s", (int)size, value);
        if (!trace_filter_check(flags->trace_filter, err))
            return -1;
        options->trace_failed = filter_take_failed(flags->trace_filter);
        options->trace_filter = *flags->trace_filter ? flags->trace_filter : NULL;
        value += size + 1;
    }
    options->trace_file = *value ? value : NULL;
    return 1;
}

static int take_gdb(struct run_options *options, const char *value, struct error *err)
{
    char *end;
    unsigned long port = strtoul(value, &end, 10);
    if (*end || *value < '0' || *value > '9' || !port || port > 65535)
        return error_set(err, "--gdb=%s: must be a port from 1 to 65535", value) - 1;
    options->gdb = true;
    options->gdb_port = (unsigned)port;
    return 1;
}

static int take_secret(struct start_flags *flags, const char *value, struct error *err)
{
    const char *path = strchr(value, '=');
    if (*value && secret_list_add(&flags->secrets, value, err))
        return 1;
    return path && path[1] && !io_can_read(path + 1) ? CMD_FLAG_FAILED : -1;
}

/* As flag_value(): -p VALUE, -pVALUE, --port VALUE, --port=VALUE. */
static const char *port_value(int argc, char **argv, int *index, struct error *err)
{
    const char *flag = argv[*index];
    if (strncmp(flag, "-p", 2) == 0 && flag[2] != 0 && flag[2] != '=')
        return flag + 2;
    const char *value = flag_value("-p", argc, argv, index, err);
    return value ? value : flag_value("--port", argc, argv, index, err);
}

/* The flags about what the network card is connected to: link_set()'s key, or NULL. */
static const char *link_value(int argc, char **argv, int *index, const char **value,
                              struct error *err)
{
    static const char *const known[][2] = {
        {"--tap", "tap"},         {"-b", "bridge"}, {"--bridge", "bridge"},    {"--ip", "ip"},
        {"--gateway", "gateway"}, {"--ip6", "ip6"}, {"--gateway6", "gateway6"}};
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if ((*value = flag_value(known[i][0], argc, argv, index, err)))
            return known[i][1];
    return NULL;
}

int start_take_flag(struct start_flags *flags, int argc, char **argv, int *index, struct error *err)
{
    const char *flag = argv[*index];
    const char *value, *key;
    if (strcmp(flag, "-h") == 0 || strcmp(flag, "--help") == 0) {
        flags->help = true;
    } else if (strcmp(flag, "-v") == 0 || strcmp(flag, "--verbose") == 0) {
        say_level = SAY_VERBOSE;
    } else if (strcmp(flag, "-q") == 0 || strcmp(flag, "--quiet") == 0) {
        say_level = SAY_QUIET;
    } else if (strcmp(flag, "--trace") == 0) {
        return take_trace(flags, "", err);
    } else if (strncmp(flag, "--trace=", 8) == 0) {
        return take_trace(flags, flag + 8, err);
    } else if (strcmp(flag, "--profile") == 0) {
        flags->options.profile = "profile.svg";
    } else if (strncmp(flag, "--profile=", 10) == 0) {
        flags->options.profile = flag + 10;
    } else if (strcmp(flag, "--gdb") == 0) {
        flags->options.gdb = true;
    } else if (strncmp(flag, "--gdb=", 6) == 0) {
        return take_gdb(&flags->options, flag + 6, err);
    } else if (strcmp(flag, "--time") == 0) {
        flags->options.time = true;
        flags->options.begun_tsc = __rdtsc();
    } else if ((value = flag_value("--accel", argc, argv, index, err))) {
        return take_accel(&flags->options, value, err);
    } else if ((value = flag_value("--machine", argc, argv, index, err))) {
        return take_machine(&flags->options, value, err);
    } else if ((value = port_value(argc, argv, index, err))) {
        return *value && port_list_add(&flags->ports, "-p", value, err) ? 1 : -1;
    } else if ((key = link_value(argc, argv, index, &value, err))) {
        return *value && link_set(&flags->link, key, flag, value, err) ? 1 : -1;
    } else if ((value = flag_value("--nic", argc, argv, index, err))) {
        return *value && link_list_add(&flags->links, "--nic", value, err) ? 1 : -1;
    } else if ((value = flag_value("--copy-out", argc, argv, index, err))) {
        flags->options.copies = &flags->copies;
        return *value && copy_list_add(&flags->copies, value, err) ? 1 : -1;
    } else if ((value = flag_value("--mount", argc, argv, index, err))) {
        flags->options.mounts = &flags->mounts;
        return *value && mount_list_add(&flags->mounts, value, ".", err) ? 1 : -1;
    } else if ((value = flag_value("--secret", argc, argv, index, err))) {
        flags->options.secrets = &flags->secrets;
        return take_secret(flags, value, err);
    } else if (flags->takes_name && (value = flag_value("--name", argc, argv, index, err))) {
        flags->name = value;
        return *value ? 1 : -1;
    } else if ((value = flag_value("--qemu-args", argc, argv, index, err))) {
        flags->options.qemu_extra = value; /* not in the help: for tests and benchmarks */
        return *value ? 1 : -1;
    } else {
        return 0;
    }
    return 1;
}

int start_take_any(void *context, int argc, char **argv, int *index, struct error *err)
{
    struct start_flags *flags = context;
    int taken = start_take_flag(flags, argc, argv, index, err);
    return taken ? taken : app_take_flag(flags->request, argc, argv, index, err);
}

static void start_say_booting(const char *image_path)
{
    if (isatty(STDERR_FILENO) || say_level >= SAY_VERBOSE)
        say("booting %s ...", image_path);
}

static int start_image(const char *image_path, const struct run_options *options)
{
    struct error err = {0};
    start_say_booting(image_path);
    int status = vmm_run(image_path, options, &err);
    if (err.text[0])
        say_lines(SAY_QUIET, err.text);
    return status;
}

/* The configuration's mounts, but for those at whose places a flag mounts something. */
static bool add_mounts(struct start_flags *flags, const struct strlist *mounts, struct error *err)
{
    const size_t from_flags = flags->mounts.count;
    for (size_t i = 0; i + 1 < mounts->count; i += 2) {
        const char *host = mounts->items[i], *guest = mounts->items[i + 1];
        if (!mount_list_has(&flags->mounts, from_flags, guest) &&
            !mount_list_add_parts(&flags->mounts, host, guest, "/", err))
            return error_prefix(err, "Mounts");
    }
    flags->options.mounts = &flags->mounts;
    return true;
}

/* The configuration's ports, before those of -p. */
static bool add_ports(struct start_flags *flags, const struct app *app, struct error *err)
{
    for (size_t i = 0; i < app->ports.count; i++)
        if (!port_list_add(&flags->ports, "RunConfig.Ports", app->ports.items[i], err))
            return false;
    return true;
}

/* The configuration's network, as far as flags say nothing else. */
static bool add_links(struct start_flags *flags, const struct app *app, struct error *err)
{
    const struct strlist *words = &app->network;
    bool placed = link_is_set(&flags->link), addressed = link_is_addressed(&flags->link);
    bool listed = flags->links.count > 0;
    for (size_t i = 0; i + 1 < words->count; i += 2) {
        const char *key = words->items[i];
        if (strcmp(key, "nic") == 0) {
            if (!listed && !link_list_add(&flags->links, "Nics", words->items[i + 1], err))
                return false;
            continue;
        }
        bool place = strcmp(key, "tap") == 0 || strcmp(key, "bridge") == 0;
        if ((place ? !placed : !addressed) &&
            !link_set(&flags->link, key, "RunConfig", words->items[i + 1], err))
            return false;
    }
    return true;
}

/* All cards into flags->links, that of --tap or --bridge first. */
static bool gather_links(struct start_flags *flags, struct error *err)
{
    if (!link_is_set(&flags->link) && !link_is_addressed(&flags->link))
        return true;
    return link_list_put_first(&flags->links, &flags->link, err);
}

int start_app(struct start_flags *flags)
{
    const struct app_request *request = flags->request;
    struct error err = {0};
    struct app app = {0};
    if (!app_prepare(request, &app, &err) || !add_mounts(flags, &app.mounts, &err) ||
        !add_ports(flags, &app, &err) || !add_links(flags, &app, &err) ||
        !gather_links(flags, &err)) {
        say_lines(SAY_QUIET, err.text);
        app_clear(&app);
        return CMD_RUN_FAILED;
    }
    struct run_options options = flags->options;
    options.image_fd = app.image_fd;
    options.memory_bytes = app.memory_bytes;
    options.cpus = app.cpus;
    if (app.emulate && options.accel == ACCEL_AUTO)
        options.accel = ACCEL_TCG;
    options.args = app.args;
    options.env = app.env;
    options.env_private = app.env_private;
    options.ports = &flags->ports;
    options.links = &flags->links;
    options.workdir = app.workdir;
    options.config_path = request->config_path;
    options.locked = request->locked;
    int status = flags->launch ? flags->launch(app.image_path, &options, flags->name)
                               : start_image(app.image_path, &options);
    app_clear(&app);
    return status;
}

int start_built(struct start_flags *flags, int argc, char **argv)
{
    struct error err = {0};
    struct run_options options = flags->options;
    char *path = gather_links(flags, &err) ? image_file(argv[0], &err) : NULL;
    if (!path) {
        say_lines(SAY_QUIET, err.text);
        return CMD_RUN_FAILED;
    }
    options.image_fd = -1;
    options.memory_bytes = flags->request->memory_bytes;
    options.cpus = flags->request->cpus;
    options.ports = &flags->ports;
    options.links = &flags->links;
    for (int i = 1; i < argc; i++)
        strlist_add(&options.args, argv[i]);
    int status =
        flags->launch ? flags->launch(path, &options, flags->name) : start_image(path, &options);
    strlist_clear(&options.args);
    free(path);
    return status;
}
