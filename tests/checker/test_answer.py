"""Workers that answer something else: nothing false is accepted, and nothing true is called false."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from supnorm.certification import LinearBounds, certify
from supnorm.certification.certificate import digest
from supnorm.checker import WorkerFault, check, rejected
from supnorm.checker.answer import Answer, code
from supnorm.cli import check as check_verb
from supnorm.problem import Domain, Problem
from supnorm.results import BadInput


class Says(Executor):
    """Does each call, and gives what a function makes of its answer."""

    def __init__(self, makes: Callable[[Answer], Any]) -> None:
        self.makes, self.calls = makes, 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.calls += 1
        try:
            future.set_result(self.makes(fn(*args, **kwargs)))
        except Exception as error:
            future.set_exception(error)
        return future


class Unshown:
    def __repr__(self) -> str:
        raise ValueError


class Calls(Says):
    """Gives what a function makes of a call, in place of a future."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        return self.makes((fn, *args))


def raises(error: Exception) -> Callable[[Any], Any]:
    def instead(answer: Any) -> Any:
        raise error

    return instead


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate, and the same with bounds that are false."""
    folder = tmp_path_factory.mktemp("c")
    problem = Problem(lambda x: np.sin(x) + 0.1 * x, lambda x: np.sin(x), Domain(x=(0.0, 1.0)))
    certify(problem, ratio=1.01, strategy=LinearBounds(), boxes=60).certificate.save(folder / "true.json")
    data = json.loads((folder / "true.json").read_text())
    assert len(data["leaves"]["upper"]) > 4
    small = (0.01).hex()
    data["leaves"]["upper"] = [small] * len(data["leaves"]["upper"])
    data |= {"upper": small, "lower": (0.0).hex(), "witness": None}
    data["digest"] = digest({k: v for k, v in data.items() if k != "digest"})
    (folder / "false.json").write_text(json.dumps(data))
    return folder / "true.json", folder / "false.json"


def test_workers_find_what_one_process_finds(files: tuple[Path, Path]) -> None:
    for path, true in zip(files, (True, False), strict=True):
        alone, shared = check(path), check(path, executor=Says(lambda answer: answer))
        assert alone.accepted == shared.accepted == true
        assert (alone.reason, alone.leaf) == (shared.reason, shared.leaf)


OTHERS: dict[str, Callable[[Answer], Any]] = {
    "nothing": lambda answer: None,
    "seconds, as an older supnorm": lambda answer: 0.1,
    "true": lambda answer: True,
    "another code": lambda answer: replace(answer, code="0" * 64, fault=None),
    "another document": lambda answer: replace(answer, document="0" * 64, fault=None),
    "other leaves": lambda answer: replace(answer, part="0" * 64, fault=None),
    "fields of another version": lambda answer: object.__new__(Answer),
    "another fault": lambda answer: replace(answer, fault=ValueError("no")),
    "what cannot be shown": lambda answer: Unshown(),
    "no time": lambda answer: replace(answer, seconds=float("nan"), fault=None),
    "no function": raises(AttributeError("module has no attribute _prove")),
    "no package": raises(ModuleNotFoundError("No module named 'flint'")),
    "no memory": raises(MemoryError()),
    "no disk": raises(OSError("a\x1b[2J\nb")),
}


@pytest.mark.parametrize("what", OTHERS)
def test_another_answer_says_nothing_about_the_certificate(files: tuple[Path, Path], what: str) -> None:
    """A number was taken for a proof, and what a worker raised for a malformed file."""
    for path in files:
        with pytest.raises(WorkerFault, match="a worker ") as fault:
            check(path, executor=Says(OTHERS[what]))
        assert str(fault.value).isprintable()


@pytest.mark.parametrize(
    "makes", [lambda call: None, raises(TypeError("no pickle")), raises(ValueError("closed"))]
)
def test_an_executor_that_takes_no_call_says_nothing_about_the_certificate(
    files: tuple[Path, Path], makes: Callable[[Any], Any]
) -> None:
    for path in files:
        with pytest.raises(WorkerFault, match="a worker "):
            check(path, executor=Calls(makes))


def test_an_answer_about_the_same_leaves_of_another_file_is_none(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    """It named the first leaf of each proof, and not what was claimed of it."""
    data = json.loads(files[0].read_text())
    data["leaves"]["upper"][1] = (1e-3).hex()
    data["digest"] = digest({k: v for k, v in data.items() if k != "digest"})
    (tmp_path / "false.json").write_text(json.dumps(data))
    answers: list[Answer] = []
    assert check(files[0], executor=Says(lambda answer: answers.append(answer) or answer)).accepted
    first = iter(answers)
    with pytest.raises(WorkerFault, match="the answer to another call"):
        check(tmp_path / "false.json", executor=Says(lambda answer: next(first)))


@pytest.mark.parametrize(
    "error", [MemoryError(), RecursionError(), AttributeError("module 'flint' has no attribute")]
)
def test_what_a_worker_cannot_do_is_no_verdict(
    files: tuple[Path, Path], error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker with too little memory made a true certificate a malformed one."""
    from supnorm.checker.leaves import Leaves

    def on_the_worker(call: Any) -> Future[Any]:
        future: Future[Any] = Future()
        with monkeypatch.context() as there:
            there.setattr(Leaves, "verify", lambda *given: raises(error)(None))
            future.set_result(call[0](*call[1:]))
        return future

    with pytest.raises(WorkerFault, match="a worker refused what is proved here"):
        check(files[0], executor=Calls(on_the_worker))
    assert not check(files[1], executor=Calls(on_the_worker)).accepted


def test_the_verb_says_that_nothing_was_checked(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from contextlib import nullcontext

    executor = nullcontext(Says(lambda answer: None))
    monkeypatch.setattr(check_verb, "executor_of", lambda workers, dask: executor)
    with pytest.raises(
        BadInput, match=r"a worker answered None.*whether its claims are true was not checked"
    ):
        check_verb.command(certificate=files[0], quiet=True, workers=None, dask="tcp://127.0.0.1:1")


def test_what_a_proof_raises_is_the_verdict_of_one_process(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from supnorm.checker.leaves import Leaves

    def fails(*given: Any) -> None:
        raise ZeroDivisionError("of this file")

    monkeypatch.setattr(Leaves, "verify", fails)
    found = [check(files[0], executor=executor) for executor in (None, Says(lambda answer: answer))]
    assert found[0].reason == found[1].reason == "malformed certificate: ZeroDivisionError: of this file"


def test_a_call_that_a_worker_cannot_read_is_no_verdict() -> None:
    from supnorm.checker.sharing import _prove

    assert _prove(b"cnumpy\nno_such_name\n.", b"").document == ""


def test_the_code_is_that_of_the_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from supnorm.checker import answer

    here = Path(rejected.__file__).parent
    for file in here.glob("*.py"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(answer, "files", lambda package: tmp_path)
    assert code.__wrapped__() == code()
    changed = tmp_path / "enclosure.py"
    changed.write_bytes(changed.read_bytes() + b"\n")
    assert code.__wrapped__() != code()
