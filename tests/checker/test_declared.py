"""Conditional certificates: tampered ones are rejected, hostile ones do not crash, each rule is needed."""

import base64
import hashlib
import json
import struct
from types import SimpleNamespace

import numpy as np
import pytest
from flint import arb

from supnorm.certification import certify
from supnorm.checker import check, leaves
from supnorm.checker import declared as rules
from supnorm.checker.leaf import Leaf
from supnorm.problem import Axis, Domain, Problem, with_bound


def _opaque(function):
    return lambda x: function(np.array(x.tolist()))


def _problem(**said):
    reference = with_bound(_opaque(lambda x: np.exp(x[:, 0]) * np.sin(2 * x[:, 1])), **said)
    return Problem(
        lambda x: np.exp(x[:, 0]) * np.sin(2 * x[:, 1]) + 0.01 * x[:, 0], reference,
        Domain(x=(-1.0, 1.0), y=(-1.0, 1.0)),
    )  # fmt: skip


COMPLEX = {"bound": float(np.exp(1.5) * np.cosh(3.0)), "stretch": 1.5}
REAL = {"order": 6, "derivatives": (2.72, 174.0)}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("c")
    for name, said in (("complex", COMPLEX), ("real", REAL)):
        certify(_problem(**said), 1.02).certificate.save(folder / f"{name}.json")
    return folder


