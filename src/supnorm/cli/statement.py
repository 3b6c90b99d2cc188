"""The work of ``supnorm certify`` on a proof of several parts: folder, resume, checkpoint, files, answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from supnorm.cli.answer import say
from supnorm.cli.run import RunContext
from supnorm.results.printable import file_word

if TYPE_CHECKING:
    from supnorm.certification.statement import Statement
    from supnorm.problem import Problem
    from supnorm.results import Status
    from supnorm.results.about import AboutRecord


class Proved(Protocol):
    """The result of a proof of several parts."""

    @property
    def record(self) -> Any:
        """The result as plain data."""

    @property
    def statement(self) -> Statement:
        """The proof."""

    @property
    def status(self) -> Status:
        """Why the work ended."""

    def save(self, path: Path | str) -> None:
        """Write the proof."""


R = TypeVar("R", bound=Proved)


def prove_in_folder(
    opened: Problem,
    problem: Path,
    run: RunContext,
    *,
    stem: str,
    options: str,
    prove: Callable[[Path | None, Path | None], R],
    about: Callable[[R], AboutRecord],
    summary: Callable[[R], list[str]],
) -> int:
    """Prove in a locked folder, write certificate and JSON, and answer.

    Args:
        opened, problem: the problem and its file.
        stem: the beginning of the names of files.
        options: those of the command line that ask for the proof again.
        prove: from the file to go on with and the one for checkpoints.
        about: what the page shows besides the statement.
        summary: the result in lines.
    """
    from supnorm.cli.folder import demand_no_other_run, relocation_for
    from supnorm.cli.proof_elsewhere import Keeping
    from supnorm.pages import write_page
    from supnorm.problem.save import save_problem
    from supnorm.results import BadInput, write_whole
    from supnorm.results.writing import writing

    folder = run.directory
    demand_no_other_run(folder, "result.json")
    other = relocation_for(folder, opened, run.resume, run.named)
    path, checkpoint = folder / f"{stem}-certificate.json", folder / f"{stem}-checkpoint.json"
    begun = checkpoint if checkpoint.exists() and not other else path
    if run.resume and not begun.exists():
        raise BadInput(f"--resume: there is no {path}; leave --resume out to start")
    result = prove(begun if run.resume else None, None if other else checkpoint)
    older = None if other or (run.resume and begun == path) else _tighter(path, result, prove)
    result = older or result
    folder = run.directory  # the calls may have changed the working folder
    record = result.record.changed(certificate=str(path))
    # A run that was killed leaves its checkpoint beside an older certificate.
    goes_on = older is not None or (run.resume and begun == path)
    keeping = Keeping(result, path, checkpoint, goes_on=goes_on)

    def tell() -> None:
        shown = record.changed(certificate=str(keeping.elsewhere or path))
        run.tell(shown.to_json, lambda: summary(result))

    with run.writing(tell):
        if other is not None:
            other.clear()
            say(f"supnorm: {other.why}: it is now {other.aside}", err=True)
        with keeping.nothing_lost():
            with writing(path):
                folder.mkdir(parents=True, exist_ok=True)
                keeping.make_room()
                save_problem(opened, folder / "problem.toml")
                keeping.save()
            record = record.changed(about=about(result))  # the proof is not lost for a picture
            write_whole(folder / f"{stem}.json", record.to_json())
            write_page(record, folder / f"{stem}.html")
        checkpoint.unlink(missing_ok=True)
    run.tell(record.to_json, lambda: [*summary(result), *_next(problem, folder, path, result, options)])
    return int(result.status.exit)


def _tighter(path: Path, result: R, prove: Callable[[Path | None, Path | None], R]) -> R | None:
    """The result that goes on with the older proof in the folder, if that is tighter; otherwise None.

    A looser proof never replaces it. The older one is proved again first, which takes at most the same time once more. A
    root mean square is computed anew in every run: of its older proof only a name aside is left.
    """
    from supnorm.certification.statement import stated_claims, tighter
    from supnorm.results import BadInput, ExitCode

    claims = result.statement.claims
    if result.statement.integrals or not tighter(stated_claims(path), claims):
        return None
    held: R | None = None
    if result.status.exit != ExitCode.INTERRUPTED:
        try:
            held = prove(path, None)
        except (
            BadInput
        ):  # of another problem, by another version, or damaged: it is set aside under another name
            return None
        except KeyboardInterrupt:  # what was proved now is saved all the same
            held = None
    if held is None or held.statement.believed or not tighter(held.statement.claims, claims):
        say(
            f"supnorm: the older proof in {path} says a tighter bound, but was not proved again: this one takes its name, "
            "and the older one stays beside it",
            err=True,
        )
        return None
    say(
        f"supnorm: the older proof in {path} is tighter than this one: it was proved again, and stays",
        err=True,
    )
    return held


def _next(problem: Path, folder: Path, path: Path, result: Proved, options: str) -> list[str]:
    """The commands that verify the file, and that go on with it."""
    file = file_word(problem)
    page = path.with_name(path.name.replace("-certificate.json", ".html"))
    lines = [f"certificate  {path}    verify  supnorm check {file_word(path)} --problem {file}"]
    lines.append(f"page         {page}")
    if result.status.code in ("interrupted", "undecided", "no-bound"):
        asked = f" {options}" if options else ""
        lines.append(f"go on with   supnorm certify {file}{asked} --out {file_word(folder)} --resume")
    return lines
