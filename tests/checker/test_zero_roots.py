"""Roots that reach zero in the checker: the theorem at points, forged files, and each rule weakened."""

import hashlib
import json

import mpmath as mp
import numpy as np
import pytest
from flint import arb

from supnorm.certification import LinearBounds, certify
from supnorm.checker import check, enclosure, leaves
from supnorm.checker.enclosure import FORMS
from supnorm.checker.operation import Operation
from supnorm.checker.rejected import Rejected
from supnorm.checker.zero_roots import at_least_zero, chord, on_a_cell
from supnorm.problem import Domain, Problem

CASES = 300


def _root(op, z):
    return mp.sqrt(z) if op == "sqrt" else mp.sign(z) * mp.cbrt(abs(z))


def _number(ball):
    """An end of a ball that is exact to the digits of mpmath here."""
    return mp.mpf(ball.str(40, radius=False))


@pytest.mark.parametrize(("op", "above"), [("sqrt", True), ("cbrt", True), ("cbrt", False)])
def test_the_chord_encloses_the_root(op, above):
    rng = np.random.default_rng(4)
    with mp.workdps(40):
        for _ in range(CASES):
            reach = 10.0 ** rng.uniform(-12, 8)
            low, high = reach * rng.uniform(-1.0, 0.0), reach
            s, middle, half = (_number(v) for v in chord(op, arb(low), arb(high), above))
            first = mp.mpf(0) if above else mp.mpf(low)
            for t in [0.0, 1.0, 0.25, 3.0**-1.5, *rng.random(3) ** 3]:
                z = first + (mp.mpf(high) - first) * mp.mpf(t)
                assert abs(_root(op, z) - s * z - middle) <= half * (1 + mp.mpf(10) ** -12)


def test_a_root_on_a_polydisc_has_no_chord():
    """Beside the real cell the root of a number near zero is none of those between the ends of the chord."""
    program = enclosure.Program.of((_one("input"), _one("sqrt", 0)), (0.0,))
    cell = [arb(0.5)], [arb(0.5)]
    assert enclosure.model(program, *cell, arb(1), real=True)[0].eps is not None
    assert enclosure.model(program, *cell, arb(1.25), real=False)[0].eps is None
    factor = (_one("take", 0, columns=(0,)), _one("take", 0, columns=(1,)), _one("pow", 2, parameter=2.0))
    operations = (_one("input", width=2), *factor, _one("mul", 1, 3), _one("sqrt", 4))
    program = enclosure.Program.of(operations, (-1.0, -1.0))
    cell = [arb(0.5), arb(0)], [arb(0.1), arb(0.1)]
    assert enclosure.model(program, *cell, arb(1), real=True)[0].eps is not None
    assert enclosure.model(program, *cell, arb(1.25), real=False)[0].eps is None


def test_what_has_no_bound():
    assert chord("sqrt", arb(-1), arb(1), above=False) is None
    assert chord("sqrt", arb(0), arb("inf"), above=True) is None
    assert [float(v) for v in chord("sqrt", arb(-1), arb(0), above=True)] == [0.0, 0.0, 0.0]


def _one(op, *args, width=1, **more):
    return Operation(op, args, width, **more)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (_one("take", 0, columns=(0,)), (True,)),
        (_one("take", 0, columns=(1,)), (False,)),
        (_one("concat", 0, 0, width=4), (True, False, True, False)),
        (_one("affine", 0, weight=(2.0, 0.0), vector=(0.0,)), (True,)),
        (_one("affine", 0, weight=(2.0, 1.0), vector=(0.0,)), (False,)),
        (_one("affine", 0, weight=(2.0, 0.0), vector=(-0.1,)), (False,)),
        (_one("affine", 0, weight=(-2.0, 0.0), vector=(3.0,)), (False,)),
        (_one("mul", 0, 0, width=2), (True, True)),
        (_one("add", 0, 0, width=2), (True, False)),
        (_one("sub", 0, 0, width=2), (False, False)),
        (_one("pow", 0, width=2, parameter=2.0), (True, True)),
        (_one("pow", 0, width=2, parameter=3.0), (True, False)),
        (_one("pow", 0, width=2, parameter=0.7), (True, False)),
        (_one("sqrt", 0, width=2), (True, True)),
        (_one("sigmoid", 0, width=2), (True, True)),
        *((_one(op, 0, width=2), (True, False)) for op in ("cbrt", "tanh", "erf", "atan")),
        (_one("abs", 0, width=2), (True, True)),
        (_one("relu", 0, width=2), (True, True)),
        (_one("sin", 0, width=2), (False, False)),
        (_one("exp", 0, width=2), (True, True)),
        (_one("div", 0, 0, width=2), (True, False)),
        (_one("min", 0, 0, width=2), (True, False)),
        (_one("max", 0, 0, width=2), (True, False)),
        (_one("constant", width=2, vector=(0.0, -1.0)), (True, False)),
    ],
)
def test_what_is_known_to_be_at_least_zero(operation, expected):
    program = (_one("input", width=2), operation, _one("sqrt", 1, width=operation.width))
    assert at_least_zero(program, (0.0, -1e-300))[1] == expected


