"""`certify` against a flow: whole proofs, the theorem and its conditions, weaker rules that are false."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

import supnorm as sn
from supnorm.certification.bracket import Goal
from supnorm.certification.certificate import digest
from supnorm.certification.exactly import Proved
from supnorm.certification.root_parts import RootMeasure
from supnorm.certification.solved.exponentials import exponentials_up
from supnorm.certification.solved.flow_claims import claims, tubes
from supnorm.certification.solved.flow_parts import FlowBase, parts
from supnorm.certification.statement_tie import statement_mismatch
from supnorm.checker import check
from supnorm.program import program_of
from supnorm.results import BadInput, ExitCode

DECAY = sn.flow(lambda t, y, p: -p * y, [1.0], name="decay")
BOX = sn.Domain(t=(0.0, 2.0), rate=(0.5, 1.5))
SWING = sn.flow(lambda t, y, p: [y[:, 1], -np.sin(y[:, 0])], lambda p: [p[:, 0], 0.0], components=0)
ARC = sn.Domain(t=(0.0, 1.5), a=(0.8, 1.0))


def near_decay(x: Any) -> Any:
    return np.exp(-x[:, 0] * x[:, 1]) + 1e-4 * np.sin(3.0 * x[:, 0])


def near_swing(x: Any) -> Any:
    return x[:, 1] - 0.5 * x[:, 0] ** 2 * np.sin(x[:, 1])


def worst(problem: sn.Problem, count: int = 20_000) -> float:
    x = problem.domain.from_unit(np.random.default_rng(5).random((count, problem.domain.d)))
    return float(problem.error(problem.model(x), problem.reference(x), x)[0].max())


MEASURES = {
    "absolute": sn.ErrorMeasure(),
    "over": sn.ErrorMeasure(side="over"),
    "scaled": sn.ErrorMeasure("scaled", scale=3.0),
    "relative": sn.ErrorMeasure("relative", floor=0.0),
    "relative with floor": sn.ErrorMeasure("relative", floor=2.0, side="under"),
}


@pytest.mark.slow
@pytest.mark.sampled(2)
@pytest.mark.parametrize("kind", MEASURES)
def test_decay_is_proved_and_checked_in_every_measure(kind: str, tmp_path: Path) -> None:
    problem = sn.Problem(near_decay, DECAY, BOX, error=MEASURES[kind])
    result = sn.certify(problem, ratio=1.1)
    seen = worst(problem)
    assert result.status.code == "proved"
    assert result.lower <= seen * (1 + 1e-3)
    assert seen <= result.upper <= 1.1 * result.lower
    assert result.agreement.hidden == 0.0
    result.certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted


@pytest.mark.slow
def test_a_pendulum_is_proved_checked_and_resumed(tmp_path: Path) -> None:
    problem = sn.Problem(near_swing, SWING, ARC)
    result = sn.certify(problem, ratio=1.5)
    assert worst(problem) <= result.upper <= 1.5 * result.lower
    result.certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted
    again = sn.certify(problem, ratio=1.2, resume=tmp_path / "c.json")
    assert again.believed == 0
    assert worst(problem) <= again.upper <= 1.2 * again.lower
    other = sn.Problem(lambda x: 1.01 * near_swing(x), SWING, ARC)
    with pytest.raises(BadInput, match="resume"):
        sn.certify(other, resume=tmp_path / "c.json")


@pytest.mark.slow
def test_all_components_and_a_domain_that_begins_later(tmp_path: Path) -> None:
    circle = sn.flow(lambda t, y, p: [y[:, 1], -y[:, 0]], [0.0, 1.0])
    domain = sn.Domain(t=sn.Axis(1.0, 3.0, scale="log"))
    problem = sn.Problem(
        lambda x: np.stack([np.sin(x[:, 0]), np.cos(x[:, 0]) + 1e-3 * x[:, 0]], -1), circle, domain
    )
    result = sn.certify(problem, ratio=1.05)
    assert 3e-3 * (1 - 1e-6) <= result.upper <= 1.05 * result.lower
    result.certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted


@pytest.mark.slow
def test_a_tolerance_is_proved_or_exceeded() -> None:
    problem = sn.Problem(near_decay, DECAY, BOX)
    assert sn.certify(problem, tolerance=1.2e-4).status.code == "within-tolerance"
    above = sn.certify(problem, tolerance=5e-5)
    assert (above.status.code, above.status.exit) == ("tolerance-exceeded", ExitCode.EXCEEDED)


@pytest.mark.slow
def test_an_audit_takes_the_bound() -> None:
    problem = sn.Problem(near_decay, DECAY, BOX, tolerance=1.5e-4)
    report = sn.audit(problem, evaluations=500, power=None)
    joined = sn.into_report(report, sn.certify(problem))
    assert joined.status.code == "within-tolerance"
    other = sn.certify(sn.Problem(lambda x: near_decay(x) + 1e-5, DECAY, BOX, tolerance=1.5e-4))
    with pytest.raises(BadInput, match="not about the same problem"):
        sn.into_report(report, other)


@pytest.mark.slow
def test_out_of_boxes_there_is_no_false_bound() -> None:
    result = sn.certify(sn.Problem(near_swing, SWING, ARC), ratio=1.001, boxes=4)
    assert result.status.exit == ExitCode.UNDECIDED
    assert worst(sn.Problem(near_swing, SWING, ARC)) <= result.upper


@pytest.mark.slow
def test_errors_that_grow_too_much_are_undecided_with_the_reason() -> None:
    """e^(40 t): no float64 path is near enough for the tube."""
    steep = sn.flow(lambda t, y, p: 40.0 * (y - np.cos(t)[:, None]) - np.sin(t)[:, None], [1.0])
    problem = sn.Problem(lambda x: np.cos(x[:, 0]) + 1e-6, steep, sn.Domain(t=(0.0, 0.3)))
    result = sn.certify(problem, ratio=1.1, boxes=30)
    assert result.status.exit == ExitCode.UNDECIDED
    assert result.lower <= 1e-6 <= result.upper
    assert "no point that counts with an error beyond rounding" in result.status.advice


@pytest.mark.parametrize(
    ("reference", "domain", "message"),
    [
        (sn.flow(lambda t, y, p: y**2, [1.0]), sn.Domain(t=(0.0, 1.5)), "no solution was computed"),
        (DECAY, sn.Domain(t=(-1.0, 2.0), rate=(0.5, 1.5)), "begins at the start"),
        (DECAY, sn.Domain(t=sn.Axis(values=(0.0, 1.0)), rate=(0.5, 1.5)), "has values"),
        (sn.flow(lambda t, y, p: -np.abs(y), [1.0]), sn.Domain(t=(0.0, 1.0)), "abs in a derivative"),
        (sn.flow(lambda t, y, p: [y[:, 0], y[:, 1]], [1.0, 2.0]), sn.Domain(t=(0.0, 1.0)), "outputs"),
        (
            sn.flow(lambda t, y, p: -y, [1.0]),
            sn.Domain(t=(0.0, 1.0), a=(0, 1), b=(0, 1), c=(0, 1), d=(0, 1)),
            "up to 3 parameters",
        ),
    ],
)
def test_flows_without_a_proof_are_refused_in_one_line(
    reference: sn.Function, domain: sn.Domain, message: str
) -> None:
    with pytest.raises(BadInput, match=message) as refused:
        sn.certify(sn.Problem(lambda x: 0.5 + 0.0 * x[:, 0], reference, domain), ratio=1.1)
    assert len(str(refused.value).splitlines()) == 1


def test_a_flow_as_the_model_is_refused() -> None:
    with pytest.raises(BadInput, match="read only as the reference"):
        sn.certify(sn.Problem(DECAY, near_decay, BOX), ratio=1.1)


@pytest.mark.slow
def test_the_command_line_proves_and_checks_a_flow(tmp_path: Path) -> None:
    from supnorm.cli.main import run as command

    (tmp_path / "truth.py").write_text(
        "import numpy as np\ndef f(t, y, p): return -p * y\n"
        "def model(x): return np.exp(-x[:, 0] * x[:, 1]) + 1e-4 * np.sin(3.0 * x[:, 0])\n"
    )
    text = (
        '[model]\npython = "truth.py:model"\n[reference]\nflow = "truth.py:f"\ninitial = [1.0]\n'
        "[error]\ntolerance = 2e-4\n[domain]\nt = [0.0, 2.0]\nrate = [0.5, 1.5]\n"
    )
    problem, run = tmp_path / "problem.toml", tmp_path / "run"
    problem.write_text(text)
    assert command(["certify", str(problem), "--out", str(run), "--quiet"]) == 0
    again = ["certify", str(problem), "--out", str(run), "--ratio", "1.05", "--resume", "--quiet"]
    assert command(again) == 0
    file = str(run / "certificate.json")
    assert command(["check", file, "--problem", str(problem), "--quiet"]) == 0
    other = tmp_path / "other.toml"
    for old, new in (("[1.0]", "[1.1]"), ("[1.0]", "[1.0]\nstart = -1.0")):
        other.write_text(text.replace(old, new))
        assert command(["check", file, "--problem", str(other), "--quiet"]) != 0


# The theorem, on numbers: suprema at many points stand for proved bounds.


def test_exponentials_are_bounded_from_above() -> None:
    rng = np.random.default_rng(0)
    numbers = [
        0.0,
        1e-30,
        -1e-30,
        0.5,
        -0.5,
        700.0,
        -4000.0,
        *rng.normal(size=100),
        *(30 * rng.normal(size=100)),
    ]
    with mpmath.workdps(100):
        for x in numbers:
            v = mpmath.mpf(float(x))
            powers = exponentials_up(Fraction(float(x)))
            assert powers is not None
            exact = mpmath.exp(v), mpmath.expm1(v) / v if v else mpmath.mpf(1)
            for got, true in zip(powers, exact, strict=True):
                given = mpmath.mpf(got.numerator) / got.denominator
                assert true <= given <= true * (1 + mpmath.mpf(2) ** -180)
    assert exponentials_up(Fraction(701)) is None
    low = exponentials_up(Fraction(-(10**9)))
    assert low is not None
    assert low == exponentials_up(Fraction(-4096))


def sizes(base: FlowBase, measure: RootMeasure, domain: sn.Domain) -> dict[str, Proved]:
    """The largest sizes of all parts at points of a grid."""
    made = {}
    for name, part in parts(base, measure, domain).items():
        d = part.domain.d
        count = max(int(200_000 ** (1.0 / d)), 3)
        grid = np.stack(np.meshgrid(*[np.linspace(0.0, 1.0, min(count, 2001))] * d, indexing="ij"), -1)
        with np.errstate(all="ignore"):
            value = part.error.one_sided(part.program.value(part.domain.from_unit(grid.reshape(-1, d))))
        top = float(value.max())
        made[name] = Proved(Fraction(top), Fraction(top) if np.isfinite(top) else None)
    return made


def linear(
    rate: float, forcing: float, jump: float, times: tuple[float, ...], reach: float = 1e3, scale: float = 1.0
) -> tuple[FlowBase, sn.Domain, Any]:
    """Paths of y' = rate y + forcing beside y' = rate y, which begin ``jump`` away: all bounds are equalities."""
    field = program_of(lambda z: rate * z[:, 1:], 2)
    count = len(times) - 1

    def path(t: Any) -> Any:
        shift = forcing / rate if rate else 0.0
        return (
            (1.0 + jump + shift) * np.exp(rate * t[:, 0]) - shift + (forcing * t[:, 0] if not rate else 0.0)
        )

    base = FlowBase(
        model=program_of(path, 1),
        field=field,
        initial=program_of(lambda x: 0.0 * x + 1.0, 1),
        paths=(program_of(path, 1),) * count,
        time=0,
        times=times,
        outputs=(0,),
        scale=(scale,),
        reach=((reach,),) * count,
        growth=(rate - 1.0,) * count,
    )
    return base, sn.Domain(t=(0.0, times[-1])), path


PLAIN = RootMeasure(False, 0.0, 1.0, "both")
CASES = {
    "growing": (0.7, 0.1, 0.05, (0.0, 0.4, 1.0)),
    "decaying": (-0.7, 0.1, 0.0, (0.0, 0.4, 1.0)),
    "still": (0.0, 0.1, 0.05, (0.0, 0.4, 1.0)),
    "damped jump": (-3.0, 0.0, 0.2, (0.0, 0.5)),
}
NOTHING = Proved(Fraction(0), Fraction(0))


def largest(case: str, scale: float = 1.0) -> tuple[float, Any, dict[str, Proved]]:
    """The largest distance of the path from the flow, the data and the parts."""
    rate, forcing, jump, times = CASES[case]
    base, domain, path = linear(rate, forcing, jump, times, scale=scale)
    t = np.linspace(0.0, times[-1], 5001)[:, None]
    true = float(np.abs(path(t) - np.exp(rate * t[:, 0])).max())
    return true, base.data(PLAIN), sizes(base, PLAIN, domain)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("scale", [1.0, 4.0])
def test_the_bound_is_the_largest_distance_where_all_is_linear(case: str, scale: float) -> None:
    true, data, proved = largest(case, scale)
    low, high = claims(data, proved)["error"]  # the model is the path, so the correction is zero
    assert high == pytest.approx(true, rel=1e-6)
    assert low == 0.0


def _with(proved: dict[str, Proved], kind: str, factor: float) -> dict[str, Proved]:
    return {
        n: Proved(p.lower, p.upper * Fraction(factor)) if n.startswith(kind) and p.upper is not None else p
        for n, p in proved.items()
    }


WEAKER = {
    "a smaller defect": ("growing", lambda data, p: claims(data, _with(p, "defect", 0.99))),
    "a smaller jump": ("growing", lambda data, p: claims(data, _with(p, "jump", 0.9))),
    "less growth": (
        "growing",
        lambda data, p: claims(data | {"growth": [v.hex() for v in (-0.35, -0.35)]}, p),
    ),
    "only the end of a slice": ("damped jump", lambda data, p: (0.0, 0.2 * np.exp(-1.5))),
    "without the first slice": (
        "growing",
        lambda data, p: claims(data, p | {"defect 0": NOTHING, "jump 0": NOTHING}),
    ),
    "a larger scale": ("growing", lambda data, p: claims(data | {"scale": [(2.0).hex()]}, p)),
}


@pytest.mark.parametrize("name", WEAKER)
def test_each_weaker_claim_is_false(name: str) -> None:
    case, rule = WEAKER[name]
    true, data, proved = largest(case)
    claimed = rule(data, proved)
    high = claimed["error"][1] if isinstance(claimed, dict) else claimed[1]
    assert high < true * (1 - 1e-4)
    assert claims(data, proved)["error"][1] >= true * (1 - 1e-9)


def test_nothing_is_claimed_where_the_tube_is_not_wider_than_the_distance() -> None:
    rate, forcing, jump, times = CASES["growing"]
    base, domain, _ = linear(rate, forcing, jump, times)
    proved = sizes(base, PLAIN, domain)
    last = tubes(base.data(PLAIN), proved)[-1]
    narrow = base.data(PLAIN) | {"reach": [[(1e3).hex()], [float(last).hex()]]}
    if Fraction(float(last)) > last:  # the next smaller float
        narrow["reach"][1] = [float(np.nextafter(float(last), 0.0)).hex()]
    assert len(tubes(narrow, proved)) == 1
    assert claims(narrow, proved)["error"][1] == np.inf


def test_a_tube_keeps_a_solution_that_leaves_the_reach_of_the_growth() -> None:
    """y' = y^2 blows up at 1; with the growth of the path alone a bound would follow on [0, 1.5]."""
    base = FlowBase(
        model=program_of(lambda x: 1.0 + 0.0 * x, 1),
        field=program_of(lambda z: z[:, 1:] ** 2, 2),
        initial=program_of(lambda x: 1.0 + 0.0 * x, 1),
        paths=(program_of(lambda x: 1.0 + 0.0 * x, 1),),
        time=0,
        times=(0.0, 1.5),
        outputs=(0,),
        scale=(1.0,),
        reach=((1.0,),),
        growth=(0.0,),
    )
    for reach in (1e-3, 1.0, 10.0, 1e3):
        one = sizes(FlowBase(**{**vars(base), "reach": ((reach,),)}), PLAIN, sn.Domain(t=(0.0, 1.5)))
        data = base.data(PLAIN) | {"reach": [[reach.hex()]]}
        assert claims(data, one)["error"][1] == np.inf


