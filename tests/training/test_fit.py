"""The verb: it reaches tolerances, reports errors that fresh points confirm, and says what it cannot do."""

import json
import threading
import time
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from supnorm.approximants import (
    ChebyshevTensor,
    PolynomialLeastSquares,
    RandomFeatures,
    SimplexInterpolation,
    load_function,
)
from supnorm.certification import certify
from supnorm.evaluation.limit import Limit
from supnorm.networks import Network
from supnorm.problem import Axis, Domain, ErrorMeasure, Function, Problem
from supnorm.results import BadInput, ExitCode
from supnorm.results.numbers import num
from supnorm.sources import from_jax
from supnorm.training import FitCalls, NetworkFit, QuasiNewton, fixed_data, outcome
from supnorm.training import fit as full_fit
from supnorm.training.events import Training, Tried

I_6_2 = Domain(theta=(1.0, 3.0), sigma=(1.0, 3.0))
I_10_7 = Domain(m0=(1.0, 5.0), v=(1.0, 2.0), c=(3.0, 10.0))
LINE = Domain(x=(-1.0, 1.0))
X = np.random.default_rng(0).random((40, 2))
SMALL = NetworkFit(widths=(8,), iterations=300)


def fit(*args, **options):
    """The verb with small audits, so that the suite stays quick."""
    return full_fit(*args, **{"calls": FitCalls(audit_evaluations=2000)} | options)


class CtrlC:
    """An observer that presses Ctrl-C after so many candidates."""

    def __init__(self, candidates):
        self.candidates, self.seen = candidates, []

    def __call__(self, event):
        if isinstance(event, Tried):
            self.seen.append(event.method)
            if len(self.seen) == self.candidates:
                raise KeyboardInterrupt


def bell(x):
    return np.exp(-((x[:, 0] / x[:, 1]) ** 2) / 2) / (np.sqrt(2 * np.pi) * x[:, 1])


def mass(x):
    return x[:, 0] / np.sqrt(1 - (x[:, 1] / x[:, 2]) ** 2)


def honest(result, reference, domain, norm="sup"):
    """The reported errors agree with a dense sample that the fit has never seen."""
    x = domain.from_unit(np.random.default_rng(12345).random((20_000, domain.d)))
    error = np.abs(result.model.value(x)[:, 0] - reference(x))
    assert error.max() <= 1.2 * result.winner.sup_lower + 1e-15
    assert result.winner.rms == pytest.approx(np.sqrt(np.mean(error**2)), rel=0.2, abs=1e-15)


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("f", "domain"), [(bell, I_6_2), (mass, I_10_7)])
def test_chebyshev_wins_two_and_three_smooth_dimensions(f, domain):
    result = fit(f, domain, tolerance=1e-10, seed=3)
    assert result.winner.method == "chebyshev"
    assert result.status.code == "nothing-found"
    assert result.winner.audited
    assert result.winner.sup_lower < 1e-10
    assert repr(result).startswith("FitResult('nothing-found', 'chebyshev', rms=")
    honest(result, f, domain)


@pytest.mark.slow
def test_a_network_is_trained_when_it_is_asked_for():
    method = NetworkFit(widths=(8, 12))
    result = fit(bell, I_6_2, tolerance=1e-3, method=method, seed=1, calls=FitCalls(audit_evaluations=20_000))
    assert result.winner.method.startswith("network")
    assert result.status.exit == ExitCode.DONE
    honest(result, bell, I_6_2)


@pytest.mark.slow
def test_automatic_choice_goes_on_to_networks_where_nothing_classical_is_good_enough():
    """Few samples of a function of five variables with a singular-looking ridge: the network wins."""
    domain = Domain.from_axes({f"x{i}": (-1.0, 1.0) for i in range(5)})

    def ridge(x):
        return np.tanh(3 * (x[:, 0] + x[:, 1] * x[:, 2]) + np.sin(x[:, 3] - x[:, 4]))

    result = fit(ridge, domain, tolerance=1e-3, norm="l2", max_evaluations=8000, seed=0)
    assert result.winner.method.startswith("network")
    classical = [c.rms for c in result.candidates if not c.method.startswith("network")]
    assert result.winner.rms < 0.3 * min(classical)
    honest(result, ridge, domain)


@pytest.mark.slow
def test_l2_and_sup_goals_are_different():
    kink = fit(
        lambda x: np.abs(x[:, 0] - 0.2), LINE, tolerance=1e-3, norm="l2", method=ChebyshevTensor(longest=65)
    )
    assert kink.status.code == "nothing-found"
    assert kink.winner.sup_lower > 1e-3
    hard = fit(lambda x: np.abs(x[:, 0] - 0.2), LINE, tolerance=1e-3, method=ChebyshevTensor(longest=65))
    assert hard.status.code == "tolerance-exceeded"


@pytest.mark.slow
def test_the_reported_error_does_not_come_from_the_loop():
    """Two seeds give two audits; both are of the size of the true error."""
    found = [fit(bell, I_6_2, method=SimplexInterpolation(), max_evaluations=2000, seed=s) for s in (1, 2)]
    x = I_6_2.from_unit(np.random.default_rng(5).random((40_000, 2)))
    for result in found:
        true = np.abs(result.model.value(x)[:, 0] - bell(x)).max()
        assert result.winner.sup_lower >= true
    assert found[0].audit.document["seed"] != found[1].audit.document["seed"]


@pytest.mark.slow
def test_refinement_at_the_worst_points_lowers_the_maximum():
    method = NetworkFit(widths=(10,), iterations=500)
    result = fit(bell, I_6_2, method=method, seed=0)
    plain, refined = (c for c in sorted(result.candidates, key=lambda c: c.approximation.samples))
    assert refined.sup_lower < plain.sup_lower


