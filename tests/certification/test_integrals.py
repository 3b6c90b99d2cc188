"""`certify` against an integral: whole proofs, the theorem, weaker rules that are false."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import supnorm as sn
from supnorm.certification.exactly import Proved
from supnorm.certification.root_parts import RootMeasure
from supnorm.certification.solved.integral_claims import claims
from supnorm.certification.solved.integral_parts import IntegralBase, parts
from supnorm.checker import check
from supnorm.program import program_of
from supnorm.results import BadInput, ExitCode

LAPLACE = sn.integral(lambda x, s: np.exp(-x[:, 0] * s), 0.0, lambda x: 1.0 + x[:, 0], name="Laplace")
BOX = sn.Domain(a=(0.5, 2.0))


def near(x: Any) -> Any:
    return (1.0 - np.exp(-x[:, 0] * (1.0 + x[:, 0]))) / x[:, 0] + 1e-3 * np.sin(2.0 * x[:, 0])


def worst(problem: sn.Problem, count: int = 20_000) -> float:
    x = problem.domain.from_unit(np.random.default_rng(5).random((count, problem.domain.d)))
    return float(problem.error(problem.model(x), problem.reference(x), x)[0].max())


MEASURES = {
    "absolute": sn.ErrorMeasure(),
    "under": sn.ErrorMeasure(side="under"),
    "scaled": sn.ErrorMeasure("scaled", scale=3.0),
    "relative": sn.ErrorMeasure("relative", floor=0.0),
    "relative with floor": sn.ErrorMeasure("relative", floor=2.0, side="over"),
}


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("kind", MEASURES)
def test_an_integral_is_proved_and_checked_in_every_measure(kind: str, tmp_path: Path) -> None:
    problem = sn.Problem(near, LAPLACE, BOX, error=MEASURES[kind])
    result = sn.certify(problem, ratio=1.1)
    seen = worst(problem)
    assert result.status.code == "proved"
    assert result.lower <= seen * (1 + 1e-3)
    assert seen <= result.upper <= 1.1 * result.lower
    assert result.agreement.hidden == 0.0
    result.certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted


@pytest.mark.slow
def test_a_tolerance_and_resume(tmp_path: Path) -> None:
    problem = sn.Problem(near, LAPLACE, BOX)
    first = sn.certify(problem, tolerance=1.5e-3)
    assert first.status.code == "within-tolerance"
    first.certificate.save(tmp_path / "c.json")
    again = sn.certify(problem, ratio=1.05, resume=tmp_path / "c.json")
    assert again.believed == 0
    assert worst(problem) <= again.upper
    assert sn.certify(problem, tolerance=5e-4).status.exit == ExitCode.EXCEEDED


@pytest.mark.slow
def test_limits_that_are_reversed_and_an_integrand_with_a_kink() -> None:
    bent = sn.integral(lambda x, s: np.abs(s), lambda x: x[:, 0], -1.0)
    problem = sn.Problem(lambda x: -0.5 - 0.5 * x[:, 0] ** 2 + 1e-2, bent, sn.Domain(a=(0.5, 1.0)))
    result = sn.certify(problem, tolerance=0.1, boxes=600)
    assert worst(problem) <= result.upper


def test_an_integrand_without_a_value_is_refused() -> None:
    bad = sn.integral(lambda x, s: x[:, 0] * s / (np.exp(s) - 1.0), 0.0, 1.0)
    with pytest.raises(BadInput, match="no finite value") as refused:
        sn.certify(sn.Problem(lambda x: x[:, 0], bad, BOX), ratio=1.1)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.slow
def test_a_pole_between_the_points_is_never_dropped() -> None:
    """1/(s - x) has a pole on a part of the domain; the signs at the nodes do not show it."""
    pole = sn.integral(lambda x, s: 1.0 / (s - x[:, 0]), 0.0, 1.0)
    problem = sn.Problem(lambda x: 0.0 * x[:, 0], pole, sn.Domain(a=(0.9, 1.3)))
    try:
        result = sn.certify(problem, ratio=1.1, boxes=200)
    except BadInput:
        return
    assert result.upper == np.inf


@pytest.mark.slow
def test_the_command_line_proves_and_checks_an_integral(tmp_path: Path) -> None:
    from supnorm.cli.main import run as command

    (tmp_path / "truth.py").write_text(
        "import numpy as np\ndef f(x, s): return np.exp(-x[:, 0] * s)\ndef top(x): return 1.0 + x[:, 0]\n"
        "def model(x): return (1.0 - np.exp(-x[:, 0] * (1.0 + x[:, 0]))) / x[:, 0] + 1e-3 * np.sin(2.0 * x[:, 0])\n"
    )
    text = (
        '[model]\npython = "truth.py:model"\n[reference]\nintegral = "truth.py:f"\nlimits = [0.0, "truth.py:top"]\n'
        "[error]\ntolerance = 2e-3\n[domain]\na = [0.5, 2.0]\n"
    )
    problem, run = tmp_path / "problem.toml", tmp_path / "run"
    problem.write_text(text)
    assert command(["certify", str(problem), "--out", str(run), "--quiet"]) == 0
    file = str(run / "certificate.json")
    assert command(["check", file, "--problem", str(problem), "--quiet"]) == 0
    other = tmp_path / "other.toml"
    other.write_text(text.replace("limits = [0.0", "limits = [0.1"))
    assert command(["check", file, "--problem", str(other), "--quiet"]) != 0


# The theorem, on numbers: suprema at many points stand for proved bounds.


def constant(
    relative: bool, gap: float, cuts: tuple[float, ...] = (-1.0, 0.2, 1.0)
) -> tuple[float, IntegralBase]:
    """The integral of 1 from 0 to 2, with L' above 1 by ``gap`` everywhere: every inequality is an equality."""
    basis = program_of(lambda t: (1.0 + gap) * t, 1)
    one = program_of(lambda x: 0.0 * x + 1.0, 1)
    ends = [program_of(lambda x, v=v: 0.0 * x + v, 1) for v in (0.0, 2.0)]
    count = len(cuts) - 1
    f, model = program_of(lambda z: 1.0 + 0.0 * z[:, :1], 2), program_of(lambda x: 2.5 + 0.0 * x, 1)
    error = 0.25 if relative else 0.5
    return error, IntegralBase(model, f, *ends, (one,) * count, (basis,) * count, cuts)


