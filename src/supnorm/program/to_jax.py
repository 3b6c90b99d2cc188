"""A program as a JAX function of one point: for derivatives of networks that are not JAX code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np

from supnorm.program.node import Node
from supnorm.program.operations import Unsupported
from supnorm.program.program import Program


def to_jax(program: Program) -> Callable[[Any], Any]:
    """The program as a JAX function ``(d,) -> (m,)`` that JAX can differentiate; it computes in the precision of its input.

    >>> from supnorm.program import lower_jaxpr
    >>> import jax
    >>> square = to_jax(lower_jaxpr(lambda x: x[:, 0] ** 2, 1))
    >>> float(jax.grad(lambda x: square(x)[0])(np.array([3.0]))[0])
    6.0
    """

    def function(x: Any) -> Any:
        values: list[Any] = []
        for node in program.nodes:
            values.append(x if node.op == "input" else _apply(node, [values[a] for a in node.args]))
        return values[-1]

    return function


def _apply(node: Node, args: list[Any]) -> Any:
    import jax.numpy as jnp

    if node.op == "constant":
        return jnp.asarray(node.value)
    if node.op == "affine":
        return jnp.asarray(node.weight) @ args[0] + jnp.asarray(node.bias)
    if node.op == "take":
        return args[0][np.asarray(node.columns)]
    if node.op == "concat":
        return jnp.concatenate(args)
    if node.op == "where":
        return jnp.where(args[0] > 0.0, args[1], args[2])
    if node.op == "softplus" and any(a.above is not None for a in node.discrepancies):
        return _softplus()(*args)
    return _function(node.op, *node.parameters)(*args)


def _softplus() -> Callable[..., Any]:
    """softplus whose derivative is one operation, the sigmoid, so a residual can get room for the branch where it is 1."""
    import jax

    def rule(primals: Any, tangents: Any) -> Any:
        return softplus(*primals), jax.nn.sigmoid(primals[0]) * tangents[0]

    softplus: Any = jax.custom_jvp(jax.nn.softplus)
    softplus.defjvp(rule)
    return cast("Callable[..., Any]", softplus)


def _function(op: str, p: float | None = None, second: float | None = None) -> Callable[..., Any]:
    import jax
    import jax.numpy as jnp

    named = {
        "sub": jnp.subtract,
        "mul": jnp.multiply,
        "div": jnp.divide,
        "add": jnp.add,
        "min": jnp.minimum,
        "max": jnp.maximum,
        "neg": jnp.negative,
        "abs": jnp.abs,
        "relu": jax.nn.relu,
        "sigmoid": jax.nn.sigmoid,
        "softplus": jax.nn.softplus,
        "silu": jax.nn.silu,
        "gelu": lambda z: jax.nn.gelu(z, approximate=False),
        "gelu_tanh": jax.nn.gelu,
        "erf": jax.lax.erf,
        "erfc": jax.lax.erfc,
        "erfinv": jax.lax.erf_inv,
        "leaky_relu": lambda z: jax.nn.leaky_relu(z, p),
        "pow": lambda z: jax.lax.integer_pow(z, int(p or 0)) if float(p or 0).is_integer() else z**p,
        "atan": jnp.arctan,
        "lgamma": jax.lax.lgamma,
        "digamma": jax.lax.digamma,
        "gammainc": lambda z: jax.lax.igamma(jnp.full_like(z, p), z),
        "betainc": lambda z: jax.scipy.special.betainc(p, second, z),
        "gammaincc": lambda z: jax.lax.igammac(jnp.full_like(z, p), z),
    }
    if op not in named and not hasattr(jnp, op):
        raise Unsupported(f"the derivative of {op} in JAX", "a function of JAX's own operations")
    return named[op] if op in named else getattr(jnp, op)  # type: ignore[no-any-return]
