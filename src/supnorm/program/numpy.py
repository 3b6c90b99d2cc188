"""NumPy functions as straight-line programs, by running them once on a tracer.

The tracer implements NumPy's protocols, so ordinary vectorised code with ``np.`` and ``scipy.special.``
functions can be read without changes. Code that uses values (branches, loops until convergence, conversion
to an array) cannot be read; the message says so.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from supnorm.foreign import is_any
from supnorm.program import entry
from supnorm.program.as_numpy import as_numpy
from supnorm.program.branches import Comparison, select
from supnorm.program.numpy_ufuncs import COMPARE, NEAREST, UFUNCS, matmul, ufunc_value
from supnorm.program.operations import Unsupported
from supnorm.program.program import Program
from supnorm.program.recording import attempt
from supnorm.program.rows import demand_each_alone
from supnorm.program.scipy_tables import interp, reading
from supnorm.program.sums import cumsum, einsum
from supnorm.program.tracing import Builder, Tensor, Value
from supnorm.program.watched import Unlike, Watched, demand_heeded, in_place, left_alone


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
        try:
            with reading(build, _traced, lambda value: Traced(build, value)):
                result = function(Traced(build, build.input.arrange(lambda i: i.reshape(n, d))))
        except Exception:
            if isinstance(build.refused, Unlike):  # then no other reader may be tried
                raise build.refused from None
            raise
        demand_heeded(build)
    if isinstance(result, Traced) and result.shape[:1] != (n,):
        raise TypeError(f"for points ({n}, {d}) it must return ({n},) or ({n}, m), got {result.shape}")
    program = build.finish(result.value if isinstance(result, Traced) else entry.constant(result, "a result"))
    if len(program.limits) < len(
        build.limits
    ):  # beyond its ends such a table may raise an error, which code may catch
        raise Unlike("a table with ends whose values the result does not need", "the same without it")
    return program


class Traced(Watched):
    """An array of one point while code is traced; code that asks for its class gets NumPy's class."""

    def __init__(self, build: Builder, value: Tensor) -> None:
        self.build, self.value = build, value
        self.demand_unheard()

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return np.ndarray if self.shape else np.float64

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape; the first axis has length 1, for the one point."""
        return self.value.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of entries, for one point."""
        return int(self.value.index.size)

    @property
    def dtype(self) -> Any:
        """float64."""
        return np.dtype(np.float64)

    @property
    def T(self) -> Traced:
        """Transpose."""
        return self._moved(np.transpose)

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Traced]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: Any) -> Traced:
        entry.demand_plain((key,), "an index")
        return self._moved(lambda i: i[key])

    def astype(self, dtype: Any, **kwargs: Any) -> Traced:
        """The same array; refuses a type that has less than the declared precision."""
        entry.result(dtype, "astype", self.build.least)
        same = kwargs == {"copy": False} and entry.name_of(dtype) == "float64"
        return self if same else self.copy()

    def copy(self) -> Traced:
        """Another object for the same array, because nothing changes it in place."""
        return self._moved(np.copy)

    def reshape(self, *shape: Any) -> Traced:
        """As of an array."""
        return self._moved(lambda i: i.reshape(*shape))

    def sum(self, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Traced:
        """As of an array."""
        self._refuse_dtype_and_out("sum", dtype, out)
        axes = self._axes(axis)
        total = self.build.sum(self.value, axes)
        if keepdims:
            total = total.arrange(lambda i: np.expand_dims(i, axes))
        return Traced(self.build, total)

    def mean(self, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
        """As of an array."""
        total = self.sum(axis, dtype, out, keepdims)
        return total / (self.value.index.size / max(total.value.index.size, 1))

    def max(self, axis: Any = None, out: Any = None, keepdims: bool = False) -> Traced:
        """As of an array."""
        return self._folded("max", axis, None, out, keepdims)

    def min(self, axis: Any = None, out: Any = None, keepdims: bool = False) -> Traced:
        """As of an array."""
        return self._folded("min", axis, None, out, keepdims)

    def prod(self, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Traced:
        """As of an array."""
        return self._folded("mul", axis, dtype, out, keepdims)

    def var(
        self, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: bool = False
    ) -> Any:
        """As of an array."""
        total = ((self - self.mean(axis, keepdims=True)) ** 2).sum(axis, dtype, out, keepdims)
        count = self.value.index.size / max(total.value.index.size, 1)
        if not ddof < count:  # NumPy divides by 0 there
            raise Unsupported(f"np.var with ddof = {ddof} of {count:g} numbers", "a smaller ddof")
        return total / (count - ddof)

    def std(
        self, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: bool = False
    ) -> Any:
        """As of an array."""
        return np.sqrt(self.var(axis, dtype, out, ddof, keepdims))

    def dot(self, other: Any) -> Traced:
        """As of an array."""
        return Traced(self.build, matmul(self.build, self.value, _open(other)))  # type: ignore[arg-type]

    def clip(self, low: Any = None, high: Any = None) -> Any:
        """As of an array."""
        return _clip(self.build, self, low, high)

    def ravel(self) -> Traced:
        """As of an array."""
        return self._moved(np.ravel)

    flatten = ravel

    def squeeze(self, axis: Any = None) -> Traced:
        """As of an array."""
        return self._moved(lambda i: np.squeeze(i, axis))

    def transpose(self, *axes: Any) -> Traced:
        """As of an array."""
        return self._moved(lambda i: i.transpose(*axes))

    def _axes(self, axis: Any) -> tuple[int, ...]:
        return tuple(
            range(self.ndim) if axis is None else (a % self.ndim for a in np.atleast_1d(axis).tolist())
        )

    def _refuse_dtype_and_out(self, what: str, dtype: Any, out: Any) -> None:
        """Refuse a result that is rounded to a type or written into an array."""
        if dtype is not None:
            entry.result(dtype, f"np.{what}", self.build.least)
        if out is not None:
            raise Unsupported(f"np.{what} with out", NEAREST)

    def _folded(self, op: str, axis: Any, dtype: Any, out: Any, keepdims: bool) -> Traced:
        self._refuse_dtype_and_out({"mul": "prod"}.get(op, op), dtype, out)
        axes = self._axes(axis)
        folded = self.build.fold(op, self.value, axes)
        assert isinstance(folded, Tensor)
        result = folded.arrange(lambda i: np.expand_dims(i, axes)) if keepdims else folded
        return Traced(self.build, result)

    def _moved(self, move: Callable[[Any], Any]) -> Traced:
        return Traced(self.build, self.value.arrange(move))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        name = ufunc.__name__
        if ufunc not in UFUNCS:
            raise Unsupported(f"{name} (a compiled function)", NEAREST)
        if kwargs.get("dtype") is not None:
            entry.result(kwargs.pop("dtype"), f"np.{name}", self.build.least)
        if any(isinstance(v, Watched) for v in kwargs.get("out") or ()):
            raise in_place(f"np.{name}")
        if method != "__call__" or any(v is not None for v in kwargs.values()):
            raise Unsupported(f"np.{name}.{method} with options", NEAREST)
        args = [_open(a, f"np.{name}") for a in inputs]
        if name in COMPARE:
            return Condition(self.build, Comparison(COMPARE[name], args[0], args[1]))
        return Traced(self.build, ufunc_value(self.build, name, args))  # type: ignore[arg-type]

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function not in _KNOWN:
            raise Unsupported(f"np.{function.__name__}", NEAREST)
        if kwargs.get("dtype") is not None:
            entry.result(kwargs["dtype"], f"np.{function.__name__}", self.build.least)
            kwargs.pop("casting", None)  # the common type represents all of them exactly
        known = {k: v for k, v in kwargs.items() if k != "dtype"}
        entry.demand_plain(_given((*args, *known.values())), f"np.{function.__name__}")
        return _FUNCTIONS[function.__name__](self.build, *args, **known)


class Condition(Watched):
    """The result of a comparison, for np.where."""

    def __init__(self, build: Builder, comparison: Comparison) -> None:
        self.build, self.comparison = build, comparison
        self.demand_unheard()

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        raise Unsupported(f"np.{ufunc.__name__} of a comparison", NEAREST)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function is not np.where or len(args) != 3:
            raise Unsupported(f"np.{function.__name__} of a comparison", NEAREST)
        entry.demand_plain(_given(args), "np.where")
        return _where(self.build, *args)


# What moves entries by an index is NumPy's own, of positions.
for _kind in (Traced, Condition):
    for _name, _method_ in list(vars(_kind).items()):
        if inspect.isfunction(_method_) and (
            _name in ("__array_ufunc__", "__array_function__") or _name[0] != "_"
        ):
            setattr(_kind, _name, as_numpy(_method_))


def _given(values: Any) -> Any:
    """Arguments without what stands for an array, also in lists."""
    lists = [one for one in values if is_any(type(one), tuple, list)]
    others = [
        one for one in values if not is_any(type(one), tuple, list) and Watched not in type(one).__mro__
    ]
    return [*others, *(part for one in lists for part in _given(one))]


def _traced(a: Any) -> Tensor | None:
    return a.value if type(a) is Traced else None


def _interp(build: Builder, x: Any, *table: Any, **named: Any) -> Traced:
    if not isinstance(x, Traced):
        raise Unsupported("np.interp of a table that depends on the input", "a constant table")
    opened = [a.value if isinstance(a, Traced) else a for a in table]
    return Traced(build, interp(build, x.value, *opened, **named))


def _open(a: Any, what: str = "an operation") -> Value:
    return a.value if isinstance(a, Traced) else entry.constant(a, what)


def _where(build: Builder, test: Any, if_true: Any, if_false: Any) -> Traced:
    condition = test.comparison if isinstance(test, Condition) else np.asarray(test)
    return Traced(build, select(build, condition, _open(if_true), _open(if_false)))  # type: ignore[arg-type]


def _join(build: Builder, parts: Any, axis: int = 0) -> Traced:
    opened = [_open(p) for p in parts]
    axis = axis % len(opened[0].shape)
    return Traced(build, build.concatenate(opened, axis))  # type: ignore[arg-type]


def _stack(build: Builder, parts: Any, axis: int = 0) -> Traced:
    opened = [_open(p) for p in parts]
    axis = axis % (len(opened[0].shape) + 1)
    lifted = [
        p.arrange(lambda i: np.expand_dims(i, axis)) if isinstance(p, Tensor) else np.expand_dims(p, axis)
        for p in opened
    ]
    return Traced(build, build.concatenate(lifted, axis))  # type: ignore[arg-type]


def _columns(build: Builder, parts: Any) -> Traced:
    opened = [p[:, None] if len(p.shape) == 1 else p for p in parts]
    return _join(build, opened, 1)


def _side_by_side(build: Builder, parts: Any) -> Traced:
    return _join(build, parts, 0 if len(_open(parts[0]).shape) == 1 else 1)


def _on_top(build: Builder, parts: Any) -> Traced:
    return _join(build, [p if len(p.shape) > 1 else p[None] for p in parts], 0)


def _norm(build: Builder, x: Traced, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    if ord is not None and not (ord == 2 and np.ndim(axis) == 0 and axis is not None):
        raise Unsupported(f"np.linalg.norm with ord={ord}", "np.linalg.norm(x, axis=1)")
    return np.sqrt((x**2).sum(axis, keepdims=keepdims))


def _clip(build: Builder, x: Traced, low: Any = None, high: Any = None) -> Any:
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


def _polynomial(build: Builder, coefficients: Any, x: Traced) -> Any:
    value: Any = np.zeros(x.shape)
    for c in entry.constant(coefficients, "np.polyval").tolist():
        value = value * x + c
    return value


def _cumsum(build: Builder, x: Traced, axis: Any = None) -> Traced:
    return Traced(build, cumsum(build, x.value, axis))


def _einsum(build: Builder, subscripts: Any, *operands: Any, optimize: Any = False) -> Traced:
    if not isinstance(subscripts, str):
        raise Unsupported("np.einsum with lists of axes", "np.einsum with letters")
    return Traced(build, einsum(build, subscripts, *map(_open, operands)))  # type: ignore[arg-type]


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


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "concatenate": _join,
    "stack": _stack,
    "column_stack": _columns,
    "clip": _clip,
    **{name: _method(name) for name in ("sum", "mean", "max", "min", "prod", "ravel", "var", "std")},
    "amax": _method("max"),
    "amin": _method("min"),
    "hstack": _side_by_side,
    "vstack": _on_top,
    "norm": _norm,
    "polyval": _polynomial,
    "atleast_2d": lambda build, x: x if x.ndim > 1 else x._moved(lambda i: i[None]),
    "where": _where,
    "zeros_like": _like(0.0),
    "ones_like": _like(1.0),
    "dot": lambda build, a, b: Traced(build, matmul(build, _open(a), _open(b))),  # type: ignore[arg-type]
    "reshape": lambda build, x, shape: x.reshape(shape),
    "transpose": lambda build, x: x.T,
    "squeeze": lambda build, x, axis=None: x._moved(lambda i: np.squeeze(i, axis)),
    "expand_dims": lambda build, x, axis: x._moved(lambda i: np.expand_dims(i, axis)),
    "swapaxes": lambda build, x, a, b: x._moved(lambda i: np.swapaxes(i, a, b)),
    "moveaxis": lambda build, x, a, b: x._moved(lambda i: np.moveaxis(i, a, b)),
    "flip": lambda build, x, axis=None: x._moved(lambda i: np.flip(i, axis)),
    "roll": lambda build, x, shift, axis=None: x._moved(lambda i: np.roll(i, shift, axis)),
    "tile": lambda build, x, counts: x._moved(lambda i: np.tile(i, counts)),
    "repeat": lambda build, x, counts, axis=None: x._moved(lambda i: np.repeat(i, counts, axis)),
    "broadcast_to": lambda build, x, shape: x._moved(lambda i: np.broadcast_to(i, shape)),
    "cumsum": _cumsum,
    "shape": lambda build, x: x.shape,
    "ndim": lambda build, x: x.ndim,
    "size": lambda build, x, axis=None: int(np.size(x.value.index, axis)),
    "interp": _interp,
    "split": lambda build, x, parts, axis=0: _parts(x, np.split(x.value.index, parts, axis)),
    "array_split": lambda build, x, parts, axis=0: _parts(x, np.array_split(x.value.index, parts, axis)),
    "einsum": _einsum,
    "outer": _outer,
    "diff": _differences,
}

_KNOWN = frozenset(getattr(np, name, np.linalg.norm) for name in _FUNCTIONS)
