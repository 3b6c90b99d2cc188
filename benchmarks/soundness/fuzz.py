"""``python -m benchmarks.soundness.fuzz --seed 0 --count 100000``: broken files given to the readers themselves.

An execution breaks a file at random (`broken_files`) and has it read, hundreds of times a second. It is wrong when the
reader ends in an exception that is not a refusal, refuses in odd words (several lines, over 2,000 characters, characters
that a terminal obeys), ends the process, takes over `SECONDS` of processor time, or raises the memory by over `BYTES`.
A file whose outcome is new (another refusal, numbers and quoted words apart) is kept and broken further: half of the
executions start from such a file.

    --kind net.onnx          one kind of file (`readers.KINDS`); otherwise all of them in turn
    --corpus FILE.zip        begins with its files, and adds those that are kept
    --replay FILE.zip        every file of a corpus is read once first
    --save                   the counts into results/fuzz.json
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import mmap
import os
import re
import resource
import signal
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.soundness import broken_files
from benchmarks.soundness.broken_files import pick
from benchmarks.soundness.doors import warm
from benchmarks.soundness.readers import KINDS
from benchmarks.soundness.records import save
from supnorm.results import BadInput
from supnorm.results.printable import OBEYED

SECONDS = 10.0  # of processor time; no good file of these takes a tenth of a second
BYTES = 1_000_000_000
TOO_MUCH, ENDED = (
    3,
    42,
)  # codes of a child: for the memory; when all is read, not 0, with which a library may end it
CHUNK = 2_000  # executions of a child: libraries leak a little, and what one file leaves behind must not reach all
SMALL = 16_384  # bytes of a file that is kept
KEPT = 400  # files of a kind
LOCAL = (
    "net.pt2",
)  # kinds of which a corpus has none: torch writes the folders of the machine into each file
TOGETHER = 100_000  # bytes of the files of a kind in a corpus, the smallest first
NUMBERS = re.compile(r"'[^']*'|\"[^\"]*\"|[-+]?\d[\d.,e+-]*")


class Fuzzer:
    """One kind of file: the good one, its reader, and what was kept.

    Args:
        kind: a key of `KINDS`.
        folder: where the good file is made; it must not exist.
        seed: of the breakings.
        kept: files to begin with, besides the good one.
    """

    def __init__(self, kind: str, folder: Path, seed: int, kept: list[bytes]) -> None:
        self.kind, self.seed = kind, seed
        _make(kind, folder)
        self.read = KINDS[kind].read
        self.path = folder / KINDS[kind].file
        self.good = self.path.read_bytes()
        self.kept = {f"known {number}": data for number, data in enumerate(kept)}
        self.counts = collections.Counter[str]()
        self.wrong: list[dict[str, Any]] = []
        self.news = folder.with_name(f"{folder.name}.news")

    def run(self, count: int) -> None:
        """Break and read ``count`` times."""
        for first in range(0, count, CHUNK):
            self._files(self._broken(range(first, min(count, first + CHUNK))))

    def replay(self, files: list[bytes]) -> None:
        """Read each file once."""
        self._files(iter(files))

    def _broken(self, numbers: range) -> Iterator[bytes]:
        kept = list(self.kept.values())
        for number in numbers:
            rng = np.random.default_rng([self.seed, len(self.kind), number])
            data = pick(rng, kept) if kept and rng.random() < 0.5 else self.good
            way = pick(rng, broken_files.WAYS[self.path.suffix])
            try:
                yield way(rng, data)
            except Exception:  # some breakings of broken things are not possible
                yield broken_files.broken_bytes(rng, data)

    def _files(self, files: Iterator[bytes]) -> None:
        """Have the files read in children: another one goes on where one has ended."""
        number = 0
        while True:
            with mmap.mmap(-1, 16) as shared:
                child = os.fork()
                if child == 0:
                    self._child(files, number, shared)
                status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
                done = int.from_bytes(shared[:8], "little")
            self._take()
            if status == ENDED:
                break
            why = {-signal.SIGPROF: f"over {SECONDS:g} s", TOO_MUCH: f"over {BYTES / 1e9:g} GB"}.get(
                status, f"ended with {status}"
            )
            self._found(why, self.path.read_bytes())
            number = done + 1
        self.path.write_bytes(self.good)

    def _child(self, files: Iterator[bytes], first: int, shared: mmap.mmap) -> None:
        code = 99
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            signal.signal(signal.SIGPROF, signal.SIG_DFL)  # ends compiled code, too
            resource.setrlimit(resource.RLIMIT_DATA, (6 * BYTES, 6 * BYTES))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            self.path.write_bytes(self.good)
            with contextlib.suppress(BadInput):
                self.read(self.path)  # imports
            before = _peak()
            with self.news.open("a") as news:
                for number, data in enumerate(files):
                    if number < first:
                        continue
                    shared[:8] = number.to_bytes(8, "little")
                    self.path.write_bytes(data)
                    signal.setitimer(signal.ITIMER_PROF, SECONDS)
                    outcome = outcome_of(self.read, self.path)
                    signal.setitimer(signal.ITIMER_PROF, 0.0)
                    print(
                        json.dumps([outcome, data.hex() if self._is_new(outcome, data) else ""]),
                        file=news,
                        flush=True,
                    )
                    if _peak() > before + BYTES:
                        os._exit(TOO_MUCH)
            code = ENDED
        finally:
            os._exit(code)

    def _is_new(self, outcome: str, data: bytes) -> bool:
        if outcome not in self.kept and len(data) <= SMALL and len(self.kept) < KEPT:
            self.kept[outcome] = data
            return True
        return outcome.startswith("wrong")

    def _take(self) -> None:
        """What a child has written."""
        for line in self.news.read_text().splitlines():
            outcome, data = json.loads(line)
            self.counts[outcome.partition(":")[0]] += 1
            if outcome.startswith("wrong"):
                self.counts["wrong"] -= 1
                self._found(outcome, bytes.fromhex(data))
            elif data:
                self.kept[outcome] = bytes.fromhex(data)
        self.news.unlink()

    def _found(self, why: str, data: bytes) -> None:
        self.counts["wrong"] += 1
        self.kept[f"{why} {len(self.wrong)}"] = data
        self.wrong.append({"kind": self.kind, "why": why[:300], "bytes": len(data)})
        print(f"WRONG {self.kind}: {why[:300]}", flush=True)


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
    """The files of a corpus, by kind."""
    found: dict[str, list[bytes]] = {kind: [] for kind in KINDS}
    if path.exists():
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                found[name.partition("/")[0]].append(archive.read(name))
    return found


def write_corpus(path: Path, files: dict[str, list[bytes]]) -> None:
    """The files of each kind, each content once, in one order: the same files give the same bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for kind, contents in sorted((kind, files[kind]) for kind in {*files} - {*LOCAL}):
            ordered = sorted({*contents}, key=lambda data: (len(data), data))
            for number, data in enumerate(
                ordered[: np.searchsorted(np.cumsum([*map(len, ordered)]), TOGETHER)]
            ):
                archive.writestr(zipfile.ZipInfo(f"{kind}/{number:03d}"), data, zipfile.ZIP_DEFLATED)


def main() -> int:
    """Fuzz, or replay a corpus."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soundness.fuzz",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=10_000, help="executions of each kind")
    parser.add_argument("--kind", choices=KINDS, action="append")
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--replay", type=Path)
    parser.add_argument("--save", action="store_true")
    given = parser.parse_args()
    warm()
    source = given.replay or given.corpus
    known = {kind: [] for kind in KINDS} if source is None else read_corpus(source)
    wrong = 0
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place) as home:
        for kind in given.kind or KINDS:
            one = Fuzzer(kind, Path(home) / kind, given.seed, known[kind])
            if given.replay:
                one.replay(known[kind])
            one.run(given.count)
            known[kind] = [data for data in one.kept.values() if len(data) <= SMALL]
            wrong += len(one.wrong)
            print(
                f"{kind}: {one.counts.total():,} executions, {dict(one.counts)}, {len(one.kept)} outcomes",
                flush=True,
            )
            if given.save:
                save(kind, given.seed, one.counts.elements(), "fuzz", one.wrong)
    if given.corpus:
        write_corpus(given.corpus, known)
    return int(bool(wrong))


if __name__ == "__main__":
    raise SystemExit(main())
