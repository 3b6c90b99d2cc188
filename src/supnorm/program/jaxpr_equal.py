"""Compares two jaxprs equation by equation; if they are equal, the functions agree to the last bit.

The reader recognises a JAX function that is one operation of programs in this way: it compares the jaxpr of a call with
the jaxpr of the library's function at the same shapes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def is_jaxpr_of(function: Callable[..., Any], jaxpr: Any, consts: Any) -> bool:
    """Whether a jaxpr belongs to a JAX function with a custom derivative, at the shapes and types of its inputs.

    Args:
        function: the function of the library; JAX traces it as one call with a custom derivative.
        jaxpr, consts: jaxpr and constants of the call in question.

    >>> import jax, jax.numpy as jnp
    >>> own = jax.make_jaxpr(jnp.logaddexp)(1.0, 2.0).jaxpr
    >>> is_jaxpr_of(jnp.logaddexp, inner_of(own).jaxpr, inner_of(own).consts)
    True
    """
    import jax

    avals = [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in jaxpr.invars]
    try:
        expected = inner_of(jax.make_jaxpr(function)(*avals).jaxpr)
    except TypeError:  # another number of arguments, or types that the function does not take
        return False
    return expected is not None and same(jaxpr, consts, expected.jaxpr, expected.consts)


def inner_of(jaxpr: Any) -> Any:
    """The function with a custom derivative that a jaxpr calls, directly or in one compiled call; None if there is none."""
    while len(jaxpr.eqns) == 1:
        params = jaxpr.eqns[0].params
        if "call_jaxpr" in params:
            return params["call_jaxpr"]
        if "jaxpr" not in params:
            return None
        jaxpr = getattr(params["jaxpr"], "jaxpr", params["jaxpr"])
    return None


# Of calls with derivatives of their own, and of what is computed again for a derivative: each trace may make other objects.
RULES = frozenset({"jvp_jaxpr_fun", "fwd_jaxpr_thunk", "bwd", "out_trees", "policy"})


def same(a: Any, a_consts: Any, b: Any, b_consts: Any, rules: frozenset[str] = frozenset()) -> bool:
    """Whether two jaxprs have the same equations, on the same constants, with the same results.

    Args:
        rules: names of parameters that are not compared, such as `RULES`.
    """
    if not (_alike(a.invars, b.invars) and _alike(a.constvars, b.constvars)):
        return False
    if len(a.eqns) != len(b.eqns) or not all(
        _equal(v, w, rules) for v, w in zip(a_consts, b_consts, strict=True)
    ):
        return False
    names = dict(zip([*a.constvars, *a.invars], [*b.constvars, *b.invars], strict=True))

    def corresponds(v: Any, w: Any) -> bool:
        if hasattr(v, "val") or hasattr(w, "val"):  # literals
            return hasattr(v, "val") and hasattr(w, "val") and v.aval == w.aval and _equal(v.val, w.val)
        return names.get(v) is w

    for one, other in zip(a.eqns, b.eqns, strict=True):
        if one.primitive is not other.primitive or not _alike(one.outvars, other.outvars):
            return False
        if len(one.invars) != len(other.invars) or not all(map(corresponds, one.invars, other.invars)):
            return False
        if one.params.keys() != other.params.keys():
            return False
        if not all(_equal(one.params[k], other.params[k], rules) for k in one.params.keys() - rules):
            return False
        names.update(zip(one.outvars, other.outvars, strict=True))
    return len(a.outvars) == len(b.outvars) and all(map(corresponds, a.outvars, b.outvars))


def _alike(a: Any, b: Any) -> bool:
    """Whether two lists of variables have the same shapes and types."""
    shapes = [[(v.aval.shape, v.aval.dtype) for v in variables] for variables in (a, b)]
    return bool(shapes[0] == shapes[1])


def _equal(a: Any, b: Any, rules: frozenset[str] = frozenset()) -> bool:
    """Whether parameters are equal, including jaxprs inside them."""
    if a is b:
        return True
    if hasattr(a, "eqns") and hasattr(b, "eqns"):
        a, b = (getattr(x, "jaxpr", x) for x in (a, b)) if not hasattr(a, "consts") else (a, b)
        if hasattr(a, "consts") and hasattr(b, "consts"):
            return same(a.jaxpr, a.consts, b.jaxpr, b.consts, rules)
        return same(a, (), b, (), rules)
    if isinstance(a, tuple) and type(a) is type(b):
        return len(a) == len(b) and all(_equal(v, w, rules) for v, w in zip(a, b, strict=True))
    try:
        if all(hasattr(x, "dtype") and hasattr(x, "shape") for x in (a, b)):  # arrays of NumPy and JAX
            return np.asarray(a).dtype == np.asarray(b).dtype and np.array_equal(a, b, equal_nan=True)
        return type(a) is type(b) and bool(a == b or (a != a and b != b))  # NaN is equal to itself
    except Exception:  # types that cannot be compared
        return False
