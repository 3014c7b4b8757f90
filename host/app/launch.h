/*
 * What is to be started: the program or interpreter in the image, and the first arguments.
 */
#pragma once

#include <stdbool.h>

#include "host/app/closure.h"
#include "host/base/error.h"
#include "host/image/spec.h"

struct lock; /* host/record/lock.h */

enum runtime { RUNTIME_NONE, RUNTIME_PYTHON, RUNTIME_NODE, RUNTIME_PERL, RUNTIME_JAVA };

/* By the name of the program's file: "python3.11" → RUNTIME_PYTHON. */
enum runtime runtime_of(const char *path);

struct launch {
    struct closure *closure;
    const char *folder;      /* of the host: what PROGRAM and arguments are relative to */
    const char *workdir;     /* of the image: where the program starts */
    const struct lock *lock; /* what a recording saw counts, nothing is looked for; or NULL */
    char *script;            /* host path of the script, or NULL */
    char *script_guest;
    bool script_by_line; /* its first line chose the interpreter */
    enum runtime runtime;
    char *python_tag;     /* of extension modules: "cpython-311"; NULL: no Python */
    struct strlist roots; /* with lock: folders that the interpreter knows by absolute paths */
};

void launch_clear(struct launch *launch);

/* Finds PROGRAM on the host (PATH, links, "#!" lines, endings, shims), puts it and what it needs
 * into the image, and sets spec->program and the first of spec->args. */
bool launch_program(struct launch *launch, const char *program, struct error *err);

/* Only finds it: what to execute on the host, and its argv so far. Both are owned by the caller. */
bool launch_command(struct launch *launch, const char *program, char **path, struct strlist *argv,
                    struct error *err);

/* Puts what the lock file names into the image, and notes what has changed on the host since. After
 * launch_program() and the script. */
bool locked_add(struct launch *launch, const char *lock_path, struct strlist *notes,
                struct error *err);

/* Where a path that the program is given leads in the image. */
char *launch_guest_path(const struct launch *launch, const char *path);

/* The host's file that a shell would run for name: a path, or a search in PATH (watched). NULL with
 * err set. */
char *program_find(struct image_spec *spec, const char *folder, const char *name,
                   struct error *err);

/* Puts a Python interpreter (an ELF file's path, links in it kept) with its library and installed
 * packages into the image. The environment that counts is that of spec->env. */
bool python_add(struct launch *launch, const char *interpreter, struct error *err);

/* Only adds the folders that it knows by absolute paths to launch->roots: its own, those it
 * searches.
 */
bool python_roots(struct launch *launch, const char *interpreter, struct error *err);

/* Notes the extension modules in the image that were built for another Python than tag's. */
void python_check_extensions(struct image_spec *spec, const char *tag, struct strlist *notes);

/* The ELF file that an interpreter's shim (a script) starts; the same path if it is none. */
char *python_follow(struct image_spec *spec, const char *path, struct error *err);

/* Whether a script is one of pyenv's shims for the programs of its Pythons, and the program that it
 * starts (owned; NULL with err set). */
bool pyenv_is_shim(const char *path);
void pyenv_watch(struct image_spec *spec, const char *path); /* what its choice depends on */
char *pyenv_follow(struct image_spec *spec, const char *path, struct error *err);

/* Puts the modules beside a script into the image: modules, extension modules, packages. */
bool python_add_beside(struct image_spec *spec, const char *host, const char *guest,
                       struct error *err);

/* The same for node: files that node loads by name, node_modules. */
bool node_add_beside(struct image_spec *spec, const char *host, const char *guest,
                     struct error *err);

/* Puts the folders of Perl's @INC into the image. */
bool perl_add(struct closure *closure, const char *interpreter, struct error *err);

/* Puts what a Java launcher finds beside itself into the image. */
bool java_add(struct closure *closure, const char *launcher, struct error *err);

/* Puts what every program takes for granted into the image: /etc/passwd, /tmp, … */
bool basics_add(struct closure *closure, struct error *err);

/* What glibc and libraries for TLS open by themselves, if anything in the image can use it. After
 * closure_add_entries(), which is to follow once more. */
bool glibc_add(struct closure *closure, struct error *err);

/* Adds the locale that LANG and LC_* choose, and the catalogs of messages in its language. */
bool locale_add(struct closure *closure, bool catalogs, struct error *err);

/* Links such as /lib, as the host has them; before anything else. */
bool basics_add_links(struct image_spec *spec, struct error *err);
/* Folders such as /tmp, with their modes; before what lies in them. */
bool basics_add_folders(struct image_spec *spec, struct error *err);
