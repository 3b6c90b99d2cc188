"""The events that long work sends to an observer. Terminal and notebook draw them; the library never prints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


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
class Advanced:
    """Some evaluations later. ``rms`` is NaN until the statistics are in."""

    done: int
    budget: int | None
    worst: float
    rms: float
    failed: int


@dataclass(frozen=True)
class NewWorst:
    """An error larger than all before; ``above``: whether it exceeds the tolerance."""

    evaluations: int
    worst: float
    above: bool


@dataclass(frozen=True)
class Planting:
    """``done`` of ``searches`` for planted errors are over; `Advanced` does not count evaluations of a stand-in."""

    done: int
    searches: int


@dataclass(frozen=True)
class Finished:
    """The work is done."""


Event = Started | Planned | Advanced | NewWorst | Planting | Finished
Observer = Callable[[Event], None]


def silent(event: Event) -> None:
    """The observer that does nothing."""
