"""A client of Python's http.server: prints what it sees."""
from web import show, together

show("GET", "/")
show("GET", "/text.txt")
show("HEAD", "/text.txt")
show("GET", "/nothing")
show("GET", "/folder")
show("GET", "/folder/")
show("GET", "/big.bin")
show("GET", "/text.txt", headers={"If-Modified-Since": "Wed, 01 Jan 2098 00:00:00 GMT"})
show("POST", "/", body=b"x")
together(16, "GET", "/text.txt")
