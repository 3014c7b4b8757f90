/* What uname(2) says: names of the system. */
#pragma once

#include "kernel/base/types.h"

#define UTS_BYTES 65 /* of each name, NUL included */
#define UTS_SYSNAME "Linux"
/* Programs ask for a release of Linux to know what they may use: ours is the one whose interface we
 * keep to. */
#define UTS_RELEASE "6.1.0-orris"
#define UTS_VERSION "#1 SMP Orris " ORRIS_VERSION
#define UTS_MACHINE "x86_64"

enum uts_name { UTS_HOSTNAME, UTS_DOMAINNAME };

/* Copies a name, NUL-terminated. */
void uts_get(enum uts_name which, char name[UTS_BYTES]);
/* Sets it. Returns 0 or -EINVAL (longer than 64 bytes). */
MUST_CHECK int uts_set(enum uts_name which, const char *name, size_t length);