@pytest.mark.slow
def test_jumps_are_told_and_the_piecewise_fit_is_taken():
    def step(x):
        return np.where(x[:, 0] < 0.1, np.sin(4 * x[:, 0]), 0.5 * np.cos(9 * x[:, 0]) + 0.5)

    result = fit(step, LINE, tolerance=1e-9)
    assert result.winner.method == "piecewise chebyshev"
    assert any("jump of 0.421 at x = 0.1" in note for note in result.notes)
    assert any(
        "the reference jumps by 0.421 at x = 0.1: a continuous model misses" in note for note in result.notes
    )


@pytest.mark.slow
def test_a_jump_in_the_plane_is_told_in_the_advice():
    square = Domain(a=(0.0, 1.0), b=(0.0, 1.0))
    result = fit(
        lambda x: (x[:, 0] + x[:, 1] > 0.9) * 2.0, square, tolerance=0.1, method=PolynomialLeastSquares()
    )
    assert result.status.exit == ExitCode.EXCEEDED
    assert (
        "No continuous model can meet the tolerance, because the reference jumps by 2" in result.status.advice
    )


def test_relative_errors_and_log_axes():
    domain = Domain(p=Axis(1e2, 1e6, "Pa", scale="log"), t=(1.0, 2.0))
    measure = ErrorMeasure("relative", floor=0.0)
    result = fit(lambda x: x[:, 0] ** 1.5 * x[:, 1], domain, tolerance=1e-6, error=measure, seed=0)
    assert result.status.code == "nothing-found"
    x = domain.from_unit(np.random.default_rng(0).random((5000, 2)))
    truth = x[:, 0] ** 1.5 * x[:, 1]
    assert np.abs(result.model.value(x)[:, 0] / truth - 1).max() < 1e-6


def test_several_outputs_and_a_problem():
    problem = Problem(None, lambda x: np.stack([bell(x), 10 * mass_like(x)], 1), I_6_2, tolerance=1e-8)
    result = fit(problem)
    x = I_6_2.from_unit(np.random.default_rng(0).random((1000, 2)))
    np.testing.assert_allclose(result.model.value(x), problem.reference.value(x), atol=1e-8)
    assert result.tolerance == 1e-8


def mass_like(x):
    return np.sqrt(x[:, 0] * x[:, 1])


@pytest.mark.slow
def test_constraints_leave_the_methods_on_samples():
    disc = Domain([lambda x: (x**2).sum(1) < 1], a=(-1.0, 1.0), b=(-1.0, 1.0))
    result = fit(lambda x: np.exp(x[:, 0] * x[:, 1]), disc, tolerance=1e-6)
    assert result.status.code == "nothing-found"
    assert {"ChebyshevTensor", "TensorTrain"} <= {name for name, _ in result.skipped}


@pytest.mark.slow
def test_the_same_seed_gives_the_same_result():
    a, b = (fit(bell, I_6_2, method=SMALL, max_evaluations=2000, seed=7) for _ in range(2))
    assert a.winner.sup_lower == b.winner.sup_lower
    x = np.full((1, 2), 2.0)
    np.testing.assert_array_equal(a.model.value(x), b.model.value(x))


@pytest.mark.slow
def test_budgets_are_kept_and_counted():
    calls = []

    def counted(x):
        calls.append(len(x))
        return bell(x)

    result = fit(counted, I_6_2, tolerance=1e-12, max_evaluations=600, calls=FitCalls(audit_evaluations=500))
    assert result.evaluations["fit"] <= 1.05 * 600
    assert sum(calls) <= 1.1 * sum(v for k, v in result.evaluations.items() if k != "failed") + 2000


@pytest.mark.slow
def test_seconds_end_a_fit():
    result = fit(mass, I_10_7, tolerance=1e-12, method=NetworkFit(), seconds=2.0)
    assert result.status.code == "tolerance-exceeded"
    # Generous: without the limit it trains for many minutes; machines may be busy.
    assert result.seconds < 300.0


@pytest.mark.slow
def test_the_audits_of_a_dear_reference_keep_the_time():
    """Audits inside the loop had a floor of 100 calls and drew pictures: three times the seconds asked for were usual."""
    calls = []

    def dear(x):
        calls.append(len(x))
        time.sleep(4e-3 * len(x))
        return np.exp(x[:, 0]) * x[:, 1]

    domain = Domain(a=(0.0, 1.0), b=(0.5, 2.0))
    # The polynomial just meets the tolerance on the validation points: it is audited inside the loop where there is time.
    result = fit(dear, domain, tolerance=0.011, seconds=1.0, method=PolynomialLeastSquares())
    assert 4e-3 * sum(calls) <= 0.9
    assert result.audit is not None


@pytest.mark.slow
def test_workers_share_a_dear_reference():
    """``workers`` did not reach the calls of the fit: one after the other they were made, in the main thread."""
    threads = []

    def dear(x):
        if len(threads) > 12:
            raise KeyboardInterrupt
        time.sleep(0.06 * len(x))
        threads.append(threading.get_ident())
        return x[:, :1] * x[:, 1:]

    reference = Function(dear, parallel="thread")
    with pytest.raises(KeyboardInterrupt):
        fit(
            Problem(None, reference, Domain(a=(0.0, 1.0), b=(0.5, 2.0)), tolerance=1e-3),
            calls=FitCalls(workers=2),
        )
    assert len(set(threads) - {threading.get_ident()}) == 2


