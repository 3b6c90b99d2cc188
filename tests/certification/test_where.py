"""Programs that choose between two formulas (``where``): each rule encloses them, is needed, and says no more than is so."""

import dataclasses
import hashlib
import json
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import onnx
import pytest
import torch
from flint import arb
from onnx import TensorProto, helper, numpy_helper

import supnorm as sn
from supnorm.certification import (
    affine_model,
    balls,
    composed_enclosure,
    graded_model,
    mismatch,
    running_error,
    values_of_problem,
)
from supnorm.certification.error_program import error_program
from supnorm.certification.into_report import into_report
from supnorm.certification.propagation import propagate
from supnorm.checker import batch, check, composed, enclosure, graded
from supnorm.checker.composed import Grid
from supnorm.checker.enclosure import Program as Read
from supnorm.checker.operation import program as read_program
from supnorm.program import Unsupported, lower_numpy, program_of
from supnorm.program.derived import derivative
from supnorm.program.lifted import lifted
from supnorm.results import BadInput
from supnorm.wording.certify import CERTIFY

SQUARE = sn.Domain(x=(0.0, 1.0), y=(0.0, 1.0))
FUNCTIONS = {
    "axis": lambda x: np.where(x[:, 0] < 0.43, np.sin(3 * x[:, 0] + x[:, 1]), 2.0 + x[:, 1] ** 2),
    "line": lambda x: np.where(x[:, 0] + 2 * x[:, 1] >= 1.1, np.exp(x[:, 0]), -x[:, 1]),
    "circle": lambda x: np.where(x[:, 0] ** 2 + x[:, 1] ** 2 > 0.5, 1.0 + x[:, 0], x[:, 0] * x[:, 1]),
    "within": lambda x: np.cos(np.where(np.tanh(x[:, 0]) <= 0.4 * x[:, 1], 3.0 * x[:, 0], 1.0 + x[:, 1])),
    "nested": lambda x: np.where(
        x[:, 0] < 0.3, x[:, 1], np.where(x[:, 1] > 0.6, 1.5 + x[:, 0], np.sqrt(1.0 + x[:, 0]))
    ),
    "columns": lambda x: np.where(x < 0.55, x**2, 2.0 - x) @ np.array([1.0, -0.7]),
}
RNG = np.random.default_rng(3)
CENTRES = RNG.random((60, 2))
HALVES = RNG.choice([0.3, 0.05, 0.004], (60, 1)) * np.ones((60, 2))
OFFSETS = np.concatenate([RNG.uniform(-1, 1, (300, 2)), [[-1, -1], [1, 1], [-1, 1], [1, -1], [0, 0]]])


def _by_affine(program, centre, half):
    model, _ = propagate(program, centre[None], half[None], np.array([1.0, 1.5]))
    return model.c[0], model.reach[0, 0]


def _by_graded(program, centre, half):
    model = graded_model.enclose(program, centre[None], half[None], None).graded
    return model.c[0], (model.slope + model.bent + model.rem)[0]


def _by_composed(program, centre, half):
    model = composed_enclosure.enclose(program, centre[None], half[None], 3)
    return model.sizes.c[0], model.reach[0]


def _box(centre, half):
    return [arb(float(v)) for v in centre], [arb(float(v)) for v in half]


def _checked(program):
    return Read.of(read_program(program.to_json(), branches=True))


def _numbers(features, reach):
    ends = [(float(f.c.mid()), reach(f)) for f in features]
    return np.array([c for c, _ in ends]), np.array(
        [np.inf if r is None else float(r.upper()) for _, r in ends]
    )


def _by_checker(program, centre, half):
    features = enclosure.model(_checked(program), *_box(centre, half), scale=arb(1), real=True)
    return _numbers(features, lambda f: f.reach(arb(1)))


def _by_checker_graded(program, centre, half):
    features = graded.enclose(_checked(program), *_box(centre, half), None)
    return _numbers(features, lambda f: None if f.rem is None else f.slope + f.bent + f.rem)


def _by_checker_composed(program, centre, half):
    features = composed.enclose(_checked(program), *_box(centre, half), Grid(3, 2))
    return _numbers(features, lambda f: f.reach)


