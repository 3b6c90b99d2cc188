"""Units as text: whether two spellings mean the same, and what two means suggest where a unit is missing."""

from __future__ import annotations

import re

from supnorm.problem.units import same_unit as same

# Spellings of files of fields, as the whole unit: "C" is coulomb elsewhere, and "mb" millibarn.
SAME = {
    "c": "degC", "C": "degC", "gpm": "m", "mb": "hPa", "HPA": "hPa", "(0 - 1)": "1", "fraction": "1", "~": "1",
}  # fmt: skip
MICRO = re.compile(r"(?<![^\W\d_])u(?=(?:g|m|mol|s|W)(?![^\W\d_]))")
# Ratios and the difference that a missing conversion leaves.
FACTORS = {100.0: "100 (Pa and hPa, or a fraction and percent)", 1000.0: "1,000 (m and mm, or kg and g)",
           9.80665: "9.80665 (geopotential and geopotential height)"}  # fmt: skip
KELVIN = 273.15  # 0 degrees Celsius, by definition


def same_unit(one: str, other: str) -> bool:
    """Whether two units are spelled differently at most; their case counts, as MPa is no mPa, and S no s.

    >>> same_unit("m s**-1", "m/s"), same_unit("K", "kelvin"), same_unit("K", "degC"), same_unit("kg kg-1", "kg/kg")
    (True, True, False, True)
    >>> same_unit("Mm", "mm"), same_unit("S m-1", "s m-1"), same_unit("HPA", "hPa"), same_unit("ug m-3", "µg/m3")
    (False, False, True, True)
    """
    return same(_plain(one), _plain(other))


def _plain(unit: str) -> str:
    text = MICRO.sub("μ", " ".join(unit.split()))
    return SAME.get(text, text)


def suspicion(prediction: float, truth: float) -> str:
    """What the means of prediction and truth suggest about their units; empty for nothing.

    >>> suspicion(101325.0, 1013.2), suspicion(15.1, 288.2), suspicion(1.0, 1.1)
    ('a factor of 100 (Pa and hPa, or a fraction and percent)', 'a difference of 273.15 (K and °C)', '')
    """
    if truth and prediction:
        ratio = abs(prediction / truth)
        for factor, words in FACTORS.items():
            if 0.97 < max(ratio, 1 / ratio) / factor < 1.03:
                return f"a factor of {words}"
    if 0.97 < abs(prediction - truth) / KELVIN < 1.03:
        return "a difference of 273.15 (K and °C)"
    return ""
