"""What the page of a proof shows besides the statement: the box, names, and a picture of the programs on a grid.

Cost: a few hundred values of the programs; code of the user is never called.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress

import numpy as np

from supnorm.certification.rounding import Array
from supnorm.problem import Domain, Function, Problem
from supnorm.problem.records import axis_records
from supnorm.program import Unsupported, program_of
from supnorm.results.about import AboutRecord, PictureRecord
from supnorm.sources.root import equation_of

LINE, SIDE = 241, 33  # points of a line, and of each side of a map: 1,089 numbers are 12 kB of JSON
Draw = Callable[[Array], Array]  # points (n, d) in units of the axes to values (n,)


def about_of(
    problem: Problem,
    unit: str,
    reference: str,
    what: str = "",
    draw: Draw | None = None,
    band: float | None = None,
) -> AboutRecord:
    """What a proof is about.

    Args:
        problem: the problem.
        unit: of the error.
        reference: its name, empty where the proof has none.
        what, draw, band: of the picture (`PictureRecord`); without ``draw`` there is none.
    """
    domain: Domain = problem.domain
    picture: PictureRecord | None = None
    if draw is not None and domain.d <= 2:
        with suppress(Exception):  # whatever the programs of a user raise: no answer is lost for a picture
            picture = _picture(domain, what, draw, band)
    return AboutRecord(
        title=problem.title,
        model=getattr(problem.model, "name", "") or "model",
        reference=reference,
        unit=unit,
        inputs=axis_records(domain),
        picture=picture,
    )


def about_of_error(problem: Problem, unit: str, band: float | None) -> AboutRecord:
    """What a bound of the error is about; the picture has the error, by the programs of both sides.

    The root of an equation is computed; where a side cannot be read there is no picture.
    """
    draw: Draw | None = None
    try:
        model, reference = (_values(side, problem.domain.d) for side in (problem.model, problem.reference))
        draw = lambda x: problem.error(model(x), reference(x), x)[0]  # noqa: E731
    except Unsupported:
        pass
    known = None if problem.error.mask is not None or problem.error.function is not None else draw
    return about_of(problem, unit, problem.reference.name, "error", known, band)


def _values(function: Function, d: int) -> Draw:
    """Values of a side.

    Raises:
        Unsupported: where it has no program and is no root.
    """
    if equation_of(function) is not None:
        return function.value
    return program_of(function, d, limited=True, branches=True).value


def _picture(domain: Domain, what: str, draw: Draw, band: float | None) -> PictureRecord:
    count = LINE if domain.d == 1 else SIDE
    sides = [_grid(domain, i, count) for i in range(domain.d)]
    points = np.stack(np.meshgrid(*sides), -1).reshape(-1, domain.d)  # row by row of the second input
    with np.errstate(all="ignore"):
        values = np.asarray(draw(points), dtype=float)
    values[~np.isfinite(values)] = np.nan
    rows = values.reshape(-1, len(sides[0])).tolist()
    return PictureRecord(
        what=what,
        x=tuple(sides[0].tolist()),
        y=tuple(sides[1].tolist()) if domain.d == 2 else (),
        values=tuple(tuple(_short(v) for v in row) for row in rows),
        band=band if band is not None and math.isfinite(band) else None,
    )


def _grid(domain: Domain, i: int, count: int) -> Array:
    axis = domain.axes[i]
    if axis.log:
        return np.geomspace(axis.low, axis.high, count)
    return np.linspace(axis.low, axis.high, count)


def _short(value: float) -> float:
    return float(format(value, ".5g"))