def _by_checker_batch(program, centre, half):
    points = batch.Balls(centre[:, None], half[:, None])
    out = batch.all_values(_checked(program), points)[-1]
    return out.mid[:, 0], out.rad[:, 0]


def _by_checker_balls(program, centre, half):
    rows = [[arb(float(c), float(h))] for c, h in zip(centre, half, strict=True)]
    values = [row[0] for row in enclosure.values(_checked(program), rows)]
    return np.array([float(v.mid()) for v in values]), np.array([float(v.rad().upper()) for v in values])


def _by_balls(program, centre, half):
    rows = [[arb(float(c), float(h))] for c, h in zip(centre, half, strict=True)]
    middle, off = balls._as_floats(balls._values(program, rows))
    return middle[0], off[0]


def _by_running_error(program, centre, half):
    value, off = running_error.with_rounding(program, centre[None], half[None])
    return value[0], off[0]


def _at_its_middle(*names):
    """The rule as if the sign of the test were certain everywhere."""

    def weak(honest):
        return lambda z, above, other, *rest: honest(
            dataclasses.replace(z, **{name: 0 * getattr(z, name) for name in names}), above, other, *rest
        )

    return weak


def _certain(z, above, other, *rest):
    return above if z.c.mid() > 0 else other


def _of_rows(honest):
    return lambda z, above, other: honest(batch.Balls(z.mid, 0.0 * z.rad), above, other)


def _of_one(honest):
    return lambda z, above, other: above if z.mid() > 0 else other


RULES = {
    "affine": (_by_affine, affine_model.COMPOSED, "where", _at_its_middle("J", "eps", "err")),
    "hull": (
        _by_affine,
        affine_model.COMPOSED,
        "where",
        lambda honest: lambda z, a, b, *rest: honest(z, a, dataclasses.replace(b, c=a.c, J=a.J), *rest),
    ),
    "graded": (_by_graded, graded_model, "where", _at_its_middle("J", "H", "s", "rem")),
    "composed": (
        _by_composed,
        composed_enclosure._COMPOSED,
        "where",
        lambda honest: lambda z, a, b: honest(composed_enclosure.constant(np.sign(z.sizes.c[0]), z), a, b),
    ),
    "balls": (_by_balls, balls._NAMED, "where", _of_one),
    "checker": (_by_checker, enclosure, "where", lambda honest: _certain),
    "checker: graded": (_by_checker_graded, graded, "where", lambda honest: _certain),
    "checker: composed": (_by_checker_composed, composed, "where", lambda honest: _certain),
    "checker: batch": (_by_checker_batch, batch.RULES, "where", _of_rows),
    "checker: balls": (_by_checker_balls, enclosure._POINT, "where", _of_one),
}


def _outside(rule):
    """By how much values at points of boxes leave their enclosures; and how many enclosures are finite."""
    beyond, finite = -np.inf, 0
    for function in FUNCTIONS.values():
        program = lower_numpy(function, 2)
        for centre, half in zip(CENTRES, HALVES, strict=True):
            middle, reach = rule(program, centre, half)
            if np.isfinite(reach).all():
                values = program.value(centre + half * OFFSETS)
                finite += 1
                beyond = max(beyond, float((np.abs(values - middle) - reach).max()))
    return beyond, finite


@pytest.mark.parametrize("rule", [*RULES, "running error"])
def test_values_are_within_their_enclosures(rule):
    beyond, finite = _outside(RULES[rule][0] if rule in RULES else _by_running_error)
    assert beyond <= 1e-13
    assert finite > 100


@pytest.mark.parametrize("rule", RULES)
def test_without_the_rule_values_are_outside(rule, monkeypatch):
    bounds, where, name, weaken = RULES[rule]
    if isinstance(where, dict):
        monkeypatch.setitem(where, name, weaken(where[name]))
    else:
        monkeypatch.setattr(where, name, weaken(getattr(where, name)))
    assert _outside(bounds)[0] > 1e-3


