"""Few, expensive calls: rounds on one worker, calls that do not wait for each other on several, resuming."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from supnorm.auditing import SurrogateSearch, audit
from supnorm.auditing import expensive as expensive_search
from supnorm.auditing.cost import declare
from supnorm.auditing.landscape import Landscape
from supnorm.auditing.modelled import error_problem, reference_problem, signed_errors
from supnorm.auditing.strategy import Search
from supnorm.auditing.surrogate import GaussianProcess, length_scales, negative_log_likelihood
from supnorm.evaluation import Calls, EvaluationStore, Evaluator, Flight
from supnorm.evaluation.limit import Limit
from supnorm.problem import Domain, ErrorMeasure, Function, Problem

Array = NDArray[np.float64]
SQUARE = Domain(a=(0.0, 1.0), b=(0.0, 1.0))
LEAN = SurrogateSearch(inner=2000)


def truth(x: Array) -> Array:
    return np.asarray(np.sin(3 * x[:, :1]) * np.cos(2 * x[:, 1:]))


def model(x: Array) -> Array:
    bump = np.exp(-((x - [0.3, 0.7]) ** 2).sum(axis=1, keepdims=True) / 0.01)
    return np.asarray(truth(x) + 0.1 * bump)


def expensive(
    reference: Callable[[Array], Array],
    executor: Executor | None,
    store: EvaluationStore | None = None,
    workers: int = 2,
) -> Evaluator:
    """An evaluator whose reference is said to take 0.2 s: no test waits so long."""
    function = Function(reference, parallel="thread")
    evaluator = Evaluator(
        Problem(model, function, SQUARE),
        calls=Calls(executor=executor, workers=workers if executor else 1, store=store),
    )
    evaluator.model.decide(1e-6)
    evaluator.reference.decide(0.2)
    return evaluator


def searched(
    evaluator: Evaluator, calls: int, seed: int = 0, strategy: SurrogateSearch = LEAN
) -> list[bytes]:
    """The points that a search asked for, in the order in which they came back."""
    asked: list[bytes] = []
    evaluator.listeners.append(lambda done: asked.extend(row.tobytes() for row in done.x))
    strategy.run(Landscape(evaluator, Limit(evaluations=calls)), Search.empty(2), np.random.default_rng(seed))
    return asked


@pytest.mark.slow
def test_tolerances_of_outputs_steer_the_search_as_scales_do() -> None:
    """Two outputs of sizes 1 and 1000; the large one is nearly irrelevant to its tolerance."""

    def two(x: Array) -> Array:
        return np.concatenate([truth(x), 1000 * np.cos(2 * x[:, 1:])], axis=1)

    def off(x: Array) -> Array:
        narrow, wide = (
            size * np.exp(-((x - middle) ** 2).sum(axis=1) / width**2)
            for size, middle, width in ((0.01, (0.2, 0.25), 0.06), (50.0, (0.75, 0.7), 0.2))
        )
        return two(x) + np.stack([narrow, wide], axis=1)

    runs = []
    for measure in (ErrorMeasure(tolerance=(1e-3, 1e3)), ErrorMeasure("scaled", scale=(1e-3, 1e3))):
        evaluator = Evaluator(Problem(off, Function(two), SQUARE, measure))
        evaluator.model.decide(1e-6)
        evaluator.reference.decide(0.2)
        runs.append(searched(evaluator, 80))
        assert evaluator.worst > 9.9
    assert runs[0] == runs[1]


@pytest.mark.parametrize("bonus", [0.0, 1.0])
def test_the_mask_holds_in_every_round(bonus: float) -> None:
    x = np.random.default_rng(0).random((30, 2))
    measure = ErrorMeasure(mask=lambda x: x[:, 0] < 0.5)
    problem = Problem(model, truth, SQUARE, measure)
    inner = reference_problem(problem, GaussianProcess.fit(x, truth(x)), bonus)
    error, _ = inner.error(model(x), truth(x), x)
    assert (np.isnan(error) == (x[:, 0] >= 0.5)).all()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


@pytest.mark.slow
def test_rounds_on_one_worker_are_the_same_for_the_same_seed() -> None:
    runs = [searched(expensive(truth, None), 40, seed) for seed in (3, 3, 4)]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]
    assert len(set(runs[0])) == 40  # no call is made twice


@pytest.mark.slow
def test_thinking_does_not_grow_with_the_square_of_the_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand calls of 1.5 ms took a minute: 8 of them a round, each after a search on a thousand points."""
    points: list[int] = []
    predictions: list[int] = []
    fit, predict = GaussianProcess.fit, GaussianProcess.predict

    def fitted(u: Array, y: Array, *scales: Array | None) -> GaussianProcess:
        points.append(len(u))
        predictions.append(0)
        return fit(u, y, *scales)

    def counted(self: GaussianProcess, u: Array) -> Array:
        predictions[-1] += len(u)
        return predict(self, u)

    monkeypatch.setattr(GaussianProcess, "fit", fitted)
    monkeypatch.setattr(GaussianProcess, "predict", counted)
    strategy = SurrogateSearch(inner=2000, ample=20, growth=0.1)
    strategy.run(
        Landscape(expensive(truth, None), Limit(evaluations=240)), Search.empty(2), np.random.default_rng(0)
    )
    rounds = np.diff(points)
    assert (rounds >= 0.08 * np.array(points[:-1])).all()  # a point in ten is known already, as corners are
    assert (np.array(points) * predictions).max() < 1.5 * 2000 * 20


