"""The horizontal grid of a field: coordinates, area weights, and which points are neighbours."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from supnorm.results import BadInput

Array = NDArray[np.float64]
EARTH = 6371.0  # km, the mean radius (IUGG)
MOST = 2**31 - 1  # points: their numbers are stored in 32 bits


@dataclass(frozen=True, eq=False)
class Grid:
    """A grid of ``rows`` times ``columns`` points.

    Attributes:
        y, x: coordinates of rows and columns, shapes ``(rows,)`` and ``(columns,)``.
        names: of both coordinates, ``("lat", "lon")``.
        weights: area weight of each row, shape ``(rows,)``; their scale has no meaning.
        periodic: whether the last column is a neighbour of the first.
        sphere: whether the coordinates are degrees of latitude and longitude.
    """

    y: Array
    x: Array
    names: tuple[str, str] = ("y", "x")
    weights: Array = field(default_factory=lambda: np.empty(0))
    periodic: bool = False
    sphere: bool = False

    def __post_init__(self) -> None:
        """Fill in equal weights; refuse what is no grid.

        Raises:
            BadInput: for coordinates that are not finite or in no order, or weights that do not fit.
        """
        if not self.weights.size:
            object.__setattr__(self, "weights", np.ones(len(self.y)))
        for name, values in zip(self.names, (self.y, self.x), strict=True):
            if not len(values) or not np.isfinite(values).all():
                raise BadInput(f"the coordinate {name} must have finite numbers, got {values[:3]!r}")
        if self.weights.shape != self.y.shape or not (np.isfinite(self.weights) & (self.weights >= 0)).all():
            raise BadInput(
                f"weights: one number that is not negative for each of {len(self.y)} rows is needed"
            )
        if not self.weights.max() > 0:
            raise BadInput("weights: at least one row needs a weight above zero")
        for name, *forms in ((self.names[0], self.y), (self.names[1], self.x, self.unwrapped)):
            if not any((s > 0).all() or (s < 0).all() for s in map(np.diff, forms)):
                raise BadInput(
                    f"the coordinate {name} neither ascends nor descends, or has a number twice, so its points have no "
                    f"neighbours: sort it first, as with data.sortby({name!r})"
                )
        if self.size > MOST:
            raise BadInput(
                f"a field has {self.size:,} points; at most {MOST:,} can be read, so choose a part"
            )

    @classmethod
    def sphere_of(
        cls, lat: Array, lon: Array, names: tuple[str, str] = ("lat", "lon"), area: bool = True
    ) -> Self:
        """A grid of latitudes and longitudes in degrees.

        Args:
            lat, lon: in degrees, ascending or descending, in equal steps of longitude, which may begin anew at 0.
            names: of both coordinates.
            area: weigh each row by its area; otherwise each point counts the same.

        The weight of a row is the area of its band of latitudes, whose borders lie half way between rows and end at
        the poles.

        >>> grid = Grid.sphere_of(np.linspace(90, -90, 5), np.arange(0.0, 360.0, 90.0))
        >>> grid.periodic, grid.weights.round(3).tolist()
        (True, [0.076, 0.541, 0.765, 0.541, 0.076])
        """
        lat, lon = np.asarray(lat, dtype=float), np.asarray(lon, dtype=float)
        # Also of longitudes that begin anew, as 180, ..., 359, 0, ..., 179.
        steps = np.diff(np.unwrap(lon, period=360.0))
        around = len(lon) > 1 and abs(abs(float(steps.sum())) + abs(float(steps[0])) - 360.0) < 0.01 * abs(
            steps[0]
        )
        weights = band_areas(lat) if area else np.ones(len(lat))
        return cls(lat, lon, names, weights, periodic=bool(around), sphere=True)

    @property
    def size(self) -> int:
        """Number of points."""
        return len(self.y) * len(self.x)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.y), len(self.x)

    @property
    def unwrapped(self) -> Array:
        """Coordinates of the columns without a jump: longitudes that begin at 350 end at 370, not at 10."""
        return np.unwrap(self.x, period=360.0) if self.sphere else self.x

    @property
    def repeats(self) -> bool:
        """Whether the last column is the first one again, at 360 and at 0 degrees."""
        span = abs(float(self.unwrapped[-1] - self.unwrapped[0]))
        return self.sphere and len(self.x) > 2 and abs(span - 360.0) < 0.01 * self.steps[1]

    @property
    def steps(self) -> tuple[float, float]:
        """Distance of neighbouring rows and columns, in units of the coordinates; 1 where there is only one."""
        found = [abs(float(np.median(np.diff(v)))) if len(v) > 1 else 1.0 for v in (self.y, self.x)]
        return found[0] or 1.0, found[1] or 1.0

    @property
    def spacing(self) -> tuple[Array, float]:
        """Distance between neighbours: in each row from column to column, shape ``(rows,)``, and from row to row.

        On a sphere in km, else in units of the coordinates.
        """
        dy, dx = self.steps
        if not self.sphere:
            return np.full(len(self.y), dx), dy
        degree = math.pi / 180 * EARTH
        return np.maximum(np.cos(np.radians(self.y)), 0.0) * dx * degree, dy * degree

    @property
    def cell_areas(self) -> Array:
        """Area of a point of each row, shape ``(rows,)``: km² on a sphere, else 1 (points are counted)."""
        if not self.sphere:
            return np.ones(len(self.y))
        areas: Array = band_areas(self.y) * EARTH**2 * math.radians(self.steps[1])
        return areas

    def cell(self, row: int) -> float | None:
        """The larger distance in km of a point of a row to its neighbours in both directions; None without degrees."""
        along, between = self.spacing
        return max(float(along[row]), between) if self.sphere else None

    def at(self, index: int) -> tuple[int, int]:
        """Row and column of a point's number."""
        return index // len(self.x), index % len(self.x)

    def coordinates(self, index: int) -> dict[str, float]:
        """Coordinates of a point by name."""
        row, column = self.at(index)
        return {self.names[0]: float(self.y[row]), self.names[1]: float(self.x[column])}


def band_areas(lat: Array) -> Array:
    """Area of each band of latitudes on a unit sphere, per radian of longitude."""
    lat = np.asarray(lat, dtype=float)
    if len(lat) == 1:
        return np.ones(1)
    middle = (lat[1:] + lat[:-1]) / 2
    first, last = lat[0] - (middle[0] - lat[0]), lat[-1] + (lat[-1] - middle[-1])
    borders = np.clip(np.concatenate([[first], middle, [last]]), -90.0, 90.0)
    areas: Array = np.abs(np.diff(np.sin(np.radians(borders))))
    return areas
