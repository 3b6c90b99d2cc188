"""One run of a verb: its folder, its output, and its end at an interrupt.

`with_run` gives a command the options ``--out``, ``--resume``, ``--json`` and ``--quiet`` and hands it a `RunContext`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from supnorm.cli.answer import answer, printed_if_lost, say, summarised
from supnorm.cli.fields import Command, with_parameters
from supnorm.cli.options import JSON, QUIET, STORE
from supnorm.interrupts import INTERRUPTS
from supnorm.results.status import BadInput, ExitCode, Interrupted
from supnorm.results.unfinished import marked
from supnorm.results.working_folder import demand_same_folder, working_folder

if TYPE_CHECKING:
    from supnorm.evaluation import EvaluationStore
    from supnorm.problem import Problem

SAY_IT = ("audit", "budget")  # these verbs say themselves that they ended early, with and without --quiet


@dataclass(frozen=True)
class RunContext:
    """A run of a verb.

    Attributes:
        folder: the folder of the run; None if the verb needs ``--out`` for one and it was not given.
        named: whether ``--out`` names the folder; then a run of another problem in it is not renamed but ends the work.
        resume: go on with the run in the folder.
        as_json: print the result as JSON, and nothing else.
        quiet: print neither progress nor summary.
        began_in: the working folder in which the verb began.
    """

    folder: Path | None
    named: bool
    resume: bool
    as_json: bool
    quiet: bool
    began_in: str = field(default_factory=working_folder)

    @property
    def directory(self) -> Path:
        """The folder of a run that has one.

        Raises:
            BadInput: when code of the problem has changed the working folder, from which a relative path starts.
        """
        assert self.folder is not None
        demand_same_folder(self.began_in, self.folder)
        return self.folder

    @property
    def silent(self) -> bool:
        """Whether only the answer is printed."""
        return self.quiet or self.as_json

    def observer(self, patience: str = "") -> Callable[[Any], None]:
        """The observer that prints the progress of the work; see `Progress`.

        It raises BadInput when code of the problem has changed the working folder: early, and not when all is done.
        """
        from supnorm.cli.progress import Progress
        from supnorm.evaluation.events import silent

        show = silent if self.silent else Progress(patience)

        def observed(event: Any) -> None:
            if self.folder is not None:
                demand_same_folder(self.began_in, self.folder)
            show(event)

        return observed

    @contextmanager
    def store(
        self, problem: Problem, asked: dict[str, float | None], name: str = STORE, older: Iterable[str] = ()
    ) -> Iterator[EvaluationStore]:
        """A context with the store of the run in its folder, which is locked meanwhile; see `run_folder`.

        Args:
            problem: the problem whose functions are evaluated.
            asked: options that a resumed run must have too.
            name: name of the store's file.
            older: patterns of other files that are set aside with it.

        Raises:
            BadInput: when the folder cannot be used, or the resumed run had other options.
        """
        from supnorm.cli.folder import run_folder, same_run

        with run_folder(self.directory, problem, self.resume, self.named, name, older) as store:
            same_run(store, asked, self.directory)
            yield store

    @contextmanager
    def interruptible(self, left: str) -> Iterator[None]:
        """A context in which Ctrl-C ends the work as `Interrupted`; ``left`` is the message about what is kept."""
        try:
            yield
        except KeyboardInterrupt:
            INTERRUPTS.taken()
            raise Interrupted(f"interrupted{left}") from None

    def tell(self, json: Callable[[], str], lines: Callable[[], Iterable[str]]) -> None:
        """Print the result as JSON, in lines, or not at all; with ``--quiet`` only one that could not be written."""
        if self.as_json:
            answer(json())
        elif summarised(self.quiet):
            for line in lines():
                say(line)

    def tell_more(self, line: str) -> None:
        """Print a line after the result, where it was printed in lines."""
        if not self.as_json and not self.quiet:
            say(line)

    @contextmanager
    def writing(self, tell: Callable[[], None]) -> Iterator[None]:
        """A context for writing files that belong together: Ctrl-C waits, and a result that cannot be written is printed."""
        from supnorm.cli.folder import undisturbed
        from supnorm.evaluation.opened_files import unrecorded
        from supnorm.results.writing import all_there

        # Now supnorm opens files, and no function does.
        with undisturbed(), printed_if_lost(tell), unrecorded(), all_there():
            yield

    def within(self, name: str, resume: bool) -> RunContext:
        """The run of a part, in a folder inside this one, that prints only progress."""
        return replace(self, folder=self.directory / name, resume=resume, quiet=self.silent, as_json=False)


def with_run(default: Callable[[Any], Path | None], shown: str) -> Callable[[Command], Command]:
    """Give a command of a problem and ``run``, a `RunContext`, the options for this context.

    Args:
        default: makes the folder of a run from the first argument, if ``--out`` names none.
        shown: the text of the help for ``--out``.
    """
    folder = typer.Option("--out", metavar="DIR", help=shown)
    options = {
        "out": (Annotated[Path | None, folder], None),
        "resume": (Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")], False),
        "as_json": (JSON, False),
        "quiet": (QUIET, False),
    }
    keyword = inspect.Parameter.KEYWORD_ONLY
    generated = [
        inspect.Parameter(name, keyword, default=default, annotation=annotation)
        for name, (annotation, default) in options.items()
    ]

    def decorate(command: Command) -> Command:
        first = next(iter(inspect.signature(command).parameters))
        module = command.__module__.rpartition(".")[2]
        verb = {"field_audit": "fields"}.get(module, module)

        def with_context(**given: Any) -> int:
            out, resume, as_json, quiet = (given.pop(name) for name in options)
            directory = out or default(given[first])
            if resume and directory is None:
                raise BadInput("--resume needs --out DIR, the folder of the run to go on with")
            from supnorm.cli.lock import demand_free

            demand_free(directory)  # before a mark is written beside the work of the other run
            with marked(directory, verb):
                code = command(**given, run=RunContext(directory, out is not None, resume, as_json, quiet))
            if code == ExitCode.INTERRUPTED and quiet and not as_json and verb not in SAY_IT:
                why = "interrupted" if INTERRUPTS.heard else "ended early"
                where = (
                    f"the result of what was done is in {directory}, and what was stored is kept for --resume"
                )
                say(f"supnorm: {why}; {where}", err=True)
            return code

        return with_parameters(command, with_context, generated, without=("run",))

    return decorate
