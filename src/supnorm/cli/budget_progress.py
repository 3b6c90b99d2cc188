"""How far `supnorm budget` is, in lines on stderr: the plan, the calls of the function, the trainings."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

LEAST, GROWTH = 2.0, 1.25  # a line is said so many seconds after so many times the time of the one before


class Progress:
    """Says it; ``kept`` is whether calls are stored, so that a run can be resumed.

    >>> from supnorm.evaluation import Advanced
    >>> from supnorm.planning.progress import Planned
    >>> import sys
    >>> sys.stderr, kept = sys.stdout, sys.stderr
    >>> times = iter([0.0, 30.0])
    >>> say = Progress(kept=True, clock=lambda: next(times))
    >>> say(Planned("flow", 756, 0.3, 226.8))
    budget of flow: about 756 calls, 0.3 s each: about 3.8 min; Ctrl-C stops and keeps them, --resume goes on
    >>> say(Advanced(100, 756, float("nan"), float("nan"), 0))
      100 of about 756 calls, 30 s, about 3.3 min left
    >>> sys.stderr = kept
    """

    def __init__(self, kept: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self.kept, self.clock = kept, clock
        self.begun = clock()
        self.next = LEAST

    def __call__(self, event: Any) -> None:
        """Take one event."""
        from supnorm.evaluation import Advanced, Finished
        from supnorm.planning.progress import Planned

        if isinstance(event, Planned):
            self._planned(event)
        elif isinstance(event, Advanced):
            self._advanced(event.done, event.budget or event.done)
        elif not isinstance(event, Finished):
            _of_trainings(event)

    def _planned(self, event: Any) -> None:
        stop = "Ctrl-C stops and keeps them, --resume goes on" if self.kept else "--out DIR would keep them"
        each = f"{_time(event.cost)} each" if event.cost >= 1e-3 else f"{1e6 * event.cost:.2g} us each"
        _say(
            f"budget of {event.title}: about {event.calls:,} calls, {each}: about {_time(event.seconds)}; {stop}"
        )

    def _advanced(self, done: int, expected: int) -> None:
        seconds = self.clock() - self.begun
        if seconds < self.next:
            return
        self.next = GROWTH * seconds + LEAST
        if done < expected:
            left = _time(seconds * (expected / done - 1))
            _say(f"  {done:,} of about {expected:,} calls, {_time(seconds)}, about {left} left")
        else:
            _say(
                f"  {done:,} calls, more than planned: kinks and peaks are followed further, {_time(seconds)}"
            )


def _of_trainings(event: Any) -> None:
    name = f" of {event.curve}" if event.curve else ""
    if hasattr(event, "run"):
        run = event.run
        said = (
            f"  {event.done} of {event.runs}: {run.samples} samples, width {run.width}: RMS {run.rms:.3g}, "
            f"largest error {run.sup:.3g}"
        )
    elif event.seconds is None:
        said = f"learning curve{name}: {event.runs} trainings; two short ones come first and tell the time"
    else:
        said = f"learning curve{name}: {event.runs} trainings to go, about {_time(event.seconds)}"
    _say(said)


def _say(text: str) -> None:
    from supnorm.cli.answer import say

    say(text, err=True)


def _time(seconds: float) -> str:
    """A duration to two figures.

    >>> _time(0.4), _time(75.0), _time(9000.0)
    ('0.4 s', '1.2 min', '2.5 h')
    """
    for size, unit in ((3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.2g} s"
