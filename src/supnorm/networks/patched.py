"""A model with patches: corrections that act inside ellipsoids and nowhere else.

    N_new(x) = N(x) - sum_k g(|v_k(x)|^2) h_k(x),    v_k(x) = (l(x) - centre_k) / radii_k

h_k is a small network whose input scaling is v_k (l: the logarithm on logarithmic axes), so the network alone describes its
patch. The gate g falls from 1 inside half of the radii to 0 at the ellipsoid, with two continuous derivatives:
g = 1 - t^3 (10 - 15 t + 6 t^2), t = clip((|v|^2 - 1/4) / (3/4), 0, 1). Outside the ellipsoids no number is added, so that
values there are those of N, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from supnorm.networks import Network
from supnorm.networks.storage import save
from supnorm.problem import Function
from supnorm.problem.function import Pullback
from supnorm.results import BadInput

Array = NDArray[np.float64]
INNER = 0.25  # |v|^2 up to which a patch acts in full


def gate(square: Array) -> tuple[Array, Array]:
    """The gate and its derivative by |v|^2, at squares ``(n,)``.

    >>> gate(np.array([0.0, 0.25, 1.0, 4.0]))[0].tolist()
    [1.0, 1.0, 0.0, 0.0]
    """
    t = np.clip((square - INNER) / (1.0 - INNER), 0.0, 1.0)
    value = 1.0 - t**3 * (10.0 - 15.0 * t + 6.0 * t * t)
    return value, -30.0 * (t * (1.0 - t)) ** 2 / (1.0 - INNER)


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
        y = self.base.value(x)
        for patch in self.patches:
            if patch.m != y.shape[1]:
                raise BadInput(
                    f"{patch.name or 'a patch'} corrects {patch.m} outputs, the model has {y.shape[1]}: give its own patch"
                )
            square = _square(patch, x)
            inside = square < 1.0
            if inside.any():
                y = y.copy()
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

    def as_function(self) -> Function:
        """The patched model as a `Function`."""
        base = self.base
        again = base.remake is not None and base.parallel == "process"
        return Function(
            self.value,
            inputs=base.inputs,
            outputs=base.outputs,
            output_units=base.output_units,
            name=base.name,
            vjp=None if base.vjp is None else self.vjp,
            precision=base.precision,
            parallel=base.parallel if again else "none",
            remake=partial(_remade, base.remake, self.patches) if again and base.remake else None,
            notes=base.notes,
        )

    def save_in(self, folder: Path) -> tuple[str, ...]:
        """Write each patch as a network, ``patch-1.npz`` and so on; the names of the files."""
        names = [f"patch-{k + 1}.npz" for k in range(len(self.patches))]
        for name, patch in zip(names, self.patches, strict=True):
            save(patch, folder / name)
        return tuple(names)


def with_patches(base: Function, patches: Sequence[Network]) -> Function:
    """A model with patches that were read from files."""
    return PatchedModel(base, tuple(patches)).as_function()


def _remade(base: Callable[[], Function], patches: tuple[Network, ...]) -> Function:
    return with_patches(base(), patches)


def _square(patch: Network, x: Array) -> Array:
    """|v|^2 at points ``x (n, d)``, shape ``(n,)``; infinite where a logarithm does not exist."""
    with np.errstate(all="ignore"):
        square: Array = np.sum(patch.scaling.enter(x) ** 2, axis=1)
    return np.where(np.isnan(square), np.inf, square)


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
