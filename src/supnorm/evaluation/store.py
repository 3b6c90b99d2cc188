"""Every expensive call on disk, so that a run that was killed goes on without repeating it.

One SQLite file in WAL mode, append-only: a row is a batch, with its points and values as float64 blobs.
A row is written when its batch is done; a kill loses at most the batches in flight. Each row has a seal, a hash of all
it holds and of the problem: a row that was damaged or edited is refused by name, and no value of it is used. Somebody who
computes the hash again can still forge a row; `spot_check` evaluates a few points of each side, which no file can foresee.
"""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os.path import lexists
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from supnorm.results import BadInput
from supnorm.results.door import faults_of, reading_table
from supnorm.results.guard import cause, demand_file, demand_name, exists
from supnorm.results.printable import one_line
from supnorm.results.writing import not_written

Array = NDArray[np.float64]
_SCHEMA = """
CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS batches (
  id INTEGER PRIMARY KEY, side TEXT NOT NULL, purpose TEXT NOT NULL, n INTEGER NOT NULL,
  x BLOB NOT NULL, y BLOB NOT NULL, messages TEXT NOT NULL, seconds REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS seals (id INTEGER PRIMARY KEY, seal TEXT NOT NULL);
"""

INPUTS = 100_000  # that a point may have

NO_STORE = ": not a store of evaluations (choose another --out)"


def seal_of(
    fingerprint: str, side: str, purpose: str, n: int, x: bytes, y: bytes, messages: str, seconds: float
) -> str:
    """SHA-256 of all that a row holds, and of the problem that it belongs to."""
    head = json.dumps([fingerprint, side, purpose, n, len(x), len(y), messages, seconds.hex()])
    return hashlib.sha256(head.encode() + x + y).hexdigest()


def _demand_tables(connection: sqlite3.Connection) -> None:
    """See that the names are tables: a view may be a query without end, a trigger may do anything.

    Raises:
        sqlite3.DatabaseError: when they are something else.
    """
    for kind, name in connection.execute("SELECT type, name FROM sqlite_master"):
        if kind not in ("table", "index"):
            raise sqlite3.DatabaseError(f"it has a {kind}, {str(name)[:40]}")


