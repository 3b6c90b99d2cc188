"""Random programs in float32 against the bounds of certifier and checker: no deviation may be above either.

Networks of eleven activations and formulas with poles, powers and constants that float32 does not hold, on boxes from 1e-4
to 2 wide. Float32 runs them as badly as the assumptions allow (`tests/certification/single_oracle.py`): sums in random,
sorted and pairwise order, with and without fused multiply-add, functions at the limit of their accuracy to random sides,
quotients by reciprocals. Values in float64 stand for the exact ones; their rounding is 2^-29 of float32's.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from flint import arb

from supnorm.certification.single_precision import rounding_in_single
from supnorm.checker.claimed_single import Kernel, SingleClaim
from supnorm.checker.deployed import Subject, added_on
from supnorm.checker.operation import program as read_program
from supnorm.program import Builder
from supnorm.program.single_precision import kernels

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "certification"))
import single_cases
import single_oracle

POINTS, RUNS = 4_000, 12
ROUNDING = 1e-6  # share of a float32 deviation that float64 may explain


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
    u = rng.uniform(-1.0, 1.0, (POINTS, len(centre)))
    u[::4] = np.sign(u[::4])
    x = centre + half * u
    exact = single_oracle.exact_value(program, x)
    worst = 0.0
    for k in range(RUNS):
        run = single_oracle.run_single(program, x, rng, accuracy if k else None).astype(float)
        off = np.abs(run - exact).max()
        worst = max(worst, float(off) if np.isfinite(off) else np.inf)
    if worst * (1.0 - ROUNDING) > min(bound, again):
        return Single(number, "FALSE", f"{words}: {worst!r} above {bound!r} or {again!r}")
    if again > 1.005 * bound:
        return Single(number, "NOT PROVED AGAIN", f"{words}: {again!r} above {bound!r}")
    return Single(number, "true", words, worst / bound if bound else 0.0)


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
