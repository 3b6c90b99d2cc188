"""Compiled functions of JAX whose code has branches, and which are compositions without any.

A call is recognised by the name of the function, and then by its code: it must be what JAX's own function traces to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from supnorm.program.jaxpr_equal import same
from supnorm.program.operations import Unsupported
from supnorm.program.scipy_tables import interp
from supnorm.program.tracing import Builder, Tensor, Value


def named(build: Builder, name: str, jaxpr: Any, consts: Any, args: list[Any]) -> Value | None:
    """The result of a call, if it is one of `FORMS`; None otherwise."""
    public, form = FORMS.get(name, ("", None))
    if form is None or not any(isinstance(a, Tensor) for a in args) or not _is_of(public, jaxpr, consts):
        return None
    return form(build, *args)


def is_known(name: str, jaxpr: Any, consts: Any) -> bool:
    """Whether a call is of a function of `FORMS`, by its name and by its code."""
    public, form = FORMS.get(name, ("", None))
    return form is not None and _is_of(public, jaxpr, consts)


def _is_of(name: str, jaxpr: Any, consts: Any) -> bool:
    import jax
    import jax.numpy as jnp

    function = getattr(jnp, name)
    avals = [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in jaxpr.invars]
    try:
        calls = jax.make_jaxpr(function)(*avals).jaxpr.eqns
    except TypeError:
        return False
    if len(calls) != 1:
        return False
    inner = calls[0].params.get("jaxpr")
    return inner is not None and same(jaxpr, consts, inner.jaxpr, inner.consts)


def _hypot(build: Builder, a: Value, b: Value) -> Value:
    squares = [build.unary("pow", v, 2.0) for v in (a, b)]
    return build.unary("sqrt", build.binary("add", *squares))


def _interp(build: Builder, x: Value, xp: Value, fp: Value) -> Value:
    if not isinstance(x, Tensor):
        raise Unsupported("interp of a table that depends on the input", "a constant table")
    return interp(build, x, xp, fp)


FORMS: dict[str, tuple[str, Callable[..., Value]]] = {  # by the name of the call: the name in jax.numpy
    "hypot": ("hypot", _hypot),
    "_interp": ("interp", _interp),
}
