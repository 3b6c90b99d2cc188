"""The witness: a good lower bound before the proof starts, and its rigorous value.

The value of a point is the error program's affine model on a box of size zero, minus its own rounding bound:
a lower bound of the error in exact arithmetic. The search screens scrambled Sobol points and corners, then ascends
along the projected gradient with backtracking from the best points; the caller may add the witness of an audit. If a
function is only evaluated, the screen is smaller and there is no ascent: the nodes of the proof raise the witness.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.error_program import ErrorProgram
from supnorm.certification.fine_lower import finer
from supnorm.certification.propagation import propagate
from supnorm.certification.roots_at_zero import asked
from supnorm.certification.rounding import Array
from supnorm.problem import Domain, Problem
from supnorm.problem.sobol import sobol
from supnorm.program.derivative import pull
from supnorm.program.evaluation import forward

# Points that are screened, ascents from the best of them, and steps of an ascent. Half and twice the first two gave the same
# proofs for tanh in 2-D and 3-D and ReLU in 2-D; with 30 steps the ratio of ReLU stayed at 1.2 instead of 1.01, with 120
# steps nothing changed. `benchmarks.certify` guards them.
SCREEN, STARTS, STEPS = 8192, 12, 60
PART = 512  # points of the screen after which the time is asked
BALL = 1.0 + 2.0**-25  # the checker's balls keep 30 bits of a radius, rounded up a few times
FEW = 128  # points per input where a function is only evaluated: it may be expensive


def proved_error(error: ErrorProgram, x: Array) -> Array:
    """Lower bounds of the exact error at points ``x`` in units of the axes, shapes ``(n, d) -> (n,)``.

    Where float64 rounding takes more than `LOST` of the largest one, the errors are computed again (`fine_lower`).
    """
    proved, computed = _at(error, x, -1.0)
    return finer(error, x, proved, computed)


def error_at(error: ErrorProgram, x: Array, share: float) -> Array:
    """The computed error plus ``share`` times its rounding bound: with -1 a proved lower bound, with 1 an upper bound."""
    return _at(error, x, share)[0]


@np.errstate(all="ignore")
def _at(error: ErrorProgram, x: Array, share: float) -> tuple[Array, Array]:
    """`error_at`, and the computed error without its rounding bound; shapes ``(n,)``."""
    best: Array | None = None
    computed: Array | None = None
    for a, program in enumerate(error.at_least or error.at_points):
        # Where a root is of rounding alone, its slope has no bound, but what rounding does to it has one.
        model, _ = propagate(program, x, np.zeros_like(x), np.ones(1), low=asked(program, error.low))
        eps, centre = model.eps[:, 0], model.c
        for part in error.declared:
            y = part.at(x)
            eps = eps + part.noise_at(x, y) * BALL + 4e-16 * (np.abs(centre) + np.abs(y))
            centre = centre + y
        signed = centre if error.side != "under" else -centre
        size = np.abs(signed) if error.side == "both" else signed
        unknown = 0.0 if share < 0.0 else np.inf
        value = np.where(np.isfinite(eps), np.maximum(size + share * eps, 0.0) * (1 + share * 1e-15), unknown)
        # Of no other operation does the checker know that it is infinite there.
        last = program.nodes[-1].op == "div"
        if a == 0 and last and error.vanishes is not None and not np.isfinite(eps).all():
            value = np.where(~np.isfinite(eps) & error.vanishes(x), np.inf, value)
        best = value if best is None else np.minimum(best, value)
        size = np.where(np.isfinite(eps) & np.isfinite(size), size, 0.0)
        computed = size if computed is None else np.minimum(computed, size)
    assert best is not None
    assert computed is not None
    return np.asarray(best.max(1)), np.asarray(computed.max(1))


def values(error: ErrorProgram, t: Array) -> Array:
    """Float64 values of the error at points in box coordinates, shape ``(n,)``; -1 where it has no finite value."""
    sizes = [error.one_sided(error.values(a, t)) for a in range(len(error.alternatives))]
    size = np.min(sizes, axis=0).max(1)
    return np.where(np.isfinite(size), size, -1.0)


@np.errstate(all="ignore")
def search(
    error: ErrorProgram,
    rng: np.random.Generator,
    admit: Callable[[Array], NDArray[np.bool_]],
    late: Callable[[], bool] = lambda: False,
) -> tuple[Array, Array]:
    """Points with large errors in box coordinates, best first, shape ``(k, d)``, and points without a finite value.

    ``admit`` says which points count and may start an ascent; once ``late`` is true the screen ends after its present part,
    and the ascents where they are.
    """
    d, width = error.d, error.high - error.low
    points = sobol(d, rng).random_base2(int(np.log2(SCREEN if not error.declared else FEW * d)))
    corners = np.stack(np.meshgrid(*[[0.0, 1.0]] * min(d, 8), indexing="ij"), -1).reshape(-1, min(d, 8))
    corners = np.concatenate([corners, np.full((len(corners), d - min(d, 8)), 0.5)], 1)
    t = error.low + width * np.concatenate([points, corners])
    admitted = t[admit(t)]
    t = admitted if len(admitted) else t
    size = _screened(error, t, late)
    t = t[: len(size)]
    lost = t[size < 0.0] if len(admitted) else admitted
    order = np.argsort(size)[::-1]
    if error.declared:
        return np.asarray(t[order]), lost
    starts = t[order[: 8 * STARTS : 8]]
    starts[0] = t[order[0]]
    ascended = _ascend(error, starts, 0.02 * width, late)
    everything = np.concatenate([ascended, t[order[:4]]])
    return np.asarray(everything[np.argsort(values(error, everything))[::-1]]), lost


def _screened(error: ErrorProgram, t: Array, late: Callable[[], bool]) -> Array:
    """Values at the points, or at the first ones if it is late; some special functions take a millisecond a point."""
    parts = [values(error, t[:PART])]
    for start in range(PART, len(t), PART):
        if late():
            break
        parts.append(values(error, t[start : start + PART]))
    return np.concatenate(parts)


def _ascend(error: ErrorProgram, t: Array, step: Array, late: Callable[[], bool] = lambda: False) -> Array:
    """Ascend along the gradient scaled to the box; each point has its own step length.

    A gradient takes the values of all nodes from the step that came to its point: to compute them again took a quarter of
    the time. Where no point has moved, the gradients are the same.
    """
    nodes = [forward(program.nodes, t) for program in error.alternatives]
    value, size = _size(error, nodes), np.ones((len(t), 1))
    width = error.high - error.low
    move: Array | None = None
    for _ in range(STEPS):
        if late():
            break
        if move is None:
            slope = _gradient(error, nodes) * width
            norm = np.linalg.norm(slope, axis=1, keepdims=True)
            move = np.divide(slope, norm, out=np.zeros_like(slope), where=norm > 0)
        new = np.clip(t + size * step * move, error.low, error.high)
        new_nodes = [forward(program.nodes, new) for program in error.alternatives]
        new_value = _size(error, new_nodes)
        better = new_value > value
        t, value = np.where(better[:, None], new, t), np.where(better, new_value, value)
        size = np.where(better[:, None], 1.5 * size, 0.4 * size)
        if better.any():
            move = None
            nodes = [
                [np.where(better[:, None], *both) for both in zip(one, other, strict=True)]
                for one, other in zip(new_nodes, nodes, strict=True)
            ]
    return t


def _size(error: ErrorProgram, nodes: list[list[Array]]) -> Array:
    """The same as `values`, from the values of all nodes of each alternative."""
    size = np.min([error.one_sided(one[-1]) for one in nodes], axis=0).max(1)
    return np.where(np.isfinite(size), size, -1.0)


def _gradient(error: ErrorProgram, nodes: list[list[Array]]) -> Array:
    sizes = np.stack([error.one_sided(one[-1]) for one in nodes])
    sizes = np.where(np.isnan(sizes), np.inf, sizes)
    output = sizes.min(0).argmax(1)
    rows = np.arange(len(output))
    chosen = sizes[:, rows, output].argmin(0)
    gradient = np.zeros_like(nodes[0][0])
    for a, (program, one) in enumerate(zip(error.alternatives, nodes, strict=True)):
        weights = np.zeros_like(one[-1])
        weights[rows, output] = np.where(chosen == a, np.sign(one[-1][rows, output]), 0.0)
        gradient += np.nan_to_num(pull(program.nodes, one, weights), nan=0.0, posinf=0.0, neginf=0.0)
    return gradient


def on_values(domain: Domain, x: Array) -> Array:
    """The points, shape ``(n, d)``, with the nearest values on discrete axes.

    >>> from supnorm.problem import Axis
    >>> on_values(Domain(a=(0.0, 1.0), n=Axis(1, 4, values=(1, 2, 4))), np.array([[0.3, 2.9]]))
    array([[0.3, 2. ]])
    """
    x = x.copy()
    for i, axis in enumerate(domain.axes):
        if axis.values is not None:
            values = np.asarray(axis.values)
            x[:, i] = values[np.abs(x[:, i, None] - values).argmin(1)]
    return x


def admits(problem: Problem, error: ErrorProgram) -> Callable[[Array], NDArray[np.bool_]]:
    """A function that says which points, in units of the axes, are in the domain and count; a witness must be one."""

    def admit(x: Array) -> NDArray[np.bool_]:
        good = problem.domain.contains(x)
        if problem.error.mask is not None and good.any():
            good[good] = problem.error.counts(x[good], error.reference(x[good]))
        return good

    return admit
