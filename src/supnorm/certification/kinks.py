"""Points on both sides of the kinks and thresholds of programs, where branches of the code take effect.

At a kink the argument of a relu, leaky relu or absolute value, or the test of a ``where``, changes its sign, or the
difference of the two arguments of a minimum or maximum does; clips and selections consist of these. Every such argument
is evaluated on a grid along random segments across the domain, and each change of sign is bracketed. A step evaluates
the root of the secant, two points a 64th of the bracket on both sides of it, and the middle. The result has points on
both sides of each kink, a few units in the last place, 1e-6 and 1e-3 of the segment away from it. For code in lower
precision, which takes the other side of a kink within a few of its own units, it has points as near as that, too.

Cost: the values of all arguments at `SEGMENTS` x `GRID` points, then at four points for each kink and step.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.rounding import Array
from supnorm.problem import Domain
from supnorm.program import Node, Program
from supnorm.program.evaluation import forward

# the cost that the docstring states; tests/certification/test_read_as_run.py guards
SEGMENTS, GRID, STEPS = 16, 17, 10
NEAR = 1 / 64  # of the bracket: distance of the two points beside the secant's root
LARGEST = 1 << 22  # numbers of all nodes that are in memory at once
BESIDE = (2e-16, 1e-6, 1e-3)  # of a segment: distances of the points on both sides of a kink
EACH = 2 + 2 * len(BESIDE)  # points for each kink
# For code in lower precision, further points for each kink, and how many of its units of rounding they are away at most.
ROUNDED, UNITS = 8, 4.0
ONE, TWO = ("relu", "leaky_relu", "abs", "where"), ("max", "min")


def beside_kinks(
    program: Program, domain: Domain, most: int, rng: np.random.Generator, unit: float = 0.0
) -> Array:
    """Points of the domain on both sides of kinks, shape ``(k, d)``, at most ``most``.

    If there are more kinks, each feature gets one before any feature gets two.

    Args:
        program, domain: what is compared, and where.
        most: number of points.
        rng: chooses the segments.
        unit: rounding of a number in the precision of the code, as a share of it; 0 for float64.

    >>> from supnorm.program import lower_numpy
    >>> program = lower_numpy(lambda x: np.abs(x[:, 0] - 0.3), 1)
    >>> x = beside_kinks(program, Domain(x=(0.0, 1.0)), 64, np.random.default_rng(0))[:, 0]
    >>> bool(0 < (x - 0.3)[x > 0.3].min() < 1e-15), bool(0 < (0.3 - x)[x < 0.3].min() < 1e-15)
    (True, True)
    """
    if not any(node.op in ONE + TWO for node in program.nodes):
        return np.zeros((0, domain.d))
    x = _beside(program, domain, most, rng, unit)
    return x[domain.contains(x)][:most] if len(x) else x


def _beside(program: Program, domain: Domain, most: int, rng: np.random.Generator, unit: float) -> Array:
    widths = sum(node.width for node in program.nodes)
    segments = int(np.clip(LARGEST // (GRID * widths), 1, SEGMENTS))
    first, last = rng.random((2, segments, domain.d))
    fixed = [axis.values is not None for axis in domain.axes]
    last[:, fixed] = first[:, fixed]

    def at(rows: NDArray[np.intp], s: Array) -> Array:
        return domain.from_unit(first[rows] + s[:, None] * (last[rows] - first[rows]))

    s = np.linspace(0.0, 1.0, GRID)
    rows = np.repeat(np.arange(segments), GRID)
    values = _arguments(program, at(rows, np.tile(s, segments))).reshape(segments, GRID, -1)
    above = values > 0
    line, cell, feature = np.nonzero(above[:, :-1] != above[:, 1:])
    order = rng.permutation(len(line))
    line, cell, feature = line[order], cell[order], feature[order]
    _, new = np.unique(feature, return_index=True)
    again = np.setdiff1d(np.arange(len(line)), new)
    chosen = np.concatenate([new, again])[: max(most // (EACH + (ROUNDED if unit else 0)), 1)]
    line, cell, feature = line[chosen], cell[chosen], feature[chosen]
    if not len(line):
        return np.zeros((0, domain.d))
    low, high = s[cell], s[cell + 1]
    at_low, at_high = values[line, cell, feature], values[line, cell + 1, feature]
    rows = np.arange(len(line))
    for _ in range(STEPS):
        width = high - low
        with np.errstate(all="ignore"):
            secant = low - at_low * width / (at_high - at_low)
        # At an end of the bracket where that end is the root: the other end then comes near it as fast.
        secant = np.where(np.isfinite(secant), np.clip(secant, low, high), 0.5 * (low + high))
        tried = np.stack([secant - NEAR * width, secant, secant + NEAR * width, 0.5 * (low + high)], axis=1)
        tried = np.sort(np.clip(tried, low[:, None], high[:, None]), axis=1)
        got = _arguments(program, at(np.repeat(line, 4), tried.ravel()))
        got = got[np.arange(len(got)), np.repeat(feature, 4)].reshape(tried.shape)
        t = np.concatenate([low[:, None], tried, high[:, None]], axis=1)
        g = np.concatenate([at_low[:, None], got, at_high[:, None]], axis=1)
        j = ((g > 0) != (g[:, :1] > 0)).argmax(axis=1)  # the first point on the other side
        low, high, at_low, at_high = t[rows, j - 1], t[rows, j], g[rows, j - 1], g[rows, j]
    moves = np.concatenate([[-b, b] for b in BESIDE])
    around = 0.5 * (low + high)[:, None] + moves * np.where(np.abs(moves) < 1e-12, high[:, None], 1.0)
    tried = np.concatenate([low[:, None], high[:, None], around], axis=1).clip(0.0, 1.0)
    x = at(np.repeat(line, EACH), tried.ravel())
    if not unit:
        return x
    near = np.repeat(at(line, 0.5 * (low + high)), ROUNDED, axis=0)
    moved = near * (1.0 + unit * rng.uniform(-UNITS, UNITS, near.shape))
    return np.concatenate([np.where(fixed, near, moved), x])


def _arguments(program: Program, x: Array) -> Array:
    """The arguments that change their sign at kinks, one column for each feature, shape ``(n, k)``."""
    values = forward(program.nodes, x)
    with np.errstate(all="ignore"):
        return np.concatenate([_argument(n, values) for n in program.nodes if n.op in ONE + TWO], axis=1)


def _argument(node: Node, values: list[Array]) -> Array:
    first = values[node.args[0]]
    return first if node.op in ONE else first - values[node.args[1]]
