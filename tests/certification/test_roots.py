"""`certify` against the root of an equation: the theorem, its conditions, random cases against dense values."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest

import supnorm as sn
from supnorm.certification.exactly import Proved
from supnorm.certification.root_claims import PARTS, claims, converged
from supnorm.certification.root_parts import Base, RootMeasure, parts
from supnorm.certification.root_tie import read
from supnorm.program import program_of
from supnorm.results import BadInput, ExitCode
from supnorm.sources.root import equation_of

KEPLER = sn.Domain(M=(0.0, np.pi), e=(0.0, 0.5))


def kepler(x: Any, y: Any) -> Any:
    return y - x[:, 1] * np.sin(y) - x[:, 0]


def series(x: Any) -> Any:
    return x[:, 0] + x[:, 1] * np.sin(x[:, 0]) + 0.5 * x[:, 1] ** 2 * np.sin(2.0 * x[:, 0])


def solved(**options: Any) -> Any:
    return sn.root(kepler, **({"between": (-1.0, 5.0)} | options))


def worst(problem: sn.Problem, count: int = 40_000) -> float:
    """The largest error at many points, by the evaluated root."""
    x = problem.domain.from_unit(np.random.default_rng(5).random((count, problem.domain.d)))
    return float(problem.error(problem.model.value(x), problem.reference.value(x), x)[0].max())


MEASURES = {
    "absolute": sn.ErrorMeasure(),
    "over": sn.ErrorMeasure(side="over"),
    "under": sn.ErrorMeasure(side="under"),
    "scaled": sn.ErrorMeasure("scaled", scale=3.0),
    "relative with floor": sn.ErrorMeasure("relative", floor=0.5),
    "relative, over": sn.ErrorMeasure("relative", floor=0.5, side="over"),
}


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize("kind", MEASURES)
def test_kepler_is_proved_in_every_measure(kind: str) -> None:
    problem = sn.Problem(series, solved(), KEPLER, error=MEASURES[kind])
    result = sn.certify(problem, ratio=1.1)
    seen = worst(problem)
    assert result.status.code == "proved"
    assert result.witness is not None
    assert result.lower <= result.witness.error * (1 + 1e-13)
    assert seen <= result.upper <= 1.1 * result.lower
    assert result.agreement.hidden == 0.0
    assert result.witness is not None
    assert result.witness.error == pytest.approx(result.lower, rel=0.05)


@pytest.mark.slow
def test_relative_errors_without_a_floor() -> None:
    domain = sn.Domain(M=(0.5, 3.0), e=(0.0, 0.5))
    problem = sn.Problem(series, solved(), domain, error=sn.ErrorMeasure("relative", floor=0.0))
    result = sn.certify(problem, ratio=1.1)
    assert result.status.code == "proved"
    assert worst(problem) <= result.upper <= 1.1 * result.lower


@pytest.mark.slow
def test_ends_may_be_functions_and_the_start_may_help() -> None:
    """The model is far away, so that Newton's method has to begin at the start."""
    ends = (lambda x: x[:, 0] - 1.0, lambda x: x[:, 0] + 1.0)
    far = sn.Problem(lambda x: 0.0 * x[:, 0] + 40.0, solved(start=lambda x: x[:, 0], between=ends), KEPLER)
    result = sn.certify(far, ratio=1.05)
    assert result.status.code == "proved"
    assert worst(far) <= result.upper <= 1.05 * result.lower
    assert result.certificate.data["along"] == "theta"


@pytest.mark.slow
def test_a_tolerance_is_proved_or_exceeded() -> None:
    problem = sn.Problem(series, solved(), KEPLER)
    within = sn.certify(problem, tolerance=0.08)
    assert (within.status.code, within.status.exit) == ("within-tolerance", ExitCode.DONE)
    above = sn.certify(problem, tolerance=0.02)
    assert (above.status.code, above.status.exit) == ("tolerance-exceeded", ExitCode.EXCEEDED)


@pytest.mark.slow
def test_a_network_is_proved_against_a_root() -> None:
    rng = np.random.default_rng(0)
    W, b = rng.normal(size=(8, 2)), rng.normal(size=8)
    features = lambda x: np.tanh(x @ W.T + b)  # noqa: E731
    reference = solved()
    x = KEPLER.from_unit(rng.random((2000, 2)))
    c = np.linalg.lstsq(np.column_stack([features(x), np.ones(2000)]), reference.value(x)[:, 0], rcond=None)[
        0
    ]
    problem = sn.Problem(lambda x: features(x) @ c[:8] + c[8], reference, KEPLER)
    result = sn.certify(problem, ratio=1.1)
    assert result.status.code == "proved"
    assert worst(problem) <= result.upper


