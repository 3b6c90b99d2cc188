"""References by name: functions of mpmath, rounded correctly."""

from __future__ import annotations

import math
import pickle
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import supnorm as sn
from supnorm.problem import PartialFailure
from supnorm.sources.mpmath_values import Named, known_names, mpmath_function, nearest

mpmath = pytest.importorskip("mpmath")
PROBLEM = """
model = "mpmath:sin"
reference = {{ {reference} }}
[domain]
x = [0.1, 0.9]
[error]
kind = "ulp"
"""


def test_values_are_those_of_exact_formulas() -> None:
    """hyp2f1 where it is a rational number, and where its terms cancel to 1e-30 of the largest."""
    f = mpmath_function("hyp2f1", ["z"], [-3, 2.0, 1, "z"])
    z = np.array([[0.3], [1.5], [-7.0]])
    exact = [
        float(sum(Fraction((-1) ** k * math.comb(3, k) * (k + 1)) * Fraction(t) ** k for k in range(4)))
        for t in z[:, 0].tolist()
    ]
    assert f(z)[:, 0].tolist() == exact
    assert Named("exp", ("x",))(-745.0) == 5e-324
    assert Named("hyp1f1", (20, 1.5, "x"))(-60.0) == float(mpmath.mp.clone().hyp1f1(20, 1.5, -60))


def test_the_least_float64_numbers_and_halves_between_two() -> None:
    mp = mpmath.mp.clone()
    mp.prec = 300
    halves = [mp.ldexp(k, -1075) for k in range(1, 8)]  # of the smallest number
    assert [nearest(h) / 5e-324 for h in halves] == [0, 1, 2, 2, 2, 3, 4]
    assert [nearest(-h - mp.ldexp(1, -1200)) / 5e-324 for h in halves] == [-1, -1, -2, -2, -3, -3, -4]
    assert nearest(mp.ldexp(1, 1024) - mp.ldexp(1, 970)) == math.inf  # halfway to 2^1024, which is even
    assert nearest(mp.ldexp(1, 1024) - mp.ldexp(1, 971)) == 1.7976931348623157e308


def test_a_function_on_which_no_two_precisions_agree_has_no_value_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Noise of the size 1e-10 in every precision: no two agree."""
    from supnorm.sources import mpmath_values as file

    class Noisy:
        def __getattr__(self, name: str) -> object:
            return getattr(mp, name) if name != "sin" else lambda x: x + mp.rand() * 1e-10

        def __setattr__(self, name: str, value: object) -> None:
            setattr(mp, name, value)

    mp = mpmath.mp.clone()
    monkeypatch.setattr(file, "_context", Noisy)
    with pytest.raises(
        ArithmeticError, match=r"no two precisions agree on sin: its values with 1280 and 2560 bits"
    ):
        Named("sin", ("x",))(0.5)


def test_points_without_a_value_say_why_and_leave_the_others() -> None:
    with pytest.raises(PartialFailure) as failed:
        mpmath_function("log")(np.array([[2.0], [-1.0], [0.0]]))
    assert failed.value.values[0] == math.log(2.0)
    assert "complex" in failed.value.messages[1]
    assert set(failed.value.messages) <= {1, 2}
    with pytest.raises(PartialFailure) as failed:
        mpmath_function("gamma")(np.array([[-3.0], [5.0]]))
    assert failed.value.values[1] == 24.0


def test_every_name_is_a_function_of_numbers_and_copies_of_it_say_the_same() -> None:
    assert {"hyp2f1", "besselj", "erf", "gammainc", "j0", "exp"} <= {*known_names()}
    assert not {"quad", "plot", "findroot", "mpf", "runtests", "workprec", "nsum"} & {*known_names()}
    f = mpmath_function("besselj", ["x"], [0, "x"], timeout=5.0)
    assert f.remake is not None
    again = pickle.loads(pickle.dumps(f.remake))()
    assert again(np.array([[1.0]])) == f(np.array([[1.0]]))


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ('mpmath = "hyp2f2f"', "no function 'hyp2f2f' that can be a reference; did you mean hyp2f2?"),
        ('mpmath = "quad"', "no function 'quad'"),
        ('mpmath = "besselj"', "missing a required argument: 'z'"),
        ('mpmath = "besselj", arguments = [0, "y"]', "must name each input once (x); they name y"),
        ('mpmath = "besselj", arguments = [0, nan]', "must name each input once"),
        ('mpmath = "besselj", arguments = [nan, "x"]', "a fixed argument of besselj is a number"),
        ('python = "a.py:f", arguments = [1]', "arguments belongs to mpmath"),
        ('mpmath = "sin", file = "a.onnx"', "give exactly one of"),
    ],
)
def test_what_cannot_be_a_reference_is_refused_by_name(reference: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(PROBLEM.format(reference=reference))
    with pytest.raises(sn.BadInput) as refused:
        sn.open_problem(tmp_path / "p.toml")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.slow
def test_the_worst_error_of_a_series_in_ulp(tmp_path: Path) -> None:
    """sin by five terms is off by x^11/11! at most: at x = 0.9 by 7.2e-9 of 0.78, whose unit is 2^-53."""
    (tmp_path / "m.py").write_text(
        "def f(x):\n    x = x[:, 0]\n    return x - x**3/6 + x**5/120 - x**7/5040 + x**9/362880"
    )
    text = PROBLEM.format(reference='mpmath = "sin"').replace('"mpmath:sin"', '{ python = "m.py:f" }')
    (tmp_path / "p.toml").write_text(text)
    report = sn.audit(sn.open_problem(tmp_path / "p.toml"), evaluations=400)
    exact = 0.9**11 / math.factorial(11) * 2.0**53
    assert report.worst is not None
    assert 0.99 * exact < report.worst.error < exact
    assert report.record.measure.unit == "ulp"
    with pytest.raises(sn.BadInput, match=r"no proof for an error in ulp; prove kind = .relative."):
        sn.certify(sn.open_problem(tmp_path / "p.toml"))


def test_arguments_that_are_too_few_or_too_many_are_told_before_any_call() -> None:
    """They failed at each point, with the advice to set per_point."""
    for name, inputs, complaint in (("hyp2f1", ["x"], "'b'"), ("erf", ["x", "y"], "too many")):
        with pytest.raises(sn.BadInput, match=complaint) as refused:
            sn.mpmath_function(name, inputs)
        assert "arguments = " in str(refused.value)
    assert sn.mpmath_function("besselj", ["x"], [0, "x"])([[0.0]]).item() == 1.0