def test_a_jump_within_rounding_has_no_running_error():
    program = lower_numpy(lambda x: np.where(0.1 * x[:, 0] > 0.03, 1.0, 0.0), 1)
    value, off = running_error.with_rounding(program, np.array([[0.3], [0.31]]), np.full((2, 1), 1e-16))
    assert np.isinf(off[0, 0])
    assert value[1, 0] == 1.0
    assert off[1, 0] < 1e-12


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("against", ["smooth", "itself"])
def test_a_proof_is_above_all_samples_and_the_checker_accepts_it(name, against, tmp_path):
    model = FUNCTIONS[name]
    if against == "smooth":
        problem = sn.Problem(model, lambda x: 0.5 + x[:, 0], SQUARE)
    else:  # the thresholds are the same ones: what remains of the jumps is nothing
        problem = sn.Problem(lambda x: model(x) + 1e-3 * np.sin(5 * x[:, 0]), model, SQUARE)
    result = sn.certify(problem, ratio=1.2)
    x = np.random.default_rng(1).random((100_000, 2))
    sampled = np.abs(problem.model.columns(x) - problem.reference.columns(x)).max()
    assert result.status.code == "proved"
    assert 0.98 * sampled < result.lower <= result.upper <= 1.2 * result.lower
    assert sampled <= result.upper
    result.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted


@pytest.mark.parametrize(
    "measure",
    [
        {"kind": "relative", "floor": 0.0},
        {"kind": "relative", "floor": 0.5},
        {"side": "over"},
        {"kind": "scaled", "scale": 2.0, "side": "under"},
    ],
)
def test_every_kind_of_error_of_code_with_thresholds(measure, tmp_path):
    problem = sn.Problem(
        FUNCTIONS["axis"], lambda x: np.where(x[:, 1] <= x[:, 0], 1.0 + x[:, 0], 2.0), SQUARE,
        error=sn.ErrorMeasure(**measure),
    )  # fmt: skip
    result = sn.certify(problem, ratio=1.3)
    x = np.random.default_rng(1).random((50_000, 2))
    sampled = problem.error.by_output(problem.model.columns(x), problem.reference.columns(x), x).max()
    assert 0.9 * sampled < result.lower <= result.upper
    assert sampled <= result.upper
    result.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted


def test_the_bound_holds_where_rounding_takes_the_other_formula():
    """0.7 x reaches 0.21 at x = 0.3 in exact arithmetic, and a unit off as it is rounded: the code has both values there."""
    problem = sn.Problem(
        lambda x: np.where(0.7 * x[:, 0] < 0.21, 0.0, 1.0),
        lambda x: np.where(x[:, 0] < 0.3, 0.0, 1.0),
        sn.Domain(x=(0.0, 1.0)),
    )
    result = sn.certify(problem, ratio=1.1)
    x = 0.3 + np.spacing(0.3) * np.arange(-50, 51)
    assert (
        result.upper
        >= np.abs(problem.model.columns(x[:, None]) - problem.reference.columns(x[:, None])).max()
    )
    assert result.upper >= 1.0


def test_a_common_threshold_ends_the_program():
    model, noise = FUNCTIONS["within"], (lambda x: 1e-3 * x[:, 1])
    error = error_program(sn.Problem(lambda x: model(x) + noise(x), model, SQUARE)).alternatives[0]
    assert [node.op for node in error.nodes].count("where") == 1
    assert error.nodes[-1].op == "where"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_lifted_program_has_the_same_values_to_the_last_bit(name):
    program = lower_numpy(lambda x: np.exp(FUNCTIONS[name](x)) * FUNCTIONS["nested"](x) - x[:, 1], 2)
    x = np.random.default_rng(2).random((2000, 2))
    np.testing.assert_array_equal(lifted(program).value(x), program.value(x))


def test_a_program_of_many_thresholds_stays_small():
    def many(x):
        y = x[:, 0]
        for k in range(12):
            y = np.sin(np.where(x[:, 0] < k / 12, y, x[:, 1]))
        return y

    program = lower_numpy(many, 2)
    assert lifted(program).work <= 16 * program.work