@pytest.mark.parametrize(
    ("options", "domain", "message"),
    [
        ({"between": (0.5, 5.0)}, KEPLER, "opposite signs"),
        ({"between": (0.0, 5.0)}, KEPLER, "opposite signs"),  # M = 0: the root is the end
    ],
)
def test_ends_without_a_root_are_refused(options: dict[str, Any], domain: sn.Domain, message: str) -> None:
    with pytest.raises(BadInput, match=message) as refused:
        sn.certify(sn.Problem(series, solved(**options), domain), ratio=1.1)
    assert len(str(refused.value).splitlines()) == 1


def test_several_roots_are_refused() -> None:
    cubic = sn.root(lambda x, y: (y - 1.0) * (y - 0.5) * (y + 1.0) - 1e-3 * x[:, 0], between=(-3.0, 3.0))
    with pytest.raises(BadInput, match="has not one sign"):
        sn.certify(sn.Problem(lambda x: 0.0 * x[:, 0] + 0.6, cubic, sn.Domain(a=(0.0, 1.0))), ratio=1.1)


@pytest.mark.slow
def test_a_slope_that_vanishes_is_never_dropped() -> None:
    """At M = 0, e = 1 the derivative of g by y is zero at the root: nothing is proved, and one sentence says where."""
    result = sn.certify(sn.Problem(series, solved(), sn.Domain(M=(0.0, np.pi), e=(0.0, 1.0))), ratio=1.1)
    assert (result.status.code, result.status.exit) == ("no-bound", ExitCode.UNDECIDED)
    assert result.upper == np.inf
    assert result.lower == 0.0
    assert "the derivative of g by y has one sign" in result.status.advice
    assert "e = 1" in result.status.advice or "e in [" in result.status.advice


def test_a_slope_that_vanishes_between_the_points_that_are_looked_at() -> None:
    """g has a narrow dip, and three roots there; signs at points do not show it."""
    g = lambda x, y: y - x[:, 0] - 0.02 * np.tanh(1e8 * (y - x[:, 0] - 0.3173))  # noqa: E731
    result = sn.certify(
        sn.Problem(lambda x: x[:, 0] - 0.01, sn.root(g, between=(-2.0, 3.0)), sn.Domain(a=(0.0, 1.0))),
        ratio=1.1,
        boxes=3000,
    )
    assert result.status.exit == ExitCode.UNDECIDED
    assert result.upper == np.inf


