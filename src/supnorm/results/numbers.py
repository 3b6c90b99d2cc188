"""Numbers as people read them: three digits, thousands with commas, powers of ten only where they help.

This file formats every number of the page, of the terminal and of the sentences in results, so that all say the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from supnorm.results.outward import rounded_down, rounded_up

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def superscript(exponent: int) -> str:
    """
    >>> superscript(-12)
    '⁻¹²'
    """
    return str(exponent).translate(_SUPERSCRIPT)


def num(value: float, digits: int = 3) -> str:
    """``value`` with ``digits`` significant digits; powers of ten below 10⁻³ and from 10⁶ on.

    >>> num(1234.5), num(-0.25), num(5.31e-5), num(1.3e6), num(1e-4), num(float("nan")), num(float("inf"))
    ('1,230', '−0.25', '5.31 × 10⁻⁵', '1.3 × 10⁶', '10⁻⁴', 'no value', 'infinite')
    """
    if math.isnan(value):
        return "no value"
    if math.isinf(value):
        return "infinite" if value > 0 else "−infinite"
    if value == 0:
        return "0"
    mantissa, exponent_text = f"{value:.{digits - 1}e}".split("e")
    exponent = int(exponent_text)
    if exponent < -3 or exponent >= 6:
        return _power(_trim(mantissa), exponent)
    decimals = max(0, digits - 1 - exponent)
    return _minus(_trim(f"{float(f'{mantissa}e{exponent}'):,.{decimals}f}"))


def _power(mantissa: str, exponent: int) -> str:
    sign = "−" if mantissa.startswith("-") else ""
    mantissa = mantissa.lstrip("-")
    head = "" if mantissa == "1" else f"{mantissa} × "
    return f"{sign}{head}10{superscript(exponent)}"


def _trim(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _minus(text: str) -> str:
    return text.replace("-", "−")


def exact(value: float) -> str:
    """``value`` with as many digits as distinguish it from any other number.

    >>> exact(0.1), exact(300.0001), exact(0.1 + 0.2)
    ('0.1', '300.0001', '0.30000000000000004')
    """
    return num(value, next((d for d in range(1, 17) if float(f"{value:.{d}g}") == value), 17))


def ratio(value: float) -> str:
    """A ratio: two digits.

    >>> ratio(2.384e7), ratio(27.9), ratio(0.68)
    ('2.4 × 10⁷', '28', '0.68')
    """
    return num(value, 2)


def at_most(value: float, digits: int = 3) -> str:
    """An upper bound: rounded up, so that the number shown is a bound too.

    >>> at_most(0.20611), at_most(0.218)
    ('0.207', '0.218')
    """
    return num(rounded_up(value, digits), digits)


def at_least(value: float, digits: int = 3) -> str:
    """A lower bound: rounded down.

    >>> at_least(0.20691)
    '0.206'
    """
    return num(rounded_down(value, digits), digits)


def from_log10(log10: float | None, write: Callable[[float], str] = num) -> str:
    """A number of any size from its power of ten; a dash where there is none.

    >>> from_log10(2.0), from_log10(27.5), from_log10(770.0), from_log10(math.inf), from_log10(None)
    ('100', '3.16 × 10²⁷', '10⁷⁷⁰', 'infinite', '–')
    """
    if log10 is None or math.isnan(log10):
        return "–"
    if log10 < 6:
        return f"{10**log10:,.0f}"
    if log10 < 300 or math.isinf(log10):
        return write(10.0**log10)
    exponent = math.floor(log10)
    return _power(write(10.0 ** (log10 - exponent)), exponent)


def at_least_from_log10(log10: float) -> str:
    """A lower bound of any size from its power of ten: rounded down, so that the number shown is a bound too.

    >>> at_least_from_log10(math.log10(81)), at_least_from_log10(math.log10(40.9)), at_least_from_log10(27.501)
    ('81', '40', '3.16 × 10²⁷')
    """
    if log10 >= 6:
        return from_log10(log10, at_least)
    value = 10.0**log10
    whole = round(value)
    return count(whole if abs(value - whole) <= 1e-9 * value else math.floor(value))


def beyond_one(value: float) -> str:
    """A number above 1 in three digits, or in as many as distinguish it from 1.

    >>> beyond_one(1.5), beyond_one(1.0000123), beyond_one(1.0)
    ('1.5', '1.00001', '1')
    """
    return next((shown for digits in range(3, 17) if (shown := num(value, digits)) != "1"), "1")


def literal(value: float, digits: int = 3) -> str:
    """A number as a command line takes it.

    >>> literal(0.00123, 2), literal(5e-7)
    ('0.0012', '5e-07')
    """
    return f"{value:.{digits}g}"


def count(number: float | None) -> str:
    """A count of evaluations or points: exact.

    >>> count(66796)
    '66,796'
    """
    return "no value" if number is None else f"{int(number):,}"


def percent(fraction: float, digits: int = 2) -> str:
    """In percent; less than the whole is never 100 %.

    >>> percent(0.0013), percent(0.5), percent(0.99999), percent(0.99999, 4)
    ('0.13 %', '50 %', 'over 99 %', 'over 99.99 %')
    """
    whole, text = num(100, digits), num(100 * fraction, digits)
    return f"over {100 - 10 ** (2 - digits):g} %" if fraction < 1 and text == whole else f"{text} %"


def share(fraction: float) -> str:
    """A share of the domain: in percent from 10 % on, below that as "1 in N".

    >>> share(0.12), share(1 / 6700), share(1.0), share(0.0)
    ('12 %', '1 in 6,700', 'all', 'none')
    """
    if math.isnan(fraction):
        return "no value"
    if fraction <= 0:
        return "none"
    if fraction >= 1:
        return "all"
    return percent(fraction) if fraction >= 0.0995 else f"1 in {num(1 / fraction, 2)}"


_SPELLED = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def spelled(number: int) -> str:
    """
    >>> spelled(5), spelled(12)
    ('five', '12')
    """
    return _SPELLED[number] if 0 <= number <= 10 else count(number)


def with_unit(value: float, unit: str, digits: int = 4) -> str:
    """A value with its unit; pascal become kPa or MPa where that is shorter.

    >>> with_unit(129757.0, "Pa"), with_unit(380.2, "K"), with_unit(0.5, "")
    ('129.8 kPa', '380.2 K', '0.5')
    >>> with_unit(999998.2, "Pa"), with_unit(999998.2, "Pa", 6), with_unit(999.2, "Pa")
    ('1 MPa', '999.998 kPa', '999.2 Pa')
    """
    if unit == "Pa" and math.isfinite(value):
        for factor, name in ((1e6, "MPa"), (1e3, "kPa")):
            if abs(float(f"{value:.{digits - 1}e}")) >= factor:  # 999,998 Pa are 1 MPa, and not 1,000 kPa
                return f"{num(value / factor, digits)} {name}"
    return f"{num(value, digits)} {unit}".rstrip() if math.isfinite(value) else num(value)


def pretty_unit(unit: str) -> str:
    """A unit as it is printed.

    >>> pretty_unit("kg/m3"), pretty_unit("degC"), pretty_unit("s^-1"), pretty_unit("Pa")
    ('kg/m³', '°C', 's⁻¹', 'Pa')
    """
    unit = {"degC": "°C", "deg": "°", "degree": "°"}.get(unit, unit)
    return re.sub(r"(?<=[A-Za-z])\^?(-?\d)(?![\w.])", lambda found: superscript(int(found[1])), unit)


def decimals_of(span: float) -> int:
    """Decimals that resolve a ten-thousandth of ``span``."""
    return max(0, math.floor(4 - math.log10(span))) if span > 0 else 3


def in_range(value: float, low: float, high: float) -> str:
    """A coordinate with as many decimals as its range asks for.

    >>> in_range(0.61342, -2.0, 40.0), in_range(380.2044, 275.0, 1070.0)
    ('0.61', '380.2')
    """
    if not math.isfinite(value):
        return num(value)
    text = f"{value:,.{decimals_of(high - low)}f}"
    if value != 0 and (
        float(text.replace(",", "")) == 0 or max(abs(low), abs(high)) < 1e-2 or len(text) > 11
    ):
        return num(value)
    return _minus(_trim(text))


@dataclass(frozen=True)
class ErrorUnit:
    """How errors are written: relative ones in percent, absolute ones with their unit, per-output ones as
    multiples of the tolerance.

    >>> ErrorUnit("relative")(0.0123), ErrorUnit("absolute", "kg/m³")(0.0014)
    ('1.23 %', '0.0014 kg/m³')
    >>> ErrorUnit("absolute", "Pa")(12300.0)
    '12.3 kPa'
    """

    kind: str
    unit: str = ""
    per_output: bool = False

    @property
    def suffix(self) -> str:
        """What follows the number, with its space."""
        if self.per_output:
            return " × tolerance"
        if self.kind == "relative":
            return " %"
        return f" {self.unit}" if self.unit else ""

    @property
    def factor(self) -> float:
        """From the number in the JSON to the number shown."""
        return 100.0 if self.kind == "relative" and not self.per_output else 1.0

    def __call__(self, value: float, digits: int = 3) -> str:
        """``value`` in words and unit."""
        if not math.isfinite(value):
            return num(value)
        if self.suffix == " Pa":  # as values are written
            return with_unit(value, "Pa", digits)
        return f"{self._shown(value, digits)}{self.suffix}"

    def _shown(self, value: float, digits: int) -> str:
        """The number without its unit; a finite error is finite in percent, too."""
        shown = value * self.factor
        if math.isfinite(shown) or not math.isfinite(value):
            return num(shown, digits)
        return from_log10(math.log10(abs(value)) + math.log10(self.factor))

    def bare(self, value: float, digits: int = 3) -> str:
        """The number with % but without a physical unit, for tick labels; 10⁵ % from there on."""
        if self.suffix == " %":
            shown = value * self.factor
            power = math.log10(shown) if 0 < shown < math.inf else 0.0
            if power >= 5 and abs(power - round(power)) < 1e-9:
                return f"10{superscript(round(power))} %"
        return self._shown(value, digits) + (" %" if self.suffix == " %" else "")

    @property
    def name(self) -> str:
        """The name of the error on an axis, with its unit."""
        if self.per_output:
            return "|error| / tolerance"
        if self.kind == "scaled":
            return "|error| / scale"
        if self.kind == "function":
            return "error"
        return f"|error|, {self.unit}" if self.unit and self.kind != "relative" else "|error|"
