"""Running error analysis by adjoints: true for every operation and for random programs, sharp for deep networks."""

from fractions import Fraction
from itertools import pairwise

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import oracle
import pytest

from supnorm.certification import residual, running_error
from supnorm.certification.elementary import AT_POINT
from supnorm.certification.propagation import propagate
from supnorm.certification.running_error import with_rounding
from supnorm.program import Node, Program, program_of
from supnorm.program.operations import SECOND

# The one parameter of an operation, and the least argument at which it is tested: beyond singularities.
PARAMETER = {"pow": 1.7, **{f"bessel_{kind}": 1.0 for kind in "jyik"}, "gammainc": 2.5, "gammaincc": 2.5}
POINTS = {"pow": 0.7, **dict.fromkeys(("log", "sqrt", "cbrt", *oracle.POSITIVE), 0.6)}


def _difference(program, value, x):
    """The distance of computed values from the exact ones, in arbitrary precision."""
    with mp.workprec(300):
        rows = [
            [
                abs(mp.mpf(float(v)) - e)
                for v, e in zip(row, oracle.evaluate(program, list(map(mp.mpf, p))), strict=True)
            ]
            for row, p in zip(value, x.tolist(), strict=True)
        ]
    return np.array([[float(v) for v in row] for row in rows])


# What has values at every number, or from a number on (`POINTS`); the others are defined from 0 to 1 alone.
ANYWHERE = [op for op in AT_POINT if op not in ("erfinv", "betainc")]


def _random_program(rng):
    """A chain of random operations that stays of size one, with sums of numbers that cancel."""
    nodes = [Node("input", (), 2)]
    for _ in range(int(rng.integers(2, 9))):
        a, b = (int(v) for v in rng.integers(0, len(nodes), 2))
        op = str(
            rng.choice(["affine", "add", "sub", "mul", "max", "min", "abs", "relu", "neg", "div", *ANYWHERE])
        )
        if op in ("div", "reciprocal", *POINTS):
            nodes.append(Node("abs", (a,), 2))
            nodes.append(Node("constant", (), 2, value=rng.uniform(0.1, 2.0, 2)))
            nodes.append(Node("add", (len(nodes) - 2, len(nodes) - 1), 2))
            a = len(nodes) - 1
        if op == "affine":
            nodes.append(Node(op, (a,), 2, weight=rng.normal(size=(2, 2)), bias=rng.normal(size=2)))
        elif op in ("add", "sub", "mul", "max", "min"):
            nodes.append(Node(op, (a, b), 2))
        elif op in ("div", "reciprocal"):
            nodes.append(Node("div", (b, a), 2))
        elif op == "pow":
            nodes.append(Node(op, (a,), 2, parameter=float(rng.choice([2.0, 3.0, -1.0, 0.3, -1.7]))))
        else:
            nodes.append(Node(op, (a,), 2, parameter=PARAMETER.get(op)))
    return Program(tuple(nodes))


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_the_bound_holds_for_random_programs(part):
    rng = np.random.default_rng(500 + part)
    finite = 0
    for _ in range(30):
        program = _random_program(rng)
        x = rng.uniform(-1.5, 1.5, (4, 2))
        value, error = with_rounding(program, x, np.zeros_like(x))
        known = np.isfinite(error)
        finite += known.all()
        true = _difference(program, np.where(known, value, 0.0), x)
        assert (true <= np.where(known, error, np.inf)).all()
    assert finite > 22


OPERATIONS = {
    **{
        op: Node(op, (0,), 1, parameter=PARAMETER.get(op))
        for op in AT_POINT
        if op not in ("reciprocal", *SECOND)
    },
    "betainc": Node("betainc", (0,), 1, parameter=1.3, second=1.7),
    "cube": Node("pow", (0,), 1, parameter=3.0),
    "leaky_relu": Node("leaky_relu", (0,), 1, parameter=0.1),
    **{op: Node(op, (0,), 1) for op in ("abs", "relu", "neg")},
}
TWO = ("add", "sub", "mul", "div", "max", "min")


