"""A finite domain: every point once, the worst of them for certain, exact statistics, and honest words."""

from __future__ import annotations

import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from supnorm import Enumeration, Estimate, EvaluationStore, ScreenAndAscent, audit
from supnorm.auditing import tally
from supnorm.auditing.landscape import Landscape
from supnorm.auditing.strategy import Search
from supnorm.evaluation import Calls, Evaluator
from supnorm.evaluation.limit import Limit
from supnorm.pages import summary
from supnorm.pages.page import page
from supnorm.problem import Axis, Domain, ErrorMeasure, Function, Law, Problem
from supnorm.results import BadInput, ExitCode

Array = NDArray[np.float64]
N, K = Axis(values=(1, 2, 4, 8)), Axis(values=(1, 2, 3))
TWELVE = Domain(n=N, k=K)
EVERY = np.array([[n, k] for n in (1.0, 2.0, 4.0, 8.0) for k in (1.0, 2.0, 3.0)])
SENTENCE = (
    "All 12 points of the domain were evaluated: the worst error is that of the point reported, as computed in "
    "floating point; no worse point exists."
)


def model(x: Array) -> Array:
    return np.asarray(1.03 * x[:, 0] + 0.1 * np.sin(7 * x[:, 1]))


def truth(x: Array) -> Array:
    return x[:, 0].copy()


def problem(domain: Domain = TWELVE, tolerance: float | None = None, **changes: Any) -> Problem:
    return replace(Problem(model, truth, domain, tolerance=tolerance), **changes)


ERRORS = np.abs(model(EVERY) - truth(EVERY))


class Counted:
    """A function that counts how often it was asked for each point, and takes ``seconds`` for it."""

    def __init__(self, value: Callable[[Array], Array], seconds: float = 0.0) -> None:
        self.value, self.seconds = value, seconds
        self.calls: Counter[bytes] = Counter()

    def __call__(self, x: Array) -> Array:
        self.calls.update(row.tobytes() for row in x)
        time.sleep(self.seconds * len(x))
        return self.value(x)


def test_each_point_is_evaluated_once_and_the_worst_is_the_worst_of_all() -> None:
    asked = Counted(truth)
    evaluator = Evaluator(problem(reference=asked))
    found = Enumeration().run(
        Landscape(evaluator, Limit(evaluations=100)), Search.empty(2), np.random.default_rng(0)
    )
    listed = found.listed
    assert listed is not None
    assert asked.calls == Counter(row.tobytes() for row in EVERY)
    assert evaluator.counts == {"search": 12}
    assert evaluator.worst == ERRORS.max()
    assert (listed.points, listed.evaluated, listed.exhaustive, listed.complete) == (12, 12, True, True)
    assert sorted(found.pool.score) == sorted(ERRORS)


def test_an_audit_of_few_points_evaluates_them_all() -> None:
    report = audit(problem(), power=True)
    assert report.exhaustive
    assert report.worst is not None
    assert report.worst.error == ERRORS.max()
    assert report.worst.x.tolist() == EVERY[ERRORS.argmax()].tolist()
    document = report.document
    assert document["regime"] == "enumeration"
    assert document["search"] == {
        "exhaustive": True,
        "complete": True,
        "points": 12,
        "evaluated": 12,
        "failed": {"model": 0, "reference": 0},
        "masked": 0,
        "partial": 0,
        "without_error": [],
        "text": SENTENCE,
    }
    assert document["evaluations"]["search"] == 12 + 8  # and the probe
    assert document["evaluations"]["statistics"] == document["evaluations"]["power"] == 0
    assert document["sup"]["upper"] is None  # it is no certificate
    assert document["unseen_peak_mass"] is None
    assert document["power"] == []
    assert document["power_left_out"].startswith("every point of the domain was evaluated")
    assert report.explain().endswith(SENTENCE)


