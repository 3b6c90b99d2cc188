"""Stores every expensive call on disk, so that a run that was killed goes on without repeating calls.

The store is one SQLite file in WAL mode, to which rows are only added. A row is a batch, with its points and values as
float64 blobs.
A row is written when its batch is done; a kill loses at most the batches in flight. Each row has a seal, a hash of all
it holds and of the problem: a row that was damaged or edited is refused by name, and no value of it is used. So has each
fact about the run (its options, what a call costs, which files were opened). Somebody who
computes the hash again can still forge a row; `spot_check` evaluates a few points of each side, which no file can foresee.
"""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from os.path import lexists
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.results import BadInput, NotWritten
from supnorm.results.door import faults_of, reading_table
from supnorm.results.guard import cause, demand_file, demand_name, exists
from supnorm.results.printable import one_line
from supnorm.results.system_limits import demand_no_limit
from supnorm.results.working_folder import demand_same_folder, working_folder
from supnorm.results.writing import not_written

Array = NDArray[np.float64]
_SCHEMA = """
CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS fact_seals (key TEXT PRIMARY KEY, seal TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS batches (
  id INTEGER PRIMARY KEY, side TEXT NOT NULL, purpose TEXT NOT NULL, n INTEGER NOT NULL,
  x BLOB NOT NULL, y BLOB NOT NULL, messages TEXT NOT NULL, seconds REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS seals (id INTEGER PRIMARY KEY, seal TEXT NOT NULL);
"""

INPUTS = 100_000  # largest number of inputs of a point

# What SQLite says of a disk or a file that cannot be written; all else is a fault of the file's content.
UNWRITABLE = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
)
FULL = (
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
)  # of them: no fault of the folder, and none once there is room
NO_STORE = ": not a store of evaluations (choose another --out)"


def seal_of(
    fingerprint: str, side: str, purpose: str, n: int, x: bytes, y: bytes, messages: str, seconds: float
) -> str:
    """SHA-256 of all that a row holds, and of the problem that it belongs to."""
    head = json.dumps([fingerprint, side, purpose, n, len(x), len(y), messages, seconds.hex()])
    return hashlib.sha256(head.encode() + x + y).hexdigest()


def seal_of_fact(fingerprint: str, key: str, value: str) -> str:
    """SHA-256 of a fact about a run, and of the problem that it belongs to."""
    return hashlib.sha256(json.dumps([fingerprint, key, value]).encode()).hexdigest()


def _demand_tables(connection: sqlite3.Connection) -> None:
    """Check that the file has tables alone: a view may be a query without end, and a trigger may do anything.

    Raises:
        sqlite3.DatabaseError: when it has anything else.
    """
    for kind, name in connection.execute("SELECT type, name FROM sqlite_master"):
        if kind not in ("table", "index"):
            raise sqlite3.DatabaseError(f"it has a {kind}, {str(name)[:40]}")


def _unusable(error: BaseException) -> int:
    """SQLite's code of an error about a disk or a file that cannot be used; 0 for a fault of the content."""
    code = int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
    return code if code in UNWRITABLE else 0


def _demand_opened(path: Path, error: BaseException) -> None:
    """Check that a store which cannot be read is damaged: one of another user, or that is in use, is not.

    Raises:
        BadInput: when its content is not at fault.
        NotWritten: when a limit of the system is met.
    """
    demand_no_limit(error, f"{path}")
    if _unusable(error):
        raise BadInput(
            f"{path} cannot be opened, which is no fault of its content: {error}; allow reading and writing it and the "
            "files beside it, end what uses it, or choose another --out"
        ) from None


