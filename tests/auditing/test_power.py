"""Planted errors: their shape and size, what is found, on which pair, and that the table tells the truth."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests import problems

from supnorm import audit
from supnorm.auditing import Power, SurrogateSearch, plants
from supnorm.auditing.landscape import Landscape
from supnorm.auditing.plants import Bump, PlantLens, Sheet, planted_problem
from supnorm.auditing.power import PlantingTask, modelled_run, placed, search
from supnorm.auditing.search import ScreenAndAscent
from supnorm.auditing.stand_in import stand_in
from supnorm.auditing.strategy import Search
from supnorm.evaluation import Evaluator
from supnorm.evaluation.limit import Limit
from supnorm.problem import Axis, Domain, ErrorMeasure, Function, Problem
from supnorm.problem.measure import KINDS
from supnorm.results import BadInput
from supnorm.wording import fact

Array = NDArray[np.float64]
SQUARE = Domain(a=(0.0, 1.0), b=(0.0, 1.0))


def wave(x: Array) -> Array:
    return np.asarray(np.sin(3 * x[:, 0]) * np.cos(2 * x[:, 1]))


def wrong(x: Array) -> Array:
    return np.asarray(wave(x) + 0.01 * np.sin(9 * x.sum(axis=1)))


def slow_wave(x: Array) -> Array:
    time.sleep(1.5e-3 * len(x))
    return wave(x)


# -- plants -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("d", "p"), [(1, 0.02), (2, 0.01), (3, 0.003)])
def test_a_bump_fills_its_volume_at_half_height(d: int, p: float) -> None:
    u = np.random.default_rng(d).random((400_000, d))
    value, slope = Bump(2.0, p, np.full(d, 0.5)).added(u)
    assert np.mean(value >= 1.0) == pytest.approx(p, rel=0.05)
    step = 1e-6 * np.eye(d)[0]
    ahead = Bump(2.0, p, np.full(d, 0.5)).added(u[:500] + step)[0]
    np.testing.assert_allclose((ahead - value[:500]) / 1e-6, slope[:500, 0], atol=0.05)


@pytest.mark.parametrize("side", ["model", "reference"])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "function"])
def test_a_planted_problem_has_the_planted_error(side: str, kind: str) -> None:
    domain = Domain(T=(275.0, 1070.0, "K"), p=Axis(1e4, 1e8, "Pa", scale="log"))
    options = {"relative": {"floor": 1e-6}, "scaled": {"scale": 4.0}, "ulp": {"precision": "float32"}}
    measure = ErrorMeasure(kind, **options.get(kind, {}))
    problem = Problem(lambda x: 1.001 * x[:, 0], Function(lambda x: x[:, :1]), domain, error=measure)
    plant = Bump({"relative": 0.05, "ulp": 1e5}.get(kind, 20.0), 1e-3).placed(
        domain, np.random.default_rng(0)
    )
    assert plant.centre is not None
    planted = planted_problem(problem, plant, side)
    u = np.random.default_rng(1).random((2000, 2))
    u[0] = plant.centre
    x = domain.from_unit(u)
    before = problem.error(problem.model(x), problem.reference(x), x)[0]
    after = planted.error(planted.model(x), planted.reference(x), x)[0]
    assert after[0] >= 0.97 * plant.height
    assert np.argmax(after) == 0
    away = plant.added(u)[0] == 0
    np.testing.assert_array_equal(after[away], before[away])


def test_a_planted_bump_has_its_gradient() -> None:
    model = problems.function_of(SQUARE, (problems.RandomNet.draw(2, 0),), True)
    problem = Problem(model, lambda x: 0 * x[:, 0], SQUARE)
    plant = Bump(3.0, 0.3, np.array([0.4, 0.6]))
    planted = planted_problem(problem, plant, "model").model
    assert planted.vjp is not None
    x = np.random.default_rng(2).random((20, 2))
    _, pull = planted.vjp(x)
    slope = pull(np.ones((20, 1)))
    for j, step in enumerate(1e-6 * np.eye(2)):
        rise = (planted.value(x + step) - planted.value(x - step))[:, 0] / 2e-6
        np.testing.assert_allclose(rise, slope[:, j], atol=1e-5)


def test_a_planted_sheet_is_wrong_between_its_planes_only() -> None:
    problem = Problem(wave, wave, SQUARE)
    plant = Sheet(5.0, 0.05).placed(SQUARE, np.random.default_rng(3))
    planted = planted_problem(problem, plant, "both")
    u = np.random.default_rng(4).random((5000, 2))
    model, reference = plant.sides(u)
    error = np.abs(planted.model(u) - planted.reference(u))[:, 0]
    np.testing.assert_allclose(error, np.where(model != reference, 5.0, 0.0), atol=1e-12)


def two_outputs() -> Problem:
    """Two outputs of very different sizes, each with its tolerance, with derivatives."""

    def vjp(x: Array) -> tuple[Array, Callable[[Array], Array]]:
        y = np.stack([x[:, 0] ** 2, 1e3 * x[:, 1]], axis=1)
        return y, lambda w: np.stack([2 * x[:, 0] * w[:, 0], 1e3 * w[:, 1]], axis=1)

    reference = Function(lambda x: vjp(x)[0], vjp=vjp)

    def off(x: Array) -> tuple[Array, Callable[[Array], Array]]:
        y, pull = vjp(x)
        return 1.001 * y, lambda w: 1.001 * pull(w)

    model = Function(lambda x: off(x)[0], vjp=off)
    return Problem(model, reference, SQUARE, error=ErrorMeasure(tolerance=(1e-3, 1.0)))


@pytest.mark.parametrize("output", [0, 1])
def test_a_plant_stands_in_any_output_in_multiples_of_its_tolerance(output: int) -> None:
    problem = two_outputs()
    plant = Bump(4.0, 0.05, np.array([0.4, 0.6]), output=output)
    x = np.concatenate([np.array([[0.4, 0.6]]), np.random.default_rng(2).random((200, 2))])
    evaluator = Evaluator(problem)
    planted = PlantLens(evaluator, plant)
    done, slope = planted.gradient(*evaluator.gradient(x, "power"))
    assert done.error[0] == pytest.approx(4.0, rel=0.3)
    assert done.error[0] >= 4.0
    assert done.output[0] == output
    np.testing.assert_array_equal(planted.values(evaluator.values(x, "power")).error, done.error)
    told = planted_problem(problem, plant, "model")
    assert told.error(told.model(x), told.reference(x), x)[0][0] == pytest.approx(done.error[0], rel=1e-9)
    # Where the plant and the error below it are in one output the slope is that of their sum.
    same = (done.output == output) & (problem.error(problem.model(x), problem.reference(x), x)[1] == output)
    for j, step in enumerate(1e-6 * np.eye(2)):
        batches = [evaluator.values(np.clip(x + s * step, 0, 1), "power") for s in (1, -1)]
        ends = [planted.values(batch).error for batch in batches]
        inside = same & np.all((x > 1e-5) & (x < 1 - 1e-5), axis=1)
        np.testing.assert_allclose(((ends[0] - ends[1]) / 2e-6)[inside], slope[inside, j], atol=1e-3)


def test_plants_go_into_all_outputs() -> None:
    rng = np.random.default_rng(0)
    assert {Bump(2.0, 1e-2).placed(SQUARE, rng, 3).output for _ in range(40)} == {0, 1, 2}
    assert {Sheet(2.0, 1e-2).placed(SQUARE, rng, 3).output for _ in range(40)} == {0, 1, 2}
    rows = audit(two_outputs(), evaluations=2000, power=Power(volumes=(0.05,), sheets=(), runs=3)).document[
        "power"
    ]
    assert rows[0]["found"] == 3


def halved(kind: str) -> Problem:
    """Half of the domain has no error that could grow."""

    def left(x: Array) -> Array:
        return np.asarray(x[:, 0] < 0.5)

    def reference(x: Array) -> Array:
        return np.asarray(np.where(left(x), np.nan, x[:, 1]) if kind == "no value" else x[:, 1])

    def model(x: Array) -> Array:
        away = np.where(left(x), 1.0, 0.0) if kind == "over" else 0.0
        return np.asarray(x[:, 1] + 1e-3 * (1 + np.cos(3 * x[:, 0])) - away)

    mask = (lambda x: ~left(x)) if kind == "mask" else None
    side = "over" if kind == "over" else "both"
    return Problem(model, reference, SQUARE, ErrorMeasure(side=side, mask=mask))


@pytest.mark.sampled(1)
@pytest.mark.parametrize("kind", ["mask", "no value", "over"])
def test_bumps_stand_where_the_error_counts(kind: str) -> None:
    """No search finds an error where none counts; half of the plants were such."""
    problem = halved(kind)
    base, rng = Evaluator(problem), np.random.default_rng(0)
    centres = [placed(base, Bump(2.0, 1e-2), rng, 1).plant.centre for _ in range(40)]
    assert all(c is not None and c[0] >= 0.5 for c in centres)
    power = Power(heights=(1000.0,), volumes=(0.05,), sheets=(), runs=20, evaluations=1000)
    rows = audit(problem, evaluations=2000, power=power).document["power"]
    assert rows[0]["found"] == 20


def test_only_the_place_that_is_taken_is_sized(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where constraints leave little of the box a size takes a tenth of a second, and 50 places may be tried."""
    sized = []
    monkeypatch.setattr(plants, "radius_of_share", lambda *_: sized.append(1) or 0.1)
    base, rng = Evaluator(halved("mask")), np.random.default_rng(0)
    taken = [placed(base, Bump(2.0, 1e-2), rng, 1) for _ in range(20)]
    assert all(p.can_show and p.plant.radius == 0.1 for p in taken)
    assert len(sized) == 20 < base.spent("power")


