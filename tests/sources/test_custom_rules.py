"""Derivative rules of the user's own run, and are not read: nothing is certified of them."""

from __future__ import annotations

from typing import Any

import pytest

from supnorm.problem import Domain
from supnorm.program import Unsupported, program_of
from supnorm.sources import from_jax, from_torch, with_derivatives
from supnorm.sources.custom_rules import custom_rule

DOMAIN = Domain(x=(0.0, 1.0))


def _jax(kind: str) -> Any:
    import jax
    import jax.numpy as jnp

    def wrong(y: Any) -> Any:
        return jnp.cos(y) + 0.1 * (jnp.abs(y - 0.42) < 1e-8)

    if kind == "jvp":
        inner: Any = jax.custom_jvp(lambda y: jnp.sin(y))
        inner.defjvp(lambda p, t: (jnp.sin(p[0]), wrong(p[0]) * t[0]))
    else:
        inner = jax.custom_vjp(lambda y: jnp.sin(y))
        inner.defvjp(lambda y: (jnp.sin(y), y), lambda y, g: (wrong(y) * g,))
    return lambda x: jax.jit(inner)(x[:, :1])


@pytest.mark.parametrize("kind", ["jvp", "vjp"])
def test_rules_in_jax(kind: str) -> None:
    function = from_jax(_jax(kind))
    assert custom_rule(function, 1) == f"a custom_{kind} function"
    program_of(function, 1)  # its values can be read
    with pytest.raises(Unsupported, match=f"custom_{kind}"):
        program_of(with_derivatives(function, DOMAIN), 1)


def test_rules_of_the_library_are_those_of_the_derivative() -> None:
    import jax
    import jax.numpy as jnp

    function = from_jax(lambda x: jax.nn.silu(x) + jnp.logaddexp(x, 0.0) + jax.nn.relu(x - 2.0))
    assert custom_rule(function, 1) is None


def test_rules_in_torch() -> None:
    torch = pytest.importorskip("torch")

    class Sine(torch.autograd.Function):  # type: ignore[misc,name-defined]
        @staticmethod
        def forward(ctx: Any, y: Any) -> Any:
            ctx.save_for_backward(y)
            return torch.sin(y)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (y,) = ctx.saved_tensors
            return g * (torch.cos(y) + 0.1 * ((y - 0.42).abs() < 1e-8))

    function = from_torch(lambda x: Sine.apply(x[:, :1]) * 2.0)
    assert custom_rule(function, 1) == "a torch.autograd.Function (Sine)"
    with pytest.raises(Unsupported, match="autograd"):
        program_of(with_derivatives(function, DOMAIN), 1)
    assert custom_rule(from_torch(lambda x: torch.sin(x[:, :1])), 1) is None
