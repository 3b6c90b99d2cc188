"""Random formulas bounded by Chebyshev models, against arbitrary precision and the checker.

Sums, products, quotients, powers, logarithms, exponentials and kinks of positive inputs in one to four dimensions, log and
linear axes, every measure and side, errors from 1e-9 to 10. Of `POINTS` random points those where float64 sees the largest
errors are evaluated by mpmath: a bound below one of them is false. The checker must accept every certificate whose forecast
is at most `SECONDS`.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mpmath as mp
import numpy as np

from benchmarks.soundness.extreme import exact
from supnorm.certification import ComposedCertificate, certify
from supnorm.checker import check
from supnorm.checker.rejected import TooCostly

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "certification"))
import formulas

POINTS, EXACT, DIGITS = 50_000, 16, 40
BOXES = 80
SECONDS = 2.0


@dataclass(frozen=True)
class Composed:
    """One problem."""

    number: int
    verdict: str
    words: str


def judged(number: int, seed: int, path: Path) -> Composed:
    """One problem: its bound beside errors at points, and what the checker says of its certificate."""
    problem, label = formulas.random_formulas(1_000_000 * seed + number, (1, 2, 3, 4))
    try:
        result = certify(problem, 1.2, strategy=ComposedCertificate(), boxes=BOXES)
    except Exception as error:
        return Composed(number, "CRASHED", f"{label}: {type(error).__name__}: {error}")
    if not np.isfinite(result.upper):
        return Composed(number, "no bound", label)
    seen = _worst(result.certificate.error, np.random.default_rng([seed, number]))
    if seen > mp.mpf(result.upper):
        return Composed(number, "FALSE", f"{label}: {mp.nstr(seen, 20)} above {result.upper!r}")
    result.certificate.save(path)
    try:
        verdict = check(path, limit=SECONDS)
    except TooCostly:
        return Composed(number, "true", label)
    if not verdict.accepted:
        return Composed(number, "NOT ACCEPTED", f"{label}: {verdict.reason}")
    return Composed(number, "true and accepted", label)


def _worst(error: Any, rng: np.random.Generator) -> Any:
    t = error.low + (error.high - error.low) * rng.random((POINTS, error.d))
    t[: POINTS // 10] = np.where(rng.random((POINTS // 10, error.d)) < 0.5, error.low, error.high)
    with np.errstate(all="ignore"):
        each = np.stack([error.one_sided(p.value(t)) for p in error.alternatives]).min(0).max(1)
    found = mp.mpf(0)
    with mp.workdps(DIGITS):
        for row in np.argsort(np.nan_to_num(each, nan=0.0, posinf=0.0))[-EXACT:]:
            signed = [exact(p, t[row]) for p in error.alternatives]
            sizes = {"both": abs, "over": lambda v: max(v, 0), "under": lambda v: max(-v, 0)}
            found = max(found, min(map(sizes[error.side], signed)))
    return found


def campaign(seed: int, count: int) -> list[Composed]:
    """``count`` problems."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            one = judged(number, seed, Path(folder) / "c.json")
            if one.verdict in ("FALSE", "CRASHED", "NOT ACCEPTED"):
                print(f"{one.verdict}: {seed}/{number} {one.words}", flush=True)
            found.append(one)
    return found


def table(found: list[Composed]) -> str:
    """Counts."""
    return "\n".join(f"{n:6d} {verdict}" for verdict, n in Counter(f.verdict for f in found).most_common())
