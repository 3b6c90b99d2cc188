"""The door: counts by purpose, failures with their point, and the largest error ever seen."""

from __future__ import annotations

import itertools
import os
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.problems import Watch, planted_bump, relative_on_log_axes, thin_sheet

from supnorm import audit
from supnorm.auditing.expensive import SurrogateSearch
from supnorm.evaluation import Advanced, Calls, Evaluator, Event, NewWorst, PointStatus
from supnorm.evaluation.evaluator import GRADIENT_COST
from supnorm.problem import Domain, ErrorMeasure, Function, PartialFailure, Problem
from supnorm.results import BadInput

Array = NDArray[np.float64]


def plain(**asked: Any) -> Problem:
    return Problem(lambda x: x.sum(axis=1), lambda x: x[:, 0], Domain(a=(0.0, 1.0), b=(-1.0, 1.0)), **asked)


def points(n: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).uniform([0, -1], [1, 1], (n, 2))


# -- counting ---------------------------------------------------------------------------------------------


def test_counts_go_by_purpose_and_gradients_count_three() -> None:
    evaluator = Evaluator(planted_bump(2, 1e-2, 0).problem)
    evaluator.values(
        evaluator.problem.domain.from_unit(np.random.default_rng(0).random((7, 2))), "statistics"
    )
    inside = evaluator.problem.domain.from_unit(np.random.default_rng(1).random((5, 2)))
    evaluator.gradient(inside, "search")
    evaluator.values(inside, "pictures")
    assert evaluator.counts == {"statistics": 7, "search": 5 * GRADIENT_COST, "pictures": 5}
    assert GRADIENT_COST == 3
    assert evaluator.total == 27
    assert evaluator.spent("search", "pictures") == 20


def test_points_that_do_not_exist_are_not_evaluated_nor_counted() -> None:
    seen = []

    def model(x: Array) -> Array:
        seen.append(x)
        return x[:, 0]

    domain = Domain([lambda x: x[:, 0] > 0.5], a=(0.0, 1.0))
    evaluator = Evaluator(Problem(model, lambda x: 0 * x[:, 0], domain))
    heard: list[tuple[float, int]] = []
    evaluator.listeners.append(
        lambda batch: heard.extend(zip(batch.x[:, 0].tolist(), batch.status.tolist(), strict=True))
    )
    done = evaluator.values(np.array([[0.2], [0.7], [1.5], [0.9]]), "search")
    assert done.status.tolist() == [1, 0, 1, 0]
    assert evaluator.total == 2
    assert np.concatenate(seen).ravel().tolist() == [0.7, 0.9]
    np.testing.assert_array_equal(done.error, [np.nan, 0.7, np.nan, 0.9])
    np.testing.assert_array_equal(done.score, [-np.inf, 0.7, -np.inf, 0.9])
    assert sorted(heard) == [(0.2, 1), (0.7, 0), (0.9, 0), (1.5, 1)]  # each point once


