"""Progress of long work in the terminal: one bar, the worst so far, one line for each new worst.

`TerminalProgress` is an observer: it is called with the events of `supnorm.evaluation.events`. When the stream is no
terminal it writes one plain line for each new worst and now and then how far the work is; quiet, nothing.
"""

from __future__ import annotations

import math
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from supnorm.evaluation.events import Advanced, Event, Finished, NewWorst, Planned, Planting, Stage, Started
from supnorm.results.numbers import ErrorUnit, count, pretty_unit
from supnorm.results.printable import one_line
from supnorm.wording import Narrator, fact
from supnorm.wording.progress import TEMPLATES

BAR, LABEL = 32, 8
LINES = 8
# Seconds until the first line of how far work is, and from each line to the next one: 27 lines in the first hour.
FIRST, GROWTH = 2.0, 1.25
RECENT = 20.0  # seconds: a shorter time says little of a rate


class NowAndThen:
    """When the next line about the progress of work is due, and what it says of the time.

    >>> times = iter([0.0, 1.0, 30.0, 30.0, 30.0, 31.0])
    >>> line = NowAndThen(lambda: next(times))
    >>> line.due(), line.due(), line.words(100, 756), line.due()
    (False, True, '30 s, about 3.3 min left', False)
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._begun, self._next = clock, clock(), FIRST
        self._prepared = 0.0

    def due(self, done: float | None = None) -> bool:
        """Whether it is time for a line; the next one is then due later. ``done`` is 0 when what is counted begins."""
        seconds = self._clock() - self._begun
        if done == 0:
            self._prepared = seconds
        if seconds < self._next:
            return False
        self._next = GROWTH * seconds + FIRST
        return True

    def words(self, done: float, total: float) -> str:
        """The time that ``done`` of ``total`` took, and that the rest will take."""
        seconds = self._clock() - self._begun - self._prepared
        return self.time(seconds * (total / done - 1) if 0 < done < total else None)

    def time(self, left: float | None) -> str:
        """The time that has passed, and ``left`` seconds that the rest will take, if that is known."""
        seconds = self._clock() - self._begun
        return Narrator(TEMPLATES).text(fact("time", seconds=seconds, left=left))


class Rate:
    """How fast work goes on lately, so that values from a store at the start, or calls that become slower, do not mislead.

    >>> rate = Rate(0.0)
    >>> for second in range(1, 61):
    ...     rate.note(float(second), 1000 + 2 * second)
    >>> rate.left(1240)
    60.0
    """

    def __init__(self, begun: float) -> None:
        self._begun, self._seen = begun, deque([(begun, 0.0)])

    def note(self, now: float, done: float) -> None:
        """So much is done by now; what is older than half of the time, and than `RECENT`, is forgotten."""
        self._seen.append((now, done))
        while len(self._seen) > 2 and self._seen[1][0] <= now - max(RECENT, (now - self._begun) / 2):
            self._seen.popleft()

    def left(self, total: float) -> float | None:
        """Seconds until ``total`` is done, at the latest rate; None where there is none yet, or nothing to do."""
        (then, before), (now, done) = self._seen[0], self._seen[-1]
        return (total - done) * (now - then) / (done - before) if before < done < total else None


class TerminalProgress:
    """Draws events.

    Args:
        stream: where to; standard error by default.
        quiet: draw nothing.
        clock: seconds; for the time that is left.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        quiet: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._clock = clock
        self._started = Started("", None, 0, None)
        self._latest = Advanced(0, None, math.nan, math.nan, 0)
        self._news: list[NewWorst] = []
        self._planned: Planned | None = None
        self._planting: Planting | None = None
        self._stage: Stage | None = None
        self._far, self._rate = NowAndThen(clock), Rate(0.0)
        self._live: Live | None = None

    def __call__(self, event: Event) -> None:
        """Take one event; a terminal that is gone ends the drawing, not the work."""
        if self._quiet:
            return
        try:
            self._take(event)
        except OSError:
            self._quiet, self._live = True, None

    def _take(self, event: Event) -> None:
        if isinstance(event, Started):
            self._begin(event)
        elif isinstance(event, Planned):
            self._planned = event
            self._line(event.words)
        elif isinstance(event, Stage):
            self._stage, self._planting = event, None
            self._far, self._rate = NowAndThen(self._clock), Rate(self._clock())
        elif isinstance(event, Advanced):
            self._latest = event
            self._advance()
        elif isinstance(event, Planting):
            if self._planting is None:  # now searches are counted, not evaluations
                self._far, self._rate = NowAndThen(self._clock), Rate(self._clock())
            self._planting = event
            self._advance()
        elif isinstance(event, NewWorst) and self._is_news(event):
            self._news.append(event)
            self._line(self._news_line(event).plain)
        if self._live is not None:
            self._live.update(self.drawing(), refresh=isinstance(event, Finished))
        if isinstance(event, Finished):
            self.close()

    def _line(self, text: str) -> None:
        """Write a line where nothing is drawn."""
        if self._live is None:
            self._stream.write(f"{text}\n")
            self._stream.flush()

    def _advance(self) -> None:
        """Note how far the stage is, and say so from time to time where nothing is drawn."""
        done, total = self._far_in_stage()
        self._rate.note(self._clock(), done)
        if self._live is None and total and self._far.due():
            self._line(f"{self._how_far()}, {self._far.time(self._rate.left(total))}")

    def _far_in_stage(self) -> tuple[int, int]:
        """What is done of the stage, and the whole of it; 0 where that is not known."""
        now, stage, planting = self._latest, self._stage, self._planting
        if planting is not None:
            return planting.done, planting.searches
        if stage is None:
            return now.done, now.budget or self._started.budget or 0
        return now.done - stage.done, stage.evaluations or 0

    def _how_far(self) -> str:
        done, total = self._far_in_stage()
        if self._planting is not None:
            return self._say("planted", done=done, searches=total)
        worst = None if math.isnan(self._latest.worst) else self._latest.worst
        stage = self._stage
        name = {} if stage is None or stage.name == "search" else {"stage": stage.name}
        return self._say("searched", done=done, budget=total, worst=worst, **name)

    def _is_news(self, event: NewWorst) -> bool:
        """Whether it grew by 1 % at least or passed the tolerance: polishing is no news."""
        if not self._news:
            return True
        last = self._news[-1]
        return event.worst > 1.01 * last.worst or event.above != last.above

    def close(self) -> None:
        """Leave the last drawing on the screen and give the terminal back; may be called twice."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _begin(self, event: Started) -> None:
        event = replace(event, title=one_line(event.title), unit=one_line(event.unit))
        self._started, self._news, self._planned, self._stage = event, [], None, None
        self._latest, self._planting = Advanced(0, event.budget, math.nan, math.nan, 0), None
        self._far, self._rate = NowAndThen(self._clock), Rate(self._clock())
        self.close()
        if self._stream.isatty():
            console = Console(file=self._stream, highlight=False, emoji=False)
            self._live = Live(self.drawing(), console=console, refresh_per_second=8, transient=True)
            self._live.start()

    @property
    def _narrator(self) -> Narrator:
        begun = self._started
        kind = "relative" if begun.relative else "absolute"
        return Narrator(TEMPLATES, ErrorUnit(kind, pretty_unit(begun.unit), begun.per_output))

    def _say(self, code: str, **values: Any) -> str:
        return self._narrator.text(fact(code, **values))

    def drawing(self) -> Group:
        """The whole view at this moment."""
        hint = Text(self._say("hint"), "dim")
        news = [self._news_line(e) for e in self._news[-LINES:]]
        plan = [Text(self._planned.words, "dim")] if self._planned is not None else []
        return Group(self._head(), *plan, self._bar(), self._now(), *news, hint)

    def _head(self) -> Text:
        begun = self._started
        line = Text(self._say("audit", title=begun.title), "bold")
        if begun.tolerance is not None and not begun.per_output:
            line.append("   ").append(self._say("tolerance", tolerance=begun.tolerance))
        return line.append("   ").append(self._say("seed", seed=begun.seed))

    def _bar(self) -> Text:
        (done, total), stage = self._far_in_stage(), self._stage
        name = "search" if stage is None else self._say("stage", **vars(stage))
        line = Text(f"{name:<{LABEL}}  ")
        if not total:
            return line.append(self._say("done", done=done))
        part = min(done / total, 1.0)
        filled = round(BAR * part)
        line.append("━" * filled, "blue").append("─" * (BAR - filled), "dim")
        line.append(f"  {count(done)} / {count(total)}")
        left = self._rate.left(total)
        if left is None:
            return line
        most = stage is not None and self._planting is None and stage.name != "search"
        return line.append("  ").append(self._say("left", left=_clock_words(left), most=most))

    def _now(self) -> Text:
        now = self._latest
        parts = [] if math.isnan(now.worst) else [self._say("worst", worst=now.worst)]
        parts += [] if math.isnan(now.rms) else [self._say("rms", rms=now.rms)]
        return Text("   ".join([*parts, self._say("no-value", n=now.failed)]))

    def _news_line(self, event: NewWorst) -> Text:
        words = f"{count(event.evaluations):>11}  worst  {self._narrator.error(event.worst):>11}"
        return Text(f"{words}   {self._say('above')}", "red") if event.above else Text(words)


def _clock_words(seconds: float) -> str:
    whole = max(0, round(seconds))
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
