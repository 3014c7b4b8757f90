"""Where a judge's program runs: on this host, confined, or in the guest; and what became of it."""
import os
import pathlib
import signal
import subprocess

TOP = pathlib.Path(__file__).resolve().parent.parent.parent.parent
HERE = TOP / "tests/compat/judges"
KEPT = TOP / "build/compat/judges"
ORRIS = TOP / "build/bin/orris"
UID = 1000
VARIABLES = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/", "LANG": "C.UTF-8"}
# As a user without rights, in namespaces of its own; tmpfs are the only places to write to. Root makes them and steps down;
# somebody else makes them in a user namespace, and an inner one takes the rights in that away again.
LIMITS = ["prlimit", "--as=6000000000", "--nproc=2000", "--core=0", "--cpu=300"]
NAMESPACES = ["--mount", "--pid", "--ipc", "--net", "--uts", "--fork", "--kill-child", "--mount-proc"]
ENTER = r"""
ip link set lo up
{ echo "0 2147483647" || echo "0 0"; } 2> /dev/null > /proc/sys/net/ipv4/ping_group_range
mount -t tmpfs -o size=1g,mode=1777 tmpfs /tmp && mount -t tmpfs -o size=256m,mode=1777 tmpfs /dev/shm &&
    mount -t tmpfs -o mode=1777 tmpfs /var/tmp && mkdir /tmp/judge && tar -x -f - -C /tmp/judge &&
    chmod -R a+rwX /tmp/judge && cd WORKDIR || exit 126
STEP_DOWN --inh-caps=-all --no-new-privs "$@" &
wait $!
"""


def confined(program, files, *, workdir="/tmp", realtime=False):
    """(argv, standard input): the program and its arguments on this host, with the files in /tmp/judge. realtime: as root, with CAP_SYS_NICE alone."""
    bounds = "--bounding-set=-all"
    if os.geteuid() == 0:
        argv = [*LIMITS, "unshare", *NAMESPACES]
        down = f"setpriv --reuid={UID} --regid={UID} --clear-groups"
        if realtime:  # root with one right
            down, bounds = "setpriv", "--bounding-set=-all,+sys_nice"
    else:
        argv = [*LIMITS, "unshare", "--user", "--map-root-user", *NAMESPACES]
        down = f"unshare --user --map-user={UID} --map-group={UID} setpriv"
    variables = [f"{name}={value}" for name, value in VARIABLES.items()]
    argv += ["sh", "-c", ENTER.replace("STEP_DOWN", f"{down} {bounds}").replace("WORKDIR", workdir), "sh", "env", "-i", *variables, *program]
    return argv, subprocess.run(["tar", "-c", "-C", files, "."], check=True, stdout=subprocess.PIPE).stdout


def why_not_confined():
    """What this host lacks for that, or None."""
    argv, given = confined(["true"], HERE)
    ended, output = finish(argv, 20, given)
    return None if ended == 0 else f"no namespaces for a user without rights here: {output.strip()[-200:]}"


def machine(program, files, *, user=UID, workdir="/tmp", flags=()):
    """The same in the guest, with the files in a mount."""
    more = os.environ.get("JUDGES_FLAGS", "--accel tcg --cpus 2").split()
    return [str(ORRIS), "run", "-q", "-m", "2G", "--user", str(user), "--workdir", workdir, "-e", "LANG=C.UTF-8",
            "--mount", f"{files}:/tmp/judge", *more, *flags, *program]


def finish(argv, limit, given=b"", **options):
    """Runs it in a session of its own that ends with it. Returns (how it ended, output): a status, "signal N" or "time limit"."""
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          start_new_session=True, cwd="/", **options) as child:
        try:
            output, _ = child.communicate(given, timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            output, _ = child.communicate()
            return "time limit", output.decode("utf-8", "replace")
    status = child.returncode
    ended = status if status >= 0 else f"signal {-status}"
    if isinstance(ended, int) and ended > 128:
        ended = f"signal {ended - 128}"
    return ended, output.decode("utf-8", "replace")
