"""A guarded model as an estimator of scikit-learn, for pipelines, cross-validation and model selection."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin

from supnorm.guarding.guard import Guard
from supnorm.results import BadInput

Array = NDArray[np.float64]


class GuardedRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A guarded model with `predict`; it is trained already, so `fit` only checks the width of the data.

    Args:
        guard: of `supnorm.guard` or `supnorm.load_guard`.
        fallback: whether `predict` asks the reference where the model is not trusted; otherwise such rows are NaN.

    Attributes:
        n_features_in_: number of inputs, after `fit`.

    >>> import supnorm as sn
    >>> from sklearn.base import clone
    >>> f = lambda x: np.sin(x[:, 0])
    >>> problem = sn.Problem(lambda x: f(x) + (abs(x[:, 0] - 1.0) < 0.05), f, sn.Domain(x=(0.0, 2.0)))
    >>> safe = sn.guard(problem, reject=0.1, evaluations=1000, calibration=200)
    >>> model = clone(GuardedRegressor(safe))
    >>> bool(model.predict([[1.0]])[0] == np.sin(1.0)), bool(np.isnan(model.predict_or_refuse([[1.0]])[0]))
    (True, True)
    """

    def __init__(self, guard: Guard | None = None, fallback: bool = True) -> None:
        self.guard = guard
        self.fallback = fallback

    def fit(self, X: Any, y: Any = None) -> GuardedRegressor:
        """Check that the data has the inputs of the guard; nothing is trained.

        Raises:
            BadInput: without a guard, and for data of another width.
        """
        shape = np.shape(X)
        if len(shape) != 2 or shape[1] != self._held.domain.d:
            raise BadInput(f"the guard is for points of shape (n, {self._held.domain.d}), got {shape}")
        self.n_features_in_ = self._held.domain.d
        return self

    def predict(self, X: Any) -> Array:
        """Values ``(n,)`` or ``(n, m)``: of the model where it is trusted, else of the reference, else NaN."""
        return self._values(X, bool(self.fallback))

    def predict_or_refuse(self, X: Any) -> Array:
        """The same without calls of the reference: NaN where the model is not trusted."""
        return self._values(X, False)

    def _values(self, X: Any, fallback: bool) -> Array:
        y = self._held(X, fallback=fallback).y
        return y[:, 0] if y.shape[1] == 1 else y

    @property
    def _held(self) -> Guard:
        if not isinstance(self.guard, Guard):
            raise BadInput(
                f"GuardedRegressor needs a guard of supnorm.guard, got {type(self.guard).__name__}"
            )
        return self.guard

    def __sklearn_is_fitted__(self) -> bool:
        """Whether it can predict: the model is trained."""
        return isinstance(self.guard, Guard)
