"""Values that depend on the batch, on earlier calls or on digits that cancel: no error of the run is lost."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.interpolate import AAA

from supnorm.auditing import audit
from supnorm.auditing.report import load_report
from supnorm.evaluation import Evaluator
from supnorm.pages.page import page
from supnorm.problem import Axis, Domain, ErrorMeasure, Function, Problem
from supnorm.results import BadInput

Array = NDArray[np.float64]
LINE, BOX = Domain(x=(0.0, 1.0)), Domain(a=(0.0, 1.0), b=(0.0, 1.0), c=(0.0, 1.0))


class Spied:
    """A model against an exact function; keeps the largest error of all values it ever gave inside the box."""

    def __init__(self, model: Any, exact: Any, domain: Domain = LINE, **options: Any) -> None:
        self.largest, self.calls = 0.0, 0
        self._model, self._exact = model, exact
        self.problem = Problem(self, exact, domain, **options)

    def __call__(self, x: Array) -> Array:
        self.calls += 1
        y = np.asarray(self._model(x, self.calls), dtype=float)
        with np.errstate(all="ignore"):
            errors = np.where(np.isfinite(y), np.abs(y - self._exact(x)), np.inf)
        self.largest = max(self.largest, float(errors.max()))
        return y


def found(report: Any) -> list[dict[str, Any]]:
    return [f for f in report.document["findings"] if f["code"] == "not-reproducible"]


def test_a_float32_network_in_batches_and_alone() -> None:
    """sup.lower was 2.8e-6 where the same run had computed 6.65e-6."""
    w = np.random.default_rng(0).normal(size=(3, 257))
    v = np.random.default_rng(1).normal(size=257)
    single = np.float32

    def model(x: Array, _: int) -> Array:
        # Sums in another order for a point alone, as a BLAS library makes them.
        z = np.tanh(x.astype(single) @ w.astype(single))
        order = np.arange(257) if len(x) > 1 else np.arange(257)[::-1]
        return np.asarray(np.cumsum(z[:, order] * v[order].astype(single), axis=1, dtype=single)[:, -1])

    spied = Spied(
        model, lambda x: np.tanh(x @ w.astype(single).astype(float)) @ v.astype(single).astype(float), BOX
    )
    report = audit(spied.problem, evaluations=3000)
    sup = report.document["sup"]
    assert sup["lower"] == report.worst.error == spied.largest
    assert sup["rounding"] > 1e-4 * sup["lower"]
    (finding,) = found(report)
    assert finding["batch"]["error"] != finding["alone"]["error"]
    assert page(report.record)


@pytest.mark.parametrize("call", [9, 12, 25, 40])
def test_one_wrong_value_is_the_worst_and_is_called_not_reproducible(call: int) -> None:
    """It ended as a bug of supnorm."""
    spied = Spied(lambda x, k: np.sin(x[:, 0]) + 0.5 * (k == call), lambda x: np.sin(x[:, 0]) * 1.001)
    report = audit(spied.problem, evaluations=2000)
    assert spied.calls > call
    assert report.document["sup"]["lower"] == spied.largest > 0.49
    (finding,) = found(report)
    assert {round(finding[k]["error"], 1) for k in ("batch", "alone")} == {0.0, 0.5}


@pytest.mark.slow
def test_a_rational_interpolant_with_real_poles() -> None:
    """It ended with an AssertionError after all work was done."""
    x = np.linspace(0, 1, 400)
    truth = lambda t: np.abs(t - 0.4321) + np.sign(t - 0.7)  # noqa: E731
    noisy = truth(x) + 1e-9 * np.random.default_rng(0).normal(size=400)
    with pytest.warns(RuntimeWarning, match="failed to converge"):
        interpolant = AAA(x, noisy, rtol=1e-12, max_terms=60)
    spied = Spied(lambda t, _: interpolant(t[:, 0]), lambda t: truth(t[:, 0]))
    report = audit(spied.problem, evaluations=3000, power=True)
    assert report.document["sup"]["lower"] == spied.largest
    assert page(report.record)


def test_a_tiny_error_in_batches_only() -> None:
    """sup.lower was 0."""
    truth = lambda x: np.sin(3 * x[:, 0])  # noqa: E731
    spied = Spied(lambda x, _: truth(x) + 1e-13 * (len(x) > 1), truth)
    report = audit(spied.problem, evaluations=2000)
    assert report.document["sup"]["lower"] == spied.largest > 0
    assert found(report)[0]["alone"]["error"] == 0.0


def test_noise_of_the_batch_is_a_note_and_refused_where_it_matters() -> None:
    truth = lambda x: 1 + x[:, 0]  # noqa: E731
    noisy = lambda x: truth(x) * (1.01 + 4e-12 * (len(x) > 1))  # noqa: E731
    report = audit(Problem(noisy, truth, LINE), evaluations=500, power=False)
    (note,) = report.document["notes"]
    assert re.search(
        "differ between calls of a batch and of a point alone by up to [34] × 10⁻¹² of their size", note
    )
    assert report.document["model"]["precision"] == "float64"
    audit(Problem(noisy, truth, LINE, tolerance=1e-9), evaluations=500)
    with pytest.raises(BadInput, match=r"differ between calls at one point by [34]e-12 .* tolerance 1e-11"):
        audit(Problem(noisy, truth, LINE, tolerance=1e-11), evaluations=500)


def test_ordinary_functions_have_no_such_finding_and_no_note() -> None:
    report = audit(Problem(lambda x: np.sin(x).sum(axis=1), lambda x: x.prod(axis=1), BOX), evaluations=2000)
    assert not found(report)
    assert not report.document["notes"]
    assert report.document["sup"]["computed"] in ("alone", "batch")


def test_a_point_is_called_alone_once() -> None:
    spied = Spied(lambda x, _: x[:, 0], lambda x: 0 * x[:, 0])
    evaluator = Evaluator(spied.problem)
    evaluator.values(np.array([[0.25], [0.5]]), "search")
    for _ in range(3):
        assert evaluator.witness().error == 0.5
    assert spied.calls == 2


@pytest.mark.slow
@given(
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(["state", "batch", "single", "pole", "rows"]),
    d=st.integers(1, 3),
)
@settings(max_examples=40, deadline=None)
def test_no_error_of_the_run_is_above_the_reported_one(seed: int, kind: str, d: int) -> None:
    rng = np.random.default_rng(seed)
    w, b, size = rng.normal(size=d), rng.normal(), 10.0 ** rng.integers(-14, -6)
    every, c = int(rng.integers(10, 60)), rng.random()
    truth = lambda x: np.sin(x @ w + b)  # noqa: E731

    def model(x: Array, k: int) -> Array:
        y = truth(x)
        if kind == "state":
            return np.asarray(y + (k > 8) * rng.random() * (k % every == 0))
        if kind == "batch":
            return np.asarray(y * (1 + size * (len(x) % 7)))
        if kind == "single":
            return np.asarray((y.astype(np.float32) + np.float32(1e-7 * (len(x) % 3))).astype(float))
        if kind == "rows":  # depends on the place in the batch
            return np.asarray(y + size * np.arange(len(x)) / len(x))
        with np.errstate(divide="ignore"):
            return np.asarray(y + 1e-6 / (x[:, 0] - c) * (1 + 1e-9 * (len(x) > 1)))

    domain = Domain(**{f"x{i}": (0.0, 1.0) for i in range(d)})
    spied = Spied(model, truth, domain)
    try:
        report = audit(spied.problem, evaluations=400, power=bool(seed % 2), seed=seed % 100)
    except BadInput as refused:  # by the probe
        why = str(refused)
        if "different values" in why or "depends on the other points" in why:
            return
        raise
    assert report.document["sup"]["lower"] == report.worst.error >= spied.largest
    assert page(report.record)


def test_a_worst_point_that_is_within_the_tolerance_alone_is_no_reason_to_retrain() -> None:
    problem = Problem(
        lambda x: x[:, 0] + (0.05 * (x[:, 0] > 0.9) if len(x) >= 100 else 0.0),
        Function(lambda x: x[:, 0], output_units=("MPa",)),
        LINE,
        tolerance=0.01,
    )
    report = audit(problem, evaluations=2000)
    assert report.status.exit == 1
    begin = "When it is called alone, the worst point is within the tolerance: find out first why its value changes."
    assert report.status.advice.startswith(begin)
    assert "in a batch it was 0.05 MPa, and" in found(report)[0]["text"]


def test_an_error_of_a_call_alone_is_among_the_points_and_stands_beside_that_of_a_batch(
    tmp_path: Path,
) -> None:
    """The worst point was not in points.csv, so that the result was refused; and ``rounding`` was 0."""

    def model(x: Array) -> Array:
        return np.sin(x[:, 0]) + (1e-9 if len(x) > 1 else -1e-9)

    measure = ErrorMeasure(side="under")
    listed = Domain(x=Axis(values=(0.1, 0.2, 0.5)))  # no batch of a search has one row
    report = audit(Problem(model, lambda x: np.sin(x[:, 0]), listed, measure), evaluations=100, power=False)
    sup = report.record.sup
    assert sup.lower == sup.alone == sup.rounding == report.points["error"][0] == pytest.approx(1e-9)
    (finding,) = found(report)
    assert (finding["batch"]["error"], finding["alone"]["error"]) == (0.0, sup.lower)
    assert load_report(report.save(tmp_path)).worst is not None
