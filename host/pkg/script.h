/*
 * What the scripts of Debian packages set up, found by reading them: they are never run. Only
 * literal words count, and variables that the script itself sets to literal words.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* A link that a package's script would have made with update-alternatives. */
struct alternative {
    char *link;   /* "/usr/lib/x86_64-linux-gnu/libblas.so.3" */
    char *target; /* absolute */
    int priority;
};

/* A user that adduser, useradd or addgroup would have made. */
struct script_user {
    char *name;
    char *home;      /* NULL: none */
    bool group;      /* with a group of the same name */
    bool only_group; /* and nothing else */
};

struct scripts {
    struct alternative *alternatives;
    size_t alternative_count;
    struct script_user *users;
    size_t user_count;
};
void scripts_clear(struct scripts *scripts);

/* Adds what the text of one script sets up. */
void scripts_read(const char *text, struct scripts *out);
