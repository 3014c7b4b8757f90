"""Asks a server over TLS by urllib and by requests; its certificate must be good for its name.

client.py URL [CERTIFICATE], the authority's; else those that Debian trusts."""
import hashlib
import ssl
import sys
import urllib.error
import urllib.request

import requests

url, *given = sys.argv[1:]
authority = given[0] if given else None

context = ssl.create_default_context(cafile=authority)
with urllib.request.urlopen(url, context=context, timeout=30) as answer:
    body = answer.read()
    print("urllib:", answer.status, len(body), hashlib.sha256(body).hexdigest()[:16])

session = requests.Session()
session.verify = authority or True
for _ in range(3):  # one connection for all
    answer = session.get(url, timeout=30)
    print("requests:", answer.status_code, len(answer.content), hashlib.sha256(answer.content).hexdigest()[:16])
answer = session.post(url, data=b"x" * 1_000_000, timeout=30)
print("requests, a megabyte up:", answer.status_code, answer.text.strip())

try:
    urllib.request.urlopen(url, timeout=30)
    print("without the certificate: accepted")
except urllib.error.URLError as error:
    print("without the certificate:", getattr(error.reason, "verify_message", error.reason))