def test_calls_that_took_all_the_time_give_a_candidate():
    """They took three minutes of one, and "no method could be used" was all that was said."""
    calls = []

    def dear(x):
        calls.append(len(x))
        time.sleep(4e-3 * len(x))
        return np.abs(x[:, 0] - 0.37) * x[:, 1]

    domain = Domain(a=(0.0, 1.0), b=(0.5, 2.0))
    result = fit(dear, domain, tolerance=1e-3, seconds=0.05)
    assert result.status.advice.endswith("The time was up: give more seconds.")
    assert result.candidates  # how many fit into what the calls leave depends on the machine
    assert ("NetworkFit", "the time was up") in result.skipped
    assert sum(calls) <= 120


def test_a_network_whose_samples_took_the_time_is_not_tried():
    """It was trained for no time at all, and listed with an error as large as the function."""
    from supnorm.training.contest import Offer, Skipped
    from supnorm.training.fit import _prepare
    from supnorm.training.reference_points import ReferencePoints

    problem = Problem(None, lambda x: x[:, 0], Domain(x=(0.0, 1.0)))
    state, _ = _prepare(
        problem,
        ReferencePoints(problem, 0, FitCalls(audit_evaluations=4000)),
        "sup",
        Limit(evaluations=200),
        0,
        lambda event: None,
    )
    x = np.linspace(0.0, 1.0, 50)[:, None]
    found = SimplexInterpolation().from_samples(x, x + 1e-3, problem.domain)
    state.judge(Offer(found), 0.0)
    state.limit = Limit.of(0.0, 200)
    assert list(SMALL.of_width(state, 8, 60, 1)) == [Skipped("network width 8", "the time was up")]


@pytest.mark.slow
def test_without_time_a_candidate_is_not_audited():
    from supnorm.training.contest import Offer
    from supnorm.training.fit import _prepare
    from supnorm.training.reference_points import ReferencePoints

    problem = Problem(None, lambda x: x[:, 0], Domain(x=(0.0, 1.0)))
    state, _ = _prepare(
        problem,
        ReferencePoints(problem, 0, FitCalls(audit_evaluations=4000)),
        "sup",
        Limit(evaluations=200),
        0,
        lambda event: None,
    )
    x = np.linspace(0.0, 1.0, 50)[:, None]
    found = SimplexInterpolation().from_samples(x, x + 1e-3, problem.domain)
    state.judge(Offer(found), 0.0)
    state.points.caller.cost, state.points.caller.decided = 0.1, True
    state.limit = Limit.of(3.0).keeping(1.0)
    assert state.audit(state.attempts[0], 100) is None  # 1 s is ten calls
    assert not state.attempts[0].audited
    state.limit = Limit.of(100.0)
    assert state.audit(state.attempts[0], 100).witness.error == pytest.approx(1e-3)
    assert state.attempts[0].audited


@pytest.mark.slow
def test_a_partly_failing_reference_is_fitted_where_it_has_values():
    def partial(x):
        return np.where(x[:, 0] + x[:, 1] > 5.5, np.nan, bell(x))

    result = fit(partial, I_6_2, tolerance=1e-5, method=PolynomialLeastSquares())
    note = next(note for note in result.notes if "no finite value at" in note)
    first = [float(part.split(" = ")[1]) for part in note.partition(" first at ")[2].split(", ")]
    assert sum(first) > 5.5
    assert result.winner.sup_lower < 1e-5


@pytest.mark.slow
def test_what_was_seen_while_fitting_is_never_more_than_what_is_reported():
    """A table that says "tried simplex: worst 0.3" and then "simplex, worst found 0.2" contradicts itself."""
    seen = {}

    def classical_only(event):
        if isinstance(event, Tried):
            seen[event.method] = event.worst
            if event.method == "simplex":
                raise KeyboardInterrupt

    def bent(x):
        return np.abs(x[:, 0] - 2.2) + np.sqrt(np.abs(x[:, 1] - 2.3))

    result = fit(
        bent, I_6_2, max_evaluations=1000, calls=FitCalls(audit_evaluations=100), observer=classical_only
    )
    assert len(seen) >= 5
    for candidate in result.candidates:
        assert candidate.sup_lower >= seen[candidate.method]


@pytest.mark.slow
def test_relative_errors_are_compared_with_those_of_the_mean():
    """Of a reference near 1e6 the relative error is dimensionless: dividing it by a standard deviation is meaningless."""
    measure = ErrorMeasure("relative", floor=1e-6)
    result = fit(lambda x: 1e6 * bell(x), I_6_2, tolerance=1e-3, error=measure, method=RandomFeatures())
    x = I_6_2.from_unit(np.random.default_rng(1).random((20_000, 2)))
    constant = np.sqrt(np.mean((np.mean(bell(x)) / bell(x) - 1) ** 2))
    assert result.winner.error_of_mean == pytest.approx(constant, rel=0.05)
    assert result.to_dict()["measure"]["kind"] == "relative"


@pytest.mark.slow
def test_a_proof_and_the_errors_beside_it_are_multiples_of_the_same_tolerances():
    """A round fits to 0.6 of the tolerances: its errors are multiples of those, the proof's of the whole ones."""

    def two(x):
        return jnp.stack([jnp.sin(x[:, 0]), 10.0 * jnp.exp(x[:, 0])], axis=1)

    tolerance = (1e-3, 1.0)
    problem = Problem(None, from_jax(two), Domain(x=(0.0, 1.0)), tolerance=tolerance)
    method = NetworkFit(widths=(8,), iterations=150)
    result = fit(problem, certify=True, method=method, calls=FitCalls(audit_evaluations=1000))
    x = np.linspace(0.0, 1.0, 2001)[:, None]
    gap = np.abs(result.model.value(x) - np.asarray(problem.reference.value(x)))
    true = float((gap / np.array(tolerance)).max())
    assert result.winner.sup_lower == pytest.approx(true, rel=0.02)
    assert result.audit.worst.error == pytest.approx(true, rel=0.02)
    assert result.winner.sup_lower <= result.winner.sup_upper


