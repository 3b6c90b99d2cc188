"""A guard: what it answers row by row, what it promises, and that it knows its model."""

from __future__ import annotations

import math
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.guard.models import bump_guard
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.mending.cases import LINE, line, line_guard, line_problem, peak, square, square_problem

import supnorm as sn
from supnorm.evaluation.caller import Caller
from supnorm.guarding import Flag, judging
from supnorm.guarding.cells import ProvedCells
from supnorm.guarding.events import GuardPlanned
from supnorm.guarding.judging import PICTURED
from supnorm.guarding.layers import cuts_for, ranks
from supnorm.guarding.make import _status
from supnorm.guarding.patient import Patient
from supnorm.guarding.promise import fixed_sequence, share_above, share_above_largest
from supnorm.results import BadInput
from supnorm.results.guarding import CurveRecord, GuardRecord

pytestmark = pytest.mark.xdist_group("line guard")  # which is made once

GRID = np.linspace(-1.0, 1.0, 4001)[:, None]


@pytest.fixture(scope="module")
def safe() -> sn.Guard:
    """A guard of the network that has not seen the peak, which fills a tenth of its domain."""
    return line_guard()


def test_the_glitch_is_rejected_and_answered_by_the_reference(safe: sn.Guard) -> None:
    answer = safe(GRID)
    error = np.abs(line()[0].value(GRID)[:, 0] - peak(GRID))
    accepted = answer.flag == Flag.ACCEPTED
    assert error.max() > 0.9
    assert error[accepted].max() <= 1.05 * safe.record.worst_accepted < 0.02
    assert np.array_equal(answer.y[accepted], line()[0].value(GRID)[accepted])
    assert np.array_equal(answer.y[~accepted][:, 0], peak(GRID[~accepted]))
    assert 0.15 < 1.0 - accepted.mean() < 0.3
    assert safe.record.status.code == "guarded"
    assert {r.partition(":")[0] for r in answer.reason} <= {"", "glitch", "learned", "second"}


def test_the_error_among_accepted_inputs_is_searched_with_a_seed_that_the_guard_has_not_used(
    safe: sn.Guard,
) -> None:
    record = safe.record
    assert record.accepted.seed == 1_000_003
    assert record.worst_accepted >= record.accepted.sup.lower
    assert record.worst_unguarded == pytest.approx(1.0, abs=0.01)


