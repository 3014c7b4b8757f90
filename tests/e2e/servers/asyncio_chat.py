"""Clients of examples/asyncio: prints what they see. Ports of TCP and UDP; the last argument is a
command that ends the server."""
import socket
import subprocess
import sys

tcp, udp = int(sys.argv[1]), int(sys.argv[2])


class Person:
    def __init__(self, name):
        self.socket = socket.create_connection(("127.0.0.1", tcp), timeout=60)
        self.lines = self.socket.makefile("r")
        self.say(name)

    def say(self, text):
        self.socket.sendall(f"{text}\n".encode())

    def hears(self):
        return self.lines.readline().strip()


iris = Person("iris")
print(iris.hears())
rose = Person("rose")
print(rose.hears(), "|", iris.hears())
again = Person("rose")
print(again.hears(), again.hears() == "")
iris.say("good morning")
print(rose.hears())
rose.say("x" * 60_000)
print(len(iris.hears()))
crowd = [Person(f"guest{n}") for n in range(50)]
print(len({one.hears() for one in crowd}), [iris.hears() for _ in range(50)][-1])
for one in crowd:
    one.socket.shutdown(socket.SHUT_WR)  # half closed: what is left to hear still comes
    while one.hears():
        pass
left = [iris.hears() for _ in range(50)]
print(left[-1])

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as clock:
    clock.settimeout(60)
    clock.connect(("127.0.0.1", udp))
    for text in (b"abc", b"", b"x" * 1400):
        clock.send(text)
        got = clock.recv(65536)
        print(got[:20], len(got))

subprocess.run(sys.argv[3:], check=True)
rest = iris.lines.read().splitlines()
print(rest[-1])
