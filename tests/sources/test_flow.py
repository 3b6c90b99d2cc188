"""Flows: values against mpmath, derivatives, points without a solution, problem files."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

import supnorm as sn
from supnorm.evaluation.guarded import guarded
from supnorm.program import Unsupported, program_of
from supnorm.results import BadInput
from supnorm.sources.flow import dynamics_of

Array = np.ndarray[Any, np.dtype[np.float64]]


def pendulum(t: Any, y: Any, p: Any) -> Any:
    return [y[:, 1], -np.sin(y[:, 0])]


SWING = sn.flow(pendulum, lambda p: [p[:, 0], 0.0])
DECAY = "import numpy as np\ndef f(t, y, p): return [-p[:, 0] * y[:, 0] + 0.0 * t]\ndef y0(p): return [2.0]\n"


def exact(t: float, a: float) -> tuple[Any, Any]:
    """Angle and speed of the pendulum that begins at rest, by elliptic functions."""
    with mpmath.workdps(30):
        k = mpmath.sin(mpmath.mpf(a) / 2)

        def angle(s: Any) -> Any:
            return 2 * mpmath.asin(k * mpmath.ellipfun("sn", mpmath.ellipk(k * k) - s, m=k * k))

        return angle(mpmath.mpf(t)), mpmath.diff(angle, mpmath.mpf(t))


def test_the_pendulum_is_that_of_elliptic_functions() -> None:
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.uniform(0.0, 10.0, 12), rng.uniform(0.1, 2.0, 12)])
    values = SWING(x)
    for point, row in zip(x.tolist(), values.tolist(), strict=True):
        for got, true in zip(row, exact(*point), strict=True):
            assert abs(got - true) < 2e-14


@pytest.mark.slow
def test_derivatives_are_those_of_differences() -> None:
    x, h = np.array([[3.0, 1.0], [0.7, 1.9]]), 1e-5
    y, pull = SWING.vjp(x)
    assert np.allclose(y, SWING(x), rtol=0, atol=1e-13)
    for m in range(2):
        weights = np.tile(np.eye(2)[m], (2, 1))
        for j in range(2):
            step = h * np.eye(2)[j]
            slope = (SWING(x + step) - SWING(x - step))[:, m] / (2 * h)
            assert np.allclose(pull(weights)[:, j], slope, atol=1e-8)


def test_time_may_be_any_input_and_outputs_any_components() -> None:
    other = sn.flow(pendulum, lambda p: [p[:, 0], 0.0], time=1, components=[1])
    x = np.array([[3.0, 1.0], [0.7, 1.9]])
    assert np.array_equal(other(x[:, ::-1]), SWING(x)[:, 1:])


def test_a_start_of_numbers_at_another_time() -> None:
    grown = sn.flow(lambda t, y, p: y, 2.0, start=1.0)
    assert grown(np.array([[3.0], [0.0]]))[:, 0] == pytest.approx([2.0 * np.e**2, 2.0 / np.e], rel=1e-14)


@pytest.mark.slow
def test_a_pole_is_a_failed_point() -> None:
    y, messages = guarded(sn.flow(lambda t, y, p: y**2, [1.0]).value, np.array([[0.5], [1.5]]), None)
    assert y[0, 0] == pytest.approx(2.0, rel=1e-13)
    assert np.isnan(y[1, 0])
    assert "was not reached" in messages[1]


def test_a_flow_is_no_list_of_operations_and_survives_a_pickle() -> None:
    with pytest.raises(Unsupported, match="initial value problem"):
        program_of(SWING, 2)
    solver = sn.flow(_decay, [1.0]).value.run  # type: ignore[attr-defined]
    copy = pickle.loads(pickle.dumps(solver.__self__))
    assert copy.value(np.array([[1.0]]))[0, 0] == pytest.approx(np.exp(-1.0), rel=1e-14)


def _decay(t: Any, y: Any, p: Any) -> Any:
    return -y


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda: sn.flow(3, [1.0]), "needs a function"),  # type: ignore[arg-type]
        (lambda: sn.flow(pendulum, []), "y0 of a flow"),
        (lambda: sn.flow(pendulum, ["a"]), "y0 of a flow"),  # type: ignore[list-item]
        (lambda: sn.flow(pendulum, [1.0, np.nan]), "y0 of a flow"),
        (lambda: sn.flow(pendulum, [1.0, 0.0], time=0.5), "number of an input"),  # type: ignore[arg-type]
        (lambda: sn.flow(pendulum, [1.0, 0.0], start=np.inf), "start of a flow"),
        (lambda: sn.flow(pendulum, [1.0, 0.0], components=[0, 0]), "components"),
        (lambda: sn.flow(pendulum, [1.0, 0.0], time=3)(np.ones((1, 2))), "only 2 inputs"),
        (lambda: sn.flow(pendulum, [1.0, 0.0], components=5)(np.ones((1, 2))), "y has 2 of them"),
        (lambda: sn.flow(pendulum, [1.0])(np.ones((1, 2))), "cannot read f"),
        (lambda: sn.flow(lambda t, y, p: np.sort(y), [1.0])(np.ones((1, 2))), "cannot read f"),
    ],
)
def test_bad_arguments_end_in_one_line(given: Any, message: str) -> None:
    with pytest.raises(BadInput, match=message) as refused:
        given()
    assert len(str(refused.value).splitlines()) == 1


def opened(folder: Path, reference: str, inputs: str = "t = [0.0, 2.0]\na = [0.5, 1.5]\n") -> sn.Problem:
    (folder / "truth.py").write_text(DECAY)
    (folder / "problem.toml").write_text(
        f'[model]\npython = "truth.py:y0"\n[reference]\n{reference}\n[domain]\n{inputs}'
    )
    return sn.open_problem(folder / "problem.toml")


def test_a_problem_file_names_a_flow(tmp_path: Path) -> None:
    text = 'flow = "truth.py:f"\ninitial = "truth.py:y0"\ntime = "t"\n'
    problem = opened(tmp_path, text, "a = [0.5, 1.5]\nt = [0.0, 2.0]\n")
    value = problem.reference(np.array([[0.5, 2.0]]))
    assert value[0, 0] == pytest.approx(2.0 * np.exp(-1.0), rel=1e-14)
    sn.save_problem(problem, tmp_path / "copy" / "problem.toml")
    again = sn.open_problem(tmp_path / "copy" / "problem.toml")
    assert np.array_equal(again.reference(np.array([[0.5, 2.0]])), value)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ('flow = "truth.py:f"', "initial"),
        ('flow = "truth.py:f"\ninitial = [1.0]\nlimits = [0.0, 1.0]', "limits belongs to integral"),
        ('flow = "truth.py:f"\ninitial = [1.0]\ntime = "z"', "no axis has this name"),
        ('flow = "truth.py:f"\ninitial = [1.0]\nstart = "now"', "start of a flow"),
        ('flow = "truth.py:g"\ninitial = [1.0]', "no name g"),
        ('flow = "truth.py:f"\ninitial = [1.0]\nper_point = true', "whole batches"),
        ('python = "truth.py:y0"\ninitial = [1.0]', "initial belongs to flow"),
    ],
)
def test_problem_files_with_a_wrong_flow_are_refused(tmp_path: Path, reference: str, message: str) -> None:
    with pytest.raises(BadInput, match=message) as refused:
        opened(tmp_path, reference)
    assert len(str(refused.value).splitlines()) == 1


def test_inputs_of_an_axis_order() -> None:
    dynamics = dynamics_of(sn.flow(lambda t, y, p: p[:, :1] - p[:, 1:] + 0.0 * y, [0.0]))
    assert dynamics is not None
    moved = dynamics.columns([2, 0, 1])  # time is the last axis
    assert (moved.time, moved.others) == (2, (0, 1))


@pytest.mark.slow
def test_a_stiff_equation_ends_where_rounding_alone_is_above_the_tolerance() -> None:
    """At the tolerance of other equations this one took more than the 5,000 steps that there are."""
    k = 1000.0
    stiff = sn.flow(lambda t, y, p: -k * (y[:, 0] - np.cos(t)), [0.0])
    t = np.array([0.3, 1.0])
    exact = (k * k * (np.cos(t) - np.exp(-k * t)) + k * np.sin(t)) / (1.0 + k * k)
    assert np.abs(stiff(t[:, None])[:, 0] - exact).max() < 1e-13
