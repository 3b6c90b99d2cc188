"""A mark in the folder of a run while a later run of the same verb works there: the old result is not that of the later run.

A run that is refused, killed or interrupted before it writes a result leaves the result of an earlier run in its folder.
That result is still true of the earlier problem, and stays. The mark stays beside it, and who tells the folder's verdict
(`supnorm report`, `supnorm compare-runs`) tells the mark instead. A run that writes its result takes the mark away.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from supnorm.results.guard import exists
from supnorm.results.printable import one_line
from supnorm.results.status import BadInput, Mistyped, NotWritten
from supnorm.results.writing import write_whole

# The results of each verb, by which an earlier run of it is known.
RESULTS = {
    "audit": ("result.json",),
    "repair": ("repair.json",),
    "guard": ("guard.json",),
    "fit": ("fit.json",),
    "compare": ("compare.json",),
    "fields": ("fields.json",),
    "rollout": ("rollout.json",),
    "budget": ("budget.json",),
    "claim": ("claim.json", "claims.json"),
    "reproduce": ("reproduce.json",),
    "certify": ("certify.json", "solution.json", "properties.json", "norms.json"),
}
LONGEST = 500  # characters of the reason


@dataclass(frozen=True)
class Unfinished:
    """The last run of a verb in a folder has written no result.

    Attributes:
        verb: of the run.
        begun: when, in UTC.
        why: why it was refused; empty where it was not, but ended before it wrote a result.
    """

    verb: str
    begun: str
    why: str = ""

    @property
    def words(self) -> str:
        """What happened, in one sentence without a full stop."""
        run = f"the last {self.verb} in this folder, of {self.begun} UTC,"
        return f"{run} was refused: {self.why}" if self.why else f"{run} has written no result (yet)"


def _mark(folder: Path, verb: str) -> Path:
    return folder / f"unfinished-{verb}.json"


def unfinished(folder: Path, result_file: str) -> Unfinished | None:
    """The last run in a folder of the verb that writes this file, if it has written no result.

    >>> unfinished(Path("nowhere"), "result.json") is None
    True
    """
    verb = next((verb for verb, files in RESULTS.items() if result_file in files), "")
    path = _mark(folder, verb)
    if not exists(path):
        return None
    try:
        held = json.loads(path.read_text("utf-8"))
        return Unfinished(verb, one_line(str(held["begun"]), 40), one_line(str(held["why"]), LONGEST))
    except (OSError, ValueError, KeyError, TypeError):
        # Damaged: there was a run, and nothing is known of its end.
        return Unfinished(verb, "an unknown time")


def demand_finished(folder: Path, result_file: str) -> None:
    """See that the result in a folder is that of the last run in it.

    Raises:
        BadInput: when a later run of the verb was refused, or has written no result.
    """
    mark = unfinished(folder, result_file)
    if mark is not None:
        raise BadInput(
            f"{folder}: {mark.words}; {result_file} is the result of an earlier run: run the {mark.verb} again, or delete "
            f"{_mark(folder, mark.verb)} to go on with the earlier result"
        )


@contextmanager
def marked(folder: Path | None, verb: str) -> Iterator[None]:
    """A context for a run; until its end a mark says that a result of this verb in the folder is an earlier one."""
    if folder is None or verb not in RESULTS:
        yield
        return
    begun = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
    before = _held(folder, verb)
    _put(folder, verb, begun)
    try:
        yield
    except Mistyped:  # nothing was run, and nothing has changed: the folder is as it was
        with suppress(BadInput, NotWritten, OSError):
            if before is None:
                take_mark_away(folder, verb)
            else:
                write_whole(_mark(folder, verb), before)
        raise
    except BadInput as why:
        _put(folder, verb, begun, str(why))
        raise
    with suppress(OSError):
        take_mark_away(folder, verb)


def _held(folder: Path, verb: str) -> str | None:
    """The mark that an earlier run has left; None without one."""
    try:
        return _mark(folder, verb).read_text("utf-8")
    except (OSError, ValueError):
        return None


def take_mark_away(folder: Path, verb: str = "") -> None:
    """Remove the mark of a verb, or of every verb."""
    for name in [verb] if verb else RESULTS:
        _mark(folder, name).unlink(missing_ok=True)


def _put(folder: Path, verb: str, begun: str, why: str = "") -> None:
    """Write a mark beside an earlier result; a folder that cannot be written is told by who writes the result."""
    if not any(exists(folder / name) for name in RESULTS[verb]):
        return
    with suppress(BadInput, NotWritten, OSError):
        document = {"verb": verb, "begun": begun, "why": one_line(why, LONGEST)}
        write_whole(_mark(folder, verb), json.dumps(document) + "\n")
