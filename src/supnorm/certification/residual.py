"""Derivatives, Sobolev errors and PDE residuals as functions that can be audited and certified.

A residual is a program like any other: JAX takes the derivatives, supnorm reads their operations as a program, and the
enclosures run through it. The bound is one of the residual, not of the error of the solution.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from supnorm.certification.branch_room import has_branches
from supnorm.problem import Domain, Function, Problem
from supnorm.program import Program, lower_jaxpr, program_of
from supnorm.program.discrepancies import Discrepancy
from supnorm.program.to_jax import to_jax


def residual(
    network: Function | Callable[..., Any], equation: Callable[[Callable[[Any], Any], Any], Any], d: int
) -> Function:
    """The residual of a differential equation as a `Function` with a program.

    Args:
        network: the approximate solution, with a program or in JAX code; one output or several.
        equation: ``equation(u, x)``: the residual at one point ``x``, shape ``(d,)``, in JAX; ``u`` is the
            network as a function of one point (a scalar for one output) that JAX can differentiate.
        d: number of inputs.

    Raises:
        Unsupported: naming an operation of the residual that programs do not have.

    >>> import jax, numpy as np
    >>> import jax.numpy as jnp
    >>> decay = residual(lambda t: jnp.exp(-t), lambda u, t: jax.grad(u)(t)[0] + 1.1 * u(t), 1)
    >>> decay.value(np.array([[0.0]])).round(6)
    array([[0.1]])
    >>> from supnorm import Domain, certify
    >>> bound = certify(against_zero(decay, Domain(t=(0.0, 1.0))))
    >>> bound.lower <= 0.1 <= bound.upper <= 0.11
    True
    """
    solution = program_of(network, d)
    whole = to_jax(solution)

    def u(x: Any) -> Any:
        y = whole(x)
        return y[0] if solution.m == 1 else y

    program = lower_jaxpr(lambda x: equation(u, x[0])[None], d)
    if has_branches(solution):
        program = _with_branches(program, solution)
    return Function(program.value, name="residual", vjp=program.vjp, program=program)


def _with_branches(program: Program, solution: Program) -> Program:
    """A residual with room for the branches of its network in all of its operations (`branch_room`).

    Above a threshold the code returns z instead of softplus(z). So its derivative is 1 instead of a sigmoid s, and its
    second derivative is 0 instead of s (1 - s). JAX does not tell which operation of the residual comes from which
    operation of the network, so all of them get the room.
    """
    branches = {a for node in solution.nodes for a in node.discrepancies if a.above is not None}
    thresholds = {a.above for a in branches if a.above is not None}
    room = {
        "softplus": tuple(branches),
        "sigmoid": tuple(Discrepancy(_one_less_sigmoid(t), above=t) for t in thresholds),
        "silu": tuple(Discrepancy(0.0, _one_less_sigmoid(t), above=t) for t in thresholds),  # z sigmoid(z)
    }
    nodes = tuple(replace(n, discrepancies=(*n.discrepancies, *room.get(n.op, ()))) for n in program.nodes)
    return replace(program, nodes=nodes)


def _one_less_sigmoid(t: float) -> float:
    return 1.0 if t < 0.0 else math.exp(-t) * (1.0 + 1e-14)


def against_zero(function: Function, domain: Domain) -> Problem:
    """The problem whose error is the size of one function, such as a `residual`: the function against zero.

    >>> from supnorm import Function
    >>> problem = against_zero(Function(np.sin), Domain(t=(0.0, 1.0)))
    >>> float(problem.reference(0.5)[0, 0])
    0.0
    """
    middle = domain.from_unit(np.full((1, domain.d), 0.5))
    zeros = np.zeros((domain.d, function.value(middle).shape[1]))
    return Problem(function, Function((lambda x: x @ zeros), name="zero"), domain)
