"""Values of an expression behind those that are kept whole: two numbers each, so that their order can be compared.

Code can ask what it is given in a late turn of a loop, and use the answer as an array. So all turns are compared. A value
takes some 20 bytes here, and 300 where it is kept whole.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field

from supnorm.program.given import Given

# While code is read, other objects stand for arrays and functions: of these the shape is compared, or nothing.
STANDING = ("stands", "tensor")
FREE = ("callable", "function", "object")
TRUTH = (("plain", "bool"), ("plain", "NoneType"))
ANY = 1  # in the place of a hash


def _codes() -> array[int]:
    return array("q")


@dataclass
class Later:
    """Hashes of values, in order.

    Attributes:
        exact: of the values; 0 where another object stands for an array, or for a function.
        loose: of their kinds and shapes.
        strict: of truth values and types, which no number of rows changes; 0 for others.
    """

    exact: array[int] = field(default_factory=_codes)
    loose: array[int] = field(default_factory=_codes)
    strict: array[int] = field(default_factory=_codes)

    def __len__(self) -> int:
        return len(self.exact)

    def add(self, one: Given) -> None:
        """Add a value."""
        self.exact.append(0 if _stands(one) else hash(one))
        self.loose.append(ANY if one == ("stands", None) else hash(_loosened(one)))
        self.strict.append(hash(one) if one[0] == "type" or one[:2] in TRUTH else 0)

    def extend(self, other: Later) -> None:
        """Add what another one has."""
        self.exact.extend(other.exact)
        self.loose.extend(other.loose)
        self.strict.extend(other.strict)

    def after(self, values: Iterable[Given]) -> Later:
        """These behind some others."""
        every = Later()
        for one in values:
            every.add(one)
        every.extend(self)
        return every

    def explains(self, ran: Later) -> bool:
        """Whether values that ran can be those that were read: turn by turn, or in any order where there are more or fewer.

        >>> read, ran, other = Later(), Later(), Later()
        >>> read.add(("stands", (1,))), ran.add(("array", (1,), "<f8", "a")), other.add(("plain", "int", "1"))
        (None, None, None)
        >>> read.explains(ran), read.explains(other), ran.explains(read)
        (True, False, False)
        """
        if len(self) == len(ran):
            turns = zip(self.exact, self.loose, ran.exact, ran.loose, strict=True)
            return all(_alike(*turn) for turn in turns)
        known = set(self.exact) - {0}
        loose = {code for exact, code in zip(self.exact, self.loose, strict=True) if not exact}
        ones = zip(ran.exact, ran.loose, strict=True)
        return ANY in loose or all(exact in known or code in loose for exact, code in ones)

    def same_answers(self, ran: Later) -> bool:
        """The same of truth values and types alone, for another number of rows."""
        return self.strict == ran.strict if len(self) == len(ran) else set(ran.strict) <= {0, *self.strict}


def _alike(exact: int, loose: int, ran_exact: int, ran_loose: int) -> bool:
    return exact == ran_exact != 0 or (not exact and loose in (ANY, ran_loose))


def _stands(one: Given) -> bool:
    return one[0] in STANDING + FREE or (one[0] == "many" and any(map(_stands, one[2])))


def _loosened(one: Given) -> Given:
    if one[0] in (*STANDING, "array"):
        return ("array", None if one[1] is None else tuple(map(str, one[1])))
    if one[0] in FREE:
        return ("object",)
    return ("many", one[1], tuple(map(_loosened, one[2]))) if one[0] == "many" else one