def test_the_float64_floor_is_that_of_each_output():
    """A large second output says nothing about what the first one can be fitted to."""

    def two(x):
        return np.stack([x[:, 0], 1e9 * x[:, 1]], axis=1)

    problem = Problem(None, two, I_6_2, tolerance=(1e-12, 1.0))
    assert fit(problem, method=ChebyshevTensor()).status.code == "nothing-found"
    with pytest.raises(BadInput, match="tolerance 1e-12 is below the float64 floor"):
        fit(replace(problem, tolerance=(1.0, 1e-12)), method=ChebyshevTensor())


@pytest.mark.slow
def test_a_root_mean_square_is_not_called_a_lower_bound():
    result = fit(bell, I_6_2, tolerance=1e-3, norm="l2", method=PolynomialLeastSquares())
    assert result.status.code == "nothing-found"
    assert "measured at sample points" in result.status.advice
    assert "bound" not in result.status.advice


@pytest.mark.slow
def test_a_finite_domain_is_compared_whole_and_only_then_called_within_tolerance():
    """Nothing is left that a search could have missed, so the word of a proof is right."""
    grid = Domain(n=Axis(values=tuple(range(41))), k=Axis(values=(0.0, 0.5, 2.0)))

    def f(x):
        return np.sin(x[:, 0] / 9) * (1 + x[:, 1])

    result = fit(f, grid, tolerance=0.05, method=PolynomialLeastSquares())
    assert result.audit.exhaustive
    assert result.status.code == "within-tolerance"
    assert "every point of the domain" in result.status.advice
    assert result.to_dict()["status"]["exit"] == 0
    rms = fit(f, grid, tolerance=0.05, norm="l2", method=PolynomialLeastSquares())
    assert rms.status.code == "nothing-found"  # measured at sample points, not proved


@pytest.mark.slow
def test_files_and_json(tmp_path):
    result = fit(bell, I_6_2, tolerance=1e-6)
    folder = result.save(tmp_path / "fit")
    data = json.loads((folder / "fit.json").read_text())
    assert data["schema"] == "supnorm.fit/1"
    assert data["winner"]["file"] == "model.npz"
    assert data["winner"]["sup"]["lower"] == result.winner.sup_lower
    assert data["winner"]["relative_sup"] == pytest.approx(
        result.winner.sup_lower / result.winner.error_of_mean
    )
    assert {"method", "rms", "relative_rms", "sup", "parameters", "samples", "seconds", "file"} <= set(
        data["candidates"][0]
    )
    x = np.full((3, 2), 1.5)
    np.testing.assert_array_equal(load_function(folder / "model.npz").value(x), result.model.value(x))
    assert (folder / "audit" / "result.json").exists()


def test_fixed_samples_hold_out_a_part():
    x = I_6_2.from_unit(np.random.default_rng(0).random((400, 2)))
    result = fit((x, bell(x)), I_6_2, tolerance=1e-3, method=PolynomialLeastSquares())
    assert result.evaluations == {"train": 260, "choose": 60, "held-out": 80}
    assert result.status.code == "nothing-found"
    said = "on the 260 points that it was trained on, and on 140 other samples. Nothing is known between the samples"
    assert said in result.status.advice
    assert result.audit is None


def test_a_sample_that_is_fitted_badly_counts_whether_it_was_trained_on_or_not():
    """An outlier among the samples that were trained on passed a tolerance that an audit refused."""
    x = I_6_2.from_unit(np.random.default_rng(0).random((400, 2)))
    for k in range(0, 400, 57):
        y = bell(x)
        y[k] += 3.0
        result = fit((x, y), I_6_2, tolerance=0.5, method=PolynomialLeastSquares())
        errors = np.abs(result.model.value(x) - y.reshape(len(x), -1))
        assert result.winner.sup_lower == pytest.approx(errors.max(), rel=1e-9)
        assert result.status.code == "tolerance-exceeded"


def test_fixed_samples_report_no_less_than_what_was_seen():
    """A verdict of "within tolerance" for samples that were seen to exceed it would contradict itself."""
    seen = {}

    def note(event):
        if isinstance(event, Tried):
            seen[event.method] = event.worst

    x = I_6_2.from_unit(np.random.default_rng(0).random((300, 2)))
    y = np.where(x[:, 0] + x[:, 1] > 4.9, 2.0, 0.0)
    for method in (PolynomialLeastSquares(), RandomFeatures(), SimplexInterpolation()):
        for seed in range(3):
            result = fit((x, y), I_6_2, method=method, seed=seed, observer=note)
            assert result.winner.sup_lower >= seen[result.winner.method]


def test_fixed_samples_honour_a_time_limit():
    x = np.random.default_rng(0).uniform(-1, 1, (100, 2))
    result = fit((x, np.abs(x[:, 0])), tolerance=1e-9, seconds=1e-9)
    assert len(result.candidates) == 1
    assert ("NetworkFit", "the time was up") in result.skipped
    assert result.status.advice.endswith("The time was up: give more seconds.")


