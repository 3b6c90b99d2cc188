"""What a gate tells of a result: verdict, sentences, facts and worst points, in the words of its page.

Markdown, JUnit XML, SARIF and the badge (`gate_formats`) write this down; none has words of its own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any

from supnorm.pages.comparison import absent, doubts, narrator
from supnorm.pages.page import page_text
from supnorm.pages.reading import drawn_record
from supnorm.pages.terminal import facts
from supnorm.pages.view import View
from supnorm.pages.words import chip, headline, lead
from supnorm.results.audit import AuditRecord
from supnorm.results.compare import CompareRecord
from supnorm.results.record import Result
from supnorm.results.status import ExitCode
from supnorm.results.unfinished import Unfinished
from supnorm.wording import Narrator, fact
from supnorm.wording.gate import TEMPLATES

# Codes of audits that end with 0, and those of the others that are not 4 (docs/results.md).
DECIDED = ("within-tolerance", "nothing-found", "no-tolerance")
UNDECIDED = {
    "interrupted": ExitCode.INTERRUPTED,
    "reference-fault": ExitCode.REFERENCE_FAULT,
    "unresolved": ExitCode.REFERENCE_FAULT,
}
WORST = 10  # points in a summary, at most


@dataclass(frozen=True)
class WorstPoint:
    """One of the worst points: exact inputs, the error, and what is said of it."""

    x: Mapping[str, float]
    error: float
    above: bool
    words: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Gate:
    """What is told of one result.

    Attributes:
        verb: which made it.
        title: of the problem, or the name of the model.
        kind: ``"over"``, ``"open"`` or ``"proven"``, as the colour of the page's verdict.
        icon, verdict: the verdict in a word.
        code, exit: of the status.
        sentences: the answer, and the paragraph below it.
        advice: what next.
        facts: name, value and remark.
        head, worst: the columns of the worst points, and the points.
        short: the answer in a few characters, for a badge.
        command, fingerprint, seconds: of the run.
    """

    verb: str
    title: str
    kind: str
    icon: str
    verdict: str
    code: str
    exit: int
    sentences: tuple[str, ...]
    advice: str
    facts: tuple[tuple[str, str, str], ...] = ()
    head: tuple[str, ...] = ()
    worst: tuple[WorstPoint, ...] = ()
    short: str = ""
    command: str = ""
    fingerprint: str = ""
    seconds: float = 0.0


def gate_of(result: Any) -> Gate:
    """What is told of the result of any verb that has a page.

    Raises:
        BadInput: for another result.
    """
    record = drawn_record(result)
    return _of_audit(record) if isinstance(record, AuditRecord) else _of_other(record)


def gate_of_unfinished(record: Result, mark: Unfinished) -> Gate:
    """What is told of a folder whose last run was refused or has written no result; ``record`` is an earlier result.

    Nothing of the earlier result is told but the title and the command.
    """
    say = Narrator(TEMPLATES).text
    what = fact("gate-refused" if mark.why else "gate-unfinished", **vars(mark))
    verdict = say(fact("gate-no-result"))
    return Gate(
        verb=mark.verb,
        title=_title(record),
        kind="open",
        icon="○",
        verdict=verdict,
        code="refused" if mark.why else "unfinished",
        exit=int(ExitCode.BAD_INPUT if mark.why else ExitCode.INTERRUPTED),
        sentences=(say(what), say(fact("gate-earlier"))),
        advice=say(fact("gate-again", verb=mark.verb)),
        short=verdict,
        command=getattr(record, "command", ""),
    )


def _title(record: Result) -> str:
    of_model = getattr(getattr(record, "model", None), "name", "")
    about = getattr(getattr(record, "about", None), "title", "")
    return getattr(record, "title", "") or about or of_model or "model"


def _of_audit(record: AuditRecord) -> Gate:
    view = View(record)
    verdict, say = chip(view), Narrator({**view.say.templates, **TEMPLATES}, view.error, view.say.units)
    return Gate(
        verb="audit",
        title=_title(record),
        kind=verdict.kind,
        icon=verdict.icon,
        verdict=say.text(verdict.words),
        code=record.status.code,
        exit=int(record.status.exit),
        sentences=(say.text(*headline(view)), say.text(*lead(view))),
        advice=record.status.advice,
        facts=tuple((name, value, note) for name, value, note in facts(view) if value),
        head=(
            "error",
            *(("row",) if view.table_only else ()),
            *(axis.name for axis in view.axes),
            "model",
            "reference",
        ),
        worst=tuple(_point(view, say, i) for i in range(min(WORST, len(view.peaks)))),
        short=_short(view, say, verdict.kind),
        command=record.command,
        fingerprint=record.fingerprint,
        seconds=record.seconds,
    )


def _point(view: View, say: Narrator, which: int) -> WorstPoint:
    peak = view.peaks[which]
    above = view.tolerance > 0 and peak.error > view.tolerance
    at = {**peak.x}
    row = peak.row_words()
    point = fact("gate-point", error=peak.error, at=at, row=row)
    words = fact("gate-above", **point.values, tolerance=view.tolerance) if above else point
    named = (row,) if row else ()
    values = (view.value(v, peak.output) for v in (peak.model_value, peak.reference_value))
    cells = (view.error(peak.error), *named, *(view.axis(name).exact(x) for name, x in at.items()), *values)
    return WorstPoint(at, peak.error, above, say.text(words), cells)


def _short(view: View, say: Narrator, kind: str) -> str:
    if view.witness is None:
        return "no value"
    if kind == "over":
        return say.text(fact("badge-over", worst=view.lower, tolerance=view.tolerance))
    if view.settled:
        return say.text(fact("badge-proven", upper=view.upper))
    return say.text(fact("badge-open", worst=view.lower))


def _of_other(record: Result) -> Gate:
    """Of other verbs: the head of the page."""
    page = page_text(record)
    status = getattr(record, "status", None)
    if isinstance(record, CompareRecord):
        code, ends = _of_models(record)
    else:
        code, ends = ("done", 0) if status is None else (status.code, int(status.exit))
    found = re.search(r'class="chip ([a-z]+)"[^>]*>(.*?)</', page, re.DOTALL)
    kind, verdict = (found[1], _plain(found[2])) if found else ("open", code)
    first = re.search(r"<h1[^>]*>(.*?)</h1>", page, re.DOTALL)
    return Gate(
        verb=record.SCHEMA.removeprefix("supnorm.").partition("/")[0],
        title=_title(record),
        kind=kind,
        icon={"over": "▲", "proven": "✓"}.get(kind, "○"),
        verdict=verdict,
        code=code,
        exit=ends,
        sentences=((_plain(first[1]),) if first else ()) + _absent(record),
        advice="" if status is None else status.advice,
        short=verdict,
        command=getattr(record, "command", ""),
        seconds=_seconds(record),
    )


def _absent(record: Result) -> tuple[str, ...]:
    """Of a comparison: which models have no row and why, and of which the second reference confirms no worst error."""
    if not isinstance(record, CompareRecord):
        return ()
    return tuple(narrator(record).text(one) for one in (*absent(record), *doubts(record)))


def _of_models(record: CompareRecord) -> tuple[str, int]:
    """The worst status of the models of a comparison, which has none of its own, and its exit code."""
    codes = [row.status for row in record.rows]
    if "tolerance-exceeded" in codes:
        return "tolerance-exceeded", int(ExitCode.EXCEEDED)
    if record.left_out:
        return "interrupted", int(ExitCode.INTERRUPTED)
    if record.refused:
        return "refused", int(ExitCode.BAD_INPUT)
    ends = {code: int(UNDECIDED.get(code, ExitCode.UNDECIDED)) for code in codes if code not in DECIDED}
    return max(ends.items(), key=lambda item: item[1], default=("done", 0))


def _plain(html: str) -> str:
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))).strip()


def _seconds(record: Result) -> float:
    value = getattr(record, "seconds", 0.0)
    return value if isinstance(value, float) and math.isfinite(value) else 0.0
