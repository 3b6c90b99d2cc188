"""Integrals: values against mpmath, derivatives, points without a value, problem files."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

import supnorm as sn
from supnorm.evaluation.guarded import guarded
from supnorm.program import Unsupported, program_of
from supnorm.results import BadInput

module: Any = import_module("supnorm.sources.integral")

CODE = "import numpy as np\ndef f(x, s): return np.exp(-x[:, 0] * s)\ndef top(x): return 1.0 + x[:, 1]\n"


def elliptic(x: Any, s: Any) -> Any:
    return 1.0 / np.sqrt(1.0 - x[:, 1] * np.sin(s) ** 2)


F = sn.integral(elliptic, 0.0, lambda x: x[:, 0])


def test_the_incomplete_elliptic_integral() -> None:
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.uniform(-1.5, 1.5, 20), rng.uniform(0.0, 0.95, 20)])
    with mpmath.workdps(30):
        true = [float(mpmath.ellipf(*row)) for row in x.tolist()]
    assert F(x)[:, 0] == pytest.approx(true, rel=2e-15)


def test_integrands_that_are_not_smooth() -> None:
    root = sn.integral(lambda x, s: np.sqrt(s), 0.0, lambda x: x[:, 0])
    assert root(np.array([[2.0]]))[0, 0] == pytest.approx(2.0**1.5 * 2.0 / 3.0, rel=1e-15)
    bent = sn.integral(lambda x, s: np.abs(s - x[:, 0]), 0.0, 1.0)
    assert bent(np.array([[0.3]]))[0, 0] == pytest.approx(0.29, rel=1e-15)


def test_derivatives_are_those_of_differences() -> None:
    x, h = np.array([[1.0, 0.5], [-0.4, 0.9]]), 1e-5
    y, pull = F.vjp(x)
    assert np.allclose(y, F(x), rtol=1e-14)
    for j in range(2):
        step = h * np.eye(2)[j]
        assert np.allclose(
            pull(np.ones((2, 1)))[:, j], (F(x + step) - F(x - step))[:, 0] / (2 * h), rtol=1e-8
        )


def test_a_pole_is_a_failed_point() -> None:
    y, messages = guarded(
        sn.integral(lambda x, s: 1.0 / s, -1.0, lambda x: x[:, 0]).value, np.array([[-0.5], [1.0]]), None
    )
    assert y[0, 0] == pytest.approx(np.log(0.5), rel=1e-14)
    assert np.isnan(y[1, 0])
    assert "has no value to float64 accuracy" in messages[1]


def test_an_integral_is_no_list_of_operations() -> None:
    with pytest.raises(Unsupported, match="is an integral"):
        program_of(F, 2)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda: sn.integral(3, 0.0, 1.0), "needs a function"),  # type: ignore[arg-type]
        (lambda: sn.integral(elliptic, 0.0, np.inf), "a limit of an integral"),
        (lambda: sn.integral(elliptic, "a", 1.0), "a limit of an integral"),  # type: ignore[arg-type]
        (lambda: sn.integral(lambda x, s: np.sort(s), 0.0, 1.0)(np.ones((2, 2))), "cannot read f"),
        (lambda: sn.integral(elliptic, 0.0, lambda x: x)(np.ones((2, 2))), "limit"),
    ],
)
def test_bad_arguments_end_in_one_line(given: Any, message: str) -> None:
    with pytest.raises(BadInput, match=message) as refused:
        given()
    assert len(str(refused.value).splitlines()) == 1


def opened(folder: Path, reference: str, inputs: str = "") -> sn.Problem:
    (folder / "truth.py").write_text(CODE)
    (folder / "problem.toml").write_text(
        f'[model]\npython = "truth.py:top"\n[reference]\n{reference}\n{inputs}[domain]\na = [0.5, 1.5]\nb = [0.0, 2.0]\n'
    )
    return sn.open_problem(folder / "problem.toml")


def test_a_problem_file_names_an_integral(tmp_path: Path) -> None:
    text = 'integral = "truth.py:f"\nlimits = [0.0, "truth.py:top"]\n'
    value = opened(tmp_path, text).reference(np.array([[0.5, 2.0]]))
    assert value[0, 0] == pytest.approx((1.0 - np.exp(-1.5)) / 0.5, rel=1e-14)
    swapped = opened(tmp_path, text, 'inputs = ["b", "a"]\n').reference(np.array([[2.0, 0.5]]))
    assert swapped == pytest.approx(value)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ('integral = "truth.py:f"', "limits"),
        ('integral = "truth.py:f"\nlimits = [0.0]', "limits"),
        ('integral = "truth.py:f"\nlimits = [0.0, 1.0]\nbetween = [0.0, 1.0]', "between belongs to root"),
        ('integral = "truth.py:f"\nlimits = [0.0, "truth.py:g"]', "no name g"),
        ('integral = "truth.py:f"\nflow = "truth.py:f"\nlimits = [0.0, 1.0]', "exactly one"),
    ],
)
def test_problem_files_with_a_wrong_integral_are_refused(
    tmp_path: Path, reference: str, message: str
) -> None:
    with pytest.raises(BadInput, match=message) as refused:
        opened(tmp_path, reference)
    assert len(str(refused.value).splitlines()) == 1


def test_intervals_that_only_noise_keeps_open_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Near a pole no halving helps; without a limit their number doubles until the memory is full."""
    sizes: list[int] = []

    def near(s: Any, rows: Any) -> Any:
        sizes.append(len(s))
        return np.where(rows % 2 == 0, 1.0 / (s - 0.3 - 1e-3 * rows), np.cos(9.0 * s))[:, None]

    monkeypatch.setattr(module, "OPEN", 64)
    monkeypatch.setattr(module, "TOGETHER", 16)
    values, good = module.adaptive(near, 40, 1)
    assert good.tolist() == [i % 2 == 1 for i in range(40)]
    np.testing.assert_allclose(values[1::2, 0], 2.0 * np.sin(9.0) / 9.0, rtol=1e-14)
    assert max(sizes) <= 16 * 2 * 64 * module.NODES
