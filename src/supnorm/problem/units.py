r"""Whether two units are the same, in the ways in which people and files write them; nothing is converted.

A unit is a product of symbols with whole exponents: ``kg m-3``, ``kg/m3``, ``kg*m**-3`` and ``kilogram m^-3`` are one unit.
What cannot be read as such a product is the same only as itself.
"""

from __future__ import annotations

import re
from collections import Counter

SYMBOL = re.compile(r"(10|[^\W\d_]+(?:_[^\W\d]+)*|%|°[CKF]?)(?:\^|\*\*)?([+-]?\d{1,2})?")
# Names as the UDUNITS package and the tables of people have them, in lower case; the plural is understood.
NAMES = {
    "kelvin": "K", "degk": "K", "deg_k": "K", "degree_kelvin": "K", "°k": "K",
    "celsius": "degC", "degc": "degC", "deg_c": "degC", "degree_celsius": "degC", "degree_c": "degC", "°c": "degC",
    "fahrenheit": "degF", "degf": "degF", "deg_f": "degF", "degree_fahrenheit": "degF", "°f": "degF",
    "meter": "m", "metre": "m", "kilometer": "km", "kilometre": "km", "centimeter": "cm", "centimetre": "cm",
    "millimeter": "mm", "millimetre": "mm", "second": "s", "sec": "s", "minute": "min", "hour": "h", "hr": "h", "day": "d",
    "gram": "g", "gramme": "g", "kilogram": "kg", "kilogramme": "kg", "mole": "mol", "pascal": "Pa", "kilopascal": "kPa",
    "hectopascal": "hPa", "megapascal": "MPa", "millibar": "hPa", "joule": "J", "kilojoule": "kJ",
    "watt": "W", "newton": "N", "volt": "V", "hertz": "Hz", "radian": "rad", "percent": "%", "°": "degree", "deg": "degree",
    "degree_north": "degree", "degree_east": "degree", "degree_n": "degree", "degree_e": "degree", "degreen": "degree",
    "degreee": "degree",
}  # fmt: skip
SYMBOLS = {"mbar": "hPa"}  # their case counts: Mbar is another one
NONE = {"", "1", "-", "none", "unitless", "dimensionless", "nondimensional", "non-dimensional"}
POWERS = str.maketrans("⁻⁺⁰¹²³⁴⁵⁶⁷⁸⁹·×⋅µ−", "-+0123456789***μ-")


def same_unit(a: str, b: str) -> bool:
    """Whether two texts name one unit.

    >>> same_unit("W m-2", "W/m²"), same_unit("degrees_celsius", "°C"), same_unit("kg kg-1", "1")
    (True, True, True)
    >>> same_unit("K", "degC"), same_unit("m", "km"), same_unit("mm", "Mm")
    (False, False, False)
    """
    return _parts(a) == _parts(b)


def _parts(unit: str) -> object:
    """The exponent of each symbol, without those that are zero; the text itself where it is no such product."""
    text = " ".join(unit.translate(POWERS).split())
    if text.lower() in NONE:
        return frozenset()
    exponents: Counter[str] = Counter()
    quotient = re.split(r"\s*(?:/|\bper\b)\s*", text)
    for position, part in enumerate(quotient):
        factors = [f for f in re.split(r"(?<!\*)\*(?!\*)|[. ]", part.strip("() ")) if f not in ("", "1")]
        if position and len(factors) > 1 and not part.startswith("("):
            return text  # J/kg K: some divide by K, some multiply by it
        for factor in factors:
            match = SYMBOL.fullmatch(factor)
            if match is None:
                return text
            exponent = int(match[2] or 1)
            exponents[_symbol(match[1])] += -exponent if position else exponent
    return frozenset((name, n) for name, n in exponents.items() if n)


def _symbol(name: str) -> str:
    low = name.lower()
    plural = (low, low.removesuffix("s"), low.replace("degrees", "degree"))
    known = next((NAMES[p] for p in plural if p in NAMES and (len(p) > 1 or not p.isalpha())), None)
    return known or SYMBOLS.get(name) or (plural[2] if low.startswith("degree") else name)
