"""``seconds`` limit the whole work of certify, on a clock that only calls of the functions and readings move."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.clocks import Costly

from supnorm.certification import certify
from supnorm.certification import lower as ascents
from supnorm.problem import Domain, Problem

Array = NDArray[np.float64]


def model(x: Array) -> Array:
    return np.sin(3.0 * x[:, 0]) * x[:, 1] + 0.01 * np.sin(40.0 * x[:, 0] * x[:, 1])


def truth(x: Array) -> Array:
    return np.sin(3.0 * x[:, 0]) * x[:, 1]


PROBLEM = Problem(model, truth, Domain(x=(0.0, 1.0), y=(0.0, 1.0)))


def test_a_proof_ends_in_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Costly(monkeypatch, tick := 0.05)
    result = certify(PROBLEM, ratio=1.000001, seconds=1.0)
    # The clock moves only when it is read, and nothing asks for the limit between two readings of what is measured. Twelve
    # readings come after the limit: comparisons before the first box, the box in work, and the last search. One more is new.
    assert clock.now < 1.0 + 12.5 * tick
    assert result.status.code == "undecided"
    assert np.isfinite(result.upper)


def test_the_search_for_a_witness_leaves_time_for_the_boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    """It had no limit: on a busy machine it took all of --seconds 3, and there was no bound."""
    clock = Costly(monkeypatch)
    gradient, steps = ascents._gradient, []

    def slow(*arguments: object) -> Array:
        steps.append(1)
        clock.now += 0.1
        return gradient(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(ascents, "_gradient", slow)
    result = certify(PROBLEM, ratio=1.5, seconds=2.0)
    assert len(steps) <= 6
    assert result.status.code == "proved"


def test_reading_the_programs_takes_at_most_half_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["supnorm.certification.certify"]
    clock = Costly(monkeypatch)
    read = module.error_program  # type: ignore[attr-defined]

    def slow(*arguments: object) -> object:
        clock.now += 30.0
        return read(*arguments)

    monkeypatch.setattr(module, "error_program", slow)
    assert certify(PROBLEM, ratio=1.5, seconds=2.0).status.code == "proved"
    assert clock.now < 32.0
