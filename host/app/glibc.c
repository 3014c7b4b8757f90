/*
 * Files that nothing names, because libraries open them by themselves: glibc's converters between
 * character sets, its modules for looking up names, the certificates that TLS trusts, ncurses's
 * descriptions of terminals.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/app/launch.h"
#include "host/app/runtime.h"
#include "host/base/path.h"

#define MULTIARCH "/usr/lib/x86_64-linux-gnu"

/* Puts a file, folder or link of the host into the image, with what links among it lead to. */
static bool add(struct closure *closure, const char *path, const char *why, struct error *err)
{
    struct image_spec *spec = closure->spec;
    struct spec_found found;
    struct stat info;
    char *real = NULL;
    size_t first = spec->entry_count;
    if (!watch_follow(&spec->watch, path, &info, &real))
        return true;
    bool good = true, there = spec_find(spec, path, true, &found);
    if (there)
        free(found.guest);
    else if (S_ISREG(info.st_mode))
        good = closure_add_path(closure, path, why, err);
    else if (S_ISDIR(info.st_mode))
        good = spec_add_tree(spec, real, real, why, err) &&
               closure_add_folder_links(closure, path, why, err);
    free(real);
    return good && runtime_add_link_targets(closure, first, err);
}

static bool add_all(struct closure *closure, const char *const *paths, const char *why,
                    struct error *err)
{
    bool good = true;
    for (; good && *paths; paths++)
        good = add(closure, *paths, why, err);
    return good;
}

static bool has_library(const struct closure *closure, const char *beginning)
{
    for (size_t i = 0; i < closure->sonames.count; i++)
        if (!strncmp(closure->sonames.items[i], beginning, strlen(beginning)))
            return true;
    return false;
}

static bool uses_terminfo(const struct closure *closure)
{
    return has_library(closure, "libtinfo.so") || has_library(closure, "libtinfow.so") ||
           has_library(closure, "libncurses.so") || has_library(closure, "libncursesw.so");
}

static bool uses_tls(const struct closure *closure)
{
    return has_library(closure, "libssl.so") || has_library(closure, "libgnutls.so") ||
           has_library(closure, "libmbedtls.so");
}

/* Where OpenSSL and GnuTLS look on Debian, Fedora and others. */
static const char *const certificates[] = {
    "/etc/ssl/certs",        "/etc/ssl/openssl.cnf",     "/usr/lib/ssl/openssl.cnf",
    "/usr/lib/ssl/cert.pem", "/usr/lib/ssl/certs",       "/etc/pki/tls/certs",
    "/etc/pki/tls/cert.pem", "/etc/pki/tls/openssl.cnf", NULL};
static const char *const converters[] = {MULTIARCH "/gconv", "/usr/lib64/gconv", NULL};
/* Debian's folders of the common ones whole; elsewhere, where there may be thousands, those that
 * people have. */
#define TERMINFO "/usr/share/terminfo/"
static const char *const terminals[] = {"/etc/terminfo",
                                        "/lib/terminfo",
                                        TERMINFO "a/ansi",
                                        TERMINFO "d/dumb",
                                        TERMINFO "l/linux",
                                        TERMINFO "s/screen",
                                        TERMINFO "v/vt100",
                                        TERMINFO "v/vt220",
                                        TERMINFO "s/screen-256color",
                                        TERMINFO "t/tmux",
                                        TERMINFO "x/xterm",
                                        TERMINFO "t/tmux-256color",
                                        TERMINFO "a/alacritty",
                                        TERMINFO "x/xterm-kitty",
                                        TERMINFO "x/xterm-256color",
                                        NULL};
static const char *const names[] = {"/etc/services", "/etc/protocols", NULL};

/* Until glibc 2.34 these were libraries of their own. */
static bool add_name_modules(struct closure *closure, struct error *err)
{
    static const char why[] = "opened by glibc to look up names";
    return closure_add_library(closure, "libnss_files.so.2", why, err) &&
           closure_add_library(closure, "libnss_dns.so.2", why, err) &&
           add_all(closure, names, why, err);
}

/* All of them: which one TZ will name is known when the program runs. /etc/localtime may have put
 * in one of them already. */
static bool add_zones(struct closure *closure, struct error *err)
{
    static const char path[] = "/usr/share/zoneinfo";
    struct stat info;
    char *real = NULL;
    if (!watch_follow(&closure->spec->watch, path, &info, &real))
        return true;
    size_t first = closure->spec->entry_count;
    bool good = !S_ISDIR(info.st_mode) ||
                (spec_add_tree(closure->spec, real, real, "clock zones, for TZ", err) &&
                 closure_add_folder_links(closure, path, "clock zones, for TZ", err));
    free(real);
    return good && runtime_add_link_targets(closure, first, err);
}

bool glibc_add(struct closure *closure, struct error *err)
{
    closure->spec->tier = TIER_SYSTEM;
    if (closure->spec->layer_count || closure->musl)
        return true; /* a package brings its own */
    return (!closure->converts || add_all(closure, converters, "opened by glibc's iconv()", err)) &&
           (!closure->zones || add_zones(closure, err)) &&
           (!closure->names || add_name_modules(closure, err)) &&
           (!uses_tls(closure) || add_all(closure, certificates, "trusted by TLS", err)) &&
           (!uses_terminfo(closure) || add_all(closure, terminals, "read by ncurses", err));
}
