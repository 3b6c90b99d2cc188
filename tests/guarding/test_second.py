"""The second model of a guard: its score is the problem's error, and it is left out where it does not know this error."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.mending.cases import LINE, SQUARE, line_guard, line_problem

import supnorm as sn
from supnorm.evaluation import Calls, EvaluationStore
from supnorm.guarding.collecting import collect
from supnorm.guarding.layers import Cuts, SecondModel
from supnorm.guarding.second import second_model
from supnorm.networks import Network
from supnorm.problem import ErrorMeasure

MEASURES: dict[str, dict[str, Any]] = {
    "absolute": {},
    "relative": {"kind": "relative", "floor": 0.1},
    "scaled": {"kind": "scaled", "scale": (2.0, 0.5)},
    "tolerances": {"tolerance": (0.1, 3.0)},
    "relative tolerances": {"kind": "relative", "floor": 0.0, "tolerance": (0.1, 3.0)},
    "over": {"side": "over"},
    "under, scaled": {"side": "under", "kind": "scaled", "scale": 2.0},
}


def two(x: Any) -> Any:
    """A reference with two outputs."""
    return np.stack([np.sin(2.0 * x[:, 0]), x[:, 0] ** 2 - 0.3], axis=1)


def wrong(x: Any) -> Any:
    """A model of it that is wrong by a wave, whose sign changes."""
    return two(x) + 0.1 * np.sin(np.array([20.0, 17.0]) * x[:, :1]) * np.exp(-4.0 * x[:, :1] ** 2)


def problem_of(measure: dict[str, Any]) -> sn.Problem:
    problem = sn.Problem(wrong, two, LINE)
    return replace(problem, error=ErrorMeasure(**measure))


@pytest.mark.parametrize("name", MEASURES)
def test_the_score_is_the_error_of_the_problem_against_the_second_model(name: str) -> None:
    problem = problem_of(MEASURES[name])
    found = collect(problem, 600, None, 3, Calls(cost="cheap"))
    layer = second_model(problem, found, Calls(cost="cheap"), 0, 5, np.random.default_rng(0)).layer
    assert layer is not None
    x = np.linspace(-1.0, 1.0, 400)[:, None]
    y = problem.model.value(x)
    error = problem.error(y, layer.network.value(x), x)[0]
    assert np.allclose(np.maximum(layer.score(x, y), 0.0), error, rtol=1e-9, atol=1e-12)
    truth = problem.error(y, two(x), x)[0]
    assert np.abs(np.maximum(layer.score(x, y), 0.0) - truth).max() < 0.2 * truth.max()
    assert layer.score(x[:1], np.full((1, 2), np.nan)) == np.inf


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", ["relative tolerances", "under, scaled", "over"])
def test_a_graph_and_a_file_have_the_same_second_model(name: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    from supnorm.guarding.export import opened

    network = Network.init(np.random.default_rng(2), 1, 1, 6, 2)
    measure = ErrorMeasure(**{k: v for k, v in MEASURES[name].items() if k != "tolerance"})
    sign = {"both": 0.0, "over": 1.0, "under": -1.0}[measure.side]
    layer = SecondModel(network, tuple(measure.weights(1)), measure.floor, sign)
    safe = line_guard()
    learned = next(one for one in safe.cuts.layers if one.name == "learned")
    x = np.linspace(-1.0, 1.0, 2000)[:, None]
    cut = float(np.median(layer.score(x, safe.model.value(x))))
    safe = replace(safe, cuts=Cuts((learned, layer), (np.inf, cut)))
    sn.fuse(safe, tmp_path / "a.onnx")
    accept = opened(str(tmp_path / "a.onnx")).run(["accept"], {"x": x})[0]
    assert np.array_equal(accept == 1, safe.accepts(x))
    assert 0.4 < accept.mean() < 0.6
    safe = replace(safe, cuts=Cuts((learned, layer), (1e9, cut)))
    safe.save(tmp_path / "a.guard")
    again = sn.load_guard(tmp_path / "a.guard", safe.model)
    assert np.array_equal(again.accepts(x), safe.accepts(x))


@pytest.mark.slow
def test_the_guard_comes_near_the_best_possible_one() -> None:
    """An error whose sign changes often: its logarithm has a cusp at each zero."""

    def waves(x: Any) -> Any:
        return np.cos(x[:, 0]) + np.exp(-6.0 * (x**2).sum(axis=1)) * np.sin(9.0 * x[:, 0]) * np.sin(
            7.0 * x[:, 1]
        )

    problem = sn.Problem(waves, lambda x: np.cos(x[:, 0]), SQUARE)
    record = sn.guard(problem, reject=0.1, evaluations=3000, calibration=1000).record
    assert "second" in {layer.name for layer in record.layers}
    (row,) = (row for row in record.curve if row.rejected == 0.1)
    assert record.worst_accepted < 1.5 * row.oracle
    assert record.evaluations["learned"] == 3000


@pytest.mark.slow
def test_a_reference_that_no_network_learns_has_no_second_model() -> None:
    def ragged(x: Any) -> Any:
        return np.modf(np.abs(x[:, 0]) * 1e7)[0]

    problem = sn.Problem(lambda x: np.zeros(len(x)), ragged, LINE)
    found = collect(problem, 600, None, 3, Calls(cost="cheap"))
    second = second_model(problem, found, Calls(cost="cheap"), 0, 5, np.random.default_rng(0))
    assert second.layer is None
    assert second.taught(problem, np.random.default_rng(0)) is None


def test_an_error_by_the_users_own_function_has_no_second_model() -> None:
    error = ErrorMeasure("function", function=lambda m, f, x: np.abs(m - f) ** 0.5)
    problem = replace(line_problem(), error=error)
    found = collect(problem, 600, None, 3, Calls(cost="cheap"))
    second = second_model(problem, found, Calls(cost="cheap"), 0, 5, np.random.default_rng(0))
    assert second.layer is None
    assert second.taught(problem, np.random.default_rng(0)) is None


@pytest.mark.slow
def test_a_store_keeps_the_values_of_the_model_and_not_those_of_the_second_model(tmp_path: Path) -> None:
    """The second model's searches stored its values as those of the model: a point that came again had them."""
    problem = problem_of({})
    with closing(EvaluationStore(tmp_path / "values.sqlite", "one")) as store:
        calls = Calls(cost="expensive-both:1", store=store)
        found = collect(problem, 100, None, 3, calls)
        second_model(problem, found, calls, 40, 5, np.random.default_rng(0))
        for side, function in (("model", wrong), ("reference", two)):
            stored = store.load(side)
            x = np.array([np.frombuffer(key) for key in stored])
            assert len(x) > 0
            np.testing.assert_allclose([y for y, _ in stored.values()], function(x), rtol=1e-12, err_msg=side)
