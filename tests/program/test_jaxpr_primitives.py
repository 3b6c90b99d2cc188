"""Operations of a jaxpr that run otherwise than JAX says are found, and JAX's own are not taken for such."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import Primitive

from supnorm.program import Unsupported, jaxpr_linear, lower_jaxpr, program_of
from supnorm.program.jaxpr_primitives import demand_of_jax, is_of_jax, within

ONE = jax.ShapeDtypeStruct((), np.float32)


def shown(x: Any) -> Any:
    jax.debug.print("one")
    return x


def called(x: Any) -> Any:
    return x + jax.pure_callback(lambda: np.float32(1.0), ONE)


@jax.jit
def called_below(x: Any) -> Any:
    return x + jax.jit(lambda: jax.pure_callback(lambda: np.float32(1.0), ONE))()


def demand_all(code: Callable[[Any], Any]) -> None:
    for equation in within(jax.make_jaxpr(code)(1.0)):
        demand_of_jax(equation)


def test_all_operations_of_jax_are_its_own() -> None:
    modules = [m for name, m in [*sys.modules.items()] if name.startswith("jax.") and m is not None]
    every = {id(v): v for m in modules for v in vars(m).values() if isinstance(v, Primitive)}
    assert len(every) > 100
    assert [one.name for one in every.values() if not is_of_jax(one)] == []


@pytest.mark.parametrize("code", [called, called_below])
def test_operations_that_call_the_user_are_refused(code: Callable[[Any], Any]) -> None:
    with pytest.raises(Unsupported, match="pure_callback, which calls functions of yours while it runs"):
        demand_all(code)


@pytest.mark.parametrize("code", [shown, jnp.sin, jax.nn.relu, jax.jit(lambda x: jax.nn.silu(x) ** 2)])
def test_those_of_jax_are_not(code: Callable[[Any], Any]) -> None:
    demand_all(code)


@pytest.mark.parametrize("function", [lambda v: jnp.maximum(v - 1.0, 0.0), lambda v: v * v, jnp.sin])
def test_a_function_of_some_entries_is_no_affine_map(function: Callable[[Any], Any]) -> None:
    """It was read as the line through its values at 0 and 1, and certify proved a bound of another model."""
    with pytest.raises(Unsupported, match=r"scatter with a function"):
        program_of(lambda x: x.at[:, 0].apply(function), 2)


def test_affine_maps_are_probed_at_more_than_zero_and_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxpr_linear, "_apply", lambda *given: np.maximum(given[-1] - 1.0, 0.0))
    with pytest.raises(Unsupported, match="of these arguments"):
        program_of(lambda x: x.at[:, 0].add(x[:, 1]), 2)


def test_a_choice_by_a_number_is_refused():
    """Of a number below 1, JAX takes the first case; it was read by its truth."""
    with pytest.raises(Unsupported, match="select_n by a number"):
        lower_jaxpr(lambda x: jax.lax.select_n(jnp.asarray(-1, dtype=jnp.int32), x[:, 0], x[:, 1]), 2)


def test_scatter_add_with_another_function_is_refused():
    """It was a sum at the points where it was probed."""
    from jax import lax

    closed = jax.make_jaxpr(lambda a, b: a + b + jnp.maximum(b - 100.0, 0.0))(1.0, 1.0)
    where = lax.ScatterDimensionNumbers(
        update_window_dims=(0,), inserted_window_dims=(1,), scatter_dims_to_operand_dims=(1,)
    )

    def code(x, of=closed.jaxpr):
        return lax.scatter_add_p.bind(
            x,
            jnp.asarray([0]),
            x[:, 0] * x[:, 1],
            dimension_numbers=where,
            indices_are_sorted=True,
            unique_indices=True,
            mode=lax.GatherScatterMode.CLIP,
            update_jaxpr=of,
            update_consts=(),
        )[:, 0]

    with pytest.raises(Unsupported, match="scatter-add with another function"):
        lower_jaxpr(code, 2)
    assert lower_jaxpr(lambda x: x.at[:, 0].add(x[:, 1])[:, 0], 2).value(np.array([[1.0, 2.0]])) == 3.0


def test_a_power_that_double_precision_does_not_have_is_refused():
    with pytest.raises(Unsupported, match="a power beyond 2\\^53"):
        lower_jaxpr(lambda x: jax.lax.integer_pow(x[:, 0], 2**53 + 1), 1)


def test_thresholds_of_jax_are_assumed_to_be_met_by_no_subnormal_number():
    """JAX takes -1e-310 for zero, so that it is not below zero there."""
    stepped = lower_jaxpr(lambda x: jnp.where(x[:, 0] < 0.0, -1.0, 1.0), 1)
    assert any("JAX takes such numbers for zero" in remark for remark in stepped.remarks)
    assert lower_jaxpr(lambda x: jnp.maximum(x[:, 0], 0.0), 1).remarks == ()
