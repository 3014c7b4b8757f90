/*
 * What `run` and `pkg load` share: the flags about the machine, and starting it.
 */
#pragma once

#include "host/app/app.h"
#include "host/base/error.h"
#include "host/vmm/vmm.h"

struct start_flags {
    struct app_request *request; /* where the flags about the image go; not owned */
    struct run_options options;  /* but for what app_prepare() gives */
    bool help;                   /* -h was given */
    char *trace_filter;          /* owned */
    struct copy_list copies;
    struct mount_list mounts;
    struct secret_list secrets;
    struct port_list ports;
    struct network_link link; /* the card that --tap, --bridge and the like are about */
    struct link_list links;   /* those of --nic; at the end, all */
    /* `instance create`: what is done instead of running the machine here, and its --name. */
    int (*launch)(const char *image_path, const struct run_options *options, const char *name);
    bool takes_name;
    const char *name;
};

void start_flags_clear(struct start_flags *flags);

/* If argv[*index] is one of -h -p -q -v --accel --machine --trace, takes it as app_take_flag()
 * does. -q and -v set say_level. Returns 1, 0 if it is none of these, -1 with err set. */
int start_take_flag(struct start_flags *flags, int argc, char **argv, int *index,
                    struct error *err);

/* A cmd_flag_taker_t of these and of app_take_flag()'s; context is a struct start_flags with its
 * request. */
int start_take_any(void *context, int argc, char **argv, int *index, struct error *err);

/* The lines about these flags for a verb's help. */
extern const char start_flags_help[];

/* Prepares the image that flags->request asks for, says "booting …", runs the machine; returns the
 * exit status. */
int start_app(struct start_flags *flags);

/* What run and instance create do: takes the flags, then PROGRAM and its arguments, and starts it.
 * Clears flags. */
struct verb;
int start_program(const struct verb *verb, struct start_flags *flags, int argc, char **argv);

/* The image argv[0], a name in the store or a path, as it is, with the further arguments in place
 * of its own; returns the exit status. */
int start_built(struct start_flags *flags, int argc, char **argv);
