"""NumPy functions as straight-line programs, by running them once on a tracer.

The tracer implements NumPy's protocols, so ordinary vectorised code with ``np.`` and ``scipy.special.``
functions can be read without changes. Code that uses values (branches, loops until convergence, conversion
to numbers) cannot be read; the message says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from supnorm.program import entry, numpy_functions
from supnorm.program.numpy_alone import Calls
from supnorm.program.numpy_arrays import converting
from supnorm.program.numpy_traced import Traced, tensor_of
from supnorm.program.program import Program
from supnorm.program.recording import attempt
from supnorm.program.rows import demand_each_alone
from supnorm.program.scipy_tables import reading
from supnorm.program.tracing import Builder
from supnorm.program.watched import Unlike, demand_heeded, left_alone

numpy_functions.register()


def lower_numpy(function: Callable[..., Any], d: int, least: str = "float64") -> Program:
    """The program of a vectorised NumPy function ``(n, d) -> (n,)`` or ``(n, m)``.

    ``least`` is the precision in which the function is declared to run.

    Raises:
        Unsupported: for an operation that programs do not have.
        Unlike: when the code changes arrays in place, looks at values and catches the refusal, or uses more of a batch than
            each row for itself (`rows`).
        TypeError and others: when the code looks at values or cannot be run on one point.

    >>> lower_numpy(lambda x: np.exp(-x[:, 0] ** 2), 1).value(np.array([[1.0]]))
    array([[0.36787944]])
    """
    with attempt("numpy"):
        program = _of_points(function, 1, d, least)
        demand_each_alone(program, lambda n: _of_points(function, n, d, least))
    return program


def _of_points(function: Callable[..., Any], n: int, d: int, least: str) -> Program:
    """The program of ``n`` points, ``n * d`` inputs."""
    build = Builder(n * d, least, points=n)
    # As it runs (`guarded`): code that lets NumPy warn has set that itself.
    with np.errstate(all="ignore"):
        build.events = left_alone()
        build.operators = Calls() if n == 1 else None
        try:
            with converting(), reading(build, tensor_of, lambda value: Traced(build, value)):
                result = function(Traced(build, build.input.arrange(lambda i: i.reshape(n, d))))
        except Exception:
            if isinstance(build.refused, Unlike):  # then no other reader may be tried
                raise build.refused from None
            raise
        demand_heeded(build)
        if build.operators is not None:
            build.operators.demand_alike()
    if isinstance(result, Traced) and result.shape[:1] != (n,) and not (result.shape == () and n == 1):
        raise TypeError(f"for points ({n}, {d}) it must return ({n},) or ({n}, m), got {result.shape}")
    program = build.finish(result.value if isinstance(result, Traced) else entry.constant(result, "a result"))
    if len(program.limits) < len(
        build.limits
    ):  # beyond its ends such a table may raise an error, which code may catch
        raise Unlike("a table with ends whose values the result does not need", "the same without it")
    return program
