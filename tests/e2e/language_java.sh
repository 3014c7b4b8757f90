#!/bin/sh
# examples/java: the same in the guest as on Linux.
. "$(dirname "$0")/language.sh"
language java

# The authorities that TLS trusts, in Java's own store.
cat > Trust.java <<'J'
import java.security.KeyStore;
import javax.net.ssl.*;
public class Trust {
    public static void main(String[] words) throws Exception {
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        factory.init((KeyStore) null);
        System.out.println(((X509TrustManager) factory.getTrustManagers()[0]).getAcceptedIssuers().length);
        KeyStore store = KeyStore.getInstance("JKS");
        store.load(new java.io.FileInputStream("/etc/ssl/certs/java/cacerts"), "changeit".toCharArray());
        System.out.println(store.size());
    }
}
J
try pkg load java Trust.java
count=$(grep -c BEGIN root/etc/ssl/certs/ca-certificates.crt)
ok "java trusts ca-certificates' authorities, in a store that is whole" is "$(cat out)" "$count
$count"
finish
