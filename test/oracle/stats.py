"""Writes test/fixtures/stats.json: what SciPy, statsmodels and scikit-posthocs say of small data sets.

    pip install scipy statsmodels scikit-posthocs
    python test/oracle/stats.py
"""

import itertools
import json
from pathlib import Path

import mpmath
import numpy as np
import scikit_posthocs
from scipy import optimize, special, stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

rng = np.random.default_rng(2006)
INF = float("inf")


def rounded(values, digits=3):
    return np.round(values, digits).tolist()


def distributions():
    mpmath.mp.dps = 30

    def range_sf(q, k):
        """The integral of the definition, to 30 digits: SciPy's own loses the digits of small tails."""
        def at(z):
            return mpmath.npdf(z) * (mpmath.ncdf(z) ** (k - 1) - (mpmath.ncdf(z) - mpmath.ncdf(z - q)) ** (k - 1))
        return float(k * mpmath.quad(at, [-14, -7, -3, 0, q / 2, q, q + 4, q + 14]))

    for q, k in [(1.0, 2), (3.5, 4), (6.0, 30)]:
        assert abs(range_sf(q, k) - stats.studentized_range.sf(q, k, INF)) < 1e-11

    def nct_beyond(t, df, shift):
        """By the integral over the χ density, since SciPy's noncentral t fails for large shifts."""
        def at(s):
            log_density = mpmath.log(2) + df / 2 * mpmath.log(df / 2) - mpmath.loggamma(df / 2)
            log_density += (df - 1) * mpmath.log(s) - df * s * s / 2
            return mpmath.exp(log_density) * (mpmath.ncdf(shift - t * s) + mpmath.ncdf(-shift - t * s))
        wide = 12 / mpmath.sqrt(2 * df)
        features = [1 - wide, 1 - wide / 4, 1, 1 + wide / 4] + [(shift + k) / t for k in (-12, -4, 0, 4, 12)]
        cuts = sorted({mpmath.mpf(0), *(mpmath.mpf(x) for x in features if 0 < x < 1 + wide), 1 + wide})
        return float(mpmath.quad(at, cuts))

    for t, df, shift in [(2.2, 11, 2.5), (1.99, 77, 2.8), (4.3, 2, 1.0)]:
        scipy = stats.nct.sf(t, df, shift) + stats.nct.cdf(-t, df, shift)
        assert abs(nct_beyond(t, df, shift) - scipy) < 1e-11

    degrees = [1, 2, 3, 7.5, 30, 411, 1e4, 1e6]
    return {
        "upperGamma": [
            [a, x, float(mpmath.gammainc(a, x, mpmath.inf, regularized=True))]
            for a in [0.5, 1, 2.5, 17, 120.5, 5000]
            for x in [a * 0.02, a * 0.7, a, a * 1.3 + 1, a + 9 * a**0.5]
        ],
        "incompleteBeta": [
            [x, a, b, float(special.betainc(a, b, x))]
            for a, b in [(0.5, 0.5), (0.5, 40), (3, 2), (18.5, 1.5), (250, 300), (50000, 0.5)]
            for x in [1e-4, 0.1, 0.45, 0.8, 0.9995]
        ],
        "studentSurvival": [[t, n, float(stats.t.sf(t, n))] for n in degrees for t in [-3.0, 0.01, 1.0, 2.5, 9.0]],
        "studentUpperQuantile": [[p, n, float(stats.t.isf(p, n))] for n in degrees for p in [1e-7, 0.0125, 0.3]],
        "chiSquaredSurvival": [
            [x, n, float(stats.chi2.sf(x, n))] for n in [1, 2, 3, 9, 40, 999] for x in [0.1 * n, n, n + 7 * n**0.5]
        ],
        "fisherSurvival": [
            [x, n, m, float(stats.f.sf(x, n, m))]
            for n, m in [(1, 1), (2, 6), (3, 231), (9, 90), (12, 1e5)]
            for x in [0.05, 0.9, 2.5, 20.0]
        ],
        "rangeSurvival": [
            [q, k, range_sf(q, k)] for k in [2, 3, 4, 10, 30, 100] for q in [0.2, 1.7, 3.5, 6.0, 12.0]
        ],
        "rangeUpperQuantile": [
            [p, k, float(stats.studentized_range.isf(p, k, INF))] for k in [2, 3, 5, 10, 50] for p in [0.01, 0.05, 0.1, 0.5]
        ],
        "noncentralStudentBeyond": [
            [t, n, d, nct_beyond(t, n, d)]
            for t, n, d in [
                (12.7062, 1, 0.0), (12.7062, 1, 14.0), (636.6, 1, 800.0), (4.3027, 2, 5.0), (2.2, 11, 0.1), (2.2, 11, 3.1),
                (1.9913, 77, 2.83), (3.3, 999, 4.2), (1.96, 1e5, 2.8), (5.0, 40, 40.0),
            ]
        ],
    }