def sizes(base: IntegralBase, measure: RootMeasure) -> dict[str, Proved]:
    made = {}
    for name, part in parts(base, measure, sn.Domain(a=(0.0, 1.0))).items():
        d = part.domain.d
        grid = np.stack(np.meshgrid(*[np.linspace(0.0, 1.0, 101)] * d, indexing="ij"), -1).reshape(-1, d)
        top = float(part.error.one_sided(part.program.value(part.domain.from_unit(grid))).max())
        made[name] = Proved(Fraction(top), Fraction(top))
    return made


@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("gap", [0.1, -0.1])
def test_the_claim_is_an_equality_where_the_defect_is_constant(relative: bool, gap: float) -> None:
    error, base = constant(relative, gap)
    measure = RootMeasure(relative, 0.0, 1.0, "both")
    low, high = claims(base.data(measure), sizes(base, measure))["error"]
    assert low <= error * (1 + 1e-12)
    assert error * (1 - 1e-12) <= high
    assert (low if gap < 0 else high) == pytest.approx(error, rel=1e-9)


WEAKER: dict[str, tuple[float, Any]] = {
    "without the defect of a piece": (
        0.1,
        lambda data, p: p | {"defect 1": Proved(Fraction(0), Fraction(0))},
    ),
    "half of the defects": (
        0.1,
        lambda data, p: p | {n: Proved(p[n].lower, p[n].upper / 2) for n in ("defect 0", "defect 1")},
    ),
}


@pytest.mark.parametrize("name", WEAKER)
@pytest.mark.parametrize("relative", [False, True])
def test_each_weaker_claim_is_false(name: str, relative: bool) -> None:
    gap, weaken = WEAKER[name]
    error, base = constant(relative, gap)
    measure = RootMeasure(relative, 0.0, 1.0, "both")
    data, proved = base.data(measure), sizes(base, measure)
    assert claims(data, weaken(data, proved))["error"][1] < error * (1 - 1e-4)


def test_a_relative_claim_is_not_divided_by_what_stands_for_the_integral() -> None:
    error, base = constant(True, 0.1)
    measure = RootMeasure(True, 0.0, 1.0, "both")
    data, proved = base.data(measure), sizes(base, measure)
    assert claims(data | {"relative": False}, proved)["error"][1] < error * (1 - 1e-4)
