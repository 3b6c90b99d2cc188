"""Numbers in words: the table of report.md rule 4, and that no digit is ever wrong."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supnorm.results.numbers import ErrorUnit, in_range, num, percent, ratio, share, with_unit

SUPERSCRIPT = {c: d for d, c in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}


def read(text: str) -> float:
    """The number a reader would read."""
    sign = -1.0 if text.startswith("−") else 1.0
    text = text.lstrip("−").replace(",", "")
    found = re.fullmatch(r"(?:([\d.]+) × )?10(⁻?)([⁰-⁹¹²³]+)", text)
    if not found:
        return sign * float(text)
    exponent = int("".join(str(SUPERSCRIPT[c]) for c in found[3])) * (-1 if found[2] else 1)
    return sign * float(found[1] or 1) * 10.0**exponent


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.0, 3, "0"),
        (0.28, 3, "0.28"),
        (126449.0, 3, "126,000"),
        (0.0014, 3, "0.0014"),
        (1.96e-4, 3, "1.96 × 10⁻⁴"),
        (999.6, 3, "1,000"),
        (999_999.0, 3, "10⁶"),
        (0.0009999, 3, "0.001"),
        (953.176963, 6, "953.177"),
        (-0.99292, 5, "−0.99292"),
        (1e-300, 3, "10⁻³⁰⁰"),
        (math.inf, 3, "infinite"),
        (math.nan, 3, "no value"),
    ],
)
def test_num_table(value, digits, text):
    assert num(value, digits) == text


@given(st.floats(-1e200, 1e200).filter(lambda v: v == 0 or abs(v) > 1e-200), st.integers(2, 7))
def test_num_reads_back_to_its_digits(value, digits):
    shown = read(num(value, digits))
    assert abs(shown - value) <= 0.5000001 * 10.0 ** (1 - digits) * abs(value)


@given(st.floats(1e-12, 0.0994))
def test_small_shares_are_one_in_n(fraction):
    text = share(fraction)
    assert text.startswith("1 in ")
    assert read(text.removeprefix("1 in ")) == pytest.approx(1 / fraction, rel=0.051)


def test_shares_at_the_ends():
    assert [share(v) for v in (0.0, 1.0, 0.5, math.nan)] == ["none", "all", "50 %", "no value"]
    assert percent(0.0013) == "0.13 %"
    assert ratio(2.38e7) == "2.4 × 10⁷"


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_coordinates_resolve_a_thousandth_of_the_range(low, width):
    value = low + 0.3 * width
    assert abs(read(in_range(value, low, low + width)) - value) <= max(1e-3 * width, 6e-3 * abs(value))


def test_units():
    assert with_unit(9.772e7, "Pa") == "97.72 MPa"
    assert with_unit(129757.0, "Pa", 6) == "129.757 kPa"
    assert with_unit(math.nan, "K") == "no value"
    assert ErrorUnit("relative")(1264.5) == "126,000 %"
    assert ErrorUnit("relative").bare(1000.0) == "10⁵ %"
    assert ErrorUnit("absolute", "K", per_output=True)(3.2) == "3.2 × tolerance"
    assert ErrorUnit("absolute", "K")(math.inf) == "infinite"


def test_a_finite_error_is_finite_in_percent():
    """100 times 3e307 overflows: a page ended with a crash, and a line would call the error infinite."""
    relative = ErrorUnit("relative")
    assert relative(3e307) == relative.bare(3e307) == "3 × 10³⁰⁹ %"
    assert relative(math.inf) == "infinite"