def test_no_bound_of_the_growth_beyond_floats() -> None:
    base, domain, _ = linear(0.7, 0.1, 0.05, (0.0, 0.4, 1.0))
    proved = sizes(base, PLAIN, domain) | {"growth 1": Proved(Fraction(0), Fraction(10**4))}
    assert claims(base.data(PLAIN), proved)["error"][1] == np.inf


def test_the_scaled_norm_of_random_linear_systems() -> None:
    """The logarithmic norm by Gershgorin is above the growth of |W exp(J t) W^-1| for 200 random matrices."""
    rng = np.random.default_rng(1)
    from scipy.linalg import expm

    from supnorm.certification.solved.flow_parts import growth_of

    for _ in range(200):
        k = int(rng.integers(1, 5))
        J, w = rng.normal(size=(k, k)) * 10.0 ** rng.uniform(-1, 1), 10.0 ** rng.uniform(-1, 1, k)
        mu = growth_of(tuple(w.tolist())).value(J.T.reshape(1, -1)).max()
        scaled = w[:, None] * J / w
        assert mu >= np.linalg.eigvalsh(0.5 * (scaled + scaled.T)).max() - 1e-10
        t = 0.1
        assert np.linalg.norm(expm(scaled * t), 2) <= np.exp(mu * t) * (1 + 1e-10)
        if k > 1:  # without the sums off the diagonal it is no bound for some of them
            assert np.diag(scaled).max() <= mu


