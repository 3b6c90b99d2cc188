"""A Dask scheduler and its workers as processes that a test may kill; they are started again when asked for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import supnorm

START = 300.0  # seconds


class DaskCluster:
    """A scheduler and so many workers, each with a nanny that replaces it; started by the first `address`."""

    def __init__(self, folder: Path, workers: int) -> None:
        self.folder, self.n = folder, workers
        self._started: list[subprocess.Popen[bytes]] = []
        self._address = ""
        self._times = 0

    def __enter__(self) -> DaskCluster:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def address(self) -> str:
        """The scheduler's address, once all workers are there."""
        if not self._started or self._started[0].poll() is not None:
            self._end()
            self._start()
        return self._address

    def _start(self) -> None:
        self._times += 1
        self.folder.mkdir(parents=True, exist_ok=True)
        file, log = self.folder / f"scheduler-{self._times}.json", self.folder / f"{self._times}.log"
        common = ["--scheduler-file", str(file), "--no-dashboard", "--host", "127.0.0.1"]
        source = os.pathsep.join((str(Path(supnorm.__file__).parent.parent), str(Path(__file__).parents[2])))
        for line in (
            ["scheduler", "--port", "0", *common],
            ["worker", "--nworkers", str(self.n), "--nthreads", "1", *common],
        ):
            with log.open("ab") as out:
                self._started.append(
                    subprocess.Popen(
                        [sys.executable, "-m", "dask", *line], cwd=self.folder, stdout=out, stderr=out,
                        env={**os.environ, "PYTHONPATH": source}, start_new_session=True,
                    )
                )  # fmt: skip
            _until(file.exists)
        _until(lambda: log.read_bytes().count(b"Registered to") >= self.n)
        self._address = str(json.loads(file.read_text(encoding="utf-8"))["address"])

    def workers(self) -> list[int]:
        """Process ids of the workers, not of their nannies."""
        nanny = self._started[1].pid
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError, IndexError):
                started_by = int((path / "stat").read_text().rpartition(")")[2].split()[1])
                if started_by == nanny and b"spawn_main" in (path / "cmdline").read_bytes():
                    found.append(int(path.name))
        return found

    @property
    def scheduler(self) -> int:
        """Its process id."""
        return self._started[0].pid

    def kill_scheduler(self) -> None:
        """At once, as a machine that fails."""
        self._started[0].kill()
        self._started[0].wait()

    def stopped(self, seconds: float) -> None:
        """The scheduler answers nobody for so long."""
        self._started[0].send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self._started[0].send_signal(signal.SIGCONT)

    def _end(self) -> None:
        for process in reversed(self._started):
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
        self._started = []


def _until(condition: object) -> None:
    end = time.monotonic() + START
    while not condition():  # type: ignore[operator]
        if time.monotonic() > end:
            raise AssertionError("the Dask cluster does not start")
        time.sleep(0.05)
