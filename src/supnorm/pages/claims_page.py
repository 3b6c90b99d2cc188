"""The gallery of claims: a ledger's record in, one self-contained HTML file out; and the lines for the terminal."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from markupsafe import Markup

from supnorm.pages.badge import badge
from supnorm.pages.rendering import render
from supnorm.pages.svg import Scale, el, line, path, picture
from supnorm.results import write_whole
from supnorm.results.claim import ClaimRecord, LedgerRecord, LedgerRowRecord
from supnorm.results.numbers import num
from supnorm.wording import Narrator, fact
from supnorm.wording.claim import narrator

CHIPS = {"proved": "proven", "refuted": "over"}
ORDER = (
    "refuted",
    "unconfirmed",
    "proved",
    "not-refuted",
    "undecided",
    "not-comparable",
    "failed",
    "not-installed",
)
WIDTH, HEIGHT = 220, 74  # of the small picture in a row
DECADES = 1e-3  # how far below the published number a picture goes


def write_claims_page(record: LedgerRecord, path: Path | str) -> None:
    """Write the gallery; it appears whole or not at all."""
    write_whole(path, claims_page(record))


def write_badge(record: ClaimRecord, path: Path | str) -> None:
    """Write the badge of a claim."""
    code = record.status.code
    words = narrator(None).text(fact(f"verdict-{code}"))
    write_whole(path, badge(record.published, code, words))


def claims_page(record: LedgerRecord) -> str:
    """The HTML text of the gallery."""
    rows = sorted(record.rows, key=lambda row: (_rank(row.status.code), -(row.factor or 0.0), row.name))
    values = {
        "title": f"{len(rows)} claims – supnorm claim",
        "skip": "claims",
        "menu": [("claims", "Claims"), ("details", "Details")],
        "advice": record.status.advice,
        "install": record.install,
        "rows": [_row(row) for row in rows],
        "command": record.command,
    }
    return render("claims.html.j2", values)


def _rank(code: str) -> int:
    return ORDER.index(code) if code in ORDER else len(ORDER)


def _row(row: LedgerRowRecord) -> dict[str, Any]:
    """What a row of the gallery shows, and numbers by which it is sorted."""
    say, code, worst = narrator(row.measure, row.published, row.axes), row.status.code, row.worst
    drawn, caption = _picture(row, say)
    installed = ", ".join(f"{name} {version}" for name, version in row.installed.items() if version)
    return {
        "name": row.name,
        "of": row.of,
        "says": row.says,
        "source": row.source,
        "subject": row.subject,
        "rank": _rank(code),
        "chip": CHIPS.get(code, "open"),
        "verdict": say.text(fact(f"verdict-{code}")),
        "published": row.published,
        "worst": _found(row, say),
        "factor": "–" if row.factor is None else num(row.factor),
        "sorted": -1.0 if row.factor is None else min(row.factor, 1e300),
        "at": "" if worst is None else say.text(fact("at", at=worst.x)),
        "values": "" if worst is None else say.text(_values(row)),
        "picture": drawn,
        "caption": caption,
        "advice": row.status.advice,
        "remarks": [remark.text for remark in row.remarks] + ([row.notes] if row.notes else []),
        "planted": [
            say.text(
                fact(
                    "planted",
                    runs=p.runs,
                    shape=p.shape,
                    height=p.height / worst.error if worst and worst.error > 0 else 1.0,
                    volume=p.volume,
                    n=p.evaluations,
                    found=p.found,
                )
            )
            for p in row.power
        ],
        "reference": row.reference,
        "second": row.second,
        "range": ", ".join(f"{a.name} {num(a.low, 6)} … {num(a.high, 6)}" for a in row.axes),
        "allowed": say.text(fact("allowed", n=row.evaluations, seconds=row.seconds)),
        "installed": installed,
        "report": f"{row.folder}/{row.report}" if row.folder and row.report else "",
        "certificate": f"{row.folder}/certificate.json" if row.folder and row.proof else "",
    }


def _values(row: ClaimRecord) -> Any:
    """Model, reference and second reference at the worst point, in the output that has the error."""
    worst = row.worst
    assert worst is not None
    shown = [_several(values, worst.position) for values in (worst.model, worst.reference)]
    second = None if worst.second is None else _several(worst.second, worst.position)
    output = worst.output if worst.position is not None and len(worst.model) > 1 else None
    return fact("values", output=output, model=shown[0], reference=shown[1], second=second)


def _several(values: tuple[float, ...], position: int | None) -> str:
    """The one that has the error; the first ones where the error is of several."""
    if position is not None and position < len(values):
        return num(values[position], 6)
    more = " …" if len(values) > 3 else ""
    return ", ".join(num(v, 6) for v in values[:3]) + more


def _picture(row: ClaimRecord, say: Narrator) -> tuple[Markup, str]:
    """The error along one input, or at points, with the published number and the worst point; and what it shows."""
    cut, points, limit, worst = row.picture, row.points, row.tolerance, row.worst
    if not limit or worst is None:
        return Markup(""), ""
    along = cut is not None and len(cut.whole.x) > 1
    if cut is not None and along:
        axis, x, errors, caption = cut.axis, cut.whole.x, cut.whole.error, fact("picture", axis=cut.axis)
    elif points is not None:
        axis, x, errors, caption = (
            points.axis,
            points.x,
            points.error,
            fact("picture-points", axis=points.axis),
        )
    else:
        return Markup(""), ""
    label = say.text(caption)
    tops = [e for e in [*errors, worst.error, limit] if math.isfinite(e)]
    low, high = limit * DECADES, max(max(tops), limit) * 2
    chosen = next((a for a in row.axes if a.name == axis), None)
    ends = (min(x), max(x)) if along or chosen is None else (chosen.low, chosen.high)
    across = Scale(*ends, 4.0, WIDTH - 4.0, log=chosen is not None and chosen.scale == "log")
    up = Scale(low, high, HEIGHT - 4.0, 6.0, log=True)
    parts = [line(4.0, up(limit), WIDTH - 4.0, up(limit), "s-tol")]
    if along:
        heights = [max(e, low) if math.isfinite(e) else math.nan for e in errors]
        parts.append(path([across(v) for v in x], [up(h) for h in heights], "s-err"))
    else:
        parts += [
            el("circle", class_="pt", cx=across(v), cy=up(min(max(e, low), high)), r=1.6)
            for v, e in zip(x, errors, strict=True)
        ]
    parts.append(el("circle", class_="dot", cx=across(worst.x[axis]), cy=up(min(worst.error, high)), r=3.5))
    return picture(WIDTH, HEIGHT, label, *parts), label


def _found(row: ClaimRecord, say: Narrator) -> str:
    """The largest error; of a measure of the claim's own with what it allows, since its unit is not that of the sentence."""
    if row.worst is None:
        return "–"
    if row.measure is not None and row.measure.kind == "function" and row.tolerance is not None:
        return say.text(fact("own-measure", error=row.worst.error, limit=row.tolerance))
    return say.error(row.worst.error, 4)


