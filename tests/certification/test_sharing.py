"""A proof on an executor is that of one process, byte for byte; lost workers end it with what is proved."""

from __future__ import annotations

from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from supnorm.certification import LinearBounds, certify, narrowing
from supnorm.certification.boxes import Boxes
from supnorm.certification.cut_parts import BY_PARTS
from supnorm.certification.error_program import error_program
from supnorm.certification.leaf import PIECES, Bounded
from supnorm.certification.sharing import demand_fitting
from supnorm.checker import check
from supnorm.interrupts import Interrupts
from supnorm.problem import Domain, Problem
from supnorm.results import BadInput, Interrupted

LOST = "the Dask scheduler tcp://here:1 is gone; stored evaluations are kept"


def model(x: Any) -> Any:
    return x[:, 0] * x[:, 1]


def reference(x: Any) -> Any:
    return np.sin(4 * x[:, 0]) * np.cos(3 * x[:, 1])


PROBLEM = Problem(model, reference, Domain(a=(-1.0, 1.0), b=(-1.0, 1.0)))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches so small that a short proof has many of them at a time."""
    monkeypatch.setattr(narrowing, "BATCH", 8)
    monkeypatch.setattr(narrowing, "SHARE", 8)


def proof(path: Path, executor: Executor | None = None, **more: Any) -> Any:
    result = certify(PROBLEM, ratio=1.1, boxes=800, strategy=LinearBounds(), executor=executor, **more)
    result.certificate.save(path)
    return result


class Losing(Executor):
    """Takes so many calls, then its workers are lost."""

    def __init__(self, calls: int) -> None:
        self.left, self.seats = calls, 2

    def submit(self, fn: Any, /, *given: Any, **_: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.left -= 1
        if self.left < 0:
            future.set_exception(Interrupted(LOST))
        else:
            future.set_result(fn(*given))
        return future


class Altered(Executor):
    """Its workers have rules that give bounds half as large."""

    seats = 2

    def submit(self, fn: Any, /, *given: Any, **_: Any) -> Future[Any]:
        future: Future[Any] = Future()
        results, seconds = fn(*given)
        future.set_result(([replace(one, upper=0.5 * one.upper) for one in results], seconds))
        return future


UNFIT: dict[str, Any] = {
    "None": lambda one: None,
    "one box less": lambda one: one.take(np.arange(len(one.upper) - 1)),
    "NaN": lambda one: replace(one, upper=np.where(np.arange(len(one.upper)) == 1, np.nan, one.upper)),
    "a bound below 0": lambda one: replace(
        one, upper=np.where(np.arange(len(one.upper)) == 1, -1.0, one.upper)
    ),
    "rounding": lambda one: replace(one, rounding=np.nan * one.rounding),
    "an axis that is none": lambda one: replace(one, axis=one.axis + 2),
    "no whole axis": lambda one: replace(one, axis=one.axis + 0.5),
    "a second axis that is none": lambda one: replace(one, second=one.second - 5),
    "points of more inputs": lambda one: replace(one, points=np.zeros((3, 5))),
    "columns": lambda one: replace(one, upper=one.upper[:, None]),
    "single precision": lambda one: replace(one, upper=one.upper.astype(np.float32)),
}


@pytest.mark.parametrize("name", UNFIT)
def test_what_is_no_bound_of_the_boxes_that_a_worker_was_given_is_refused_in_one_line(
    small: None, name: str
) -> None:
    """Another supnorm may return other fields: these ended as faults of this program, NaN after all of the work."""

    class Unfit(Altered):
        def submit(self, fn: Any, /, *given: Any, **_: Any) -> Future[Any]:
            future: Future[Any] = Future()
            results, seconds = fn(*given)
            future.set_result(([UNFIT[name](one) for one in results], seconds))
            return future

    with pytest.raises(BadInput, match="a worker returned what is no bound of the boxes"):
        certify(PROBLEM, ratio=1.1, boxes=800, strategy=LinearBounds(), executor=Unfit())


def test_a_bound_by_parts_is_a_bound() -> None:
    """Its ellipse has the parameter -1."""
    by_parts = replace(Bounded.nothing(1, 2), rho=np.full((1, 1), BY_PARTS), degree=np.full((1, 1), PIECES))
    demand_fitting(by_parts, 1, 1, 2)


def test_bounds_of_workers_with_another_supnorm_are_no_proof(small: None) -> None:
    """One bound of each batch is proved again; all of them were believed."""
    with pytest.raises(BadInput, match=r"a worker proved something else than this process: the bound"):
        certify(PROBLEM, ratio=1.1, boxes=800, strategy=LinearBounds(), executor=Altered())


class AlteredOnce(Executor):
    """Its workers make the bounds of one batch half as large."""

    seats = 2

    def __init__(self, which: int) -> None:
        self.which, self.done = which, 0

    def submit(self, fn: Any, /, *given: Any, **_: Any) -> Future[Any]:
        future: Future[Any] = Future()
        results, seconds = fn(*given)
        at = range(self.done, self.done + len(results))
        self.done += len(results)
        halved = [
            replace(r, upper=0.5 * r.upper) if i == self.which else r
            for i, r in zip(at, results, strict=True)
        ]
        future.set_result((halved, seconds))
        return future


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("which", range(8))
def test_no_batch_of_workers_is_believed_whichever_is_proved_again_with_it(
    which: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seven batches, three at a time while the workers go on; the eighth does not exist."""
    monkeypatch.setattr(narrowing, "AGAIN", 3)
    error, boxes = error_program(PROBLEM), Boxes.root(2)
    while len(boxes) < 64:
        boxes = boxes.split(boxes.level.argmin(1))
    boxes, executor = boxes.take(np.arange(8, 63)), AlteredOnce(which)
    strategy, alone = LinearBounds(), narrowing.bound_all(error, LinearBounds(), boxes, 0.1, 0.1)
    if which < 7:
        with pytest.raises(BadInput, match="a worker proved something else"):
            narrowing.bound_all(error, strategy, boxes, 0.1, 0.1, executor)
    else:
        shared = narrowing.bound_all(error, strategy, boxes, 0.1, 0.1, executor)
        assert executor.done == 7
        assert np.array_equal(shared.upper, alone.upper)


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_a_proof_is_the_same_on_any_number_of_workers_and_so_is_its_check(tmp_path: Path) -> None:
    alone, shared = tmp_path / "alone.json", tmp_path / "shared.json"
    proof(alone)
    with ThreadPoolExecutor(3) as pool:
        proof(shared, pool)
        assert alone.read_bytes() == shared.read_bytes()
        verdicts = [check(alone), check(alone, executor=pool)]
        forged = tmp_path / "forged.json"
        forged.write_bytes(alone.read_bytes().replace(b'"upper"', b'"Upper"', 1))
        assert [v.accepted for v in verdicts] == [True, True]
        assert verdicts[0].leaves == verdicts[1].leaves > 20
        assert not check(forged, executor=pool).accepted


@pytest.mark.usefixtures("small")
def test_lost_workers_end_a_proof_with_what_is_proved_and_say_so(tmp_path: Path) -> None:
    whole, path = proof(tmp_path / "whole.json"), tmp_path / "part.json"
    part = proof(path, Losing(3))
    assert part.status.code == "interrupted"
    assert "Stopped: the Dask scheduler tcp://here:1 is gone; save" in part.status.advice
    assert whole.upper < part.upper < np.inf
    resumed = proof(path, resume=path)
    assert resumed.upper == pytest.approx(whole.upper, rel=0.2)
    with pytest.raises(Interrupted, match="is gone"):
        check(tmp_path / "whole.json", executor=Losing(2))


def test_a_later_work_does_not_end_for_the_reason_of_an_earlier_one() -> None:
    requests = Interrupts()
    with requests.between_batches():
        requests.because("the workers are lost")
        with requests.between_batches():  # a part of it
            pass
    assert requests.cause == "the workers are lost"  # its report says so
    with requests.between_batches():
        assert requests.cause == ""
