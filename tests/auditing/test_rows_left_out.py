"""Rows of tables and laws that are not in the domain are counted and said, with the worst error among them."""

import numpy as np
import pytest

from supnorm import audit
from supnorm.problem import Domain, Function, Law, Problem
from supnorm.results import BadInput

SQUARE = Domain(a=(0.0, 1.0), b=(0.0, 1.0))


def table(x, y, name="table"):
    return Function(name=name, table=(x, y[:, None]))


def findings(report):
    return {f["code"]: f["text"] for f in report.document["findings"]}


def model(x):
    return x[:, 0]


def test_rows_outside_the_domain_are_counted_with_their_worst_error():
    rng = np.random.default_rng(0)
    x = rng.random((400, 2)) * [2.0, 1.0]
    outside = x[:, 0] > 1
    labels = x[:, 0] + 0.1 * np.where(outside, 3.0, 1.0)
    labels[np.flatnonzero(outside)[3]] += 7.0
    report = audit(Problem(model, table(x, labels), SQUARE, tolerance=0.2))
    text = findings(report)["rows-outside"]
    assert f"{outside.sum()} of the 400 rows" in text
    assert "largest error among them is 7.3 at a = 1." in text
    assert "above the tolerance" in text
    assert report.worst.error == pytest.approx(0.1)
    assert report.document["rms"]["n"] == (~outside).sum()


def test_a_model_that_is_no_function_out_there_leaves_the_count():
    def narrow(x):
        if (x > 1).any():
            raise BadInput("outside")
        return x[:, 0]

    x = np.linspace(0.0, 2.0, 41)[:, None] * np.ones((1, 2))
    text = findings(audit(Problem(narrow, table(x, x[:, 0]), SQUARE)))["rows-outside"]
    assert text.endswith("were not compared.")
    assert "20 of the 41 rows" in text


def test_arrays_of_different_rows_are_no_pairs():
    """Rows with equal inputs were looked up in either: which belong together is not known."""
    x = np.random.default_rng(0).random((60, 2))
    with pytest.raises(BadInput, match=r"have 50 and 51 rows: put both in one order"):
        Problem(table(x[:50], x[:50, 0]), table(x[:51], x[:51, 0]), SQUARE)
    swapped = x[[1, 0, *range(2, 60)]]
    with pytest.raises(BadInput, match=r"have different inputs, first in row 1: input 1 is "):
        Problem(table(swapped, x[:, 0]), table(x, x[:, 0]), SQUARE)


def test_points_of_a_law_outside_the_domain_are_counted():
    points = np.linspace(0.0, 4.0, 100)[:, None] * np.ones((1, 2))
    inside = (points <= 1).all(axis=1).sum()
    law = Law.from_samples(points, SQUARE, "use")
    report = audit(Problem(model, lambda x: x[:, 1], SQUARE, law=law), evaluations=300)
    assert f"{100 - inside} of the 100 points of the law" in findings(report)["law-outside"]
    whole = Law.from_samples(points / 4, SQUARE, "use")
    assert "law-outside" not in findings(
        audit(Problem(model, lambda x: x[:, 1], SQUARE, law=whole), evaluations=300)
    )


def test_rows_with_the_same_inputs_are_compared_each_with_its_own_label():
    x = np.random.default_rng(0).random((60, 2))
    twice = np.concatenate([x, x[10:12]])
    labels = np.concatenate([x[:, 0] + 0.01, [x[10, 0] + 3.0, np.nan]])
    report = audit(Problem(model, table(twice, labels), SQUARE))
    assert report.worst.error == pytest.approx(3.0)
    assert report.document["witness"]["row"] == 61
    assert report.document["rms"]["n"] == 61  # one has no label
    assert report.rms.value == pytest.approx(np.sqrt((9 + 60 * 1e-4) / 61))
    assert "rows-repeated" not in findings(report)


def test_rows_with_the_same_inputs_in_two_tables_are_compared_each_with_its_own_value():
    """The value of the first one was compared, in all of them."""
    x = np.random.default_rng(0).random((60, 2))
    twice = np.concatenate([x, x[10:12]])
    predicted = twice[:, 0] + 0.01
    predicted[60] += 4.0
    report = audit(Problem(table(twice, predicted), table(twice, twice[:, 0]), SQUARE))
    assert report.worst.error == pytest.approx(4.01)
    assert report.worst.row == 61
    assert findings(report)["rows-repeated"].startswith("2 of the rows repeat")
