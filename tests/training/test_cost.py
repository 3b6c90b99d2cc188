"""Same seed, same fit: what a call costs is declared, or measured once and recorded."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.clocks import Ticking

from supnorm.approximants import PolynomialLeastSquares
from supnorm.cli.progress import AT_ONCE
from supnorm.evaluation import EvaluationStore
from supnorm.problem import Domain
from supnorm.results import BadInput
from supnorm.training import FitCalls, NetworkFit, fit
from supnorm.training.events import CallsAhead

Array = NDArray[np.float64]
LINE = Domain(x=(-1.0, 1.0))


def bell(x: Array) -> Array:
    return np.asarray(1.0 / (1.0 + 9.0 * x[:, 0] ** 2))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    def begin(seconds: float, **options: Any) -> dict[str, Any]:
        result = fit(
            Ticking(seconds, bell, monkeypatch).reference,
            LINE,
            tolerance=1e-3,
            max_evaluations=160,
            calls=FitCalls(audit_evaluations=100, **options),
            seed=2,
            method=PolynomialLeastSquares(),
        )
        return result.to_dict()

    return begin


@pytest.mark.slow
def test_what_expensive_calls_take_is_told_before_they_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fit of a simulator began without a word: 100,000 evaluations of 0.3 s are eight hours."""
    for evaluations, seconds, said in ((160, 0.3, [(160, 48.0)]), (160, 1e-5, [])):
        events: list[Any] = []
        reference = Ticking(seconds, bell, monkeypatch).reference
        method = PolynomialLeastSquares()
        fit(reference, LINE, max_evaluations=evaluations, method=method, observer=events.append)
        told = [(e.evaluations, round(e.seconds, 6)) for e in events if isinstance(e, CallsAhead)]
        assert told == said
        assert all(not e.chosen for e in events if isinstance(e, CallsAhead))
    ahead = CallsAhead(100_000, 0.3, 30_000.0, chosen=True)
    assert AT_ONCE["CallsAhead"](ahead) == (
        "  a call takes 0.3 s: up to 100,000 evaluations for fitting take about 8.3 h, audits further ones; "
        "--max-evaluations N or --seconds S ends sooner"
    )


def without_times(found: dict[str, Any]) -> dict[str, Any]:
    candidates = [
        {k: v for k, v in c.items() if k not in ("seconds", "seconds_per_point")} for c in found["candidates"]
    ]
    kept = {k: v for k, v in found.items() if k not in ("seconds", "cost", "notes", "candidates", "winner")}
    return kept | {"candidates": candidates}


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize(("seconds", "word"), [(0.9e-3, "cheap"), (1.1e-3, "expensive")])
def test_a_timing_near_the_threshold_is_told_and_can_be_decided_beforehand(
    run: Any, seconds: float, word: str
) -> None:
    measured = run(seconds)
    assert measured["cost"]["class"] == word
    assert measured["cost"]["by"] == "measured"
    assert measured["cost"]["reference_ms"] == pytest.approx(1e3 * seconds)
    assert any(f"so it counts as {word}" in note for note in measured["notes"])
    other = run(2e-3 - seconds)
    assert without_times(other)["evaluations"] != without_times(measured)["evaluations"]
    again = run(2e-3 - seconds, cost=word)
    assert again["cost"]["by"] == "declared"
    assert without_times(again) == without_times(measured)
    assert not any("timing" in note for note in again["notes"])


@pytest.mark.sampled(1)
@pytest.mark.parametrize("seconds", [1e-5, 0.02])
def test_a_timing_far_from_the_threshold_needs_no_word(run: Any, seconds: float) -> None:
    assert not any("timing" in note for note in run(seconds)["notes"])


@pytest.mark.slow
@pytest.mark.slow
def test_a_resumed_fit_takes_over_what_was_decided(run: Any, tmp_path: Path) -> None:
    """Its calls come out of the store, and what is left takes another time."""
    path = tmp_path / "evaluations.sqlite"
    found = []
    for seconds in (1.1e-3, 1e-6):
        store = EvaluationStore(path, "same")
        found.append(run(seconds, store=store))
        store.close()
    assert [one["cost"]["class"] for one in found] == ["expensive"] * 2
    assert without_times(found[0]) == without_times(found[1])
    store = EvaluationStore(path, "same")
    with pytest.raises(BadInput, match="counted as expensive in the run that is resumed"):
        run(1e-6, store=store, cost="cheap")
    store.close()


def test_another_word_is_refused(run: Any) -> None:
    with pytest.raises(BadInput, match="cost must be cheap or expensive"):
        run(1e-6, cost="expensive-model")


class HeldUp:
    """A clock on which one reading comes half a second late, as on a busy machine.

    Args:
        late: the number of that reading.
    """

    def __init__(self, late: int) -> None:
        self.late, self.readings, self.now = late, 0, 0.0

    def __call__(self) -> float:
        self.readings += 1
        self.now += 0.5 if self.readings == self.late else 1e-6
        return self.now


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize("method", [PolynomialLeastSquares(), NetworkFit(widths=(4,), iterations=20)])
def test_a_machine_that_holds_up_one_call_changes_no_result(
    monkeypatch: pytest.MonkeyPatch, method: Any
) -> None:
    """One call decided whether the reference is expensive: with other audits the result was another."""
    results, readings = [], 0
    for late in (0, *range(1, 41), *range(41, 600, 37)):
        clock = HeldUp(late)
        monkeypatch.setattr(time, "perf_counter", clock)
        found = fit(
            bell,
            LINE,
            tolerance=1e-3,
            max_evaluations=160,
            calls=FitCalls(audit_evaluations=100),
            seed=2,
            method=method,
        ).to_dict()
        monkeypatch.undo()
        assert found["cost"]["class"] == "cheap", f"reading {late}"
        kept = without_times(found)
        for candidate in kept["candidates"]:
            del candidate["trail"]  # processor seconds of the training
        results.append(kept | {"audit": found["audit"]["sup"]})
        readings = max(readings, clock.readings)
        if late > clock.readings:
            break
    assert all(found == results[0] for found in results)
    assert readings > 20


@pytest.mark.slow
def test_a_reference_that_takes_long_is_expensive_all_the_same(run: Any) -> None:
    assert run(5e-3)["cost"]["class"] == "expensive"
