"""stress-ng's stressors, one a process or machine: the worker runs in place (inplace.c), its children beside it (inthread.c)."""
import functools
import subprocess
import threading

import places

# What a stressor's end means (stress-ng's statuses; 5: its time was over).
MEANS = {0: "ok", 1: "fail", 2: "fail", 3: "no resource", 4: "not implemented", 5: "ok", 6: "by exit", 7: "no metrics"}
# It ends after so many operations or seconds. Emulation takes its time.
OPERATIONS, HOST_SECONDS, GUEST_SECONDS = 20, 3, 6
HOST_LIMIT, GUEST_LIMIT = 20, 240
LEFT_OUT = "left out"
CHILD = "a child begins"  # inthread.c says so
MORE = {"iomix": ["--iomix-bytes", "16M"]}  # fewer than the host's tmpfs has


def names():
    listed = subprocess.run(["stress-ng", "--stressors"], check=True, stdout=subprocess.PIPE, text=True)
    return listed.stdout.split()


MAKING = threading.Lock()


def files():
    with MAKING:  # or one takes what another makes
        return made()


@functools.cache
def made():
    folder = places.KEPT / "stress"
    folder.mkdir(parents=True, exist_ok=True)
    for name in "inplace", "inthread":
        subprocess.run(["gcc", "-std=gnu17", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-fPIC", "-shared",
                        "-o", str(folder / f"{name}.so"), str(places.HERE / f"{name}.c")], check=True)
    return folder


def command(stressor, seconds):
    return ["stress-ng", "--temp-path", "/tmp", "--no-rand-seed", "--oomable", "--verify", "-t", str(seconds),
            f"--{stressor}", "1", f"--{stressor}-ops", str(OPERATIONS), *MORE.get(stressor, [])]


def why(output):
    """The line that tells what failed."""
    lines = [line for line in output.splitlines() if "fail:" in line or "error:" in line] or output.splitlines()[-1:]
    return lines[0].strip() if lines else ""


def outcome(ended, output):
    """What became of it, or None: none of its statuses. It is 0 also when it did nothing, or told of failures and went on."""
    means = MEANS.get(ended)
    if means == "ok" and "No stress workers invoked" in output:
        return "skipped"
    return "tells of failures" if means == "ok" and "fail:" in output else means


def preloaded(how):
    return f"LD_PRELOAD=/tmp/judge/{how}.so"


def on_host(stressor, how="inplace"):
    """(outcome, why). Who needs a second process at the same time hangs or crashes in place: then this is no judge."""
    program = ["env", preloaded(how), f"JUDGE_SECONDS={HOST_SECONDS}", *command(stressor, HOST_SECONDS)]
    argv, given = places.confined(program, files())
    ended, output = places.finish(argv, HOST_LIMIT, given)
    if how == "inthread" and CHILD not in output:
        return LEFT_OUT, "it has no child"
    return outcome(ended, output) or LEFT_OUT, f"{ended}: {why(output)}"


def in_guest(stressor, user=places.UID, how="inplace"):
    argv = places.machine(command(stressor, GUEST_SECONDS), files(), user=user, flags=["-e", preloaded(how), "-e", f"JUDGE_SECONDS={GUEST_SECONDS}"])
    ended, output = places.finish(argv, GUEST_LIMIT)
    if ended in (124, 125, "time limit"):
        return {124: "panic", 125: "no machine"}.get(ended, ended), output[-2000:]
    return outcome(ended, output) or str(ended), f"{ended}: {why(output)}"