def test_a_flow_that_stays_at_zero_has_a_proof() -> None:
    rest = sn.flow(lambda t, y, p: [-y[:, 0]], [0.0])
    result = sn.certify(sn.Problem(lambda x: x[:, 0] ** 2, rest, sn.Domain(t=(0.0, 1.0))), ratio=1.1)
    assert 0.99 <= result.lower <= 1.0 <= result.upper <= 1.1


@pytest.mark.slow
def test_an_error_at_a_point_that_does_not_count_is_no_lower_bound(tmp_path: Path) -> None:
    rest = sn.flow(lambda t, y, p: -y, [1.0])

    def problem(*constraints: Any) -> sn.Problem:
        domain = sn.Domain.from_axes({"t": (0.0, 2.0)}, constraints)
        return sn.Problem(lambda x: np.exp(-x[:, 0]) * (1.0 + 0.1 * x[:, 0]), rest, domain)

    early = problem(lambda x: x[:, 0] <= 0.2)
    honest = sn.certify(early, ratio=3.0).certificate
    whole = sn.certify(problem(), ratio=1.1).certificate.to_json()
    data = honest.to_json()
    (tmp_path / "honest.json").write_text(json.dumps(data))
    assert statement_mismatch(tmp_path / "honest.json", early) is None
    data = whole | {"assumptions": data["assumptions"]}
    data["digest"] = digest(data)
    (tmp_path / "forged.json").write_text(json.dumps(data))
    assert check(tmp_path / "forged.json").accepted  # a true statement about the whole box
    assert "not a point that counts" in str(statement_mismatch(tmp_path / "forged.json", early))


