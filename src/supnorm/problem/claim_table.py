"""``[claim]`` of a problem file: a sentence that somebody has published about the accuracy of the model."""

from __future__ import annotations

import math
import re
from typing import Literal

from pydantic import Field, model_validator

from supnorm.problem.checked_table import Table

# A requirement of pip that needs no marker and no address: a name, extras, versions.
REQUIREMENT = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9._-]*)(\[[A-Za-z0-9,._-]*\])?([<>=!~][<>=!~0-9A-Za-z.,*+ ]*)?"
)
CLAUSE = re.compile(r"(==|!=|>=|<=|~=|>|<)([0-9]+(?:\.[0-9]+)*)(\.\*)?")
RELEASE = re.compile(r"[0-9]+(?:\.[0-9]+)*")
# A printed number without a unit, or a share of the reference; of "25 mK" nobody but its author knows the model's unit.
NUMBER = re.compile(r"[~<≤=\s]*([0-9][0-9,]*(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)\s*(%|ppm)?\s*")
SHARES = {"%": 1e-2, "ppm": 1e-6}
ROUNDED = 2.0  # a printed number is at most this many times smaller than what rounds to it: 1.5 rounds to 1
WORDS = ("says", "source", "published", "of", "reference")  # texts that have to say something
Outcome = Literal["refuted", "not-refuted", "proved", "unconfirmed", "not-comparable", "undecided"]


class KnownSpec(Table):
    """``[claim.known]``: how the claim was judged when it was written down, so that a change is noticed."""

    verdict: Outcome
    worst: list[float] | None = None  # two numbers: the largest error that was seen lies between them

    @model_validator(mode="after")
    def _two_numbers(self) -> KnownSpec:
        ends = self.worst
        if ends is not None and (len(ends) != 2 or not -math.inf < ends[0] <= ends[1] < math.inf):
            raise ValueError("worst must be two finite numbers, the smaller one first")
        return self


class ClaimSpec(Table):
    """The sentence, who published it and where, and what stands for the truth.

    The number of the sentence is the tolerance of ``[error]``; where it is printed rounded, the largest number that rounds
    to it.
    """

    says: str  # the sentence, word for word
    source: str  # DOI, or package, version, file and line
    published: str  # its number as it is printed, such as "0.19 %"
    of: str  # what it is about: the name of a function, a formula or a network
    reference: str  # what stands for the truth, with its version
    second: str = ""  # what confirms a witness
    subject: Literal["formula", "learned", "code"] = "formula"
    package: str = ""  # distribution that contains the function; empty if the formula is written out
    version: str = ""  # version of the package that the sentence is about
    needs: list[str] = Field(default_factory=list)  # requirements for pip
    not_comparable: str = ""  # why the numbers decide nothing
    prove: float | None = Field(default=None, gt=0, allow_inf_nan=False)  # seconds for a proof
    notes: str = ""  # what a reader has to know
    known: KnownSpec | None = None

    @model_validator(mode="after")
    def _says_something(self) -> ClaimSpec:
        for name in WORDS:
            if not getattr(self, name).strip():
                raise ValueError(f"{name} must not be empty")
        if self.version and not self.package:
            raise ValueError("version is that of a package: name the package too")
        wrong = next((need for need in self.needs if not REQUIREMENT.fullmatch(need)), None)
        if wrong is not None:
            raise ValueError(f'needs has requirements of pip, such as "fluids>=1.3,<2"; got {wrong!r}')
        return self

    def demand_tolerance(self, tolerance: float, kind: str) -> None:
        """Check that the tolerance is the published number, or, where this is rounded, one that rounds to it.

        Args:
            tolerance, kind: of the errors of the problem.

        Raises:
            ValueError: when it is smaller, or so much larger that nothing rounds to the number.
        """
        match = NUMBER.fullmatch(self.published)
        if match is None or self.not_comparable or kind not in ("absolute", "relative"):
            return
        if match[2] and kind == "absolute":
            return
        number = float(match[1].replace(",", "")) * SHARES.get(match[2] or "", 1.0)
        if not number * (1.0 - 1e-9) <= tolerance <= ROUNDED * number:
            raise ValueError(
                f"the published number is {self.published}, and the tolerance is {tolerance:g}: it has to be the published "
                "number or, if this is rounded, the largest error that rounds to it; where the number has another unit than "
                "the model, write the unit into published"
            )

    def takes(self, package: str, version: str) -> bool:
        """Whether an installed version of a package is one that the claim's requirements allow."""
        specs = [
            match[3] or ""
            for need in self.needs
            if (match := REQUIREMENT.fullmatch(need)) and match[1] == package
        ]
        return all(_holds(version, part) for spec in specs for part in spec.split(","))

    @property
    def packages(self) -> tuple[str, ...]:
        """The names of the distributions that have to be installed."""
        named = [match[1] for need in self.needs if (match := REQUIREMENT.fullmatch(need))]
        return tuple(dict.fromkeys([*named, *([self.package] if self.package else [])]))


def _holds(version: str, clause: str) -> bool:
    """Whether a version meets one clause, such as ``>=1.3``; a clause of another form is left to pip.

    >>> [_holds("1.10.2", clause) for clause in (">=1.3", "<1.9", "==1.10.*", "==1.10", "!=2", "~=1.4", "~=1.4.1", "===x")]
    [True, False, True, False, True, True, False, True]
    """
    match = CLAUSE.fullmatch(clause.replace(" ", ""))
    given = RELEASE.match(version)
    if match is None or given is None:
        return True
    have, want = ([int(n) for n in text.split(".")] for text in (given[0], match[2]))
    sign, any_end = match[1], bool(match[3])
    if sign == "~=":
        return _padded(have, want) >= _padded(want, have) and have[: len(want) - 1] == want[:-1]
    one, two = _padded(have, want), _padded(want, have)
    if any_end:
        one, two = one[: len(want)], want
    same = one == two
    held = {"==": same, "!=": not same, ">=": one >= two, "<=": one <= two, ">": one > two, "<": one < two}
    return held[sign]


def _padded(one: list[int], other: list[int]) -> list[int]:
    return one + [0] * (len(other) - len(one))
