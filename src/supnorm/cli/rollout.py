"""``supnorm rollout PROBLEM.toml``: step a model and a reference from the same states, and compare them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from supnorm.cli.fields import number_option
from supnorm.cli.options import PROBLEM, default_folder
from supnorm.cli.run import RunContext, with_run

if TYPE_CHECKING:
    from supnorm.fields.rollout import Rollout, RolloutResult
    from supnorm.sources.called_files import CalledFiles

STATE = "rollout.state.npz"  # in the folder of a run
OFTEN = 10.0  # seconds between two states that are written: of a large state a write takes a second or two


def _folder(problem: Path) -> Path:
    return Path(default_folder(problem).name.removesuffix("-run") + "-rollout")


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("rollout")(command)


@with_run(_folder, "Folder of the run. [default: NAME-rollout]")
def command(
    problem: PROBLEM,
    run: RunContext,
    steps: Annotated[
        int | None, number_option("--steps", "Steps to take. [default: those of the file]", int, low=1)
    ] = None,
    seconds: Annotated[float | None, number_option("--seconds", "End after this time.", above=0)] = None,
) -> int:
    """Step a model and a reference from the same states: errors by step, drift of totals, the first bad step."""
    from supnorm.cli.folder import undisturbed, work_in
    from supnorm.cli.identity import say_overlooked
    from supnorm.cli.repeat import repeated
    from supnorm.evaluation.opened_files import recording
    from supnorm.fields.rollout_file import open_rollout
    from supnorm.fields.rollout_storage import load
    from supnorm.problem.fingerprint import content_of
    from supnorm.sources.called_files import CalledFiles

    opened = open_rollout(problem, steps, seconds)
    rollout = opened.rollout
    again = repeated("rollout", problem, {"out": run.folder if run.named else None, "steps": steps})
    with work_in(run.directory), recording() as recorded:
        held = load(rollout, run.directory / STATE, opened.identity, problem.parent) if run.resume else {}
        known = {file: content_of(file) for file in opened.files}
        files = CalledFiles(recorded, opened.files, known, problem.parent, run.directory, held)
        keep = _Stored(rollout, run.directory / STATE, opened.identity, files)
        stopped = rollout.work(run.observer(), keep)
        with (
            undisturbed()
        ):  # what is left takes moments, and an interrupt in it would lose the steps since the last state
            files.look(last=True)
            if recorded.full:
                say_overlooked()
            made = rollout.result(stopped, again)
        with run.writing(lambda: run.tell(made.record.to_json, lambda: _summary(made))):
            keep.write()
            save(made, run.directory)
    end = f"saved in {run.directory}; open {run.directory / 'rollout.html'}"
    more = ["go on with the same command and --resume"] if stopped and keep.resumable else []
    run.tell(made.record.to_json, lambda: [*_summary(made), *more, end])
    return int(made.record.status.exit)


class _Stored:
    """Writes the state of a roll-out from time to time.

    Attributes:
        resumable: the file has a state of this run, with which --resume goes on.
    """

    def __init__(
        self,
        rollout: Rollout,
        path: Path,
        identity: str,
        files: CalledFiles,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._rollout, self._path, self._identity, self._clock = rollout, path, identity, clock
        self._files = files
        self._last, self._noted = clock(), False
        self.resumable = bool(rollout.rolling.done)

    def __call__(self) -> None:
        self._files.look()
        if self._clock() - self._last > OFTEN:
            self.write()

    def write(self) -> None:
        """Write it now; states that no file can hold are noted once."""
        from supnorm.cli.answer import say
        from supnorm.fields.rollout_storage import save

        if self._noted or not self._rollout.rolling.whole:  # the file then is of an earlier step
            return
        spent = self._rollout.spent + time.perf_counter() - self._rollout.begun
        try:
            save(self._rollout, self._path, self._identity, spent, self._files.contents)
            self.resumable = True
        except TypeError as why:
            self._noted = True
            say(f"supnorm: note: {why}; --resume cannot go on with this run", err=True)
        self._last = self._clock()


def save(made: RolloutResult, folder: Path) -> None:
    """Write ``rollout.json`` and the page."""
    from supnorm.pages import write_rollout_page
    from supnorm.results.writing import write_whole

    write_whole(folder / "rollout.json", made.record.to_json())
    write_rollout_page(made.record, folder / "rollout.html")


def _summary(made: Any) -> list[str]:
    from supnorm.pages import rollout_summary

    return rollout_summary(made.record)
