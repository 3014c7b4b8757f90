"""A client of examples/nginx: prints what it sees."""
import socket

from web import PORT, connect, digest, show, together

tag = None
connection = connect()
for path in ("/", "/index.html", "/data/numbers.csv", "/data", "/nothing", "/moved", "/private/x", "/list/", "/big.bin"):
    show("GET", path, connection=connection)  # all on one connection
connection.request("GET", "/data/numbers.csv")
answer = connection.getresponse()
answer.read()
tag = answer.headers["ETag"]
show("GET", "/data/numbers.csv", headers={"If-None-Match": tag})
show("GET", "/data/numbers.csv", headers={"Range": "bytes=100-199"})
show("GET", "/data/numbers.csv", headers={"Range": "bytes=0-9,-10"})
show("GET", "/data/numbers.csv", headers={"Range": "bytes=1000000-"})
show("GET", "/data/numbers.csv", headers={"Accept-Encoding": "gzip"})
show("HEAD", "/data/numbers.csv")
show("POST", "/index.html", body=b"x" * 100_000)
show("GET", "/" + "x" * 20_000)
together(32, "GET", "/data/numbers.csv")
together(4, "GET", "/big.bin")

with socket.create_connection(("127.0.0.1", PORT), timeout=60) as pipelined:
    pipelined.sendall(b"GET /index.html HTTP/1.1\r\nHost: x\r\n\r\n" * 20 + b"GET / HTTP/1.0\r\n\r\n")
    got = b""
    while part := pipelined.recv(65536):
        got += part
print("pipelined:", got.count(b"HTTP/1.1 200 OK"), digest(got.rpartition(b"\r\n\r\n")[2]))
