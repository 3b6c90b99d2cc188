"""Derivatives as outputs: certified in W^{1,inf}, from Python and from a problem file."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import supnorm as sn
from supnorm.checker import check
from supnorm.problem import draw_inside
from supnorm.results import BadInput

DOMAIN = sn.Domain(x=(0.0, 1.0), y=(0.0, 2.0))
CODE = """
import numpy as np
def truth(x): return np.sin(x[:, 0]) * x[:, 1]
def model(x): return truth(x) + 1e-3 * np.cos(3 * x[:, 0]) * x[:, 1]
def compiled(x): return np.array([float(a) * float(b) for a, b in x])
"""
PROBLEM = """
[model]
python = "code.py:model"
outputs = ["w"]
[reference]
python = "code.py:truth"
outputs = ["w"]
[error]
derivatives = true
[domain]
x = { low = 0.0, high = 1.0 }
y = { low = 0.0, high = 2.0 }
"""


@pytest.mark.slow
def test_the_worst_derivative_is_certified(tmp_path: Path) -> None:
    """The error cos(3 x) y/1000 is largest in d/dx: 3 y sin(3 x)/1000, 0.006 at x = pi/6, y = 2."""
    model = sn.with_derivatives(
        lambda x: np.sin(x[:, 0]) * x[:, 1] + 1e-3 * np.cos(3 * x[:, 0]) * x[:, 1], DOMAIN
    )
    reference = sn.with_derivatives(lambda x: np.sin(x[:, 0]) * x[:, 1], DOMAIN)
    result = sn.certify(sn.Problem(model, reference, DOMAIN), ratio=1.02)
    assert result.lower <= 0.006 * (1 + 1e-12)
    assert 0.006 * (1 - 1e-12) <= result.upper <= 1.02 * result.lower
    assert result.witness is not None
    assert result.witness.output == 1
    result.certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    "wrap", [lambda f: f, sn.from_jax, sn.Function], ids=["code", "from_jax", "Function"]
)
def test_derivatives_of_jax_functions_are_certified(wrap, tmp_path: Path) -> None:
    """The code is read while JAX traces its derivative; the bound holds over errors that JAX computes itself."""

    def truth(x: jax.Array) -> jax.Array:
        return jnp.sin(3 * x[:, 0]) * x[:, 1]

    def model(x: jax.Array) -> jax.Array:
        return truth(x) + 0.01 * jnp.tanh(x[:, 0] * 2 + x[:, 1])

    sides = (sn.with_derivatives(wrap(f), DOMAIN) for f in (model, truth))
    result = sn.certify(sn.Problem(*sides, DOMAIN), ratio=1.05)
    assert result.status.code == "proved"
    result.certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted
    with jax.enable_x64(True):
        x = DOMAIN.from_unit(np.random.default_rng(1).random((20_000, 2)))
        error, pull = jax.vjp(lambda x: model(x) - truth(x), jnp.asarray(x))
        slopes = np.asarray(pull(jnp.ones(len(x)))[0])
    worst = max(np.abs(error).max(), np.abs(slopes).max())
    assert 0.95 * result.lower < worst <= result.upper <= 1.05 * result.lower


def test_values_and_derivatives_agree_with_differences() -> None:
    def wave(x: np.ndarray) -> np.ndarray:
        return np.stack([np.sin(x[:, 0] * x[:, 1]), x[:, 0] ** 3], axis=1)

    x = np.random.default_rng(0).uniform(0.1, 0.9, size=(20, 2))
    exact = sn.with_derivatives(wave, DOMAIN).value(x)
    np.testing.assert_allclose(exact, sn.with_derivatives(wave, DOMAIN, step=1e-5).value(x), atol=1e-7)


@pytest.mark.slow
def test_derivatives_in_a_problem_file(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text(CODE)
    (tmp_path / "problem.toml").write_text(PROBLEM)
    problem = sn.open_problem(tmp_path / "problem.toml")
    assert problem.model is not None
    assert problem.model.outputs == ("w", "dw/dx", "dw/dy")
    result = sn.certify(problem, ratio=1.1)
    assert result.lower <= 0.006 * (1 + 1e-12) <= 0.0061 <= 1.1 * result.lower
    sn.save_problem(problem, tmp_path / "again.toml")
    again = sn.open_problem(tmp_path / "again.toml")
    x = np.array([[0.3, 0.7]])
    np.testing.assert_array_equal(again.reference.value(x), problem.reference.value(x))
    assert sn.certify(again, ratio=1.1).upper == result.upper


@pytest.mark.slow
def test_code_without_derivative_needs_a_step(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text(CODE)
    (tmp_path / "problem.toml").write_text(PROBLEM.replace("py:truth", "py:compiled"))
    with pytest.raises(BadInput, match=r"\[reference\].*step = 1e-4"):
        sn.open_problem(tmp_path / "problem.toml")
    text = PROBLEM.replace("py:truth", "py:compiled").replace(
        "derivatives = true", "derivatives = true\nstep = 1e-4"
    )
    (tmp_path / "problem.toml").write_text(text)
    found = sn.open_problem(tmp_path / "problem.toml").reference.value(np.array([[0.3, 0.7]]))
    np.testing.assert_allclose(found, [[0.21, 0.7, 0.3]], rtol=1e-6)


def test_differences_on_a_logarithmic_axis_are_small_at_its_lower_end() -> None:
    domain = sn.Domain(p=sn.Axis(1.0, 1e8, scale="log"))
    found = sn.with_derivatives(lambda x: np.log(x[:, 0]), domain, step=1e-4)
    x = np.array([[1.0], [10.0], [1e4], [1e8]])
    np.testing.assert_allclose(found.value(x)[:, 1], 1 / x[:, 0], rtol=1e-6)


@pytest.mark.slow
def test_what_is_declared_of_values_is_not_said_of_derivatives() -> None:
    """A size of sin(50 x) is none of 50 cos(50 x): the bound that followed was below errors that can be had."""
    domain = sn.Domain(x=(0.0, 1.0))

    def opaque(x: np.ndarray) -> np.ndarray:
        return np.array([float(np.sin(50 * float(v))) for v in x[:, 0]])

    declared = sn.with_bound(opaque, order=6, derivatives=(50.0**6,))
    reference = sn.with_derivatives(declared, domain, step=1e-4)
    model = sn.with_derivatives(lambda x: np.sin(50 * x[:, 0]), domain)
    with pytest.raises(BadInput, match="with_bound"):
        sn.certify(sn.Problem(model, reference, domain), ratio=2.0)


def test_another_step_is_another_problem() -> None:
    """Stored values of the reference are differences with the first one."""
    domain = sn.Domain(x=(0.0, 1.0))
    marks = {
        sn.problem.fingerprint(sn.Problem(None, sn.with_derivatives(np.sin, domain, step=step), domain))
        for step in (None, 1e-4, 1e-6)
    }
    assert len(marks) == 3


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("step", [None, 1e-4], ids=["exact", "differences"])
def test_nothing_is_evaluated_between_the_values_of_a_discrete_input(step: float | None) -> None:
    domain = sn.Domain(x=(0.0, 1.0), n=sn.Axis(values=(1.0, 2.0, 4.0)))
    seen: list[float] = []

    def value(x: np.ndarray) -> np.ndarray:
        seen.extend(x[:, 1].tolist())
        return np.sin(x[:, 0]) * x[:, 1] ** 2

    plain: object = value
    if step is None:
        plain = sn.from_jax(lambda x: jnp.sin(x[:, 0]) * x[:, 1] ** 2)
    wrapped = sn.with_derivatives(plain, domain, step=step)  # type: ignore[arg-type]
    y = wrapped.value(np.array([[0.5, 2.0], [0.25, 4.0]]))
    assert set(seen) <= {1.0, 2.0, 4.0}
    exact = [[4 * np.sin(0.5), 4 * np.cos(0.5), 0.0], [16 * np.sin(0.25), 16 * np.cos(0.25), 0.0]]
    assert y == pytest.approx(np.array(exact), abs=1e-6)
    assert any("no derivative with respect to n" in note for note in wrapped.notes)
    report = sn.audit(sn.Problem(wrapped, wrapped, domain), evaluations=200)
    assert report.worst is not None
    assert report.worst.error == 0
    assert set(seen) <= {1.0, 2.0, 4.0}


@pytest.mark.parametrize("kind", ["linear", "log", "data"])
def test_differences_stay_where_points_exist(kind: str) -> None:
    """A simulation may hang or raise outside its constraints; beside them the difference is one-sided."""
    rng = np.random.default_rng(0)
    if kind == "data":
        domain = sn.Domain.from_samples(1.0 + rng.random((60, 2)), ("x", "y"))
    else:
        domain = sn.Domain(
            [lambda x: x[:, 0] + x[:, 1] <= 2.5], x=sn.Axis(0.5, 2.0, scale=kind), y=(0.5, 2.0)
        )
    asked: list[np.ndarray] = []

    def value(x: np.ndarray) -> np.ndarray:
        asked.append(x.copy())
        return np.stack([x[:, 0] ** 2 * x[:, 1], x[:, 0] - 3 * x[:, 1]], axis=1)

    x = draw_inside(domain, 500, rng)
    y = sn.with_derivatives(value, domain, step=1e-3).value(x)
    assert domain.contains(np.concatenate(asked)).all()
    known = np.isfinite(y).all(axis=1)
    assert known.mean() > 0.95
    exact = np.stack([2 * x[:, 0] * x[:, 1], 1 + 0 * x[:, 0], x[:, 0] ** 2, -3 + 0 * x[:, 0]], axis=1)
    np.testing.assert_allclose(y[known, 2:], exact[known], atol=0.02)


def test_a_point_without_neighbours_has_no_derivative() -> None:
    domain = sn.Domain([lambda x: np.abs(x[:, 0] - 1.0) < 1e-9], x=(0.0, 2.0))
    y = sn.with_derivatives(lambda x: x[:, 0] ** 2, domain, step=1e-3).value(np.array([[1.0]]))
    assert y[0, 0] == 1.0
    assert np.isnan(y[0, 1])


def test_tracing_for_hundreds_of_points_is_no_longer_than_for_three():
    """`certify` traces the code for as many points as it calls it with: one by one, that took half a minute."""
    code = sn.with_derivatives(lambda x: x[:, 0] * np.sin(x[:, 1]), DOMAIN).value.code
    three, many = (len(jax.make_jaxpr(code)(jax.ShapeDtypeStruct((n, 2), np.float64)).eqns) for n in (3, 300))
    assert many <= three
