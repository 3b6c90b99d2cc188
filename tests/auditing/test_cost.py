"""What a call costs: declared, or measured once and recorded; and how many evaluations an audit takes at most."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.clocks import Ticking
from tests.differences import differences

from supnorm.auditing import Power, audit, cost
from supnorm.auditing.cost import COSTS
from supnorm.auditing.expensive import SurrogateSearch
from supnorm.auditing.power import search_seconds
from supnorm.auditing.search import ScreenAndAscent
from supnorm.evaluation import Advanced, Calls, EvaluationStore, Planned, Stage, caller
from supnorm.evaluation.cost_word import repeat_word
from supnorm.evaluation.guarded import guarded
from supnorm.pages.page import page_text
from supnorm.problem import Axis, Domain, ErrorMeasure, Problem, as_function
from supnorm.results import BadInput

Array = NDArray[np.float64]
BOX = Domain(a=(0.0, 1.0), b=(0.0, 1.0))


def truth(x: Array) -> Array:
    return np.asarray(np.sin(9 * x[:, 0]) * x[:, 1])


def model(x: Array) -> Array:
    return np.asarray(0.5 * x[:, 1] * np.sin(8 * x[:, 0]))


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> Any:
    def begin(seconds: float) -> Problem:
        return Problem(model, Ticking(seconds, truth, monkeypatch).reference, BOX)

    return begin


def without_times(report: Any) -> dict[str, Any]:
    times = (
        "seconds",
        "model_seconds",
        "reference_seconds",
        "seconds_per_point",
        "finished",
        "cost",
        "planned",
        "notes",
    )
    return {k: v for k, v in report.to_dict().items() if k not in times}


@pytest.mark.slow
@pytest.mark.parametrize(("seconds", "expected"), [(0.9e-3, "cheap"), (1.1e-3, "expensive")])
def test_a_timing_near_the_threshold_is_told_and_can_be_decided_beforehand(
    ticking: Any, seconds: float, expected: str
) -> None:
    """One seed gave 0.4967 or 0.2780."""
    problem = ticking(seconds)
    measured = audit(problem, evaluations=50, seed=5)
    decided = measured.document["cost"]
    assert (decided["class"], decided["by"]) == (expected, "measured")
    assert decided["reference_ms"] == pytest.approx(1e3 * seconds)
    (note,) = measured.document["notes"]
    assert "the model" not in note
    assert f"the reference took {1e3 * seconds:.3g} ms a point, so it counts as {expected}" in note
    again = audit(ticking(2e-3 - seconds), evaluations=50, seed=5, calls=Calls(cost=expected))
    assert again.document["cost"]["by"] == "declared"
    assert not [*differences(without_times(again), without_times(measured))][:20]
    assert not again.document["notes"]
    other = audit(
        problem, evaluations=50, seed=5, calls=Calls(cost="cheap" if expected == "expensive" else "expensive")
    )
    assert other.document["regime"] != measured.document["regime"]


def of_the_batch(problem: Problem) -> Problem:
    """With values of the reference that depend on how many points were asked for."""

    def value(x: Array) -> Array:
        return problem.reference.value(x) * (1 + 1e-13 * len(x))

    return replace(problem, reference=as_function(value, "reference"))


@pytest.mark.parametrize("word", ["expensive-both", "expensive-both:4"])
@pytest.mark.parametrize(
    "domain", [BOX, Domain(a=Axis(values=np.linspace(0, 1, 30)), b=Axis(values=np.linspace(0, 1, 9)))]
)
def test_values_that_depend_on_the_batch_do_not_depend_on_the_clock(
    ticking: Any, word: str, domain: Domain
) -> None:
    """Calls of half a second had 16 rows or 64, as the machine was busy: another result of one seed."""
    slow, fast = (
        audit(
            replace(of_the_batch(ticking(s)), domain=domain), evaluations=300, seed=3, calls=Calls(cost=word)
        )
        for s in (0.2, 1e-5)
    )
    assert not [*differences(without_times(slow), without_times(fast))][:20]


@pytest.mark.slow
def test_the_word_of_a_measured_cost_repeats_it(ticking: Any) -> None:
    measured = audit(of_the_batch(ticking(3e-3)), evaluations=100, seed=3)
    decided = measured.document["cost"]
    assert (decided["class"], decided["rows"]) == ("expensive", 64)
    word = repeat_word(decided)
    assert word == "expensive:64"
    again = audit(of_the_batch(ticking(0.3)), evaluations=100, seed=3, calls=Calls(cost=word))
    assert not [*differences(without_times(again), without_times(measured))][:20]


@pytest.mark.slow
def test_a_resumed_run_takes_the_rows_of_a_call_over(ticking: Any, tmp_path: Path) -> None:
    first = audit(
        ticking(3e-3), evaluations=50, calls=Calls(store=EvaluationStore(tmp_path / "s.sqlite", "f"))
    )
    again = audit(
        ticking(0.3), evaluations=100, calls=Calls(store=EvaluationStore(tmp_path / "s.sqlite", "f"))
    )
    assert first.document["cost"]["rows"] == again.document["cost"]["rows"] == 64


@pytest.mark.parametrize(
    "word",
    [
        "cheap:4",
        "expensive:0",
        "expensive:",
        "expensive:-1",
        "expensive:1e3",
        "expensive:" + "9" * 5000,
        "expensive:\uff11",
    ],
)
def test_rows_that_no_call_has_are_refused(word: str) -> None:
    with pytest.raises(
        BadInput, match="cost: the rows of an expensive call are a whole number from 1 to 100,000"
    ) as caught:
        audit(Problem(model, truth, BOX), calls=Calls(cost=word))
    assert len(str(caught.value)) < 300


@pytest.mark.sampled(1)
@pytest.mark.parametrize("seconds", [1e-4, 0.02])
def test_a_timing_far_from_the_threshold_needs_no_word(ticking: Any, seconds: float) -> None:
    assert not audit(ticking(seconds), evaluations=100).document["notes"]


@pytest.mark.slow
@pytest.mark.parametrize("word", COSTS)
def test_each_word_decides_both_sides(word: str) -> None:
    report = audit(Problem(model, truth, BOX), evaluations=50, calls=Calls(cost=word))
    assert report.document["cost"]["class"] == word
    assert report.document["regime"] == ("D" if word == "expensive" else "C")


def test_another_word_is_refused() -> None:
    with pytest.raises(BadInput, match=r"cost must be one of cheap, expensive, .*, got 'dear'"):
        audit(Problem(model, truth, BOX), calls=Calls(cost="dear"))


@pytest.mark.slow
def test_a_resumed_run_takes_the_decision_over(ticking: Any, tmp_path: Path) -> None:
    store = EvaluationStore(tmp_path / "s.sqlite", "f")
    first = audit(ticking(1.1e-3), evaluations=100, seed=1, calls=Calls(store=store))
    again = audit(
        ticking(0.4e-3),
        evaluations=100,
        seed=1,
        calls=Calls(store=EvaluationStore(tmp_path / "s.sqlite", "f")),
    )
    assert not [*differences(without_times(again), without_times(first))][:20]
    assert again.document["cost"] == first.document["cost"]
    with pytest.raises(BadInput, match="the reference counted as expensive in the run that is resumed"):
        audit(
            ticking(0.4e-3),
            evaluations=100,
            calls=Calls(store=EvaluationStore(tmp_path / "s.sqlite", "f"), cost="cheap"),
        )


@pytest.mark.slow
def test_a_declared_cost_is_taken_over_too(ticking: Any, tmp_path: Path) -> None:
    audit(
        ticking(0.1e-3),
        evaluations=100,
        calls=Calls(cost="expensive", store=EvaluationStore(tmp_path / "s.sqlite", "f")),
    )
    again = audit(
        ticking(0.1e-3), evaluations=100, calls=Calls(store=EvaluationStore(tmp_path / "s.sqlite", "f"))
    )
    assert (again.document["cost"]["class"], again.document["cost"]["by"]) == ("expensive", "declared")


@pytest.mark.slow
def test_without_a_budget_expensive_calls_get_fewer(ticking: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """0.3 s a call came to eight hours, with "0 / 100,000" on the screen."""
    events: list[Any] = []
    monkeypatch.setattr(cost, "FEWER", ((1.0, 60),))  # 400, which takes a while
    report = audit(ticking(0.3), observer=events.append)
    assert report.document["budget"] == {"evaluations": 60, "seconds": None, "chosen": True}
    assert "A call took 0.3 s, so 60 evaluations were chosen" in report.document["notes"][0]
    (plan,) = [e for e in events if isinstance(e, Planned)]
    assert (
        "a call takes 0.3 s: 60 evaluations were chosen, about 18 s; --evaluations N changes that"
        in plan.words
    )
    assert "the search itself takes further time" in plan.words
    stages = [(e.name, e.number, e.of, e.evaluations) for e in events if isinstance(e, Stage)]
    planned = report.document["planned"]
    searched = planned["search"] + planned["statistics"]
    assert stages[0] == ("search", 1, 3, searched)
    assert [name for name, *_ in stages] == ["search", "sizes of peaks", "pictures"]
    done = [e.done for e in events if isinstance(e, Advanced)]
    assert done == sorted(done)
    assert len(done) > 60  # of each call, also in the middle of a batch
    assert done[0] <= 9
    assert plan.seconds == pytest.approx(0.3 * plan.evaluations)
    assert report.document["planned"]["total"] == plan.evaluations
    monkeypatch.setattr(cost, "CHEAP_EVALUATIONS", 300)
    assert audit(Problem(model, truth, BOX)).document["budget"]["evaluations"] == 300


def test_the_budgets_without_one() -> None:
    assert (cost.CHEAP_EVALUATIONS, cost.EXPENSIVE_EVALUATIONS) == (100_000, 400)


@pytest.mark.slow
def test_a_declared_cost_chooses_the_budget_without_a_clock(
    ticking: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same command gives the same budget, whatever the machine's load."""
    monkeypatch.setattr(cost, "EXPENSIVE_EVALUATIONS", 60)
    monkeypatch.setattr(cost, "FEWER", ((1.0, 50),))
    cases = (("expensive", True, 60), (0.3, True, 50), (5.0, True, 100), (None, False, 60))
    for word, by_cost, evaluations in cases:
        report = audit(ticking(9.0), calls=Calls(cost=word, budget_by_cost=by_cost))
        assert report.document["budget"] == {"evaluations": evaluations, "seconds": None}


