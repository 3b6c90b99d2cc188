"""``supnorm doctor --dask ADDRESS [PROBLEM.toml]``: what the workers of a scheduler lack, beside what is here."""

from __future__ import annotations

import inspect
import pickle
import threading
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from supnorm.cli import worker_report
from supnorm.evaluation.scheduler import connected
from supnorm.results.numbers import count, num
from supnorm.results.printable import one_line
from supnorm.results.status import BadInput

ANSWER = 20.0  # seconds for all workers to answer; one that is at work answers too


def examine_workers(
    address: str, needed: list[str], optional: list[str], problem: Path | None
) -> dict[str, Any]:
    """What each worker has, and what it lacks.

    Args:
        address: of the scheduler.
        needed, optional: names of packages; an optional one counts where it is installed here.
        problem: a problem file whose files have to be there, and whose functions the workers make.

    Raises:
        BadInput: when no scheduler answers, it has no workers, or the problem cannot be opened.
    """
    client = connected(address)
    try:
        workers = list(client.scheduler_info(n_workers=-1)["workers"])
        if not workers:
            raise BadInput(f"--dask {address}: the scheduler has no workers")
        files, recipes = _of_problem(problem)
        asked = (["supnorm", *needed, *optional], files, recipes)
        here = worker_report.report(*asked)
        answers = _ask(client, workers, asked)
    finally:
        client.close(timeout=2)
    each = {w: _compared(here, answers.get(w), needed, optional) for w in workers}
    return {"address": address, "problem": None if problem is None else str(problem), "workers": each}


def lines_of(answers: Mapping[str, Any]) -> Iterator[str]:
    """The report as lines; workers with the same faults share one."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for worker, entry in answers["workers"].items():
        groups.setdefault((*entry["lacks"], *entry["differs"]), []).append(worker)
    for faults, workers in groups.items():
        n = len(workers)
        who = f"{count(n)} workers, {workers[0]} ..." if n > 1 else f"1 worker, {workers[0]}"
        made = ", the problem's files, and they make its functions" if answers["problem"] else ""
        yield f"  {who}: " + ("; ".join(faults) or f"the same Python and packages as here{made}")


def fit_for_work(answers: Mapping[str, Any]) -> bool:
    """Whether no worker lacks anything that calls need."""
    return not any(entry["lacks"] for entry in answers["workers"].values())


def _ask(client: Any, workers: list[str], asked: tuple[Any, ...]) -> dict[str, Any]:
    """The answers by worker, without those that do not answer in time; an exception is an answer."""
    # As an expression of builtins, which every Python can run: a worker may lack supnorm.
    source, given = inspect.getsource(worker_report), pickle.dumps(asked)
    text = (
        f"(lambda names: (exec({source!r}, names), "
        f"names['report'](*__import__('pickle').loads({given!r})))[1])({{}})"
    )
    answers: dict[str, Any] = {}

    def ask(worker: str) -> None:
        answers.update(client.run(eval, text, workers=[worker], on_error="return"))

    threads = [threading.Thread(target=ask, args=(w,), daemon=True) for w in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(ANSWER if thread is threads[0] else 1.0)
    return dict(answers)


def _compared(here: Mapping[str, Any], there: Any, needed: list[str], optional: list[str]) -> dict[str, Any]:
    """What a worker lacks (calls cannot run, or give other values) and in what it only differs."""
    if there is None:
        return {"lacks": [f"no answer in {num(ANSWER)} seconds"], "differs": [], "has": None}
    if isinstance(there, BaseException):
        return {"lacks": [f"fails: {one_line(repr(there), 200)}"], "differs": [], "has": None}
    lacks: list[str] = []
    differs: list[str] = []
    minor = [has["python"].rpartition(".")[0] for has in (here, there)]
    if minor[0] != minor[1]:
        lacks.append(f"Python {there['python']}, here {here['python']}")
    for name in ("supnorm", *needed, *optional):
        mine, theirs = here["packages"][name], there["packages"][name]
        if mine is None or mine == theirs:
            continue
        words = f"no {name}, here {mine}" if theirs is None else f"{name} {theirs}, here {mine}"
        wanted = name in needed or name == "supnorm"
        (lacks if wanted and (theirs is None or name == "supnorm") else differs).append(words)
    for path, mine in here["files"].items():
        theirs = there["files"][path]
        if theirs != mine:
            lacks.append(f"no file {path}" if theirs is None else f"another content of {path}")
    lacks += [f"the {side} cannot be made: {why}" for side, why in there["faults"].items()]
    return {"lacks": lacks, "differs": differs, "has": dict(there)}


def _of_problem(path: Path | None) -> tuple[list[str], dict[str, bytes]]:
    """The files that a problem names, and how its functions are made."""
    if path is None:
        return [], {}
    from supnorm.sources import open_problem

    problem = open_problem(path)
    recipes = {}
    for side, function in (("model", problem.model), ("reference", problem.reference)):
        if function is not None and function.parallel != "none":
            try:
                recipes[side] = pickle.dumps(function.remake or function.value)
            except Exception as error:
                raise BadInput(f"{path}: the {side} cannot be sent: {one_line(str(error), 100)}") from None
    return sorted(set(_named(tomllib.loads(path.read_text()), path.resolve().parent))), recipes


def _named(value: Any, folder: Path) -> Iterator[str]:
    """Paths of files that exist here, among the texts of a problem file."""
    if isinstance(value, dict):
        for part in value.values():
            yield from _named(part, folder)
    elif isinstance(value, list):
        for part in value:
            yield from _named(part, folder)
    elif isinstance(value, str):
        for text in (value, value.rpartition(":")[0]):
            try:
                if text and (folder / text).is_file():
                    yield str(folder / text)
            except (OSError, ValueError):
                continue
