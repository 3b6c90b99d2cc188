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


def raises(error: Exception) -> Callable[[Answer], Any]:
    def instead(answer: Answer) -> Any:
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
    "other leaves": lambda answer: replace(answer, leaves=(), fault=None),
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
