"""What differs where the user's code runs: settings that tell it of values, and arrays of NumPy in the place of JAX's.

Settings that stand where the user's code runs and tell it of values, although supnorm silences NumPy where it calls code.

A program may make errors of NumPy's warnings for reasons of its own. Code that catches such an error, or is called with it,
is told of an overflow or NaN: what it does then is not read.
"""

from __future__ import annotations

import builtins
import dis
import sys
import threading
import warnings
from itertools import pairwise
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from supnorm.program.executed import Executed
from supnorm.program.expressions import Expression
from supnorm.program.foreign_code import foreign_code
from supnorm.program.watched import warnings_raise
from supnorm.results import BadInput

CALLS = {"call", "log"}  # settings with which NumPy calls a function


def demand_as_numpy(unlike: Expression | None, what: str) -> None:
    """Check that JAX has read what NumPy computes.

    Args:
        unlike: an expression that gives another array with arrays of JAX.
        what: "model" or "reference".

    Raises:
        BadInput: names the expression.
    """
    if unlike is not None:
        raise BadInput(
            f"certify cannot read the {what}: {Path(unlike.file).name} line {unlike.line}: {unlike.text} gives something "
            "else with arrays of NumPy, with which the code runs, than with arrays of JAX, by which it was read; write it "
            "with functions of jax.numpy, or without this option"
        )


def demand_no_hooks(what: str) -> None:
    """Check that Python calls no function of the user at each call or line: it could see what is read, and change the code.

    Debuggers and measurements of coverage have functions of a library.

    Raises:
        BadInput: names the function.
    """
    hooks = (sys.getprofile(), sys.gettrace(), threading.getprofile(), threading.gettrace())
    for hook in (getattr(one, "__func__", one) for one in hooks):
        call = hook if isinstance(hook, FunctionType) else vars(type(hook)).get("__call__")
        if isinstance(call, FunctionType) and not foreign_code(call.__code__, call.__globals__):
            raise BadInput(
                f"certify cannot read the {what} while Python calls {call.__qualname__} ({call.__code__.co_filename}) at "
                "each call or line (sys.setprofile, sys.settrace): such a function can change what the code computes; end it"
            )


def demand_silent(read: Executed, what: str) -> None:
    """Check that no setting which stands tells the code of values.

    Args:
        read: what was executed while the code was read.
        what: "model" or "reference".

    Raises:
        BadInput: names the setting, and code that catches errors.
    """
    modes: set[str] = set(map(str, np.geterr().values()))
    hooks = (h for h in (warnings.showwarning, warnings.formatwarning) if isinstance(h, FunctionType))
    heard = min(modes & CALLS, default=None)
    if "warn" in modes and any(not foreign_code(h.__code__, h.__globals__) for h in hooks):
        heard = "warn"
    error = FloatingPointError if "raise" in modes else RuntimeWarning
    where = ""
    if heard is None and ("raise" in modes or ("warn" in modes and warnings_raise())):
        codes = [code for i, code in read.objects.items() if _catches(code, read.names[i], error)]
        heard = ("raise" if "raise" in modes else "warn") if codes else None
        where = f": {codes[0].co_qualname} catches errors" if codes else ""
    if heard is not None:
        raise BadInput(
            f"certify cannot read the {what}{where}, and NumPy's settings (numpy.geterr() has '{heard}') tell it of an "
            "overflow or NaN where it runs; a proof is about code that is not told: leave these settings out"
        )


def _catches(code: CodeType, names: dict[str, Any], error: type[Exception]) -> bool:
    """Whether code goes on after such an error, by an ``except`` of its class or of all, or by `contextlib.suppress`.

    Where that cannot be seen (a class in a local variable, ``return`` in ``finally``, an ``__exit__`` of the user), it does.
    """
    steps = [*dis.get_instructions(code)]
    starts = [i for i, one in enumerate(steps) if one.opname == "PUSH_EXC_INFO"]
    handlings = [_handling(steps[i + 1 :]) for i in starts]
    hidden = any(
        later.opname in ("CHECK_EXC_MATCH", "BUILD_TUPLE")
        and one.opname.startswith(("LOAD_FAST", "LOAD_DEREF"))
        for one, later in pairwise(steps)
    )
    classes = [names.get(name, vars(builtins).get(name)) for name in code.co_names]
    goes_on = code.co_name == "__exit__" or "on" in handlings or ("class" in handlings and hidden)
    return goes_on or (bool(handlings) and any(_is_of(error, one) for one in classes))


def _handling(steps: list[dis.Instruction]) -> str:
    """What code does with an error: it looks at its class, leaves it to a context, raises it again, or goes on."""
    if steps[0].opname == "POP_TOP":  # an ``except`` of all errors
        return "on"
    kinds = {"CHECK_EXC_MATCH": "class", "WITH_EXCEPT_START": "context", "RERAISE": "again"}
    ends = ("POP_EXCEPT", "RETURN_VALUE", "RETURN_CONST", "CHECK_EG_MATCH")
    return next((kinds.get(one.opname, "on") for one in steps if one.opname in (*kinds, *ends)), "on")


def _is_of(error: type[Exception], one: Any) -> bool:
    if isinstance(one, tuple):
        return any(_is_of(error, part) for part in one)
    return isinstance(one, type) and issubclass(one, BaseException) and issubclass(error, one)
