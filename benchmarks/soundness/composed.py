"""Random formulas bounded by Chebyshev models, against arbitrary precision and the checker.

Sums, products, quotients, powers, logarithms, exponentials and kinks of positive inputs in one to four dimensions, log and
linear axes, every measure and side, errors from 1e-9 to 10; or trees at the edges of the rules (`composed_hostile`), or
relative errors of formulas over many decades (`formulas.wide_formulas`). Of
a million points, random, at and near the ends of axes and near the witness, those where float64 sees the largest errors, and
some where it may see nothing, are evaluated by mpmath: a bound below one of them is false. The checker must accept every
certificate whose forecast is at most `SECONDS`.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import mpmath as mp
import numpy as np

from benchmarks.soundness.composed_hostile import hostile_problem
from benchmarks.soundness.extreme import exact
from benchmarks.soundness.judging import Judged, checked, judged_by
from benchmarks.soundness.million import worst
from supnorm.certification import ComposedCertificate, certify
from supnorm.results import BadInput

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "certification"))
import formulas

EXACT, BLIND, DIGITS = 16, 8, 60
BOXES = 80
SECONDS = 2.0  # what a check may take by its forecast


def judged(number: int, seed: int, path: Path, kind: str = "composed") -> Judged:
    """One problem: its bound beside errors at points, and what the checker says of its certificate."""
    if kind == "hostile":
        problem, label = hostile_problem(number, seed)
    elif kind == "wide":
        problem, label = formulas.wide_formulas(1_000_000 * seed + number)
    else:
        problem, label = formulas.random_formulas(1_000_000 * seed + number, (1, 2, 3, 4))
    try:
        result = certify(problem, 1.2, strategy=ComposedCertificate(), boxes=BOXES)
    except BadInput as error:
        return Judged(number, "refused", f"{label}: {error}")
    except Exception as error:
        return Judged(number, "CRASHED", f"{label}: {type(error).__name__}: {error}")
    if not np.isfinite(result.upper):
        return Judged(number, "no bound", label)
    witness = None if result.witness is None else result.witness.x
    seen = _worst(result.certificate.error, np.random.default_rng([seed, number]), witness)
    if seen > mp.mpf(result.upper):
        return Judged(number, "FALSE", f"{label}: {mp.nstr(seen, 20)} above {result.upper!r}")
    return checked(number, label, result.certificate, path, SECONDS)


def _points(error: Any, rng: np.random.Generator, witness: Any, n: int) -> Any:
    """Those at the ends of axes, near them, and near the witness, on all scales, and then random ones."""
    low, wide, d, part = error.low, error.high - error.low, error.d, n // 10
    t = low + wide * rng.random((n, d))
    t[:part] = np.where(rng.random((part, d)) < 0.5, low, error.high)
    near = wide * 10.0 ** rng.uniform(-16, -1, (part, d))
    t[part : 2 * part] = np.where(rng.random((part, d)) < 0.5, low + near, error.high - near)
    if witness is not None:
        at = np.where(error.log, np.log(np.where(error.log, witness, 1.0)), witness)
        t[2 * part : 3 * part] = at + near * rng.choice([-1.0, 1.0], (part, d))
    return np.clip(t, low, error.high)


def _worst(error: Any, rng: np.random.Generator, witness: Any) -> Any:
    def seen(t: Any) -> Any:
        each = np.stack([error.one_sided(p.value(t)) for p in error.alternatives])
        return np.where(np.isnan(each), np.inf, each).min(0).max(1)

    sizes = {"both": abs, "over": lambda v: max(v, 0), "under": lambda v: max(-v, 0)}
    found = mp.mpf(0)
    with mp.workdps(DIGITS):
        for t in worst(partial(_points, error, rng, witness), seen, EXACT, BLIND):
            signed = [_exact(p, t) for p in error.alternatives]
            found = max(found, min(mp.inf if v is None else sizes[error.side](v) for v in signed))
    return found


def _exact(program: Any, point: Any) -> Any:
    """None where the program has no real value: no bound of it is true there."""
    try:
        v = exact(program, point)
    except (ZeroDivisionError, TypeError):  # mpmath does not compare complex numbers
        return None
    return v if isinstance(v, mp.mpf) else None


def campaign(seed: int, count: int, kind: str = "composed") -> list[Judged]:
    """``count`` problems: "composed", "hostile" or "wide"."""
    return judged_by(partial(judged, kind=kind), seed, count)
