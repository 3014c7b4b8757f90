"""The service under test: a program on this host, or the same in a machine of its own."""
import http.client
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

from stores import free_port
from tap import LIMIT, wait_until

TOP = Path(__file__).parents[3]
PROGRAMS = {
    "service": ["/usr/bin/python3", str(TOP / "examples/iris-service/iris_service.py")],
    "native": [str(TOP / "build/examples/iris-native/iris-native")],
}
HOST_SEEN_FROM_GUEST = "10.0.2.2"
STARTING = 300  # seconds that a slow machine may take to boot and import


class Subject:
    def __init__(self, kind, guest):
        self.kind, self.guest, self.process, self.port = kind, guest, None, None
        self.log, self.flags = Path("service.log"), []

    def command(self, settings):
        program = PROGRAMS[self.kind]
        if not self.guest:
            own = {"IRIS_PORT": str(self.port), "PYTHONDONTWRITEBYTECODE": "1"}
            return program, {**os.environ, **settings, **own}
        flags = [*self.flags, "--accel", os.environ.get("ORRIS_ACCEL", "tcg"), "-i", f"e2e-iris-{self.kind}", "-c", self.configure()]
        for name, value in settings.items():
            flags += ["-e", f"{name}={value}"]
        verb = ["run", *flags, *program] if self.kind == "native" else ["pkg", "load", "python", *flags]
        return [os.environ["ORRIS"], *verb], dict(os.environ)

    def configure(self):
        """The example's own config.json, but for the port of this host."""
        shutil.copytree(TOP / f"examples/iris-{self.kind}", "example", dirs_exist_ok=True)
        path = Path("example/config.json")
        configuration = json.loads(path.read_text())
        configuration["RunConfig"]["Ports"] = [f"{self.port}:8080"]
        path.write_text(json.dumps(configuration))
        return str(path)

    def memory_mib(self):
        """Of the machine, as the example's config.json has it."""
        return int(json.loads(Path("example/config.json").read_text())["RunConfig"]["Memory"].rstrip("M"))

    def url_of_store(self, port):
        return f"http://{HOST_SEEN_FROM_GUEST if self.guest else '127.0.0.1'}:{port}/iris.csv"

    def start(self, store_port, **settings):
        """Runs it and waits until it answers."""
        self.port = free_port()
        preset = {"IRIS_REFRESH": "0.2", "IRIS_PATIENCE": "2"}
        settings = {"IRIS_STORE": self.url_of_store(store_port), **preset, **settings}
        command, environment = self.command(settings)
        self.process = subprocess.Popen(command, env=environment, stderr=self.log.open("ab"))
        wait_until("the service to listen", self.listens, STARTING)

    def listens(self):
        if self.process.poll() is not None:
            raise ChildProcessError(f"ended with {self.process.returncode}:\n{self.log.read_text()[-2000:]}")
        try:
            return self.ask("GET", "/health")
        except OSError:
            return None

    def connect(self, timeout=LIMIT):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def ask(self, method, path, body=None, **headers):
        """Status, value of the JSON or text, and headers of one answer."""
        connection = self.connect()
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        is_json = answer.getheader("Content-Type", "").startswith("application/json")
        return answer.status, json.loads(text) if is_json and text else text.decode(), answer.headers

    def health(self):
        return self.ask("GET", "/health")[1]

    def predict(self, samples):
        return self.ask("POST", "/predict", json.dumps(samples))

    def refreshes(self, result):
        return self.health()["refreshes"].get(result, 0)

    def failures(self, kind=None):
        """How often the store gave nothing, in that way or in any."""
        counts = self.health()["refreshes"]
        kinds = [kind] if kind else ["unreachable", "status", "incomplete", "too_large"]
        return sum(counts.get(one, 0) for one in kinds)

    def wait_for(self, result, beyond):
        wait_until(f"a refresh that is {result}", lambda: self.refreshes(result) > beyond)

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def stop(self):
        """Its exit status after SIGTERM."""
        self.signal()
        return self.process.wait(LIMIT)
