"""Classifies irises over HTTP with a model that is trained at the start and again whenever the data
in the store has changed. Settings come from the environment; README.md lists them."""
import os
import signal
import sys
import threading

import data
from metrics import Counts
from model import Model
from store import Failed, Store
from web import Server


def setting(name, kind, default, low, high):
    text = os.environ.get(name, default)
    try:
        value = kind(text)
        if low <= value <= high:
            return value
    except ValueError:
        pass
    sys.exit(f'iris: {name} is "{text}", not a number from {low} to {high}')


def say(text):
    print(f"iris: {text}", file=sys.stderr, flush=True)


class Service:
    """The model that serves, and how the last look into the store went."""

    def __init__(self, store, least_accuracy):
        self.store, self.least_accuracy = store, least_accuracy
        self.counts, self.model, self.last = Counts(), None, "the store was not asked yet"
        self.seen = None  # what the store sent last, be it good or not
        self.failing = False

    def refresh(self):
        """Asks the store once. Whatever comes, the model that serves goes on until a better one is
        whole; then one assignment puts that in its place."""
        result, text, failing = "unchanged", "", False
        try:
            result, text = self.take(self.store.fetch())
        except data.Refused as error:
            result, text = error.reason, str(error)
        except Failed as error:
            result, text, failing = error.reason, str(error), True
        except Exception as error:  # a fault in here must not end the refreshing
            result, text = "error", f"{type(error).__name__}: {error}"
        self.counts.refresh(result)
        self.tell(result, text, failing)

    def tell(self, result, text, failing):
        """Logs news once, not again each time the store is asked."""
        text = "".join(c if c.isprintable() else "?" for c in text[:200])
        news = f"{result}: {text}"
        if self.failing and not failing:
            say("the store answers again")
        if text and not (failing and self.failing and news == self.last):
            say(news)
        self.failing = failing
        self.last = news if text else self.last

    def take(self, body):
        if body is None or body == self.seen:
            return "unchanged", ""
        self.seen = body
        model = Model(data.parse(body), body)
        lost = set(self.model.data.classes if self.model else ()) - set(model.data.classes)
        if lost:
            raise data.Refused("shape", f"{min(lost)} is no longer in the data")
        if model.accuracy < self.least_accuracy:
            raise data.Refused("worse", f"accuracy {model.accuracy:.3f}, and {self.least_accuracy} is the least")
        self.model = model
        return "swapped", f"model {model.version}, {len(model.data.train.y)} samples, accuracy {model.accuracy:.3f}"

    def refresh_forever(self, seconds):
        pause = threading.Event()
        tries = 0
        while True:
            self.refresh()
            tries += 1
            pause.wait(seconds if self.model else min(seconds, 2**tries))

    def health(self):
        return {
            "status": "ok" if self.model else "no model",
            "model": self.model.version if self.model else None,
            "refreshes": dict(self.counts.refreshes),
            "last": self.last,
        }


def main():
    port = setting("IRIS_PORT", int, "8080", 0, 65535)
    seconds = setting("IRIS_REFRESH", float, "30", 0.05, 86400)
    least_accuracy = setting("IRIS_LEAST_ACCURACY", float, "0.8", 0, 1)
    patience = setting("IRIS_PATIENCE", float, "10", 0.1, 3600)
    idle = setting("IRIS_IDLE", float, "60", 0.1, 86400)
    try:
        store = Store(os.environ.get("IRIS_STORE", ""), patience)
    except ValueError as error:
        sys.exit(f"iris: IRIS_STORE, the URL of the training data: {error}")

    # Every thread inherits this: the signals wait for sigwait below.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    threading.stack_size(512 << 10)
    service = Service(store, least_accuracy)
    server = Server(("", port), service, idle)
    threading.Thread(target=service.refresh_forever, args=[seconds], daemon=True).start()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    say(f"serving on port {server.server_address[1]}, data from {store.url}")
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    server.drain()
    say("ended")


if __name__ == "__main__":
    main()
