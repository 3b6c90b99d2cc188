"""The boxes outside of regions fill the rest and do not overlap."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from supnorm.mending.outside import boxes_outside, hulls
from supnorm.mending.regions import Ellipsoid


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(1, 5))
def test_every_point_is_in_a_hole_or_in_exactly_one_box(seed: int, d: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    regions = [Ellipsoid(rng.random(d), rng.uniform(0.01, 0.3, d)) for _ in range(n)]
    holes = hulls(regions)
    boxes = boxes_outside(holes, d)
    u = rng.random((400, d))
    in_hole = sum((((u > low) & (u < high)).all(axis=1)).astype(int) for low, high in holes)
    in_box = sum((((u > low) & (u < high)).all(axis=1)).astype(int) for low, high in boxes)
    assert np.array_equal(np.asarray(in_hole) + np.asarray(in_box), np.ones(len(u)))
    inside = np.any([region.distance(u) < 1.0 for region in regions], axis=0)
    assert (np.asarray(in_hole)[inside] == 1).all()
    volume = sum(float(np.prod(high - low)) for low, high in [*holes, *boxes])
    assert abs(volume - 1.0) < 1e-9
