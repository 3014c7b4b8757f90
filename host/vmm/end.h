/*
 * What is said and returned when a machine has ended.
 */
#pragma once

#include "host/base/error.h"
#include "host/vmm/relay.h"
#include "host/vmm/vmm.h"

/* The tool's exit status, and the last lines: files lost, the status, a file that lies on the host.
 * qemu_status: of the monitor, as waitpid() sets it. err is set if the tool or the kernel failed,
 * empty otherwise. */
int end_status(const struct relay_result *result, int qemu_status,
               const struct run_options *options, struct error *err);
