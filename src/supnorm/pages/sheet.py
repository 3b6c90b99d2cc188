"""The certificate sheet: one page to print, with what `supnorm check` verified in plain words, and what it did not."""

from __future__ import annotations

import math

from markupsafe import Markup

from supnorm.pages.rendering import render
from supnorm.results.check import CheckRecord
from supnorm.results.numbers import ErrorUnit, count, pretty_unit
from supnorm.wording import Fact, Narrator, fact
from supnorm.wording.sheet import TEMPLATES


def sheet_page(record: CheckRecord) -> str:
    """The HTML text of the sheet.

    Args:
        record: of a check; with ``file`` the sheet has hashes and time.
    """
    say = Narrator(TEMPLATES, ErrorUnit("absolute", pretty_unit(record.unit))).html
    file = record.file
    title = fact("title-of", title=file.title) if file is not None and file.title else fact("title-none")
    kind, word = _chip(record)
    values = {
        "title": Markup(say(title)).striptags() + " – supnorm check",
        "heading": say(title),
        "chip": kind,
        "word": say(fact(word)),
        "stated": [say(each) for each in stated(record)],
        "parts": record.statements if record.accepted else (),
        "subject": _subject(record),
        "assumes": [say(each) for each in assumes(record)],
        "leaves_out": [say(each) for each in leaves_out(record)],
        "checked": _checked(record, say(fact("checked-boxes", leaves=record.leaves, seconds=record.seconds))),
        "hashes": [] if file is None else [(file.name, file.sha256), *file.files.items()],
        "command": "" if file is None else file.command,
        "skip": "statement",
        "menu": [],
    }
    return render("sheet.html.j2", values)


def _chip(record: CheckRecord) -> tuple[str, str]:
    """The colour and the word: green only for what is verified without conditions and settles what was asked."""
    if not record.accepted:
        return "over", "chip-rejected"
    if int(record.status.exit):
        return "open", "chip-open"
    if record.conditional or not record.problem_checked:
        return "open", "chip-conditional" if record.conditional else "chip-proved"
    return "proven", "chip-proved"


def stated(record: CheckRecord) -> list[Fact]:
    """What the file proves."""
    if not record.accepted:
        return [fact("stated-nothing", reason=record.reason)]
    facts = []
    if not record.claims or "error" in record.claims:
        if record.upper < math.inf:
            facts.append(fact("stated-bound", upper=record.upper))
        else:
            facts.append(fact("stated-no-bound"))
        if record.lower > 0:
            facts.append(fact("stated-lower", lower=record.lower))
        how = next((rest for name, rest in _subject(record) if name == "error"), "")
        facts += [fact("stated-error", how=how)] if how else []
    if record.statements:
        facts.append(fact("stated-parts"))
    if record.tolerance is not None:
        facts.append(fact("stated-limit", advice=record.status.advice))
    return [*facts, fact("if-conditions")] if record.conditional else facts


def assumes(record: CheckRecord) -> list[Fact]:
    """What the statement rests on."""
    if not record.accepted:
        return []
    facts = [fact("assumes-declared", assumption=each) for each in record.conditional]
    facts += [fact("assumes-deployed", assumption=each) for each in record.deployed]
    facts += [fact("assumes-measured", line=each) for each in record.measured]
    return [*(facts if record.conditional else [fact("assumes-none"), *facts]), fact("assumes-checker")]


def leaves_out(record: CheckRecord) -> list[Fact]:
    """What the statement does not cover."""
    if not record.accepted:
        return []
    first = [] if record.problem_checked else [fact("not-tied")]
    tied = record.problem_checked
    rest = [fact("not-outside"), fact("not-rounding", tied=tied)]
    rest += [fact("not-everywhere")] if tied else []
    return [*first, *rest, fact("not-truth"), fact("not-other")]


def _subject(record: CheckRecord) -> list[tuple[str, str]]:
    """Box, functions and programs, as the checker read them from the file."""
    parts = (line.partition(": ") for line in record.subject)
    return [(name, rest) if mark else ("", name) for name, mark, rest in parts]


def _checked(record: CheckRecord, boxes: Markup) -> list[tuple[str, str]]:
    """How and when it was checked."""
    rows: list[tuple[str, str]] = [("result", record.reason), ("work", boxes)] if record.accepted else []
    file = record.file
    if file is not None:
        packages = ", ".join(f"{name} {version}" for name, version in file.versions.items())
        rows += [
            ("when", file.finished),
            ("by", packages),
            ("size of the file", f"{count(file.bytes)} bytes"),
        ]
        rows += [("fingerprint of the problem", file.fingerprint)] if file.fingerprint else []
    return rows