def claim_summary(record: ClaimRecord) -> list[str]:
    """The lines that the terminal prints of one claim."""
    say = narrator(record.measure, record.published, record.axes)
    lines = [record.status.line]
    lines.append("  " + say.text(fact("summary-says", says=record.says, source=record.source)))
    if record.worst is not None:
        lines.append("  " + say.text(fact("summary-worst", error=record.worst.error, at=record.worst.x)))
        lines.append("  " + say.text(_values(record)))
    return [*lines, *(f"  {remark.text}" for remark in record.remarks)]


def ledger_summary(record: LedgerRecord) -> list[str]:
    """The lines that the terminal prints of many claims: one for each, then what to install."""
    rows = sorted(record.rows, key=lambda row: (_rank(row.status.code), row.name))
    head = ("claim", "published", "found", "times", "verdict")
    cells = [head]
    for row in rows:
        say = narrator(row.measure, row.published, row.axes)
        found = _found(row, say)
        times = "–" if row.factor is None else num(row.factor)
        verdict = say.text(fact(f"verdict-{row.status.code}"))
        cells.append((row.name, row.published, found, times, verdict))
    widths = [max(len(line[k]) for line in cells) for k in range(len(head))]
    lines = ["  ".join(f"{cell:<{widths[k]}}" for k, cell in enumerate(line)).rstrip() for line in cells]
    failed = [f"{row.name}: {row.status.advice}" for row in rows if row.status.code == "failed"]
    install = [record.install] if record.install else []
    return [*lines, "", record.status.line, *failed, *install]
