"""``supnorm report RUN``: make the page of a run again from its result."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from supnorm.cli.answer import say

RUN = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")]


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("report")(command)


def command(run: RUN) -> int:
    """Make report.html again from the result of a run."""
    from supnorm.auditing import load_report
    from supnorm.pages import write_page
    from supnorm.results import Interrupted
    from supnorm.results.door import DAMAGED, faults_of

    try:
        report = load_report(run)
        with faults_of(f"{run / 'result.json'}", DAMAGED):
            write_page(report, run / "report.html")
    except KeyboardInterrupt:
        raise Interrupted("interrupted; the page is as it was before: run the same command again") from None
    say(str(run / "report.html"))
    return 0
