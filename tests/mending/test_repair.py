"""The verb: what is mended is measured with a fresh seed, and what is not better is not taken."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.mending.cases import LINE, bump, line, line_problem, peak, square, square_problem

import supnorm as sn
from supnorm.evaluation.limit import Limit
from supnorm.mending import Mending
from supnorm.mending.change import Change
from supnorm.mending.exchange import Exchange
from supnorm.mending.tunable import TunableNetwork
from supnorm.networks import load
from supnorm.results import BadInput
from supnorm.results.repair import RepairRecord

GRID = np.linspace(-1.0, 1.0, 20_001)[:, None]


def largest(function: sn.Function, reference: Any, x: np.ndarray[Any, Any]) -> float:
    return float(np.abs(function.value(x)[:, 0] - reference(x)).max())


@pytest.mark.slow
def test_a_glitch_is_mended_and_the_error_is_that_of_a_fine_grid() -> None:
    problem = line_problem()
    before = largest(problem.model, peak, GRID)
    mended = sn.repair(problem, evaluations=3000)
    assert mended.accepted
    assert mended.status.code == "mended"
    assert mended.status.exit == 0
    after = largest(mended.model, peak, GRID)
    assert after < 0.02 * before
    assert mended.verdict is not None
    assert mended.verdict.worst == pytest.approx(after, rel=0.05)
    assert mended.worst_before == pytest.approx(before, rel=1e-3)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_model_and_another_seed_another_one() -> None:
    report = sn.audit(line_problem(), evaluations=2000)
    first, second, other = (sn.repair(line_problem(), report, evaluations=1500, seed=s) for s in (3, 3, 4))
    assert first.record.changed(seconds=0.0, cost=second.record.cost) == second.record.changed(seconds=0.0)
    assert np.array_equal(first.model.value(GRID), second.model.value(GRID))
    assert not np.array_equal(first.model.value(GRID), other.model.value(GRID))


@pytest.mark.slow
def test_the_verdict_uses_points_that_no_round_has_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the searches of the rounds found is too kind: it must not be what is reported."""
    mended = sn.repair(square_problem(), sn.audit(square_problem(), evaluations=4000), evaluations=4000)
    assert mended.after is not None
    assert mended.after.record.seed not in {0} | {7919 * (k + 1) for k in range(10)}
    assert mended.verdict is not None
    assert mended.verdict.worst >= mended.after.record.sup.lower


@pytest.mark.slow
def test_the_training_data_is_used_where_it_is_given() -> None:
    network, x, y = line()
    asked: list[int] = []

    def counted(points: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        asked.append(len(points))
        return peak(points)

    problem = sn.Problem(network.as_function(), counted, LINE)
    report = sn.audit(problem, evaluations=2000)
    asked.clear()
    mended = sn.repair(problem, report, data=(x, y), evaluations=1500)
    assert mended.accepted
    # The samples and what the first round adds; without them 3 a weight.
    assert mended.rounds[0].samples < 200


class Worse(TunableNetwork):
    """A model whose training shifts it by three."""

    def tuned(self, x: Any, y: Any, limit: Limit) -> Worse:
        scaling = replace(self.network.scaling, output_shift=self.network.scaling.output_shift + 3.0)
        return Worse(replace(self.network, scaling=scaling))


@pytest.mark.slow
def test_a_model_that_is_not_better_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["supnorm.mending.repair"], "TunableNetwork", Worse)
    problem = line_problem(1e-3)
    mended = sn.repair(problem, evaluations=1000)
    assert not mended.accepted
    assert mended.status.code == "not-improved"
    assert mended.status.exit == 1
    assert mended.model is problem.model
    assert {one.code for one in mended.record.reasons} >= {"not-smaller", "rms-grew", "harm"}


class Elsewhere(TunableNetwork):
    """A model whose training mends the peak and adds an error of 0.3 at -0.5."""

    def tuned(self, x: Any, y: Any, limit: Limit) -> Elsewhere:
        return Elsewhere(self.network)

    def as_function(self) -> sn.Function:
        def value(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
            return (peak(x) + 0.3 * np.exp(-((x[:, 0] + 0.5) ** 2) / 1e-4))[:, None]

        return sn.Function(value, name="harmed")


@pytest.mark.slow
def test_harm_elsewhere_is_found_and_refused_although_maximum_and_rms_fell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.modules["supnorm.mending.repair"], "TunableNetwork", Elsewhere)
    mended = sn.repair(replace(line_problem(), domain=sn.Domain(x=(-1.0, 1.0, "m"))), evaluations=1000)
    assert [one.code for one in mended.record.reasons] == ["harm"]
    assert " m its error grew from " in mended.status.advice
    assert " m its error grew from " in mended.record.reasons[0].text
    assert not mended.accepted
    harm = mended.harm
    assert harm is not None
    assert harm.x[0] == pytest.approx(-0.5, abs=0.01)
    assert harm.error == pytest.approx(0.3, rel=0.02)


