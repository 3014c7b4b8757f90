#!/bin/bash
# What libraries open by themselves: converters, name services, certificates.
. "$(dirname "$0")/tap.sh"
needs python gcc
unset SSL_CERT_FILE SSL_CERT_DIR

same() { # NAME COMMAND…
    name=$1
    shift
    "$@" > host.out 2> host.err
    expected=$?
    try run -q -i e2e-glibc "$@"
    ok "$name" cmp out host.out
    ok "$name: status" is "$status" $expected
}

cat > convert.c <<'C'
#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <string.h>
static void convert(const char *to, const char *from, const char *text)
{
    char in[64], out[256] = "";
    strcpy(in, text);
    char *a = in, *b = out;
    size_t left = strlen(in), room = sizeof(out) - 1;
    iconv_t c = iconv_open(to, from);
    if (c == (iconv_t)-1) {
        printf("%s %s: %s\n", from, to, strerror(errno));
        return;
    }
    printf("%s %s: %zu ", from, to, iconv(c, &a, &left, &b, &room));
    for (const unsigned char *at = (unsigned char *)out; *at; at++)
        printf("%02x", *at);
    puts("");
    iconv_close(c);
}
int main(void)
{
    convert("UTF-8", "ISO-8859-2", "\xb1\xe6\xea");
    convert("EUC-JP", "UTF-8", "\xe6\x97\xa5\xe6\x9c\xac");
    convert("ASCII//TRANSLIT", "UTF-8", "\xc3\xa4\xe2\x82\xac");
    convert("UTF-8", "NO-SUCH-SET", "x");
    return 0;
}
C
cat > service.c <<'C'
#include <netdb.h>
#include <stdio.h>
#include <arpa/inet.h>
int main(void)
{
    struct servent *s = getservbyname("https", "tcp");
    struct protoent *p = getprotobyname("udp");
    printf("%d %d\n", s ? ntohs((unsigned short)s->s_port) : -1, p ? p->p_proto : -1);
    return 0;
}
C
cat > zone.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int main(void)
{
    const char *zones[] = {"Europe/Berlin", "America/New_York", "Asia/Kolkata"};
    time_t t = 1700000000;
    for (int i = 0; i < 3; i++) {
        char text[64];
        setenv("TZ", zones[i], 1);
        strftime(text, sizeof(text), "%F %T %Z", localtime(&t));
        puts(text);
    }
    return 0;
}
C
gcc convert.c -o convert && gcc service.c -o service && gcc zone.c -o zone
same "iconv() finds its converters" ./convert
same "services and protocols by name" ./service
same "clock zones that the program sets itself" ./zone

cat > trust.py <<'P'
import ssl
print(ssl.get_default_verify_paths(), ssl.create_default_context().cert_store_stats())
P
same "TLS trusts the same certificates" "$python" trust.py
"$ORRIS" image ls e2e-glibc /etc/ssl > out 2> err
ok "no private keys are in the image" not has out private
"$ORRIS" why e2e-glibc /etc/ssl/openssl.cnf > out 2> err
ok "and the reason is told" has out "trusted by TLS"

cat > terminal.py <<'P'
import curses, sys
curses.setupterm(sys.argv[1])
print(curses.tigetnum("colors"), curses.tigetstr("clear"))
P
same "curses knows a terminal" "$python" terminal.py xterm-256color
same "curses knows the console" "$python" terminal.py linux

export LANG=C.UTF-8 LANGUAGE=fr:de
same "messages are in the user's language" "$(command -v ls)" /nowhere
if LC_ALL=C ls /nowhere 2>&1 | cmp -s - host.err; then
    echo "# this host has no translations of ls: the test before shows nothing"
fi
ok "standard error is the host's" cmp host.err err
unset LANGUAGE

echo 'int main(void) { return 0; }' > plain.c
gcc plain.c -o plain
try build -i e2e-glibc ./plain
"$ORRIS" image ls e2e-glibc /etc/services > out 2> err
ok "a program that can't use them has none" not grep -q services out
finish
