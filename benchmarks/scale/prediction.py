"""``python -m benchmarks.scale prediction``: what the simulator says of audits that are measured here, and of larger work.

One audit without workers is recorded: which batches it asks for, how long it thinks before each, and what a call takes.
From this and the constants the simulator predicts the same audit on workers, which is then measured. The constants are
processor seconds: on a machine that has other work all takes longer than predicted. The plans for a thousand workers use the
constants alone.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.scale import constants
from benchmarks.scale.efficiency import FILES, SLEEP, calls_by, measured
from benchmarks.scale.simulator import Batch, Costs, simulate
from supnorm import Calls, open_problem
from supnorm.evaluation import Evaluator
from supnorm.evaluation.caller import CHEAP_BATCH, Caller

RESULTS = Path(__file__).parents[1] / "results" / "scale_prediction.json"
BOXES = 256 * 256  # of a step of a proof at most (`narrowing.MOST` batches of `narrowing.BATCH` boxes)


def main(words: list[str]) -> int:
    """Predict, measure, print, and with ``--save`` write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale prediction")
    parser.add_argument("--evaluations", type=int, default=200)
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 4])
    parser.add_argument("--plans-only", action="store_true", help="measure nothing: the plans alone")
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    args = parser.parse_args(words)
    known = json.loads(constants.RESULTS.read_text(encoding="utf-8"))
    rows = [] if args.plans_only else audits(args.evaluations, args.workers, known)
    planned = plans(known)
    for row in (*rows, *planned):
        print(json.dumps(row))
    if args.save:
        workers = " ".join(map(str, args.workers))
        document = {
            "command": f"python -m benchmarks.scale prediction --evaluations {args.evaluations} --workers {workers} --save",
            "machine": f"{platform.system()}, {os.cpu_count()} cores, Python {platform.python_version()}",
            "load": os.getloadavg(),
            "audits": rows,
            "largest_error": max((abs(row["error"]) for row in rows), default=None),
            "plans": planned,
        }
        RESULTS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0


