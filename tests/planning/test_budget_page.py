"""The page of a budget: every number of the JSON arrives, the three lines stay apart, text is escaped."""

from __future__ import annotations

import re

import numpy as np
import pytest
from tests.planning.functions import BANK

from supnorm.pages import write_page
from supnorm.pages.budget_charts import edges, error_curves, interaction_graph
from supnorm.pages.budget_page import budget_page, forecast_rows, samples
from supnorm.planning import MeasuredCurve, SmoothClass, TrainingRun, budget
from supnorm.problem import Domain


@pytest.fixture(scope="module")
def measured():
    rng = np.random.default_rng(0)
    runs = tuple(
        TrainingRun(m, 24, s, e / m, 3 * e / m, 1e-5 / m, 700, 800)
        for m in (32, 64, 128, 256)
        for s, e in enumerate(np.exp(0.1 * rng.standard_normal(3)))
    )
    f, d = BANK["fried5"]
    domain = Domain.from_axes({name: (-1.0, 1.0) for name in ("a<b", "width", "height", "mass", "speed")[:d]})
    return budget(f, domain, tolerance=1e-2, calls=30_000, curve=MeasuredCurve(runs)).to_json()


def test_page_of_a_function(measured):
    html = budget_page(measured)
    assert html.count("<section") == html.count("</section>") == 6
    assert "a<b" not in html
    assert "a&lt;b" in html
    assert html.count("<svg") == html.count("</svg>") >= 4
    for row in measured["guarantee"] + measured["construction"] + measured["caveats"]:
        assert row["name"] in html
    assert "Take a classical method: sum of fits of few inputs each." in html
    assert "Training size 256 left out" in html
    assert "0.01 (asked)</th>" in html
    assert html.count("(measured)</td>") + html.count("(forecast)</td>") >= 1
    assert not re.search(r'(src|href)="https?:', html)


def test_page_of_numbers_alone(tmp_path):
    path = tmp_path / "page.html"
    write_page(
        budget(SmoothClass(inputs=12, smoothness=2), tolerance=1e-3), path
    )  # one name for the page of every verb
    html = path.read_text()
    assert "Not decided yet." in html
    assert 'id="graph"' not in html
    assert "No learning curve was measured" in html


def test_page_of_a_hopeless_function():
    result = budget(
        lambda x: np.sign(x[:, 0] + x[:, 1] ** 2) + x[:, 1],
        Domain(x=(-1, 1), y=(-1, 1)),
        tolerance=0.1,
        calls=20_000,
    )
    html = budget_page(result.to_json())
    assert "none is enough" in html
    assert "No method known here promises this tolerance" in html


def test_graph_draws_the_interactions_and_no_others(measured):
    assert [{e["from"], e["to"]} for e in edges(measured)] == [{"a<b", "width"}]
    assert str(interaction_graph(measured, 420)).count('class="s-mod"') == 1
    one = budget(BANK["runge1"][0], Domain(x=(-1, 1)), tolerance=1e-3, calls=5000).to_json()
    assert interaction_graph(one, 420) == ""


def test_curves_keep_the_lines_apart(measured):
    svg = str(error_curves(measured, 860))
    for kind in ("s-ref", "s-mod", "s-err"):
        assert len(re.findall(f'<path class="{kind}"', svg)) == 1
    assert svg.count("<circle") == 12
    inside = [float(v) for v in re.findall(r'c[xy]="([-\d.]+)"', svg)]
    assert min(inside) >= 0
    assert max(inside) <= 860


def test_several_learning_curves_are_told_apart(measured):
    runs = tuple(TrainingRun(m, 1, s, 0.5 / m, 1 / m, 0.1 / m) for m in (32, 64, 128) for s in (0, 1))
    two = [MeasuredCurve(runs, name="mine"), MeasuredCurve(runs, name="yours")]
    curves = [
        {"line": "forecast", "learning_curve": x.name, "points": measured["charts"]["curves"][2]["points"]}
        for x in two
    ]
    data = {
        **measured,
        "charts": {**measured["charts"], "curves": curves},
        "learning_curves": [x.as_dict() for x in two],
    }
    svg = str(error_curves(data, 860))
    heights = [float(re.search(rf'y="([-\d.]+)"[^>]*>{name}<', svg)[1]) for name in ("mine", "yours")]
    assert abs(heights[0] - heights[1]) >= 12
    assert svg.count(">forecast<") == 1
    data["forecast"] = [{"learning_curve": "mine", "quantity": "sup error", "value": 1.0}]
    assert forecast_rows(data)[0]["quantity"] == "mine: sup error"


def test_large_counts_are_written():
    assert samples(3.0) == "1,000"
    assert "10" in samples(27.5)
    assert samples(770.0) == "10^770"
