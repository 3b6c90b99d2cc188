"""The page of a fit says what the JSON says, for a reference, for samples, with and without a proof."""

import json
import re

import numpy as np
import pytest
from tests.schema import demand_as_published

from supnorm.approximants import ChebyshevTensor, PolynomialLeastSquares
from supnorm.pages import write_page
from supnorm.pages.fit_page import (
    candidate_rows,
    errors_are,
    fit_page,
    headline,
    narrator,
    proof,
    series,
    winner_facts,
)
from supnorm.pages.time_chart import Series, error_over_time
from supnorm.problem import Domain, ErrorMeasure, Function, Problem
from supnorm.results.fit import FitRecord, ProofRecord
from supnorm.results.parts import MeasureRecord
from supnorm.sources import from_jax
from supnorm.training import FitCalls, NetworkFit, fit

record = FitRecord.from_dict


def words_of(part, record):
    return narrator(record).text(part(record))


@pytest.fixture(scope="module")
def searched():
    """Chebyshev and a network, no tolerance."""
    domain = Domain(x=(-1.0, 1.0), y=(0.0, 2.0))
    network = NetworkFit(widths=(6,), iterations=200)

    def f(x):
        return np.sin(3 * x[:, 0]) * np.exp(-x[:, 1])

    result = fit(f, domain, method=network, calls=FitCalls(audit_evaluations=1000), max_evaluations=2000)
    return json.loads(result.to_json())


def test_rows_and_headline_are_those_of_the_result(searched):
    rows = candidate_rows(record(searched))
    assert [r[0] for r in rows] == [str(i + 1) for i in range(len(searched["candidates"]))]
    assert rows[0][1] == searched["winner"]["method"]
    assert "largest error found is" in words_of(headline, record(searched))
    assert "Nothing was proved" in words_of(proof, record(searched))


def test_the_advice_is_a_sentence(searched):
    status = searched["status"] | {"advice": "the largest error is 1: not proved"}
    html = fit_page(record(searched | {"status": status}))
    assert "The largest error is 1: not proved." in html


@pytest.mark.slow
def test_it_says_what_kind_of_errors_they_are():
    told = {"kind": "absolute", "side": "both", "unit": "", "floor": None, "scale": None, "failures": "error"}
    plain = MeasureRecord(**told, per_output=False)
    assert errors_are(plain) == ""
    assert errors_are(plain.changed(unit="K", side="over")) == "Errors are in K. Only overestimates count."
    assert "each output’s tolerance" in errors_are(plain.changed(per_output=True))
    f = lambda x: np.exp(x[:, 0])  # noqa: E731
    result = fit(f, Domain(x=(0.0, 1.0)), error=ErrorMeasure("relative", floor=0.5), tolerance=1e-6)
    assert "Errors are relative: shares of the reference, of 0.5 where it is smaller." in fit_page(
        result.record
    )


def test_title_and_units_stand_on_the_page(searched):
    measured = searched["measure"] | {"unit": "kg/m3"}
    proved = {"lower": 0.0123, "upper": 0.0234, "upper_kind": "certified"}
    told = searched | {
        "title": "Two-stream clouds",
        "measure": measured,
        "tolerance": 0.05,
    }
    told["winner"] = searched["winner"] | {"sup": proved}
    shown = record(told).model_copy(update={"certificate": ProofRecord.model_construct()})
    html = fit_page(shown)
    assert "<title>Two-stream clouds: " in html
    assert "<b>Two-stream clouds</b>" in html
    assert "tolerance 0.05 kg/m³" in html
    assert "nowhere above 0.0234 kg/m³." in words_of(headline, shown)
    assert "between 0.0123 kg/m³ and 0.0234 kg/m³" in words_of(proof, shown)
    assert "worst error found, kg/m³" in html
    relative = searched | {"measure": measured | {"kind": "relative"}, "title": ""}
    relative["winner"] = searched["winner"] | {"sup": proved | {"upper": None}}
    assert "largest error found is 1.23 %" in words_of(headline, record(relative))
    assert "found, %" not in fit_page(record(relative))


def test_the_worst_point_has_the_units_of_its_inputs(searched):
    data = json.loads(json.dumps(searched))
    data["audit"]["axes"][0]["unit"] = "m/s"
    where = dict(winner_facts(record(data)))["found at"]
    assert re.fullmatch(r"x = \S+ m/s, y = \S+", where)
    del data["audit"]["axes"]  # as in a file of an older version
    assert "m/s" not in dict(winner_facts(record(data)))["found at"]


