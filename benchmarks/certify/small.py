"""Best polynomials beside the functions that libraries compute with them, and Sollya's time for the same bracket.

The polynomials come from Remez' exchange algorithm in arbitrary precision; each coefficient is the sum of two float64
numbers, so that rounding them does not hide the error. Sollya (https://www.sollya.org), if it is installed, gets the same
numbers: `supnorm(p, f, [a;b], mode, 2^(-7))`, which brackets the error to 0.8 %. Its seconds are those that it measures.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import mpmath as mp

from supnorm.problem import Domain, ErrorMeasure, Problem

BITS, EXCHANGES, GRID = 500, 5, 30
with mp.workprec(BITS):
    LOG2E = mp.mpf(1) / mp.log(2)
LOG2E_HIGH = float(LOG2E)
LOG2E_LOW = float(LOG2E - LOG2E_HIGH)


@dataclass(frozen=True)
class Row:
    """One function: as it is read, exactly, as Sollya writes it; the interval, the degree, and the kind of error."""

    run: Callable[[Any], Any]
    exact: Callable[[Any], Any]
    sollya: str
    ends: tuple[float, float]
    degree: int
    kind: str = "absolute"


def _log2(x: Any) -> Any:
    v = jnp.log(1.0 + x)
    return v * LOG2E_HIGH + v * LOG2E_LOW


ROWS = {
    "exp, degree 5": Row(jnp.exp, mp.exp, "exp(x)", (-0.25, 0.25), 5, "relative"),
    "sin, degree 9": Row(jnp.sin, mp.sin, "sin(x)", (-1.0, 1.0), 9),
    "sin, degree 9, near 0": Row(jnp.sin, mp.sin, "sin(x)", (-0.5, 0.5), 9),
    "tan, degree 10": Row(jnp.tan, mp.tan, "tan(x)", (0.25, 0.5), 10),
    "exp(cos^2 x + 1), degree 15": Row(
        lambda x: jnp.exp(jnp.cos(x) ** 2 + 1.0), lambda x: mp.exp(mp.cos(x) ** 2 + 1), "exp(cos(x)^2+1)", (1.0, 2.0), 15
    ),
    "cos, degree 15": Row(jnp.cos, mp.cos, "cos(x)", (-0.5, 0.25), 15, "relative"),
    "log2(1 + x), degree 7": Row(_log2, lambda x: mp.log(1 + x) * LOG2E, "log2(1+x)", (-(2.0**-9), 2.0**-9), 7),
}  # fmt: skip


def remez(row: Row) -> list[tuple[float, float]]:
    """The coefficients of the best polynomial, lowest first, each as the sum of two float64 numbers."""
    with mp.workprec(BITS):
        n, a, b = row.degree, mp.mpf(row.ends[0]), mp.mpf(row.ends[1])

        def weight(x: Any) -> Any:
            return 1 / row.exact(x) if row.kind == "relative" else mp.mpf(1)

        count = GRID * (n + 2)
        grid = [(a + b) / 2 - (b - a) / 2 * mp.cos(mp.pi * i / count) for i in range(count + 1)]
        extremes = [grid[GRID * i * (n + 2) // (n + 1)] for i in range(n + 2)]
        for _ in range(EXCHANGES):
            rows = [[x**k for k in range(n + 1)] + [(-1) ** i / weight(x)] for i, x in enumerate(extremes)]
            found = list(mp.lu_solve(mp.matrix(rows), mp.matrix([row.exact(x) for x in extremes])))
            coefficients = found[: n + 1]
            error = [(row.exact(x) - mp.polyval(coefficients[::-1], x)) * weight(x) for x in grid]
            extremes = _exchange(grid, error, n + 2)
        high = [float(c) for c in coefficients]
        return [(h, float(c - mp.mpf(h))) for c, h in zip(coefficients, high, strict=True)]


def _exchange(grid: list[Any], error: list[Any], count: int) -> list[Any]:
    """The largest error of each run of one sign; of more than ``count`` runs, the weaker end is dropped."""
    runs: list[int] = []
    for i, e in enumerate(error):
        if runs and (e > 0) == (error[runs[-1]] > 0):
            runs[-1] = max(runs[-1], i, key=lambda k: abs(error[k]))
        else:
            runs.append(i)
    while len(runs) > count:
        runs.pop(0 if abs(error[runs[0]]) < abs(error[runs[-1]]) else -1)
    return [grid[i] for i in runs]


def _horner(coefficients: list[float], x: Any) -> Any:
    value = coefficients[-1] + 0.0 * x
    for c in reversed(coefficients[:-1]):
        value = value * x + c
    return value


def problem(name: str, coefficients: list[tuple[float, float]] | None = None) -> Problem:
    """The problem of a row."""
    row = ROWS[name]
    pairs = coefficients or remez(row)
    high, low = ([pair[i] for pair in pairs] for i in range(2))
    measure = ErrorMeasure(row.kind, floor=0.0) if row.kind == "relative" else ErrorMeasure(row.kind)
    return Problem(
        lambda x: _horner(high, x[:, 0]) + _horner(low, x[:, 0]), lambda x: row.run(x[:, 0]),
        Domain(x=row.ends), error=measure,
    )  # fmt: skip


def by_sollya(name: str, coefficients: list[tuple[float, float]]) -> dict[str, float] | None:
    """Seconds and bracket of Sollya; None where it is not installed."""
    if shutil.which("sollya") is None:
        return None
    row = ROWS[name]
    terms = [f"({_exactly(h)} + {_exactly(low)})*x^{k}" for k, (h, low) in enumerate(coefficients)]
    a, b = map(_exactly, row.ends)
    script = f"""prec=500;
