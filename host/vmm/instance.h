/*
 * Machines in the background. Each has a folder in the store, instances/NAME: what it is
 * (state.json), what it prints (log), QEMU's monitor (qmp), and a lock that the tool which looks
 * after it holds as long as it runs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/types.h>

#include "host/base/error.h"

struct instance {
    char *name, *folder, *image;
    pid_t pid;              /* of the tool that looks after it */
    int64_t created, ended; /* seconds since 1970; ended 0: not told */
    int status;             /* exit status, if ended */
    bool running;
};

struct instance_list {
    struct instance *items;
    size_t count;
};

/* Makes the folder of a new instance of image and takes its lock, to be held as long as it runs: a
 * descriptor, or -1 with err set. name NULL: one is made of the image's. */
int instance_create(const char *name, const char *image, struct instance *instance,
                    struct error *err);
/* Writes down what the instance is. */
bool instance_save(const struct instance *instance, struct error *err);
bool instance_load(const char *name, struct instance *instance, struct error *err);
/* All there are, by name. */
bool instance_list_load(struct instance_list *list, struct error *err);
void instance_clear(struct instance *instance);
void instance_list_clear(struct instance_list *list);

/* Tells the program to end (SIGTERM); the machine goes off when it has, or after 10 seconds. Waits
 * for that. */
bool instance_stop(struct instance *instance, struct error *err);
bool instance_delete(struct instance *instance, struct error *err);

/* A file of its folder; owned by the caller. */
char *instance_file(const struct instance *instance, const char *name);
/* Whether it still runs now. */
bool instance_runs(const struct instance *instance);
