"""Power means of numbers of any size, in double and in single precision."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from supnorm.results.powers import mean_and_deviation, rms, unit


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("size", [0.0, 1e-38, 1e-30, 1e-12, 1.0, 1e12, 1e19, 1e37])
def test_numbers_of_any_size_have_their_mean_without_a_warning(kind: type[np.floating], size: float) -> None:
    numbers = np.array([1.0, -2.0, 3.0], dtype=kind) * kind(size)
    exact = numbers.astype(np.longdouble)
    with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
        warnings.simplefilter("error")
        found, (mean, deviation) = rms(numbers), mean_and_deviation(numbers[:, None])
        divisor = unit(numbers, 2.0)
    close = 8 * float(np.finfo(kind).eps)
    assert found == pytest.approx(float(np.sqrt(np.mean(exact**2))), rel=close, abs=1e-44)
    assert mean[0] == pytest.approx(float(exact.mean()), rel=close, abs=1e-44)
    assert deviation[0] == pytest.approx(float(exact.std()), rel=close, abs=1e-44)
    assert divisor > 0
    assert divisor == 1 or not 1e-12 <= size <= 1e12
