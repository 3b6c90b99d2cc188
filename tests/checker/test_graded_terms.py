"""Every term of the rules of graded models is needed: members of the models, put together where they are largest.

A model stands for all functions c + J.y + H(y) + sum q_k + rest. Here q_k = +-s_k T_k(y_1) and rest = +-rem: in the
corners of the cube these are as large as they may be, so that a rule without one of its terms does not hold them.
"""

from itertools import product

import numpy as np
import pytest
from flint import arb, arb_poly, ctx

from supnorm.certification.graded_rule import rule
from supnorm.checker import graded, graded_functions
from supnorm.checker.enclosure import Program
from supnorm.checker.graded import Graded
from supnorm.checker.graded_rule import chebyshev_table, verify_rule
from supnorm.checker.operation import Operation
from supnorm.checker.rejected import Rejected

CORNERS = [np.array(y) for y in product((-1.0, 0.0, 1.0), repeat=2)]


@pytest.fixture(autouse=True)
def _precision():
    old, ctx.prec = ctx.prec, 80
    yield
    ctx.prec = old


def _graded(c=0.0, J=(0.0, 0.0), H=(0.0, 0.0, 0.0), s=(), rem=0.0):
    """A model of two inputs; ``s`` from degree 2 on."""
    return Graded(
        arb(c), tuple(map(arb, J)), tuple(map(arb, H)), arb_poly([arb(0), arb(0), *map(arb, s)]), arb(rem)
    )


def _smooth_part(x, y):
    H = [float(h) for h in x.H]
    bend = H[0] * (2 * y[0] ** 2 - 1) + H[1] * (2 * y[1] ** 2 - 1) + H[2] * y[0] * y[1]
    return float(x.c) + sum(float(j) * v for j, v in zip(x.J, y, strict=True)) + bend


def _members(x, y):
    """Values at y of functions that the model stands for."""
    sizes = [float(x.s[k]) * np.cos(k * np.arccos(y[0])) for k in range(2, x.s.length()) if x.s[k] != 0]
    for signs in product((-1.0, 1.0), repeat=len(sizes) + 1):
        yield _smooth_part(x, y) + sum(a * b for a, b in zip(signs, [*sizes, float(x.rem)], strict=True))


def _excess(found, function, *args):
    """The largest distance of function values from what the model holds; not above rounding where it holds."""
    room = float(found.s(arb(1))) + float(found.rem)
    return max(
        abs(function(*values) - _smooth_part(found, y)) - room
        for y in CORNERS
        for values in product(*(list(_members(x, y)) for x in args))
    )


PRODUCTS = {
    "sizes of the other parts": (_graded(3.0, s=(0.5,)), _graded(2.0, s=(0.0, 1.0))),
    "remainders by constants": (_graded(3.0, rem=1.0), _graded(-2.0)),
    "remainders by slopes": (_graded(0.0, (1.0, 2.0)), _graded(0.0, rem=1.0)),
    "remainders by bends": (_graded(rem=1.0), _graded(0.0, s=(1.0, 0.0, 1.0))),
    "two remainders": (_graded(rem=1.0), _graded(rem=2.0)),
    "slopes by bends": (_graded(0.0, (1.0, 2.0)), _graded(0.0, H=(0.5, 0.0, 1.0), s=(1.0,))),
    "bends by bends": (_graded(H=(1.0, -1.0, 1.0), s=(0.5, 0.5)), _graded(H=(0.0, 1.0, 2.0), s=(0.2, 0.0, 1.0))),
    "beyond the top": (_graded(s=(0,) * 8 + (1.0,)), _graded(s=(0,) * 8 + (2.0,))),
    "slopes by slopes": (_graded(1.0, (1.0, 2.0)), _graded(-1.0, (0.5, -2.0))),
}  # fmt: skip


@pytest.mark.parametrize("name", PRODUCTS)
def test_products(name):
    x, y = PRODUCTS[name]
    for a, b in ((x, y), (y, x)):
        assert _excess(graded.multiply(a, b), lambda u, v: u * v, a, b) < 1e-12


