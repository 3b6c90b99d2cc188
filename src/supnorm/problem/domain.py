"""The set of inputs that exist: named axes with constraints, or a cloud of data points."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem.axis import Axis
from supnorm.problem.finite import MOST, FinitePoints
from supnorm.problem.masked import plain_numbers, unmasked
from supnorm.problem.unit_map import UnitMap
from supnorm.results import BadInput
from supnorm.results.printable import one_line

Constraint = Callable[[NDArray[np.float64]], Any]


@dataclass(frozen=True)
class Cloud:
    """Data points that define a domain: the union of balls around them, in the unit box.

    Attributes:
        points: shape ``(N, d)``, in the unit box of the domain.
        radius: r95, the 95 % quantile of the distance to the nearest other point.
        tree: a KD-tree of the points.
    """

    points: NDArray[np.float64]
    radius: float
    tree: Any = field(repr=False, compare=False)

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """``n`` points, uniform in the union of the balls inside the unit box, shape ``(n, d)``.

        A point in the ball of a random data point is accepted with probability 1 / (number of balls that contain it).
        """
        d = self.points.shape[1]
        parts: list[NDArray[np.float64]] = []
        while sum(map(len, parts)) < n:
            size = 2 * n + 16
            step = rng.standard_normal((size, d))
            step *= (
                self.radius * rng.random((size, 1)) ** (1 / d) / np.linalg.norm(step, axis=1, keepdims=True)
            )
            u = self.points[rng.integers(len(self.points), size=size)] + step
            u = u[np.all((u >= 0) & (u <= 1), axis=1)]
            balls = self.tree.query_ball_point(u, self.radius, return_length=True)
            parts.append(u[rng.random(len(u)) * balls < 1])
        return np.concatenate(parts)[:n]


class Domain:
    """Named axes and optional constraints; or the neighbourhood of data (`Domain.from_samples`).

    Args:
        constraints: one or several functions ``(n, d) -> (n,)`` that return booleans. A point exists if all return True.
        axes: an `Axis` or a tuple ``(low, high)`` or ``(low, high, unit)`` for each name.

    Raises:
        BadInput: when no axis is given or an axis is not valid; the message names the axis.

    >>> domain = Domain(T=(275.0, 1070.0, "K"), p=Axis(1e4, 1e8, "Pa", scale="log"))
    >>> domain.d, domain.names
    (2, ('T', 'p'))
    >>> domain.from_unit(np.array([[0.0, 1.0]]))
    array([[2.75e+02, 1.00e+08]])
    """

    def __init__(
        self,
        constraints: Constraint | Sequence[Constraint] = (),
        /,
        cloud: Cloud | None = None,
        **axes: Axis | tuple[Any, ...],
    ) -> None:
        if isinstance(constraints, Mapping):
            raise BadInput("a dictionary of axes: give it to Domain.from_axes, or as Domain(**axes)")
        self._build(axes, _functions(constraints), cloud)

    def __repr__(self) -> str:
        """The axes, and the constraints or the data."""
        parts = [f"{name}={axis!r}" for name, axis in zip(self.names, self.axes, strict=True)]
        parts += [f"constraints={len(self.constraints)}"] if self.constraints else []
        parts += [] if self.cloud is None else [f"data={len(self.cloud.points)} points"]
        return f"Domain({', '.join(parts)})"

    @classmethod
    def from_axes(
        cls,
        axes: dict[str, Axis | tuple[Any, ...]],
        constraints: Constraint | Sequence[Constraint] = (),
        cloud: Cloud | None = None,
    ) -> Domain:
        """A domain from a dictionary of axes, for names that are not Python identifiers.

        Raises:
            BadInput: as `Domain`.
        """
        domain = cls.__new__(cls)
        domain._build(axes, _functions(constraints), cloud)
        return domain

    @classmethod
    def from_samples(cls, points: NDArray[np.float64], names: Sequence[str] | None = None) -> Domain:
        """The domain that data cover: the union of balls of radius r95 around the points.

        r95 is the 95 % quantile of the nearest-neighbour distance, measured after the bounding box of
        the data is scaled to the unit box.

        Args:
            points: shape ``(N, d)``, ``N >= 2``.
            names: of the inputs; ``x1, x2, ...`` by default.

        Raises:
            BadInput: for fewer than two distinct points, non-finite values or an input that never varies.
        """
        from scipy.spatial import cKDTree

        try:
            data = plain_numbers(points)
        except (TypeError, ValueError) as error:
            raise BadInput(f"data points must be numbers of shape (N, d): {error}") from None
        if data.ndim != 2 or len(data) < 2:
            raise BadInput(f"data points must have shape (N, d) with N >= 2, got {data.shape}")
        if not np.isfinite(data).all():
            raise BadInput("data points must be finite; remove rows with NaN or infinity")
        low, high = data.min(0), data.max(0)
        labels = names or [f"x{i + 1}" for i in range(data.shape[1])]
        if len(labels) != data.shape[1]:
            raise BadInput(f"names has {len(labels)} names for {data.shape[1]} columns of the data")
        if len(set(labels)) < len(labels):
            raise BadInput(f"names must be different, got {', '.join(labels)}")
        for label, a, b in zip(labels, low, high, strict=True):
            if a == b:
                raise BadInput(f"input {label} never varies in the data ({a:g}); leave it out")
        unit = np.unique((data - low) / (high - low), axis=0)
        tree = cKDTree(unit)
        gaps = tree.query(unit, k=2)[0][:, 1]
        cloud = Cloud(unit, float(np.quantile(gaps, 0.95)), tree)
        axes: dict[str, Any] = {
            n: Axis(a, b) for n, a, b in zip(labels, low.tolist(), high.tolist(), strict=True)
        }
        return cls.from_axes(axes, cloud=cloud)

    def _build(
        self,
        axes: dict[str, Any],
        constraints: tuple[Constraint, ...],
        cloud: Cloud | None,
    ) -> None:
        if not isinstance(axes, dict):
            example = "{'a b': (0.0, 1.0)}"
            raise BadInput(f"axes must be a dictionary by name, such as {example}, got {type(axes).__name__}")
        if not axes:
            raise BadInput("a domain needs at least one axis, such as x = (0.0, 1.0)")
        built = []
        for name, axis in axes.items():
            try:
                if not isinstance(axis, Axis):
                    low, high, *unit = axis
                    if len(unit) > 1:  # a list of values, and not ends, unit and what follows them
                        raise ValueError
                    axis = Axis(low, high, *unit)
                built.append(axis)
            except BadInput as error:
                raise BadInput(f"axis {name}: {error}") from None
            except (TypeError, ValueError):
                hint = "constraints come first, without a name: Domain(allowed, x=(0.0, 1.0))"
                if name != "constraints":
                    hint = (
                        'for a logarithmic input use Axis(1e4, 1e8, "Pa", scale="log"), for one that has only certain '
                        "values Axis(values=[1, 2, 5])"
                    )
                raise BadInput(
                    f"axis {name}: give (low, high), (low, high, unit) or an Axis, got {axis!r} ({hint})"
                ) from None
        self.names: tuple[str, ...] = tuple(axes)
        self.axes: tuple[Axis, ...] = tuple(built)
        self.constraints = constraints
        self.cloud = cloud
        self._low = np.array([a.low for a in self.axes])
        self._high = np.array([a.high for a in self.axes])
        self._unit = UnitMap(self.axes)

    @property
    def d(self) -> int:
        """Number of inputs."""
        return len(self.axes)

    @cached_property
    def finite(self) -> FinitePoints | None:
        """The points if all inputs have lists of values; None if an input has none, or if there are over `MOST` points."""
        values = tuple(axis.values for axis in self.axes if axis.values is not None)
        if self.cloud is not None or len(values) < self.d or math.prod(map(len, values)) > MOST:
            return None
        return FinitePoints(values, self.allowed if self.constraints else None)

    def from_unit(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map points of the unit box, shape ``(n, d)``, to the axes."""
        return self._unit.from_unit(u)

    def to_unit(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map points, shape ``(n, d)``, to the unit box."""
        return self._unit.to_unit(x)

    def to_unit_rows(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same as `to_unit` with a row for each axis, shape ``(d, n)``, for work that goes axis by axis."""
        return self._unit.to_unit_rows(x)

    def slope(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """dx/du at each point and axis, shape ``(n, d)``: turns gradients in x into the unit box."""
        return self._unit.slope(x)

    def chain(self, gradient: NDArray[np.float64], x: NDArray[np.float64]) -> None:
        """Turn gradients in ``x`` (n, d), in C order, into gradients in the unit box, in place."""
        self._unit.chain(gradient, x)

    def contains(self, x: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which points exist, shape ``(n,)``: inside the axes, allowed by the constraints, near the data."""
        inside: NDArray[np.bool_] = np.all((x >= self._low) & (x <= self._high), axis=1)
        for i, axis in enumerate(self.axes):
            if axis.values is not None:
                inside &= np.isin(x[:, i], axis.values)
        if self.constraints and inside.any():
            inside[inside] = self.allowed(x[inside])
        if self.cloud is not None and inside.any():
            inside[inside] = self.data_distance(x[inside]) <= 1.0
        return inside

    def allowed(self, x: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which points the constraints allow, shape ``(n,)``; the points, shape ``(n, d)``, must lie on the axes."""
        allowed = np.ones(len(x), dtype=bool)
        for constraint in self.constraints:
            if allowed.any():
                allowed[allowed] = self._allowed(constraint, x[allowed])
        return allowed

    def _allowed(self, constraint: Constraint, x: NDArray[np.float64]) -> NDArray[np.bool_]:
        name = getattr(constraint, "__name__", "constraint")
        try:
            allowed = unmasked(constraint(x))
        except Exception as error:
            raise BadInput(
                f"constraint {name} failed: {type(error).__name__}: {error}; it is called with an "
                f"array of shape (n, {self.d}) and returns n booleans"
            ) from error
        if allowed.shape == (len(x), 1):
            allowed = allowed[:, 0]
        if allowed.shape != (len(x),):
            raise BadInput(
                f"constraint {name} must return {len(x)} booleans for {len(x)} points, "
                f"got shape {allowed.shape}"
            )
        # NumPy counts any number but 0 as true, for a signed distance on both sides of the border.
        if allowed.dtype != bool:
            raise BadInput(f"constraint {name} must return booleans (such as g(x) > 0), got {allowed.dtype}")
        return allowed

    def data_distance(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Distance to the nearest data point over r95, shape ``(n,)``; needs a domain from samples."""
        if self.cloud is None:
            raise BadInput("this domain has no data; build it with Domain.from_samples")
        distance: NDArray[np.float64] = self.cloud.tree.query(self.to_unit(x))[0]
        return distance / self.cloud.radius

    def describe(self, x: NDArray[np.float64]) -> dict[str, float]:
        """A point as a mapping from input names to values."""
        return dict(zip(self.names, map(float, x), strict=True))


def _functions(constraints: Any) -> tuple[Constraint, ...]:
    """One function or several.

    Raises:
        BadInput: for anything else.
    """
    given = (constraints,) if callable(constraints) else constraints
    if not isinstance(given, Iterable) or not all(map(callable, given := tuple(given))):
        raise BadInput(
            "constraints must be a function of points (n, d), or a list of such functions, got "
            f"{one_line(repr(constraints), 60)}"
        )
    return tuple(given)