def test_a_flow_that_may_leave_zero_has_no_bound() -> None:
    root = sn.flow(lambda t, y, p: [2.0 * np.sqrt(y[:, 0])], [0.0])  # y = 0 and y = t^2
    result = sn.certify(sn.Problem(lambda x: x[:, 0] ** 2, root, sn.Domain(t=(0.0, 1.0))), seconds=5)
    assert result.status.code == "no-bound"
    assert result.upper == np.inf


STIFF = sn.flow(lambda t, y, p: -p[:, 0] * (y[:, 0] - np.cos(t)) - np.sin(t), [1.0], name="stiff")
FAST = sn.Domain(t=(0.0, 1.0), k=sn.Axis(100.0, 1000.0, scale="log"))


@pytest.mark.slow
def test_a_stiff_flow_is_proved_because_its_errors_decay(tmp_path: Path) -> None:
    """The logarithmic norm is at most -100: the distance is about the defect over 100, however long the time."""
    problem = sn.Problem(lambda x: np.cos(x[:, 0]) * (1.0 + 1e-4 * x[:, 0]), STIFF, FAST)
    result = sn.certify(problem, 1.1)
    assert result.status.code == "proved"
    assert worst(problem, 2000) <= result.upper <= 1.1 * result.lower
    result.certificate.save(tmp_path / "c.json")
    data = json.loads((tmp_path / "c.json").read_text())
    assert max(map(float.fromhex, data["data"]["growth"])) < -90.0
    assert check(tmp_path / "c.json").accepted


