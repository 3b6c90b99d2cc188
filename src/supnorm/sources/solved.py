"""References that are solved: roots, flows and integrals."""

from __future__ import annotations

from typing import Any

from supnorm.program import Unsupported
from supnorm.sources.flow import dynamics_of
from supnorm.sources.integral import integrand_of
from supnorm.sources.root import equation_of


def is_solved(function: Any) -> bool:
    """Whether a function is a root, a flow or an integral.

    >>> from supnorm.sources.root import root
    >>> is_solved(root(lambda x, y: y**3 - x[:, 0], between=(0.0, 2.0))), is_solved(abs)
    (True, False)
    """
    return any(of(function) is not None for of in (equation_of, dynamics_of, integrand_of))


def demand_readable(function: Any, d: int) -> None:
    """See that what a reference is solved from can be read.

    Raises:
        Unsupported: naming the operation that cannot.
    """
    if (equation := equation_of(function)) is not None:
        equation.program(d)
    elif (dynamics := dynamics_of(function)) is not None:
        dynamics.field(d)
    elif (integrand := integrand_of(function)) is not None:
        integrand.program(d)
    else:
        raise Unsupported("a function that is not solved", "a root, a flow or an integral")