def test_statistics_of_all_points_are_exact() -> None:
    report = audit(problem(tolerance=0.3), norms=(1.0, 2.0))
    assert report.rms == Estimate(report.rms.value, "exact", 12, "uniform")
    assert report.rms.value == pytest.approx(np.sqrt(np.mean(ERRORS**2)), rel=1e-14)
    assert report.norms["L1"] == pytest.approx(ERRORS.mean(), rel=1e-14)
    assert report.quantiles[0.5] == np.sort(ERRORS)[5]  # 6 of 12 are not larger
    assert report.quantiles[0.9] == np.sort(ERRORS)[10]
    share = report.document["exceedance"][0]
    above = int((ERRORS > 0.3).sum())
    assert above == 3
    assert (share["count"], share["n"], share["fraction_at_most"], share["confidence"]) == (3, 12, 0.25, 1.0)
    assert report.document["plain_sample"] == {"n": 12, "drawn": 12, "worst": ERRORS.max()}
    assert "12 points of the domain" in report.document["explanation"]
    assert "random" not in report.document["explanation"]


def test_constraints_leave_points_out() -> None:
    domain = Domain(lambda x: x[:, 0] * x[:, 1] <= 6, n=N, k=K)
    report = audit(problem(domain))
    inside = EVERY[:, 0] * EVERY[:, 1] <= 6
    assert report.document["search"]["points"] == inside.sum() == 7
    assert report.worst is not None
    assert report.worst.error == ERRORS[inside].max()
    assert report.rms.value == pytest.approx(np.sqrt(np.mean(ERRORS[inside] ** 2)), rel=1e-14)


@pytest.mark.parametrize(
    ("tolerance", "code", "exit_code", "words"),
    [
        (0.4, "within-tolerance", ExitCode.DONE, "No point of the domain has an error above the tolerance"),
        (0.3, "tolerance-exceeded", ExitCode.EXCEEDED, "above the tolerance. Retrain"),
        (None, "no-tolerance", ExitCode.DONE, "No tolerance was given"),
    ],
)
def test_the_verdict_is_a_statement_on_every_point(
    tolerance: float | None, code: str, exit_code: ExitCode, words: str
) -> None:
    status = audit(problem(tolerance=tolerance)).status
    assert (status.code, status.exit) == (code, exit_code)
    assert words in status.advice
    assert status.advice.endswith("Every point was evaluated: a longer search finds nothing else.")
    for doubt in ("not a proof", "lower bound", "was found"):
        assert doubt not in status.advice


@pytest.mark.slow
def test_points_without_a_value_are_named() -> None:
    def fails(x: Array) -> Array:
        if ((x[:, 0] == 1) & (x[:, 1] == 3)).any():
            raise ArithmeticError("no convergence")
        return model(x)

    def gaps(x: Array) -> Array:
        return np.where((x[:, 0] == 4) & (x[:, 1] == 2), np.nan, x[:, 0])

    ignored = ErrorMeasure(tolerance=1.0, failures="ignore")
    report = audit(problem(model=fails, reference=gaps, error=ignored))
    search = report.document["search"]
    assert search["exhaustive"]
    assert not search["complete"]
    assert search["failed"] == {"model": 1, "reference": 1}
    named = [tuple(p.values()) for p in search["without_error"]]
    assert sorted(named) == [(1.0, 3.0), (4.0, 2.0)]
    assert "no worse point exists" not in search["text"]
    assert "at 2 of them no error is known" in search["text"]
    assert "n = 1, k = 3" in search["text"]
    assert "n = 4, k = 2" in search["text"]
    assert "Of the 10 other points none has a worse error" in search["text"]
    assert "where an error is known" in report.status.advice
    assert "The model has no value at 1 of 12 points of the domain (8.3 %)" in report.status.advice
    assert report.rms.n == 10
    # What is evaluated once more for the pictures is no news.
    assert (report.document["failures"]["count"], report.document["failures"]["of"]) == (2, 12)
    assert [c["count"] for c in report.document["failures"]["causes"]] == [1, 1]
    text = page(report.record)
    assert "Within tolerance at all" not in text
    assert "No point where an error is known has one above your tolerance of 1." in text


