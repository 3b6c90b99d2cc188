"""Tensor train of Chebyshev coefficients by cross approximation.

The values on a tensor Chebyshev grid are written as a product of cores G_1 ... G_d. A sweep uses d n r^2 of the
n^d values, on fibres through rows of maximal volume. The rank r doubles until the train agrees with the function at
random points off the fibres. Choose it for smooth functions of 4 to 20 variables that are cheap to evaluate and close to
sums or products of functions of few variables. Source: Oseledets & Tyrtyshnikov, TT-cross (2010); maxvol:
Goreinov et al. (2010).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from supnorm.approximants.approximation import (
    Approximation,
    NotApplicable,
    Surface,
    finish,
    on_cube,
    require_box,
)
from supnorm.approximants.basis import chebyshev_table
from supnorm.approximants.chebyshev_tensor import ChebyshevTensor, extrema, size_for, transform
from supnorm.problem import Domain
from supnorm.results.option import Allowed
from supnorm.results.settings import Limits, Settings

Array = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Train(Surface):
    """Tensor trains of Chebyshev coefficients, one per output, in one list.

    Attributes:
        cores: ``d`` cores per output, shapes ``(r_{k-1}, n_k, r_k)``.
    """

    cores: tuple[Array, ...]
    d: int

    @property
    def m(self) -> int:
        """Number of outputs."""
        return len(self.cores) // self.d

    def fault(self, d: int) -> str:
        """What does not fit in its arrays for ``d`` inputs."""
        shapes = [core.shape for core in self.cores]
        if self.d != d or not shapes or len(shapes) % d or any(len(s) != 3 or 0 in s for s in shapes):
            return f"cores of shapes {shapes} for {d} inputs"
        for i in range(0, len(shapes), d):
            ranks = [1, *(s[2] for s in shapes[i : i + d])]
            if ranks[-1] != 1 or ranks[:-1] != [s[0] for s in shapes[i : i + d]]:
                return f"cores of shapes {shapes[i : i + d]}, whose ranks do not meet"
        return ""

    def value(self, t: Array) -> Array:
        """Values ``(n, m)``."""
        return np.stack(
            [reduce(np.matmul, self._matrices(cores, t, 0))[:, 0, 0] for cores in self._outputs()], 1
        )

    def pull(self, t: Array, weight: Array) -> Array:
        """Weighted gradient ``(n, d)``."""
        gradient = np.zeros_like(t)
        for j, cores in enumerate(self._outputs()):
            values, slopes = self._matrices(cores, t, 0), self._matrices(cores, t, 1)
            for i in range(t.shape[1]):
                mixed = [s if k == i else v for k, (v, s) in enumerate(zip(values, slopes, strict=True))]
                gradient[:, i] += weight[:, j] * reduce(np.matmul, mixed)[:, 0, 0]
        return gradient

    def _outputs(self) -> list[tuple[Array, ...]]:
        return [self.cores[i : i + self.d] for i in range(0, len(self.cores), self.d)]

    @staticmethod
    def _matrices(cores: tuple[Array, ...], t: Array, part: int) -> list[Array]:
        """The core matrices at each point, shapes ``(n, r, r')``; ``part`` 1 for their derivatives."""
        return [
            np.einsum("nk,akb->nab", chebyshev_table(t[:, i], core.shape[1])[part], core)
            for i, core in enumerate(cores)
        ]


@dataclass(frozen=True)
class TensorTrain(Settings):
    """Cross approximation.

    Args:
        tolerance: the goal at random points, relative to the largest value.
        points: largest number of points on one axis.
        rank: largest rank.
    """

    # Largest errors for exp(-x y) sin(2 z) in 3-D and 1 / (1 + a . x^2) in 4-D, 50,000 evaluations: 5.4e-13 and 1.8e-11;
    # `tolerance` 1e-10: 2.2e-11, 4.6e-10. Half and twice of `points` and `rank`: the same; both bound the work.
    tolerance: float = 1e-12
    points: int = 65
    rank: int = 32
    seed: int = 0

    LIMITS: ClassVar[Limits] = {"tolerance": Allowed(above=0)}

    def from_function(
        self, f: Callable[[Array], Array], domain: Domain, evaluations: int = 50_000
    ) -> Approximation:
        """Approximate ``f``, which maps ``(n, d)`` to ``(n, m)``, with about ``evaluations`` points.

        Raises:
            NotApplicable: for one input, a domain that is not a whole box, or a budget below one sweep.
        """
        require_box(domain, "a tensor train")
        if domain.d < 2:
            raise NotApplicable("a tensor train needs at least two inputs")
        lines = ChebyshevTensor(self.tolerance, self.points, seed=self.seed)
        # The least number of calls: lines along the axes, random points, a sweep of rank 2 on two points of each axis.
        least = domain.d * lines.lines * 17 + 10 + 2 * domain.d * 2 * 2 * 2
        if least > evaluations:
            raise NotApplicable(
                f"a tensor train in {domain.d} dimensions takes more than {evaluations} points"
            )
        values = on_cube(f, domain)
        rng = np.random.default_rng(self.seed)
        envelopes, spent = lines.decay(values, domain.d, evaluations // 4)
        grids = [extrema(min(size_for(e, self.tolerance), self.points)) for e in envelopes]
        probes = rng.uniform(-1.0, 1.0, (min(200, max(evaluations // 10, 10)), domain.d))
        truth = values(probes)
        cores: list[Array] = []
        spent += len(probes)
        budget = (evaluations - spent) / truth.shape[1]
        for j in range(truth.shape[1]):
            search = _Cross(values, j, grids, rng)
            cores += search.run(probes, truth[:, j], self.tolerance, self.rank, budget)
            spent += search.spent
        return finish(Train(tuple(cores), domain.d), domain, "tensor train", spent)


class _Cross:
    """Cross approximation of one output; each sweep improves the index sets to the right of the cores."""

    def __init__(
        self, values: Callable[[Array], Array], output: int, grids: list[Array], rng: np.random.Generator
    ) -> None:
        self.values, self.output, self.grids, self.rng = values, output, grids, rng
        self.d, self.spent = len(grids), 0
        self.right: list[Rows] = [np.zeros((0, self.d - k), dtype=np.int64) for k in range(self.d + 1)]
        self.right[self.d] = np.zeros((1, 0), dtype=np.int64)

    def run(self, probes: Array, truth: Array, tolerance: float, most: int, budget: float) -> list[Array]:
        best: tuple[float, list[Array]] | None = None
        scale, rank = float(np.abs(truth).max()) or 1.0, 2
        while True:
            if sum(len(g) for g in self.grids) * rank * rank * 2 > budget - self.spent and best is not None:
                break
            if best is None and sum(len(g) for g in self.grids) * rank * rank * 2 > budget:
                raise NotApplicable(f"a tensor train of rank 2 needs more than {budget:.0f} evaluations")
            self._enrich(rank)
            self._forward()
            cores = self._backward()
            train = Train(tuple(transform(c, [1]) for c in cores), self.d)
            error = float(np.abs(train.value(probes)[:, 0] - truth).max()) / scale
            if best is None or error < best[0]:
                best = (error, list(train.cores))
            if error < tolerance or rank >= most:
                break
            rank = int(1.5 * rank) + 1
        return best[1]

    def _enrich(self, rank: int) -> None:
        """Add random indices to each right set until it has ``rank`` members."""
        for k in range(1, self.d):
            sizes = [len(g) for g in self.grids[k:]]
            missing = max(rank - len(self.right[k]), 0)
            new = np.stack([self.rng.integers(s, size=missing) for s in sizes], axis=1)
            self.right[k] = np.unique(np.concatenate([self.right[k], new]), axis=0)

    def _block(self, left: Rows, k: int, right: Rows) -> Array:
        """Values at all (left, node, right), shape ``(l, n, r)``."""
        n = len(self.grids[k])
        a, b, c = np.meshgrid(np.arange(len(left)), np.arange(n), np.arange(len(right)), indexing="ij")
        index = np.concatenate([left[a.ravel()], b.reshape(-1, 1), right[c.ravel()]], axis=1)
        t = np.stack([g[index[:, i]] for i, g in enumerate(self.grids)], axis=1)
        self.spent += len(t)
        return self.values(t)[:, self.output].reshape(len(left), n, len(right))

    def _forward(self) -> None:
        """Choose left index sets by maximal volume, from the first axis to the last."""
        self.left = [np.zeros((1, 0), dtype=np.int64)]
        for k in range(self.d - 1):
            block = self._block(self.left[k], k, self.right[k + 1])
            rows = maximal_volume(_range(block.reshape(-1, block.shape[2])))[0]
            i, node = np.divmod(rows, block.shape[1])
            self.left.append(np.concatenate([self.left[k][i], node[:, None]], axis=1))

    def _backward(self) -> list[Array]:
        """Compute the cores and new right index sets, from the last axis to the first."""
        cores: list[Array] = []
        for k in range(self.d - 1, 0, -1):
            block = self._block(self.left[k], k, self.right[k + 1])
            rows, weights = maximal_volume(_range(block.reshape(len(block), -1).T))
            cores.append(weights.T.reshape(-1, block.shape[1], block.shape[2]))
            node, i = np.divmod(rows, block.shape[2])
            self.right[k] = np.concatenate([node[:, None], self.right[k + 1][i]], axis=1)
        cores.append(self._block(self.left[0], 0, self.right[1]))
        return cores[::-1]


def maximal_volume(q: Array, sweeps: int = 100) -> tuple[Rows, Array]:
    """Rows of a tall ``(n, r)`` matrix whose square block has (nearly) maximal volume, and q @ inv(block).

    All entries of the second matrix are then at most 1.02 in size.
    """
    permutation = linalg.lu(q, p_indices=True)[0]
    rows = np.argsort(permutation)[: q.shape[1]]
    weights = np.linalg.solve(q[rows].T, q.T).T.astype(np.float64)
    for _ in range(sweeps):
        i, j = np.unravel_index(int(np.argmax(np.abs(weights))), weights.shape)
        if abs(weights[i, j]) <= 1.02:
            break
        rows[j] = i
        change = weights[i].copy()
        change[j] -= 1.0
        weights = weights - np.outer(weights[:, j], change) / weights[i, j]
    return rows.astype(np.int64), weights


def _range(matrix: Array) -> Array:
    """Orthonormal basis of the column space, without columns at rounding level."""
    u, s, _ = np.linalg.svd(matrix, full_matrices=False)
    keep = max(int(np.sum(s > 1e-14 * max(float(s[0]), 1e-300))), 1)
    return np.ascontiguousarray(u[:, : min(keep, len(matrix))])
