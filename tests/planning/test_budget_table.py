"""A budget for a table of values: what can be told is, the rest is said to be unknown."""

from __future__ import annotations

import numpy as np
import pytest

from supnorm.planning import LearningCurve, Trained, budget
from supnorm.planning.learning_curve import train_on_table
from supnorm.planning.table import read_table, steepest, table_of
from supnorm.problem import Domain, ErrorMeasure, Function, Problem
from supnorm.results import BadInput


def table(n=800, d=3, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 5, (n, d))
    return x, np.sin(x.sum(axis=1) / 2) + 0.1 * x[:, 0]


def nearest(x, y, width, seed):
    from scipy.spatial import cKDTree

    tree = cKDTree(x)
    return Trained(lambda u: y[tree.query(u)[1]], x.size, 1)


def linear(x, y, width, seed):
    basis = lambda u: np.concatenate([np.ones((len(u), 1)), u], axis=1)  # noqa: E731
    weights = np.linalg.lstsq(basis(x), y, rcond=None)[0]
    return lambda u: basis(u) @ weights


def test_without_a_learning_curve_it_is_undecided_or_told_by_size():
    result = budget(table(), tolerance=0.01)
    assert result.verdict.word in ("undecided", "unsuitable")
    assert any(test.code == "no-calls" for test in result.profile.left_out)
    assert result.construction == ()
    content = result.to_dict()
    assert content["title"] == "table"
    bound = content["guarantee"][0]
    assert bound["status"] == "conditional"
    assert result.caveats[2].outcome.text.startswith("does not hold")


@pytest.mark.slow
def test_a_tolerance_that_only_the_middle_of_a_forecast_reaches_is_not_called_unreachable():
    x = np.random.default_rng(0).random((600, 2))
    y = x @ np.array([1.0, 2.0]) + 0.1 * np.sin(8 * x[:, 0])
    requested = LearningCurve(trainers=nearest, sizes=(32, 64, 128, 256), repeats=2)
    curve = budget((x, y), tolerance=0.1, curve=requested).basis.learning_curves[0]
    f = curve.forecast(2048)
    between = (f.value + f.upper) / 2
    said = str(budget((x, y), tolerance=between, curve=curve))
    assert f.value < between < f.upper
    assert "the upper end of the forecast does not reach it" in said


def test_a_table_of_a_problem_keeps_its_names():
    x, y = table()
    source = Function(outputs=("rho",), name="density.csv", table=(x, y[:, None]))
    problem = Problem(None, source, Domain.from_samples(x), tolerance=0.1)
    plan = table_of(problem, None, None, np.inf, None).question
    assert (plan.output, plan.title) == ("rho", "density.csv")


def test_low_dimension_is_found():
    rng = np.random.default_rng(0)
    z = rng.random((800, 2))
    x = np.concatenate([z, np.sin(3 * z), z[:, :1] * z[:, 1:], z[:, :1] ** 2], axis=1)
    result = budget((x, z.sum(axis=1)), tolerance=0.1)
    assert result.caveats[2].outcome.text.startswith("holds: dimension")
    assert 1.5 < result.profile.dimension.lower <= 2 <= result.profile.dimension.upper


@pytest.mark.slow
def test_learning_curve_on_parts_of_the_table_decides(tmp_path):
    x = np.random.default_rng(0).random((1000, 2))
    easy = (x, x @ np.array([1.0, 2.0]) + 1e-4 * np.sin(40 * x[:, 0]))
    curve = LearningCurve(trainers=linear, sizes=(32, 64, 128, 256), repeats=3, file=tmp_path / "l.jsonl")
    result = budget(easy, tolerance=1e-3, curve=curve)
    assert result.verdict.tool == "network"
    assert result.basis.learning_curves[0].need(1e-3).reached == "measured"
    again = budget(easy, tolerance=1e-3, curve=curve)
    assert again.basis.learning_curves[0].runs == result.basis.learning_curves[0].runs
    hard = budget(
        table(),
        tolerance=1e-6,
        curve=LearningCurve(trainers=nearest, sizes=(32, 64, 128, 256), repeats=3),
    )
    assert hard.verdict.word == "unsuitable"


