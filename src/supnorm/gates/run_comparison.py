"""Two runs of audits of the same question: is the worst error worse than before, as far as can be known? `compare_runs`."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

from supnorm.auditing import load_report
from supnorm.auditing.statistics import CONFIDENCE, clopper_pearson_lower, clopper_pearson_upper
from supnorm.gates.common_rows import common_rows
from supnorm.gates.comparable import demand_comparable, demand_same_peaks
from supnorm.gates.other_rows import OtherRows, demand_same_measure, statistics
from supnorm.gates.other_rows import remarks as other_rows
from supnorm.gates.run_peaks import MOST, peak_changes
from supnorm.gates.run_points import (
    Opened,
    demand_same_question,
    demand_same_rows,
    errors_at,
    is_expensive,
    opened,
)
from supnorm.gates.run_remarks import advice, remarks, same_points
from supnorm.gates.run_verdict import ROUNDING, Known, judge
from supnorm.results import BadInput, ExitCode, Status
from supnorm.results.audit import AuditRecord, PeakRecord
from supnorm.results.compare_runs import CompareRunsRecord, LevelRecord, RunRecord
from supnorm.results.option import demand_number
from supnorm.results.printable import one_line
from supnorm.results.unfinished import demand_finished
from supnorm.results.versions import versions
from supnorm.wording.compare_runs import narrator

EXITS = {"worse": ExitCode.EXCEEDED, "undecided": ExitCode.UNDECIDED}
DOUBT = ("reference-fault", "unresolved")  # verdicts of a run whose worst error is in doubt


@dataclass(frozen=True)
class Side:
    """A run, its problem, and errors of its model at points of the other run.

    Attributes:
        folder, record, opened: of the run.
        points: of the other run: its witness, then its peaks.
        errors: one for each of them; empty where the model was not evaluated.
    """

    folder: Path
    record: AuditRecord
    opened: Opened
    points: tuple[PeakRecord, ...] = ()
    errors: tuple[float, ...] = ()


def compare_runs(
    old: Path | str, new: Path | str, factor: float = 1.0, *, trust: bool = False
) -> CompareRunsRecord:
    """Compare the worst errors of two runs of audits with the same inputs, outputs, error measure and reference.

    Each model is evaluated at the worst points of the other run, where the problem file in the folder of its run still
    describes the model of this run. An error found so is a lower bound like any other.

    Args:
        old, new: folders of audits.
        factor: at least 1: an error counts as larger only if it is above the other one by more than this factor.
        trust: allow model files that need full unpickling, which runs any code in them.

    Returns:
        The verdict, ``status.code``: ``worse``, ``better``, ``no-difference-found`` or ``undecided``; and what it rests on.
        Of two tables with other rows, such as two months, it is ``undecided``, with the statistics of both.

    Raises:
        BadInput: for a folder without an audit, or with one that a later audit has not replaced because it was refused or
            did not finish; and for runs of different questions.

    >>> import tempfile, supnorm as sn
    >>> audit = lambda height: sn.audit(sn.Problem(lambda x: height * x[:, 0], lambda x: 0 * x[:, 0],
    ...     sn.Domain(a=(0.0, 1.0))), evaluations=500, power=False)
    >>> folder = tempfile.mkdtemp()
    >>> runs = [audit(height).save(f"{folder}/{height}") for height in (0.1, 0.3)]
    >>> compare_runs(*runs).status.code, compare_runs(*reversed(runs)).status.code
    ('worse', 'undecided')
    """
    demand_number("factor", factor, 1.0)
    for name, given in (("old", old), ("new", new)):
        if not isinstance(given, str | Path):
            raise BadInput(
                f"{name} must be the folder of an audit, which report.save(folder) writes, got {type(given).__name__}"
            )
    folders = Path(old), Path(new)
    for folder in folders:
        demand_finished(folder, "result.json")
    records = [load_report(folder).record for folder in folders]
    try:
        demand_comparable(records[0], records[1], folders)
        first, second = (
            Side(folder, record, opened(folder, record, trust))
            for folder, record in zip(folders, records, strict=True)
        )
        truths = True
        if records[0].table is not None and records[1].table is not None:
            hashes = records[0].table.rows_hash, records[1].table.rows_hash
            call = not any(map(is_expensive, records))
            truths = demand_same_rows(first.opened, second.opened, *hashes, call)
        demand_same_peaks(records[0], records[1], folders)
    except OtherRows as why:
        return _side_by_side(records[0], records[1], folders, str(why))
    # An error against the other reference is none of this run.
    if differ := _references_differ(first, second):
        none = Opened(None, "the references differ")
        first, second = replace(first, opened=none), replace(second, opened=none)
    first, second = _crossed(first, second.record), _crossed(second, first.record)
    whole = truths and same_points(*records)
    before, now = _run(first, second, whole), _run(second, first, whole)
    common = {} if whole or not truths else common_rows(first.opened.problem, second.opened.problem)
    code, basis = judge(_known(first.record, before), _known(second.record, now), factor)
    if differ:
        code, basis = "undecided", "other-references"
    status = Status(
        code, advice(code, basis, before, now, first.record, factor, differ), EXITS.get(code, ExitCode.DONE)
    )
    return CompareRunsRecord(
        status=status,
        basis=basis,
        factor=factor,
        reference=second.record.reference.name,
        axes=second.record.axes,
        measure=second.record.measure,
        old=before,
        new=now,
        exceedance=_levels(first.record, second.record) if whole else (),
        peaks=peak_changes(first.record, second.record, first.errors[1:], second.errors[1:]),
        remarks=remarks(first.record, second.record, before, now, truths, common),
        command="",
        versions=versions(),
    )


def _side_by_side(
    old: AuditRecord, new: AuditRecord, folders: tuple[Path, Path], why: str
) -> CompareRunsRecord:
    """Two tables with other rows: no verdict, and the statistics of both.

    Raises:
        BadInput: for other inputs, outputs or error measures.
    """
    demand_same_measure(old, new)
    first, second = (
        Side(folder, record, Opened(None, "the tables have other rows"))
        for folder, record in zip(folders, (old, new), strict=True)
    )
    before, now = _run(first, second, False), _run(second, first, False)
    say = narrator(new.measure, new.axes)
    return CompareRunsRecord(
        status=Status(
            "undecided", advice("undecided", "other-rows", before, now, old, 1.0), ExitCode.UNDECIDED
        ),
        basis="other-rows",
        factor=1.0,
        reference=new.reference.name,
        axes=new.axes,
        measure=new.measure,
        old=before,
        new=now,
        exceedance=(),
        peaks=(),
        statistics=statistics(old, new),
        remarks=tuple(map(say.say, other_rows(old, new, why))),
        command="",
        versions=versions(),
    )


def _crossed(side: Side, other: AuditRecord) -> Side:
    """The side with errors of its model at the other run's witness and peaks.

    Raises:
        BadInput: where domain, error measure or reference differ.
    """
    problem = side.opened.problem
    points = () if other.witness is None else (other.witness, *other.peaks[:MOST])
    if problem is None or not points:
        return side
    demand_same_question(problem, other, points, not is_expensive(side.record))
    try:
        errors = tuple(errors_at(problem, other, points))
    except BadInput as why:
        return Side(side.folder, side.record, Opened(None, one_line(str(why), 200)))
    return Side(side.folder, side.record, side.opened, points, errors)


def _references_differ(old: Side, new: Side) -> tuple[str, ...]:
    """The parts of the references whose hashes differ; none where a call or the rows of a table show whether they do.

    Nothing is known of a reference that was given in Python, or from an older version's result.
    """
    called = any(side.opened.problem is not None and not is_expensive(side.record) for side in (old, new))
    before, now = old.record.reference_code, new.record.reference_code
    if called or old.record.table is not None or not before or not now:
        return ()
    names = [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]
    return tuple(f"{name} ({before.get(name, 'absent')}, now {now.get(name, 'absent')})" for name in names)


def _run(side: Side, other: Side, same: bool) -> RunRecord:
    """What is known of one run, with the errors at the other's points.

    Args:
        side, other: both runs.
        same: whether the errors of both are over the same points. The largest error over other rows bounds nothing, nor
            does the one over rows with other truths.

    Raises:
        BadInput: where an error is above the proved bound of its model.
    """
    record = side.record
    worst, at, there = record.sup.lower, record.witness, math.nan
    if other.errors:
        there = other.errors[0]  # the other model at this run's witness
    raised = False
    for point, error in zip(side.points, side.errors, strict=True):
        if error > worst or (math.isnan(worst) and not math.isnan(error)):
            worst, at, there, raised = error, point, point.error, True
    upper, kind = _upper(record, same)
    if upper is not None and worst > upper * (1.0 + ROUNDING) + _finite(record.sup.rounding):
        raise BadInput(
            f"{side.folder}: the model has an error of {worst!r}, above the bound of its certificate ({upper!r}): check "
            "whether the certificate is one of this model (supnorm check)"
        )
    return RunRecord(
        folder=str(side.folder),
        title=record.title,
        model=record.model.name,
        verdict=record.status.code,
        tolerance=record.tolerance,
        found=record.sup.lower,
        worst=worst,
        at=None if at is None else at.x,
        row=None if at is None else at.row,
        raised=raised,
        other=None if math.isnan(there) else there,
        upper=upper,
        upper_kind=kind,
        rms=record.rms.value,
        ratio=worst / record.rms.value if record.rms.value > 0 else math.nan,
        no_value=record.failures.model,
        infinite=_infinite_rows(record) if same else None,
        evaluations=record.evaluations.search,
        planted_found=sum(p.found for p in record.power),
        planted=sum(p.runs for p in record.power),
        evaluated=bool(side.errors),
        left_out=side.opened.why,
        seed=record.seed,
        fingerprint=record.fingerprint,
    )


def _upper(record: AuditRecord, same: bool) -> tuple[float | None, str]:
    """The upper bound of a run, and of which kind."""
    sup, table = record.sup, record.table
    if sup.upper is not None:
        return sup.upper, sup.upper_kind
    whole = record.search.complete if table is None else same and not table.left
    return (sup.lower, "exact") if whole and record.witness is not None else (None, "none")


def _infinite_rows(record: AuditRecord) -> int | None:
    """Of a table of which every row was compared: how many rows have an infinite error."""
    if record.table is None or record.table.left:
        return None
    return 0 if record.finite is None else record.finite.infinite


def _known(record: AuditRecord, run: RunRecord) -> Known:
    """What decides; a bound under conditions does not."""
    bounded = run.upper is not None and run.upper_kind != "conditional"
    return Known(
        run.worst,
        math.nan if run.other is None else run.other,
        run.upper if bounded and run.upper is not None else math.inf,
        run.evaluations,
        (run.planted_found, run.planted),
        _finite(record.sup.rounding),
        _in_doubt(record),
        run.infinite,
        frozenset(record.table.without_value_rows.get("model", ()))
        if record.table is not None
        else frozenset(),
        math.nan if record.finite is None or record.finite.worst is None else record.finite.worst,
        record.status.code == "interrupted",
    )


def _in_doubt(record: AuditRecord) -> bool:
    """Whether the second reference contradicts the worst error; another, confirmed one may have decided the status."""
    fault = record.witness is not None and record.witness.recheck == "reference-fault"
    return fault or record.status.code in DOUBT


def _finite(value: float) -> float:
    return value if math.isfinite(value) else 0.0


def _levels(old: AuditRecord, new: AuditRecord) -> tuple[LevelRecord, ...]:
    """Shares of the law above levels that both runs have, whose errors are over the same points."""
    now = {level.above: level for level in new.exceedance}
    levels = []
    for level in old.exceedance:
        if level.above in now:
            a, b = (_interval(e.count, e.n, e.confidence == 1.0) for e in (level, now[level.above]))
            levels.append(LevelRecord(above=level.above, old=a, new=b, overlap=a[0] <= b[1] and b[0] <= a[1]))
    return tuple(levels)


def _interval(count: int, n: int, exact: bool) -> tuple[float, float]:
    """The 95 % interval of Clopper and Pearson (1934) for a share.

    >>> [round(end, 4) for end in _interval(0, 100, False)], _interval(1, 4, True)
    ([0.0, 0.0362], (0.25, 0.25))
    """
    if not n:
        return 0.0, 1.0
    if exact:
        return count / n, count / n
    each = (1 + CONFIDENCE) / 2  # of each of its ends
    return clopper_pearson_lower(count, n, each), clopper_pearson_upper(count, n, each)