def _moved(program, x, off):
    """Whether the bound covers what happens if the point is not x but any point within ``off``: exact but for rounding."""
    value, error = with_rounding(program, x, np.broadcast_to(off, x.shape))
    steps = np.stack(np.meshgrid(*[np.linspace(-1.0, 1.0, 9)] * x.shape[1], indexing="ij"), -1).reshape(
        -1, x.shape[1]
    )
    moved = np.stack([program.value(x + off * s) for s in steps])
    return bool((np.abs(moved - value).max(0) <= error * (1 + 1e-9) + 1e-12).all())


def _covers():
    rng = np.random.default_rng(3)
    good = True
    for op, node in OPERATIONS.items():
        low = POINTS.get(op, -2.0)
        if op in ("betainc", "erfinv"):  # from 0 to 1
            x = np.concatenate([rng.uniform(0.1, 0.9, (40, 1)), [[0.1], [0.9]]])
            good &= _moved(Program((Node("input", (), 1), node)), x, 0.05)
            continue
        x = np.concatenate([rng.uniform(low, 2.5, (40, 1)), [[max(low, 0.02)], [np.pi / 2]]])
        good &= _moved(Program((Node("input", (), 1), node)), x, 0.2)
    for op in TWO:
        parts = [Node("take", (0,), 1, columns=np.array([k])) for k in range(2)]
        x = np.concatenate([rng.uniform(0.6, 2.5, (40, 2)), [[1.0, 1.02], [0.7, 0.7]]])
        good &= _moved(Program((Node("input", (), 2), *parts, Node(op, (1, 2), 1))), x, 0.2)
        # twice the same operation: its derivatives vary along the way
        twice = Node(op, (3, 2), 1)
        good &= _moved(Program((Node("input", (), 2), *parts, Node(op, (1, 2), 1), twice)), x, 0.1)
    return good


def test_derivatives_are_enclosed_on_the_whole_way():
    assert _covers()


def _zero(honest):
    return lambda *args: 0.0 * np.asarray(honest(*args))


def _no_radius(honest):
    def weak(middle, radius, slope):
        return honest(middle, 0.0 * radius, slope if isinstance(slope, float) else (slope[0], 0.0 * slope[1]))

    return weak


def _still(honest):
    def weak(node, args, x, off):
        step = honest(node, args, x, off)
        return running_error._Step(step.value, step.local, 0.0 * step.around, step.slopes)

    return weak


