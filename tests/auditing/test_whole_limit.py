"""``seconds`` limit the whole audit, whatever the functions cost; on a clock that only their calls move."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.clocks import Costly

from supnorm.auditing import Power, audit, explore
from supnorm.auditing.find_worst import find_worst
from supnorm.auditing.run import LATER
from supnorm.problem import Axis, Domain, Function, Problem

Array = NDArray[np.float64]
SECONDS = 6.0
# Seconds of a point of the model, of the reference, of the reference after 500 points, of the second reference.
COSTS = {
    "cheap": (1e-6, 2e-5, None, None),
    "below a millisecond": (1e-6, 6e-4, None, None),
    "expensive": (1e-5, 4e-3, None, None),
    "a third of a second": (1e-5, 0.3, None, None),
    "longer than the limit": (1e-5, 7.0, None, None),
    "both expensive": (0.02, 0.03, None, None),
    "becomes slow": (1e-6, 1e-6, 5e-3, None),
    "becomes very slow": (1e-6, 1e-6, 0.2, None),
    "a slow second reference": (1e-6, 2e-5, None, 0.9),
}


def model(x: Array) -> Array:
    return np.asarray(np.sin(3 * x[:, 0]) + 0.2 * np.exp(-((x - 0.4) ** 2).sum(axis=1) / 0.01))


def truth(x: Array) -> Array:
    return np.asarray(np.sin(3 * x[:, 0]) + 0.05 * np.cos(40 * x).sum(axis=1))


def problem_of(clock: Costly, costs: tuple[float, float, float | None, float | None], d: int) -> Problem:
    own, first, later, second = costs
    return Problem(
        clock.costing(model, own),
        clock.costing(truth, first, later),
        Domain(**{f"x{i}": (0.0, 1.0) for i in range(d)}),
        recheck=None if second is None else Function(clock.costing(truth, second)),
    )


def begun(monkeypatch: pytest.MonkeyPatch, clock: Costly) -> list[float]:
    """When the first calls, which check the functions, are over."""
    times: list[float] = []
    limit_in_time = explore.limit_in_time

    def noted(*arguments: Any) -> Any:
        times.append(clock.now)
        return limit_in_time(*arguments)

    monkeypatch.setattr(explore, "limit_in_time", noted)
    return times


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize("costs", COSTS)
@pytest.mark.parametrize("d", [1, 3])
def test_an_audit_ends_in_its_time(monkeypatch: pytest.MonkeyPatch, costs: str, d: int) -> None:
    """It took up to 2.3 times as long: peaks, planted errors and pictures had 0.8 times the limit beside it."""
    clock = Costly(monkeypatch)
    first_calls = begun(monkeypatch, clock)
    problem = problem_of(clock, COSTS[costs], d)
    report = audit(problem, seconds=SECONDS, power=Power(runs=3))
    assert report.worst is not None
    # What calls take that have begun, of each of the three functions, at most.
    allowed = max(SECONDS, first_calls[0] + SECONDS / 2) + 2 * clock.longest
    assert clock.now <= min(allowed, first_calls[0] + 1.5 * SECONDS + clock.longest)


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("costs", ["cheap", "below a millisecond", "becomes slow"])
def test_one_call_of_a_cheap_function_never_takes_the_time_of_all(
    monkeypatch: pytest.MonkeyPatch, costs: str
) -> None:
    clock = Costly(monkeypatch)
    audit(problem_of(clock, COSTS[costs], 2), seconds=SECONDS)
    assert clock.longest < 0.5 * SECONDS


def test_the_search_gets_what_no_later_stage_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than half of the time with planted errors, and nearly all of it where only a search is wanted."""
    spent = {}
    for name in ("audit", "with power", "find_worst"):
        with monkeypatch.context() as patched:
            clock = Costly(patched)
            problem = problem_of(clock, COSTS["expensive"], 2)
            if name == "find_worst":
                find_worst(problem, evaluations=10**6, seconds=SECONDS)
                spent[name] = clock.now
            else:
                counts = audit(problem, seconds=SECONDS, power=name == "with power").record.evaluations
                spent[name] = 4e-3 * (counts.search + counts.statistics)
    assert spent["with power"] > 0.5 * SECONDS
    assert spent["audit"] > 0.65 * SECONDS
    assert 0.9 * SECONDS < spent["find_worst"] < 1.1 * SECONDS


def test_what_one_stage_leaves_goes_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Costly(monkeypatch)
    evaluator = explore.Evaluator(problem_of(clock, COSTS["cheap"], 2))
    asked = explore.Asked(
        evaluator=evaluator, rng=np.random.default_rng(0), seconds=20.0, start=0.0, later=tuple(LATER)
    )
    clock.now = 0.0
    run = explore.plan(asked)
    assert run.clock.left == pytest.approx(10.0, rel=1e-3)
    clock.now = 10.0
    assert run.clock_for("sizes of peaks").left == pytest.approx(2.0, rel=1e-3)
    clock.now = 10.0  # no peak: planted errors have their share of it as well
    assert run.clock_for("planted errors").left == pytest.approx(5.0, rel=1e-3)
    clock.now = 19.0
    assert run.clock_for("writing").left == pytest.approx(1.0, rel=1e-3)
    clock.now = 21.0
    assert run.clock_for("pictures").over


@pytest.mark.slow
def test_peaks_that_the_second_reference_had_no_time_for_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Costly(monkeypatch)
    report = audit(problem_of(clock, COSTS["a slow second reference"], 2), seconds=SECONDS)
    late = [f for f in report.record.findings if f.code == "recheck-late"]
    words = [p.recheck for p in report.record.peaks]
    assert late
    assert late[0].values["n"] == words.count(None) > 0
    assert words[0] is not None  # the worst one is asked about
    assert "There was no time to ask the second reference about" in late[0].text


def test_a_finite_domain_ends_in_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Costly(monkeypatch)
    axes = {f"x{i}": Axis(0.0, 1.0, values=tuple(np.linspace(0.0, 1.0, 60))) for i in range(2)}
    problem = Problem(clock.costing(model, 1e-6), clock.costing(truth, 1e-6, 0.02), Domain.from_axes(axes))
    audit(problem, seconds=SECONDS)
    assert clock.now < 1.5 * SECONDS + clock.longest
