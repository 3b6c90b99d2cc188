"""Limits in time: a slow reference ends the search, what follows it, and what was not evaluated is never claimed."""

import itertools
import time
from types import SimpleNamespace

import numpy as np
import pytest

from supnorm.auditing import Power, ScreenAndAscent, audit, explore
from supnorm.auditing.landscape import Landscape
from supnorm.evaluation import Calls, EvaluationStore, Evaluator, PointStatus, limit
from supnorm.evaluation.limit import MOST, Limit, Pace
from supnorm.problem import Domain, Problem


def bump(x):
    return 0.2 * np.exp(-((x - 0.4) ** 2).sum(axis=1) / 0.01)


class Slow:
    """A reference of a fixed time a point that counts its points."""

    def __init__(self, seconds):
        self.seconds, self.points = seconds, 0

    def __call__(self, x):
        self.points += len(x)
        time.sleep(self.seconds * len(x))
        return np.zeros(len(x))


def test_a_pace_forgets_the_first_calls():
    pace = Pace(1.0)
    assert pace.each == 1.0
    pace.note(8, 4.0)  # compilation
    assert pace.each == 0.5
    for _ in range(20):
        pace.note(8, 8e-3)
    assert pace.each == pytest.approx(1e-3, rel=0.01)


def test_a_clock_affords_one_evaluation_until_its_end(monkeypatch):
    now = 7.0
    monkeypatch.setattr(limit, "time", SimpleNamespace(perf_counter=lambda: now))
    assert Limit(now + 100, pace=Pace(1e9)).affords == 1
    assert Limit(now - 1, pace=Pace(1e-9)).affords == 0
    assert 99 <= Limit(now + 1, pace=Pace(0.01)).affords <= 100


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_part_ends_with_the_whole(share):
    whole = Limit.of(10.0, clock=lambda: 7.0)
    part = whole.within(share)
    assert part.end <= whole.end
    assert part.left == pytest.approx(10.0 * share)
    assert part.pace is whole.pace
    assert whole.keeping(4.0).left == pytest.approx(6.0)
    assert Limit().within(share).endless


def test_a_part_has_its_share_of_the_evaluations() -> None:
    whole = Limit.of(100.0, 1000)
    assert [whole.within(share).evaluations for share in (0.0, 0.25, 1.0)] == [1, 250, 1000]
    assert whole.upto(7).evaluations == 7
    assert whole.upto(7).end == whole.end
    assert Limit().within(0.5).evaluations == MOST


def test_equal_parts_share_what_the_parts_before_have_left() -> None:
    now = [0.0]
    whole = Limit.of(12.0, 300, clock=lambda: now[0])
    seconds = []
    for part in whole.parts(3):
        assert part.evaluations == 100
        seconds.append(part.left)
        now[0] += part.left / 2  # the second half is left to the others
    assert seconds == pytest.approx([4.0, 5.0, 7.5])
    assert all(part.endless for part in Limit().parts(2))


def test_a_limit_reads_its_own_clock() -> None:
    now = [5.0]
    limit = Limit.of(2.0, clock=lambda: now[0])
    now[0] = 6.5
    assert (limit.left, limit.spent, limit.within(0.5).left) == (0.5, 1.5, 0.25)
    now[0] = 7.0
    assert limit.over


def test_seconds_are_no_share():
    with pytest.raises(ValueError, match="between 0 and 1, got 5"):
        Limit.of(10.0).within(5.0)


@pytest.mark.slow
def test_half_of_the_time_for_peaks_is_half(monkeypatch):
    """The sizes of peaks took fifty seconds where ten were left."""
    shares = []
    monkeypatch.setattr(Limit, "within", lambda limit, share: shares.append(share) or limit)
    problem = Problem(bump, lambda x: 0 * x[:, 0], Domain(a=(0.0, 1.0), b=(0.0, 1.0)))
    audit(problem, seconds=600.0, evaluations=20_000, power=None)  # the evaluations end it
    assert 0.5 in shares
    assert all(0 <= share <= 1 for share in shares)


def test_after_the_end_nothing_is_evaluated():
    slow = Slow(0.0)
    evaluator = Evaluator(Problem(bump, slow, Domain(a=(0.0, 1.0), b=(0.0, 1.0))))
    evaluator.probe(np.random.default_rng(0))
    before = slow.points
    landscape = Landscape(evaluator, Limit(time.perf_counter() - 1, 1000, Pace(1e-9)))
    done = landscape.look(np.full((5, 2), 0.4))
    assert slow.points == before
    assert (done.status == PointStatus.OUTSIDE).all()
    assert done.model.shape == (5, 1)
    assert (landscape.score(np.full((3, 2), 0.4)) == -np.inf).all()
    assert landscape.remaining == 0


@pytest.mark.slow
@pytest.mark.parametrize("d", [1, 2, 6])
@pytest.mark.parametrize("each", [1e-4, 4e-3])
def test_seconds_end_search_places_planted_errors_and_pictures(d, each):
    slow = Slow(each)
    problem = Problem(bump, slow, Domain(**{f"x{i}": (0.0, 1.0) for i in range(d)}))
    report = audit(problem, seconds=1.0, power=Power(runs=2))
    # 1 s of search and 0.8 s of what follows, and some calls of the probe and of places.
    assert slow.points * each < 2.2
    counts = report.document["evaluations"]
    assert counts["search"] > 20
    assert counts["statistics"] * each < 0.5
    assert report.worst.error == report.document["sup"]["lower"] > 0
    assert [c["axis"] for c in report.document["charts"]["cuts"]] == [f"x{i}" for i in range(d)][
        : len(report.document["charts"]["cuts"])
    ]


@pytest.mark.slow
def test_a_run_from_the_store_keeps_the_time_of_a_call(tmp_path):
    domain = Domain(a=(0.0, 1.0), b=(0.0, 1.0))
    slow = Slow(2e-3)
    for _ in range(2):
        store = EvaluationStore(tmp_path / "store.sqlite", "same")
        before = slow.points
        report = audit(
            Problem(bump, slow, domain), evaluations=100, calls=Calls(store=store), strategy=ScreenAndAscent()
        )
        store.close()
        assert report.document["seconds_per_point"]["reference"] > 1.5e-3
    assert slow.points - before < 20  # the reported places alone


@pytest.mark.parametrize("step", [0.0, -5.0])
def test_a_clock_that_stands_still_or_is_set_back_ends_no_search(monkeypatch, step):
    """A machine that was suspended, or a clock of coarse resolution: the budget of evaluations is spent all the same."""
    readings = itertools.count()
    clock = SimpleNamespace(perf_counter=lambda: 7.0 + step * next(readings))
    monkeypatch.setattr(explore, "time", clock)
    problem = Problem(bump, lambda x: 0.0 * x[:, 0], Domain(a=(0.0, 1.0), b=(0.0, 1.0)))
    report = audit(problem, evaluations=30_000, seconds=600.0, power=None)
    assert report.record.evaluations.search > 20_000
    assert report.worst.error == pytest.approx(0.2, rel=1e-3)
