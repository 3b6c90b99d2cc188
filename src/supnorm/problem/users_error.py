"""The message for an exception in the user's code: its text, and the line of the user's file that it came from."""

from __future__ import annotations

import os
import sysconfig
import traceback
from pathlib import Path
from typing import Any

from supnorm.problem.function import exited

LONGEST = 500  # characters of a message
_OURS = f"{Path(__file__).parent.parent}{os.sep}"
_LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
# Texts of the commonest mistake: a function of one point that is called with all points at once.
_ONE_POINT = (
    "required positional argument",
    "positional arguments but",
    "only length-1 arrays",
    "only 0-dimensional arrays",
    "truth value of an array",
    "is out of bounds for axis 0 with size",
)


class Described(str):
    """A message with the exception that it is about; the exception is lost when the message leaves its process."""

    cause: BaseException | None = None

    def __reduce__(self) -> Any:
        return str, (str(self),)


def described(error: BaseException) -> Described:
    """The message of a call that failed.

    >>> described(ValueError("division by lawyers"))
    'exception: ValueError: division by lawyers'
    """
    try:
        shown = exited(error) if isinstance(error, SystemExit) else str(error)
    except Exception as fault:  # in the user's own class of exceptions
        shown = f"its text raises {type(fault).__name__}"
    text = " ".join(f"exception: {type(error).__name__}: {shown}".split())
    where = _where(error)
    message = Described(text[: LONGEST - len(where)] + where)
    message.cause = error
    return message


def _where(error: BaseException) -> str:
    """The last line of a user's file that the exception passed through; empty if there is none."""
    line_of_user = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        name = frame.f_code.co_filename
        if not name.startswith(("<", _OURS, *_LIBRARIES)):
            line_of_user = f" ({Path(name).name}, line {line})"
    return line_of_user


def hint(message: str, command: bool = False) -> str:
    """Advice for a function that fails at every point, if its message shows a common mistake.

    >>> hint("exception: TypeError: two() missing 1 required positional argument: 'y'")
    '; it was called with all points at once, an array (n, d): a function of one point needs per_point = true'
    """
    if command:
        return (
            "; a command gets its points on standard input, a line with d numbers for each; a program that takes arguments "
            'names the inputs in braces: command = ["./sim", "--flow", "{flow}"]'
        )
    if any(words in message for words in _ONE_POINT):
        return "; it was called with all points at once, an array (n, d): a function of one point needs per_point = true"
    return ""
