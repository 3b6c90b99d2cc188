"""What the kinds of statements of several parts share: the parts that a statement needs, and what follows from them.

Written from docs/certificate-format.md, "Statements of several parts". The file is trusted in nothing: parts and claims are
made here, from its base programs and data, and compared with those of the file (`statements`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from supnorm.checker.cost import Meter
from supnorm.checker.derived import Derivation, Operations
from supnorm.checker.document import Document
from supnorm.checker.quoted import quoted

Ball = Any
Ends = tuple[Ball | None, Ball | None]  # balls around a lower and an upper end; None where nothing is proved
Claims = Mapping[str, tuple[float, float]]  # brackets of numbers, by name


@dataclass(frozen=True)
class Axes:
    """The axes of a box, in units of the inputs."""

    names: tuple[str, ...]
    log: tuple[bool, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    @property
    def shown(self) -> tuple[str, ...]:
        """The names as they stand in lines."""
        return tuple(map(quoted, self.names))


@dataclass(frozen=True)
class Expected:
    """A part that a statement needs: the size by ``side`` of one program of x, on a box."""

    program: Operations
    side: str
    axes: Axes


@dataclass(frozen=True)
class Given:
    """What a kind gets from the file: the axes, the base programs by name, and the data of the statement, unchecked."""

    axes: Axes
    programs: Mapping[str, Operations]
    data: Mapping[str, Any]


def bounding(given: Given, claims: Claims) -> str:
    """The verdict on brackets: "proved" where one of them has an upper end."""
    return "proved" if any(high < math.inf for _, high in claims.values()) else ""


@dataclass(frozen=True)
class Kind:
    """One kind of statement.

    Attributes:
        parts: the parts that the statement needs, by name, made with the derivation.
        claims: from brackets of the worst errors of the parts, by name, what is proved of each number that is claimed.
        words: what the statement says, in lines, from its claims.
        verdict: of an accepted file, from its claims: "proved", "refuted" or "undecided"; empty where it bounds nothing.
        conditions: what the claims assume and no part proves.
        later: claims that follow from the leaves of a part, by name, with the name of this part.
        integrals: what is proved of these, from all parts, once their leaves are proved.
        derived_from: the programs of which a part's is a derivative; none for a part about values. A derivative may exist
            where its function has no value, as 1/x of log x below zero.

    The first two raise `Rejected`, or any error of malformed data, where the statement is not well-formed or not true.
    """

    parts: Callable[[Given, Derivation], dict[str, Expected]]
    claims: Callable[[Given, Mapping[str, Ends]], dict[str, Ends]]
    words: Callable[[Given, Claims], tuple[str, ...]]
    verdict: Callable[[Given, Claims], str] = bounding
    conditions: tuple[str, ...] = ()
    later: Callable[[Given], dict[str, str]] = lambda given: {}
    integrals: Callable[[Given, Mapping[str, Document], Meter], dict[str, Ends]] = (
        lambda given, parts, meter: {}
    )
    derived_from: Callable[[Given, str], tuple[Operations, ...]] = lambda given, name: ()