def _bump(x):
    return np.where(np.abs(x[:, 0] - 0.4123) < 1e-7, 1e-2, 0.0)


def test_a_narrow_formula_is_not_proved_away():
    problem = sn.Problem(
        lambda x: np.exp(-x[:, 0]) + _bump(x), lambda x: np.exp(-x[:, 0]), sn.Domain(x=(0.0, 1.0))
    )
    assert sn.certify(problem, tolerance=1e-3).upper >= 1e-2


REFUSED = {
    "a slope": lambda model: derivative(program_of(model, 2, branches=True), 0),
    "a use that did not ask for it": lambda model: program_of(model, 2),
}


@pytest.mark.parametrize("use", REFUSED.values(), ids=REFUSED)
def test_other_uses_refuse_jumps(use):
    with pytest.raises(Unsupported, match="where"):
        use(FUNCTIONS["axis"])


DECLARED = sn.with_bound(lambda x: np.array([float(v) for v in x[:, 0]]), derivatives=(1.0, 1.0), order=2)
STATEMENTS = {
    "a declared bound": lambda model: sn.certify(sn.Problem(model, DECLARED, SQUARE)),
    "a property": lambda model: sn.certify_properties(model, SQUARE, ["bounded:-9:9"]),
    "a norm": lambda model: sn.certify_norms(sn.Problem(model, lambda x: x[:, 0], SQUARE)),
}


@pytest.mark.parametrize("use", STATEMENTS.values(), ids=STATEMENTS)
def test_other_statements_refuse_jumps_by_name(use):
    with pytest.raises(BadInput, match=r"where\(comparison, a, b\)"):
        use(FUNCTIONS["axis"])


def _file(tmp_path, change):
    problem = sn.Problem(FUNCTIONS["axis"], lambda x: x[:, 0], SQUARE)
    data = sn.certify(problem, ratio=1.5).certificate.to_json()
    change(data)
    text = {k: v for k, v in data.items() if k != "digest"}
    data["digest"] = hashlib.sha256(
        json.dumps(text, sort_keys=True, separators=(",", ":")).encode()
    ).hexdigest()
    (tmp_path / "c.json").write_text(json.dumps(data))
    return check(tmp_path / "c.json")


