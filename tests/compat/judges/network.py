"""iperf3 and netperf between this host and the guest, both ways; the oracle is the host over its loopback."""
import contextlib
import json
import os
import signal
import socket
import subprocess
import time

import places
import programs

LIMIT = 60
HOST_ADDRESS = "10.0.2.2"  # of this host's loopback, from the guest
NETPERF = "netperf=2.7.0-0.1"
BYTES = 4 << 20
IPERF = {"tcp": ["-n", str(BYTES)], "tcp back": ["-n", str(BYTES), "-R"], "tcp 4 at once": ["-n", str(BYTES), "-P", "4"],
         "udp": ["-u", "-b", "5M", "-n", "1M"], "udp back": ["-u", "-b", "5M", "-n", "1M", "-R"]}
NETPERF_TESTS = ["TCP_STREAM", "TCP_MAERTS", "TCP_RR", "TCP_CRR", "UDP_RR"]


def names():
    for side in "guest serves", "guest asks":
        yield from (f"iperf3 {test}, {side}" for test in IPERF)
        yield from (f"netperf {test}, {side}" for test in NETPERF_TESTS)


def free_port():
    """A port that neither TCP nor UDP has here."""
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            with contextlib.suppress(OSError):
                udp.bind(tcp.getsockname())
                return tcp.getsockname()[1]


@contextlib.contextmanager
def serving(argv, ready):
    """The server runs meanwhile; it is ready when it listens, which a machine's says in a line."""
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          start_new_session=True) as server:
        try:
            line = ""
            while ready not in line:
                line = server.stdout.readline().decode()
                if not line:
                    raise OSError(f"{argv[0]} doesn't serve")
            time.sleep(0.3)  # it says so and listens then
            yield server
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)


def folder():
    return places.KEPT / "network"


def machine(program, ports=()):
    folder().mkdir(parents=True, exist_ok=True)
    flags = [flag for port in ports for flag in ("-p", str(port), "-p", f"{port}/udp")]
    return places.machine(program, folder(), flags=flags)


def judge_iperf(output):
    report = json.loads(output[output.index("{"):])
    if report.get("error"):
        return report["error"], ""
    end = report["end"]
    if "sum" in end:
        udp = end["sum"]
        whole = udp["packets"] > 0 and udp["lost_packets"] * 5 <= udp["packets"]
        return f"datagrams {'arrive' if whole else 'are lost'}", f"{udp['lost_packets']} of {udp['packets']} lost"
    sent, rate = end["sum_sent"]["bytes"], end["sum_received"]["bits_per_second"]
    return ("all sent" if sent >= BYTES else f"{sent} bytes sent"), f"{rate / 1e6:.0f} Mbit/s"


def judge_netperf(output):
    lines = [line.split() for line in output.splitlines()]
    numbers = [line for line in lines if len(line) >= 5 and all(word.replace(".", "").isdigit() for word in line)]
    if not numbers:
        return "no figure: " + output[-200:], ""
    return ("works" if float(numbers[0][-1]) > 0 else "nothing moved"), numbers[0][-1]


def run(name, where):
    """(outcome, figure): where "host", both ends are on it."""
    what, side = name.split(", ")
    tool, test = what.split(" ", 1)
    control, data = free_port(), free_port()
    if tool == "iperf3":
        server = ["iperf3", "-s", "-4", "--forceflush", "-p", str(control)]
        client = ["iperf3", "-J", "-4", "-p", str(control), *IPERF[test], "-c"]
        judge, ready, ports = judge_iperf, "----", [control]
    else:
        at = programs.fetched(NETPERF, "--binary") + "/usr/bin/"
        server = [at + "netserver", "-D", "-f", "-4", "-p", str(control)]
        client = [at + "netperf", "-4", "-p", str(control), "-l", "1", "-t", test, "--", "-P", f"0,{data}"]
        client[1:1] = ["-H"]
        judge, ready, ports = judge_netperf, "Starting netserver", [control, data]
    in_guest = where == "guest"
    address = HOST_ADDRESS if in_guest and side == "guest asks" else "127.0.0.1"
    if tool == "iperf3":
        client.append(address)
    else:
        client.insert(2, address)
    if in_guest and side == "guest serves":
        server = machine(server, ports)
    elif in_guest:
        client = machine(client)
    try:
        with serving(server, ready):
            ended, output = places.finish(client, LIMIT)
    except OSError as error:
        return str(error), ""
    if ended != 0:
        return {124: "panic"}.get(ended, f"ended with {ended}"), output.strip()[-300:]
    return judge(output)
