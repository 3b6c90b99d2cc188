"""Functions of mpmath by name, each value with as many bits as make its float64 number correct.

A value is computed with 80, 160, 320, ... bits, until what separates two successive values moves the nearest float64
number no more: both ends of [y - w, y + w] round to it, w being 16 times the difference and at least 2^-56 of y. That is
agreement and no proof: a function that is wrong in the same way with both precisions is not noticed. Where 2,560 bits do not
agree with 1,280, where mpmath raises, and where the value is complex, the function has no value and says why.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

from supnorm.problem import Function
from supnorm.program import Unreadable
from supnorm.results import BadInput, install
from supnorm.results.numbers import num
from supnorm.results.printable import one_line
from supnorm.results.suggestion import did_you_mean
from supnorm.sources.programs import unread
from supnorm.sources.python import per_point

BITS = (80, 160, 320, 640, 1280, 2560)
ROOM = 16  # times the difference of two values: the first of them may be off by more than what separates them
SECONDS = 30.0  # for a point, unless a time is given: some series of mpmath take very long
# Of mpmath's context: what it computes without `SpecialFunctions`.
ELEMENTARY = (
    *(
        "exp",
        "ln",
        "sqrt",
        "cbrt",
        "sin",
        "cos",
        "tan",
        "sinh",
        "cosh",
        "tanh",
        "asin",
        "acos",
        "atan",
        "asinh",
        "acosh",
    ),
    *(
        "atanh",
        "sinpi",
        "cospi",
        "atan2",
        "power",
        "gamma",
        "rgamma",
        "loggamma",
        "factorial",
        "fac",
        "psi",
        "digamma",
    ),
    *("harmonic", "ellipk", "fibonacci", "hypot", "floor", "ceil", "nint", "frac"),
)
# Of several values, of no real number, or of arguments that are no numbers.
NO_REFERENCE = frozenset(
    re.findall(
        r"\w+",
        "arg cyclotomic gammaprod grampoint hyper hypercomb bihyper hyper2d kfrom meijerg mfrom nzeros oldzetazero polar "
        "qbarfrom qfrom qhyper re im conj rect secondzeta spherharm stirling1 stirling2 taufrom unitroots square_exp_arg "
        "dirichlet root backlunds mangoldt primepi2 ellipfun zetazero fmod sign fabs degrees radians",
    )
)


@dataclass(frozen=True)
class Named:
    """A function of mpmath at points of float64 numbers.

    Attributes:
        name: of the function.
        arguments: in their order: a number is fixed, a text stands for the next coordinate of the point.

    >>> Named("besselj", (0, "x"))(2.404825557695773)
    -6.10876525973673e-17
    """

    name: str
    arguments: tuple[float | str, ...]

    def __call__(self, *point: float) -> float:
        """The float64 number that is nearest to the value.

        Raises:
            ArithmeticError: where it is not known.
        """
        ctx, rest = _context(), iter(point)
        given = [next(rest) if isinstance(a, str) else a for a in self.arguments]
        before: Any = None
        last: Any = None
        for bits in BITS:
            ctx.prec = bits
            value = _real(
                ctx, getattr(ctx, self.name)(*(a if isinstance(a, int) else ctx.mpf(a) for a in given))
            )
            if before is not None and (known := _decided(ctx, before, value, bits // 2)) is not None:
                return known
            before, last = value, before
        if before == last:  # halfway between two float64 numbers
            return nearest(before)
        off = abs(before - last) / abs(before) if before else before
        raise ArithmeticError(
            f"no two precisions agree on {self.name}: its values with {BITS[-2]} and {BITS[-1]} bits differ by "
            f"{num(float(off))} of their size"
        )


def _decided(ctx: Any, before: Any, value: Any, bits: int) -> float | None:
    """The float64 number on which two precisions agree; None if they do not."""
    if not ctx.isfinite(value) or not ctx.isfinite(before):
        return float(value) if value == before or (ctx.isnan(value) and ctx.isnan(before)) else None
    room = max(ROOM * abs(value - before), ctx.ldexp(abs(value), 24 - bits))
    low, high = nearest(value - room), nearest(value + room)
    return low if low == high else None


def nearest(value: Any) -> float:
    """The float64 number that is nearest to a number of mpmath, also among subnormal numbers, where mpmath rounds twice.

    >>> from mpmath import mpf
    >>> nearest(mpf(1) / 3) == 1 / 3, nearest(mpf("1e400")), nearest(mpf("4e-324")), nearest(mpf("2e-324"))
    (True, inf, 5e-324, 0.0)
    """
    sign, size, exponent, bits = value._mpf_
    if not size or exponent + bits < -1100:
        return -0.0 if sign else 0.0
    try:
        if exponent + bits > 1100:
            raise OverflowError
        close = float(int(size) << exponent) if exponent >= 0 else int(size) / (1 << -exponent)
    except OverflowError:
        close = math.inf
    return -close if sign else close


def _real(ctx: Any, value: Any) -> Any:
    if isinstance(value, ctx.mpc):
        if value.imag != 0:
            raise ArithmeticError(f"the value is complex, {ctx.nstr(value, 5)}")
        return value.real
    if isinstance(value, bool) or not isinstance(value, ctx.mpf | int | float):
        raise BadInput(f"mpmath gives {type(value).__name__} and no number")
    return ctx.mpf(value)


@cache
def _context() -> Any:
    """A context of our own: another one may be in use."""
    try:
        import mpmath
    except ImportError:
        raise BadInput(f"references of mpmath need mpmath: {install('mpmath')}") from None
    return mpmath.mp.clone()


@cache
def known_names() -> tuple[str, ...]:
    """The functions of mpmath that can be a reference."""
    ctx = _context()
    from mpmath.functions.functions import SpecialFunctions

    special = [
        n for n in SpecialFunctions.defined_functions if not n.startswith("_") and n not in NO_REFERENCE
    ]
    return tuple(sorted(n for n in {*special, *ELEMENTARY} if callable(getattr(ctx, n, None))))


def mpmath_function(
    name: str,
    inputs: Sequence[str] = ("x",),
    arguments: Sequence[float | str] | None = None,
    timeout: float | None = None,
) -> Function:
    """A function of mpmath as a reference: ``mpmath_function("hyp2f1", ["b", "z"], [1.0, "b", 2.5, "z"])``.

    Args:
        name: such as ``"hyp2f1"``.
        inputs: names of the columns of the points.
        arguments: of the function, in its order: a number is fixed, a text names an input, each of which stands once. By
            default the inputs.
        timeout: seconds for a point, 30 by default (in the main thread, on systems with SIGALRM).

    Returns:
        A function ``(n, d) -> (n, 1)`` whose values are those of mpmath, rounded correctly to float64 as far as two
        precisions can tell. A point without a value fails with the reason.

    Raises:
        BadInput: without mpmath, for a name that it does not know, and for arguments that do not name each input once.

    >>> import numpy as np
    >>> mpmath_function("hyp2f1", ["z"], [0.5, 1, 1.5, "z"])(np.array([[0.25]])).item()
    1.0986122886681098
    """
    known = known_names()
    if name not in known:
        raise BadInput(
            f"mpmath has no function {one_line(repr(name), 60)} that can be a reference{did_you_mean(name, known)}"
        )
    given = tuple(inputs if arguments is None else arguments)
    named = [a for a in given if isinstance(a, str)]
    if sorted(named) != sorted(inputs):
        raise BadInput(
            f"the arguments of {name} must name each input once ({', '.join(inputs)}); "
            f"they name {', '.join(named) or 'none'}"
        )
    if any(not isinstance(a, str) and (isinstance(a, bool) or math.isnan(a)) for a in given):
        raise BadInput(f"a fixed argument of {name} is a number, got {list(given)}")
    try:
        inspect.signature(getattr(_context(), name)).bind(*given)
    except TypeError as why:
        raise BadInput(
            f"mpmath's {name} with the arguments {', '.join(map(str, given))}: {why}; name them in their order: "
            'arguments = [0.5, "x"], where a number is fixed and a text names an input'
        ) from None
    columns = [inputs.index(a) for a in named]
    function = per_point(_Ordered(Named(name, given), tuple(columns)), len(inputs), name, timeout or SECONDS)
    reason = Unreadable(f"mpmath's {name} has no program", "a formula as NumPy or JAX code")
    return replace(
        unread(function, reason),
        name=f"mpmath {name}",
        parallel="process",
        remake=partial(mpmath_function, name, tuple(inputs), arguments, timeout),
    )


@dataclass(frozen=True)
class _Ordered:
    """A function of a point whose coordinates come in another order."""

    function: Callable[..., float]
    columns: tuple[int, ...]

    def __call__(self, *point: float) -> float:
        return self.function(*(point[i] for i in self.columns))