def test_ctrl_c_ends_a_fit_of_fixed_samples_with_the_best_so_far():
    stop = CtrlC(2)
    x = np.random.default_rng(0).uniform(-1, 1, (100, 2))
    result = fit((x, np.abs(x[:, 0])), tolerance=1e-9, observer=stop)
    assert (result.status.code, int(result.status.exit)) == ("interrupted", 3)
    assert {c.method for c in result.candidates} == set(stop.seen)


@pytest.mark.parametrize(
    "given", [lambda x: x[:, 0], (I_6_2.from_unit(X), X[:, 0])], ids=["reference", "samples"]
)
def test_what_takes_long_is_told_before_it_begins(given):
    events = []
    networks = NetworkFit(widths=(2, 3), depth=1, iterations=4)
    fit(
        given,
        I_6_2,
        method=networks,
        observer=events.append,
        max_evaluations=500,
        calls=FitCalls(audit_evaluations=100),
    )
    told = [event for event in events if isinstance(event, Tried | Training)]
    assert all(isinstance(event, Training) for event in told[::2])
    assert all(isinstance(event, Tried) for event in told[1::2])
    assert {event.weights for event in told[::2]} == {9, 13}


@pytest.mark.slow
def test_fixed_samples_choose_among_methods():
    x = np.random.default_rng(0).uniform(-1, 1, (300, 1))
    result = fit((x, np.sin(9 * x[:, 0])), seed=0)
    assert len(result.candidates) >= 5
    assert result.winner.sup_lower < 1e-6


@pytest.mark.slow
def test_of_many_samples_some_are_trained_on_and_all_others_judge(monkeypatch):
    monkeypatch.setattr(fixed_data, "MOST", 400)
    x = np.random.default_rng(0).random((20_000, 2))
    result = fit((x, np.sin(3 * x[:, 0]) * x[:, 1]), tolerance=1e-6)
    assert result.notes == ("400 of 20,000 samples train the candidates, the others measure their errors",)
    assert result.evaluations == {"train": 400, "choose": 8400, "held-out": 11_200}
    assert result.status.code == "nothing-found"
    assert ("NetworkFit", "a cheaper method meets the tolerance") in result.skipped
    assert result.winner.approximation.samples == 400
    assert result.winner.sup_lower < 1e-10


@pytest.mark.slow
def test_constant_references_and_labels_are_told():
    result = fit(lambda x: np.full(len(x), 3.0), I_6_2, method=PolynomialLeastSquares())
    assert "the reference is constant on all points seen" in result.notes
    assert result.winner.sup_lower < 1e-12
    assert result.to_dict()["winner"]["relative_sup"] is None
    x = np.random.default_rng(0).random((50, 2))
    result = fit((x, np.ones(50)), method=PolynomialLeastSquares())
    assert "all labels are equal: the model is a constant" in result.notes
    assert result.winner.sup_lower < 1e-6


def test_repeated_points_are_merged_and_their_noise_is_told():
    x = np.repeat(np.random.default_rng(0).random((60, 1)), 2, axis=0)
    y = x[:, 0] + np.tile([0.0, 0.1], 60)
    result = fit((x, y), method=PolynomialLeastSquares())
    assert result.notes[0].startswith(
        "60 samples repeat the point of another one; their labels differ by up to 0.1"
    )
    counts = result.evaluations
    assert counts["train"] == 39  # different points; the others are judged sample by sample
    assert counts["choose"] + counts["held-out"] == 42
    assert result.winner.sup_lower == pytest.approx(0.05, rel=0.3)


def test_samples_that_contradict_each_other_are_not_within_a_tolerance():
    """Their mean was fitted and judged: labels 0 and 100 at one point gave no error at all."""
    x = np.random.default_rng(0).random((80, 1))
    x, y = np.concatenate([x, x[:1]]), np.concatenate([x[:, 0], [100.0]])
    for seed in range(6):  # wherever the two samples are: trained on, choosing, or held out
        result = fit((x, y), tolerance=1.0, method=PolynomialLeastSquares(), seed=seed)
        assert result.status.code == "tolerance-exceeded"
        assert result.winner.sup_lower > 49
    assert "2 that repeat the inputs of others with another label" in result.status.advice


