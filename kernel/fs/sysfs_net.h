/* /sys/class/net. */
#pragma once

#include "kernel/fs/pseudofs.h"

extern const struct pseudo_dir sysfs_net_dir;
