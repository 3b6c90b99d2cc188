"""A guarded model in the operations of another runtime: the model, its guard and the estimate as one computation.

What the guard in Python does for some rows only is here done for all rows, and then chosen. The answers are the same but for
points whose score lies within rounding of a cut (and, with the model in single precision, for the rounding of its values).
What cannot be expressed is refused by name and never left out: a guard without one of its layers is another guard.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.branch_room import demand_none
from supnorm.certification.coordinates import box_of
from supnorm.guarding.cells import ProvedCells
from supnorm.guarding.guard import Guard
from supnorm.guarding.layers import (
    DataDistance,
    Disagreement,
    KnownGlitches,
    Layer,
    LearnedError,
    SecondModel,
)
from supnorm.networks import Network
from supnorm.problem import Domain, Function
from supnorm.program import Program, Unsupported, program_of
from supnorm.program.backend import Backend, number, run_program
from supnorm.results import BadInput

Array = NDArray[np.float64]
Model = Callable[[Any], Any]
LARGEST = float(np.finfo(np.float64).max)
DATA = 2000  # points of the training data: each is compared with each input, which takes about 3 ns
# Of the unit box: the rounding of a squared distance, 4e-16 d, moves the distance by 4e-12 d of the cut: 0.004 d `TIES`.
NEAR = 1e-2


class Parts(NamedTuple):
    """Results of a fused guard for ``n`` points.

    Attributes:
        y: values of the model, NaN where it is not accepted, shape ``(n, m)``.
        accept: whether the model is trusted, truth values ``(n, 1)``.
        estimate: of the error, NaN where it is not accepted, shape ``(n, 1)``.
    """

    y: Any
    accept: Any
    estimate: Any


def demand_expressible(guard: Guard) -> None:
    """Check that all of a guard can be computed elsewhere.

    Raises:
        BadInput: with the name of the first thing that cannot.
    """
    domain = guard.domain
    if domain.constraints:
        names = ", ".join(getattr(one, "__name__", "constraint") for one in domain.constraints)
        raise BadInput(
            f"a graph cannot hold the constraints of the domain ({names}): they are code in Python"
        )
    if domain.cloud is not None:
        raise BadInput(
            "a graph cannot hold a domain of data: whether a point lies in it is a search among all data points"
        )
    for layer in guard.cuts.layers:
        if isinstance(layer, DataDistance) and len(layer.points) > DATA:
            raise BadInput(
                f"a graph cannot hold the layer distance of {len(layer.points)} points of data: it would compare each input "
                f"with each of them; make the guard with at most {DATA}, or without data"
            )
        if not isinstance(layer, KnownGlitches | LearnedError | DataDistance | Disagreement | SecondModel):
            raise BadInput(f"a graph cannot hold the layer {layer.name}")


def model_program(model: Function, domain: Domain) -> Program:
    """The program of a model that other runtimes compute.

    Raises:
        BadInput: with the operation that cannot be read, the precision that is not theirs, or a branch of the code that
            its program does not take.
    """
    if model.precision not in ("float64", "float32"):
        raise BadInput(
            f"a graph cannot hold the model: it runs in {model.precision}; only float64 and float32 can be written"
        )
    try:
        program = program_of(model, domain.d)
    except Unsupported as error:
        raise BadInput(f"a graph cannot hold the model: {error}") from None
    demand_none(program, domain, "the model", "a graph would not take it either")
    return program


def fused(guard: Guard, on: Backend, x: Any, model: Model) -> Parts:
    """The computation.

    Args:
        guard: checked by `demand_expressible`.
        on: in double precision.
        x: points ``(n, d)``.
        model: values ``(n, m)`` in double precision at ``x``.
    """
    y = model(x)
    inside = _inside(guard.domain, on, x)
    finite = on.every(on.at_most(on.unary("abs", y), number(on, LARGEST)))
    u = _unit(guard.domain, on, x)
    below, learned = None, None
    for layer, cut in zip(guard.cuts.layers, guard.cuts.cuts, strict=True):
        score = _score(layer, cut, on, x, u, y)
        learned = score if isinstance(layer, LearnedError) else learned
        passed = on.at_most(score, number(on, cut))  # false for NaN, as in `Cuts.reasons`
        below = passed if below is None else on.both(below, passed)
    if guard.cells is not None and len(guard.cells):
        below = on.either(below, _in_cells(guard.cells, guard.domain, on, x))
    accept = on.both(on.both(inside, finite), below)
    nothing = number(on, math.nan)
    error = on.unary("exp", on.binary("mul", learned, number(on, math.log(10.0))))
    estimate = on.binary("mul", error, number(on, guard.factor))
    return Parts(on.where(accept, y, nothing), accept, on.where(accept, estimate, nothing))


def _inside(domain: Domain, on: Backend, x: Any) -> Any:
    low, high = (np.array([getattr(axis, end) for axis in domain.axes]) for end in ("low", "high"))
    inside = on.every(on.both(on.at_most(on.constant(low), x), on.at_most(x, on.constant(high))))
    for i, axis in enumerate(domain.axes):
        if axis.values is not None:
            values = on.constant(np.array(axis.values))
            gap = on.least(on.unary("abs", on.binary("sub", on.take(x, [i]), values)))
            inside = on.both(inside, on.at_most(gap, number(on, 0.0)))
    return inside


def _unit(domain: Domain, on: Backend, x: Any) -> Any:
    """`Domain.to_unit`: of axes with lists of values the position in the list."""
    ends = box_of(domain)
    t = _logarithm(domain, on, x)
    u = on.binary("div", on.binary("sub", t, on.constant(ends[:, 0])), on.constant(ends[:, 1] - ends[:, 0]))
    if all(axis.values is None for axis in domain.axes):
        return u
    columns = [on.take(u, [i]) for i in range(domain.d)]
    for i, axis in enumerate(domain.axes):
        if axis.values is not None:
            columns[i] = _position(np.array(axis.values), on, on.take(x, [i]))
    return on.concat(columns)


def _position(values: Array, on: Backend, x: Any) -> Any:
    """(number of the value + 1/2) / number of values; how many values lie below is summed by a product with ones."""
    n = len(values)
    above = on.at_most(x, on.constant(values))
    ones = on.where(above, number(on, 0.0), number(on, 1.0))
    return on.affine(ones, np.full((1, n), 1.0 / n), np.array([0.5 / n]))


def _logarithm(domain: Domain, on: Backend, x: Any) -> Any:
    log = np.array([axis.log and axis.values is None for axis in domain.axes])
    if not log.any():
        return x
    columns = [on.take(x, [i]) for i in range(domain.d)]
    positive = [
        on.unary("log", on.binary("max", c, number(on, 0.0))) if one else c
        for c, one in zip(columns, log, strict=True)
    ]
    return on.concat(positive)


def _score(layer: Layer, cut: float, on: Backend, x: Any, u: Any, y: Any) -> Any:
    """`Layer.score` as a matrix ``(n, 1)``."""
    if isinstance(layer, KnownGlitches):
        return on.unary("neg", on.unary("sqrt", on.least(_squares(layer, on, u))))
    if isinstance(layer, LearnedError):
        return _network(layer.network, on, x)
    if isinstance(layer, DataDistance):
        return on.binary("div", _nearest(layer.points, layer.typical * cut, on, u), number(on, layer.typical))
    if isinstance(layer, SecondModel):
        return _largest(_second(layer, on, x, y), on)
    assert isinstance(layer, Disagreement)
    gaps = [on.unary("abs", on.binary("sub", _network(rival, on, x), y)) for rival in layer.rivals]
    every = on.concat(gaps) if len(gaps) > 1 else gaps[0]
    return _largest(every, on)


def _largest(columns: Any, on: Backend) -> Any:
    """The largest number of each row, shape ``(n, 1)``."""
    return on.unary("neg", on.least(on.unary("neg", columns)))


def _second(layer: SecondModel, on: Backend, x: Any, y: Any) -> Any:
    """The errors of all outputs against the second model, shape ``(n, m)``."""
    other = _network(layer.network, on, x)
    gap = on.binary("sub", y, other)
    if layer.sign == 0.0:
        gap = on.unary("abs", gap)
    elif layer.sign < 0.0:
        gap = on.unary("neg", gap)
    size = on.binary("div", gap, on.constant(np.array(layer.weights)))
    if layer.floor is None:
        return size
    return on.binary("div", size, on.binary("max", on.unary("abs", other), number(on, layer.floor)))


def _squares(layer: KnownGlitches, on: Backend, u: Any) -> Any:
    """|(u - centre) / radii|^2 for each region, shape ``(n, regions)``."""
    d, count = len(layer.regions[0].centre), len(layer.regions)
    centres = np.concatenate([region.centre for region in layer.regions])
    radii = np.concatenate([region.radii for region in layer.regions])
    every = on.take(u, [*range(d)] * count)
    v = on.binary("div", on.binary("sub", every, on.constant(centres)), on.constant(radii))
    return on.affine(on.binary("mul", v, v), np.kron(np.eye(count), np.ones((1, d))), np.zeros(count))


def _nearest(points: Array, cut: float, on: Backend, u: Any) -> Any:
    """The distance to the nearest of the points.

    |u - p|^2 = |u|^2 - 2 u.p + |p|^2 is one product of matrices: with 537 points of two inputs 1.6 us a point in
    onnxruntime, against 4.2 us axis by axis. Its rounding is of the size of |u|^2, so that a cut below `NEAR` is
    compared axis by axis.
    """
    d = points.shape[1]
    if cut > NEAR:
        v = on.binary("sub", u, number(on, 0.5))
        centred = points - 0.5
        rest = on.least(on.affine(v, -2.0 * centred, (centred**2).sum(axis=1)))
        square = on.affine(on.binary("mul", v, v), np.ones((1, d)), np.zeros(1))
        return on.unary("sqrt", on.binary("max", on.binary("add", square, rest), number(on, 0.0)))
    total = None
    for i in range(d):
        gap = on.binary("sub", on.take(u, [i]), on.constant(points[:, i]))
        square = on.binary("mul", gap, gap)
        total = square if total is None else on.binary("add", total, square)
    return on.unary("sqrt", on.least(total))


def _network(network: Network, on: Backend, x: Any) -> Any:
    program = network.as_function().program
    assert isinstance(program, Program)
    return run_program(program.nodes, on, x)


def _in_cells(cells: ProvedCells, domain: Domain, on: Backend, x: Any) -> Any:
    """`ProvedCells.hold`: a search in the tree of halvings, then the margins of the leaf."""
    ends, log = box_of(domain), [axis.log for axis in domain.axes]
    columns = [on.take(x, [i]) for i in range(domain.d)]
    t = on.concat(
        [
            on.unary("log", on.binary("max", c, number(on, 0.0))) if one else c
            for c, one in zip(columns, log, strict=True)
        ]
    )
    u = on.binary("div", on.binary("sub", t, on.constant(ends[:, 0])), on.constant(ends[:, 1] - ends[:, 0]))
    axis, cut, left, right, leaf, low, high = cells.lookup(domain)
    found = on.tree(u, axis, cut, left, right, leaf)
    above = on.at_most(on.rows(on.constant(low), found), u)
    return on.every(on.both(above, on.at_most(u, on.rows(on.constant(high), found))))