def test_a_file_may_not_turn_the_formulas_round(tmp_path):
    def change(data):
        for program in data["programs"]:
            for node in program["nodes"]:
                if node["op"] == "where":
                    node["args"][1:] = node["args"][:0:-1]
        data["hashes"] = [
            hashlib.sha256(json.dumps(p, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
            for p in data["programs"]
        ]

    assert _file(tmp_path, lambda data: None).accepted
    assert not _file(tmp_path, change).accepted


def test_jax_code_with_thresholds(tmp_path):
    problem = sn.Problem(
        lambda x: jnp.where((x[:, 0] < 0.5) & ~(x[:, 1] > 0.25), jnp.sin(x[:, 0]), 1.0) + (x[:, 1] > 0.8) * 0.5,
        lambda x: jnp.tanh(x[:, 0]), SQUARE,
    )  # fmt: skip
    result = sn.certify(problem, ratio=1.2)
    assert result.status.code == "proved"
    assert result.upper == pytest.approx(1.5, rel=0.2)


def test_a_threshold_that_is_rounded_is_an_assumption(tmp_path):
    exact = sn.certify(sn.Problem(FUNCTIONS["axis"], lambda x: x[:, 0], SQUARE))
    rounded = sn.certify(sn.Problem(FUNCTIONS["circle"], FUNCTIONS["line"], SQUARE))
    assert not any("chooses between formulas" in s for s in exact.assumptions)
    assert any("the model or the reference chooses between formulas" in s for s in rounded.assumptions)


def test_two_ways_to_compute_one_threshold_are_not_within_tolerance():
    """Both tests are the same number in exact arithmetic; rounded, they differ at some points, and there the jump counts."""

    def one(x):
        return np.where(10.0 ** x[:, 0] < 2300.0, 1.0, 0.0)

    def other(x):
        return np.where(np.exp(np.log(10.0) * x[:, 0]) < 2300.0, 1.0, 0.0)

    result = sn.certify(sn.Problem(one, other, sn.Domain(x=(2.0, 5.0))), tolerance=1e-3)
    assert result.status.code != "within-tolerance"


class _Threshold(torch.nn.Module):
    """Torch's softplus is a straight line above 10: there it is log(1 + exp(-10)) smaller, which turns a test."""

    def forward(self, x):
        above = 10.0 + 0.8 * np.log1p(np.exp(-10.0))
        z = torch.nn.functional.softplus(x, threshold=10.0)
        return torch.where(z > above, torch.sin(x), torch.sin(x) + 1e5 * (x - 10.0))


def test_a_bound_has_room_for_a_branch_that_turns_a_test():
    problem = sn.Problem(
        _Threshold().eval(), lambda x: np.sin(x[:, 0]), sn.Domain(x=(10.0 - 2e-5, 10.0 + 2e-4))
    )
    x = np.linspace(10.0, 10.0 + 4e-5, 1000)[:, None]
    sampled = np.abs(problem.model.columns(x) - problem.reference.columns(x)).max()
    assert sampled > 3.5  # in exact arithmetic the error is 2.27
    assert sn.certify(problem, ratio=1.1, boxes=300).upper >= sampled


class _Single(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.line = torch.nn.Linear(1, 1)
        with torch.no_grad():
            self.line.weight[:], self.line.bias[:] = 0.1, 0.7

    def forward(self, x):
        return torch.where(self.line(x) < 0.73, torch.zeros_like(x), torch.ones_like(x))


def test_code_in_float32_may_take_the_other_formula_at_a_threshold():
    """It was refused: "depends on more than the point"."""
    problem = sn.Problem(
        _Single().eval(), lambda x: np.where(x[:, 0] < 0.3, 0.0, 1.0) + 0.0 * x[:, 0], sn.Domain(x=(0.0, 1.0))
    )
    result = sn.certify(problem, ratio=1.2)
    assert result.upper == pytest.approx(1.0)


class _Step(torch.nn.Module):
    def forward(self, x):
        z = torch.nn.functional.softplus(40.0 * x)
        return torch.where(z > 20.0 + 1e-9, torch.ones_like(x), torch.zeros_like(x))


def test_a_report_may_have_an_error_of_the_other_formula():
    """The branch of softplus turns the test at the worst point of the audit, so the programs have another error there."""
    problem = sn.Problem(
        _Step().eval(),
        lambda x: np.where(np.log1p(np.exp(40.0 * x[:, 0])) > 20.0 + 1e-9, 1.0, 0.0) + 0.0 * x[:, 0],
        sn.Domain(x=(0.0, 1.0)),
    )
    report = sn.audit(problem, evaluations=3000)
    assert report.worst.error == 1.0
    joined = into_report(report, sn.certify(problem, ratio=1.2, boxes=300))
    assert joined.record.sup.lower <= joined.record.sup.upper


def test_a_guard_proves_cells_of_a_graph_with_a_threshold(tmp_path):
    """It ended as a bug of supnorm: the cells were proved, and then the program was refused."""
    value, number = helper.make_tensor_value_info, numpy_helper.from_array
    nodes = [
        helper.make_node("Less", ["x", "t"], ["m"]),
        helper.make_node("Add", ["x", "one"], ["above"]),
        helper.make_node("Where", ["m", "x", "above"], ["y"]),
    ]
    ends = [value("x", TensorProto.DOUBLE, [None, 1])], [value("y", TensorProto.DOUBLE, [None, 1])]
    given = [number(np.array(0.3), "t"), number(np.array(1.0), "one")]
    graph = helper.make_graph(nodes, "g", *ends, given)
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), tmp_path / "m.onnx")
    (tmp_path / "f.py").write_text("def f(x):\n    return x[:, 0]\n")
    (tmp_path / "p.toml").write_text(
        '[model]\nfile = "m.onnx"\n[reference]\npython = "f.py:f"\n[domain]\nx = [0.0, 1.0]\n[error]\ntolerance = 0.5\n'
    )
    guard = sn.guard(sn.open_problem(tmp_path / "p.toml"), prove=True, evaluations=2000)
    assert guard.cells is not None


def test_a_witness_where_a_reference_with_a_threshold_is_zero_is_one_for_the_checker(tmp_path):
    """The quotient by zero is not the last operation there: the file of certify was rejected by check."""
    problem = sn.Problem(
        lambda x: np.where(x[:, 0] < 0.7, np.exp(-(x[:, 0] ** 2)), x[:, 0]),
        lambda x: np.where(x[:, 0] < 0.7, x[:, 0], 0.5 + x[:, 0]),
        sn.Domain(x=(0.0, 1.0)),
        error=sn.ErrorMeasure(kind="relative", floor=0.5),
    )
    sn.certify(problem, ratio=1.3).save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted


@pytest.mark.parametrize(("other", "known"), [(lambda x: x[:, 1], True), (lambda x: -x[:, 1], False)])
def test_a_root_has_a_bound_at_zero_only_where_both_formulas_are_at_least_zero(other, known):
    program = lower_numpy(lambda x: np.sqrt(np.where(x[:, 0] > 0.5, x[:, 0], other(x))), 2)
    read, ends = read_program(program.to_json(), branches=True), np.array([0.5, 0.5])
    model, _ = propagate(program, ends[None], ends[None], np.ones(1), low=np.zeros(2))
    assert np.isfinite(model.reach[0, 0, 0]) == known
    feature = enclosure.model(Read.of(read, (0.0, 0.0)), *_box(ends, ends), scale=arb(1), real=True)[0]
    assert (feature.reach(arb(1)) is not None) == known


T32 = float(np.float32(1.35))


class _Jump(torch.nn.Module):
    """Jumps where exp(x) reaches 1.35, as it is in float32."""

    def __init__(self):
        super().__init__()
        self.one = torch.nn.Parameter(torch.ones(1))

    def forward(self, x):
        return self.one * torch.where(torch.exp(x) < T32, x * x, x * x + 1.0)


def _jump_at(level):
    return lambda x: np.where(np.exp(x[:, 0]) < level, x[:, 0] ** 2, x[:, 0] ** 2 + 1.0)


def test_a_file_of_a_jump_that_float32_rounds_is_accepted_and_one_of_another_jump_is_not(tmp_path):
    """It was rejected where the worst point of an audit lies beside the jump: there the model runs the other formula."""
    problems = [
        sn.Problem(_Jump().eval(), _jump_at(level), sn.Domain(x=(0.0, 1.0))) for level in (T32, T32 + 0.1)
    ]
    beside = (np.float32(np.log(T32)) + np.spacing(np.float32(0.3)) * np.arange(-8, 9)).astype(float)
    x = beside[:, None]
    off = np.abs(problems[0].model.columns(x) - problems[0].reference.columns(x))
    assert off.max() > 0.9
    for k, problem in enumerate(problems):
        sn.certify(problem, ratio=1.2, seconds=10).save(tmp_path / f"{k}.json")
        points = values_of_problem(problem, 500, witness=(float(beside[off.argmax()]),))
        assert mismatch(tmp_path / f"{k}.json", problem) is None
        verdict = check(tmp_path / f"{k}.json", points)
        assert verdict.accepted, verdict.reason
        assert verdict.problem_checked
    # The points alone tell that a jump is elsewhere, not only the comparison of the programs.
    assert not check(tmp_path / "0.json", values_of_problem(problems[1], 500)).accepted
    assert not check(tmp_path / "1.json", values_of_problem(problems[0], 500)).accepted
    assert mismatch(tmp_path / "0.json", problems[1]) is not None


def test_a_test_that_underflows_everywhere_does_not_reject_a_file(tmp_path):
    """As it runs, exp(-2000 x) is zero on half of the domain, where the program has a positive number."""
    problem = sn.Problem(
        lambda x: np.where(np.exp(-2000.0 * x[:, 0]) > 0.0, 1.0, 0.0), lambda x: 0.0 * x[:, 0] + 1.0,
        sn.Domain(x=(0.0, 1.0)),
    )  # fmt: skip
    sn.certify(problem, ratio=1.2, seconds=3).save(tmp_path / "c.json")
    assert check(tmp_path / "c.json", values_of_problem(problem, 100)).accepted


def test_points_where_a_formula_of_an_alternative_has_no_value_do_not_reject_a_file(tmp_path):
    """The reference is zero beyond the threshold, and the error relative to it no number: the floor counts there."""
    problem = sn.Problem(
        lambda x: np.where(x[:, 0] < 0.5, x[:, 0] + 1.0, 2.0),
        lambda x: np.where(x[:, 0] < 0.5, 1.01 * x[:, 0] + 1.0, 0.0),
        sn.Domain(x=(0.0, 1.0)),
        error=sn.ErrorMeasure("relative", floor=0.1),
    )
    result = sn.certify(problem, ratio=1.2, seconds=3)
    assert result.upper == pytest.approx(20.0)
    result.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json", values_of_problem(problem, 100)).accepted


def test_a_model_in_float32_rounds_the_inputs_that_it_compares():
    problem = sn.Problem(_Compared32().eval(), lambda x: x[:, 0], sn.Domain(x=(0.0, 1.0)))
    result = sn.certify(problem, ratio=1.2, seconds=3)
    assert any("the model chooses between formulas" in s for s in result.assumptions)


class _Compared32(_Jump):
    def forward(self, x):
        return self.one * torch.where(x < 0.3, x, x + 1.0)


@pytest.mark.parametrize(
    ("beside", "units", "jump"), [(0.0, 2.0**31, 3.0), (1e-8, 2.0**31, 3.0), (1e-8, 1.0, 0.0)]
)
def test_the_room_at_a_threshold_is_its_jump_in_every_precision(beside, units, jump):
    """Beside the threshold only a precision whose rounding reaches it may take the other formula."""
    program = lower_numpy(lambda x: np.where(2.0 * x[:, 0] < 0.6, 0.0, 3.0), 1)
    model, _ = propagate(program, np.array([[0.3 + beside]]), np.zeros((1, 1)), np.ones(1), units=units)
    assert units * model.err[0, 0] == pytest.approx(jump)


def test_the_agreement_names_the_threshold_where_rounding_takes_the_other_formula():
    """It said "within 1, explained by rounding in float64"; away from thresholds that is all there is to say."""
    said = []
    for level in (1.35, 9.0):
        problem = sn.Problem(
            lambda x, level=level: jnp.where(jnp.exp(x[:, 0]) < level, 1.0, 0.0) + 0.5 * jnp.exp(x[:, 0]),
            lambda x: 0.5 * jnp.exp(x[:, 0]), sn.Domain(x=(0.0, 1.0)),
        )  # fmt: skip
        said.append(CERTIFY.text(sn.certify(problem, ratio=1.5, seconds=3).agreement.fact))
    assert said[0].endswith(
        "rounding in float64, the largest at a threshold, where rounding takes the other formula"
    )
    assert "threshold" not in said[1]


@pytest.mark.slow
@pytest.mark.parametrize(("test", "told"), [("2.0 * x[:, 0] < 0.6", True), ("x[:, 0] < 0.3", False)])
def test_check_says_that_rounding_may_take_the_other_formula(test, told, tmp_path):
    """The file says so among its notes, of which `check` prints none."""
    (tmp_path / "f.py").write_text(
        f"import numpy as np\ndef f(x): return np.where({test}, x[:, 0], 1.0)\ndef g(x): return f(x) + 0.1 * x[:, 0]\n"
    )
    (tmp_path / "p.toml").write_text(
        '[model]\npython = "f.py:g"\n[reference]\npython = "f.py:f"\n[domain]\nx = [0.0, 1.0]\n'
    )
    sn.certify(sn.open_problem(tmp_path / "p.toml"), 1.1).save(tmp_path / "c.json")
    run = subprocess.run(
        [sys.executable, "-m", "supnorm", "check", "c.json", "--problem", "p.toml"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert run.stdout.startswith("ACCEPTED"), run.stdout + run.stderr
    assert (
        "the model or the reference chooses between formulas by a number that it rounds" in run.stdout
    ) is told
