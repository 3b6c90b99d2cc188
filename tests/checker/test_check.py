"""The checker accepts honest certificates and rejects tampered ones, also when the digest is made to fit."""

import hashlib
import json
import os
import struct
import subprocess
import sys
from base64 import b64decode, b64encode
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import supnorm
from supnorm.certification import ChebyshevCertificate, certify
from supnorm.certification.boxes import Boxes
from supnorm.certification.bracket import Bracket
from supnorm.certification.certificate import Certificate, digest
from supnorm.certification.error_program import error_program
from supnorm.certification.leaf import Leaves
from supnorm.checker import check
from supnorm.problem import Domain, ErrorMeasure, Problem

rng = np.random.default_rng(0)
W, b, V = 3 * rng.normal(size=(2, 6)), rng.normal(size=6), rng.normal(size=(6, 1))


def _net(x):
    return jnp.tanh(x @ W + b) @ V


def _reference(x):
    """Nearly the network, with weights of its own: a change of one of them does not cancel."""
    net = jnp.tanh(x @ (W * (1 + 1e-9)) + b) @ V
    return net + 0.01 * jnp.sin(3 * x[:, :1]) * jnp.exp(x[:, 1:])


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("c") / "certificate.json"
    certify(Problem(_net, _reference, Domain(x=(-1.0, 1.0), y=(0.0, 1.0))), ratio=1.02).certificate.save(path)
    return path


