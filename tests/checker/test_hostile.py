"""Files made to deceive: balls that hold no number or too many, programs that agree at points only, endless work."""

from __future__ import annotations

import hashlib
import json
import math
import struct
import time
from base64 import b64encode
from importlib import import_module

import jax.numpy as jnp
import pytest
from flint import arb

from supnorm.certification import certify
from supnorm.checker import check, functions, leaves, rejected, text
from supnorm.checker.functions import extremes, smaller
from supnorm.problem import Axis, Domain, Problem

verifying = import_module("supnorm.checker.verify")
LARGE = 2.0**200 * (1 + 2.0**-30 + 2.0**-50)


def _sha(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _array(shape, values):
    return {"shape": shape, "data": b64encode(struct.pack(f"<{len(values)}d", *values)).decode()}


def _node(op, args, width=1, **more):
    return {"op": op, "args": args, "width": width, **more}


def _affine(args, weight, bias=0.0):
    return _node("affine", args, weight=_array([1, len(weight)], weight), bias=_array([1], [bias]))


def _program(d, *nodes):
    return {"schema": "supnorm.program/1", "nodes": [_node("input", [], d), *nodes]}


def _whole(data, upper=1e-300, degree=0, rho=2.0):
    """One leaf, the whole box; nothing claimed from below."""
    d = len(data["names"])
    count = len(data["programs"])
    data["leaves"] = {"level": [[0] * d], "index": [[0] * d], "upper": [upper.hex()], "degree": [[degree] * count],
                      "rho": [[rho] * count], "grid": [[0] * count]}  # fmt: skip
    data.update(lower=(0.0).hex(), witness=None, upper=upper.hex())


def _write(path, data):
    data["hashes"] = [_sha(p) for p in data["programs"]]
    data["digest"] = _sha({k: v for k, v in data.items() if k != "digest"})
    path.write_text(json.dumps(data))
    return path


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """|x - (x + 0.2 sin(3 x) + 0.3)| on [-1, 1]: the error is far from 0."""
    path = tmp_path_factory.mktemp("plain") / "certificate.json"
    model, reference = lambda x: x + 0.2 * jnp.sin(3 * x) + 0.3, lambda x: x
    certify(Problem(model, reference, Domain(x=(-1.0, 1.0))), ratio=1.05).certificate.save(path)
    return path


@pytest.fixture(scope="module")
def logarithmic(tmp_path_factory):
    """Two inputs, one on a log axis."""
    path = tmp_path_factory.mktemp("log") / "certificate.json"
    domain = Domain(a=(0.0, 1.0), p=Axis(0.1, 10.0, scale="log"))
    certify(Problem(lambda x: jnp.log(x[:, 1:]) + x[:, :1] ** 2, lambda x: jnp.log(x[:, 1:] + 0.01), domain),
            ratio=1.1).certificate.save(path)  # fmt: skip
    return path


def _forged(saved, tmp_path, change):
    data = json.loads(saved.read_text())
    change(data)
    return _write(tmp_path / "forged.json", data)


def _no_number(data):
    """E + log(1 + (K x - K x)): the same function, whose node values are balls without a number."""
    nodes = data["programs"][0]["nodes"]
    k = len(nodes)
    nodes += [_affine([0], [LARGE]), _node("neg", [k]), _node("add", [k, k + 1]), _affine([k + 2], [1.0], 1.0),
              _node("log", [k + 3]), _node("add", [k - 1, k + 4])]  # fmt: skip
    data["point_programs"] = data["programs"]
    data["side"] = "over"
    _whole(data, degree=2)


def _zero_off_the_points(data):
    """Programs of t that are 0 times a ball that overlaps everything, beside the true programs of x."""
    data["programs"] = [_program(2, _affine([0], [0.0, LARGE]), _node("sub", [1, 1]))]
    # A middle and a half-width where nothing is rounded, and axes that have this box by the rounding of their logarithms.
    data["low"][1], data["high"][1] = (-4.0).hex(), (4.0).hex()
    inward = 1.0 + 2e-15
    data["axis_low"][1], data["axis_high"][1] = (
        (math.exp(-4.0) * inward).hex(),
        (math.exp(4.0) / inward).hex(),
    )
    _whole(data, 1e-6)


def _without_numbers_off_the_points(data):
    data["programs"] = [_program(2, _affine([0], [0.0, 0.0], -1.0), _node("log", [1]), _affine([2], [0.0]))]
    _whole(data)


def _exp_on_the_wrong_axis(data):
    for node in data["programs"][0]["nodes"]:
        if node["op"] == "take" and node["args"] == [0]:
            node["columns"] = [1 - node["columns"][0]]


def _wide_alternative(data):
    """Alternatives 0, as a wide ball, and 1: their minimum is 0."""
    wide = _program(
        1, _affine([0], [LARGE]), _affine([0], [3 * LARGE]), _affine([1], [3.0]), _node("sub", [2, 3])
    )
    data["programs"] = data["point_programs"] = [
        wide,
        _program(1, _node("constant", [], value=_array([1], [1.0]))),
    ]
    _whole(data, 1.0)
    data["leaves"]["degree"] = [[-1, 0]]
    data["lower"] = (1.0).hex()


def _rounded_exponent(data):
    """(1 - 2^-70 x)^p - 1 for p = 2^53 + 2: with the float p - 1 = 2^53 the slope is too small by 2^100."""
    p, scale = 2.0**53 + 2, 2.0**100
    nodes = [_node("neg", [0]), _affine([1], [scale * 2.0**-70], scale), _node("pow", [2], exponent=p.hex()),
             _node("constant", [], value=_array([1], [1 / scale])), _node("pow", [4], exponent=p.hex()),
             _node("mul", [3, 5]), _affine([6], [1.0], -1.0)]  # fmt: skip
    data["programs"] = data["point_programs"] = [_program(1, *nodes)]
    _whole(data, 2.0**-30)  # true: 7.6e-6


def _two_slopes(data):
    """leaky_relu with the slope 1 of its own, and another under a key that is not its own."""
    data["programs"] = data["point_programs"] = [
        _program(
            1, _affine([0], [1.0], -2.0), _node("leaky_relu", [1], slope=(1.0).hex(), exponent=(0.0).hex())
        )
    ]
    _whole(data, 1e-9)


def _two_constants(data):
    zero, five = _array([1], [0.0]), _array([1], [5.0])
    data["programs"] = data["point_programs"] = [_program(1, _node("constant", [], value=five, bias=zero))]
    _whole(data)


def _smaller_box(data, axis):
    """Every claim is true of the box, which is not that of the axes."""
    _whole(data, float("inf"))  # of no bound at all
    low, high = (float.fromhex(data[k][axis]) for k in ("low", "high"))
    data["low"][axis] = (low + 0.25 * (high - low)).hex()


FORGERIES = {
    "exponents that are no floats": ("plain", _rounded_exponent),
    "a slope under two keys": ("plain", _two_slopes),
    "a constant under two keys": ("plain", _two_constants),
    "balls without a number": ("plain", _no_number),
    "balls that overlap everything": ("logarithmic", _zero_off_the_points),
    "no numbers in t": ("logarithmic", _without_numbers_off_the_points),
    "exp on the wrong axis": ("logarithmic", _exp_on_the_wrong_axis),
    "an upper bound below that of a leaf": ("plain", lambda d: d.update(
        upper=(0.5 * (float.fromhex(d["lower"]) + float.fromhex(d["upper"]))).hex())),
    "a witness outside the domain": ("plain", lambda d: d.update(witness=[(3.0).hex()], lower=(0.1).hex())),
    "a box that is smaller than a log axis": ("logarithmic", lambda d: _smaller_box(d, 1)),
    "a box that is smaller than an axis": ("logarithmic", lambda d: _smaller_box(d, 0)),
    "axes in the wrong direction": ("plain", lambda d: d.update(
        axis_low=[(0.5).hex()], axis_high=[(-0.5).hex()], witness=None, lower=(0.0).hex())),
    "an axis that is a point": ("plain", lambda d: d.update(
        axis_low=[(0.5).hex()], axis_high=[(0.5).hex()], witness=None, lower=(0.0).hex())),
}  # fmt: skip


def _refused(path):
    verdict = check(path)
    assert not verdict.accepted
    assert "\n" not in verdict.reason
    return verdict.reason


@pytest.mark.parametrize("name", FORGERIES)
def test_forgeries_are_rejected(name, request, tmp_path):
    saved, change = FORGERIES[name]
    saved = request.getfixturevalue(saved)
    assert check(saved).accepted
    _refused(_forged(saved, tmp_path, change))


def test_the_smaller_alternative_is_not_chosen_by_the_middles_of_balls(plain, tmp_path):
    """At some points the middle of the ball round 0 is above 1, at which the other alternative would be taken."""
    for k in range(40):
        x = 0.9 * (k + 0.37) / 40

        def change(data, x=x):
            _wide_alternative(data)
            data["witness"] = [x.hex()]

        _refused(_forged(plain, tmp_path, change))


class _Rounded(float):
    """An exponent as a float, as it was."""

    q = 1

    @property
    def p(self):
        return int(self)

    def __sub__(self, other):
        return _Rounded(float(self) - other)


WEAKER = {  # name: (module, attribute, weak version, forgery that it accepts)
    "expressions": (verifying, "verify_same", lambda document: None, "balls that overlap everything"),
    "no number is no bound": (
        leaves, "_largest", lambda low, high, side: high if high > 0 else arb(0), "balls without a number"),
    "exact exponents": (functions, "exactly", lambda p: _Rounded(p), "exponents that are no floats"),
    "axes": (verifying, "_verify_axes", lambda document: None, "axes in the wrong direction"),
}  # fmt: skip


@pytest.mark.parametrize("name", WEAKER)
def test_each_rule_is_needed(name, request, tmp_path, monkeypatch):
    where, attribute, weak, forgery = WEAKER[name]
    saved, change = FORGERIES[forgery]
    path = _forged(request.getfixturevalue(saved), tmp_path, change)
    monkeypatch.setattr(where, attribute, weak)
    assert check(path).accepted


def test_powers_are_bounds_for_every_exponent():
    """Values, slopes and Taylor coefficients hold those of twice the precision."""
    from flint import ctx, fmpq

    from supnorm.checker.graded_functions import series

    for p in (0.1, 1 / 3, -0.3, 2.0, 3.0, -2.0, 7.0, 2.0**53 + 2):
        z = arb(1.0 + 2.0**-40)
        value, slope = functions.value_and_slope("pow", z, p)
        found = series("pow", z, p)
        old, ctx.prec = ctx.prec, 300
        try:
            q = fmpq(*p.as_integer_ratio())
            true = [(arb(q - i) * z.log()).exp() for i in range(6)]
            factor = fmpq(1)
            assert value.overlaps(true[0])
            assert slope.overlaps(arb(q) * true[1])
            for i in range(6):
                assert found[i].contains(arb(factor) * true[i]) or found[i].overlaps(arb(factor) * true[i])
                factor *= (q - i) / (i + 1)
        finally:
            ctx.prec = old
    square = functions.power(arb(0, 1e-3), functions.exactly(2.0))  # FLINT's power has no value here
    assert square.is_finite()
    assert square.contains(0)
    assert square <= 2e-6


def test_ends_are_not_chosen_by_comparisons_of_balls():
    nan, wide = arb("nan"), arb(1, 2)  # [-1, 3]
    for values in ([nan, arb(1)], [arb(1), nan]):
        low, high = extremes(values)
        assert low.is_nan()
        assert high.is_nan()
    low, high = extremes([arb(2, 0.25), wide])
    assert low <= -1
    assert high >= 3
    assert leaves._largest(-arb(2, 0.25), wide, "both").upper() >= 3
    assert leaves._largest(nan, nan, "over").is_nan()
    assert smaller(nan, arb(1)) == 1
    assert smaller(arb(1), nan) == 1
    assert smaller(nan, None) is None


def _by_rule(data, D, representatives):
    """One leaf, by a node rule."""
    _whole(data, 1.0, degree=D)
    data["leaves"]["graded"] = [[0] * len(data["programs"])]
    data["graded_rules"] = [{"degree": D, "representatives": representatives}]


def _into(*nodes):
    """Nodes in both programs, after those that are there; the last is the output."""

    def change(data):
        for key in ("programs", "point_programs"):
            for program in data[key]:
                start = len(program["nodes"])
                for node in nodes:
                    args = [start - 1 if a == "E" else start + a for a in node["args"]]
                    program["nodes"].append({**node, "args": args})

    return change


MALFORMED = {
    "exponents beyond floats": lambda d: d.update(upper="0x1p+99999"),
    "whole numbers that are none": lambda d: d["leaves"]["level"].__setitem__(0, [float("inf")]),
    "an operation of no features": _into(
        _node("affine", ["E"], 0, weight=_array([0, 1], []), bias=_array([0], [])), _node("neg", ["E"])),
    "an operation on no features": _into(
        _node("concat", [], 0), _node("affine", [0], 1, weight=_array([1, 0], []), bias=_array([1], [0.0]))),
    "an output of no features": _into(_node("concat", [], 0)),
    "an input of another width": lambda d: d["point_programs"][0]["nodes"][0].update(width=3),
    "an exponent that is no number": _into(_node("pow", ["E"], exponent="nan")),
    "a rule without nodes": lambda d: _by_rule(d, 3, []),
    "two rules of a degree": lambda d: d.update(graded_rules=[{"degree": 3, "representatives": []}] * 2),
    "a width that is true": lambda d: d["programs"][0]["nodes"][0].update(width=True),
    "a level that is 1.9": lambda d: d["leaves"]["level"].__setitem__(0, [1.9]),
    "a degree that is text": lambda d: d["leaves"]["degree"].__setitem__(0, ["3"]),
    "a bound that is rounded in reading": lambda d: d.update(upper="0x0.ffffffffffffffp+0"),
    "weights of another shape": _into(_node("affine", ["E"], weight=_array([1], [1.0]), bias=_array([1], [0.0]))),
    "a name with a lone surrogate": _into(_node("\ud800", ["E"])),
    "room for rounding that is no number": lambda d: d.update(rounding=float("nan").hex()),
    "room for rounding that is negative": lambda d: d.update(rounding=(-1e-9).hex()),
    "room for rounding in words": lambda d: d.update(rounding="none"),
    "no room for rounding": lambda d: d.pop("rounding"),
    "an axis without a name": lambda d: d.update(names=[""]),
    "an axis named by a list": lambda d: d.update(names=[["x"]]),
    "an axis that may be logarithmic": lambda d: d.update(log=[None]),
    "a log axis that says 1": lambda d: d.update(log=[0]),
    "an array of size true": lambda d: next(
        n for p in (*d["programs"], *d["point_programs"]) for n in p["nodes"] if "value" in n
    )["value"].update(shape=[True]),
    "a leaf of level 1e5": lambda d: d["leaves"]["level"].__setitem__(0, [10**5]),
}  # fmt: skip


@pytest.mark.parametrize("name", MALFORMED)
@pytest.mark.parametrize("workers", [1, 2])
def test_malformed_content_is_one_line(name, workers, plain, tmp_path, capfd):
    path = _forged(plain, tmp_path, MALFORMED[name])
    verdict = check(path, workers=workers)
    assert not verdict.accepted
    assert "\n" not in verdict.reason
    assert "Traceback" not in capfd.readouterr().err


def test_what_no_check_foresaw_is_a_rejection(plain, monkeypatch):
    for error in (ZeroDivisionError("x"), IndexError("x"), RecursionError("x"), OverflowError("x")):

        def fails(*args, error=error):
            raise error

        monkeypatch.setattr(verifying, "verify_tiling", fails)
        assert type(error).__name__ in _refused(plain)
    assert KeyboardInterrupt not in rejected.MALFORMED


def test_files_beyond_all_measure_are_not_read(plain, monkeypatch):
    size = plain.stat().st_size
    monkeypatch.setattr(text, "LARGEST_FILE", size)
    assert check(plain).accepted
    monkeypatch.setattr(text, "LARGEST_FILE", size - 1)
    assert "larger than" in _refused(plain)


def test_nested_files_are_no_json(tmp_path):
    path = tmp_path / "nested.json"
    path.write_text('{"a":' * 100_000 + "1" + "}" * 100_000)
    assert "not a JSON file" in _refused(path)


def _many_orders(data):
    """Ten inputs; each representative has ten different coordinates: 10! orders."""
    d = 10
    program = _program(d, _node("take", [0], columns=[0]))
    zeros, ones = [(0.0).hex()] * d, [(1.0).hex()] * d
    data.update(names=list("abcdefghij"), log=[False] * d, axis_low=zeros, axis_high=ones, low=zeros, high=ones,
                programs=[program], point_programs=[program])  # fmt: skip
    _by_rule(data, 2, [[((i + 1 + j) / 64).hex() for i in range(d)] for j in range(40)])


def _doublings(data):
    """Each node has twice the features of the one before."""
    nodes = [_node("concat", [k, k], 2 ** (k + 1)) for k in range(40)]
    data["programs"] = data["point_programs"] = [_program(1, *nodes, _node("take", [40], columns=[0]))]
    _whole(data, 1.0)


def _many_inputs(data):
    """A model of d features with d slopes each."""
    d = 4000
    program = _program(d, _node("take", [0], columns=[0]))
    zeros, ones = [(0.0).hex()] * d, [(1.0).hex()] * d
    data.update(names=[str(j) for j in range(d)], log=[False] * d, axis_low=zeros, axis_high=ones, low=zeros,
                high=ones, programs=[program], point_programs=[program])  # fmt: skip
    _whole(data, 1.0)


def _many_points(data):
    """A rule with more equations than anybody needs."""
    d = 10
    _many_orders(data)
    _by_rule(data, 7, [[(1 - i / 8192).hex(), *[(0.0).hex()] * (d - 1)] for i in range(900)])


def _long_program(data):
    """A hundred operations at 380^2 nodes."""
    _many_inputs(data)
    nodes = [_affine([0], [1.0, 1.0]), *[_node("sin", [k]) for k in range(1, 101)]]
    for key in ("names", "log", "axis_low", "axis_high", "low", "high"):
        data[key] = data[key][:2]
    data["programs"] = data["point_programs"] = [_program(2, *nodes)]
    _whole(data, 1.0, degree=380, rho=1.01)


ENDLESS = {
    "features that double": _doublings,
    "thousands of inputs": _many_inputs,
    "a rule of too many points": _many_points,
    "a long program at many nodes": _long_program,
    "a graded grid of 1e6 nodes": lambda d: (
        _whole(d, 1.0, degree=12),
        d["leaves"].update(graded=[[0]], grid=[[2_000_000 * 100 + 12]]),
    ),
    "a degree of 4000 digits": lambda d: _whole(d, degree=10**4000),
    "a degree of 1e5": lambda d: _whole(d, degree=10**5, rho=1.01),
    "a grid of 1e4 nodes per degree": lambda d: (
        _whole(d, degree=200, rho=1.01),
        d["leaves"].update(grid=[[9999]]),
    ),
    "nodes in all orders": _many_orders,
}


@pytest.mark.parametrize("name", ENDLESS)
def test_no_leaf_and_no_rule_can_stall_the_checker(name, plain, tmp_path):
    start = time.process_time()
    _refused(_forged(plain, tmp_path, ENDLESS[name]))
    assert time.process_time() - start < 20  # minutes to hours without the limits


def test_distinct_orders():
    from itertools import permutations

    from supnorm.checker.graded_rule import _arrangements, _images

    for point in ((0.5, 0.5, 0.0), (0.1, 0.2, 0.3), (0.0, 0.0), (1.0, 0.25, 0.25, 0.0, 1.0)):
        orders = _arrangements(point)
        assert orders == sorted(set(permutations(point)))
        assert _images(point) == len(orders) * 2 ** sum(v > 0 for v in point)


def test_functions_take_the_larger_end():
    """Where balls overlap, the bound is that of their union."""
    from supnorm.checker.graded_functions import _far

    assert _far(arb(-2, 1), arb(2.5)) >= 3
    assert functions.remainder("pow", arb(3), arb(1), -1.5) is not None
