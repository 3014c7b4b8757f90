/*
 * apt-get with a configuration of our own on top of the machine's. "Installed" for apt's resolver
 * are exactly the packages that the rules leave out: so neither they nor what only they need are
 * ever fetched. Which of them a closure would pull in shows only by resolving, so that is repeated
 * until nothing more is to be left out.
 */
#include "host/pkg/apt.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/io.h"
#include "host/base/path.h"
#include "host/base/progress.h"
#include "host/base/say.h"
#include "host/base/store.h"
#include "host/pkg/command.h"
#include "host/pkg/sources.h"

#define APT_GET "/usr/bin/apt-get"
#define LISTS_AGE_MAX_S (24 * 3600)
#define RESOLVE_ROUNDS_MAX 20

const struct deb *deb_find(const struct deb_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].name, name) == 0)
            return &list->items[i];
    return NULL;
}

void deb_add(struct deb_list *list, const struct deb *deb)
{
    list->items = mem_resize(list->items, (list->count + 1) * sizeof(*list->items));
    list->items[list->count++] = (struct deb){
        .name = mem_string(deb->name),
        .version = mem_string(deb->version),
        .file = mem_string(deb->file),
        .sha256 = mem_string(deb->sha256),
        .licence = mem_string(deb->licence),
        .size = deb->size,
    };
}

static void deb_clear(struct deb *deb)
{
    free(deb->name);
    free(deb->version);
    free(deb->file);
    free(deb->sha256);
    free(deb->licence);
}

void deb_list_clear(struct deb_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        deb_clear(&list->items[i]);
    free(list->items);
    *list = (struct deb_list){0};
}

uint64_t deb_list_bytes(const struct deb_list *list)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < list->count; i++)
        bytes += list->items[i].size;
    return bytes;
}

char *deb_upstream_version(const char *version)
{
    const char *colon = strchr(version, ':'), *begin = colon ? colon + 1 : version;
    const char *really = strstr(begin, "+really"), *dash = strrchr(begin, '-');
    begin = really ? really + strlen("+really") : begin;
    size_t length = dash > begin ? (size_t)(dash - begin) : strlen(begin);
    static const char *const repacked[] = {"+dfsg", "+ds", "~dfsg"};
    for (size_t i = 0; i < sizeof(repacked) / sizeof(*repacked); i++) {
        const char *mark = strstr(begin, repacked[i]);
        if (mark && (size_t)(mark - begin) < length)
            length = (size_t)(mark - begin);
    }
    return mem_printf("%.*s", (int)length, begin);
}

/* What ours adds to the machine's configuration; hooks of the machine don't run. */
static char *apt_configuration(const char *folder)
{
    return mem_printf("#clear APT::Update::Pre-Invoke;\n"
                      "#clear APT::Update::Post-Invoke;\n"
                      "#clear APT::Update::Post-Invoke-Success;\n"
                      "#clear DPkg::Pre-Install-Pkgs;\n"
                      "#clear APT::Default-Release;\n"
                      "Dir::State \"%1$s/state\";\n"
                      "Dir::State::status \"%1$s/status\";\n"
                      "Dir::Cache \"%1$s/cache\";\n"
                      "Dir::Cache::pkgcache \"pkgcache.bin\";\n"
                      "Dir::Cache::archives \"%1$s/none\";\n"
                      "Dir::Etc::sourcelist \"/dev/null\";\n"
                      "Dir::Etc::sourceparts \"%1$s/sources\";\n"
                      "Dir::Etc::preferences \"%1$s/preferences\";\n"
                      "Dir::Etc::preferencesparts \"/dev/null\";\n"
                      "APT::Sandbox::User \"root\";\n"
                      "APT::Architecture \"amd64\";\n"
                      "APT::Architectures \"amd64\";\n"
                      "APT::Install-Recommends \"false\";\n"
                      "APT::Install-Suggests \"false\";\n"
                      "Acquire::ForceHash \"SHA256\";\n"
                      "Acquire::GzipIndexes \"true\";\n"
                      "Acquire::Languages \"none\";\n"
                      "Acquire::Retries \"2\";\n",
                      folder);
}

static bool apt_write(const struct apt *apt, const char *file, const char *text, struct error *err)
{
    char *path = path_join(apt->folder, file);
    bool ok = io_write_file(path, text, strlen(text), 0644, err);
    free(path);
    return ok;
}

