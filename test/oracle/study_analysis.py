"""The numbers of a study's analysis by pandas, SciPy and statsmodels: test/fixtures/study/analysis.json.

    pip install numpy pandas scipy statsmodels scikit-posthocs
    python test/oracle/study_analysis.py

Scores of three models under two methods (and a random control) by two metrics on two data sets, drawn with a fixed seed
and rounded; images come in groups, some scores are undefined. Expected values are made from the table as a user of
pandas would make them from scores.parquet, with nothing of this project.
"""

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import scikit_posthocs
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.proportion import proportion_confint

MODELS = ["vit", "swin", "dino"]
METHODS = ["grad-cam", "rollout"]
METRICS = {"insertion": "higher", "deletion": "lower"}
IMAGES = {"cells": 24, "scans": 9}
POINTS = 4
rng = np.random.default_rng(4)
records = []
for dataset, count in IMAGES.items():
    hard = rng.normal(0, 0.1, count)
    wrong = {model: rng.random(count) < 0.25 for model in MODELS}
    for model, method in itertools.product(MODELS, [*METHODS, "random"]):
        for metric in METRICS:
            sign = 1 if metric == "insertion" else -1
            good = 0.08 * MODELS.index(model) + {"grad-cam": 0.15, "rollout": 0.1, "random": 0}[method]
            for i in range(count):
                score = round(float(np.clip(0.45 + sign * good + hard[i] + rng.normal(0, 0.08), 0.01, 0.99)), 6)
                undefined = dataset == "cells" and model == "swin" and metric == "deletion" and i in (3, 7)
                records.append(
                    {
                        "dataset": dataset, "model": model, "method": method, "control": method == "random",
                        "metric": metric, "image": f"image-{i}.png",
                        # Three images of a group in the first data set, all alone in the second.
                        "group": f"patient {i // 3}" if dataset == "cells" else None,
                        "label": "ab"[i % 2],
                        "predicted": "ab"[(i + int(wrong[model][i])) % 2],
                        "probability": round(0.5 + 0.02 * i, 3),
                        "score": None if undefined else score,
                        "curve": [] if undefined else [round(score * f, 4) for f in np.linspace(0.4, 1.4, POINTS) ** (1 + i % 2)],
                    }
                )
frame = pd.DataFrame(records)
frame["correct"] = frame.label == frame.predicted
defined = frame.dropna(subset=["score"]).copy()
defined["score"] = defined.score.astype(float)
defined["cluster"] = defined.group.where(defined.group.notna(), defined.image)


def number(x):
    return None if x is None or np.isnan(x) else float(x)


cells = []
for (dataset, model, method, metric), g in defined.groupby(["dataset", "model", "method", "metric"], sort=False):
    curves = np.array(g.curve.tolist())
    deviations = pd.DataFrame(curves - curves.mean(0)).groupby(g.cluster.values).sum().values
    k = len(deviations)
    error = np.sqrt(k / (k - 1) * (deviations**2).sum(0)) / len(curves)
    cells.append(
        {
            "dataset": dataset, "model": model, "method": method, "metric": metric,
            "mean": g.score.mean(), "n": len(g), "groups": k, "deviation": g.score.std(),
            "quantiles": list(g.score.quantile([0, 0.25, 0.5, 0.75, 1])),
            "relative": (g.score / g.probability).mean(),
            "right": number(g.score[g.correct].mean()), "wrong": number(g.score[~g.correct].mean()),
            "curve": {
                "mean": curves.mean(0).tolist(),
                "lower": (curves.mean(0) - stats.norm.ppf(0.975) * error).tolist(),
                "upper": (curves.mean(0) + stats.norm.ppf(0.975) * error).tolist(),
                "q25": np.quantile(curves, 0.25, axis=0).tolist(), "q75": np.quantile(curves, 0.75, axis=0).tolist(),
            },
        }
    )

measured = defined[~defined.control]
wide = measured.pivot_table(index=["metric", "dataset", "cluster", "image"], columns=["model", "method"], values="score")
rows = list(itertools.product(MODELS, METHODS))
comparisons, rankings, agreements = [], [], []