def test_the_noise_of_repeated_points_is_half_the_range_of_their_labels():
    """Labels 0, 0, 1: the value in the middle misses each by 0.5; their mean, 1/3, misses one by 2/3."""
    x = np.repeat(np.random.default_rng(0).random((60, 1)), 3, axis=0)
    result = fit((x, np.tile([0.0, 0.0, 1.0], 60)), method=PolynomialLeastSquares())
    assert "differ by up to 1, so no model has a smaller absolute error than 0.5" in result.notes[0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit((X, np.where(X[:, 0] > 0.5, np.nan, 1.0))), "labels are not finite in"),
        (lambda: fit((X[:1], X[:1, 0])), "at least 20 samples at different points, got 1"),
        (
            lambda: fit((np.repeat(X[:1], 30, 0), np.ones(30))),
            "at least 20 samples at different points, got 1",
        ),
        (lambda: fit((X, X[:-1, 0])), r"got \(40, 2\) and \(39, 1\)"),
        (lambda: fit((np.c_[X, np.ones(40)], X[:, 0])), "input x3 never varies"),
        (lambda: fit((X, X[:, 0]), Domain(a=(0.0, 0.5), b=(0.0, 1.0))), "lie outside the domain, first"),
        (lambda: fit((X, X[:, 0]), method=ChebyshevTensor()), "cannot use fixed samples"),
        (lambda: fit(bell, I_6_2, tolerance=1e-18), "below the float64 floor"),
        (lambda: fit(bell, I_6_2, tolerance=0.0), "tolerance must be a finite number above 0, got 0"),
        (
            lambda: fit(bell, I_6_2, tolerance="1e-3"),
            "tolerance must be a finite number above 0, got '1e-3'",
        ),
        (lambda: fit((X, 1j * X[:, 0])), "labels must be real numbers, got an array of complex128"),
        (lambda: fit((np.full((40, 1), "a"), X[:, 0])), "inputs must be real numbers, got an array of <U1"),
        (lambda: fit((X, np.full(40, "0.5"))), "labels must be real numbers, got an array of <U3"),
        (lambda: fit((X, np.ma.masked_less(X[:, 0], 0.1))), "labels are not finite in"),
        (lambda: fit(bell, I_6_2, norm="max"), 'norm must be "sup" or "l2"'),
        (lambda: fit(bell, I_6_2, method="best"), "method must be auto, one of chebyshev"),
        (lambda: fit(bell, I_6_2, seconds=-1.0), "seconds must be a finite number above 0, got -1.0"),
        (
            lambda: fit(bell, I_6_2, max_evaluations=3),
            "max_evaluations must be a finite number of at least 50, got 3",
        ),
        (
            lambda: fit(bell, I_6_2, calls=FitCalls(audit_evaluations=3)),
            "audit_evaluations must be a finite number of at least 100",
        ),
        (lambda: fit(bell), "fit needs a domain"),
        (lambda: fit(lambda x: np.full(len(x), np.nan), I_6_2), "no finite value at any of"),
    ],
)
def test_bad_input_is_told_in_one_line(call, message):
    with pytest.raises(BadInput, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_too_many_parameters_for_the_memory(monkeypatch):
    from supnorm.training import memory

    monkeypatch.setattr(memory, "available_bytes", lambda: 10**6)
    with pytest.raises(BadInput, match=r"inverse Hessian of 1217 weights needs .* use LBFGS\(\)"):
        fit(mass, I_10_7, method=NetworkFit(widths=(32,), optimiser=QuasiNewton()), max_evaluations=6000)


def jax_bell(x):
    import jax.numpy as jnp

    return jnp.exp(-((x[:, 0] / x[:, 1]) ** 2) / 2) / (jnp.sqrt(2 * jnp.pi) * x[:, 1])


def jax_mass(x):
    import jax.numpy as jnp

    return x[:, 0] / jnp.sqrt(1 - (x[:, 1] / x[:, 2]) ** 2)


def proved(f, domain, tolerance, **options):
    """A certified fit whose bracket holds the error on a dense sample."""
    from supnorm.sources import from_jax

    reference = from_jax(f)
    result = fit(reference, domain, tolerance=tolerance, certify=True, **options)
    assert result.status.code == "within-tolerance"
    assert result.winner.sup_upper <= tolerance
    x = domain.from_unit(np.random.default_rng(0).random((50_000, domain.d)))
    error = np.abs(result.model.value(x) - reference.value(x)).max()
    assert error <= result.winner.sup_upper * (1 + 1e-9) + 1e-13
    assert result.winner.sup_lower <= result.winner.sup_upper
    return result


@pytest.mark.slow
def test_chebyshev_surrogates_come_with_their_proof(tmp_path):
    result = proved(jax_bell, I_6_2, 1e-9)
    assert result.winner.method == "chebyshev"
    folder = result.save(tmp_path / "fit")
    assert json.loads((folder / "certificate.json").read_text())["schema"].startswith("supnorm")
    assert json.loads((folder / "fit.json").read_text())["winner"]["sup"]["upper_kind"] == "certified"


@pytest.mark.slow
@pytest.mark.parametrize(("f", "domain", "goal"), [(jax_bell, I_6_2, 1e-6), (jax_mass, I_10_7, 1e-4)])
def test_tanh_surrogates_are_proved_in_two_and_three_dimensions(f, domain, goal):
    result = proved(f, domain, goal, method=NetworkFit(widths=(8, 10, 12, 16)))
    assert result.winner.method.startswith("network")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "to certify a fit, give a tolerance"),
        ({"tolerance": 1e-3, "norm": "l2"}, "proves the largest error"),
        ({"tolerance": 1e-3, "method": SimplexInterpolation()}, "SimplexInterpolation cannot be certified"),
    ],
)
def test_certified_fits_say_what_they_need(options, message):
    with pytest.raises(BadInput, match=message):
        fit(jax_bell, I_6_2, certify=True, **options)


@pytest.mark.slow
def test_a_certified_grid_is_as_small_as_the_tolerance_allows():
    """To the last digit it had 5,200 terms, more than a proof reads: the fit ended with a traceback."""
    import jax.numpy as jnp

    def lift(x):
        return x[:, 2] * x[:, 0] ** 2 * jnp.sin(x[:, 1]) / (1 + 0.2 * x[:, 2] * x[:, 0])

    domain = Domain(v=(1.0, 10.0), a=(0.0, 0.3), c=(0.5, 1.5))
    for method in ("auto", ChebyshevTensor()):
        result = fit(
            lift, domain, tolerance=1e-2, certify=True, method=method, calls=FitCalls(audit_evaluations=500)
        )
        assert (result.status.code, result.winner.method) == ("within-tolerance", "chebyshev")
        assert result.winner.sup_upper <= 1e-2
        assert result.winner.approximation.parameters <= 200
    whole = full_fit(lift, domain, method=ChebyshevTensor(), calls=FitCalls(audit_evaluations=500))
    with pytest.raises(BadInput, match="chebyshev has more than 5,000 terms"):
        certify(Problem(whole.model, lift, domain))


