"""Goldens for classification by features: DINO's k-NN (eval_knn.py, knn_classifier) and scikit-learn's logistic regression.

/opt/oracle/bin/python test/oracle/feature_evaluation.py
"""
import json
import pathlib

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

OUT = pathlib.Path(__file__).parents[1] / "fixtures" / "training" / "feature-evaluation.json"
CLASSES, WIDTH = 3, 6


def features(count, generator):
    labels = torch.randint(CLASSES, (count,), generator=generator)
    centres = torch.tensor([[1.0, 0, 0, 2, 0, 5], [0, 1, 0, 0, 3, 5], [0, 0, 1, -1, 1, 5]])
    return centres[labels] + 1.1 * torch.randn(count, WIDTH, generator=generator), labels


def knn(train, train_labels, queries, k, temperature):
    """knn_classifier of eval_knn.py, up to the sums of the votes."""
    train, queries = (torch.nn.functional.normalize(x, dim=1) for x in (train, queries))
    distances, indices = (queries @ train.t()).topk(k, largest=True, sorted=True)
    retrieved = torch.gather(train_labels.view(1, -1).expand(len(queries), -1), 1, indices)
    one_hot = torch.zeros(len(queries) * k, CLASSES).scatter_(1, retrieved.view(-1, 1), 1)
    weights = distances.clone().div_(temperature).exp_()
    votes = (one_hot.view(len(queries), -1, CLASSES) * weights.view(len(queries), -1, 1)).sum(1)
    return votes / votes.sum(1, keepdim=True)


def regression(train, labels, queries, decay):
    scaler = StandardScaler().fit(train)
    model = LogisticRegression(C=1 / (decay * len(train)), tol=1e-10, max_iter=10_000)
    model.fit(scaler.transform(train), labels)
    return model.predict_proba(scaler.transform(queries))


def main():
    generator = torch.Generator().manual_seed(11)
    train, labels = features(60, generator)
    queries, _ = features(8, generator)
    rounded = [[round(float(v), 6) for v in row] for row in train], [[round(float(v), 6) for v in row] for row in queries]
    train, queries = (torch.tensor(rows) for rows in rounded)
    golden = {
        "width": WIDTH,
        "train": rounded[0],
        "labels": labels.tolist(),
        "queries": rounded[1],
        "knn": [
            {"neighbours": k, "temperature": t, "shares": knn(train, labels, queries, k, t).tolist()}
            for k, t in ((5, 0.07), (20, 0.07), (20, 1.0))
        ],
        "linear": [
            {"decay": d, "probabilities": regression(np.asarray(train, np.float64), labels, queries, d).tolist()}
            for d in (1.0, 0.01, 1e-4)
        ],
    }
    OUT.write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
