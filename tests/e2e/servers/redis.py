"""A client of redis-server by redis-cli: prints what it sees."""
import subprocess
import sys

PORT = sys.argv[1]
COMMANDS = """
PING
SET greeting "good morning"
APPEND greeting ", iris"
GET greeting
STRLEN greeting
INCRBY count 41
INCR count
RPUSH list a b c d
LRANGE list 1 -2
HSET flower name iris petals 3
HGETALL flower
ZADD scores 3 rose 1 iris 2 lily
ZRANGE scores 0 -1 WITHSCORES
EXPIRE count 100
TTL count
EVAL "local t = 0 for i = 1, 1000 do t = t + i end return t" 0
MULTI
INCR count
INCR count
EXEC
XADD stream 1-1 field value
XRANGE stream - +
GEOADD places 13.36 38.11 Palermo 15.08 37.50 Catania
GEODIST places Palermo Catania km
SETRANGE big 5000000 x
STRLEN big
DBSIZE
NOSUCH command
LPUSH greeting x
CONFIG GET maxclients
FLUSHALL
DBSIZE
"""


def cli(*arguments, text=""):
    done = subprocess.run(["redis-cli", "-p", PORT, *arguments], input=text, capture_output=True, text=True, timeout=120)
    return done.stdout + done.stderr


print(cli(text=COMMANDS))
pipe = "".join(f"*3\r\n$3\r\nSET\r\n${len(str(n)) + 1}\r\nk{n}\r\n$100\r\n{'x' * 100}\r\n" for n in range(20000))
print(cli("--pipe", text=pipe))
print(cli("DBSIZE"))
subscriber = subprocess.Popen(
    ["redis-cli", "-p", PORT, "SUBSCRIBE", "news"], stdout=subprocess.PIPE, text=True
)  # fmt: skip
for _ in range(3):
    print(subscriber.stdout.readline().strip())
print(cli("PUBLISH", "news", "it blooms"))
for _ in range(3):
    print(subscriber.stdout.readline().strip())
subscriber.terminate()

# Every test there is, from 50 clients at a time; what counts here is that each ends without an error.
for flags in ([], ["-P", "16"]):
    done = subprocess.run(
        ["redis-benchmark", "-p", PORT, "-n", "2000", "--csv", *flags], capture_output=True, text=True, timeout=300
    )  # fmt: skip
    print([line.split(",")[0] for line in done.stdout.splitlines()], done.returncode, done.stderr)
