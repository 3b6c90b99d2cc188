"""Roll-outs: errors, totals and faults against values worked out by hand, and the record of all."""

from __future__ import annotations

import io
import json
import math
import os
import signal
from typing import Any

import numpy as np
import pytest

import supnorm as sn
from supnorm.fields.rollout import MOST_ROWS, Rollout, prepared, shown_steps
from supnorm.fields.rollout_pictures import MOST, picture
from supnorm.fields.rollout_state import Observed, again, flat
from supnorm.fields.rollout_tally import Tally
from supnorm.interrupts import INTERRUPTS
from supnorm.results.rollout import RolloutRecord

X = np.linspace(0.0, 1.0, 8, endpoint=False)


def shifted(u: Any) -> Any:
    return np.roll(u, 1)


def grown(u: Any) -> Any:
    return 1.1 * np.roll(u, 1)


def one(u: Any, step: Any = grown, steps: int = 4, **more: Any) -> RolloutRecord:
    """The record of one run."""
    return sn.audit_rollout(step, shifted, [np.asarray(u, float)], steps=steps, **more).record


def test_errors_step_by_step() -> None:
    u = np.array([0.0, 2.0, -1.0, 0.0])
    record = one(u)
    for row in record.by_step:
        factor = 1.1**row.step - 1
        assert row.sup == pytest.approx(2 * factor)
        assert row.rms == pytest.approx(factor * np.sqrt(5 / 4))
        assert row.quantiles[0] == pytest.approx(np.quantile(np.abs(u) * factor, 0.5))
        assert (row.low, row.high, row.going, row.not_finite) == (-1.0, 2.0, 1, 0)
    [variable] = record.variables
    assert variable.worst == variable.worst_finite
    assert variable.worst.index == ((1 + 4) % 4,)
    assert (variable.worst.step, variable.worst.run) == (4, 0)
    assert variable.worst.model == pytest.approx(2 * 1.1**4)
    assert variable.range == 3.0
    assert record.done == record.steps == 4
    assert record.status.code == "rolled-out"
    assert RolloutRecord.from_dict(json.loads(record.to_json())) == record


def test_the_worst_of_several_runs() -> None:
    states = [np.array([1.0, 0.0]), np.array([0.0, -3.0]), np.array([2.0, 0.0])]
    record = sn.audit_rollout(grown, shifted, states, steps=2).record
    worst = record.variables[0].worst
    assert (worst.run, worst.reference) == (1, -3.0)
    assert [r.run for r in record.by_run] == [0, 1, 2]
    assert record.by_step[0].rms == pytest.approx(0.1 * np.sqrt((1 + 9 + 4) / 6))


def test_totals_drift() -> None:
    record = one([1.0, 2.0], totals={"sum": np.sum, "zero": lambda u: u[0] - u[0]}, steps=3)
    total, zero = record.totals
    assert total.initial == 3.0
    assert total.model == pytest.approx(1.1**3 - 1)
    assert total.reference == 0.0
    assert (total.largest, total.step) == (pytest.approx(1.1**3 - 1), 3)
    assert total.model_by_step == pytest.approx([0.1, 0.21, 0.331])
    assert zero.model == zero.largest == 0.0


def test_a_total_does_not_see_an_error() -> None:
    """What the page says: a model that moves mass the wrong way keeps it exactly."""
    record = one([1.0, 2.0, 4.0, 8.0], step=lambda u: np.roll(u, -1), totals={"sum": np.sum}, steps=1)
    assert record.totals[0].largest == 0.0
    assert record.variables[0].worst.error == 6.0


def blown(u: Any) -> Any:
    """Cell 3 grows; beyond 100 it is no number any more, together with cell 7."""
    v = u.copy()
    v[3] = 4 * v[3] + 0.1
    if v[3] > 100:
        v[[3, 7]] = np.nan
    return v