ARGUMENTS = {
    "a slope": _graded(0.3, (0.5, 0.4)),
    "a remainder": _graded(0.0, (0.3, 0.2), rem=0.5),
    "a remainder alone": _graded(rem=0.5),
    "bends": _graded(0.0, s=(2.0,)),
    "a slope and bends": _graded(0.0, (0.5, 0.3), s=(0.5, 0.5)),
    "a form": _graded(0.0, (0.2, 0.1), H=(0.5, 0.3, 0.4)),
    "a form and bends": _graded(0.0, (0.2, 0.0), H=(0.5, 0.3, 0.4), s=(0.3,)),
    "all": _graded(-0.2, (0.3, -0.2), H=(0.1, -0.2, 0.3), s=(0.2, 0.1), rem=0.1),
    "a high degree": _graded(0.0, (0.4, 0.0), s=(0,) * 10 + (0.5,)),
}  # fmt: skip


@pytest.mark.parametrize("name", ARGUMENTS)
def test_functions(name):
    """Of exp, all of whose derivatives are positive, every norm is attained in a corner."""
    x = ARGUMENTS[name]
    assert _excess(graded.smooth("exp", x), np.exp, x) < 1e-12
    assert _excess(graded.smooth("tanh", x), np.tanh, x) < 1e-12


def test_the_error_of_interpolation_is_in_the_remainder(monkeypatch):
    """tanh on [-4, 4] is off its interpolant in 18 nodes by 3e-3, which nothing else makes up for."""
    monkeypatch.setattr(graded, "_above", lambda parts: arb(0))
    found = graded.smooth("tanh", _graded(0.0, (4.0, 0.0)))
    nodes = np.cos(np.pi * (2 * np.arange(18) + 1) / 36)
    interpolant = np.polynomial.chebyshev.Chebyshev.fit(nodes, np.tanh(4 * nodes), 17, domain=(-1, 1))
    y = np.linspace(-1, 1, 2001)
    off = np.abs(np.tanh(4 * y) - interpolant(y)).max()
    assert 1e-4 < off <= float(found.rem)


def test_kinks_are_certain_only_beyond_all_parts():
    for x in (
        _graded(1.0, (0.9, 0.0), rem=0.2),
        _graded(1.0, (0.5, 0.0), s=(0.6,)),
        _graded(1.0, H=(0.5, 0.0, 0.6)),
    ):
        assert graded.relu(x).rem is None
        assert graded.relu(graded.times(x, arb(-1))).rem is None
    sure = _graded(1.0, (0.5, 0.0), s=(0.2,), rem=0.2)
    assert graded.relu(sure) == sure
    zero = graded.relu(graded.times(sure, arb(-1)))
    assert (zero.c, zero.rem) == (0, 0)


def test_tightening_multiplies_what_it_cannot_see():
    m = 3
    own = verify_rule(2, m, tuple(map(tuple, rule(2, m).representatives.tolist())))
    x = _graded(0.0, (1.0, 0.0), s=(0.5, 0.5, 0.25, 0.25), rem=2.0)
    found = graded.tightened(x, own.coefficients([arb(0)] * len(own.nodes)), own)
    growth = float(own.lebesgue)
    assert growth > 1
    assert float(found.rem) == pytest.approx((1 + growth) * 2.0)
    assert float(found.s[m]) == pytest.approx(growth * 0.5)
    assert [float(found.s[k]) for k in (2, 4, 5)] == [0.0, 0.25, 0.25]


def test_a_tail_counts_all_parts_above_the_degree():
    x = _graded(0.0, H=(1.0, 0.0, 1.0), s=(0.5, 0.25, 0.125), rem=2.0)
    assert [float(x.tail(D)) for D in (1, 2, 3, 4)] == [2.0 + 2.5 + 0.375, 2.375, 2.125, 2.0]