@pytest.mark.parametrize(
    ("op", "expected"), [("add", False), ("mul", False), ("div", False), ("min", False), ("max", True)]
)
def test_of_two_features_only_one_is_known_to_be_at_least_zero(op, expected):
    parts = (_one("take", 0, columns=(0,)), _one("take", 0, columns=(1,)))
    for args in ((1, 2), (2, 1)):
        program = (_one("input", width=2), *parts, _one(op, *args), _one("sqrt", 3))
        assert at_least_zero(program, (0.0, -1.0))[3] == (expected,)


@pytest.mark.parametrize("args", [(1, 2), (2, 1), (1, 1), (2, 2)])
def test_what_is_chosen_is_at_least_zero_if_both_formulas_are(args):
    parts = (_one("take", 0, columns=(0,)), _one("take", 0, columns=(1,)))
    for z in (1, 2):  # the number that chooses has no say
        program = (_one("input", width=2), *parts, _one("where", z, *args), _one("sqrt", 3))
        assert at_least_zero(program, (0.0, -1.0))[3] == (args == (1, 1),)


W = np.random.default_rng(1).normal(size=(2, 6))
PROBLEM = Problem(
    lambda x: np.maximum(x @ W + 0.1, 0.0) @ np.linspace(-0.3, 0.5, 6)[:, None],
    lambda x: np.sqrt(x[:, :1]) + np.cbrt(x[:, 1:] ** 2) + np.cbrt(x[:, 1:] - 0.3),
    Domain(x=(0.0, 1.0), y=(-1.0, 1.0)),
)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("c") / "c.json"
    certify(PROBLEM, 1.2, strategy=LinearBounds()).certificate.save(path)
    return path


def _forged(path, tmp_path, change):
    data = json.loads(path.read_text())
    change(data)
    text = json.dumps({k: v for k, v in data.items() if k != "digest"}, sort_keys=True, separators=(",", ":"))
    data["digest"] = hashlib.sha256(text.encode()).hexdigest()
    forged = tmp_path / "forged.json"
    forged.write_text(json.dumps(data))
    return check(forged)


def test_an_honest_file_is_accepted_in_both_ways(saved):
    assert check(saved).accepted
    assert check(saved, arbitrary=True).accepted


def test_a_domain_that_reaches_below_zero_is_rejected(saved, tmp_path):
    def change(data):
        for key in ("low", "axis_low"):
            data[key][0] = float.hex(-0.5)

    assert not _forged(saved, tmp_path, change).accepted


WEAKER = {
    "no flag": ("at_least_zero", lambda operations, low: ()),
    "no chord": ("chord", lambda *args, **more: None),
}


@pytest.mark.parametrize("name", WEAKER)
def test_without_its_rules_the_honest_file_is_not_proved(name, saved, monkeypatch):
    what, other = WEAKER[name]
    monkeypatch.setattr(enclosure, what, other)
    assert not check(saved).accepted


FACTOR = Problem(
    lambda x: x[:, :1] * x[:, 1:],
    lambda x: np.sqrt(np.cos(x[:, :1]) * (x[:, 1:] - 0.2) ** 2),
    Domain(x=(-1.0, 1.0), y=(-1.0, 1.0)),
)


@pytest.fixture(scope="module")
def with_factor(tmp_path_factory):
    path = tmp_path_factory.mktemp("f") / "c.json"
    certify(FACTOR, 1.2, strategy=LinearBounds()).certificate.save(path)
    return path


