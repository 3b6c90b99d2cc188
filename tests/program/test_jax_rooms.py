"""JAX's float64 functions against 200-bit values, near the worst arguments too: within the rounding of their programs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import flint
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from jax import lax
from jax.scipy import special

from supnorm.certification.affine_model import of_node, variables
from supnorm.jax_mode import jax_mode
from supnorm.program import Program, jaxpr, lower_jaxpr
from supnorm.program.discrepancies import Discrepancy, of_jax
from supnorm.program.steps import rounded

Exact = Callable[[arb], arb]
FEW = 100  # of each kind


def _beta(a: float, b: float) -> tuple[Any, Exact]:
    return lambda x: special.betainc(a, b, x), lambda x: x.beta_lower(arb(a), arb(b), regularized=1)


def _gamma(a: float) -> tuple[Any, Exact]:
    return lambda x: special.gammainc(a, x), lambda x: 1 - x.gamma_upper(arb(a), regularized=1)


def _gamma_upper(a: float) -> tuple[Any, Exact]:
    return lambda x: special.gammaincc(a, x), lambda x: x.gamma_upper(arb(a), regularized=1)


# The function, its exact value, intervals from which arguments are drawn, and places beside which they are drawn.
Case = tuple[Any, Exact, list[tuple[float, float]], list[float]]
WORST: dict[str, Case] = {  # those with a room
    "log1p": (jnp.log1p, arb.log1p, [(-0.4142, -0.41), (-0.9, 5.0)], [0.0, 1.0 - math.sqrt(2.0)]),
    "atanh": (jnp.arctanh, arb.atanh, [(0.413, 0.4142), (-0.99, 0.99)], [0.0, 1.0, math.sqrt(2.0) - 1.0]),
    "cbrt": (jnp.cbrt, lambda x: x.root(3), [(1e299, 1e300), (1e-4, 10.0)], [1.0]),
    "sinh": (jnp.sinh, arb.sinh, [(500.0, 530.0), (600.0, 700.0), (-20.0, 20.0)], [0.0]),
    "cosh": (jnp.cosh, arb.cosh, [(500.0, 530.0), (600.0, 700.0), (-20.0, 20.0)], [0.0]),
    "erfc": (lax.erfc, arb.erfc, [(20.0, 26.0), (-5.0, 5.0)], [0.0, 1.0]),
    "erf_inv": (lax.erf_inv, arb.erfinv, [(0.63, 0.65), (-0.99, 0.99)], [0.0, 1.0 - 7e-9, 1.0 - 1e-7]),
    "lgamma": (lax.lgamma, arb.lgamma, [(1.6, 2.6), (0.1, 30.0)], [1.0, 2.0]),
    "digamma": (lax.digamma, arb.digamma, [(1.4, 1.6), (0.1, 30.0)], [1.4616321449683623]),
    "igamma": (*_gamma(999.0), [(940.0, 1060.0)], [999.0]),
    "igammac": (*_gamma_upper(999.0), [(940.0, 1060.0)], [999.0]),
    "igammac of a small shape": (*_gamma_upper(0.001), [(0.1, 3.0), (3.0, 500.0)], [1.0]),
    "betainc": (*_beta(100.0, 100.0), [(0.412, 0.5)], [0.4142]),
}
ALIKE: dict[str, Case] = {  # the others
    "exp": (jnp.exp, arb.exp, [(-700.0, 700.0), (-1.0, 1.0)], [0.0]),
    "exp2": (jnp.exp2, lambda x: (x * arb(2).log()).exp(), [(-1000.0, 1000.0)], [0.0]),
    "expm1": (jnp.expm1, arb.expm1, [(-30.0, 30.0), (-1.0, 1.0)], [0.0, 0.5]),
    "log": (jnp.log, arb.log, [(0.0, 3.0), (0.0, 1e300)], [1.0]),
    "sin": (jnp.sin, arb.sin, [(-10.0, 10.0), (-1e9, 1e9)], [0.0, math.pi, 0.5 * math.pi]),
    "cos": (jnp.cos, arb.cos, [(-10.0, 10.0), (-1e9, 1e9)], [0.0, math.pi, 0.5 * math.pi]),
    "tan": (jnp.tan, arb.tan, [(-10.0, 10.0), (-1e9, 1e9)], [0.0, math.pi]),
    "asin": (jnp.arcsin, arb.asin, [(-1.0, 1.0)], [0.5, -0.5]),
    "acos": (jnp.arccos, arb.acos, [(-1.0, 1.0)], [0.5, -0.5]),
    "atan": (jnp.arctan, arb.atan, [(-5.0, 5.0), (-1e9, 1e9)], [0.0, 1.0]),
    "tanh": (jnp.tanh, arb.tanh, [(-25.0, 25.0), (-1.0, 1.0)], [0.0, 20.0]),
    "asinh": (jnp.arcsinh, arb.asinh, [(-5.0, 5.0), (-1e9, 1e9)], [0.0]),
    "acosh": (jnp.arccosh, arb.acosh, [(1.0, 5.0), (1.0, 1e9)], []),
    "erf": (lax.erf, arb.erf, [(-6.0, 6.0)], [0.0, 1.0]),
    "rsqrt": (lax.rsqrt, arb.rsqrt, [(0.0, 10.0), (0.0, 1e300)], [1.0]),
    "logistic": (jax.nn.sigmoid, lambda x: 1 / (1 + (-x).exp()), [(-700.0, 50.0), (-5.0, 5.0)], [0.0]),
    "i0e": (lax.bessel_i0e, lambda x: x.bessel_i(arb(0)) * (-abs(x)).exp(), [(-20.0, 20.0)], [8.0]),
    "i1e": (lax.bessel_i1e, lambda x: x.bessel_i(arb(1)) * (-abs(x)).exp(), [(-20.0, 20.0)], [8.0]),
    "power": (lambda x: x**10.1, lambda x: x ** arb(10.1), [(0.0, 10.0)], [1.0]),
    "whole power": (lambda x: lax.integer_pow(x, -127), lambda x: x**-127, [(0.5, 2.0)], [1.0]),
}


def _slow(name: str) -> Any:
    """The name, marked as slow where exact values take seconds."""
    return pytest.param(name, marks=pytest.mark.slow) if name.startswith(("igamma", "betainc")) else name


def _points(case: Case, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    drawn = [rng.uniform(low, high, FEW) for low, high in case[2]]
    for place in case[3]:
        drawn.append(place - 10.0 ** rng.uniform(-12, -2, FEW) * max(abs(place), 1e-3))
    return np.concatenate(drawn)


def _largest_share(case: Case, program: Program, seed: int) -> float:
    """The largest distance of JAX's values from exact ones, as a share of the rounding of the program by itself."""
    x = _points(case, seed)
    with jax_mode(True):
        one_by_one = jax.jit(
            partial(lax.map, case[0])
        )  # XLA takes another cube root than for many numbers at once
        ran = [np.asarray(f(jnp.asarray(x))) for f in (case[0], jax.jit(case[0]), one_by_one)]
    before = flint.ctx.prec
    flint.ctx.prec = 200
    try:
        exact = [case[1](arb(v)) for v in x.tolist()]
        off = np.array(
            [[float(abs(arb(v) - e)) for v, e in zip(y.tolist(), exact, strict=True)] for y in ran]
        )
    finally:
        flint.ctx.prec = before
    start = variables(x[:, None], np.zeros((len(x), 1)), np.ones(1))
    models = [replace(start, err=np.zeros_like(start.err))]  # the argument is exact
    with np.errstate(all="ignore"):
        for node in program.nodes[1:]:
            models.append(of_node(node, [models[a] for a in node.args], models[0]))
    known = np.isfinite(off).all(axis=0)
    assert known.mean() > 0.9
    return float(np.max((off / models[-1].err[:, 0])[:, known]))


