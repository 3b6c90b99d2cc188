"""``supnorm reproduce NAME``: the experiments of papers again, published numbers beside ours.

The experiments are part of the source tree, not of the installed package: they are found beside the package's own files and
nowhere else, so that no folder of the user is taken for them.
"""

from __future__ import annotations

import sys
from concurrent.futures import Executor
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from supnorm.cli.answer import say
from supnorm.cli.executors import executor_of
from supnorm.cli.fields import number_option
from supnorm.cli.options import DASK
from supnorm.cli.run import RunContext, with_run
from supnorm.results.duration import duration
from supnorm.results.printable import one_line
from supnorm.results.status import BadInput, Interrupted

NAME = Annotated[
    str,
    typer.Argument(metavar="NAME", help="Name of an experiment; all runs all, list lists them."),
]


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("reproduce")(command)


@with_run(lambda name: Path("reproduce-run"), "Folder of the results. [default: reproduce-run]")
def command(
    name: NAME,
    run: RunContext,
    full: Annotated[
        bool, typer.Option("--full", help="Run at the scale of the papers: hours to days.")
    ] = False,
    test: Annotated[
        bool, typer.Option("--test", help="Only try the command, in seconds; the numbers mean nothing.")
    ] = False,
    workers: Annotated[
        int | None, number_option("--workers", "Processes. [default: 2]", int, low=1, high=1024)
    ] = None,
    dask: DASK = None,
) -> int:
    """Run experiments of papers again; print for each claim the published number, ours and a verdict."""
    from supnorm.cli.folder import work_in

    catalogue = _part("catalogue")
    if name == "list":
        for known in catalogue.NAMES:
            say(f"{known}: {catalogue.experiment(known).title}")
        return 0
    if name not in (*catalogue.NAMES, "all"):
        known = ", ".join(catalogue.NAMES)
        raise BadInput(
            f"there is no experiment {one_line(repr(name), 40)}; give one of {known}, all, or list"
        )
    if full and test:
        raise BadInput("--full and --test exclude each other; give one of them")
    experiments = [catalogue.experiment(n) for n in (catalogue.NAMES if name == "all" else (name,))]
    effort = "full" if full else "test" if test else "usual"
    # Processes are those of the runner, which begins them only where there is something to do.
    shared = nullcontext(None) if dask is None else executor_of(workers, dask)
    with work_in(run.directory), shared as executor:
        return _work(run, experiments, effort, name, workers or 2, executor)


def _work(
    run: RunContext,
    experiments: list[object],
    effort: str,
    name: str,
    workers: int,
    executor: Executor | None,
) -> int:
    from supnorm.cli.repeat import repeated
    from supnorm.results import write_whole

    folder = run.directory / effort
    total = sum(r.seconds for e in experiments for r in e.runs(effort))  # type: ignore[attr-defined]
    if not run.silent:
        say(
            f"about {duration(total)} of processor time on an idle core; what {folder} has is not run again",
            err=True,
        )

    def observer(event: object) -> None:
        if not run.silent:
            say(_progress(event), err=True)

    left = f"; finished runs are in {folder}: the same command goes on with them"
    with run.interruptible(left):
        try:
            results = _part("runner").results_of(experiments, folder, effort, workers, observer, executor)
        except Interrupted as lost:
            raise Interrupted(f"{str(lost).partition('; ')[0]}{left}") from lost
    words = {"out": run.folder if run.named else None, "full": effort == "full", "test": effort == "test"}
    record = _part("report").report(experiments, results, effort, repeated("reproduce", Path(name), words))
    lines = _part("report").lines(record)
    with run.writing(lambda: run.tell(record.to_json, lambda: lines)):
        write_whole(run.directory / "reproduce.json", record.to_json() + "\n")
        _part("page").write_page(record, experiments, results, run.directory / "reproduce.html")
        if name == "all":
            _part("questions").write(record, experiments, results, run.directory)
    end = f"saved in {run.directory}; open {run.directory / 'reproduce.html'}"
    run.tell(record.to_json, lambda: [*_part("report").lines(record), end])
    return int(record.status.exit)


def _progress(event: object) -> str:
    done = vars(event)
    left = f", about {duration(done['left'])} left" if done["done"] < done["total"] else ""
    return f"  {done['done']} of {done['total']} runs, {duration(done['seconds'])}{left}: {done['experiment']} {done['run']}"


def _part(name: str) -> ModuleType:
    """A module of the folder ``reproduce`` of the source tree.

    Raises:
        BadInput: where there is no source tree, because the package was installed without it.
    """
    root = Path(__file__).resolve().parents[3]
    if not (root / "reproduce" / "catalogue.py").is_file():
        raise BadInput(
            "the experiments are not part of the installed package; "
            "install the source tree of supnorm with pip install --editable FOLDER"
        )
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))  # workers get it too
    return import_module(f"reproduce.{name}")