def test_gradients_leave_points_outside_alone() -> None:
    instance = planted_bump(2, 1e-2, 0)
    domain = instance.problem.domain
    half = Domain.from_axes(
        dict(zip(domain.names, domain.axes, strict=True)), [lambda x: domain.to_unit(x)[:, 0] < 0.5]
    )
    limited = Problem(instance.problem.model, instance.problem.reference, half)
    u = np.random.default_rng(0).random((50, 2))
    whole, slopes = Evaluator(instance.problem).gradient(domain.from_unit(u), "search")
    part, cut = Evaluator(limited).gradient(domain.from_unit(u), "search")
    inside = u[:, 0] < 0.5
    # Rounding may depend on the size of the batch.
    np.testing.assert_allclose(part.error, np.where(inside, whole.error, np.nan), rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(cut[inside], slopes[inside], rtol=1e-9, atol=1e-13)
    assert (cut[~inside] == 0).all()


@pytest.mark.parametrize("error", [None, ErrorMeasure("relative", floor=0.3), ErrorMeasure(side="under")])
def test_gradients_in_the_unit_box_against_differences(error: ErrorMeasure | None) -> None:
    base = planted_bump(3, 1e-2, 1).problem
    problem = Problem(base.model, base.reference, base.domain, error=error or ErrorMeasure())
    evaluator = Evaluator(problem)
    u = np.random.default_rng(2).uniform(0.05, 0.95, (200, 3))
    done, slopes = evaluator.gradient(base.domain.from_unit(u), "search")
    h = 1e-6
    for j in range(3):
        up, down = (
            evaluator.values(base.domain.from_unit(u + s * h * np.eye(3)[j]), "search").error for s in (1, -1)
        )
        smooth = (done.error > 1e-4) & (np.abs(up - down) < 0.1)
        np.testing.assert_allclose(slopes[smooth, j], ((up - down) / (2 * h))[smooth], rtol=1e-4, atol=1e-6)


# -- failures ---------------------------------------------------------------------------------------------


def failing(x: Array) -> Array:
    """NaN where a < 0.1, an exception where a > 0.9, a time-out at b > 0.9."""
    if (x[:, 0] > 0.9).any():
        raise ValueError("a is too large")
    late = np.flatnonzero(x[:, 1] > 0.9)
    y = np.where(x[:, 0] < 0.1, np.nan, x[:, 0])[:, None]
    if len(late):
        y[late] = np.nan
        raise PartialFailure(y, {int(i): "timeout: no answer within 1 s" for i in late})
    return y


@pytest.mark.parametrize(
    ("side", "policy"), [("reference", "error"), ("model", "error"), ("model", "ignore")]
)
def test_every_failure_is_counted_with_its_cause_and_its_point(side: str, policy: str) -> None:
    both = {"model": lambda x: x[:, 0], "reference": lambda x: x[:, 0], side: Function(failing)}
    domain, measure = Domain(a=(0.0, 1.0), b=(-1.0, 1.0)), ErrorMeasure(failures=policy)
    evaluator = Evaluator(Problem(both["model"], both["reference"], domain, measure))
    x = points(3000)
    done = evaluator.values(x, "statistics")
    raised, late, lost = x[:, 0] > 0.9, (x[:, 1] > 0.9) & (x[:, 0] <= 0.9), x[:, 0] < 0.1
    lost &= ~late
    failures = {(f.where, f.kind): f for f in evaluator.failures.causes.values()}
    assert failures[side, "exception"].count == raised.sum()
    assert failures[side, "timeout"].count == late.sum()
    assert failures[side, "non-finite"].count == lost.sum()
    assert "a is too large" in failures[side, "exception"].message
    assert failures[side, "timeout"].x[1] > 0.9
    without = raised | late | lost
    # A model without a value is an infinite error, whatever the cause.
    if (side, policy) == ("model", "error"):
        assert evaluator.worst == np.inf
        assert evaluator.failures.infinite == without.sum()
        assert evaluator.failures.failed == {"model": 0, "reference": 0}
        np.testing.assert_array_equal(done.error == np.inf, without)
        assert (done.status == PointStatus.OK).all()
    else:
        assert evaluator.worst == 0.0
        np.testing.assert_array_equal(done.status == PointStatus.FAILED, without)
    assert evaluator.worst_finite == 0.0
    assert evaluator.failures.without_value[side] == sum(f.count for f in failures.values()) == without.sum()
    assert evaluator.total == 3000


def test_masked_points_are_counted_and_are_no_failures() -> None:
    evaluator = Evaluator(plain(error=ErrorMeasure(mask=lambda x: x[:, 0] > 0.5)))
    x = points(1000)
    done = evaluator.values(x, "statistics")
    np.testing.assert_array_equal(done.status == PointStatus.MASKED, x[:, 0] <= 0.5)
    assert evaluator.failures.masked == (x[:, 0] <= 0.5).sum()
    assert evaluator.failures.failed == {"model": 0, "reference": 0}
    assert evaluator.worst == np.abs(x[x[:, 0] > 0.5, 1]).max()


def test_many_different_messages_do_not_fill_the_memory() -> None:
    def noisy(x: Array) -> Array:
        raise ValueError(f"at {x[0, 0]!r}")

    evaluator = Evaluator(Problem(lambda x: x[:, 0], noisy, Domain(a=(0.0, 1.0))))
    evaluator.values(np.linspace(0, 1, 1000)[:, None], "statistics")
    assert len(evaluator.failures.causes) <= 60
    assert sum(f.count for f in evaluator.failures.causes.values()) == 1000


def test_a_derivative_that_raises_at_a_point_is_a_failure_like_any_other() -> None:
    instance = planted_bump(2, 1e-2, 0)

    def vjp(x: Array) -> Any:
        if (instance.problem.domain.to_unit(x)[:, 0] > 0.5).any():
            raise FloatingPointError("beyond the table")
        assert instance.problem.reference.vjp is not None
        return instance.problem.reference.vjp(x)

    def value(x: Array) -> Array:
        return np.asarray(vjp(x)[0])

    problem = Problem(instance.problem.model, Function(value, vjp=vjp), instance.problem.domain)
    evaluator = Evaluator(problem)
    u = np.array([[0.2, 0.5], [0.7, 0.5], [0.3, 0.1]])
    done, slopes = evaluator.gradient(problem.domain.from_unit(u), "search")
    assert done.status.tolist() == [0, 2, 0]
    assert (slopes[1] == 0).all()
    assert evaluator.failures.failed["reference"] == 1


def test_outputs_must_agree_in_number() -> None:
    problem = Problem(lambda x: x, lambda x: x[:, :1], Domain(a=(0.0, 1.0), b=(0.0, 1.0)))
    with pytest.raises(BadInput, match="the model has 2 outputs and the reference 1"):
        Evaluator(problem).probe(np.random.default_rng(0))


def test_a_problem_without_a_model_has_no_errors() -> None:
    with pytest.raises(BadInput, match="needs a model"):
        Evaluator(Problem(None, lambda x: x[:, 0], Domain(a=(0.0, 1.0))))


# -- the running maximum ----------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from(["search", "pictures"])), max_size=8))
@settings(max_examples=30)
def test_the_worst_is_the_maximum_of_everything(batches: list[tuple[int, str]]) -> None:
    evaluator = Evaluator(plain())
    events: list[Event] = []
    evaluator.observer = events.append
    largest = -np.inf
    for i, (n, purpose) in enumerate(batches):
        if n == 0:
            continue
        done = evaluator.values(points(n, i), purpose)
        largest = max(largest, done.error.max())
        assert evaluator.worst == largest
    witness = evaluator.witness()
    if largest > -np.inf:
        assert witness is not None
        assert witness.error == largest
    else:
        assert witness is None
    told = [e.worst for e in events if isinstance(e, NewWorst)]
    assert all(b >= 1.1 * a for a, b in itertools.pairwise(told))  # news is a tenth larger
    assert [w for _, w in evaluator.history] == sorted({w for _, w in evaluator.history})
    assert set(told) <= {w for _, w in evaluator.history}
    advanced = [e.done for e in events if isinstance(e, Advanced)]
    assert advanced == sorted(advanced)


INSTANCES = [planted_bump(3, 1e-3, 0), planted_bump(2, 1e-3, 1, "hat", False), relative_on_log_axes(0)]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("instance", [*INSTANCES, thin_sheet(2, 1e-5, 3)], ids=lambda i: i.name)
def test_sup_lower_is_at_least_every_error_computed_anywhere(instance: Any) -> None:
    watch = Watch(instance.problem)
    report = audit(watch.problem, evaluations=6000, seed=1)
    errors = watch.errors()
    assert len(errors) > 6000 / 3
    # Up to the rounding between a batch and a single call, and no more.
    assert report.document["sup"]["lower"] >= np.nanmax(errors) * (1 - 1e-12)
    counts = report.document["evaluations"]
    # Values count 1, gradients 3; the probe, the witness and the places are called again on purpose.
    assert watch.calls["model"] <= sum(counts.values()) + 8 + 2 + 2 * len(report.peaks) + 20


# -- memory -----------------------------------------------------------------------------------------------


def test_memory_is_flat_in_the_number_of_evaluations() -> None:
    from supnorm.auditing.recorder import Recorder

    problem = Problem(lambda x: x[:, 0], lambda x: x[:, 1] * x[:, 2], Domain(a=(0, 1), b=(0, 1), c=(0, 1)))
    evaluator = Evaluator(problem)
    recorder = Recorder(problem.domain, 26, problem.error)
    evaluator.listeners.append(recorder)
    rng = np.random.default_rng(0)

    def spend(n: int) -> None:
        for _ in range(n // 8192):
            evaluator.values(rng.random((8192, 3)), "search")

    spend(200_000)
    recorder.flush()  # rows wait there and in the table of the worst, up to a fixed number
    recorder.worst_rows()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    spend(1_000_000)
    recorder.flush()
    recorder.worst_rows()
    held = tracemalloc.get_traced_memory()[0] - before
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert held < 1e6
    assert peak < 8e6
    assert evaluator.total > 1_100_000


@pytest.mark.slow
def test_memory_of_a_whole_audit_is_flat() -> None:
    problem = planted_bump(3, 1e-3, 0).problem
    peaks = []
    for evaluations in (200_000, 1_000_000):
        tracemalloc.start()
        audit(problem, evaluations=evaluations)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0] + 10e6
    assert peaks[1] < 200e6


# -- workers ----------------------------------------------------------------------------------------------


def slow_reference(x: Array) -> Array:
    time.sleep(1.2e-3 * len(x))
    return np.asarray(np.sin(3 * x[:, 0]) * x[:, 1])[:, None]


def remade() -> Function:
    return Function(_in_another_process, name="slow")


def _in_another_process(x: Array) -> Array:
    assert os.environ.get("SUPNORM_TEST_PARENT") != str(os.getpid())
    return slow_reference(x)


@pytest.fixture
def parent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPNORM_TEST_PARENT", str(os.getpid()))


def slow_problem(parallel: str) -> Problem:
    recipe = remade if parallel == "process" else None
    reference = Function(slow_reference, name="slow", parallel=parallel, remake=recipe)
    return Problem(lambda x: 2 * x[:, 0] * x[:, 1], reference, Domain(a=(0.0, 1.0), b=(-1.0, 1.0)))


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("parallel", ["thread", "process"])
@pytest.mark.usefixtures("parent")
def test_workers_give_the_same_values_in_the_same_order(parallel: str) -> None:
    x = points(300)
    serial = Evaluator(slow_problem("none"))
    expected = serial.values(x, "search")
    spread = Evaluator(slow_problem(parallel), calls=Calls(workers=2))
    try:
        spread.values(points(8, 9), "search")  # says that the reference is expensive
        done = spread.values(x, "search")
    finally:
        spread.close()
    np.testing.assert_array_equal(done.reference, expected.reference)
    np.testing.assert_array_equal(done.error, expected.error)
    assert spread.executor is not None


TIMES = ("seconds", "model_seconds", "reference_seconds", "seconds_per_point", "finished")


def comparable(report: Any) -> dict[str, Any]:
    """The document without what the clock decides."""
    document: dict[str, Any] = report.to_dict()
    document["cost"] = document["cost"] and document["cost"]["class"]
    if document["planned"]:
        document["planned"].pop("seconds", None)  # a forecast from measured calls
    return {k: v for k, v in document.items() if k not in TIMES}


@pytest.mark.slow
def test_the_same_seed_gives_the_same_document() -> None:
    """Element by element: the rounding of a matrix product depends on the size of the batch, which a loaded
    machine changes."""

    def model(x: Array) -> Array:
        return x[:, 0] * x[:, 1] + np.maximum(0.3 - np.abs(x - [0.4, 0.6, 0.2]).max(axis=1), 0.0) ** 2

    domain = Domain(a=(0.0, 1.0), b=(0.0, 1.0), c=(0.0, 1.0))
    problem = Problem(model, lambda x: x[:, 0] * x[:, 1], domain)
    first, second, other = (audit(problem, evaluations=5000, seed=seed) for seed in (1, 1, 2))
    assert comparable(first) == comparable(second)
    np.testing.assert_array_equal(first.points.rows, second.points.rows)
    assert comparable(first) != comparable(other)


@pytest.mark.slow
@pytest.mark.usefixtures("parent")
def test_workers_give_the_same_audit() -> None:
    word = "expensive:16:in-rounds"  # on a busy machine a call takes 0.1 s
    search = SurrogateSearch(inner=300)  # what it finds does not matter
    serial = audit(slow_problem("none"), evaluations=160, seed=1, strategy=search, calls=Calls(cost=word))
    for parallel in ("thread", "process"):
        spread = audit(
            slow_problem(parallel),
            evaluations=160,
            seed=1,
            strategy=search,
            calls=Calls(workers=2, cost=word),
        )
        assert comparable(spread) == comparable(serial), parallel


@pytest.mark.slow
def test_workers_that_cannot_be_used_are_a_note_and_threads_can_be_declared() -> None:
    """A lambda stayed in the main thread whatever was asked for, and nobody said so."""
    seen: set[str] = set()

    def slow(x: np.ndarray) -> np.ndarray:
        seen.add(threading.current_thread().name)
        time.sleep(0.003 * len(x))
        return x[:, 0]

    domain = Domain(x=(0.0, 1.0))
    model = lambda x: 1.01 * x[:, 0]  # noqa: E731
    report = audit(Problem(model, slow, domain), evaluations=60, calls=Calls(workers=2))
    assert seen == {"MainThread"}
    assert any("2 workers were asked for" in note for note in report.document["notes"])
    report = audit(
        Problem(model, Function(slow, parallel="thread"), domain), evaluations=60, calls=Calls(workers=2)
    )
    assert len(seen) > 1
    assert not any("workers" in note for note in report.document["notes"])


def test_the_executor_of_its_own_ends_and_a_given_one_goes_on() -> None:
    problem = Problem(lambda x: x[:, 0], Function(lambda x: x[:, 0], parallel="thread"), Domain(a=(0.0, 1.0)))
    own = Evaluator(problem, calls=Calls(workers=2))
    assert own.executor is not None
    assert own.executor.submit(abs, -1).result() == 1
    own.close()
    with pytest.raises(RuntimeError, match="after shutdown"):
        own.executor.submit(abs, -1)
    with ThreadPoolExecutor(1) as pool:
        Evaluator(problem, calls=Calls(executor=pool)).close()
        assert pool.submit(abs, -1).result() == 1
    Evaluator(problem).close()  # none, nothing to end


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_a_point_is_noted_twice_only_where_calls_alone_and_in_a_batch_differ(shift: float) -> None:
    """Of points that are not the worst one, too: peaks of a model whose values depend on the batch."""
    problem = Problem(
        lambda x: x[:, 0] + shift * (len(x) > 1), lambda x: 0 * x[:, 0], Domain(a=(0.0, 1.0), b=(-1.0, 1.0))
    )
    evaluator = Evaluator(problem)
    x = points(20)
    evaluator.values(x, "search")
    other = x[int(np.argmin(x[:, 0]))]
    assert evaluator.recompute(other, other[0] + shift).error == other[0] + shift
    assert [t.differs for t in evaluator.twice] == ([True] if shift else [])


@pytest.mark.slow
@pytest.mark.parametrize("cost", ["cheap", "expensive"])
def test_a_declared_cost_gives_the_same_number_of_calls_on_a_machine_that_stalls(cost: str) -> None:
    """A model that counts its calls had other values at the same calls, where the clock decided about one of them."""
    counts = []
    for pause in (0.0, 0.1):
        calls: list[int] = []

        def value(
            x: NDArray[np.float64], calls: list[int] = calls, pause: float = pause
        ) -> NDArray[np.float64]:
            calls.append(len(x))
            time.sleep(pause * (len(calls) == 1))
            return np.sin(3 * x)

        problem = Problem(Function(value), Function(np.sin), Domain(x=(0, 1)), ErrorMeasure())
        audit(problem, evaluations=200, seed=0, calls=Calls(cost=cost))
        counts.append(calls)
    assert counts[0] == counts[1]