class EvaluationStore:
    """Append-only store of one run.

    Args:
        path: the SQLite file; it is made if it does not exist.
        fingerprint: fingerprint of the problem; a file of another problem is refused.

    Attributes:
        looked: is called before anything is stored, and keeps that out of the file by raising; see `look`.

    Raises:
        BadInput: when the file belongs to another problem or is no such store.
        NotWritten: when the disk is full.
    """

    def __init__(self, path: Path | str, fingerprint: str) -> None:
        self.path, self._fingerprint = Path(path), fingerprint
        self._opened_in = working_folder()
        self._lock = threading.Lock()
        self._vouched: list[tuple[str, object]] = []
        self.looked: Callable[[bool], None] | None = None
        demand_name(self.path)
        if older := lexists(self.path):
            demand_file(self.path)
        with faults_of(f"{self.path}", NO_STORE):
            try:
                self._connection = sqlite3.connect(self.path, check_same_thread=False)
            except sqlite3.Error as error:
                _demand_opened(self.path, error)
                raise
            try:
                row = self._prepared(fingerprint)
            except BaseException as error:
                self._connection.close()  # whatever it was: an open one keeps the file locked
                if not older:  # also at an interrupt: what is there is no store yet
                    for extra in ("", "-wal", "-shm"):
                        self.path.with_name(self.path.name + extra).unlink(missing_ok=True)
                if not isinstance(error, sqlite3.Error):
                    raise
                demand_no_limit(error, f"{self.path}")
                if not (code := _unusable(error)):
                    raise
                words = f"{self.path} cannot be written: {error}; free the disk or the file, or choose another --out"
                if code in FULL:  # as later in the run, when a batch cannot be stored
                    raise NotWritten(words) from None
                raise BadInput(words) from None
        if row[0] != fingerprint:
            self.close()
            raise BadInput(
                f"{self.path} contains evaluations of another problem (fingerprint {str(row[0])[:40]}, this one is "
                f"{fingerprint}); choose another --out"
            )
        try:
            self._demand_sealed_facts()
        except BaseException:
            self.close()
            raise

    def _demand_sealed_facts(self) -> None:
        """Check that all facts about the run are as they were stored.

        Raises:
            BadInput: naming the first one that is not.
        """
        with faults_of(f"{self.path}", NO_STORE):
            facts = self._connection.execute(
                "SELECT about.key, value, seal FROM about LEFT JOIN fact_seals ON about.key = fact_seals.key "
                "WHERE about.key != 'fingerprint' UNION SELECT key, '', '' FROM fact_seals WHERE key NOT IN "
                "(SELECT key FROM about)"
            )
            for key, value, seal in facts:
                if (
                    not isinstance(key, str)
                    or not isinstance(value, str)
                    or seal != seal_of_fact(self._fingerprint, key, value)
                ):
                    raise BadInput(
                        f"{self.path}: its entry {one_line(str(key), 60)!r} is not as it was stored: it was damaged or "
                        "changed, or another version stored it; leave --resume out to start anew, or choose another --out"
                    )

    def __reduce__(self) -> str:
        """Refuse to be pickled: another process would write its own values into the file, or into a new one.

        Raises:
            BadInput: always.
        """
        raise BadInput(
            f"the store {self.path.name} belongs to this process and cannot be sent to another one; give that one Calls "
            "without a store, or make EvaluationStore(path, fingerprint) there"
        )

    def _prepared(self, fingerprint: str) -> tuple[Any, ...]:
        """Make what a new file lacks; returns the row with the fingerprint of the file."""
        connection = self._connection
        _demand_tables(connection)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        with (
            connection
        ):  # tables and fingerprint at once: a kill in between left a file that --resume called damaged
            connection.execute("BEGIN IMMEDIATE")
            for statement in filter(str.strip, _SCHEMA.split(";")):
                connection.execute(statement)
            connection.execute("INSERT OR IGNORE INTO about VALUES ('fingerprint', ?)", (fingerprint,))
        row: tuple[Any, ...] | None = connection.execute(
            "SELECT value FROM about WHERE key='fingerprint'"
        ).fetchone()
        if row is None:  # although it was inserted: another program made the table
            raise sqlite3.DatabaseError("it has no fingerprint")
        return row

    def load(self, side: str) -> dict[bytes, tuple[Array, str | None]]:
        """Everything stored for one side: from the bytes of a point to its values and failure message.

        Raises:
            BadInput: when the file is damaged, or the working folder is another one, where its path names another file.
        """
        demand_same_folder(self._opened_in, self.path)
        known: dict[bytes, tuple[Array, str | None]] = {}
        with reading_table(self.path, hint=NO_STORE):
            # First of all: no batch may contain more numbers than its points have.
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
        if any(len(sizes) > 1 for sizes in widths):
            raise BadInput(f"{self.path}{NO_STORE}: its points have different numbers of inputs or outputs")
        return known

    def append(
        self, side: str, purpose: str, x: Array, y: Array, messages: dict[int, str], seconds: float
    ) -> None:
        """Add one finished batch.

        Raises:
            NotWritten: when it cannot be stored; earlier batches stay stored.
        """
        self.look()
        row = (side, purpose, len(x), x.tobytes(), y.tobytes(), json.dumps(messages), float(seconds))
        with self._writing():
            added = self._connection.execute(
                "INSERT INTO batches (side, purpose, n, x, y, messages, seconds) VALUES (?,?,?,?,?,?,?)", row
            )
            seal = seal_of(self._fingerprint, *row)
            self._connection.execute("INSERT OR REPLACE INTO seals VALUES (?, ?)", (added.lastrowid, seal))

    @property
    def vanished(self) -> bool:
        """Whether the file is gone, and with it what was stored."""
        return not self.path.exists()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """A context with one transaction.

        Raises:
            NotWritten: when the disk is full, or the file is read-only, locked by another program or deleted; SQLite
                would go on writing into a deleted file without an error.
        """
        if self.vanished:
            raise NotWritten(f"{self.path} cannot be written: it has vanished, and with it what was stored")
        try:
            with self._lock, self._connection:
                yield
        except sqlite3.OperationalError as error:
            with suppress(sqlite3.Error):
                self._connection.rollback()
            raise not_written(self.path, str(error)) from error
        except sqlite3.DatabaseError as error:  # the file is damaged in a part that was not read before
            raise BadInput(f"{self.path}{NO_STORE}: {cause(error)}") from None

    def look(self, last: bool = False) -> None:
        """Check that the functions still are those whose values are stored, as far as ``looked`` can tell.

        Args:
            last: before the result of the run is written.

        Raises:
            BadInput: when the working folder is another one, where the result would be written.
        """
        demand_same_folder(self._opened_in, self.path)
        if self.looked is not None:
            self.looked(last)

    @property
    def points(self) -> int:
        """The number of stored evaluations."""
        with faults_of(f"{self.path}", NO_STORE):
            return int(self._connection.execute("SELECT COALESCE(SUM(n), 0) FROM batches").fetchone()[0])

    def remember(self, key: str, value: str) -> None:
        """Store a fact about the run, unless it is stored already."""
        self.look()
        with self._writing():
            added = self._connection.execute("INSERT OR IGNORE INTO about VALUES (?, ?)", (key, value))
            if added.rowcount:
                self._seal_fact(key, value)

    def replace(self, key: str, value: str) -> None:
        """Store a fact about the run in place of an older one."""
        with self._writing():
            self._connection.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (key, value))
            self._seal_fact(key, value)

    def _seal_fact(self, key: str, value: str) -> None:
        seal = seal_of_fact(self._fingerprint, key, value)
        self._connection.execute("INSERT OR REPLACE INTO fact_seals VALUES (?, ?)", (key, seal))

    def recall(self, key: str) -> str | None:
        """A fact that `remember` stored; None if there is none."""
        with faults_of(f"{self.path}", NO_STORE):
            row = self._connection.execute("SELECT value FROM about WHERE key=?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def number(self, key: str) -> float | None:
        """A number, 0 or more, that `remember` stored as text; None if there is none.

        Raises:
            BadInput: when the stored text is no such number.
        """
        text = self.recall(key)
        if text is None:
            return None
        with faults_of(f"{self.path}", NO_STORE):
            value = float(text)
            if not 0 <= value < math.inf:
                raise ValueError(f"{key}: {text}")
        return value

    def rows(self, key: str) -> int | None:
        """A number of rows, 1 or more, that `remember` stored as text; None if there is none.

        Raises:
            BadInput: when the stored text is no such number.
        """
        value = self.number(key)
        with faults_of(f"{self.path}", NO_STORE):
            if value is not None and not (value >= 1 and value.is_integer()):
                raise ValueError(f"{key}: {value:g}")
        return None if value is None else int(value)

    def vouched(self, side: str, value: object) -> bool:
        """Whether this callable is known to be the one whose values of a side are stored."""
        return any(of == side and known == value for of, known in self._vouched)

    def vouch(self, side: str, value: object) -> None:
        """Record that this callable is the one whose values of a side are stored."""
        if not self.vouched(side, value):
            self._vouched.append((side, value))

    def only(self, side: str) -> EvaluationStore:
        """This store for the calls of one side; it neither stores nor returns calls of other sides.

        It is for audits of changing models against one reference.
        """
        return _OneSide(self, side)

    def close(self) -> None:
        """Close the file; a closed store can be opened again."""
        self._connection.close()

    @staticmethod
    def is_blank(path: Path) -> bool:
        """Whether a file is a store that was begun, and into which nothing was written when the run was killed.

        A file without a byte may be one that was cut off.
        """
        if not exists(path) or not path.stat().st_size:
            return False
        try:
            demand_file(path)
            with closing(sqlite3.connect(path)) as connection:
                return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None
        except (sqlite3.Error, UnicodeError, BadInput, OverflowError) as error:
            _demand_opened(path, error)
            return False

    @staticmethod
    def fingerprint_of(path: Path) -> str | None:
        """The fingerprint in an existing store; None if there is none."""
        if not exists(path):
            return None
        try:
            demand_file(path)
            with closing(sqlite3.connect(path)) as connection:
                _demand_tables(connection)
                row = connection.execute("SELECT value FROM about WHERE key='fingerprint'").fetchone()
        except (sqlite3.Error, UnicodeError, BadInput, OverflowError) as error:
            _demand_opened(path, error)
            return None
        return None if row is None else str(row[0])


class _OneSide(EvaluationStore):
    """See `EvaluationStore.only`."""

    def __init__(self, store: EvaluationStore, side: str) -> None:
        self.path, self._store, self._side, self._vouched = store.path, store, side, store._vouched

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

    def look(self, last: bool = False) -> None:
        self._store.look(last)

    def recall(self, key: str) -> str | None:
        return self._store.recall(key) if key.endswith(f", {self._side}") else None

    def close(self) -> None:
        """Do nothing: the code that opened the store closes it."""
