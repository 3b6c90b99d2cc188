"""``python -m benchmarks.soundness.fuzz --seed 0 --count 100000``: broken files given to the readers themselves.

An execution breaks a file at random (`broken_files`) and has one reader read it whole, up to thousands of times a second.
It is wrong when the reader ends in an exception that is not a refusal, refuses in odd words (several lines, over 2,000
characters, characters that a terminal obeys), ends the process, takes over `SECONDS` of processor time, stands still for
`WAITED`, or raises the memory by over `BYTES`. A file whose outcome is new (another refusal, numbers and quoted words
apart) is kept and broken further: half of the executions start from such a file. The same seed breaks the same files, as
many as there is time for.

    --kind net.onnx          one kind of file (`readers.KINDS`); otherwise all of them in turn
    --seconds 3600           for so long, in the place of a count: time is shared among the kinds by `Kind.share`
    --corpus FILE.zip        begins with its files, and adds those that are kept
    --replay FILE.zip        every file of a corpus is read once first
    --sparse                 every fifth one by kinds whose files another kind reads as well
    --found FOLDER           files that a reader was wrong about are written there
    --save                   the counts into results/fuzz.json: a row for each kind and seed; several runs add up
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import gc
import json
import math
import mmap
import os
import re
import resource
import signal
import struct
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.claims.code import commit_of
from benchmarks.claims.stored import claims
from benchmarks.soundness import broken_files
from benchmarks.soundness.broken_files import Quick, pick
from benchmarks.soundness.doors import warm
from benchmarks.soundness.readers import KINDS
from benchmarks.soundness.records import save
from supnorm.results import BadInput
from supnorm.results.printable import OBEYED

SECONDS, WAITED = 10.0, 300  # of processor time, of any time; no good file of these takes a tenth of a second
BYTES = 1_000_000_000
# Codes of a child: for the memory; when all is read, not 0, with which a library may end it.
TOO_MUCH, ENDED = 3, 42
CHUNK = 10_000  # executions of a child: libraries leak a little, and what one file leaves behind must not reach all
SLICE = 15.0  # seconds that a kind has the turn, where time is shared
SAVED = 600.0  # seconds between two times of saving
SMALL = 16_384  # bytes of a file that is kept, or twice those of the good one; in a corpus
# Bytes of a broken file, of others 2 MB: what is doubled again and again takes the time of a thousand others.
LONGEST = dict.fromkeys((".csv", ".json", ".jsonl", ".toml"), 100_000)
KEPT = 400  # files of a kind
# Kinds whose kept files another kind reads, too, mostly without the whole problem around them: four times as fast.
LIKED, SPARSE = {kind.like for kind in KINDS.values()}, 5
LOCAL = ("net.pt2",)  # kinds without a corpus: torch writes the folders of the machine into each file
TOGETHER = 40_000  # bytes of the files of a kind in a corpus, the smallest first
NUMBERS = re.compile(r"'[^']*'|\"[^\"]*\"|[-+]?\d[\d.,e+-]*")
# The number of the execution that runs, whether its file is being read, and how many were read, refused, wrong.
SHARED = struct.Struct("5Q")


class Fuzzer:
    """One kind of file: the good one, its reader, and what was kept.

    Args:
        kind: a key of `KINDS`.
        folder: where the good file is made; it must not exist.
        seed: of the breakings.
        kept: files to begin with, besides the good one.
        found: where files that a reader was wrong about are written.
    """

    def __init__(
        self, kind: str, folder: Path, seed: int, kept: list[bytes], found: Path | None = None
    ) -> None:
        self.kind, self.seed, self.found = kind, zlib.crc32(f"{seed} {kind}".encode()) << 40, found
        _make(kind, folder)
        self.read = KINDS[kind].read
        self.path = folder / KINDS[kind].file
        self.good = self.path.read_bytes()
        self.small = max(SMALL, 2 * len(self.good))
        self.ways = KINDS[kind].ways or broken_files.WAYS[self.path.suffix]
        self.kept = {f"known {number}": data for number, data in enumerate(kept)}
        self.pool = [*self.kept.values()]
        self.counts = collections.Counter[str]()
        self.wrong: list[dict[str, Any]] = []
        self.done, self.spent = 0, 0.0
        self.news = folder.with_name(f"{folder.name}.news")
        self.rng = Quick()

    def run(self, count: int, seconds: float = math.inf) -> None:
        """Break and read ``count`` times, or as often as the time allows."""
        begun, last = time.monotonic(), self.done + count
        while self.done < last and time.monotonic() < begun + seconds:
            self.done += self._files(self._broken, self.done, min(last, self.done + CHUNK), begun + seconds)
        self.spent += time.monotonic() - begun

    def replay(self, files: list[bytes]) -> None:
        """Read each file once."""
        first = 0
        while first < len(files):
            first += self._files(files.__getitem__, first, len(files))

    def _broken(self, number: int) -> bytes:
        rng = self.rng
        rng.seed(self.seed + number)
        data = pick(rng, self.pool) if self.pool and rng.random() < 0.5 else self.good
        try:
            made = pick(rng, self.ways)(rng, data)
        except Exception:  # some breakings of broken things are not possible
            made = broken_files.broken_bytes(rng, data)
        return made[: LONGEST.get(self.path.suffix, 2_000_000)]

    def _files(self, file: Callable[[int], bytes], first: int, stop: int, until: float = math.inf) -> int:
        """Have files read in a child, which ends with the last one, or at one that ends it; how many were read."""
        with mmap.mmap(-1, SHARED.size) as shared:
            gc.collect()
            gc.freeze()  # what is loaded is not searched again and again for cycles
            child = os.fork()
            if child == 0:
                self._child(file, first, stop, until, shared)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            now, reading, read, refused, wrong = SHARED.unpack(shared[:])
        self.counts.update({"read": read, "refused": refused, "wrong": wrong})
        self.counts = +self.counts
        self._take()
        if status == ENDED:
            done = now
        elif (
            not reading
        ):  # a library that breaks a file has ended, or did not end: there is no file to be read
            done = now + 1
        else:
            why = {
                -signal.SIGPROF: f"over {SECONDS:g} s",
                -signal.SIGALRM: f"stood still for {WAITED} s",
                TOO_MUCH: f"over {BYTES / 1e9:g} GB",
            }
            self.counts["wrong"] += 1
            self._found(why.get(status, f"ended with {status}"), self.path.read_bytes())
            done = now + 1
        self.path.write_bytes(self.good)
        return done - first

    def _child(
        self, file: Callable[[int], bytes], first: int, stop: int, until: float, shared: mmap.mmap
    ) -> None:
        code = 99
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGPROF, signal.SIG_DFL)  # ends compiled code, too
            resource.setrlimit(resource.RLIMIT_DATA, (6 * BYTES, 6 * BYTES))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            self.path.write_bytes(self.good)
            with contextlib.suppress(BadInput):
                self.read(self.path)  # imports
            before, counts = _peak(), [0, 0, 0]
            places = {"read": 0, "refused": 1, "wrong": 2}
            with self.news.open("a") as news:
                number = first
                while number < stop:
                    SHARED.pack_into(shared, 0, number, 0, *counts)
                    signal.setitimer(signal.ITIMER_PROF, SECONDS)
                    data = file(number)
                    if _peak() > before + BYTES / 10:
                        _forget_peak()  # that of the library that broke the file
                    SHARED.pack_into(shared, 0, number, 1, *counts)
                    self.path.write_bytes(data)
                    signal.alarm(WAITED)
                    signal.setitimer(signal.ITIMER_PROF, SECONDS)
                    outcome = outcome_of(self.read, self.path)
                    signal.setitimer(signal.ITIMER_PROF, 0.0)
                    if self._is_new(outcome, data):
                        print(json.dumps([outcome, data.hex()]), file=news, flush=True)
                    if _peak() > before + BYTES:
                        os._exit(TOO_MUCH)
                    counts[places[outcome.partition(":")[0]]] += 1
                    number += 1
                    if time.monotonic() > until:
                        break
            SHARED.pack_into(shared, 0, number, 0, *counts)
            code = ENDED
        finally:
            os._exit(code)

    def _is_new(self, outcome: str, data: bytes) -> bool:
        if outcome.startswith("wrong"):
            return True
        if outcome in self.kept or len(data) > self.small or len(self.kept) >= KEPT:
            return False
        self._keep(outcome, data)
        return True

    def _keep(self, outcome: str, data: bytes) -> None:
        self.kept[outcome] = data
        self.pool.append(data)

    def _take(self) -> None:
        """What a child has written."""
        for line in self.news.read_text().splitlines():
            outcome, data = json.loads(line)
            if outcome.startswith("wrong"):
                self._found(outcome, bytes.fromhex(data))
            else:
                self._keep(outcome, bytes.fromhex(data))
        self.news.unlink()

    def _found(self, why: str, data: bytes) -> None:
        name = f"{self.kind}.{len(self.wrong)}"
        self.wrong.append({"kind": self.kind, "why": why[:300], "bytes": len(data)})
        print(f"WRONG {name}: {why[:300]}", flush=True)
        if self.found is not None:
            (self.found / name).write_bytes(data)


def outcome_of(read: Callable[[Path], Any], path: Path) -> str:
    """What came of reading a file; of a refusal, its words without numbers and names."""
    try:
        read(path)
    except BadInput as refused:
        told = str(refused)
        if len(told) > 2000 or OBEYED.search(told) or len(told.splitlines()) != 1:
            return f"wrong: in odd words: {told[:200]!r}"
        return f"refused: {NUMBERS.sub('#', told)[:200]}"
    except BaseException as error:
        return f"wrong: {type(error).__name__}: {str(error)[:200]!r}"
    return "read"


def _peak() -> int:
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _forget_peak() -> None:
    """Have the largest memory of this process counted anew (Linux)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _make(kind: str, folder: Path) -> None:
    """Make the good file in another process: threads of the libraries that make it do not reach the forks."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            KINDS[kind].make(folder)
            code = 0
        finally:
            os._exit(code)
    if os.waitpid(child, 0)[1]:
        raise SystemExit(f"the good file of {kind} could not be made")


def read_corpus(path: Path) -> dict[str, list[bytes]]:
    """The files of a corpus, by kind; some kinds share theirs."""
    found: dict[str, list[bytes]] = {kind: [] for kind in KINDS}
    if path.exists():
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                found[name.partition("/")[0]].append(archive.read(name))
    return {kind: found[KINDS[kind].like or kind] for kind in KINDS}


def write_corpus(path: Path, files: dict[str, list[bytes]]) -> None:
    """The files of each kind, each content once, in one order: the same files give the same bytes."""
    together: dict[str, set[bytes]] = {}
    for kind, contents in files.items():
        together.setdefault(KINDS[kind].like or kind, set()).update(contents)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for kind, kept in sorted((kind, together[kind]) for kind in {*together} - {*LOCAL}):
            ordered = sorted(kept, key=lambda data: (len(data), data))
            for number, data in enumerate(
                ordered[: np.searchsorted(np.cumsum([*map(len, ordered)]), TOGETHER)]
            ):
                archive.writestr(zipfile.ZipInfo(f"{kind}/{number:03d}"), data, zipfile.ZIP_DEFLATED)


class Campaign:
    """All kinds of a run, which have the turn one after the other.

    Args:
        given: the options.
        home: where files are made.
    """

    def __init__(self, given: argparse.Namespace, home: Path) -> None:
        self.given, self.begun, self.stopped = given, time.monotonic(), False
        source = given.replay or given.corpus
        self.known = {kind: [] for kind in KINDS} if source is None else read_corpus(source)
        self.fuzzers: dict[str, Fuzzer] = {}
        self.home = home
        if given.save:
            self.commit = commit_of(claims()["fuzz"].depends)  # now: the code is loaded
        if given.found:
            given.found.mkdir(parents=True, exist_ok=True)

    def fuzzer(self, kind: str) -> Fuzzer:
        """That of a kind, made when it is first asked for."""
        if kind not in self.fuzzers:
            one = Fuzzer(kind, self.home / kind, self.given.seed, self.known[kind], self.given.found)
            self.fuzzers[kind] = one
            if self.given.replay:
                one.replay(self.known[kind][:: SPARSE if self.given.sparse and kind in LIKED else 1])
        return self.fuzzers[kind]

    def counted(self) -> None:
        """Each kind as often as the option says."""
        for kind in self.given.kind or KINDS:
            if not self.stopped:
                self.fuzzer(kind).run(self.given.count)
                self.tell(kind)

    def timed(self) -> None:
        """For as long as the option says: the turn has the kind that has had least of its share."""
        kinds, saved = self.given.kind or [*KINDS], self.begun
        end = self.begun + self.given.seconds
        while not self.stopped and (now := time.monotonic()) < end:
            kind = min(
                kinds, key=lambda k: self.fuzzers[k].spent / KINDS[k].share if k in self.fuzzers else 0.0
            )
            self.fuzzer(kind).run(2**40, min(SLICE, end - now))
            self.forecast()
            if time.monotonic() > saved + SAVED:
                saved = time.monotonic()
                self.store()
        for kind in kinds:
            self.tell(kind)

    def forecast(self) -> None:
        """How far it is, and how many executions there will be."""
        spent = time.monotonic() - self.begun
        total = sum(one.counts.total() for one in self.fuzzers.values())
        wrong = sum(one.counts["wrong"] for one in self.fuzzers.values())
        print(
            f"{total:,} executions in {spent:,.0f} s, {wrong} wrong; about {total * self.given.seconds / spent:,.0f} in "
            f"{self.given.seconds:,.0f} s",
            flush=True,
        )

    def tell(self, kind: str) -> None:
        """What was counted of a kind."""
        if kind in self.fuzzers:
            one = self.fuzzers[kind]
            print(
                f"{kind}: {one.counts.total():,} executions, {dict(one.counts)}, {len(one.kept)} outcomes, "
                f"{one.spent:,.0f} s",
                flush=True,
            )

    def store(self) -> None:
        """Save the counts, and the corpus with what was kept."""
        if self.given.save:
            for kind, one in self.fuzzers.items():
                save(
                    kind,
                    self.given.seed,
                    one.counts,
                    "fuzz",
                    one.wrong,
                    seconds=round(one.spent),
                    commit=self.commit,
                )
        if self.given.corpus:
            for kind, one in self.fuzzers.items():
                self.known[kind] = [data for data in one.kept.values() if len(data) <= SMALL]
            write_corpus(self.given.corpus, self.known)

    def stop(self, *_: Any) -> None:
        """End after the turn of this kind."""
        self.stopped = True


def main() -> int:
    """Fuzz, or replay a corpus."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soundness.fuzz",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=10_000, help="executions of each kind")
    parser.add_argument("--seconds", type=float, help="of all kinds together, in the place of --count")
    parser.add_argument("--kind", choices=KINDS, action="append")
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--replay", type=Path)
    parser.add_argument("--sparse", action="store_true")
    parser.add_argument("--found", type=Path)
    parser.add_argument("--save", action="store_true")
    given = parser.parse_args()
    warm()
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place) as home:
        campaign = Campaign(given, Path(home))
        signal.signal(signal.SIGTERM, campaign.stop)
        if given.seconds is None:
            campaign.counted()
        else:
            campaign.timed()
        campaign.store()
    return int(any(one.wrong for one in campaign.fuzzers.values()))


if __name__ == "__main__":
    raise SystemExit(main())
