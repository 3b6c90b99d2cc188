"""Inputs that have no effect on one side and an effect on the other: a parameter that was dropped or ignored in silence.

The cuts through the worst point are evaluated anyway: along each of them one input varies alone. Where one side gives the
same values all along such a cut, up to rounding, and the other changes by at least 1 % of the worst difference, random
pairs of points are evaluated that differ in this input alone (`PAIRS` of cheap functions, `FEW` of expensive ones, and never
more than the pictures were planned to take). One pair in which the side changes ends the suspicion: it was flat along that
line only. None of n pairs is an estimate, not a proof: by Clopper and Pearson the input changes that side in at most
1 - 0.05^(1/n) of such pairs, with 95 % confidence.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.many_outputs import output_names
from supnorm.auditing.run import Run
from supnorm.auditing.statistics import clopper_pearson_upper
from supnorm.evaluation.limit import Limit
from supnorm.problem import Problem, stream
from supnorm.problem.records import output_units
from supnorm.results.audit import Finding
from supnorm.results.charts import CutRecord

Array = NDArray[np.float64]
PAIRS, FEW = 59, 5  # with 59 pairs the limit is 5 %
EFFECT = 0.01  # of the worst difference of the two sides: what the other side has to change
POINTS = 5  # of a cut that have values, at least
# Of the largest value of a side: what its values may differ by, because a sum in another batch is rounded otherwise.
ROUNDING = {"float64": 1e-12, "float32": 1e-6}
COARSE = 0.02  # of any other precision
SIDES = {"model": "reference", "reference": "model"}


def with_unused_inputs(run: Run, clock: Limit) -> Run:
    """The run with a finding for each input that has an effect on one side only; its cuts must have been drawn.

    A reference that is constant in all inputs, such as the zero of a residual, is meant to be so. Where every point of the
    domain was evaluated, nothing is estimated.
    """
    witness, charts, listed = run.witness, run.charts, run.search.listed
    if witness is None or charts is None or (listed is not None and listed.exhaustive):
        return run
    k = witness.output
    found: list[Finding] = []
    with np.errstate(over="ignore"):  # differences of the largest numbers
        gap = float(abs(witness.model[k] - witness.reference[k]))
        constant = all(_flat(run.problem, "reference", _values(cut, "reference")) for cut in charts.cuts)
        sides = ("model",) if constant else tuple(SIDES)
        for cut in charts.cuts:
            for side in sides:
                spread = _spread(run.problem, cut, side, gap)
                if spread is not None:
                    found += _confirmed(run, clock, cut.axis, side, spread)
    return replace(run, unused=tuple(found))


def rounding(problem: Problem, side: str, values: Array) -> float:
    """How far equal values of a side may be apart."""
    share = ROUNDING.get(getattr(problem, side).precision, COARSE)
    return share * float(np.abs(values).max(initial=0.0))


def _values(cut: CutRecord, side: str) -> Array:
    """The values of a side along a cut, far and close."""
    return np.concatenate([np.array(getattr(part, side), dtype=float) for part in (cut.whole, cut.close)])


def _flat(problem: Problem, side: str, values: Array) -> bool:
    """Whether the values of a side that are finite are the same up to rounding."""
    known = values[np.isfinite(values)]
    return bool(known.size == 0 or np.ptp(known) <= rounding(problem, side, known))


def _spread(problem: Problem, cut: CutRecord, side: str, gap: float) -> float | None:
    """How far the other side changes along a cut on which this side does not; None otherwise."""
    own, other = (_values(cut, name) for name in (side, SIDES[side]))
    ok = np.isfinite(own) & np.isfinite(other)
    own, other = own[ok], other[ok]
    if len(own) < POINTS or not _flat(problem, side, own):
        return None
    spread = float(np.ptp(other))
    least = max(EFFECT * gap if np.isfinite(gap) else 0.0, 1e3 * rounding(problem, SIDES[side], other))
    return spread if spread > least else None


def _confirmed(run: Run, clock: Limit, axis: str, side: str, spread: float) -> list[Finding]:
    """The finding, if the side has the same values in all pairs of points that differ in this input alone."""
    problem, evaluator = run.problem, run.evaluator
    n = FEW if evaluator.model.expensive or evaluator.reference.expensive else PAIRS
    if run.planned is not None:  # no more than was announced
        n = min(n, (run.planned.purposes["pictures"] - evaluator.spent("pictures")) // 2)
    if n < FEW or clock.affords < 2 * n:
        return []
    i, d = problem.domain.names.index(axis), problem.domain.d
    rng = stream(run.asked.seed, i)
    u = np.repeat(rng.random((n, d)), 2, axis=0)
    u[1::2, i] = rng.random(n)
    done = run.landscape(2 * n, clock).look(u)
    own, other = getattr(done, side), getattr(done, SIDES[side])
    k = run.peaks[0].witness.output
    known = (np.isfinite(own).all(axis=1) & np.isfinite(other[:, k])).reshape(-1, 2).all(axis=1)
    known &= done.x[::2, i] != done.x[1::2, i]  # of a list of values both may be the same
    pairs, others = own.reshape(n, 2, -1)[known], other[:, k].reshape(n, 2)[known]
    if not known.any() or any(
        np.abs(pairs[:, 0, j] - pairs[:, 1, j]).max() > rounding(problem, side, pairs[:, :, j])
        for j in range(pairs.shape[2])
    ):
        return []
    m, names = own.shape[1], output_names(problem, evaluator)
    values = {
        "name": axis,
        "model": side == "model",
        "n": len(pairs),
        "spread": max(spread, float(np.abs(others[:, 0] - others[:, 1]).max())),
        "at_most": clopper_pearson_upper(0, len(pairs)),
    }
    more = {"unit": output_units(problem, m)[k]} | ({"outputs": m, "output": names[k]} if m > 1 else {})
    return [Finding.of("input-without-effect", **values, **{key: v for key, v in more.items() if v})]
