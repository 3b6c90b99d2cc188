"""Norms: L^p of the reduced error and of whole vectors, Sobolev norms, and thousands of outputs."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from supnorm import audit, load_report, with_derivatives
from supnorm.auditing import Power
from supnorm.pages import view
from supnorm.problem import Domain, ErrorMeasure, Function, Law, Problem
from supnorm.results import BadInput

Array = NDArray[np.float64]
LINE = Domain(x=(0.0, 1.0))


def test_norms_of_one_output_are_those_of_its_error() -> None:
    """Error x on [0, 1]: the L^p norm is (p + 1)^(-1/p)."""
    problem = Problem(lambda x: x[:, 0], lambda x: 0 * x[:, 0], LINE)
    report = audit(problem, evaluations=20_000, norms=(1, 2, 3, 8))
    expected = {f"L{p}": (p + 1) ** (-1 / p) for p in (1, 2, 3, 8)}
    assert {k: v for k, v in report.norms.items() if k != "sup"} == pytest.approx(expected, rel=0.02)
    assert report.norms["sup"] == pytest.approx(1.0)
    assert report.norms_over_outputs is None
    assert list(report.norms) == ["L1", "L2", "L3", "L8", "sup"]


def test_norms_below_one_are_refused() -> None:
    with pytest.raises(BadInput, match="from 1 on"):
        audit(Problem(lambda x: x[:, 0], lambda x: 0 * x[:, 0], LINE), evaluations=200, norms=(0.5,))


def test_a_weight_is_a_law() -> None:
    """Density 2 x: the mean of the error x is 2/3 instead of 1/2."""
    law = Law.from_sampler(lambda n, rng: np.sqrt(rng.random((n, 1))), LINE, "2 x")
    report = audit(Problem(lambda x: x[:, 0], lambda x: 0 * x[:, 0], LINE, law=law), evaluations=20_000)
    assert report.norms["L1"] == pytest.approx(2 / 3, rel=0.02)


@pytest.mark.parametrize("exact", [True, False], ids=["derivatives known", "finite differences declared"])
def test_sobolev_norms(exact: bool) -> None:
    """Error sin(6 x)/6: its W^{1,p} norm from the integrals of sin and cos; the worst derivative error is 1."""

    def vjp(x: Array) -> tuple[Array, object]:
        return np.sin(6 * x) / 6, lambda w: w * np.cos(6 * x)

    wave = Function(lambda x: np.sin(6 * x) / 6, vjp=vjp if exact else None, outputs=("y",))  # type: ignore[arg-type]
    zero = Function(lambda x: 0 * x, vjp=lambda x: (0 * x, lambda w: 0 * w), outputs=("y",))
    step = None if exact else 1e-4
    problem = Problem(with_derivatives(wave, LINE, step=step), with_derivatives(zero, LINE), LINE)
    report = audit(problem, evaluations=20_000)
    t = (np.arange(100_000) + 0.5) / 100_000
    assert report.norms_over_outputs is not None
    for p in (1, 2, 4):
        exactly = np.mean(np.abs(np.sin(6 * t) / 6) ** p + np.abs(np.cos(6 * t)) ** p) ** (1 / p)
        assert report.norms_over_outputs[f"L{p}"] == pytest.approx(exactly, rel=0.02)
    assert report.norms_over_outputs["sup"] == pytest.approx(1.0, rel=1e-6)
    assert report.worst is not None
    assert report.document["outputs"][report.worst.output]["name"] == "dy/dx"


@pytest.mark.slow
def test_thousands_of_outputs(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """A spectrum: which output, its profile along the wavelengths, and a table that stays small."""
    wavelength = np.linspace(400.0, 900.0, 3000)

    def truth(x: Array) -> Array:
        return np.asarray(np.exp(-(((wavelength - 600 - 50 * x[:, :1]) / 20) ** 2)))

    def line(x: Array) -> Array:
        place = np.exp(-(((x[:, :1] - 0.7) / 0.05) ** 2))
        return np.asarray(0.4 * place * np.exp(-(((wavelength - 655) / 3) ** 2)))

    names = tuple(f"{w:.6g}" for w in wavelength)
    model = Function(lambda x: truth(x) + line(x), name="network")
    problem = Problem(model, Function(truth, outputs=names), LINE, error=ErrorMeasure(tolerance=0.1))
    report = audit(problem, evaluations=600)
    assert report.worst is not None
    assert report.worst.error == pytest.approx(0.4, rel=1e-3)
    listed = [float(output.name) for output in report.record.outputs]  # outputs.csv has all of them
    assert listed[report.worst.output] == pytest.approx(655, abs=0.2)
    profile = report.document["charts"]["profile"]
    np.testing.assert_allclose(profile["coordinate"], listed, rtol=1e-5)
    worst, rms = np.array(profile["worst"]), np.array(profile["rms"])
    assert worst.max() == pytest.approx(report.worst.error)
    assert np.all(rms <= worst + 1e-12)
    folder = report.save(tmp_path)
    assert (folder / "points.csv").stat().st_size < 12e6
    assert len(load_report(folder).points.rows) >= 20


def test_tolerances_of_outputs_are_the_unit_of_everything_that_is_shown() -> None:
    """Errors 0.01 x and 5 x with tolerances 0.001 and 10: 10 x and 0.5 x, as if the outputs were scaled."""
    sides = (lambda x: x * [0.01, 5.0], lambda x: x * [0.0, 0.0])
    by_tolerance, by_scale = (
        audit(Problem(*sides, LINE, ErrorMeasure(**measure)), evaluations=2000)
        for measure in (
            {"tolerance": (1e-3, 10.0)},
            {"kind": "scaled", "scale": (1e-3, 10.0), "tolerance": 1.0},
        )
    )
    assert by_tolerance.document["sup"]["lower"] == pytest.approx(10.0)
    assert by_tolerance.document["charts"]["profile"]["worst"] == pytest.approx([10.0, 0.5])
    view.View(by_tolerance.record).check()  # no number shown exceeds sup.lower
    assert by_tolerance.norms_over_outputs == pytest.approx(by_scale.norms_over_outputs)
    assert by_tolerance.document["charts"]["profile"]["rms"] == pytest.approx(
        by_scale.document["charts"]["profile"]["rms"]
    )


def test_tolerances_of_the_rows_of_a_table_are_their_unit() -> None:
    x = np.linspace(0, 1, 101)[:, None]
    table = Function(lambda p: p * [1.0, 1.0], outputs=("u", "v"), table=(x, x * [1.0, 1.0]))
    measure = ErrorMeasure(tolerance=(1e-3, 10.0))
    report = audit(Problem(lambda p: p * [1.01, 6.0], table, LINE, measure))
    assert report.document["charts"]["profile"]["worst"] == pytest.approx([10.0, 0.5])
    assert report.norms_over_outputs is not None
    assert report.norms_over_outputs["sup"] == pytest.approx(10.0)
    assert report.norms_over_outputs["L4"] < 10.0


def test_a_list_of_one_tolerance_serves_all_outputs() -> None:
    sides = (lambda x: x * [0.01, 5.0], lambda x: x * [0.0, 0.0])
    report = audit(
        Problem(*sides, LINE, ErrorMeasure(tolerance=(0.5,))), evaluations=1000, power=Power(runs=2)
    )
    assert report.document["charts"]["profile"]["worst"] == pytest.approx([0.02, 10.0])
    assert report.document["power"][0]["runs"] == 2