static bool apt_make_folders(const struct apt *apt, struct error *err)
{
    static const char *const folders[] = {"state/lists/partial", "cache", "sources", "none/partial",
                                          "debs/partial"};
    for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
        char *path = path_join(apt->folder, folders[i]);
        bool ok = path_make_dirs(path, true, 0755) || error_errno(err, "can't make %s", path);
        free(path);
        if (!ok)
            return false;
    }
    return true;
}

bool apt_open(struct apt *apt, const char *preferences, struct error *err)
{
    *apt = (struct apt){0};
    if (access(APT_GET, X_OK) != 0)
        return error_set(err, "packages are fetched with Debian's apt, and " APT_GET
                              " is not on this machine");
    struct buf sources = {0};
    if (!sources_collect("/etc/apt", &sources, err))
        return false;
    apt->folder = store_path("packages/apt", true, err);
    char *text = apt->folder ? apt_configuration(apt->folder) : NULL;
    bool ok = apt->folder && apt_make_folders(apt, err) && apt_write(apt, "conf", text, err) &&
              apt_write(apt, "status", "", err) &&
              apt_write(apt, "preferences", preferences, err) &&
              apt_write(apt, "sources/debian.sources", sources.data, err);
    free(text);
    buf_clear(&sources);
    if (!ok) {
        apt_close(apt);
        return false;
    }
    apt->debs = path_join(apt->folder, "debs");
    return true;
}

void apt_close(struct apt *apt)
{
    free(apt->folder);
    free(apt->debs);
    *apt = (struct apt){0};
}

/* Runs `TOOL -c conf WORDS…`, words ended by NULL; its output into out, if not NULL. */
static bool apt_run(const struct apt *apt, const char *tool, const char *const *words,
                    struct command *command, struct error *err)
{
    struct strlist argv = {0};
    char *conf = path_join(apt->folder, "conf");
    const char *const first[] = {"env", "-u", "APT_CONFIG", "LC_ALL=C", tool, "-c", conf, NULL};
    for (size_t i = 0; first[i]; i++)
        strlist_add(&argv, first[i]);
    for (size_t i = 0; words[i]; i++)
        strlist_add(&argv, words[i]);
    command->name = tool;
    command->argv = (const char *const *)argv.items;
    bool ok = command_must(command, err);
    strlist_clear(&argv);
    free(conf);
    return ok;
}

/* A line of apt's Status-Fd: "dlstatus:1:12.5:Retrieving file 1 of 5". */
static void apt_progress(void *context, const char *line)
{
    (void)context;
    const char *percent = strncmp(line, "dlstatus:", 9) == 0 ? strchr(line + 9, ':') : NULL;
    if (percent)
        progress_set(strtod(percent + 1, NULL));
}

/* Seconds since the lists were fetched, or -1 if they never were. */
static long apt_lists_age_s(const struct apt *apt)
{
    struct stat stat_of;
    char *stamp = path_join(apt->folder, "updated");
    long age = stat(stamp, &stat_of) == 0 ? (long)(time(NULL) - stat_of.st_mtime) : -1;
    free(stamp);
    return age;
}

/* Whether apt refuses lists for their signature. */
static bool lists_forged(const char *problem)
{
    static const char *const words[] = {"signature", "NO_PUBKEY", "BADSIG", "not signed",
                                        "Clearsigned file isn't valid"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (strstr(problem, words[i]))
            return true;
    return false;
}

bool apt_update(struct apt *apt, bool force, struct error *err)
{
    long age = apt_lists_age_s(apt);
    if (apt->updated || (!force && age >= 0 && age < LISTS_AGE_MAX_S))
        return true;
    struct command command = {.line = apt_progress};
    static const char *const words[] = {"-q", "-o", "APT::Status-Fd=3", "update", "-eany", NULL};
    struct error problem = {0};
    progress_begin("fetching the lists of Debian's archive");
    bool ok = apt_run(apt, "apt-get", words, &command, &problem);
    progress_end();
    if (ok) {
        apt->updated = true;
        return apt_write(apt, "updated", "", err);
    }
    if (command_interrupted())
        return error_set(err, "interrupted");
    if (lists_forged(problem.text))
        return error_set(
                   err, "the lists of Debian's archive are not signed with Debian's key: they were "
                        "changed on the way, or the mirror is wrong"),
               error_add_lines(err, problem.text);
    if (age >= 0 && !force) {
        say("Debian's archive can't be reached; using its lists of %ld hours ago", age / 3600);
        return true;
    }
    error_set(err, "Debian's archive can't be reached (is there a network?), and the package is "
                   "not in the store yet");
    return error_add_lines(err, problem.text);
}

/* The value of the first line "key: value" in text; NULL if there is none. */
static char *field_of(const char *text, const char *key)
{
    size_t length = strlen(key);
    for (const char *line = text; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, length) == 0 && line[length] == ':')
            return mem_printf("%.*s", (int)strcspn(line + length + 2, "\n"), line + length + 2);
    }
    return NULL;
}

