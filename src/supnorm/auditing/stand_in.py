"""A cheap copy of an expensive pair, so that planted errors can be searched for many times.

What costs more than 1 ms a point is replaced by a Gaussian process through the values that the audit has seen of
it; what is cheap stays itself. The copy has the pair's smooth shape and its known peaks, not what no call has
seen; planted errors are searched for on it, never the pair's own. It is named wherever a number rests on it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.modelled import as_function
from supnorm.auditing.surrogate import GaussianProcess
from supnorm.evaluation import Evaluations, Evaluator
from supnorm.problem import Domain, Function, Problem
from supnorm.wording import Fact, fact

Array = NDArray[np.float64]
MOST = 500  # points of the process: prediction costs this much for each evaluation
FITTED = 300.0  # points of a process that is fitted in a second, about; n of them take as n^1.6


@dataclass(frozen=True)
class StandIn:
    """A problem in place of the audited one, and what it is."""

    problem: Problem
    fact: Fact


def stand_in(
    evaluator: Evaluator,
    scout: Evaluations | None,
    worst: Array,
    always: tuple[str, ...] = (),
    seconds: float = np.inf,
) -> StandIn | None:
    """The copy; None when fewer values than inputs + 2 are known.

    Args:
        scout: independent points of the law with both values.
        always: sides that are copied even when they are cheap.
        worst: rows with the largest errors: inputs, model, reference, ... (`Recorder.worst_rows`).
        seconds: for the fit, about.
    """
    problem = evaluator.problem
    x, model, reference = _known(
        problem.domain.d, scout, worst, int(np.clip(FITTED * seconds**0.6, 20, MOST))
    )
    if len(x) < problem.domain.d + 2:
        return None
    u = problem.domain.to_unit(x)
    copied: dict[str, Function] = {}
    for caller, values in ((evaluator.model, model), (evaluator.reference, reference)):
        if caller.expensive or caller.side in always:
            side = caller.side
            copied[side] = _process(problem.domain, getattr(problem, side), u, values)
    return StandIn(
        replace(
            problem,
            model=copied.get("model", problem.model),
            reference=copied.get("reference", problem.reference),
            recheck=None,
        ),
        fact("stand-in", sides=" and of the ".join(copied), n=len(u)),
    )


def _known(d: int, scout: Evaluations | None, worst: Array, most: int) -> tuple[Array, Array, Array]:
    """Distinct points with finite values on both sides, the worst half first: inputs, model, reference."""
    m = (worst.shape[1] - d - 2) // 2
    parts = [(worst[:, :d], worst[:, d : d + m], worst[:, d + m : d + 2 * m])] if len(worst) else []
    if scout is not None and (not parts or scout.model.shape[1] == m):
        parts.append((scout.x, scout.model, scout.reference))
    if not parts:
        return np.empty((0, d)), np.empty((0, 1)), np.empty((0, 1))
    half = [most if len(parts) == 1 else most // 2] * len(parts)
    x, y, f = (np.concatenate([part[k][:n] for part, n in zip(parts, half, strict=True)]) for k in range(3))
    finite = np.isfinite(y).all(axis=1) & np.isfinite(f).all(axis=1)
    x, y, f = x[finite], y[finite], f[finite]
    first = np.sort(np.unique(x.round(12), axis=0, return_index=True)[1])
    return x[first], y[first], f[first]


def _process(domain: Domain, function: Function, u: Array, values: Array) -> Function:
    """A Gaussian process in place of a function; it has derivatives only where the function has."""
    copy = as_function(GaussianProcess.fit(u, values), domain, function.name or "it")
    return replace(copy, vjp=copy.vjp if function.vjp is not None else None, outputs=function.outputs)
