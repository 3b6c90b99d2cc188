"""The page of a proof says what its record says: properties, norms, solutions, bounds of errors."""

from __future__ import annotations

import json
import math
import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import supnorm as sn
from supnorm.certification.about_page import about_of, about_of_error
from supnorm.pages import write_page
from supnorm.pages.statement_page import statement_page
from supnorm.results.about import AboutRecord

BOX = sn.Domain(T=(0.5, 2.0, "K"), p=(1.0, 3.0))
LINE = sn.Domain(x=(0.0, 1.0, "m"))


def model(x: Any) -> Any:
    return x[:, 0] * x[:, 0]


def truth(x: Any) -> Any:
    return model(x) + 1e-3 * np.cos(3.0 * x[:, 0])


def _everywhere(value: float, x: Any) -> Any:
    return np.full(len(x), value)


def about(domain: sn.Domain, what: str, band: float | None = None) -> AboutRecord:
    problem = sn.Problem(model, truth, domain, title="A <b>title</b>")
    return about_of(problem, "kg", "truth", what, lambda x: model(x) - 1.0, band)


@pytest.fixture(scope="module")
def proofs() -> dict[str, Any]:
    problem = sn.Problem(model, truth, LINE)
    poisson = sn.equations.Poisson(source=1.0)
    near = lambda x: 1.01 * x[:, 0] * (1.0 - x[:, 0]) / 2.0  # noqa: E731
    return {
        "certify": sn.certify(problem).record,
        "norms": sn.certify_norms(problem, ["w1inf", "rms"]).record,
        "properties": sn.certify_properties(model, BOX, ["positive", "monotone:T"]).record,
        "solution": sn.solution_error(near, poisson, LINE).record,
    }


def test_a_norm_without_an_upper_bound_is_not_between_two_proved_ends(proofs: dict[str, Any]) -> None:
    """A run that was stopped had the headline of a proof."""
    record = proofs["norms"]
    told = "norms of the error, each between two proved ends."
    assert f"{len(record.norms)} {told}" in statement_page(record)
    norms = tuple(one.changed(upper=math.inf) if one.norm == "rms" else one for one in record.norms)
    html = statement_page(record.changed(norms=norms))
    assert told not in html
    n = len(norms)
    assert f"{n} norms of the error: {n - 1} between two proved ends, 1 without a proved upper bound." in html
    none = record.changed(norms=tuple(one.changed(upper=math.inf) for one in norms))
    assert f"{n} norms of the error without a proved upper bound." in statement_page(none)


@pytest.mark.parametrize("kind", ["certify", "norms", "properties", "solution"])
def test_each_proof_has_a_page_also_of_its_json_and_without_a_picture(
    proofs: dict[str, Any], kind: str, tmp_path: Path
) -> None:
    record = proofs[kind]
    write_page(json.loads(record.to_json()), tmp_path / "plain.html")
    plain = (tmp_path / "plain.html").read_text()
    assert "supnorm certify" in plain
    assert 'id="picture"' not in plain
    assert ('id="box"' in plain) == (kind == "certify")  # title, box and units are those of the problem
    assert 'id="box"' not in statement_page(record.changed(about=None))
    for assumption in record.assumptions:
        assert assumption.replace("'", "&#39;") in plain
    for domain in (LINE, BOX):
        html = statement_page(record.changed(about=about(domain, "error", 0.02), certificate="run/c.json"))
        assert "A &lt;b&gt;title&lt;/b&gt;" in html
        assert 'id="picture"' in html
        assert "0.02 kg" in html
        assert "supnorm check c.json --problem problem.toml" in html


def test_bounds_are_rounded_outwards(proofs: dict[str, Any]) -> None:
    record = proofs["solution"]
    sup = record.sup.changed(lower=0.00123456789, upper=0.00200000001)
    html = statement_page(record.changed(sup=sup))
    assert "between 0.00123456 and 0.00200001" in html
    assert "further than 0.002001 from" in html


@pytest.mark.parametrize(
    "code", ["proved", "undecided", "no-bound", "interrupted", "tolerance-exceeded", "within-tolerance"]
)
def test_every_status_has_a_page(proofs: dict[str, Any], code: str) -> None:
    for kind in ("certify", "solution"):
        record = proofs[kind]
        status = {"code": code, "advice": "Why.", "exit": 0}
        html = statement_page(type(record).from_dict({**record.to_dict(), "status": status}))
        assert "Why." in html


def test_without_a_bound_the_page_claims_none(proofs: dict[str, Any]) -> None:
    for kind, words in (
        ("certify", "No bound of the error is proved"),
        ("solution", "No bound of the distance"),
    ):
        record = proofs[kind]
        sup = record.sup.changed(upper=math.inf, upper_kind="none")
        html = statement_page(record.changed(sup=sup, about=about(LINE, "error")))
        assert words in html
        assert "The statement is about every point" not in html
        assert "nowhere" not in html.split("<h1>")[1].split("</h1>")[0]


