"""Finds derivative rules of the user: such code computes derivatives that may differ from those of the program."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from supnorm.jax_mode import jax_mode
from supnorm.problem import Function
from supnorm.problem.coded import Coded
from supnorm.program.jaxpr_traced import as_it_runs

# Files of JAX that stop the derivative of what cancels, as of the largest entry in softmax; none calls a function of others.
STOPPING = ("nn/functions.py", "ops/special.py", "numpy/reductions.py")
# Functions of torch after which a derivative is not the one of the value.
STOPS = frozenset(
    {"detach", "detach_", "register_hook", "requires_grad_", "_set_grad_enabled", "set_grad_enabled"}
)


def custom_rule(function: Function, d: int) -> str | None:
    """The part of a JAX or torch function that has the user's own derivative rule; None if there is no such part.

    >>> from supnorm.sources import from_jax
    >>> custom_rule(from_jax(lambda x: x[:, 0] ** 2), 1) is None
    True
    """
    value = function.value
    if isinstance(value, Coded) and value.kind == "jax":
        return _of_jax(value.code, d, function.precision)
    if isinstance(value, Coded) and value.kind == "torch":
        return _of_torch(value.code, d, function.precision)
    return None


def _of_jax(code: Any, d: int, precision: str) -> str | None:
    import jax

    home = str(Path(jax.__file__).parent)
    double, kind = as_it_runs(precision, compiled=True)
    with jax_mode(double):
        closed = jax.make_jaxpr(code)(jax.ShapeDtypeStruct((1, d), kind))
    for equation in _equations(closed.jaxpr):
        if equation.primitive.name.startswith(("custom_jvp", "custom_vjp")):
            inner = equation.params.get("call_jaxpr") or equation.params.get("fun_jaxpr")
            where = str(getattr(getattr(inner, "jaxpr", inner), "debug_info", None) or "")
            if home not in where:
                return f"a {equation.primitive.name.removesuffix('_call')} function"
        if equation.primitive.name == "stop_gradient" and not _stopped_by(home, equation):
            return "jax.lax.stop_gradient"
    return None


def _stopped_by(home: str, equation: Any) -> bool:
    """Whether JAX's code in this folder stops a derivative that stays the same; other code of it calls what it is given."""
    frames = getattr(equation.source_info.traceback, "frames", ())
    callers = [later for one, later in pairwise(frames) if one.function_name == "stop_gradient"]
    return bool(callers) and callers[0].file_name in [str(Path(home, "_src", file)) for file in STOPPING]


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

    stopped: list[str] = []

    class Noting(torch.overrides.TorchFunctionMode):  # type: ignore[misc,unused-ignore]
        def __torch_function__(self, function: Any, types: Any, args: Any = (), named: Any = None) -> Any:
            name = getattr(function, "__name__", "")
            if name in STOPS or function == torch.Tensor.data.__get__:  # type: ignore[attr-defined,unused-ignore]
                stopped.append(name)
            return function(*args, **(named or {}))

    with torch.enable_grad():
        leaf = torch.full((2, d), 0.5, dtype=getattr(torch, precision), requires_grad=True)
        with Noting():
            result = code(leaf)
    if stopped:
        return f"torch code that stops or changes derivatives ({stopped[0].strip('_')})"
    seen, open_ = {result.grad_fn}, [result.grad_fn]
    while open_:
        node = open_.pop()
        if isinstance(node, torch.autograd.function.BackwardCFunction):
            return f"a torch.autograd.Function ({type(node).__name__.removesuffix('Backward')})"
        new = {n for n, _ in getattr(node, "next_functions", ()) if n is not None} - seen
        seen |= new
        open_ += new
    return None
