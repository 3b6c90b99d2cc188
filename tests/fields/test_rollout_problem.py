"""The worst initial state: linear steppers, whose worst state is known, and gradients through all steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import supnorm as sn
from supnorm.fields.rollout_file import read_rollout
from supnorm.results import BadInput

SIZE, STEPS, RADIUS = 4, 3, 0.5
RNG = np.random.default_rng(11)
MODEL = np.eye(SIZE) * 0.9 + 0.2 * RNG.standard_normal((SIZE, SIZE))
TRUTH = MODEL + 0.05 * RNG.standard_normal((SIZE, SIZE))
GAP = np.linalg.matrix_power(MODEL, STEPS) - np.linalg.matrix_power(TRUTH, STEPS)
LIBRARIES = ("numpy", "jax", "torch")


def steppers(library: str) -> tuple[Any, Any]:
    """Both sides, in the library."""
    if library == "torch":
        torch = pytest.importorskip("torch")
        a, b = torch.as_tensor(MODEL), torch.as_tensor(TRUTH)
        return (lambda u: a @ u), (lambda u: b @ u)
    if library == "jax":
        pytest.importorskip("jax")
    return (lambda u: MODEL @ u), (lambda u: TRUTH @ u)


def problem_of(library: str, norm: str = "l2", error: str = "max", analysis: Any = None) -> sn.Problem:
    """Linear steppers on a ball."""
    start = np.zeros(SIZE) if analysis is None else analysis
    domain, initial = sn.initial_ball(start, RADIUS, norm=norm)
    return sn.rollout_problem(*steppers(library), initial, domain, steps=STEPS, norm=error, library=library)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("library", LIBRARIES)
def test_the_values_are_those_of_the_roll_out(library: str) -> None:
    problem = problem_of(library)
    x = RNG.uniform(-1, 1, (5, SIZE))
    z = x * (np.abs(x).max(1) / np.linalg.norm(x, axis=1))[:, None]
    np.testing.assert_allclose(
        problem.model.value(x) - problem.reference.value(x), RADIUS * z @ GAP.T, atol=1e-14
    )
    assert problem.model.outputs == problem.reference.outputs
    assert problem.model.outputs[2] == "state axis 1 = 2"


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("library", ["jax", "torch"])
def test_gradients_go_through_all_steps(library: str) -> None:
    problem = problem_of(library)
    x, h = RNG.uniform(-1, 1, (3, SIZE)), 1e-6
    weights = RNG.standard_normal((3, SIZE))
    gradient = problem.model.vjp(x)[1](weights)
    for k in range(SIZE):
        shift = np.eye(SIZE)[k] * h
        slope = ((problem.model.value(x + shift) - problem.model.value(x - shift)) * weights).sum(1) / (2 * h)
        np.testing.assert_allclose(gradient[:, k], slope, rtol=1e-6, atol=1e-9)
    centre = problem.model.vjp(np.zeros((1, SIZE)))[1](np.ones((1, SIZE)))
    assert np.isfinite(centre).all()


@pytest.mark.slow
@pytest.mark.parametrize("library", LIBRARIES)
def test_the_audit_finds_the_worst_initial_state_of_a_ball(library: str) -> None:
    """In the l2 ball the worst error of a cell is the largest row norm of the difference of both propagators."""
    report = sn.audit(problem_of(library), evaluations=3000)
    known = RADIUS * np.linalg.norm(GAP, axis=1).max()
    assert report.worst.error <= known * (1 + 1e-12)
    assert report.worst.error >= known * (0.999 if library != "numpy" else 0.98)


@pytest.mark.slow
def test_the_audit_finds_the_worst_initial_state_of_a_box() -> None:
    report = sn.audit(problem_of("jax", norm="max"), evaluations=2000)
    assert report.worst.error == pytest.approx(RADIUS * np.abs(GAP).sum(1).max(), rel=1e-6)


@pytest.mark.slow
def test_the_root_mean_square_error_is_a_norm_too() -> None:
    report = sn.audit(problem_of("numpy", error="rms"), evaluations=4000)
    known = RADIUS * np.linalg.norm(GAP, 2) / np.sqrt(SIZE)
    assert 0.98 * known <= report.worst.error <= known * (1 + 1e-12)


@pytest.mark.slow
def test_an_error_of_the_roll_out_from_the_witness_is_the_one_that_was_stated() -> None:
    domain, initial = sn.initial_ball(np.ones(SIZE), RADIUS)
    problem = sn.rollout_problem(*steppers("jax"), initial, domain, steps=STEPS, library="jax")
    report = sn.audit(problem, evaluations=500)
    record = sn.audit_rollout(*steppers("numpy"), [initial(np.asarray(report.worst.x))], steps=STEPS).record
    assert record.by_step[-1].sup == pytest.approx(report.worst.error, rel=1e-12)


@pytest.mark.slow
def test_one_of_several_analyses_is_chosen() -> None:
    starts = [np.zeros(SIZE), np.ones(SIZE), 10 * np.ones(SIZE)]
    for library in ("numpy", "jax"):
        domain, initial = sn.initial_ball(starts, RADIUS)
        assert domain.names[-1] == "analysis"
        problem = sn.rollout_problem(*steppers(library), initial, domain, steps=STEPS, library=library)
        report = sn.audit(problem, evaluations=1000)
        assert report.worst.x[-1] == 2.0
        known = np.abs(GAP @ starts[2]) + RADIUS * np.linalg.norm(GAP, axis=1)
        assert report.worst.error <= known.max() * (1 + 1e-12)
        assert report.worst.error >= 0.98 * known.max()


def test_patterns_span_the_perturbations() -> None:
    patterns = np.zeros((2, SIZE))
    patterns[0, 1] = patterns[1, 3] = 2.0
    domain, initial = sn.initial_ball(np.zeros(SIZE), RADIUS, patterns=patterns, norm="max")
    np.testing.assert_array_equal(initial(np.array([1.0, -0.5])), [0.0, 1.0, 0.0, -0.5])
    assert domain.d == 2


def test_a_model_that_blows_up_has_an_infinite_error() -> None:
    def step(u: Any) -> Any:
        return np.where(u > 0.4, np.nan, u)

    domain, initial = sn.initial_ball(np.zeros(2), RADIUS, norm="max")
    report = sn.audit(sn.rollout_problem(step, lambda u: u, initial, domain, steps=2), evaluations=300)
    assert report.worst.error == np.inf


def test_numbered_steps_and_mappings() -> None:
    domain = sn.Domain(a=(0.0, 1.0))
    step = lambda s, k: {"u": s["u"] + k, "v": s["v"]}  # noqa: E731
    same = lambda s, k: s  # noqa: E731
    for library in ("numpy", "jax"):
        initial = lambda x: {"u": x[:1], "v": 0.0 * x[:1]}  # noqa: E731
        problem = sn.rollout_problem(
            step, same, initial, domain, steps=3, library=library, variables=("u",),
            settings=sn.RolloutSettings(numbered=True),
        )  # fmt: skip
        x = np.array([[0.25]])
        assert (problem.model.value(x) - problem.reference.value(x)).tolist() == [[3.0]]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"steps": 0}, "steps must be"),
        ({"norm": "l7"}, "norm must be one of"),
        ({"library": "fortran"}, "library must be one of"),
    ],
)
def test_bad_problems(given: dict[str, Any], words: str) -> None:
    usual: dict[str, Any] = {"steps": 2}
    with pytest.raises(sn.BadInput) as caught:
        sn.rollout_problem(np.copy, np.copy, np.copy, sn.Domain(x=(0.0, 1.0)), **{**usual, **given})
    assert words in str(caught.value)


def test_bad_balls() -> None:
    for given, words in (
        ((np.zeros(2), -1.0), "radius"),
        (([np.zeros(2), np.zeros(3)], 1.0), "different shapes"),
    ):
        with pytest.raises(sn.BadInput) as caught:
            sn.initial_ball(*given)
        assert words in str(caught.value)
    with pytest.raises(sn.BadInput, match="patterns must have the shape"):
        sn.initial_ball(np.zeros(2), 1.0, patterns=np.zeros((1, 3)))
    with pytest.raises(sn.BadInput, match="norm must be"):
        sn.initial_ball(np.zeros(2), 1.0, norm="l1")


def test_a_dotted_key_of_thousands_of_parts_is_refused_at_once(tmp_path):
    """The parser of TOML takes hours for it."""
    (tmp_path / "r.toml").write_text("a" + ".a" * 200_000 + " = 1\n")
    with pytest.raises(BadInput, match="not valid TOML"):
        read_rollout(tmp_path / "r.toml")
