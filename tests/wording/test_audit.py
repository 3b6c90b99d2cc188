"""The words of an audit: each fact has a template and each template a fact; numbers are formatted and none is hidden."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from tests.bank import BANK
from tests.problems import Instance
from tests.wording import templates

from supnorm.auditing import audit
from supnorm.problem import Axis, Domain, ErrorMeasure, Function, Law, Problem
from supnorm.results import numbers
from supnorm.results.audit import AuditRecord, Finding
from supnorm.results.parts import Fact
from supnorm.wording import explanation, findings, notes, verdict
from supnorm.wording.result import AUDIT, narrator

ROOMS = ("auditing", "certification/computed.py")
# What no sentence has: numbers that were not formatted, and seams between its parts.
BARE = re.compile(r"\d\.\d{7,}|\de[-+]?\d|\bnan\b|\binf\b|np\.|[{}⟨⟩]|  | [.,:](?!\.)")


def test_each_fact_has_a_template_and_each_template_a_fact() -> None:
    trees = templates.trees(*ROOMS)
    assert templates.facts(trees) <= set(AUDIT)
    assert set(AUDIT) - templates.texts(trees) == set()
    parts = [m.TEMPLATES for m in (verdict, explanation, findings, notes)]
    assert sum(map(len, parts)) == len(AUDIT), "a code stands twice"


def test_each_template_can_be_written() -> None:
    for text in templates.written(AUDIT).values():
        assert not set("{}|") & set(text), text


def shown(value: Any) -> Iterator[float]:
    """The numbers among the values of a fact."""
    if isinstance(value, Fact):
        yield from shown(value.values)
    elif isinstance(value, bool | str):
        return
    elif isinstance(value, int | float):
        yield value
    else:
        for inner in value.values() if hasattr(value, "values") else value:
            yield from shown(inner)


def assert_readable(finding: Finding, text: str, record: AuditRecord) -> None:
    """No number in the text is bare, and each number of the finding is in it."""
    rest = text
    for exact in (numbers.exact(value) for value in shown(finding.values)):
        rest = rest.replace(exact, "0") if "gives" in text else rest  # values of which each digit counts
    assert not BARE.search(rest), text
    error = narrator(record.measure).error
    for value in shown(finding.values):
        written = {
            numbers.count(value) if float(value).is_integer() else "",
            numbers.percent(value),
            numbers.percent(value, 3),
            numbers.exact(value),
            *(numbers.num(value, digits) for digits in (3, 4, 6)),
            *(error(value, digits) for digits in (3, 6)),
        }
        assert any(form and form in text for form in written), (finding, value, text)


def assert_without_seams(record: AuditRecord) -> None:
    """The other sentences of a result have no bare number, and no seam between their parts."""
    for text in (record.status.advice, record.explanation, record.power_left_out, *record.notes):
        assert not BARE.search(text), text


@pytest.mark.slow
@pytest.mark.parametrize("instance", BANK, ids=lambda i: i.name)
def test_findings_of_the_bank_show_their_numbers(instance: Instance) -> None:
    record = audit(instance.problem, evaluations=1000, power=True).record
    for finding in record.findings:
        assert_readable(finding, finding.text, record)
    assert_without_seams(record)


def table(model: Any, reference: Any, rows: int = 40, shift: float = 0.0) -> Problem:
    """Two columns of values over points of which some lie outside the domain and some lack an input."""
    rng = np.random.default_rng(0)
    x = rng.random((rows, 2)) * [1.0 + shift, 1.0]
    sides = (Function(name=n, table=(x, f(x)[:, None])) for n, f in (("p", model), ("t", reference)))
    return Problem(*sides, Domain(a=(0.0, 1.0), b=(0.0, 1.0)), tolerance=0.2)


def made() -> dict[str, Problem]:
    """A problem for each kind of finding."""
    square = Domain(a=(0.0, 1.0), b=(0.0, 1.0))
    smooth = lambda x: 0.1 + x[:, 0]  # noqa: E731
    half = lambda x: np.where(x[:, 0] > 0.5, np.nan, x[:, 0])  # noqa: E731
    few = lambda x: np.where(x[:, 0] > 0.98, np.nan, x[:, 0])  # noqa: E731
    last = lambda x: np.column_stack([x[:, 0], few(x)])  # noqa: E731
    points = np.linspace(0.0, 4.0, 100)[:, None] * np.ones((1, 2))
    law = Law.from_samples(points, square, "use")
    return {
        "model fails": Problem(half, smooth, square),
        "ignored": Problem(few, smooth, square, ErrorMeasure(failures="ignore")),
        "reference fails": Problem(smooth, half, square),
        "zero": Problem(smooth, lambda x: 0 * x[:, 0], square, ErrorMeasure("relative", floor=0.0)),
        "one output": Problem(lambda x: 0.5 + np.column_stack([x[:, 0], x[:, 0]]), last, square),
        "law": Problem(smooth, half, square, law=law),
        "data": Problem(smooth, lambda x: x[:, 1], square, data=np.random.default_rng(0).random((40, 2)) / 2),
        "outside": table(smooth, lambda x: 1.7 * x[:, 0], shift=1.0),
        "no rows": table(half, smooth),
        "no truth": table(smooth, half),
        "repeated": table(lambda x: x.round()[:, 0], lambda x: x[:, 0].round(1)),
        "batch": Problem(lambda x: x[:, 0] + 1e-3 * (len(x) >= 50), lambda x: x[:, 0] ** 2, square),
        "recheck": Problem(smooth, lambda x: x[:, 1], square, recheck=half),
        "steps": Problem(lambda x: np.floor(9 * x[:, 0]), lambda x: np.floor(7 * x[:, 0]), square),
        "listed": Problem(few, smooth, Domain(n=Axis(values=(0.9, 0.95, 0.99)), m=Axis(values=(1, 2)))),
    }


@pytest.mark.parametrize("name", made())
def test_findings_show_their_numbers(name: str) -> None:
    record = audit(made()[name], evaluations=300).record
    assert record.findings or name in ("recheck", "repeated", "steps")
    for finding in record.findings:
        assert_readable(finding, finding.text, record)
        again = Finding.model_validate(finding.to_dict(), context={"supnorm": "read"})
        assert narrator(record.measure).text(again) == finding.text
    assert_without_seams(record)


def test_a_limit_that_says_nothing_is_left_out() -> None:
    """It was "at most 100 %"."""
    measure = ErrorMeasure("relative", floor=0.0)
    square = Domain(a=(0.0, 1.0), b=(0.0, 1.0))
    zero = lambda x: np.where(x[:, 0] > 0.004, 0.0, 1.0)  # noqa: E731
    for reference in (zero, lambda x: 0 * x[:, 0]):
        record = audit(Problem(lambda x: 2 + x[:, 0], reference, square, measure), evaluations=300).record
        (finding,) = (f for f in record.findings if f.code == "zero-reference")
        assert "at_most" not in finding.values
        assert "at most 100 %" not in finding.text


def test_an_error_that_is_everywhere_the_same_is_as_large_as_its_average() -> None:
    """It was "1 times the RMS"."""
    record = audit(
        Problem(lambda x: 0.1 + x[:, 0], lambda x: x[:, 0], Domain(a=(0.0, 1.0))), evaluations=100
    ).record
    assert record.explanation.startswith(
        "The worst error found, 0.1, is as large as the RMS of 20 random points, 0.1."
    )


def test_numbers_in_sentences_are_written_by_the_formatter() -> None:
    found = templates.number_formats(templates.trees(*ROOMS))
    assert [line for line in found if "{p:g}" not in line] == []  # in the key of a norm, as L2
