"""Keep-alive connections that ask without a pause, each answer checked against its model's own."""
import http.client
import json
import threading
import time
from dataclasses import dataclass, field

from tap import LIMIT

SAMPLES = [[5.1, 3.5, 1.4, 0.2], [6.1, 2.8, 4.7, 1.2], [6.9, 3.1, 5.4, 2.1]]


@dataclass
class Result:
    done: int = 0
    least: int = 0  # requests of the connection that had fewest
    failures: list = field(default_factory=list)
    models: set = field(default_factory=set)


def run(port, connections, seconds, models):
    """Asks for so long, and until three of the models have answered."""
    answers = {m.version: [one["class"] for one in m.predict(SAMPLES)] for m in models}
    result, counts = Result(), [0] * connections
    began = time.monotonic()

    def enough():
        took = time.monotonic() - began
        return took > seconds + LIMIT or took > seconds and len(result.models) >= min(3, len(models))

    def client(me):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
        body = json.dumps(SAMPLES)
        try:
            while not enough():
                connection.request("POST", "/predict", body)
                answer = connection.getresponse()
                told = json.loads(answer.read())
                classes = [one["class"] for one in told.get("predictions", [])]
                if answer.status != 200 or classes != answers.get(told.get("model")):
                    result.failures.append((answer.status, told))
                result.models.add(told.get("model"))
                counts[me] += 1
        except Exception as error:
            result.failures.append(repr(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=client, args=[me]) for me in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    result.done, result.least = sum(counts), min(counts)
    return result
