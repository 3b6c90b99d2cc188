"""The events that long work sends to an observer; terminal and notebook show them. The library itself never prints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from supnorm.results.upward import pages


@dataclass(frozen=True)
class Started:
    """Work begins. ``budget`` is in evaluations; None when only seconds limit it.

    Errors are shares (``relative``), in ``unit``, or multiples of each output's tolerance (``per_output``).
    """

    title: str
    tolerance: float | None
    seed: int
    budget: int | None
    relative: bool = False
    unit: str = ""
    per_output: bool = False


@dataclass(frozen=True)
class Planned:
    """How many evaluations the whole work takes at most, and for expensive calls about how many seconds."""

    evaluations: int
    seconds: float | None
    words: str


@dataclass(frozen=True)
class Stage:
    """A stage of the work begins: ``name``, the ``number``-th of ``of``, after ``done`` evaluations.

    ``evaluations``: of this stage, at most; None where that is not known, or where it evaluates a stand-in.
    """

    name: str
    number: int
    of: int
    done: int
    evaluations: int | None = None


@dataclass(frozen=True)
class Advanced:
    """Evaluations were made, also in the middle of a batch of expensive calls. ``worst`` and ``rms`` are NaN until known."""

    done: int
    budget: int | None
    worst: float
    rms: float
    failed: int


@dataclass(frozen=True)
class NewWorst:
    """An error is larger than all earlier ones; ``above`` tells whether it exceeds the tolerance."""

    evaluations: int
    worst: float
    above: bool


@dataclass(frozen=True)
class Planting:
    """``done`` of ``searches`` for planted errors are over; `Advanced` does not count their evaluations of a surrogate."""

    done: int
    searches: int


@dataclass(frozen=True)
class Finished:
    """The work is done."""


Event = Started | Planned | Stage | Advanced | NewWorst | Planting | Finished
Observer = Callable[[Event], None]


def silent(event: Event) -> None:
    """The observer that does nothing."""


def drawing(observer: Observer, progress: bool) -> Observer:
    """The observer, and with ``progress`` what draws the events on standard error besides."""
    if not progress:
        return observer
    draw: Observer = pages().TerminalProgress()

    def both(event: Event) -> None:
        draw(event)
        observer(event)

    return both
