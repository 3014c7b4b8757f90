# pandas, random forests with threads, clusters, components, joblib's threads, models as files.
import hashlib
import os
import pickle
import sys

import joblib
import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score
from sklearn.svm import SVC

iris = load_iris(as_frame=True)
table = iris.frame.assign(kind=iris.target_names[iris.target])
print(table.groupby("kind").agg({"petal length (cm)": ["mean", "max"], "sepal width (cm)": "std"}).round(4))
table.to_csv("/tmp/iris.csv", index=False)
again = pd.read_csv("/tmp/iris.csv")
print("csv:", again.shape, again["kind"].value_counts().to_dict())
print(pd.date_range("2024-02-28", periods=3, tz="Europe/Berlin").strftime("%F %Z").tolist())

digits = load_digits()
half = len(digits.data) // 2
forest = RandomForestClassifier(n_estimators=60, n_jobs=4, random_state=1).fit(digits.data[:half], digits.target[:half])
print("forest:", round(forest.score(digits.data[half:], digits.target[half:]), 4))
print("svm:", cross_val_score(SVC(gamma=0.001), digits.data, digits.target, cv=3).round(4).tolist())

clusters = KMeans(n_clusters=3, n_init=5, random_state=0).fit(iris.data)
print("k-means:", round(clusters.inertia_, 4), sorted(np.bincount(clusters.labels_).tolist()))
components = PCA(n_components=2).fit(iris.data)
print("pca:", components.explained_variance_ratio_.round(4).tolist())

with joblib.parallel_backend("threading", n_jobs=4):
    squares = joblib.Parallel()(joblib.delayed(lambda n: n * n)(n) for n in range(10))
print("joblib:", squares)

if os.path.exists("/given.pkl"):
    with open("/given.pkl", "rb") as file:
        given = pickle.load(file)
    print("given pickle:", given.predict(digits.data[:10]).tolist())
    print("given joblib:", joblib.load("/given.joblib").predict(iris.data[::25]).tolist())
with open("/tmp/model.pkl", "wb") as file:
    pickle.dump(forest, file)
joblib.dump(clusters, "/tmp/model.joblib", compress=3)
with open("/tmp/model.pkl", "rb") as file:
    print("pickle:", hashlib.sha256(pickle.load(file).predict_proba(digits.data[half:]).round(6).tobytes()).hexdigest()[:16])
sys.stdout.flush()
try:
    joblib.Parallel(n_jobs=2, backend="multiprocessing")(joblib.delayed(abs)(n) for n in (-1, -2))
except OSError as error:
    print("processes:", error.strerror, file=sys.stderr)
