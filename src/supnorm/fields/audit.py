"""`audit_fields`: compare gridded predictions with the truth at every grid point."""

from __future__ import annotations

import difflib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import Any

from supnorm.evaluation.cluster import Cluster, is_client
from supnorm.evaluation.events import silent
from supnorm.evaluation.limit import Limit
from supnorm.fields.checkpoint import EVERY, Checkpoints, identity_of
from supnorm.fields.compared_again import contents_of, demand_same_data
from supnorm.fields.elsewhere import compare_elsewhere
from supnorm.fields.events_seen import FieldsCompared, FieldsPlanned
from supnorm.fields.judge import Judged
from supnorm.fields.limits import FREE, usual_bounds
from supnorm.fields.one_sided import completed
from supnorm.fields.opening import never_written, opened, size_of, variables_of
from supnorm.fields.pairing import Pair, PairingOptions, demand_used, pair
from supnorm.fields.report import FieldReport, Maps
from supnorm.fields.settings import EventOptions, demand_known
from supnorm.fields.verdict import findings_of, status_of
from supnorm.fields.work import compare, joined, shares_of
from supnorm.interrupts import INTERRUPTS
from supnorm.results import BadInput, Interrupted, NotWritten, Status
from supnorm.results.fields import FieldsRecord, FieldVariableRecord
from supnorm.results.option import demand_seconds
from supnorm.results.printable import one_line
from supnorm.results.versions import versions

Bounds = tuple[float, float]


class NoVariable(BadInput):
    """A variable that was asked for is not among those that have numbers and two or more dimensions."""


