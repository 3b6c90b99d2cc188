"""How the pairs of fields of a variable are numbered, and which of them a state has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from supnorm.fields.grid import MOST
from supnorm.results import BadInput


@dataclass(frozen=True)
class FieldPoint:
    """One grid point of one field: the numbers (from 0) of init, lead time, level and member.

    Attributes:
        index: number of the grid point.
        error: prediction minus truth there, without sign.
    """

    init: int
    lead: int
    level: int
    member: int
    index: int
    error: float


@dataclass(frozen=True)
class Sizes:
    """How many inits, lead times, levels and members there are."""

    inits: int = 1
    leads: int = 1
    levels: int = 1
    members: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be numbered.

        Raises:
            BadInput: for a size below 1, or more pairs of fields than 32 bits can number.
        """
        for name, n in vars(self).items():
            if not (isinstance(n, int) and n >= 1):
                raise BadInput(f"{name} must be a whole number above 0, got {n!r}")
        if self.pairs >= MOST:
            raise BadInput(
                f"there are {self.pairs:,} pairs of fields; at most {MOST - 1:,} can be numbered: choose a part"
            )

    @property
    def pairs(self) -> int:
        """Number of pairs of fields."""
        return self.inits * self.leads * self.levels * self.members

    def unit(self, init: int, lead: int, level: int, member: int) -> int:
        """Number of a pair.

        Raises:
            BadInput: for a number beyond its size.
        """
        for name, n, size in zip(vars(self), (init, lead, level, member), vars(self).values(), strict=True):
            if not 0 <= n < size:
                raise BadInput(
                    f"{name[:-1]} {n} is not one of the {size} that the state was made for (from 0)"
                )
        return ((init * self.leads + lead) * self.levels + level) * self.members + member

    def of(self, unit: int) -> tuple[int, int, int, int]:
        """Init, lead time, level and member of a pair."""
        rest, member = divmod(unit, self.members)
        rest, level = divmod(rest, self.levels)
        init, lead = divmod(rest, self.leads)
        return init, lead, level, member


class Added:
    """Which pairs of fields a state has: one bit for each, so that none is added twice unseen.

    Args:
        sizes: how the pairs are numbered.
    """

    def __init__(self, sizes: Sizes) -> None:
        self._sizes = sizes
        self.bits = np.zeros((sizes.pairs + 7) // 8, dtype=np.uint8)

    def __contains__(self, unit: int) -> bool:
        """Whether a pair is there."""
        return bool(self.bits[unit // 8] >> (unit % 8) & 1)

    def demand_new(self, unit: int) -> None:
        """Refuse a pair that is there.

        Raises:
            BadInput: naming its numbers.
        """
        if unit in self:
            raise BadInput(
                f"add: the state has {self._named(unit)} already; every pair of fields is added once"
            )

    def note(self, unit: int) -> None:
        """A pair is there from now on."""
        self.bits[unit // 8] |= np.uint8(1 << unit % 8)

    def demand_others(self, other: Self) -> None:
        """Refuse another state that has some of the same pairs.

        Raises:
            BadInput: naming the first one.
        """
        common = self.bits & other.bits
        if common.any():
            byte = int(np.argmax(common != 0))
            unit = 8 * byte + (int(common[byte]) & -int(common[byte])).bit_length() - 1
            raise BadInput(f"merge: both states have {self._named(unit)}; every pair of fields is added once")

    def merge(self, other: Self) -> None:
        """Add the pairs of another state."""
        self.bits |= other.bits

    def take(self, bits: NDArray[Any]) -> None:
        """Those of a file."""
        self.bits[...] = bits

    def _named(self, unit: int) -> str:
        numbers = zip(("init", "lead", "level", "member"), self._sizes.of(unit), strict=True)
        return "the fields of " + ", ".join(f"{name} {n}" for name, n in numbers)