def _sha(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _forge(saved, tmp_path, change, which="complex"):
    data = json.loads((saved / f"{which}.json").read_text())
    change(data, data["declared"][0])
    data["digest"] = _sha({k: v for k, v in data.items() if k != "digest"})
    path = tmp_path / "forged.json"
    path.write_text(json.dumps(data))
    return path


def _hex(values, factor):
    return [(float.fromhex(v) * factor).hex() for v in values]


def _values(entry, change):
    for array in entry["values"].values():
        values = list(struct.unpack(f"<{len(base64.b64decode(array['data'])) // 8}d",
                                    base64.b64decode(array["data"])))  # fmt: skip
        change(values)
        array["data"] = base64.b64encode(struct.pack(f"<{len(values)}d", *values)).decode()


def _rename(entry, new):
    entry["values"] = {new if i == 0 else k: v for i, (k, v) in enumerate(entry["values"].items())}


def _drop_shape(entry):
    next(iter(entry["values"].values()))["shape"] = [1, 1]


def _of_the_program_alone(data, entry, **columns):
    """Bounds that know nothing of the declared function, large enough for the rest of the error."""
    count = len(data["leaves"]["upper"])
    data["leaves"].update({k: [[v]] * count for k, v in columns.items()}, upper=[(1e6).hex()] * count)
    data["upper"] = (1e6).hex()
    entry["values"] = {}


TAMPERINGS = {
    "a larger bound behind the same leaves": lambda d, e: e.update(bound=_hex(e["bound"], 1e6)),
    "smaller discs": lambda d, e: e.update(stretch=(1.01).hex()),
    "discs inside the box": lambda d, e: e.update(stretch=(0.9).hex()),
    "less accurate values": lambda d, e: e.update(accuracy=(1e-3).hex()),
    "negative accuracy": lambda d, e: e.update(accuracy=(-1.0).hex()),
    "bound not a number": lambda d, e: e.update(bound=["nan"]),
    "two bounds for one output": lambda d, e: e.update(bound=e["bound"] * 2),
    "no declaration": lambda d, e: e.update(bound=None),
    "derivatives without order": lambda d, e: e.update(derivatives=[(1.0).hex()] * 2),
    "weight": lambda d, e: e.update(weight=[(-1.01).hex()]),
    "values": lambda d, e: _values(e, lambda v: v.__setitem__(slice(None), [z + 0.01 for z in v])),
    "a value": lambda d, e: _values(e, lambda v: v.__setitem__(len(v) // 2, v[len(v) // 2] + 0.05)),
    "value above the bound": lambda d, e: _values(e, lambda v: v.__setitem__(0, 1e9)),
    "value infinite": lambda d, e: _values(e, lambda v: v.__setitem__(0, np.inf)),
    "a value too few": lambda d, e: _values(e, lambda v: v.pop()),
    "values missing": lambda d, e: e.update(values={}),
    "values of another cell": lambda d, e: _rename(e, "3,3/1,1/8"),
    "values of a degree they do not have": lambda d, e: _rename(e, "0,0/0,0/40"),
    "values of a cell that no leaf uses": lambda d, e: e["values"].update(
        {"0,0/0,0/1": {"shape": [4, 1], "data": base64.b64encode(struct.pack("<4d", 0, 0, 0, 0)).decode()}}),
    "a second name of a cell": lambda d, e: e["values"].update(
        {"0" + k: v for k, v in list(e["values"].items())[:1]}),
    "name of no cell": lambda d, e: _rename(e, "everywhere"),
    "name of too many axes": lambda d, e: _rename(e, "0,0,0/0,0,0/8"),
    "shape": lambda d, e: _drop_shape(e),
    "witness value": lambda d, e: e.update(
        witness=[(float.fromhex(e["witness"][0]) + 0.01 * float.fromhex(d["witness"][0])).hex()]),
    "witness value lost": lambda d, e: e.update(witness=None),
    "a name that is a list": lambda d, e: e.update(name=["f"]),
    "a size that is 1.0": lambda d, e: next(iter(e["values"].values()))["shape"].__setitem__(1, 1.0),
    "declared of nobody": lambda d, e: e.update(which="oracle"),
    "function forgotten": lambda d, e: d.update(declared=[]),
    "affine bound of a huge claim": lambda d, e: _of_the_program_alone(d, e, degree=0),
    "pieces of a huge claim": lambda d, e: _of_the_program_alone(d, e, degree=-2),
    "a graded bound of a huge claim": lambda d, e: _of_the_program_alone(d, e, degree=1, graded=0),
    "affine bound beside a declared function": lambda d, e: d["leaves"].update(
        degree=[[0]] * len(d["leaves"]["upper"])),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampered_conditional_certificates_are_rejected(name, saved, tmp_path):
    assert check(saved / "complex.json").accepted
    assert not check(_forge(saved, tmp_path, TAMPERINGS[name])).accepted


REAL_TAMPERINGS = {
    "larger derivatives": lambda d, e: e.update(derivatives=_hex(e["derivatives"], 1e3)),
    "another order": lambda d, e: e.update(order=7),
    "huge order": lambda d, e: e.update(order=900),
    "negative derivatives": lambda d, e: e.update(derivatives=_hex(e["derivatives"], -1.0)),
    "a derivative too few": lambda d, e: e["derivatives"].pop(),
    "order lost": lambda d, e: e.update(order=None),
}


@pytest.mark.parametrize("name", REAL_TAMPERINGS)
def test_tampered_derivatives_are_rejected(name, saved, tmp_path):
    assert check(saved / "real.json").accepted
    assert not check(_forge(saved, tmp_path, REAL_TAMPERINGS[name], "real")).accepted


@pytest.mark.parametrize("which", ["complex", "real"])
@pytest.mark.parametrize("rule", ["tails", "noise"])
def test_each_rule_is_needed(rule, which, saved, tmp_path, monkeypatch):
    """Without tail or noise a bound that is too small would be accepted."""
    if rule == "tails":
        change = (lambda d, e: e.update(bound=_hex(e["bound"], 1e4))) if which == "complex" else (
            lambda d, e: e.update(derivatives=_hex(e["derivatives"], 1e2)))  # fmt: skip
    else:
        change = lambda d, e: e.update(accuracy=(1e-2).hex())  # noqa: E731
    path = _forge(
        saved, tmp_path, lambda d, e: (change(d, e), d.update(lower=(0.0).hex(), witness=None)), which
    )
    assert not check(path).accepted
    if rule == "tails":
        monkeypatch.setattr(rules, "tails", lambda one, *a: [arb(0)] * len(one.weight))
    else:
        monkeypatch.setattr(rules, "noise", lambda *a, **named: arb(0))
    assert check(path).accepted


def test_the_checkers_formulas_are_those_of_the_certifier():
    """Written apart from each other, they agree to rounding."""
    from supnorm.certification import black_box
    from supnorm.problem import Declared

    rng = np.random.default_rng(0)
    low, high = np.array([-1.0, 2.0, 0.0]), np.array([1.0, 5.0, 0.5])
    box = rules.Box(tuple(low), tuple(high), (False, True, False))
    for said in (Declared((2.0, 3.0), stretch=1.7, accuracy=1e-7),
                 Declared(order=6, derivatives=(1.0, 2.0, 3.0), accuracy=1e-9)):  # fmt: skip
        part = black_box.BlackBox("reference", "f", abs, said, np.array([1.0, -2.0]), low, high, box.log)
        one = rules.Declared("reference", "f", (1.0, -2.0), said.bound, said.stretch, said.order,
                             said.derivatives, said.accuracy, None, {})  # fmt: skip
        for _ in range(20):
            centre = rng.uniform(low, high)
            half = 0.4 * np.minimum(centre - low, high - centre)
            balls = [arb(float(v)) for v in centre], [arb(float(v)) for v in half]
            n = 5
            ours = part.tail(n, centre[None], half[None])[0]
            theirs = [float(t.mid()) for t in rules.tails(one, box, n, *balls)]
            np.testing.assert_allclose(ours, theirs, rtol=1e-9)
            noise = part.noise(n, half[None], np.full((1, 2), 1.5), ours[None])[0]
            other = [float(rules.noise(one, box, n, balls[1], arb(1.5), arb(float(t)), k).mid())
                     for k, t in enumerate(ours)]  # fmt: skip
            np.testing.assert_allclose(noise, other, rtol=1e-9)


def _own(points):
    x = np.array(points)
    return (np.exp(x[:, 0]) * np.sin(2 * x[:, 1]))[:, None].tolist()


def test_values_are_compared_with_the_users_function(saved, tmp_path):
    """At the witness too, which no leaf rests on; and everywhere by chance."""
    assert check(saved / "complex.json", functions={"reference": _own}).accepted

    def witness(data, entry):
        data["upper"] = (30.0).hex()
        data["leaves"]["upper"] = [(30.0).hex()] * len(data["leaves"]["upper"])
        entry.update(bound=[(40.0).hex()], witness=[(29.5).hex()])
        data["lower"] = (25.0).hex()

    path = _forge(saved, tmp_path, witness)
    assert check(path).accepted  # nobody said what the function is
    assert "recorded value" in check(path, functions={"reference": _own}).reason
    shifted = _forge(saved, tmp_path, lambda d, e: (
        _values(e, lambda v: v.__setitem__(slice(None), [z + 1e-4 for z in v])),
        d.update(lower=(0.0).hex(), witness=None, upper=(1.0).hex()),
        d["leaves"].update(upper=[(1.0).hex()] * len(d["leaves"]["upper"]))))  # fmt: skip
    assert check(shifted).accepted
    assert "recorded value" in check(shifted, functions={"reference": _own}).reason


def test_nothing_is_called_compared_that_was_not(saved):
    points = [([0.3, 0.4], 777.0, 1e-12)]
    verdict = check(saved / "complex.json", problem_points=points)
    assert not verdict.problem_checked
    assert "not checked" in verdict.reason
    verdict = check(saved / "complex.json", problem_points=points, functions={"reference": _own})
    assert "above the claimed upper bound" in verdict.reason


def test_losses_and_printed_conditions_are_never_less_than_assumed():
    one = rules.Declared("model", "f", (1.0,), (9.9999996,), 30.0000004, None, None, 1e-9 / 3, None, {})
    assert one.loss(1e-310).upper() > 1e-9 / 3
    assert rules.Declared("model", "f", (1.0,), (1.0,), 2.0, None, None, 0.0, None, {}).loss(1e-310) > 0
    words = " ".join(one.sentences())
    assert "9.9999996" in words
    assert "30.0000004" in words
    assert repr(1e-9 / 3) in words


def test_conditions_say_of_which_inputs_they_are_about_the_logarithm():
    """x^3 has no fourth derivative by x, and one of 81 x^3 by log x, about which the declaration is."""
    one = rules.Declared("model", "f", (1.0,), (1.0,), 2.0, 4, (3.0, 3.0), 0.0, None, {})
    discs, derivatives, _ = one.sentences(["x"])
    assert "for complex inputs (x by its logarithm) within" in discs
    assert "in each input (x by its logarithm) are" in derivatives
    assert "(x, p by their logarithms)" in one.sentences(["x", "p"])[1]
    assert not any("logarithm" in words for words in one.sentences())


def _declared(**other):
    given = {
        "weight": (-2.0,),
        "bound": (3.0,),
        "stretch": 2.0,
        "order": None,
        "derivatives": None,
        "accuracy": 0.5,
    }
    return rules.Declared("reference", "f", witness=None, values={"0/0/2": ((1.0,),) * 3}, **(given | other))


def test_tails_and_noise_of_a_function_enter_by_its_weight_and_the_growth_of_interpolation():
    one, box = _declared(), rules.Box((-1.0,), (1.0,), (False,))
    cell = [arb(0)], [arb(1)]
    row, more = leaves._with_declared(
        SimpleNamespace(declared=(one,), box=box), leaves._Cell(*cell, 0), 2, 0, [arb(1)] * 3, "0/0/2"
    )
    (tail,) = rules.tails(one, box, 2, *cell)
    noise = rules.noise(one, box, 2, cell[1], arb(1), tail, 0)
    assert row == [arb(-1)] * 3
    assert noise >= 0.5
    assert float(more) == pytest.approx(2.0 * float(tail + rules.lebesgue(2) * noise))


def test_values_beside_their_nodes_bound_nothing_where_the_shift_is_as_large_as_the_cell():
    one = _declared(bound=None, order=3, derivatives=(1.0,))
    near, far = (rules.Box((low,), (low + 2.0**-10,), (False,)) for low in (1.0, 2.0**40))
    half = [arb(2) ** -11]
    assert rules.noise(one, near, 2, half, arb(1), arb("0.1"), 0) is not None
    assert rules.noise(one, far, 2, half, arb(1), arb("0.1"), 0) is None


def test_a_leaf_rests_on_the_proof_of_the_cell_that_holds_it():
    leaf = Leaf((3, 1), (5, 1), 1.0, (4,), (2.0,), (0,), (1, 1), (-1,), (0,))
    (proof,) = leaves.claims((leaf,))
    assert proof[:2] == ((1, 1), (1, 1))


def test_the_value_at_the_witness_is_as_good_as_declared(tmp_path):
    def opaque(x):
        return np.array(np.array(x).tolist()) ** 2

    problem = Problem(
        lambda x: x**2 + 0.1 * x,
        with_bound(opaque, bound=4.0, stretch=1.5, accuracy=1e-3),
        Domain(x=(-1.0, 1.0)),
    )
    certify(problem, 1.5).certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted
    data = json.loads((tmp_path / "c.json").read_text())
    # Less than the accuracy above what was proved.
    data["lower"] = (float.fromhex(data["lower"]) + 5e-4).hex()
    data["digest"] = hashlib.sha256(
        json.dumps(
            {k: v for k, v in data.items() if k != "digest"}, sort_keys=True, separators=(",", ":")
        ).encode()
    ).hexdigest()
    (tmp_path / "f.json").write_text(json.dumps(data))
    assert "error at the witness" in check(tmp_path / "f.json").reason


@pytest.mark.parametrize(("value", "good"), [(3.4, True), (-3.4, True), (3.6, False), (-3.6, False)])
def test_recorded_values_are_within_their_declared_bound_and_accuracy(value, good):
    entry = {
        "which": "reference", "name": "f", "weight": [(1.0).hex()], "bound": [(3.0).hex()], "stretch": (2.0).hex(),
        "order": None, "derivatives": None, "accuracy": (0.5).hex(), "witness": [value.hex()], "values": {},
    }  # fmt: skip
    if good:
        assert rules.read_declared(entry, 1, 1).witness == (value,)
    else:
        with pytest.raises(rules.Wrong, match="above its declared bound"):
            rules.read_declared(entry, 1, 1)


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_declaration_is_about_the_axes_and_not_about_a_larger_box(scale, tmp_path):
    """Half-widths were those of the box: a proof on [1, 16] with axes [1, 2] assumed a bound on discs 15 times as large."""
    reference = with_bound(_opaque(lambda x: 1.0 / (20.0 + x[:, 0])), 1.0, stretch=1.2)
    problem = Problem(lambda x: 0.1 + 0.0 * x[:, 0], reference, Domain(x=Axis(1.0, 16.0, scale=scale)))
    path = tmp_path / "c.json"
    certify(problem, ratio=1.3).certificate.save(path)
    assert check(path).accepted
    data = json.loads(path.read_text())
    data["axis_high"] = [(2.0).hex()]
    data["witness"], data["lower"] = [(1.5).hex()], (0.0).hex()
    data["declared"][0]["witness"] = [(1.0 / 21.5).hex()]
    data["digest"] = _sha({k: v for k, v in data.items() if k != "digest"})
    path.write_text(json.dumps(data))
    assert check(path).reason == "the box is larger than the axes"


def test_a_narrow_logarithmic_axis_is_its_own_box(tmp_path):
    """Its ends are rounded by 1e-8 of its width."""
    narrow = Domain(x=Axis(1.0, 1.0 + 1e-7, scale="log"))
    proof = certify(Problem(lambda x: x[:, 0], lambda x: 0.5 * x[:, 0] ** 2, narrow), ratio=1.3)
    proof.certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted
