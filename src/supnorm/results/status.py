"""Why a result stopped, what to do next, and the exit code that says it to a shell."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from supnorm.results.printable import within_a_line


class ExitCode(IntEnum):
    """Exit codes of the command line: a contract."""

    DONE = 0
    EXCEEDED = 1
    BAD_INPUT = 2
    INTERRUPTED = 3
    UNDECIDED = 4
    REFERENCE_FAULT = 5
    OUR_BUG = 70


@dataclass(frozen=True)
class Status:
    """How a result ended.

    Attributes:
        code: a word (``"within-tolerance"``, ``"tolerance-exceeded"``, ``"no-tolerance"``, ...).
        advice: one or two sentences: why it stopped and what to do next.
        exit: the exit code of the command line.
    """

    code: str
    advice: str
    exit: ExitCode = ExitCode.DONE

    @property
    def line(self) -> str:
        """Code and advice; a word that both begin with is there once.

        >>> Status("proved", "Proved: the worst error is at most 0.1.").line
        'proved: the worst error is at most 0.1.'
        >>> Status("no-bound", "The error has no bound.").line
        'no-bound: The error has no bound.'
        """
        if self.advice.lower().startswith(self.code):
            return self.code + self.advice[len(self.code) :]
        return f"{self.code}: {self.advice}"


class BadInput(Exception):
    r"""The user's input cannot be used. The message names what, where, what was got and the remedy.

    It is one line that a terminal can show, whatever a file or a library of others put into it.

    >>> str(BadInput("x.csv: no column \x1b[2J\nof this name"))
    'x.csv: no column \\x1b[2J of this name'
    """

    LONGEST = 1900  # characters: a table may have thousands of columns

    def __init__(self, message: str = "") -> None:
        super().__init__(within_a_line(message, self.LONGEST))


class Mistyped(BadInput):
    """An option names what is not there, and an earlier result in the folder is still true of the files as they are."""


class Contradiction(Exception):
    """Two proved numbers contradict each other: a bug of supnorm. Nothing is claimed and nothing is written."""


class Interrupted(Exception):
    """Stopped by the user; everything done so far is kept and the work can be resumed."""


class NotWritten(Interrupted):
    """A disk that is full, a folder that is read-only or has vanished: what was stored is kept."""
