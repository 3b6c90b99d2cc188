"""A model with patches: corrections that act inside ellipsoids and nowhere else.

    N_new(x) = N(x) - sum_k g(|v_k(x)|^2) h_k(x),    v_k(x) = (l(x) - centre_k) / radii_k

h_k is a small network whose input scaling is v_k (l: the logarithm on logarithmic axes), so the network alone describes its
patch. The gate g falls from 1 inside half of the radii to 0 at the ellipsoid, with two continuous derivatives:
g = w^3 (10 - 15 w + 6 w^2), w = clip((1 - |v|^2) / (3/4), 0, 1). Outside the ellipsoids no number is added, so that
values there are those of N, bit for bit. In this form the gate of the program is exactly zero there, in interval arithmetic
too, so that a proof sees that nothing changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from supnorm.networks import Network, Scaling
from supnorm.networks.corrections import corrected_function, demand_outputs, save_numbered
from supnorm.networks.lowering import logged, to_program
from supnorm.problem import Function
from supnorm.problem.function import Pullback
from supnorm.program import Builder, Program, Tensor, program_of
from supnorm.program.tracing import Value

Array = NDArray[np.float64]
INNER = 0.25  # |v|^2 up to which a patch acts in full


def gate(square: Array) -> tuple[Array, Array]:
    """The gate and its derivative by |v|^2, at squares ``(n,)``.

    >>> gate(np.array([0.0, 0.25, 1.0, 4.0]))[0].tolist()
    [1.0, 1.0, 0.0, 0.0]
    """
    w = np.clip((1.0 - square) / (1.0 - INNER), 0.0, 1.0)
    value = w**3 * (10.0 - 15.0 * w + 6.0 * w * w)
    return value, -30.0 * (w * (1.0 - w)) ** 2 / (1.0 - INNER)


@dataclass(frozen=True, eq=False)
class PatchedModel:
    """A model and its patches.

    >>> from supnorm.networks import Scaling
    >>> inner = Network.init(np.random.default_rng(0), 1, 1, 4, 1, scaling=Scaling([0.5], [0.1], [0.0], [1.0]))
    >>> patched = PatchedModel(Function(np.sin), (inner,))
    >>> x = np.array([[0.5], [0.61]])
    >>> (patched.value(x) == np.sin(x)).ravel().tolist()
    [False, True]
    """

    base: Function
    patches: tuple[Network, ...]

    def value(self, x: Array) -> Array:
        """Values at ``x (n, d)``, shape ``(n, m)``.

        Raises:
            BadInput: for a patch with another number of outputs than the model: one output would be added to all.
        """
        y = self.base.columns(x)
        for patch in self.patches:
            demand_outputs(patch, y.shape[1], "patch")
            square = _square(patch, x)
            inside = square < 1.0
            if inside.any():
                y[inside] -= gate(square[inside])[0][:, None] * patch.value(x[inside])
        return y

    def vjp(self, x: Array) -> tuple[Array, Pullback]:
        """Values, and the pullback from weights ``(n, m)`` to weighted derivatives ``(n, d)``."""
        assert self.base.vjp is not None
        y, base = self.base.vjp(x)
        y = y.copy()
        pulls: list[tuple[NDArray[np.bool_], Callable[[Array], Array]]] = []
        for patch in self.patches:
            square = _square(patch, x)
            inside = square < 1.0
            if inside.any():
                value, pull = _corrected(patch, x[inside], square[inside])
                y[inside] -= value
                pulls.append((inside, pull))

        def back(weights: Array) -> Array:
            slope = np.array(base(weights))
            for inside, pull in pulls:
                slope[inside] -= pull(weights[inside])
            return slope

        return y, back

    def composed(self, d: int) -> Program:
        """The program: that of the model, and each patch through its gate.

        Raises:
            Unsupported: where the model cannot be read.
        """
        model = program_of(self.base, d)
        build = Builder(d)
        y: Value = build.inline(model, build.input)
        for patch in self.patches:
            correction = build.inline(to_program(patch.parts, patch.takes, patch.scaling), build.input)
            gates = _tensor(_gate_program(build, patch.scaling)).arrange(
                lambda index, m=patch.m: np.repeat(index, m)  # type: ignore[misc]
            )
            y = build.binary("sub", y, build.binary("mul", gates, correction))
        return build.finish(y)

    def as_function(self) -> Function:
        """The patched model as a `Function`."""
        return corrected_function(self, self.patches, with_patches)

    def save_in(self, folder: Path) -> tuple[str, ...]:
        """Write each patch as a network, ``patch-1.npz`` and so on; the names of the files."""
        return save_numbered(self.patches, folder, "patch")


def zeros(d: int, m: int) -> Function:
    """The function that is zero: patches on it are what they add to any model."""
    return Function(
        lambda x: np.zeros((len(x), m)),
        name="zero",
        vjp=lambda x: (np.zeros((len(x), m)), lambda weights: np.zeros((len(x), d))),
        program=Builder(d).finish(np.zeros(m)),
    )


def with_patches(base: Function, patches: Sequence[Network]) -> Function:
    """A model with patches that were read from files."""
    return PatchedModel(base, tuple(patches)).as_function()


def _square(patch: Network, x: Array) -> Array:
    """|v|^2 at points ``x (n, d)``, shape ``(n,)``; infinite where a logarithm does not exist."""
    with np.errstate(all="ignore"):
        square: Array = np.sum(patch.scaling.enter(x) ** 2, axis=1)
    return np.where(np.isnan(square), np.inf, square)


def _gate_program(build: Builder, scaling: Scaling) -> Value:
    """The gate as operations of a program, one feature."""
    v = build.binary("sub", logged(build, scaling.log), scaling.input_shift)
    squares = build.unary("pow", build.binary("div", v, scaling.input_scale), 2.0)
    inner = build.binary("sub", np.ones(1), build.sum(_tensor(squares), (0,)).arrange(np.atleast_1d))
    inner = build.binary("div", inner, np.full(1, 1.0 - INNER))
    w = build.binary("min", build.binary("max", inner, np.zeros(1)), np.ones(1))
    curve = build.binary("mul", build.unary("pow", _tensor(w), 2.0), np.full(1, 6.0))
    curve = build.binary(
        "add", build.binary("sub", np.full(1, 10.0), build.binary("mul", w, np.full(1, 15.0))), curve
    )
    return build.binary("mul", build.unary("pow", _tensor(w), 3.0), curve)


def _tensor(value: Value) -> Tensor:
    assert isinstance(value, Tensor)
    return value


def _corrected(patch: Network, x: Array, square: Array) -> tuple[Array, Callable[[Array], Array]]:
    """The gated correction at points inside, and its pullback."""
    h, pull = patch.vjp(x)
    g, slope = gate(square)
    outward = 2.0 * patch.scaling.enter(x) * patch.scaling.enter_slope(x)

    def back(weights: Array) -> Array:
        along: Array = np.sum(weights * h, axis=1) * slope
        return pull(weights * g[:, None]) + along[:, None] * outward

    return g[:, None] * h, back


def named(patch: Network, number: int) -> Network:
    """A patch with its name."""
    return replace(patch, name=f"patch {number}")
