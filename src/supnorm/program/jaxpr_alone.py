"""Runs equations of a jaxpr alone, all of them in one compiled function without connections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from supnorm.program.branches import Comparison
from supnorm.program.each_operator import Case
from supnorm.program.tracing import Builder, Tensor

# Numbers of each argument: of so many whole ones between -3 and 3, two arguments have the same one in some place.
FEW = 48


@dataclass(frozen=True)
class _One:
    """How an equation runs, and the types of its arguments."""

    run: Callable[..., Any]
    types: tuple[Any, ...]


def equation_alone(
    build: Builder,
    equation: Any,
    args: list[Any],
    read: Callable[[Builder, Any, list[Any]], list[Any]],
) -> None:
    """Note an equation whose primitive is read by ``read``."""

    def run(*given: Any) -> Any:
        return equation.primitive.bind(*given, **equation.params)

    def again(other: Builder, some: list[Any]) -> list[Any]:
        return read(other, equation, some)

    _note(build, equation, repr(equation.params), args, again, run)


def number_alone(
    build: Builder,
    equation: Any,
    args: list[Any],
    read: Callable[[Builder, Any, list[Any]], list[Any]],
) -> None:
    """Note an equation that does the same with each number, of a few numbers; constants among them are zero or drawn.

    Programs have shorter forms for what is done with zero (`Builder.binary`).
    """
    scratch = Builder(len(args) * FEW, build.least, build.runtime, build.origin, build.points)
    scratch.operators = build.operators

    def one(k: int, value: Any) -> Any:
        alike = next(j for j in range(k + 1) if args[j] is value)
        if not isinstance(value, Tensor | Comparison) and not np.any(value):
            return np.zeros(FEW, np.asarray(value).dtype)
        drawn = Tensor(0, np.arange(alike * FEW, (alike + 1) * FEW))
        return Comparison("gt", drawn, np.zeros(FEW)) if isinstance(value, Comparison) else drawn

    equation_alone(scratch, equation, [one(k, value) for k, value in enumerate(args)], read)


def called_alone(
    build: Builder,
    equation: Any,
    code: tuple[Any, Any],
    args: list[Any],
    read: Callable[[Builder, list[Any]], Any],
) -> None:
    """Note a call of a jaxpr, with constants, that is read as one operation by ``read``."""
    from jax.core import eval_jaxpr

    jaxpr, consts = code

    def run(*given: Any) -> Any:
        return eval_jaxpr(jaxpr, consts, *given)

    def again(other: Builder, some: list[Any]) -> list[Any]:
        return [read(other, some)]

    _note(build, equation, str(jaxpr), args, again, run)


def _note(
    build: Builder,
    equation: Any,
    options: str,
    args: list[Any],
    read: Callable[[Builder, Any], Sequence[Any]],
    run: Callable[..., Any],
) -> None:
    types = tuple(v.aval.dtype for v in equation.invars)
    drawn = [str(t) for t, a in zip(types, args, strict=True) if isinstance(a, Tensor | Comparison)]
    kinds = [*drawn, *(str(v.aval.dtype) for v in equation.outvars)]
    build.operators.note(
        build, f"JAX {equation.primitive.name}", options, args, kinds, read, _One(run, types)
    )


def compiled_together(cases: Sequence[Case]) -> list[list[list[Any]]]:
    """For each operator its results at each draw."""
    import jax

    def every(arguments: list[list[Any]]) -> list[list[Any]]:
        results = [case.token.run(*given) for case, given in zip(cases, arguments, strict=True)]
        return [list(one) if isinstance(one, list | tuple) else [one] for one in results]

    compiled = jax.jit(every)
    draws = [
        compiled(
            [
                [np.asarray(a).astype(t) for a, t in zip(given, case.token.types, strict=True)]
                for case, given in zip(cases, some, strict=True)
            ]
        )
        for some in zip(*(case.arguments for case in cases), strict=True)
    ]
    return [[[np.asarray(r) for r in draw[i]] for draw in draws] for i in range(len(cases))]
