"""How long calls on workers take, by a simulation of the four parts that can be the bottleneck.

* The **search** decides which points come next. It waits for all points of a batch before it decides again.
* The **driver**, one thread, sends calls, takes results, stores them and compares model and reference.
* The **scheduler**, one thread, passes each call to a worker and its result back.
* The **workers** call the reference.

Twice as many calls are under way as there are workers, as in `Caller._in_parallel`. Where a call of one piece is short,
several pieces travel together. A batch of a proof has 256 boxes; it is a call like any other.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable
from dataclasses import dataclass

from supnorm.evaluation.shared_map import CALL, PASSED_ON

TAIL = 20_000  # calls of a large batch that are simulated one by one; the rest goes at the pace of the second half of them


@dataclass(frozen=True)
class Costs:
    """Seconds, as the command ``constants`` measures them.

    Attributes:
        piece: of a piece on a worker: the rows of a call of the reference, or a batch of boxes.
        send: of the driver for a call.
        take: of the driver for a piece: result, store, model, bookkeeping.
        schedule: of the scheduler for a call, both ways.
        together: whether several short pieces travel together.
    """

    piece: float
    send: float = 0.0
    take: float = 0.0
    schedule: float = 0.0
    together: bool = True


@dataclass(frozen=True)
class Batch:
    """Pieces that the search asks for together, and the seconds for which it thinks before that."""

    pieces: int
    think: float = 0.0


@dataclass(frozen=True)
class Spent:
    """What came out.

    Attributes:
        seconds: from the first batch to the last result.
        workers: share of this time that the workers were busy, of all of them; the efficiency.
        driver, scheduler, search: shares of the time that each was busy.
    """

    seconds: float
    workers: float
    driver: float
    scheduler: float
    search: float

    @property
    def bottleneck(self) -> str:
        """The part that was busy longest."""
        shares = {
            "workers": self.workers,
            "driver": self.driver,
            "scheduler": self.scheduler,
            "search": self.search,
        }
        return max(shares, key=lambda name: shares[name])


def simulate(batches: Iterable[Batch], workers: int, costs: Costs, start: float = 0.0) -> Spent:
    """The batches one after the other on so many workers; ``start`` seconds pass before the first.

    >>> ideal = simulate([Batch(100)], 4, Costs(piece=1.0))
    >>> ideal.seconds, ideal.workers
    (25.0, 1.0)
    >>> simulate([Batch(1)] * 100, 4, Costs(piece=1.0)).workers  # a search that asks for one point at a time
    0.25
    >>> simulate([Batch(10_000)], 1000, Costs(piece=0.1, schedule=1e-3, together=False)).bottleneck
    'scheduler'
    """
    now, busy, driver, scheduler, thinking = start, 0.0, 0.0, 0.0, 0.0
    known: dict[int, tuple[float, float, float]] = {}
    for batch in batches:
        thinking += batch.think
        if batch.pieces not in known:
            known[batch.pieces] = _large(batch.pieces, workers, costs)
        took, sending, passing = known[batch.pieces]
        now += batch.think + took
        busy += batch.pieces * costs.piece
        driver, scheduler = driver + sending, scheduler + passing
    now = max(now, 1e-300)
    return Spent(now, busy / workers / now, driver / now, scheduler / now, thinking / now)


def _large(pieces: int, workers: int, costs: Costs) -> tuple[float, float, float]:
    """`_batch`; a large one by the pace at which it goes once it has begun."""
    group = _group(pieces, workers, costs)
    most = TAIL * group
    if pieces <= 2 * most:
        return _batch(pieces, workers, costs)
    half, whole = _batch(most // 2, workers, costs), _batch(most, workers, costs)
    more = (pieces - most) / (most - most // 2)
    took, sending, passing = (b + more * (b - a) for a, b in zip(half, whole, strict=True))
    return took, sending, passing


def _group(pieces: int, workers: int, costs: Costs) -> int:
    """Pieces of a call."""
    if not costs.together:
        return 1
    seconds = max(CALL, PASSED_ON * workers)
    return max(1, min(round(seconds / max(costs.piece, 1e-9)), math.ceil(pieces / workers)))


def _batch(pieces: int, workers: int, costs: Costs) -> tuple[float, float, float]:
    """Seconds of a batch, and for how long of it driver and scheduler were busy."""
    group = _group(pieces, workers, costs)
    calls = math.ceil(pieces / group)
    free = [0.0] * min(workers, calls)  # when each worker is free
    under_way: list[tuple[float, int]] = []  # calls that have come back to the driver, at that time
    driver = scheduler = sending = passing = end = 0.0
    left, sent = pieces, 0
    while sent < calls or under_way:
        while sent < calls and len(under_way) < 2 * workers:
            n = min(group, left)
            left, sent = left - n, sent + 1
            driver += costs.send
            sending += costs.send
            scheduler = max(scheduler, driver) + costs.schedule
            passing += costs.schedule
            done = max(heapq.heappop(free), scheduler) + n * costs.piece
            heapq.heappush(free, done)
            heapq.heappush(under_way, (done, n))
        done, n = heapq.heappop(under_way)
        driver = max(driver, done) + n * costs.take
        sending += n * costs.take
        end = driver
    return end, sending, passing