@pytest.mark.slow
def test_the_curve_knows_the_worst_accepted_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search among accepted inputs counts in it; the search from which the guard learned had not seen these points."""
    learned, joined, curve, alone, given = [], judging._searched, judging._curve, [], []

    def searched(found: Any, among: Any) -> Any:
        learned.append(found)
        return joined(found, among)

    def curves(*all_points: Any) -> Any:
        given.extend(all_points)
        alone.extend(curve(*all_points[:-1], learned[0]))
        return curve(*all_points)

    monkeypatch.setattr(judging, "_searched", searched)
    monkeypatch.setattr(judging, "_curve", curves)
    record = bump_guard.__wrapped__().record
    guard, x, y, _, found = given
    assert found.error.max() >= record.worst_accepted
    assert record.accepted.sup.lower in found.error
    # A row accepts the share of fresh points that rank lowest in the layer that ranks them highest, and with them what the
    # searches found there: the largest of these errors.
    names = guard.cuts.sharing
    layers = [layer for layer in guard.cuts.layers if names is None or layer.name in names]
    fresh = [np.sort(layer.score(x, y)) for layer in layers]
    value = guard.model.value(found.x)
    top, tops = (
        np.max(
            [
                np.searchsorted(f, layer.score(*points), "right")
                for f, layer in zip(fresh, layers, strict=True)
            ],
            0,
        )
        for points in ((found.x, value), (x, y))
    )
    for row in record.curve:
        accepted = np.searchsorted(np.sort(tops), top) / len(x) <= 1.0 - row.rejected
        assert row.searched == found.error[accepted].max(initial=0.0)
    both = [*zip(record.curve, alone, strict=True)]
    assert all(row.searched >= without.searched for row, without in both)
    assert any(row.searched > without.searched for row, without in both), "the search counts in no row"


def test_bad_rows_are_flagged_and_leave_the_others_untouched(safe: sn.Guard) -> None:
    x = np.array([[0.0], [np.nan], [np.inf], [7.0], [-0.5]])
    answer = safe(x)
    assert answer.flag.tolist() == [0, 2, 2, 1, 0]  # outside of the domain the reference answers
    assert np.array_equal(answer.y[[0, 4]], line()[0].value(x[[0, 4]]))
    assert answer.reason == ["", "not finite", "not finite", "outside", ""]
    assert np.isnan(answer.y[[1, 2]]).all()
    assert np.isnan(answer.estimate[[1, 2, 3]]).all()
    assert safe(x, fallback=False).flag.tolist() == [0, 2, 2, 2, 0]


@settings(max_examples=100, deadline=None)
@given(arrays(np.float64, st.integers(1, 20).map(lambda n: (n, 1)), elements=st.floats(width=64)))
def test_any_numbers_get_an_answer_and_never_the_bare_model_where_flagged(safe: sn.Guard, x: Any) -> None:
    answer = safe(x, fallback=False)
    inside = np.isfinite(x[:, 0]) & (np.abs(x[:, 0]) <= 1.0)
    accepted = answer.flag == Flag.ACCEPTED
    assert not (accepted & ~inside).any()
    assert np.array_equal(np.isnan(answer.y[:, 0]), ~accepted)


@pytest.mark.parametrize(
    "x", [np.zeros((3, 2)), "text", np.zeros((2, 2, 1)), [["a"]], np.zeros((1, 1), dtype=complex) + 1j]
)
def test_other_shapes_and_types_are_refused(safe: sn.Guard, x: Any) -> None:
    with pytest.raises((BadInput, np.exceptions.ComplexWarning)):
        safe(x)


def test_a_reference_that_fails_refuses_and_never_answers_by_the_model(safe: sn.Guard) -> None:
    def broken(x: Any) -> Any:
        raise RuntimeError("down")

    answer = safe.with_reference(sn.Function(broken))(np.array([[0.5], [0.0]]))
    assert answer.flag.tolist() == [Flag.REFUSED, Flag.ACCEPTED]
    assert np.isnan(answer.y[0, 0])


def test_a_reference_that_takes_too_long_refuses(safe: sn.Guard) -> None:
    go = threading.Event()

    def slow(x: Any) -> Any:
        go.wait(60)
        return peak(x)[:, None]

    hurried = replace(safe.with_reference(sn.Function(slow)), patience=0.05)
    assert hurried(np.array([[0.5]])).flag.tolist() == [Flag.REFUSED]
    go.set()


def test_a_model_that_raises_or_gives_nan_is_flagged_row_by_row(safe: sn.Guard) -> None:
    def moody(x: Any) -> Any:
        if (np.abs(x) < 0.01).any():
            raise ValueError("no")
        return np.where(x > 0.9, np.nan, line()[0].value(x))

    answer = replace(safe, model=sn.Function(moody))(np.array([[0.0], [-0.5], [0.95]]), fallback=False)
    assert answer.flag.tolist() == [2, 0, 2]
    assert answer.reason[0] == answer.reason[2] == "no value"


def test_predict_and_predict_or_refuse_have_the_shape_of_the_model(safe: sn.Guard) -> None:
    x = np.array([[0.5], [0.0]])
    assert safe.predict(x).shape == (2,)
    assert safe.predict(x)[0] == peak(x)[0]
    assert np.isnan(safe.predict_or_refuse(x)).tolist() == [True, False]


def test_a_guard_is_read_again_for_its_model_and_refused_for_another(safe: sn.Guard, tmp_path: Path) -> None:
    safe.save(tmp_path / "model.guard")
    again = sn.load_guard(tmp_path / "model.guard", line()[0].as_function(), peak)
    one, two = safe(GRID), again(GRID)
    assert np.array_equal(one.y, two.y)
    assert one.reason == two.reason
    assert np.array_equal(one.estimate, two.estimate, equal_nan=True)
    assert again.record == safe.record
    with pytest.raises(BadInput, match="the guard is one of another model: at"):
        sn.load_guard(tmp_path / "model.guard", lambda x: x[:, 0])
    (tmp_path / "broken.guard").write_bytes((tmp_path / "model.guard").read_bytes()[:-200])
    with pytest.raises(BadInput, match=r"broken\.guard"):
        sn.load_guard(tmp_path / "broken.guard", line()[0].as_function())
    with pytest.raises(BadInput, match=r"ends in \.guard"):
        safe.save(tmp_path / "model.zip")


def test_infinite_cuts_and_estimates_are_saved(safe: sn.Guard, tmp_path: Path) -> None:
    cuts = replace(safe.cuts, cuts=(math.inf,) * len(safe.cuts.cuts))
    replace(safe, cuts=cuts, factor=math.inf).save(tmp_path / "model.guard")
    again = sn.load_guard(tmp_path / "model.guard", safe.model)
    assert (again.factor, again.cuts.cuts) == (math.inf, cuts.cuts)


@pytest.mark.slow
def test_a_model_and_a_reference_that_raise_at_some_points() -> None:
    def above(limit: float, x: Any) -> Any:
        if (x > limit).any():
            raise GeneratorExit
        return x[:, 0]

    problem = sn.Problem(lambda x: above(0.995, x), lambda x: above(0.998, x), LINE, tolerance=0.1)
    calls = sn.Calls(
        cost="cheap"
    )  # a busy machine made it an expensive one: a search of another kind, ten times as long
    found = sn.guard(problem, evaluations=500, calibration=100, calls=calls)
    assert found.record.worst_unguarded == math.inf
    assert found.record.worst_accepted == 0.0
    again = sn.repair(problem, evaluations=500, calls=calls)
    assert again.worst_before == math.inf


@pytest.mark.slow
def test_with_the_training_data_a_hole_that_no_search_has_seen_is_rejected() -> None:
    """The audit and the search that the guard learns from see a flat error; only the data tell of the hole."""
    _, x, y = line()
    smooth = sn.Problem(
        lambda z: np.sin(2.0 * z[:, 0]) + 1e-3 * np.cos(z[:, 0]), lambda z: np.sin(2.0 * z[:, 0]), LINE
    )
    without = sn.guard(smooth, reject=0.3, evaluations=1000, calibration=500)
    with_data = sn.guard(smooth, reject=0.3, data=(x, y), evaluations=1000, calibration=500)
    assert {layer.name for layer in with_data.record.layers} >= {"distance", "disagree"}
    hole = np.linspace(0.4, 0.6, 101)[:, None]
    assert (~with_data.accepts(hole)).mean() > 0.9
    assert (~without.accepts(hole)).mean() < 0.9


@pytest.mark.slow
def test_a_guard_that_accepts_what_is_as_bad_is_called_not_effective() -> None:
    """An error that depends on nothing that can be learned: the last digits of the input."""

    def ragged(x: Any) -> Any:
        return np.modf(np.abs(x[:, 0]) * 1e7)[0]

    found = sn.guard(sn.Problem(ragged, lambda x: np.zeros(len(x)), LINE), evaluations=1000, calibration=500)
    assert found.record.status.code == "guard-not-effective"
    assert found.record.status.exit == 1


@pytest.mark.slow
def test_the_same_seed_gives_the_same_guard() -> None:
    one, two = (sn.guard(line_problem(), reject=0.2, evaluations=1000, calibration=300) for _ in range(2))
    records = []
    for record in (one.record, two.record):
        assert record.cost is not None
        cost = record.cost.changed(
            model_ms=0.0, reference_ms=0.0
        )  # what follows from these times is the same
        records.append(record.changed(cost=cost, seconds=0.0, microseconds=0.0))
    assert records[0] == records[1]


@pytest.mark.parametrize(
    ("oracle", "said"),
    [(0.8, "best possible guard which rejects 10 %"), (0.1, "nothing that the guard looks")],
)
def test_a_guard_that_is_not_effective_says_whether_another_could_be(
    safe: sn.Guard, oracle: float, said: str
) -> None:
    rows = (CurveRecord(rejected=0.1, fresh=0.9, searched=0.9, oracle=oracle),)
    record = safe.record.changed(
        tolerance=None, rejected=0.07, worst_unguarded=1.0, worst_accepted=0.9, curve=rows
    )
    status = _status(record)
    assert status.code == "guard-not-effective"
    assert said in status.advice


def test_cells_cannot_be_proved_without_a_tolerance_or_for_a_bound_that_is_conditional() -> None:
    report = sn.audit(line_problem(), evaluations=1000)
    with pytest.raises(BadInput, match="proved cells need a tolerance"):
        sn.guard(line_problem(), report, prove=True, evaluations=500)
    declared = sn.with_bound(lambda x: np.array([math.sin(2.0 * v) for v in x[:, 0]]), 30.0)
    problem = sn.Problem(line()[0].as_function(), declared, LINE, tolerance=0.5)
    with pytest.raises(BadInput, match="a bound is declared and not proved"):
        sn.guard(problem, sn.audit(problem, evaluations=1000), prove=True, evaluations=500)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"reject": 0.0}, "reject must lie between 0 and 1"),
        ({"confidence": 1.0}, "confidence must lie"),
        ({"calibration": 5}, "calibration"),
        ({"evaluations": 10}, "evaluations"),
    ],
)
def test_bad_arguments_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        sn.guard(line_problem(), **options)


@pytest.mark.slow
@pytest.mark.slow
def test_a_certificate_accepts_the_cells_that_it_proves(tmp_path: Path) -> None:
    import jax.numpy as jnp

    def reference(x: Any) -> Any:
        return jnp.sin(x.sum(axis=1)) + jnp.exp(-((x - jnp.array([0.3, -0.2])) ** 2).sum(axis=1) / 0.01)

    problem = sn.Problem(
        square().as_function(), sn.from_jax(reference), square_problem().domain, tolerance=0.05
    )
    report = sn.audit(problem, evaluations=3000)
    safe = sn.guard(problem, report, prove=True, reject=0.05, evaluations=2000, calibration=500)
    assert safe.record.proved_cells > 100
    assert safe.record.proved_share > 0.9
    x = np.random.default_rng(0).uniform(-1.0, 1.0, (20_000, 2))
    proven = np.array([r == "proven" for r in safe(x).reason])
    error = np.abs(problem.model.value(x) - problem.reference.value(x))[:, 0]
    assert proven.mean() == pytest.approx(safe.record.proved_share, abs=0.02)
    assert error[proven].max() <= 0.05
    assert safe.certificate is not None
    inside = np.abs(x - [0.3, -0.2]).max(axis=1) < 0.05
    assert not proven[inside].any()
    safe.save(tmp_path / "a.guard")
    again = sn.load_guard(tmp_path / "a.guard", problem.model)
    assert again(x, fallback=False).reason == safe(x, fallback=False).reason


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 3))
def test_cells_of_halvings_are_found_by_the_tree(seed: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    boxes = [(np.zeros(d), np.ones(d))]
    for _ in range(int(rng.integers(1, 60))):
        low, high = boxes.pop(int(rng.integers(len(boxes))))
        k = int(rng.integers(d))
        middle = 0.5 * (low[k] + high[k])
        ends, starts = high.copy(), low.copy()
        ends[k] = starts[k] = middle
        boxes += [(low, ends), (starts, high)]
    taken = [box for box in boxes if rng.random() < 0.6]
    low, high = (np.array([b[i] for b in taken]).reshape(-1, d) for i in (0, 1))
    cells = ProvedCells(low, high)
    u = rng.random((300, d))
    truth = np.array([((p >= low) & (p <= high)).all(axis=1).any() if len(low) else False for p in u])
    assert np.array_equal(cells.contain(u), truth)


def test_on_a_border_beside_a_cell_that_is_not_proved_nothing_is_proven() -> None:
    cells = ProvedCells(np.array([[0.0, 0.0]]), np.array([[0.5, 1.0]]))
    u = np.array([[0.5, 0.5], [np.nextafter(0.5, 0.0), 0.5], [0.5 - 1e-6, 0.5], [0.0, 1.0]])
    assert cells.contain(u).tolist() == [False, False, True, True]


def test_promises_hold_in_95_of_100_simulated_calibrations() -> None:
    """1,000 calibrations each: the limit of the share above a level, and above the largest of the points."""
    rng = np.random.default_rng(0)
    true = 2e-3
    wrong_level = wrong_largest = 0
    for _ in range(1000):
        errors = rng.random(3000)
        wrong_level += share_above(errors, 1.0 - true, 0.95)[1] < true
        wrong_largest += share_above_largest(len(errors), 0.95) < 1.0 - errors.max()
    assert wrong_level <= 72  # 50 expected at most; 72 has a chance below 0.002
    assert wrong_largest <= 72


def test_fixed_sequence_is_wrong_in_at_most_5_of_100_simulated_calibrations() -> None:
    """Errors above the level get rarer with the rank; the true risk of each share is known."""
    rng = np.random.default_rng(1)
    shares, risk, level = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01), 5e-3, 0.5

    def chance(rank: Any) -> Any:
        return 0.2 * rank**20

    grid = np.linspace(0.0, 1.0, 100_001)
    true = {share: float(chance(grid[grid <= 1.0 - share]).mean()) for share in shares}
    wrong = chosen = 0
    for _ in range(1000):
        rank = rng.random(3000)
        errors = np.where(rng.random(3000) < chance(rank), 1.0, 0.0)
        share = fixed_sequence(errors, rank, shares, level, risk, 0.95)
        chosen += share is not None
        wrong += share is not None and true[share] > risk
    assert chosen > 500
    assert wrong <= 72


def test_a_density_k_times_as_high_has_at_most_k_times_the_risk() -> None:
    """Of the accepted inputs, as the page says: with the densities of all inputs it would be false."""
    rng, broken = np.random.default_rng(4), 0
    for _ in range(1000):
        law, other = rng.dirichlet(np.ones(12)), rng.dirichlet(np.ones(12))
        accepted, above = rng.random(12) < 0.7, rng.random(12) < 0.2
        if not accepted.any():
            continue
        taken, theirs = (p * accepted / p[accepted].sum() for p in (law, other))
        k = float((theirs[accepted] / taken[accepted]).max())
        assert theirs[above].sum() <= k * taken[above].sum() * (1.0 + 1e-12)
        broken += theirs[above].sum() > float((other / law).max()) * taken[above].sum() * (1.0 + 1e-12)
    assert broken > 0


def test_cuts_reject_at_most_the_share_and_nearly_it() -> None:
    rng = np.random.default_rng(2)
    scores = [rng.normal(size=5000), rng.exponential(size=5000)]
    for share in (0.01, 0.05, 0.3):
        cuts = cuts_for(scores, share)
        rejected = np.any([score > cut for score, cut in zip(scores, cuts, strict=True)], axis=0).mean()
        assert 0.7 * share < rejected <= share + 2 / 5000
    assert ranks(scores).max() == 1.0


def test_the_record_is_read_again(safe: sn.Guard) -> None:
    assert GuardRecord.from_dict(safe.record.to_dict()) == safe.record


def test_the_plan_is_what_the_guard_takes() -> None:
    """Sizes of peaks and pictures are left out of its audits, and what it takes itself is said before."""
    rows: list[int] = []

    def truth(x: Any) -> Any:
        rows.append(len(x))
        return 0.0 * x[:, 0]

    heard: list[GuardPlanned] = []
    problem = sn.Problem(lambda x: np.abs(x[:, 0] - 0.3), truth, sn.Domain(x=(0.0, 1.0)))
    report = sn.audit(problem, evaluations=500)
    rows.clear()
    sn.guard(
        problem,
        report,
        evaluations=500,
        calibration=100,
        observer=lambda event: heard.append(event) if isinstance(event, GuardPlanned) else None,
    )
    (planned,) = heard
    audited = report.record.evaluations.search + report.record.evaluations.statistics
    assert planned.evaluations == 500 + (audited + PICTURED) + 100
    assert 1000 < sum(rows) <= planned.evaluations + 200  # probes of the functions
    assert planned.words.startswith(
        f"planned: at most {planned.evaluations:,} evaluations for the guard: 500 to"
    )


def test_a_reference_that_raises_at_once_ends_with_the_patience_too() -> None:
    called: list[int] = []

    def down(x: Any) -> Any:
        called.append(len(x))
        raise OSError("no route to host")

    assert np.isnan(Patient(down, 0.02).values(np.zeros((20_000, 1)), 1)).all()
    assert len(called) < 20_000  # for each point alone 40,000 calls, some seconds


def test_what_a_call_costs_is_decided_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the audit, or by the user; a clock that decided it again would choose other searches."""
    declared, decide = [], Caller.decide

    def decided(caller: Caller, cost: float) -> None:
        decide(caller, cost)
        declared.append((caller.declared, caller.rows))

    problem = line_problem(0.02)
    report = sn.audit(problem, evaluations=500, power=False, calls=sn.Calls(cost="expensive:64"))
    monkeypatch.setattr(Caller, "decide", decided)
    made = sn.guard(problem, report, evaluations=500, calibration=100)
    assert all(word for word, _ in declared)
    assert [rows for _, rows in declared].count(
        64
    ) >= 2  # the search to learn from, and that among accepted inputs
    assert made.record.cost is not None
    assert (made.record.cost.class_, made.record.cost.rows) == ("expensive", 64)