@pytest.mark.slow
def test_a_resumed_run_takes_the_chosen_budget_over(
    ticking: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cost, "FEWER", ((1.0, 60), (4.0, 40)))
    first = audit(ticking(0.9), calls=Calls(store=EvaluationStore(tmp_path / "s.sqlite", "f")))
    again = audit(ticking(1.1), calls=Calls(store=EvaluationStore(tmp_path / "s.sqlite", "f")))
    assert first.document["budget"]["evaluations"] == 60
    assert again.document["budget"] == first.document["budget"]


CASES = list(itertools.product((1, 2, 5), (100, 400, 2500), (False, True)))


@pytest.mark.sampled(6)
@pytest.mark.parametrize(("d", "evaluations", "power"), CASES)
def test_no_audit_takes_more_than_was_said(d: int, evaluations: int, power: bool) -> None:
    w = np.random.default_rng(d).normal(size=d) * 6
    domain = Domain(**{f"x{i}": (0.0, 1.0) for i in range(d)})
    cases = (lambda x: np.sin(x @ w), lambda x: np.where(x[:, 0] > 0.8, np.nan, np.floor(3 * x.sum(axis=1))))
    for k, f in enumerate(cases):
        events: list[Any] = []
        problem = Problem(f, lambda x: 0 * x[:, 0], domain, recheck=lambda x: 0 * x[:, 0])
        planted = Power(runs=2) if power else None
        report = audit(problem, evaluations=evaluations, power=planted, seed=k, observer=events.append)
        planned, done = report.document["planned"], report.document["evaluations"]
        for purpose in ("search", "statistics", "pictures", "power", "recheck"):
            assert done[purpose] <= planned[purpose], purpose
        assert planned["total"] == sum(planned[p] for p in done if p != "failed")
        kinds = [type(e) for e in events]
        assert kinds.index(Planned) < next(i for i, e in enumerate(events) if isinstance(e, Advanced))
        assert all(e.done <= e.budget == planned["total"] for e in events if isinstance(e, Advanced))
        assert f"{planned['total']:,} evaluations" in next(e.words for e in events if isinstance(e, Planned))


