"""All that the result of an audit says in words, in JSON, on a page and in a terminal."""

from __future__ import annotations

from supnorm.results.numbers import ErrorUnit, pretty_unit
from supnorm.results.parts import MeasureRecord
from supnorm.wording import explanation, findings, notes, verdict
from supnorm.wording.narrator import Narrator

AUDIT = {**verdict.TEMPLATES, **explanation.TEMPLATES, **findings.TEMPLATES, **notes.TEMPLATES}


def narrator(measure: MeasureRecord) -> Narrator:
    """What renders the facts of an audit whose error is measured so."""
    return Narrator(AUDIT, ErrorUnit(measure.kind, pretty_unit(measure.unit), measure.per_output))
