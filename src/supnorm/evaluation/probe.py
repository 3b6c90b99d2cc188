"""Checks before a search that a point has the same value in each call, alone and in a batch.

A model with dropout, normalisation in training mode or a Monte-Carlo reference has no worst error.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.caller import EXPENSIVE, NEAR, Caller
from supnorm.evaluation.guarded import ALLOWED, guarded
from supnorm.evaluation.intact import demand_intact, functions
from supnorm.problem import ErrorMeasure
from supnorm.problem.users_error import Described, hint
from supnorm.results import BadInput, Witness

Array = NDArray[np.float64]
# Relative differences from which on a function is refused. Cancellation inside a function makes rounding larger: 4e-12 was
# seen in a Gaussian process of little noise. Functions that are random or depend on other points differ by 1e-3 and more.
LARGE = {"float64": 1e-6, "float32": 1e-4, "float16": 1e-1, "bfloat16": 0.5}


MATTERS = 0.1  # share of the tolerance by which calls of one point may differ


@dataclass(frozen=True)
class Probed:
    """The results of the first calls of a function.

    Attributes:
        values: at the points of the probe, shape ``(n, m)``; NaN where there is none.
        again: values of further calls, with the points that they belong to.
        difference: the largest one between values of one point, for each output, shape ``(m,)``.
        noise: this difference as a share of the largest value of its output; 0 if it is no more than rounding.
        where: the calls between which it was largest, in words.
    """

    values: Array
    again: tuple[tuple[NDArray[np.intp], Array], ...] = ()
    difference: Array = field(default_factory=lambda: np.zeros(1))
    noise: float = 0.0
    where: str = ""


def probe(caller: Caller, x: Array, file_hint: str = "") -> Probed:
    """Evaluate ``x`` (a few points) and compare repeated and single calls; the caller keeps their difference.

    An expensive function is repeated at one point only.

    Raises:
        BadInput: when every point fails, when the same point gives clearly different values, or when the value of a
            point depends on the other points of the batch.
    """
    # A run that was killed before it had timed a call is timed now: without the decision it would search otherwise.
    resumed = bool(caller.known) and caller.measured
    before = functions()
    y, messages = caller.values(x, "probe")
    demand_intact(before)
    name = f"{caller.side} {caller.function.name}".strip()
    if len(messages) == len(x):
        first = next(iter(messages.values()))
        origin = caller.function.origin or {}
        named = origin.get("template") or any("{" in str(part) for part in origin.get("command") or ())
        advice = hint(first, "command" in origin and not named)
        cause = first.cause if isinstance(first, Described) else None
        raise BadInput(f"{file_hint}{name} failed at all {len(x)} points tried: {first}{advice}") from cause
    if resumed:
        caller.decide(caller.cost)  # what a store of an earlier version does not say
        return Probed(y)
    good = np.flatnonzero(np.isfinite(y).all(axis=1))
    good = good[~np.isin(good, list(messages))]
    if not len(good):
        caller.decide(caller.cost)
        return Probed(y)
    cost, timed = cost_of(caller, x[good], caller.expensive_from)
    caller.decide(cost)
    chosen = good[:1] if caller.expensive else good
    parts = caller.expensive or bool(messages)
    again = timed if caller.expensive and timed is not None else _again(caller, x, good, parts)
    scale = np.abs(y[good]).max(axis=0) + np.finfo(float).tiny
    calls = [(chosen, again)]
    allowed = ALLOWED.get(caller.function.precision, 1e-5) * scale
    large = LARGE.get(caller.function.precision, 1e-4) * scale
    gap = np.abs(again - y[chosen])
    where = "two calls of the same points"
    if parts:  # these were batches of different points; only another call of the same points shows randomness
        where = "calls of a batch and of its points alone"
        if not (gap <= allowed).all():
            once_more = guarded(caller.function.value, x[chosen], caller.outputs)[0]
            gap = np.where((gap <= large) & (once_more == again), 0.0, gap)
        else:
            gap = np.zeros_like(gap)
    if not (gap == 0).all():
        i = int(np.argmax(~(gap == 0).all(axis=1)))
        raise BadInput(
            f"{file_hint}{name} gives different values at the same point "
            f"({_show(y[chosen[i]], 15)} and {_show(again[i], 15)}): a random function has no worst error; "
            "switch off dropout (model.eval()) or fix its seed"
        )
    if not caller.expensive and len(good) > 1:
        single = guarded(caller.function.value, x[good[:1]], caller.outputs)[0]
        calls.append((good[:1], single))
        where = "calls of a batch and of a point alone"
        if not (np.abs(single - y[good[:1]]) <= large).all():
            raise BadInput(
                f"{file_hint}{name} gives {_show(single[0])} for a point alone and {_show(y[good[0]])} in a batch: the "
                "value depends on the other points; put normalisation layers in evaluation mode (model.eval()), or say "
                'precision = "float32" if it computes in single precision'
            )
    difference = np.max([np.abs(v - y[rows]).max(axis=0) for rows, v in calls], axis=0)
    caller.noise = float((difference / scale).max())
    if caller.noise <= ALLOWED.get(caller.function.precision, 1e-5):
        caller.noise, difference = 0.0, np.zeros_like(difference)
    caller.noise_between = where if caller.noise else ""
    return Probed(y, tuple(calls), difference, caller.noise, caller.noise_between)


def _again(caller: Caller, x: Array, good: NDArray[np.intp], parts: bool) -> Array:
    """Values of another call: of the first good point if ``parts``, where a point is expensive, else of all of them."""
    if parts:
        rows = good[:1] if caller.expensive else good
        return guarded(caller.function.value, x[rows], caller.outputs)[0]
    # The whole batch, as it was called: a smaller one may sum in another order.
    return guarded(caller.function.value, x, caller.outputs)[0][good]


def demand_repeatable(
    measure: ErrorMeasure, x: Array, model: Probed, reference: Probed, file_hint: str = ""
) -> None:
    """Check that the difference between two calls of a point is small against the tolerance.

    Raises:
        BadInput: when it moves the error by more than a tenth of the tolerance.
    """
    limit = measure.limit
    if limit is None or not model.noise + reference.noise:
        return
    known = measure(model.values, reference.values, x)[0]
    for side, probed in (("model", model), ("reference", reference)):
        for sign in (-1.0, 1.0):
            moved = probed.values + sign * probed.difference
            sides = (moved, reference.values) if side == "model" else (model.values, moved)
            with np.errstate(invalid="ignore"):
                change = np.abs(measure(*sides, x)[0] - known)
            most = float(np.max(change, initial=0.0, where=np.isfinite(change)))
            if most > MATTERS * limit:
                raise BadInput(
                    f"{file_hint}the {side} gives values that differ between calls at one point by {probed.noise:.1g} of "
                    f"their size, which moves the error by {most:.2g}, more than a tenth of the tolerance {limit:g}; "
                    "switch off what is random or depends on the batch, or give a larger tolerance"
                )


def probed_errors(
    measure: ErrorMeasure, x: Array, model: Probed, reference: Probed
) -> Iterator[tuple[Witness, bool]]:
    """The largest error of each call of the probe that both sides have, because every computed error counts.

    With each, whether its point was called alone.
    """
    everywhere = np.arange(len(x))
    y, f = model.values, reference.values
    calls = [(everywhere, y, f)]
    # Only calls of the same batch are paired: values of different batches differ by rounding.
    both = zip(model.again, reference.again, strict=False)
    calls += [(rows, left, right) for (rows, left), (others, right) in both if np.array_equal(rows, others)]
    for rows, left, right in calls:
        error, output = measure(left, right, x[rows])
        top = int(np.argmax(np.where(np.isnan(error), -np.inf, error)))
        yield (
            Witness(x[rows][top], left[top], right[top], float(error[top]), int(output[top])),
            len(rows) == 1,
        )


def cost_of(caller: Caller, x: Array, matters: float = EXPENSIVE) -> tuple[float, Array | None]:
    """Seconds a point, and the values of a call of the first point alone, if one was made for that, shape ``(1, m)``.

    The first calls may include compilation and imports, so expensive calls are repeated. Where the cost is declared, one
    call is repeated whatever the clock says: a model that counts its calls then counts the same in every run.

    Args:
        caller: a caller that has been called at ``x`` before.
        x: points with a value, ``(n, d)``.
        matters: where a decision changes; below `NEAR` of it the exact cost of a point does not matter.
    """
    cost = caller.cost if caller.called else 1e9  # all values are from the store
    alone: Array | None = None
    # One row twice, because the second call compiles nothing. Then a batch, because the time may be that of the call itself.
    for rows, most in ((x[:1], np.inf), (x[:1], np.inf), (x, 0.02)):
        if not (matters / NEAR <= cost < most or caller.declared):
            break
        start = time.perf_counter()
        y = guarded(caller.function.value, rows, caller.outputs)[0]
        cost = min(cost, (time.perf_counter() - start) / len(rows))
        alone = y if len(rows) == 1 else alone
        if caller.declared and len(rows) == 1:  # then the exact cost only serves the forecast
            break
    return cost, alone


def _show(row: Array, digits: int = 9) -> str:
    shown = ", ".join(f"{v:.{digits}g}" for v in row[:3])
    return shown + (", ..." if len(row) > 3 else "")
