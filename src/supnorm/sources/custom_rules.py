"""Finds derivative rules of the user: such code computes derivatives that may differ from those of the program."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from supnorm.problem import Function
from supnorm.problem.coded import Coded


def custom_rule(function: Function, d: int) -> str | None:
    """The part of a JAX or torch function that has the user's own derivative rule; None if there is no such part.

    >>> from supnorm.sources import from_jax
    >>> custom_rule(from_jax(lambda x: x[:, 0] ** 2), 1) is None
    True
    """
    value = function.value
    if isinstance(value, Coded) and value.kind == "jax":
        return _of_jax(value.code, d)
    if isinstance(value, Coded) and value.kind == "torch":
        return _of_torch(value.code, d, function.precision)
    return None


def _of_jax(code: Any, d: int) -> str | None:
    import jax

    home = str(Path(jax.__file__).parent)
    with jax.enable_x64(True):
        closed = jax.make_jaxpr(code)(jax.ShapeDtypeStruct((1, d), np.float64))
    for equation in _equations(closed.jaxpr):
        if equation.primitive.name.startswith(("custom_jvp", "custom_vjp")):
            inner = equation.params.get("call_jaxpr") or equation.params.get("fun_jaxpr")
            where = str(getattr(getattr(inner, "jaxpr", inner), "debug_info", None) or "")
            if home not in where:
                return f"a {equation.primitive.name.removesuffix('_call')} function"
    return None


def _equations(jaxpr: Any) -> Iterator[Any]:
    """All equations, including those inside other equations."""
    for equation in jaxpr.eqns:
        yield equation
        for held in equation.params.values():
            for part in held if isinstance(held, list | tuple) else [held]:
                inner = getattr(part, "jaxpr", part)
                if hasattr(inner, "eqns"):
                    yield from _equations(inner)


def _of_torch(code: Any, d: int, precision: str) -> str | None:
    import torch

    with torch.enable_grad():
        leaf = torch.full((2, d), 0.5, dtype=getattr(torch, precision), requires_grad=True)
        result = code(leaf)
    seen, open_ = {result.grad_fn}, [result.grad_fn]
    while open_:
        node = open_.pop()
        if isinstance(node, torch.autograd.function.BackwardCFunction):
            return f"a torch.autograd.Function ({type(node).__name__.removesuffix('Backward')})"
        new = {n for n, _ in getattr(node, "next_functions", ()) if n is not None} - seen
        seen |= new
        open_ += new
    return None