@pytest.mark.slow
def test_results_at_a_prompt_are_short():
    """Networks, polynomials, programs and proofs have thousands of numbers: a result showed them all."""
    from supnorm.planning import SmoothClass, budget

    result = fit(
        jax_bell,
        I_6_2,
        tolerance=1e-2,
        certify=True,
        method=ChebyshevTensor(),
        calls=FitCalls(audit_evaluations=500),
    )
    model, domain = (
        Network.init(np.random.default_rng(0), 2, 1, 32, 2),
        Domain(x=Axis(1.0, 2.0, "m", scale="log")),
    )
    problem = Problem(result.model, jax_bell, I_6_2)
    plan = budget(SmoothClass(inputs=2, smoothness=2), tolerance=0.1)
    proof = result.certificate.certificate
    for shown in (result, result.winner, result.model, model, problem, plan, proof, domain):
        assert len(repr(shown)) < 1000, repr(shown)
        assert "\n" not in repr(shown)


def test_references_without_known_operations_cannot_be_certified():
    from scipy.special import j0

    with pytest.raises(BadInput, match="the reference cannot be certified"):
        fit(lambda x: j0(np.array(x.tolist()))[:, 0], LINE, tolerance=1e-3, certify=True)
    with pytest.raises(BadInput, match="fixed samples cannot be certified"):
        fit((X, X[:, 0]), tolerance=1e-3, certify=True)


@pytest.mark.slow
def test_ctrl_c_ends_with_the_best_so_far():
    stop = CtrlC(2)
    kink = Domain(x=(-1.0, 1.0), y=(-1.0, 1.0))
    result = fit(lambda x: np.abs(x[:, 0] + 0.3 * x[:, 1]), kink, tolerance=1e-12, observer=stop)
    assert (result.status.code, int(result.status.exit)) == ("interrupted", 3)
    assert len(result.candidates) == 2
    assert result.winner.audited


@pytest.mark.slow
def test_who_interrupts_does_not_wait_for_a_reference_that_has_become_slow(monkeypatch):
    """Its cost was recorded as cheap, so that the last audit had no limit of time: it took two minutes."""
    monkeypatch.setattr(outcome, "PATIENCE", 0.1)
    stop, after = CtrlC(2), []

    def slower(x):
        if len(stop.seen) == 2:
            after.append(len(x))
            time.sleep(0.05)
        return np.abs(x[:, 0] + 0.3 * x[:, 1])

    kink = Domain(x=(-1.0, 1.0), y=(-1.0, 1.0))
    result = fit(slower, kink, tolerance=1e-12, observer=stop)
    assert result.status.code == "interrupted"
    assert result.winner.audited
    assert len(after) < 30


@pytest.mark.slow
def test_ctrl_c_in_a_certified_fit_of_several_outputs_is_told():
    """Its errors were put into the tolerances asked for, and what ended it was forgotten on the way."""

    def two(x):
        return jnp.stack([jnp.sin(x[:, 0]), 10.0 * jnp.exp(x[:, 0])], axis=1)

    problem = Problem(None, from_jax(two), Domain(x=(0.0, 1.0)), tolerance=(1e-9, 1e-9))
    method = NetworkFit(widths=(4, 8), iterations=30)
    result = fit(
        problem, certify=True, method=method, calls=FitCalls(audit_evaluations=500), observer=CtrlC(1)
    )
    assert result.status.code == "interrupted"
    assert result.status.advice.startswith("You stopped the fit. ")
    assert num(result.winner.sup_lower) in result.status.advice


@pytest.mark.slow
def test_a_certified_fit_without_any_time_says_so():
    with pytest.raises(BadInput, match="ChebyshevTensor: the time was up"):
        fit(jax_bell, I_6_2, tolerance=1e-2, certify=True, seconds=1e-9, method=ChebyshevTensor())


def test_ctrl_c_before_the_first_candidate_is_not_swallowed():
    def stop(event):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(lambda x: x[:, 0], Domain(x=(0.0, 1.0)), tolerance=1e-3, observer=stop)


def test_a_candidate_that_only_looks_best_is_found_out():
    """A bump that no validation point meets: an audit of the apparent winner does, and the other one wins."""
    from supnorm.training.contest import Offer
    from supnorm.training.fit import _prepare
    from supnorm.training.outcome import finish
    from supnorm.training.reference_points import ReferencePoints

    def bump(x):
        return x[:, 0] + np.exp(-(((x[:, 0] - 0.37) / 0.004) ** 2))

    problem = Problem(None, bump, Domain(x=(0.0, 1.0)))
    state, jump = _prepare(
        problem,
        ReferencePoints(problem, 0, FitCalls(audit_evaluations=4000)),
        "sup",
        Limit(evaluations=200),
        0,
        lambda event: None,
    )
    assert state.validation.y.max() <= 1.0
    x = np.linspace(0.0, 1.0, 400)[:, None]
    labels = [x, bump(x)[:, None] + 0.2 * np.sin(9 * x)]
    for method, y in zip([PolynomialLeastSquares(), SimplexInterpolation()], labels, strict=True):
        state.judge(Offer(method.from_samples(x, y, problem.domain)), 0.0)
    assert state.best().approximation.method == "polynomial (total)"
    result = finish(state, jump, 0.0)
    assert result.winner.method == "simplex"
    assert 0.1 < result.winner.sup_lower < 0.5


