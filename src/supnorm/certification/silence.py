"""Settings that stand where the user's code runs and tell it of values, although supnorm silences NumPy where it calls code.

A program may make errors of NumPy's warnings for reasons of its own. Code that catches such an error, or is called with it,
is told of an overflow or NaN: what it does then is not read.
"""

from __future__ import annotations

import builtins
import dis
import warnings
from itertools import pairwise
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from supnorm.program.executed import Executed, foreign_code
from supnorm.program.watched import warnings_raise
from supnorm.results import BadInput

CALLS = {"call", "log"}  # settings with which NumPy calls a function


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
    """Whether code goes on after such an error, by an ``except`` of its class or of all, or by `contextlib.suppress`."""
    steps = [one.opname for one in dis.get_instructions(code)]
    after = {later for one, later in pairwise(steps) if one == "PUSH_EXC_INFO"}
    classes = [names.get(name, vars(builtins).get(name)) for name in code.co_names]
    return "POP_TOP" in after or (bool(after) and any(_is_of(error, one) for one in classes))


def _is_of(error: type[Exception], one: Any) -> bool:
    if isinstance(one, tuple):
        return any(_is_of(error, part) for part in one)
    return isinstance(one, type) and issubclass(one, BaseException) and issubclass(error, one)