def test_points_that_do_not_count_are_no_part_of_the_statement() -> None:
    error = ErrorMeasure(mask=lambda x: x[:, 0] < 8)
    report = audit(problem(error=error))
    assert report.document["search"]["masked"] == 3
    text = report.document["search"]["text"]
    assert "at 3 of them the error does not count, by the mask of the problem" in text
    assert "Of the 9 other points none" in text
    assert report.worst is not None
    assert report.worst.error == ERRORS[EVERY[:, 0] < 8].max()


def test_outputs_without_a_value_are_no_part_of_it_either() -> None:
    def two(x: Array) -> Array:
        return np.stack([x[:, 0], np.where(x[:, 1] == 3, np.nan, x[:, 1])], axis=1)

    report = audit(problem(model=lambda x: 1.01 * np.stack([x[:, 0], x[:, 1]], axis=1), reference=two))
    search = report.document["search"]
    assert (search["partial"], search["complete"]) == (4, False)
    assert "at 4 of them the reference has a value in some outputs only" in search["text"]
    assert "Of the 12 points none" in search["text"]


def test_nothing_has_a_value() -> None:
    report = audit(problem(reference=lambda x: np.full(len(x), np.nan)))
    assert (report.status.code, report.status.exit) == ("no-value", ExitCode.UNDECIDED)
    assert (
        "All 12 points of the domain were evaluated: at 12 of them no error is known"
        in (report.document["search"]["text"])
    )
    assert page(report.record)


def test_one_point() -> None:
    domain = Domain(n=Axis(values=(4,)), k=Axis(values=(2,)))
    report = audit(problem(domain))
    assert report.document["search"]["text"].startswith("The only point of the domain was evaluated:")
    assert "worst and average are the same" in report.explain()
    assert "the only point" in summary(report)


def test_a_law_of_ones_own_is_drawn_from_without_more_calls() -> None:
    weights = np.array([0.7, 0.1, 0.1, 0.1])

    def sampler(n: int, rng: np.random.Generator) -> Array:
        return np.stack(
            [rng.choice([1.0, 2.0, 4.0, 8.0], n, p=weights), rng.choice([1.0, 2.0, 3.0], n)], axis=1
        )

    law = Law.from_sampler(sampler, TWELVE, "mostly small")
    gaps = {(4.0, 2.0)}
    reference = lambda x: np.array([np.nan if tuple(r) in gaps else r[0] for r in x])  # noqa: E731
    report = audit(problem(law=law, reference=reference), evaluations=50_000)
    assert report.exhaustive
    assert report.document["evaluations"]["statistics"] == 0
    rms, drawn = report.document["rms"], report.document["plain_sample"]["drawn"]
    assert (rms["kind"], drawn, report.document["law"]) == ("sample", 10_000, "mostly small")
    assert drawn - rms["n"] == pytest.approx(10_000 / 30, abs=90)  # failed draws: 5 standard deviations
    mass = np.repeat(weights, 3) / 3
    known = ~((EVERY[:, 0] == 4) & (EVERY[:, 1] == 2))
    exact = np.sqrt(np.sum((mass * ERRORS**2)[known]) / mass[known].sum())
    assert rms["value"] == pytest.approx(exact, rel=0.03)
    said = [f["text"] for f in report.document["findings"] if f["code"] == "reference-failed"]
    assert f"at {drawn - rms['n']} of 10,000 random points" in said[0]


