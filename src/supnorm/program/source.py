"""The program of a function, if it is known or can be traced."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from supnorm.foreign import home_of
from supnorm.jax_mode import jax_mode
from supnorm.program.branches import demand_no_branches
from supnorm.program.entry import Narrowed
from supnorm.program.jaxpr import lower_jaxpr
from supnorm.program.numpy import lower_numpy
from supnorm.program.operations import MODULE, Unsupported
from supnorm.program.program import Program
from supnorm.program.rows import is_of_one_point
from supnorm.program.run_plainly import demand_as_jax_reads
from supnorm.program.watched import Unlike


class Composed(Protocol):
    """Code behind values that is made of functions which are read each in its own way: it makes its program itself."""

    def composed(self, d: int) -> Program:
        """The program of points ``(n, d)``; raises `Unsupported` where a part cannot be read."""


def program_of(
    function: Any, d: int, limited: bool = False, reader: str = "", branches: bool = False
) -> Program:
    """The straight-line program of a `Function`: the one it has, or one traced from its code (JAX, NumPy or torch).

    Args:
        function: has ``program``, or ``value`` with ``code`` (the user's) and its ``kind``, or is itself code.
        d: number of inputs.
        limited: whether the caller heeds ``limits`` of the program; if not, a table that ends is refused.
        reader: "jax" for plain code that NumPy's protocols could not read before.
        branches: whether the caller's rules hold for programs that jump (``where``); if not, they are refused.

    Raises:
        Unsupported: names the operation, or says that the code cannot be traced.

    >>> program_of(lambda x: x[:, 0] * x[:, 1], 2).operations
    ('input', 'mul', 'take')
    """
    program = _program_of(function, d, reader)
    if not branches:
        demand_no_branches(program, "this use")
    if program.limits and not limited:
        one = program.limits[0]
        raise Unsupported(
            f"{one.name}, which ends at {one.low:.6g} and {one.high:.6g}, in this use",
            "a table that extrapolates",
        )
    return program


def _program_of(function: Any, d: int, reader: str) -> Program:
    known = getattr(function, "program", None)
    least = getattr(function, "precision", "float64")
    if isinstance(known, Program):
        return known
    value = getattr(function, "value", function)
    # An object of the user may have attributes of these names, too.
    ours = home_of(type(value)).partition(".")[0] == "supnorm"
    code, kind = (getattr(value, "code", value), getattr(value, "kind", "")) if ours else (value, "")
    name = getattr(function, "name", "") or getattr(code, "__name__", "function")
    try:
        if kind == "composed":
            composition: Composed = code
            return composition.composed(d)
        if kind == "torch":
            from supnorm.program.torch import lower_torch

            return lower_torch(code, d, least)
        if kind == "jax":
            return lower_jaxpr(code, d, least, compiled=True)
        return _by_jax(code, d, least) if reader == "jax" else _trace(code, d, least)
    except Unsupported:
        raise
    except Exception as error:
        if kind == "point":
            form = "a function of many points, x of shape (n, d), without per_point"
            raise Unsupported(f"{name} of one point (per_point = true)", form) from None
        first = str(error).strip().splitlines()[0][:120] if str(error).strip() else ""
        raise Unsupported(
            f"{name} (its code cannot be traced: {type(error).__name__}: {first})",
            MODULE
            if _uses_torch(code)
            else "vectorised NumPy or JAX code without branches on values, or an ONNX model",
        ) from None


def _uses_torch(code: Any) -> bool:
    """Whether a function of arrays names torch or a module of it."""
    torch, held = sys.modules.get("torch"), getattr(code, "__globals__", {})
    named = [held.get(name) for name in getattr(getattr(code, "__code__", None), "co_names", ())]
    return torch is not None and any(v is torch or isinstance(v, torch.nn.Module) for v in named)


def _trace(code: Any, d: int, least: str) -> Program:
    """Trace by NumPy's protocols, and by JAX if these cannot read the code.

    NumPy comes first, because NumPy runs plain code that calls neither library (``x[:, 0] * c``). Code that
    does without JAX is read without it: its import takes 0.4 s.
    """
    if "jax" not in sys.modules:
        try:
            program = lower_numpy(code, d, least)
            if "jax" not in sys.modules:
                return program
            # The code has imported JAX, which computes in float32 unless it is told otherwise.
        except Narrowed:
            if "jax" not in sys.modules:
                raise
        except Unlike:
            raise
        except Exception:  # raised again below, where JAX reads what it can
            pass
    from jax.errors import TracerArrayConversionError

    try:
        with jax_mode(True), _whole_tracebacks():  # arrays of JAX in the code
            return lower_numpy(code, d, least)
    except (Narrowed, Unlike):
        raise
    except Exception as error:  # JAX raises errors of many types for an array that is not its own
        failure = error
    try:
        return _by_jax(code, d, least)
    except TracerArrayConversionError:  # the code calls NumPy
        raise failure from None


def _whole_tracebacks() -> AbstractContextManager[object]:
    """A context in which JAX takes no frames out of the tracebacks of its errors: that takes two milliseconds for each."""
    from jax._src import config

    setting = getattr(config, "traceback_filtering", None)
    return nullcontext() if setting is None else setting("off")


def _by_jax(code: Any, d: int, least: str) -> Program:
    program = lower_jaxpr(code, d, least)
    if not is_of_one_point():
        demand_as_jax_reads(code, d)
    return program
