"""JAX functions as straight-line programs, by interpreting their jaxpr for one point.

The function may be written for one point ``(d,)`` or for batches ``(n, d)``; it is traced with ``n = 1`` in the mode of
JAX, 64-bit or 32-bit, in which it runs. JAX computes everything that does not depend on the input while it traces.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from supnorm.jax_mode import jax_mode
from supnorm.program import entry
from supnorm.program.branches import Comparison, arranged, as_number, both, jumps, opposite, select
from supnorm.program.composed import COMPOSED, atan2, incomplete_beta, power, special, with_parameter
from supnorm.program.discrepancies import SHAPED, Discrepancy, of_jax
from supnorm.program.each_operator import Operators
from supnorm.program.jaxpr_alone import called_alone, compiled_together, equation_alone, number_alone
from supnorm.program.jaxpr_equal import is_jaxpr_of
from supnorm.program.jaxpr_linear import LINEAR, linear
from supnorm.program.jaxpr_loop import scan
from supnorm.program.jaxpr_moves import MOVES, moved
from supnorm.program.jaxpr_named import named
from supnorm.program.jaxpr_primitives import demand_of_jax, within
from supnorm.program.jaxpr_traced import RAISING, as_it_runs, refusals, traced
from supnorm.program.operations import Unsupported
from supnorm.program.program import Program
from supnorm.program.recording import attempt, unrecorded
from supnorm.program.rows import demand_each_alone
from supnorm.program.tracing import Builder, Tensor, Value
from supnorm.program.watched import Unlike

SUBNORMAL = (
    "assumed, not proved: no number that the code compares is below 1.2e-38 in size (in float64 2.2e-308) and not zero: "
    "JAX takes such numbers for zero"
)
_UNARY = {
    "neg": "neg",
    "abs": "abs",
    "tanh": "tanh",
    "logistic": "sigmoid",
    "sin": "sin",
    "cos": "cos",
    "exp": "exp",
    "log": "log",
    "sqrt": "sqrt",
    "erf": "erf",
    "atan": "atan",
    "cbrt": "cbrt",
}
_OTHER = {"bessel_i0e": "i0e", "bessel_i1e": "i1e", "erf_inv": "erfinv"}
_BINARY = {
    "add": "add",
    "add_any": "add",
    "sub": "sub",
    "mul": "mul",
    "div": "div",
    "max": "max",
    "min": "min",
}
_REDUCE = {"reduce_max": "max", "reduce_min": "min", "reduce_prod": "mul"}
_SAME = ("convert_element_type", "copy", "stop_gradient", "reduce_precision", "copy_p", "sharding_constraint")
_CALLS = ("jit", "pjit", "custom_jvp_call", "custom_vjp_call", "closed_call", "remat2", "checkpoint")
# Operations of each number for itself without options, which programs have: no shape and no parameter can be read wrongly,
# and each is compared once in a process, as one of numbers.
_ALIKE = frozenset(
    {*_UNARY, *_BINARY, "and", "or", "not", "gt", "ge", "lt", "le", "ne", "eq", "is_finite", "copy"}
)
_COMPARE = ("gt", "ge", "lt", "le", "ne", "eq", "is_finite")


def lower_jaxpr(
    function: Callable[..., Any],
    d: int,
    least: str = "float64",
    compiled: bool = False,
    batch: bool = True,
) -> Program:
    """The program of a JAX function.

    Args:
        function: ``(d,) -> (m,)`` or a scalar, or batched ``(n, d) -> (n,)`` or ``(n, m)``.
        d: number of inputs.
        least: the precision in which the function is declared to run.
        compiled: whether JAX compiles the function before it runs: then the code sees traced arrays there too.
        batch: whether a function of batches is to treat each row alone; not asked of one that only ever gets one row.

    Raises:
        Unsupported: for uncompiled code that asks for values and catches the refusal; for code of batches that uses more
            than each row for itself (`rows`); for an operation that programs do not have, or whose result is narrower than
            ``least``.
        TypeError and others: whatever JAX raises when it cannot trace the function.

    >>> import jax.numpy as jnp
    >>> lower_jaxpr(lambda x: jnp.exp(-x[:, 0] ** 2), 1).value(np.array([[1.0]]))
    array([[0.36787944]])
    """
    import jax

    if on := [name for name in RAISING if getattr(jax.config, f"jax_{name}")]:
        raise Unlike(
            f"code beside which JAX raises an error for NaN or infinity (jax_{on[0]})", "the same without it"
        )
    # JAX moves the index, so it must compute values even while it traces a caller (derivatives of a program).
    with attempt("jax"), jax_mode(as_it_runs(least, compiled)[0]), jax.ensure_compile_time_eval():
        program, shape = _of_shapes(function, [(1, d), (d,)], least, compiled)
        if batch and len(shape) == 2:
            demand_each_alone(program, lambda n: _of_shapes(function, [(n, d)], least, compiled)[0])
    return replace(program, remarks=(*program.remarks, SUBNORMAL)) if jumps(program) else program


def _of_shapes(
    function: Callable[..., Any], shapes: list[tuple[int, ...]], least: str, compiled: bool
) -> tuple[Program, tuple[int, ...]]:
    """The program of an argument of the first of these shapes with which JAX can trace the function, and this shape."""
    with refusals() as asked:
        closed, shape = traced(function, shapes, asked, as_it_runs(least, compiled)[1])
    if asked and not compiled:
        raise Unlike(
            f"code that goes on where JAX does not tell it a value ({asked[0]})", "the same without try"
        )
    build = Builder(math.prod(shape), least, points=math.prod(shape[:-1]))
    x = build.input.arrange(lambda i: i.reshape(shape))
    # Recorded, too: what JAX traced may hold objects of the user, whose attributes are code.
    # To compile an operation takes 10 ms. With three points each has the shapes that those with two have, but for one size.
    build.operators = None if build.points == 2 else Operators()
    outputs = _interpret(build, closed.jaxpr, closed.consts, [x])
    if build.operators is not None:
        with unrecorded():
            build.operators.demand(compiled_together)
    if len(outputs) != 1:
        raise Unsupported("several results", "one array of shape (n, m)")
    return build.finish(outputs[0]), shape


def _interpret(build: Builder, jaxpr: Any, consts: Any, inputs: list[Any]) -> list[Any]:
    known: dict[Any, Any] = {}
    for var, value in zip(jaxpr.constvars, consts, strict=True):
        known[var] = np.asarray(value)
    for var, value in zip(jaxpr.invars, inputs, strict=True):
        known[var] = value

    def read(var: Any) -> Any:
        return np.asarray(var.val).astype(var.aval.dtype) if hasattr(var, "val") else known[var]

    asked = [*jaxpr.outvars, *(var for equation in jaxpr.eqns for var in equation.invars)]
    needed = {var for var in asked if not hasattr(var, "val")}
    for equation in jaxpr.eqns:
        demand_of_jax(equation)
        if _is_idle(equation, needed):
            continue
        args = [read(v) for v in equation.invars]
        if any(isinstance(a, Tensor | Comparison) for a in args):
            results = _equation(build, equation, args)
        elif (by_numpy := _of_constant(equation, args)) is not None:
            results = [by_numpy]
        else:
            for inner in within(equation.params):
                demand_of_jax(inner)
            out = equation.primitive.bind(*args, **equation.params)
            results = [np.asarray(o) for o in (out if equation.primitive.multiple_results else [out])]
        for var, value in zip(equation.outvars, results, strict=True):
            known[var] = value
    return [read(v) for v in jaxpr.outvars]


def _is_idle(equation: Any, read: set[Any]) -> bool:
    """Whether nothing reads the results, as of the sign in JAX's logsumexp, and JAX's own operations alone compute them."""
    if equation.effects or not read.isdisjoint(equation.outvars):
        return False
    for inner in within(equation.params):
        demand_of_jax(inner)
    return True


def _of_constant(equation: Any, args: list[Any]) -> Any:
    """The result where an operation of JAX moves entries of one constant; None for all others."""
    return None if len(args) != 1 else moved(equation.primitive.name, equation.params, args[0])


def _equation(build: Builder, equation: Any, args: list[Any]) -> list[Any]:
    name = equation.primitive.name
    if name in _CALLS:
        return _call(build, equation, args)
    results = _operation(build, equation, args)
    if build.operators is not None:
        with unrecorded():
            (number_alone if name in _ALIKE else equation_alone)(build, equation, args, _operation)
    return results


def _operation(build: Builder, equation: Any, args: list[Any]) -> list[Any]:
    name, params = equation.primitive.name, equation.params
    if name == "scan":
        return scan(build, params, args, _interpret)
    if any(isinstance(a, Comparison) for a in args) and (test := _test(equation, args)) is not None:
        return [test]
    _check_types(build, equation, args)
    if name in _COMPARE:
        return [Comparison(name, args[0], args[-1])]
    if name == "split":
        return _split(params, args[0])
    if name == "select_n":
        if (
            len(args) != 3 or str(equation.invars[0].aval.dtype) != "bool"
        ):  # of a number, JAX takes 1 and more for true
            raise Unsupported(
                "select_n by a number, or with more than two cases", "min, max, abs, relu or leaky_relu"
            )
        return [select(build, args[0], args[2], args[1])]
    if name == "convert_element_type" and isinstance(args[0], Comparison):
        return [as_number(build, args[0])]
    if any(isinstance(a, Comparison) for a in args):
        raise Unsupported(f"{name} of a comparison", "min, max, abs, relu or leaky_relu instead of a branch")
    if str(equation.outvars[0].aval.dtype) == "float64":  # what was measured is about float64
        build.runtime = _beyond_rounding(name, args)
    try:
        return [_numeric(build, name, params, args, equation)]
    finally:
        build.runtime = {}


def _beyond_rounding(name: str, args: list[Any]) -> Mapping[str, tuple[Discrepancy, ...]]:
    """How far JAX may be from the operations of a primitive; nothing of shapes for which it is refused."""
    if name not in SHAPED:
        return of_jax(name)
    shapes = [np.unique(np.asarray(a)) for a in args[:-1] if not isinstance(a, Tensor)]
    if len(shapes) < len(args) - 1 or not all(a.size == 1 and 0.0 < a[0] < np.inf for a in shapes):
        return {}
    return of_jax(name, *(float(a[0]) for a in shapes))


def _test(equation: Any, args: list[Any]) -> Comparison | None:
    """The boolean that an operation makes of booleans; None for other operations."""
    name, params = equation.primitive.name, equation.params
    if name in ("and", "or"):
        return both(name, args[0], args[1])
    if name == "not":
        return opposite(args[0])
    if name in MOVES and len(args) == 1 and moved(name, params, np.zeros(args[0].shape)) is not None:
        return arranged(args[0], lambda i: moved(name, params, i))
    return None


def _check_types(build: Builder, equation: Any, args: list[Any]) -> None:
    """Check that each result that depends on the input is real, and is computed and stored in the declared precision."""
    name = equation.primitive.name
    if name not in _COMPARE:
        for var in equation.outvars:
            entry.result(var.aval.dtype, f"{name} in JAX", build.least)
    for var, arg in zip(equation.invars, args, strict=True):
        if not isinstance(arg, Comparison) and not isinstance(arg, Tensor):
            entry.constant(arg, f"{name} in JAX")
        elif isinstance(arg, Tensor):
            entry.result(var.aval.dtype, f"{name} in JAX", build.least)
    chosen = equation.params.get("precision")
    parts = chosen if isinstance(chosen, tuple) else (chosen,)
    if any(p is not None and type(p).__name__ != "Precision" for p in parts):
        raise entry.Narrowed(f"{name} by the algorithm {chosen}", "precision = None")


def _call(build: Builder, equation: Any, args: list[Any]) -> list[Any]:
    name, params = equation.primitive.name, equation.params
    inner = next(params[k] for k in ("jaxpr", "call_jaxpr", "fun_jaxpr") if k in params)
    jaxpr, consts = (inner.jaxpr, inner.consts) if hasattr(inner, "consts") else (inner, ())

    def known(other: Builder, some: list[Any]) -> Value | None:
        if name == "custom_jvp_call" and len(some) == 2 and _is_logaddexp(jaxpr, consts):
            # log(e^a + e^b) = softplus(a - b) + b
            return other.binary("add", other.unary("softplus", other.binary("sub", *some)), some[1])
        return named(other, params.get("name", ""), jaxpr, consts, some)

    result = known(build, args)
    if result is None:
        return _interpret(build, jaxpr, consts, args)
    if build.operators is not None:
        with unrecorded():
            called_alone(build, equation, (jaxpr, consts), args, known)
    return [result]


def _is_logaddexp(jaxpr: Any, consts: Any) -> bool:
    import jax.numpy as jnp

    return is_jaxpr_of(jnp.logaddexp, jaxpr, consts)


def _numeric(build: Builder, name: str, params: Any, args: list[Any], equation: Any) -> Value:
    if name in _UNARY:
        return build.unary(_UNARY[name], args[0])
    if name in _BINARY:
        return build.binary(_BINARY[name], args[0], args[1])
    if name in _SAME:
        if name == "reduce_precision" and _fewer_bits(params, equation.outvars[0].aval.dtype):
            raise Unsupported("rounding to fewer bits", "float64 throughout")
        return args[0]  # type: ignore[no-any-return]
    if name == "integer_pow" and int(float(params["y"])) != params["y"]:
        raise Unsupported("a power beyond 2^53", "a smaller one")
    if name in ("integer_pow", "square"):
        return power(build, args[0], np.asarray(2.0 if name == "square" else float(params["y"])))
    if name == "pow":
        return power(build, args[0], args[1])
    if name in ("lgamma", "digamma"):
        return special(build, name, args[0])
    if name in ("igamma", "igammac"):
        return with_parameter(build, "gammaincc" if name == "igammac" else "gammainc", args[0], args[1], name)
    if name == "regularized_incomplete_beta":
        return incomplete_beta(build, *args)
    if name == "atan2":
        return atan2(build, args[0], args[1])
    if _OTHER.get(name, name) in COMPOSED:
        return COMPOSED[_OTHER.get(name, name)](build, args[0])
    if name == "reduce_sum":
        return build.sum(args[0], params["axes"])
    if name == "dot_general":
        return _dot(build, params["dimension_numbers"], args[0], args[1])
    if name == "clamp":
        return build.binary("min", build.binary("max", args[1], args[0]), args[2])
    if name in _REDUCE:
        return build.fold(_REDUCE[name], args[0], params["axes"])
    if name in ("concatenate", "stack"):
        return _join(build, name, params, args)
    if name in LINEAR:
        return linear(build, equation, args)
    return _moved(name, params, args)


def _fewer_bits(params: Any, kind: Any) -> bool:
    import jax.numpy as jnp

    its = jnp.finfo(kind)
    return bool(params["exponent_bits"] < its.nexp or params["mantissa_bits"] < its.nmant)


def _join(build: Builder, name: str, params: Any, args: list[Any]) -> Value:
    if name == "concatenate":
        return build.concatenate(args, params["dimension"])
    axis = params["axis"]
    lifted = [
        a.arrange(lambda i: np.expand_dims(i, axis)) if isinstance(a, Tensor) else np.expand_dims(a, axis)
        for a in args
    ]
    return build.concatenate(lifted, axis)


def _moved(name: str, params: Any, args: list[Any]) -> Value:
    """Operations that only move entries; JAX itself applies them to the integers of the index."""
    x = args[0]
    if any(isinstance(a, Tensor) for a in args[1:]) or name not in _MOVES:
        raise Unsupported(name, "slicing, concatenation, affine maps and elementwise functions")
    import jax
    from jax import lax

    if len(args) == 1 and moved(name, params, x.index) is not None:
        return x.arrange(lambda i: moved(name, params, i))  # type: ignore[no-any-return]
    primitive = getattr(lax, f"{name}_p", None) or getattr(jax.extend.core.primitives, f"{name}_p")
    if (
        "fill_value" in params
    ):  # what a gather gives beyond the ends: a number of the code, and no position of the index
        params = {**params, "fill_value": -1}
    placed = x.arrange(lambda i: np.asarray(primitive.bind(i, *args[1:], **params)))
    if (placed.index < 0).any():
        raise Unsupported(f"{name} beyond the ends of an array", "positions within the array")
    return placed  # type: ignore[no-any-return]


_MOVES = (
    "reshape",
    "broadcast_in_dim",
    "squeeze",
    "slice",
    "transpose",
    "rev",
    "gather",
    "dynamic_slice",
    "expand_dims",
)


def _dot(build: Builder, numbers: Any, a: Value, b: Value) -> Value:
    (contract_a, contract_b), (batch_a, _) = numbers
    if batch_a:
        return _batched_dot(build, numbers, a, b)
    left, rows = _as_matrix(a, contract_a, last=True)
    right, columns = _as_matrix(b, contract_b, last=False)
    out = build.contract(left, right)
    shape = rows + columns
    return out.arrange(lambda i: i.reshape(shape)) if isinstance(out, Tensor) else out.reshape(shape)


def _batched_dot(build: Builder, numbers: Any, a: Value, b: Value) -> Value:
    """One product for each position of the first batch axis, stacked."""
    (contract_a, contract_b), (batch_a, batch_b) = numbers
    first_a, first_b = batch_a[0], batch_b[0]

    def lower(axes: Any, gone: int) -> tuple[int, ...]:
        return tuple(k - (k > gone) for k in axes if k != gone)

    inner = (
        (lower(contract_a, first_a), lower(contract_b, first_b)),
        (lower(batch_a, first_a), lower(batch_b, first_b)),
    )
    parts = []
    for position in range(a.shape[first_a]):
        product = _dot(build, inner, _at(a, position, first_a), _at(b, position, first_b))
        parts.append(_lift(product))
    return build.concatenate(parts, 0)


def _at(x: Value, position: int, axis: int) -> Value:
    if isinstance(x, Tensor):
        return x.arrange(lambda i: np.take(i, position, axis))
    return np.asarray(np.take(np.asarray(x), position, axis))


def _lift(x: Value) -> Value:
    return x.arrange(lambda i: i[None]) if isinstance(x, Tensor) else np.asarray(x)[None]


def _split(params: Any, x: Tensor) -> list[Any]:
    cuts = np.cumsum(params["sizes"])[:-1]
    return [Tensor(x.node, part) for part in np.split(x.index, cuts, params["axis"])]


def _as_matrix(x: Value, contracted: Any, last: bool) -> tuple[Value, tuple[int, ...]]:
    remaining = [i for i in range(len(x.shape)) if i not in contracted]
    order = (*remaining, *contracted) if last else (*contracted, *remaining)
    k = int(np.prod([x.shape[i] for i in contracted]))
    rest = tuple(x.shape[i] for i in remaining)

    def move(i: Any) -> Any:
        return i.transpose(order).reshape((-1, k) if last else (k, -1))

    return (x.arrange(move) if isinstance(x, Tensor) else move(np.asarray(x))), rest
