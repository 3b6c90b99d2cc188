"""The question of a budget in one form: a tolerance in the unit of the function, a norm, one output on the unit cube.

A relative tolerance becomes absolute at the smallest size that counts (the floor, or the smallest |f| seen); a scaled
tolerance is multiplied by the scale. A budget plans one output: the named one, or the one whose range is largest over its
tolerance.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.caller import EXPENSIVE, Caller
from supnorm.evaluation.probe import cost_of
from supnorm.planning.profile.target import Target
from supnorm.planning.progress import CallCount
from supnorm.planning.requested import LEAST, PlanningCalls
from supnorm.problem import Domain, Problem, draw_inside
from supnorm.results import BadInput
from supnorm.results.numbers import num
from supnorm.wording import Fact, fact

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A tolerance in a norm for one output.

    Attributes:
        eps: absolute tolerance in the unit of that output.
        p: the norm: ``inf`` or a number of at least 1.
        output: name of the planned output.
        notes: facts about conversions and choices.
        title, law: title and law of the problem.
        unit: of the output, as reference or model state it; empty where neither does.
    """

    eps: float
    p: float
    output: str
    notes: tuple[Fact, ...]
    title: str = ""
    law: str = ""
    unit: str = ""

    @property
    def metric(self) -> str:
        """The error that a learning curve measures for this norm."""
        return "sup" if math.isinf(self.p) else "rms"


@dataclass(frozen=True, kw_only=True)
class Question(Plan):
    """A plan with its function: ``target`` is the output on the unit cube, ``count`` counts its calls."""

    target: Target
    count: CallCount


def read_norm(norm: str | float) -> float:
    """``"sup"``, ``"l2"``, ``"rms"``, ``"l1"`` or a number.

    Raises:
        BadInput: for anything else.

    >>> read_norm("sup"), read_norm("l2"), read_norm(4)
    (inf, 2.0, 4.0)
    """
    names = {"sup": math.inf, "max": math.inf, "l2": 2.0, "rms": 2.0, "l1": 1.0}
    if isinstance(norm, str) and norm.lower() in names:
        return names[norm.lower()]
    if isinstance(norm, int | float) and not isinstance(norm, bool) and norm >= 1:
        return float(norm)
    raise BadInput(f'norm must be "sup", "l2", "l1" or a number of at least 1, got {norm!r}')


def as_problem(
    problem: Problem | Callable[..., Any] | tuple[Array, Array],
    domain: Domain | None,
    tolerance: float | None,
) -> Problem:
    """A problem from a problem, or from a function and its domain.

    Raises:
        BadInput: when the domain or the tolerance is missing.
    """
    if not isinstance(problem, Problem):
        if domain is None:
            raise BadInput(
                "budget of a function needs its domain: budget(f, Domain(x=(0.0, 1.0)), tolerance=...)"
            )
        problem = Problem(None, problem, domain, tolerance=tolerance)
    if tolerance is None and problem.tolerance is None:
        raise BadInput(
            "budget needs a tolerance: how large may the error be at most? Give --tolerance, or [error] tolerance"
        )
    return problem


# Calls of planning: the first table of *Verdicts* in benchmarks/budget shows that 200,000 name no more tools than 20,000,
# and what fewer cost. 40 seconds are a judgement of what a user waits for.
PROFILE_SECONDS, DEFAULT_CALLS = 40.0, 200_000
FIRST = 256  # points that show range, failures and cost before anything else
# Seconds of a call below which the number of calls does not depend on it.
CHEAP = PROFILE_SECONDS / DEFAULT_CALLS


def ask(
    problem: Problem,
    tolerance: float | None,
    p: float,
    output: int | str | None,
    rng: np.random.Generator,
    calls: PlanningCalls | None = None,
) -> Question:
    """Evaluate a few points, choose the output and convert the tolerance.

    Raises:
        BadInput: for an unknown output, a tolerance that cannot be converted, or a function that never has a
        value.
    """
    calls = calls or PlanningCalls()
    caller = Caller(problem.reference, "reference", calls.store, calls.executor, calls.workers)
    declare(caller, calls.cost)
    title = problem.title or problem.reference.name
    count = CallCount(
        caller, title, lambda cost: FIRST + planned_calls(cost, calls.most), calls.workers, calls.observer
    )
    x = draw_inside(problem.domain, FIRST, rng)
    y, messages = caller.values(x, "profile")
    finite = np.isfinite(y).all(axis=1)
    if caller.decided is None and finite.any():
        # The store keeps the decision: a resumed run plans as many calls as the first one.
        caller.decide(cost_of(caller, x[finite], CHEAP)[0])
        count.tell()
    if not finite.any():
        first = next(iter(messages.values()), "no finite value")
        raise BadInput(f"the reference has no value at any of {len(x)} points tried: {first}")
    if tolerance is None:
        problem.check_tolerances(y.shape[1])
    tolerances = absolute_tolerances(problem, tolerance, y[finite])
    names = problem.reference.outputs or tuple(f"output {i + 1}" for i in range(y.shape[1]))
    with np.errstate(divide="ignore", invalid="ignore"):
        hardest = int((np.ptp(y[finite], axis=0) / tolerances).argmax())
    index = hardest if output is None else output_index(output, names)
    refuse_zero(float(tolerances[index]), names, index)
    return Question(
        eps=float(tolerances[index]),
        p=p,
        output=names[index],
        notes=_notes(problem, names, index, y[finite], output is not None),
        title=title,
        law=problem.law.name if problem.law is not None else "",
        unit=unit_of(problem, index),
        target=Target(caller, problem.domain, index),
        count=count,
    )