def test_a_plant_that_can_show_nowhere_ends() -> None:
    problem = Problem(lambda x: x[:, 0], lambda x: x[:, 0] + 1, SQUARE, ErrorMeasure(side="over"))
    assert not placed(Evaluator(problem), Bump(2.0, 1e-2), np.random.default_rng(0), 1).can_show


@pytest.mark.parametrize("strategy", [None, SurrogateSearch(inner=1000)])
def test_errors_that_can_show_nowhere_are_not_said_to_be_missed(strategy: Any) -> None:
    """The mask leaves one point, on which the worst error is known; the model has no value beside it."""

    def model(x: Array) -> Array:
        if (x[:, 0] > 1e-3).any():
            raise ValueError("out of range")
        return x[:, 1] + 1

    def mask(x: Array) -> Array:
        return np.asarray(x[:, 0] == 0)

    problem = Problem(model, lambda x: x[:, 1], SQUARE, ErrorMeasure(mask=mask))
    evaluator = Evaluator(problem)
    evaluator.values(np.zeros((1, 2)), "search")
    state = Search.empty(2)
    x = np.column_stack([np.linspace(0, 1e-3, 10), np.linspace(0, 1, 10)])
    state.scout = evaluator.values(x, "statistics")
    power = Power(volumes=(1e-2,), sheets=(1e-3,), runs=2, evaluations=30)
    done = power.measure(
        PlantingTask(
            evaluator=evaluator,
            rng=np.random.default_rng(0),
            strategy=strategy or ScreenAndAscent(),
            evaluations=30,
            search=state,
            worst_rows=np.empty((0, 6)),
        )
    )
    bumps = 4 if strategy else 2
    assert [row.shape for row in done.rows] == ["sheet"]
    assert done.left_out == (fact("plants-unseen", n=bumps),)


