"""The coordinates of the boxes: t = x, or t = log x on a logarithmic axis, with ends that are rounded outwards."""

from __future__ import annotations

import numpy as np

from supnorm.certification.rounding import Array
from supnorm.problem import Domain
from supnorm.program import Builder, Program, Tensor


def in_coordinates(program: Program, log: tuple[bool, ...]) -> Program:
    """A program of x as a program of the coordinates t of the boxes."""
    build = Builder(len(log))
    return build.finish(build.inline(program, inputs(build, log)))


def box_of(domain: Domain) -> Array:
    """Ends of the axes in t, rounded outwards, shape ``(d, 2)``."""
    ends = np.array([[a.low, a.high] for a in domain.axes])
    for i in np.flatnonzero([a.log for a in domain.axes]):
        low, high = np.log(ends[i])
        ends[i] = low - 4e-16 * max(abs(low), 1.0), high + 4e-16 * max(abs(high), 1.0)
    return ends


def inputs(build: Builder, log: tuple[bool, ...]) -> Tensor:
    """The point x as features of the program that is built, whose input is t."""
    if not any(log):
        return build.input
    columns = [Tensor(0, np.array([i])) for i in range(len(log))]
    parts = [build.unary("exp", c) if is_log else c for c, is_log in zip(columns, log, strict=True)]
    joined = build.concatenate(parts, 0)
    assert isinstance(joined, Tensor)
    return joined
