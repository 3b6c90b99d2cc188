"""Parts of the records of proofs: points, what was measured, on what a bound rests, which functions it is about."""

from __future__ import annotations

from supnorm.certification.measured import BEYOND, Agreement
from supnorm.certification.verdict import unit_of
from supnorm.problem import ErrorMeasure, Problem
from supnorm.results import (
    BadInput,
    Witness,
)
from supnorm.results.parts import PointRecord
from supnorm.wording import Fact, fact
from supnorm.wording.certify import CERTIFY


def point_record(witness: Witness, names: tuple[str, ...], outputs: tuple[str, ...]) -> PointRecord:
    return PointRecord(
        x=dict(zip(names, witness.x.tolist(), strict=True)),
        model=witness.model.tolist(),
        reference=witness.reference.tolist(),
        error=witness.error,
        output=outputs[witness.output],
    )


def disagreement(seen: Agreement, proved: float, names: tuple[str, ...]) -> BadInput:
    """The message when a function in float64 differs so much from its program that the proof says nothing about it."""
    side = seen.largest(exact=True)
    differs = fact("disagreement", side=(side.fact(names),), difference=side.beyond, bound=proved)
    return BadInput(CERTIFY.text(differs))


def measured_words(seen: Agreement, names: tuple[str, ...]) -> list[str]:
    """What was compared or measured and not proved, in words."""
    facts = [*_assumed(seen)]
    if seen.hidden:
        side = seen.largest(exact=True)
        facts.append(fact("differs", bound=BEYOND * seen.size, side=(side.fact(names),)))
    if seen.lower_precision:
        side = seen.largest(exact=False)
        values = (side.fact(names),)
        facts.append(fact("differs-below-float64", side=side.side, difference=side.beyond, values=values))
    return list(map(CERTIFY.text, facts))


def assumed_words(seen: Agreement) -> list[str]:
    """What is assumed of code that was read, in words."""
    return list(map(CERTIFY.text, _assumed(seen)))


def _assumed(seen: Agreement) -> list[Fact]:
    if not seen.coded:
        return []
    sides, one = " and ".join(seen.coded), len(seen.coded) == 1
    return [fact("read-as-run", sides=sides, one=one, compiled=seen.compiled)]


def about(problem: Problem) -> dict[str, str]:
    """Words for people who read the proof: names of the functions, the error in words, and its unit."""
    names = {"model": problem.model.name, "reference": problem.reference.name}
    known = names | {"error_unit": unit_of(problem)}
    return {k: v for k, v in known.items() if v} | {"error": in_words(problem.error)}


def in_words(error: ErrorMeasure) -> str:
    """The measure in words.

    >>> in_words(ErrorMeasure("relative", floor=0.5))
    'relative, floor 0.5'
    """
    parts = [error.kind]
    parts += [f"{k} {v!r}" for k in ("floor", "scale", "precision") if (v := getattr(error, k)) is not None]
    return ", ".join(parts + ["in tolerances of the outputs"] * error.per_output)