def unit_of(problem: Problem, index: int) -> str:
    """The unit of an output, as the reference states it, or else the model, which has the same outputs."""
    sides = (problem.reference, problem.model)
    units = next((side.output_units for side in sides if side is not None and side.output_units), ())
    return units[index] if index < len(units) else ""


def declare(caller: Caller, cost: float | None) -> None:
    """Set the cost of a call before the first one, if the user declares it.

    Raises:
        BadInput: when the resumed run counted another cost.
    """
    if cost is None:
        return
    if caller.measured and caller.cost != max(cost, 1e-9):
        raise BadInput(
            f"--resume: a call counted as {num(caller.cost)} s in the run that is resumed, this says {num(cost)} s; leave "
            "--cost out to go on with it"
        )
    caller.declare(cost >= EXPENSIVE)
    caller.decide(cost)


def planned_calls(cost: float, calls: int | None) -> int:
    """The evaluations that planning may take: ``calls``, or those of about 40 seconds.

    >>> planned_calls(1e-6, None), planned_calls(0.01, None), planned_calls(60.0, None)
    (200000, 4000, 500)
    """
    return int(np.clip(PROFILE_SECONDS / max(cost, 1e-9), LEAST, DEFAULT_CALLS)) if calls is None else calls


def absolute_tolerances(problem: Problem, tolerance: float | None, y: Array) -> Array:
    """Absolute tolerances per output, shape ``(m,)``, for values ``y`` of the reference, shape ``(n, m)``.

    Raises:
        BadInput: for a tolerance that is not positive, or one of a kind of error that none of the branches converts.
    """
    error = problem.error
    given = tolerance if tolerance is not None else error.tolerance
    values = np.broadcast_to(np.asarray(given, dtype=float), (y.shape[1],)).copy()
    if not (values > 0).all():
        raise BadInput(f"tolerance must be positive, got {given}")
    if error.kind == "relative":
        return np.asarray(values * _smallest(problem, y))
    if error.kind == "scaled":
        multiplied: Array = values * np.asarray(error.scale)
        return multiplied
    if error.kind == "absolute":
        return values
    raise BadInput(
        f'budget cannot convert a tolerance of error kind "{error.kind}"; give an absolute one, '
        'with error kind "absolute"'
    )


def refuse_zero(tolerance: float, names: tuple[str, ...], index: int) -> None:
    """Refuse a relative tolerance that allows no error, because the reference is zero and there is no floor.

    Raises:
        BadInput: for an absolute tolerance of zero.
    """
    if not tolerance:
        what = names[index] if len(names) > 1 else "the reference"
        raise BadInput(
            f"{what} is 0 somewhere, where a relative tolerance allows no error at all: give [error] floor, the size "
            "below which errors count as absolute"
        )


def _smallest(problem: Problem, y: Array) -> Array:
    """The smallest size that a relative error is divided by, per output, shape ``(m,)``."""
    return np.asarray(np.maximum(np.abs(y).min(axis=0), problem.error.floor or 0.0))


def output_index(output: int | str, names: tuple[str, ...]) -> int:
    """The number of an output from its name or number.

    Raises:
        BadInput: for an output that is not there.
    """
    if isinstance(output, str) and output in names:
        return names.index(output)
    if isinstance(output, int) and 0 <= output < len(names):
        return output
    raise BadInput(
        f"output must be one of {', '.join(names)}, or a number below {len(names)}, got {output!r}"
    )


def _notes(problem: Problem, names: tuple[str, ...], index: int, y: Array, named: bool) -> tuple[Fact, ...]:
    notes = []
    if len(names) > 1:
        code = "named-output" if named else "hardest-output"
        notes.append(fact(code, outputs=len(names), output=names[index]))
    if problem.error.kind == "relative":
        notes += relative_notes(problem, y, index, "relative-at-point")
    return tuple(notes)


def relative_notes(problem: Problem, y: Array, index: int, code: str) -> list[Fact]:
    """Where a relative tolerance was made absolute; ``code`` where that is the smallest of the values ``y``."""
    size, column = float(_smallest(problem, y)[index]), y[:, index]
    if size == problem.error.floor:
        return [fact("relative-at-floor", size=size)]
    changes = column.min() < 0 < column.max()
    return [fact(code, size=size, points=len(y)), *([fact("sign-change")] if changes else [])]
