/*
 * Recipes: what the tool knows about packages as data, in the folder packages/ (docs/packages.md
 * describes the keys). NAME.json is a package; debian.rules.json says what is left out of every
 * one.
 */
#pragma once

#include <stdbool.h>

#include "host/base/error.h"
#include "host/image/spec.h"

struct recipe {
    char *name;
    struct strlist aliases;
    char *summary;       /* NULL: Debian's */
    char *version;       /* upstream version that the archive has; NULL: whatever it has */
    char *debian;        /* the Debian package that holds the program and gives the version */
    struct strlist also; /* further Debian packages */
    char *program;       /* NULL: found in the Debian package */
    struct strlist args, env;
    struct strlist default_args; /* the user's, where there are none */
    struct strlist executables;  /* files of the executable folders that the image keeps */
    struct strlist link_paths;   /* links to make, and … */
    struct strlist link_targets; /* … where each points */
};

struct recipe_rules {
    struct strlist also;     /* Debian packages that belong to every package */
    struct strlist packages; /* patterns of Debian packages never fetched as a dependency */
    struct strlist paths;    /* patterns of paths left out, with all below them */
    struct strlist executable_folders;
    struct strlist users, groups; /* lines of /etc/passwd and /etc/group */
};

/* Finds the recipe that name is the name or an alias of. Without one, any Debian package's name
 * makes a recipe of itself. Fails when the recipes can't be read. */
bool recipe_find(const char *name, struct recipe *out, struct error *err);
void recipe_clear(struct recipe *recipe);

/* The names of all recipes. */
bool recipe_names(struct strlist *out, struct error *err);

bool recipe_rules_read(struct recipe_rules *out, struct error *err);
void recipe_rules_clear(struct recipe_rules *rules);

/* "python_3.11", "python:3.11" or "python" into a name and a version (NULL if
 * there is none), both owned by the caller. Fails for what can't be a package's name. */
bool recipe_split(const char *reference, char **name, char **version, struct error *err);

/* "3", "3.11" and "3.11.2" match 3.11.2; NULL matches all. */
bool recipe_version_matches(const char *wanted, const char *have);
