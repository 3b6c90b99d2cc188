"""The words of a proof: each template has a fact, each fact a template; numbers are written by one formatter."""

from __future__ import annotations

import math

import pytest
from tests.wording import templates

from supnorm.certification.verdict import WHY, digits_of
from supnorm.results.numbers import at_least, at_most
from supnorm.wording import fact
from supnorm.wording.certify import CERTIFY, TEMPLATES, narrator

NAMES = (
    "verdict",
    "record_parts",
    "obstacle",
    "measured",
    "result",
    "into_report",
    "error_program",
    "resume",
    "property_result",
    "deployed",
    "deployed_record",
    "roots",
    "root_tie",
    "root_result",
    "norms",
    "solved/flow_proof",
    "solved/flow_tie",
    "solved/integral_proof",
    "solved/integral_tie",
    "solved/result",
)
ROOMS = templates.trees(
    *(f"certification/{name}.py" for name in NAMES),
    "cli/certify.py",
    "cli/check_verdict.py",
    "cli/properties.py",
)


def test_each_fact_has_a_template() -> None:
    assert templates.facts(ROOMS) - {"end-"} <= set(TEMPLATES)


def test_each_template_has_a_fact() -> None:
    known = templates.texts(ROOMS) | {f"end-{end}" for end in (*WHY, "proved", "agreement")}
    assert set(TEMPLATES) - known == set()


def test_each_template_can_be_written() -> None:
    for text in templates.written(TEMPLATES).values():
        assert not set("{}") & set(text)


@pytest.mark.parametrize(("lower", "upper"), [(0.1, 0.2), (0.1, 0.10001), (1.0, 1.0 + 1e-12), (0.3, 0.3)])
def test_both_ends_of_a_bracket_are_shown_apart_and_outwards(lower: float, upper: float) -> None:
    digits = digits_of(lower, upper)
    assert (at_least(lower, digits) == at_most(upper, digits)) == (lower == upper)
    bracket = fact("proved-between", lower=lower, upper=upper, digits=digits)
    text = narrator("K").text(bracket)
    assert text.startswith(f"Proved: the worst error is between {at_least(lower, digits)} K and ")


def test_errors_have_the_unit_of_the_problem_or_are_multiples_of_tolerances() -> None:
    above = fact("witness-above", error=1.25, tolerance=1.0)
    assert narrator("kg/m³").text(above) == (
        "The error at the witness is 1.25 kg/m³, above the tolerance of 1 kg/m³."
    )
    assert narrator(per_output=True).text(above) == (
        "The error at the witness is 1.25 × tolerance, above the tolerance."
    )


def test_no_agreement_beyond_rounding_is_said_to_be_explained() -> None:
    text = CERTIFY.text(fact("agreement", points=256, difference=1e-16, branch=False))
    assert text == "what runs is what was read at 256 points within 10⁻¹⁶, explained by rounding in float64"
    assert "infinite" not in text
    assert math.inf not in fact("agreement", points=1).values.values()


def test_of_no_proved_volume_no_bound_is_said() -> None:
    share = {"share": 0.25, "target": 0.0123456}
    assert narrator("K").text(fact("proved-share", **share, any=True)) == (
        "25 % of the domain: the error is at most 0.0123456 K there"
    )
    assert narrator("K").text(fact("proved-share", share=0.0, target=0.01, any=False)) == "0 % of the domain"