def test_a_factor_that_is_positive_on_each_cell_is_accepted(with_factor, monkeypatch):
    assert check(with_factor).accepted
    assert check(with_factor, arbitrary=True).accepted
    monkeypatch.setattr(enclosure, "_is_positive", lambda x, scale: False)
    assert not check(with_factor).accepted


def test_a_domain_on_which_the_factor_is_negative_somewhere_is_rejected(with_factor, tmp_path):
    """The cosine is below zero beyond 1.571."""

    def change(data):
        for key in ("low", "axis_low"):
            data[key][0] = float.hex(-1.6)

    assert not _forged(with_factor, tmp_path, change).accepted


def _root_on_a_cell(middle):
    """sqrt(x y^2) for x in middle +- 0.1 and y in 0 +- 0.1; of x nothing is known on the domain."""
    parts = (_one("take", 0, columns=(0,)), _one("take", 0, columns=(1,)), _one("pow", 2, parameter=2.0))
    operations = (_one("input", width=2), *parts, _one("mul", 1, 3), _one("sqrt", 4))
    program = enclosure.Program.of(operations, (-1.0, -1.0))
    cell = [arb(middle), arb(0)], [arb(0.1), arb(0.1)]
    return enclosure.model(program, *cell, arb(1), True)[0].eps


def test_a_root_has_a_bound_only_where_its_factor_is_positive_on_the_cell(monkeypatch):
    assert _root_on_a_cell(0.2) < 0.1
    assert _root_on_a_cell(0.05) is None
    assert _root_on_a_cell(-0.2) is None
    monkeypatch.setattr(enclosure, "_is_positive", lambda x, scale: True)
    assert _root_on_a_cell(0.05) is not None  # as it would be if the rule were weaker


@pytest.mark.parametrize(
    ("middle", "slope", "remainder", "expected"),
    [
        (1.0, 0.5, 0.4, True),
        (1.0, 0.5, 0.5, False),
        (-1.0, 0.0, 0.0, False),
        (1.0, 0.5, None, False),
        (0.0, 0.0, 0.0, False),
        ((1.0, 0.75), 0.5, 0.0, False),  # a ball that is below the reach with a part of it
    ],
)
def test_which_features_are_positive_on_a_cell(middle, slope, remainder, expected):
    eps = None if remainder is None else arb(remainder)
    centre = arb(*middle) if isinstance(middle, tuple) else arb(middle)
    assert enclosure._is_positive(enclosure.Feature(centre, (arb(slope),), eps), arb(1)) is expected


def test_parts_that_are_positive_on_a_cell_are_parts_of_the_rules():
    """x y^2 with x from -1: nothing is known of it on the domain, nor of x z where z may be negative."""
    parts = (_one("take", 0, columns=(0,)), _one("take", 0, columns=(1,)), _one("pow", 2, parameter=2.0))
    program = (_one("input", width=2), *parts, _one("mul", 1, 3), _one("mul", 1, 2))
    low = (-1.0, -1.0)
    for positive, expected in (((1, 0), (True, False)), ((2, 0), (False, False)), ((5, 0), (False, True))):
        known = []
        first = on_a_cell(program[:5], low, lambda i, k, p=positive: (i, k) == p, known)
        last = on_a_cell(program, low, lambda i, k, p=positive: (i, k) == p, known)
        assert (*first, *last) == expected
    for k in range(2):
        known_of_both = on_a_cell(program[:1], low, lambda i, column, k=k: column == k, [])
        assert known_of_both == (k == 0, k == 1)


def test_the_half_is_no_larger_than_needed():
    s, middle, half = (float(v) for v in chord("sqrt", arb(0), arb(1), above=True))
    # sqrt(z) - z is between 0 and 1/4.
    assert (s, middle, half) == pytest.approx((1.0, 0.125, 0.125), rel=1e-9)
    _, _, half = chord("cbrt", arb(0), arb(1), above=True)
    assert float(half) == pytest.approx(3.0**-1.5, rel=1e-9)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 0.0), (0.0, 0.0)])
def test_a_cube_root_of_what_reaches_zero_at_an_end_has_a_bound(low, high):
    s, middle, half = chord("cbrt", arb(low), arb(high), above=False)
    assert (float(s), float(middle), float(half)) == pytest.approx(
        (0.0, (low + high) / 2, (high - low) / 2), abs=1e-9
    )


