"""stress-ng's stressors, one a process or machine: the worker runs in place (inplace.c)."""
import functools
import subprocess

import places

# What a stressor's end means (stress-ng's statuses).
MEANS = {0: "ok", 1: "fail", 2: "fail", 3: "no resource", 4: "not implemented", 5: "signalled", 6: "by exit", 7: "no metrics"}
# It ends after so many operations or seconds. Emulation takes its time.
OPERATIONS, HOST_SECONDS, GUEST_SECONDS = 20, 3, 6
HOST_LIMIT, GUEST_LIMIT = 20, 240
MORE = {"iomix": ["--iomix-bytes", "16M"]}  # fewer than the host's tmpfs has


def names():
    listed = subprocess.run(["stress-ng", "--stressors"], check=True, stdout=subprocess.PIPE, text=True)
    return listed.stdout.split()


@functools.cache
def files():
    folder = places.KEPT / "stress"
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["gcc", "-std=gnu17", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-fPIC", "-shared",
                    "-o", str(folder / "inplace.so"), str(places.HERE / "inplace.c")], check=True)
    return folder


def command(stressor, seconds):
    return ["stress-ng", "--temp-path", "/tmp", "--no-rand-seed", "--oomable", "--verify", "-t", str(seconds),
            f"--{stressor}", "1", f"--{stressor}-ops", str(OPERATIONS), *MORE.get(stressor, [])]


def why(output):
    """The line that tells what failed."""
    lines = [line for line in output.splitlines() if "fail:" in line or "error:" in line] or output.splitlines()[-1:]
    return lines[0].strip() if lines else ""


def on_host(stressor):
    """(outcome, why). Who needs a second process at the same time hangs or crashes in place: then this is no judge."""
    program = ["env", "LD_PRELOAD=/tmp/judge/inplace.so", *command(stressor, HOST_SECONDS)]
    argv, given = places.confined(program, files())
    ended, output = places.finish(argv, HOST_LIMIT, given)
    return (MEANS[ended] if ended in MEANS else "left out"), f"{ended}: {why(output)}"


def in_guest(stressor, user=places.UID):
    argv = places.machine(command(stressor, GUEST_SECONDS), files(), user=user, flags=["-e", "LD_PRELOAD=/tmp/judge/inplace.so"])
    ended, output = places.finish(argv, GUEST_LIMIT)
    if ended in (124, 125, "time limit"):
        return {124: "panic", 125: "no machine"}.get(ended, ended), output[-2000:]
    return (MEANS[ended] if ended in MEANS else str(ended)), f"{ended}: {why(output)}"