def test_draws_count_as_often_as_they_were_drawn() -> None:
    """The same sample, and the same moments, as if the drawn points had been evaluated."""
    rng = np.random.default_rng(3)
    points = np.array([[8.0, 2.0], [1.0, 1.0], [8.0, 2.0], [4.0, 3.0]])
    law = Law("four points", lambda n, _: np.tile(points, (n // 4, 1)))
    asked = problem(law=law)
    known = Search.empty(2, draws=8, norms=(1.0,))
    sample = Enumeration().run(Landscape(Evaluator(asked), Limit(evaluations=100)), known, rng).sample
    assert sample is not None
    expected = np.abs(model(points) - truth(points))
    assert sorted(sample.errors) == sorted(np.tile(expected, 2))
    assert sample.moments.norms()["L1"] == pytest.approx(expected.mean())
    assert sample.drawn == 8


def test_several_outputs_without_a_value_at_any_drawn_point() -> None:
    """It ended as a bug of supnorm after all points had been evaluated."""
    axes = Domain(k=Axis(values=(0.0, 1.0, 2.0)))
    law = Law("zero", lambda n, _: np.zeros((n, 1)))

    def reference(x: Array) -> Array:
        return np.where(x == 0.0, np.nan, np.hstack([x, 2 * x]))

    report = audit(Problem(lambda x: np.hstack([x, x]), reference, axes, law=law), evaluations=100)
    assert (report.record.sup.lower, report.record.plain_sample.n) == (2.0, 0)
    assert report.record.charts.profile is not None
    assert report.record.charts.profile.worst == (0.0, 2.0)
    assert np.isnan(
        [*report.record.charts.profile.rms, *(report.norms_over_outputs or {}).values()][:-1]
    ).all()
    assert page(report.record)


def test_very_many_points_are_no_exact_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "MOST", 11)
    report = audit(problem(), evaluations=1000)
    assert report.exhaustive
    assert (report.rms.kind, report.rms.n) == ("sample", 200)
    assert "RMS of 200 random points" in report.explain()


def test_only_where_the_budget_allows_every_point() -> None:
    domain = Domain(n=Axis(values=tuple(range(20))), k=Axis(values=tuple(range(10))))
    every = audit(problem(domain), evaluations=200)
    assert every.exhaustive
    assert not [n for n in every.document["notes"] if "200 points" in n]
    fewer = audit(problem(domain), evaluations=199)
    assert not fewer.exhaustive
    assert fewer.document["search"]["points"] == 200
    assert fewer.document["search"]["text"] == ""
    assert [n for n in fewer.document["notes"] if n.startswith("The domain has 200 points.")]
    assert "a worse point may exist" in page(fewer.record)


def test_a_continuous_input_is_searched_as_before() -> None:
    report = audit(problem(Domain(n=N, k=(1.0, 3.0))), evaluations=500)
    assert not report.exhaustive
    assert (report.document["search"]["points"], report.document["regime"]) == (None, "C")
    with pytest.raises(BadInput, match=r"all lists of values.*k=Axis\(low=1"):
        audit(problem(Domain(n=N, k=(1.0, 3.0))), strategy=Enumeration())


def test_a_strategy_of_ones_own_goes_before() -> None:
    report = audit(problem(), evaluations=500, strategy=ScreenAndAscent())
    assert not report.exhaustive
    assert report.document["rms"]["kind"] == "sample"


def test_seconds_that_suffice() -> None:
    report = audit(problem(), seconds=20.0)
    assert report.exhaustive
    assert not [note for note in report.document["notes"] if "may find another point" in note]
    assert report.rms.kind == "exact"


@pytest.mark.slow
def test_out_of_time_is_not_exhaustive_and_says_so() -> None:
    domain = Domain(n=Axis(values=tuple(range(1, 41))), k=Axis(values=tuple(range(50))))
    slow = Counted(truth, 0.003)
    short = problem(domain, reference=slow, tolerance=10.0)
    searched = audit(short, seconds=0.3)  # 2,000 points take 6 s: they are searched
    assert searched.document["regime"] != "enumeration"
    report = audit(short, seconds=0.3, strategy=Enumeration(), power=True)
    search = report.document["search"]
    assert not report.exhaustive
    assert 0 < search["evaluated"] < 2000
    assert search["text"].endswith(
        "of the 2,000 points of the domain were evaluated; a worse one may be among the others."
    )
    assert "that is not a proof" in report.status.advice
    assert f"{search['evaluated']:,} of the 2,000 points" in report.status.advice
    assert report.document["rms"]["kind"] == "sample"
    assert "nothing is known of the others" in report.document["power_left_out"]
    text = page(report.record)
    assert "not proven" in text
    assert "no worse point exists" not in text


def test_an_expensive_reference_is_not_called_again_for_pictures() -> None:
    slow = Counted(truth, 0.002)
    report = audit(problem(reference=slow), evaluations=1000)
    assert report.exhaustive
    # The probe has 8 points, in a batch and alone; each place is recomputed alone once or twice.
    assert sum(slow.calls.values()) <= 12 + 16 + 4 * len(report.peaks) + 4
    assert report.document["evaluations"]["pictures"] > 100


@pytest.mark.slow
def test_workers_and_resuming_give_the_same(tmp_path: Path) -> None:
    domain = Domain(n=Axis(values=tuple(range(1, 21))), k=Axis(values=tuple(range(4))))
    slow = Counted(truth, 0.002)
    asked = problem(domain, reference=Function(slow, parallel="thread"), tolerance=1.0)
    whole = audit(asked, evaluations=100)
    with ThreadPoolExecutor(2) as executor:
        spread = audit(asked, evaluations=100, calls=Calls(executor=executor, workers=2))

    class Interrupting(Counted):
        """Ctrl-C in the second batch."""

        def __call__(self, x: Array) -> Array:
            if len(self.calls) >= 16:  # fewer points are those of the probe, as many those of the first batch
                raise KeyboardInterrupt
            return super().__call__(x)

    store = EvaluationStore(tmp_path / "e.sqlite", "finite")
    first = Interrupting(truth, 0.002)
    stopped = audit(replace(asked, reference=first), evaluations=100, calls=Calls(store=store))
    assert stopped.status.code == "interrupted"
    assert not stopped.document["search"]["exhaustive"]
    assert 16 <= len(first.calls) < 40
    slow.calls.clear()
    resumed = audit(asked, evaluations=100, calls=Calls(store=store))
    store.close()
    for other in (spread, resumed):
        for key in ("sup", "witness", "search", "rms", "quantiles", "exceedance", "status", "failures"):
            assert other.to_dict()[key] == whole.to_dict()[key], key
    again = [row for row in first.calls if slow.calls[row]]
    assert len(again) <= 16 + 4  # the probe asks once more, and the worst points are recomputed


def test_the_page_and_the_terminal_do_not_doubt() -> None:
    report = audit(problem(tolerance=0.4), power=True)
    text = page(report.record).split('id="words"')[0]
    assert SENTENCE in text
    assert "Within tolerance at all 12 points, as computed" in text
    assert "Nothing: all 12 points of the domain were evaluated." in text
    assert "None: every point of the domain was evaluated." in text
    assert "no certificate" in text.lower()
    for doubt in (
        "may exist", "not proven", "longer search may", "random test", "random points</figcaption>", "95 %",
        "not excluded", "planted", 'id="progress"',
    ):  # fmt: skip
        assert doubt not in text, doubt
    lines = summary(report)
    assert "WITHIN TOLERANCE AT ALL 12 POINTS, AS COMPUTED" in lines
    assert "all 12 points evaluated" in lines
    assert "may exist" not in lines
    assert "random" not in lines


def test_the_page_of_zero_errors() -> None:
    report = audit(problem(model=truth))
    assert "agree exactly</b> at every point of the domain" in page(report.record)
    assert report.explain().startswith("Model and reference agree exactly at every point of the domain.")


@pytest.mark.slow
def test_memory_does_not_grow_with_the_points() -> None:
    axes: dict[str, Axis | tuple[float, ...]] = {f"a{i}": Axis(values=tuple(range(10))) for i in range(6)}
    domain = Domain.from_axes(axes)

    def spiked(x: Array) -> Array:
        return np.asarray(1.01 * x.sum(axis=1) + np.all(x == [3, 1, 9, 0, 7, 4], axis=1))

    evaluator = Evaluator(Problem(spiked, lambda x: x.sum(axis=1), domain))
    tracemalloc.start()
    search = Search.empty(6)
    listed = (
        Enumeration()
        .run(Landscape(evaluator, Limit(evaluations=10_000_000)), search, np.random.default_rng(0))
        .listed
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert listed is not None
    assert listed.exhaustive
    assert evaluator.counts == {"search": 1_000_000}
    assert evaluator.top is not None
    assert evaluator.top.x.tolist() == [3, 1, 9, 0, 7, 4]
    assert peak < 10e6  # all points alone would take 48 MB