class EvaluationStore:
    """Append-only store of one run.

    Args:
        path: of the SQLite file; made when absent.
        fingerprint: of the problem; a file of another problem is refused.

    Raises:
        BadInput: when the file belongs to another problem or is no such store.
    """

    def __init__(self, path: Path | str, fingerprint: str) -> None:
        self.path, self._fingerprint = Path(path), fingerprint
        self._lock = threading.Lock()
        self._own: list[tuple[str, object]] = []
        demand_name(self.path)
        if lexists(self.path):
            demand_file(self.path)
        with faults_of(f"{self.path}", NO_STORE):
            self._connection = sqlite3.connect(self.path, check_same_thread=False)
            _demand_tables(self._connection)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.executescript(_SCHEMA)
            row = self._connection.execute("SELECT value FROM about WHERE key='fingerprint'").fetchone()
        if row is None:
            with self._connection:
                self._connection.execute("INSERT INTO about VALUES ('fingerprint', ?)", (fingerprint,))
        elif row[0] != fingerprint:
            self.close()
            raise BadInput(
                f"{self.path} holds evaluations of another problem (fingerprint {str(row[0])[:40]}, this one is "
                f"{fingerprint}); choose another --out"
            )

    def load(self, side: str) -> dict[bytes, tuple[Array, str | None]]:
        """Everything stored for one side: from the bytes of a point to its values and failure message."""
        known: dict[bytes, tuple[Array, str | None]] = {}
        with reading_table(self.path, hint=NO_STORE):
            # Before anything is read of them: no batch holds more than its points' numbers.
            odd = self._connection.execute(
                f"SELECT n FROM batches WHERE side=? AND (n < 1 OR n > 1000000000 OR length(x) > {8 * INPUTS} * n OR "
                "length(x) < 8 * n OR length(y) < 8 * n) LIMIT 1",
                (side,),
            ).fetchone()
            if odd is not None:
                raise BadInput(
                    f"{self.path}{NO_STORE}: a batch of {one_line(str(odd[0]), 40)} points does not have their numbers"
                )
            rows = self._connection.execute(
                "SELECT batches.id, purpose, n, x, y, messages, seconds, seal FROM batches LEFT JOIN seals "
                "ON batches.id = seals.id WHERE side=? ORDER BY batches.id",
                (side,),
            )
            for number, purpose, n, xs, ys, texts, seconds, seal in rows:
                if not 0 < n <= min(len(xs), len(ys)) // 8 or len(xs) % (8 * n) or len(ys) % (8 * n):
                    raise BadInput(
                        f"{self.path}{NO_STORE}: a batch of {n} points does not have their numbers"
                    )
                if seal != seal_of(self._fingerprint, side, purpose, n, xs, ys, texts, float(seconds)):
                    raise BadInput(
                        f"{self.path}: batch {number} of the {side}, {n:,} points, is not as it was stored: it was damaged "
                        "or changed; leave --resume out to start anew, or choose another --out"
                    )
                x = np.frombuffer(xs).reshape(n, -1)
                y = np.frombuffer(ys).reshape(n, -1)
                messages = {str(k): str(v) for k, v in json.loads(texts).items()}
                for i in range(n):
                    known[x[i].tobytes()] = y[i], messages.get(str(i))
        widths = {len(y) for y, _ in known.values()}, {len(x) for x in known}
        if any(len(found) > 1 for found in widths):
            raise BadInput(f"{self.path}{NO_STORE}: its points have different numbers of inputs or outputs")
        return known

    def append(
        self, side: str, purpose: str, x: Array, y: Array, messages: dict[int, str], seconds: float
    ) -> None:
        """Add one finished batch.

        Raises:
            NotWritten: when it cannot be stored; those before it are.
        """
        row = (side, purpose, len(x), x.tobytes(), y.tobytes(), json.dumps(messages), float(seconds))
        with self._writing():
            added = self._connection.execute(
                "INSERT INTO batches (side, purpose, n, x, y, messages, seconds) VALUES (?,?,?,?,?,?,?)", row
            )
            seal = seal_of(self._fingerprint, *row)
            self._connection.execute("INSERT OR REPLACE INTO seals VALUES (?, ?)", (added.lastrowid, seal))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Inside, one transaction.

        Raises:
            NotWritten: when the disk is full, the file read-only, locked by another program or gone: SQLite itself
                would go on writing into a file that has no name any more.
        """
        if not self.path.exists():
            raise not_written(self.path, "it has vanished")
        try:
            with self._lock, self._connection:
                yield
        except sqlite3.OperationalError as error:
            with suppress(sqlite3.Error):
                self._connection.rollback()
            raise not_written(self.path, str(error)) from error
        except sqlite3.DatabaseError as error:  # damaged where nothing was read yet
            raise BadInput(f"{self.path}{NO_STORE}: {cause(error)}") from None

    @property
    def points(self) -> int:
        """How many evaluations are stored."""
        with faults_of(f"{self.path}", NO_STORE):
            return int(self._connection.execute("SELECT COALESCE(SUM(n), 0) FROM batches").fetchone()[0])

    def remember(self, key: str, value: str) -> None:
        """Keep a fact about the run; an earlier value stays."""
        with self._writing():
            self._connection.execute("INSERT OR IGNORE INTO about VALUES (?, ?)", (key, value))

    def recall(self, key: str) -> str | None:
        """A fact that `remember` kept; None when there is none."""
        with faults_of(f"{self.path}", NO_STORE):
            row = self._connection.execute("SELECT value FROM about WHERE key=?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def number(self, key: str) -> float | None:
        """A number, 0 or more, that `remember` kept as text; None when there is none.

        Raises:
            BadInput: when the store holds something else there.
        """
        text = self.recall(key)
        if text is None:
            return None
        with faults_of(f"{self.path}", NO_STORE):
            value = float(text)
            if not 0 <= value < math.inf:
                raise ValueError(f"{key}: {text}")
        return value

    def vouched(self, side: str, value: object) -> bool:
        """Whether this callable is known to be the one whose values of a side are stored."""
        return any(of == side and known == value for of, known in self._own)

    def vouch(self, side: str, value: object) -> None:
        """Take down that it is."""
        if not self.vouched(side, value):
            self._own.append((side, value))

    def only(self, side: str) -> EvaluationStore:
        """This store for the calls of one side: those of others are neither kept nor found.

        For audits of changing models against one reference.
        """
        return _OneSide(self, side)

    def close(self) -> None:
        """Close the file; a closed store can be opened again."""
        self._connection.close()

    @staticmethod
    def fingerprint_of(path: Path) -> str | None:
        """The fingerprint in an existing store, None when there is none."""
        if not exists(path):
            return None
        try:
            demand_file(path)
            connection = sqlite3.connect(path)
            _demand_tables(connection)
            row = connection.execute("SELECT value FROM about WHERE key='fingerprint'").fetchone()
            connection.close()
        except (sqlite3.Error, BadInput, OverflowError):
            return None
        return None if row is None else str(row[0])


class _OneSide(EvaluationStore):
    """See `EvaluationStore.only`."""

    def __init__(self, store: EvaluationStore, side: str) -> None:
        self.path, self._store, self._side, self._own = store.path, store, side, store._own

    def load(self, side: str) -> dict[bytes, tuple[Array, str | None]]:
        return self._store.load(side) if side == self._side else {}

    def append(
        self, side: str, purpose: str, x: Array, y: Array, messages: dict[int, str], seconds: float
    ) -> None:
        if side == self._side:
            self._store.append(side, purpose, x, y, messages, seconds)

    def remember(self, key: str, value: str) -> None:
        if key.endswith(f", {self._side}"):
            self._store.remember(key, value)

    def recall(self, key: str) -> str | None:
        return self._store.recall(key) if key.endswith(f", {self._side}") else None

    def close(self) -> None:
        """The store itself is closed by who opened it."""
