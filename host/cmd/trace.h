/* The filters of --trace. */
#pragma once

#include "host/base/error.h"

/* Whether every word of filter ("!" and a list with commas) is a call or a class that there is. */
bool trace_filter_check(const char *filter, struct error *err);
