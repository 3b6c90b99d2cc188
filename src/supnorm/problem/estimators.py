"""Models of other libraries that want more than an array: estimators fitted on data frames, boosters of xgboost.

An estimator of scikit-learn that was fitted on a data frame has ``feature_names_in_``. It is called with a data frame of
these columns, so that pipelines which choose columns by name work. Where the names are those of the problem's axes, the
columns are matched by name, else by position.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.results import BadInput
from supnorm.results.printable import one_line

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NamedColumns:
    """An estimator that is called with a data frame.

    Attributes:
        estimator: has ``predict``.
        columns: names of the columns, in its order.
        order: which column of the batch each of them is; empty for the same order.
    """

    estimator: Any
    columns: tuple[str, ...]
    order: tuple[int, ...] = ()

    def __call__(self, x: Array) -> Any:
        """Predictions at points ``x (n, d)``."""
        if x.shape[1] != len(self.columns):
            raise BadInput(
                f"{type(self.estimator).__name__} was fitted on {len(self.columns)} columns "
                f"({one_line(', '.join(self.columns), 100)}), and got {x.shape[1]} inputs"
            )
        import pandas

        return self.estimator.predict(
            pandas.DataFrame(x[:, self.order] if self.order else x, columns=[*self.columns])
        )

    def on(self, names: Sequence[str]) -> NamedColumns:
        """The same, called with columns in the order of the axes ``names``; by position where names differ.

        >>> NamedColumns(None, ("p", "T")).on(["T", "p"]).order
        (1, 0)
        """
        if sorted(names) != sorted(self.columns):
            return self
        order = tuple(names.index(column) for column in self.columns)
        return (
            self if order == tuple(range(len(order))) else NamedColumns(self.estimator, self.columns, order)
        )


@dataclass(frozen=True, eq=False)
class BoosterOfXgboost:
    """An ``xgboost.Booster``, which takes its own kind of matrix."""

    booster: Any

    def __call__(self, x: Array) -> Any:
        """Predictions at points ``x (n, d)``."""
        import xgboost

        names = self.booster.feature_names
        return self.booster.predict(xgboost.DMatrix(x, feature_names=names), validate_features=False)


def predictor_of(source: Any) -> Any:
    """What is called with arrays ``(n, d)`` of an object with ``predict``; None for an object without."""
    xgboost = sys.modules.get("xgboost")
    if xgboost is not None and isinstance(source, xgboost.Booster):
        return BoosterOfXgboost(source)
    if not callable(getattr(source, "predict", None)):
        return None
    names = getattr(source, "feature_names_in_", None)
    if names is not None and len(names) and all(isinstance(name, str) for name in names):
        return NamedColumns(source, tuple(names))
    return source.predict
