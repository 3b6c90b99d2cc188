"""The ascent of the witness keeps values of nodes from its steps: it comes to the same points as without."""

from __future__ import annotations

import numpy as np
import pytest
from cases import random_case

from supnorm.certification.error_program import ErrorProgram, error_program
from supnorm.certification.lower import STEPS, _ascend, _gradient, values
from supnorm.certification.rounding import Array
from supnorm.program.evaluation import forward


def plain(error: ErrorProgram, t: Array, step: Array) -> Array:
    """The same steps; each computes its values and its gradients anew."""
    value, size = values(error, t), np.ones((len(t), 1))
    width = error.high - error.low
    for _ in range(STEPS):
        slope = _gradient(error, [forward(program.nodes, t) for program in error.alternatives]) * width
        norm = np.linalg.norm(slope, axis=1, keepdims=True)
        move = np.divide(slope, norm, out=np.zeros_like(slope), where=norm > 0)
        new = np.clip(t + size * step * move, error.low, error.high)
        new_value = values(error, new)
        better = new_value > value
        t, value = np.where(better[:, None], new, t), np.where(better, new_value, value)
        size = np.where(better[:, None], 1.5 * size, 0.4 * size)
    return t


@pytest.mark.parametrize("seed", range(6))
def test_the_ascent_comes_to_the_same_points_as_one_that_computes_all_anew(seed: int) -> None:
    problem, _ = random_case(seed)
    error = error_program(problem)
    width = error.high - error.low
    start = error.low + width * np.random.default_rng(seed).random((12, error.d))
    with np.errstate(all="ignore"):
        ours, other = _ascend(error, start, 0.02 * width), plain(error, start, 0.02 * width)
    assert ours.tobytes() == other.tobytes()
    assert not np.array_equal(ours, start)