bool apt_describe(struct apt *apt, const char *name, char **version, char **summary,
                  struct error *err)
{
    struct buf out = {0};
    struct command command = {.out = &out};
    const char *const words[] = {"show", "--no-all-versions", name, NULL};
    *version = *summary = NULL;
    struct error problem = {0};
    if (apt_run(apt, "apt-cache", words, &command, &problem) && out.data) {
        *version = field_of(out.data, "Version");
        *summary = field_of(out.data, "Description");
    }
    buf_clear(&out);
    if (*version)
        return true;
    free(*summary);
    *summary = NULL;
    if (command_interrupted())
        return error_set(err, "interrupted");
    return error_set(err, "Debian has no package \"%s\"", name);
}

bool apt_search(struct apt *apt, const char *pattern, struct buf *out, struct error *err)
{
    struct command command = {.out = out};
    const char *const words[] = {"search", "--names-only", "--", pattern, NULL};
    return apt_run(apt, "apt-cache", words, &command, err);
}

/* "3%3a1.2" to "3:1.2", in place. */
static void unescape(char *text)
{
    char *to = text;
    for (char *from = text; *from; from++) {
        unsigned value;
        if (*from == '%' && sscanf(from + 1, "%2x", &value) == 1) {
            *to++ = (char)value;
            from += 2;
        } else {
            *to++ = *from;
        }
    }
    *to = 0;
}

/* A line of --print-uris: 'URI' NAME_VERSION_ARCH.deb SIZE SHA256:HEX */
static bool deb_parse(char *line, struct deb_list *out)
{
    char *rest = strstr(line, "' ");
    if (line[0] != '\'' || !rest)
        return false;
    rest += 2;
    char *file = strsep(&rest, " "), *size = strsep(&rest, " "), *hash = rest;
    char *name = mem_string(file), *after = name;
    strsep(&after, "_");
    char *version = strsep(&after, "_");
    bool ok = version && size && hash && strncmp(hash, "SHA256:", 7) == 0;
    if (ok) {
        unescape(version);
        deb_add(out, &(struct deb){.name = name,
                                   .version = version,
                                   .file = file,
                                   .sha256 = hash + 7,
                                   .size = strtoull(size, NULL, 10)});
    }
    free(name);
    return ok;
}

static bool debs_parse(char *text, struct deb_list *out, struct error *err)
{
    for (char *line; text && (line = strsep(&text, "\n"));)
        if (*line && !deb_parse(line, out))
            return error_set(err, "can't understand apt's answer: %s", line);
    return true;
}

static const char **words_with(const char *const *first, const struct strlist *names)
{
    size_t count = 0;
    while (first[count])
        count++;
    const char **words = mem_alloc((count + names->count + 1) * sizeof(*words));
    memcpy(words, first, count * sizeof(*words));
    for (size_t i = 0; i < names->count; i++)
        words[count + i] = names->items[i];
    return words;
}

static bool apt_plan(struct apt *apt, const struct strlist *names, struct deb_list *out,
                     struct error *err)
{
    static const char *const first[] = {"-qq", "-y", "--print-uris", "install", NULL};
    const char **words = words_with(first, names);
    struct buf text = {0};
    struct command command = {.out = &text};
    bool ok = apt_run(apt, "apt-get", words, &command, err) && debs_parse(text.data, out, err);
    buf_clear(&text);
    free(words);
    return ok;
}

static bool strlist_has(const struct strlist *list, const char *string)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], string) == 0)
            return true;
    return false;
}

static bool rules_leave_out(const struct recipe_rules *rules, const char *name)
{
    for (size_t i = 0; i < rules->packages.count; i++)
        if (fnmatch(rules->packages.items[i], name, 0) == 0)
            return true;
    return false;
}

