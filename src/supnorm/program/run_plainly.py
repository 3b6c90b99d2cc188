"""Whether code that JAX reads does with NumPy's arrays what JAX does not: it changes them in place, or hears of an overflow.

JAX reads code of plain arrays where NumPy's protocols cannot. Its arrays never change, and no setting of NumPy tells of
their values. So such code is run once with an array that notes both.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Any

import numpy as np

from supnorm.program.executed import unrecorded
from supnorm.program.watched import Unlike, events, hearing_of_overflow, in_place, left_alone

# Methods of an array that change it.
CHANGING = ("__delitem__", "__setitem__", "fill", "itemset", "partition", "put", "resize", "setfield", "sort")


def demand_as_jax_reads(function: Callable[..., Any], d: int) -> None:
    """Check that code computes with plain arrays as it does with those of JAX.

    What else goes wrong in this call counts for nothing: the values of both are compared elsewhere, at points of the domain.

    Args:
        function: ``(n, d) -> (n,)`` or ``(n, m)``, which NumPy's protocols could not read.
        d: number of inputs.

    Raises:
        Unlike: when the code changes an array in place, or lets NumPy tell it of an overflow, an underflow or NaN.

    >>> demand_as_jax_reads(lambda x: x.cumsum(axis=1)[:, 0], 2)
    >>> def model(x):
    ...     s = x.cumsum(axis=1)
    ...     first = s[:, 0]
    ...     first += 1.0
    ...     return s[:, 0]
    >>> demand_as_jax_reads(model, 2)
    Traceback (most recent call last):
    supnorm.program.watched.Unlike: np.add in place cannot be read; nearest supported form: y = y + 1 ...
    """
    import jax

    seen: list[Unlike] = []
    # In float64, as JAX read it: without it an operation of JAX fails in the middle of the code, and the rest does not run.
    with unrecorded(), np.errstate(all="ignore"), suppress(Exception), jax.enable_x64(True):

        class Noting(_Noting):
            noted, known = seen, left_alone()

        function(np.full((2, d), 0.5).view(Noting))
    if seen:
        raise seen[0]


class _Noting(np.ndarray):
    """An array that notes what JAX would not see; what is computed from it is one too."""

    noted: list[Unlike]
    known: frozenset[Hashable]

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **named: Any
    ) -> Any:
        if out is not None or method == "at":
            self.noted.append(in_place(f"np.{ufunc.__name__}"))
        if events() - self.known:
            self.noted.append(hearing_of_overflow())
        plain = [np.asarray(one) if isinstance(one, _Noting) else one for one in inputs]
        if out is not None:
            named["out"] = tuple(np.asarray(one) if isinstance(one, _Noting) else one for one in out)
        result = getattr(ufunc, method)(*plain, **named)
        results = [
            one.view(type(self)) if isinstance(one, np.ndarray) else one
            for one in (result if isinstance(result, tuple) else (result,))
        ]
        return tuple(results) if isinstance(result, tuple) else results[0]


def _changing(name: str) -> Callable[..., Any]:
    def method(self: _Noting, *args: Any, **named: Any) -> Any:
        self.noted.append(in_place(f"ndarray.{name}"))
        return getattr(np.ndarray, name)(self, *args, **named)

    return method


for _name in CHANGING:
    if hasattr(np.ndarray, _name):
        setattr(_Noting, _name, _changing(_name))
