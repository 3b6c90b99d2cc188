"""Values whose squares overflow, or vanish, are fitted like those of ordinary size."""

from __future__ import annotations

import numpy as np
import pytest

from supnorm.approximants import GaussianProcess, RandomFeatures, SparseLegendre, TensorTrain
from supnorm.problem import Domain
from supnorm.training import FitCalls, NetworkFit, fit
from supnorm.training.label_jumps import label_jump

SQUARE = Domain(a=(0.0, 1.0), b=(0.0, 1.0))
METHODS = {
    "auto": "auto",
    "random features": RandomFeatures(),
    "gaussian process": GaussianProcess(),
    "sparse legendre": SparseLegendre(),
    "tensor train": TensorTrain(),
    "network": NetworkFit(widths=(6,), iterations=100),
}


@pytest.mark.slow
@pytest.mark.parametrize("size", [1e200, 1e-200])
@pytest.mark.parametrize("name", METHODS)
def test_a_fit_does_not_depend_on_the_size_of_the_values(name: str, size: float) -> None:
    def scaled(by: float) -> tuple[float, float, float]:
        done = fit(
            lambda x: by * np.sin(3 * x[:, 0] + x[:, 1]),
            SQUARE,
            method=METHODS[name],
            max_evaluations=1000 if name == "tensor train" else 200,
            calls=FitCalls(audit_evaluations=200),
        )
        best = done.to_dict()["winner"]
        return best["rms"] / by, best["relative_rms"], best["sup"]["lower"] / by

    usual, other = scaled(1.0), scaled(size)
    # Rounding moves a fit that has come down to it by a factor, one that has not hardly at all.
    assert other == pytest.approx(usual, rel=0.3, abs=1e-12)
    assert other[0] > 0


@pytest.mark.parametrize("size", [1e200, 1e-200])
def test_fixed_samples_of_such_a_size_have_their_errors_and_their_jump(size: float) -> None:
    rng = np.random.default_rng(0)
    x = rng.random((800, 2))
    y = np.where(x[:, :1] + x[:, 1:] > 1.0, 3.0, 0.0) + x[:, :1]
    usual, other = label_jump(x, y, SQUARE), label_jump(x, size * y, SQUARE)
    assert usual is not None
    assert other is not None
    assert other.size == pytest.approx(size * usual.size)
    smooth = np.sin(3 * x[:, 0])
    fits = [fit((x, by * smooth), method=RandomFeatures()).winner for by in (1.0, size)]
    assert fits[1].rms / size == pytest.approx(fits[0].rms, rel=0.5, abs=1e-12)
    assert fits[1].rms > 0
