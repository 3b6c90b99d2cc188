"""Files about flows and integrals: nothing that is false or foreign is accepted, and the claims are those of the theorem."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, ctx

import supnorm as sn
from supnorm.certification import statement_mismatch, values_for_statement
from supnorm.certification.certificate import digest
from supnorm.certification.exactly import Proved
from supnorm.certification.solved import flow_claims, integral_claims
from supnorm.checker import check
from supnorm.checker.flows import claims as flow_checked
from supnorm.checker.integrals import claims as integral_checked
from supnorm.checker.statement_parts import Axes, Given
from supnorm.program import Program, program_of

FLOW = sn.flow(lambda t, y, p: [-p[:, 0] * y[:, 0], y[:, 0] - 2.0 * y[:, 1]], [1.0, 0.5], name="chain")
INTEGRAL = sn.integral(lambda x, s: np.exp(-x[:, 0] * s), 0.0, lambda x: 1.0 + x[:, 0], name="Laplace")
PROBLEMS = {
    "flow": sn.Problem(
        lambda x: np.stack([np.exp(-x[:, 0] * x[:, 1]), 0.5 + 0.0 * x[:, 0]], axis=-1),
        FLOW,
        sn.Domain(t=(0.5, 1.0), a=(0.5, 1.0)),
        error=sn.ErrorMeasure("relative", floor=0.0),
    ),
    "integral": sn.Problem(
        lambda x: 0.7 + 0.1 * x[:, 0],
        INTEGRAL,
        sn.Domain(a=(0.5, 2.0)),
        error=sn.ErrorMeasure("relative", floor=0.0),
    ),
}


@pytest.fixture(scope="module", params=list(PROBLEMS))
def honest(request):
    problem = PROBLEMS[request.param]
    result = sn.certify(problem, ratio=1.2)
    assert result.status.code == "proved"
    return problem, result, json.loads(json.dumps(result.certificate.to_json()))


def checked(data, tmp_path, **options):
    data["digest"] = digest(data)
    path = tmp_path / "c.json"
    path.write_text(json.dumps(data))
    return check(path, **options)


@pytest.mark.sampled(1)
def test_honest_files_are_accepted_and_belong_to_their_problem(honest, tmp_path):
    problem, result, _ = honest
    path = tmp_path / "c.json"
    result.certificate.save(path)
    assert statement_mismatch(path, problem) is None
    verdict = check(path, values=values_for_statement(path, problem, 20))
    assert verdict.accepted, verdict.reason
    assert (verdict.lower, verdict.upper) == (result.lower, result.upper)
    assert verdict.problem_checked
    other = sn.Problem(problem.model, problem.reference, problem.domain, error=sn.ErrorMeasure())
    assert statement_mismatch(path, other) is not None
    foreign = next(p for p in PROBLEMS.values() if p is not problem)
    assert statement_mismatch(path, foreign) is not None


def seal(part):
    part["digest"] = digest(part)


def _of(data, start):
    return next(n for n in data["parts"] if n.startswith(start))


def a_claim_too_small(data):
    data["claims"]["error"]["upper"] = max(
        float.fromhex(p["upper"]) for n, p in data["parts"].items() if n.startswith("correction")
    ).hex()


def a_lower_claim_too_large(data):
    data["claims"]["error"]["lower"] = max(
        (p["lower"] for n, p in data["parts"].items() if n.startswith("correction")), key=float.fromhex
    )


def without_a_part(data):
    del data["parts"][_of(data, "defect")]


def without_the_correction(data):
    del data["parts"][_of(data, "correction")]


def a_smaller_defect(data):
    part = data["parts"][_of(data, "defect")]
    half = 0.5 * float.fromhex(part["upper"])
    part["leaves"]["upper"] = [min(float.fromhex(v), half).hex() for v in part["leaves"]["upper"]]
    part["upper"], part["witness"], part["lower"] = half.hex(), None, (0.0).hex()
    seal(part)


def on_half_of_the_box(data):
    part = data["parts"][_of(data, "defect")]
    part["axis_high"] = [*part["axis_high"][:-1], (0.75).hex()]
    part["high"] = [*part["high"][:-1], (0.75).hex()]
    seal(part)


def the_model_as_another_program(data):
    data["programs"]["model"] = data["programs"]["initial" if "initial" in data["programs"] else "low"]


def absolute(data):
    data["data"]["relative"] = False


def a_floor(data):
    data["data"]["floor"] = (1.0).hex()


def a_unit(data):
    data["data"]["unit"] = (2.0).hex()


def another_side(data):
    data["data"]["side"] = "over"


def no_side(data):
    data["data"]["side"] = "left"


def more_data(data):
    data["data"]["more"] = 1


def nan_floor(data):
    data["data"]["floor"] = "nan"


def two_parts_swapped(data):
    one, other = _of(data, "defect"), _of(data, "correction")
    data["parts"][one], data["parts"][other] = data["parts"][other], data["parts"][one]


BOTH = [
    a_claim_too_small,
    a_lower_claim_too_large,
    without_a_part,
    without_the_correction,
    a_smaller_defect,
    on_half_of_the_box,
    the_model_as_another_program,
    absolute,
    a_floor,
    a_unit,
    another_side,
    no_side,
    more_data,
    nan_floor,
    two_parts_swapped,
]


@pytest.mark.sampled(14)
@pytest.mark.parametrize("forge", BOTH)
def test_forged_files_are_rejected(forge, honest, tmp_path):
    data = copy.deepcopy(honest[2])
    forge(data)
    verdict = checked(data, tmp_path)
    assert not verdict.accepted
    assert "malformed certificate: KeyError" not in verdict.reason


def _set(key, value):
    return lambda data: data["data"].update({key: value(data["data"])})


def _program(name, code, d):
    """Another function in the place of a base program."""
    return lambda data: data["programs"].update({name: program_of(sn.Function(code, name=name), d).to_json()})


def _rule(change):
    """The quadrature rule with other weights, those of the last operation of its basis."""

    def forge(data):
        program = Program.from_json(data["programs"]["basis 0"])
        nodes = list(program.nodes)
        last = max(i for i, node in enumerate(nodes) if node.weight is not None)
        nodes[last] = replace(nodes[last], weight=np.ascontiguousarray(change(np.array(nodes[last].weight))))
        data["programs"]["basis 0"] = Program(tuple(nodes)).to_json()

    return forge


def _with_part(name, code, part):
    """Another base program, and its part with the error of the other one left as it is."""

    def forge(data):
        _program(name, code, 1)(data)
        seal(data["parts"][part])

    return forge


def _negative_defect(data):
    part = data["parts"]["defect 0"]
    part["upper"] = (-1e-3).hex()
    part["leaves"]["upper"] = [(-1e-3).hex() for _ in part["leaves"]["upper"]]
    seal(part)


def _flat(data):
    """Paths of one value, which the jump and defect have to notice."""
    zero = sn.Function(lambda x: 0.0 * x + 1.0, name="one")
    data["programs"]["path 0"] = program_of(zero, 2).to_json()


FLOW_ONLY = {
    "less growth": _set("growth", lambda d: [(float.fromhex(v) - 1.0).hex() for v in d["growth"]]),
    "a wider tube": _set(
        "reach", lambda d: [[(2.0 * float.fromhex(v)).hex() for v in r] for r in d["reach"]]
    ),
    "a tube of width zero": _set("reach", lambda d: [[(0.0).hex()] * len(r) for r in d["reach"]]),
    "another scale": _set("scale", lambda d: [(4.0 * float.fromhex(v)).hex() for v in d["scale"]]),
    "a negative scale": _set("scale", lambda d: [(-float.fromhex(v)).hex() for v in d["scale"]]),
    "another time": _set("time", lambda d: 1),
    "no time": _set("time", lambda d: 2),
    "a later start": _set("times", lambda d: [(0.25).hex(), *d["times"][1:]]),
    "an earlier end": _set("times", lambda d: [*d["times"][:-1], (0.9).hex()]),
    "one slice less": _set("times", lambda d: [d["times"][0], *d["times"][2:]]),
    "another start": _set("start", lambda d: (0.5).hex()),
    "no slice": _set("times", lambda d: d["times"][:1]),
    "outputs swapped": _set("outputs", lambda d: d["outputs"][::-1]),
    "an output that does not exist": _set("outputs", lambda d: [0, 7]),
    "another path": _flat,
}
INTEGRAL_ONLY = {
    "other cuts": _set("cuts", lambda d: [(-1.0).hex(), (0.125).hex(), (1.0).hex()]),
    "cuts that end early": _set("cuts", lambda d: [*d["cuts"][:-1], (0.5).hex()]),
    "cuts that go back": _set("cuts", lambda d: d["cuts"][::-1]),
    "other limits": lambda d: d["programs"].update(low=d["programs"]["high"]),
    "other values": lambda d: d["programs"].update({"values 0": d["programs"]["model"]}),
    "no basis": lambda d: d["programs"].pop("basis 0"),
    "another integrand": _program("integrand", lambda z: np.exp(-0.9 * z[:, 0] * z[:, 1]), 2),
    "an integrand that is larger": _program("integrand", lambda z: np.exp(-z[:, 0] * z[:, 1]) + 0.01, 2),
    "limits exchanged": lambda d: d["programs"].update(low=d["programs"]["high"], high=d["programs"]["low"]),
    "another upper limit": _program("high", lambda x: 1.001 + x[:, 0], 1),
    "a rule of twice the weights": _rule(lambda weight: 2.0 * weight),
    "a rule whose weights are exchanged": _rule(lambda weight: weight[::-1]),
    "a rule of equal weights": _rule(lambda weight: 0.0 * weight + weight.mean(0)),
    "a rule without a node": _rule(lambda weight: weight * (np.arange(len(weight)) > 0)[:, None]),
    "a model and a part of another one": _with_part("model", lambda x: 0.6 + 0.1 * x[:, 0], "correction"),
    "a smaller remainder in claim and part": lambda d: (a_smaller_defect(d), a_claim_too_small(d)),
    "a remainder below zero": _negative_defect,
}


@pytest.mark.parametrize("name", [*FLOW_ONLY, *INTEGRAL_ONLY])
def test_forged_numbers_are_rejected(name, honest, tmp_path):
    data = copy.deepcopy(honest[2])
    forge = (FLOW_ONLY if data["kind"] == "flow" else INTEGRAL_ONLY).get(name)
    if forge is None:
        return
    forge(data)
    assert not checked(data, tmp_path).accepted


MEASURE = {"relative": False, "floor": (0.0).hex(), "unit": (1.0).hex(), "side": "both"}


def both(kind, data, proved):
    """What certifier and checker claim of the same parts."""
    axes = Axes(("t",), (False,), (0.0,), (3.0,))
    ctx.prec, before = 320, ctx.prec
    try:
        ends = {n: (arb(a), None if b is None else arb(b)) for n, (a, b) in proved.items()}
        one, other = (
            (flow_claims.claims, flow_checked)
            if kind == "flow"
            else (integral_claims.claims, integral_checked)
        )
        exact = {n: Proved(Fraction(a), None if b is None else Fraction(b)) for n, (a, b) in proved.items()}
        made = one(data, exact)["error"]
        low, high = other(Given(axes, {}, data), ends)["error"]
        if high is None:
            return made == (0.0, np.inf) or made[1] == np.inf
        follows = arb(made[0]) <= low and high <= arb(made[1])
        return follows and made[1] <= float(high.upper()) * (1 + 1e-14)
    finally:
        ctx.prec = before


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("relative", [False, True])
def test_claims_of_flows_are_those_of_the_certifier(relative):
    rng = np.random.default_rng(1)
    for _ in range(200):
        n, k = int(rng.integers(1, 4)), int(rng.integers(1, 4))
        data = MEASURE | {
            "relative": relative,
            "time": 0,
            "start": (0.0).hex(),
            "times": [v.hex() for v in (*np.linspace(0.0, 2.0, n + 1)[:-1].tolist(), 3.0)],
            "outputs": [int(rng.integers(0, k))],
            "scale": [float(v).hex() for v in 10.0 ** rng.uniform(-1, 1, k)],
            "reach": [[float(v).hex() for v in 10.0 ** rng.uniform(-1, 2, k)] for _ in range(n)],
            "growth": [float(v).hex() for v in rng.choice([0.0, 1e-25, 1.0, -3.0, -40.0, 300.0], n)],
        }
        proved = {}
        for i in range(n):
            for name in ("jump", "defect", "growth", "correction", "inverse"):
                low, high = sorted((10.0 ** rng.uniform(-6, -1, 2)).tolist())
                proved[f"{name} {i}"] = (
                    0.0 if name == "growth" else low,
                    None if rng.random() < 0.02 else high,
                )
        if rng.random() < 0.5:
            proved = {n: (0.0, 0.0) if n.startswith("growth") else e for n, e in proved.items()}
        assert both("flow", data, proved)


@pytest.mark.parametrize("relative", [False, True])
def test_claims_of_integrals_are_those_of_the_certifier(relative):
    rng = np.random.default_rng(1)
    for _ in range(200):
        n = int(rng.integers(1, 4))
        data = MEASURE | {
            "relative": relative,
            "cuts": [float(v).hex() for v in (-1.0, *sorted(rng.uniform(-1, 1, n - 1)), 1.0)],
        }
        proved = {}
        for name in (*(f"defect {i}" for i in range(n)), "correction"):
            low, high = sorted((10.0 ** rng.uniform(-6, -0.3, 2)).tolist())
            proved[name] = (low, None if rng.random() < 0.02 else high)
        assert both("integral", data, proved)
