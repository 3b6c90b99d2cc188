"""Jumps are found where they are, and steep or kinked functions are not called jumps."""

import numpy as np
import pytest

from supnorm.problem import Axis, Domain
from supnorm.training.breaks import find_jump

CUBE = Domain(a=(0.0, 1.0), p=Axis(1.0, 100.0, scale="log"), c=(-1.0, 1.0))


@pytest.mark.parametrize("seed", range(5))
def test_a_jump_across_a_plane(seed):
    def f(x):
        return np.where(x[:, 0] < 0.37, 0.0, 1.5)[:, None] + x[:, 2:3]

    found = find_jump(f, CUBE, np.random.default_rng(seed))
    assert found.size == pytest.approx(1.5, abs=1e-6)
    assert found.x[0] == pytest.approx(0.37, abs=1e-6)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.abs(x[:, :1] - 0.4),
        lambda x: np.tanh(1e3 * (x[:, :1] - 0.4)),
        lambda x: np.sqrt(np.abs(x[:, :1] - 0.4)),
        lambda x: np.zeros((len(x), 1)),
        lambda x: np.full((len(x), 1), np.nan),
    ],
)
def test_continuous_functions_have_none(f):
    assert find_jump(f, CUBE, np.random.default_rng(0)) is None