def test_a_derivative_has_the_unit_of_the_error_by_that_of_its_input(proofs: dict[str, Any]) -> None:
    html = statement_page(proofs["norms"].changed(about=about(LINE, "error")))
    assert "kg / m" in html


@pytest.mark.sampled(4)
@pytest.mark.parametrize("what", ["model", "error", "difference"])
@pytest.mark.parametrize(
    "domain", [LINE, BOX, sn.Domain(a=(1.0, 1e6), b=(0.0, 1.0))], ids=["line", "box", "wide"]
)
def test_each_picture_can_be_drawn_also_of_odd_values(
    proofs: dict[str, Any], what: str, domain: sn.Domain
) -> None:
    problem = sn.Problem(model, truth, domain)
    for value in (0.0, 1e-320, -3.0, 1e300, math.nan, math.inf):
        for band in (None, 0.0, 1e-3, math.inf):
            made = about_of(problem, "", "", what, partial(_everywhere, value), band)
            html = statement_page(proofs["certify"].changed(about=made))
            assert ">nan<" not in html.lower()


@pytest.mark.parametrize(("domain", "mark", "word"), [(LINE, "dot", "dot"), (BOX, "pinw", "ring")])
def test_the_point_of_the_largest_error_is_marked(
    proofs: dict[str, Any], domain: sn.Domain, mark: str, word: str
) -> None:
    made = about_of(sn.Problem(model, truth, domain), "", "", "error", partial(_everywhere, 0.25), 0.5)
    at = dict.fromkeys(domain.names, 0.5)
    record = proofs["certify"].changed(about=made)
    assert record.witness is not None
    html = statement_page(record.changed(witness=record.witness.changed(x=at)))
    assert len(re.findall(rf'<circle class="{mark}"', html)) == 2  # wide and narrow
    assert f"The error at points of a grid; the {word} is at the largest error that was computed." in html
    html = statement_page(record.changed(witness=None))
    assert f'<circle class="{mark}"' not in html
    assert "The error at points of a grid. It is proved" in html


def test_a_map_of_zeros_has_no_scale_of_colours(proofs: dict[str, Any]) -> None:
    """It went from 1e-300 on."""
    made = about_of(sn.Problem(model, truth, BOX), "", "", "error", partial(_everywhere, 0.0), 0.5)
    html = statement_page(proofs["certify"].changed(about=made))
    assert "10⁻³⁰⁰" not in html


def test_a_picture_that_cannot_be_computed_costs_nothing() -> None:
    def broken(x: Any) -> Any:
        raise ZeroDivisionError

    made = about_of(sn.Problem(model, truth, LINE), "", "", "error", broken)
    assert made.picture is None
    assert made.inputs[0].name == "x"


def test_the_error_of_a_problem_is_drawn_where_it_can_be_read() -> None:
    made = about_of_error(sn.Problem(model, truth, LINE), "", 1.0)
    assert made.picture is not None
    assert np.allclose(
        made.picture.values[0], 1e-3 * np.cos(3.0 * np.array(made.picture.x)), rtol=1e-4, atol=1e-8
    ) or (
        np.allclose(
            np.abs(made.picture.values[0]),
            1e-3 * np.abs(np.cos(3.0 * np.array(made.picture.x))),
            rtol=1e-4,
            atol=1e-8,
        )
    )
    hidden = sn.Problem(lambda x: np.array([float(v) for v in x[:, 0]]), truth, LINE)
    assert about_of_error(hidden, "", 1.0).picture is None
    root = sn.root(lambda x, y: y * y - x[:, 0] - 1.0, between=(0.5, 2.0))
    assert about_of_error(sn.Problem(lambda x: 1.0 + x[:, 0] / 2.0, root, LINE), "", 1.0).picture is not None
    assert (
        about_of_error(
            sn.Problem(model, truth, sn.Domain(a=(0.0, 1.0), b=(0.0, 1.0), c=(0.0, 1.0))), "", 1.0
        ).picture
        is None
    )


def test_the_page_of_a_bound_has_what_the_terminal_has(proofs: dict[str, Any]) -> None:
    """The share that is proved, with the tolerance, and where what runs was compared stood in the terminal alone."""
    done = proofs["certify"]
    points = f"what runs is what was read at {done.agreement.points:,} points"
    assert points in statement_page(done)
    assert "proved so far" not in statement_page(done)
    hard = sn.Problem(lambda x: x[:, 0] ** 4 * np.sin(40 * x[:, 0]), lambda x: 0 * x[:, 0], LINE)
    open_ = sn.certify(hard, tolerance=0.934, boxes=4).record
    assert 0 < open_.proved_volume < 1
    page = statement_page(open_)
    assert "proved so far" in page
    assert "the error is at most 0.934 there" in page
