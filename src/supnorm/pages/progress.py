"""Progress of long work in the terminal: one bar, the worst so far, one line for each new worst.

`TerminalProgress` is an observer: it is called with the events of `supnorm.evaluation.events`. When the
stream is no terminal it writes one plain line for each new worst and nothing else; quiet, nothing.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from supnorm.evaluation.events import Advanced, Event, Finished, NewWorst, Planned, Started
from supnorm.results.numbers import ErrorUnit, count, pretty_unit
from supnorm.results.printable import one_line

BAR = 32
LINES = 8


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
        self._since = 0.0
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
            if self._live is None:
                self._stream.write(f"{event.words}\n")
                self._stream.flush()
        elif isinstance(event, Advanced):
            self._latest = event
        elif isinstance(event, NewWorst) and self._is_news(event):
            self._news.append(event)
            if self._live is None:
                self._stream.write(self._news_line(event).plain + "\n")
                self._stream.flush()
        if self._live is not None:
            self._live.update(self.drawing(), refresh=isinstance(event, Finished))
        if isinstance(event, Finished):
            self.close()

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
        self._latest = Advanced(0, event.budget, math.nan, math.nan, 0)
        self.close()
        if self._stream.isatty():
            console = Console(file=self._stream, highlight=False, emoji=False)
            self._live = Live(self.drawing(), console=console, refresh_per_second=8, transient=True)
            self._live.start()

    @property
    def _unit(self) -> ErrorUnit:
        begun = self._started
        kind = "relative" if begun.relative else "absolute"
        return ErrorUnit(kind, pretty_unit(begun.unit), begun.per_output)

    def drawing(self) -> Group:
        """The whole view at this moment."""
        hint = Text("Ctrl-C stops and keeps the work; --resume goes on", "dim")
        news = [self._news_line(e) for e in self._news[-LINES:]]
        plan = [Text(self._planned.words, "dim")] if self._planned is not None else []
        return Group(self._head(), *plan, self._bar(), self._now(), *news, hint)

    def _head(self) -> Text:
        begun = self._started
        line = Text(f"audit {begun.title}".rstrip(), "bold")
        if begun.tolerance is not None and not begun.per_output:
            line.append(f"   tolerance {self._unit(begun.tolerance)}")
        return line.append(f"   seed {begun.seed}")

    def _bar(self) -> Text:
        done, budget = self._latest.done, self._latest.budget or self._started.budget
        if not budget:
            return Text("search   ").append(f"{count(done)} evaluations")
        part = min(done / budget, 1.0)
        filled = round(BAR * part)
        line = Text("search   ").append("━" * filled, "blue").append("─" * (BAR - filled), "dim")
        line.append(f"  {count(done)} / {count(budget)}")
        if 0 < part < 1:
            line.append(f"  {_clock_words((self._clock() - self._since) * (1 / part - 1))} left")
        return line

    def _now(self) -> Text:
        now = self._latest
        parts = [f"worst so far {self._unit(now.worst)}"] if not math.isnan(now.worst) else []
        parts += [f"RMS {self._unit(now.rms)}"] if not math.isnan(now.rms) else []
        parts.append(f"no value {count(now.failed)}")
        return Text("   ".join(parts))

    def _news_line(self, event: NewWorst) -> Text:
        words = f"{count(event.evaluations):>11}  worst  {self._unit(event.worst):>11}"
        return Text(f"{words}   above tolerance", "red") if event.above else Text(words)


def _clock_words(seconds: float) -> str:
    whole = max(0, round(seconds))
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
