#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the golden figures of Comparison by scipy: golden.py write, or golden.py check, which computes them again.

Samples are not stored: each is made from a seed by integer and IEEE operations alone, here and in GoldenSamples.swift.
Needs numpy and scipy (Debian: python3-scipy).
"""

import json
import math
import sys
import warnings
from pathlib import Path

import numpy
from scipy import special, stats

FILE = Path(__file__).resolve().parent.parent / "Vectors" / "comparison-golden.json"
MASK = (1 << 64) - 1
SCALE = 1 << 1074


class Source:
    """SplitMix64."""

    def __init__(self, seed):
        self.state = seed

    def bits(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def uniform(self):
        return (self.bits() >> 11) * 2.0**-53

    def normal(self):
        total = 0.0
        for _ in range(12):
            total += self.uniform()
        return total - 6.0


MAKE = {
    "normal": lambda s, shift: s.normal() + shift,
    "wide": lambda s, shift: s.normal() * (1.0 + shift),
    "ties": lambda s, shift: math.floor((s.normal() + shift) * 8.0) / 8.0,
    "binary": lambda s, shift: 1.0 if s.uniform() < 0.4 + shift / 4.0 else 0.0,
    "rare": lambda s, shift: 1.0 if s.uniform() < 0.01 + shift / 16.0 else 0.0,
    "classes": lambda s, shift: float(math.floor(s.uniform() * s.uniform() * (7.0 + shift))),
    "constant": lambda s, shift: 2.5 + shift,
    "huge": lambda s, shift: s.uniform() * 1.5e308 + shift * 1e307,
    "tiny": lambda s, shift: math.floor(s.uniform() * (4000.0 + shift * 1000.0)) * 5e-324,
    "zeros": lambda s, shift: [-0.0, 0.0, 1.0 + shift][s.bits() % 3],
    "heavy": lambda s, shift: 1.0 / (s.uniform() + 1e-6) + shift,
    "offset": lambda s, shift: 1e9 + s.normal() + shift,
}
SIZES = [(1, 1), (1, 30), (2, 3), (5, 5), (7, 11), (10, 40), (30, 30), (30, 31), (50, 50), (100, 100), (60, 200),
         (200, 200), (300, 1000), (1000, 1000), (997, 1009)]
LARGE = [(3000, 5000), (5000, 5000), (20000, 20000), (12000, 500)]


def cases():
    made = 0
    kinds = list(MAKE)
    while made < 488:
        kind = kinds[made % len(kinds)]
        n, m = SIZES[(made // len(kinds)) % len(SIZES)]
        yield {"kind": kind, "seed": 1000 + made, "n": n, "m": m, "shift": [0.0, 0.5, 0.125][made // 180]}
        made += 1
    for place, (n, m) in enumerate(LARGE):
        for kind in ("normal", "ties", "classes"):
            yield {"kind": kind, "seed": 9000 + made, "n": n, "m": m, "shift": [0.0, 0.03125, 0.0625, 0.25][place]}
            made += 1


def exact_mean(values):
    return sum(n * (SCALE // d) for n, d in (float(v).as_integer_ratio() for v in values)) / (SCALE * len(values))


def finite(value):
    value = float(value)
    return value if math.isfinite(value) else None


def pooled(table):
    """Unites the two rarest categories until none has an expected count below 5 or two are left."""
    table = sorted(([a, b, v] for v, (a, b) in table.items()), key=lambda c: (c[0] + c[1], c[2]))
    n, m = sum(c[0] for c in table), sum(c[1] for c in table)
    while len(table) > 2 and (table[0][0] + table[0][1]) * min(n, m) / (n + m) < 5:
        first, second = table.pop(0), table.pop(0)
        table.append([first[0] + second[0], first[1] + second[1], second[2]])
        table.sort(key=lambda c: (c[0] + c[1], c[2]))
    return [c[:2] for c in table]


def categories(case, a, b, expected):
    values = sorted(set(a) | set(b))
    if len(values) > 10:
        return
    table = {v: (sum(x == v for x in a), sum(x == v for x in b)) for v in values}
    expected["tv"] = sum(abs(p / len(a) - q / len(b)) for p, q in table.values()) / 2
    table = pooled(table)
    if len(table) < 2:
        return
    columns = numpy.array(table).T
    if len(table) == 2 and stats.contingency.expected_freq(columns).min() < 5:
        expected["fisher"] = float(stats.fisher_exact(columns)[1])
    else:
        expected["chi2"] = float(stats.chi2_contingency(columns, correction=False)[1])


def paired(a, b, expected):
    size = min(len(a), len(b))
    x, y = a[:size], b[:size]
    if set(x) | set(y) <= {0.0, 1.0}:
        up, down = sum(q > p for p, q in zip(x, y)), sum(q < p for p, q in zip(x, y))
        expected["mcnemar"] = float(stats.binomtest(min(up, down), up + down).pvalue) if up + down else 1.0
        return
    d = numpy.array(y) - numpy.array(x)
    nonzero = numpy.abs(d[d != 0])
    if not len(nonzero):
        return
    plain = len(nonzero) == size <= 50 and len(set(nonzero)) == size
    if plain:
        expected["wilcoxon"] = float(stats.wilcoxon(d, mode="exact").pvalue)
    else:
        expected["wilcoxon"] = float(stats.wilcoxon(d, mode="approx", correction=False).pvalue)


def figures(case):
    source = Source(case["seed"])
    make = MAKE[case["kind"]]
    a = [make(source, 0.0) for _ in range(case["n"])]
    b = [make(source, case["shift"]) for _ in range(case["m"])]
    n, m = len(a), len(b)
    expected = {"mean_a": exact_mean(a), "mean_b": exact_mean(b)}
    points = [0.01, 0.05, 0.25, 0.5, 0.95, 0.99]
    expected["quantiles_a"] = [float(q) for q in numpy.quantile(a, points)]
    expected["sd_b"] = finite(numpy.std(b, ddof=1)) if m > 1 and case["kind"] not in ("huge", "tiny") else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        test = stats.ks_2samp(a, b, method="asymp")
        expected["d"] = float(test.statistic)
        en = n * m / (n + m)
        expected["p_limit"] = float(special.kolmogorov(math.sqrt(en) * test.statistic))
        if max(n, m) <= 10000:
            try:
                warnings.simplefilter("error", RuntimeWarning)
                expected["p_exact"] = float(stats.ks_2samp(a, b, method="exact").pvalue)
            except RuntimeWarning:
                pass
        warnings.simplefilter("ignore")
        if case["kind"] != "tiny":
            expected["w1"] = finite(stats.wasserstein_distance(a, b))
        if n > 1 and m > 1 and case["kind"] not in ("huge", "tiny", "constant", "zeros") and len(set(a) | set(b)) > 1:
            va, vb = numpy.var(a, ddof=1) / n, numpy.var(b, ddof=1) / m
            if va + vb > 0:
                # Of 1e9 and more, numpy's means have too few digits left for a difference.
                if case["kind"] != "offset":
                    expected["welch_p"] = float(stats.ttest_ind(a, b, equal_var=False).pvalue)
                df = (va + vb) ** 2 / (va**2 / (n - 1) + vb**2 / (m - 1))
                t = stats.t.ppf(0.975, df)
                # scipy 1.10 has its quantiles of Student's t to eight digits only; a step of Newton's gives the others.
                t += (stats.t.sf(t, df) - 0.025) / stats.t.pdf(t, df)
                expected["welch_half"] = float(t * math.sqrt(va + vb))
        categories(case, a, b, expected)
        if case["kind"] not in ("huge", "tiny"):
            paired(a, b, expected)
    return {**case, "expected": {name: value for name, value in expected.items() if value is not None}}


def tails():
    """The special functions by themselves, far into their tails."""
    for df in (1, 2, 3, 5, 9):
        for x in (0.01, 0.5, 3.84, 10.0, 40.0, 300.0):
            yield {"law": "chi2", "x": x, "df": df, "p": float(stats.chi2.sf(x, df))}
    for df in (1.0, 2.5, 10.0, 41.7, 1000.0, 123456.7, 999998.0):
        for x in (0.001, 0.5, 1.96, 5.0, 12.0):
            yield {"law": "t", "x": x, "df": df, "p": float(2 * stats.t.sf(x, df))}
    for x in (0.1, 0.4, 0.8, 1.0, 1.17, 1.19, 1.63, 3.0, 8.0):
        yield {"law": "kolmogorov", "x": x, "df": 0, "p": float(special.kolmogorov(x))}
    for x in (0.0, 0.3, 1.96, 6.0, 20.0):
        yield {"law": "normal", "x": x, "df": 0, "p": float(2 * stats.norm.sf(x))}


def close(name, old, new):
    if isinstance(old, list):
        return all(close(name, p, q) for p, q in zip(old, new))
    return math.isclose(old, new, rel_tol=1e-6 if name == "p_limit" else 1e-9, abs_tol=1e-12)


def main(action):
    made = {"cases": [figures(case) for case in cases()], "tails": list(tails())}
    if action == "write":
        lines = [",\n".join(json.dumps(entry) for entry in made[part]) for part in ("cases", "tails")]
        FILE.write_text('{"cases": [\n%s\n],\n"tails": [\n%s\n]}\n' % tuple(lines))
        return
    known = json.loads(FILE.read_text())
    results = [differences(old, new) for old, new in zip(known["cases"], made["cases"], strict=True)]
    results += [[] if close("", old["p"], new["p"]) else [f"{old} is now {new['p']}"]
                for old, new in zip(known["tails"], made["tails"], strict=True)]
    print(*sum(results, [])[:50], sep="\n")
    failed = sum(map(bool, results))
    print(f"{len(results) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


def differences(old, new):
    """The figures that differ from the file."""
    case, before, after = f"{new['kind']} {new['seed']}", old["expected"], new["expected"]
    # A scipy that cannot compute an exact probability leaves it out.
    problems = [f"{case}: {name} is there only once" for name in (set(before) ^ set(after)) - {"p_exact"}]
    if {**old, "expected": None} != {**new, "expected": None}:
        problems.append(f"another case: {new}")
    return problems + [f"{case}: {name} {before[name]} is now {after[name]}" for name in set(before) & set(after)
                       if not close(name, before[name], after[name])]


if __name__ == "__main__":
    if sys.argv[1:] not in (["write"], ["check"]):
        sys.exit("usage: golden.py write|check")
    main(sys.argv[1])
