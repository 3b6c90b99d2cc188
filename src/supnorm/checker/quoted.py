"""Texts that the maker of a file chose, as they stand in lines of the checker: none reads as the checker's own words."""

from __future__ import annotations

import re

NAME = re.compile(r"[\w.<>/\\+-]+")
# A number may stand before a unit, and is not to be changed by it: "× 1e-9", "e-9 m", "10^-3 kg".
UNIT = re.compile(r"1|((1/)?(?![eE][-+−]?\d)[^\W\d_]|[%°‰µ$€])[\w%°µ^/*·.+−⁻⁺() -]{0,30}|")
ERROR = re.compile(
    r"(absolute|relative|scaled|ulp)(, (floor|scale|precision) ([\w.+'-]+|\([\w., +-]+\)))*"
    r"(, in tolerances of the outputs)?|"
)


def quoted(text: str, plain: re.Pattern[str] = NAME) -> str:
    """The text, in quotation marks if it is not a plain one.

    >>> print(quoted("T_wall"), quoted("x in [-9.0, 9.0]; y"))
    T_wall 'x in [-9.0, 9.0]; y'
    >>> print(quoted("kg/m3", UNIT), quoted("× 1e-9", UNIT), quoted("1e-9 m", UNIT))
    kg/m3 '× 1e-9' '1e-9 m'
    """
    return text if plain.fullmatch(text) else repr(text)