/* Adds to status what of the plan is to be left out. Returns how many packages that were. */
static size_t status_extend(struct buf *status, const struct deb_list *plan,
                            const struct strlist *names, const struct recipe_rules *rules)
{
    size_t added = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const char *name = plan->items[i].name;
        if (strlist_has(names, name) || !rules_leave_out(rules, name))
            continue;
        buf_printf(status,
                   "Package: %s\nStatus: install ok installed\nArchitecture: amd64\n"
                   "Multi-Arch: foreign\nMaintainer: nobody\nVersion: 9999:0\n"
                   "Description: left out\n\n",
                   name);
        added++;
    }
    return added;
}

/* The plan with status as apt's list of what is installed. */
static bool apt_plan_with(struct apt *apt, const struct buf *status, const struct strlist *names,
                          struct deb_list *out, struct error *err)
{
    deb_list_clear(out);
    return apt_write(apt, "status", status->data ? status->data : "", err) &&
           apt_plan(apt, names, out, err);
}

bool apt_resolve(struct apt *apt, const struct strlist *names, const struct recipe_rules *rules,
                 struct deb_list *out, struct error *err)
{
    struct buf status = {0};
    bool ok = apt_plan_with(apt, &status, names, out, err);
    for (int round = 0; ok && round < RESOLVE_ROUNDS_MAX; round++) {
        struct error ignored;
        if (status_extend(&status, out, names, rules) == 0)
            break;
        if (!apt_plan_with(apt, &status, names, out, &ignored)) {
            /* Something named needs a left-out package in just its own version (perl, perl-base):
             * then nothing is left out. */
            buf_clear(&status);
            ok = apt_plan_with(apt, &status, names, out, err);
            break;
        }
    }
    buf_clear(&status);
    return ok || error_prefix(err, "apt can't tell what %s needs", names->items[0]);
}

/* Those of list that are not in the folder with their right size. */
static void debs_missing(const struct apt *apt, const struct deb_list *list, struct deb_list *out)
{
    for (size_t i = 0; i < list->count; i++) {
        struct stat stat_of;
        char *path = path_join(apt->debs, list->items[i].file);
        if (stat(path, &stat_of) != 0 || (uint64_t)stat_of.st_size != list->items[i].size) {
            unlink(path);
            deb_add(out, &list->items[i]);
        }
        free(path);
    }
}

/* Compares all hashes; a file with a wrong one is removed. */
static bool debs_check(const struct apt *apt, const struct deb_list *list, struct error *err)
{
    struct buf sums = {0}, said = {0};
    for (size_t i = 0; i < list->count; i++)
        buf_printf(&sums, "%s  %s/%s\n", list->items[i].sha256, apt->debs, list->items[i].file);
    static const char *const argv[] = {"env", "LC_ALL=C", "sha256sum", "--check", "--quiet", NULL};
    struct command command = {.argv = argv, .input = sums.data, .out = &said};
    int status = command_run(&command, err);
    if (status > 0)
        error_set(err, "damaged packages in %s:", apt->debs), error_add_lines(err, said.data);
    for (char *rest = said.data, *line; rest && (line = strsep(&rest, "\n"));) {
        char *end = strstr(line, ": FAILED");
        if (end) {
            *end = 0;
            unlink(line);
        }
    }
    buf_clear(&sums);
    buf_clear(&said);
    return status == 0;
}

static bool debs_fetch(struct apt *apt, const struct strlist *names, const struct deb_list *missing,
                       const char *what, struct error *err)
{
    char *archives = mem_printf("Dir::Cache::archives=%s", apt->debs);
    const char *const first[] = {
        "-q", "-y", "-o", "APT::Status-Fd=3", "-o", archives, "install", "--download-only", NULL};
    const char **words = words_with(first, names);
    struct command command = {.line = apt_progress};
    char *title = mem_printf("fetching %s (%zu Debian packages, %.1f MB)", what, missing->count,
                             (double)deb_list_bytes(missing) / 1e6);
    progress_begin(title);
    bool ok = apt_run(apt, "apt-get", words, &command, err);
    progress_end();
    free(title);
    free(words);
    free(archives);
    return ok || error_prefix(err, "can't fetch %s from Debian's archive", what);
}

bool apt_download(struct apt *apt, const struct strlist *names, const struct deb_list *list,
                  const char *what, struct error *err)
{
    for (int tries = 0; tries < 2; tries++) {
        struct deb_list missing = {0};
        debs_missing(apt, list, &missing);
        bool ok = missing.count == 0 || debs_fetch(apt, names, &missing, what, err);
        deb_list_clear(&missing);
        if (!ok)
            return false;
        if (debs_check(apt, list, err))
            return true;
    }
    return false;
}
