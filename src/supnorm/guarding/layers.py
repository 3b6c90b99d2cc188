"""What a guard looks at: each layer gives every input a score, the higher the less the model can be trusted there.

Scores of different layers have different units; the guard compares each with a cut of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from supnorm.mending.regions import Ellipsoid
from supnorm.networks import Network
from supnorm.problem import Domain

Array = NDArray[np.float64]


class Layer(Protocol):
    """A score of inputs.

    Attributes:
        name: the reason that the guard gives: ``"glitch"``, ``"learned"``, ``"second"``, ``"distance"`` or ``"disagree"``.
    """

    @property
    def name(self) -> str:
        """The reason that the guard gives."""

    def score(self, x: Array, y: Array) -> Array:
        """Scores ``(n,)`` of points ``x (n, d)`` at which the model has the values ``y (n, m)``."""


@dataclass(frozen=True, eq=False)
class KnownGlitches(Layer):
    """The regions of the peaks that an audit has found: minus the distance to the nearest, in radii.

    >>> domain = Domain(x=(0.0, 1.0))
    >>> layer = KnownGlitches(domain, (Ellipsoid(np.array([0.5]), np.array([0.1])),))
    >>> layer.score(np.array([[0.5], [0.6], [0.9]]), np.zeros((3, 1))).round(6).tolist()
    [-0.0, -1.0, -4.0]
    """

    domain: Domain
    regions: tuple[Ellipsoid, ...]
    name: str = "glitch"

    def score(self, x: Array, y: Array) -> Array:
        """Minus the distance to the nearest region's centre, in its radii."""
        u = self.domain.to_unit(x)
        return -np.asarray(np.min([region.distance(u) for region in self.regions], axis=0))

    def nearest(self, x: Array) -> NDArray[np.intp]:
        """The region that each point is nearest to."""
        u = self.domain.to_unit(x)
        return np.asarray(np.argmin([region.distance(u) for region in self.regions], axis=0))


@dataclass(frozen=True, eq=False)
class LearnedError(Layer):
    """A small network that has learned the logarithm of the error from all evaluations of a search."""

    network: Network
    name: str = "learned"

    def score(self, x: Array, y: Array) -> Array:
        """The decimal logarithm of the error, as learned."""
        return self.network.value(x)[:, 0]


@dataclass(frozen=True, eq=False)
class DataDistance(Layer):
    """The distance to the training data in the unit box, over ``typical``, the 95 % quantile of neighbours' distances."""

    domain: Domain
    points: Array
    typical: float
    name: str = "distance"

    @cached_property
    def _tree(self) -> Any:
        from scipy.spatial import KDTree

        return KDTree(self.points)

    def score(self, x: Array, y: Array) -> Array:
        """Distance to the nearest point of the data."""
        return np.asarray(self._tree.query(self.domain.to_unit(x))[0]) / self.typical


@dataclass(frozen=True, eq=False)
class Disagreement(Layer):
    """The largest difference between the model and other networks that were trained on its data."""

    rivals: tuple[Network, ...]
    name: str = "disagree"

    def score(self, x: Array, y: Array) -> Array:
        """The largest difference in any output; points where the model has no value score highest."""
        gaps = [np.abs(rival.value(x) - y).max(axis=1) for rival in self.rivals]
        score: Array = np.max(gaps, axis=0)
        return np.where(np.isnan(score), np.inf, score)


@dataclass(frozen=True, eq=False)
class SecondModel(Layer):
    """The error of the model against a second one, which was trained on values of the reference, in the problem's measure.

    Attributes:
        network: the second model.
        weights: constant divisors of the outputs' errors, shape ``(m,)``.
        floor: of relative errors; None for others.
        sign: 0 for both sides, 1 where the model counts if it is too large, -1 if too small.
    """

    network: Network
    weights: tuple[float, ...]
    floor: float | None = None
    sign: float = 0.0
    name: str = "second"

    def score(self, x: Array, y: Array) -> Array:
        """The largest error of any output; points where the model has no value score highest."""
        other = self.network.value(x)
        with np.errstate(all="ignore"):
            gap = self.sign * (y - other) if self.sign else np.abs(y - other)
            size = gap / np.array(self.weights)
            if self.floor is not None:
                size = size / np.maximum(np.abs(other), self.floor)
            score: Array = size.max(axis=1)
        return np.where(np.isnan(score), np.inf, score)


@dataclass(frozen=True, eq=False)
class Cuts:
    """The layers with the scores above which each rejects.

    Attributes:
        sharing: names of the layers that share the rejected inputs. Any other rejects only scores above all those of the
            random points that fixed the cuts. None in a guard that was read from a file, which says the cuts.
    """

    layers: tuple[Layer, ...]
    cuts: tuple[float, ...]
    sharing: frozenset[str] | None = None

    def reasons(self, x: Array, y: Array) -> NDArray[np.int64]:
        """For each point the number of the first layer that rejects it; -1 for accepted ones."""
        found = np.full(len(x), -1)
        for k in reversed(range(len(self.layers))):
            with np.errstate(all="ignore"):
                rejected = ~(self.layers[k].score(x, y) <= self.cuts[k])  # NaN is rejected
            found[rejected] = k
        return found


def ranks(scores: Sequence[Array]) -> Array:
    """The largest rank of each point among the points, over all layers: from 1/n to 1, shape ``(n,)``.

    >>> ranks([np.array([3.0, 1.0, 2.0]), np.array([0.0, 0.0, 9.0])]).round(3).tolist()
    [1.0, 0.667, 1.0]
    """
    each = []
    for score in scores:
        ordered = np.sort(score)
        each.append(np.searchsorted(ordered, score, side="right") / len(score))
    return np.asarray(np.max(each, axis=0))


def cuts_for(
    scores: Sequence[Array], rejected: float, sharing: Sequence[bool] | None = None
) -> tuple[float, ...]:
    """Cuts at one rank for all layers that share, so that together they reject at most this share of the points.

    Args:
        scores: of the points, one array for each layer.
        rejected: the share.
        sharing: for each layer whether it shares; the cut of any other is its largest score. By default all share.

    >>> cuts_for([np.arange(100.0), np.arange(100.0) % 10], 0.05, [True, False])
    (94.0, 9.0)
    """
    sharing = [True] * len(scores) if sharing is None else sharing
    largest = ranks([score for score, one in zip(scores, sharing, strict=True) if one])
    n = len(largest)
    threshold = np.sort(largest)[max(int(np.floor((1.0 - rejected) * n)) - 1, 0)]
    each = (threshold if one else 1.0 for one in sharing)
    ordered = zip(map(np.sort, scores), each, strict=True)
    return tuple(float(score[max(int(np.floor(rank * n + 1e-9)) - 1, 0)]) for score, rank in ordered)
