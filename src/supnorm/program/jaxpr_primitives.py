"""Whether a primitive of a jaxpr is JAX's, with the rules of JAX, and calls none of the user's code.

Another primitive may have any name, and compute anything. A rule tells what runs: JAX calls one where it computes at once
(``def_impl``), and another where it compiles (``register_lowering``). Whoever replaces one of them changes what runs, and
the jaxpr stays the same.
"""

from __future__ import annotations

import functools
import operator
import sys
from collections.abc import Iterator
from functools import partial
from types import FunctionType, MethodType
from typing import Any

from supnorm.program.foreign_code import foreign_code
from supnorm.program.operations import Unsupported

_OF_JAX: dict[int, Any] = {}
_RULES: dict[int, list[Any]] = {}  # those of a primitive that were found to be JAX's, by its identity
DEEP = 6  # levels of functions that hold functions


def is_of_jax(primitive: Any) -> bool:
    """Whether a primitive is one of JAX's own, and runs by JAX's own rules."""
    if id(primitive) not in _OF_JAX:  # JAX loads some of its modules late
        from jax.extend.core import Primitive

        every = [m for name, m in list(sys.modules.items()) if name.startswith("jax.") and m is not None]
        held = (v for module in every for v in list(vars(module).values()))
        _OF_JAX.update((id(v), v) for v in held if isinstance(v, Primitive))
    return id(primitive) in _OF_JAX and _has_rules_of_jax(primitive)


def demand_of_jax(equation: Any) -> None:
    """Refuse an equation that runs otherwise than JAX says, or calls code of the user while it runs.

    Raises:
        Unsupported: names it.
    """
    name = equation.primitive.name
    if not is_of_jax(equation.primitive):
        raise Unsupported(
            f"{name}, an operation that JAX itself does not have, or not with this rule",
            "functions of jax.numpy and jax.lax",
        )
    if "callback" in equation.params and not _is_library(
        equation.params["callback"]
    ):  # of jax.pure_callback and its kin
        raise Unsupported(f"{name}, which calls functions of yours while it runs", "the same in JAX alone")


def changes_arrays(jaxpr: Any) -> bool:
    """Whether a jaxpr has arrays that can change (``jax.new_ref``).

    JAX changes such a constant once while it traces a step where it computes at once what does not depend on the input.
    """
    return any(hasattr(v.aval, "inner_aval") for one in within(jaxpr) for v in (*one.invars, *one.outvars))


def within(value: Any) -> Iterator[Any]:
    """All equations of the jaxprs in the parameters of an equation."""
    if isinstance(value, dict | tuple | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from within(part)
        return
    for equation in getattr(value, "eqns", ()):
        yield equation
        yield from within(equation.params)


@functools.cache
def _tables() -> tuple[dict[Any, Any], ...]:
    """JAX's tables of the rules by which it compiles; none where a version of JAX has no such tables."""
    from jax._src.interpreters import mlir

    platforms = getattr(mlir, "_platform_specific_lowerings", {})
    return getattr(mlir, "_lowerings", {}), *(platforms[name] for name in sorted(platforms))


def _has_rules_of_jax(primitive: Any) -> bool:
    rules = [vars(primitive).get("impl"), *[table.get(primitive) for table in _tables()]]
    known = _RULES.get(id(primitive), [])
    if len(known) == len(rules) and all(map(operator.is_, known, rules)):
        return True
    if not all(one is None or _is_library(getattr(one, "rule", one)) for one in rules):
        return False
    _RULES[id(primitive)] = rules
    return True


def _is_library(function: Any, deep: int = DEEP) -> bool:
    """Whether a function, and those that it holds, are of a library."""
    inner = getattr(function, "__wrapped__", function)
    if isinstance(inner, MethodType):
        return _is_library(inner.__func__, deep)
    if isinstance(inner, partial):
        held = inner.func, *inner.args, *inner.keywords.values()
    elif isinstance(inner, FunctionType):
        if not foreign_code(inner.__code__, inner.__globals__):
            return False
        held = tuple(cell.cell_contents for cell in inner.__closure__ or ())
    else:
        return False
    functions = [
        one
        for one in held
        if isinstance(getattr(one, "__wrapped__", one), FunctionType | partial | MethodType)
    ]
    return deep > 0 and all(_is_library(one, deep - 1) for one in functions)