def test_out_of_time_there_is_no_false_bound() -> None:
    result = sn.certify(sn.Problem(series, solved(), KEPLER), ratio=1.001, boxes=3)
    assert result.status.exit == ExitCode.UNDECIDED
    assert worst(sn.Problem(series, solved(), KEPLER)) <= result.upper


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (sn.ErrorMeasure(mask=lambda x, f: f[:, 0] > 1.0), "a mask"),
        (
            sn.ErrorMeasure(function=lambda n, f, x: abs(n - f)[:, 0], kind="function"),
            "kind of error 'function'",
        ),
        (sn.ErrorMeasure(tolerance=(0.1,)), "tolerances of outputs"),
    ],
)
def test_measures_without_this_proof_are_refused(error: sn.ErrorMeasure, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        sn.certify(sn.Problem(series, solved(), KEPLER, error=error), ratio=1.1)


def test_equations_without_a_derivative_are_refused_by_name() -> None:
    bent = sn.root(lambda x, y: np.abs(y) + y - x[:, 0], between=(-1.0, 5.0))
    with pytest.raises(BadInput, match="abs in a derivative"):
        sn.certify(sn.Problem(lambda x: x[:, 0], bent, sn.Domain(a=(0.5, 1.0))), ratio=1.1)


def test_a_root_as_the_model_is_refused_in_one_sentence() -> None:
    with pytest.raises(BadInput, match="read only as the reference"):
        sn.certify(sn.Problem(solved(), series, KEPLER), ratio=1.1)


@pytest.mark.slow
@pytest.mark.slow
def test_a_saved_proof_is_resumed(tmp_path: Any) -> None:
    problem = sn.Problem(series, solved(), KEPLER)
    sn.certify(problem, ratio=1.5).certificate.save(tmp_path / "c.json")
    again = sn.certify(problem, ratio=1.05, resume=tmp_path / "c.json")
    assert again.ratio <= 1.05
    assert again.believed == 0
    with pytest.raises(BadInput, match="resume"):
        sn.certify(sn.Problem(lambda x: 1.01 * series(x), solved(), KEPLER), resume=tmp_path / "c.json")


@pytest.mark.slow
def test_an_audit_takes_the_bound(tmp_path: Any) -> None:
    problem = sn.Problem(series, solved(), KEPLER, tolerance=0.08)
    report = sn.audit(problem, evaluations=3000, power=None)
    bound = sn.certify(problem)
    joined = sn.into_report(report, bound)
    assert joined.record.sup.upper >= joined.record.sup.lower
    assert joined.status.code == "within-tolerance"


@pytest.mark.slow
def test_a_fit_to_a_root_is_proved() -> None:
    fitted = sn.fit(
        sn.Problem(None, solved(), KEPLER, tolerance=1e-3), method=sn.ChebyshevTensor(), certify=True, seed=0
    )
    assert fitted.certificate is not None
    assert fitted.certificate.status.code == "within-tolerance"
    assert worst(sn.Problem(fitted.model, solved(), KEPLER)) <= fitted.certificate.upper <= 1e-3


@pytest.mark.slow
def test_the_command_line_proves_and_checks_a_root(tmp_path: Any) -> None:
    """A problem file whose reference is a root: certify, resume after a kill, check with the problem, a wrong problem."""
    from supnorm.cli.main import run as command

    (tmp_path / "truth.py").write_text(
        "import numpy as np\ndef square(x, y): return y**2 - x[:, 0]\n"
        "def model(x): return 0.6 + 0.41 * x[:, 0] - 0.04 * x[:, 0] ** 2\n"
    )
    text = (
        '[model]\npython = "truth.py:model"\n[reference]\nroot = "truth.py:square"\nbetween = [0.5, 2.5]\n'
        "[error]\ntolerance = 0.3\n[domain]\na = [1.0, 3.0]\n"
    )
    problem, run = tmp_path / "problem.toml", tmp_path / "run"
    problem.write_text(text)
    assert command(["certify", str(problem), "--out", str(run), "--quiet"]) == 0
    assert (
        command(["certify", str(problem), "--out", str(run), "--ratio", "1.05", "--resume", "--quiet"]) == 0
    )
    file = str(run / "certificate.json")
    assert command(["check", file, "--problem", str(problem), "--quiet"]) == 0
    other = tmp_path / "other.toml"
    other.write_text(text.replace("2.5", "2.4"))
    assert command(["check", file, "--problem", str(other), "--quiet"]) != 0
    other.write_text(text.replace("tolerance = 0.3", 'kind = "relative"\nfloor = 0.0\ntolerance = 0.3'))
    assert command(["check", file, "--problem", str(other), "--quiet"]) != 0


# The theorem, on numbers: suprema at many points stand for proved bounds.


def sizes(N: Any, S: Any, measure: RootMeasure, domain: sn.Domain, equation: Any) -> dict[str, Proved]:
    """The largest sizes of all parts at points of a grid."""
    d = domain.d
    base = Base(program_of(N, d), *read(equation, d), program_of(S, d))
    grid = np.stack(np.meshgrid(*[np.linspace(0.0, 1.0, 201)] * d, indexing="ij"), -1).reshape(-1, d)
    x = domain.from_unit(grid)
    made = {}
    for name, part in parts(base, measure, domain).items():
        at = x
        if name == "slope":
            axis = part.domain.axes[-1]
            at = np.concatenate(
                [np.column_stack([x, np.full(len(x), v)]) for v in np.linspace(axis.low, axis.high, 101)]
            )
        with np.errstate(all="ignore"):
            signed = part.program.value(at)[:, 0]
        value = {"both": np.abs(signed), "over": signed, "under": -signed}[part.side]
        top = float(np.max(np.maximum(value, 0.0)))
        made[name] = Proved(Fraction(top), Fraction(top) if np.isfinite(top) else None)
    return made


def cases() -> list[tuple[str, Any, Any, RootMeasure]]:
    """Models and corrections that are not those of Newton's method, of all qualities."""
    out = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        size, near = 10.0 ** rng.uniform(-3, 0.3), 10.0 ** rng.uniform(-4, 0.2)
        relative = bool(rng.random() < 0.5)
        side = str(rng.choice(["both", "over", "under"]))
        floor = float(rng.choice([0.0, 0.8])) if relative else 0.0
        k, sign, near = rng.uniform(1, 4), rng.choice([-1.0, 1.0]), near * rng.choice([-1.0, 1.0])
        N = lambda x, s=sign * size, k=k: np.sqrt(1.0 + x[:, 0]) + s * np.cos(k * x[:, 0])  # noqa: E731
        S = lambda x, s=sign * size, k=k, n=near: s * np.cos(k * x[:, 0]) + n  # noqa: E731
        unit = 1.0 if relative else float(rng.choice([1.0, 2.5]))
        out.append((f"{seed}", N, S, RootMeasure(relative, floor, unit, side)))
    return out


DOMAIN = sn.Domain(a=(0.0, 3.0))
SQUARE = equation_of(sn.root(lambda x, y: y**2 - 1.0 - x[:, 0], between=(0.25, 3.5)))


def truth(N: Any, measure: RootMeasure) -> float:
    x = np.linspace(0.0, 3.0, 20_001)[:, None]
    y = np.sqrt(1.0 + x[:, 0])
    gap = N(x) - y
    gap = {"both": np.abs(gap), "over": gap, "under": -gap}[measure.side]
    divisor = np.maximum(np.abs(y), measure.floor) if measure.relative else measure.unit
    return float(np.max(np.maximum(gap / divisor, 0.0)))


@pytest.mark.parametrize(("name", "N", "S", "measure"), cases(), ids=[c[0] for c in cases()])
def test_the_claim_holds_for_any_correction(name: str, N: Any, S: Any, measure: RootMeasure) -> None:
    low, high = claims(measure.data("log y"), sizes(N, S, measure, DOMAIN, SQUARE))["error"]
    assert low * (1 - 1e-4) <= truth(N, measure) <= high * (1 + 1e-4)


def constants(g: Any, between: Any, F: float, S: float, relative: bool) -> tuple[float, Any]:
    """The error of the constant F + S against the root 1 of g, and a function of a rule to what it claims."""
    equation = equation_of(sn.root(lambda x, y: g(y) + 0.0 * x[:, 0], between=between))
    measure = RootMeasure(relative, 0.0, 1.0, "both")
    N, step = (lambda x: 0.0 * x[:, 0] + (F + S)), (lambda x: 0.0 * x[:, 0] + S)
    proved = sizes(N, step, measure, DOMAIN, equation)
    return abs(F + S - 1.0), lambda rule: rule(measure.data("log y"), proved)["error"]


LINE = (lambda y: y - 1.0, (0.25, 3.5))
# Beyond its ends this equation is flat, so that g is small far from the root.
FLAT = (lambda y: np.tanh(5.0 * (y - 1.0)), (0.9, 1.1))
SHARP = {
    "above": (*LINE, 1.1, 0.2, False),
    "below": (*LINE, 0.9, 0.2, False),
    "relative above": (*LINE, 1.1, 0.2, True),
    "relative below": (*LINE, 0.9, 0.2, True),
    "outside": (*FLAT, 3.0, 0.0, False),
}
ALL = Proved(Fraction(0), Fraction(0))
WEAKER = {
    "without delta": (lambda data, p: claims(data, p | {"measured": ALL}), "above"),
    "half a slope": (
        lambda data, p: claims(data, p | {"slope": Proved(*[p["slope"].upper / 2] * 2)}),
        "above",
    ),
    "a lower bound without delta": (lambda data, p: claims(data, p | {"measured": ALL}), "below"),
    "divided by F": (lambda data, p: claims(data | {"relative": False}, p), "relative above"),
    "divided by F, from below": (lambda data, p: claims(data | {"relative": False}, p), "relative below"),
    "without the condition": (lambda data, p: claims(data, p | {"inside": ALL, "defect": ALL}), "outside"),
}


@pytest.mark.parametrize("name", WEAKER)
def test_each_weaker_claim_is_false(name: str) -> None:
    """For these constants each inequality of the theorem is an equality, or its condition fails."""
    rule, case = WEAKER[name]
    error, claimed = constants(*SHARP[case])
    low, high = claimed(claims)
    assert low * (1 - 1e-9) <= error <= high * (1 + 1e-9)
    low, high = claimed(rule)
    assert not low * (1 - 1e-3) <= error <= high * (1 + 1e-3)


def test_nothing_is_claimed_where_the_root_may_leave_its_ends() -> None:
    quarter = Proved(Fraction(0), Fraction(1, 4))
    proved = dict.fromkeys(PARTS, quarter) | {
        "inside": Proved(Fraction(0), Fraction(15, 16) + Fraction(1, 10**30))
    }
    assert converged(proved) is None
    assert claims({"relative": False}, proved)["error"] == (0.0, np.inf)
    proved["inside"] = Proved(Fraction(0), Fraction(15, 16))
    assert claims({"relative": False}, proved)["error"] == (0.0, 0.3125)


@pytest.mark.parametrize("relative", [False, True])
def test_claims_are_rounded_outwards(relative: bool) -> None:
    rng = np.random.default_rng(0)
    with mpmath.workdps(60):
        for _ in range(200):
            v = {n: sorted(10.0 ** rng.uniform(-9, -0.7, 2)) for n in PARTS}
            proved = {n: Proved(Fraction(a), Fraction(b)) for n, (a, b) in v.items()}
            t = mpmath.mpf(v["measured"][1]) * mpmath.mpf(v["slope"][1])
            low, high = (mpmath.mpf(c) for c in v["correction"])
            low, high = max(low - t, 0), high + t
            if relative:
                low, high = low / (1 + t), high / (1 - t)
            a, b = claims({"relative": relative}, proved)["error"]
            assert mpmath.mpf(a) <= low
            assert high <= mpmath.mpf(b)
            assert b <= float(high) * (1 + 1e-15)
