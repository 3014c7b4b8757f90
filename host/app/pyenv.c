/*
 * pyenv's shims: scripts that choose one of several Pythons by version files and variables.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/app/launch.h"
#include "host/base/path.h"
#include "host/pkg/command.h"

/* pyenv's choice of a version depends on these, whichever exist. */
void pyenv_watch(struct image_spec *spec, const char *path)
{
    static const char *const names[] = {"PYENV_VERSION", "PYENV_ROOT", "PYENV_DIR", "ASDF_DIR"};
    struct stat info;
    watch_use(&spec->watch, path, &info);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        strlist_add(&spec->variables, names[i]);
    char *shims = path_parent(path), *root = path_parent(shims);
    char *version = path_join(root, "version");
    watch_use(&spec->watch, version, &info);
    free(version);
    free(root);
    free(shims);
    char *folder = path_absolute(".");
    while (strcmp(folder, "/")) {
        char *local = path_join(folder, ".python-version");
        watch_look(&spec->watch, local, &info);
        free(local);
        char *parent = path_parent(folder);
        free(folder);
        folder = parent;
    }
    free(folder);
}

/* pyenv's own program, for a file ROOT/shims/NAME. */
static char *pyenv_of(const char *path)
{
    char *shims = path_parent(path), *root = path_parent(shims);
    char *pyenv = path_join(root, "libexec/pyenv");
    bool is = !strcmp(path_base(shims), "shims") && access(pyenv, X_OK) == 0;
    free(shims);
    free(root);
    if (is)
        return pyenv;
    free(pyenv);
    return NULL;
}

bool pyenv_is_shim(const char *path)
{
    char *pyenv = pyenv_of(path);
    free(pyenv);
    return pyenv != NULL;
}

char *pyenv_follow(struct image_spec *spec, const char *path, struct error *err)
{
    char *pyenv = pyenv_of(path);
    const char *argv[] = {pyenv, "which", path_base(path), NULL};
    struct buf out = {0};
    struct command command = {.argv = argv, .out = &out};
    pyenv_watch(spec, path);
    bool done = pyenv && command_must(&command, err);
    free(pyenv);
    if (!done || !out.data || *out.data != '/') {
        buf_clear(&out);
        error_prefix(err, "%s doesn't say what it starts", path);
        return NULL;
    }
    out.data[strcspn(out.data, "\n")] = 0;
    return out.data;
}
