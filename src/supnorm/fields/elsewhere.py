"""Compares the parts of a variable on an executor (worker processes, a Dask cluster) and merges the states they return.

A state is the same bit for bit in whatever pieces it was made, so the result is that of a single process. Each call
compares a group of parts and returns its state: 25 to 45 MB for fields of 0.25 degrees, whatever the size of the group.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise

from supnorm.evaluation.limit import Limit
from supnorm.fields.ahead import read_ahead
from supnorm.fields.pairing import Pair
from supnorm.fields.reading import Block, Reader, Unreadable
from supnorm.fields.work import TICK, Share, add_block, merge_share, shares_of
from supnorm.interrupts import INTERRUPTS
from supnorm.results import BadInput, Interrupted
from supnorm.results.guard import cause

# Bytes of both fields that a call compares: reading and comparing them takes 1 to 3 s, returning the state 0.1 s.
GROUP = 2**30
LEAST = 16  # groups, so that a few workers have something to do; no more than there are parts


@dataclass(frozen=True, eq=False)
class Task:
    """What a worker has to know; it opens the files itself."""

    pair: Pair
    bounds: tuple[float, float]
    spectra: int
    blocks: tuple[Block, ...]

    def __call__(self) -> Share:
        """Compare the parts; runs on the worker.

        Raises:
            BadInput: for data that the worker cannot read.
        """
        [share] = shares_of(self.pair, self.bounds, 1)
        share.blocks = self.blocks
        try:
            with closing(read_ahead(Reader(self.pair), self.blocks)) as pairs:
                while share.done < len(self.blocks):
                    add_block(self.pair, pairs, share, self.spectra)
        except (OSError, Unreadable) as error:
            why = error.why if isinstance(error, Unreadable) else cause(error)
            raise BadInput(
                f"variable {self.pair.name}: a worker cannot read the data ({why}); every worker needs the files "
                "under the same path"
            ) from None
        share.state.settled()
        return share


def compare_elsewhere(
    executor: Executor,
    pair: Pair,
    share: Share,
    bounds: tuple[float, float],
    spectra: int,
    limit: Limit,
    after: Callable[[int], None],
) -> bool:
    """Go on with a share on an executor; whether all is compared.

    Args:
        executor: that runs pickled functions.
        pair: the variable.
        share: with all parts of the variable; is changed and stays whole. Parts of which it has the fields are left out.
        bounds, spectra: as `supnorm.fields.work.compare` has them.
        limit: what is not begun then is left out.
        after: called in this thread from time to time, with the number of pairs that were compared since.

    Raises:
        KeyboardInterrupt: at a request to end; the share is whole.
        BadInput: for data that cannot be read, or a worker that cannot do the work.
    """
    groups = groups_of(pair, [b for b in share.blocks if not _there(pair, share, b)])
    stop = threading.Event()
    tasks = [Task(pair, bounds, spectra, group) for group in groups]
    running: set[Future[Share]] = set()
    try:
        for task in tasks:
            running.add(executor.submit(task))
    except (Interrupted, KeyboardInterrupt):
        for future in running:  # nobody would wait for them
            future.cancel()
        raise
    except Exception as error:
        raise _failed(error) from None

    def collect() -> bool:
        pending = running
        while pending and not stop.is_set() and not limit.over:
            done, pending = wait(pending, timeout=TICK, return_when=FIRST_COMPLETED)
            for future in done:
                part = _result(future)
                with share.changing():
                    merge_share(share, part)
        return not pending

    seen = share.compared
    # In a thread, as in `work.compare`: an interrupt strikes the main thread only.
    with ThreadPoolExecutor(1) as pool:
        collecting = pool.submit(collect)
        try:
            while wait([collecting], timeout=TICK).not_done:
                now = share.compared
                after(now - seen)
                seen = now
                INTERRUPTS.poll()
        finally:
            stop.set()
            for future in running:
                future.cancel()
        complete = collecting.result()
    after(share.compared - seen)
    return complete


def groups_of(pair: Pair, blocks: Sequence[Block]) -> list[tuple[Block, ...]]:
    """The parts in groups of neighbours, each for one call."""
    each = sum(int(side.variable.dtype.itemsize) for side in (pair.prediction, pair.truth)) * pair.grid.size
    total = each * sum(math.prod(b.size) for b in blocks)
    n = min(max(math.ceil(total / GROUP), LEAST), len(blocks))
    cuts = [round(i * len(blocks) / n) for i in range(n + 1)] if n else []
    return [tuple(blocks[a:b]) for a, b in pairwise(cuts)]


def _there(pair: Pair, share: Share, block: Block) -> bool:
    """Whether the share has the fields of a part: those for which there is a truth."""
    (i, k, v, m), (ni, nk, nv, nm) = block.start, block.size
    for a in range(i, i + ni):
        for b in range(k, k + nk):
            for c in range(v, v + nv):
                for d in range(m, m + nm):
                    at = (
                        pair.truth_init[a, b],
                        pair.truth_lead[a, b],
                        pair.truth_level[c],
                        pair.truth_member[d],
                    )
                    if min(at) >= 0:
                        return share.state.sizes.unit(a, b, c, d) in share.state.added
    return True


def _result(future: Future[Share]) -> Share:
    try:
        return future.result()
    except (BadInput, Interrupted, KeyboardInterrupt, MemoryError):
        raise
    except Exception as error:
        raise _failed(error) from None


def _failed(error: BaseException) -> BadInput:
    what = "it was cancelled" if isinstance(error, CancelledError) else cause(error)
    return BadInput(
        f"a worker could not compare its part: {what}; every worker needs the same supnorm and its extra fields"
    )