def wilcoxon():
    def case(x, y, **options):
        x, y = np.array(x), np.array(y)
        by_scipy = {"zero_method": options.get("zeros", "wilcox"), "correction": options.get("continuity", False)}
        result = stats.wilcoxon(x, y, method=options.get("method", "auto"), **by_scipy)
        z = None
        if options.get("method") == "asymptotic":
            z = abs(float(result.zstatistic))
        return {"x": x.tolist(), "y": y.tolist(), "options": options, "p": float(result.pvalue),
                "statistic": float(result.statistic), "absZ": z}

    cases = []
    for n in (5, 12, 50):
        x = rounded(rng.normal(size=n), 6)
        y = rounded(np.array(x) + rng.normal(0.3, 0.8, n), 6)
        cases += [case(x, y), case(x, y, method="asymptotic"), case(x, y, method="asymptotic", continuity=True)]
    x, y = rounded(rng.random(51), 6), rounded(rng.random(51), 6)
    cases.append(case(x, y))
    # Whole numbers: ties and zeros, few (exact) and many (normal).
    for n in (9, 13, 14, 40):
        x, y = rng.integers(0, 6, n), rng.integers(0, 5, n)
        for zeros in ("wilcox", "pratt"):
            cases += [case(x, y, zeros=zeros), case(x, y, zeros=zeros, method="asymptotic", continuity=True)]
    cases.append(case([0, 1, 2, 3, 4, 5, 6], [0, 2, 4, 6, 8, 10, 12], zeros="pratt", method="asymptotic"))
    return cases


def sign_flip():
    def exact(units):
        return float(stats.permutation_test(
            (np.array(units),), np.sum, permutation_type="samples", n_resamples=np.inf).pvalue)

    cases = []
    for n in (2, 4, 11, 15):
        x, y = rng.normal(0.4, 1, n).round(2), rng.normal(0, 1, n).round(2)
        cases.append({"x": x.tolist(), "y": y.tolist(), "p": exact(x - y)})
    # Whole numbers: many equal sums.
    x, y = rng.integers(0, 5, 14), rng.integers(0, 4, 14)
    cases.append({"x": x.tolist(), "y": y.tolist(), "p": exact(x - y)})
    x, y = rng.normal(0.4, 1, 20).round(3), rng.normal(0, 1, 20).round(3)
    groups = [f"patient {i}" for i in rng.integers(0, 9, 20)]
    sums = [sum(d for d, g in zip(x - y, groups) if g == name) for name in dict.fromkeys(groups)]
    cases.append({"x": x.tolist(), "y": y.tolist(), "groups": groups, "p": exact(sums)})
    x, y = rng.normal(0.35, 1, 60).round(3), rng.normal(0, 1, 60).round(3)
    many = stats.permutation_test((x - y,), np.mean, permutation_type="samples", n_resamples=400_000, rng=rng)
    return {"exact": cases, "monteCarlo": {"x": x.tolist(), "y": y.tolist(), "p": float(many.pvalue)}}


def effects():
    x, y = rng.normal(0.3, 1, 9).round(3), rng.normal(0, 1, 9).round(3)
    d = x - y
    return {"x": x.tolist(), "y": y.tolist(), "dz": float(d.mean() / d.std(ddof=1))}


def holm():
    families = [[0.01, 0.04, 0.03, 0.005], [0.9, 0.2, 0.2, 0.04, 0.001, 0.6], [0.03], [0.0, 1.0, 0.5]]
    return [{"p": p, "adjusted": multipletests(p, method="holm")[1].tolist()} for p in families]


