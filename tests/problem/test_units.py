"""Units are compared and never converted: the same ones in other words are the same, and no two different ones are."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest

from supnorm.problem import Domain, Function, Problem
from supnorm.problem.units import same_unit
from supnorm.results import BadInput

FAMILIES = [
    ["K", "kelvin", "degK", "Kelvin", "degrees_kelvin"],
    ["degC", "°C", "Celsius", "degrees_celsius", "degree_C", "deg_C"],
    ["degF", "°F", "fahrenheit"],
    ["kg m-3", "kg/m3", "kg m^-3", "kg*m**-3", "kg m⁻³", "kg·m-3", "kg / m^3", "kilogram m-3", "kg per m3"],
    ["g m-3", "g/m3"],
    ["m s-1", "m/s", "metre/second", "m.s-1", "meters s-1"],
    ["m s-2", "m/s2", "m/s/s"],
    ["mm", "millimeters"],
    ["Mm"],
    ["Mbar"],
    ["", "1", "kg kg-1", "kg/kg", "m/m", "dimensionless"],
    ["%", "percent"],
    ["Pa", "pascal", "Pascals"],
    ["hPa", "mbar", "millibars", "hectopascal"],
    ["W m-2", "W/m²", "watt/m2"],
    ["J kg-1 K-1", "J/kg/K", "J/(kg K)"],
    ["S"],
    ["s", "second", "sec"],
    ["days since 2020-01-01"],
    ["days since 2021-01-01"],
    ["mol m-3", "mole/m3"],
    ["dBZ"],
    ["log10(Pa)"],
    ["J/kg K"],
    ["1e-3 kg m-3"],
    ["degree", "degrees", "°", "degrees_north", "degree_east", "degrees_E", "degreesN"],
]  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f[0] or "none")
def test_one_unit_in_several_words_is_one(family: list[str]) -> None:
    assert all(same_unit(a, b) for a, b in product(family, family))


def test_two_units_are_two() -> None:
    for one, other in combinations(FAMILIES, 2):
        assert not any(same_unit(a, b) for a, b in product(one, other))


@pytest.mark.parametrize(
    "text", ["(", "K{", "\x1b[2J", "m^", "/", "//", "***", "9" * 5000, "m" + "9" * 5000, " ", "∂"]
)
def test_a_text_that_is_no_unit_is_the_same_as_itself(text: str) -> None:
    assert same_unit(text, text)
    assert not same_unit(text, "kg")


def test_functions_that_state_two_units_are_refused() -> None:
    def side(*units: str) -> Function:
        return Function(lambda x: np.repeat(x, 2, 1), output_units=units)

    domain = Domain(x=(0.0, 1.0))
    with pytest.raises(BadInput, match="output 2 of the model is in g, that of the reference in kg"):
        Problem(side("K", "g"), side("K", "kg"), domain)
    with pytest.raises(BadInput, match="output 1 of the recheck is in m, that of the reference in K"):
        Problem(None, side("K", "kg"), domain, recheck=side("m", "kg"))
    Problem(side("kelvin", ""), side("K", "kg"), domain)
    Problem(side(), side("K", "kg"), domain)
