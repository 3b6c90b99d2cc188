"""The answer of a result in a notebook: the head of its page (verdict, sentence, ruler), with the style that it needs.

The style sheet of the pages is nested under one class, so that nothing else in the notebook changes. There is no script,
and links to parts of the page that are not there lose their link.
"""

from __future__ import annotations

import re
from functools import cache
from html import escape
from importlib.resources import files

from supnorm.pages.page import OTHERS, page_text
from supnorm.results.audit import AuditRecord
from supnorm.results.printable import printable
from supnorm.results.record import Result

HEAD = re.compile(r'<header class="hero">(.*?)</header>', re.DOTALL)
TABLE = re.compile(r'<div class="scroll">.*?</div>', re.DOTALL)
LINK = re.compile(r"</?a\b[^>]*>")
# Patterns have names in a whole document: that of the page may be there a second time, which is the same one.
HATCH = (
    '<svg width="0" height="0" aria-hidden="true" style="position:absolute"><pattern id="hatch" width="6" height="6" '
    'patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="2.5" height="6" class="hatch"/></pattern>'
    "</svg>"
)
# Of these a table carries the answer: the head alone says too little.
WITH_TABLE = ("supnorm.compare/1", "supnorm.norms/1", "supnorm.properties/1")


def embedded(record: Result) -> str:
    """HTML of a few lines for a notebook's cell.

    Args:
        record: of any verb; one without a page is told by its status.

    >>> from supnorm.results import Status
    >>> from supnorm.results.check import CheckRecord
    >>> embedded(CheckRecord.model_construct(status=Status("rejected", "a box is missing")))
    '<p><b>rejected</b>: a box is missing</p>'
    """
    if not (isinstance(record, AuditRecord) or record.SCHEMA in OTHERS):
        status = getattr(record, "status", None)
        code, advice = (record.SCHEMA, "") if status is None else (status.code, status.advice)
        return f"<p><b>{escape(code)}</b>: {escape(printable(advice))}</p>"
    page = page_text(record)
    head = HEAD.search(page)
    shown = head[1] if head else ""
    if record.SCHEMA in WITH_TABLE and (table := TABLE.search(page)):
        shown += table[0]
    shown = LINK.sub("", shown).replace("<h1", "<div role=heading aria-level=3").replace("</h1>", "</div>")
    return "".join(('<div class="supnorm-result"><style>', style(), "</style>", HATCH, shown, "</div>"))


@cache
def style() -> str:
    """The style sheet of the pages, nested under the class of the embedded part."""
    css = (files("supnorm.pages") / "page.css").read_text("utf-8")
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    css = css.replace(":root", "&").replace("h1", "[role=heading]")
    css = re.sub(r"(?<![.\w])body\b", "&", css)
    css = re.sub(r"@page \{[^}]*\}", "", css)
    css = re.sub(r"\s+", " ", css)
    return (
        f".supnorm-result {{ {css} & {{ padding: 12px 16px; max-width: 892px }} .hero {{ padding: 0 }} "
        "[role=heading] { font-size: 22px!important } }"
    )
