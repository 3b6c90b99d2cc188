"""Which points of a finite domain were evaluated one by one, and what that says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Domain
from supnorm.results.audit import CoverageRecord
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


def coverage(listed: Listed | None, domain: Domain, say: Narrator) -> CoverageRecord:
    """The part ``search`` of an audit's record; ``points`` also where it is known that finitely many exist."""
    if listed is None:
        size = None if domain.finite is None or domain.constraints else domain.finite.size
        listed, text = Listed(-1 if size is None else size), ""
    else:
        size, text = listed.points, say.text(*listed.facts(domain.names))
    return CoverageRecord(
        exhaustive=listed.exhaustive,
        complete=listed.complete,
        points=size,
        evaluated=listed.evaluated if text else None,
        failed=listed.failed,
        masked=listed.masked,
        partial=listed.partial,
        without_error=tuple(map(domain.describe, listed.without)),
        text=text,
    )
