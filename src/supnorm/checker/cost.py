"""The cost of a proof in operations, bytes and seconds, and the refusal of proofs that cost too much.

One operation is a multiplication in a matrix of balls. `supnorm.checker.forecast` makes the forecast.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from supnorm.checker.rejected import TooCostly

# Operations of one core in a second. Forecast divided by measured time, for whole files or a sample of their leaves, on an
# idle machine of 2024:
# 1-D 2x32 tanh 0.9, 2-D 2x32 1.5, 2-D 3x64 1.3, 3-D 2x32 graded 1.1, 4-D 2x32 1.2, 5-D 2x16 1.2, 10-D affine 0.8,
# 2-D ReLU by pieces 2.0, 3-D 2x16 silu of 3 outputs 0.9, 2-D gelu 0.9, 2-D formulas 1.0, node rules in 3 to 5 inputs 0.5 to
# 0.9. With 15 other processes at work all took 1.4 to 1.7 of these seconds.
SECOND = 6e7
LIMIT = 36_000.0  # seconds of one core by the forecast that `check` accepts by default
MEMORY = 4e9  # bytes of one process
# A proof is stopped after this many times the limit; the forecast is right within a factor of three.
SLACK = 4.0


@dataclass(frozen=True)
class Cost:
    """A forecast: operations on balls, and the largest number of bytes that one process holds at one time."""

    operations: float = 0.0
    bytes: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        """The cost of two proofs, one after the other."""
        return Cost(self.operations + other.operations, max(self.bytes, other.bytes))

    @property
    def seconds(self) -> float:
        """Seconds of one core."""
        return self.operations / SECOND

    def __str__(self) -> str:
        """In words.

        >>> str(Cost(3.2e9, 1.2e8))
        'about 3e9 operations, 120 MB of memory, 53 s of one core'
        """
        much = f"{self.operations:.0e}".replace("e+0", "e").replace("e+", "e")
        return f"about {much} operations, {_round(self.bytes / 1e6)} MB of memory, {_time(self.seconds)} of one core"


def _round(v: float) -> str:
    return f"{float(f'{v:.2g}'):,.0f}" if v >= 1.0 else "1"


def _time(seconds: float) -> str:
    if seconds < 1.0:
        return "1 s"
    for unit, size in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2.0 * size:
            return f"{seconds / size:,.2g} {unit}" if seconds / size < 1e4 else f"{seconds / size:.0e} {unit}"
    return f"{seconds:.2g} s" if seconds < 10.0 else f"{_round(seconds)} s"


def demand(cost: Cost, seconds: float = LIMIT, memory: float = MEMORY) -> None:
    """Check that a proof stays within limits.

    Raises:
        TooCostly: names the forecast, the limit and what to do.
    """
    if not cost.bytes <= memory:
        raise TooCostly(
            f"the proof would take {cost}; more than {memory / 1e6:,.0f} MB is refused (--memory)"
        )
    if not cost.seconds <= seconds:
        raise TooCostly(
            f"the proof would take {cost}; more than {_time(seconds)} is refused (--limit SECONDS)"
        )


@dataclass
class Meter:
    """Counts processor seconds of this process since the meter was made, and stops proofs that take far too long."""

    limit: float
    start: float = -1.0  # not begun: `__post_init__` takes the time

    def __post_init__(self) -> None:
        if self.start < 0.0:
            self.start = time.process_time()

    def read(self, more: float = 0.0) -> None:
        """Compare the processor time with the limit; ``more``: seconds that the next step takes by its forecast.

        Raises:
            TooCostly: after `SLACK` times the limit.
        """
        self.demand(time.process_time() - self.start, more)

    def demand(self, used: float, more: float = 0.0) -> None:
        """The same for processor seconds that were counted elsewhere.

        Raises:
            TooCostly: after `SLACK` times the limit.
        """
        if used + more > SLACK * self.limit:
            after = f"stopped after {_time(used)} of one core" + f", before {_time(more)} more" * (more > 0.0)
            raise TooCostly(f"the proof was {after}; --limit allows {_time(self.limit)}")


_METER: ContextVar[Meter | None] = ContextVar("meter", default=None)


@contextmanager
def watched(meter: Meter) -> Iterator[None]:
    """Inside, `watch` reads this meter."""
    token = _METER.set(meter)
    try:
        yield
    finally:
        _METER.reset(token)


def watch() -> None:
    """Called before each operation whose time nobody can foresee, in the middle of a proof or of its forecast.

    Raises:
        TooCostly: as `Meter.read`, if a meter is watched.
    """
    meter = _METER.get()
    if meter is not None:
        meter.read()
