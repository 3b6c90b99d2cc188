"""The page of a budget: every number of the JSON arrives, the three lines stay apart, text is escaped."""

from __future__ import annotations

import html
import re

import numpy as np
import pytest
from tests.planning.functions import BANK

import supnorm.wording.budget_record as words
from supnorm.pages import write_page
from supnorm.pages.budget_charts import edges, error_curves, interaction_graph
from supnorm.pages.budget_page import budget_page
from supnorm.planning import MeasuredCurve, SmoothClass, TrainingRun, budget
from supnorm.planning.question import unit_of
from supnorm.problem import Domain, Function, Problem
from supnorm.results.budget import BudgetRecord
from supnorm.wording.budget_record import summary


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
    return budget(f, domain, tolerance=1e-2, calls=30_000, curve=MeasuredCurve(runs))


@pytest.mark.slow
def test_page_of_a_function(measured):
    text = budget_page(measured)
    assert text.count("<section") == text.count("</section>") == 6
    assert "a<b" not in text
    assert "a&lt;b" in text
    assert text.count("<svg") == text.count("</svg>") >= 4
    for row in (*measured.guarantee, *measured.construction, *measured.caveats):
        assert row.name in text
    assert "Take a classical method: sum of fits of few inputs each." in text
    assert "The training size 256 was left out" in text
    assert "0.01 (asked)</th>" in text
    assert text.count("(measured)</td>") + text.count("(forecast)</td>") >= 1
    assert not re.search(r'(src|href)="https?:', text)


def test_page_of_numbers_alone(tmp_path):
    path = tmp_path / "page.html"
    # One name for the page of every verb.
    write_page(budget(SmoothClass(inputs=12, smoothness=2), tolerance=1e-3), path)
    text = path.read_text()
    assert "Not decided yet." in text
    assert 'id="graph"' not in text
    assert "No learning curve was measured" in text


@pytest.mark.parametrize("side", ["reference", "model"])
def test_the_tolerance_has_the_unit_that_either_side_states(side):
    units = (
        {"reference": ("Pa", "K"), "model": ("Pa", "K")} if side == "reference" else {"model": ("Pa", "K")}
    )
    sides = {
        name: Function(lambda x: np.stack([x[:, 0]] * 2, 1), output_units=units.get(name, ()))
        for name in ("model", "reference")
    }
    problem = Problem(sides["model"], sides["reference"], Domain(a=(0.0, 1.0)))
    assert [unit_of(problem, i) for i in range(2)] == ["Pa", "K"]
    record = budget(SmoothClass(inputs=12, smoothness=2), tolerance=0.01).changed(unit="K")
    assert "tolerance 0.01 K in the" in summary(record)
    assert "tolerance 0.01 K in the" in budget_page(record)


def test_page_of_a_hopeless_function():
    result = budget(
        lambda x: np.sign(x[:, 0] + x[:, 1] ** 2) + x[:, 1],
        Domain(x=(-1, 1), y=(-1, 1)),
        tolerance=0.1,
        calls=20_000,
    )
    text = budget_page(result)
    assert "none is enough" in text
    assert "No method known here promises this tolerance" in text


def test_graph_draws_the_interactions_and_no_others(measured):
    assert [{e.from_, e.to} for e in edges(measured.charts.graph)] == [{"a<b", "width"}]
    assert str(interaction_graph(measured.charts.graph, 420)).count('class="s-mod"') == 1
    one = budget(BANK["runge1"][0], Domain(x=(-1, 1)), tolerance=1e-3, calls=5000)
    assert interaction_graph(one.charts.graph, 420) == ""


def test_curves_keep_the_lines_apart(measured):
    svg = str(error_curves(measured, 860))
    for kind in ("s-ref", "s-mod", "s-err"):
        assert len(re.findall(f'<path class="{kind}"', svg)) == 1
    assert svg.count("<circle") == 12
    inside = [float(v) for v in re.findall(r'c[xy]="([-\d.]+)"', svg)]
    assert min(inside) >= 0
    assert max(inside) <= 860