def friedman():
    # After Demšar 2006, table 6: AUC of four variants of C4.5 on 14 data sets, with the mean ranks printed there.
    demsar = [
        [0.763, 0.768, 0.771, 0.798], [0.599, 0.591, 0.590, 0.569], [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657], [0.882, 0.888, 0.886, 0.898], [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685], [0.583, 0.583, 0.563, 0.625], [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000], [0.940, 0.962, 0.965, 0.962], [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9751, 0.975], [0.957, 0.978, 0.946, 0.970],
    ]
    assert stats.rankdata(-np.array(demsar), axis=1).mean(0).round(3).tolist() == [3.143, 2.0, 2.893, 1.964]
    tables = {"demsar": demsar}
    for name, (n, k) in {"threeRows": (3, 3), "tenMethods": (12, 10)}.items():
        tables[name] = rounded(rng.random((n, k)) + np.arange(k) * 0.04)
    tables["wholeNumbers"] = rng.integers(0, 4, (9, 5)).tolist()
    cases = {}
    for name, rows in tables.items():
        table = np.array(rows)
        n, k = table.shape
        chi, p = stats.friedmanchisquare(*table.T)
        f = (n - 1) * chi / (n * (k - 1) - chi)
        ranks = stats.rankdata(-table, axis=1).mean(0)
        cases[name] = {
            "scores": rows, "meanRanks": ranks.tolist(), "chiSquared": float(chi), "p": float(p), "f": float(f),
            "pOfF": float(stats.f.sf(f, k - 1, (k - 1) * (n - 1))), "w": float(chi / (n * (k - 1))),
            "nemenyi": scikit_posthocs.posthoc_nemenyi_friedman(table).to_numpy().tolist(),
            "criticalDifference": {
                str(a): float(stats.studentized_range.isf(a, k, INF) / 2**0.5 * (k * (k + 1) / (6 * n)) ** 0.5)
                for a in (0.05, 0.1)
            },
        }
    return cases


def correlations():
    def case(x, y):
        x, y = np.array(x), np.array(y)
        tau, rho = stats.kendalltau(x, y), stats.spearmanr(x, y)
        found = {
            "x": x.tolist(), "y": y.tolist(), "tau": float(tau.statistic), "tauP": float(tau.pvalue),
            "tauAsymptoticP": float(stats.kendalltau(x, y, method="asymptotic").pvalue),
            "rho": float(rho.statistic), "rhoAsymptoticP": float(rho.pvalue),
        }
        if len(x) <= 8:
            a, b = stats.rankdata(x) - (len(x) + 1) / 2, stats.rankdata(y) - (len(x) + 1) / 2
            products = np.abs([a @ np.array(order) for order in itertools.permutations(b)])
            found["rhoExactP"] = float((products >= abs(a @ b)).mean())
        return found

    cases = []
    for n in (4, 7, 33, 40):
        x = rounded(rng.normal(size=n), 4)
        cases.append(case(x, rounded(np.array(x) + rng.normal(0, 1.2, n), 4)))
    for n in (8, 30):
        cases.append(case(rng.integers(0, 5, n), rng.integers(0, 6, n)))
    cases.append(case([1, 2, 3, 4, 5, 6], [2, 4, 6, 8, 10, 12]))
    cases.append(case([1, 2, 3], [3, 2, 1]))
    far = list(range(36))
    cases.append(case(far, [1, 0, *far[2:]]))
    return cases


def power():
    test = TTestPower()

    def detectable(n, alpha, wanted):
        """statsmodels' own solver stops after seven digits."""
        near = float(test.solve_power(effect_size=None, nobs=n, alpha=alpha, power=wanted))
        return optimize.brentq(lambda d: test.power(d, n, alpha) - wanted, near - 1e-4, near + 1e-4, xtol=1e-15)

    return {
        "power": [
            [d, n, a, float(test.power(d, n, a))]
            for d, n, a in [(0.3, 78, 0.05), (0.5, 10, 0.05), (1.2, 4, 0.01), (0.05, 500, 0.1), (0.0, 20, 0.05), (3.0, 3, 0.05)]
        ],
        "detectable": [
            [n, a, w, detectable(n, a, w)]
            for n, a, w in [(78, 0.05, 0.8), (10, 0.05, 0.8), (156, 0.0125, 0.9), (4, 0.05, 0.8), (1000, 0.05, 0.95)]
        ],
        "pairs": [
            [d, a, w, int(np.ceil(test.solve_power(effect_size=d, nobs=None, alpha=a, power=w)))]
            for d, a, w in [(0.3, 0.05, 0.8), (0.1, 0.05, 0.8), (1.0, 0.01, 0.9), (0.02, 0.05, 0.5)]
        ],
    }


golden = {
    "distributions": distributions(), "wilcoxon": wilcoxon(), "signFlip": sign_flip(), "effects": effects(),
    "holm": holm(), "friedman": friedman(), "correlations": correlations(), "power": power(),
}
out = Path(__file__).parents[1] / "fixtures" / "stats.json"
rows = ",\n".join(
    f'"{name}": ' + (
        "{\n" + ",\n".join(f' "{key}": {json.dumps(value, separators=(",", ":"))}' for key, value in part.items()) + "\n}"
        if isinstance(part, dict)
        else "[\n" + ",\n".join(" " + json.dumps(value, separators=(",", ":")) for value in part) + "\n]"
    )
    for name, part in golden.items()
)
out.write_text("{\n" + rows + "\n}\n")
