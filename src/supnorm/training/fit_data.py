"""Fitting fixed samples: the same candidates, chosen on 15 % of the samples, reported on the held-out 20 %.

The largest error is that of both parts, which no candidate was trained on, and of samples that share the inputs of
others and contradict them: a lower bound for these samples alone.
Between the samples nothing is known, and the status says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.approximants import PIECEWISE, Approximation, NotApplicable
from supnorm.auditing.facts import measure_json
from supnorm.evaluation import Finished, Started
from supnorm.interrupts import INTERRUPTS
from supnorm.problem import Domain, ErrorMeasure, Function
from supnorm.results import BadInput, ExitCode, Status, versions
from supnorm.training.assessment import Errors, Validation
from supnorm.training.deadline import Deadline
from supnorm.training.events import Training, Tried
from supnorm.training.fit_result import Candidate, FitResult
from supnorm.training.fixed_data import FixedData
from supnorm.training.label_jumps import LabelJump, label_jump
from supnorm.training.network_fit import NetworkFit, as_approximation
from supnorm.training.outcome import latency

Array = NDArray[np.float64]


def fit_data(
    samples: tuple[Array, Array],
    domain: Domain | None,
    tolerance: float | tuple[float, ...] | None,
    norm: str,
    methods: Sequence[Any],
    error: ErrorMeasure | None,
    seed: int,
    observer: Callable[[Any], None],
    seconds: float | None = None,
    table: Function | None = None,
) -> FitResult:
    """Fit ``samples = (x, y)``; see `fit`. ``table``: what they come from, for names and units of the outputs.

    Raises:
        BadInput: for unusable samples, or when no method can be used.
        KeyboardInterrupt: without a candidate.
    """
    start = time.perf_counter()
    if len(samples) != 2:
        raise BadInput(f"fixed samples are a pair (x, y), got {len(samples)} parts")
    data = FixedData.split(samples[0], samples[1], domain, np.random.default_rng([seed, 3]))
    problem = data.problem(error, tolerance, table)
    observer(Started("fit", problem.error.limit, seed, None))
    choose, held = Validation(problem, *data.choose), Validation(problem, *data.held)
    for part, what in ((choose, "samples that choose"), (held, "held-out samples")):
        part.demand(what)
    trials = Trials(data, choose, norm, seed, Deadline.of(seconds, start), observer)
    trials.run(methods)
    tried, skipped = sorted(trials.tried, key=lambda item: item[1].by(norm)), trials.skipped
    if not tried:
        raise BadInput("no method could be used: " + "; ".join(f"{n}: {why}" for n, why in skipped))
    repeated = Validation(problem, *data.repeated) if len(data.repeated[0]) else None
    candidates = tuple(_candidate(*one, held, repeated) for one in tried)
    jump = label_jump(*data.points, data.domain)
    notes = data.notes
    if jump is not None:
        notes = (*notes, jump.describe(data.domain), _remedy(candidates, data.domain.d))
    observer(Finished())

    counts = {"train": len(data.train[0]), "choose": len(data.choose[0]), "held-out": len(data.held[0])}
    return FitResult(
        candidates[0], candidates, tuple(skipped), _status(trials, candidates[0], counts, jump), None, counts,
        notes, problem.error.limit, norm, seed, time.perf_counter() - start, versions=versions(),
        measure=measure_json(problem, list(problem.output_names(data.train[1].shape[1]))),
    )  # fmt: skip


@dataclass
class Trials:
    """The candidates in turn, each judged on the samples that choose.

    Attributes:
        deadline: the time limit.
        interrupted: by Ctrl-C; what was tried until then counts.
        tried: candidates with their errors there and the seconds that they took.
        skipped: methods that could not be used, with the reason.
    """

    data: FixedData
    choose: Validation
    norm: str
    seed: int
    deadline: Deadline
    observer: Callable[[Any], None]
    interrupted: bool = False
    tried: list[tuple[Approximation, Errors, float]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)

    def run(self, methods: Sequence[Any]) -> None:
        """Try the methods; Ctrl-C ends that once there is a candidate, and a time limit too."""
        try:
            for method in methods:
                self._try(method)
        except KeyboardInterrupt:
            if not self.tried:
                raise
            INTERRUPTS.taken()
            self.interrupted = True

    def _try(self, method: Any) -> None:
        name, goal = type(method).__name__, self.choose.problem.error.limit
        if self.deadline.over and self.tried:
            self.skipped.append((name, "the time was up"))
            return
        met = goal is not None and any(e.by(self.norm) <= goal for _, e, _ in self.tried)
        if met and isinstance(method, NetworkFit):
            self.skipped.append((name, "a cheaper method meets the tolerance"))
            return
        start = time.perf_counter()
        try:
            for found in self._fits(method):
                errors = self.choose.errors(found.function)
                self.tried.append((found, errors, time.perf_counter() - start))
                self.observer(Tried(found.method, errors.rms, errors.worst))
                start = time.perf_counter()
        except NotApplicable as why:
            self.skipped.append((name, str(why)))

    def _fits(self, method: Any) -> Iterator[Approximation]:
        """The approximation of a method; of networks one of each width that the samples allow."""
        (x, y), domain = self.data.train, self.data.domain
        rng = np.random.default_rng([self.seed, 4])
        if not isinstance(method, NetworkFit):
            yield method.from_samples(x, y, domain, rng)
            return
        if len(x) < 10:
            raise NotApplicable(f"a network needs at least 10 samples, got {len(x)}")
        sizes = [method.size(domain.d, y.shape[1], width) for width in method.widths]
        for i, (width, size) in enumerate(zip(method.widths, sizes, strict=True)):
            if i and size > len(x):
                return
            if self.deadline.over and self.tried:
                self.skipped.append((f"network width {width}", "the time was up"))
                continue
            self.observer(Training(size, min(len(x), method.rows)))
            left = self.deadline.left
            share = left and left / (len(sizes) - i)
            network = method.start(x, y, domain, width, rng)
            yield as_approximation(method.train(network, x, y, share, rng, longer=False), len(x))


def _candidate(
    found: Approximation, seen: Errors, seconds: float, held: Validation, repeated: Validation | None
) -> Candidate:
    errors = held.errors(found.function)
    worst = max(errors.worst, seen.worst)  # what was seen while choosing is no smaller afterwards
    if repeated is not None:  # their mean may be trained on, each of them is not
        worst = float(np.fmax(worst, repeated.errors(found.function).worst))
    return Candidate(found, seconds, errors.rms, worst, held.spread, latency(found.function.value, held.x))


def _remedy(candidates: Sequence[Candidate], d: int) -> str:
    """What to do about a jump."""
    if any(c.method == PIECEWISE for c in candidates):
        return f"the candidate that jumps there is the {PIECEWISE}; samples in the gap, or a reference, narrow it"
    if d == 1:
        return "a fit that jumps there: method=PiecewiseLeastSquares(), --method piecewise-polynomial"
    return "fit the samples on either side of the jump separately"


def _status(trials: Trials, winner: Candidate, counts: Mapping[str, int], jump: LabelJump | None) -> Status:
    goal, norm = trials.choose.problem.error.limit, trials.norm
    unused = f"{counts['choose'] + counts['held-out']} samples that it was not trained on"
    if len(trials.data.repeated[0]):
        unused += f" and {len(trials.data.repeated[0])} that repeat the inputs of others with another label"
    value, what, where = (
        (winner.rms, "root mean square", f"{counts['held-out']} held-out samples")
        if norm == "l2"
        else (winner.sup_lower, "largest error", unused)
    )
    said = (
        f"{winner.method}: {what} {value:.2e} on {where}; between the samples nothing is known: give a reference "
        "to have it audited"
    )
    if trials.interrupted:
        return Status("interrupted", f"Stopped by you; {said}", ExitCode.INTERRUPTED)
    if goal is None:
        return Status("no-tolerance", said)
    if value <= goal:
        return Status("nothing-found", said)  # held-out samples are samples: nothing is proved by them
    if jump is not None and norm == "sup" and goal < 0.5 * jump.size:
        said += f"; the labels jump by {jump.size:.3g}: no continuous model can"
    elif trials.deadline.over:
        said += "; the time was up: give more seconds"
    return Status("tolerance-exceeded", said, ExitCode.EXCEEDED)