def test_of_a_finite_domain_the_points_are_planned() -> None:
    domain = Domain(n=Axis(0, 0, values=(1, 2, 3)), k=Axis(0, 0, values=(1.0, 2.0)))
    report = audit(Problem(model, truth, domain), evaluations=1000)
    assert report.exhaustive
    assert report.document["planned"]["statistics"] == 0
    assert report.document["evaluations"]["search"] <= report.document["planned"]["search"] < 80


def test_only_seconds_and_tables_have_no_plan() -> None:
    assert audit(Problem(model, truth, BOX), seconds=0.2).document["planned"] is None
    measure = ErrorMeasure(tolerance=1.0)
    assert audit(Problem(model, truth, BOX, measure), evaluations=200).document["planned"] is not None


@pytest.mark.sampled(1)
@pytest.mark.parametrize("word", [None, *COSTS])
def test_no_clock_decides_after_the_probe_how_calls_are_made(
    word: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not of the models of the search, stand-ins and planted errors either: under load a call of them takes over 1 ms."""
    undecided = []
    note = caller.Caller._note

    def noted(self: caller.Caller, x: Array, y: Array, messages: Any, seconds: float, purpose: str) -> None:
        if self.decided is None and purpose != "probe":
            undecided.append((self.side, self.function.name, purpose))
        note(self, x, y, messages, seconds, purpose)

    monkeypatch.setattr(caller.Caller, "_note", noted)
    planted = Power(runs=1, heights=(1.5,), volumes=(0.01,), sheets=())
    audit(Problem(model, truth, BOX), evaluations=60, power=planted, calls=Calls(cost=word))
    assert not undecided


def on_workers(problem: Problem) -> Problem:
    return replace(problem, reference=replace(problem.reference, parallel="thread"))


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("sent", [True, False])
def test_how_workers_get_points_is_recorded_and_repeated(
    sent: bool, ticking: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A timing near 0.1 s decided which points a search on workers chose."""
    monkeypatch.setattr("supnorm.evaluation.sending.timed", timed := Timed())
    seconds, other = (0.11, 0.09) if sent else (0.09, 0.11)

    def run(each: float, word: str | None = None, store: EvaluationStore | None = None) -> Any:
        timed.seconds = each
        calls = Calls(cost=word, executor=pool, workers=2, store=store)
        return audit(on_workers(ticking(each)), evaluations=40, seed=5, power=False, calls=calls)

    with ThreadPoolExecutor(2) as pool:
        path = tmp_path / "s.sqlite"
        measured = run(seconds, store=EvaluationStore(path, "f"))
        decided = measured.document["cost"]
        assert decided["one_by_one"] is sent
        (note,) = measured.document["notes"]
        assert f"This audit did the {'first' if sent else 'second'}." in note
        word = repeat_word(decided)
        assert word.endswith(":one-by-one:2" if sent else ":in-rounds")
        again = run(other, word)
        assert not [*differences(without_times(again), without_times(measured))][:20]
        assert again.document["cost"]["one_by_one"] is sent
        assert not again.document["notes"]
        resumed = run(other, store=EvaluationStore(path, "f"))
        assert resumed.document["cost"]["one_by_one"] is sent


class Timed:
    """What the workers do, with a time that is part of the test."""

    seconds = 0.0

    def __call__(self, value: Any, x: Array, outputs: int | None) -> tuple[Array, Any, float]:
        y, messages = guarded(value, x, outputs)
        return y, messages, self.seconds * len(x)


@pytest.mark.parametrize(
    "word", ["expensive:4:", "expensive:4:alone", "expensive:4:one-by-one:0", "expensive:4:in-rounds:2"]
)
def test_another_way_to_send_points_is_refused(word: str) -> None:
    with pytest.raises(BadInput, match=r"one-by-one or in-rounds|after one-by-one comes the number"):
        audit(Problem(model, truth, BOX), calls=Calls(cost=word))


@pytest.mark.parametrize("seconds", [1e-5, 0.02])
def test_no_clock_decides_what_is_stored_of_a_second_reference(
    seconds: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = Problem(model, truth, BOX)
    second = Ticking(seconds, truth, monkeypatch).reference
    store = EvaluationStore(tmp_path / "s.sqlite", "f")
    report = audit(replace(problem, recheck=second), evaluations=300, power=False, calls=Calls(store=store))
    known = store.load("recheck")
    assert len(known) == 1 + len(report.peaks)


@pytest.mark.slow
def test_the_model_is_drawn_finely_where_calls_of_the_reference_are_few() -> None:
    """A plot of nine points showed a narrow bump of the model as a triangle."""

    def bumpy(x: Array) -> Array:
        return np.asarray(truth(x) + np.exp(-(((x[:, 0] - 0.3) / 0.01) ** 2)))

    calls = Calls(cost="expensive")
    report = audit(Problem(bumpy, truth, BOX), evaluations=80, calls=calls)
    for cut in report.record.charts.cuts:
        fine = cut.whole.fine
        assert fine is not None
        assert len(cut.whole.x) < 30 < 161 <= len(fine.x)
        assert set(cut.whole.x) <= set(fine.x)
        at = dict(zip(fine.x, fine.model, strict=True))
        assert [at[x] for x in cut.whole.x] == pytest.approx(cut.whole.model, rel=1e-12)
    page = page_text(report)
    assert 'class="rdot"' in page
    assert "the reference was called only there" in page
    cheap = audit(Problem(bumpy, truth, BOX), evaluations=300)
    assert all(cut.whole.fine is None for cut in cheap.record.charts.cuts)
    assert 'class="rdot"' not in page_text(cheap)


def test_searches_for_planted_errors_are_counted() -> None:
    """Bumps in either side and sheets in both, where the reference is modelled; bumps and sheets of the error elsewhere."""
    problem = Problem(model, truth, BOX)
    assert Power(runs=5).searches(problem, SurrogateSearch()) == 5 * (2 * 3 + 1)
    assert Power(runs=5).searches(problem, ScreenAndAscent()) == 5 * (3 + 1)
    assert search_seconds(Power(), BOX, ScreenAndAscent(), 100) == 0.0


@pytest.mark.slow
def test_a_search_is_timed_between_two_formulas() -> None:
    assert search_seconds(Power(evaluations=40), BOX, SurrogateSearch(), 100) > 0.0
