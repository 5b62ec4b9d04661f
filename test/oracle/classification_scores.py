"""The numbers in src/training/metrics/scores.test.ts: scikit-learn's and statsmodels' on the same few images.

    pip install scikit-learn statsmodels
    python test/oracle/classification_scores.py
"""

import json

import numpy as np
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    f1_score,
    log_loss,
    precision_score,
    recall_score,
)
from statsmodels.stats.proportion import proportion_confint

TRUTH = [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2]
LOGITS = np.array(
    [
        [2.0, 0.5, -1.0], [1.5, 1.0, 0.2], [0.1, 0.9, 0.3], [3.0, -1.0, -2.0],
        [0.2, 1.7, 0.0], [-0.5, 2.5, 1.0], [1.1, 0.4, 0.9], [0.0, 0.3, 2.2],
        [-1.0, -0.2, 0.4], [0.6, 1.4, 1.3], [0.0, -2.0, 4.0], [0.9, 0.1, 1.0],
    ],
    dtype=np.float32,
).astype(np.float64)


def calibration_error(probabilities: np.ndarray, truth: np.ndarray, bins: int = 15) -> float:
    """Guo et al. 2017, as in their code: bins (lower, upper]."""
    confidence, predicted = probabilities.max(1), probabilities.argmax(1)
    edges = np.linspace(0, 1, bins + 1)
    error = 0.0
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            error += inside.mean() * abs((predicted == truth)[inside].mean() - confidence[inside].mean())
    return error


truth = np.array(TRUTH)
probabilities = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
predicted = LOGITS.argmax(1)
print(
    json.dumps(
        {
            "confusion": confusion_matrix(truth, predicted).tolist(),
            "loss": log_loss(truth, probabilities),
            "accuracy": accuracy_score(truth, predicted),
            "balancedAccuracy": balanced_accuracy_score(truth, predicted),
            "macroF1": f1_score(truth, predicted, average="macro"),
            "recall": recall_score(truth, predicted, average=None).tolist(),
            "precision": precision_score(truth, predicted, average=None).tolist(),
            "calibrationError": calibration_error(probabilities, truth),
            "wilson": {
                f"{k}/{n}": proportion_confint(k, n, method="wilson") for k, n in [(0, 7), (9, 12), (5, 5), (960, 1000)]
            },
        },
        indent=1,
    )
)
