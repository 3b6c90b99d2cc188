"""``supnorm replay RUN [N]``: evaluate a peak of a run again and print both errors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from supnorm.cli.answer import answer, say
from supnorm.cli.options import JSON, TRUST
from supnorm.cli.report import RUN
from supnorm.results.numbers import num
from supnorm.results.option import Allowed, NumberText

NUMBER = Annotated[
    int,
    typer.Argument(
        metavar="[N]",
        help="Which peak; 1 is the worst.",
        parser=NumberText("N", Allowed(low=1, whole=True)),
    ),
]


if TYPE_CHECKING:
    from supnorm.results.audit import AuditRecord, FindingRecord


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("replay")(command)


def command(
    run: RUN,
    number: NUMBER = 1,
    problem: Annotated[
        Path | None,
        typer.Option("--problem", metavar="PROBLEM.toml", help="The problem file, if it was moved."),
    ] = None,
    as_json: JSON = False,
    trust: TRUST = False,
) -> int:
    """Evaluate peak N of a run again and print both errors; exit with 1 if the run computed another error there."""
    from supnorm.results import Interrupted

    try:
        return _replayed(run, number, problem, as_json, trust)
    except KeyboardInterrupt:
        raise Interrupted("interrupted; replay writes nothing: run the same command again") from None


def _replayed(run: Path, number: int, problem: Path | None, as_json: bool, trust: bool) -> int:
    from dataclasses import replace

    from supnorm.auditing import load_report
    from supnorm.auditing.joint import with_output
    from supnorm.evaluation.guarded import guarded
    from supnorm.results import BadInput, to_json
    from supnorm.results.door import DAMAGED, faults_of
    from supnorm.results.encoding import dumps
    from supnorm.sources import open_problem

    report = load_report(run)
    peaks = report.peaks
    if number > len(peaks):
        raise BadInput(f"{run} has {len(peaks)} peaks; give N from 1 to {len(peaks)}, got {number}")
    path = problem or run / "problem.toml"
    opened = open_problem(path, trust=trust)
    with faults_of(f"{run / 'result.json'}", DAMAGED):
        then = peaks[number - 1]
        if list(opened.domain.names) != [axis.name for axis in report.record.axes]:
            raise BadInput(f"{path} has other inputs than the run in {run}; give the run's own --problem")
        if opened.model is None:
            raise BadInput(f"{path} has no [model]; give the run's own --problem")
        x = then.x[None]
        outputs = report.record.outputs_total
        given = _rows(opened.pairs, then, path, run)
        try:
            model, reference = (
                guarded(f.value, x, outputs)[0] if row is None else row
                for f, row in zip((opened.model, opened.reference), given, strict=True)
            )
        except BadInput as why:
            raise BadInput(f"{path} has other outputs than the run in {run}: {why}") from None
        error, output = opened.error(model, reference, x)
        seen = replace(then, model=model[0], reference=reference[0], output=int(output[0]))
        shown = with_output(opened.error, seen)
        now = {
            **({"row": then.row} if then.row else {}),
            "x": opened.domain.describe(then.x),
            "model": model[0],
            "reference": reference[0],
            "error": error[0],
            "error_then": then.error,
            "output": opened.output_names(model.shape[1])[shown.output],
        }
        both = _not_reproducible(report.record, now["x"])
        now["not_reproducible"] = both
        same = _equal(float(error[0]), then.error)
        known = same or (both is not None and any(_equal(float(error[0]), e) for e in both.values()))
    if as_json:
        answer(dumps(now))
        return int(not known)
    for name, value in to_json(now).items():
        if name != "not_reproducible":
            say(f"{name.replace('_', ' '):>12}  {_words(value)}")
    say(_verdict(report.record, same, known, both))
    return int(not known)


def _rows(pairs: Any, then: Any, path: Path, run: Path) -> list[Any]:
    """Model and reference in the row of the peak; None for a side that is a function.

    The number identifies the row, because other rows may have the same inputs.

    Raises:
        BadInput: when the table has no such row any more.
    """
    import numpy as np

    from supnorm.results import BadInput

    if pairs is None:
        return [None, None]
    row = np.flatnonzero(pairs.row + 1 == then.row)
    if not len(row) or not np.array_equal(pairs.x[row], then.x[None], equal_nan=True):
        raise BadInput(f"{path}: row {then.row} of the run in {run} is not in its table any more")
    return [None if side is None else side[row] for side in (pairs.model, pairs.reference)]


def _verdict(record: Any, same: bool, known: bool, both: dict[str, float] | None) -> str:
    """Whether the error is the same as in the run, in one line."""
    sentence = "the same error as in the run" if same else "NOT the same error as in the run"
    if both is not None:
        if known and not same:
            sentence = "another error than the run reports, and one that it computed here too"
        sentence += (
            f"; the run found that this error is not reproducible: {num(both['batch'], 6)} in a batch, "
        )
        sentence += f"{num(both['alone'], 6)} when the point was called alone"
    elif not same and (finding := _finding(record)):
        sentence += f"; the run found values that are not reproducible: {finding.text}"
    return sentence


def _words(value: Any) -> str:
    """A plain value as text.

    >>> _words({"a": 4.9, "b": 0.3}), _words([1.5, None]), _words("inf")
    ('a = 4.9, b = 0.3', '1.5, no value', 'infinite')
    """
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {_words(v)}" for name, v in value.items())
    if isinstance(value, list):
        return ", ".join(map(_words, value))
    return {None: "no value", "inf": "infinite", "-inf": "-infinite"}.get(value, str(value))


def _equal(a: float, b: float) -> bool:
    import numpy as np

    return a == b or bool(np.isclose(a, b, rtol=1e-6, equal_nan=True))


def _finding(record: AuditRecord) -> FindingRecord | None:
    """The finding that a point has another error alone than in a batch; None if there is no such finding."""
    return next((f for f in record.findings if f.code == "not-reproducible"), None)


def _not_reproducible(record: AuditRecord, x: Mapping[str, Any]) -> dict[str, float] | None:
    """The two errors that the run computed at exactly this point, if they differ."""
    finding = _finding(record)
    if finding is None or finding.batch is None or finding.alone is None or finding.x != dict(x):
        return None
    return {"batch": finding.batch.error, "alone": finding.alone.error}
