"""A class of functions, described by numbers: what theory needs to know about it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from supnorm.results.option import documented, number_list, option, pair_list
from supnorm.results.status import BadInput

# Derivatives: with more, the constants are so large that the bounds are empty at any tolerance in use.
MAX_ORDER = 12


@documented
@dataclass(frozen=True, kw_only=True)
class SmoothClass:
    """All functions on the unit cube with these properties.

    Raises:
        BadInput: for numbers out of range.

    >>> SmoothClass(inputs=12, smoothness=2).bounds
    (1.0, 1.0, 1.0)
    """

    inputs: int = option("--inputs", "Number of inputs.", kind=int, low=1, high=1_000_000)
    smoothness: float | None = option(
        "--smoothness",
        "Derivatives that exist and are bounded: a whole number, an order in (0, 1] (Hölder), or inf.",
        default=None,
        kind=float,
        above=0,
        infinite=True,
    )
    scales: float | tuple[float, ...] = option(
        "--scales",
        "Bounds on the derivatives, one or by order from 0; for a Hölder order its constant.",
        default=1.0,
        metavar="L,L,...",
        read=number_list,
    )
    rho: tuple[float, ...] | None = option(
        "--rho",
        "Bernstein parameters of an analytic function, by input.",
        default=None,
        metavar="R,R,...",
        read=number_list,
    )
    noise: float = option(
        "--noise", "Standard deviation of noise on the values.", default=0.0, kind=float, low=0.0
    )
    fourier: float | None = option(
        "--fourier", "Integral of |Fourier transform| (Barron).", default=None, kind=float
    )
    stability: float | None = option(
        "--stability", "C in |error| <= C |residual| of an equation.", default=None, kind=float
    )
    composition: tuple[tuple[float, float], ...] = option(
        "--composition",
        "Inputs and derivatives of the parts, inner ones first.",
        default=(),
        metavar="T:N,T:N,...",
        read=pair_list,
    )
    manifold: float | None = option(
        "--manifold", "Dimension of the set that the inputs lie on.", default=None, kind=float
    )

    def __post_init__(self) -> None:
        d, order = self.inputs, self.order
        if d < 1 or d != int(d):
            raise BadInput(f"inputs must be a whole number of at least 1, got {d}")
        whole = math.isinf(order) or order == int(order)
        if not order > 0 or (order > 1 and not whole) or MAX_ORDER < order < math.inf:
            raise BadInput(
                f"smoothness must be a whole number up to {MAX_ORDER}, an order in (0, 1], or inf, got {order}"
            )
        for name in ("fourier", "stability", "manifold"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise BadInput(f"{name} must be a positive number, got {value}")
        if self.rho is not None and not (len(self.rho) == d and all(1 < r < math.inf for r in self.rho)):
            raise BadInput(f"rho must be {d} numbers above 1, one for each input, got {list(self.rho)}")
        if not all(len(part) == 2 and min(part) > 0 for part in self.composition):
            raise BadInput(
                f"composition wants pairs of positive numbers (inputs, derivatives), got {self.composition}"
            )
        bounds, count = self.bounds, self._count
        if math.isfinite(order) and len(bounds) != count:
            raise BadInput(
                f"give one derivative scale or {count} (orders 0 to {count - 1}), got {len(bounds)}"
            )
        if not bounds or not all(v > 0 and math.isfinite(v) for v in bounds):
            raise BadInput(f"derivative scales must be positive numbers, got {list(bounds)}")

    @property
    def order(self) -> float:
        """The smoothness; infinite if it was not stated."""
        return math.inf if self.smoothness is None else self.smoothness

    @property
    def bounds(self) -> tuple[float, ...]:
        """Bounds on the derivatives by order, from order 0."""
        one = isinstance(self.scales, int | float)
        return (float(self.scales),) * self._count if one else tuple(map(float, self.scales))  # type: ignore[arg-type]

    @property
    def _count(self) -> int:
        return max(int(self.order) + 1, 2) if math.isfinite(self.order) else 2

    @property
    def says_something(self) -> bool:
        """Whether more than the number of inputs is known."""
        return any(v is not None for v in (self.smoothness, self.rho, self.fourier, self.stability))
