"""NumPy's functions of arrays as operations of programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from supnorm.program import entry
from supnorm.program.aten_norms import vector_norm
from supnorm.program.aten_products import tensordot
from supnorm.program.aten_windows import pad
from supnorm.program.numpy_traced import FUNCTIONS, Traced, clip, copied, moved, opened, where
from supnorm.program.numpy_ufuncs import matmul
from supnorm.program.operations import Unsupported
from supnorm.program.scipy_tables import interp
from supnorm.program.sums import cumsum, einsum
from supnorm.program.tracing import Builder, Tensor


def _interp(build: Builder, x: Any, *table: Any, **named: Any) -> Traced:
    if not isinstance(x, Traced):
        raise Unsupported("np.interp of a table that depends on the input", "a constant table")
    given = [a.value if isinstance(a, Traced) else a for a in table]
    return Traced(build, interp(build, x.value, *given, **named))


def _join(build: Builder, parts: Any, axis: int = 0) -> Traced:
    values = [opened(p) for p in parts]
    axis = axis % len(values[0].shape)
    return Traced(build, build.concatenate(values, axis), unshared=True)  # type: ignore[arg-type]


def _stack(build: Builder, parts: Any, axis: int = 0) -> Traced:
    values = [opened(p) for p in parts]
    axis = axis % (len(values[0].shape) + 1)
    lifted = [
        p.arrange(lambda i: np.expand_dims(i, axis)) if isinstance(p, Tensor) else np.expand_dims(p, axis)
        for p in values
    ]
    return Traced(build, build.concatenate(lifted, axis), unshared=True)  # type: ignore[arg-type]


def _columns(build: Builder, parts: Any) -> Traced:
    columns = [p[:, None] if len(p.shape) == 1 else p for p in parts]
    return _join(build, columns, 1)


def _side_by_side(build: Builder, parts: Any) -> Traced:
    return _join(build, parts, 0 if len(opened(parts[0]).shape) == 1 else 1)


def _on_top(build: Builder, parts: Any) -> Traced:
    return _join(build, [p if len(p.shape) > 1 else p[None] for p in parts], 0)


def _norm(build: Builder, x: Traced, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    of_vectors = ord is None or x.ndim == 1 or (axis is not None and np.ndim(axis) == 0)
    order = 2.0 if ord is None else ord
    if not of_vectors or isinstance(order, str) or order < 1:
        raise Unsupported(f"np.linalg.norm with ord={ord}", "np.linalg.norm(x, axis=1)")
    value = vector_norm(build, x.value, order, None if axis is None else list(np.atleast_1d(axis)), keepdims)
    return Traced(build, value)  # type: ignore[arg-type]


def _average(
    build: Builder, x: Traced, axis: Any = None, weights: Any = None, *, keepdims: bool = False
) -> Any:
    if weights is None:
        return x.mean(axis, keepdims=keepdims)
    if isinstance(weights, Traced) or np.ndim(weights) != 1 or np.ndim(axis) or axis is None:
        raise Unsupported("np.average with weights that vary", "constant weights along one axis")
    shape = [1] * x.ndim
    shape[axis % x.ndim] = len(weights)
    factors = entry.constant(weights, "np.average")
    return (x * factors.reshape(shape)).sum(axis, keepdims=keepdims) / factors.sum()


def _trapezoid(build: Builder, y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    if not isinstance(y, Traced):
        raise Unsupported("np.trapezoid over places that depend on the input", "constant places")
    if x is not None:
        steps = x[1:] - x[:-1] if isinstance(x, Traced) else np.diff(entry.constant(x, "np.trapezoid"))
        if steps.ndim != 1:
            raise Unsupported("np.trapezoid over places in several rows", "a vector of places")
        shape = [1] * y.ndim
        shape[axis % y.ndim] = len(steps)
        dx = steps.reshape(shape)
    pairs = _along(y, axis, slice(1, None)) + _along(y, axis, slice(None, -1))
    return (dx * pairs / 2.0).sum(axis)


def _tensordot(build: Builder, a: Any, b: Any, axes: Any = 2) -> Traced:
    first, second = opened(a), opened(b)
    if isinstance(axes, int):
        of_a: Any = list(range(len(first.shape) - axes, len(first.shape)))
        of_b: Any = list(range(axes))
    else:
        of_a, of_b = (np.atleast_1d(part).tolist() for part in axes)
    return Traced(build, tensordot(build, first, second, of_a, of_b))  # type: ignore[arg-type]


def _take(build: Builder, x: Traced, at: Any, axis: Any = None) -> Traced:
    if isinstance(at, Traced):
        raise Unsupported("np.take steered by the input", "constant places")
    return moved(x, lambda i: np.take(i, at, axis))


def _select(build: Builder, conditions: Any, choices: Any, default: Any = 0.0) -> Any:
    if len(conditions) != len(choices):
        raise ValueError("list of cases must be same length as list of conditions")
    result = default
    for condition, choice in zip(conditions[::-1], choices[::-1], strict=True):
        result = where(build, condition, choice, result)
    return result


def _triangle(part: Callable[..., Any]) -> Callable[..., Any]:
    def function(build: Builder, x: Traced, k: int = 0) -> Traced:
        return where(build, part(np.ones(x.shape[-2:], dtype=bool), k), x, 0.0)

    return function


def _pad(build: Builder, x: Traced, width: Any, mode: str = "constant", constant_values: Any = 0.0) -> Traced:
    if np.ndim(constant_values) or mode not in PADDINGS:
        raise Unsupported(f"np.pad in mode {mode!r}, or with several constants", "one constant")
    widths = np.broadcast_to(np.asarray(width, dtype=int), (x.ndim, 2)).tolist()
    value = pad(build, x.value, [(a, b) for a, b in widths], PADDINGS[mode], float(constant_values))
    return Traced(build, value)  # type: ignore[arg-type]


def _cross(build: Builder, a: Any, b: Any) -> Any:
    first, second = (v if isinstance(v, Traced) else entry.constant(v, "np.cross") for v in (a, b))
    if first.shape[-1] != 3 or second.shape[-1] != 3:
        raise Unsupported("np.cross of vectors of two numbers", "vectors of three numbers")
    u, v = ([w[..., k] for k in range(3)] for w in (first, second))
    return np.stack([u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]], -1)


def _range(build: Builder, x: Traced, axis: Any = None, *, keepdims: bool = False) -> Any:
    return x.max(axis, keepdims=keepdims) - x.min(axis, keepdims=keepdims)


def _polynomial(build: Builder, coefficients: Any, x: Traced) -> Any:
    value: Any = np.zeros(x.shape)
    for c in entry.constant(coefficients, "np.polyval").tolist():
        value = value * x + c
    return value


def _cumsum(build: Builder, x: Traced, axis: Any = None) -> Traced:
    return Traced(build, cumsum(build, x.value, axis))


def _cumprod(build: Builder, x: Traced, axis: Any = None) -> Traced:
    x, axis = (x.ravel(), 0) if axis is None else (x, axis % x.ndim)
    products: list[Any] = [_along(x, axis, slice(0, 1))]
    for k in range(1, x.shape[axis]):
        products.append(products[-1] * _along(x, axis, slice(k, k + 1)))
    return _join(build, products, axis)


def _append(build: Builder, x: Any, values: Any, axis: Any = None) -> Traced:
    if axis is None:
        return _join(build, [np.ravel(x), np.ravel(values)])
    return _join(build, [x, values], axis)


def _inner(build: Builder, a: Any, b: Any) -> Traced:
    if not (np.ndim(a) and np.ndim(b)):
        raise Unsupported("np.inner of a scalar", "a * b")
    return _tensordot(build, a, b, ([np.ndim(a) - 1], [np.ndim(b) - 1]))


def _deep(build: Builder, parts: Any) -> Traced:
    deep = [p[:, :, None] if np.ndim(p) == 2 else p[None, :, None] if np.ndim(p) == 1 else p for p in parts]
    return _join(build, deep, 2)


def _einsum(build: Builder, subscripts: Any, *operands: Any, optimize: Any = False) -> Traced:
    if not isinstance(subscripts, str):
        raise Unsupported("np.einsum with lists of axes", "np.einsum with letters")
    return Traced(build, einsum(build, subscripts, *map(opened, operands)))  # type: ignore[arg-type]


def _outer(build: Builder, a: Any, b: Any) -> Any:
    first, second = (v.ravel() if isinstance(v, Traced) else np.ravel(v) for v in (a, b))
    return first[:, None] * second[None, :]


def _differences(build: Builder, x: Traced, n: int = 1, axis: int = -1) -> Any:
    for _ in range(n):
        x = _along(x, axis, slice(1, None)) - _along(x, axis, slice(None, -1))
    return x


def _parts(x: Traced, pieces: list[Any]) -> list[Traced]:
    return [Traced(x.build, Tensor(x.value.node, np.asarray(piece))) for piece in pieces]


def _along(x: Traced, axis: int, part: slice) -> Traced:
    return x[(slice(None),) * (axis % x.ndim) + (part,)]


def _method(name: str) -> Callable[..., Any]:
    return lambda build, x, *args, **kwargs: getattr(x, name)(*args, **kwargs)


def _like(fill: float) -> Callable[..., Any]:
    return lambda build, x: np.full(x.shape, fill)


# NumPy's names of ways to pad, and those of `pad`
PADDINGS = {"constant": "constant", "edge": "replicate", "reflect": "reflect", "wrap": "circular"}
_KNOWN: dict[str, Callable[..., Any]] = {
    "concatenate": _join,
    "stack": _stack,
    "column_stack": _columns,
    "clip": clip,
    **{name: _method(name) for name in ("sum", "mean", "max", "min", "prod", "ravel", "var", "std")},
    "amax": _method("max"),
    "amin": _method("min"),
    "hstack": _side_by_side,
    "vstack": _on_top,
    "norm": _norm,
    "polyval": _polynomial,
    "result_type": lambda build, *given: np.result_type(
        *(np.float64 if isinstance(one, Traced) else one for one in given)
    ),
    "copy": lambda build, x, order="K", subok=False: copied(x),
    "atleast_1d": lambda build, x: x if x.ndim else moved(x, lambda i: i[None]),
    "atleast_2d": lambda build, x: x if x.ndim > 1 else moved(x, lambda i: i[None]),
    "where": where,
    "select": _select,
    "zeros_like": _like(0.0),
    "ones_like": _like(1.0),
    "dot": lambda build, a, b: Traced(build, matmul(build, opened(a), opened(b))),  # type: ignore[arg-type]
    "reshape": lambda build, x, shape: x.reshape(shape),
    "transpose": lambda build, x: x.T,
    "squeeze": lambda build, x, axis=None: moved(x, lambda i: np.squeeze(i, axis)),
    "expand_dims": lambda build, x, axis: moved(x, lambda i: np.expand_dims(i, axis)),
    "swapaxes": lambda build, x, a, b: moved(x, lambda i: np.swapaxes(i, a, b)),
    "moveaxis": lambda build, x, a, b: moved(x, lambda i: np.moveaxis(i, a, b)),
    "flip": lambda build, x, axis=None: moved(x, lambda i: np.flip(i, axis)),
    "roll": lambda build, x, shift, axis=None: moved(x, lambda i: np.roll(i, shift, axis)),
    "tile": lambda build, x, counts: moved(x, lambda i: np.tile(i, counts)),
    "repeat": lambda build, x, counts, axis=None: moved(x, lambda i: np.repeat(i, counts, axis)),
    "broadcast_to": lambda build, x, shape: moved(x, lambda i: np.broadcast_to(i, shape)),
    "cumsum": _cumsum,
    "cumprod": _cumprod,
    "append": _append,
    "inner": _inner,
    "dstack": _deep,
    "shape": lambda build, x: x.shape,
    "ndim": lambda build, x: x.ndim,
    "size": lambda build, x, axis=None: int(np.size(x.value.index, axis)),
    "interp": _interp,
    "split": lambda build, x, parts, axis=0: _parts(x, np.split(x.value.index, parts, axis)),
    "array_split": lambda build, x, parts, axis=0: _parts(x, np.array_split(x.value.index, parts, axis)),
    "hsplit": lambda build, x, parts: _parts(x, np.hsplit(x.value.index, parts)),
    "vsplit": lambda build, x, parts: _parts(x, np.vsplit(x.value.index, parts)),
    "einsum": _einsum,
    "outer": _outer,
    "diff": _differences,
    "average": _average,
    "trapezoid": _trapezoid,
    "tensordot": _tensordot,
    "take": _take,
    "tril": _triangle(np.tril),
    "triu": _triangle(np.triu),
    "pad": _pad,
    "cross": _cross,
    "ptp": _range,
}


def register() -> None:
    """Let what stands for an array answer these functions of NumPy."""
    for name, function in _KNOWN.items():
        FUNCTIONS[getattr(np, name, np.linalg.norm)] = function
