"""What the campaigns share that prove random problems: verdicts, the checker's word, the loop and the counts."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mpmath as mp
import numpy as np

from supnorm.checker import TooCostly, check

SECONDS = 3.0  # what a check may take by its forecast
WRONG = ("FALSE", "CRASHED", "NOT ACCEPTED")
Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Judged:
    """What was found about a problem."""

    number: int
    verdict: str
    words: str


def checked(number: int, label: str, proof: Any, path: Path, seconds: float = SECONDS) -> Judged:
    """The verdict on a bound that no point has refuted: whether the checker accepts its file."""
    proof.save(path)
    try:
        verdict = check(path, limit=seconds)
    except TooCostly:
        return Judged(number, "true", label)
    if not verdict.accepted:
        return Judged(number, "NOT ACCEPTED", f"{label}: {verdict.reason}")
    return Judged(number, "true and accepted", label)


def refuted(
    bracket: tuple[float, float],
    error: Callable[[Array], Any],
    points: Array,
    witness: Array | None,
    digits: int,
) -> str:
    """An error above the upper bound, or a lower bound above all errors of its witness, in words; empty if there is none.

    Args:
        bracket: the lower and the upper bound.
        error: the largest error of an output at a point, in mpmath's precision.
        points: ``(n, d)``.
        witness: the point of the lower bound.
        digits: of mpmath.
    """
    lower, upper = bracket
    with mp.workdps(digits):
        for point in points:
            if (v := error(point)) > mp.mpf(upper):
                return f"{mp.nstr(v, 20)} at {point.tolist()} above {upper!r}"
        if witness is not None and (v := error(witness)) < mp.mpf(lower):
            return f"{mp.nstr(v, 20)} at the witness {witness.tolist()} below {lower!r}"
    return ""


def judged_by(judge: Callable[[int, int, Path], Judged], seed: int, count: int) -> list[Judged]:
    """``count`` problems of a seed; prints what is wrong as it is found."""
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            one = judge(number, seed, Path(folder) / "proof.json")
            if one.verdict in WRONG:
                print(f"{one.verdict}: {seed}/{number} {one.words}", flush=True)
            results.append(one)
    return results


def table(results: Iterable[Judged]) -> str:
    """Counts of the verdicts."""
    return "\n".join(f"{n:6d} {verdict}" for verdict, n in Counter(r.verdict for r in results).most_common())
