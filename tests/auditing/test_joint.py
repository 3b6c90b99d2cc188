"""An error function that gives one number for all outputs: which of them is shown, and what is said."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from supnorm import audit, open_problem
from supnorm.auditing.joint import is_joint, with_output
from supnorm.cli.main import app
from supnorm.pages import summary
from supnorm.pages.page import page
from supnorm.problem import Domain, ErrorMeasure, Function, Problem
from supnorm.results import Witness

SQUARE = Domain(a=(0.0, 1.0), b=(0.0, 1.0))


def both(x):
    return np.stack([np.sin(3 * x[:, 0]), x[:, 1]], axis=1)


def shifted(x):
    bump = 0.05 * np.exp(-((x - [0.7, 0.3]) ** 2).sum(axis=1) / 0.01)
    return both(x) + np.stack([0 * bump, bump], axis=1)


def broken(x):
    y = shifted(x)
    y[(x > 0.9).all(axis=1), 1] = np.nan
    return y


def length(model, reference, x):
    return np.linalg.norm(model - reference, axis=1)


def audited(model, function=length, **asked):
    measure = ErrorMeasure("function", function=function)
    reference = Function(both, outputs=("s1", "s2"))
    return audit(Problem(model, reference, SQUARE, measure, **asked), evaluations=1000)


def test_the_output_that_contributes_most_is_shown() -> None:
    report = audited(shifted, tolerance=0.1)
    data = report.to_dict()
    assert report.worst.error == pytest.approx(0.05, rel=1e-3)
    assert data["witness"]["output"] == "s2"
    assert data["charts"]["output"] == "s2"
    assert data["measure"]["joint"] is True
    assert data["norms_over_outputs"] is None
    assert "in s2" not in report.explain()


def test_nobody_says_that_a_joint_error_is_in_one_output() -> None:
    report = audited(shifted)
    worst = next(line for line in summary(report).splitlines() if "worst found" in line)
    assert "s2" not in worst
    assert "one of all outputs together; most of it comes from s2" in page(report.record)


def test_an_infinite_joint_error_has_its_cause() -> None:
    report = audited(broken)
    assert report.worst.error == np.inf
    found = {f["code"]: f["text"] for f in report.document["findings"]}
    assert "no-model-value" in found
    assert "infinite-error" not in found
    assert report.document["witness"]["output"] == "s2"
    assert "no finite value" in page(report.record)


def test_an_error_of_each_output_keeps_its_own() -> None:
    each = audited(shifted, lambda model, reference, x: np.abs(model - reference))
    assert each.document["measure"]["joint"] is False
    assert each.document["norms_over_outputs"] is not None
    assert " in s2" in summary(each)


def test_of_many_outputs_the_one_that_lowers_the_error_most() -> None:
    """Not the one that differs most: the error function weighs them."""
    rng = np.random.default_rng(0)
    weight = rng.random(2000)
    measure = ErrorMeasure(
        "function", function=lambda model, reference, x: np.abs(model - reference) @ weight
    )
    reference = rng.random(2000)
    model = reference + rng.random(2000)
    witness = Witness(np.zeros(1), model, reference, 1.0, 0)
    gap = model - reference
    most = np.argsort(-gap)[:500]
    assert is_joint(measure, witness)
    assert with_output(measure, witness).output == most[np.argmax((gap * weight)[most])] != np.argmax(gap)


@pytest.mark.slow
def test_replay_names_the_same_output(tmp_path: Path) -> None:
    (tmp_path / "truth.py").write_text(
        "import numpy as np\n"
        "def truth(x): return np.stack([x[:, 0], x[:, 0] ** 2], axis=1)\n"
        "def model(x): return truth(x) + [0.0, 0.1]\n"
        "def length(model, reference, x): return np.linalg.norm(model - reference, axis=1)\n"
    )
    (tmp_path / "problem.toml").write_text(
        '[model]\npython = "truth.py:model"\n[reference]\npython = "truth.py:truth"\noutputs = ["s1", "s2"]\n'
        '[error]\nkind = "function"\npython = "truth.py:length"\n[domain]\nx = [0.0, 1.0]\n'
    )
    audit(open_problem(tmp_path / "problem.toml"), evaluations=500).save(tmp_path / "run")
    done = CliRunner().invoke(
        app, ["replay", str(tmp_path / "run"), "--problem", str(tmp_path / "problem.toml"), "--json"]
    )
    assert '"output": "s2"' in done.stdout


def test_an_error_function_without_a_number_is_named_and_not_the_reference() -> None:
    def own(model, reference, x):
        return np.where(x[:, 0] > 0.9, np.nan, np.abs(model - reference).max(axis=1))

    def reference(x):
        return np.column_stack([x[:, 0], np.where(x[:, 0] < 0.1, np.nan, 0.0)])

    for values, name, said in (
        (
            lambda x: np.column_stack([x[:, 0], 0 * x[:, 0]]),
            "The error function has no value",
            "it gives no number",
        ),
        (reference, "The reference or the error function has no value", "not finite in some outputs"),
    ):
        problem = Problem(
            lambda x: np.column_stack([x[:, 0] ** 2, 0 * x[:, 0]]),
            values,
            Domain(x=(0.0, 1.0)),
            ErrorMeasure("function", function=own),
        )
        report = audit(problem, evaluations=1000, power=False)
        text = next(f["text"] for f in report.document["findings"] if f["code"] == "reference-failed")
        assert text.startswith(name)
        assert any(said in cause["message"] for cause in report.document["failures"]["causes"])


def test_outputs_of_an_error_that_has_no_number_for_them_are_not_the_ones_it_comes_from() -> None:
    def own(model, reference, x):
        gap = np.abs(model - reference)
        return gap.sum(axis=1) / np.where(gap[:, 0] > 0, gap[:, 0] > 0, np.nan)

    def strict(model, reference, x):
        if (model == reference).any():
            raise ValueError("division by zero")
        return np.abs(model - reference).sum(axis=1)

    witness = Witness(np.zeros(1), np.array([1.0, 5.0]), np.array([1.1, 2.5]), 2.6, 0)
    for function in (own, strict):
        assert with_output(ErrorMeasure("function", function=function), witness).output == 1


def test_a_model_without_a_value_in_one_output_is_named_where_each_has_an_error() -> None:
    report = audited(broken, lambda model, reference, x: np.abs(model - reference))
    assert report.worst.error == np.inf
    assert {f["code"] for f in report.document["findings"]} == {"no-model-value"}
    assert report.document["witness"]["output"] == "s2"


def test_who_gives_no_number_in_some_outputs_is_told() -> None:
    def own(model, reference, x):
        return np.where([[False, True]] & (x[:, :1] > 0.5), np.nan, np.abs(model - reference))

    found = {f["code"]: f["text"] for f in audited(shifted, own).document["findings"]}
    assert (
        "the error function or the reference gives a number in some outputs only"
        in found["output-without-value"]
    )
