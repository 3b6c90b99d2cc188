"""SciPy's interpolation objects in traced NumPy code: when the code calls one with a traced array, it becomes a program.

The objects turn their argument into a plain array, which a traced array refuses. So while code is traced, the classes' calls
are replaced by ones that look at the argument first (`reading`); any other argument goes to SciPy.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from supnorm.foreign import home_of
from supnorm.program import entry, tables
from supnorm.program.operations import Unsupported
from supnorm.program.tables import Beyond, Piecewise
from supnorm.program.tracing import Builder, Tensor, Value

_LOCK = threading.RLock()  # the classes belong to all threads
_STEP = "none: a step has no certificate"
_SPLINES = ("slinear", "cubic", "quintic")  # of a grid


@contextmanager
def reading(
    build: Builder, open_: Callable[[Any], Value | None], close: Callable[[Tensor], Any]
) -> Iterator[None]:
    """Read calls of SciPy's tables while this context is open.

    Args:
        build: gets the operations.
        open_: the tensor of a traced array; None for anything else.
        close: the traced array of a tensor.
    """

    def replaced(owner: Any, form: Callable[..., Tensor]) -> Callable[..., Any]:
        original = owner.__call__

        def call(self: Any, x: Any, *args: Any, **named: Any) -> Any:
            parts = x if isinstance(x, tuple | list) else [x]
            if not any(open_(part) is not None for part in parts):
                return original(self, x, *args, **named)
            _demand_of_scipy(self)
            return close(form(build, self, _points(build, x, open_), *args, **named))

        return call

    with _LOCK:
        forms = _forms()
        originals = {owner: owner.__call__ for owner in forms}
        try:
            for owner, form in forms.items():
                owner.__call__ = replaced(owner, form)
            yield
        finally:
            for owner, call in originals.items():
                owner.__call__ = call


def _demand_of_scipy(table: Any) -> None:
    """Refuse a table that SciPy evaluates by other code, or from other values, than those that are read.

    Raises:
        Unsupported: for a class of the user, and for a table one of whose methods or values was replaced.
    """
    kind = type(table)
    methods = [k for k, v in vars(table).items() if callable(v) and hasattr(kind, k)]
    values, evaluated = (getattr(table, k, None) for k in ("y", "_y"))
    other = (
        values is not None
        and evaluated is not None
        and not np.array_equal(np.ravel(values), np.ravel(evaluated))
    )
    if home_of(kind).partition(".")[0] != "scipy" or methods or other:
        raise Unsupported(
            f"a {kind.__name__} that is not as SciPy makes it", "a table with the values it is made of"
        )


def _points(build: Builder, x: Any, open_: Callable[[Any], Value | None]) -> Tensor:
    """The traced argument; a tuple of arrays as their stack along a new last axis."""
    if not isinstance(x, tuple | list):
        tensor = open_(x)
        assert isinstance(tensor, Tensor)
        return tensor
    parts = [p if (p := open_(v)) is not None else entry.constant(v, "a table") for v in x]
    shape = np.broadcast_shapes(*(np.shape(p) if not isinstance(p, Tensor) else p.shape for p in parts))
    columns: list[Value] = []
    for p in parts:
        if isinstance(p, Tensor):
            columns.append(p.arrange(lambda i: np.broadcast_to(i, shape)[..., None]))
        else:
            columns.append(np.broadcast_to(np.asarray(p), shape)[..., None])
    joined = build.concatenate(columns, len(shape))
    assert isinstance(joined, Tensor)
    return joined


def _beyond(extrapolate: Any, name: str) -> Beyond:
    if extrapolate == "periodic":
        raise Unsupported(f"{name} that is periodic", "a table of the whole domain")
    return "continue" if extrapolate else "limit"


def _shaped(values: Tensor, x: Tensor, extra: tuple[int, ...]) -> Tensor:
    return values.arrange(lambda i: i.reshape(*x.shape, *extra))


def _refuse_axis(table: Any, extra: tuple[int, ...], name: str) -> None:
    if extra and getattr(table, "axis", 0) != 0:
        raise Unsupported(f"{name} along axis {table.axis}", f"{name} along axis 0")


def _polynomials(build: Builder, table: Any, x: Tensor, nu: int = 0, extrapolate: Any = None) -> Tensor:
    """PPoly, CubicSpline, PchipInterpolator, Akima1DInterpolator, BPoly."""
    from scipy import interpolate

    name = type(table).__name__
    beyond = _beyond(table.extrapolate if extrapolate is None else extrapolate, name)
    if isinstance(table, interpolate.BPoly):
        table = interpolate.PPoly.from_bernstein_basis(table)
    c, knots = table.c, table.x
    if nu:
        moved = interpolate.PPoly(c, knots).derivative(nu)
        c, knots = moved.c, moved.x
    if knots[0] > knots[-1]:
        raise Unsupported(f"{name} with decreasing knots", "increasing knots")
    _refuse_axis(table, c.shape[2:], name)
    piecewise = tables.of_polynomials(knots, c, beyond, name)
    return _shaped(tables.evaluate(build, piecewise, x), x, c.shape[2:])


def _spline(build: Builder, table: Any, x: Tensor, nu: int = 0, extrapolate: Any = None) -> Tensor:
    """BSpline."""
    beyond = _beyond(table.extrapolate if extrapolate is None else extrapolate, "BSpline")
    spline = table.derivative(nu) if nu else table
    extra = np.shape(spline.c)[1:]
    _refuse_axis(table, extra, "BSpline")
    return _shaped(tables.evaluate(build, tables.of_spline(spline, beyond, "BSpline"), x), x, extra)


def _univariate(build: Builder, table: Any, x: Tensor, nu: int = 0, ext: Any = None) -> Tensor:
    """UnivariateSpline and its kin; ``ext``: 0 extrapolates, 1 is zero, 2 an error, 3 the value at the end."""
    from scipy import interpolate

    name = type(table).__name__
    ext = table.ext if ext is None else ext
    ext = {"extrapolate": 0, "zeros": 1, "raise": 2, "const": 3}.get(ext, ext)
    beyond: Beyond = "continue" if ext == 0 else "keep" if ext == 3 and not nu else "limit"
    t, c, k = table._eval_args
    spline = interpolate.BSpline(t, np.asarray(c)[: len(t) - k - 1], k)
    return _shaped(
        tables.evaluate(build, tables.of_spline(spline.derivative(nu) if nu else spline, beyond, name), x),
        x,
        (),
    )


def _interp1d(build: Builder, table: Any, x: Tensor) -> Tensor:
    kind = table._kind
    if kind not in ("linear", "slinear"):
        raise Unsupported(
            f"interp1d of kind {kind!r}", "make_interp_spline, CubicSpline" if kind == "spline" else _STEP
        )
    if table._call not in (type(table)._call_linear, type(table)._call_linear_np):
        raise Unsupported(
            "an interp1d that is evaluated otherwise than as its kind", "interp1d as SciPy makes it"
        )
    if np.ndim(table.y) > 1:
        raise Unsupported("interp1d of several outputs", "one table for each output")
    beyond: Beyond = "continue" if table._extrapolate else "limit"
    piecewise = tables.linear(table.x, table.y, beyond, beyond, "interp1d")
    return _shaped(tables.evaluate(build, piecewise, x), x, ())


def _grid(build: Builder, table: Any, x: Tensor, method: Any = None, *, nu: Any = None) -> Tensor:
    """RegularGridInterpolator: linear, and the tensor splines slinear, cubic and quintic."""
    from scipy import interpolate

    method = table.method if method is None else method
    name = f"RegularGridInterpolator of method {method!r}"
    d, values = len(table.grid), np.asarray(table.values)
    if x.shape[-1] != d or values.ndim != d:
        raise Unsupported(f"{name} of values of several components", "one table for each component")
    beyond: Beyond = "limit" if table.bounds_error or table.fill_value is not None else "continue"
    if nu is not None and any(nu):
        raise Unsupported(f"derivatives by {name}", "a table of the derivative")
    if d == 1:  # without a basis, which takes memory like the square of the number of knots
        if method == "linear":
            one = tables.linear(table.grid[0], values, beyond, beyond, name)
        elif method in _SPLINES:
            spline = table._spline if method == table.method else table._construct_spline(method)
            one = tables.of_spline(
                interpolate.BSpline(spline.t[0], np.asarray(spline.c), spline.k[0]), beyond, name
            )
        else:
            raise Unsupported(name, _STEP if method == "nearest" else "linear or cubic")
        return tables.evaluate(build, one, x).arrange(lambda i: i.reshape(x.shape[:-1]))
    bases: list[Piecewise]
    if method == "linear":
        bases, coefficients = [tables.hats(g, beyond, name) for g in table.grid], values
    elif method in _SPLINES:  # SciPy evaluates the spline that it made, not `values`
        spline = table._spline if method == table.method else table._construct_spline(method)
        bases = [tables.basis_splines(t, k, beyond, name) for t, k in zip(spline.t, spline.k, strict=True)]
        coefficients = np.asarray(spline.c)
    else:
        raise Unsupported(name, _STEP if method == "nearest" else "linear or cubic")
    points = x.index.reshape(-1, d)
    parts: list[Value] = []
    for row in points:
        columns = [Tensor(x.node, row[j : j + 1]) for j in range(d)]
        parts.append(tables.on_grid(build, bases, coefficients, columns))
    joined = build.concatenate(parts, 0)
    assert isinstance(joined, Tensor)
    return joined.arrange(lambda i: i.reshape(x.shape[:-1]))


def interp(
    build: Builder, x: Tensor, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Tensor:
    """np.interp and jnp.interp, which keep the values of the ends.

    Raises:
        Unsupported: for a table that depends on the input or has a period.
    """
    if isinstance(xp, Tensor) or isinstance(fp, Tensor):
        raise Unsupported("interp of a table that depends on the input", "a constant table")
    if period is not None:
        raise Unsupported("interp with a period", "a table of the whole domain")
    knots, values = (entry.constant(v, "interp") for v in (xp, fp))
    below: Beyond = "keep" if left is None or float(left) == values[0] else "limit"
    above: Beyond = "keep" if right is None or float(right) == values[-1] else "limit"
    piecewise = tables.linear(knots, values, below, above, "interp")
    return _shaped(tables.evaluate(build, piecewise, x), x, ())


def _forms() -> dict[Any, Callable[..., Tensor]]:
    """The classes whose calls are read; none where nothing has imported SciPy's interpolation, which takes long."""
    if "scipy.interpolate" not in sys.modules:
        return {}
    from scipy import interpolate

    return {
        interpolate.PPoly.__mro__[1]: _polynomials,
        interpolate.BSpline: _spline,
        interpolate.UnivariateSpline: _univariate,
        interpolate.interp1d.__mro__[1]: _interp1d,
        interpolate.RegularGridInterpolator: _grid,
    }