def test_softplus_far_from_the_real_line_is_bounded_by_its_zeros_too():
    """|log(1 + e^z)| <= |Im z| + -log sin |Im z| where 1 + e^z comes close to zero."""
    found = graded_functions._strip("softplus", arb("-0.5"), arb("0.5"), arb("2.9"))
    assert float(found) == pytest.approx(2.9 - np.log(np.sin(2.9)))
    assert float(graded_functions._strip("softplus", arb(2), arb(3), arb(1))) == pytest.approx(
        1 + np.log1p(np.exp(3))
    )


def test_a_layer_of_features_without_bound_has_none_where_it_uses_them():
    """log(x) on a cell that reaches zero: a sum with it has no bound, one that leaves it out has."""
    program = Program.of((
        Operation("input", (), 2), Operation("log", (0,), 2),
        Operation("affine", (1,), 3, weight=(1.0, 1.0, 0.0, 1.0, -1e-9, 0.0), vector=(0.0, 0.0, 0.0)),
    ))  # fmt: skip
    found = graded.enclose(program, [arb(0.1), arb(2)], [arb(0.5), arb(0.5)], None)
    assert [f.rem is None for f in found] == [True, False, True]
    assert [f.tail(3) is None for f in found] == [True, False, True]


def test_features_without_bound_stay_so():
    lost, known = graded._nothing(_graded(1.0)), _graded(1.0, (0.5, 0.2))
    for found in (
        graded.plus(lost, known), graded.plus(known, lost), graded.times(lost, arb(0)), graded.multiply(known, lost),
        graded.multiply(lost, known), graded.smooth("tanh", lost), graded.relu(lost),
    ):  # fmt: skip
        assert found.rem is None
    assert graded._model_range(lost) is None


def test_the_range_of_a_model_counts_all_of_it():
    low, high = graded._model_range(_graded(1.0, (0.5, -0.25), H=(0.125, -0.25, 0.5), s=(0.25, 0.5), rem=2.0))
    assert float(high) == 1.0 + 0.75 + 0.875 + 0.75 + 2.0
    assert float(low) == 1.0 - 0.75 - 0.875 - 0.75 - 2.0


def test_rectangles_that_reach_a_pole_have_no_bound():
    for op, height in (("tanh", 1.6), ("tanh", 3.0), ("softplus", 3.2), ("softplus", 7.0), ("sigmoid", 3.2)):
        assert graded_functions._strip(op, arb(-1), arb(1), arb(height)) is None


def test_nodes_that_hardly_determine_a_polynomial_are_no_rule():
    """Two nodes 1e-6 apart: the projection is known to a few digits, and only middles of balls are summed."""
    with pytest.raises(Rejected, match="does not determine"):
        verify_rule(1, 3, ((0.5,), (0.5 + 1e-6,)))


@pytest.mark.parametrize(("d", "D"), [(1, 3), (1, 5), (2, 3), (2, 5), (3, 3)])
def test_the_lebesgue_constant_is_not_below_its_sum_in_exact_arithmetic(d, D):
    own = verify_rule(d, D, tuple(map(tuple, rule(d, D).representatives.tolist())))
    m, count = 3 * D + 1, len(own.nodes)
    units = [own.coefficients([arb(int(i == n)) for i in range(count)]) for n in range(count)]
    with ctx.workprec(200):
        half = [(arb.pi() * (2 * i + 1) / (2 * m)).cos() for i in range((m + 1) // 2)]
        largest = arb(0)
        for y in product(half, repeat=d):
            tables = [chebyshev_table(v, D) for v in y]
            sizes = arb(0)
            for one in units:
                sizes += abs(sum((a * _product(tables, k) for k, a in one.items()), arb(0)))
            largest = largest.max(sizes)
        exact = largest / (arb.pi() * D / (2 * m)).cos()
    assert exact.lower() <= own.lebesgue <= exact * (1 + arb("1e-9"))


def _product(tables, exponents):
    value = arb(1)
    for table, k in zip(tables, exponents, strict=True):
        value = value * table[k]
    return value
