"""Running error analysis by adjoints: true for every operation and for random programs, sharp for deep networks."""

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