def audit_fields(
    prediction: Any,
    truth: Any,
    *,
    variables: Sequence[str] | Mapping[str, str] | None = None,
    tolerance: float | Mapping[str, float] | None = None,
    bounds: Mapping[str, Bounds] | None = None,
    pairing: PairingOptions | None = None,
    events: EventOptions | None = None,
    folder: Path | str | None = None,
    resume: bool = False,
    seconds: float | None = None,
    workers: int | Executor = 1,
    observer: Callable[[Any], None] = silent,
) -> FieldReport:
    """Compare gridded predictions with the truth at every grid point, in one pass and in bounded memory.

    Every grid point that both sides have is compared, so the largest error is exact for these data; it says nothing about
    times, members or places that are not in them.

    Args:
        prediction, truth: paths of NetCDF, Zarr or GRIB, or `xarray` Datasets or DataArrays. Forecasts have an init time
            and a lead time (the truth is taken at the sum), analyses a time; levels and members are optional.
        variables: names in both, or names in the prediction with their names in the truth; all common ones by default.
        tolerance: largest error allowed, of all variables or of some by name.
        bounds: ``(low, high)`` of the prediction by name; for humidity, precipitation, fractions, temperature and the like
            there are usual ones.
        pairing: which dimension is what, members, units, weights, a region.
        events: which grid points are reported together.
        folder: for checkpoints, from which ``resume`` goes on; `FieldReport.save` deletes those of a finished run.
        seconds: limit of time; what was compared until then is reported, with the status ``interrupted``.
        workers: threads; or an executor of ``concurrent.futures`` whose workers open the files themselves or a
            Dask ``Client``. It changes nothing in the result.
        observer: gets `FieldsPlanned` and `FieldsCompared`.

    Raises:
        BadInput: for data that cannot be read or paired; one line says what does not fit.

    >>> import numpy as np, xarray as xr
    >>> lat, lon = np.linspace(-87.5, 87.5, 36), np.arange(0.0, 360.0, 5.0)
    >>> coords = {"time": np.arange(3), "lat": lat, "lon": lon}
    >>> truth = xr.DataArray(np.zeros((3, 36, 72)), coords, ("time", "lat", "lon"), "t2m")
    >>> wrong = truth + 0.1
    >>> wrong[2, 20, 71] = 25.0
    >>> report = audit_fields(wrong, truth, tolerance=5.0)
    >>> report.status.code, report["t2m"].sup.lower, dict(report["t2m"].sup.witness.at)
    ('tolerance-exceeded', 25.0, {'init': '2', 'lat': 12.5, 'lon': 355.0})
    """
    demand_seconds(seconds)
    if is_client(workers):
        workers = Cluster(workers)
    begun, limit = time.monotonic(), Limit.of(seconds)
    pairing, events = pairing or PairingOptions(), events or EventOptions()
    if not callable(getattr(workers, "submit", None)) and (type(workers) is not int or workers < 1):
        raise BadInput(
            f"workers must be a whole number above 0 or an executor of concurrent.futures, got {one_line(repr(workers), 60)}"
        )
    files = _stamps(prediction, truth)  # first: what changes from here on is seen
    data = [opened(d, what) for d, what in ((prediction, "the prediction"), (truth, "the truth"))]
    pairs, notes = _pairs(data[0], data[1], variables, pairing)
    allowed = _allowed(tolerance, [p.name for p in pairs])
    demand_known(bounds or {}, [p.name for p in pairs], "bounds")
    limits = {p.name: _bounds(p, bounds or {}) for p in pairs}
    contents = "" if folder is None else contents_of(pairs)
    by = workers if isinstance(workers, int) else "an executor"
    options = {**vars(pairing), **vars(events), "bounds": limits, "workers": by}
    identity = identity_of(pairs, _sides(files[0], files[1], contents), options)
    pairs = [_with_gaps(p, prediction, truth) for p in pairs]
    checkpoints = Checkpoints(None if folder is None else Path(folder), identity)
    if resume and not checkpoints.any():
        raise BadInput(f"--resume: {folder} has no unfinished run; leave --resume out to start one")
    if not resume:
        checkpoints.clear()
    observer(FieldsPlanned(sum(p.pairs for p in pairs), sum(map(bytes_of, pairs)), len(pairs)))
    records, maps, interrupted = _compared(
        pairs, limits, allowed, events, workers, limit, checkpoints, resume, observer, notes
    )
    if _stamps(prediction, truth) != files:
        raise BadInput(
            "the files have changed while they were compared, and the numbers would be of two states: compare them again "
            "without --resume when nothing writes them any more"
        )
    record = FieldsRecord(
        status=_status(records, pairs, interrupted, checkpoints),
        title=" and ".join(_title(d, w) for d, w in ((prediction, "prediction"), (truth, "truth"))),
        variables=records,
        findings=findings_of(records, notes),
        command="",
        bytes=sum(r.fields * bytes_of(p) // max(p.pairs, 1) for r, p in zip(records, pairs, strict=False)),
        seconds=round(time.monotonic() - begun, 3),
        versions=versions(),
    )
    # Not before the result is saved: a kill or a full disk in between would lose all that was compared.
    return FieldReport(record, maps, None if interrupted else checkpoints.clear)


def _status(
    records: Sequence[FieldVariableRecord], pairs: Sequence[Pair], interrupted: bool, checkpoints: Checkpoints
) -> Status:
    left = sum(p.pairs for p in pairs) if interrupted else None
    return status_of(records, left, resumable=checkpoints.any())


def _stamps(*given: Any) -> list[Any]:
    """Which state the files of the data have; None for data in memory."""
    return [size_of(data) if isinstance(data, str | Path) else None for data in given]


def _sides(prediction: Any, truth: Any, in_memory: str) -> dict[str, Any]:
    return {"files of the prediction": prediction, "files of the truth": truth, "data in memory": in_memory}


def _with_gaps(one: Pair, prediction: Any, truth: Any) -> Pair:
    """With a note about pieces of a store that were never written."""
    notes = []
    for data, name, what in ((prediction, one.name, "prediction"), (truth, one.truth_name, "truth")):
        gaps, total = never_written(data, name)
        if gaps:
            notes.append(
                f"{gaps:,} of {total:,} pieces of the {what} were never written: they are read as the fill value."
            )
    return replace(one, notes=(*one.notes, *notes)) if notes else one


def _allowed(tolerance: float | Mapping[str, float] | None, names: list[str]) -> dict[str, float]:
    """The tolerance of each variable that has one."""
    given = (
        tolerance
        if isinstance(tolerance, Mapping)
        else dict.fromkeys(names if tolerance is not None else (), tolerance)
    )
    demand_known(given, names, "tolerance")
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
            raise BadInput(f"tolerance of {name}: it must be a number above 0, got {value!r}")
    return {name: float(value) for name, value in given.items() if value is not None}


def bytes_of(pair: Pair) -> int:
    """Bytes of all fields that are compared, of both sides."""
    each = sum(int(side.variable.dtype.itemsize) for side in (pair.prediction, pair.truth))
    return pair.pairs * pair.grid.size * each


def _compared(
    pairs: Sequence[Pair],
    limits: Mapping[str, tuple[Bounds, str]],
    allowed: Mapping[str, float],
    events: EventOptions,
    workers: int | Executor,
    limit: Limit,
    checkpoints: Checkpoints,
    resume: bool,
    observer: Callable[[Any], None],
    notes: list[str],
) -> tuple[tuple[FieldVariableRecord, ...], dict[str, Maps], bool]:
    """Compare one variable after the other; their records and maps, and whether it was cut short.

    ``notes`` gets a sentence about a state that could not be written. Of the state of a variable nothing else is kept, so
    that memory does not grow with their number.
    """
    total = sum(p.pairs for p in pairs)
    done, last = 0, time.monotonic()
    records: list[FieldVariableRecord] = []
    maps: dict[str, Maps] = {}

    def compared(number: int, one: Pair) -> tuple[FieldVariableRecord, Maps, bool]:
        """Record and maps of one variable, and whether the next one may follow.

        In a function of its own: its state is gone before that of the next one is made.
        """
        nonlocal done
        (low_high, by) = limits[one.name]
        shares = shares_of(one, low_high, workers if isinstance(workers, int) else 1)
        if resume:
            checkpoints.read(number, shares)
            demand_same_data(one, shares)
        done += sum(s.compared for s in shares)

        def after(n: int) -> None:
            nonlocal done, last
            done += n
            observer(FieldsCompared(done, total))
            if time.monotonic() - last > EVERY:
                checkpoints.write(number, shares)
                last = time.monotonic()

        lost: NotWritten | None = None
        try:
            if isinstance(workers, int):
                complete = compare(one, shares, events.spectra, limit, after)
            else:
                complete = compare_elsewhere(workers, one, shares[0], low_high, events.spectra, limit, after)
        except KeyboardInterrupt:
            INTERRUPTS.taken()
            complete = False
        except NotWritten as why:  # a full disk: what was compared is reported all the same
            INTERRUPTS.taken(why)
            complete, lost = False, why
        except Interrupted:  # the workers are lost
            checkpoints.write(number, shares)
            raise
        try:  # also of a whole variable: it is judged next, and an interrupt there must not lose it
            checkpoints.write(number, shares)
        except NotWritten as why:
            lost = why if not complete or len(pairs) > number + 1 else None
        if lost is not None:
            notes.append(f"The run ended early: {str(lost).partition(';')[0]}.")
        with (
            INTERRUPTS.between_batches()
        ):  # some fields are read again: a request waits for them, 2 s at most
            whole = joined(shares)
            judged = Judged(one, whole, complete, allowed.get(one.name), by, events)
            return judged.record(), Maps.of(one.grid, one.unit, whole.state), complete and lost is None

    for number, one in enumerate(pairs):
        try:
            record, maps[one.name], going_on = compared(number, one)
        except KeyboardInterrupt:  # while it was prepared or judged; those before it are reported
            if not records:
                raise
            INTERRUPTS.taken()
            return tuple(records), maps, True
        records.append(record)
        if not going_on:
            return tuple(records), maps, True
    return tuple(records), maps, False


def _pairs(
    prediction: Any, truth: Any, variables: Sequence[str] | Mapping[str, str] | None, options: PairingOptions
) -> tuple[list[Pair], list[str]]:
    """The variables with their truths, and notes about what was left out."""
    prediction, truth = completed(prediction, truth, variables or {})
    mine, others = variables_of(prediction), variables_of(truth)
    if variables is None:
        named, notes = _common(prediction, truth, mine, others)
    else:
        named, notes = _named(variables, mine, others), []
    demand_used(options, [v for name, other in named.items() for v in (mine[name], others[other])])
    return [pair(name, other, mine[name], others[other], options) for name, other in named.items()], notes


def _common(
    prediction: Any, truth: Any, mine: Mapping[str, Any], others: Mapping[str, Any]
) -> tuple[dict[str, str], list[str]]:
    """All variables that both sides have, by their names or standard names, and notes about what was left out.

    Raises:
        BadInput: when there is none.
    """
    notes: list[str] = []
    named = {name: name for name in mine if name in others}
    left = [name for name in mine if name not in named]
    by_standard = _only_ones(others)
    for standard, name in _only_ones(mine).items():
        if name in left and by_standard.get(standard, "") not in ("", *named.values()):
            named[name] = by_standard[standard]
            left.remove(name)
    if not named:
        raise BadInput(
            f"prediction and truth have no variable in common: the prediction has {_list(mine)}, the truth {_list(others)}; "
            "name a pair, as in --var t2m=2m_temperature"
        )
    no_numbers = [
        one_line(str(n), 40)
        for n, v in prediction.data_vars.items()
        if n in truth.data_vars and v.ndim >= 2 and {v.dtype.kind, truth[n].dtype.kind} - {*"fiu"}
    ]
    if no_numbers:
        notes.append(f"{', '.join(no_numbers[:8])}: no real numbers on both sides, not compared.")
    for side, missing in (
        ("truth", left),
        (
            "prediction",
            [one for one in others if one not in named.values() and one not in prediction.data_vars],
        ),
    ):
        if missing:
            more = f" and {len(missing) - 8} more" if len(missing) > 8 else ""
            names = ", ".join(one_line(str(one), 40) for one in missing[:8])
            notes.append(f"The {side} has no {names}{more}: not compared.")
    return named, notes


def _named(
    variables: Sequence[str] | Mapping[str, str], mine: Mapping[str, Any], others: Mapping[str, Any]
) -> dict[str, str]:
    """The variables that were asked for, with the names of their truths.

    Raises:
        BadInput: when none was, or one does not exist.
    """
    named = dict(variables) if isinstance(variables, Mapping) else {name: name for name in variables}
    for name, other in named.items():
        for wanted, there, what in ((name, mine, "prediction"), (other, others, "truth")):
            if wanted not in there:
                raise NoVariable(
                    f"the {what} has no variable {one_line(str(wanted), 60)!r}; {_near(str(wanted), there)}"
                )
    if not named:
        raise BadInput(
            "no variable is named: give at least one, or leave the option out to compare all common ones"
        )
    return named


def _only_ones(variables: Mapping[str, Any]) -> dict[str, str]:
    """The variable of each standard name that only one has: an air temperature may be of 2 m or of 850 hPa."""
    names: dict[str, list[str]] = {}
    for name, v in variables.items():
        names.setdefault(str(v.attrs.get("standard_name", "")), []).append(name)
    return {standard: same[0] for standard, same in names.items() if standard and len(same) == 1}


def _near(name: str, there: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, there, 3)
    return f"did you mean {' or '.join(map(repr, near))}?" if near else f"it has {_list(there)}"


def _list(there: Mapping[str, Any]) -> str:
    names = [one_line(str(n), 40) for n in there]
    return (
        ", ".join(names[:10]) + (" ..." if len(names) > 10 else "")
        if names
        else "none with real numbers on a grid"
    )


def _bounds(one: Pair, given: Mapping[str, Bounds]) -> tuple[Bounds, str]:
    if one.name in given:
        try:
            low, high = map(float, given[one.name])
        except (TypeError, ValueError):
            raise BadInput(
                f"bounds of {one.name} must be two numbers, infinite where there is no bound, got {given[one.name]!r}"
            ) from None
        if not low < high:
            raise BadInput(
                f"bounds of {one.name}: the lower one must be below the upper one, got {low!r} and {high!r}"
            )
        return (low, high), "given"
    usual = usual_bounds(one.standard_name, one.name, one.unit)
    return usual, "usual" if usual != FREE else ""


def _title(data: Any, what: str) -> str:
    return Path(data).name if isinstance(data, str | Path) else what
