"""Whether the result of an audit that was read from a file contradicts itself: then the file was edited, or is damaged.

Nobody can see from a file alone whether its numbers are those of the run. But a verdict is told to build servers from it, so
numbers that cannot stand beside each other are refused, and so is a verdict that is not the one of its numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from supnorm.results.audit import AuditRecord
from supnorm.results.numbers import num
from supnorm.results.printable import from_cell, in_cell, one_line
from supnorm.results.status import ExitCode
from supnorm.results.table import input_columns

NEAR = 1e-6  # relative: what a batch in single precision changes, as in `pages.view.View.check`
TINY = 1e-300  # rounding of the smallest numbers
PASSED = ("within-tolerance", "nothing-found")
EXITS = {
    "within-tolerance": ExitCode.DONE,
    "nothing-found": ExitCode.DONE,
    "no-tolerance": ExitCode.DONE,
    "tolerance-exceeded": ExitCode.EXCEEDED,
    "interrupted": ExitCode.INTERRUPTED,
    "no-value": ExitCode.UNDECIDED,
    "reference-fault": ExitCode.REFERENCE_FAULT,
    "unresolved": ExitCode.REFERENCE_FAULT,
}
UNPROVED = "none"  # of an upper bound


def contradiction(record: AuditRecord) -> str:
    """The first contradiction in words; empty where there is none."""
    return next(_contradictions(record), "")


def other_points(record: AuditRecord, columns: Sequence[str], rows: Sequence[Sequence[float]]) -> str:
    """Why a table of worst points is not of this result; empty where it may be.

    Args:
        record: the result.
        columns: of the table, without labels of rows.
        rows: its rows of numbers; the last one of each is the error.
    """
    names = input_columns([axis.name for axis in record.axes], columns[len(record.axes) :])
    axes = [from_cell(in_cell(name)) for name in names]  # as the file has them
    width = len(axes) + 2 * record.outputs_total + 1
    if len(columns) != width or [*columns[: len(axes)]] != axes:
        return f"it has {len(columns)} columns of numbers, first {', '.join(columns[: len(axes)])}, and {width} belong to it"
    errors = [row[-1] for row in rows]
    least, most = _range(record)
    largest = max((error for error in errors if not math.isnan(error)), default=math.nan)
    if largest > most or (math.isnan(record.sup.lower) and not math.isnan(largest)):
        return f"its largest error, {num(largest, 8)}, is above the worst error, {num(record.sup.lower, 8)}"
    worst = math.nan if record.witness is None else record.witness.error
    missing = largest < worst - (most - least) / 2 or (math.isnan(largest) and worst > 0)
    if missing and record.status.code != "interrupted":  # an audit that was stopped may have written fewer
        return f"its largest error is {num(largest, 8)}, and that of the worst point {num(worst, 8)}"
    if record.witness is None or record.status.code == "interrupted":
        return ""
    x = [record.witness.x[axis.name] for axis in record.axes]
    return "" if any([*row[: len(x)]] == x for row in rows) else "the worst point is not in it"


def _range(record: AuditRecord) -> tuple[float, float]:
    """The worst error less and plus what a batch and a repeated call change."""
    lower, rounding = record.sup.lower, record.sup.rounding
    room = NEAR * abs(lower) + (rounding if rounding > 0 and math.isfinite(rounding) else 0.0)
    return (lower, lower) if math.isinf(lower) else (lower - room, lower + room)


def _contradictions(record: AuditRecord) -> Iterator[str]:
    yield from _of_the_status(record)
    yield from _of_the_worst_error(record)
    yield from _of_the_bound(record)
    yield from _of_the_points(record)
    yield from _of_the_statistics(record)
    yield from _of_the_search(record)


def _of_the_status(record: AuditRecord) -> Iterator[str]:
    """Status, tolerance and worst error."""
    code, tolerance, (least, most) = record.status.code, record.tolerance, _range(record)
    if code not in EXITS:
        yield f"no audit ends with the status {one_line(code, 40)}"
    if (ends := EXITS.get(code, record.status.exit)) != record.status.exit:
        yield f"the status is {code}, with which a run ends with {int(ends)}, and the exit code is {int(record.status.exit)}"
    if tolerance is None:
        if code in (*PASSED, "tolerance-exceeded"):
            yield f"the status is {code}, and there is no tolerance"
        return
    if code == "no-tolerance":
        yield f"the status is {code}, and there is a tolerance"
    wrong = code in PASSED and not least <= tolerance
    if wrong or (code == "tolerance-exceeded" and not most > tolerance):
        worst = num(record.sup.lower, 8)
        yield f"the status is {code}, the worst error {worst} and the tolerance {num(tolerance, 8)}"
    upper, seen = record.sup.upper, record.search.exhaustive or record.table_only
    if code == "within-tolerance" and not seen and (upper is None or not upper <= tolerance):
        yield f"the status is {code}, and neither was every point evaluated nor is there a bound that shows it"


def _of_the_worst_error(record: AuditRecord) -> Iterator[str]:
    """The worst error and all other errors that the run has computed."""
    lower, (least, most) = record.sup.lower, _range(record)
    for name, error in _errors(record):
        if not math.isnan(error) and not error <= most:
            yield f"{name} is {num(error, 8)}, above the worst error, {num(lower, 8)}"
    worst = math.nan if record.witness is None else record.witness.error
    if (math.isnan(worst) and not math.isnan(lower)) or worst < least:
        yield f"the worst error is {num(lower, 8)} and that of the worst point {num(worst, 8)}"
    named = record.norms.get("sup")
    if named is not None and (named < least or named > most):
        yield f"the worst error is {num(lower, 8)} and the norm sup {num(named, 8)}"


def _of_the_bound(record: AuditRecord) -> Iterator[str]:
    sup, (least, _) = record.sup, _range(record)
    if (sup.upper is None) != (sup.upper_kind == UNPROVED):
        yield f"the upper bound is {sup.upper} and its kind {one_line(sup.upper_kind, 40)}"
    if sup.upper is not None and least > sup.upper:
        yield f"the worst error, {num(sup.lower, 8)}, is above the upper bound, {num(sup.upper, 8)}"


def _of_the_points(record: AuditRecord) -> Iterator[str]:
    """Inputs, values and error of each point that the result names."""
    axes, names = {axis.name: axis for axis in record.axes}, [output.name for output in record.outputs]
    measure, (least, most) = record.measure, _range(record)
    # Differences of values are the error of this measure alone.
    plain = (
        measure.kind == "absolute" and measure.side == "both" and not (measure.per_output or measure.joint)
    )
    # Of thousands of outputs not all have a name, and a point has the values of some.
    whole = len(names) == record.outputs_total
    plain = plain and whole
    witness = () if record.witness is None else (record.witness,)
    for point in (*witness, *record.peaks, *record.glitches):
        for name, x in point.x.items():
            if name in axes and (x < axes[name].low or x > axes[name].high):
                yield f"a point has {one_line(name, 40)} = {x!r}, outside of its range"
        if len(point.model) != len(point.reference) or (whole and len(point.model) != record.outputs_total):
            yield f"a point has {len(point.model)} values of the model, and there are {record.outputs_total} outputs"
        elif plain and point.output in names:
            model, reference = (side[names.index(point.output)] for side in (point.model, point.reference))
            apart, room = abs(model - reference), NEAR * (abs(model) + abs(reference)) + (most - least)
            if abs(apart - point.error) > room:
                yield f"the model has {model!r} at a point, the reference {reference!r}, and the error is {point.error!r}"


def _of_the_statistics(record: AuditRecord) -> Iterator[str]:
    """What is said of the errors of one sample: mean, RMS, largest one, and how many are above a level."""
    worst = record.plain_sample.worst
    most = worst + NEAR * worst + TINY
    averages = {"RMS": record.rms.value, "mean": record.mean.value}
    averages |= {name: value for name, value in record.norms.items() if name != "sup"}
    for name, value in averages.items():
        if value < 0 or value > most:
            yield f"the {one_line(name, 40)} error is {num(value, 8)}, and the largest of the same points {num(worst, 8)}"
    squares = record.norms.get("L2", record.rms.value)
    if abs(squares - record.rms.value) > NEAR * squares + TINY:
        yield f"the RMS error is {num(record.rms.value, 8)} and the norm L2 {num(squares, 8)}"
    shares = record.exceedance
    for row in shares:
        if not 0 <= row.count <= row.n or (row.count > 0) != (worst > row.above):
            yield f"{row.count} of {row.n} errors are above {num(row.above, 8)}, and the largest is {num(worst, 8)}"
    if record.tolerance is not None and shares and shares[0].above != record.tolerance:
        yield f"the tolerance is {num(record.tolerance, 8)}, and errors above {num(shares[0].above, 8)} were counted"


def _of_the_search(record: AuditRecord) -> Iterator[str]:
    """What is said to have been evaluated."""
    search, failures = record.search, record.failures
    if record.table_only and record.table is None:
        yield "the rows of a table are said to be all, and there is no table"
    if search.exhaustive and (search.points is None or search.points != search.evaluated):
        yield f"every point is said to be evaluated, and {search.evaluated} of {search.points} were"
    if search.complete and not search.exhaustive:
        yield "the error of every point is said to be known, and not every point was evaluated"
    counts = {
        f"failures.{side}": getattr(failures, side) for side in ("count", "model", "reference", "infinite")
    }
    counts |= {"evaluations.search": record.evaluations.search, "plain_sample.n": record.plain_sample.n}
    yield from (f"{name} is {n}" for name, n in counts.items() if n < 0)
    for row in record.power:
        if not 0 <= row.found <= row.runs:
            yield f"{row.found} of {row.runs} planted errors are said to be found"


def _errors(record: AuditRecord) -> Iterator[tuple[str, float]]:
    """Errors that were computed in the run, each with its name."""
    if record.witness is not None:
        yield "the error at the worst point", record.witness.error
    yield from (("an error of the peaks", peak.error) for peak in (*record.peaks, *record.glitches))
    yield "the largest error of the random points", record.plain_sample.worst
    yield from (("a quantile", math.nan if v is None else v) for v in record.quantiles.values())
    yield "the RMS error", record.rms.value