# -- the table --------------------------------------------------------------------------------------------


def test_rows_say_what_was_planted_and_searched() -> None:
    power = Power(heights=(1.5, 3.0), volumes=(0.05,), sheets=(1e-2,), runs=3, evaluations=400)
    report = audit(Problem(wrong, wave, SQUARE), evaluations=2000, power=power)
    rows = report.document["power"]
    assert [(r["shape"], r["volume"]) for r in rows] == [("bump", 0.05), ("sheet", 1e-2)] * 2
    assert {round(r["height"] / report.document["sup"]["lower"], 6) for r in rows} == {1.5, 3.0}
    assert all(r["runs"] == 3 and 0 <= r["found"] <= 3 for r in rows)
    assert all(300 <= r["evaluations"] <= 400 for r in rows)
    assert {r["searched"] for r in rows} == {"the audited pair"}
    assert rows[0]["found"] == 3  # a bump on a twentieth of the domain is not missed
    assert report.document["evaluations"]["power"] >= 12 * 300


def test_smaller_errors_are_found_less_often() -> None:
    power = Power(volumes=(3e-2, 1e-5), sheets=(), runs=10, evaluations=300)
    wide, narrow = audit(Problem(wrong, wave, SQUARE), evaluations=2000, power=power).document["power"]
    assert wide["found"] == 10
    assert narrow["found"] <= 5


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"heights": (1.0,)}, "above 1, got 1"),
        ({"volumes": (0.0,)}, "volumes are fractions of the domain"),
        ({"sheets": (0.7,)}, "sheets are fractions"),
        ({"runs": 0}, "runs must be a whole number from 1 to 10000, got 0"),
        ({"evaluations": 5}, "evaluations must be a whole number from 20 to"),
    ],
)
def test_impossible_plants_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        Power(**given)


# -- stand-ins --------------------------------------------------------------------------------------------


def expensive(model: Any, reference: Any) -> Evaluator:
    """An evaluator whose reference counts as expensive; no clock is asked."""
    evaluator = Evaluator(Problem(model, reference, SQUARE))
    evaluator.model.decide(1e-6)
    evaluator.reference.decide(1.0)
    return evaluator