p = {" + ".join(terms)};
p = horner(p);
t = time(r = supnorm(p, {row.sollya}, [{a};{b}], {row.kind}, 2^(-7)));
display=decimal; prec=60;
print("seconds", t);
print("lower", inf(r));
print("upper", sup(r));
quit;
"""
    got = subprocess.run(
        ["sollya", "--warnonstderr"], input=script, capture_output=True, text=True, timeout=600
    )
    found = {k: float(v) for k, v in re.findall(r"(seconds|lower|upper) (\S+)", got.stdout)}
    if set(found) != {"seconds", "lower", "upper"}:
        raise SystemExit(f"sollya did not answer as expected: {got.stdout[-300:]} {got.stderr[-300:]}")
    return found


def _exactly(v: float) -> str:
    """A float64 number as Sollya reads it, without rounding."""
    whole, below = v.as_integer_ratio()
    return f"({whole}*2^(-{below.bit_length() - 1}))"


def run(seconds: float, only: str) -> None:
    """All rows whose name contains ``only``, each with its checker, beside Sollya."""
    import tempfile
    import time

    from benchmarks.certify import records, table
    from benchmarks.certify.targets import Until, measured, shifted
    from supnorm.certification import certify
    from supnorm.checker import check

    measured(shifted(1, 8, 1, "tanh", 1e-2), 1.1, 10.0)  # imports
    for name, row in ROWS.items():
        if only not in name:
            continue
        coefficients = remez(row)
        start = time.process_time()
        result = certify(problem(name, coefficients), 1.01, observer=Until(seconds))
        middle = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            result.certificate.save(f"{folder}/c.json")
            saved = time.process_time()
            accepted = check(f"{folder}/c.json").accepted
        entry = {
            "asked": 1.01, "ratio": result.ratio, "lower": result.lower, "upper": result.upper,
            "boxes": result.tried, "proved": result.proved_volume, "code": result.status.code,
            "seconds": middle - start, "accepted": accepted, "check_seconds": time.process_time() - saved,
            "rounding": result.rounding, "sollya": by_sollya(name, coefficients),
        }  # fmt: skip
        records.put("small", name, entry)
        print(f"{name:30s} {table.words(entry)}; Sollya {entry['sollya']}", flush=True)
