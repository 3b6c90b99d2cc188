"""Examples whose packages supnorm does not depend on: skipped where they are absent."""

from __future__ import annotations

import runpy
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from supnorm import audit, open_problem

EXAMPLES = Path(__file__).parent.parent / "examples"
needs_cann = pytest.mark.skipif(find_spec("cann") is None, reason="calibration-nn is not installed")
needs_quantlib = pytest.mark.skipif(find_spec("QuantLib") is None, reason="QuantLib is not installed")
needs_xfoil = pytest.mark.skipif(
    find_spec("neuralfoil") is None or shutil.which("xfoil") is None or shutil.which("cc") is None,
    reason="neuralfoil, xfoil or a C compiler is not installed",
)
LOW = np.array([-1.0, 0.0, 0.01, 0.01, 0.05, 0.6, 0.05, 0.0])
HIGH = np.array([0.0, 3.0, 0.8, 0.5, 0.5, 1.4, 3.0, 0.05])


def _truth(name: str) -> dict[str, Any]:
    return runpy.run_path(str(EXAMPLES / name / "truth.py"))


def test_heston_without_randomness_is_black_and_scholes() -> None:
    """As gamma -> 0 with theta = v0 the implied volatility is sqrt(v0); the price inverts exactly."""
    rng = np.random.default_rng(3)
    x = LOW + rng.random((200, 8)) * (HIGH - LOW)
    x[:, 2], x[:, 3] = 1e-4, x[:, 4]
    truth = _truth("heston")
    meant = truth["defined"](x)
    assert meant.sum() > 100
    error = truth["implied_volatility"](x) - np.sqrt(x[:, 4])
    # The first correction is of order gamma; the coefficient is below 5 on this domain.
    assert np.abs(error[meant]).max() < 5e-4


@pytest.mark.slow
def test_heston_at_the_hard_corner_against_mpmath() -> None:
    """rho = -1, kappa = 0: the characteristic function decays slowest, and the formula is nearest to 0/0."""
    import mpmath

    x = np.array(
        [[-1.0, 0.0, 0.5, 0.01, 0.2684, 0.8, 2.66, 0.02], [-0.7, 1.3, 0.8, 0.2, 0.05, 1.3, 0.05, 0.0]]
    )
    with mpmath.workdps(25):
        for row, price in zip(x, _truth("heston")["call_price"](x), strict=True):
            rho, kappa, gamma, theta, v0, m, tau, r = map(mpmath.mpf, row.tolist())
            ahead = mpmath.log(m) + r * tau

            def integrand(u: Any) -> Any:
                z = u - mpmath.mpc(0, 0.5)
                beta = kappa - 1j * rho * gamma * z  # noqa: B023
                d = mpmath.sqrt(beta**2 + gamma**2 * (z * z + 1j * z))  # noqa: B023
                g = (beta - d) / (beta + d)
                fall = mpmath.exp(-d * tau)  # noqa: B023
                level = (beta - d) * tau - 2 * mpmath.log((1 - g * fall) / (1 - g))  # noqa: B023
                log_phi = (kappa * theta * level + v0 * (beta - d) * (1 - fall) / (1 - g * fall)) / gamma**2  # noqa: B023
                return mpmath.re(mpmath.exp(1j * z * ahead + log_phi) / (z * z + 1j * z))  # noqa: B023

            ends = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 16384]
            least = mpmath.quad(integrand, ends) / mpmath.pi
            wanted = mpmath.exp(-r * tau) * (mpmath.exp(ahead) - least)
            assert float(abs(wanted - price)) < 1e-9


@needs_quantlib
def test_heston_agrees_with_quantlib() -> None:
    rng = np.random.default_rng(2)
    x = LOW + rng.random((40, 8)) * (HIGH - LOW)
    x[:, 6] = np.round(x[:, 6] * 365) / 365
    prices = [_quantlib_price(*row.tolist()) for row in x]
    assert np.abs(_truth("heston")["call_price"](x) - prices).max() < 1e-8