def _sha(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _forge(saved, tmp_path, change):
    """The file after a change, with hashes and digest made to fit."""
    data = json.loads(saved.read_text())
    change(data)
    if isinstance(data.get("programs"), list):
        data["hashes"] = [_sha(p) for p in data["programs"]]
    data["digest"] = _sha({k: v for k, v in data.items() if k != "digest"})
    path = tmp_path / "forged.json"
    path.write_text(json.dumps(data))
    return path


def test_honest_certificate_is_accepted(saved):
    seen = []
    verdict = check(saved, observer=lambda done, total: seen.append((done, total)))
    assert verdict.accepted, verdict
    assert seen[0] == (0, verdict.leaves)  # after reading: what comes now is the proof
    assert verdict.leaves == len(seen) - 1 == seen[-1][0] > 3
    assert not verdict.problem_checked
    assert "not checked" in verdict.reason


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("leaf", [None, 1, 3])
def test_processes_share_the_leaves_and_find_the_same(saved, tmp_path, leaf):
    def change(data):
        for k in () if leaf is None else range(leaf, len(data["leaves"]["upper"])):
            data["leaves"]["upper"][k] = (0.5 * float.fromhex(data["leaves"]["upper"][k])).hex()

    seen, path = [], _forge(saved, tmp_path, change)
    alone = check(path)
    shared = check(path, observer=lambda done, total: seen.append((done, total)), workers=2)
    assert (shared.accepted, shared.leaf, shared.reason) == (alone.accepted, alone.leaf, alone.reason)
    assert shared.accepted == (leaf is None)
    if leaf is None:
        assert seen[-1] == (alone.leaves, alone.leaves)


@pytest.mark.slow
def test_a_script_without_the_guard_gets_one_line(saved, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(f"from supnorm.checker import check\ncheck({str(saved)!r}, workers=2)\n")
    source = str(Path(supnorm.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, str(script)], env={**os.environ, "PYTHONPATH": source},
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.count("Traceback") == 1  # workers are silent
    assert done.stderr.endswith('must stand under if __name__ == "__main__":\n')


@pytest.mark.slow
def test_every_operation_and_measure_is_accepted(tmp_path):
    def many(x):
        s, t = x[:, :1], x[:, 1:]
        h = (
            jax.nn.gelu(s, approximate=False)
            + jax.nn.softplus(t)
            + jax.nn.silu(s * t)
            + jax.nn.sigmoid(s - t)
        )
        return jnp.concatenate([
            h + jax.scipy.special.erf(s) + jnp.cos(t) / (3 + s) + jax.nn.gelu(s),
            jnp.sqrt(2 + s) * jnp.log(3 + t) + (2 + s) ** 1.5 + jnp.abs(s - 5) + jax.nn.relu(t + 9)
            + (3 + t) ** -2,
        ], 1)  # fmt: skip

    problem = Problem(many, lambda x: many(x) * (1 + 0.01 * x[:, :1]), Domain(x=(-0.5, 0.5), y=(0.0, 0.5)),
                      ErrorMeasure("relative", floor=0.5))  # fmt: skip
    result = certify(problem, ratio=1.2)
    result.certificate.save(tmp_path / "c.json")
    verdict = check(tmp_path / "c.json")
    assert verdict.accepted, verdict
    assert result.status.code == "proved"


def _numbers(entry, change):
    values = list(struct.unpack(f"<{len(b64decode(entry['data'])) // 8}d", b64decode(entry["data"])))
    change(values)
    entry["data"] = b64encode(struct.pack(f"<{len(values)}d", *values)).decode()


def _first(data, op):
    return next(n for n in data["programs"][0]["nodes"] if n["op"] == op)


def _both(data, change):
    for key in ("programs", "point_programs"):
        change(data[key][0]["nodes"])


def _scaled_hex(text, factor):
    return (float.fromhex(text) * factor).hex()


def _drop_leaf(data, k):
    for column in data["leaves"].values():
        del column[k]


def _copy_leaf(data, k):
    for column in data["leaves"].values():
        column.append(column[k])


def _all_uppers(data, factor):
    data["leaves"]["upper"] = [_scaled_hex(u, factor) for u in data["leaves"]["upper"]]
    data["upper"] = _scaled_hex(data["upper"], factor)


def _set(data, column, k, value):
    data["leaves"][column][k] = value


def _deeper(data, k):
    data["leaves"]["level"][k][0] += 1
    data["leaves"]["index"][k][0] *= 2


def _everywhere(data, **values):
    """The same proof for all leaves."""
    for column, value in values.items():
        data["leaves"][column] = [[value]] * len(data["leaves"]["upper"])


TAMPERINGS = {
    "proof of a cell that is not there": lambda d: d["leaves"].update(
        proof_level=[[v + 1 for v in row] for row in d["leaves"]["level"]]),
    "proof of a negative level": lambda d: d["leaves"].update(proof_level=[[-1, -1] for _ in d["leaves"]["level"]]),
    "proofs of whole cells for what their parts claim": lambda d: d["leaves"].update(
        proof_level=[[0, 0] for _ in d["leaves"]["level"]]),
    "fewer proofs than leaves": lambda d: d["leaves"].update(proof_level=d["leaves"]["level"][1:]),
    "weight in one program": lambda d: _numbers(
        _first(d, "affine")["weight"], lambda v: v.__setitem__(0, v[0] + 1e-9)),
    "weight in both programs": lambda d: _both(d, lambda nodes: _numbers(
        next(n for n in nodes if n["op"] == "affine")["weight"], lambda v: v.__setitem__(0, v[0] + 0.1))),
    "activation": lambda d: _both(
        d, lambda nodes: next(n for n in nodes if n["op"] == "tanh").update(op="sin")),
    "reference constant": lambda d: _both(d, lambda nodes: [
        _numbers(n["value"], lambda v: v.__setitem__(0, 5.0)) for n in nodes if n["op"] == "constant"]),
    "last leaf missing": lambda d: _drop_leaf(d, -1),
    "leaf twice": lambda d: _copy_leaf(d, 0),
    "leaf half its size": lambda d: _deeper(d, 0),
    "leaf moved": lambda d: d["leaves"]["index"][0].__setitem__(0, d["leaves"]["index"][0][0] + 1),
    "no leaves": lambda d: [c.clear() for c in d["leaves"].values()],
    "all bounds 10 % smaller": lambda d: _all_uppers(d, 0.9),
    "one leaf's bound": lambda d: _set(d, "upper", 0, _scaled_hex(d["leaves"]["upper"][0], 0.5)),
    "global bound": lambda d: d.update(upper=_scaled_hex(d["upper"], 0.9)),
    "lower bound": lambda d: d.update(lower=_scaled_hex(d["lower"], 1.0001)),
    "witness moved": lambda d: d["witness"].__setitem__(0, (0.0).hex()),
    "witness outside": lambda d: d["witness"].__setitem__(0, (1.5).hex()),
    "witness lost": lambda d: d.update(witness=None),
    "domain wider": lambda d: [d[key].__setitem__(0, (2.0).hex()) for key in ("high", "axis_high")],
    "axis wider than the box": lambda d: d["axis_high"].__setitem__(0, (1.01).hex()),
    "one-sided": lambda d: d.update(side="over"),
    "side unknown": lambda d: d.update(side="left"),
    "degree lowered": lambda d: _everywhere(d, degree=1),
    "rho raised": lambda d: _everywhere(d, rho=900.0, degree=8),
    "rho below one": lambda d: _everywhere(d, rho=0.5, degree=8),
    "grid of one": lambda d: _everywhere(d, grid=1, degree=8, rho=2.0),
    "huge grid": lambda d: _everywhere(d, grid=10**6, degree=8, rho=2.0),
    "alternative unused": lambda d: _everywhere(d, degree=-1),
    "not a number": lambda d: d["leaves"]["upper"].__setitem__(0, "nan"),
    "global bound not a number": lambda d: d.update(upper="nan"),
    "lower bound not a number": lambda d: d.update(lower="nan"),
    "columns of different lengths": lambda d: d["leaves"]["rho"].pop(),
    "argument that does not exist": lambda d: d["programs"][0]["nodes"][1].update(args=[99]),
    "negative argument": lambda d: d["programs"][0]["nodes"][-1].update(args=[-1, -1]),
    "unknown operation": lambda d: d["programs"][0]["nodes"][1].update(op="oracle"),
    "input in the middle": lambda d: d["programs"][0]["nodes"][2].update(op="input", args=[]),
    "weight infinite": lambda d: _numbers(_first(d, "affine")["weight"], lambda v: v.__setitem__(0, np.inf)),
    "another schema": lambda d: d.update(schema="supnorm.certificate/2"),
    "key missing": lambda d: d.pop("side"),
    "axes exchanged": lambda d: (d["low"].reverse(), d["high"].reverse(), d["axis_low"].reverse(),
                                 d["axis_high"].reverse()),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampered_certificates_are_rejected(name, saved, tmp_path):
    verdict = check(_forge(saved, tmp_path, TAMPERINGS[name]))
    assert not verdict.accepted, name


@pytest.mark.sampled(1)
@pytest.mark.parametrize("seed", range(12))
def test_random_leaf_bounds_are_needed(seed, saved, tmp_path):
    """A leaf that carries most of the bound cannot claim four fifths of it."""
    data = json.loads(saved.read_text())
    uppers = [float.fromhex(u) for u in data["leaves"]["upper"]]
    order = np.argsort(uppers)
    k = int(order[-1 - seed % len(order)])
    verdict = check(
        _forge(saved, tmp_path, lambda d: _set(d, "upper", k, _scaled_hex(d["leaves"]["upper"][k], 0.3)))
    )
    assert not verdict.accepted
    assert verdict.leaf == k


def test_digest_finds_any_careless_change(saved, tmp_path):
    text = saved.read_text()
    path = tmp_path / "changed.json"
    path.write_text(text.replace('"versions"', '"version"'))
    assert "digest" in check(path).reason
    path.write_text(text[: len(text) // 2])
    assert "JSON" in check(path).reason
    assert "no such file" in check(tmp_path / "missing.json").reason


@pytest.mark.slow
def test_problem_points_tie_the_file_to_the_problem(saved):
    x = np.array([[0.3, 0.4], [-0.2, 0.9]])
    with jax.enable_x64(True):
        error = np.abs(np.asarray(_net(jnp.asarray(x)) - _reference(jnp.asarray(x))))[:, 0]
    points = [(row.tolist(), float(e), 1e-12) for row, e in zip(x, error, strict=True)]
    assert check(saved, problem_points=points).accepted
    points[1] = (points[1][0], points[1][1] + 1e-9, 1e-12)
    verdict = check(saved, problem_points=points)
    assert not verdict.accepted
    assert verdict.problem_checked


@pytest.mark.slow
def test_the_checker_imports_nothing_of_ours():
    import subprocess
    import sys
    from pathlib import Path

    import supnorm.checker

    folder = Path(supnorm.checker.__file__).parent
    for file in folder.glob("*.py"):
        for line in file.read_text().splitlines():
            if line.startswith(("import ", "from ")):
                assert "supnorm" not in line or "supnorm.checker" in line
    code = "import sys, supnorm.checker; print(sorted(sys.modules))"
    path = str(folder.parent.parent)
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": path}, check=True
    )
    assert "'numpy'" not in ran.stdout
    assert "supnorm.certification" not in ran.stdout


def test_a_problem_and_its_certificate(tmp_path):
    from supnorm.certification import values_of_problem
    from supnorm.certification.error_program import error_program
    from supnorm.problem import Function
    from supnorm.program import lower_jaxpr

    def problem(shift):
        model = lower_jaxpr(lambda x: jnp.tanh(x @ W[:1] + b) @ V + shift, 1)
        reference = lower_jaxpr(lambda x: jnp.sin(x), 1)
        return Problem(Function(model.value, program=model), Function(reference.value, program=reference),
                       Domain(x=(0.5, 1.0)), ErrorMeasure("relative", floor=0.1))  # fmt: skip

    certify(problem(0.0)).certificate.save(tmp_path / "c.json")
    hashes = [p.hash for p in error_program(problem(0.0)).alternatives]
    assert hashes == json.loads((tmp_path / "c.json").read_text())["hashes"]
    verdict = check(tmp_path / "c.json", problem_points=values_of_problem(problem(0.0)))
    assert verdict.accepted
    assert verdict.problem_checked
    assert [p.hash for p in error_program(problem(1e-6)).alternatives] != hashes
    assert not check(tmp_path / "c.json", problem_points=values_of_problem(problem(1e-6))).accepted


def test_a_witness_beside_a_pole_is_proved(tmp_path):
    """tan at the float next to pi/2 is 1.6e16: float64 knows it to 16 digits, balls of 80 bits to 8."""
    problem = Problem(
        lambda x: 0 * x[:, 0], lambda x: np.sin(x[:, 0]) / np.cos(x[:, 0]), Domain(x=(0.3, 44.6))
    )
    result = certify(problem, boxes=30, witness=np.array([[np.pi / 2]]))
    assert result.lower > 1.63e16
    result.certificate.save(tmp_path / "c.json")
    verdict = check(tmp_path / "c.json")
    assert verdict.accepted, verdict.reason


def test_points_of_the_problem_must_lie_in_the_domain(tmp_path):
    problem = Problem(lambda x: x[:, 0] ** 2, lambda x: 0 * x[:, 0], Domain(x=(-1.0, 1.0)))
    certify(problem).certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json", [((0.5,), 0.25, 1e-9)]).accepted
    verdict = check(tmp_path / "c.json", [((1.0 + 1e-9,), 1.0, 1e-6)])
    assert "domain does not contain" in verdict.reason


@pytest.mark.parametrize("key", ["notes", "assumptions"])
def test_a_file_with_very_many_notes_is_rejected_before_anything_is_proved(tmp_path, key, monkeypatch):
    """A million notes took a minute."""
    problem = Problem(lambda x: np.cos(x[:, 0]), lambda x: np.sin(x[:, 0]), Domain(x=(0.0, 1.0)))
    path = tmp_path / "c.json"
    certify(problem, ratio=2.0).certificate.save(path)
    data = json.loads(path.read_text())
    for most, accepted in ((3, True), (2, False)):
        monkeypatch.setattr("supnorm.checker.document.MOST_TEXTS", most)
        data[key] = ["a note"] * 3
        path.write_text(json.dumps(data | {"digest": _sha({k: v for k, v in data.items() if k != "digest"})}))
        result = check(path)
        assert result.accepted == accepted
        assert accepted or f"more than 2 {key}" in result.reason


def test_a_program_that_is_not_quite_the_code_makes_the_verdict_conditional(tmp_path):
    """A note says that softplus stands for code that is another function above a threshold: no leaf holds the difference."""
    from supnorm.cli.check_verdict import summary

    problem = Problem(lambda x: np.logaddexp(x[:, 0], 0.0), lambda x: np.sin(x[:, 0]), Domain(x=(0.0, 1.0)))
    path = tmp_path / "c.json"
    certify(problem, ratio=2.0).certificate.save(path)
    assert check(path).conditional == ()
    data = json.loads(path.read_text())
    data["notes"] = ["softplus is taken without its branch, and with its derivatives, above 20"]
    path.write_text(json.dumps(data | {"digest": _sha({k: v for k, v in data.items() if k != "digest"})}))
    result = check(path)
    assert result.accepted
    assert result.conditional == tuple(data["notes"])
    assert summary(result)[0].startswith("ACCEPTED, CONDITIONAL:")


def test_an_affine_bound_that_keeps_how_a_bounded_function_depends_on_the_inputs_is_proved(tmp_path):
    """The remainder of sin is above one here, but 4 x - sin 3 x nearly cancels: the range of sin would lose that."""
    cancels = Problem(
        lambda x: 4.0 * x[:, 0] - jnp.sin(3.0 * x[:, 0]), lambda x: 0.0 * x[:, 0], Domain(x=(-0.7, 0.7))
    )
    error = error_program(cancels)
    bounded = ChebyshevCertificate(degrees=(0,) * 4).bound(error, Boxes.root(1), 0.1, 0.0)
    leaves = Leaves.root(1, 1).tightened(bounded)
    certificate = Certificate.of(Bracket(error, leaves), cancels.domain, (), {})
    assert certificate.upper < 3.0  # by the range of sin it is 3.8
    certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted
    data = certificate.to_json()
    data["upper"] = data["leaves"]["upper"][0] = (0.7 * certificate.upper).hex()
    data["digest"] = digest(data)
    (tmp_path / "c.json").write_text(json.dumps(data))
    assert "leaf 0: proved" in check(tmp_path / "c.json").reason
