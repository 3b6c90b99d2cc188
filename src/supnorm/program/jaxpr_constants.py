"""Constants that compiled code of JAX computes: code may count their last digits, which XLA rounds in its own way.

A reader has JAX compute constants while it traces, one operation after the other. Where code is compiled (``jax.jit``), XLA
computes them, with other functions, or joins operations. Code can make a large number of the digits in which both differ
(``(exp(a) - b) * 1e18``), and the program has another one. So constants of compiled code are computed twice, the second time
with results that are moved by rounding, and with zeros for subnormal numbers, which XLA takes for zero, and for what is
infinite or NaN: XLA makes ``k`` of ``log(exp(k))``. One that is another one then is refused where it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from supnorm.program import entry
from supnorm.program.jaxpr_moves import MOVES, moved
from supnorm.program.jaxpr_named import is_known
from supnorm.program.operations import Unsupported

MOVED, MOST = 8.0, 32.0  # units of rounding, drawn between these: moves of equal size could undo each other
TIMES = 2  # a constant is moved: by chance one draw in some hundred undoes what another has moved
SHARE = 1e-6  # of the largest entry: a constant that moves by more is rounding
LARGEST = 20_000_000  # entries, with which an operation takes some 0.3 s; of larger constants nobody looks at the rounding
CALLS = ("jit", "pjit", "custom_jvp_call", "custom_vjp_call", "closed_call", "remat2", "checkpoint")
# These round nothing.
_EXACT = (
    *("neg", "abs", "max", "min", "sign", "select_n", "copy", "iota", "convert_element_type", "concatenate"),
    *(
        "gather",
        "dynamic_slice",
        "stop_gradient",
        "stack",
        "reduce_max",
        "reduce_min",
        "sort",
        "clamp",
        "split",
    ),
    *("eq", "ne", "lt", "le", "gt", "ge", "argmax", "argmin", *MOVES),
)
EXACT = frozenset(_EXACT)
# What moves by rounding alone still does after these; others may make the same of it (``min(k, 1)``), and count as a use.
LINEAR = frozenset(
    {*MOVES, "add", "sub", "mul", "neg", "abs", "reduce_sum", "dot_general", "convert_element_type", "copy"}
    | {"concatenate", "gather", "dynamic_slice", "stack", "split", "stop_gradient"}
)
# By NumPy, which does not compile them first: only how far they move counts.
BY_NUMPY: dict[str, Callable[..., Any]] = {
    **{
        name: getattr(np, name)
        for name in ("exp", "log", "sin", "cos", "tan", "tanh", "sinh", "cosh", "sqrt")
    },
    **{"add": np.add, "sub": np.subtract, "mul": np.multiply, "neg": np.negative, "abs": np.abs},
    **{"max": np.maximum, "min": np.minimum, "square": np.square, "sign": np.sign, "pow": np.power},
    **{"exp2": np.exp2, "log1p": np.log1p, "expm1": np.expm1, "cbrt": np.cbrt, "div": np.divide},
    **{
        "gt": np.greater,
        "ge": np.greater_equal,
        "lt": np.less,
        "le": np.less_equal,
        "eq": np.equal,
        "ne": np.not_equal,
    },
    **{
        "and": np.bitwise_and,
        "or": np.bitwise_or,
        "not": np.invert,
        "copy": np.asarray,
        "stop_gradient": np.asarray,
    },
    **{"logistic": lambda x: 1.0 / (1.0 + np.exp(-x)), "rsqrt": lambda x: 1.0 / np.sqrt(x)},
}
REDUCED: dict[str, Callable[..., Any]] = {
    "reduce_sum": np.sum,
    "reduce_max": np.max,
    "reduce_min": np.min,
    "reduce_prod": np.prod,
}


@dataclass(frozen=True)
class Constant:
    """A constant, and what it is with other rounding; ``size`` is that of the table whose row it is."""

    value: Any
    beside: Any
    size: float = 0.0

    def row(self, step: int) -> Constant:
        """That of a step."""
        value = np.asarray(self.value)[step]
        if self.beside is self.value:
            return Constant(value, value)
        table = np.asarray(self.value, dtype=np.float64)
        size = float(np.max(np.abs(table), where=np.isfinite(table), initial=0.0))
        return Constant(value, np.asarray(self.beside)[step], size)

    def settled(self) -> None:
        """Refuse it where it is used, if it is rounding alone.

        Raises:
            Unsupported: says so.
        """
        if self.beside is self.value or not _is_number(np.asarray(self.value).dtype):
            return
        one, other = (np.asarray(v, dtype=np.float64) for v in (self.value, self.beside))
        with np.errstate(all="ignore"):
            gone = np.abs(one - other)
        finite = np.isfinite(gone)
        size = max(self.size, *(float(np.max(np.abs(v), where=finite, initial=0.0)) for v in (one, other)))
        same = finite | (one == other) | (np.isnan(one) & np.isnan(other))
        if float(np.max(gone, where=finite, initial=0.0)) > SHARE * size or not same.all():
            raise Unsupported(
                "a constant that compiled code of JAX computes, and that is rounding alone, or comes of subnormal numbers, "
                "infinity or NaN",
                "the number itself",
            )


def demand_no_rounding(closed: Any, compiled: bool) -> None:
    """Refuse code whose compiled parts use constants that are rounding alone.

    Args:
        closed: its jaxpr, as JAX traces it for a call.
        compiled: whether all of it is compiled.

    Raises:
        Unsupported: see `Constant.settled`.
    """
    given = [None] * len(closed.jaxpr.invars)
    for seed in range(TIMES):
        dice = np.random.default_rng(seed)
        before = dice.bit_generator.state
        _Walk(dice).results(closed.jaxpr, closed.consts, given, compiled)
        if dice.bit_generator.state == before:  # nothing was moved, and a walk takes up to 20 ms
            break


@dataclass(frozen=True)
class _Walk:
    dice: np.random.Generator

    def results(self, jaxpr: Any, consts: Any, given: list[Any], compiled: bool) -> list[Any]:
        """Results: a `Constant`, what computes one, or None for what depends on the input or is not known."""
        known: dict[Any, Any] = dict(zip(jaxpr.invars, given, strict=True))
        known |= {var: Constant(value, value) for var, value in zip(jaxpr.constvars, consts, strict=True)}

        def read(var: Any) -> Any:
            return Constant(var.val, var.val) if hasattr(var, "val") else known.get(var)

        for equation in jaxpr.eqns:
            args = [read(v) for v in equation.invars]
            known.update(zip(equation.outvars, self._of(equation, args, compiled), strict=True))
        return [read(v) for v in jaxpr.outvars]

    def _of(self, equation: Any, args: list[Any], compiled: bool) -> list[Any]:
        name, params, nothing = equation.primitive.name, equation.params, [None] * len(equation.outvars)
        if name in CALLS:
            inner = next(params[k] for k in ("jaxpr", "call_jaxpr", "fun_jaxpr") if k in params)
            jaxpr, consts = (inner.jaxpr, inner.consts) if hasattr(inner, "consts") else (inner, ())
            if None in args and is_known(params.get("name", ""), jaxpr, consts):  # it compares with a table
                for one in args:
                    if one is not None:
                        one.settled()
                return nothing
            return self.results(jaxpr, consts, args, compiled or name in ("jit", "pjit"))
        if not compiled and name != "scan":
            # What JAX computes at once, it computes in the same way while it is read; only compiled parts ask for it.
            return nothing if None in args else self._constants(equation, args, exact=True)
        if None in args or name in ("scan", "while", "cond"):
            for one in args:
                if one is not None:
                    one.settled()
            if name == "scan":
                self._steps(params, args)
            return nothing if None in args else self._constants(equation, args, exact=False)
        for one in args if name not in LINEAR else ():
            one.settled()
        return self._constants(equation, args, name in EXACT)

    def _steps(self, params: Any, args: list[Any]) -> None:
        """Each step of a loop, which is compiled, with what is known of its number, its row and what is carried."""
        body, first = params["jaxpr"], params["num_consts"]
        last = first + params["num_carry"]
        fixed, carried, rows = args[:first], args[first:last], args[last:]
        steps = range(params["length"])
        for step in reversed(steps) if params["reverse"] else steps:
            row = [None if r is None else r.row(step) for r in rows]
            out = self.results(body.jaxpr, body.consts, [*fixed, *carried, *row], True)
            carried = out[: last - first]
            if all(one is None for one in (*carried, *rows)):  # each further step is as this one
                break

    def _constants(self, equation: Any, args: list[Any], exact: bool) -> list[Any]:
        if not exact and max((np.size(a.value) for a in args), default=0) > LARGEST:
            raise Unsupported(
                f"a constant of more than {LARGEST} numbers that compiled code of JAX computes",
                "the numbers themselves",
            )
        with suppress(Exception):  # of keys of chance, callbacks, tables
            here = _computed(equation, [a.value for a in args])
            same = all(a.beside is a.value for a in args)
            there = here if same else _computed(equation, [a.beside for a in args])
            defined = all(_is_finite(a.value) for a in args)
            moved_by = [b if exact else self._moved(b) for b in there]
            if equation.primitive.name == "log":  # of what is exactly zero, as in the logarithm of a mask
                defined = defined and not same
            size = args[0].size if equation.primitive.name in MOVES else 0.0
            return [Constant(a, _without(b, a, defined), size) for a, b in zip(here, moved_by, strict=True)]
        return [None] * len(equation.outvars)

    def _moved(self, value: Any) -> Any:
        if not _is_floating(value.dtype):
            return value
        units = self.dice.choice([-1.0, 1.0], value.shape) * self.dice.uniform(MOVED, MOST, value.shape)
        eps = float(_limits(value.dtype).eps)
        with np.errstate(all="ignore"):
            return (value.astype(np.float64) * (1.0 + eps * units)).astype(value.dtype)


def _limits(kind: Any) -> Any:
    """Of a floating type of NumPy or of JAX."""
    import jax.numpy as jnp

    return jnp.finfo(kind)


def _is_floating(kind: Any) -> bool:
    return kind.kind == "f" or str(kind) in entry.BITS  # NumPy knows nothing of bfloat16


def _is_number(kind: Any) -> bool:
    return kind.kind in "iub" or _is_floating(kind)


def _is_finite(value: Any) -> bool:
    array = np.asarray(value)
    return not _is_floating(array.dtype) or bool(np.isfinite(array.astype(np.float64)).all())


def _without(beside: Any, value: Any, defined: bool) -> Any:
    """Zero in place of a result that is subnormal, or infinite or NaN although what it is computed of is finite."""
    if not _is_floating(value.dtype):
        return beside
    exact = value.astype(np.float64)
    tiny = (exact != 0.0) & (np.abs(exact) < float(_limits(value.dtype).tiny))
    gone = tiny | (~np.isfinite(exact) if defined else False)
    return np.where(gone, np.zeros((), value.dtype), beside).astype(value.dtype) if np.any(gone) else beside


def _computed(equation: Any, args: list[Any]) -> list[Any]:
    name, params = equation.primitive.name, equation.params
    given = [np.asarray(a, dtype=v.aval.dtype) for a, v in zip(args, equation.invars, strict=True)]
    if len(given) == 1 and (one := moved(name, params, given[0])) is not None:
        return [one]
    if name in REDUCED:
        return [np.asarray(REDUCED[name](given[0], axis=tuple(params["axes"])))]
    if name == "convert_element_type":
        return [given[0].astype(params["new_dtype"])]
    if name == "integer_pow":
        return [given[0] ** params["y"]]
    if name == "concatenate":
        return [np.concatenate(given, params["dimension"])]
    if name == "stack":
        return [np.stack(given, params["axis"])]
    if name == "iota":
        shape, axis = params["shape"], params["dimension"]
        line = np.arange(shape[axis]).reshape([-1 if k == axis else 1 for k in range(len(shape))])
        return [np.broadcast_to(line, shape).astype(params["dtype"])]
    if name == "select_n" and len(given) == 3:
        return [np.where(given[0] != 0, given[2], given[1])]
    if name == "clamp":
        return [np.minimum(np.maximum(given[1], given[0]), given[2])]
    if name == "dot_general" and params["dimension_numbers"] == (((given[0].ndim - 1,), (0,)), ((), ())):
        return [np.tensordot(given[0], given[1], 1)]
    if name in BY_NUMPY:
        with np.errstate(all="ignore"):
            return [np.asarray(BY_NUMPY[name](*given), dtype=equation.outvars[0].aval.dtype)]
    out = equation.primitive.bind(*given, **params)
    return [np.asarray(o) for o in (out if equation.primitive.multiple_results else [out])]
