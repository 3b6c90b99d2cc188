"""The answers about properties: verdicts from the claims of the parts, points that refute, and where the rest is.

A property that a point refutes is looked at once more with the model as it runs: its value there; for a slope its values at
both ends of a step along the input.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from supnorm.certification.assumed import assumptions_in_words
from supnorm.certification.bracket import Bracket
from supnorm.certification.extremes import verdict
from supnorm.certification.measured import BEYOND, Agreement
from supnorm.certification.property import Property
from supnorm.certification.record_parts import measured_words
from supnorm.certification.rounding import Array
from supnorm.certification.statement import Statement
from supnorm.interrupts import INTERRUPTS
from supnorm.problem import Domain, Function
from supnorm.results import BadInput, ExitCode, Status, versions
from supnorm.results.numbers import num
from supnorm.results.properties import AnswerRecord, ExtremeRecord, PropertiesRecord, RunRecord
from supnorm.results.record import Recorded
from supnorm.wording import Fact, fact
from supnorm.wording.certify import CERTIFY

# Shares of an axis: a slope that is refuted shows over one of them.
STEPS = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 1e-4, 1e-5, 1e-6)

PROVED = {
    "positive": "positive-proved",
    "bounded": "bounded-proved",
    "monotone": "monotone-proved",
    "convex": "convex-proved",
}
REFUTED = {"positive": "positive-refuted", "bounded": "bounded-refuted"}


@dataclass(frozen=True, eq=False)
class PropertiesResult(Recorded):
    """What was proved of the properties.

    Attributes:
        record: the result as plain data (`supnorm.results.properties`), as ``supnorm certify --property --json`` writes it.
        statement: the proof, to be saved and checked.
        agreement: the measured difference between the model as it runs and its program.
    """

    record: PropertiesRecord
    statement: Statement
    agreement: Agreement

    def __repr__(self) -> str:
        """One line; the proof has thousands."""
        answers = ", ".join(f"{a.property}: {a.status}" for a in self.answers)
        return f"PropertiesResult({answers})"

    @property
    def status(self) -> Status:
        """The answer to all properties together, advice, and the exit code."""
        return self.record.status

    @property
    def answers(self) -> tuple[AnswerRecord, ...]:
        """One for each property and output."""
        return self.record.answers

    def save(self, path: Path | str) -> None:
        """Write the proof; `supnorm check` verifies it."""
        self.statement.save(path)


def result_of(
    function: Function,
    names: Sequence[str],
    asked: Sequence[Property],
    statement: Statement,
    seen: Agreement,
    observed: Array,
    seconds: float,
) -> PropertiesResult:
    """The answers from the proved parts; the statement gets the verdicts.

    ``observed`` is how far each output of a model in lower precision was seen from its program, shape ``(m,)``: limits of
    values whose margin is not twice as large are not called proved, as `certify` decides no tolerance there.

    Raises:
        BadInput: when the model as it runs is on the other side of a proved limit.
    """
    believed = statement.believed
    judge = _Judge(function, tuple(names), statement, believed, observed)
    answers = tuple(judge.answer(one) for one in asked)
    entries = [one.entry | {"verdict": a.status} for one, a in zip(asked, answers, strict=True)]
    statement = replace(statement, data=dict(statement.data) | {"properties": entries})
    parts = statement.parts.values()
    still = [one for one, a in zip(asked, answers, strict=True) if a.status == "undecided"]
    # Where rounding ended the work on values, time brings nothing; of slopes there is no limit to move.
    rounded = not believed and all(
        one.kind in ("positive", "bounded") and any(statement.parts[n].end == "rounding" for n in one.parts)
        for one in still
    )
    assumed = assumptions_in_words(statement.domain, [statement.programs["model"]])
    statement = replace(statement, assumptions=assumed)
    record = PropertiesRecord(
        status=_status([a.status for a in answers], any(p.end == "interrupted" for p in parts), rounded),
        answers=answers,
        believed=believed,
        seconds=seconds,
        certificate=None,
        assumptions=(*statement.assumptions, *measured_words(seen, statement.domain.names)),
        versions=versions(),
    )
    return PropertiesResult(record, statement, seen)


def _status(verdicts: list[str], stopped: bool, rounded: bool) -> Status:
    if "refuted" in verdicts:
        n = verdicts.count("refuted")
        return Status("refuted", CERTIFY.text(fact("some-refuted", n=n)), ExitCode.EXCEEDED)
    if "undecided" not in verdicts:
        return Status("proved", CERTIFY.text(fact("all-proved", n=len(verdicts))), ExitCode.DONE)
    if stopped:
        return Status(
            "interrupted",
            CERTIFY.text(fact("properties-stopped", cause=INTERRUPTS.cause)),
            ExitCode.INTERRUPTED,
        )
    n = verdicts.count("undecided")
    code = "undecided-by-rounding" if rounded else "some-undecided"
    return Status("undecided", CERTIFY.text(fact(code, n=n)), ExitCode.UNDECIDED)


@dataclass(frozen=True)
class _Judge:
    """Judges each property by the parts."""

    function: Function
    names: tuple[str, ...]
    statement: Statement
    believed: int
    observed: Array

    def answer(self, one: Property) -> AnswerRecord:
        claims = self.statement.claims
        status = verdict(one.entry, claims)
        if self.believed and status == "proved":
            status = "undecided"
        ends = [claims[name] for name in one.parts]
        if status == "proved" and self._runs_too_near(one):
            status = "undecided"
        runs = self._runs(one) if status == "refuted" else []
        words = {"proved": self._proved, "refuted": self._refuted, "undecided": self._undecided}[status](
            one, runs
        )
        lipschitz = one.kind == "lipschitz"
        return AnswerRecord(
            property=one.text,
            output=self.names[one.output],
            status=status,
            text=CERTIFY.text(words),
            margin=None if lipschitz else self._margin(one, status),
            constant=ends[0][1] if lipschitz else None,
            extremes=tuple(self._extreme(one, name) for name in one.parts),
            runs=tuple(runs),
            rest=self._rest(one) if status == "undecided" else None,
        )

    def _margin(self, one: Property, status: str) -> float:
        """The distance from the limit: the proved one, or that of the point which refutes the property."""
        proved, margins = status != "refuted", []
        for name in one.parts:
            low, high = self.statement.claims[name]
            t = one.threshold(name)
            margins.append(
                (low if proved else high) - t if name.startswith("min") else t - (high if proved else low)
            )
        return min(margins)

    def _runs_too_near(self, one: Property) -> bool:
        """Whether the model as it runs in lower precision may be beyond a limit of values that its program keeps."""
        observed = float(self.observed[one.output])
        about_values = one.kind in ("positive", "bounded")
        return about_values and observed > 0.0 and not self._margin(one, "proved") > BEYOND * observed

    @property
    def domain(self) -> Domain:
        return self.statement.domain

    def _quantity(self, one: Property) -> str:
        """The quantity in words, such as "d2y/dp2"."""
        y = self.names[one.output]
        if one.kind == "lipschitz" and one.axis is None:
            return f"gradient of {y}"
        if one.axis is None:
            return y
        p = self.domain.names[one.axis]
        return f"d2{y}/d{p}2" if one.kind == "convex" else f"d{y}/d{p}"

    def _about(self, one: Property) -> dict[str, Any]:
        about = {"output": self.names[one.output], "quantity": self._quantity(one), "falls": one.sign < 0}
        return about if one.axis is None else about | {"axis": self.domain.names[one.axis]}

    def _proved(self, one: Property, runs: list[RunRecord]) -> Fact:
        claims = [self.statement.claims[name] for name in one.parts]
        ends = {name.split(" ")[0]: claim for name, claim in zip(one.parts, claims, strict=True)}
        least = {"least": ends["min"][0]} if "min" in ends else {}
        most = {"most": ends["max"][1]} if "max" in ends else {}
        if one.kind == "lipschitz":
            return fact("lipschitz-proved", constant=claims[0][1], **self._about(one))
        both = {"both": True} if least and most else {}
        return fact(PROVED[one.kind], **self._about(one), **least, **most, **both)

    def _refuted(self, one: Property, runs: list[RunRecord]) -> Fact:
        name, bracket = self._refuting(one)
        assert bracket.witness is not None
        at = self._point(bracket.witness)
        if one.kind in ("positive", "bounded"):
            return fact(REFUTED[one.kind], output=self.names[one.output], value=runs[0].value, at=at)
        if one.kind == "convex":
            return fact("convex-refuted", **self._about(one), at=at)
        if len(runs) == 2:
            before, after = runs[0].value, runs[1].value
            return fact("monotone-refuted", **self._about(one), before=before, after=after, at=at)
        low, high = self.statement.claims[name]
        return fact("slope-refuted", **self._about(one), value=high if one.sign > 0 else low, at=at)

    def _undecided(self, one: Property, runs: list[RunRecord]) -> Fact:
        parts = [self.statement.parts[name] for name in one.parts]
        about: dict[str, Any] = {"property": one.text, "output": self.names[one.output]}
        if self.believed:
            return fact("without-verdict", **about)
        if any(part.end == "infinite" for part in parts):
            return fact("without-value", quantity=self._quantity(one), **about)
        if self._runs_too_near(one) and verdict(one.entry, self.statement.claims) == "proved":
            margin, observed = self._margin(one, "proved"), float(self.observed[one.output])
            return fact("runs-too-near", margin=margin, difference=observed, **about)
        rest = self._rest(one)
        if rest is not None:
            about["where"] = ", ".join(f"{n} in [{num(a, 4)}, {num(b, 4)}]" for n, (a, b) in rest.items())
        worst = min(zip(one.parts, parts, strict=True), key=lambda pair: self._slack(one, pair[0]))
        name, part = worst
        if part.bracket.witness is not None and one.kind != "lipschitz":
            low, high = self.statement.claims[name]
            end = {"most": high} if name.startswith("min") else {"least": low}
            about |= {"quantity": self._quantity(one), "at": self._point(part.bracket.witness), **end}
        share = min(self._share(one, name) for name in one.parts)
        # Four digits would call it 100 %, and then name the rest.
        return fact("property-undecided", share=share, almost=share > 0.9999, **about)

    def _slack(self, one: Property, name: str) -> float:
        low, high = self.statement.claims[name]
        return low - one.threshold(name) if name.startswith("min") else one.threshold(name) - high

    def _room(self, one: Property, name: str) -> float:
        """The bound of the part's error at which the property is proved on a box."""
        shift = float.fromhex(self.statement.data["shifts"].get(name, "0x0p+0"))
        if one.kind == "lipschitz":
            return math.nextafter(math.inf, 0.0)
        t = one.threshold(name)
        return shift - t if name.startswith("min") else t - shift

    def _share(self, one: Property, name: str) -> float:
        return self.statement.parts[name].bracket.proved_volume(self._room(one, name))

    def _extreme(self, one: Property, name: str) -> ExtremeRecord:
        part, (low, high) = self.statement.parts[name], self.statement.claims[name]
        witness = part.bracket.witness
        return ExtremeRecord(
            extreme=name.split(" ")[0],
            quantity=self._quantity(one),
            lower=low,
            upper=high,
            x=None if witness is None else self._point(witness),
            proved_volume=self._share(one, name),
            boxes=len(part.bracket.leaves),
            tried=part.bracket.tried,
        )

    def _rest(self, one: Property) -> Mapping[str, tuple[float, float]] | None:
        """The smallest box, in units of the axes, that holds all boxes where the property is not proved."""
        ends: list[tuple[Array, Array]] = []
        for name in one.parts:
            low, high, upper = self.statement.parts[name].certificate.local_bounds()
            open_ = upper > self._room(one, name)
            ends += [(low[open_], high[open_])]
        low, high = (np.concatenate([e[i] for e in ends]) for i in (0, 1))
        if not len(low):
            return None
        pairs = zip(low.min(0).tolist(), high.max(0).tolist(), strict=True)
        return dict(zip(self.domain.names, pairs, strict=True))

    def _point(self, x: Array) -> dict[str, float]:
        return dict(zip(self.domain.names, x.tolist(), strict=True))

    def _refuting(self, one: Property) -> tuple[str, Bracket]:
        """The part whose point refutes the property."""
        name = min(one.parts, key=lambda n: self._room(one, n) - self.statement.parts[n].lower)
        return name, self.statement.parts[name].bracket

    def _runs(self, one: Property) -> list[RunRecord]:
        """The model as it runs at the point that refutes, or around it along the input."""
        name, bracket = self._refuting(one)
        x = bracket.witness
        assert x is not None
        if one.kind in ("positive", "bounded"):
            runs = self._called(x[None], one)
            v, t = runs[0].value, one.threshold(name)
            beyond = v <= t if one.kind == "positive" else v < t if name.startswith("min") else v > t
            if not beyond and not math.isclose(v, t, rel_tol=1e-9, abs_tol=1e-12):
                raise BadInput(
                    f"the model gives {num(v, 8)} at {x.tolist()}, where its program as read is on the other side of "
                    f"{num(t, 8)}: the code that runs is not the code that was read"
                )
            return runs
        return self._along(x, one)

    def _along(self, x: Array, one: Property) -> list[RunRecord]:
        """The longest step along the input over which the values show the refuted slope or curvature; none if none does."""
        assert one.axis is not None
        axis = self.domain.axes[one.axis]
        at = self.domain.to_unit(x[None])
        for step in STEPS:
            u = np.repeat(at, 3 if one.kind == "convex" else 2, axis=0)
            u[0, one.axis], u[-1, one.axis] = (
                max(at[0, one.axis] - step, 0.0),
                min(at[0, one.axis] + step, 1.0),
            )
            points = self.domain.from_unit(u)
            if one.kind == "convex":  # the middle in units of the axis
                points[1, one.axis] = 0.5 * (points[0, one.axis] + points[2, one.axis])
            if not (self.domain.contains(points).all() and axis.low <= points[0, one.axis]):
                continue
            runs = self._called(points, one)
            v = [run.value for run in runs]
            bend = v[1] - v[0] if len(v) == 2 else v[0] - 2.0 * v[1] + v[2]
            if one.sign * bend < -1e-13 * max(map(abs, v)):
                return runs
        return []

    def _called(self, x: Array, one: Property) -> list[RunRecord]:
        y = self.function.columns(x)
        return [RunRecord(x=self._point(p), value=float(v)) for p, v in zip(x, y[:, one.output], strict=True)]
