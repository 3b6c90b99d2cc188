"""``supnorm report RUN``: make the page of a run again from its result, or tell its verdict to another program."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from supnorm.cli.answer import say, show
from supnorm.results.printable import printable

if TYPE_CHECKING:
    from supnorm.results.record import Result

RUN = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")]
FORMAT = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="WORD",
        help="html (the page), markdown (for a pull request), junit, sarif or badge. Without --out all but html are "
        "printed.",
    ),
]
# What a folder may hold, first the one that its verb is about, and the page of each.
RESULTS = {
    "result.json": "report.html",
    "repair.json": "repair.html",
    "guard.json": "guard.html",
    "fit.json": "fit.html",
    "compare.json": "compare.html",
    "fields.json": "fields.html",
    "rollout.json": "rollout.html",
    "budget.json": "budget.html",
    "certify.json": "certify.html",
    "solution.json": "solution.html",
    "properties.json": "properties.html",
    "norms.json": "norms.html",
}


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("report")(command)


def command(
    run: RUN,
    form: FORMAT = "html",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="The file to write. [default: the page in RUN]"),
    ] = None,
) -> int:
    """Write the page of a run again from its result, or its verdict as Markdown, JUnit XML, SARIF or a badge."""
    from supnorm.pages.gate import gate_of, gate_of_unfinished
    from supnorm.pages.gate_formats import FORMATS
    from supnorm.pages.other_certificate import other_certificate
    from supnorm.results import BadInput, Interrupted, write_whole
    from supnorm.results.door import DAMAGED, faults_of
    from supnorm.results.unfinished import demand_finished, unfinished
    from supnorm.results.writing import demand_writable

    if form not in ("html", *FORMATS):
        raise BadInput(f"--format must be one of html, {', '.join(FORMATS)}, got {form!r}")
    demand_writable(out, "--out")
    try:
        name, record = result_in(run)
        if note := other_certificate(record, run):
            say(f"supnorm: {note}", err=True)
        with faults_of(f"{run / name}", DAMAGED):
            if form == "html":
                demand_finished(run, name)
                if out is None and not os.access(run, os.W_OK | os.X_OK):
                    raise BadInput(
                        f"{run / RESULTS[name]} cannot be written: {run} is read-only; name a file with --out"
                    )
                _page(record, out or run / RESULTS[name])
                return 0
            mark = unfinished(run, name)
            gate = gate_of(record) if mark is None else gate_of_unfinished(record, mark)
            text = FORMATS[form](gate, _problem_of(record, run))
    except KeyboardInterrupt:
        raise Interrupted("interrupted; the page is as it was before: run the same command again") from None
    if out is None:
        show("\n".join(printable(line) for line in text.rstrip("\n").split("\n")))
        return 0
    write_whole(out, text)
    say(str(out))
    return 0


def _problem_of(record: Result, run: Path) -> str:
    """The problem file that was named on the command line; the run's own copy where that is not known."""
    import shlex

    words = shlex.split(getattr(record, "command", ""))
    return words[2] if len(words) > 2 and words[2].endswith(".toml") else str(run / "problem.toml")


def _page(record: Result, path: Path) -> None:
    from supnorm.pages import write_page

    write_page(record, path)
    say(str(path))


def result_in(run: Path) -> tuple[str, Result]:
    """The name and the record of the result in a folder.

    Raises:
        BadInput: when the folder holds no result, or a damaged one.
    """
    from supnorm.auditing import load_report
    from supnorm.pages.reading import drawn_record
    from supnorm.results import BadInput
    from supnorm.results.door import read_json
    from supnorm.results.guard import exists

    name = next((name for name in RESULTS if exists(run / name)), "result.json")
    if name == "result.json":
        return name, load_report(run).record
    document = read_json(run / name, hint=": not the result of a run")
    try:
        return name, drawn_record(document)
    except BadInput as why:
        raise BadInput(f"{run / name}: {why}") from None
