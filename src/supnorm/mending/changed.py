"""Where a mended model differs most from the old one: the only places where it can be worse.

|N_new - f| - |N_old - f| <= |N_new - N_old| (triangle inequality), so that an absolute error grows by more than is allowed
only where the models differ by more than that. To look for such places takes no call of the reference. It is asked

1. at the peaks of the difference, which a search with the gradients of both models finds: between its samples a mended model
   may overshoot where no search of the error looks, and
2. at points that fill the part of the domain where the difference is that large, and round those of them where the error
   grew most: in a region that is wrong as a whole, the old model may be right in a narrow bump.

What these calls cannot see stays unseen: a bump of the reference whose share of that part is far below one over their
number.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.find_worst import find_worst
from supnorm.auditing.points import sobol_sequence
from supnorm.evaluation import Calls
from supnorm.evaluation.guarded import values_of
from supnorm.mending.both import Both, both_at
from supnorm.mending.regions import Ellipsoid
from supnorm.mending.task import LEAST_SECONDS, Task, Wrong, at_least
from supnorm.problem import ErrorMeasure, Function

Array = NDArray[np.float64]
PEAKS = 40  # of the difference, at most, at which the reference is asked
SEARCH = 4000  # evaluations of the difference, at most
TRIED = 20  # calls of the models for each of the reference, at most: they cost less
GREW = 5  # points where the error grew most, round which more are drawn
NEARER = (0.02, 0.005, 0.001)  # of the unit box
SHARE = 0.2  # of the time left, for each of these steps
CHEAP = 1e-9  # seconds of a model, before it is timed


def where_changed(task: Task, mended: Function, allowed: float, n: int, seed: int) -> Both:
    """Points where the models differ by much, at which the reference has a value.

    Args:
        allowed: how much the error may grow.
        n: calls of the reference, about.
        seed: of everything random.
    """
    domain, rng = task.problem.domain, np.random.default_rng([seed, 8])
    peaks = _peaks(task, mended, min(SEARCH, TRIED * n), seed)[: max(n // 10, 1)]
    found = _asked(task, mended, peaks, SHARE)
    filled = _filled(task, mended, allowed, max(n // 2, 1), rng)
    found = found.joined(_asked(task, mended, filled, SHARE))
    for scale in NEARER:
        if not len(found) or task.limit.over:
            break
        best = found.x[np.argsort(-found.growth, kind="stable")[:GREW]]
        each = max(n // (3 * len(NEARER) * len(best)), 1)
        around = [
            Ellipsoid(centre, np.full(domain.d, scale)).draw(each, rng) for centre in domain.to_unit(best)
        ]
        x = domain.from_unit(np.concatenate(around))
        found = found.joined(_asked(task, mended, x[domain.contains(x)], SHARE))
    return found


def _peaks(task: Task, mended: Function, evaluations: int, seed: int) -> Array:
    """Peaks of the difference, the highest first, shape ``(n, d)``."""
    problem = task.problem
    mask = None if problem.error.masks_by_reference else problem.error.mask
    measure = ErrorMeasure(mask=mask, failures="ignore")
    pair = replace(problem, model=mended, reference=problem.model, error=measure, recheck=None, equation=None)
    seconds = at_least(task.limit.within(SHARE), LEAST_SECONDS)
    found = find_worst(
        pair, evaluations=max(evaluations, 100), seconds=seconds, seed=seed, calls=Calls(cost="cheap")
    )
    wrong = Wrong.of_rows(found.rows, problem.domain.d)
    return wrong.x[wrong.apart(problem, 0.03, PEAKS)]


def _filled(task: Task, mended: Function, allowed: float, n: int, rng: np.random.Generator) -> Array:
    """At most ``n`` points that fill the part of the domain where the models differ by more than is allowed.

    Of errors that are not absolute or scaled, where they differ most: there the difference is no limit of the growth.
    """
    domain, error = task.problem.domain, task.problem.error
    u = sobol_sequence(domain.d, rng)(TRIED * n)
    x = domain.from_unit(u)
    x = x[domain.contains(x)]
    if not len(x):
        return x
    parts = [
        (values_of(mended, x[rows]), values_of(task.problem.model, x[rows]))
        for rows in task.limit.within(SHARE).timed(CHEAP).portions(len(x))
    ]
    new, old = (np.concatenate(side) for side in zip(*parts, strict=True))
    x = x[: len(new)]
    with np.errstate(all="ignore"):
        change = np.nan_to_num((np.abs(new - old) / error.weights(new.shape[1])).max(axis=1), nan=np.inf)
    if error.kind in ("absolute", "scaled"):
        x = x[change > allowed]
        return np.asarray(x if len(x) <= n else x[rng.permutation(len(x))[:n]])
    return x[np.argsort(-change, kind="stable")[:n]]


def _asked(task: Task, mended: Function, x: Array, share: float) -> Both:
    """Both models at points, without those where the reference has no value."""
    found = both_at(task, mended, x, task.part(share))
    return found.rows(np.isfinite(found.y).all(axis=1))
