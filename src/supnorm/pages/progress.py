"""Progress of long work in the terminal: one bar, the worst so far, one line for each new worst.

`TerminalProgress` is an observer: it is called with the events of `supnorm.evaluation.events`. When the stream is no
terminal it writes one plain line for each new worst and now and then how far the work is; quiet, nothing.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from supnorm.evaluation.events import Advanced, Event, Finished, NewWorst, Planned, Planting, Started
from supnorm.results.numbers import ErrorUnit, count, pretty_unit
from supnorm.results.printable import one_line
from supnorm.wording import Narrator, fact
from supnorm.wording.progress import TEMPLATES

BAR = 32
LINES = 8
# Seconds until the first line of how far work is, and from each line to the next one: 27 lines in the first hour.
FIRST, GROWTH = 2.0, 1.25


class NowAndThen:
    """When the next line about the progress of work is due, and what it says of the time.

    >>> times = iter([0.0, 1.0, 30.0, 30.0, 31.0])
    >>> line = NowAndThen(lambda: next(times))
    >>> line.due(), line.due(), line.words(100, 756), line.due()
    (False, True, '30 s, about 3.3 min left', False)
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._begun, self._next = clock, clock(), FIRST

    def due(self) -> bool:
        """Whether it is time for a line; the next one is then due later."""
        seconds = self._clock() - self._begun
        if seconds < self._next:
            return False
        self._next = GROWTH * seconds + FIRST
        return True

    def words(self, done: float, total: float) -> str:
        """The time that ``done`` of ``total`` took, and that the rest will take."""
        seconds = self._clock() - self._begun
        left = seconds * (total / done - 1) if 0 < done < total else None
        return Narrator(TEMPLATES).text(fact("time", seconds=seconds, left=left))


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
        self._since = 0.0
        self._far = NowAndThen(clock)
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
        elif isinstance(event, Advanced):
            self._latest = event
            if self._live is None and event.budget and self._far.due():
                self._line(f"{self._searched()}, {self._far.words(event.done, event.budget)}")
        elif isinstance(event, Planting):
            if self._planting is None:
                self._far = NowAndThen(self._clock)
            self._planting = event
            if self._live is None and self._far.due():
                self._line(f"{self._planted(event)}, {self._far.words(event.done, event.searches)}")
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

    def _searched(self) -> str:
        now = self._latest
        worst = None if math.isnan(now.worst) else now.worst
        return self._say("searched", done=now.done, budget=now.budget or 0, worst=worst)

    def _planted(self, event: Planting) -> str:
        return self._say("planted", done=event.done, searches=event.searches)

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
        self._started, self._since, self._news, self._planned = event, self._clock(), [], None
        self._latest, self._planting = Advanced(0, event.budget, math.nan, math.nan, 0), None
        self._far = NowAndThen(self._clock)
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
        planting = [Text(self._planted(self._planting))] if self._planting is not None else []
        return Group(self._head(), *plan, self._bar(), *planting, self._now(), *news, hint)

    def _head(self) -> Text:
        begun = self._started
        line = Text(self._say("audit", title=begun.title), "bold")
        if begun.tolerance is not None and not begun.per_output:
            line.append("   ").append(self._say("tolerance", tolerance=begun.tolerance))
        return line.append("   ").append(self._say("seed", seed=begun.seed))

    def _bar(self) -> Text:
        done, budget = self._latest.done, self._latest.budget or self._started.budget
        if not budget:
            return Text("search   ").append(self._say("done", done=done))
        part = min(done / budget, 1.0)
        filled = round(BAR * part)
        line = Text("search   ").append("━" * filled, "blue").append("─" * (BAR - filled), "dim")
        line.append(f"  {count(done)} / {count(budget)}")
        if 0 < part < 1:
            left = _clock_words((self._clock() - self._since) * (1 / part - 1))
            line.append("  ").append(self._say("left", left=left))
        return line

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
