"""``seconds`` limit the whole fit, whatever the reference costs; on a clock that only its calls move."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.clocks import Costly

from supnorm.approximants import NotApplicable
from supnorm.evaluation.limit import Limit
from supnorm.problem import Domain, Problem
from supnorm.training import NetworkFit, fit
from supnorm.training.reference_points import ReferencePoints

Array = NDArray[np.float64]
SECONDS = 8.0
# Seconds of a point, and of a point after the first 300.
COSTS = {
    "cheap": (2e-5, None),
    "below a millisecond": (8e-4, None),
    "expensive": (5e-3, None),
    "a tenth of a second": (0.1, None),
    "becomes slow": (1e-6, 5e-3),
    "becomes very slow": (1e-6, 0.1),
    "becomes slow later": (1e-6, 5e-3),
}
DOMAIN = Domain(x=(0.0, 1.0), y=(0.0, 1.0))


def edge(x: Array) -> Array:
    return np.asarray(np.sin(9 * x[:, 0]) * x[:, 1] + np.abs(x[:, 0] - x[:, 1]))


def costing(clock: Costly, costs: str) -> Any:
    first, later = COSTS[costs]
    return clock.costing(edge, first, later, fast=6000 if costs == "becomes slow later" else 300)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("costs", "norm"), [*((c, "sup") for c in COSTS), ("below a millisecond", "l2"), ("becomes slow", "l2")]
)
def test_a_fit_ends_in_its_time(monkeypatch: pytest.MonkeyPatch, costs: str, norm: str) -> None:
    """A reference that became slow after it was timed held a fit of 8 s up for 28 to 39 s."""
    module: Any = importlib.import_module("supnorm.training.fit")
    every = module.strategies
    monkeypatch.setattr(
        module, "strategies", lambda *of: [m for m in every(*of) if not isinstance(m, NetworkFit)]
    )
    clock = Costly(monkeypatch)
    result = fit(costing(clock, costs), DOMAIN, tolerance=1e-7, seconds=SECONDS, norm=norm)
    assert result.winner.sup_lower < np.inf
    assert result.audit is not None
    first = 24 * COSTS[costs][0]  # the calls that time the reference
    assert clock.now <= 1.5 * SECONDS + first + clock.longest


@pytest.mark.slow
def test_a_fit_with_networks_ends_in_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Costly(monkeypatch, tick=2e-3)  # an iteration of an optimiser reads the clock once
    result = fit(costing(clock, "cheap"), DOMAIN, tolerance=1e-7, seconds=SECONDS, method="network")
    assert result.audit is not None
    assert clock.now <= 1.5 * SECONDS


def points_of(clock: Costly, costs: str) -> ReferencePoints:
    points = ReferencePoints(Problem(None, costing(clock, costs), DOMAIN), 0)
    points.limit = Limit.of(SECONDS).timed(1e-6)
    return points


def test_what_there_is_no_time_for_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Costly(monkeypatch)
    points = points_of(clock, "becomes slow")
    with pytest.raises(NotApplicable, match="the time was up"):
        points.value(np.random.default_rng(0).random((20_000, 2)))
    assert clock.now < 0.5 * SECONDS  # given up as soon as it was clear


def test_a_design_has_the_points_that_there_was_time_for(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Costly(monkeypatch)
    points = points_of(clock, "becomes slow")
    x, y = points.design(20_000)
    assert len(x) == len(y) == points.drawn == points.spent
    assert 300 < len(x) < 2000
    assert points.failed == 0
    assert clock.now < 0.8 * SECONDS
    again, _ = ReferencePoints(Problem(None, edge, DOMAIN), 0).design(len(x))
    assert np.array_equal(x, again)  # a prefix of the same design


def test_without_a_limit_the_calls_are_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    points = points_of(Costly(monkeypatch), "becomes slow")
    points.limit = Limit()
    values, sizes = points.caller.values, []
    monkeypatch.setattr(points.caller, "values", lambda x, *rest: sizes.append(len(x)) or values(x, *rest))
    points.design(20_000)
    points.value(np.zeros((9000, 2)))
    assert (points.drawn, sizes) == (20_000, [20_000, 9000])