def test_the_title_is_that_of_the_problem():
    domain, x = Domain(x=(0.0, 1.0)), np.linspace(0, 1, 80)[:, None]
    called = Problem(None, lambda x: x[:, 0], domain, title="Called")
    assert (
        fit(called, method=PolynomialLeastSquares(), calls=FitCalls(audit_evaluations=100)).to_dict()["title"]
        == "Called"
    )
    stored = Function(table=(x, x**2))
    table = Problem(None, stored, domain, title="Table")
    assert fit(table, method=PolynomialLeastSquares()).to_dict()["title"] == "Table"


def test_the_chart_ends_at_the_errors_on_fresh_points(searched):
    lines = series(record(searched))
    for line, candidate in zip(lines, searched["candidates"], strict=True):
        assert line.points[-1][1] == candidate["relative_rms"]
        assert len(line.points) > 5  # networks come with their training record
        seconds = [t for t, _ in line.points]
        assert seconds == sorted(seconds)
    html = fit_page(record(searched), "audit/report.html")
    assert html.count("<svg viewBox") >= 2  # for wide and narrow screens
    assert 'href="audit/report.html"' in html
    assert not re.search(r'(src|href)="(?!#|audit/)', html)  # nothing is fetched


def test_labels_do_not_overlap():
    lines = [Series(f"method {i}", str(i), ((0.1, 1e-2), (1.0, 1e-6 * (1 + 1e-3 * i)))) for i in range(9)]
    svg = error_over_time(lines, 700, "RMS error")
    places = sorted(float(y) for y in re.findall(r'x="538" y="([\d.]+)"', svg))
    assert len(places) == 9
    assert np.diff(places).min() >= 12.9
    assert max(places) <= 300


def test_nothing_to_draw():
    exact = Series("exact", "1", ((0.0, 0.0),))
    assert error_over_time([exact], 700, "RMS error") == ""
    good = Series("good", "2", ((0.1, 1e-2), (1.0, 1e-6)))
    drawn = error_over_time([exact, good], 700, "RMS error")
    assert "good" in drawn
    assert "NaN" not in drawn  # an error of zero has no place on a logarithmic axis, the others have theirs
    assert drawn.count("<path") == error_over_time([good], 700, "RMS error").count("<path") >= 1


@pytest.mark.slow
def test_samples_and_proofs(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.random((60, 2))
    fixed = fit((x, x[:, 0] * x[:, 1]), method=PolynomialLeastSquares(), tolerance=1e-6)
    write_page(fixed, tmp_path / "fit.html")  # one name for the page of every verb
    html = (tmp_path / "fit.html").read_text("utf-8")
    assert "held-out samples" in html
    assert "The whole audit" not in html

    def smooth(x):
        import jax.numpy as jnp

        return jnp.exp(x[:, 0])

    proved = fit(
        from_jax(smooth), Domain(x=(0.0, 1.0)), tolerance=1e-6, certify=True, method=ChebyshevTensor(1e-9),
        calls=FitCalls(audit_evaluations=1000),
    )  # fmt: skip
    html = fit_page(proved.record)
    assert "proved to be nowhere above" in html
    assert "chip proven" in html
    assert "The largest error lies between" in html
    # A bound of 3e-8 beside an error of 1e-9, without a word on why.
    assert proved.record.winner.sup.upper > 2 * proved.record.winner.sup.lower
    assert "The proof goes no further than the tolerance asks" in html
    assert "--ratio 1.1" in html
    data = proved.to_dict()
    assert data["certificate"]["schema"] == "supnorm.certify/1"
    assert record(data).to_dict() == data
    sup = data["winner"]["sup"]
    sup["lower"] = 0.9 * sup["upper"]
    assert "goes no further" not in words_of(proof, record(data))
    demand_as_published(proved.to_json())


def test_only_a_proof_has_the_words_of_one():
    f = lambda x: np.exp(x[:, 0])  # noqa: E731
    found = fit(f, Domain(x=(0.0, 1.0)), tolerance=1e-6, calls=FitCalls(audit_evaluations=500)).to_dict()
    assert found["status"]["code"] == "nothing-found"
    html = fit_page(record(found))
    assert "nothing above the tolerance found; not proven" in html
    assert "within tolerance" not in html
    stopped = fit_page(record({**found, "status": {"code": "interrupted", "advice": "", "exit": 3}}))
    assert "no tolerance given" not in stopped
