/* Which entries of an apt configuration are Debian's own. */
// UNIT: host/pkg/sources.c host/base/error.c host/base/buf.c host/base/path.c host/base/io.c
// UNIT: host/base/fresh.c host/base/escape.c
#include <string.h>

#include "host/pkg/sources.h"
#include "tests/harness/check.h"

#define OUT(uri, suites, components)                                                               \
    "Types: deb\nURIs: " uri "\nSuites: " suites "\nComponents: " components                       \
    "\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n"

static bool line_gives(const char *line, const char *want)
{
    struct buf out = {0};
    bool taken = sources_take_line(line, &out);
    bool same = want ? taken && out.data && strcmp(out.data, want) == 0 : !taken && !out.size;
    buf_clear(&out);
    return same;
}

static bool stanza_gives(const char *stanza, const char *want)
{
    struct buf out = {0};
    bool taken = sources_take_stanza(stanza, &out);
    bool same = want ? taken && out.data && strcmp(out.data, want) == 0 : !taken && !out.size;
    buf_clear(&out);
    return same;
}

static void check_lines(void)
{
    CHECK(line_gives("deb http://a.example/debian bookworm main contrib",
                     OUT("http://a.example/debian", "bookworm", "main contrib")));
    CHECK(line_gives("  deb\t[ arch=amd64 ] http://a.example/debian bookworm-updates main # x",
                     OUT("http://a.example/debian", "bookworm-updates", "main ")));
    CHECK(line_gives("deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
                     "http://a.example/d own-suite main",
                     OUT("http://a.example/d", "own-suite", "main")));
    CHECK(line_gives("deb-src http://a.example/debian bookworm main", NULL));
    CHECK(line_gives("# deb http://a.example/debian bookworm main", NULL));
    CHECK(line_gives("deb http://b.example/linux/debian bookworm stable", NULL));
    CHECK(line_gives("deb http://b.example/apt nodistro main", NULL));
    CHECK(line_gives("deb http://b.example/apt bookworm-pgdg main", NULL));
    CHECK(line_gives("deb [signed-by=/etc/apt/keyrings/other.gpg] http://b.example bookworm main",
                     NULL));
    CHECK(line_gives("deb", NULL));
    CHECK(line_gives("deb [", NULL));
    CHECK(line_gives("", NULL));
}

static void check_stanzas(void)
{
    CHECK(stanza_gives("Types: deb deb-src\n# a comment\nURIs: http://a.example/debian\n"
                       "Suites: bookworm\n bookworm-updates\nComponents: main\n"
                       "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n",
                       OUT("http://a.example/debian", "bookworm bookworm-updates", "main")));
    CHECK(stanza_gives("Types: deb\nURIs: http://a.example/debian\nSuites: stable\n"
                       "Components: main\n",
                       OUT("http://a.example/debian", "stable", "main")));
    CHECK(stanza_gives("Types: deb\nURIs: http://a.example/debian\nSuites: bookworm\n"
                       "Components: main\nEnabled: no\n",
                       NULL));
    CHECK(stanza_gives("Types: deb-src\nURIs: http://a.example/debian\nSuites: bookworm\n"
                       "Components: main\n",
                       NULL));
    CHECK(stanza_gives("Types: deb\nURIs: http://b.example/x\nSuites: nodistro\nComponents: main\n"
                       "Signed-By: /usr/share/keyrings/nodesource.gpg\n",
                       NULL));
    CHECK(stanza_gives("", NULL));
}

int main(void)
{
    check_lines();
    check_stanzas();
    return check_done();
}
