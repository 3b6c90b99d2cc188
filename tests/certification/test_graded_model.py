"""Graded models against the truth, and every rule of them weakened: a test must notice.

The truth about a tail: for weights w that annihilate polynomials of degree D, the distance of g from them is at
least |sum w_i g(t_i)| / sum |w_i|; at the D + 2 Chebyshev extremal points of a line this is nearly sharp.
"""

from dataclasses import replace

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from oracle import evaluate, random_programs

from supnorm.certification import graded, graded_interpolant, graded_model
from supnorm.certification.graded import TOP, Graded
from supnorm.certification.graded_forms import corners, pairs
from supnorm.certification.graded_model import enclose, tighten
from supnorm.certification.graded_rule import chebyshev_values, rule
from supnorm.program import lower_jaxpr


def distance(program, centre, half, direction, D):
    """Lower bounds of the outputs' distances from the polynomials of degree D on the box."""
    with mp.workdps(40):
        t = [mp.cos(mp.pi * i / (D + 1)) for i in range(D + 2)]
        weight = [(-1) ** i * (mp.mpf(1) / 2 if i in (0, D + 1) else 1) for i in range(D + 2)]
        rows = [
            evaluate(program, [mp.mpf(c) + mp.mpf(h) * v * s for c, h, v in zip(centre, half, direction, strict=True)])
            for s in t
        ]  # fmt: skip
        total = mp.fsum(abs(w) for w in weight)
        return [float(abs(mp.fsum(w * r[k] for w, r in zip(weight, rows, strict=True))) / total)
                for k in range(program.m)]  # fmt: skip


def honest(program, centre, half, tight=None, degrees=(1, 2, 3, 5, 8, 10, TOP)):
    """Whether no tail is below the truth and no sampled value is outside the enclosure."""
    c, h = np.atleast_2d(np.asarray(centre, float)), np.atleast_2d(np.asarray(half, float))
    d = c.shape[1]
    g = enclose(program, c, h, rule(d, tight) if tight else None).graded
    directions = [np.ones(d), np.eye(d)[0], np.where(np.arange(d) % 2, -1.0, 1.0)]
    for D in degrees:
        tail = g.tail(D)[0]
        for v in directions[: 1 if d == 1 else 3]:
            found = distance(program, c[0].tolist(), h[0].tolist(), v.tolist(), D)
            if not all(a <= b for a, b in zip(found, tail, strict=True)):
                return False
    y = np.random.default_rng(0).uniform(-1, 1, size=(4000, d))
    y[: 2**d] = np.array(np.meshgrid(*[[-1.0, 1.0]] * d)).reshape(d, -1).T
    off = np.abs(program.value(c + h * y) - g.c[0])
    return bool((off.max(0) <= (g.slope + g.bent + g.rem)[0] + 1e-12).all())


def one(function):
    """A program of one input."""
    return lower_jaxpr(lambda x: function(x[:, :1]), 1)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", list(random_programs(np.random.default_rng(0))))
def test_random_networks(name):
    rng = np.random.default_rng(3)
    program = random_programs(rng)[name]
    for half in (0.05, 0.3):
        centre = rng.uniform(-0.5, 0.5, size=2)
        for tight in (None, 4):
            assert honest(program, centre, np.full(2, half), tight, degrees=(2, 4, 7))


WAVES = np.linspace(30.0, 44.0, 8)  # nearly invisible at 18 nodes for some
SINE = [one(lambda x, k=k: jnp.sin(k * x)) for k in WAVES]
SQUARE = one(lambda x: jnp.exp(x * x))
CASES = {
    "interpolant": one(lambda x: jnp.exp(3 * x)),
    "series beyond the top": one(lambda x: jnp.tanh(1.4 * x)),
    "Taylor remainder": SQUARE,
    "Taylor terms": one(lambda x: jnp.sin(2 * x * x)),
    "linear times linear": one(lambda x: (1 + x) * (2 - x)),
    "linear times curved": one(lambda x: x * (x * x)),
    "curved times linear": one(lambda x: (x * x) * x),
    "constant times curved": one(lambda x: (5 + x) * (x * x)),
    "curved times constant": one(lambda x: (x * x) * (5 + x)),
    "curved times curved": one(lambda x: (x * x) * (x * x)),
    "product beyond the top": one(lambda x: x**7 * x**7),
    "remainder in a product": one(lambda x: (1e6 + x) * jnp.exp(x * x)),
    "remainder in a product, second": one(lambda x: jnp.exp(x * x) * (1e6 + x)),
    "linear layer": lower_jaxpr(lambda x: (x[:, :1] * x[:, :1]) @ np.array([[-3.0, 2.0]]), 1),
    "remainder in a linear layer": lower_jaxpr(lambda x: jnp.exp(x[:, :1] ** 2) @ np.array([[-1e6]]), 1),
    "sum": one(lambda x: x * (x * x) + (x * (x * x)) * 3.0),
    "kink": one(jax.nn.relu),
    **{f"aliasing {i}": program for i, program in enumerate(SINE)},
    **{
        f"remainder through a function {i}": one(lambda x, k=k: jnp.sin(0.1 * jnp.sin(k * x)))
        for i, k in enumerate(WAVES)
    },
}