def test_the_search_on_the_process_looks_for_no_last_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers wait for it: with the polish of other searches it takes 320 calls of the process, most of few points."""
    asked, predict, searched = [], GaussianProcess.predict, []
    propose = SurrogateSearch._propose

    def counted(self: GaussianProcess, u: Array) -> Array:
        asked.append(len(u))
        return predict(self, u)

    def proposed(*given: Any) -> Array:
        asked.clear()
        points = propose(*given)
        searched.append(len(asked))
        return points

    monkeypatch.setattr(GaussianProcess, "predict", counted)
    monkeypatch.setattr(SurrogateSearch, "_propose", proposed)
    SurrogateSearch().run(
        Landscape(expensive(truth, None), Limit(evaluations=120)), Search.empty(2), np.random.default_rng(0)
    )
    assert len(searched) >= 5
    assert np.mean(searched) < 200


def test_length_scales_begin_where_those_of_fewer_points_ended() -> None:
    """They end at a likelihood that is no worse, or by less than 0.2, whichever bump the values have."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        u, place = rng.random((120, 2)), rng.random(2)
        z = np.exp(u[:, :1]) + np.exp(-(((u - place) / 0.1) ** 2).sum(axis=1, keepdims=True))
        z = (z - z.mean()) / z.std()
        ends = [length_scales(u, z), length_scales(u, z, length_scales(u[:80], z[:80]))]
        variances = np.linspace(np.log(1e-2), np.log(1e4), 60)
        cold, warm = (
            min(negative_log_likelihood(np.array([v, *np.log(e)]), u, z)[0] for v in variances) for e in ends
        )
        assert warm < cold + 0.2


def test_a_place_without_a_value_is_not_asked_for_again() -> None:
    """The process knows nothing of it and would propose the same corner, the largest error that it sees, every round."""

    def broken(x: Array) -> Array:
        return np.where((x > 0.9).all(axis=1), np.nan, truth(x)[:, 0])

    evaluator = Evaluator(Problem(lambda x: truth(x) + x.prod(axis=1, keepdims=True) ** 4, broken, SQUARE))
    asked = searched(evaluator, 60)
    assert len(set(asked)) == 60
    assert evaluator.failures.failed["reference"] > 0


@pytest.mark.slow
def test_the_error_is_found_with_and_without_workers(pool: ThreadPoolExecutor) -> None:
    for executor in (None, pool):
        evaluator = expensive(truth, executor)
        assert evaluator.asynchronous == (executor is not None)
        asked = searched(evaluator, 60)
        assert len(asked) == evaluator.spent("search") == 60
        assert evaluator.worst > 0.0999


