"""A client of examples/node-http: prints what it sees."""
from web import connect, show, together

connection = connect()
print(show("GET", "/", connection=connection).decode())
show("GET", "/nothing", connection=connection)
big = bytes(range(256)) * 16_000
print(show("POST", "/digest", big, connection=connection).decode())
show("POST", "/echo", big, connection=connection)
show("GET", "/numbers", connection=connection)
show("GET", "/slow", connection=connection)
connection.close()
show("GET", "/numbers", headers={"Accept-Encoding": "gzip"})
show("POST", "/digest", iter([b"part " * 1000] * 50))  # in chunks
together(16, "GET", "/numbers")
together(8, "POST", "/echo", big[:300_000])
