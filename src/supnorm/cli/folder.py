"""The folder of a run: a run never overwrites the run of another problem and never loses an older store.

If the user has not named the folder, a run of another problem in it, or of this problem before an edit, is renamed. A
folder that ``--out`` names is left alone: then the new run is refused. A run that ends because the functions are refused
moves everything back, because the user will correct the problem file and the older run is still valid.

During a run its folder is locked; see `supnorm.cli.lock`.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from supnorm.cli.answer import say
from supnorm.cli.identity import changed_file, identified
from supnorm.cli.lock import lock
from supnorm.cli.options import STORE
from supnorm.evaluation import EvaluationStore
from supnorm.interrupts import INTERRUPTS
from supnorm.problem import Problem, fingerprint
from supnorm.problem.code_texts import code_in, formulas_in
from supnorm.problem.fingerprint import contents
from supnorm.process import heard
from supnorm.results import BadInput, NotWritten
from supnorm.results.door import DAMAGED, faults_of, read_json
from supnorm.results.guard import cause, demand_name, exists
from supnorm.results.numbers import literal
from supnorm.results.printable import one_line
from supnorm.results.system_limits import limit_of
from supnorm.results.unfinished import take_mark_away

# A store with fewer points is that of a refused run: a probe calls 8 points of each side and one of a second reference.
FIRST_LOOK = 20
Moves = list[tuple[Path, Path]]  # old and new paths


@contextmanager
def run_folder(
    folder: Path, problem: Problem, resume: bool, named: bool, name: str = STORE, older: Iterable[str] = ()
) -> Iterator[EvaluationStore]:
    """A context with the store of a run in its folder, which is locked meanwhile.

    Without ``resume`` an older store of the same problem is set aside and not used.

    Args:
        named: whether ``--out`` names the folder; otherwise a run of another problem in it is renamed.
        name: name of the store's file; a folder may have several runs of a problem, each with a store.
        older: patterns of files that are set aside with an older store.

    Raises:
        BadInput: when the folder is a file, another run is at work in it, it is named and has a run of another problem,
            or there is nothing to resume.
    """
    demand_folder(folder)
    path = folder / name
    with ExitStack() as locks:
        if resume and held_fingerprint(folder, name) is None:
            if exists(path) and not EvaluationStore.is_blank(path):
                raise BadInput(
                    f"--resume: {path} is damaged, or no store of evaluations; leave --resume out to start anew, which "
                    "sets this file aside"
                )
            raise BadInput(f"--resume: {folder} has no run; leave --resume out to start one")
        # Made and locked before anything is read: another run may start in it at the same time.
        store, other, made, moves = None, None, _make(folder), []
        lock(folder, locks)
        try:
            other = relocation_for(folder, problem, resume, named, name)
            if other is not None:
                moves.append(other.clear())
                made = _make(folder)
                lock(folder, locks)
            try:
                if not resume:
                    for old in (path, *(file for pattern in older for file in sorted(folder.glob(pattern)))):
                        moves += [] if EvaluationStore.is_blank(old) else set_aside(old)
                store = EvaluationStore(path, fingerprint(problem))
            except OSError as error:
                raise _unwritable(folder, error) from None
            with identified(store, problem, folder, resume):
                yield store
        except (BadInput, NotWritten) as why:
            begun = store is not None and (isinstance(why, NotWritten) or store.points > FIRST_LOOK)
            if not resume and not begun:
                locks.close()  # its file would keep the folder from being removed
                put_back(folder, store, made, moves)
                if other is not None and not other.aside.exists():
                    other = None
            raise
        finally:
            if store is not None:
                store.close()
            if other is not None:
                say(f"supnorm: {other.why}: it is now {other.aside}", err=True)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """A context in which no other run can lock the folder, which exists.

    Raises:
        BadInput: when another run has locked it.
    """
    with ExitStack() as locks:
        lock(folder, locks)
        yield


@contextmanager
def work_in(folder: Path) -> Iterator[None]:
    """The same for a folder that may have to be made; if it stays empty, it is removed again."""
    make_folder(folder)
    try:
        with alone_in(folder):
            yield
    finally:
        with suppress(OSError):
            folder.rmdir()  # after a refused run; this fails if anything is in the folder


@contextmanager
def undisturbed() -> Iterator[None]:
    """A context in which Ctrl-C waits until files that belong together are written.

    It is noted, because these may be the files of one part of the work: the first audit of a repair, a claim of a ledger.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    old = {s: signal.signal(s, INTERRUPTS.note) for s in heard()}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def demand_folder(folder: Path) -> None:
    """Check that a folder exists or can be made, before work starts that would be lost without it.

    Raises:
        BadInput: when it or its parent is a file or cannot be written.
    """
    demand_name(folder, f"--out {folder}")
    try:
        os.stat(folder)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        pass  # the message follows below, with a remedy
    except (OSError, ValueError) as error:  # no folder can have such a name
        raise BadInput(f"--out {one_line(str(folder), 60)} cannot be a folder: {cause(error)}") from None
    there = next((p for p in (folder, *folder.absolute().parents) if exists(p)), folder)
    if not there.is_dir():
        where = "" if there == folder else f": {there}"
        raise BadInput(f"--out {folder}{where} is a file; give a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise BadInput(f"--out {folder} cannot be written: {there} is read-only; choose another --out")


def make_folder(folder: Path) -> None:
    """Make a folder that ``--out`` names, if it does not exist yet.

    Raises:
        BadInput: when it or its parent is a file or cannot be written.
    """
    demand_folder(folder)
    _make(folder)


def _make(folder: Path) -> bool:
    """Make a folder; whether it was not there before.

    Raises:
        BadInput: when it cannot be made.
        NotWritten: when the disk is full.
    """
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        return False
    except OSError as error:
        raise _unwritable(folder, error) from None
    return True


def _unwritable(folder: Path, error: OSError) -> BadInput | NotWritten:
    """What to say of a folder that cannot be written; a limit of the system, as a full disk, is no bad input."""
    if limit := limit_of(error):
        return NotWritten(f"--out {folder} cannot be written: {limit}, or choose another --out")
    return BadInput(f"--out {folder} cannot be written: {error.strerror}; choose another --out")


@dataclass(frozen=True)
class Relocation:
    """A folder that is to be renamed to ``aside``, and the reason."""

    folder: Path
    aside: Path
    why: str

    def clear(self) -> tuple[Path, Path]:
        """Rename the folder; returns the old and the new path.

        Raises:
            BadInput: when it cannot be renamed.
        """
        try:
            self.folder.replace(self.aside)
        except OSError as error:
            raise BadInput(
                f"{self.why}, and cannot be renamed: {error.strerror}; choose another --out"
            ) from None
        with suppress(OSError):
            take_mark_away(self.aside)  # of this run, which takes another folder
        return self.folder, self.aside


def relocation_for(
    folder: Path, problem: Problem, resume: bool, named: bool, name: str = STORE
) -> Relocation | None:
    """The renaming of a folder that has a run of another problem; None if it has none. Nothing is renamed yet.

    Raises:
        BadInput: when it has such a run and is named, is to be resumed, or has a file of this problem; and when a run would
            write over a file of its own problem.
    """
    demand_none_written_over(folder, problem)
    held, current = held_fingerprint(folder, name), fingerprint(problem)
    changed = changed_file(folder / name, problem) if held == current else None
    if held is None or (held == current and changed is None):
        return None
    what = (
        f"{folder} has a run of another problem, or of this one before it was edited (fingerprint {held}, now "
        f"{current})"
    )
    if changed is not None:
        what = f"{folder} has a run of this problem from before {changed}, which one of its functions opens, was changed"
    if named:
        raise BadInput(f"--out {what}; choose another --out, or move or delete that folder")
    if resume:
        raise BadInput(f"--resume: {what}; leave --resume out to start anew; the folder is then renamed")
    if _holds_a_file_of(folder, problem):
        raise BadInput(f"{what}, and a file of this problem; choose another folder with --out")
    number = 1
    while (aside := folder.with_name(f"{folder.name}.{number}")).exists():
        number += 1
    return Relocation(folder, aside, what)


# These verbs write a store, a problem file and points into the folder.
RESULTS = {
    "fit.json": "a fit",
    "result.json": "an audit",
    "repair.json": "a repair",
    "guard.json": "a guard",
    "fields.json": "an audit of fields",
    "claim.json": "a claim",
}


def demand_no_other_run(folder: Path, result_file: str) -> None:
    """Check that a folder has no run of another of these verbs, because the files of both would look like one run.

    Args:
        result_file: the file with the result of this verb, one of `RESULTS`.

    Raises:
        BadInput: when it has one.
    """
    for other, what in RESULTS.items():
        if other != result_file and exists(folder / other):
            raise BadInput(
                f"{folder} has {what} ({other}); choose another --out, or move or delete that folder"
            )


# Names of the files of a run that a problem may have for files of its own.
WRITTEN = (
    *("problem.toml", "model.*", "state_dict.pt", "points.*", "outputs.*", "patch-*.npz", "residual-*.npz"),
    *("cells.json", "change.json", "certificate.*", "events.csv", "supmap.nc", *RESULTS),
)


def demand_none_written_over(folder: Path, problem: Problem) -> None:
    """Check that a run in a folder writes over no file of its own problem, as over the ``problem.toml`` of ``--out .``.

    Raises:
        BadInput: naming the file.
    """
    source = [] if problem.source is None else [problem.source]
    demand_not_written_over(folder, (*source, *contents(problem)), "of this problem")


def demand_not_written_over(folder: Path, files: Iterable[Path], whose: str = "of the data") -> None:
    """Check that a run in a folder writes over none of these files.

    Raises:
        BadInput: naming the file.
    """
    there = Path(os.path.realpath(folder))
    for path in (Path(os.path.realpath(one)) for one in files):
        if path.parent == there and any(path.match(name) for name in WRITTEN):
            raise BadInput(
                f"--out {folder} has {path.name}, a file {whose}, over which a run writes; choose another --out"
            )


def _holds_a_file_of(folder: Path, problem: Problem) -> bool:
    """Whether the problem file, or the file of its model or reference, lies in the folder."""
    source = problem.source or Path()
    parts = [f.origin or {} for f in (problem.model, problem.reference, problem.recheck) if f is not None]
    names = [str(p.get("file") or "") for p in parts]
    names += [text.rpartition(":")[0] for p in parts for text in code_in(p)]
    formulas = formulas_in((problem.equation and problem.equation.origin) or {})
    names += [text.rpartition(":")[0] for text in formulas]
    files = [source, *(source.parent / name for name in names if name)]
    return any(folder.resolve() in file.resolve().parents for file in files)


def put_back(folder: Path, store: EvaluationStore | None, made: bool, moves: Moves) -> None:
    """Undo a refused run: remove its store, and its folder if the run made it, and move back the files that it moved.

    Otherwise the store would have the fingerprint of a problem that the user is about to correct.
    """
    if store is not None:
        store.close()
        for extra in ("", "-wal", "-shm"):
            store.path.with_name(store.path.name + extra).unlink(missing_ok=True)
    if made:
        (folder / "problem.toml").unlink(missing_ok=True)
        with suppress(OSError):
            folder.rmdir()
    for before, after in reversed(moves):
        if not before.exists():  # otherwise another file has this name now
            with suppress(OSError):
                after.rename(before)


def same_run(store: EvaluationStore, asked: dict[str, float | None], folder: Path) -> None:
    """Store the options of a run; a resumed run must have the same.

    Another seed or budget chooses other points, so nearly no stored value would be used.

    Raises:
        BadInput: names the options that differ; or the store has values, and not the options of their run.
    """
    key = "asked for"
    held = store.recall(key)
    if held is None and store.points:  # options are stored before any value
        raise BadInput(
            f"{store.path} has values, and no entry {key!r}, which has the options of their run: it was damaged or changed, "
            "or no verb made it; leave --resume out to start anew, or choose another --out"
        )
    store.remember(key, json.dumps(asked))
    with faults_of(f"{store.path}", DAMAGED):
        before: dict[str, float | None] = asked if held is None else json.loads(held)
        differ = [name for name in asked if asked[name] != before.get(name)]
        was, now = (
            ", ".join(
                f"no --{n}" if (value := v.get(n)) is None else f"--{n} {literal(value, 6)}" for n in differ
            )
            for v in (before, asked)
        )
    if differ:
        raise BadInput(
            f"--resume: the run in {folder} was started with {was}, but you ask for {now}; "
            "give the same options to go on with it, or another --out"
        )


def held_fingerprint(folder: Path, name: str = STORE) -> str | None:
    """The fingerprint of the problem whose run, with a store of this name, is in the folder; None if there is no run."""
    stored = EvaluationStore.fingerprint_of(folder / name)
    if stored is not None or name != STORE:
        return stored
    try:
        document = read_json(folder / "result.json")
        return str(document["fingerprint"])
    except (BadInput, KeyError, TypeError):
        return None


def has_begun(folder: Path) -> bool:
    """Whether a run has begun in a folder; a damaged store counts, which ``--resume`` refuses by name.

    A file without a byte does not: a kill may leave it before anything is stored.
    """
    path = folder / STORE
    if held_fingerprint(folder) is not None:
        return True
    return exists(path) and path.stat().st_size > 0 and not EvaluationStore.is_blank(path)


def name_aside(path: Path) -> Path:
    """The first free one of ``.old``, ``.old2``, ``.old3``, ... for a file of an older run."""
    number = 1
    while (aside := path.with_name(f"{path.name}.old{number if number > 1 else ''}")).exists():
        number += 1
    return aside


def set_aside(path: Path) -> Moves:
    """Rename a file of an older run by `name_aside`; returns the renames."""
    if not path.exists():
        return []
    aside = name_aside(path)
    moves: Moves = []
    for extra in ("-wal", "-shm", ""):
        side = path.with_name(path.name + extra)
        if side.exists():
            moves.append((side, side.replace(aside.with_name(aside.name + extra))))
    return moves
