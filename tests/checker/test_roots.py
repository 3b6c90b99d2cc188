"""Files about roots: honest ones are accepted in every measure, and nothing that is false or foreign is."""

from __future__ import annotations

import copy
import json

import mpmath
import numpy as np
import pytest

import supnorm as sn
from supnorm.certification import statement_mismatch, values_for_statement
from supnorm.certification.certificate import digest
from supnorm.checker import check
from supnorm.checker.derived import Derivation
from supnorm.checker.operation import program as read_program
from supnorm.checker.rejected import Rejected
from supnorm.checker.roots import claims, parts
from supnorm.checker.statement_parts import Axes, Given
from supnorm.program import program_of

DOMAIN = sn.Domain(a=sn.Axis(1.0, 3.0, scale="log"))


def square(x, y):
    return y**2 - x[:, 0]


def model(x):
    return 0.6 + 0.41 * x[:, 0] - 0.04 * x[:, 0] ** 2


def problem(kind="absolute", between=(0.5, 2.5), N=model, **options):
    reference = sn.root(square, lambda x: 0.5 + 0.5 * x[:, 0], between=between, name="root of a")
    return sn.Problem(N, reference, DOMAIN, error=sn.ErrorMeasure(kind, **options))


MEASURES = {
    "absolute": {},
    "over": {"side": "over", "N": lambda x: model(x) + 0.2},
    "scaled": {"kind": "scaled", "scale": 2.0},
    "relative": {"kind": "relative", "floor": 0.0},
    "relative, under": {"kind": "relative", "floor": 0.0, "side": "under"},
    "relative with floor": {"kind": "relative", "floor": 1.2},
    "ends of x": {"between": (lambda x: 0.3 * x[:, 0] + 0.2, lambda x: x[:, 0] + 0.7)},
    "negative ends": {"between": (-3.0, -0.5), "N": lambda x: -model(x)},
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", MEASURES)
def test_honest_files_are_accepted(name, tmp_path):
    path = tmp_path / "r.json"
    asked = problem(**MEASURES[name])
    result = sn.certify(asked, ratio=1.2)
    assert result.status.code == "proved"
    result.certificate.save(path)
    assert statement_mismatch(path, asked) is None
    verdict = check(path, values=values_for_statement(path, asked, 20))
    assert verdict.accepted, verdict.reason
    assert (verdict.lower, verdict.upper) == (result.lower, result.upper)
    assert verdict.problem_checked
    other = problem("scaled", scale=3.0) if name != "scaled" else problem()
    assert statement_mismatch(path, other) is not None


@pytest.fixture(scope="module")
def honest():
    statement = sn.certify(problem("relative", floor=0.0), ratio=1.2).certificate
    return json.loads(json.dumps(statement.to_json()))


def checked(data, tmp_path, **options):
    data["digest"] = digest(data)
    path = tmp_path / "r.json"
    path.write_text(json.dumps(data))
    return check(path, **options)


def seal(part):
    part["digest"] = digest(part)


def other_end(data):
    data["programs"]["high"]["nodes"][-1]["value"] = data["programs"]["low"]["nodes"][-1]["value"]


def no_correction(data):
    zero = sn.Function(lambda x: 0.0 * x, name="zero")
    data["programs"]["correction"] = program_of(zero, 1).to_json()


def a_claim_too_small(data):
    upper = float.fromhex(data["parts"]["correction"]["upper"])
    data["claims"]["error"]["upper"] = upper.hex()


def a_lower_claim_too_large(data):
    data["claims"]["error"]["lower"] = data["parts"]["correction"]["lower"]


def without_a_part(data):
    del data["parts"]["slope"]


def on_half_of_the_branch(data):
    part = data["parts"]["slope"]
    part["axis_low"] = [part["axis_low"][0], (1.0).hex()]
    part["low"] = [part["low"][0], (0.0).hex()]
    seal(part)


def a_smaller_slope(data):
    part = data["parts"]["slope"]
    half = 0.6 * float.fromhex(part["upper"])
    part["lower"] = min(half, float.fromhex(part["lower"])).hex()
    part["leaves"]["upper"] = [min(float.fromhex(v), half).hex() for v in part["leaves"]["upper"]]
    part["upper"] = half.hex()
    part["witness"] = None
    part["lower"] = (0.0).hex()
    seal(part)


def absolute(data):
    data["data"]["relative"] = False


def another_side(data):
    data["data"]["side"] = "over"


def a_floor(data):
    data["data"]["floor"] = (1.0).hex()


def a_unit(data):
    data["data"]["unit"] = (2.0).hex()


def along_theta(data):
    data["data"]["along"] = "theta"


def no_kind_of_branch(data):
    data["data"]["along"] = "x"


def more_data(data):
    data["data"]["more"] = 1


def the_model_for_the_equation(data):
    data["programs"]["equation"] = data["programs"]["model"]


def two_parts_swapped(data):
    data["parts"]["defect"], data["parts"]["measured"] = data["parts"]["measured"], data["parts"]["defect"]


def nan_floor(data):
    data["data"]["floor"] = "nan"


FORGERIES = [
    other_end,
    no_correction,
    a_claim_too_small,
    a_lower_claim_too_large,
    without_a_part,
    on_half_of_the_branch,
    a_smaller_slope,
    absolute,
    another_side,
    a_floor,
    a_unit,
    along_theta,
    no_kind_of_branch,
    more_data,
    the_model_for_the_equation,
    two_parts_swapped,
    nan_floor,
]


@pytest.mark.sampled(5)
@pytest.mark.parametrize("forge", FORGERIES)
def test_forged_files_are_rejected(forge, honest, tmp_path):
    data = copy.deepcopy(honest)
    forge(data)
    verdict = checked(data, tmp_path)
    assert not verdict.accepted
    assert "malformed certificate: KeyError" not in verdict.reason


def test_the_honest_file_is_accepted_as_it_stands(honest, tmp_path):
    assert checked(copy.deepcopy(honest), tmp_path).accepted


def ball(low, high):
    from flint import arb

    return arb(low), None if high is None else arb(high)


def given(relative, low=0.5, high=2.5):
    data = {"along": "y", "relative": relative, "floor": (0.0).hex(), "unit": (1.0).hex(), "side": "both"}
    return Given(Axes(("a",), (False,), (1.0,), (3.0,)), {}, data)


@pytest.mark.parametrize("relative", [False, True])
def test_claims_are_those_of_the_theorem(relative):
    rng = np.random.default_rng(1)
    with mpmath.workdps(50):
        for _ in range(200):
            v = {
                n: sorted(10.0 ** rng.uniform(-9, -0.7, 2))
                for n in ("slope", "defect", "inside", "measured", "correction")
            }
            low, high = claims(given(relative), {n: ball(*e) for n, e in v.items()})["error"]
            t = mpmath.mpf(v["measured"][1]) * v["slope"][1]
            a, b = max(mpmath.mpf(v["correction"][0]) - t, 0), v["correction"][1] + t
            a, b = (a / (1 + t), b / (1 - t)) if relative else (a, b)
            assert abs(float(low) - float(a)) <= 1e-14 * float(b)
            assert float(high) == pytest.approx(float(b), rel=1e-14)


@pytest.mark.parametrize(
    ("name", "end"),
    [("inside", 0.9), ("slope", None), ("defect", None), ("measured", None), ("inside", None)],
)
def test_without_one_root_nothing_is_claimed(name, end):
    ends = {n: ball(0.0, 0.4) for n in ("slope", "defect", "inside", "measured", "correction")} | {
        name: ball(0.0, end)
    }
    low, high = claims(given(False), ends)["error"]
    assert (float(low), high) == (0.0, None)
    assert claims(given(False), ends | {name: ball(0.0, 0.4)})["error"][1] is not None


def test_a_relative_claim_needs_a_delta_below_one():
    ends = {n: ball(0.0, 0.01) for n in ("slope", "defect", "inside", "measured", "correction")}
    ends |= {"slope": ball(0.0, 10.0), "measured": ball(0.0, 0.1)}
    assert claims(given(True), ends)["error"][1] is None
    assert claims(given(False), ends)["error"][1] is not None


def test_a_relative_error_has_no_unit(honest):
    """A bound of 0.17 of a relative error of 0.8, in units of 10, was accepted: |y| was taken to change by a tenth of it."""
    programs = {n: read_program(p) for n, p in honest["programs"].items()}
    data = honest["data"] | {"unit": (10.0).hex()}
    axes = Axes(("a",), (True,), (1.0,), (3.0,))
    assert parts(Given(axes, programs, data | {"relative": False}), Derivation())
    with pytest.raises(Rejected, match="floor and unit"):
        parts(Given(axes, programs, data), Derivation())


@pytest.mark.parametrize("ends", [(2.5, 0.5), (-0.5, 2.5)])
def test_a_logarithmic_branch_needs_positive_ends_in_order(ends, honest):
    programs = {n: read_program(p) for n, p in honest["programs"].items()}
    programs |= {
        n: read_program(program_of(sn.Function(lambda x: x, program=_constant(v)), 1).to_json())
        for n, v in zip(("low", "high"), ends, strict=True)
    }
    data = honest["data"] | {"along": "log y"}
    with pytest.raises(Rejected, match="ends of the root"):
        parts(Given(Axes(("a",), (True,), (1.0,), (3.0,)), programs, data), Derivation())


def _constant(v):
    from supnorm.program import Node, Program

    return Program((Node("input", (), 1), Node("constant", (), 1, value=np.array([v]))))
