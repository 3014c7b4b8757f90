#!/bin/bash
# The host's Java: its parts are found beside the launcher; a class path brings its files.
. "$(dirname "$0")/tap.sh"
java=$(command -v java) || skip_all "no java on this host (the package's is tested by language_java.sh)"
TIME_LIMIT=300
cat > Hello.java <<'J'
public class Hello {
    public static void main(String[] words) throws Exception {
        System.out.println(System.getProperty("java.version") + " " + System.getProperty("java.home"));
        System.out.println(Hello.class.getResource("/data.txt") != null);
        System.err.println(String.join(" ", words));
        System.exit(3);
    }
}
J
mkdir -p one two
echo data > two/data.txt
if command -v javac > log; then
    javac -d one Hello.java
    set -- -cp one:two Hello a b
else
    set -- -cp one:two Hello.java a b
fi
"$java" "$@" > host.out 2> host.err
expected=$?
try run "$java" "$@"
program_err > shown
ok "the same output" cmp host.out out
ok "the same on standard error" cmp host.err shown
ok "the same status" is "$status" $expected
finish
