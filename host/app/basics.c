/*
 * What every program takes for granted: a few files of /etc, folders to write in, the host's clock
 * zone. What a package brings is left alone.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/app/guestenv.h"
#include "host/app/launch.h"
#include "host/base/path.h"

#define ZONES "/usr/share/zoneinfo"

static const struct {
    const char *path, *text;
} files[] = {
    {"/etc/passwd", "root:x:0:0:root:/:/sbin/nologin\n"
                    "nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n"},
    {"/etc/group", "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n"},
    {"/etc/hosts", "127.0.0.1 localhost orris\n::1 localhost ip6-localhost ip6-loopback\n"},
    {"/etc/resolv.conf", "nameserver 10.0.2.3\n"},
    {"/etc/hostname", "orris\n"},
    {"/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nservices: files\n"},
};

static const struct {
    const char *path;
    mode_t mode;
} folders[] = {
    {"/tmp", 01777},      {"/var/tmp", 01777},  {"/run", 0755},        {"/dev", 0755},
    {"/proc", 0555},      {"/sys", 0555},       {"/boot", 0755},       {"/home", 0755},
    {"/media", 0755},     {"/mnt", 0755},       {"/opt", 0755},        {"/root", 0700},
    {"/srv", 0755},       {"/run/lock", 01777}, {"/usr/local", 0755},  {"/var/backups", 0755},
    {"/var/cache", 0755}, {"/var/lib", 0755},   {"/var/local", 02775}, {"/var/log", 0755},
    {"/var/mail", 02775}, {"/var/opt", 0755},   {"/var/spool", 0755},
};

static const struct {
    const char *path, *target;
} usual_links[] = {
    {"/etc/mtab", "../proc/self/mounts"},
    {"/var/run", "/run"},
    {"/var/lock", "/run/lock"},
    {"/var/spool/mail", "../mail"},
};

static const char *const links[] = {"/bin", "/sbin", "/lib", "/lib64"};

static bool has(struct image_spec *spec, const char *path)
{
    struct spec_found found;
    if (!spec_find(spec, path, true, &found))
        return false;
    free(found.guest);
    return true;
}

bool basics_add_links(struct image_spec *spec, struct error *err)
{
    bool good = true;
    for (size_t i = 0; good && i < sizeof(links) / sizeof(*links); i++) {
        struct stat info;
        char *target = path_read_link(links[i]);
        watch_look(&spec->watch, links[i], &info);
        if (target && !has(spec, links[i]))
            good = spec_add_link(spec, links[i], target, "as on the host", err);
        free(target);
    }
    return good;
}

bool basics_add_folders(struct image_spec *spec, struct error *err)
{
    bool good = true;
    for (size_t i = 0; good && i < sizeof(folders) / sizeof(*folders); i++)
        good = spec_add_empty_dir(spec, folders[i].path, folders[i].mode,
                                  "what programs take for granted", err);
    return good;
}

static bool add_files(struct image_spec *spec, struct error *err)
{
    bool good = true;
    for (size_t i = 0; good && i < sizeof(files) / sizeof(*files); i++)
        if (!has(spec, files[i].path))
            good = spec_add_data(spec, files[i].path, files[i].text, strlen(files[i].text), 0644,
                                 "what programs take for granted", err);
    for (size_t i = 0; good && i < sizeof(usual_links) / sizeof(*usual_links); i++)
        if (!has(spec, usual_links[i].path))
            good = spec_add_link(spec, usual_links[i].path, usual_links[i].target,
                                 "what programs take for granted", err);
    return good;
}

/* Adds a file of the host, with the links to it, if it is there and the image has none. */
static bool add_if_there(struct closure *closure, const char *path, struct error *err)
{
    struct stat info;
    if (!watch_follow(&closure->spec->watch, path, &info, NULL) || has(closure->spec, path))
        return true;
    return !S_ISREG(info.st_mode) || closure_add_path(closure, path, "clock zone", err);
}

static bool add_zone(struct closure *closure, struct error *err)
{
    const char *zone = guestenv_get(&closure->env, "TZ");
    zone = zone ? zone : getenv("TZ");
    strlist_add(&closure->spec->variables, "TZ");
    if (!add_if_there(closure, "/etc/localtime", err))
        return false;
    if (!zone || !*zone || strstr(zone, ".."))
        return true;
    zone += *zone == ':';
    char *path = *zone == '/' ? mem_string(zone) : mem_printf("%s/%s", ZONES, zone);
    bool done = !path_under(path, ZONES) || add_if_there(closure, path, err);
    free(path);
    return done;
}

bool basics_add(struct closure *closure, struct error *err)
{
    closure->spec->tier = TIER_SYSTEM;
    if (!add_files(closure->spec, err))
        return false;
    return add_zone(closure, err);
}