def test_the_first_bad_step_and_the_cell_where_it_began() -> None:
    settings = sn.RolloutSettings(axes={"x": X})
    record = one(np.zeros(8), blown, 12, settings=settings, bounds={"state": (-1.0, 30.0)})
    v, steps = 0.0, 0
    while v <= 100:
        v, steps = 4 * v + 0.1, steps + 1
    first = {f.kind: f for f in record.first}
    broken = first["not-finite"]
    assert (broken.peak.step, broken.cells) == (steps, 2)
    assert broken.peak.at == {"x": 0.375}, "the cell next to the last peak, not the other one"
    assert (broken.origin.step, broken.origin.at) == (1, {"x": 0.375})
    assert math.isnan(broken.peak.model)
    assert first["bound"].peak.step == steps - 1
    assert record.status.code == "not-finite"
    assert record.status.exit == 1
    assert record.variables[0].worst.error == math.inf
    assert record.variables[0].worst_finite.error == pytest.approx(first["bound"].peak.error)
    assert record.by_run[0].ended == "not-finite"
    assert record.by_step[-1].sup == math.inf
    assert record.done == steps, "with no run left there is nothing to step"


def test_not_a_number_is_never_hidden_by_another_run() -> None:
    """The run that goes on has small errors; the largest one stays infinite."""
    step = lambda u: np.where(u > 1, np.nan, u)  # noqa: E731
    record = sn.audit_rollout(step, lambda u: u, [np.full(3, 2.0), np.zeros(3)], steps=3).record
    assert [row.sup for row in record.by_step] == [math.inf] * 3
    assert [row.going for row in record.by_step] == [2, 1, 1]
    assert record.by_step[0].not_finite == 3


def test_an_infinite_value_of_the_model_is_no_finite_one() -> None:
    record = one([1.0, 1.0], step=lambda u: u * np.inf, steps=1)
    assert record.first[0].kind == "not-finite"
    assert record.status.exit == 1


@pytest.mark.parametrize("kind", [FloatingPointError, GeneratorExit, SystemExit])
def test_a_model_that_raises(kind: type[BaseException]) -> None:
    def step(u: Any) -> Any:
        if u.max() > 1.15:
            raise kind("no more")
        return grown(u)

    record = one([0.0, 1.0], step, 5)
    [failed] = [f for f in record.first if f.kind == "failed"]
    assert failed.peak.step == 3
    assert failed.message == f"{kind.__name__}: no more"
    assert record.variables[0].worst.error == math.inf
    assert record.by_run[0].steps == 2
    assert record.status.code == "not-finite"


def test_a_reference_that_ends_is_in_doubt() -> None:
    def reference(u: Any) -> Any:
        return np.full_like(u, np.nan) if u[0] > 2 else u + 1

    record = sn.audit_rollout(lambda u: u + 1, reference, [np.zeros(2)], steps=9).record
    assert record.status.code == "reference-failed"
    assert record.status.exit == 5
    assert record.by_run[0].steps == 3

    def raising(u: Any) -> Any:
        raise GeneratorExit("gone")

    record = sn.audit_rollout(lambda u: u, raising, [np.zeros(2)], steps=9).record
    assert (record.status.code, record.status.exit) == ("reference-failed", 5)
    assert "GeneratorExit: gone" in record.status.advice


def test_cells_without_a_value_at_the_start_are_not_compared() -> None:
    land = np.array([np.nan, 1.0, 2.0, np.nan])
    record = sn.audit_rollout(lambda u: u + 0.5, lambda u: u, [land], steps=2).record
    assert record.by_step[-1].sup == 1.0
    assert record.status.code == "rolled-out"
    filled = sn.audit_rollout(lambda u: np.nan_to_num(u), lambda u: u, [land], steps=2).record
    assert filled.by_step[-1].sup == 0.0


def test_bounds_that_the_reference_breaks_too_are_no_fault_of_the_model() -> None:
    same = sn.audit_rollout(
        shifted, shifted, [np.array([5.0, 0.0])], steps=2, bounds={"state": (0, 1)}
    ).record
    assert same.status.code == "rolled-out"
    moved = one([0.95, 0.0], steps=1, bounds={"state": (0, 1)})
    assert (moved.status.code, moved.status.exit) == ("bounds-violated", 1)
    assert moved.by_step[0].outside == 1