@pytest.mark.parametrize("name", CASES)
def test_sharp_cases(name):
    assert honest(CASES[name], [0.0], [1.0])


def _dropped(what):
    """A weakened `real_bounds` or `aliasing` from the honest one."""
    return {
        "steepest": lambda f: lambda *a: [0.0 * v if i == 0 else v for i, v in enumerate(f(*a))],
        "sixth": lambda f: lambda *a: [0.0 * v if i == 5 else v for i, v in enumerate(f(*a))],
        "zeros": lambda f: lambda *a: [0.0 * v for v in f(*a)],
    }[what]


def _without_remainder(f):
    def weak(*args):
        g = f(*args)
        return replace(g, rem=np.where(np.isfinite(g.rem), 0.0, g.rem))

    return weak


def _without_parts(f):
    def weak(*args):
        g = f(*args)
        return replace(g, s=0.0 * g.s)

    return weak


def _lighter(f):
    return lambda x, weight, bias: replace(f(x, weight, bias), s=f(x, np.clip(weight, -1, 1), bias).s)


def _signed(f):
    """Parts multiplied by the weights instead of their sizes."""
    return lambda x, weight, bias: replace(f(x, weight, bias), s=x.s @ weight.T)


def _without_constant(f):
    return lambda a, b: (0.0 * f(a, b)[0], f(a, b)[1])


def _half_a_form(f):
    return lambda a, b: (f(a, b)[0], 0.5 * f(a, b)[1])


MUTANTS = {
    "Taylor remainder dropped": ("real_bounds", _dropped("sixth")),
    "remainder not carried through a function": ("real_bounds", _dropped("steepest")),
    "aliasing dropped": ("aliasing", _dropped("zeros")),
    "remainder of products dropped": ("multiply", _without_remainder),
    "parts of products dropped": ("multiply", _without_parts),
    "remainder of a linear layer dropped": ("affine", _without_remainder),
    "weights cut at one": ("affine", _lighter),
    "weights with their signs": ("affine", _signed),
    "parts of sums dropped": ("add", _without_parts),
    "constant of a square dropped": ("quadratic", _without_constant),
    "squares halved": ("quadratic", _half_a_form),
    "kinks taken as linear": ("relu", lambda f: lambda x: x),
}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", MUTANTS)
def test_a_weakened_rule_is_caught(name, monkeypatch):
    what, weaken = MUTANTS[name]
    module = graded_interpolant if what == "aliasing" else graded_model
    monkeypatch.setattr(module, what, weaken(getattr(module, what)))
    if what in ("multiply", "add", "relu"):
        op = "mul" if what == "multiply" else what
        monkeypatch.setitem(graded_model._COMPOSED, op, getattr(graded_model, what))
    assert not all(honest(CASES[case], [0.0], [1.0]) for case in CASES)


def test_a_tail_without_its_remainder_is_caught(monkeypatch):
    monkeypatch.setattr(Graded, "tail", lambda self, D: self.s[D + 1 :].sum(0))
    assert not honest(SQUARE, [0.0], [1.0], degrees=(11,))


def test_a_tail_without_the_quadratic_part_is_caught(monkeypatch):
    assert honest(SQUARE, [0.0], [1.0], degrees=(1,))
    monkeypatch.setattr(Graded, "tail", lambda self, D: self.s[D + 1 :].sum(0) + self.rem)
    assert not honest(SQUARE, [0.0], [1.0], degrees=(1,))


def test_quadratic_parts_without_their_size_are_caught(monkeypatch):
    program, degrees = one(lambda x: jnp.exp(x + 2 * x * x)), (3, 5, 8)
    assert honest(program, [0.0], [1.0], degrees=degrees)
    monkeypatch.setattr(Graded, "curve", property(lambda self: 0.3 * np.abs(self.H).sum(0)))
    assert not honest(program, [0.0], [1.0], degrees=degrees)


