"""Which layers share the rejected inputs: those that leave the smallest error at points that none of them was trained on.

Each layer that shares takes a part of the rejected inputs, so one that knows the error less well than the others makes the
guard worse: of the networks of `benchmarks.mending` a second model alone left half of what all layers left in the cases
``bad``, and in ``miss4``, where the second model is about as wrong as the model, the learned error alone left half.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from supnorm.guarding.layers import Layer, cuts_for

Array = NDArray[np.float64]
LEAST = 50  # held out points; with fewer all layers share


def best_layers(
    layers: Sequence[Layer],
    always: Sequence[Layer],
    unlabelled: tuple[Array, Array],
    held: tuple[Array, Array],
    error: Array,
    share: float,
) -> frozenset[str]:
    """Names of the layers that leave the smallest error among the accepted points that were held out.

    Args:
        layers: among which is chosen; of two sets that leave the same the larger one is taken.
        always: layers that always share: what they look at, no point of a search can judge.
        unlabelled: points ``(n, d)`` of the law, which fix the cuts, and the model's values ``(n, m)`` there.
        held: points that no layer has seen, and the model's values.
        error: of the model at these, shape ``(n,)``, finite.
        share: of the law that is rejected.
    """
    every = [*layers, *always]
    best = frozenset(layer.name for layer in every)
    if len(error) < LEAST:
        return best
    fix, judge = ([layer.score(*points) for layer in every] for points in (unlabelled, held))
    least = np.inf
    for count in range(len(layers), 0, -1):
        for some in combinations(range(len(layers)), count):
            sharing = [k in some or k >= len(layers) for k in range(len(every))]
            cuts = cuts_for(fix, share, sharing)
            accepted = np.all([score <= cut for score, cut in zip(judge, cuts, strict=True)], axis=0)
            left = float(error[accepted].max(initial=0.0))
            if left < least:
                least = left
                best = frozenset(layer.name for layer, one in zip(every, sharing, strict=True) if one)
    return best