MUTANTS = {
    "no curvature": ("_slope_radius", _zero),
    "derivatives without their radius": ("_product", _no_radius),
    "E is zero": ("_forward", _still),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_weakened_rule_is_caught(name, monkeypatch):
    what, weaken = MUTANTS[name]
    monkeypatch.setattr(running_error, what, weaken(getattr(running_error, what)))
    assert not _covers()


def _operations_round():
    """Whether the rounding of each operation alone is covered, where it is certainly not zero."""
    x = np.random.default_rng(4).uniform(0.3, 1.4, (60, 1)) / 3.0 + 0.4
    chains = [(OPERATIONS[op],) for op in (*AT_POINT, "leaky_relu") if op in OPERATIONS]
    third = Node("constant", (), 1, value=np.array([1.0 / 3.0]))
    chains += [(third, Node(op, (0, 1), 1)) for op in ("add", "sub", "mul", "div")]
    chains += [(Node("affine", (0,), 1, weight=np.array([[1 / 3.0]]), bias=np.array([0.1])),)]
    good = []
    for chain in chains:
        program = Program((Node("input", (), 1), *chain))
        value, error = with_rounding(program, x, np.zeros_like(x))
        good.append(bool((_difference(program, value, x) <= error).all()))
    return good


@pytest.mark.slow
@pytest.mark.slow
def test_the_rounding_of_every_operation_counts(monkeypatch):
    assert all(_operations_round())
    monkeypatch.setattr(running_error, "U", 0.0)
    monkeypatch.setattr(running_error, "gamma", lambda k: 0.0)
    silent = {op: (lambda *a, f=f: (*f(*a)[:2], 0.0 * f(*a)[2], f(*a)[3])) for op, f in AT_POINT.items()}
    monkeypatch.setattr(running_error, "AT_POINT", silent)
    seen = _operations_round()
    # Every rounding is seen, but for a function that happens to round rightly everywhere.
    assert sum(seen) <= 1, seen


def _deep(rng, depth=9, width=20):
    """A network with the widths of a published one for Burgers' equation, its weights scaled like trained ones."""
    sizes = [2] + [width] * depth
    layers = [
        (rng.normal(size=(a, b)) * 1.6 / np.sqrt(a), 0.3 * rng.normal(size=b)) for a, b in pairwise(sizes)
    ]
    last = rng.normal(size=(width, 1)) / np.sqrt(width)

    def model(x):
        for weight, bias in layers:
            x = jnp.tanh(x @ weight + bias)
        return x @ last

    return model


def _burgers(u, z):
    def along(f, k):
        return lambda y: jax.jvp(f, (y,), (jnp.eye(2)[k],))[1]

    u_x = along(u, 1)
    return along(u, 0)(z) + u(z) * u_x(z) - 0.003 * along(u_x, 1)(z)


@pytest.mark.slow
def test_the_residual_of_a_deep_network_has_a_rounding_near_the_true_one():
    """Products of |W| are 1e5 times too large for it."""
    program = residual(_deep(np.random.default_rng(8)), _burgers, d=2).program
    x = np.random.default_rng(9).uniform(-1.0, 1.0, (8, 2))
    value, error = with_rounding(program, x, np.zeros_like(x))
    true = _difference(program, value, x)
    assert (true <= error).all()
    crude, _ = propagate(program, x, np.zeros_like(x), np.ones(1))
    assert error.max() <= 1000.0 * true.max()
    assert error.max() <= 1e-4 * crude.err.max()


def test_an_operation_without_a_rule_has_no_bound():
    program = Program((Node("input", (), 1), Node("gelu_tanh", (0,), 1)))
    _, error = with_rounding(program, np.ones((1, 1)), np.zeros((1, 1)))
    assert np.isinf(error).all()


def test_every_output_has_its_own_bound():
    program = program_of(lambda x: jnp.stack([1e8 * jnp.sin(x[:, 0]), x[:, 0] ** 2], 1), 1)
    _, error = with_rounding(program, np.full((1, 1), 0.7), np.zeros((1, 1)))
    assert error[0, 0] > 1e-8
    assert error[0, 1] < 1e-14


# -- each rule by itself, in exact arithmetic and at the ends of what it allows ---------------------------

EPS = Fraction(1, 2**52)  # what the final factor of a bound has room for, many times


def _slopes_at(op, parameter, point):
    """The derivatives of an operation, exactly; None at a kink."""
    a, b, *_ = (*point, Fraction(0))
    if op == "div":
        return 1 / b, -a / b**2
    if op == "mul":
        return b, a
    if op in ("max", "min"):
        first = (a > b) if op == "max" else (a < b)
        return None if a == b else (Fraction(first), Fraction(1 - first))
    low = {"abs": -1, "relu": 0}.get(op, parameter)
    return None if a == 0 else ((Fraction(1) if a > 0 else Fraction(low)),)


def _value_at(op, parameter, point):
    a, b, *_ = (*point, Fraction(0))
    low = {"abs": -1, "relu": 0}.get(op, parameter)
    kinked = {"max": max, "min": min, "mul": lambda u, v: u * v, "div": lambda u, v: u / v if v else None}
    return kinked[op](a, b) if op in kinked else (a if a > 0 else Fraction(low) * a)


RULES = [
    ("div", (0.0, 3.0), (0.25, 0.5)), ("div", (0.7, -3.0), (0.0, 0.5)), ("div", (1.0, 3.0), (0.0, 0.0)),
    ("div", (0.3, 0.7), (0.0, 0.0)), ("div", (1.1, 1.3), (0.5, 0.25)), ("mul", (0.0, 0.0), (0.5, 0.25)),
    ("mul", (1.5, 0.3), (0.0, 0.25)), ("mul", (1.5, 0.3), (0.5, 0.0)), ("max", (1.0, 0.875), (0.25, 0.0)),
    ("max", (0.875, 1.0), (0.0, 0.25)), ("min", (1.0, 0.875), (0.0, 0.25)), ("min", (1.0, 0.5), (0.25, 0.125)),
    ("max", (1.0, 0.75), (0.1875, 0.125)), ("relu", (0.125,), (0.25,)), ("relu", (-0.125,), (0.25,)),
    ("relu", (-1.0,), (0.25,)), ("abs", (0.125,), (0.25,)), ("abs", (1.0,), (0.25,)),
    *(("leaky_relu", (v,), (0.25,), low) for v in (0.125, 1.0) for low in (0.1, 0.3, 0.7, 2.3, -1.7)),
]  # fmt: skip


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_values_and_derivatives_stay_where_the_rule_says(rule):
    """Sharp ones: of a quotient with numerator 0, say, the bounds are attained."""
    op, v, r, *low = rule
    parameter = low[0] if low else None
    node = Node(op, tuple(range(len(v))), 1, parameter=parameter)
    values, around = ([np.array([[w]]) for w in part] for part in (v, r))
    value = running_error.apply(node, values, values[0])
    moved, slopes = running_error._arithmetic(node, values, around, value)
    exact = _value_at(op, parameter, [Fraction(w) for w in v])
    signs = [(s, t) for s in (-1, 1, 0) for t in (-1, 1, 0)]
    for sign in signs if len(v) == 2 else [(s,) for s in (-1, 1)]:
        point = [Fraction(w) + s * Fraction(e) for w, e, s in zip(v, r, sign, strict=True)]
        off = abs(_value_at(op, parameter, point) - exact)
        assert off <= Fraction(moved[0, 0]) * (1 + 8 * EPS)
        at = _slopes_at(op, parameter, point)
        for slope, there in zip(slopes, at or (), strict=at is not None):
            centre, radius = (Fraction(np.broadcast_to(w, (1, 1))[0, 0]) for w in slope)
            room = 1 + (8 * EPS if op == "div" and any(r) else 0)
            assert abs(there - centre) <= radius * room


def test_what_may_be_either_formula_is_off_by_what_they_are():
    node, values = Node("where", (0, 1, 2), 1), [np.array([[w]]) for w in (1.0, 2.0, 3.0)]
    around = [np.array([[w]]) for w in (0.5, 0.25, 0.125)]
    for sign, expected in ((1.0, 0.25), (-1.0, 0.125)):
        turned = [sign * values[0], *values[1:]]
        assert running_error._arithmetic(node, turned, around, values[1])[0] == expected
    open_ = [np.array([[1.0]]), *around[1:]]
    assert np.isinf(running_error._arithmetic(node, values, open_, values[1])[0]).all()


def _step(node, slopes=()):
    return running_error._Step(np.zeros((1, node.width)), None, np.zeros((1, node.width)), slopes)


def _exactly(rows):
    return [[Fraction(v) for v in row] for row in rows]


def test_the_way_back_through_a_layer_holds_rounding_and_radius():
    rng = np.random.default_rng(1)
    node = Node("affine", (0,), 24, weight=rng.normal(size=(24, 40)), bias=np.zeros(24))
    for radius in (np.zeros((1, 24)), rng.uniform(0.0, 1.0, (1, 24))):
        middle = rng.normal(size=(1, 24))
        ((to, off),) = running_error._backward(node, _step(node), (middle, radius), [40])
        (m,), (r,), W = _exactly(middle), _exactly(radius), _exactly(np.asarray(node.weight))
        rounded = 0.0
        for j in range(40):
            exact = sum(a * row[j] for a, row in zip(m, W, strict=True))
            most = sum(a * abs(row[j]) for a, row in zip(r, W, strict=True))
            rounded = max(rounded, float(abs(Fraction(to[0, j]) - exact)))
            assert abs(Fraction(to[0, j]) - exact) + most <= Fraction(off[0, j]) * (1 + 64 * EPS)
        assert rounded > 0.0


def test_the_way_back_through_columns_that_are_taken_again_holds_the_rounding_of_their_sum():
    columns = np.array([0, 1, 0, 0, 1, 0])
    node = Node("take", (0,), 6, columns=columns)
    middle = np.array([[1.0, 0.1, 2.0**-54, 0.3, 0.7, 1e-17]])
    radius = np.array([[0.5, 0.0, 0.25, 0.0, 0.125, 0.0]])
    ((to, off),) = running_error._backward(node, _step(node), (middle, radius), [2])
    for j in range(2):
        exact = sum(Fraction(v) for v in middle[0, columns == j])
        most = sum(Fraction(v) for v in radius[0, columns == j])
        assert abs(Fraction(to[0, j]) - exact) + most <= Fraction(off[0, j])
    assert any(Fraction(to[0, j]) != sum(Fraction(v) for v in middle[0, columns == j]) for j in range(2))


def test_products_and_sums_of_enclosed_derivatives_hold_all_products_and_sums():
    rng, rounded = np.random.default_rng(2), [0, 0]
    for _ in range(50):
        middle, centre = (float(v) for v in rng.normal(size=2))
        for radius, off in ((0.0, 0.0), (0.5, 0.0), (0.0, 0.25), (0.5, 0.25)):
            x, y = ((np.array([[a]]), np.array([[b]])) for a, b in ((middle, radius), (centre, off)))
            m, r = (Fraction(w[0, 0]) for w in running_error._product(*x, y))
            for s, t in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
                a, b = Fraction(middle) + s * Fraction(radius), Fraction(centre) + t * Fraction(off)
                assert abs(a * b - m) <= r * (1 + 8 * EPS)
                m2, r2 = (Fraction(w[0, 0]) for w in running_error._sum(x, y))
                assert abs(a + b - m2) <= r2 * (1 + 8 * EPS)
            rounded[0] += m != Fraction(middle) * Fraction(centre)
            rounded[1] += m2 != Fraction(middle) + Fraction(centre)
    assert min(rounded) > 50


def test_a_small_product_beside_a_large_bias_is_rounded_like_the_bias():
    rng = np.random.default_rng(3)
    bias, weight = rng.uniform(1.0, 2.0, 40), 1e-3 * rng.normal(size=(40, 1))
    program = Program((Node("input", (), 1), Node("affine", (0,), 40, weight=weight, bias=bias)))
    x = rng.uniform(0.5, 1.0, (8, 1))
    value, error = with_rounding(program, x, np.zeros_like(x))
    true = _difference(program, value, x)
    assert (true <= error).all()
    assert true.max() > 5e-17


def test_a_bound_of_moved_points_is_rounded_upwards():
    """Of sums of zeros nothing is rounded; their bound, the sum of what each may be moved by, is."""
    rng = np.random.default_rng(4)
    weight = rng.normal(size=(60, 9))
    program = Program((Node("input", (), 9), Node("affine", (0,), 60, weight=weight, bias=np.zeros(60))))
    off = rng.uniform(0.1, 1.0, (1, 9))
    _, error = with_rounding(program, np.zeros((1, 9)), off)
    for row, bound in zip(weight, error[0], strict=True):
        assert sum(abs(Fraction(w)) * Fraction(e) for w, e in zip(row, off[0], strict=True)) <= Fraction(
            bound
        )


def test_the_derivatives_on_the_whole_way_are_multiplied_with_what_is_moved():
    """(x + e)^2 - x^2 = 2 x e + e^2: with the derivative at x alone the square of e is missing."""
    program = Program((Node("input", (), 1), Node("mul", (0, 0), 1)))
    value, error = with_rounding(program, np.array([[1.0]]), np.array([[0.5]]))
    assert error[0, 0] >= 2.25 - 1.0
    assert value[0, 0] == 1.0