@pytest.mark.slow
def test_a_reference_that_cannot_be_solved_as_it_runs_says_so() -> None:
    from supnorm.certification.measured import Measuring
    from supnorm.certification.solved.near import Near, enter

    problem = sn.Problem(
        lambda x: np.exp(-x[:, 0]), sn.flow(lambda t, y, p: -1e5 * y, [1.0], name="fast"), ARC
    )
    near = Near(problem.reference, lambda x: np.exp(-1e5 * x[:, :1]), 1, lambda read: np.zeros(read.shape))
    with pytest.raises(
        BadInput, match=r"fast exists at .* gives no value there as it runs.*stiff"
    ) as refused:
        enter(Measuring(problem), near)
    assert len(str(refused.value).splitlines()) == 1


def test_the_choice_of_paths_keeps_to_the_seconds() -> None:
    from supnorm.certification.solved import flow_plan
    from supnorm.evaluation.limit import Limit

    over = Limit.of(0.0)
    field, initial = (
        program_of(lambda z: -z[:, 2:] * z[:, 1:2], 3),
        program_of(lambda x: 0.0 * x[:, :1] + 1.0, 2),
    )
    setting = flow_plan.Setting(
        model=program_of(near_decay, 2),
        field=field,
        initial=initial,
        time=0,
        start=0.0,
        outputs=(0,),
        measure=RootMeasure(False, 0.0, 1.0, "both"),
        domain=BOX,
        goal=Goal(1.1, None),
        name="decay",
    )
    assert flow_plan.plan(setting).base.paths
    with pytest.raises(BadInput, match="in the seconds that it has"):
        flow_plan.plan(setting, over)


@pytest.mark.watched
def test_a_start_that_is_code_is_read_as_often_as_it_is_called() -> None:
    """It was read twice, for the equation too, and called once, so that the proof was refused."""

    def start(p):
        size = p[:, 0]
        return [1.0 + 0.1 * size]

    decay = sn.flow(lambda t, y, p: -p * y, start)
    model = lambda x: (1.0 + 0.1 * x[:, 1]) * np.exp(-x[:, 0] * x[:, 1])  # noqa: E731
    problem = sn.Problem(model, decay, sn.Domain(t=(0.0, 0.5), rate=(0.5, 0.6)), tolerance=1e-2)
    assert sn.certify(problem, seconds=60.0).status.code == "within-tolerance"
