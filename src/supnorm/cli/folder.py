"""The folder of a run: another problem's run in it is never overwritten, an older store never lost.

A folder that was not asked for by name is given way: what is in it of another problem, or of this one before an edit,
is renamed. One that was named by ``--out`` is left alone. A run that is refused after a first look at the functions
puts back what it moved: the problem file is about to be corrected, and the older run is still the good one.

While a run lasts, its folder is locked (``flock`` of the folder itself): the lock leaves no file and ends with the
process, however that ends. Where there is no such lock (Windows, some network file systems) there is none.
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
from supnorm.cli.options import STORE
from supnorm.evaluation import EvaluationStore
from supnorm.problem import Problem, fingerprint
from supnorm.process import heard
from supnorm.results import BadInput
from supnorm.results.door import DAMAGED, faults_of, read_json
from supnorm.results.guard import cause, demand_name, exists
from supnorm.results.printable import one_line

FIRST_LOOK = 20  # stored points: a probe asks 8 of each side and one of a second reference
Moves = list[tuple[Path, Path]]  # from, to


@contextmanager
def run_folder(
    folder: Path, problem: Problem, resume: bool, named: bool, name: str = STORE, older: Iterable[str] = ()
) -> Iterator[EvaluationStore]:
    """The store of a run in its folder, which is nobody else's inside.

    Without ``resume`` an older store of the same problem is set aside, not reused.

    Args:
        named: by ``--out``; else a run of another problem in it is renamed.
        name: of the store's file; a folder may hold several runs of a problem with a store each.
        older: patterns of files that are set aside with an older store.

    Raises:
        BadInput: when the folder is a file, another run is at work in it, it is named and holds another problem, or
            there is nothing to resume.
    """
    demand_folder(folder)
    path = folder / name
    with ExitStack() as locks:
        if folder.is_dir():
            _lock(folder, locks)
        other = relocation_for(folder, problem, resume, named, name)
        if resume and held_fingerprint(folder, name) is None:
            raise BadInput(f"--resume: {folder} holds no run; leave --resume out to start one")
        store, made, moves = None, False, []
        try:
            if other is not None:
                moves.append(other.clear())
            try:
                fresh = not folder.exists()
                folder.mkdir(parents=True, exist_ok=True)
                if fresh:
                    _lock(folder, locks)
                    made = True
                if not resume:
                    for old in (path, *(file for pattern in older for file in sorted(folder.glob(pattern)))):
                        moves += set_aside(old)
                store = EvaluationStore(path, fingerprint(problem))
            except OSError as error:
                raise BadInput(
                    f"--out {folder} cannot be written: {error.strerror}; choose another --out"
                ) from None
            with identified(store, problem, folder, resume):
                yield store
        except BadInput:
            if not resume and (store is None or store.points <= FIRST_LOOK):
                put_back(folder, store, made, moves)
                other = None
            raise
        finally:
            if store is not None:
                store.close()
            if other is not None:
                say(f"supnorm: {other.why}: it is now {other.aside}", err=True)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Inside, no other run can lock the folder, which exists.

    Raises:
        BadInput: when another one has.
    """
    with ExitStack() as locks:
        _lock(folder, locks)
        yield


@contextmanager
def work_in(folder: Path) -> Iterator[None]:
    """The same for a folder that may have to be made; one that nothing was put into is taken away again."""
    make_folder(folder)
    try:
        with alone_in(folder):
            yield
    finally:
        with suppress(OSError):
            folder.rmdir()  # of a run that was refused; fails where there is anything in it


