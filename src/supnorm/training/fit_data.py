"""Fitting fixed samples: the same candidates, chosen on 15 % of the samples, reported on the held-out 20 %.

A largest error on held-out samples is a lower bound for them alone: between the samples nothing is known, and
the status says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.approximants import PIECEWISE, Approximation, NotApplicable
from supnorm.auditing.facts import measure_json
from supnorm.evaluation import Finished, Started
from supnorm.problem import Domain, ErrorMeasure
from supnorm.results import BadInput, ExitCode, Status, versions
from supnorm.training.assessment import Errors, Validation
from supnorm.training.events import Tried
from supnorm.training.fit_result import Candidate, FitResult
from supnorm.training.fixed_data import FixedData
from supnorm.training.label_jumps import LabelJump, label_jump
from supnorm.training.network_fit import NetworkFit, as_approximation
from supnorm.training.outcome import latency

Array = NDArray[np.float64]
ROWS = 20_000  # samples beyond this many judge the candidates but are not trained on


def fit_data(
    samples: tuple[Array, Array],
    domain: Domain | None,
    tolerance: float | tuple[float, ...] | None,
    norm: str,
    methods: Sequence[Any],
    error: ErrorMeasure | None,
    seed: int,
    observer: Callable[[Any], None],
) -> FitResult:
    """Fit ``samples = (x, y)``; see `fit`.

    Raises:
        BadInput: for unusable samples, or when no method can be used.
    """
    start = time.perf_counter()
    if len(samples) != 2:
        raise BadInput(f"fixed samples are a pair (x, y), got {len(samples)} parts")
    data = FixedData.split(samples[0], samples[1], domain, np.random.default_rng([seed, 3]))
    problem = data.problem(error, tolerance)
    observer(Started("fit", problem.error.limit, seed, None))
    choose = Validation(problem, *data.choose)
    held = Validation(problem, *data.held)
    tried, skipped = _try_all(methods, data, choose, norm, seed, observer)
    if not tried:
        raise BadInput("no method could be used: " + "; ".join(f"{n}: {why}" for n, why in skipped))
    tried.sort(key=lambda item: item[1].by(norm))
    spread = held.spread
    candidates = tuple(_candidate(found, held, spread, seconds) for found, _, seconds in tried)
    x, y = (np.concatenate([part[i] for part in (data.train, data.choose, data.held)]) for i in (0, 1))
    jump = label_jump(x, y, data.domain)
    notes = data.notes
    if jump is not None:
        notes = (*notes, jump.describe(data.domain), _remedy(candidates, data.domain.d))
    if len(data.train[0]) > ROWS:
        notes = (
            *notes,
            f"trained on {ROWS} of {len(data.train[0])} training samples",
        )
    observer(Finished())

    status = _status(candidates[0], problem.error.limit, norm, held, jump)
    return FitResult(
        candidates[0], candidates, tuple(skipped), status, None,
        {"train": len(data.train[0]), "choose": len(data.choose[0]), "held-out": len(data.held[0])},
        notes, problem.error.limit, norm, seed, time.perf_counter() - start, versions=versions(),
        measure=measure_json(problem, [str(i + 1) for i in range(y.shape[1])]),
    )  # fmt: skip


def _try_all(
    methods: Sequence[Any],
    data: FixedData,
    choose: Validation,
    norm: str,
    seed: int,
    observer: Callable[[Any], None],
) -> tuple[list[tuple[Approximation, Errors, float]], list[tuple[str, str]]]:
    tried: list[tuple[Approximation, Errors, float]] = []
    skipped: list[tuple[str, str]] = []
    x, y = data.train[0][:ROWS], data.train[1][:ROWS]
    goal = choose.problem.error.limit
    for method in methods:
        start = time.perf_counter()
        if (
            isinstance(method, NetworkFit)
            and goal is not None
            and any(e.by(norm) <= goal for _, e, _ in tried)
        ):
            skipped.append((type(method).__name__, "a cheaper method meets the tolerance"))
            continue
        try:
            found = _fit_one(method, x, y, data.domain, choose, norm, seed)
        except NotApplicable as why:
            skipped.append((type(method).__name__, str(why)))
            continue
        errors = choose.errors(found.function)
        tried.append((found, errors, time.perf_counter() - start))
        observer(Tried(found.method, errors.rms, errors.worst))
    return tried, skipped


def _fit_one(
    method: Any, x: Array, y: Array, domain: Domain, choose: Validation, norm: str, seed: int
) -> Approximation:
    rng = np.random.default_rng([seed, 4])
    if not isinstance(method, NetworkFit):
        found: Approximation = method.from_samples(x, y, domain, rng)
        return found
    if len(x) < 10:
        raise NotApplicable(f"a network needs at least 10 samples, got {len(x)}")
    best: tuple[float, Approximation] | None = None
    for width in method.widths:
        if best is not None and method.size(domain.d, y.shape[1], width) > len(x):
            break
        trained = method.train(method.start(x, y, domain, width, rng), x, y, None, rng)
        network = as_approximation(trained, len(x))
        error = choose.errors(network.function).by(norm)
        if best is None or error < best[0]:
            best = (error, network)
    assert best is not None
    return best[1]


def _candidate(found: Approximation, held: Validation, spread: float, seconds: float) -> Candidate:
    errors = held.errors(found.function)
    return Candidate(found, seconds, errors.rms, errors.worst, spread, latency(found.function.value, held.x))


def _remedy(candidates: Sequence[Candidate], d: int) -> str:
    """What to do about a jump."""
    if any(c.method == PIECEWISE for c in candidates):
        return f"the candidate that jumps there is the {PIECEWISE}; samples in the gap, or a reference, narrow it"
    if d == 1:
        return "a fit that jumps there: method=PiecewiseLeastSquares(), --method piecewise-polynomial"
    return "fit the samples on either side of the jump separately"


def _status(
    winner: Candidate, goal: float | None, norm: str, held: Validation, jump: LabelJump | None
) -> Status:
    value = winner.rms if norm == "l2" else winner.sup_lower
    what = "root mean square" if norm == "l2" else "largest error"
    said = (
        f"{winner.method}: {what} {value:.2e} on {len(held.x)} held-out samples; between the samples "
        "nothing is known: give a reference to have it audited"
    )
    if goal is None:
        return Status("no-tolerance", said)
    if value <= goal:
        return Status("within-tolerance", said)
    if jump is not None and norm == "sup" and goal < 0.5 * jump.size:
        said += f"; the labels jump by {jump.size:.3g}: no continuous model can"
    return Status("tolerance-exceeded", said, ExitCode.EXCEEDED)
