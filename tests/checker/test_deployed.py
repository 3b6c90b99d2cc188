"""What float32 adds to the error of a deployed model: proved again by the checker, and forged claims are refused."""

import json
import math
import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import supnorm as sn
from supnorm.certification import certificate, mismatch
from supnorm.certification.deployed import deployed_in_single
from supnorm.certification.error_program import error_program
from supnorm.certification.provable import demand_provable
from supnorm.certification.single_precision import rounding_in_single
from supnorm.checker import check
from supnorm.checker.claimed_single import Kernel, SingleClaim
from supnorm.checker.deployed import Subject, added_on
from supnorm.checker.operation import program as read_program
from supnorm.checker.rejected import Rejected
from supnorm.program import Builder
from supnorm.program import torch as torch_reader
from supnorm.program.single_precision import kernels

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "certification"))
from single_cases import random_program
from single_oracle import exact_value, run_single
from test_single_precision import RULES

torch = pytest.importorskip("torch")
flint = pytest.importorskip("flint")


def module(seed=0, activation=torch.nn.Tanh, d=2, m=1, width=8):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(d, width), activation(), torch.nn.Linear(width, width), activation(),
                               torch.nn.Linear(width, m)).eval()  # fmt: skip


def problem(measure=None, domain=None, activation=torch.nn.Tanh):
    domain = domain or sn.Domain(x=(0.0, 1.0), y=(0.5, 1.0))
    return sn.Problem(sn.from_torch(module(activation=activation)), lambda x: 1.5 + 0.1 * jnp.sin(x[:, 0]), domain,
                      measure or sn.ErrorMeasure())  # fmt: skip


