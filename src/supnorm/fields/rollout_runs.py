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
        counts: cells of each variable that have a value at the start; the others (land, say) are never compared.
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

        Raises:
            BadInput: when a stepper returns another kind of state than it was given.
        """
        number = self.done + 1
        ended = any(run.ended in ("failed", "not-finite") for run in self.runs)
        compared: dict[str, list[Compared]] = {name: [] for name in self.shapes}
        for k in self.going:
            both = self._stepped(k, number)
            if both is None:
                ended |= self.runs[k].ended == "failed"
                continue
            for name in self.shapes:
                compared[name].append(Compared(k, name, both[0][name], both[1][name]))
        for name, several in compared.items():
            self.tally.add(number, name, several, ended)
        for k in self.going:
            self._after(k, number, [one for several in compared.values() for one in several if one.run == k])
        self.done = number

    def _stepped(self, k: int, number: int) -> tuple[Fields, Fields] | None:
        """The fields of both sides after a step; None once one side has ended."""
        run = self.runs[k]
        try:
            reference = self._timed("reference", self.reference_step, run.reference, number)
        except (KeyboardInterrupt, BadInput):
            raise
        except Exception as error:
            run.ended = "reference-failed"
            self.tally.hit.setdefault("reference-failed", set()).add(k)
            self.reference_error = f"{type(error).__name__}: {one_line(str(error), 200)}"
            return None
        expected = self._fields(reference, f"the reference after step {number}")
        try:
            model, share, by_reference = self._model(run.model, number)
            made = self._fields(model, f"the model after step {number}")
        except (KeyboardInterrupt, BadInput):
            raise
        except Exception as error:
            run.ended = "failed"
            message = f"{type(error).__name__}: {one_line(str(error), 200)}"
            self.tally.failed(number, k, message, expected)
            return None
        flagged = self.watched.flagged
        flagged[0] += share
        flagged[1] = max(flagged[1], share)
        flagged[2] += 1
        flagged[3] += by_reference
        run.model, run.reference = model, reference
        return made, expected

    def _fields(self, state: Any, where: str) -> Fields:
        fields = self.observed.fields(state)
        self._same_shapes(fields, where)
        return fields

    def _model(self, state: Any, number: int) -> tuple[Any, float, bool]:
        """The next state of the model, the share that was flagged, and whether the reference took the step."""
        share = 0.0
        if self.guard is not None:
            flags = np.asarray(asked("guard", self.guard, state))
            if flags.dtype != bool:
                raise BadInput(f"guard must return booleans, got {flags.dtype}")
            share = float(flags.mean()) if flags.size else 0.0
        if share and self.settings.fallback:
            return self._timed("reference", self.reference_step, state, number), share, True
        made = self._timed("model", self.step, state, number)
        if isinstance(made, Stepped):
            self.watched.guards_itself = True
            return made.state, float(made.flagged), False
        return made, share, False

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

    def _after(self, k: int, number: int, compared: Sequence[Compared]) -> None:
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
        for name, total in self.totals.items():
            start = run.start[name]
            size = abs(start) or 1.0
            model, reference = (
                (self._total(name, total, s) - start) / size for s in (run.model, run.reference)
            )
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


def _shown(shapes: Mapping[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in shapes.items())