def test_quadratic_parts_cancel():
    """(x + y)^2 - x^2 - y^2 - 2 x y is zero, and its model knows it."""
    program = lower_jaxpr(
        lambda x: (x[:, :1] + x[:, 1:]) ** 2 - x[:, :1] ** 2 - x[:, 1:] ** 2 - 2.0 * x[:, :1] * x[:, 1:], 2
    )
    g = enclose(program, np.array([[0.3, 0.2]]), np.array([[0.5, 0.7]]), None).graded
    assert (np.abs(g.c) + g.slope + g.bent + g.rem)[0, 0] < 1e-9


@pytest.mark.parametrize("d", [1, 2, 3])
def test_forms_are_products_of_linear_functions(d):
    rng = np.random.default_rng(d)
    a, b, y = rng.normal(size=(1, 4, d)), rng.normal(size=(1, 4, d)), rng.uniform(-1, 1, size=(50, d))
    constant, form = graded_model.quadratic(a, b)
    basis = np.stack([2 * y[:, i] ** 2 - 1 if i == j else y[:, i] * y[:, j] for i, j in pairs(d)], 1)
    np.testing.assert_allclose(constant[0] + basis @ form[:, 0], (y @ a[0].T) * (y @ b[0].T), atol=1e-13)


@pytest.mark.parametrize("d", [3, 4, 5])
@pytest.mark.parametrize("weak", [False, True])
def test_forms_are_bounded_by_their_largest_corner(d, weak, monkeypatch):
    """The bound is above all samples, and reached where there are no squares; without some corners it is not above."""
    if weak:
        monkeypatch.setattr(graded, "corners", lambda d, honest=corners: honest(d)[1:])
    rng, count = np.random.default_rng(0), 200
    H = rng.normal(size=(d * (d + 1) // 2, 1, count))
    H[:d, :, : count // 2] = 0.0
    g = Graded(
        *(np.zeros(s) for s in ((1, count), (1, count, d))),
        H,
        *(np.zeros(s) for s in ((14, 1, count), (1, count))),
    )
    y = np.concatenate([rng.uniform(-1, 1, size=(2000, d)), rng.choice([-1.0, 1.0], size=(500, d))])
    values = np.stack([2 * y[:, i] ** 2 - 1 if i == j else y[:, i] * y[:, j] for i, j in pairs(d)], 1)
    largest = np.abs(values @ H[:, 0]).max(0)
    held = g.curve[0] >= largest
    assert held.all() != weak
    assert weak or g.curve[0, : count // 2] == pytest.approx(largest[: count // 2], rel=1e-12)


def _residual(x, values, r, found):
    """|g - p| at random points less what a tightened model allows, p from its values at the nodes."""
    y = np.random.default_rng(1).uniform(-1, 1, size=(5000, r.d))
    p = chebyshev_values(y, r.exponents) @ r.coefficients(values)[0]
    own = np.abs(r.coefficients(values)[0][r.degrees == r.D]).sum(0)
    return np.abs(x.value(y) - p).max(0) - (
        found.s[r.D][0] - own + found.s[r.D + 1 :, 0].sum(0) + found.rem[0]
    )


def test_tightening_holds_and_needs_its_constants():
    r, weak = rule(1, 4), []
    for k in np.linspace(3.0, 9.0, 13):
        program = one(lambda x, k=k: jnp.sin(k * x))
        box = np.zeros((1, 1)), np.ones((1, 1))
        whole = enclose(program, *box, None)
        values = program.value(r.nodes)[None]
        found = tighten(whole.graded, values, whole.affine, r)
        assert (_residual(program, values, r, found) <= 0).all()
        s = found.s.copy()
        s[r.D] = np.abs(r.coefficients(values)[:, r.degrees == r.D]).sum(1)
        weak.append((_residual(program, values, r, replace(found, s=s)) > 0).any())
    assert any(weak)


def test_rounding_is_in_the_remainder():
    """1e-9 x beside 1e8 vanishes in float64; the enclosure must still hold it."""
    program = one(lambda x: (1e-9 * x + 1e8) - 1e8)
    g = enclose(program, np.zeros((1, 1)), np.ones((1, 1)), None).graded
    assert (np.abs(g.c) + g.slope + g.bent + g.rem)[0, 0] >= 1e-9