def test_of_an_expensive_reference_an_audited_candidate_is_not_beaten_by_hearsay():
    """Nobody audits the others: with fewer parameters and an error of twice the size at a few points one of them won."""
    from supnorm.training.contest import Offer
    from supnorm.training.fit import _prepare
    from supnorm.training.reference_points import ReferencePoints

    problem = Problem(None, lambda x: x[:, 0], Domain(x=(0.0, 1.0)))
    state, _ = _prepare(
        problem,
        ReferencePoints(problem, 0, FitCalls(audit_evaluations=4000)),
        "sup",
        Limit(evaluations=200),
        0,
        lambda event: None,
    )
    x = np.linspace(0.0, 1.0, 50)[:, None]
    for method, y in [(SimplexInterpolation(), x + 1e-3), (PolynomialLeastSquares(), x + 1.5e-3)]:
        state.judge(Offer(method.from_samples(x, y, problem.domain)), 0.0)
    state.attempts[0].audited = True
    assert state.best().approximation.method == "polynomial (total)"  # it is audited before it can win
    state.points.caller.decided = True
    assert state.best().approximation.method == "simplex"


def test_where_the_error_counts_nowhere_nobody_can_judge():
    """It ended with a traceback; of fixed samples the largest error was nan, and above the tolerance."""
    options = {"tolerance": 1e-6, "method": PolynomialLeastSquares(), "max_evaluations": 500}
    sliver = ErrorMeasure(mask=lambda x: x[:, 0] < 1e-6)
    with pytest.raises(BadInput, match="the mask leaves out all of 50 random points; narrow the axes"):
        fit(lambda x: x[:, 0], LINE, error=ErrorMeasure(mask=lambda x: x[:, 0] < -1), **options)
    with pytest.raises(BadInput, match="the mask leaves out all of 6 samples that choose"):
        fit((X, X[:, 0]), error=sliver, **options)
    mute = ErrorMeasure("function", function=lambda model, reference, x: np.full(len(x), np.nan))
    with pytest.raises(BadInput, match="the error function gives no number"):
        fit(lambda x: x[:, 0], LINE, error=mute, **options)


def test_the_rms_is_over_the_points_that_have_an_error():
    """Of an audit without one it was nan; fresh points that the mask leaves out weighed as much as the others."""
    from types import SimpleNamespace

    from supnorm.training.assessment import Errors, Validation
    from supnorm.training.contest import Attempt
    from supnorm.training.outcome import _winner

    rng = np.random.default_rng(0)
    x = rng.random((40, 1))
    found = PolynomialLeastSquares().from_samples(x, x + 0.1, Domain(x=(0.0, 1.0)), rng)
    measure = ErrorMeasure(mask=lambda x: x[:, 0] < 0.5)
    fresh = Validation(Problem(None, lambda x: x, Domain(x=(0.0, 1.0)), error=measure), x, x)
    assert 10 < fresh.counting < 30

    def rms(n, value):
        report = SimpleNamespace(worst=None, rms=SimpleNamespace(n=n, value=value))
        return _winner(Attempt(found, Errors(0.0, 0.0), 0.0), report, fresh, 1.0).rms

    assert rms(0, np.nan) == pytest.approx(0.1, rel=1e-6)
    assert rms(fresh.counting, 0.3) == pytest.approx(np.sqrt(0.05), rel=1e-6)


@pytest.mark.slow
def test_a_round_without_time_leaves_the_proof_of_the_one_before():
    """A second round that began with its last millisecond ended the fit with "no method could be used"."""
    from supnorm.training.certified_fit import certified_fit

    problem = Problem(None, jax_bell, I_6_2, tolerance=1e-3)
    shares = []

    def fit_once(stricter, methods, seconds):
        shares.append(stricter.tolerance)
        if len(shares) > 1:
            raise BadInput("no method could be used (NetworkFit: the time was up)")
        rough = NetworkFit(widths=(4,), iterations=5)
        return full_fit(
            replace(stricter, tolerance=1.0),
            method=rough,
            calls=FitCalls(audit_evaluations=300),
            max_evaluations=200,
        )

    result = certified_fit(problem, [ChebyshevTensor()], fit_once, Limit(), lambda event: None)
    assert shares == [pytest.approx(6e-4), pytest.approx(3e-4)]
    assert result.certificate is not None
    assert result.status.code == "tolerance-exceeded"
    with pytest.raises(BadInput, match="the time was up"):
        certified_fit(problem, [ChebyshevTensor()], fit_once, Limit(), lambda event: None)


@pytest.mark.slow
def test_a_method_that_is_left_out_in_several_sizes_is_told_once():
    domain = Domain(lambda x: x[:, 0] < 2.5, theta=(1.0, 3.0), sigma=(1.0, 3.0))
    result = full_fit(
        jax_bell,
        domain,
        tolerance=0.5,
        certify=True,
        calls=FitCalls(audit_evaluations=300),
        max_evaluations=500,
    )
    assert [name for name, _ in result.skipped] == ["ChebyshevTensor"]


def test_samples_outside_are_named_by_the_row_they_have_in_the_file():
    """Equal points are merged and sorted first: the row has to be the one before that."""
    x = np.concatenate([X[::-1], X[:5]])
    x[17], x[30] = (0.9, 0.4), (0.7, 0.2)
    inside = np.where(x[:, :1] > 0.5, x * [0.5, 1.0], x)
    inside[17], inside[30] = x[17], x[30]
    with pytest.raises(
        BadInput, match=r"2 of 45 samples lie outside the domain, first in row 18 .*a = 0\.9, b = 0\.4;"
    ):
        fit((inside, inside[:, 0]), Domain(a=(0.0, 0.5), b=(0.0, 1.0)))