def test_a_cube_root_that_is_zero_where_a_box_ends_is_accepted(tmp_path):
    """x - 1/2 on [0, 1] is at most 0 on the first half."""
    problem = Problem(lambda x: x, lambda x: np.cbrt(x - 0.5), Domain(x=(0.0, 1.0)))
    result = certify(problem, 1.2)
    assert result.status.code == "proved"
    result.certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted


def _sines_and_roots(x):
    def line(a, b, c):
        return a * x[:, :1] + b * x[:, 1:] + c

    first = line(-0.25, -0.77, -0.08) ** 2 * (1.089 + np.sin(7.397 * line(1.0, 1.71, 0.12)))
    second = line(0.31, 1.75, 0.02) ** 2 * np.tanh(7.147 * np.tanh(2.905 * line(-0.07, 0.63, 0.14)))
    factor = 1.678 - np.sqrt(np.exp(line(0.07, -0.74, 2.67)))
    return np.cbrt(first + second) - (1.08 + np.sin(13.07 * line(-0.13, 1.64, 1.32))) * factor


def test_a_sine_that_is_not_its_range_beside_a_root_with_the_nearer_chord_is_accepted(tmp_path):
    """Its honest file was rejected: no form had such a sine with a chord below four times the tangent's remainder."""
    domain = Domain(x=(0.0, 1.3797), y=(-0.6377, 2.8856))
    problem = Problem(lambda x: 0.0 * x[:, :1], _sines_and_roots, domain)
    certify(problem, 1.05, strategy=LinearBounds(), boxes=150).certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted


def test_each_output_has_the_form_that_suits_it(monkeypatch):
    """The smallest bound of all outputs together is 3: by one form of the first output, by the other one of the second."""
    found = {FORMS[0]: (1, 3), FORMS[1]: (3, 1)}

    def bounds(document, programs, proof, position, rules, form=FORMS[0], **more):
        return [arb(v) for v in found.get(form, (4, 4))]

    monkeypatch.setattr(leaves, "_bounds", bounds)
    all_leaves = leaves.Leaves.__new__(leaves.Leaves)
    all_leaves.document, all_leaves.programs, all_leaves.rules, all_leaves.arbitrary = None, (), {}, True
    proof = ((0,), (0,), (0,), (2.0,), (0,), (-1,), (0,))
    all_leaves.verify(proof, [0], [1.0])
    with pytest.raises(Rejected, match=r"proved 1, claimed 0\.9"):
        all_leaves.verify(proof, [0], [0.9])


def test_the_bound_of_all_outputs_is_the_largest_one():
    for values in ((1.0, 2.0, 3.0), (3.0, 1.0, 2.0), (2.0, 3.0, 1.0)):
        assert leaves._largest_of([arb(v) for v in values]) == 3
    assert leaves._largest_of([arb(1), arb(2, 0.5)]) >= arb(2.5)  # the upper end of a ball
    assert leaves._largest_of([arb(-1), arb(-2)]) == 0
    for missing in (None, arb("nan"), arb("inf")):
        for bounds in ([missing, arb(1)], [arb(1), missing]):
            assert leaves._largest_of(bounds) is None


@pytest.mark.parametrize("scale", [(1.0, 0.1, 0.1), (0.1, 1.0, 0.1), (0.1, 0.1, 1.0)])
def test_a_claim_below_the_error_of_one_of_three_outputs_is_rejected(scale, tmp_path):
    def roots(x):
        return np.sqrt(np.cos(x[:, :1]) * (x[:, 1:] - 0.2) ** 2) * np.array([scale])

    domain = Domain(x=(-1.0, 1.0), y=(-1.0, 1.0))
    result = certify(Problem(roots, lambda x: 0.0 * roots(x), domain), 1.2, strategy=LinearBounds())
    assert result.upper > 0.5
    result.certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted

    def change(data):
        rows = [min(float.fromhex(v), 0.2).hex() for v in data["leaves"]["upper"]]
        data["leaves"]["upper"] = rows
        data.update(upper=(0.2).hex(), lower=(0.0).hex(), witness=None)

    assert not _forged(tmp_path / "c.json", tmp_path, change).accepted
