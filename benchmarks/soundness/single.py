"""Random programs in float32 against the bounds of certifier and checker: no deviation may be above either.

Networks of eleven activations and formulas with poles, powers and constants that float32 does not hold, on boxes from 1e-4
to 2 wide. Float32 runs them as badly as the assumptions allow (`tests/certification/single_oracle.py`): sums in random,
sorted and pairwise order, with and without fused multiply-add, functions at the limit of their accuracy to random sides,
quotients by reciprocals. A million points run in `RUNS` parts, each in a way of its own; float64 chooses the one with the
largest deviation, which is computed by mpmath.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mpmath as mp
import numpy as np
from flint import arb

from benchmarks.soundness.million import POINTS
from supnorm.certification.single_precision import rounding_in_single
from supnorm.checker.claimed_single import Kernel, SingleClaim
from supnorm.checker.deployed import Subject, added_on
from supnorm.checker.operation import program as read_program
from supnorm.program import Builder
from supnorm.program.single_precision import kernels

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "certification"))
import oracle
import single_cases
import single_oracle

RUNS = 100
DIGITS = 40


@dataclass(frozen=True)
class Single:
    """One program."""

    number: int
    verdict: str
    words: str
    share: float = 0.0


def judged(number: int, seed: int) -> Single:
    """The largest deviation of one program beside its bounds."""
    rng = np.random.default_rng([seed, number])
    program, centre, half, words = single_cases.random_program(int(rng.integers(2**40)))
    runtime = str(rng.choice(["torch", "onnxruntime"]))
    accuracy = kernels(runtime)
    try:
        bound = float(rounding_in_single(program, centre[None], half[None], accuracy)[0].max())
        again = _checked(program, centre, half, accuracy)
    except Exception as error:
        return Single(number, "CRASHED", f"{words}: {type(error).__name__}: {error}")
    if not np.isfinite(bound):
        return Single(number, "no bound", words)
    worst = _largest(program, centre, half, accuracy, rng)
    if worst > min(bound, again):
        return Single(number, "FALSE", f"{words}: {worst!r} above {bound!r} or {again!r}")
    if again > 1.005 * bound:
        return Single(number, "NOT PROVED AGAIN", f"{words}: {again!r} above {bound!r}")
    return Single(number, "true", words, worst / bound if bound else 0.0)


def _largest(program, centre, half, accuracy, rng) -> float:  # type: ignore[no-untyped-def]
    """The largest deviation of an output, as mpmath finds it; infinite where float32 has no finite number."""
    largest, at = -1.0, (centre, 0, 0.0)
    for k in range(RUNS):
        u = rng.uniform(-1.0, 1.0, (POINTS // RUNS, len(centre)))
        u[::4] = np.sign(u[::4])
        x = centre + half * u
        run = single_oracle.run_single(program, x, rng, accuracy if k % 12 else None).astype(float)
        off = np.abs(run - single_oracle.exact_value(program, x))
        if not np.isfinite(off).all():
            return float(np.inf)
        row, j = np.unravel_index(off.argmax(), off.shape)
        if off[row, j] > largest:
            largest, at = off[row, j], (x[row], int(j), run[row, j])
    point, j, value = at
    with mp.workdps(DIGITS):
        return float(
            abs(oracle.evaluate(program, [mp.mpf(float(v)) for v in point])[j] - mp.mpf(float(value)))
        )


def _checked(program, centre, half, accuracy) -> float:  # type: ignore[no-untyped-def]
    """The checker's bound; infinite where it has none."""
    build = Builder(program.d)
    gap = build.binary("sub", build.inline(program, build.input), np.zeros(program.m))
    subject = Subject.of((read_program(build.finish(gap).to_json()),))
    functions = {op: Kernel(k.ulps, k.absolute, k.argument, k.most) for op, k in accuracy.items()}
    cell = list(map(arb, centre.tolist())), list(map(arb, half.tolist()))
    bound = added_on(subject, SingleClaim("", functions, (), 0.0, 0.0), cell)
    return np.inf if bound is None else float(bound)


def campaign(seed: int, count: int) -> list[Single]:
    """``count`` programs."""
    judgements = []
    for number in range(count):
        one = judged(number, seed)
        if one.verdict not in ("true", "no bound"):
            print(f"{one.verdict}: {seed}/{number} {one.words}", flush=True)
        judgements.append(one)
    return judgements


def table(judgements: list[Single]) -> str:
    """Counts, and how close the largest deviations come to their bounds."""
    shares = [one.share for one in judgements if one.verdict == "true"]
    lines = [f"{n:6d} {verdict}" for verdict, n in Counter(one.verdict for one in judgements).most_common()]
    if shares:
        lines.append(f"deviation / bound: median {np.median(shares):.2f}, largest {max(shares):.2f}")
    return "\n".join(lines)


def kept(judgements: list[Single]) -> dict[str, Any]:
    """What a row of the results has beside the counts."""
    shares = [one.share for one in judgements if one.verdict == "true"]
    return {"points": POINTS, "median": round(float(np.median(shares)), 3), "largest": round(max(shares), 3)}