def test_errors_are_those_of_the_rows_left_out():
    x, y = table(400, 2)
    x = x / 5
    runs = train_on_table(x, y, nearest, samples=[25, 50, 100, 200, 300], seeds=2)
    assert [r.samples for r in runs] == [25, 25, 50, 50, 100, 100, 200, 200]
    assert all(r.train_rms == 0 and r.sup > r.rms > 0 for r in runs)
    assert runs[-1].sup <= np.ptp(y)


def test_steepest_slope_is_a_lower_estimate():
    x = np.random.default_rng(0).random((2000, 2))
    assert 2.8 < steepest(x, x @ np.array([1.0, -2.0])) <= 3.0 + 1e-9


def test_a_given_domain_scales_the_table():
    x, y = table()
    found = read_table((x, y[:, None]), Domain(a=(0, 10), b=(0, 10), c=(0, 10)), 0.1, 2.0)
    assert found.x.max() <= 0.5
    assert found.metric == "rms"


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        ((np.zeros((5, 2)), np.zeros(5)), {}, "N >= 20"), ((np.zeros((50, 2)), np.zeros(40)), {}, "shape"),
        (table(), {"tolerance": None}, "tolerance"), (table(), {"domain": Domain(a=(0, 1))}, "1 inputs"),
        ((table()[0], np.full(800, np.nan)), {}, "finite"),
        (table(), {"curve": LearningCurve(trainers=nearest, sizes=(500, 600))}, "half of its 800"),
    ],
)  # fmt: skip
def test_bad_tables(given, options, message):
    with pytest.raises(BadInput, match=message):
        budget(given, **{"tolerance": 0.1, **options})


@pytest.mark.slow
def test_a_relative_tolerance_of_a_table_is_made_absolute_like_that_of_a_function():
    """At the floor or the smallest |f| of the rows, with --tolerance as with that of the problem, and it is said."""
    x, y = table()
    source = Function(name="density.csv", table=(x, 5 + y[:, None]))
    least = float((5 + y).min())

    def planned(kind, tolerance=None, **options):
        error = ErrorMeasure(kind, tolerance=0.1, **options)
        return budget(Problem(None, source, Domain.from_samples(x), error), tolerance=tolerance)

    assert planned("relative", floor=0.0).tolerance == pytest.approx(0.1 * least)
    assert planned("relative", 0.01, floor=0.0).tolerance == pytest.approx(0.01 * least)
    assert f"at the smallest |f| of 800 rows, {least:.3g}" in planned("relative", floor=0.0).notes[1].text
    assert planned("relative", floor=50.0).notes[1].text.endswith("at the floor, 50.")
    assert planned("scaled", scale=(4.0,)).tolerance == pytest.approx(0.4)
    zero = Function(name="density.csv", table=(x, np.maximum(y, 0.0)[:, None]))
    with pytest.raises(BadInput, match="is 0 somewhere"):
        budget(
            Problem(None, zero, Domain.from_samples(x), ErrorMeasure("relative", floor=0.0, tolerance=0.1))
        )


def test_rows_with_equal_inputs_and_different_values_are_told_and_rule_a_tolerance_out():
    """They were left out of every test in silence."""
    x, y = table()
    x, y = np.concatenate([x, x[:2]]), np.concatenate([y, [y[0], y[1] + 0.5]])
    loose, tight = (budget((x, y), tolerance=tolerance) for tolerance in (0.3, 0.2))
    for result in (loose, tight):
        repeat = "2 rows repeat the inputs of others, with values up to 0.5 apart."
        assert repeat in [note.text for note in result.notes]
    assert "no function" not in str(loose.verdict.evidence)
    assert tight.verdict.word == "unsuitable"
    assert "no function of these inputs has an error below 0.25 there" in tight.verdict.evidence[0].text
    assert "no function" not in str(budget((x, y), tolerance=0.2, norm="l2").verdict.evidence)
