"""``supnorm audit PROBLEM.toml``, or ``supnorm audit TABLE.csv``: find the worst error, write a page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from supnorm.cli.answer import answer, show, summarised
from supnorm.cli.audit_run import PlantedOptions, SearchOptions, run_audit
from supnorm.cli.audit_table import TableOptions, of_table
from supnorm.cli.fields import made, with_options_of, written
from supnorm.cli.options import POWER, TRUST, default_folder
from supnorm.cli.run import RunContext, with_run
from supnorm.evaluation.calls import Calls

if TYPE_CHECKING:
    from supnorm.auditing import AuditReport

SUBJECT = Annotated[
    Path,
    typer.Argument(
        metavar="PROBLEM",
        help="The problem file (.toml); or a table (.csv, .parquet) with --truth, --prediction.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("audit")(command)


@with_run(default_folder, "Folder of the run. [default: NAME-run]")
@with_options_of(SearchOptions, TableOptions, Calls, PlantedOptions)
def command(
    problem: SUBJECT,
    run: RunContext,
    power: POWER = None,
    trust: TRUST = False,
    **given: Any,
) -> int:
    """Find the worst error of a model against its reference, and where it is."""
    table = made(TableOptions, given)
    specification = of_table(problem, table, run.directory)
    planted = made(PlantedOptions, given)
    more = {"calls": written(Calls, given), "power": power, "planted": planted, "trust": trust}
    more["table"] = table.given
    options = made(SearchOptions, given, **more)

    def tell(report: AuditReport) -> None:
        if run.as_json:
            answer(report.to_json())
        elif summarised(run.quiet):
            show(summary_text(report, run.directory))

    report = run_audit(problem, run, options, tell, specification=specification)
    tell(report)
    return int(report.status.exit)


def summary_text(report: AuditReport, folder: Path) -> str:
    """The summary for the terminal, in its width; with colours only if the output is a terminal."""
    import shutil

    from supnorm.pages import summary

    width = shutil.get_terminal_size().columns
    colour = sys.stdout.isatty()
    return summary(report, width if colour else 100, colour, str(folder / "report.html"))
