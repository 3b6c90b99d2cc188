"""Units as text: whether two spellings mean the same, and what two means suggest where a unit is missing."""

from __future__ import annotations

import re

SAME = {
    "kelvin": "k", "degk": "k", "deg_k": "k", "degrees_kelvin": "k",
    "celsius": "degc", "degree_celsius": "degc", "degrees_celsius": "degc", "deg_c": "degc", "c": "degc", "°c": "degc",
    "metre": "m", "meter": "m", "metres": "m", "meters": "m", "gpm": "m",
    "pascal": "pa", "hectopascal": "hpa", "millibar": "hpa", "mbar": "hpa", "mb": "hpa",
    "percent": "%", "dimensionless": "1", "": "1", "(0 - 1)": "1", "fraction": "1", "~": "1",
}  # fmt: skip
# Ratios and the difference that a missing conversion leaves.
FACTORS = {100.0: "100 (Pa and hPa, or a fraction and percent)", 1000.0: "1,000 (m and mm, or kg and g)",
           9.80665: "9.80665 (geopotential and geopotential height)"}  # fmt: skip
KELVIN = 273.15  # 0 degrees Celsius, by definition
# Their case counts: MPa is no mPa, and PW no pW.
MEGA = r"(?<![A-Za-z])M(?=(m|Pa|W|J|Hz|g|gC|N|V|A|L|l|bar|eV|t|Bq|cal|mol)(?![A-Za-z]))"
PETA = r"(?<![A-Za-z])P(?=(W|J|g|gC|eV|Hz|Bq)(?![A-Za-z]))"


def same_unit(one: str, other: str) -> bool:
    """Whether two units are spelled differently at most.

    >>> same_unit("m s**-1", "m/s"), same_unit("K", "kelvin"), same_unit("K", "degC"), same_unit("kg kg-1", "kg/kg")
    (True, True, False, True)
    >>> same_unit("Mm", "mm"), same_unit("MPa", "mPa"), same_unit("HPA", "hPa")
    (False, False, True)
    """
    return _plain(one) == _plain(other)


def _plain(unit: str) -> str:
    text = re.sub(PETA, "peta", re.sub(MEGA, "mega", unit.strip())).lower()
    text = SAME.get(text, text)
    text = text.replace("**", "").replace("^", "")
    head, *below = text.split("/")
    for part in below:
        head += " " + re.sub(r"^([a-z]+)(\d*)", lambda m: f"{m[1]}-{m[2] or 1}", part.strip())
    return " ".join(SAME.get(word, word) for word in re.sub(r"[.*\s]+", " ", head).split()) or "1"


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