@pytest.mark.slow
def test_a_slow_call_holds_up_nobody(pool: ThreadPoolExecutor) -> None:
    """Without ``in_order``: one call ends only after 30 others that were proposed later."""
    lock, enough = threading.Lock(), threading.Event()
    count = 0
    in_time = False

    def slow(x: Array) -> Array:
        nonlocal count, in_time
        with lock:
            count += 1
            mine = count
        if mine == 25:  # the 25th of 60 is among the first that a process proposed
            in_time = enough.wait(timeout=300)
        if mine >= 50:
            enough.set()
        return truth(x)

    evaluator = expensive(slow, pool)
    asked = searched(evaluator, 60, strategy=replace(LEAN, in_order=False))
    assert in_time
    assert len(set(asked)) == 60  # and no place was asked for twice while it was in flight


@pytest.mark.slow
def test_the_order_in_which_calls_come_back_does_not_matter(pool: ThreadPoolExecutor) -> None:
    """Some calls take longer, others in another run: the same points are asked for."""

    def slow(seed: int) -> Callable[[Array], Array]:
        pauses = np.random.default_rng(seed)

        def value(x: Array) -> Array:
            time.sleep(0.01 * pauses.random())
            return truth(x)

        return value

    assert searched(expensive(slow(1), pool), 50) == searched(expensive(slow(2), pool), 50)


def test_places_in_flight_are_believed_and_not_asked_for_again(pool: ThreadPoolExecutor) -> None:
    evaluator = expensive(truth, None)
    strategy = SurrogateSearch(inner=2000, hedge=0.0)
    from supnorm.auditing.expensive import _Calls

    landscape = Landscape(evaluator, Limit(evaluations=1000))
    calls = _Calls(landscape, Search.empty(2))
    calls.make(np.random.default_rng(0).random((40, 2)))
    nothing = np.empty((0, 2))
    first = strategy._propose(evaluator, calls, nothing, 0, 4, np.random.default_rng(1))
    second = strategy._propose(evaluator, calls, first, 0, 4, np.random.default_rng(1))
    gap = np.linalg.norm(first[:, None] - second[None], axis=2).min()
    assert gap > 0.1 * strategy.separation
    again = strategy._propose(evaluator, calls, nothing, 0, 4, np.random.default_rng(1))
    np.testing.assert_allclose(again, first)


def test_points_are_chosen_while_the_workers_have_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many for each of four workers as choosing takes, once they are few beside the calls that have returned."""
    waited = []

    def proposed(
        self: SurrogateSearch,
        evaluator: Evaluator,
        calls: expensive_search._Calls,
        waiting: Array,
        k: int,
        n: int,
        rng: np.random.Generator,
    ) -> Array:
        waited.append((len(calls.u), len(waiting)))
        return rng.random((n, 2))

    monkeypatch.setattr(SurrogateSearch, "_propose", proposed)
    for calls, least in ((160, 4), (800, 12)):
        waited.clear()
        evaluator = Evaluator(Problem(model, Function(truth), SQUARE))
        declare(evaluator, "expensive:1:one-by-one:4")
        evaluator.model.decide(1e-6)
        evaluator.reference.decide(0.2)
        searched(evaluator, calls)
        assert max(w for _, w in waited) == least
        assert min(w for _, w in waited) >= least - 1  # after 389 calls
        assert {n for n, _ in waited} <= {*range(calls // 2 - least, calls)}
        assert len(waited) >= 10


def test_the_first_length_scales_are_found_while_the_workers_have_calls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first round took 0.5 s to choose, and the workers had 0.2 s of calls."""
    flying: list[int] = []
    flights: list[Flight] = []
    fitted = expensive_search.GaussianProcess.fit

    class Seen(Flight):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            flights.append(self)

    def found(u: Array, y: Array, scale: Array | None = None, start: Array | None = None) -> GaussianProcess:
        if scale is None:
            flying.append(len(flights[-1]))
        return fitted(u, y, scale, start)

    monkeypatch.setattr(expensive_search, "Flight", Seen)
    monkeypatch.setattr(GaussianProcess, "fit", found)
    monkeypatch.setattr(expensive_search, "LIKELY", 60)  # as 300 of some hundred points: none are found later
    evaluator = Evaluator(Problem(model, Function(truth), SQUARE))
    declare(evaluator, "expensive:1:one-by-one:4")
    evaluator.model.decide(1e-6)
    evaluator.reference.decide(0.2)
    searched(evaluator, 200)
    assert flying == [32]


