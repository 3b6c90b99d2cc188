"""Compares all pairs of fields of a variable: part by part, with several threads, until the end or a limit of time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from supnorm.evaluation.limit import Limit
from supnorm.fields.ahead import read_ahead
from supnorm.fields.pairing import Pair
from supnorm.fields.reading import NONE_INVALID, Block, FieldPair, Invalid, Reader, blocks_of
from supnorm.fields.spectra import Spectrum
from supnorm.fields.state import FieldState
from supnorm.interrupts import INTERRUPTS

TICK = 0.2  # seconds between two looks at the threads


@dataclass(eq=False)
class Share:
    """What one thread has compared.

    Attributes:
        blocks: parts to compare, in order; ``done`` of them are in the state.
        invalid: values that are declared missing, of the prediction and of the truth: how many, and the number of the first
            place (that of its pair of fields times the number of points, plus that of the point; -1 for none).
        compared: number of pairs of fields.
        broken: a part of it was added by half; it is never stored, because to go on with it would count pairs twice.
    """

    state: FieldState
    spectrum: Spectrum
    blocks: Sequence[Block]
    done: int = 0
    compared: int = 0
    invalid: list[Invalid] = field(default_factory=lambda: [NONE_INVALID, NONE_INVALID])
    broken: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """A context in which a part is added, and nobody reads the share; it is broken if that fails in the middle."""
        with self.lock:
            try:
                yield
            except BaseException:
                self.broken = True
                raise

    def __getstate__(self) -> dict[str, Any]:
        """Without the lock, which no other process can have."""
        return {name: value for name, value in vars(self).items() if name != "lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """With a lock of its own."""
        self.__dict__.update(state, lock=threading.Lock())


def shares_of(pair: Pair, bounds: tuple[float, float], workers: int) -> list[Share]:
    """The parts of a variable, split among so many threads."""
    blocks = blocks_of(pair)
    n = max(min(workers, len(blocks)), 1)
    cuts = [round(i * len(blocks) / n) for i in range(n + 1)]
    sizes = {f"{role}s": pair.prediction.size(role) for role in ("init", "lead", "level")}
    members = len(pair.members)

    def state() -> FieldState:
        return FieldState.empty(pair.grid, **sizes, members=members, bounds=bounds)

    return [Share(state(), Spectrum.empty(pair.grid), blocks[a:b]) for a, b in pairwise(cuts)]


def compare(
    pair: Pair, shares: Sequence[Share], spectra: int, limit: Limit, after: Callable[[int], None]
) -> bool:
    """Go on with the shares; whether all is compared.

    Args:
        pair: the variable.
        shares: are changed; each stays whole, also when it ends early.
        spectra: the spectrum of each field with a number that this divides is computed.
        limit: no part begins after it.
        after: called in this thread from time to time, with the number of pairs that were compared since.

    Raises:
        KeyboardInterrupt: at a request to end, after the parts in work; all shares are whole.
        BadInput: for data that cannot be read.
    """
    stop = threading.Event()

    def work(share: Share) -> None:
        with closing(read_ahead(Reader(pair), share.blocks[share.done :])) as pairs:
            while share.done < len(share.blocks) and not stop.is_set() and not limit.over:
                with share.changing():
                    add_block(pair, pairs, share, spectra)

    seen = sum(s.compared for s in shares)
    # Threads also for one share: an interrupt strikes the main thread only, so no share is left in the middle of a part.
    with ThreadPoolExecutor(len(shares)) as pool:
        try:  # an interrupt that strikes while threads begin stops those that have begun
            running = [pool.submit(work, share) for share in shares]
            while wait(running, timeout=TICK, return_when=FIRST_EXCEPTION).not_done:
                now = sum(s.compared for s in shares)
                after(now - seen)
                seen = now
                INTERRUPTS.poll()
                if any(future.done() and future.exception() for future in running):
                    break
        finally:
            stop.set()
        for future in running:
            future.result()
    after(sum(s.compared for s in shares) - seen)
    return all(share.done == len(share.blocks) for share in shares)


def add_block(pair: Pair, pairs: Iterator[FieldPair | None], share: Share, spectra: int) -> None:
    """Compare the next part of a share, up to the next None among the pairs; the share is whole again when this returns."""
    while (fields := next(pairs)) is not None:
        numbers = {"init": fields.init, "lead": fields.lead, "level": fields.level, "member": fields.member}
        share.state.add(fields.prediction, fields.truth, **numbers)
        if spectra and share.state.sizes.unit(**numbers) % spectra == 0:
            share.spectrum.add(fields.prediction, fields.truth, pair.grid)
        share.invalid = [
            _both(found, Invalid(one.n, share.state.sizes.unit(**numbers) * pair.grid.size + one.first))
            if one.n
            else found
            for found, one in zip(share.invalid, fields.invalid, strict=True)
        ]
        share.compared += 1
    share.done += 1


def joined(shares: Sequence[Share]) -> Share:
    """All shares as one; the first is changed."""
    first, *rest = shares
    for share in rest:
        merge_share(first, share)
    first.state.settled()
    return first


def merge_share(share: Share, other: Share) -> None:
    """Add what another share has compared."""
    share.state.merge(other.state)
    share.spectrum.merge(other.spectrum)
    share.invalid = [_both(a, b) for a, b in zip(share.invalid, other.invalid, strict=True)]
    share.compared += other.compared
    share.done += other.done


def _both(a: Invalid, b: Invalid) -> Invalid:
    first = min((one.first for one in (a, b) if one.n), default=-1)
    return Invalid(a.n + b.n, first)
