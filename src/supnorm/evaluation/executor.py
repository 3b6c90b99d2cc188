"""Makes executors (processes or threads) for expensive calls, and explains to the user why workers ended.

A spawned process first imports the program's main file again, and later a problem's Python file when it needs it. A file
that starts processes while it is imported would therefore start processes without end. Python ends such a worker with a
traceback that names no file of the user, so this module makes the message.
"""

from __future__ import annotations

import ast
import inspect
import multiprocessing
import traceback
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from supnorm.evaluation.calls import Calls
from supnorm.evaluation.cluster import PATIENCE
from supnorm.evaluation.processes import Processes
from supnorm.problem import Function, Problem
from supnorm.results import BadInput

GUARD = 'if __name__ == "__main__":'
MOST = 1024  # workers of supnorm's own; a process that has imported NumPy takes 30 MB, so more are a mistake
USER_FILE = "supnorm_user_"  # prefix of the names of modules of problem files
IN_PACKAGES: set[str] = set()  # modules of packages that problem files name; they keep their names
Settings = TypeVar("Settings", bound=Calls)


def make_executor(function: Function, workers: int, patience: float = PATIENCE) -> Executor | None:
    """An executor that suits the function; None with one worker, or if the function must not be called in parallel.

    Raises:
        BadInput: for more than `MOST` workers, and in a worker that is importing a problem's file.
    """
    if workers < 2 or function.parallel == "none":
        return None
    if workers > MOST:
        raise BadInput(
            f"workers must be at most {MOST} on this machine, got {workers}; more need an executor"
        )
    if function.parallel == "thread" or function.remake is None:
        return ThreadPoolExecutor(workers)
    if multiprocessing.parent_process() is not None and (line := _importing(USER_FILE, *IN_PACKAGES)):
        raise BadInput(
            f"{_named(line)} asks for workers, and each worker reaches this line when it imports the file; "
            f"put it under {GUARD}"
        )
    return Processes(workers, patience=patience)


@contextmanager
def with_executor(problem: Problem, calls: Settings) -> Iterator[Settings]:
    """The calls with an executor for expensive ones: the given one, or a new one for several workers."""
    made = (
        None
        if calls.executor is not None
        else make_executor(problem.reference, calls.workers, calls.patience)
    )
    try:
        yield replace(calls, executor=calls.executor or made)
    finally:
        if made is not None:
            made.shutdown(cancel_futures=True)


@contextmanager
def broken_workers_explained() -> Iterator[None]:
    """A context for verbs whose workers may end before their work is done; it explains the reason as far as it is known.

    A worker that imports the main file again and reaches the same verb ends without a message; the verb that waits
    for it in the main process reports it.

    Raises:
        BadInput: for workers that have ended.
        OSError: for those that the system did not let begin: too many open files, no more processes.
    """
    try:
        yield
    except BrokenProcessPool as error:
        if isinstance(error.__cause__, OSError):
            raise error.__cause__ from None
        line = _importing("__main__")
        if line is None or _guarded(*line):
            text = (
                "a worker process ended before its call was done: it was killed, out of memory, or compiled code "
                "crashed; try one worker, which shows the call"
            )
        else:
            text = (
                f"{_named(line)} starts workers, and each worker imports the file again and reaches this "
                f"line; leave workers out, or put it under {GUARD}"
            )
        raise BadInput(text) from None
    except RuntimeError as error:
        if "bootstrapping phase" not in str(error) or _importing("__mp_main__") is None:
            raise
        raise SystemExit(1) from None


def starts_again() -> bool:
    """Whether this is a worker that imports the main file again and has reached the verb that started it."""
    return _importing("__mp_main__") is not None


def _importing(*names: str) -> tuple[Path, int] | None:
    """File and line that are now being executed at the top level of a module whose name has one of these prefixes."""
    for frame, line in traceback.walk_stack(inspect.currentframe()):
        path = Path(frame.f_code.co_filename)
        top = frame.f_code.co_name == "<module>" and str(frame.f_globals.get("__name__")).startswith(names)
        if top and path.is_file():
            return path, line
    return None


def _guarded(path: Path, line: int) -> bool:
    """Whether a line is under a condition on ``__name__``."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return True
    return any(
        isinstance(node, ast.If)
        and node.lineno <= line <= (node.end_lineno or line)
        and any(isinstance(part, ast.Name) and part.id == "__name__" for part in ast.walk(node.test))
        for node in tree.body
    )


def _named(line: tuple[Path, int]) -> str:
    return f"{line[0].name}, line {line[1]},"
