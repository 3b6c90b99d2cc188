"""Cuts through the worst point: which points are called, and how many at once."""

from __future__ import annotations

import numpy as np

from supnorm.auditing.landscape import Landscape
from supnorm.auditing.pictures import Pictures, cuts
from supnorm.evaluation import Evaluations, Evaluator
from supnorm.evaluation.limit import Limit
from supnorm.problem import Domain, Problem


def test_all_series_are_called_at_once_and_no_point_of_an_axis_twice() -> None:
    """Between two batches of calls workers wait. Both series of an axis have the worst point."""
    domain = Domain(a=(0.0, 2.0), b=(-1.0, 1.0))
    evaluator = Evaluator(Problem(lambda x: x[:, 0] * x[:, 1], lambda x: np.sin(x).sum(axis=1), domain))
    batches: list[Evaluations] = []
    evaluator.listeners.append(batches.append)
    worst, width = np.array([0.3, 0.75]), np.array([0.1, 0.2])
    drawn = cuts(
        Landscape(evaluator, Limit(evaluations=500)), worst, 0, width, 100, Pictures(even=17, near=5)
    )
    assert [cut.axis for cut in drawn] == ["a", "b"]
    assert len(batches) == 1
    # The worst point is one of each axis.
    assert len(np.unique(batches[0].x, axis=0)) == len(batches[0].x) - 1
    for i, cut in enumerate(drawn):
        for series in (cut.whole, cut.close):
            x = domain.from_unit(np.tile(worst, (len(series.x), 1)))
            x[:, i] = series.x
            np.testing.assert_allclose(series.model, x[:, 0] * x[:, 1], atol=1e-15)
            np.testing.assert_allclose(series.reference, np.sin(x).sum(axis=1))
            np.testing.assert_allclose(
                series.error, np.abs(np.array(series.model) - np.array(series.reference))
            )
            assert (np.diff(series.x) > 0).all()
            assert np.isclose(series.x, domain.from_unit(worst[None])[0, i]).any()
        assert cut.whole.x[0] == domain.axes[i].low
        assert cut.whole.x[-1] == domain.axes[i].high
        assert cut.close.x[0] >= cut.whole.x[0]
        assert len(cut.close.x) >= 9
