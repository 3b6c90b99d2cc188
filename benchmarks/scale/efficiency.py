"""``python -m benchmarks.scale efficiency``: how much of the ideal speed audits reach on several workers.

The reference sleeps for 100 ms a point, so that a few cores serve many workers. Ideal is the time of its calls divided by
the number of workers. What is lost is the start of workers, the first calls, choosing the next points while workers wait,
and the calls that are made alone at the end. Each audit is run twice: points are sent one by one, as for calls of this
length without a declared cost; and in rounds, where the numbers have to be those of the serial run on any workers.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from supnorm import Calls, audit, open_problem

RESULTS = Path(__file__).parents[1] / "results" / "scale.json"
SLEEP = 0.1  # seconds
FILES = {
    "truth.py": """
import os, time
import numpy as np
def model(x): return np.exp(x[:, 0]) * x[:, 1] + 0.3 * np.exp(-((x[:, 0] - 0.3) / 0.2) ** 2)
def truth(a, b):
    time.sleep(0.1)
    with open(os.path.join(os.path.dirname(__file__), "calls.txt"), "a") as file:
        file.write(".")
    return float(np.exp(a) * b)
""",
    "problem.toml": """
[model]
python = "truth.py:model"
[reference]
python = "truth.py:truth"
per_point = true
[error]
tolerance = 0.1
[domain]
a = { low = 0.0, high = 1.0 }
b = { low = 0.5, high = 2.0 }
""",
}


def main(words: list[str]) -> int:
    """Print one line a run; with ``--save`` put them into the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale efficiency")
    parser.add_argument("--evaluations", type=int, nargs="+", default=[200, 600])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    args = parser.parse_args(words)
    rows: list[dict[str, Any]] = []
    print(
        f"{'by':10s} {'workers':>7s} {'sent':>10s} {'evaluations':>11s} {'calls':>6s} {'seconds':>8s} {'of ideal':>8s} same"
    )
    with tempfile.TemporaryDirectory() as home:
        for name, text in FILES.items():
            Path(home, name).write_text(text, encoding="utf-8")
        ways = [("serial", 1), *((by, w) for by in ("processes", "dask") for w in args.workers if w > 1)]
        for evaluations, (by, workers) in product(args.evaluations, ways):
            with calls_by(by, workers, Path(home)) as given:
                for sent in ("in-rounds", "one-by-one"):
                    if by == "serial" and sent == "one-by-one":
                        continue
                    row = measured(
                        Path(home), evaluations, args.seed, {**given, "cost": f"expensive:1:{sent}"}, workers
                    )
                    row = {"by": by, "workers": workers, "sent": sent, "evaluations": evaluations, **row}
                    rows.append(row)
                    serial = next(r for r in rows if r["evaluations"] == evaluations)
                    row["same"] = row["numbers"] == serial["numbers"] if sent == "in-rounds" else None
                    print(
                        f"{by:10s} {workers:7d} {sent:>10s} {evaluations:11d} {row['calls']:6d} {row['seconds']:8.1f} "
                        f"{row['efficiency']:8.2f} {row['same']}",
                        flush=True,
                    )
    if args.save:
        given = " ".join(map(str, args.evaluations)), " ".join(map(str, args.workers))
        document = {
            "command": f"python -m benchmarks.scale efficiency --evaluations {given[0]} --workers {given[1]} "
            f"--seed {args.seed} --save",
            "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
            "load": os.getloadavg(),
            "versions": {
                "python": platform.python_version(),
                "numpy": np.__version__,
                "scipy": scipy.__version__,
            },
            "rows": rows,
        }
        RESULTS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0


def measured(home: Path, evaluations: int, seed: int, given: dict[str, Any], workers: int) -> dict[str, Any]:
    """One audit: its time, and the share of the ideal speed that it reached."""
    problem = open_problem(home / "problem.toml")
    begun = time.perf_counter()
    report = audit(problem, evaluations=evaluations, seed=seed, power=None, calls=Calls(**given))
    seconds = time.perf_counter() - begun
    assert report.worst is not None
    assert report.halted is None, "interrupted"
    calls = len((home / "calls.txt").read_bytes())
    (home / "calls.txt").unlink()
    return {
        "calls": calls,
        "seconds": round(seconds, 2),
        "efficiency": round(calls * SLEEP / workers / seconds, 3),
        "numbers": [
            report.worst.error.hex(),
            *(float(v).hex() for v in report.worst.x),
            report.record.rms.value.hex(),
        ],
    }


@contextmanager
def calls_by(by: str, workers: int, home: Path) -> Iterator[dict[str, Any]]:
    """The arguments of `Calls` for processes, or for a scheduler and workers that are started here."""
    if by != "dask":
        yield {"workers": workers}
        return
    from distributed import Client

    file = home / "scheduler.json"
    common = ["--scheduler-file", str(file), "--no-dashboard"]
    started: list[subprocess.Popen[bytes]] = []
    try:
        for line in (
            ["scheduler", "--port", "0", *common],
            ["worker", "--nworkers", str(workers), "--nthreads", "1", *common],
        ):
            command = [sys.executable, "-m", "dask", *line]
            quiet = subprocess.DEVNULL
            started.append(subprocess.Popen(command, cwd=home, stdout=quiet, stderr=quiet))
            while not file.exists():
                time.sleep(0.1)
        with Client(scheduler_file=str(file), set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=120)
            yield {"executor": client}
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(60)
        file.unlink(missing_ok=True)
