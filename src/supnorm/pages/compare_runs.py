"""Two runs side by side: lines for the terminal, and what Markdown, JUnit XML, SARIF and the badge tell."""

from __future__ import annotations

from supnorm.pages.gate import Gate, WorstPoint
from supnorm.results.compare_runs import CompareRunsRecord, PeakChangeRecord, RunRecord, StatisticRecord
from supnorm.results.numbers import count, num, percent, ratio
from supnorm.wording import Narrator, fact
from supnorm.wording.compare_runs import narrator

GAP = 2  # blanks between columns
KINDS = {"worse": ("over", "▲"), "undecided": ("open", "○"), "no-difference-found": ("open", "○")}
Row = tuple[str, str, str]


def runs_summary(record: CompareRunsRecord) -> list[str]:
    """The lines for the terminal."""
    say = narrator(record.measure, record.axes)
    lines = [record.status.advice, ""]
    rows = [("", "old", "new"), *_rows(record, say)]
    first, second = (max(len(row[k]) for row in rows) + GAP for k in (0, 1))
    lines += [f"{name:<{first}}{old:<{second}}{new}".rstrip() for name, old, new in rows]
    if record.peaks:
        lines += ["", "peaks", *(f"  {_peak(peak, say)}" for peak in record.peaks)]
    if record.remarks:
        lines += ["", *(remark.text for remark in record.remarks)]
    return lines


def runs_gate(record: CompareRunsRecord) -> Gate:
    """What a gate tells of the comparison."""
    say, code = narrator(record.measure, record.axes), record.status.code
    kind, icon = KINDS.get(code, ("open", "○"))
    if record.basis == "proved" and code != "worse":
        kind, icon = "proven", "✓"
    verdict = say.text(fact(f"chip-{code}"))
    return Gate(
        verb="compare-runs",
        title=record.new.title or record.new.model or "model",
        kind=kind,
        icon=icon,
        verdict=verdict,
        code=code,
        exit=int(record.status.exit),
        sentences=(record.status.advice, *(remark.text for remark in record.remarks)),
        advice="",
        facts=tuple((name, new, say.text(fact("was", old=old))) for name, old, new in _rows(record, say)),
        head=("peak",),
        worst=tuple(_worst(record, peak, say) for peak in record.peaks if peak.x_new is not None),
        short=verdict,
        command=record.command,
        fingerprint=record.new.fingerprint,
    )


def _worst(record: CompareRunsRecord, peak: PeakChangeRecord, say: Narrator) -> WorstPoint:
    error, tolerance = peak.new or 0.0, record.new.tolerance
    words = _peak(peak, say)
    return WorstPoint(peak.x_new or {}, error, tolerance is not None and error > tolerance, words, (words,))


def _rows(record: CompareRunsRecord, say: Narrator) -> list[Row]:
    """Name, old and new of each line."""
    runs = (record.old, record.new)
    rows = [
        _row("folder", *(run.folder for run in runs)),
        _row("worst error known", *(say.error(run.worst, 4) for run in runs)),
        _row("at", *(_at(run, say) for run in runs)),
        *(() if record.statistics else _searched(runs, say)),
        _row("RMS error", *(say.error(run.rms, 4) for run in runs)),
        _row("worst / RMS", *(ratio(run.ratio) for run in runs)),
        *(_of_tables(record, one, say) for one in record.statistics),
    ]
    for level in record.exceedance:
        shares = (say.text(fact("share", low=low, high=high)) for low, high in (level.old, level.new))
        rows.append(_row(say.text(fact("share-above", above=level.above)), *shares))
    rows += [
        _row("tolerance", *("–" if r.tolerance is None else say.error(r.tolerance, 6) for r in runs)),
        _row("verdict of the run", *(run.verdict for run in runs)),
        _row("points without a value", *(count(run.no_value) for run in runs)),
    ]
    if not record.statistics:
        rows.append(_row("evaluations of the search", *(count(run.evaluations) for run in runs)))
    if any(run.planted for run in runs):
        planted = (say.text(fact("planted", found=run.planted_found, runs=run.planted)) for run in runs)
        rows.append(_row("planted errors found", *planted))
    return rows


def _row(name: str, old: str, new: str) -> Row:
    return name, old, new


def _searched(runs: tuple[RunRecord, RunRecord], say: Narrator) -> list[Row]:
    """What the searches found, and each model at the point of the other run; of tables with other rows there is none."""
    return [
        _row("found by its own search", *(say.error(run.found, 4) for run in runs)),
        _row("other model at this point", *("–" if r.other is None else say.error(r.other, 4) for r in runs)),
        _row("proved", *(_bound(run, say) for run in runs)),
    ]


def _of_tables(record: CompareRunsRecord, one: StatisticRecord, say: Narrator) -> Row:
    """A statistic of two tables with other rows."""
    of = {key: float(v) if key == "share" else v for key, v in one.of.items()}
    shown = (_statistic(record, one.code, value, say) for value in (one.old, one.new))
    return _row(say.text(fact(f"stat-{one.code}", **of)), *shown)


def _statistic(record: CompareRunsRecord, code: str, value: float | None, say: Narrator) -> str:
    if value is None:
        return "–"
    if code in ("rows", "above"):
        return count(value) if code == "rows" else percent(value, 3)
    in_unit = record.measure.kind == "absolute" and not record.measure.per_output
    return num(value, 4) if code in ("mae", "bias") and not in_unit else say.error(value, 4)


def _at(run: RunRecord, say: Narrator) -> str:
    return "–" if run.at is None else say.text(fact("at", at=run.at, row=run.row))


def _bound(run: RunRecord, say: Narrator) -> str:
    return "–" if run.upper is None else say.text(fact("bound", upper=run.upper, kind=run.upper_kind))


def _peak(peak: PeakChangeRecord, say: Narrator) -> str:
    """A peak in one line."""
    at = peak.x_new if peak.x_new is not None else peak.x_old
    known = peak.old is not None and peak.new is not None
    values = {
        "old": peak.old,
        "new": peak.new,
        "at": at,
        "before": peak.x_old,
        "known": known,
        "row": peak.row,
    }
    return say.text(fact(f"peak-{peak.change}", **values))