def test_a_stand_in_is_close_to_the_pair_and_costs_no_call() -> None:
    calls = 0

    def counted(x: Array) -> Array:
        nonlocal calls
        calls += len(x)
        return wave(x)

    evaluator = expensive(wrong, counted)
    scout = evaluator.values(np.random.default_rng(0).random((80, 2)), "statistics")
    before = calls
    copy = stand_in(evaluator, scout, np.empty((0, 6)))
    assert copy is not None
    assert copy.fact == fact("stand-in", sides="reference", n=80)
    assert copy.problem.model is evaluator.problem.model
    x = np.random.default_rng(1).random((500, 2))
    assert np.abs(copy.problem.reference(x)[:, 0] - wave(x)).max() < 1e-2
    assert calls == before


@pytest.mark.slow
def test_an_expensive_reference_is_not_called_for_power() -> None:
    evaluator = expensive(wrong, wave)
    state = Search.empty(2)
    state.scout = evaluator.values(np.random.default_rng(0).random((100, 2)), "statistics")
    before = evaluator.reference.called
    power = Power(volumes=(0.05,), sheets=(), runs=2)
    asked: dict[str, Any] = {"evaluator": evaluator, "search": state, "worst_rows": np.empty((0, 6))}
    direct, modelled = (
        power.measure(
            PlantingTask(rng=np.random.default_rng(1), strategy=strategy, evaluations=most, **asked)
        ).rows
        for strategy, most in ((ScreenAndAscent(), 3000), (SurrogateSearch(), 60))
    )
    assert evaluator.reference.called == before
    assert evaluator.spent("power") == 0
    assert [r.side for r in direct] == ["error"]
    assert [r.side for r in modelled] == ["model", "reference"]
    assert all("stand-in" in r.searched for r in direct + modelled)
    assert all(r.evaluations <= 60 for r in modelled)


# -- calibration ------------------------------------------------------------------------------------------


def detection_rate(problem: Problem, plant: Bump, evaluations: int, runs: int, seed: int) -> float:
    """How often the search finds a fresh bump that really is part of the model: nothing planted by `Power`."""
    found = 0
    for i in range(runs):
        rng = np.random.default_rng([seed, i])
        placed = plant.placed(problem.domain, rng)
        evaluator = Evaluator(planted_problem(problem, placed, "model"))
        search(Landscape(evaluator, Limit(evaluations=evaluations)), ScreenAndAscent(), rng)
        assert evaluator.top is not None
        there = placed.added(problem.domain.to_unit(evaluator.top.x[None]))[0][0] > 0
        found += evaluator.worst >= 0.95 * plant.height and bool(there)
    return found / runs


@pytest.mark.slow
def test_the_table_is_the_true_detection_rate_within_twelve_points() -> None:
    d, each = 4, 400
    domain = Domain(**{f"x{i}": (0.0, 1.0) for i in range(d)})
    problem = Problem(wrong, wave, domain)
    volumes = (3e-2, 3e-3, 3e-4)
    power = Power(volumes=volumes, sheets=(), runs=300, evaluations=each)
    report = audit(problem, evaluations=3000, seed=12, power=power)
    rates = []
    for row in report.document["power"]:
        truth = detection_rate(problem, Bump(row["height"], row["volume"]), each, 300, 77)
        rates.append(truth)
        # 300 runs against 300: the difference alone has a standard error of up to 4.1 points.
        assert abs(row["found"] / row["runs"] - truth) <= 0.12, (row, truth)
    assert max(rates) > 0.8
    assert min(rates) < 0.7  # the cells are not all trivial


@pytest.mark.slow
def test_a_stand_in_tells_nearly_the_rate_of_the_pair() -> None:
    """Regime D, 100 calls, a bump of the model: 40 runs on the copy against 40 on the pair itself."""
    evaluator = expensive(wrong, wave)
    scout = evaluator.values(np.random.default_rng(0).random((100, 2)), "statistics")
    copy = stand_in(evaluator, scout, np.empty((0, 6)))
    assert copy is not None
    strategy = SurrogateSearch(inner=1000, batch=16)
    rate = []
    for problem in (copy.problem, evaluator.problem):
        found = 0
        for i in range(40):
            rng = np.random.default_rng([5, i])
            plant = Bump(0.012, 1e-3).placed(SQUARE, rng)
            found += modelled_run(problem, plant, "model", strategy, Limit(evaluations=100), rng)[0]
        rate.append(found / 40)
    assert abs(rate[0] - rate[1]) <= 0.15, rate
    assert math.isfinite(rate[0])


def test_a_worst_error_that_cannot_be_multiplied_is_said() -> None:
    problem = Problem(lambda x: np.full(len(x), 1.7e308), lambda x: 0.0 * x[:, 0], SQUARE)
    report = audit(problem, evaluations=100, power=Power(runs=1))
    assert report.document["power"] == []
    assert "too large to be multiplied" in report.document["power_left_out"]
