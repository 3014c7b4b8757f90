"""A trained classifier with everything that is told about it. Never changes once made, so any
number of requests may use it while the next one is trained."""
import hashlib
from datetime import datetime, timezone

import numpy as np
from sklearn import metrics
from sklearn.svm import LinearSVC

from data import FEATURES, Data

DIGITS = 4  # of what is told: enough to compare, few enough to be the same everywhere


class Model:
    def __init__(self, data: Data, body: bytes):
        self.data = data
        self.version = hashlib.blake2b(body, digest_size=8).hexdigest()
        self.trained = datetime.now(timezone.utc)
        # dual=False: the exact solver for more samples than features; it needs no random numbers.
        fitted = LinearSVC(dual=False, tol=1e-11).fit(data.train.x, data.train.y)
        self.coefficients, self.intercepts = fitted.coef_, fitted.intercept_
        if len(data.classes) == 2:  # scikit-learn keeps only the second one's
            self.coefficients = np.vstack([-self.coefficients, self.coefficients])
            self.intercepts = np.hstack([-self.intercepts, self.intercepts])
        self.judge()

    def judge(self):
        """How well it does on the test set."""
        truth, found = self.data.test.y, self.scores(self.data.test.x).argmax(axis=1)
        self.accuracy = metrics.accuracy_score(truth, found)
        self.confusion = metrics.confusion_matrix(truth, found)
        self.report = metrics.classification_report(
            truth, found, target_names=self.data.classes, zero_division=0
        )

    def scores(self, x):
        return np.asarray(x) @ self.coefficients.T + self.intercepts

    def predict(self, x):
        """For each sample its class and how far it is on which side of each class's border."""
        return [
            {
                "class": self.data.classes[row.argmax()],
                "scores": dict(zip(self.data.classes, row.round(DIGITS).tolist())),
            }
            for row in self.scores(x)
        ]

    def describe(self):
        return {
            "version": self.version,
            "trained": self.trained.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "samples": {"train": len(self.data.train.y), "test": len(self.data.test.y)},
            "features": FEATURES,
            "classes": self.data.classes,
            "coefficients": self.coefficients.round(DIGITS).tolist(),
            "intercepts": self.intercepts.round(DIGITS).tolist(),
            "accuracy": round(self.accuracy, DIGITS),
            "confusion": self.confusion.tolist(),
            "report": self.report,
        }

    def samples(self):
        return {
            "version": self.version,
            "train": {"x": self.data.train.x, "y": self.data.train.y},
            "test": {"x": self.data.test.x, "y": self.data.test.y},
        }