PROBLEMS = {
    "absolute": lambda: problem(),
    "relative": lambda: problem(sn.ErrorMeasure("relative", floor=0.1)),
    "one-sided": lambda: problem(sn.ErrorMeasure("relative", side="over", floor=0.0)),
    "scaled": lambda: problem(sn.ErrorMeasure("scaled", scale=0.5)),
    "log": lambda: problem(domain=sn.Domain(x=sn.Axis(0.01, 1.0, scale="log"), y=(0.5, 1.0))),
    "relu": lambda: problem(activation=torch.nn.ReLU),
    "gelu": lambda: problem(activation=torch.nn.GELU),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    held = {}
    for name, make in PROBLEMS.items():
        one = make()
        result = sn.certify(one, 1.3, boxes=3000)
        path = tmp_path_factory.mktemp("deployed") / "c.json"
        result.certificate.save(path)
        held[name] = (one, result, path)
    return held


def test_where_the_rounding_of_float64_has_no_bound_nothing_is_claimed_of_float32(monkeypatch):
    monkeypatch.setattr(certificate.Certificate, "rounding", property(lambda self: math.inf))
    result = sn.certify(problem(), 1.3, boxes=3000)
    assert math.isfinite(result.upper)
    assert result.deployed_upper is result.record.deployed is result.certificate.deployed is None
    assert "deployed_upper: the rounding in float32 has no bound" in " ".join(result.assumptions)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", PROBLEMS)
def test_the_bound_holds_for_the_model_as_it_runs_and_is_proved_again(files, name):
    one, result, path = files[name]
    assert result.upper < result.deployed_upper < result.upper + 1e-4
    x = one.law.draw(20_000, np.random.default_rng(1))
    error, _ = one.error(one.model.value(x), one.reference.value(x), x)
    assert error.max() <= result.deployed_upper
    verdict = check(path)
    assert verdict.accepted, verdict.reason
    assert verdict.deployed_upper == result.deployed_upper
    assert "torch" in verdict.deployed[0]
    assert not verdict.conditional
    assert mismatch(path, one) is None


def _sealed(data):
    data["digest"] = certificate.digest(data)
    return data


def _forged(path, tmp_path, change):
    data = json.loads(path.read_text())
    change(data["deployed"], data)
    forged = tmp_path / "forged.json"
    forged.write_text(json.dumps(_sealed(data)))
    return forged


def _less(deployed, data):
    deployed["rounding"] = (0.97 * float.fromhex(deployed["rounding"])).hex()


def _gap(deployed, data):
    deployed["level"].pop()
    deployed["index"].pop()


def _outside(deployed, data):
    deployed["index"][0][0] += 2 ** deployed["level"][0][0]


def _below_the_parts(deployed, data):
    deployed["upper"] = data["upper"]


def _function_left_out(deployed, data):
    deployed["functions"] = {}


def _exact_function(deployed, data):
    deployed["functions"]["tanh"][0] = (-1.0).hex()


def _unknown_function(deployed, data):
    deployed["functions"]["affine"] = deployed["functions"]["tanh"]


def _nothing(deployed, data):
    deployed["rounding"] = (0.0).hex()


def _no_cells(deployed, data):
    deployed["level"], deployed["index"] = [], []


def _no_number(deployed, data):
    deployed["rounding"] = "nan"


def _deep(deployed, data):
    deployed["level"][0][0] = 10**6


def _another_key(deployed, data):
    deployed["more"] = 1


def _half_precision(deployed, data):
    deployed["precision"] = "float16"


FORGERIES = [
    _less,
    _gap,
    _outside,
    _below_the_parts,
    _function_left_out,
    _exact_function,
    _unknown_function,
    _nothing,
    _no_cells,
    _no_number,
    _deep,
    _another_key,
    _half_precision,
]


@pytest.mark.parametrize("change", FORGERIES)
def test_a_forged_claim_is_rejected(files, tmp_path, change):
    verdict = check(_forged(files["absolute"][2], tmp_path, change))
    assert not verdict.accepted


def test_a_claim_with_other_assumptions_is_true_and_not_about_the_problem(files, tmp_path):
    one, _, path = files["absolute"]

    def exact(deployed, data):
        deployed["functions"]["tanh"][0] = (1.0).hex()

    forged = _forged(path, tmp_path, exact)
    assert check(forged).accepted  # it says what it assumes
    assert "assumes of the runtime" in mismatch(forged, one)


def test_a_claim_about_a_model_whose_rounding_is_not_known_is_refused(files, tmp_path):
    other = sn.Problem(
        lambda x: jnp.tanh(x[:, 0]), lambda x: 1.5 + 0.1 * jnp.sin(x[:, 0]), sn.Domain(x=(0.0, 1.0))
    )
    path = tmp_path / "c.json"
    sn.certify(other, 1.3).certificate.save(path)
    data = json.loads(path.read_text())
    rounding = 1e-3
    data["deployed"] = {
        "precision": "float32", "runtime": "torch", "functions": {"tanh": [v.hex() for v in (2.0, 0.0, 0.0, math.inf)]},
        "level": [[0]], "index": [[0]], "rounding": rounding.hex(),
        "upper": (2.0 * float.fromhex(data["upper"])).hex(),
    }  # fmt: skip
    path.write_text(json.dumps(_sealed(data)))
    assert check(path).accepted
    assert "not known" in mismatch(path, other)


def test_alternatives_of_several_models_are_rejected(files, tmp_path):
    """Of a relative error, one alternative may not be about a model that rounds less."""

    def swap(deployed, data):
        for key in ("programs", "point_programs"):
            nodes = data[key][1]["nodes"]
            gap = max(i for i, n in enumerate(nodes) if n["op"] == "sub")
            nodes[gap]["args"] = [nodes[gap]["args"][1]] * 2
        data["hashes"] = [_hash(p) for p in data["programs"]]

    verdict = check(_forged(files["relative"][2], tmp_path, swap))
    assert not verdict.accepted


def _hash(program):
    import hashlib

    return hashlib.sha256(json.dumps(program, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


# -- the checker's rules, without the certifier's ---------------------------------------------------------

EVERY = {op: Kernel(k.ulps, k.absolute, k.argument, k.most) for op, k in kernels("torch").items()}


def _checked_rounding(program, centre, half):
    build = Builder(program.d)
    gap = build.binary("sub", build.inline(program, build.input), np.zeros(program.m))
    subject = Subject.of((read_program(build.finish(gap).to_json()),))
    claim = SingleClaim("torch", EVERY, (), 0.0, 0.0)
    bound = added_on(subject, claim, (list(map(flint.arb, centre)), list(map(flint.arb, half))))
    return None if bound is None else float(bound)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("block", range(4))
def test_no_deviation_is_above_the_checkers_bound(block):
    both, known = 0, 0
    for seed in range(1000 + 30 * block, 1030 + 30 * block):
        program, centre, half, words = random_program(seed)
        rng = np.random.default_rng(seed)
        bound = _checked_rounding(program, centre.tolist(), half.tolist())
        mine, _ = rounding_in_single(program, centre[None], half[None], kernels("torch"))
        if bound is None:
            continue
        known += 1
        x = centre + half * rng.uniform(-1, 1, (200, len(centre)))
        exact = exact_value(program, x)
        for k in range(3):
            run = run_single(program, x, rng, kernels("torch") if k else None).astype(float)
            assert np.abs(run - exact).max() <= bound, words
        if np.isfinite(mine).all():
            both += 1
            assert bound <= 1.001 * mine.max(), words  # what the certifier claims, the checker proves
    assert known >= 15
    assert both >= 15


def test_what_has_no_bound_for_the_certifier_is_not_claimed():
    domain = sn.Domain(x=(0.0, 1.0), y=(0.5, 1.0))
    overflowing = module()
    with torch.no_grad():
        overflowing[0].weight *= 1e30
        overflowing[2].weight *= 1e30
    one = sn.Problem(sn.from_torch(overflowing), lambda x: 0.0 * x[:, 0], domain)
    assert deployed_in_single(one, error_program(one)) is None


@pytest.mark.parametrize("name", RULES)
def test_each_rule_of_the_checker_gives_what_the_certifiers_rule_gives(name):
    """The certifier's rules are nearly attained (`test_single_precision`), and so are the checker's."""
    program, centre, half = RULES[name]
    mine, _ = rounding_in_single(program, np.array([centre]), np.array([half]), kernels("torch"))
    again = _checked_rounding(program, list(map(float, centre)), list(map(float, half)))
    assert 0.98 * mine.max() < again <= 1.001 * mine.max()


# -- files that onnxruntime runs --------------------------------------------------------------------------


def _onnx_problem(tmp_path, activation, softmax=False):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    rng = np.random.default_rng(3)
    shapes = [(2, 16), (16, 16), (16, 1)]
    weights = [rng.normal(size=s).astype(np.float32) / np.float32(np.sqrt(s[0])) for s in shapes]
    nodes, start = [], "x"
    for k in range(3):
        nodes.append(onnx.helper.make_node("Gemm", [start, f"w{k}", f"b{k}"], [f"z{k}"]))
        start = f"z{k}"
        if k < 2:
            nodes.append(onnx.helper.make_node("Softmax" if softmax else activation, [start], [f"a{k}"]))
            start = f"a{k}"
    held = [onnx.numpy_helper.from_array(w, f"w{k}") for k, w in enumerate(weights)]
    held += [
        onnx.numpy_helper.from_array(rng.normal(size=s[1]).astype(np.float32), f"b{k}")
        for k, s in enumerate(shapes)
    ]
    floats = onnx.TensorProto.FLOAT
    ends = [onnx.helper.make_tensor_value_info(n, floats, ["n", k]) for n, k in (("x", 2), (start, 1))]
    graph = onnx.helper.make_graph(nodes, "net", ends[:1], ends[1:], held)
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(made, tmp_path / "net.onnx")
    (tmp_path / "truth.py").write_text(
        "import numpy as np\ndef exact(x):\n    return 3.0 + 0.1 * np.sin(x[:, 0])\n"
    )
    (tmp_path / "problem.toml").write_text(
        '[model]\nfile = "net.onnx"\n[reference]\npython = "truth.py:exact"\n[domain]\nx = [0.0, 1.0]\ny = [0.0, 1.0]\n'
    )
    return sn.open_problem(tmp_path / "problem.toml")


@pytest.mark.sampled(1)
@pytest.mark.parametrize("activation", ["Tanh", "Sigmoid", "Relu", "Softplus", "Sin"])
def test_onnxruntime_stays_within_the_bound_of_a_file(tmp_path, activation):
    one = _onnx_problem(tmp_path, activation)
    result = sn.certify(one, 1.3, boxes=3000)
    assert result.record.deployed.runtime == "onnxruntime"
    path = tmp_path / "c.json"
    result.certificate.save(path)
    verdict = check(path)
    assert verdict.accepted, verdict.reason
    assert mismatch(path, one) is None
    x = one.law.draw(20_000, np.random.default_rng(1))
    run, exact = one.model.value(x), one.model.program.value(x)
    assert np.abs(run - exact).max() <= result.record.deployed.rounding
    assert np.abs(run - exact).max() > 1e-3 * result.record.deployed.rounding


@pytest.mark.slow
def test_a_softmax_has_no_known_rounding(tmp_path):
    one = _onnx_problem(tmp_path, "", softmax=True)
    result = sn.certify(one, 3.0, boxes=500)
    assert result.deployed_upper is None
    assert any("Softmax" in said and "not known" in said for said in result.assumptions)


@pytest.mark.parametrize("name", ["absolute", "relative", "one-sided", "scaled"])
def test_beside_a_reference_that_chooses_nothing_is_claimed_of_float32(tmp_path, name):
    """The program of the error ends with ``where``; the proof was lost by an AssertionError."""
    domain = sn.Domain(x=(0.0, 1.0), y=(0.5, 1.0))
    one = sn.Problem(sn.from_torch(module()), lambda x: np.where(x[:, 0] < 0.3, 1.5, 1.4 + 0.1 * x[:, 1]), domain,
                     PROBLEMS[name]().error)  # fmt: skip
    result = sn.certify(one, 1.3, boxes=1000)
    assert np.isfinite(result.upper)
    assert result.deployed_upper is None
    assert any("the reference chooses between formulas" in said for said in result.assumptions)
    result.certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted
    assert mismatch(tmp_path / "c.json", one) is None
    with pytest.raises(sn.BadInput, match="the reference chooses between formulas"):
        demand_provable(one, as_run=True)
    demand_provable(one)


@pytest.mark.usefixtures("executions_unseen")
def test_a_runtime_that_differs_more_than_is_assumed_refutes_the_assumption(monkeypatch):
    """A module whose float32 values are off by 1e-4 where it is run, but not where it is read."""
    monkeypatch.setattr(torch_reader, "demand_same_execution", lambda *given: None)

    class Off(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = module()

        def forward(self, x):
            return self.inner(x) + (0.0 if torch.compiler.is_exporting() else 1e-4)

    one = sn.Problem(sn.from_torch(Off().eval()), lambda x: 1.5 + 0.1 * jnp.sin(x[:, 0]),
                     sn.Domain(x=(0.0, 1.0), y=(0.5, 1.0)))  # fmt: skip
    result = sn.certify(one, 1.3, boxes=3000)
    assert result.deployed_upper is None
    assert result.record.deployed is None
    assert "deployed" not in json.loads(json.dumps(result.certificate.to_json()))
    assert any("nothing is claimed" in said for said in result.assumptions)


@pytest.mark.parametrize("upper", [0.25, 1.2345649, 1.2345651, 1e-310, 123456749.0])
def test_the_printed_bound_is_no_smaller_than_the_proved_one(upper):
    words = SingleClaim("onnxruntime", {}, (), 0.0, upper).sentence()
    assert float(words.removeprefix("deployed bound ").partition(":")[0]) >= upper


def test_an_error_that_is_divided_many_times_is_refused_at_once():
    """Each divisor is a program: 2,000 of them took 85 s and half a gigabyte, and 1 s by the forecast."""
    b = Builder(1)
    last = b.binary("sub", b.unary("tanh", b.input), b.input)
    divisor = b.unary("exp", b.input)
    for _ in range(9):
        last = b.binary("div", last, divisor)
    operations = read_program(b.finish(last).to_json())
    with pytest.raises(Rejected, match="divided more than 8 times"):
        Subject.of((operations,))
