/* Arguments that name files of the host. */
#pragma once

#include "host/app/launch.h"

/* Puts what the arguments name (relative to folder) into the image, where the program will look for
 * it. Notes for the user are added to notes. */
bool arguments_put(struct launch *launch, const struct strlist *args, const char *folder,
                   struct strlist *notes, struct error *err);

/* Puts in the folders that a path leads through only to leave them (sub in sub/../x): the machine,
 * too, looks them up on the way. */
bool argument_put_passed(struct launch *launch, const char *argument, const char *folder,
                         struct error *err);

/* An argument and the host's folder that it is relative to. */
struct argument {
    const char *text, *folder;
};

/* Finds the script among all arguments of an interpreter that has none yet, and puts it and the
 * modules beside it into the image. */
bool arguments_put_script(struct launch *launch, const struct argument *args, size_t count,
                          struct error *err);

/* Whether an argument may name a file: for the memory of what was built for which arguments. */
bool argument_names_file(const char *argument, const char *folder);