def audits(evaluations: int, workers: list[int], known: dict[str, Any]) -> list[dict[str, Any]]:
    """Audits of a reference of 0.1 s a call in rounds: seconds as predicted and as measured."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        for file, text in FILES.items():
            (home / file).write_text(text, encoding="utf-8")
        given = {"cost": "expensive:1:in-rounds"}
        import_module(
            "scipy.stats"
        )  # half a second, which is no thinking: the audits on workers would find it loaded
        with recorded() as trace:
            serial = measured(home, evaluations, 0, given, 1)
        batches, piece = trace.batches(serial["seconds"]), trace.piece
        ways = [("none", 1), *(("processes", w) for w in workers), *(("dask", w) for w in workers)]
        for by, n in ways:
            costs = costs_of(by, piece, known)
            if by == "none":
                seconds, start = serial["seconds"], 0.0
            else:
                start = starting(home, by, n)
                with calls_by(by, n, home) as more:
                    seconds = measured(home, evaluations, 0, {**given, **more}, n)["seconds"]
            predicted = simulate(batches, n, costs, start).seconds
            rows.append(
                {
                    "by": by,
                    "workers": n,
                    "evaluations": evaluations,
                    "predicted": round(predicted, 2),
                    "measured": seconds,
                    "error": round(predicted / seconds - 1.0, 3),
                }
            )
    return rows


def costs_of(by: str, piece: float, known: dict[str, Any]) -> Costs:
    """The costs of a call by these workers; ``by`` may be "none"."""
    take = known["store"]["take"]
    if by == "none":
        return Costs(piece, take=take)
    return Costs(piece, known[by]["send"], take, known[by].get("schedule", 0.0))


class Trace:
    """The batches of a run without workers.

    Attributes:
        seen: for each batch when it began, when it ended, and its pieces.
    """

    def __init__(self) -> None:
        self.seen: list[tuple[float, float, int]] = []
        self.begun = time.perf_counter()

    @property
    def piece(self) -> float:
        """Seconds of a piece."""
        return sum(b - a for a, b, _ in self.seen) / sum(n for _, _, n in self.seen)

    def batches(self, seconds: float) -> list[Batch]:
        """Each with the time since the one before it; what follows the last one of a run of ``seconds`` is one, too."""
        ends = [self.begun, *(b for _, b, _ in self.seen)]
        found = [Batch(n, a - end) for (a, _, n), end in zip(self.seen, ends, strict=False)]
        return [*found, Batch(0, max(0.0, self.begun + seconds - ends[-1]))]


@contextmanager
def recorded() -> Iterator[Trace]:
    """Record the batches of the reference in this process.

    Points that workers would call alone at once (`Caller.begin_alone`) are a batch, too: it counts at the first of them.
    """
    trace, original, alone_here = Trace(), Caller._fresh, Caller.alone
    announced: set[bytes] = set()
    together: list[int] = []

    def fresh(self: Caller, x: Any, purpose: str) -> Any:
        if self.side != "reference" or not self.expensive:  # of a search on the process it is cheap
            return original(self, x, purpose)
        begun = time.perf_counter()
        try:
            return original(self, x, purpose)
        finally:
            trace.seen.append((begun, time.perf_counter(), math.ceil(len(x) / (self.rows or 1))))

    def begin_alone(self: Caller, points: Sequence[Any]) -> None:
        if self.side == "reference" and len(points) > 1:
            announced.update(x.tobytes() for x in points)
            together.append(len(points))

    def alone(self: Caller, x: Any) -> Any:
        if self.side != "reference" or x.tobytes() not in announced:
            return alone_here(self, x)
        announced.remove(x.tobytes())
        begun = time.perf_counter()
        value = alone_here(self, x)
        trace.seen.append((begun, time.perf_counter(), together.pop() if together else 0))
        return value

    watching = {"_fresh": fresh, "begin_alone": begin_alone, "alone": alone}
    with patch.multiple(Caller, **watching):
        yield trace


def starting(home: Path, by: str, workers: int) -> float:
    """Seconds until workers that have just been started answer, beyond those of the call."""
    problem = open_problem(home / "problem.toml")
    with calls_by(by, workers, home) as given:
        evaluator = Evaluator(problem, Calls(**given))
        begun = time.perf_counter()
        for call in [evaluator.reference.submit(np.array([[0.5, 1.0]])) for _ in range(workers)]:
            call.result()
        seconds = time.perf_counter() - begun - SLEEP
        evaluator.close()
    (home / "calls.txt").unlink()
    return seconds


def plans(known: dict[str, Any]) -> list[dict[str, Any]]:
    """An audit of 10^8 evaluations and a proof of 10^9 boxes, on up to 1,000 workers by Dask."""
    rows = []
    n, take, dask = 10**8, known["store"]["take"], known["dask"]
    batch = Batch(CHEAP_BATCH, CHEAP_BATCH * known["screen"])
    wide = Batch(10**6, 10**6 * known["screen"])
    for workers in (10, 100, 1000):
        for name, together, each in (
            ("one point each", False, batch),
            ("as it is", True, batch),
            ("as it is, batches of 10^6", True, wide),
        ):
            costs = Costs(0.1, dask["send"], take, dask["schedule"], together)
            rows.append(_plan("audit", name, workers, [each] * (n // each.pieces), costs))
    proof = known["proof"]
    costs = Costs(256 * proof["bound"], dask["send"], 0.0, dask["schedule"])
    for workers in (1, 10, 32, 100, 1000):
        step = Batch(BOXES // 256, BOXES * proof["driver"])
        rows.append(_plan("proof", "as it is", workers, [step] * (10**9 // BOXES), costs))
    return rows


def _plan(work: str, name: str, workers: int, batches: list[Batch], costs: Costs) -> dict[str, Any]:
    spent = simulate(batches, workers, costs)
    return {
        "work": work, "how": name, "workers": workers, "hours": round(spent.seconds / 3600, 2),
        "efficiency": round(spent.workers, 3), "driver": round(spent.driver, 3), "scheduler": round(spent.scheduler, 3),
        "search": round(spent.search, 3), "bottleneck": spent.bottleneck,
    }  # fmt: skip
