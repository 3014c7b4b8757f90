/* Licences that copyright files name. */
// UNIT: host/image/copyright.c host/base/buf.c host/base/strlist.c
#include <stdbool.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/image/copyright.h"
#include "tests/harness/check.h"

#define F "Format: x\n\n"

static bool gives(const char *text, const char *want)
{
    char *got = copyright_licences(text);
    bool same = want ? got && strcmp(got, want) == 0 : !got;
    if (!same)
        printf("# got %s\n", got ? got : "(none)");
    free(got);
    return same;
}

int main(void)
{
    CHECK(gives("", NULL));
    CHECK(gives("Format: https://…\n\nFiles: *\nLicense: Expat\n text\n", "MIT"));
    CHECK(gives(F "License: LGPL-2.1+\nLicense: GPL-2\nLicense: LGPL-2.1+\n",
                "GPL-2.0-only AND LGPL-2.1-or-later"));
    CHECK(gives(F "License: GPL-2+ or Expat\nLicense: ISC\n", "(GPL-2.0-or-later OR MIT) AND ISC"));
    CHECK(gives(F "License: BSD-3-clause and Zlib, and MPL-2.0\n",
                "BSD-3-Clause AND Zlib AND MPL-2.0"));
    CHECK(gives(F "License: GPL-3+ with GCC exception\n", "LicenseRef-GPL-3-with-GCC-exception"));
    CHECK(gives(F "License: public-domain\nLicense:\n", "LicenseRef-public-domain"));
    CHECK(gives("See `/usr/share/common-licenses/GPL-2'. Or\n/usr/share/common-licenses/Artistic.",
                "Artistic-1.0-Perl AND GPL-2.0-only"));
    CHECK(gives(F "License: and or\n", "LicenseRef-and-or"));
    CHECK(gives(F "License: GPL-\nLicense: GPL-2x", "LicenseRef-GPL AND LicenseRef-GPL-2x"));
    CHECK(gives("License: Permission is hereby granted, free of charge, to any\nperson …", "MIT"));
    CHECK(gives("PSF LICENSE AGREEMENT FOR PYTHON 3\n/usr/share/common-licenses/GPL\n",
                "GPL-1.0-or-later AND PSF-2.0"));
    return check_done();
}