def _read(case: Case) -> Program:
    return lower_jaxpr(lambda x: case[0](x[:, 0]), 1)


@pytest.mark.sampled(6)
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", [*(_slow(n) for n in WORST), *ALIKE])
def test_functions_of_jax_are_within_the_rounding_of_their_programs(name: str, seed: int) -> None:
    case = {**WORST, **ALIKE}[name]
    assert _largest_share(case, _read(case), seed) <= 1.0


@pytest.mark.whole
@pytest.mark.parametrize("name", [_slow(n) for n in WORST])
def test_an_eighth_of_the_room_is_not_enough(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def less(primitive: str, *shapes: float) -> Mapping[str, tuple[Discrepancy, ...]]:
        return {
            op: tuple(replace(a, absolute=a.absolute / 8, value=a.value / 8, moved=a.moved / 8) for a in each)
            for op, each in of_jax(primitive, *shapes).items()
        }

    case, program = WORST[name], _read(WORST[name])
    assert _largest_share(case, program, 1) <= 1.0
    monkeypatch.setattr(jaxpr, "of_jax", less)
    assert _largest_share(case, _read(case), 1) > 1.0


def test_rooms_change_no_program_and_are_of_float64_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def code(x: Any) -> Any:
        return jnp.log1p(x[:, 0]) + jnp.cosh(x[:, 0]) * lax.erf_inv(x[:, 0])

    def in_single(x: Any) -> Any:
        return code(x.astype(jnp.float32))

    program = lower_jaxpr(code, 1)
    assert (
        sum(bool(node.discrepancies) for node in program.nodes) == 4
    )  # a logarithm, two exponentials, erfinv
    assert sum("beyond 8 units" in remark for remark in program.remarks) == 3
    single = lower_jaxpr(in_single, 1, least="float32")
    assert not any(node.discrepancies for node in single.nodes)
    monkeypatch.setattr(jaxpr, "of_jax", lambda *_: {})
    assert lower_jaxpr(code, 1).hash == program.hash == single.hash


def test_operations_after_one_with_a_room_have_none() -> None:
    program = lower_jaxpr(lambda x: jnp.log(2.0 + jnp.exp(jnp.log1p(x[:, 0]))), 1)
    with_room = [node.op for node in program.nodes if node.discrepancies]
    assert with_room == ["log"]
    assert [node.op for node in program.nodes].count("log") == 2


def test_shapes_that_are_refused_have_no_room() -> None:
    assert jaxpr._beyond_rounding("igamma", [np.array([1.0, 2.0]), np.ones(2)]) == {}
    assert jaxpr._beyond_rounding("igamma", [np.array(-1.0), np.ones(2)]) == {}
    (room,) = jaxpr._beyond_rounding("igamma", [np.full(2, 3.0), np.ones(2)])["gammainc"]
    assert room.value == of_jax("igamma", 3.0)["gammainc"][0].value


def test_random_rounding_of_a_step_has_the_room() -> None:
    program = lower_jaxpr(lambda x: x[:, 0], 1)
    node = replace(program.nodes[0], op="exp", args=(0,), discrepancies=(Discrepancy(value=0.25, moved=0.5),))
    x = np.full((20, 1), 2.0)
    for seed in range(3):
        value = rounded([program.nodes[0], node], x, 0.0, seed)[1]
        expected = math.exp(2.0) * 0.25 + math.exp(3.0) - math.exp(2.0)
        shares = np.abs(value - math.exp(2.0)) / expected
        assert ((shares >= 0.5) & (shares <= 1.0 + 1e-12)).all()