def test_peaks_and_the_worst_point_are_called_alone_at_once(pool: ThreadPoolExecutor) -> None:
    calls: list[bytes] = []

    def seen(x: Array) -> Array:
        calls.append(x.tobytes())
        return truth(x)

    evaluator = expensive(seen, pool)
    x = np.array([[0.3, 0.7], [0.9, 0.1], [0.2, 0.2]])
    evaluator.values(x, "search")
    assert evaluator.top is not None
    assert evaluator.top.x.tolist() == [0.3, 0.7]
    calls.clear()
    evaluator.begin_alone([x[1]])
    witnesses = [evaluator.recompute(point, 0.0) for point in x]
    assert sorted(calls[:2]) == sorted([x[0].tobytes(), x[1].tobytes()])
    assert calls[2:] == [x[2].tobytes()]
    assert [w.error for w in witnesses] == pytest.approx(np.abs(model(x) - truth(x))[:, 0])
    evaluator.begin_alone([x[1], x[2]])
    assert len(calls) == 3, "they are known"


def test_the_kernel_of_the_mean_serves_the_deviation(monkeypatch: pytest.MonkeyPatch) -> None:
    from supnorm.auditing import surrogate

    rng = np.random.default_rng(0)
    u = rng.random((20, 2))
    process = GaussianProcess.fit(u, truth(u))
    kernels = []
    matern = surrogate._matern

    def counted(r: Array) -> Array:
        kernels.append(len(r))
        return matern(r)

    monkeypatch.setattr(surrogate, "_matern", counted)
    first, second = rng.random((2, 7, 2))
    before = process.predict(first)
    deviation = process.deviation(first.copy())
    assert kernels == [7]
    first[0] = second[0]  # the caller's array is another one now
    process.predict(first)
    assert len(kernels) == 2
    again = GaussianProcess.fit(u, truth(u))
    first[0] = 0.5
    np.testing.assert_array_equal(process.predict(first), again.predict(first))
    np.testing.assert_array_equal(process.deviation(second), again.deviation(second))
    assert before.shape == (7, 1)
    assert deviation.shape == (7,)


@pytest.mark.slow
def test_a_resumed_run_uses_everything_that_had_come_back(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    calls = 0
    lock = threading.Lock()

    def dying(x: Array) -> Array:
        nonlocal calls
        with lock:
            calls += 1
            if calls > 35:
                raise KeyboardInterrupt
        return truth(x)

    store = EvaluationStore(tmp_path / "s.sqlite", "p")
    with pytest.raises(KeyboardInterrupt):
        searched(expensive(dying, pool, store), 50)
    store.close()
    store = EvaluationStore(tmp_path / "s.sqlite", "p")
    had = list(store.load("reference"))
    assert 30 <= len(had) <= 35
    calls = -1000
    evaluator = expensive(dying, pool, store)
    asked = searched(evaluator, 50)
    store.close()
    assert set(had) <= set(asked[: len(had) + 2])  # those of the two workers may not have been next
    assert asked == searched(expensive(truth, pool), 50)
    assert len(asked) == 50
    # one more: stored points are evaluated again before any is believed
    assert calls == -1000 + 50 - len(had) + 1


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 4])
def test_a_run_that_goes_on_with_other_workers_or_none_makes_the_same_decisions(
    tmp_path: Path, pool: ThreadPoolExecutor, workers: int
) -> None:
    """Points are chosen for the two workers of its beginning; what they compute, another one or none may compute."""
    whole = searched(expensive(truth, pool), 40)
    assert whole != searched(expensive(truth, None), 40)
    store = EvaluationStore(tmp_path / "s.sqlite", "p")
    searched(expensive(truth, pool, store), 30)
    with ThreadPoolExecutor(workers) as others:
        evaluator = expensive(truth, others if workers > 1 else None, store, workers)
        assert evaluator.asynchronous
        first = searched(evaluator, 30)
    assert first == searched(expensive(truth, pool), 30)
    store.close()
    declared = Evaluator(Problem(model, Function(truth), SQUARE))
    declare(declared, "expensive:1:one-by-one:2")
    declared.model.decide(1e-6)
    declared.reference.decide(0.2)
    assert searched(declared, 40) == whole  # as a repeated run without workers does


