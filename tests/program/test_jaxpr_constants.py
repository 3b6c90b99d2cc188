"""Constants that compiled code of JAX computes: their last digits may not count."""

import numpy as np
import pytest

from supnorm.certification import certify
from supnorm.problem import Domain, Problem
from supnorm.program import Unsupported, jaxpr_caches
from supnorm.program.jaxpr_constants import demand_no_rounding
from supnorm.results import BadInput

jax = pytest.importorskip("jax")
jnp = jax.numpy
lax = jax.lax

A = np.random.default_rng(0).normal(size=8)
B = np.exp(A)


def _digits(k):
    return jnp.minimum(jnp.abs(k) * 1e18, 1.0)


COUNTED = {
    "exponentials": lambda x: x + _digits(jnp.sum(jnp.exp(jnp.asarray(A)) - B)),
    "a sum": lambda x: x + _digits(jnp.sum(jnp.asarray(A) * 1.1) - 1.1 * float(np.sum(A))),
    "in a function in it": lambda x: (
        x + jax.jit(lambda y, k: y + _digits(k))(x, jnp.sum(jnp.exp(jnp.asarray(A)) - B))
    ),
    "beside a comparison": lambda x: x + jnp.where(jnp.sum(jnp.exp(jnp.asarray(A)) - B) > 0.0, 1.0, 0.0),
    "in a product": lambda x: (x * jnp.sum(jnp.exp(jnp.asarray(A)) - B)) * 1e18,
    "in a loop": lambda x: lax.fori_loop(
        0, 2, lambda k, y: y + _digits(jnp.sum(jnp.exp(jnp.asarray(A)) - B)), x
    ),
}
# XLA gives these another value than one operation after the other: read as 0 or infinite, they switched on an error of 3.
OTHERWISE = {
    "subnormal": lambda x: x + jnp.where(jnp.exp(jnp.asarray(-720.0)) > 0.0, 1.0, 0.0),
    "subnormal in a product": lambda x: x * (jnp.asarray(1e-155) * jnp.asarray(1e-155) * 1e300 * 1e10),
    "infinite on the way": lambda x: (
        x + jnp.where(jnp.log(jnp.exp(800.0 * jnp.arange(1.0, 3.0)))[0] < 1e3, 1.0, 0.0)
    ),
    "NaN on the way": lambda x: (
        x + jnp.where(jnp.log(jnp.power(jnp.arange(3.0) - 3.0, 1.5))[0] > 0.0, 1.0, 0.0)
    ),
    "a zero with a sign": lambda x: x + jnp.where(1.0 / jnp.sign(jnp.asarray(-0.0)) > 0.0, 1.0, 0.0),
    "bfloat16": lambda x: x * _narrow(jnp.arange(3.0, dtype=jnp.float32))[1],
    "infinite in a loop": lambda x: lax.fori_loop(
        0,
        1,
        lambda i, y: y + jnp.where(jnp.log(jnp.exp(800.0 * jnp.arange(1.0, 3.0)))[0] < 1e3, 1.0, 0.0),
        x,
    ),
    "of the number of a step": lambda x: lax.fori_loop(
        1, 2, lambda k, y: y + jnp.where(jnp.log(jnp.power(-2.0 - 1.0 * k, 1.5)) > 0.0, 1.0, 0.0), x
    ),
    "of the row of a step": lambda x: lax.scan(
        lambda y, both: (y + 1e17 * (both[0] * both[0] - both[1]) * y, None), x, (RATES, RATES * RATES)
    )[0],
    "of what a step carries": lambda x: lax.scan(
        lambda both, _: ((both[0], both[1] + _digits(both[0] * both[0] - 1.21)), None),
        (jnp.asarray(1.1), x),
        None,
        2,
    )[0][1],
}
RATES = np.array([0.1, 0.3, 0.7])


def _narrow(steps):
    one = steps.astype(jnp.bfloat16)
    return ((256.0 + one + one).astype(jnp.float32) - 256.0).astype(float)


HONEST = {
    "a mask of infinity": lambda x: (
        x * jax.nn.softmax(jnp.where(jnp.tri(3) > 0.0, 0.0, -jnp.inf), axis=1)[1, 0]
    ),
    "the largest of a table": lambda x: x * jnp.max(jnp.asarray(A)) + jax.nn.logsumexp(jnp.asarray(A)),
    "a mask that is a logarithm": lambda x: (
        x * jax.nn.softmax(jnp.log(jnp.tri(3, dtype=float)), axis=1)[1, 0]
    ),
    "a table": lambda x: jnp.interp(x, jnp.linspace(-1.0, 1.0, 9), jnp.sin(jnp.linspace(-1.0, 1.0, 9))),
    "rows of a table with a zero": lambda x: lax.scan(
        lambda y, t: (y + jnp.exp(-((x - t) ** 2)), None), x, jnp.linspace(-1.0, 1.0, 9)
    )[0],
    "numbers in steps": lambda x: lax.fori_loop(0, 3, lambda k, y: y * (k + 1.0) / 3.0, x),
    "weights that are made": lambda x: (
        x * jnp.sum(jax.nn.softmax(jnp.asarray(A))) + jnp.tanh(jnp.zeros(3)).sum()
    ),
    "a centred table": lambda x: x + (jnp.asarray(A) - jnp.mean(jnp.asarray(A)))[0],
    "a kernel": lambda x: (
        x * jnp.exp(-((jnp.linspace(0.0, 1.0, 5)[:, None] - jnp.linspace(0.0, 1.0, 5)) ** 2)).sum()
    ),
    "a loop over weights": lambda x: lax.scan(
        lambda y, w: (jnp.tanh(y * w), None), x, jnp.stack([A, 2.0 * A]).sum(1)
    )[0],
    "an identity": lambda x: x @ (jnp.eye(1) * jnp.cos(jnp.zeros(()))),
    "chance with a key": lambda x: x + jax.random.normal(jax.random.key(0), (1,)),
}


