"""A few problems that are drawn in the tests of pages: audited once a session, each a record like any other."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing import Pictures, Power, audit
from supnorm.pages.view import View
from supnorm.problem import Axis, Domain, ErrorMeasure, Function, Problem
from supnorm.results.audit import AuditRecord
from supnorm.wording import Fact

Array = NDArray[np.float64]


def line(**changes: Any) -> Problem:
    """d = 1: a wiggle that the model misses in a gap between its training points; the worst error is 0.52 at 0.332."""

    def reference(x: Array) -> Array:
        return np.asarray(np.log(np.sin(50 * x[:, 0]) + 2) + np.sin(5 * x[:, 0]))

    def model(x: Array) -> Array:
        gap = np.exp(-(((x[:, 0] - 0.332) / 0.012) ** 2))
        return np.asarray(reference(x) + 0.5 * gap + 0.03 * np.sin(130 * x[:, 0]) * np.cos(11 * x[:, 0]))

    data = np.linspace(-1.0, 1.0, 90)
    return Problem(
        changes.pop("model", Function(model, name="ReLU network, 2 × 128")),
        Function(reference, name="the formula", outputs=("f",)),
        Domain(x=(-1.0, 1.0)),
        changes.pop("measure", ErrorMeasure(tolerance=changes.pop("tolerance", 0.05))),
        data=data[(data < 0.304) | (data > 0.356)][:, None],
        **changes,
    )


def steam(**changes: Any) -> Problem:
    """d = 2: density across a saturation line; the model's line is displaced by one part in 10⁴."""

    def saturation(t: Array) -> Array:
        return np.asarray(np.log(101325.0) + 13.1 * (1 - 373.15 / t))

    def density(x: Array, shift: float, tilt: float) -> Array:
        t, p = x[:, 0], x[:, 1]
        gas = p / (461.5 * t)
        liquid = 1000.0 - 0.0025 * (t - 277) ** 2 * (t < 650) - 0.5 * (t - 277) * (t >= 650) + 4e-7 * p
        value = np.where(np.log(p) > saturation(t) + shift, np.maximum(liquid, 50), gas)
        ripple = 1 + 5e-5 * tilt * np.sin(0.02 * t) * np.cos(np.log(p))
        return np.where((t > 1040) & (p > 5e7), np.nan, value * ripple)

    return Problem(
        Function(lambda x: density(x, 0.0, 1.0), name="IAPWS-IF97, the industrial formulation"),
        Function(lambda x: density(x, 1e-4, 0.0), name="the scientific formulation", outputs=("density",)),
        Domain(T=Axis(275.0, 1070.0, unit="K"), p=Axis(1e4, 9.772e7, unit="Pa", scale="log")),
        ErrorMeasure("relative", floor=0.0, tolerance=1e-3),
        **changes,
    )


def bumpy(d: int, width: float = 0.25, **changes: Any) -> Problem:
    """Any d: a smooth function and a model with two local bumps, one of them in a corner."""
    high = np.arange(1.0, d + 1)

    def bump(x: Array, centre: Array) -> Array:
        return np.asarray(np.exp(-(((x - centre) / (width * high)) ** 2).sum(1)))

    def reference(x: Array) -> Array:
        return np.asarray(np.cos(x / high).sum(1))

    def model(x: Array) -> Array:
        ripple = 0.01 * np.sin(5 * x / high).sum(1) / math.sqrt(d)
        return np.asarray(reference(x) + ripple + 0.6 * bump(x, 0.37 * high) - 0.35 * bump(x, high))

    return Problem(
        changes.pop("model", Function(model, name=f"network in {d} dimensions")),
        Function(reference, outputs=("speed",), output_units=("m/s",)),
        Domain.from_axes({f"input_{i}": Axis(0.0, float(b), unit="m") for i, b in enumerate(high)}),
        ErrorMeasure(tolerance=changes.pop("tolerance", 0.1)),
        **changes,
    )


def vector(**changes: Any) -> Problem:
    """Two inputs, three outputs at wavelengths; the second differs most."""

    def reference(x: Array) -> Array:
        return np.column_stack([x[:, 0], x[:, 1], x[:, 0] * x[:, 1]])

    return Problem(
        lambda x: reference(x) * np.array([1.01, 1.2, 1.0]),
        Function(reference, outputs=("0.4", "0.5", "0.7"), output_units=("W",) * 3),
        Domain(a=(0.0, 1.0), b=(0.0, 1.0)),
        ErrorMeasure(tolerance=0.1),
        **changes,
    )


def points(**changes: Any) -> Problem:
    """A domain of 12 points."""
    domain = Domain(n=Axis(values=(1, 2, 4, 8)), k=Axis(values=(1, 2, 3)))
    return Problem(lambda x: 1.03 * x[:, 0] + 0.1 * np.sin(7 * x[:, 1]), lambda x: x[:, 0], domain, **changes)


IGNORED = ErrorMeasure(failures="ignore")
PLANTED = Power(runs=4, volumes=(1e-2, 1e-4), sheets=())


def rows(**changes: Any) -> Problem:
    """400 rows of a table; a model that is wrong by up to 0.01 of them."""
    x = np.random.default_rng(0).random((400, 2))
    y = np.sin(3 * x[:, 0]) * x[:, 1]
    table = Function(name="rows.csv", table=(x, y[:, None] + 0.01 * x[:, 1:]))
    square = Domain(a=(0.0, 1.0), b=(0.0, 1.0))
    return Problem(lambda x: np.sin(3 * x[:, 0]) * x[:, 1], table, square, **changes)


COARSE = Pictures(even=21, near=5, line=101, grid=12, thumbnail=9)
CASES: dict[str, Callable[[], AuditRecord]] = {
    "d1": lambda: audit(line(), evaluations=20_000, power=PLANTED).record,
    "d2": lambda: audit(steam(), evaluations=20_000).record,
    "d3": lambda: audit(bumpy(3), evaluations=20_000).record,
    "d8": lambda: audit(bumpy(8, 0.5), evaluations=20_000).record,
    "profile": lambda: audit(vector(), evaluations=2000, power=PLANTED).record,
    "table": lambda: audit(rows(tolerance=1.0)).record,
    "failed": lambda: (
        audit(line(model=lambda x: x[:, 0] + math.nan, measure=IGNORED), evaluations=300).record
    ),
    "points": lambda: audit(points(tolerance=0.1)).record,
    "infinite": lambda: (
        audit(bumpy(2, model=lambda x: np.where(x[:, 0] > 0.8, np.nan, x[:, 1])), evaluations=1000).record
    ),
    "coarse 1": lambda: (
        audit(line(recheck=line().reference), evaluations=1000, power=PLANTED, pictures=COARSE).record
    ),
    "coarse 2": lambda: audit(vector(), evaluations=1000, power=PLANTED, pictures=COARSE).record,
    "coarse 3": lambda: audit(bumpy(3), evaluations=1000, pictures=COARSE).record,
    "d20": lambda: audit(bumpy(20, 0.9), evaluations=20_000).record,
}


def read(data: Mapping[str, Any]) -> AuditRecord:
    """The record of JSON that a test has changed."""
    return AuditRecord.from_dict(data)


def said(part: Callable[[View], Fact | list[Fact]], view: View) -> str:
    """What a part of a page says, as plain text."""
    facts = part(view)
    return re.sub(r"\s+", " ", view.say.text(*([facts] if isinstance(facts, Fact) else facts)))


@cache
def record(name: str) -> AuditRecord:
    """The record of a case, as of a run of the command line."""
    return CASES[name]().changed(command="supnorm audit problem.toml --seed 0")
