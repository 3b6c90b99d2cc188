"""`supnorm.audit_rollout`: step a model and a reference from the same states, and say where and when they part.

What is known afterwards is exact for these initial states and steps, and says nothing about others; a search for the worst
initial state is an audit of `supnorm.rollout_problem`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from supnorm.evaluation.events import Observer, silent
from supnorm.evaluation.intact import demanded_intact
from supnorm.evaluation.limit import Limit
from supnorm.fields.rollout_pictures import picture
from supnorm.fields.rollout_runs import Rolling, Run, Stepper, Total
from supnorm.fields.rollout_settings import RolloutSettings
from supnorm.fields.rollout_state import Observed
from supnorm.fields.rollout_status import status
from supnorm.fields.rollout_tally import LEVELS, Limits, Tally
from supnorm.interrupts import INTERRUPTS
from supnorm.results import BadInput, Interrupted, versions
from supnorm.results.option import Allowed, demand_allowed
from supnorm.results.record import Recorded
from supnorm.results.rollout import (
    FirstRecord,
    GuardedRecord,
    RolloutRecord,
    RunRecord,
    TotalRecord,
    VariableRecord,
)

MOST_ROWS = 1000  # steps whose numbers are in the result; the page draws no more pixels
MOST_RUNS = 1000  # runs whose numbers are in the result, as `MOST_ROWS`
KINDS = ("failed", "not-finite", "bound", "tolerance", "signal", "outlier")


@dataclass(frozen=True)
class Stepping:
    """An event: ``done`` of ``steps`` steps were taken; ``worst`` is the largest error beside its range so far."""

    done: int
    steps: int


@dataclass(frozen=True)
class RolloutResult(Recorded):
    """What `audit_rollout` returns.

    Attributes:
        record: the result, with all numbers.
        model, reference: the last states of each run; where a run has ended, those of its last common step.
    """

    record: RolloutRecord
    model: tuple[Any, ...]
    reference: tuple[Any, ...]

    def __repr__(self) -> str:
        """The lines that the terminal prints."""
        return "\n".join([f"RolloutResult: {self.record.status.code}", self.record.status.advice])


@dataclass
class Rollout:
    """A roll-out that can be stopped, stored and gone on with: what the command line uses."""

    rolling: Rolling
    steps: int
    title: str = ""
    begun: float = field(default_factory=time.perf_counter)
    spent: float = 0.0  # seconds of earlier runs

    def work(self, observer: Callable[[Any], None] = silent, after: Callable[[], None] | None = None) -> str:
        """Take the steps that are left; returns ``""``, or ``"unfinished"`` if the time was over, or ``"interrupted"``.

        Args:
            observer: gets a `Stepping` after each step.
            after: is called after each step, to store the state.
        """
        limit = Limit.of(self.rolling.settings.seconds)
        try:
            while self.rolling.done < self.steps and self.rolling.going:
                self.rolling.advance()
                observer(Stepping(self.rolling.done, self.steps))
                if after:
                    after()
                if limit.over and self.rolling.done < self.steps:
                    return "unfinished"
        except (KeyboardInterrupt, Interrupted) as why:
            INTERRUPTS.taken(why if isinstance(why, Interrupted) else None)
            return "interrupted"
        except BadInput:
            if not INTERRUPTS.asked:
                raise
            INTERRUPTS.taken()  # a function of the user's has made this error of the request
            return "interrupted"
        return ""

    def result(self, stopped: str = "", command: str = "") -> RolloutResult:
        """The result of the steps so far."""
        rolling = self.rolling
        record = RolloutRecord(
            status=status(rolling, self.steps, stopped),
            title=self.title,
            steps=self.steps,
            done=rolling.done,
            runs=len(rolling.runs),
            kappa=rolling.settings.kappa,
            levels=LEVELS,
            variables=tuple(self._variable(name, shape) for name, shape in rolling.shapes.items()),
            first=tuple(self._first(kind) for kind in KINDS if kind in rolling.tally.first),
            by_step=tuple(rolling.tally.rows),
            shown=tuple(sorted({row.step for row in rolling.tally.rows})),
            totals=tuple(map(self._total, rolling.totals)),
            guard=self._guard(),
            by_run=tuple(self._run(k, run, stopped) for k, run in enumerate(rolling.runs[:MOST_RUNS])),
            milliseconds={side: 1e3 * s / max(n, 1) for side, (s, n) in rolling.seconds.items()},
            command=command,
            seconds=self.spent + time.perf_counter() - self.begun,
            versions=versions(),
        )
        return RolloutResult(
            record, tuple(run.model for run in rolling.runs), tuple(run.reference for run in rolling.runs)
        )

    def _first(self, kind: str) -> FirstRecord:
        tally = self.rolling.tally
        return tally.first[kind].changed(runs=len(tally.hit[kind]))

    def _variable(self, name: str, shape: tuple[int, ...]) -> VariableRecord:
        tally = self.rolling.tally
        low, high = tally.limits.bounds.get(name, (-math.inf, math.inf))
        rms, reach = tally.typical.get(name, (math.nan, math.nan))
        worst = tally.worst_finite.get(name)
        return VariableRecord(
            name=name,
            shape=shape,
            tolerance=tally.limits.tolerance.get(name),
            low=low,
            high=high,
            worst=tally.worst.get(name),
            worst_finite=worst,
            rms=rms,
            range=reach,
            map=picture(tally.pictures[name], worst.index, self.rolling.settings) if worst else None,
        )

    def _total(self, name: str) -> TotalRecord:
        rolling = self.rolling
        changes = [run.change[name] for run in rolling.runs if name in run.change] or [(0.0, 0.0)]
        largest, step = rolling.watched.largest.get(name, (0.0, 0))
        series = rolling.watched.series.get(name, [])
        return TotalRecord(
            name=name,
            initial=rolling.runs[0].start[name],
            model=max((m for m, _ in changes), key=abs),
            reference=max((r for _, r in changes), key=abs),
            largest=largest,
            step=step,
            model_by_step=tuple(m for _, m, _ in series),
            reference_by_step=tuple(r for _, _, r in series),
        )

    def _guard(self) -> GuardedRecord | None:
        rolling = self.rolling
        if rolling.guard is None and not rolling.watched.guards_itself:
            return None
        total, largest, steps, taken = rolling.watched.flagged
        return GuardedRecord(
            flagged=total / max(steps, 1.0),
            largest=largest,
            fallback=rolling.settings.fallback or rolling.watched.guards_itself,
            fallbacks=int(taken),
        )

    def _run(self, k: int, run: Run, stopped: str) -> RunRecord:
        _, peak, name = self.rolling.tally.of_run.get(k, (0.0, None, ""))
        return RunRecord(
            run=k,
            steps=run.steps,
            ended=run.ended or ("done" if self.rolling.done >= self.steps else "unfinished"),
            variable=name,
            error=peak.error if peak else math.nan,
            step=peak.step if peak else 0,
        )


@demanded_intact()
def audit_rollout(
    step: Stepper,
    reference_step: Stepper,
    initial_states: Iterable[Any],
    *,
    steps: int,
    observe: Callable[[Any], Any] | None = None,
    variables: Sequence[str] = (),
    totals: Mapping[str, Total] | None = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    guard: Callable[[Any], Any] | None = None,
    tolerance: float | Mapping[str, float] | None = None,
    settings: RolloutSettings | None = None,
    observer: Observer = silent,
) -> RolloutResult:
    """Step a model and a reference from the same states, and compare them after each step.

    Args:
        step: the model: a function from a state to the next one, which does not change its argument. It may return a
            `Stepped` where it guards itself.
        reference_step: the reference, a function of the same kind.
        initial_states: a list of states, or an array whose first axis is a list of them.
        steps: how many steps are taken.
        observe: ``observe(state)`` returns the fields that are compared: an array or a mapping of arrays by name. None: a
            state is one.
        variables: names along the first axis of such an array, or the fields of the mapping that count.
        totals: functions of a state by name, such as ``{"mass": f}``: how they drift is reported.
        bounds: ``(low, high)`` by variable: values of the model beyond them, where the reference is within, are counted.
        guard: ``guard(state)`` says before each step what of a state of the model is flagged: booleans of any shape.
            With ``RolloutSettings(fallback=True)`` the reference takes each step of which anything is flagged.
        tolerance: largest error allowed, one for all variables or by name.
        settings: see `RolloutSettings`.
        observer: gets an event after each step.

    Returns:
        a result whose ``record`` has errors by step, the worst one with its cell, the drift of totals, and the first step
        at which something is wrong.

    Raises:
        BadInput: for arguments that do not fit together.

    >>> truth = lambda u: np.roll(u, 1)
    >>> model = lambda u: np.roll(u, 1) * 1.01
    >>> made = audit_rollout(model, truth, [np.array([1.0, 0.0, 0.0])], steps=3, totals={"sum": np.sum})
    >>> worst = made.record.variables[0].worst
    >>> worst.step, worst.at, round(worst.error, 6), round(made.record.totals[0].model, 6)
    (3, {'axis 1': 0.0}, 0.030301, 0.030301)
    """
    rollout = prepared(
        step,
        reference_step,
        initial_states,
        steps=steps,
        observed=Observed(observe, tuple(variables)),
        totals=totals or {},
        bounds=bounds or {},
        guard=guard,
        tolerance=tolerance,
        settings=settings or RolloutSettings(),
    )
    return rollout.result(rollout.work(observer))


def prepared(
    step: Stepper,
    reference_step: Stepper,
    initial_states: Iterable[Any],
    *,
    steps: int,
    observed: Observed,
    totals: Mapping[str, Total],
    bounds: Mapping[str, tuple[float, float]],
    guard: Callable[[Any], Any] | None,
    tolerance: float | Mapping[str, float] | None,
    settings: RolloutSettings,
    title: str = "",
) -> Rollout:
    """A roll-out that has not begun; arguments as of `audit_rollout`.

    Raises:
        BadInput: as `audit_rollout`.
    """
    demand_allowed("steps", steps, Allowed(low=1, high=10**9, whole=True))
    for name, function in {"step": step, "reference_step": reference_step, **totals}.items():
        if not callable(function):
            raise BadInput(f"{name} must be a function of a state, got {type(function).__name__}")
    if isinstance(initial_states, Mapping | str):
        raise BadInput("initial_states must be a list of states, got one mapping; give [state]")
    states = list(initial_states)
    if not states:
        raise BadInput("initial_states is empty; give at least one state")
    limits = Limits(_tolerances(tolerance), {name: _pair(name, pair) for name, pair in bounds.items()})
    tally = Tally(settings, limits, shown=shown_steps(int(steps)))
    rolling = Rolling(
        step,
        reference_step,
        observed,
        totals,
        guard,
        settings,
        [Run(state, state) for state in states],
        tally,
    )
    rolling.begin()
    if tolerance is not None and not isinstance(tolerance, Mapping):
        limits.tolerance = dict.fromkeys(rolling.shapes, float(tolerance))
    return Rollout(rolling, int(steps), title)


def _tolerances(tolerance: float | Mapping[str, float] | None) -> Mapping[str, float]:
    given = tolerance if isinstance(tolerance, Mapping) else {} if tolerance is None else {"": tolerance}
    for name, value in given.items():
        demand_allowed(f"tolerance of {name}" if name else "tolerance", value, Allowed(above=0))
    return {name: float(value) for name, value in given.items() if name}


def _pair(name: str, pair: Any) -> tuple[float, float]:
    try:
        low, high = map(float, pair)
    except (TypeError, ValueError):
        raise BadInput(f"bounds of {name} must be a pair (low, high), got {pair!r}") from None
    if not low <= high:
        raise BadInput(f"bounds of {name} must be a pair with low <= high, got {pair!r}")
    return low, high


def shown_steps(steps: int) -> frozenset[int]:
    """The steps whose numbers are in the result: all of few ones, otherwise at growing distances, with the last one.

    >>> sorted(shown_steps(3)), len(shown_steps(10**6)) <= MOST_ROWS, 10**6 in shown_steps(10**6)
    ([1, 2, 3], True, True)
    """
    if steps <= MOST_ROWS:
        return frozenset(range(1, steps + 1))
    return frozenset(np.unique(np.geomspace(1, steps, MOST_ROWS).round().astype(int)).tolist())
