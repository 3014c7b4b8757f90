/* --trim: the lock file is recorded before it is used. */
#pragma once

#include "host/app/app.h"

/* Runs the request's program on the host and records what it uses, unless the lock file holds just
 * that and nothing of it has changed since. */
bool trim_record(const struct app_request *request, struct error *err);