def test_several_learning_curves_are_named_apart(measured):
    runs = tuple(TrainingRun(m, 1, s, 0.5 / m, 1 / m, 0.1 / m) for m in (32, 64, 128) for s in (0, 1))
    two = [MeasuredCurve(runs, name=name).record() for name in ("mine", "yours")]
    forecast = measured.charts.curves[2]
    curves = tuple(forecast.changed(learning_curve=curve.name) for curve in two)
    record = measured.changed(charts=measured.charts.changed(curves=curves), learning_curves=tuple(two))
    svg = str(error_curves(record, 860))
    heights = [float(re.search(rf'y="([-\d.]+)"[^>]*>{name}<', svg)[1]) for name in ("mine", "yours")]
    assert abs(heights[0] - heights[1]) >= 12
    assert svg.count(">forecast<") == 1
    row = measured.forecast[0].changed(learning_curve="mine")
    assert words.forecast(row)[0].startswith("mine: sup error")


def test_large_counts_are_written():
    assert words.samples(3.0) == "1,000"
    assert "10" in words.samples(27.5)
    assert words.samples(770.0) == "10⁷⁷⁰"


def sentences(record):
    """All that the words of a budget say, but what the record itself says."""
    statements = [words.statement(row) for row in (*record.guarantee, *record.construction)]
    yield from (part for s in statements for part in (s.name, s.count, s.rate, s.status, s.class_, s.source))
    yield from words.fooling_functions(record)
    yield words.phrase("of-a-class")
    if words.guaranteed(record)[1]:
        yield words.conditional(record)
    yield from (part for row in record.forecast for part in words.forecast(row) if part != "–")
    yield from (
        part for curve in record.learning_curves for part in (words.law_of(curve), *words.holdouts(curve))
    )
    yield from (record.status.advice, record.verdict.word, record.norm)
    yield from (sentence.text for sentence in (*record.verdict.evidence, *record.notes))
    yield from (part for c in record.caveats for part in (c.name, c.outcome.text, c.effect.text))


def with_data():
    data = np.random.default_rng(0).uniform(-1, 1, (120, 2))
    wave = Problem(None, lambda x: np.sin(3 * x[:, 0]) * x[:, 1], Domain(a=(-1, 1), b=(-1, 1)), data=data)
    return budget(wave, tolerance=1e-3, calls=4000)


def missing_in(record):
    """What is said on the page or in the terminal alone."""
    page = re.sub(r"[\u00a0\u202f]", " ", html.unescape(budget_page(record)))
    terminal = summary(record)
    return [s for s in sentences(record) if s not in page or s not in terminal]


@pytest.mark.parametrize(
    "make",
    [
        lambda: budget(SmoothClass(inputs=12, smoothness=2), tolerance=1e-3),
        lambda: budget(SmoothClass(inputs=50_000, smoothness=2), tolerance=1e-3),
        with_data,
        lambda: budget(BANK["abs1"][0], Domain(x=(-1, 1)), tolerance=1e-3, calls=3000),
    ],
)
def test_page_and_terminal_say_the_same(make):
    assert missing_in(make()) == []


def test_without_a_tool_the_verdict_names_none():
    plan = budget(SmoothClass(inputs=12, smoothness=2), tolerance=1e-3)
    assert plan.verdict.tool == "none"
    assert "VERDICT on a network: undecided\n" in summary(plan)


def test_page_and_terminal_say_the_same_of_learning_curves(measured):
    assert missing_in(measured) == []


def test_a_record_that_was_read_gives_the_same_page(measured, tmp_path):
    measured.save(tmp_path / "budget.json")
    again = BudgetRecord.read(tmp_path / "budget.json")
    assert again.to_json() == measured.to_json()
    assert budget_page(again) == budget_page(measured)
    assert summary(again) == summary(measured)
