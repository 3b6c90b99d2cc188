"""Shadow checks: a random share of the accepted inputs of a service is also computed by the reference.

They tell how often accepted inputs of the user's own law exceed the level of the guard's promise, by a confidence sequence
(`sequence`), which stays valid however often somebody looks at it.

The state is a text file of one JSON object a line: a head, then one line for each check. It is only ever appended to, and
each line is on the disk before it is counted, so a process that is killed loses at most the checks that were under way. A
line that was cut off is skipped.
"""

from __future__ import annotations

import hashlib
import json
import os
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from supnorm.guarding.guard import Flag, Guard
from supnorm.guarding.sequence import always_valid
from supnorm.problem import stream
from supnorm.results import BadInput
from supnorm.results.door import reading

Array = NDArray[np.float64]
FORMAT = "supnorm.shadow/1"
CONFIDENCE = 0.95  # of all limits that are reported: a convention
WAITING = 100_000  # rows that wait for the reference, a few megabytes; later ones are left out and counted
LARGEST = 10**10  # bytes of a state file


class Standing(NamedTuple):
    """What the checks say so far.

    Attributes:
        word: ``"OK"``: the rate is at most the promised one; ``"REJECT"``: it is above; ``"WARN"``: not known yet.
        checks, above: number of checks, and of those whose error exceeds the level.
        unanswered: accepted inputs for which the reference gave no value: no checks.
        left_out: drawn inputs that were not checked because too many were waiting.
        low, high: limits of the rate, valid at all times at once.
        risk, level: what was promised.
    """

    word: str
    checks: int
    above: int
    unanswered: int
    left_out: int
    low: float
    high: float
    risk: float
    level: float


class ShadowLog:
    """The state file; one process at a time writes it.

    Args:
        path: it is made where it does not exist.
        guard: the guard whose accepted inputs are checked.

    Raises:
        BadInput: for a file of another guard or of another kind, or one that another process writes.
    """

    def __init__(self, path: Path, guard: Guard) -> None:
        self.path, self.checks, self.above, self._cut_off = path, 0, 0, False
        record = json.dumps(guard.record.to_dict(), sort_keys=True)
        head = {
            "format": FORMAT,
            "guard": hashlib.sha256(record.encode()).hexdigest(),
            "level": guard.record.promise.above,
            "risk": guard.record.promise.fraction_at_most,
            "confidence": CONFIDENCE,
        }
        try:
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        except OSError as error:
            raise BadInput(
                f"{path}: cannot be written ({error.strerror}); give another --shadow-file"
            ) from None
        try:
            _lock(self._file, path)
            size = os.fstat(self._file).st_size
            if size == 0:
                self._write([head])
                return
            self._read(head)
            self._cut_off = os.pread(self._file, 1, size - 1) != b"\n"  # its last line, by a kill
        except BaseException:
            os.close(self._file)
            raise

    def _read(self, head: dict[str, Any]) -> None:
        with reading(self.path, largest=LARGEST), self.path.open("rb") as lines:
            first = _line(next(lines))
            if first is None or first.get("format") != FORMAT:
                raise BadInput("it is no state of shadow checks; give another --shadow-file")
            if first != head:
                raise BadInput(
                    "it is the state of another guard, whose checks say nothing of this one; give another --shadow-file"
                )
            for line in lines:
                check = _line(line)
                if check is not None and isinstance(check.get("above"), bool):
                    self.checks += 1
                    self.above += check["above"]

    def append(self, x: Array, errors: Array, level: float) -> None:
        """Write checks, then count them.

        Raises:
            OSError: when the disk is full or gone; they are not counted then.
        """
        now = round(time.time(), 3)
        above = ~(errors <= level)
        rows = [
            {
                "time": now,
                "x": point.tolist(),
                "error": float(e) if np.isfinite(e) else None,
                "above": bool(a),
            }
            for point, e, a in zip(x, errors, above, strict=True)
        ]
        self._write(rows)
        self.checks += len(rows)
        self.above += int(above.sum())

    def _write(self, rows: list[dict[str, Any]]) -> None:
        text = "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows).encode()
        text = b"\n" + text if self._cut_off else text
        self._cut_off = True  # until all is written
        while text:
            text = text[os.write(self._file, text) :]
        self._cut_off = False
        os.fsync(self._file)

    def close(self) -> None:
        """Let others write the file."""
        os.close(self._file)


