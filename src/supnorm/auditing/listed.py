"""Which points of a finite domain were evaluated one by one, and what that says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Domain

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

    def text(self, names: Sequence[str]) -> str:
        """What this means for the worst error, in a sentence or two; ``names`` are those of the inputs.

        >>> print(Listed(12, 12).text(("n", "k")))
        All 12 points of the domain were evaluated: the worst error is that of the point reported, as computed in \
floating point; no worse point exists.
        """
        if not self.exhaustive:
            return (
                f"{self.evaluated:,} of the {self.points:,} points of the domain were evaluated; a worse one may be "
                "among the others."
            )
        if self.points == 1:
            every = "The only point of the domain was evaluated"
        else:
            every = f"All {self.points:,} points of the domain were evaluated"
        left = self.points - sum(self.failed.values()) - self.masked
        if not left:
            return f"{every}: {self._exceptions(names)}."
        if self.complete:
            return (
                f"{every}: the worst error is that of the point reported, as computed in floating point; no worse "
                "point exists."
            )
        rest = " other" if left < self.points else ""
        kept = f"the one{rest} point" if left == 1 else f"the {left:,}{rest} points"
        return (
            f"{every}, but {self._exceptions(names)}. Of {kept} none has a worse error than the one reported, as "
            "computed in floating point."
        )

    def _exceptions(self, names: Sequence[str]) -> str:
        """At which points no error is known or counts, and why."""
        said, none = [], sum(self.failed.values())
        if none:
            where = [
                ", ".join(f"{name} = {v:.6g}" for name, v in zip(names, x, strict=True))
                for x in self.without[:SHOWN]
            ]
            more = "; ..." if none > SHOWN else ""
            said.append(
                f"at {none:,} of them no error is known, because a function failed or gave no finite value there "
                f"({'; '.join(where)}{more})"
            )
        if self.partial:
            said.append(f"at {self.partial:,} of them the reference has a value in some outputs only")
        if self.masked:
            said.append(f"at {self.masked:,} of them the error does not count, by the mask of the problem")
        return ", and ".join(said)

    def to_json(self, names: Sequence[str]) -> dict[str, Any]:
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
            "text": self.text(names),
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
