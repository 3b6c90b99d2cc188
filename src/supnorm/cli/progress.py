"""The lines that long work of any verb prints on stderr: facts at once, and from time to time the progress."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from supnorm.cli.answer import say
from supnorm.pages.progress import NowAndThen
from supnorm.results.duration import duration
from supnorm.results.numbers import count, num, percent

ENDLESS = 1e7  # seconds: a longer forecast is not printed, because it is too uncertain


@dataclass(frozen=True)
class CheckPlanned:
    """The forecast cost of checking a certificate, in words, and the number of processes that share it."""

    cost: str
    workers: int


@dataclass(frozen=True)
class LeavesChecked:
    """``done`` of ``total`` leaves of a certificate have been proved again."""

    done: int
    total: int


class Progress:
    """The observer of every verb except `audit`, which draws its progress. The kind of an event determines its line.

    Args:
        patience: text that is added to the first line that announces long work, such as how to end it sooner.
        clock: returns seconds.

    >>> from supnorm.planning.progress import Planned
    >>> from supnorm.evaluation import Advanced
    >>> import sys
    >>> sys.stderr, stderr = sys.stdout, sys.stderr
    >>> times = iter([0.0, 30.0, 30.0, 30.0])
    >>> tell = Progress("; --out DIR would keep them", clock=lambda: next(times))
    >>> tell(Planned("flow", 756, 0.3, 226.8))
    budget of flow: about 756 calls, 0.3 s each: about 3.8 min; --out DIR would keep them
    >>> tell(Advanced(100, 756, float("nan"), float("nan"), 0))
      100 of about 756 calls, 30 s, about 3.3 min left
    >>> sys.stderr = stderr
    """

    def __init__(self, patience: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self._patience, self._far = patience, NowAndThen(clock)

    def __call__(self, event: Any) -> None:
        """Print the line of an event; events of unknown kinds print nothing."""
        name = type(event).__name__
        if name in AT_ONCE:
            patience = self._patience if name in ANNOUNCEMENTS else ""
            self._patience = self._patience[len(patience) :]
            say(AT_ONCE[name](event) + patience, err=True)
        elif name in FAR and self._far.due(getattr(event, "done", None)):
            say(f"  {FAR[name](event, self._far)}", err=True)


def _calls_planned(event: Any) -> str:
    each = f"{duration(event.cost)} each" if event.cost >= 1e-3 else f"{num(1e6 * event.cost, 2)} us each"
    return (
        f"budget of {event.title}: about {count(event.calls)} calls, {each}: about {duration(event.seconds)}"
    )


def _calls_ahead(event: Any) -> str:
    sooner = "; --max-evaluations N or --seconds S ends sooner" if event.chosen else ""
    up_to = f"up to {count(event.evaluations)} evaluations for fitting take about {duration(event.seconds)}"
    return f"  a call takes {duration(event.cost)}: {up_to}, audits further ones{sooner}"


def _trainings_planned(event: Any) -> str:
    name = f" of {event.curve}" if event.curve else ""
    if event.seconds is None:
        return f"learning curve{name}: {event.runs} trainings; two short ones come first and show how long it takes"
    return f"learning curve{name}: {event.runs} trainings to go, about {duration(event.seconds)}"


def _training_ended(event: Any) -> str:
    run = event.run
    errors = f"RMS {num(run.rms)}, largest error {num(run.sup)}"
    return f"  {event.done} of {event.runs}: {run.samples} samples, width {run.width}: {errors}"


def _check_planned(event: Any) -> str:
    shared = f", shared by up to {event.workers} processes" if event.workers > 1 else ""
    return f"  forecast: {event.cost}{shared}"


def _round_ended(event: Any) -> str:
    calls = f"{count(event.calls)} of {count(event.budget)} calls"
    return f"  {calls}: worst error found {event.unit(event.worst)}, before the repair {event.unit(event.before)}"


def _calls_made(event: Any, far: NowAndThen) -> str:
    expected = event.budget or event.done
    more = "" if event.done < expected else ", more than planned: kinks and peaks are followed further"
    of = f" of about {count(expected)}" if event.done < expected else ""
    return f"{count(event.done)}{of} calls{more}, {far.words(event.done, expected)}"


def _narrowed(event: Any, far: NowAndThen) -> str:
    left = _left(event)
    boxes = "box" if event.boxes == 1 else "boxes"
    return (
        f"[{num(event.lower, 4)}, {num(event.upper, 4)}]  {_proved(event)} of the volume proved, "
        f"{count(event.boxes)} {boxes}, {count(event.pending)} to do, {duration(event.seconds)}, {left}"
    )


def _pending(event: Any, far: NowAndThen) -> str:
    boxes = f"{count(event.done)} of {count(event.total)} pending boxes bounded once more"
    left = f", at most {duration(event.limit)} left" if event.limit < ENDLESS else ""
    return f"[{num(event.lower, 4)}, {num(event.upper, 4)}]  no more halving; {boxes}{left}"


def _proved(event: Any) -> str:
    """The share that is proved; not 100 % while boxes are left, whatever the rounding says.

    >>> from types import SimpleNamespace
    >>> _proved(SimpleNamespace(proved_volume=0.99999, pending=7)), _proved(SimpleNamespace(proved_volume=1.0, pending=0))
    ('over 99.9 %', '100 %')
    """
    whole, share = percent(1.0, 3), percent(event.proved_volume, 3)
    return f"over {percent(0.999, 3)}" if event.pending and share == whole else share


def _left(event: Any) -> str:
    """How much time is left: the forecast, else the limit; nothing is promised while boxes are halved faster than proved."""
    if event.remaining < min(event.limit, ENDLESS):
        return f"about {duration(event.remaining)} left"
    return f"at most {duration(event.limit)} left" if event.limit < ENDLESS else "time left not known yet"


def _part(event: Any, far: NowAndThen) -> str:
    one = event.narrowed
    left = _left(one)
    return (
        f"part {event.number} of {event.parts}: {_proved(one)} of the volume proved, "
        f"{count(one.boxes)} boxes, {count(one.pending)} to do, {duration(one.seconds)}, {left}"
    )


def _leaves(event: Any, far: NowAndThen) -> str:
    return f"{count(event.done)} of {count(event.total)} boxes proved again, {far.words(event.done, event.total)}"


def _fields_planned(event: Any) -> str:
    size = f"{num(event.bytes / 1e9)} GB" if event.bytes > 1e8 else f"{num(event.bytes / 1e6)} MB"
    variables = "one variable" if event.variables == 1 else f"{count(event.variables)} variables"
    return f"{variables}, {count(event.pairs)} pairs of fields, {size} to read"


def _fields(event: Any, far: NowAndThen) -> str:
    done = f"{count(event.done)} of {count(event.total)} pairs of fields compared"
    # Stored together, many fields are read before the first one is compared.
    return (
        f"{done}, {far.time(None)}: reading the first ones"
        if not event.done
        else f"{done}, {far.words(event.done, event.total)}"
    )


def _bounds(event: Any, far: NowAndThen) -> str:
    done = f"{count(event.done)} of {count(event.total)} bounds of the file proved again"
    return f"{done}, {far.words(event.done, event.total)}"


# The keys are names of events, because importing the events of every room would take a second.
AT_ONCE: dict[str, Callable[[Any], str]] = {
    "GuardPlanned": lambda event: event.words,
    "Planned": _calls_planned,
    "CallsAhead": _calls_ahead,
    "TrainingsPlanned": _trainings_planned,
    "TrainingEnded": _training_ended,
    "Tried": lambda e: f"  tried {e.method}: RMS {e.unit(e.rms)}, worst {e.unit(e.worst)}",
    "Training": lambda e: f"  training a network of {count(e.weights)} weights on {count(e.samples)} samples",
    "CheckPlanned": _check_planned,
    "Mending": _round_ended,
    "FieldsPlanned": _fields_planned,
}
ANNOUNCEMENTS = ("Planned", "Training")
FAR: dict[str, Callable[[Any, NowAndThen], str]] = {
    "Advanced": _calls_made,
    "BracketNarrowed": _narrowed,
    "PendingBounded": _pending,
    "PartNarrowed": _part,
    "LeavesChecked": _leaves,
    "Stepping": lambda e, far: f"{count(e.done)} of {count(e.steps)} steps, {far.words(e.done, e.steps)}",
    "ProvedAgain": _bounds,
    "FieldsCompared": _fields,
}
