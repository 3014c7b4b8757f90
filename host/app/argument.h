/* Arguments that name files of the host. */
#pragma once

#include "host/app/launch.h"

/* Puts what the arguments name into the image, where the program will look for it; for Python the
 * modules beside its script, too. Notes for the user are added to notes. */
bool arguments_put(struct launch *launch, const struct strlist *args, const char *folder,
                   struct strlist *notes, struct error *err);

/* Finds the script among all arguments of an interpreter that has none yet, and puts the modules
 * beside the script into the image. */
bool arguments_put_beside(struct launch *launch, const struct strlist *args, const char *folder,
                          struct error *err);

/* Whether an argument may name a file: for the memory of what was built for which arguments. */
bool argument_names_file(const char *argument, const char *folder);
