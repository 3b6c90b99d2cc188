"""What stands for an array while NumPy code is traced, and for a comparison of arrays; both implement NumPy's protocols."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from supnorm.foreign import is_any
from supnorm.program import entry
from supnorm.program.as_numpy import as_numpy
from supnorm.program.branches import Comparison, arranged, as_number, both, opposite, select, step
from supnorm.program.numpy_ufuncs import COMPARE, NEAREST, UFUNCS, matmul, ufunc_value, unsupported
from supnorm.program.operations import Unsupported
from supnorm.program.tracing import Builder, Tensor, Value
from supnorm.program.watched import Watched, in_place

# NumPy's functions of arrays that are known (`numpy_functions`): from the function itself to what it does here
FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {}
# Of these, those whose result is always a new array of NumPy's
FRESH = frozenset(
    (np.sum, np.mean, np.prod, np.max, np.min, np.dot, np.concatenate, np.stack, np.array, np.copy)
)


class Traced(Watched):
    """An array of one point while code is traced; code that asks for its class gets NumPy's class.

    Attributes:
        build: gets the operations.
        value: the array now.
        unshared: whether nothing else can share its memory: an operation has made it, and no view of it was taken. Only
            then it may be changed in place, ``total += np.sin(x)``. A scalar never changes: Python makes a new one.
    """

    def __init__(self, build: Builder, value: Tensor, unshared: bool = False) -> None:
        self.build, self.value, self.unshared = build, value, unshared
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
        return moved(self, np.transpose)

    def __len__(self) -> int:
        self._demand_axes()
        return self.shape[0]

    def __iter__(self) -> Iterator[Traced]:
        self._demand_axes()
        return (self[i] for i in range(len(self)))

    def _demand_axes(self) -> None:
        if not self.shape:  # as of a scalar, and of an array without axes
            raise TypeError("a number has no length and no parts")

    def __getitem__(self, key: Any) -> Traced:
        entry.demand_plain((key,), "an index")
        return moved(self, lambda i: i[key])

    def astype(self, dtype: Any, **kwargs: Any) -> Traced:
        """The same array; refuses a type that has less than the declared precision."""
        entry.result(dtype, "astype", self.build.least)
        same = kwargs == {"copy": False} and entry.name_of(dtype) == "float64"
        return self if same else self.copy()

    def copy(self) -> Traced:
        """As of an array."""
        return copied(self)

    def reshape(self, *shape: Any) -> Traced:
        """As of an array."""
        return moved(self, lambda i: i.reshape(*shape))

    def sum(self, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Traced:
        """As of an array."""
        self._refuse_dtype_and_out("sum", dtype, out)
        axes = self._axes(axis)
        total = self.build.sum(self.value, axes)
        if keepdims:
            total = total.arrange(lambda i: np.expand_dims(i, axes))
        return Traced(self.build, total, unshared=True)

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
        return Traced(self.build, matmul(self.build, self.value, opened(other)), unshared=True)  # type: ignore[arg-type]

    def clip(self, min: Any = None, max: Any = None) -> Any:
        """As of an array."""
        return clip(self.build, self, min, max)

    def ravel(self) -> Traced:
        """As of an array."""
        return moved(self, np.ravel)

    flatten = ravel

    def squeeze(self, axis: Any = None) -> Traced:
        """As of an array."""
        return moved(self, lambda i: np.squeeze(i, axis))

    def transpose(self, *axes: Any) -> Traced:
        """As of an array."""
        return moved(self, lambda i: i.transpose(*axes))

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
        return Traced(self.build, result, unshared=True)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        name = ufunc.__name__
        if ufunc not in UFUNCS:
            raise unsupported(ufunc)
        if kwargs.get("dtype") is not None:
            entry.result(kwargs.pop("dtype"), f"np.{name}", self.build.least)
        out = kwargs.pop("out", None)
        if out is not None and not (
            type(out[0]) is Traced and out[0].unshared and out[0].shape and len(out) == 1
        ):
            if any(isinstance(v, Watched) for v in out):
                raise in_place(f"np.{name}")
            raise Unsupported(f"np.{name} into an array", "y = y + np.sin(x) instead of y += np.sin(x)")
        if method != "__call__" or any(v is not None for v in kwargs.values()):
            raise Unsupported(f"np.{name}.{method} with options", NEAREST)
        if any(isinstance(a, Condition) for a in inputs):
            return NotImplemented  # what stands for the comparison knows what it is
        args = [opened(a, f"np.{name}") for a in inputs]
        if name == "heaviside" and out is None:
            return Traced(self.build, step(self.build, args[0], args[1]), unshared=True)  # type: ignore[arg-type]
        if name in COMPARE:
            if out is not None:
                raise in_place(f"np.{name}")
            return Condition(self.build, Comparison(COMPARE[name], args[0], args[1]))
        result = ufunc_value(self.build, name, args)
        if out is None:
            return Traced(self.build, result, unshared=True)  # type: ignore[arg-type]
        if not isinstance(result, Tensor) or result.shape != out[0].shape:
            raise in_place(f"np.{name}")
        out[0].value = result
        return out[0]

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function not in FUNCTIONS:
            raise unsupported(function)
        if kwargs.get("dtype") is not None:
            entry.result(kwargs["dtype"], f"np.{function.__name__}", self.build.least)
            kwargs.pop("casting", None)  # the common type represents all of them exactly
        known = {k: v for k, v in kwargs.items() if k != "dtype"}
        entry.demand_plain(_given((*args, *known.values())), f"np.{function.__name__}")
        result = FUNCTIONS[function](self.build, *args, **known)
        # NumPy may have made a view of an argument, or returned one itself.
        for one in (*_traced((*args, *known.values())), *_traced((result,) if function not in FRESH else ())):
            one.unshared = False
        return result


class Condition(Watched):
    """The result of a comparison, for np.where."""

    def __init__(self, build: Builder, comparison: Comparison) -> None:
        self.build, self.comparison = build, comparison
        self.demand_unheard()

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return np.ndarray if self.shape else np.bool_

    @property
    def shape(self) -> tuple[int, ...]:
        """As of an array."""
        return self.comparison.shape

    @property
    def ndim(self) -> int:
        """As of an array."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Condition:
        entry.demand_plain(_given(key if is_any(type(key), tuple) else (key,)), "an index")
        return Condition(self.build, arranged(self.comparison, lambda i: i[key]))

    def reshape(self, *shape: Any) -> Condition:
        """As of an array."""
        return Condition(self.build, arranged(self.comparison, lambda i: i.reshape(*shape)))

    def astype(self, dtype: Any) -> Traced:
        """One where it holds, else zero; as of an array."""
        entry.result(dtype, "astype", self.build.least)
        return self.number()

    def number(self) -> Traced:
        """One where it holds, else zero."""
        return Traced(self.build, as_number(self.build, self.comparison))  # type: ignore[arg-type]

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or kwargs:
            raise Unsupported(f"np.{ufunc.__name__}.{method} of a comparison with options", NEAREST)
        if ufunc in (np.logical_not, np.invert):
            return Condition(self.build, opposite(self.comparison))
        if ufunc in _LOGICAL:
            one, other = (v.comparison if isinstance(v, Condition) else v for v in inputs)
            return Condition(self.build, both(_LOGICAL[ufunc], one, other))
        # Of two booleans these are logical, and of one and an integer they give integers.
        if ufunc not in (np.multiply, np.add, np.subtract) or not any(map(_is_real, inputs)):
            raise Unsupported(f"np.{ufunc.__name__} of a comparison", NEAREST)
        return ufunc(*(v.number() if isinstance(v, Condition) else v for v in inputs))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function not in (np.where, np.select) or (function is np.where and len(args) != 3):
            raise Unsupported(f"np.{function.__name__} of a comparison", NEAREST)
        entry.demand_plain(_given((*args, *kwargs.values())), f"np.{function.__name__}")
        return FUNCTIONS[function](self.build, *args, **kwargs)


