"""Makes all evaluations of a problem, counts them by purpose, and records failures and the largest computed error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.caller import Caller
from supnorm.evaluation.calls import Calls
from supnorm.evaluation.evaluations import Evaluations, joined
from supnorm.evaluation.events import Advanced, NewWorst, Observer, silent
from supnorm.evaluation.executor import make_executor
from supnorm.evaluation.failures import Failures
from supnorm.evaluation.gradients import GradientCaller, Reduced
from supnorm.evaluation.guarded import Messages
from supnorm.evaluation.probe import demand_repeatable, probe, probed_errors
from supnorm.evaluation.twice import SHOWN, Twice
from supnorm.interrupts import INTERRUPTS
from supnorm.problem import Problem, draw_inside
from supnorm.results import BadInput, Witness

Array = NDArray[np.float64]
NUMBERS = 1 << 21  # largest number of values of one side in a batch, 16 MB
Values = tuple[Array, Messages]  # of one side, (n, m), and what happened where it has none
# A value with its gradient counts as so many evaluations: reverse mode takes about three values.
GRADIENT_COST = 3
PROBED = 8  # points of the probe


class Evaluator:
    """Evaluates model and reference of a problem, counts, and records failures and the worst error.

    Args:
        problem: with a model.
        calls: how both sides are called; `supnorm.auditing.cost.declare` declares their cost.
        observer: gets `Advanced` and `NewWorst` events.
        budget: number of evaluations that the observer is told.

    Attributes:
        counts: evaluations by purpose; a gradient counts 3.
        worst: the largest error of everything evaluated so far; -inf before the first.
        worst_finite: the largest finite error.
        failures: points without a value, and the reasons.
        top: the point of `worst`, with the values that gave it; None before the first.
        top_alone: whether these values come from calls of that point alone, and not from a batch.
        twice: points that were the worst of a batch and were then called alone.
        history: ``(evaluations, worst)`` at each improvement.
        listeners: called with every batch of `Evaluations`.
    """

    def __init__(
        self,
        problem: Problem,
        calls: Calls | None = None,
        *,
        observer: Observer = silent,
        budget: int | None = None,
    ) -> None:
        if problem.model is None:
            raise BadInput("this needs a model beside the reference; the problem has none")
        self.problem, self.observer, self.budget = problem, observer, budget
        calls = Calls.of(calls)
        self._made_executor, self.workers = calls.executor is None, calls.workers
        self.executor = calls.executor or make_executor(problem.reference, calls.workers, calls.patience)
        self.model = Caller(problem.model, "model", calls.store)
        self.reference = Caller(problem.reference, "reference", calls.store, self.executor, calls.workers)
        # Not on the workers: it is asked for one point at a time, and they suit the reference, perhaps not this function.
        self.recheck = None if problem.recheck is None else Caller(problem.recheck, "recheck", calls.store)
        # Few calls of one point each: all are stored, whatever a clock says of their cost.
        if self.recheck is not None:
            self.recheck.declare(expensive=True, rows=1)
        self._gradients = GradientCaller(problem, self.model, self.reference)
        self.counts: dict[str, int] = {}
        self.failures = Failures()
        self.worst = self.worst_finite = -np.inf
        self.top: Witness | None = None
        self.top_alone = False
        self.twice: list[Twice] = []
        self.history: list[tuple[int, float]] = []
        self.listeners: list[Callable[[Evaluations], None]] = []
        self.rms = np.nan
        self._known: dict[bytes, Witness] = {}
        self._shown = 0
        # Evaluations of the batch that is being called, as far as its calls have returned.
        self._returned = 0.0
        for side in (self.model, self.reference):
            side.heard = partial(self._hear, side)
        self._announced = -np.inf, False

    # -- used by the search ---------------------------------------------------------------------------

    @property
    def total(self) -> int:
        """Evaluations so far, for all purposes."""
        return sum(self.counts.values())

    @property
    def outputs(self) -> int:
        """Number of outputs of both sides; 1 before the first call."""
        return self.model.outputs or self.reference.outputs or 1

    def spent(self, *purposes: str) -> int:
        """Evaluations so far for these purposes."""
        return sum(self.counts.get(p, 0) for p in purposes)

    @property
    def gradients(self) -> str:
        """Where derivatives exist: ``"both"``, ``"model"`` or ``"none"``."""
        if self.problem.model.vjp is None:
            return "none"
        both = self.problem.reference.vjp is not None and self.problem.error.differentiable
        return "both" if both else "model"

    def probe(self, rng: np.random.Generator, n: int = PROBED) -> None:
        """Check that model and reference are functions, and that their outputs agree in number.

        Raises:
            BadInput: see `supnorm.evaluation.probe.probe`.
        """
        x = draw_inside(self.problem.domain, n, rng)
        hint = f"{self.problem.source}: " if self.problem.source else ""
        probes = []
        for caller in (self.model, self.reference):
            try:
                probes.append(probe(caller, x, hint))
            except BadInput as error:
                text = str(error)
                known = text.startswith(hint + caller.side)
                raise BadInput(text if known else f"{hint}{caller.side}: {text}") from (
                    error.__cause__ or error
                )
        expensive = [caller for caller in (self.model, self.reference) if caller.expensive]
        for caller in expensive:
            caller.cut_by(min(c.rows or 1 for c in expensive))
        self.count("probe", n)
        if self.model.outputs != self.reference.outputs:
            raise BadInput(
                f"{hint}the model has {self.model.outputs} outputs and the reference "
                f"{self.reference.outputs}; choose the same ones (outputs = [...])"
            )
        self.problem.check_tolerances(self.outputs)
        model, reference = probes
        demand_repeatable(self.problem.error, x, model, reference, hint)
        for point, alone in probed_errors(self.problem.error, x, model, reference):
            self._see(point, alone, tell=False)

    def values(self, x: Array, purpose: str) -> Evaluations:
        """Evaluate both sides at ``x``, shape ``(n, d)``; points outside the domain are left out."""
        inside = self._inside(x) if len(x) else np.zeros(0, dtype=bool)
        if inside is None:
            return self.values_inside(x, purpose)
        if not inside.any():
            return self._nothing(x)
        part = self.values_inside(x[inside], purpose)
        return self._scatter(x, inside, part)

    def values_inside(self, x: Array, purpose: str) -> Evaluations:
        """The same for points that are known to lie in the domain."""
        with np.errstate(all="ignore"):  # once for each batch: setting it takes 5 us
            model, reference = self.model.quietly(x, purpose), self.reference.quietly(x, purpose)
            reduced = self.problem.error.reduced(*_as_wide(model[0], reference[0]), x)
        return self._compare(x, model, reference, purpose, reduced=reduced)

    @property
    def asynchronous(self) -> bool:
        """Whether a search sends points one by one, as was declared or decided for the workers when the run began."""
        return bool(self.reference.one_by_one and self.reference.ahead)

    def landed(self, x: Array, f: Array, messages: Messages, purpose: str) -> Evaluations:
        """Evaluations at points where the reference has been called (`Flight`); the model is called now."""
        return self._compare(x, self.model.values(x, purpose), (f, messages), purpose)

    def paired(self, x: Array, model: Array | None, reference: Array | None, purpose: str) -> Evaluations:
        """Evaluations at rows of a table, (n, d): a side whose values (n, m) are None is called at ``x``."""
        known: list[Values] = []
        for side, given in ((self.model, model), (self.reference, reference)):
            known.append(side.values(x, purpose) if given is None else (given, {}))
            if given is not None:
                side.outputs = given.shape[1]
        widths = [side.outputs for side in (self.model, self.reference)]
        if None not in widths and widths[0] != widths[1]:
            raise BadInput(
                f"the model has {widths[0]} outputs and the reference {widths[1]}; choose the same ones (outputs = [...])"
            )
        return self._compare(x, known[0], known[1], purpose)

    def gradient(self, x: Array, purpose: str) -> tuple[Evaluations, Array]:
        """Errors and their gradients in the unit box, shape ``(n, d)``; counts 3 a point.

        Gradients are 0 where there is no error. Points outside the domain are left out as in `values`.

        Raises:
            ValueError: when `gradients` is not ``"both"``.
        """
        if self.gradients != "both":
            raise ValueError("model and reference must both have derivatives")
        inside = self._inside(x)
        if inside is None:
            return self._gradient_inside(x, purpose)
        slopes = np.zeros_like(x)
        if not inside.any():
            return self._nothing(x), slopes
        part, slopes[inside] = self._gradient_inside(x[inside], purpose)
        return self._scatter(x, inside, part), slopes

    def witness(self) -> Witness | None:
        """The worst point with the values that gave the largest error of the run, once it has been called alone too.

        None when nothing had an error.
        """
        return None if self.top is None else self.recompute(self.top.x, self.top.error)

    def recompute(self, x: Array, seen: float) -> Witness:
        """Both values at a point ``x`` (d,), called alone; the values of the batch if these gave the larger error.

        A value may depend on the batch or on earlier calls, so the larger error is recorded. Each point is called alone
        only once.

        Args:
            seen: the error in a batch, for a point where calls alone give no error.
        """
        key = x.tobytes()
        if key not in self._known:
            self._known[key] = self._call_alone(x, seen)
        if self.top is not None and np.array_equal(self.top.x, x):
            return self.top
        larger = self._known[key]
        # The call fails only sometimes: in the batch it gave an error.
        return replace(larger, error=seen) if np.isnan(larger.error) else larger

    def begin_alone(self, points: Sequence[Array]) -> None:
        """Start the calls of `recompute` at points ``(d,)`` and at the worst one so far, where the reference has workers."""
        worst = [] if self.top is None else [self.top.x]
        asked = {x.tobytes(): x for x in (*points, *worst)}
        self.reference.begin_alone([x for key, x in asked.items() if key not in self._known])

    def _call_alone(self, x: Array, seen: float) -> Witness:
        """A point called alone, and once more in a batch if the two errors differ; returns the larger error."""
        top, by_itself = self.top, self.top_alone  # the probe calls single points, too
        recorded = top is not None and np.array_equal(top.x, x)
        model, reference = self.model.alone(x), self.reference.alone(x)
        error, output = self.problem.error(model[None], reference[None], x[None])
        alone = Witness(x, model, reference, float(error[0]), int(output[0]))
        self._see(alone, alone=True)
        if top is not None and recorded and not by_itself:
            batch = top
        elif not recorded and (
            alone.error == seen or abs(alone.error - seen) <= SHOWN * max(alone.error, seen)
        ):
            return alone
        else:  # the values of that batch were not recorded, and its point may differ from this one by rounding
            done = self.values_inside(np.stack([x, x]), "probe")
            batch = Witness(x, done.model[0], done.reference[0], float(done.error[0]), int(done.output[0]))
        self.twice.append(Twice(batch, alone))
        return batch if batch.error > alone.error or np.isnan(alone.error) else alone

    def rows(self, most: int = 8192) -> int:
        """Rows of a batch whose points, and whose values of each side, stay below 16 MB; at most ``most``."""
        widest = max(self.model.outputs or 1, self.reference.outputs or 1, self.problem.domain.d)
        return max(16, min(most, NUMBERS // widest))

    def close(self) -> None:
        """Stop the workers."""
        if self._made_executor and self.executor is not None:
            self.executor.shutdown(wait=True, cancel_futures=True)

    # -- inside ---------------------------------------------------------------------------------------

    def _inside(self, x: Array) -> NDArray[np.bool_] | None:
        domain = self.problem.domain
        if not domain.constraints and domain.cloud is None:
            return None
        inside = domain.contains(x)
        return None if inside.all() else inside

    def _gradient_inside(self, x: Array, purpose: str) -> tuple[Evaluations, Array]:
        try:
            y, f, slope, reduced = self._gradients.rows(x, purpose)
        except BadInput:
            raise
        # Halve the batch as in `values`, until the points that raise are alone.
        except (Exception, SystemExit):
            if len(x) == 1:
                return self.values_inside(x, purpose), np.zeros_like(x)
            half = len(x) // 2
            left, right = (self._gradient_inside(part, purpose) for part in (x[:half], x[half:]))
            return joined([left[0], right[0]]), np.concatenate([left[1], right[1]])
        return self._compare(x, (y, {}), (f, {}), purpose, GRADIENT_COST, reduced), slope

    def _compare(
        self,
        x: Array,
        model: Values,
        reference: Values,
        purpose: str,
        cost: int = 1,
        reduced: Reduced | None = None,
    ) -> Evaluations:
        (y, model_messages), (f, reference_messages) = model, reference
        y, f = _as_wide(y, f)
        error, output = reduced or self.problem.error(y, f, x)
        if model_messages and np.isfinite(y[rows := list(model_messages)]).any():
            y = y.copy()
            y[rows] = np.nan
            error[rows], output[rows] = self.problem.error(y[rows], f[rows], x[rows])
        status = np.zeros(len(x), dtype=np.int8)
        top = int(error.argmax())  # argmax returns the first NaN if there is one
        done = Evaluations(x, y, f, error, output, status, finite=bool(error[top] < np.inf))
        if done.finite:
            self.worst_finite = max(self.worst_finite, float(error[top]))
        else:
            self.failures.sort_out(self.problem.error, done, model_messages, reference_messages)
            top = int(done.score.argmax())
            finite = error[np.isfinite(error)]
            self.worst_finite = max(self.worst_finite, float(finite.max(initial=-np.inf)))
        self.count(purpose, cost * len(x))
        self._remember(done, top)
        INTERRUPTS.poll()  # only now, because the batch is recorded
        return done

    def expect(self, budget: int) -> None:
        """From now on, tell observers this number of evaluations as the whole work."""
        self.budget = budget

    def announce(self, rms: float) -> None:
        """From now on, tell observers this RMS error."""
        self.rms = rms

    def hurry(self) -> None:
        """From now on, take stored values of expensive functions instead of calling again (`Caller.hurried`)."""
        self.model.hurried = self.reference.hurried = True

    def count(self, purpose: str, n: int) -> None:
        """Add ``n`` evaluations to a purpose."""
        self.counts[purpose], self._returned = self.counts.get(purpose, 0) + n, 0.0

    def _hear(self, side: Caller, n: int) -> None:
        """Tell observers how far a batch of expensive calls is; the first calls are told when they are over."""
        if self.observer is silent or not side.expensive or not self.counts:
            return
        self._returned += n / (self.model.expensive + self.reference.expensive)
        self._advance(int(self.total + self._returned))

    def _advance(self, done: int) -> None:
        failed = sum(self.failures.without_value.values())
        worst = np.nan if self.worst == -np.inf else self.worst
        self.observer(Advanced(done, self.budget, worst, self.rms, failed))

    def _remember(self, done: Evaluations, top: int) -> None:
        """Record a batch whose largest error is in row ``top``."""
        if done.score[top] > self.worst:
            x, model, reference = (a[top].copy() for a in (done.x, done.model, done.reference))
            self._see(Witness(x, model, reference, float(done.score[top]), int(done.output[top])))
        for listener in self.listeners:
            listener(done)
        if self.observer is not silent and self.total - self._shown >= max((self.budget or 0) // 200, 1):
            self._shown = self.total
            self._advance(self.total)

    def _see(self, point: Witness, alone: bool = False, tell: bool = True) -> None:
        """Record an error from any computation, so that no computed error is larger than `worst`."""
        if point.error < np.inf:
            self.worst_finite = max(self.worst_finite, point.error)
        if point.error > self.worst:
            self.worst, self.top, self.top_alone = point.error, point, alone
            self.history.append((self.total, self.worst))
            if tell:
                self.tell()

    def tell(self) -> None:
        """A new worst error is news when it is a tenth larger, or the first above the tolerance.

        The caller of the probe reports the errors of the probe, after its own first events.
        """
        if self.worst == -np.inf:
            return
        limit = self.problem.error.limit
        above = limit is not None and self.worst > limit
        if self.worst >= 1.1 * self._announced[0] or above > self._announced[1]:
            self._announced = self.worst, above
            self.observer(NewWorst(self.total, self.worst, above))

    def _nothing(self, x: Array) -> Evaluations:
        done = Evaluations.absent(x, self.model.outputs or 1)
        for listener in self.listeners:
            listener(done)
        return done

    def _scatter(self, x: Array, inside: NDArray[np.bool_], part: Evaluations) -> Evaluations:
        self._nothing(x[~inside])  # listeners have already received the other points
        return part.among(x, inside)


def _as_wide(y: Array, f: Array) -> tuple[Array, Array]:
    """Both sides with the same number of outputs: a side that failed at every point does not know its number."""
    if y.shape[1] == f.shape[1]:
        return y, f
    width = max(y.shape[1], f.shape[1])
    y, f = (a if a.shape[1] == width else np.full((len(a), width), np.nan) for a in (y, f))
    return y, f
