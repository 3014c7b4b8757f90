"""What is counted, in Prometheus's text format."""
import threading
from collections import Counter
from pathlib import Path

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


def escaped(value):
    return str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def line(name, labels, value):
    inside = ",".join(f'{key}="{escaped(text)}"' for key, text in labels.items())
    return f"{name}{{{inside}}} {value}\n" if inside else f"{name} {value}\n"


def family(name, kind, text, samples):
    lines = "".join(line(name, labels, value) for labels, value in samples)
    return f"# HELP {name} {text}\n# TYPE {name} {kind}\n{lines}"


def resident_bytes():
    for row in Path("/proc/self/status").read_text().splitlines():
        if row.startswith("VmRSS:"):
            return int(row.split()[1]) * 1024
    return 0


class Counts:
    """Counters by label, and how long requests took."""

    def __init__(self):
        self.lock = threading.Lock()
        self.requests, self.refreshes, self.predictions = Counter(), Counter(), Counter()
        self.slots, self.seconds = [0] * (len(BUCKETS) + 1), 0.0

    def request(self, route, code, seconds):
        with self.lock:
            self.requests[route, code] += 1
            self.seconds += seconds
            self.slots[sum(seconds > bound for bound in BUCKETS)] += 1

    def refresh(self, result):
        with self.lock:
            self.refreshes[result] += 1

    def predicted(self, names):
        with self.lock:
            self.predictions.update(names)

    def histogram(self):
        name, total = "iris_request_seconds", 0
        text = f"# HELP {name} Time from a request's headers to its answer.\n# TYPE {name} histogram\n"
        for bound, slot in zip((*BUCKETS, "+Inf"), self.slots):
            total += slot
            text += line(name + "_bucket", {"le": bound}, total)
        return text + line(name + "_sum", {}, self.seconds) + line(name + "_count", {}, total)

    def text(self):
        with self.lock:
            requests = [({"route": r, "code": c}, n) for (r, c), n in sorted(self.requests.items())]
            refreshes = [({"result": r}, n) for r, n in sorted(self.refreshes.items())]
            predictions = [({"class": c}, n) for c, n in sorted(self.predictions.items())]
            return (
                family("iris_requests_total", "counter", "Requests answered.", requests)
                + self.histogram()
                + family("iris_predictions_total", "counter", "Samples classified.", predictions)
                + family("iris_refreshes_total", "counter", "Times the store was asked.", refreshes)
            )


def of_model(model):
    describe = family("iris_model_info", "gauge", "The model that serves.", [({"version": model.version}, 1)])
    trained = model.trained.timestamp()
    sizes = [({"set": "train"}, len(model.data.train.y)), ({"set": "test"}, len(model.data.test.y))]
    return (
        describe
        + family("iris_model_trained_timestamp_seconds", "gauge", "When it was trained.", [({}, trained)])
        + family("iris_model_accuracy", "gauge", "Its share of right answers on the test set.", [({}, model.accuracy)])
        + family("iris_model_samples", "gauge", "Samples in the data.", sizes)
    )


def of_process(connections):
    memory = [({}, resident_bytes())]
    return family("iris_connections", "gauge", "Open connections.", [({}, connections)]) + family(
        "process_resident_memory_bytes", "gauge", "Resident memory.", memory
    )