class ShadowChecks:
    """Draws accepted inputs, asks the reference for them in a thread of its own, and keeps the state.

    Args:
        guard: with a reference.
        error: errors ``(n,)`` from values of the model and of the reference, both ``(n, m)``, and points ``(n, d)``.
        path: of the state file.
        rate: share of the accepted inputs that is checked.
        seed: of the draws; None: another one each time, so that nobody knows which inputs are checked.

    Raises:
        BadInput: without a reference, for a rate that is no share, and as `ShadowLog`.
    """

    def __init__(
        self,
        guard: Guard,
        error: Callable[[Array, Array, Array], Array],
        path: Path,
        rate: float,
        seed: int | None = None,
    ) -> None:
        if guard.reference is None:
            raise BadInput("shadow checks need a reference: they compare accepted inputs with it")
        if not 0.0 < rate <= 1.0:
            raise BadInput(f"the share of shadow checks must be above 0 and at most 1, got {rate!r}")
        self.guard, self.error, self.rate = guard, error, rate
        self.log = ShadowLog(path, guard)
        self.unanswered = self.left_out = 0
        self._rng = np.random.default_rng() if seed is None else stream(seed)
        self._draw, self._rows = threading.Lock(), 0  # rows that wait
        self._waiting: queue.SimpleQueue[tuple[Array, Array] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="supnorm shadow checks", daemon=True)
        self._thread.start()

    def offer(self, x: Array, y: Array, flag: NDArray[np.int64]) -> None:
        """Draw among the accepted rows of an answer; whether a row is drawn depends on nothing but chance."""
        accepted = np.flatnonzero(flag == Flag.ACCEPTED)
        with self._draw:
            drawn = accepted[self._rng.random(len(accepted)) < self.rate]
            if self._rows + len(drawn) > WAITING:
                self.left_out += len(drawn)
                return
            self._rows += len(drawn)
        if len(drawn):
            self._waiting.put((x[drawn].copy(), y[drawn].copy()))

    def _work(self) -> None:
        while (batch := self._waiting.get()) is not None:
            self._check(*batch)
            with self._draw:
                self._rows -= len(batch[0])

    def _check(self, x: Array, y: Array) -> None:
        value = self.guard.reference_values(x, last=True)
        known = np.isfinite(value).all(axis=1)
        try:
            with np.errstate(all="ignore"):
                errors = np.asarray(self.error(y[known], value[known], x[known]), dtype=np.float64)
        except Exception:  # code of the user may raise: the checks that come later must not end with it
            self.unanswered += len(x)
            return
        counts = ~np.isnan(errors)  # where no error is defined there is nothing to exceed the level
        self.unanswered += int((~known).sum())
        try:
            self.log.append(x[known][counts], errors[counts], self.guard.record.promise.above)
        except OSError:
            self.unanswered += int(counts.sum())

    def standing(self) -> Standing:
        """What the checks say so far."""
        promise = self.guard.record.promise
        # Before the checks: another thread counts them first, so that they are never fewer.
        above = self.log.above
        checks = self.log.checks
        low, high = always_valid(above, checks, CONFIDENCE)
        risk = promise.fraction_at_most
        word = "OK" if high <= risk else "REJECT" if low > risk else "WARN"
        return Standing(word, checks, above, self.unanswered, self.left_out, low, high, risk, promise.above)

    def close(self, seconds: float = 5.0) -> None:
        """End the checks; those that wait are finished if that takes no longer than ``seconds``."""
        self._waiting.put(None)
        self._thread.join(seconds)
        if not self._thread.is_alive():
            self.log.close()


def _line(text: bytes) -> dict[str, Any] | None:
    """An object from a line; None for one that was cut off."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _lock(descriptor: int, path: Path) -> None:
    """Refuse a file that another process writes; on systems without such locks nothing is checked."""
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise BadInput(f"{path}: another service writes it; give another --shadow-file") from None
