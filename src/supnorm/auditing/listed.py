"""Which points of a finite domain were evaluated one by one, and what that says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Domain
from supnorm.wording import Fact, Narrator, fact

Array = NDArray[np.float64]
NAMED = 20  # points without an error that are kept
SHOWN = 3  # of them, in the sentence


@dataclass
class Listed:
    """What an enumeration went through.

    Attributes:
        points: how many points the domain has.
        evaluated: how many of them were evaluated.
        failed: at how many of these there is no error, by the side that failed.
        masked: at how many the error does not count, by the mask of the problem.
        partial: at how many of the others the reference has a value in some outputs only.
        without: the first `NAMED` points that failed.
    """

    points: int
    evaluated: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    masked: int = 0
    partial: int = 0
    without: list[Array] = field(default_factory=list)

    @property
    def exhaustive(self) -> bool:
        """Whether every point was evaluated."""
        return self.evaluated == self.points

    @property
    def complete(self) -> bool:
        """Whether the error of every output is known, and counts, at every point."""
        return self.exhaustive and not sum(self.failed.values()) + self.masked + self.partial

    def facts(self, names: Sequence[str]) -> tuple[Fact, ...]:
        """What this means for the worst error; ``names`` are those of the inputs.

        >>> Listed(12, 7).facts(("n", "k"))
        (Fact(code='some-points', values={'n': 7, 'of': 12}),)
        """
        if not self.exhaustive:
            return (fact("some-points", n=self.evaluated, of=self.points),)
        none, but = sum(self.failed.values()), []
        if none:
            first = [
                fact("point", at=dict(zip(names, x.tolist(), strict=True))) for x in self.without[:SHOWN]
            ]
            but.append(fact("points-failed", n=none, first=tuple(first), more=none > SHOWN))
        if self.partial:
            but.append(fact("points-in-part", n=self.partial))
        if self.masked:
            but.append(fact("points-masked", n=self.masked))
        left = self.points - none - self.masked
        values = {"left": left, "other": left < self.points} if but and left else {}
        return (fact("all-points", of=self.points, but=tuple(but), **values),)

    def to_json(self, names: Sequence[str], say: Narrator) -> dict[str, Any]:
        """The key ``search`` of an audit's document."""
        return {
            "exhaustive": self.exhaustive,
            "complete": self.complete,
            "points": self.points,
            "evaluated": self.evaluated,
            "failed": dict(self.failed),
            "masked": self.masked,
            "partial": self.partial,
            "without_error": [dict(zip(names, map(float, x), strict=True)) for x in self.without],
            "text": say.text(*self.facts(names)),
        }


def unlisted_json(domain: Domain) -> dict[str, Any]:
    """The same where nothing was enumerated; ``points`` where it is known that the domain has finitely many."""
    points = None if domain.finite is None or domain.constraints else domain.finite.size
    return {
        "exhaustive": False,
        "complete": False,
        "points": points,
        "evaluated": None,
        "failed": {},
        "masked": 0,
        "partial": 0,
        "without_error": [],
        "text": "",
    }
