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
from numpy.typing import NDArray

from supnorm.certification.branch_room import has_branches
from supnorm.problem import Domain, Function, Problem, as_function
from supnorm.program import Program, lower_jaxpr, program_of
from supnorm.program.discrepancies import Discrepancy
from supnorm.program.to_jax import to_jax
from supnorm.results import BadInput

Array = NDArray[np.float64]
NEVER_RUN = (
    "assumed, not proved: the network of the residual computes as its code was read; certify bounds its derivatives and "
    "does not run it"
)


def residual(
    network: Function | Callable[..., Any], equation: Callable[[Callable[[Any], Any], Any], Any], d: int
) -> Function:
    """The residual of a differential equation as a `Function` with a program.

    Args:
        network: the approximate solution, with a program or in JAX code; one output or several.
        equation: ``equation(u, x)``: the residual at one point ``x``, shape ``(d,)``, in JAX; ``u`` is the
            network as a function of one point (a scalar for one output) that JAX can differentiate, by `jax.grad`,
            `jax.hessian`, `jax.jacfwd` or `jax.jvp`, in any nesting: all give programs with the same derivatives.
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
    plain = (lambda x: whole(x)[0]) if solution.m == 1 else whole
    backward: list[int] = []
    forward = _differentiated_forward(plain, d, backward)
    program = lower_jaxpr(lambda x: equation(forward, x[0])[None], d, batch=False)
    if not backward:  # with directions as constants JAX itself works forward, in fewer operations
        program = lower_jaxpr(lambda x: equation(plain, x[0])[None], d, batch=False)
    if has_branches(solution):
        program = _with_branches(program, solution)
    if not isinstance(getattr(network, "program", None), Program):
        program = replace(program, remarks=(*program.remarks, NEVER_RUN))
    return Function(program.value, name="residual", vjp=program.vjp, program=program)


def _differentiated_forward(whole: Callable[[Any], Any], d: int, backward: list[int]) -> Callable[[Any], Any]:
    """A function of one point whose derivatives are computed forward, whichever way JAX is asked for them.

    The rule of differentiation states the derivative along t as sum of t_i times the derivative along axis i, and each of
    these is such a function again. So `jax.grad` transposes only this sum, and no products of Jacobians of layers run from
    the last layer to the first: such products cancel, and enclosures of them are far wider (for the network of
    `benchmarks.certify burgers` near its front 5e7 instead of 0.07, on 658 boxes instead of 24). ``backward`` gets the
    orders of the derivatives for which the direction was not a constant.
    """
    import jax
    import jax.numpy as jnp

    made: dict[tuple[bytes, ...], Any] = {}

    def along(directions: tuple[Array, ...]) -> Any:
        key = tuple(v.tobytes() for v in directions)
        if key in made:
            return made[key]
        plain = whole
        for direction in directions:
            plain = _derivative(plain, direction)
        function = made[key] = jax.custom_jvp(plain)

        def rule(points: Any, tangents: Any) -> Any:
            (x,), (t,) = points, tangents
            if not isinstance(t, jax.core.Tracer):
                return function(x), along((*directions, np.asarray(t, dtype=float)))(x)
            backward.append(len(directions) + 1)
            # Mixed derivatives do not depend on the order; in one order they are the same operations.
            ordered = [tuple(sorted((*directions, e), key=lambda v: v.tobytes())) for e in np.eye(d)]
            slopes = jnp.stack([along(each)(x) for each in ordered])
            return function(x), jnp.tensordot(t, slopes, axes=(0, 0))

        function.defjvp(rule)
        return function

    return along(())  # type: ignore[no-any-return]


def _derivative(function: Callable[[Any], Any], direction: Array) -> Callable[[Any], Any]:
    import jax

    return lambda x: jax.jvp(function, (x,), (direction,))[1]


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


def against_zero(function: Any, domain: Domain) -> Problem:
    """The problem whose error is the size of one function, such as a `residual`: the function against zero.

    Args:
        function: a `Function`, or anything that a `Problem` takes as a model.
        domain: where.

    >>> problem = against_zero(np.sin, Domain(t=(0.0, 1.0)))
    >>> float(problem.reference(0.5)[0, 0])
    0.0

    Raises:
        BadInput: for what is no function or no domain.
    """
    function = as_function(function, "function")
    if not isinstance(domain, Domain):
        raise BadInput(f"domain must be a supnorm.Domain, got {type(domain).__name__}")
    middle = domain.from_unit(np.full((1, domain.d), 0.5))
    zeros = np.zeros((domain.d, function.columns(middle).shape[1]))
    return Problem(function, Function((lambda x: x @ zeros), name="zero"), domain)