def compare(kind, pairs, dataset, metric):
    tested = []
    for a, b in pairs:
        both = wide.loc[(metric, dataset)][[a, b]].dropna()
        means = both.groupby("cluster").mean()
        d = means[a] - means[b]
        test = stats.wilcoxon(means[a], means[b])
        ranks = stats.rankdata(d.abs())
        tested.append(
            {
                "kind": kind, "dataset": dataset, "metric": metric, "a": a, "b": b, "n": len(both), "groups": len(d),
                "difference": (both[a] - both[b]).mean(), "statistic": test.statistic, "p": test.pvalue,
                "rankBiserial": (ranks[d > 0].sum() - ranks[d < 0].sum()) / ranks.sum(),
                "standardised": d.mean() / d.std(),
                "wins": ((d > 0) if METRICS[metric] == "higher" else (d < 0)).mean(),
                "detectable": d.std() * TTestPower().solve_power(nobs=len(d), alpha=0.05 / len(pairs), power=0.8),
            }
        )
    adjusted = multipletests([t["p"] for t in tested], method="holm")[1]
    comparisons.extend({**t, "adjusted": p} for t, p in zip(tested, adjusted))


def rank(dataset, metric):
    table = wide.loc[metric] if dataset is None else wide.loc[(metric, dataset)]
    by = ["dataset", "cluster"] if dataset is None else "cluster"
    blocks = table[rows].dropna().groupby(by).mean()
    better = -blocks if METRICS[metric] == "higher" else blocks
    test = stats.friedmanchisquare(*better.values.T)
    ranks = better.rank(axis=1).mean()
    n, k = better.shape
    f = (n - 1) * test.statistic / (n * (k - 1) - test.statistic)
    rankings.append(
        {
            "dataset": dataset, "metric": metric, "blocks": n, "ranks": [ranks[r] for r in rows],
            "statistic": test.statistic, "p": float(stats.f.sf(f, k - 1, (k - 1) * (n - 1))),
            "criticalDifference": stats.studentized_range.ppf(0.95, k, np.inf) / np.sqrt(2) * np.sqrt(k * (k + 1) / (6 * n)),
            "nemenyi": scikit_posthocs.posthoc_nemenyi_friedman(better.values).values.tolist(),
        }
    )


for dataset, metric in itertools.product(IMAGES, METRICS):
    pairs = list(itertools.combinations(rows, 2))
    compare("rows", pairs, dataset, metric)
    compare("methods", [p for p in pairs if p[0][0] == p[1][0]], dataset, metric)
    compare("models", [p for p in pairs if p[0][1] == p[1][1]], dataset, metric)
    rank(dataset, metric)
for metric in METRICS:
    rank(None, metric)

means = measured.groupby(["dataset", "metric", "model", "method"]).score.mean()
signed = {m: (1 if d == "higher" else -1) for m, d in METRICS.items()}
order = lambda dataset, metric: [signed[metric] * means[(dataset, metric, *r)] for r in rows]
for kind, within, a, b, x, y in [
    *(("metrics", d, "insertion", "deletion", order(d, "insertion"), order(d, "deletion")) for d in IMAGES),
    *(("datasets", m, "cells", "scans", order("cells", m), order("scans", m)) for m in METRICS),
]:
    tau, rho = stats.kendalltau(x, y), stats.spearmanr(x, y)
    agreements.append(
        {"kind": kind, "within": within, "a": a, "b": b, "kendall": [tau.statistic, tau.pvalue], "spearman": rho.statistic}
    )

accuracy = []
for (dataset, model), g in frame.drop_duplicates(["dataset", "model", "image"]).groupby(["dataset", "model"], sort=False):
    low, high = proportion_confint(g.correct.sum(), len(g), method="wilson")
    table = pd.crosstab(g.label, g.predicted).reindex(index=["a", "b"], columns=["a", "b"], fill_value=0)
    accuracy.append(
        {"dataset": dataset, "model": model, "accuracy": g.correct.mean(), "interval": [low, high], "confusion": table.values.tolist()}
    )

# To Monte-Carlo error: SciPy's bootstrap draws other numbers, and knows no groups (the second data set has none).
scores = defined[(defined.dataset == "scans") & (defined.model == "vit") & (defined.method == "grad-cam") & (defined.metric == "insertion")].score
interval = stats.bootstrap((scores.values,), np.mean, n_resamples=200_000, method="BCa", rng=1).confidence_interval

target = Path(__file__).parent.parent / "fixtures" / "study" / "analysis.json"
target.parent.mkdir(exist_ok=True)
columns = ["dataset", "model", "method", "metric", "image", "group", "label", "predicted", "probability", "score", "curve"]
expected = {
    "cells": cells, "comparisons": comparisons, "rankings": rankings, "agreements": agreements, "accuracy": accuracy,
    "interval": [interval.low, interval.high],
}
text = json.dumps({"columns": columns, "rows": [[r[c] for c in columns] for r in records], "expected": expected}, default=float)
target.write_text(text.replace("], [\"", "],\n[\"").replace("}, {", "},\n{") + "\n")
print(target, target.stat().st_size)