@pytest.mark.slow
def test_with_a_tolerance_harm_below_it_is_allowed_and_above_it_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["supnorm.mending.repair"], "TunableNetwork", Elsewhere)
    assert sn.repair(line_problem(0.31), evaluations=1000).status.code == "mended"
    refused = sn.repair(line_problem(0.25), evaluations=1000)
    assert refused.status.code == "not-improved"


@pytest.mark.slow
def test_above_the_tolerance_a_better_model_is_taken_and_the_exit_code_is_1() -> None:
    mended = sn.repair(line_problem(1e-12), evaluations=1500)
    assert mended.accepted
    assert mended.status.code == "tolerance-exceeded"
    assert "train a larger network" in mended.status.advice
    assert mended.status.exit == 1


@pytest.mark.slow
def test_nothing_wrong_is_left_as_it_is() -> None:
    problem = line_problem(5.0)
    mended = sn.repair(problem, evaluations=1000)
    assert mended.status.code == "nothing-found"
    assert mended.model is problem.model
    assert not mended.rounds


def test_a_report_of_another_model_is_refused() -> None:
    report = sn.audit(line_problem(), evaluations=1000)
    other = replace(line()[0], scaling=replace(line()[0].scaling, output_shift=[0.1]))
    with pytest.raises(BadInput, match="the report is of another model: at its worst point"):
        sn.repair(sn.Problem(other.as_function(), peak, LINE), report)
    with pytest.raises(BadInput, match="its inputs are x, those of the problem x, y"):
        sn.repair(square_problem(), report)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"evaluations": 10}, "evaluations"),
        ({"seconds": -1.0}, "seconds"),
        ({"method": "last layer"}, "method must be auto, exchange, patch"),
        ({"data": (np.zeros((3, 2)), np.zeros(3))}, r"data must have shapes \(n, 1\)"),
        ({"data": 3}, "data must be a pair"),
        ({"data": (np.full((3, 1), np.nan), np.zeros(3))}, "finite"),
        ({"certify": True}, "give a tolerance"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(options: dict[str, Any], words: str) -> None:
    report = sn.audit(line_problem(), evaluations=500)
    with pytest.raises(BadInput, match=words):
        sn.repair(line_problem(), report, **options)


@pytest.mark.slow
def test_what_cannot_be_trained_is_refused_by_exchange_and_patched_by_default() -> None:
    problem = sn.Problem(lambda x: np.sin(2.0 * x[:, 0]), peak, LINE)
    with pytest.raises(BadInput, match="nothing that can be trained"):
        sn.repair(problem, method="exchange")
    mended = sn.repair(problem, evaluations=2000)
    assert mended.record.method == "patch"
    assert mended.accepted


def test_tables_and_missing_models_are_refused() -> None:
    table = sn.Function(table=([[0.0], [0.5]], [1.0, 2.0]))
    with pytest.raises(BadInput, match="the model is a table"):
        sn.repair(sn.Problem(table, table, LINE))
    with pytest.raises(BadInput, match="needs a model"):
        sn.repair(sn.Problem(None, peak, LINE))
    with pytest.raises(BadInput, match=r"takes a supnorm\.Problem"):
        sn.repair("problem.toml")  # type: ignore[arg-type]


@pytest.mark.slow
def test_an_interruption_keeps_the_old_model_and_the_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    tuned, calls = TunableNetwork.tuned, []

    def stopped(self: TunableNetwork, x: Any, y: Any, limit: Limit) -> TunableNetwork:
        calls.append(len(x))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return tuned(self, x, y, limit)

    monkeypatch.setattr(TunableNetwork, "tuned", stopped)
    problem = line_problem()
    mended = sn.repair(problem, evaluations=1500)
    assert mended.status.code == "interrupted"
    assert mended.status.exit == 3
    assert mended.model is problem.model
    assert len(mended.rounds) == 1


@pytest.mark.slow
def test_the_result_is_saved_and_the_model_read_again(tmp_path: Any) -> None:
    mended = sn.repair(line_problem(), evaluations=1500)
    saved = mended.save(tmp_path)
    assert saved.files == ("model.npz",)
    again = load(tmp_path / "model.npz")
    assert np.array_equal(again.value(GRID), mended.model.value(GRID))
    record = RepairRecord.read(tmp_path / "repair.json")
    assert record == saved.record
    assert (tmp_path / "after" / "result.json").exists()


@pytest.mark.slow
def test_the_change_of_the_model_is_bounded_and_the_bound_holds(tmp_path: Any) -> None:
    mended = sn.repair(square_problem(), evaluations=3000, bound_change=True)
    change = mended.change
    assert change is not None
    x = np.random.default_rng(5).uniform(-1.0, 1.0, (200_000, 2))
    seen = float(np.abs(mended.model.value(x) - square().value(x)).max())
    assert seen <= change.upper <= 1.2 * seen
    u = 0.5 * (x + 1.0)
    out = np.all([~((u >= low) & (u <= high)).all(axis=1) for low, high in change.holes], axis=0)
    outside = float(np.abs(mended.model.value(x) - square().value(x))[out].max())
    assert change.outside_upper is not None
    assert outside <= change.outside_upper <= 2.0 * outside
    assert change.outside_upper < 0.5 * change.upper
    assert change.record.worst_at_most is None  # the old model's error has no proved bound
    mended.save(tmp_path)
    from supnorm.checker.check import check

    assert check(tmp_path / "change.json").accepted
    assert check(tmp_path / "outside-1.json").accepted


@pytest.mark.slow
def test_a_network_of_two_inputs_is_mended_below_a_tolerance_that_is_proved() -> None:
    import jax.numpy as jnp

    def reference(x: Any) -> Any:
        return jnp.sin(x.sum(axis=1)) + jnp.exp(-((x - jnp.array([0.3, -0.2])) ** 2).sum(axis=1) / 0.01)

    problem = sn.Problem(
        square().as_function(), sn.from_jax(reference), square_problem().domain, tolerance=0.05
    )
    mended = sn.repair(problem, evaluations=6000, certify=True)
    assert mended.status.code == "within-tolerance", mended.status
    x = np.random.default_rng(6).uniform(-1.0, 1.0, (200_000, 2))
    assert mended.certificate is not None
    assert largest(mended.model, bump, x) <= mended.certificate.upper <= 0.05


@pytest.mark.parametrize(
    ("method", "evaluations"),
    [
        pytest.param("patch", 500, id="patch"),
        pytest.param("residual", 600, id="residual"),
        pytest.param("exchange", 500, id="exchange"),
        pytest.param(
            sn.Exchange(spread=1.0, ratio=3000.0), 500, id="all-for-samples", marks=pytest.mark.slow
        ),
        pytest.param("patch", 3000, id="patch-more", marks=pytest.mark.slow),
        pytest.param("exchange", 2000, id="exchange-more", marks=pytest.mark.slow),
    ],
)
def test_rounds_call_the_reference_at_no_more_points_than_were_given(method: Any, evaluations: int) -> None:
    points: set[float] = set()
    rounds: list[tuple[int, int, int]] = []

    def reference(x: Any) -> Any:
        points.update(x[:, 0].tolist())
        return peak(x)

    def observer(event: Any) -> None:
        if isinstance(event, Mending):
            rounds.append((len(points), event.calls, event.budget))

    problem = replace(line_problem(1e-9), reference=sn.Function(reference))
    report = sn.audit(problem, evaluations=1000)
    points.clear()
    mended = sn.repair(problem, report, method=method, evaluations=evaluations, observer=observer)
    assert rounds
    assert all(called <= counted <= evaluations == budget for called, counted, budget in rounds), rounds
    assert mended.record.evaluations["rounds"] <= evaluations


@pytest.mark.slow
def test_what_the_mask_leaves_out_is_not_trained_on() -> None:
    """Where the error does not count, the reference may have numbers that say nothing."""
    problem = line_problem()

    def reference(x: Any) -> Any:
        return np.where(x[:, 0] < -0.6, 1e3 * np.sin(50.0 * x[:, 0]), peak(x))

    error = replace(problem.error, mask=lambda x: x[:, 0] >= -0.6)
    masked = sn.Problem(problem.model, reference, LINE, error=error)
    mended = sn.repair(masked, evaluations=3000)
    assert mended.accepted, mended.status
    counted = GRID[GRID[:, 0] >= -0.6]
    assert largest(mended.model, peak, counted) < 0.02 * largest(problem.model, peak, counted)


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize(("spread", "ratio"), [(0.001, 3.0), (1.0, 3000.0)])
def test_samples_of_large_models_are_bounded(
    spread: float, ratio: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three for each weight would be a million and more for some."""
    monkeypatch.setattr("supnorm.mending.exchange.MOST", 300)
    mended = sn.repair(
        line_problem(), evaluations=3000, method=Exchange(rounds=1, iterations=1, spread=spread, ratio=ratio)
    )
    assert mended.candidate is not None
    assert mended.candidate.samples is not None
    assert len(mended.candidate.samples[0]) < 300 + 200


def test_parts_that_had_little_time_prove_no_larger_difference_than_the_whole() -> None:
    parts = tuple(SimpleNamespace(upper=upper) for upper in (0.5, 2.0))
    change = Change(1.0, "certified", SimpleNamespace(), outside=parts)  # type: ignore[arg-type]
    assert change.outside_upper == 1.0
    assert replace(change, outside=parts[:1]).outside_upper == 0.5  # type: ignore[arg-type]
    assert replace(change, outside=()).outside_upper is None
