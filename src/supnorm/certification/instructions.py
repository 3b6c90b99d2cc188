"""Whether the instructions that run on arrays are those that were executed while the code was read.

The program that a proof is about comes from one execution of the user's code on an object that stands for an array. Code
that asks what it is given (``type(x) is np.ndarray``, ``torch.compiler.is_exporting()``, a question in ``try``) or how many
points there are can go another way with arrays. On a small part of the domain no comparison of values shows this. The
instructions show it: those that run and were never executed while the code was read are named, with file and line.
"""

from __future__ import annotations

from pathlib import Path
from types import CodeType

from supnorm.program.executed import Executed
from supnorm.results import BadInput
from supnorm.results.numbers import count


def demand_read(read: Executed, runs: Executed, what: str, points: int) -> None:
    """Check that all that runs was read.

    Args:
        read: instructions that were executed while the code was read.
        runs: those that were executed in a call with arrays.
        what: "model" or "reference".
        points: the number of points of this call.

    Raises:
        BadInput: names the first instruction that runs and was not read, or code that looks at its own execution.
    """
    if not read.readers:  # the program stood in a file, or came with the function
        return
    for seen in (read, runs):
        if (introspects := seen.introspection()) is not None:
            code, name = introspects
            raise BadInput(
                f"certify cannot read the {what}: {_place(code, None)} names {name}, by which code sees how Python executes "
                "it; a proof is about code that does the same when it is read and when it runs: leave it out"
            )
    beyond = runs.beyond(read)
    if beyond is None:
        return
    asks = (
        "what it is given (type, isinstance, is_exporting, try)"
        if points == 1
        else f"what it is given (type, isinstance, is_exporting, try) or how many points there are ({count(points)} here)"
    )
    raise BadInput(
        f"certify cannot read the {what}: {_place(*beyond)} runs on arrays and was not executed while the code was read. "
        f"The code asks {asks} and goes another way then, so that another function would be proved than runs; write one "
        "way for all arrays"
    )


def _place(code: CodeType, offset: int | None) -> str:
    """File, line and function of an instruction."""
    line: int | None = code.co_firstlineno
    if offset is not None:
        line = next((n for start, end, n in code.co_lines() if start <= offset < end and n), line)
    return f"{Path(code.co_filename).name} line {line} ({code.co_qualname})"