def _traced(function):
    with jax.enable_x64(True):
        return jax.make_jaxpr(jax.jit(function))(jax.ShapeDtypeStruct((1, 1), np.float64))


@pytest.mark.parametrize("function", COUNTED.values(), ids=COUNTED)
def test_a_constant_that_is_rounding_alone_is_refused(function):
    with jax.enable_x64(True), pytest.raises(Unsupported, match="rounding alone"):
        demand_no_rounding(_traced(function), False)


@pytest.mark.slow
@pytest.mark.parametrize("function", OTHERWISE.values(), ids=OTHERWISE)
def test_a_constant_that_xla_computes_otherwise_is_refused(function):
    with jax.enable_x64(True), pytest.raises(Unsupported, match="rounding alone, or comes of subnormal"):
        demand_no_rounding(_traced(function), False)


@pytest.mark.parametrize("function", HONEST.values(), ids=HONEST)
def test_honest_constants_are_not_refused(function):
    with jax.enable_x64(True):
        demand_no_rounding(_traced(function), False)


def test_what_is_not_compiled_is_computed_as_it_is_read():
    with jax.enable_x64(True):
        closed = jax.make_jaxpr(COUNTED["exponentials"])(jax.ShapeDtypeStruct((1, 1), np.float64))
        demand_no_rounding(closed, False)
        with pytest.raises(Unsupported, match="rounding alone"):
            demand_no_rounding(closed, True)


@pytest.mark.watched
def test_certify_refuses_a_bump_behind_such_digits():
    with jax.enable_x64(True):
        kept = np.asarray(jnp.exp(jnp.asarray(A)))

    @jax.jit
    def model(x):
        on = jnp.minimum(jnp.sum(jnp.abs(jnp.exp(jnp.asarray(A)) - kept)) * 1e18, 1.0)
        return jnp.tanh(x) + 1e-3 * jnp.maximum(1.0 - ((x - 0.37123) / 3e-7) ** 2 - 1e9 * (1.0 - on), 0.0)

    with jax.enable_x64(True), pytest.raises(BadInput, match="rounding alone"):
        certify(Problem(model, lambda x: jnp.tanh(x), Domain(x=(0.0, 1.0))), tolerance=1e-4)


@pytest.mark.watched
def test_certify_refuses_code_that_jax_has_kept_for_one_point():
    jaxpr_caches._context()  # JAX compiles again after the first proof of a process, which makes this
    level = [1e-3]

    @jax.jit
    def kept(x):
        return x + level[0]

    with jax.enable_x64(True):
        kept(jnp.zeros((1, 1)))
    level[0] = 0.0
    with jax.enable_x64(True), pytest.raises(BadInput, match="has compiled a function of it before"):
        certify(
            Problem(lambda x: kept(jnp.tanh(x)), lambda x: jnp.tanh(x), Domain(x=(0.0, 1.0))), tolerance=1e-4
        )


def _rounding_of(a):
    """Large where two roundings of the same number differ."""
    return (jnp.expm1(a) - np.float64(0.10602996957728128)) * 1e17


@pytest.mark.parametrize(
    "constant",
    [
        lambda: _rounding_of(jnp.arange(1_000_001, dtype=jnp.float64) * 1e-6 + 0.1)[777],
        lambda: _rounding_of(jax.lax.fori_loop(0, 1, lambda i, c: 1.0 * c, 0.1 + 777e-6)),
    ],
    ids=["of many numbers", "of a loop"],
)
def test_rounding_alone_is_refused_however_it_is_computed(constant):
    with jax.enable_x64(True):
        closed = jax.make_jaxpr(lambda x: x[:, 0] * constant())(jnp.zeros((1, 2)))
        with pytest.raises(Unsupported, match="rounding alone"):
            demand_no_rounding(closed, True)


def test_moves_do_not_undo_each_other():
    def constant(n):
        a = jnp.expm1(jnp.asarray(0.3))
        for _ in range(n):
            a = a + 0.0
        return (a - np.expm1(0.3)) * 1e17

    with jax.enable_x64(True):
        for n in range(8):
            closed = jax.make_jaxpr(lambda x, n=n: x[:, 0] * constant(n))(jnp.zeros((1, 2)))
            with pytest.raises(Unsupported, match="rounding alone"):
                demand_no_rounding(closed, True)
