"""Functions defined by an equation: values against mpmath, derivatives, points without a root, problem files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

import supnorm as sn
from supnorm.cli.compare import check_same_question
from supnorm.evaluation.guarded import guarded
from supnorm.problem import PartialFailure, fingerprint
from supnorm.program import Unsupported, program_of
from supnorm.results import BadInput
from supnorm.sources.root import equation_of, root

Array = np.ndarray[Any, np.dtype[np.float64]]

CODE = """
import numpy as np
def colebrook(x, f):
    return 1.0 / np.sqrt(f) + 2.0 * np.log10(x[:, 1] / 3.7 + 2.51 / (x[:, 0] * np.sqrt(f)))
def haaland(x):
    return (-1.8 * np.log10((x[:, 1] / 3.7) ** 1.11 + 6.9 / x[:, 0])) ** -2.0
def top(x): return 0.2 + 0.0 * x[:, 0]
"""
PROBLEM = """
[model]
python = "truth.py:haaland"
[reference]
root = "truth.py:colebrook"
start = "truth.py:haaland"
between = [0.004, "truth.py:top"]
[error]
kind = "relative"
floor = 0.0
[domain]
Re = { low = 4e3, high = 1e8, scale = "log" }
k = { low = 1e-6, high = 0.05, scale = "log" }
"""


def colebrook(x: Any, f: Any) -> Any:
    return 1.0 / np.sqrt(f) + 2.0 * np.log10(x[:, 1] / 3.7 + 2.51 / (x[:, 0] * np.sqrt(f)))


def kepler(x: Any, y: Any) -> Any:
    return y - x[:, 1] * np.sin(y) - x[:, 0]


def pipes(n: int) -> Array:
    rng = np.random.default_rng(0)
    return np.column_stack([10 ** rng.uniform(3.6, 8, n), 10 ** rng.uniform(-6, np.log10(0.05), n)])


def orbits(n: int) -> Array:
    rng = np.random.default_rng(1)
    return np.column_stack([rng.uniform(0.0, np.pi, n), rng.uniform(0.0, 0.99, n)])


def test_roots_are_accurate_to_the_last_digits() -> None:
    x, z = pipes(200), orbits(200)
    f = root(colebrook, 0.02, between=(0.004, 0.2)).value(x)[:, 0]
    y = root(kepler, between=(-1.0, 5.0)).value(z)[:, 0]
    with mpmath.workdps(40):
        for (re, k), found in zip(x.tolist(), f.tolist(), strict=True):
            equation = lambda v, re=re, k=k: (  # noqa: E731
                1 / mpmath.sqrt(v)
                + 2 * mpmath.log10(k / mpmath.mpf(3.7) + mpmath.mpf(2.51) / (re * mpmath.sqrt(v)))
            )
            assert abs(mpmath.findroot(equation, found) / found - 1) < 2e-15
        for (m, e), found in zip(z.tolist(), y.tolist(), strict=True):
            exact = mpmath.findroot(lambda v, m=m, e=e: v - e * mpmath.sin(v) - m, found)
            slope = 1.0 - e * np.cos(found)  # near it, rounding of g moves the root by this much more
            assert abs(exact - found) < 2e-15 / slope


@pytest.mark.parametrize("seed", range(20))
def test_random_monotone_equations(seed: int) -> None:
    """From any start, between wide ends, with ends that are functions of x, in any batch."""
    rng = np.random.default_rng(seed)
    a, b, c = rng.uniform(0.1, 3.0, 3)
    sign = rng.choice([-1.0, 1.0])
    g = lambda x, y: sign * (a * y + b * y**3 + np.exp(c * y) - 5.0 * x[:, 0])  # noqa: E731
    low = rng.choice([-1e3, -30.0]) / c if rng.random() < 0.5 else lambda x: -20.0 - 0.0 * x[:, 0]
    start = rng.choice([None, -25.0, 3.0, lambda x: x[:, 0]])
    solved = root(g, start, between=(low, 700.0 / c))
    x = rng.uniform(-2.0, 40.0, (50, 1))
    y = solved.value(x)
    slope = a + 3 * b * y[:, 0] ** 2 + c * np.exp(c * y[:, 0])
    size = a * abs(y[:, 0]) + abs(b * y[:, 0] ** 3) + np.exp(c * y[:, 0]) + 5.0 * abs(x[:, 0])
    assert (abs(g(x, y[:, 0])) <= 4e-15 * (size + slope * (1.0 + abs(y[:, 0])))).all()
    assert np.allclose(solved.value(x[3:4]), y[3:4], rtol=4e-15, atol=1e-15)


def test_the_derivative_is_that_of_the_implicit_function() -> None:
    for solved, x in (
        (root(colebrook, 0.02, between=(0.004, 0.2)), pipes(20)),
        (root(kepler, between=(-1.0, 5.0)), orbits(20)),
    ):
        y, pull = solved.vjp(x)
        slope = pull(np.full_like(y, 2.0))
        for j in range(2):
            h = 1e-5 * np.eye(2)[j] * x
            differences = (solved.value(x + h) - solved.value(x - h))[:, 0] / (2.0 * h[:, j])
            assert np.allclose(slope[:, j], 2.0 * differences, rtol=1e-5, atol=1e-12)


def test_a_point_without_a_root_fails_alone() -> None:
    cube = root(lambda x, y: y**3 - x[:, 0], between=(-2.0, 2.0), name="cube root")
    x = np.array([[1.0], [100.0], [8.0], [np.nan]])
    with pytest.raises(PartialFailure) as failure:
        cube.value(x)
    assert np.isnan(failure.value.values[[1, 3], 0]).all()
    assert failure.value.values[[0, 2], 0].tolist() == [1.0, 2.0]  # the second is an end of the branch
    assert "opposite signs" in failure.value.messages[1]
    _, messages = guarded(cube.value, x, 1)
    assert sorted(messages) == [1, 3]
    assert np.isnan(cube.vjp(x)[1](np.ones((4, 1)))[[1, 3]]).all()


def test_an_equation_without_values_on_its_branch_fails() -> None:
    broken = root(lambda x, y: np.log(y) + x[:, 0], between=(-1.0, 2.0))
    with pytest.raises(PartialFailure, match="opposite signs"):
        broken.value(np.array([[0.5]]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"between": (1.0, 0.0)}, "low < high"),
        ({"between": (1.0,)}, "two ends"),
        ({"between": (np.nan, 1.0)}, "finite number"),
        ({"start": "a", "between": (0.0, 1.0)}, "start must be"),
    ],
)
def test_arguments_that_name_no_branch_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        root(kepler, **arguments)


def test_code_that_cannot_be_read_is_refused_by_its_operation() -> None:
    solved = root(lambda x, y: np.round(y) - x[:, 0], between=(0.0, 1.0))
    with pytest.raises(BadInput, match="root cannot read g"):
        solved.value(np.array([[0.5]]))


def test_a_root_is_no_program() -> None:
    with pytest.raises(Unsupported, match="root of an equation"):
        program_of(root(kepler, between=(-1.0, 5.0)), 2)


@pytest.mark.slow
def test_jax_code_is_solved_in_double_precision() -> None:
    import jax.numpy as jnp

    solved = root(lambda x, y: y - x[:, 1] * jnp.sin(y) - x[:, 0], between=(-1.0, 5.0))
    x = orbits(30)
    assert np.allclose(solved.value(x), root(kepler, between=(-1.0, 5.0)).value(x), rtol=1e-13, atol=1e-15)


@pytest.mark.slow
def test_problem_files_name_roots(tmp_path: Path) -> None:
    (tmp_path / "truth.py").write_text(CODE)
    path = tmp_path / "problem.toml"
    path.write_text(PROBLEM)
    problem = sn.open_problem(path)
    assert equation_of(problem.reference) is not None
    assert np.isnan(problem.reference.value(pipes(50))).sum() == 0
    (tmp_path / "below").mkdir()
    sn.save_problem(problem, tmp_path / "below" / "again.toml")
    again = sn.open_problem(tmp_path / "below" / "again.toml")
    assert np.array_equal(again.reference.value(pipes(50)), problem.reference.value(pipes(50)))
    assert fingerprint(again) == fingerprint(problem)
    path.write_text(PROBLEM.replace("0.004", "0.003"))
    assert fingerprint(sn.open_problem(path)) != fingerprint(problem)
    (tmp_path / "truth.py").write_text(CODE + "# edited\n")
    assert fingerprint(sn.open_problem(path)) != fingerprint(problem)
    check_same_question([path, path])
    with pytest.raises(BadInput, match="between"):
        check_same_question([path, tmp_path / "below" / "again.toml"])


def test_the_inputs_of_an_equation_may_be_in_another_order(tmp_path: Path) -> None:
    (tmp_path / "truth.py").write_text(CODE)
    path = tmp_path / "problem.toml"
    path.write_text(PROBLEM)
    straight = sn.open_problem(path).reference
    swapped = PROBLEM.replace(
        'root = "truth.py:colebrook"', 'root = "truth.py:colebrook"\ninputs = ["Re", "k"]'
    )
    head, _, axes = swapped.rpartition("[domain]\n")
    first, second = axes.splitlines()
    path.write_text(f"{head}[domain]\n{second}\n{first}\n")
    turned = sn.open_problem(path).reference
    x = pipes(20)
    assert np.array_equal(turned.value(x[:, ::-1]), straight.value(x))
    assert np.allclose(
        turned.vjp(x[:, ::-1])[1](np.ones((20, 1)))[:, ::-1], straight.vjp(x)[1](np.ones((20, 1)))
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('between = [0.004, "truth.py:top"]', "", "root needs the ends"),
        ("0.004", "0.004, 0.1", "root needs the ends"),
        ("0.004", '"truth.py:bottom"', "no name bottom"),
        ('root = "truth.py:colebrook"', 'python = "truth.py:haaland"', "belongs? to root"),
        ("0.004", "true", "between"),
        ('start = "truth.py:haaland"', "per_point = true", "whole batches"),
    ],
)
def test_tables_that_name_no_branch_are_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    (tmp_path / "truth.py").write_text(CODE)
    (tmp_path / "problem.toml").write_text(PROBLEM.replace(old, new))
    with pytest.raises(BadInput, match=message) as refused:
        sn.open_problem(tmp_path / "problem.toml")
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.slow
@pytest.mark.slow
def test_a_root_is_audited_and_fitted_like_any_reference() -> None:
    domain = sn.Domain(M=(0.0, np.pi), e=(0.0, 0.5))
    solved = root(kepler, between=(-1.0, 5.0), name="Kepler")
    series = lambda x: x[:, 0] + x[:, 1] * np.sin(x[:, 0])  # noqa: E731
    report = sn.audit(sn.Problem(series, solved, domain), evaluations=2000, power=None)
    x = (
        np.array(list(report.worst.x))
        if not isinstance(report.worst.x, dict)
        else np.array(list(report.worst.x.values()))
    )
    assert report.worst.error == pytest.approx(abs(series(x[None]) - solved.value(x[None])[:, 0])[0])
    assert report.worst.error > 0.1
    fitted = sn.fit(sn.Problem(None, solved, domain), method="chebyshev", seed=0)
    z = domain.from_unit(np.random.default_rng(0).random((200, 2)))
    assert abs(fitted.model.value(z) - solved.value(z)).max() < 1e-3


def test_derivatives_of_a_root_are_outputs_of_a_sobolev_error() -> None:
    domain = sn.Domain(M=(0.5, 3.0), e=(0.1, 0.5))
    both = sn.with_derivatives(root(kepler, between=(-1.0, 5.0), name="Kepler"), domain)
    x = orbits(10) * [0.5, 0.4] + [0.5, 0.1]
    y = both.value(x)
    assert np.allclose(y[:, 1], 1.0 / (1.0 - x[:, 1] * np.cos(y[:, 0])))
    assert json.dumps(both.value(x).tolist())