def _lock(folder: Path, locks: ExitStack) -> None:
    try:
        import fcntl
    except ImportError:
        return
    descriptor = os.open(folder, os.O_RDONLY)
    locks.callback(os.close, descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        from supnorm.evaluation.executor import starts_again

        if starts_again():  # the run that it has met is the one that started it, and speaks for all
            raise SystemExit(1) from None
        raise BadInput(
            f"--out {folder}: another run is at work in this folder; wait until it ends, or choose another --out"
        ) from None
    except OSError:
        return  # a file system without locks of folders


@contextmanager
def undisturbed() -> Iterator[None]:
    """Ctrl-C waits while files that belong together are written."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    old = {s: signal.signal(s, signal.SIG_IGN) for s in heard()}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def demand_folder(folder: Path) -> None:
    """See that a folder is one, or can be made, before work starts that would be lost without it.

    Raises:
        BadInput: when it, or what should hold it, is a file or cannot be written.
    """
    demand_name(folder, f"--out {folder}")
    try:
        os.stat(folder)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        pass  # said below, with what to do
    except (OSError, ValueError) as error:  # no folder can have such a name
        raise BadInput(f"--out {one_line(str(folder), 60)} cannot be a folder: {cause(error)}") from None
    there = next((p for p in (folder, *folder.absolute().parents) if exists(p)), folder)
    if not there.is_dir():
        where = "" if there == folder else f": {there}"
        raise BadInput(f"--out {folder}{where} is a file; give a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise BadInput(f"--out {folder} cannot be written: {there} is read-only; choose another --out")


def make_folder(folder: Path) -> None:
    """Make a folder that ``--out`` named, where it is not there yet.

    Raises:
        BadInput: when it, or what should hold it, is a file or cannot be written.
    """
    demand_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--out {folder} cannot be written: {error.strerror}; choose another --out") from None


@dataclass(frozen=True)
class Relocation:
    """How a folder is given way: renamed to ``aside``, and why."""

    folder: Path
    aside: Path
    why: str

    def clear(self) -> tuple[Path, Path]:
        """Rename it; returns from where to where.

        Raises:
            BadInput: when it cannot be.
        """
        try:
            self.folder.replace(self.aside)
        except OSError as error:
            raise BadInput(
                f"{self.why}, and cannot be renamed: {error.strerror}; choose another --out"
            ) from None
        return self.folder, self.aside


def relocation_for(
    folder: Path, problem: Problem, resume: bool, named: bool, name: str = STORE
) -> Relocation | None:
    """How a folder that holds a run of another problem is given way; None when it holds none. Nothing is renamed yet.

    Raises:
        BadInput: when it does, and is named, or is to be resumed, or holds a file of this problem.
    """
    held, own = held_fingerprint(folder, name), fingerprint(problem)
    changed = changed_file(folder / name, problem) if held == own else None
    if held is None or (held == own and changed is None):
        return None
    what = (
        f"{folder} holds a run of another problem, or of this one before it was edited (fingerprint {held}, this one "
        f"is {own})"
    )
    if changed is not None:
        what = f"{folder} holds a run of this problem before {changed}, which one of its functions opens, was changed"
    if named:
        raise BadInput(f"--out {what}; choose another --out, or move or delete that folder")
    if resume:
        raise BadInput(f"--resume: {what}; leave --resume out to start anew: that folder is then renamed")
    if _holds_a_file_of(folder, problem):
        raise BadInput(f"{what}, and a file of this problem; choose another folder with --out")
    number = 1
    while (aside := folder.with_name(f"{folder.name}.{number}")).exists():
        number += 1
    return Relocation(folder, aside, what)


RESULTS = {
    "fit.json": "a fit",
    "result.json": "an audit",
}  # both keep a store, a problem file and points beside it


def demand_no_other_run(folder: Path, own: str) -> None:
    """See that a folder holds no run of the other verb: the files of both would stand for one run.

    Args:
        own: the file that holds the result of this verb, one of `RESULTS`.

    Raises:
        BadInput: when it does.
    """
    other, what = next((file, what) for file, what in RESULTS.items() if file != own)
    if (folder / other).exists():
        raise BadInput(
            f"{folder} holds {what} ({other}); choose another --out, or move or delete that folder"
        )


def _holds_a_file_of(folder: Path, problem: Problem) -> bool:
    """Whether the problem file, or the file of its model or reference, lies in the folder."""
    source = problem.source or Path()
    parts = [f.origin or {} for f in (problem.model, problem.reference, problem.recheck) if f is not None]
    names = [str(p.get("file") or str(p.get("python") or "").rpartition(":")[0]) for p in parts]
    files = [source, *(source.parent / name for name in names if name)]
    return any(folder.resolve() in file.resolve().parents for file in files)


def put_back(folder: Path, store: EvaluationStore | None, made: bool, moves: Moves) -> None:
    """Take back the store of a run that was refused, the folder if that run made it, and what it moved.

    What is left would hold the fingerprint of a problem that is about to be corrected.
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
        if not before.exists():  # else the name has been taken since
            with suppress(OSError):
                after.rename(before)


def same_run(store: EvaluationStore, asked: dict[str, float | None], folder: Path) -> None:
    """Keep what a run was asked for in its store; a resumed run must be asked for the same.

    Another seed or budget chooses other points: next to nothing of the stored values would be used.

    Raises:
        BadInput: naming the options that differ.
    """
    key = "asked for"
    held = store.recall(key)
    store.remember(key, json.dumps(asked))
    with faults_of(f"{store.path}", DAMAGED):
        before: dict[str, float | None] = asked if held is None else json.loads(held)
        differ = [name for name in asked if asked[name] != before.get(name)]
        for name in differ:
            f"{before.get(name) or 0:g}"  # what is no number raises here
    if differ:
        was, now = (
            ", ".join(f"--{n} {v[n]:g}" if v[n] is not None else f"no --{n}" for n in differ)  # type: ignore[str-format,unused-ignore]
            for v in (before, asked)
        )
        raise BadInput(
            f"--resume: the run in {folder} was started with {was}, this asks for {now}; "
            "give the same to go on with it, or another --out"
        )


def held_fingerprint(folder: Path, name: str = STORE) -> str | None:
    """The fingerprint of the problem whose run, with a store of this name, is in the folder; None when there is none."""
    stored = EvaluationStore.fingerprint_of(folder / name)
    if stored is not None or name != STORE:
        return stored
    try:
        document = read_json(folder / "result.json")
        return str(document["fingerprint"])
    except (BadInput, KeyError, TypeError):
        return None


def set_aside(path: Path) -> Moves:
    """Rename a file of an older run to the first free one of ``.old``, ``.old2``, ``.old3``, ...; returns the renames."""
    if not path.exists():
        return []
    number = 1
    while (aside := path.with_name(f"{path.name}.old{number if number > 1 else ''}")).exists():
        number += 1
    moves: Moves = []
    for extra in ("-wal", "-shm", ""):
        side = path.with_name(path.name + extra)
        if side.exists():
            moves.append((side, side.replace(aside.with_name(aside.name + extra))))
    return moves
