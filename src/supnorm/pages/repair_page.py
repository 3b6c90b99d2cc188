"""The page of a repair: its record in, one self-contained HTML file out."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from markupsafe import Markup

from supnorm.pages.before_after import Row, before_after
from supnorm.pages.reading import record_of
from supnorm.pages.rendering import render
from supnorm.pages.svg import two_sizes
from supnorm.pages.time_chart import Series, error_over_time
from supnorm.results import rounded_up, write_whole
from supnorm.results.numbers import ErrorUnit, count, num, pretty_unit, ratio
from supnorm.results.repair import RepairRecord
from supnorm.wording import Fact, Narrator, fact, units_of
from supnorm.wording.repair_page import TEMPLATES

CHIPS = {"within-tolerance": "proven", "not-improved": "over", "tolerance-exceeded": "over"}


def write_repair_page(result: Any, path: Path | str) -> None:
    """Write the page of a repair.

    Args:
        result: of `supnorm.repair`, its record, or the dict of schema ``supnorm.repair/1``.
        path: of the HTML file; it appears whole or not at all.
    """
    write_whole(path, repair_page(record_of(result, RepairRecord), Path(path).parent))


def repair_page(record: RepairRecord, folder: Path | None = None) -> str:
    """The HTML text of the page; it links to the audits whose pages lie in ``folder``."""
    code, say = record.status.code, narrator(record).html
    menu = [
        ("numbers", "Before and after"),
        ("harm", "Harm"),
        ("rounds", "Rounds"),
        ("proof", "Proof"),
        ("again", "Again"),
    ]
    rows, n = compared(record), 0 if record.compared is None else record.compared.n
    values = {
        "title": f"{record.title or 'model'}: {code} – supnorm repair",
        "problem_title": record.title,
        "skip": "numbers",
        "menu": menu,
        "chip": CHIPS.get(code, "open"),
        "word": say(fact(f"chip-{code}")),
        "tolerance": say(fact("asked", tolerance=record.tolerance)),
        "method": say(method(record)),
        "headline": say(headline(record)),
        "advice": record.status.advice,
        "notes": record.notes,
        "head": ("", "old model", "mended model", "old / mended"),
        "rows": table(record, rows),
        "what": say(fact("after-what", n=n) if record.after else fact("before-what")),
        "chart": two_sizes(lambda record, width: chart(record, rows, width), record),
        "links": [
            (name, words)
            for name, words in (("before", "old"), ("after", "mended"))
            if folder is not None and (folder / name / "report.html").is_file()
        ],
        "harm": say(*harm(record)),
        "rounds": two_sizes(rounds, record),
        "rounds_what": say(fact("rounds-patch" if record.method == "patch" else "rounds-what")),
        "rounds_rows": [
            (str(i + 1), count(r.calls), num(r.worst), count(r.samples)) for i, r in enumerate(record.rounds)
        ],
        "regions": regions(record),
        "regions_what": say(fact("regions-what")),
        "axes": [
            f"{axis.name}, {pretty_unit(axis.unit)}" if axis.unit else axis.name for axis in record.axes
        ],
        "proof": say(*proof(record)),
        "record": again(record),
    }
    return render("repair.html.j2", values)


def narrator(record: RepairRecord) -> Narrator:
    """What writes the facts of a repair."""
    return Narrator(TEMPLATES, unit_of(record), units_of(record.axes))


def unit_of(record: RepairRecord) -> ErrorUnit:
    """How the errors of a repair are written."""
    measure = record.measure
    return ErrorUnit(measure.kind, pretty_unit(measure.unit), measure.per_output)


def method(record: RepairRecord) -> Fact:
    """How the model was mended."""
    by = {name: record.method == name for name in ("exchange", "patch", "residual")}
    return fact("method", regions=len(record.regions), parameters=record.parameters, **by)


def headline(record: RepairRecord) -> Fact:
    """The answer in one sentence."""
    if record.status.code == "nothing-found":
        return fact("nothing")
    if record.accepted:
        after = record.worst_after or 0.0
        return fact("fell", times=record.worst_before / after if after > 0 else None)
    return fact("stays", before=record.worst_before)


def compared(record: RepairRecord) -> list[tuple[Fact, float, float]]:
    """Errors of both models, from typical to largest; NaN where one is not known."""
    rows: list[tuple[Fact, float, float]] = []
    after, both = record.after, record.compared
    if both is not None and both.n:
        rows.append((fact("rms-row", n=both.n), both.rms_before, both.rms_after))
    for level, value in record.before.quantiles.items():
        other = None if after is None else after.quantiles.get(level)
        if value is not None:
            rows.append((fact("level-row", share=float(level)), value, math.nan if other is None else other))
    worst = math.nan if record.worst_after is None else record.worst_after
    return [*rows, (fact("worst-row"), record.worst_before, worst)]


def table(record: RepairRecord, rows: list[tuple[Fact, float, float]]) -> list[tuple[str, ...]]:
    """The same in words."""
    say, unit = narrator(record).text, unit_of(record)

    def one(value: float) -> str:
        return "–" if math.isnan(value) else unit(value)

    def gain(before: float, after: float) -> str:
        return ratio(before / after) if after > 0 and math.isfinite(before) and math.isfinite(after) else "–"

    return [(say(what), one(before), one(after), gain(before, after)) for what, before, after in rows]


def chart(record: RepairRecord, rows: list[tuple[Fact, float, float]], width: int) -> Markup:
    """A line for each row, from the error before to the error after."""
    say = narrator(record).text
    shown = [Row(say(what), before, after) for what, before, after in rows]
    tolerance = math.nan if record.tolerance is None else record.tolerance
    return before_after(shown, width, unit_of(record), tolerance, say(fact("dumbbell")))


def harm(record: RepairRecord) -> list[Fact]:
    """Where the mended model is worse."""
    found, both, facts = record.harm, record.compared, []
    if record.unchanged_outside:
        facts.append(fact("harm-confined"))
    if found is None or both is None:
        return [*facts, fact("harm-unknown")]
    if found.growth > 0:
        facts.append(
            fact("harm-found", n=found.evaluations, growth=found.growth, at=found.x, before=found.before,
                 after=found.after, allowed=found.allowed)
        )  # fmt: skip
    else:
        facts.append(fact("harm-none", n=found.evaluations))
    return [*facts, fact("harm-share", grew=both.grew, n=both.n, limit=rounded_up(both.grew_at_most, 3))]


def rounds(record: RepairRecord, width: int) -> Markup:
    """The largest error found over the calls of the reference."""
    say = narrator(record).text
    points = tuple((float(r.calls), r.worst) for r in record.rounds)
    begin = ((float(record.rounds[0].calls) / 2, record.worst_before),) if record.rounds else ()
    series = [Series(record.method, "", (*begin, *points), chosen=True)]
    tolerance = math.nan if record.tolerance is None else record.tolerance
    return error_over_time(series, width, say(fact("rounds-axis")), tolerance, 260, "calls of the reference")


def regions(record: RepairRecord) -> list[tuple[str, ...]]:
    """Centres and radii in units of the inputs: on a logarithmic axis the radius is a factor."""
    found = []
    for region in record.regions[:12]:
        cells = []
        for axis, u, r in zip(record.axes, region.centre, region.radii, strict=True):
            if axis.scale == "log":
                width = math.log(axis.high / axis.low)
                cells.append(f"{num(axis.low * math.exp(u * width), 4)} ×/÷ {num(math.exp(r * width), 3)}")
            else:
                width = axis.high - axis.low
                cells.append(f"{num(axis.low + u * width, 4)} ± {num(r * width, 2)}")
        found.append(tuple(cells))
    return found


def proof(record: RepairRecord) -> list[Fact]:
    """What is proved, in sentences."""
    facts, change, proved = [], record.change, record.certificate
    if proved is not None:
        facts.append(
            fact(
                "proof-tolerance", lower=proved.sup.lower, upper=proved.sup.upper, kind=proved.sup.upper_kind
            )
        )
    if change is not None:
        worst = change.worst_at_most
        old = None if worst is None else worst - change.upper
        facts.append(fact("proof-change", upper=change.upper, kind=change.upper_kind, worst=worst, old=old))
        if change.outside_upper is not None:
            names = change.outside[0].file if len(change.outside) == 1 else f"{change.outside[0].file} ..."
            facts.append(
                fact(
                    "proof-outside",
                    boxes=change.boxes,
                    upper=change.outside_upper,
                    parts=len(change.outside),
                    names=names,
                )
            )
        elif change.boxes:
            facts.append(fact("proof-outside-none"))
    return facts or [fact("proof-none")]


def again(record: RepairRecord) -> list[tuple[str, str]]:
    """What it takes to do it again."""
    used = ", ".join(f"{name} {count(n)}" for name, n in record.evaluations.items())
    packages = ", ".join(f"{name} {v}" for name, v in record.versions.items())
    rows = [
        ("command", record.command),
        ("files", ", ".join(record.files)),
        ("seed", str(record.seed)),
        ("calls of the reference", used),
        ("a call counts as", f"{record.cost.class_}, {record.cost.by}"),
        ("seconds", num(record.seconds)),
        ("versions", packages),
    ]
    return [(name, said) for name, said in rows if said]


def repair_summary(record: RepairRecord) -> list[str]:
    """The lines that the terminal prints."""
    say = narrator(record).text
    rows = table(record, compared(record))
    widths = [max(len(row[k]) for row in rows) for k in range(4)]
    lines = [record.status.line]
    head = ("", "old model", "mended model", "old / mended")
    widths = [max(w, len(h)) for w, h in zip(widths, head, strict=True)]
    for row in (head, *rows):
        cells = (f"{cell:>{widths[k]}}" if k else f"{cell:<{widths[k]}}" for k, cell in enumerate(row))
        lines.append("  " + "  ".join(cells))
    if record.harm is not None:
        lines += [f"  {say(one)}" for one in harm(record)]
    if record.change is not None or record.certificate is not None:
        lines += [f"  {say(one)}" for one in proof(record)]
    return lines
