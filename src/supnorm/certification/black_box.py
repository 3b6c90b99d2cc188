"""A model or reference whose code cannot be read, with its declared bounds: values at nodes, tails, noise.

The error is e = N - f. The part N with a program is enclosed, the part f is only evaluated. Interpolation is linear,
so |e - I e| <= |N - I N| + |f - I f|: each part has its own tail.

* Declared bound M on the polydisc. On a box, the Bernstein ellipse of axis j fits into the declared disc when
  (rho_j + 1/rho_j)/2 h_j + |c_j - C_j| <= R_j. Then, as in `chebyshev` but with a rho for each axis,
  |f - I_n f| <= 4 M sum_j rho_j^-n/(rho_j - 1) prod_{i != j} (rho_i + 1)/(rho_i - 1)
  (Trefethen, Approximation Theory and Approximation Practice, Theorem 8.1 in each variable).
* Declared real derivatives |d^k f/dt_j^k| <= B_j, k = n + 1. In one variable |g - I g| <= 2 (h/2)^k/k! sup|g^(k)|
  at the k Chebyshev nodes (Davis, Interpolation and Approximation, Theorem 3.1.1 with max prod|x - x_i| =
  2 (h/2)^k); with I = I_1 .. I_d and 1 - I = sum_j I_1 .. I_{j-1} (1 - I_j),
  |f - I f| <= sum_j Lambda^(j-1) 2 (h_j/2)^k/k! B_j.

Noise. A value is off by its declared accuracy, and it is computed at a float64 point beside the exact node. The slope
that multiplies this shift is bounded by Cauchy's estimate M/((stretch - 1) H_j), or from the declared derivatives:
the interpolant in variable j has |p'| <= (k - 1)^2/h_j sup|p| (Markov), and g' - p' vanishes at k - 1 points
(Rolle), so |g' - p'| <= B_j (2 h_j)^(k-1)/(k - 1)!.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from supnorm.certification import chebyshev
from supnorm.certification.rounding import Array, U, outward
from supnorm.problem import Declared
from supnorm.results import BadInput
from supnorm.results.numbers import num


@dataclass(frozen=True, eq=False)
class BlackBox:
    """Model or reference, known by its values and by what its user declares.

    Attributes:
        which: "model" or "reference".
        name: for messages.
        value: points in units of the axes ``(n, d)`` to values ``(n, m)``.
        declared: the bounds that the user declares.
        weight: factors of its outputs in the error, with sign, shape ``(m,)``.
        low, high, log: the box in t, and which axes are logarithmic.
        values: computed values at nodes, by `key`; the certificate's file records them.
    """

    which: str
    name: str
    value: Callable[[Array], Array]
    declared: Declared
    weight: Array
    low: Array
    high: Array
    log: tuple[bool, ...]
    values: dict[bytes, Array] = field(default_factory=dict)

    @property
    def bound(self) -> Array:
        """The declared bound M of each output, shape ``(m,)``; infinite where none is declared."""
        bound = np.inf if self.declared.bound is None else np.asarray(self.declared.bound, dtype=float)
        return np.broadcast_to(bound, self.weight.shape).astype(float)

    def at(self, x: Array) -> Array:
        """Values at points in units of the axes, as they enter the error, shape ``(n, m)``."""
        return self.weight * self._checked(x)

    def noise_at(self, x: Array, weighted: Array) -> Array:
        """How far values at given points may be from the truth, shape ``(n, m)``."""
        return outward(np.abs(self.weight) * self.declared.accuracy + 32.0 * U * np.abs(weighted))

    def at_nodes(self, n: int, centre: Array, half: Array) -> Array:
        """Values at the nodes of degree ``n`` on boxes, shapes ``(B, d) -> (B, (n + 1)^d, m)``."""
        grid = chebyshev.tensor_nodes(n, centre.shape[1])
        keys = [key(n, c, h) for c, h in zip(centre, half, strict=True)]
        missing = [i for i, k in enumerate(keys) if k not in self.values]
        if missing:
            t = centre[missing, None] + half[missing, None] * grid
            computed = self._checked(self.to_x(t.reshape(-1, t.shape[-1])))
            computed = computed.reshape(len(missing), len(grid), -1)
            self._compare(n, centre[missing], half[missing], computed)
            self.values.update((keys[i], row) for i, row in zip(missing, computed, strict=True))
        return np.stack([self.values[k] for k in keys])

    def to_x(self, t: Array) -> Array:
        """Points of the box in the units of the axes."""
        return np.where(self.log, np.exp(np.where(self.log, t, 0.0)), t)

    def tail(self, n: int, centre: Array, half: Array) -> Array:
        """Bound of |f - I_n f| on boxes, not weighted, shape ``(B, m)``."""
        parts = self.tail_by_axis(n, centre, half)
        return outward(np.asarray(parts.sum(1)), 64 + 8 * n)

    def tail_by_axis(self, n: int, centre: Array, half: Array) -> Array:
        """The summands of the tail, shape ``(B, d, m)``, by the declaration (bound or derivatives) whose tail is smaller."""
        complex_ = self._complex_tail(n, centre, half)
        real = self._real_tail(n, half)
        better = real.sum(1, keepdims=True) < complex_.sum(1, keepdims=True)
        return np.where(better, real, complex_)

    @cached_property
    def _shift(self) -> Array:
        """How far the point of a recorded value may be from the exact node, shape ``(d,)``."""
        return np.asarray(
            32.0 * U * (np.abs(self.low) + np.abs(self.high) + np.asarray(self.log, dtype=float))
        )

    @cached_property
    def _half(self) -> Array:
        """Half-widths of the axes, rounded down, shape ``(d,)``: declarations are about the axes.

        The box of a logarithmic axis is rounded outwards, each end by at most 4e-16 of its size or of 1 (`box_of`) and the
        rounding of the logarithm: together by less than a quarter of the shift.
        """
        return 0.5 * (self.high - self.low) - np.where(self.log, 0.25 * self._shift, 0.0)

    def rho(self, centre: Array, half: Array) -> Array:
        """Parameters rho of the ellipses that fit into the declared discs, shape ``(B, d)``; 1 where none fits."""
        middle = 0.5 * (self.low + self.high)
        room = self.declared.stretch * self._half * (1.0 - 1e-14) - np.abs(centre - middle) * (1.0 + 1e-14)
        A = np.clip((room - 0.25 * self._shift) / half * (1.0 - 1e-14), 1.0, 1e6)
        return np.asarray((A + np.sqrt(A * A - 1.0)) * (1.0 - 1e-14))

    def _complex_tail(self, n: int, centre: Array, half: Array) -> Array:
        rho = self.rho(centre, half)
        valid = np.all(rho > 1.0 + 1e-6, axis=1) & np.isfinite(self.bound).all()
        rho = np.where(valid[:, None], rho, 2.0)
        growth = (rho + 1.0) / (rho - 1.0)
        one = 4.0 * rho**-n / (rho - 1.0) * (growth.prod(1, keepdims=True) / growth)
        M = np.where(np.isfinite(self.bound), self.bound, 0.0)
        return np.where(valid[:, None, None], one[..., None] * M, np.inf)

    def _real_tail(self, n: int, half: Array) -> Array:
        d, m, k = half.shape[1], len(self.weight), n + 1
        if self.declared.derivatives is None or self.declared.order != k:
            return np.full((len(half), d, m), np.inf)
        growth = chebyshev.lebesgue(n, 1) ** np.arange(d)
        one = 2.0 * (0.5 * half) ** k / math.factorial(k) * np.asarray(self.declared.derivatives) * growth
        return np.repeat(one[..., None], m, axis=2)

    def noise(self, n: int, half: Array, largest: Array, tail: Array) -> Array:
        """How far recorded values may be from the values at the exact nodes, not weighted, shape ``(B, m)``.

        Args:
            n: degree.
            half: half-widths of the boxes, shape ``(B, d)``.
            largest: largest |value| at the nodes, shape ``(B, m)``.
            tail: the result of `tail`, shape ``(B, m)``.
        """
        accuracy = self.declared.accuracy + 32.0 * U * largest
        room = (self.declared.stretch - 1.0) * self._half
        slope = np.where(room > 0.0, self._shift / np.where(room > 0.0, room, 1.0), np.inf).sum() * self.bound
        moved = np.broadcast_to(slope, accuracy.shape)
        if self.declared.derivatives is not None and self.declared.order == n + 1:
            moved = np.minimum(moved, self._real_shift(n, half, largest + accuracy, tail))
        return outward(accuracy + moved)

    def _real_shift(self, n: int, half: Array, size: Array, tail: Array) -> Array:
        d, k, shift = half.shape[1], n + 1, self._shift
        growth = chebyshev.lebesgue(n, d)
        least = (
            half * (1.0 - 32.0 * U) - 0.25 * shift
        )  # `half` is rounded up by less (`Boxes.centre_and_half`)
        steep = np.where(least > 0.0, shift * n * n / np.where(least > 0.0, least, 1.0), np.inf).sum(1)[
            :, None
        ]
        beyond = np.asarray(self.declared.derivatives) * (2.0 * half) ** n / math.factorial(n)
        beyond = (shift * beyond).sum(1)[:, None]
        # sup|f| <= growth (size + shift slope) + tail and slope <= steep sup|f| + beyond, solved for sup|f|
        largest = 2.0 * (growth * (size + beyond + steep * tail) + tail)
        moved = steep * (largest + tail) + beyond
        return np.where((growth * steep > 0.5) | (k < 1), np.inf, moved)

    def _checked(self, x: Array) -> Array:
        y = self.value(x)
        if not np.all(np.isfinite(y)):
            where = x[~np.isfinite(y).all(1)][0].tolist()
            raise BadInput(
                f"the {self.which} ({self.name}) has no finite value at {where}; shrink the domain"
            )
        over = np.abs(y) > (self.bound + self.declared.accuracy) * (1.0 + 1e-12)
        if over.any():
            i, k = np.argwhere(over)[0]
            raise BadInput(
                f"the declared bound of the {self.which} is wrong: |{self.name}| = {num(abs(y[i, k]), 6)} at "
                f"{x[i].tolist()}, declared {num(self.bound[k], 6)}"
            )
        return y

    def _compare(self, n: int, centre: Array, half: Array, values: Array) -> None:
        """Refuse a declared bound that the decay of the coefficients contradicts."""
        rho = self.rho(centre, half)
        valid = np.all(rho > 1.0 + 1e-6, axis=1) & np.isfinite(self.bound).all()
        if not valid.any():
            return
        centre, half, values, rho = centre[valid], half[valid], values[valid], rho[valid]
        boxes, d, m = len(centre), centre.shape[1], values.shape[-1]
        shaped = values.reshape(boxes, *(n + 1,) * d, m)
        size = np.abs(chebyshev.along_axes(chebyshev.transform(n), shaped, d))
        allowed = np.ones((boxes,) + (1,) * d)
        for j in range(d):
            one = 2.0 * rho[:, j, None] ** -np.arange(n + 1.0)
            one[:, 0] = 1.0
            shape = [boxes] + [1] * d
            shape[j + 1] = n + 1
            allowed = allowed * one.reshape(shape)
        tail = self.tail(n, centre, half)
        noise = self.noise(n, half, np.abs(values).max(1), tail) * 4.0**d
        slack = (tail + noise).reshape(boxes, *(1,) * d, m)
        over = size > (allowed[..., None] * self.bound + slack) * (1.0 + 1e-9)
        if over.any():
            at = np.argwhere(over)[0]
            raise BadInput(
                f"the declared bound of the {self.which} is wrong: near {self.to_x(centre)[at[0]].tolist()} the "
                f"coefficients of {self.name} decay more slowly than a function analytic and at most "
                f"{num(self.bound[at[-1]], 6)} on the declared discs allows; declare a larger bound or a smaller stretch"
            )

    def to_json(self, cells: list[tuple[str, int, Array, Array]], witness: Array | None) -> dict[str, Any]:
        """The entry of this function in the file; ``cells`` are (name, degree, centre, half) of the proofs that use it."""
        declared, m = self.declared, len(self.weight)
        values = {name: self.values[key(n, c, h)] for name, n, c, h in cells if key(n, c, h) in self.values}
        at_witness = None if witness is None else self._checked(witness[None])[0]
        return {
            "which": self.which,
            "name": self.name,
            "weight": [v.hex() for v in self.weight.tolist()],
            "bound": None if declared.bound is None else [float(v).hex() for v in self.bound],
            "stretch": float(declared.stretch).hex(),
            "order": declared.order,
            "derivatives": None
            if declared.derivatives is None
            else [float(v).hex() for v in declared.derivatives],
            "accuracy": float(declared.accuracy).hex(),
            "witness": None if at_witness is None else [v.hex() for v in at_witness.tolist()],
            "values": {name: pack(v.reshape(-1, m)) for name, v in values.items()},
        }

    def differs(self, data: Mapping[str, Any]) -> list[str]:
        """The keys in which an entry of a file differs from this function."""
        expected = self.to_json([], None)
        keys = ("which", "weight", "bound", "stretch", "order", "derivatives", "accuracy")
        return [k for k in keys if expected[k] != data[k]]


def key(n: int, centre: Array, half: Array) -> bytes:
    """A key for the nodes of degree n on a box."""
    return bytes([n]) + np.ascontiguousarray(centre).tobytes() + np.ascontiguousarray(half).tobytes()


def pack(array: Array) -> dict[str, Any]:
    """An array as shape and base64 of little-endian float64."""
    import base64

    data = np.ascontiguousarray(array, dtype="<f8").tobytes()
    return {"shape": list(array.shape), "data": base64.b64encode(data).decode()}


def unpack(entry: Mapping[str, Any]) -> Array:
    """The array that `pack` wrote."""
    import base64

    flat = np.frombuffer(base64.b64decode(entry["data"]), dtype="<f8")
    return flat.reshape(entry["shape"]).astype(np.float64)