@pytest.mark.slow
def test_a_run_that_began_without_workers_goes_on_in_rounds(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    whole = searched(expensive(truth, None), 40)
    store = EvaluationStore(tmp_path / "s.sqlite", "p")
    searched(expensive(truth, None, store), 40)
    evaluator = expensive(truth, pool, store)
    assert not evaluator.asynchronous
    assert searched(evaluator, 40) == whole
    store.close()


@pytest.mark.parametrize(("waves", "modelled"), [(1.0, "reference_problem"), (20.0, "error_problem")])
def test_a_reference_that_cannot_be_modelled_is_not(
    waves: float, modelled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where leaving one call out shows that the process knows nothing, the error is modelled in place of the reference."""
    from supnorm.auditing import expensive

    used: set[str] = set()
    for name in ("reference_problem", "error_problem"):
        original = getattr(expensive, name)
        monkeypatch.setattr(
            expensive, name, lambda *a, name=name, original=original: (used.add(name), original(*a))[1]
        )

    def reference(x: Array) -> Array:
        return np.asarray(np.sin(3 * waves * x[:, 0]) * np.cos(2 * waves * x[:, 1]))

    def model(x: Array) -> Array:
        return np.asarray(reference(x) + 0.05 * np.exp(-((x - 0.6) ** 2).sum(axis=1) / 0.02))

    problem = Problem(model, reference, Domain(x=(0.0, 1.0), y=(0.0, 1.0)))
    report = audit(problem, evaluations=60, strategy=SurrogateSearch(inner=1500))
    assert modelled in used
    assert (waves == 1.0) or used == {"error_problem"}
    assert report.worst is not None
    assert report.worst.error > 0.04


@pytest.mark.slow
def test_a_relative_error_is_modelled_as_one() -> None:
    """A reference from 2 to 400 that no process of 80 calls can follow: 30 % off where it is small, 10 % elsewhere."""

    def reference(x: Array) -> Array:
        return np.asarray(np.exp(5 * x[:, 0]) * (2 + np.sin(25 * x[:, 0]) * np.cos(30 * x[:, 1])))

    def model(x: Array) -> Array:
        small, large = (
            size * np.exp(-((x - middle) ** 2).sum(axis=1) / width)
            for size, middle, width in ((0.3, (0.15, 0.6), 0.005), (0.1, (0.85, 0.3), 0.02))
        )
        return np.asarray(reference(x) * (1 + small + large))

    problem = Problem(model, reference, SQUARE, ErrorMeasure("relative", floor=0.0))
    for seed in (1, 2, 3):  # 22 of the first 24 seeds find it
        report = audit(problem, evaluations=80, seed=seed, strategy=LEAN)
        assert report.worst is not None
        assert report.worst.error > 0.29


@pytest.mark.parametrize(("side", "sign"), [("both", 0), ("over", 1), ("under", -1)])
def test_the_error_is_modelled_on_the_side_that_counts(side: str, sign: int) -> None:
    x = np.random.default_rng(0).random((60, 2))
    reference = 10 * np.exp(2 * x[:, :1])
    model = reference * (1 + 0.2 * np.sin(6 * x[:, :1]))
    measure = ErrorMeasure("relative", side=side, floor=0.0, mask=lambda x: x[:, 1] < 0.5)
    signed = signed_errors(measure, model, reference, x)
    np.testing.assert_allclose(
        np.maximum(signed, 0 if sign else -signed), measure.in_units(model, reference, x)
    )
    problem = Problem(lambda x: x[:, 0], lambda x: x[:, 0], SQUARE, measure)
    inner = error_problem(problem, GaussianProcess.fit(x, signed))
    error, _ = inner.error(inner.model(x), inner.reference(x), x)
    counts = x[:, 1] < 0.5
    assert (np.isnan(error) == ~counts).all()
    np.testing.assert_allclose(error[counts], measure(model, reference, x)[0][counts], atol=2e-3)


def test_points_of_an_infinite_error_are_no_part_of_a_process() -> None:
    """A relative error without a floor where the reference is zero: the search goes on, and says so."""

    def reference(x: Array) -> Array:
        return np.asarray(np.where(x[:, 0] < 0.2, 0.0, np.sin(40 * x[:, 0]) * np.cos(40 * x[:, 1])))

    problem = Problem(lambda x: reference(x) + 1e-3, reference, SQUARE, ErrorMeasure("relative", floor=0.0))
    report = audit(problem, evaluations=60, strategy=LEAN)
    assert report.worst is not None
    assert report.worst.error == np.inf


def test_failures_and_points_outside_are_kept_apart(pool: ThreadPoolExecutor) -> None:
    def failing(x: Array) -> Array:
        if x[0, 0] > 0.8:
            raise ValueError("no convergence")
        return truth(x)

    evaluator = expensive(failing, pool)
    flight = Flight(evaluator, "search")
    flight.send(np.array([[0.5, 0.5], [0.9, 0.5]]))
    assert flight.points.tolist() == [[0.5, 0.5], [0.9, 0.5]]
    status = {}
    for _ in range(2):
        done = flight.receive()
        status[float(done.x[0, 0])] = int(done.status[0])
    assert len(flight) == 0
    assert status[0.5] == 0
    assert status[0.9] != 0
    assert evaluator.failures.failed["reference"] == 1
    assert evaluator.spent("search") == 2


@pytest.mark.parametrize("seed", range(4))
def test_likelihood_and_length_scales_are_those_of_scikit_learn(seed: int) -> None:
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern

    rng = np.random.default_rng(seed)
    d, n, m = (int(rng.integers(*ends)) for ends in ((1, 5), (20, 60), (1, 4)))
    u, theta = rng.random((n, d)), rng.uniform(-1, 1, d + 1)
    z = np.stack([np.sin((3 + k) * u.sum(axis=1)) for k in range(m)], axis=1)
    z = (z - z.mean(axis=0)) / z.std(axis=0)
    kernel = ConstantKernel(1.0, (1e-2, 1e4)) * Matern(np.ones(d), (0.02, 50.0), nu=2.5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says where a scale is at its bound
        process = GaussianProcessRegressor(kernel, alpha=1e-8).fit(u, z)
    value, slope = process.log_marginal_likelihood(theta, eval_gradient=True)
    ours = negative_log_likelihood(theta, u, z)
    np.testing.assert_allclose(ours[0], -value, rtol=1e-9)
    np.testing.assert_allclose(ours[1], -slope, rtol=1e-8, atol=1e-8 * np.abs(slope).max())
    theirs = np.ones(d) * process.kernel_.k2.length_scale
    np.testing.assert_allclose(length_scales(u, z), theirs, rtol=1e-3)


def test_points_that_coincide_have_no_likely_scales() -> None:
    u = np.zeros((5, 2))
    assert length_scales(u, np.arange(5.0)[:, None]).shape == (2,)


@pytest.mark.parametrize("unit", [1e-200, 1e200, 1e300])
def test_the_unit_of_the_values_does_not_matter(unit: float) -> None:
    u = np.random.default_rng(0).random((40, 2))
    y = np.stack([np.sin(3 * u[:, 0]) * u[:, 1], u[:, 1]], axis=1)
    plain, scaled = GaussianProcess.fit(u, y), GaussianProcess.fit(u, y * unit)
    at, weights = np.random.default_rng(1).random((9, 2)), np.ones((9, 2))
    for ours, theirs in (
        (scaled.predict(at) / unit, plain.predict(at)),
        (scaled.leave_one_out() / unit, plain.leave_one_out()),
        (scaled.pull(at, weights) / unit, plain.pull(at, weights)),
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
def test_a_search_on_huge_values_is_that_on_plain_ones() -> None:
    """In a unit whose squares overflow the process saw no values at all, and its doubts were infinite."""

    def worst(unit: float) -> float:
        problem = Problem(
            lambda x: unit * (np.sin(3 * x[:, 0]) + x[:, 1] ** 3),
            lambda x: unit * (np.sin(3 * x[:, 0]) * (1 + 0.1 * x[:, 1]) + x[:, 1] ** 3),
            Domain(a=(0.0, 1.0), b=(0.0, 1.0)),
        )
        report = audit(problem, evaluations=60, strategy=SurrogateSearch(inner=2000), power=False)
        assert report.worst is not None
        return report.worst.error

    assert worst(1e200) == pytest.approx(1e200 * worst(1.0), rel=1e-3)
    assert worst(1.0) == pytest.approx(0.1, rel=1e-3)