def test_tolerances() -> None:
    below, above = one([1.0, 0.0], steps=1, tolerance=0.11), one([1.0, 0.0], steps=1, tolerance=0.09)
    assert (below.status.code, below.status.exit) == ("nothing-found", 0)
    assert (above.status.code, above.status.exit) == ("tolerance-exceeded", 1)
    state = np.array([[1.0, 0.0], [10.0, 0.0]])
    step = lambda s: 1.1 * s  # noqa: E731
    named = sn.audit_rollout(step, lambda s: s, [state], steps=1, variables=("u", "v"), tolerance={"u": 0.2})
    assert named.record.status.code == "nothing-found"
    assert [v.tolerance for v in named.record.variables] == [0.2, None]


def test_outliers_stand_against_the_typical_error_of_their_step() -> None:
    """One cell of 100 that is wrong has 10 times the RMS error."""
    step = lambda u: u + np.eye(1, 100, 7)[0]  # noqa: E731
    assert "outlier" in {
        f.kind for f in one(np.zeros(100), step, 1, settings=sn.RolloutSettings(kappa=9.9)).first
    }
    quiet = sn.audit_rollout(
        step, lambda u: u, [np.zeros(100)], steps=1, settings=sn.RolloutSettings(kappa=10.1)
    )
    assert "outlier" not in {f.kind for f in quiet.record.first}


def test_the_peak_is_followed_over_a_periodic_axis() -> None:
    def step(u: Any) -> Any:
        return np.roll(u, 1) + 0.1 * (np.roll(u, 1) > 0)

    u = np.eye(1, 8, 6)[0]
    for periodic, begun in (((), 2), (("x",), 1)):
        settings = sn.RolloutSettings(axes={"x": None}, periodic=periodic, reach=1)
        record = one(u, step, 4, settings=settings, tolerance=0.35)
        [fault] = [f for f in record.first if f.kind == "tolerance"]
        assert fault.peak.step == 4
        assert fault.origin.step == begun


def test_a_guard_reports_its_rate_and_the_reference_takes_over() -> None:
    guard = lambda u: u > 1.05  # noqa: E731
    seen = one([1.0, 0.0], steps=4, guard=guard)
    assert (seen.guard.flagged, seen.guard.largest, seen.guard.fallbacks) == (3 / 8, 0.5, 0)
    helped = one([1.0, 0.0], steps=4, guard=guard, settings=sn.RolloutSettings(fallback=True))
    assert helped.guard.fallbacks == 3
    assert helped.by_step[-1].sup == pytest.approx(0.1), "after the first step the reference takes all steps"


def test_a_stepper_that_guards_itself() -> None:
    record = one([1.0, 0.0], lambda u: sn.Stepped(grown(u), 0.25), 2)
    assert (record.guard.flagged, record.guard.fallback) == (0.25, True)
    assert record.by_step[-1].sup == pytest.approx(0.21)


def test_numbered_steps_and_states_of_any_kind() -> None:
    state = {"u": np.zeros(3), "clock": 5}
    step = lambda s, k: {"u": s["u"] + k, "clock": s["clock"] + 1}  # noqa: E731
    reference = lambda s, k: {"u": s["u"], "clock": s["clock"] + 1}  # noqa: E731
    made = sn.audit_rollout(
        step, reference, [state], steps=4, variables=("u",), settings=sn.RolloutSettings(numbered=True)
    )
    assert [row.sup for row in made.record.by_step] == [0.0, 1.0, 3.0, 6.0]
    assert made.model[0]["clock"] == 9
    seen = sn.audit_rollout(
        step,
        reference,
        [state],
        steps=2,
        observe=lambda s: s["u"][:2],
        settings=sn.RolloutSettings(numbered=True),
    )
    assert seen.record.variables[0].shape == (2,)