def _is_real(value: Any) -> bool:
    return type(value) is Traced or (not isinstance(value, Watched) and np.asarray(value).dtype.kind == "f")


_LOGICAL = {np.logical_and: "and", np.bitwise_and: "and", np.logical_or: "or", np.bitwise_or: "or"}


def _of_scalars(operator: str) -> Callable[..., Any]:
    """``s += 1`` of a scalar is ``s = s + 1``."""
    in_array = getattr(np.lib.mixins.NDArrayOperatorsMixin, operator)

    def method(self: Traced, other: Any) -> Any:
        return NotImplemented if self.unshared and not self.shape else in_array(self, other)

    return method


for _operator in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    setattr(Traced, f"__i{_operator}__", _of_scalars(f"__i{_operator}__"))

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


def _traced(values: Any) -> Iterator[Traced]:
    """What stands for an array, also in lists."""
    for one in values:
        if type(one) is Traced:
            yield one
        elif is_any(type(one), tuple, list):
            yield from _traced(one)


def moved(x: Traced, move: Callable[[Any], Any]) -> Traced:
    """The array after a function that only moves entries; NumPy may make a view there."""
    x.unshared = False
    return Traced(x.build, x.value.arrange(move))


def copied(x: Traced) -> Traced:
    """Another array with the same entries; one without axes is an array too and no scalar, so it is not changed in place."""
    return Traced(x.build, x.value, unshared=x.shape != ())


def tensor_of(a: Any) -> Tensor | None:
    """What stands for an array, as a tensor of the program; None for all else."""
    return a.value if type(a) is Traced else None


def opened(a: Any, what: str = "an operation") -> Value:
    """What stands for an array as a tensor of the program, and all else as real constants."""
    return a.value if isinstance(a, Traced) else entry.constant(a, what)


def where(build: Builder, test: Any, if_true: Any, if_false: Any) -> Traced:
    """``np.where`` with three arguments."""
    condition = test.comparison if isinstance(test, Condition) else np.asarray(test)
    return Traced(build, select(build, condition, opened(if_true), opened(if_false)))  # type: ignore[arg-type]


def clip(
    build: Builder, x: Traced, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None
) -> Any:
    """``np.clip``."""
    old, new = (a_min, a_max), (min, max)
    if any(one is not None for one in old) and any(one is not None for one in new):
        raise TypeError("np.clip with limits of both kinds of names")
    low, high = a_min if min is None else min, a_max if max is None else max
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)