def _quantlib_price(*row: float) -> float:
    import QuantLib as ql

    rho, kappa, gamma, theta, v0, m, tau, r = row
    today = ql.Date(1, 1, 2026)
    ql.Settings.instance().evaluationDate = today
    days = ql.Actual365Fixed()
    rates, yields = (ql.YieldTermStructureHandle(ql.FlatForward(today, q, days)) for q in (r, 0.0))
    spot = ql.QuoteHandle(ql.SimpleQuote(m))
    process = ql.HestonProcess(rates, yields, spot, v0, kappa, theta, gamma, rho)
    payoff = ql.PlainVanillaPayoff(ql.Option.Call, 1.0)
    option = ql.VanillaOption(payoff, ql.EuropeanExercise(today + round(tau * 365)))
    option.setPricingEngine(ql.AnalyticHestonEngine(ql.HestonModel(process), 1e-11, 100_000))
    return float(option.NPV())


@needs_cann
@pytest.mark.slow
def test_heston_network_is_wrong_where_it_was_trained() -> None:
    """At least 0.054 inside the range of the data, where random points of the law see a third of it."""
    report = audit(open_problem(EXAMPLES / "heston" / "problem.toml"), evaluations=10_000)
    assert report.worst is not None
    assert report.worst.error >= 0.054
    assert report.document["plain_sample"]["worst"] < report.worst.error / 3
    assert report.document["findings"] == []


@needs_cann
@pytest.mark.slow
def test_heston_declared_box_exceeds_the_data() -> None:
    report = audit(open_problem(EXAMPLES / "heston" / "declared.toml"), evaluations=2_000)
    (finding,) = report.document["findings"]
    assert finding["code"] == "domain-exceeds-data"
    assert "gamma" in finding["text"]
    assert "tau" in finding["text"]


@needs_cann
@pytest.mark.slow
def test_wrong_labels_are_reference_faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "heston"
    shutil.copytree(EXAMPLES / "heston", folder, ignore=shutil.ignore_patterns("labels.csv", "__pycache__"))
    monkeypatch.setattr(sys, "argv", ["prepare.py", str(folder / "labels.csv")])
    monkeypatch.syspath_prepend(str(folder))
    runpy.run_path(str(folder / "prepare.py"), run_name="__main__")
    report = audit(open_problem(folder / "labels.toml"))
    assert report.worst is not None
    assert report.worst.error > 0.2
    assert report.status.code == "reference-fault"
    assert [w.recheck for w in report.peaks[:5]] == ["reference-fault"] * 5


@needs_xfoil
@pytest.mark.slow
def test_xfoil_gives_the_lift_of_a_known_section() -> None:
    """NACA 2412, 4 degrees, Re 3e6: 0.68 to 0.72 in wind tunnels (Abbott and von Doenhoff 1959)."""
    truth = _truth("airfoil")
    coarse = truth["lift_160"](0.02, 0.4, 0.12, 4.0, 3e6)
    assert 0.65 < coarse < 0.75
    assert abs(truth["lift_300"](0.02, 0.4, 0.12, 4.0, 3e6) - coarse) < 0.01
    assert abs(truth["network"](0.02, 0.4, 0.12, 4.0, 3e6) - coarse) < 0.02


@needs_xfoil
@pytest.mark.slow
def test_the_worst_lift_is_not_blamed_on_the_network() -> None:
    """Near stall XFOIL with 160 panels falls from one solution to another: the recheck does not confirm the error.

    The worst point of `supnorm audit examples/airfoil/problem.toml --seed 7100`, digit by digit.
    """
    from supnorm.auditing.recheck import recheck
    from supnorm.evaluation import Evaluator
    from supnorm.evaluation.limit import Limit
    from supnorm.results import Witness

    problem = open_problem(EXAMPLES / "airfoil" / "problem.toml")
    x = np.array([0.030343679663914543, 0.5998273634200982, 0.08028271342049506, 14.0, 838774.507768505])
    model, reference = (f.value(x[None])[0] for f in (problem.model, problem.reference))
    error = float(np.abs(model - reference)[0])
    assert error > 10 * 0.05
    (judged,), failed, late = recheck(Evaluator(problem), [Witness(x, model, reference, error)], Limit())
    assert (failed, late) == ([], 0)
    assert judged.recheck in ("unresolved", "reference-fault")
