"""Loops of JAX with a known number of steps (``lax.scan``, ``lax.fori_loop``, ``jnp.polyval``), step by step.

A program has no loops, so each step of one adds its operations. Loops that end when a value says so (``lax.while_loop``) are
branches, and are not read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from supnorm.program.branches import Comparison
from supnorm.program.operations import Unsupported
from supnorm.program.tracing import Builder, Tensor, Value

MOST = 5_000  # operations of all steps; JAX code of as many operations without a loop takes seconds to read

# Weights of all steps, for all points that are read at once: each step has its own, and each weight takes 16 bytes and more.
# A loop of 300 steps with 400 x 400 weights took 1.8 GB until it was refused.
WEIGHTS = 50_000_000

Interpret = Callable[[Builder, Any, Any, list[Any]], list[Any]]


def scan(build: Builder, params: Any, args: list[Any], interpret: Interpret) -> list[Any]:
    """The results of ``lax.scan``: what is carried after the last step, and what the steps give, stacked.

    Args:
        build: where operations are added.
        params, args: of the equation of the jaxpr.
        interpret: does one step, given its jaxpr with constants and arguments.

    Raises:
        Unsupported: for a loop of many operations or weights, or of none that gives something for each step.
    """
    steps, body = params["length"], params["jaxpr"]
    each_step = _operations(body.jaxpr)
    if steps * each_step > MOST:
        raise Unsupported(
            f"a loop of {steps:,} steps with {each_step:,} operations each",
            f"loops of at most {MOST:,} operations together",
        )
    first, last = params["num_consts"], params["num_consts"] + params["num_carry"]
    fixed, carried, each = args[:first], args[first:last], args[last:]
    given: list[list[Any]] = [[] for _ in body.jaxpr.outvars[params["num_carry"] :]]
    if given and not steps:
        raise Unsupported("a loop without steps", "one with steps")
    known, weights = len(build.nodes), 0
    for step in reversed(range(steps)) if params["reverse"] else range(steps):
        weights += sum(0 if node.weight is None else node.weight.size for node in build.nodes[known:])
        known = len(build.nodes)
        if weights > WEIGHTS:
            raise Unsupported("a loop with so many weights in all steps", f"at most {WEIGHTS:,} weights")
        out = interpret(build, body.jaxpr, body.consts, [*fixed, *carried, *(_row(v, step) for v in each)])
        carried = out[: params["num_carry"]]
        for rows, value in zip(given, out[params["num_carry"] :], strict=True):
            rows.append(_as_row(value))
    return [*carried, *(build.concatenate(rows[:: -1 if params["reverse"] else 1], 0) for rows in given)]


def _operations(jaxpr: Any) -> int:
    """Operations of a jaxpr, those of the loops in it as often as they have steps."""
    count = len(jaxpr.eqns)
    for equation in jaxpr.eqns:
        steps = equation.params["length"] if equation.primitive.name == "scan" else 1
        for held in equation.params.values():
            for part in held if isinstance(held, list | tuple) else [held]:
                inner = getattr(part, "jaxpr", part)
                count += steps * _operations(inner) if hasattr(inner, "eqns") else 0
    return count


def _row(value: Any, step: int) -> Value:
    if isinstance(value, Comparison):
        raise Unsupported("a loop over comparisons", "numbers")
    return value.arrange(lambda i: i[step]) if isinstance(value, Tensor) else np.asarray(value[step])


def _as_row(value: Any) -> Value:
    if isinstance(value, Comparison):
        raise Unsupported("a loop that gives comparisons", "numbers")
    return value.arrange(lambda i: i[None]) if isinstance(value, Tensor) else np.asarray(value)[None]