def test_states_of_jax_and_torch() -> None:
    jnp = pytest.importorskip("jax.numpy")
    record = sn.audit_rollout(lambda u: 2 * u, lambda u: u, [jnp.ones(3)], steps=2).record
    assert record.by_step[-1].sup == 3.0
    torch = pytest.importorskip("torch")
    record = sn.audit_rollout(lambda u: 2 * u, lambda u: u, [torch.ones(3)], steps=2).record
    assert record.by_step[-1].sup == 3.0


def test_the_time_ends_the_work_after_a_step() -> None:
    record = one([1.0, 0.0], steps=10**6, settings=sn.RolloutSettings(seconds=1e-9))
    assert (record.status.code, record.status.exit, record.done) == ("unfinished", 4, 1)
    assert record.by_run[0].ended == "unfinished"


def rolled(step: Any, totals: Any = None) -> Rollout:
    """Three runs that have not begun."""
    return prepared(
        step, shifted, [np.eye(4)[k] for k in range(3)], steps=6, observed=Observed(), totals=totals or {"sum": np.sum},
        bounds={}, guard=lambda u: u > 2.0, tolerance=None, settings=sn.RolloutSettings(),
    )  # fmt: skip


def numbers_of(rollout: Rollout) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(rollout.result().record.to_json())
    return {k: v for k, v in made.items() if k not in ("seconds", "milliseconds", "status", "by_run")}


