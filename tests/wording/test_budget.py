"""The words of a budget: each template has a fact, each fact a template; numbers are written by one formatter."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
from tests.wording import templates

from supnorm.results.numbers import at_least_from_log10
from supnorm.wording.budget import EXCEPTIONS, TEMPLATES

POWERS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
ROOMS = templates.trees("planning", "wording/budget_record.py")


def test_each_fact_has_a_template() -> None:
    assert templates.facts(ROOMS) - {"stopped-"} <= set(TEMPLATES)  # the codes of stages are put together


def test_each_template_has_a_fact() -> None:
    known = templates.texts(ROOMS) | {f"stopped-{stage}" for stage in ("profile", "table", "curve", "pilot")}
    assert set(TEMPLATES) - known == set()
    assert set(EXCEPTIONS) - known == set()


def test_each_template_can_be_written() -> None:
    for text in templates.written(TEMPLATES).values():
        assert not set("{}") & set(text.replace("word", ""))


@given(st.floats(0.0, 400.0))
def test_a_lower_bound_of_samples_is_rounded_down(log10: float) -> None:
    mantissa, _, power = at_least_from_log10(log10).replace(",", "").partition(" × 10")
    if mantissa.startswith("10") and set(mantissa[2:]) & set(POWERS):
        mantissa, power = "1", mantissa[2:]
    exponent = int(power.translate(str.maketrans(POWERS, "0123456789")) or 0)
    shown = math.log10(float(mantissa)) + exponent
    assert log10 - math.log10(2.0) <= shown <= log10 + 1e-9
