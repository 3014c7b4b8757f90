"""A client of examples/flask: prints what it sees."""
from web import show, together

show("GET", "/")
form = {"Content-Type": "application/x-www-form-urlencoded"}
print(show("POST", "/", "note=cut+them+%26+dry+them", form).decode())
show("POST", "/", "note=", form)
print(show("GET", "/notes/1").decode())
show("GET", "/notes/7")
show("GET", "/notes/x")
show("PUT", "/")
show("GET", "/stream")
show("GET", "/fault")
print(show("POST", "/upload", bytes(range(256)) * 12_000).decode())
together(16, "GET", "/")
together(8, "POST", "/upload", b"x" * 100_000)
