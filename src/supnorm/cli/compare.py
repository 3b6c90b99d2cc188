"""``supnorm compare A.toml B.toml ...``: audit several models against one reference, print one table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from supnorm.cli.answer import say
from supnorm.cli.audit_run import SearchOptions, run_audit
from supnorm.cli.fields import made, with_options_of, written
from supnorm.cli.options import POWER, TRUST, default_folder
from supnorm.cli.run import RunContext, with_run
from supnorm.evaluation.calls import Calls
from supnorm.interrupts import INTERRUPTS
from supnorm.results.unfinished import marked

if TYPE_CHECKING:
    from supnorm.auditing import AuditReport
    from supnorm.problem.specification import ProblemSpec
    from supnorm.results import BadInput
    from supnorm.results.audit import AuditRecord
    from supnorm.results.compare import RowRecord

# Keys whose text begins with a path.
PATHS = ("file", "python", "mask", "root", "flow", "integral", "start", "between", "initial", "limits")
AGAIN = "run the same command with --resume"
FORMS = Annotated[
    bool,
    typer.Option("--forms", help="Compare one model as it is, compiled, as an ONNX graph and in float32."),
]
PROBLEMS = Annotated[list[Path], typer.Argument(metavar="A.toml B.toml ...", help="Problem files.")]


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("compare")(command)


@with_run(lambda problems: Path("compare-run"), "Folder of the runs. [default: compare-run]")
@with_options_of(SearchOptions, Calls)
def command(
    problems: PROBLEMS,
    run: RunContext,
    power: POWER = None,
    trust: TRUST = False,
    forms: FORMS = False,
    **given: Any,
) -> int:
    """Audit several models against one reference: one table, and each model at the worst points of the others."""
    from supnorm.cli.folder import work_in

    options = made(SearchOptions, given, calls=written(Calls, given), power=power, trust=trust)
    if not forms:
        check_same_question(problems)
    with work_in(run.directory):  # also between the audits, which lock their own folders
        if forms:
            from supnorm.cli.compare_forms import compare_forms

            return _exit_of(compare_forms(problems, run, options, _row))
        return _compared(problems, run, options, trust)


def _compared(problems: list[Path], run: RunContext, options: SearchOptions, trust: bool) -> int:
    from supnorm.gates.crossed import crossed
    from supnorm.pages import comparison, write_comparison
    from supnorm.results import ExitCode, Interrupted
    from supnorm.results.compare import CompareRecord
    from supnorm.results.contradictions import EXITS
    from supnorm.results.writing import write_whole

    names = _names(problems)
    records, stopped, refused = _audited(problems, names, run, options)
    if not records:
        raise next(iter(refused.values())) if refused else Interrupted(stopped)
    rows = [_row(record, name) for name, record in records.items()]
    _note_differences(records)
    codes = [int(record.status.exit) for record in records.values()]
    record = next(reversed(records.values()))
    rows = _with_folders(rows)
    if not stopped and len(rows) > 1:
        folders = [run.directory / row.folder for row in rows]
        try:
            rows = list(crossed(rows, list(records.values()), folders, trust))
        except KeyboardInterrupt:  # the audits are done
            INTERRUPTS.taken()
            stopped = f"interrupted before each model was called at the worst points of the others; {AGAIN}"
        codes += [int(EXITS[row.status]) for row in rows if row.status in EXITS]
    problem_titles = {one.title for one in records.values()}
    result = CompareRecord(
        title=record.title if len(problem_titles) == 1 else "",
        reference=record.reference.name,
        axes=record.axes,
        measure=record.measure,
        rows=tuple(rows),
        refused={name: str(why) for name, why in refused.items()},
        left_out=tuple(name for name in names if name not in records and name not in refused),
    )

    page = run.directory / "compare.html"

    def tell() -> None:
        run.tell(result.to_json, lambda: (comparison(result), str(page)))

    with run.writing(tell):
        write_whole(run.directory / "compare.json", result.to_json())
        write_comparison(result, page)
    tell()
    code = _exit_of(codes)
    for refusal in refused.values():
        say(f"supnorm: {refusal}", err=True)
    if refused and not stopped and code != ExitCode.EXCEEDED:
        return int(ExitCode.BAD_INPUT)
    if stopped and code != ExitCode.EXCEEDED:
        raise Interrupted(stopped)
    if stopped:
        say(f"supnorm: {stopped}", err=True)
    return code


def _note_differences(records: Mapping[str, AuditRecord]) -> None:
    """Say where the models were not searched alike."""
    searched = {name: _search_words(record) for name, record in records.items() if record.table is None}
    if len(set(searched.values())) > 1:
        each = "; ".join(f"{name}: {words}" for name, words in searched.items())
        say(
            f"supnorm: note: the searches of the models differ ({each}); --seed and --evaluations hold for all of them",
            err=True,
        )


def _with_folders(rows: list[RowRecord]) -> list[RowRecord]:
    """With the folder in titles that several models have: "predict" of two files."""
    titles = [row.title for row in rows]
    return [
        row.changed(title=f"{row.title} ({row.folder})") if titles.count(row.title) > 1 else row
        for row in rows
    ]


def _names(problems: list[Path]) -> list[str]:
    """The names of the folders, each once."""
    from supnorm.results import BadInput

    names = [default_folder(p).name.removesuffix("-run") for p in problems]
    if len(problems) < 2:
        raise BadInput("compare needs at least two problem files, each with its model, or --forms")
    return names if len(set(names)) == len(names) else [f"{name}-{i + 1}" for i, name in enumerate(names)]


def _audited(
    problems: list[Path], names: list[str], run: RunContext, options: SearchOptions
) -> tuple[dict[str, AuditRecord], str, dict[str, BadInput]]:
    """Audit one model after the other.

    Returns:
        The records by name, why the work ended early, and why models were refused, by name; the others are still audited.
    """
    from supnorm.cli.folder import has_begun
    from supnorm.results import BadInput, Interrupted, NotWritten

    records: dict[str, AuditRecord] = {}
    refused: dict[str, BadInput] = {}
    for path, name in zip(problems, names, strict=True):
        resume = run.resume and has_begun(run.directory / name)
        try:
            # An audit that is finished and cannot be written is a row of the table all the same.
            tell = partial(_into, records, name)
            part = run.within(name, resume)
            with run.interruptible(""), marked(part.directory, "audit"):
                try:
                    records[name] = run_audit(path, part, options, tell, go_on=AGAIN).record
                except BadInput:
                    INTERRUPTS.poll()  # a request may have become this error, as in an import
                    raise
        except NotWritten as why:
            return records, f"{why}: {AGAIN}", refused
        except Interrupted:
            left = f"values of expensive calls, if any, are kept in {run.directory}"
            return records, f"interrupted at {path}; {left}: {AGAIN}", refused
        except BadInput as why:
            refused[name] = why
            continue
        if records[name].status.code == "interrupted":
            stopped = f"interrupted at {path}: the table ends there; {AGAIN}"
            return records, stopped, refused
    return records, "", refused


def _into(records: dict[str, AuditRecord], name: str, report: AuditReport) -> None:
    """Put the record of a report among those of the table."""
    records[name] = report.record


def _exit_of(codes: list[int]) -> int:
    """The exit code of several audits: 1 if any tolerance is exceeded, otherwise the largest code.

    >>> _exit_of([0, 1, 4]), _exit_of([0, 4]), _exit_of([])
    (1, 4, 0)
    """
    return 1 if 1 in codes else max(codes, default=0)


def _search_words(record: AuditRecord) -> str:
    """The seed and the budget of an audit, which the files of the problems may set differently."""
    from supnorm.results.numbers import count, num

    budget = record.budget
    limits = [f"{count(budget.evaluations)} evaluations" if budget.evaluations is not None else ""]
    limits += [f"{num(budget.seconds, 6)} s" if budget.seconds is not None else ""]
    return ", ".join([f"seed {record.seed}", *filter(None, limits)])


def _row(record: AuditRecord, folder: str) -> RowRecord:
    """The row of one audit in the comparison."""
    from supnorm.gates.crossed import rechecked
    from supnorm.results.compare import RowRecord

    witness, q999 = record.witness, record.quantiles["0.999"]
    row = RowRecord(
        title=record.model.name or record.title,
        model=record.model.name,
        rms=record.rms.value,
        q999=math.nan if q999 is None else q999,
        worst=record.sup.lower,
        no_value=record.failures.model,
        finite=record.finite,
        at=None if witness is None else witness.x,
        row=None if witness is None else witness.row,
        tolerance=record.tolerance,
        status=record.status.code,
        folder=folder,
        seed=record.seed,
        budget=record.budget.evaluations,
    )
    return rechecked(row, record)


def check_same_question(problems: list[Path]) -> None:
    """Check that all files ask the same question: same reference, domain, constraints and error.

    Raises:
        BadInput: names the first file and table that differ.
    """
    from supnorm.problem.problem_file import read_specification
    from supnorm.results import BadInput

    first = _question(read_specification(problems[0]), problems[0])
    for path in problems[1:]:
        other = _question(read_specification(path), path)
        for table in first:
            if first[table] != other[table]:
                raise BadInput(f"{path}: {_difference(table, first[table], other[table], problems[0])}")


def _difference(table: str, first: Any, other: Any, path: Path) -> str:
    """The first difference of two tables, with both values."""
    key, before, now = table, first, other
    while isinstance(before, dict) and isinstance(now, dict):
        name = next(k for k in {**before, **now} if before.get(k) != now.get(k))
        key, before, now = (
            (f"[{table}] {name}" if key == table else f"{key}.{name}"),
            before.get(name),
            now.get(name),
        )
    key = f"[{table}]" if key == table else key
    why = ""
    names = {Path(str(value)).name for value in (before, now)}
    if key.rpartition(" ")[2] in PATHS and None not in (before, now) and len(names) == 1:
        why = " (equal files in two folders count as different, as files beside them may differ: name one file in both)"
    return f"{key} is {_shown(now)}, and {_shown(before)} in {path}{why}; compare needs the same one"


def _shown(value: Any) -> str:
    text = "absent" if value is None else str(value)
    return text if len(text) <= 80 else f"{text[:36]}...{text[-40:]}"


def _question(specification: ProblemSpec, path: Path) -> dict[str, Any]:
    """The tables that define the question, with absolute paths, because two folders may each have a truth.py."""
    tables: dict[str, Any] = specification.model_dump(
        include={"domain", "data", "constraints", "error", "law", "reference"}
    )
    if specification.data is not None and not specification.data.domain:
        del tables["data"]  # the training data may differ between models
    located: dict[str, Any] = _located({"data": None} | tables, path.resolve().parent)
    return located


def _located(value: Any, folder: Path, key: str = "") -> Any:
    if isinstance(value, dict):
        return {k: _located(v, folder, k) for k, v in value.items()}
    if isinstance(value, list):
        return [_located(v, folder, key) for v in value]
    return str((folder / value).resolve()) if key in PATHS and isinstance(value, str) else value
