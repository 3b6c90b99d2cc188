"""Steps a model and a reference side by side from several initial states, all by one step before any goes on.

In step, because errors of all runs after equally many steps make the typical error that an outlier stands against.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.fields.rollout_settings import RolloutSettings, Stepped
from supnorm.fields.rollout_state import Fields, Observed, asked, numbers, own
from supnorm.fields.rollout_tally import Compared, Tally
from supnorm.interrupts import INTERRUPTS
from supnorm.problem.double_precision import double_precision
from supnorm.results import BadInput
from supnorm.results.printable import one_line

Stepper = Callable[..., Any]
Total = Callable[[Any], Any]


@dataclass
class Run:
    """One initial state: how far both sides have come.

    Attributes:
        model, reference: the latest states.
        steps: steps of which both sides have a value.
        ended: why no further; empty while it goes on.
        counts: cells of each variable that have a value at the start; in the others (land, say) the reference needs none.
        start: values of the totals at the initial state.
        change: latest relative changes of the totals, of the model and of the reference.
    """

    model: Any
    reference: Any
    steps: int = 0
    ended: str = ""
    counts: dict[str, NDArray[np.bool_]] = field(default_factory=dict)
    start: dict[str, float] = field(default_factory=dict)
    change: dict[str, tuple[float, float]] = field(default_factory=dict)


@dataclass
class Watched:
    """Totals and guard of all runs.

    Attributes:
        largest: for each total the largest difference of the two relative changes, and its step.
        series: for each total the relative changes in the first run, by step: of the model, of the reference.
        flagged: sum of the shares that the guard flagged, the largest one, number of steps, steps of the reference.
    """

    largest: dict[str, tuple[float, int]] = field(default_factory=dict)
    series: dict[str, list[tuple[int, float, float]]] = field(default_factory=dict)
    flagged: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0, 0.0])
    guards_itself: bool = False


@dataclass
class _Made:
    """A step of one run that is not taken in yet.

    Attributes:
        run: its number.
        failed: the side that raised, and no more is known; empty for none.
        message: what it raised.
        model, reference: the new states.
        fields, expected: what is compared of them.
        share: what the guard has flagged.
        by_reference: whether the reference took the step of the model.
        guards_itself: whether the model has said what is flagged.
        totals: of both states, where the run goes on.
    """

    run: int
    failed: str = ""
    message: str = ""
    model: Any = None
    reference: Any = None
    fields: Fields = field(default_factory=dict)
    expected: Fields = field(default_factory=dict)
    share: float = 0.0
    by_reference: bool = False
    guards_itself: bool = False
    totals: dict[str, tuple[float, float]] = field(default_factory=dict)


@dataclass
class Rolling:
    """A roll-out under way.

    Attributes:
        step, reference_step: steppers, ``(state)`` or ``(state, k)``.
        observed: which fields are compared.
        totals: functions of a state by name.
        guard: ``guard(state)`` says before a step what of a state is flagged: booleans of any shape.
        runs: the initial states.
        tally: what is remembered.
        done: number of steps taken.
        whole: no step is half taken in, so that this can be stored.
        reference_error: what the reference raised.
        seconds: wall time of all steps of the model, of the reference, and their number each.
    """

    step: Stepper
    reference_step: Stepper
    observed: Observed
    totals: Mapping[str, Total]
    guard: Callable[[Any], Any] | None
    settings: RolloutSettings
    runs: list[Run]
    tally: Tally
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    watched: Watched = field(default_factory=Watched)
    done: int = 0
    whole: bool = True
    reference_error: str = ""
    seconds: dict[str, list[float]] = field(
        default_factory=lambda: {"model": [0.0, 0.0], "reference": [0.0, 0.0]}
    )

    def begin(self) -> None:
        """Look at the initial states.

        Raises:
            BadInput: for states of different fields, fields without a finite value, or coordinates that do not fit.
        """
        for k, run in enumerate(self.runs):
            run.model, run.reference = own(run.model), own(run.reference)
            fields = self.observed.fields(run.reference)
            if not fields:
                raise BadInput(f"initial state {k} has no fields")
            self._same_shapes(fields, f"initial state {k}")
            for name, values in fields.items():
                self.settings.demand_axes(name, values.shape)
                run.counts[name] = np.isfinite(values)
                if not run.counts[name].any():
                    raise BadInput(f"initial state {k}: {name} has no finite value")
            for name, total in self.totals.items():
                run.start[name] = self._total(name, total, run.reference)
        for what, names in (("tolerance", self.tally.limits.tolerance), ("bounds", self.tally.limits.bounds)):
            for name in names:
                if name not in self.shapes:
                    raise BadInput(
                        f"{what} names {name!r}, which is no variable; they are {', '.join(self.shapes)}"
                    )

    def _same_shapes(self, fields: Fields, where: str) -> None:
        shapes = {name: values.shape for name, values in fields.items()}
        if not self.shapes:
            self.shapes = shapes
        if shapes != self.shapes:
            raise BadInput(
                f"{where} has the fields {_shown(shapes)}, the first initial state has {_shown(self.shapes)}"
            )

    def _total(self, name: str, total: Total, state: Any) -> float:
        value = np.asarray(numbers(asked(f"total {name}", total, state)))
        if value.shape != ():
            raise BadInput(
                f"total {name} must return one number of a state, got an array of shape {value.shape}"
            )
        return float(value)

    @property
    def going(self) -> list[int]:
        """Numbers of the runs that go on."""
        return [k for k, run in enumerate(self.runs) if not run.ended]

    def advance(self) -> None:
        """Take one step in all runs that go on, and look at it.

        A request to end strikes while steppers work, which changes nothing here, or waits until the step is taken in: what
        is stored then is a whole number of steps of all runs.

        Raises:
            BadInput: when a stepper returns another kind of state than it was given.
        """
        number = self.done + 1
        made = [self._stepped(k, number) for k in self.going]
        with INTERRUPTS.between_batches():
            self.whole = False
            self._take_in(made, number)
            self.done, self.whole = number, True
        INTERRUPTS.poll()

    def _take_in(self, made: Sequence[_Made], number: int) -> None:
        """The new states of all runs, and what is seen of them."""
        ended = any(run.ended in ("failed", "not-finite") for run in self.runs)
        compared: dict[str, list[Compared]] = {name: [] for name in self.shapes}
        for one in made:
            run = self.runs[one.run]
            if one.failed == "reference":
                run.ended = "reference-failed"
                self.tally.hit.setdefault("reference-failed", set()).add(one.run)
                self.reference_error = one.message
            elif one.failed:
                run.ended, ended = "failed", True
                self.tally.failed(number, one.run, one.message, one.expected)
            else:
                self._count(one)
                run.model, run.reference = one.model, one.reference
                for name in self.shapes:
                    compared[name].append(Compared(one.run, name, one.fields[name], one.expected[name]))
        for name, several in compared.items():
            self.tally.add(number, name, several, ended)
        totals = {one.run: one.totals for one in made}
        for k in self.going:
            own = [one for several in compared.values() for one in several if one.run == k]
            self._after(k, number, own, totals[k])

    def _count(self, one: _Made) -> None:
        """What the guard has flagged in a step."""
        flagged = self.watched.flagged
        flagged[0] += one.share
        flagged[1] = max(flagged[1], one.share)
        flagged[2] += 1
        flagged[3] += one.by_reference
        self.watched.guards_itself |= one.guards_itself

    def _stepped(self, k: int, number: int) -> _Made:
        """Both sides of a run after a step; changes nothing but the clocks."""
        run, struck = self.runs[k], INTERRUPTS.struck
        try:
            reference = self._timed("reference", self.reference_step, run.reference, number)
        except (KeyboardInterrupt, BadInput):
            raise
        # As in `supnorm.evaluation.guarded`: a step must not end the program.
        except BaseException as error:
            INTERRUPTS.demand_none_since(struck, failed=True)
            return _Made(k, "reference", f"{type(error).__name__}: {one_line(str(error), 200)}")
        expected = self._fields(reference, f"the reference after step {number}")
        try:
            made = self._model(k, run.model, number)
            made.fields = self._fields(made.model, f"the model after step {number}")
        except (KeyboardInterrupt, BadInput):
            raise
        except BaseException as error:
            INTERRUPTS.demand_none_since(struck, failed=True)
            message = f"{type(error).__name__}: {one_line(str(error), 200)}"
            return _Made(k, "model", message, expected=expected)
        made.reference, made.expected = reference, expected
        if _finite(made.fields, expected, run.counts):
            made.totals = {
                name: (self._total(name, total, made.model), self._total(name, total, reference))
                for name, total in self.totals.items()
            }
        INTERRUPTS.demand_none_since(struck)
        return made

    def _fields(self, state: Any, where: str) -> Fields:
        fields = self.observed.fields(state)
        self._same_shapes(fields, where)
        return fields

    def _model(self, k: int, state: Any, number: int) -> _Made:
        """The next state of the model, the share that was flagged, and whether the reference took the step."""
        share = 0.0
        if self.guard is not None:
            flags = np.asarray(asked("guard", self.guard, state))
            if flags.dtype != bool:
                raise BadInput(f"guard must return booleans, got {flags.dtype}")
            share = float(flags.mean()) if flags.size else 0.0
        if share and self.settings.fallback:
            made = self._timed("reference", self.reference_step, state, number)
            return _Made(k, model=made, share=share, by_reference=True)
        made = self._timed("model", self.step, state, number)
        if isinstance(made, Stepped):
            return _Made(k, model=made.state, share=float(made.flagged), guards_itself=True)
        return _Made(k, model=made, share=share)

    def _timed(self, side: str, step: Stepper, state: Any, number: int) -> Any:
        begun = time.perf_counter()
        with double_precision(self.settings.x64 and "jax" in sys.modules):
            made = step(state, number - 1) if self.settings.numbered else step(state)
        spent = self.seconds[side]
        spent[0] += time.perf_counter() - begun
        spent[1] += 1
        if isinstance(made, Stepped):
            return own(made.state) if side == "reference" else Stepped(own(made.state), made.flagged)
        return own(made)

    def _after(
        self, k: int, number: int, compared: Sequence[Compared], totals: Mapping[str, tuple[float, float]]
    ) -> None:
        """Totals of a run after a step, and whether it goes on."""
        run = self.runs[k]
        if any(not np.isfinite(one.reference[run.counts[one.name]]).all() for one in compared):
            run.ended = "reference-failed"
            self.tally.hit.setdefault("reference-failed", set()).add(k)
            return
        if any(np.isinf(one.error).any() for one in compared):
            run.ended = "not-finite"
            return
        run.steps = number
        for name, both in totals.items():
            start = run.start[name]
            size = abs(start) or 1.0
            model, reference = ((value - start) / size for value in both)
            run.change[name] = model, reference
            gap = abs(model - reference)
            gap = math.inf if math.isnan(gap) else gap
            if gap > self.watched.largest.get(name, (-1.0, 0))[0]:
                self.watched.largest[name] = gap, number
            if k == 0:
                series = self.watched.series.setdefault(name, [])
                if series and series[-1][0] not in self.tally.shown:
                    series.pop()
                series.append((number, model, reference))


def _finite(model: Fields, reference: Fields, counts: Mapping[str, NDArray[np.bool_]]) -> bool:
    """Whether a run goes on with these fields, so that its totals are asked for."""
    return all(
        np.isfinite(values[counts[name]]).all() and np.isfinite(model[name][np.isfinite(values)]).all()
        for name, values in reference.items()
    )


def _shown(shapes: Mapping[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in shapes.items())