@pytest.mark.parametrize("where", ["model", "total", "taking in"])
def test_a_request_to_end_leaves_all_runs_at_the_same_step(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the second run left the first one a step ahead, and --resume went on from there with other errors."""
    calls = 0

    def asked(function: Any, request: Any) -> Any:
        def counted(*given: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == 8:  # of three runs: in the middle of the third step
                request()
            return function(*given)

        return counted

    def interrupt() -> None:
        raise KeyboardInterrupt

    whole = rolled(grown)
    assert whole.work() == ""
    model = asked(grown, interrupt) if where == "model" else grown
    total = asked(np.sum, interrupt) if where == "total" else np.sum
    calls = (
        -10 if where == "total" else 0
    )  # three of the initial states, then of the model and of the reference
    if where == "taking in":  # three calls for three steps of one variable
        calls = 5
        signalled = asked(Tally.add, lambda: os.kill(os.getpid(), signal.SIGINT))
        monkeypatch.setattr(Tally, "add", lambda *given: signalled(*given))
    rollout = rolled(model, {"sum": total})
    assert rollout.work() == "interrupted"
    assert rollout.rolling.done == (3 if where == "taking in" else 2)
    assert {run.steps for run in rollout.rolling.runs} == {rollout.rolling.done}
    assert rollout.rolling.whole
    assert rollout.work() == ""
    assert numbers_of(rollout) == numbers_of(whole)


@pytest.mark.slow
def test_of_many_steps_some_are_shown_and_all_are_judged() -> None:
    steps = 3 * MOST_ROWS
    odd = steps - 2
    assert odd not in shown_steps(steps)
    step = lambda u, k: u + (k == odd - 1) - (k == odd)  # noqa: E731
    record = sn.audit_rollout(
        step,
        lambda u, k: u,
        [np.zeros(2)],
        steps=steps,
        totals={"sum": np.sum},
        settings=sn.RolloutSettings(numbered=True),
    ).record
    assert record.variables[0].worst.step == odd
    assert len(record.shown) <= MOST_ROWS
    assert record.shown[-1] == steps
    assert len(record.totals[0].model_by_step) == len(record.shown)


def test_the_picture_of_a_large_field_keeps_the_largest_error() -> None:
    model, reference = np.zeros((500, 300)), np.zeros((500, 300))
    model[437, 211] = -3.0
    small = picture({"model": model, "reference": reference}, (437, 211), sn.RolloutSettings())
    error = np.array(small["error"])
    assert max(error.shape) <= MOST
    assert error.min() == -3.0
    assert np.argwhere(error)[0].tolist() == [437 // 4, 211 // 3]
    assert [axis["high"] for axis in small["axes"]] == [499.0, 299.0]
    assert picture({"model": model[0], "reference": reference[0]}, (3,), sn.RolloutSettings()) is None


BAD: list[tuple[dict[str, Any], str]] = [
    ({"steps": 0}, "steps must be"),
    ({"initial_states": []}, "initial_states is empty"),
    ({"initial_states": {"u": np.zeros(2)}}, "give [state]"),
    ({"initial_states": [np.array([np.nan, np.nan])]}, "has no finite value"),
    ({"initial_states": [np.zeros(2), np.zeros(3)]}, "initial state 1 has the fields"),
    ({"initial_states": [np.array(["a", "b"])]}, "must hold real numbers"),
    ({"step": 3}, "step must be a function"),
    ({"step": lambda u: u[:1]}, "the model after step 1 has the fields"),
    ({"reference_step": lambda u: u[:1]}, "the reference after step 1 has the fields"),
    ({"variables": ("a", "b", "c")}, "variables has 3 names"),
    ({"tolerance": -1.0}, "tolerance must be"),
    ({"tolerance": {"w": 1.0}}, "tolerance names 'w', which is no variable"),
    ({"bounds": {"w": (0, 1)}}, "bounds names 'w'"),
    ({"bounds": {"state": (1, 0)}}, "low <= high"),
    ({"bounds": {"state": 3}}, "must be a pair"),
    ({"totals": {"sum": 3}}, "sum must be a function"),
    ({"totals": {"sum": lambda u: u}}, "total sum must return one number"),
    ({"guard": lambda u: u}, "guard must return booleans"),
    ({"settings": sn.RolloutSettings(axes={"x": [0.0, 1.0, 2.0]})}, "axis x has 3 coordinates"),
]


@pytest.mark.parametrize(("given", "words"), BAD, ids=[words for _, words in BAD])
def test_bad_arguments_are_refused_by_name(given: dict[str, Any], words: str) -> None:
    usual: dict[str, Any] = {
        "step": grown,
        "reference_step": shifted,
        "initial_states": [np.ones(2)],
        "steps": 2,
    }
    with pytest.raises(sn.BadInput) as caught:
        sn.audit_rollout(**{**usual, **given})
    assert words in str(caught.value)


@pytest.mark.parametrize("given", [{"kappa": 0.0}, {"reach": -1}, {"seconds": 0.0}, {"periodic": ("x",)}])
def test_bad_settings_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(sn.BadInput):
        sn.RolloutSettings(**given)


def test_without_a_tolerance_an_error_above_the_range_of_the_reference_is_said() -> None:
    far = sn.audit_rollout(lambda u: u + 2.0, lambda u: u, [np.array([0.0, 1.0])], steps=1).record
    assert far.status.code == "rolled-out"
    assert "In one run an error is above the whole range of the reference." in far.status.advice
    near = sn.audit_rollout(lambda u: u + 0.5, lambda u: u, [np.array([0.0, 1.0])], steps=1).record
    assert "whole range" not in near.status.advice


def _buffered() -> tuple[Any, Any]:
    buffer = np.zeros(3)

    def reference(u: Any) -> Any:
        buffer[:] = u
        return buffer

    def model(u: Any) -> Any:
        buffer[:] = u + 1.0
        return buffer

    return model, reference


def _in_place() -> tuple[Any, Any]:
    def model(u: Any) -> Any:
        u += 1.0
        return u

    return model, lambda u: u


@pytest.mark.parametrize("steppers", [_buffered, _in_place, lambda: _in_place()[::-1]])
def test_steppers_that_share_arrays_do_not_hide_errors(steppers: Any) -> None:
    model, reference = steppers()
    result = sn.audit_rollout(model, reference, [np.zeros(3), np.full(3, 5.0)], steps=3)
    assert [v.worst.error for v in result.record.variables] == [3.0]


def test_a_masked_value_of_the_model_is_none() -> None:
    result = sn.audit_rollout(lambda u: np.ma.array(u, mask=[1, 0, 0]), lambda u: u, [np.zeros(3)], steps=1)
    assert result.record.status.code == "not-finite"


def test_a_state_that_is_one_number_and_a_field_that_is() -> None:
    made = sn.audit_rollout(lambda u: 1.1 * u, lambda u: u, [1.0, 2.0], steps=2)
    worst = made.record.variables[0].worst
    assert worst is not None
    assert (worst.run, worst.step, dict(worst.at)) == (1, 2, {})
    assert worst.error == pytest.approx(0.42)
    both = sn.audit_rollout(
        lambda u: {"t": u["t"] + 1.0, "u": u["u"]}, lambda u: u, [{"t": 0.0, "u": np.ones(3)}], steps=2
    )
    assert [v.worst.error for v in both.record.variables if v.worst] == [2.0, 0.0]


@pytest.mark.parametrize("kind", [np.int64, np.uint64])
def test_whole_numbers_that_float64_does_not_hold_are_refused(kind: Any) -> None:
    """An error of 1 was reported as 0."""
    at = np.array([2**53 - 4], dtype=kind)
    made = sn.audit_rollout(lambda u: u + kind(1), lambda u: u, [at], steps=2)
    assert made.record.variables[0].worst is not None
    assert made.record.variables[0].worst.error == 2.0
    with pytest.raises(sn.BadInput, match=r"whole numbers above 2\^53"):
        sn.audit_rollout(lambda u: u + kind(1), lambda u: u, [at], steps=9)


def kept(state: Any) -> Any:
    """A state out of the file that --resume reads."""
    structure, arrays = flat(state)
    file = io.BytesIO()
    np.savez(file, *arrays)
    file.seek(0)
    with np.load(file) as held:
        return again(json.loads(json.dumps(structure)), [held[name] for name in held.files])


def test_states_come_out_of_a_file_as_they_were() -> None:
    """Arrays of JAX came back as NumPy's, so that a model that calls .at failed after --resume; NaN came back as None."""
    jnp = pytest.importorskip("jax.numpy")
    state = {
        "u": jnp.arange(3.0, dtype=jnp.float32),
        "t": math.inf,
        "s": "inf",
        "k": np.float32(0.1),
        "n": math.nan,
    }
    made = kept(state)
    assert type(made["u"]) is type(state["u"])
    assert made["u"].dtype == np.float32
    assert made["u"].at[0].set(5.0).tolist() == [5.0, 1.0, 2.0]
    assert type(made["k"]) is np.float32
    assert (made["t"], made["s"], made["k"]) == (math.inf, "inf", np.float32(0.1))
    assert math.isnan(made["n"])
    for odd in (np.ma.masked_array([1.0, 2.0], [0, 1]), jnp.ones(2, jnp.bfloat16), 1j):
        with pytest.raises(TypeError, match="cannot be written"):
            kept(odd)


@pytest.mark.parametrize("side", ["model", "reference", "observe"])
def test_what_code_makes_of_an_interrupt_is_no_failure(side: str) -> None:
    """The run ended as one whose model had failed, and --resume went on from there with this verdict."""
    calls = []

    def interrupted(u: Any) -> Any:
        calls.append(0)
        if len(calls) == 8:
            try:
                INTERRUPTS.hear(signal.SIGINT, None)
            except BaseException:
                raise RuntimeError("the solver failed") from None
        return u

    given = {"model": shifted, "reference": shifted, "observe": None, side: interrupted}
    rollout = prepared(
        given["model"], given["reference"], [X], steps=9, observed=Observed(given["observe"]), totals={}, bounds={},
        guard=None, tolerance=None, settings=sn.RolloutSettings(),
    )  # fmt: skip
    assert rollout.work() == "interrupted"
    record = rollout.result("interrupted").record
    assert (record.status.code, record.by_run[0].ended) == ("interrupted", "unfinished")
    assert rollout.work() == ""
    assert rollout.result().record.status.code == "rolled-out"
