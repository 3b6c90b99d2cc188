"""What a proof about programs and a box rests on, in words."""

from __future__ import annotations

from collections.abc import Iterable

from supnorm.certification.rounding import ULPS
from supnorm.problem import Domain
from supnorm.program import Program
from supnorm.wording import fact
from supnorm.wording.certify import CERTIFY


def assumptions_in_words(domain: Domain, programs: Iterable[Program], exact: str = "") -> tuple[str, ...]:
    """What a statement assumes; it speaks of the programs and of the whole box.

    Args:
        domain: the domain, whose constraints and lists of values the bound does not use.
        programs: the programs, whose remarks belong to it.
        exact: the fact that says for which exact reference the bound holds, if it is solved.

    >>> assumptions_in_words(Domain(x=(0.0, 1.0)), [])[1]
    "the bound is for exact arithmetic, without the model's own rounding"
    """
    facts = [fact("arithmetic", units=ULPS), fact("exact-arithmetic")]
    if exact:
        facts.append(fact(exact))
    if domain.constraints or domain.cloud is not None:
        facts.append(fact("constraints-not-in-bound"))
    if any(axis.values is not None for axis in domain.axes):
        facts.append(fact("values-as-intervals"))
    remarks = (remark for program in programs for remark in program.remarks)
    return tuple(dict.fromkeys((*map(CERTIFY.text, facts), *remarks)))
