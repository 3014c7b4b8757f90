"""Keep-alive connections that ask without a pause, each answer checked against its model's own."""
import http.client
import json
import threading
import time
from dataclasses import dataclass, field

SAMPLES = [[5.1, 3.5, 1.4, 0.2], [6.1, 2.8, 4.7, 1.2], [6.9, 3.1, 5.4, 2.1]]


@dataclass
class Result:
    done: int = 0
    least: int = 0  # requests of the connection that had fewest
    failures: list = field(default_factory=list)
    models: set = field(default_factory=set)


def run(port, connections, seconds, models):
    """Asks for so long; models: what may answer, by version."""
    answers = {v: [one["class"] for one in m.predict(SAMPLES)] for v, m in models.items()}
    result, counts = Result(), [0] * connections
    end = time.monotonic() + seconds

    def client(me):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        body = json.dumps(SAMPLES)
        try:
            while time.monotonic() < end:
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
