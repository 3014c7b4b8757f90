/* Licences in the copyright files of Debian's packages. */
#pragma once

/* The licences that the text of a copyright file names, as an SPDX expression: "GPL-2.0-or-later
 * AND MIT". Names that SPDX doesn't know become "LicenseRef-NAME". Owned by the caller; NULL if it
 * names none. */
char *copyright_licences(const char *text);
