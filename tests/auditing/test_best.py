"""The best points of a stream, against sorting the whole stream."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supnorm.auditing.best import Best


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 20),
    st.lists(st.integers(0, 30), min_size=1, max_size=12),
    st.sampled_from([2, 5, 1000]),
)
def test_the_same_as_sorting_all(seed: int, size: int, batches: list[int], levels: int) -> None:
    """With ties, infinite errors and points without one; rows stay with their errors and with what was climbed from."""
    rng = np.random.default_rng(seed)
    best, us, scores = Best(size, 3), [], []
    for n in batches:
        u = rng.random((n, 3))
        score = rng.integers(levels, size=n).astype(float)
        score[rng.random(n) < 0.1] = -np.inf
        score[rng.random(n) < 0.05] = np.inf
        best.add(u, score)
        us.append(u)
        scores.append(score)
        if rng.random() < 0.3 and len(best.u):
            best.used[0] = True
    u, score = np.concatenate(us), np.concatenate(scores)
    there = score > -np.inf
    assert best.seen == len(u)
    assert len(best.u) == len(best.score) == len(best.used) == min(size, there.sum())
    np.testing.assert_array_equal(np.sort(best.score)[::-1], np.sort(score[there])[::-1][:size])
    for row, value in zip(best.u, best.score, strict=True):
        assert score[np.flatnonzero((u == row).all(axis=1))[0]] == value


def test_what_was_climbed_from_stays_known() -> None:
    best = Best(4, 1)
    best.add(np.arange(4.0)[:, None], np.array([1.0, 9.0, 2.0, 3.0]))
    best.used[:] = best.u[:, 0] == 1
    best.add(np.arange(4.0, 20.0)[:, None], np.linspace(4, 5, 16))
    assert best.u[best.used].tolist() == [[1.0]]
    assert best.score[best.used].tolist() == [9.0]


@pytest.mark.parametrize("later", [1, 200])
def test_memory_does_not_grow_with_the_stream(later: int) -> None:
    """A large batch of which few points are good is not held as a whole."""
    best = Best(8, 2)
    best.add(np.zeros((17, 2)), np.full(17, 5.0))
    for _ in range(later):
        score = np.zeros(1000)
        score[0] = 6.0
        best.add(np.zeros((1000, 2)), score)
    held = sum((u if u.base is None else u.base).nbytes for u, _ in best._waiting)
    assert held < 1000
