"""``python -m benchmarks.scale constants``: what a call, a stored value, a decision and a box cost here, in processor time.

Processor seconds, because other work on the machine does not count in them. Those of other processes (a scheduler, workers)
are read from the system when they are idle again.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import supnorm as sn
from benchmarks.scale.dask_cluster import DaskCluster
from supnorm.auditing import SurrogateSearch
from supnorm.auditing.landscape import Landscape
from supnorm.auditing.strategy import Search
from supnorm.evaluation import Calls, EvaluationStore, Evaluator
from supnorm.evaluation.caller import Caller
from supnorm.evaluation.cluster import Cluster
from supnorm.evaluation.limit import Limit
from supnorm.evaluation.processes import Processes
from supnorm.problem import Function

RESULTS = Path(__file__).parents[1] / "results" / "scale_constants.json"
TICKS = os.sysconf("SC_CLK_TCK")
SHORT, LONG = 4_000, 40_000  # boxes of two proofs


def main(words: list[str]) -> int:
    """Measure, print, and with ``--save`` write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale constants")
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    args = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as home:
        found: dict[str, Any] = {
            "store": store(Path(home), args.calls),
            "processes": processes(args.calls),
            "dask": dask(Path(home), args.calls),
            "search": {str(n): search(n) for n in (100, 400, 1200)},
            "screen": screen(),
            "proof": proof(),
        }
    print(json.dumps(found, indent=1))
    if args.save:
        document = {
            "command": f"python -m benchmarks.scale constants --calls {args.calls} --save",
            "machine": f"{platform.system()}, {os.cpu_count()} cores, Python {platform.python_version()}",
            **found,
        }
        RESULTS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0


def spent(work: Callable[[], object]) -> float:
    """Processor seconds of this process for some work."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def spent_by(pid: int) -> float:
    """Processor seconds of another process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def square(x: Any) -> Any:
    """A reference of two inputs that takes no time."""
    return x[:, :1] * x[:, 1:]


def of_square() -> Function:
    """How workers make it."""
    return Function(square)


def store(home: Path, n: int) -> dict[str, float]:
    """Seconds of the driver for taking and storing a piece of one point, bytes of it in the file and in memory."""
    kept = EvaluationStore(home / "s.sqlite", "p")
    caller = Caller(Function(square), "reference", kept)
    caller.declare(expensive=True, rows=1)
    caller.outputs = 1
    x = np.random.default_rng(0).random((n, 2))
    y = square(x)
    take = spent(lambda: [caller._note(x[i : i + 1], y[i : i + 1], {}, 0.1, "search") for i in range(n)])
    kept.close()
    size = (home / "s.sqlite").stat().st_size
    again = EvaluationStore(home / "s.sqlite", "p")
    import tracemalloc

    tracemalloc.start()
    known = again.load("reference")
    memory = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    load = spent(lambda: again.load("reference"))
    again.close()
    return {"take": take / n, "load": load / n, "file_bytes": size / n, "memory_bytes": memory / len(known)}


def _calls(executor: Any, n: int) -> None:
    """So many calls of one point each, as an audit makes them."""
    function = Function(square, parallel="process", remake=of_square)
    caller = Caller(function, "reference", None, executor, 2)
    caller.declare(expensive=True, rows=1)
    caller.outputs = 1
    x = np.random.default_rng(0).random((n, 2))
    under_way = [caller.submit(x[i : i + 1]) for i in range(min(4, n))]
    for i in range(n):
        under_way.pop(0).result()
        if i + 4 < n:
            under_way.append(caller.submit(x[i + 4 : i + 5]))


def processes(n: int) -> dict[str, float]:
    """Seconds of the driver for a call on worker processes."""
    with Processes(2) as pool:
        _calls(pool, 10)
        return {"send": spent(lambda: _calls(pool, n)) / n}


def dask(home: Path, n: int) -> dict[str, float]:
    """Seconds of driver and scheduler for a call on Dask."""
    from distributed import Client

    with DaskCluster(home / "dask", 2) as cluster, Client(cluster.address(), set_as_default=False) as client:
        executor = Cluster(client)
        _calls(executor, 10)
        pid = cluster.scheduler
        before = spent_by(pid)
        send = spent(lambda: _calls(executor, n)) / n
        return {"send": send, "schedule": (spent_by(pid) - before) / n}


def search(n: int) -> float:
    """Seconds for choosing a round of points from ``n`` values, two inputs."""
    problem = sn.Problem(
        lambda x: np.exp(x[:, :1]) * x[:, 1:], Function(square), sn.Domain(a=(0.0, 1.0), b=(0.0, 1.0))
    )
    evaluator = Evaluator(problem, Calls())
    evaluator.model.decide(1e-6)
    evaluator.reference.decide(0.2)
    strategy = SurrogateSearch(first=1.0)
    from supnorm.auditing.expensive import _Calls

    landscape = Landscape(evaluator, Limit(evaluations=n + 10))
    calls = _Calls(landscape, Search.empty(2))
    calls.make(np.random.default_rng(0).random((n, 2)))
    rng, nothing = np.random.default_rng(1), np.empty((0, 2))
    return spent(lambda: strategy._propose(evaluator, calls, nothing, 0, 8, rng))


def screen() -> float:
    """Seconds of each evaluation of an audit of 200,000: search, statistics, comparison, and these cheap functions."""
    problem = sn.Problem(
        lambda x: np.exp(x[:, :1]) * x[:, 1:], Function(square), sn.Domain(a=(0.0, 1.0), b=(0.0, 1.0))
    )
    n = 200_000
    return spent(lambda: sn.audit(problem, evaluations=n, power=False, calls=Calls(cost="cheap"))) / n


def proof() -> dict[str, float]:
    """Of a proof in three inputs: seconds of a box for its bound, seconds of the driver for all else with a worker, bytes.

    A short proof is subtracted from a longer one: reading the functions takes as long in both.
    """
    import jax.numpy as jnp

    def truth(x: Any) -> Any:
        return jnp.sin(9 * x[:, 0] * x[:, 1]) * jnp.exp(x[:, 2]) + jnp.cos(7 * x[:, 1] * x[:, 2])

    def model(x: Any) -> Any:
        return truth(x) + 9e-5 * jnp.sin(40 * x[:, 0] + 30 * x[:, 1]) * jnp.cos(35 * x[:, 2] * x[:, 0])

    problem = sn.Problem(model, truth, sn.Domain(a=(0.0, 1.0), b=(0.0, 1.0), c=(0.0, 1.0)))
    with Processes(1) as worker:
        alone = _more(partial(_proof, problem, None))
        shared = _more(partial(_proof, problem, worker))
    return {
        "boxes": alone[0],
        "bound": alone[1] / alone[0],
        "driver": shared[2] / shared[0],
        "file_bytes": alone[3] / alone[0],
    }


def _more(prove: Callable[[int], tuple[int, float, float, int]]) -> list[float]:
    """What a long proof takes more than a short one."""
    prove(SHORT)  # JAX compiles, workers start
    short, long = prove(SHORT), prove(LONG)
    return [b - a for a, b in zip(short, long, strict=True)]


def _proof(problem: sn.Problem, worker: Processes | None, boxes: int) -> tuple[int, float, float, int]:
    """Boxes that were tried, seconds in their bounds here and of all in this process, bytes of the certificate."""
    from supnorm.certification import narrowing

    inside, tried = 0.0, 0
    original = narrowing._bound

    def bound(*given: Any) -> Any:
        nonlocal inside
        begun = time.process_time()
        try:
            return original(*given)
        finally:
            inside += time.process_time() - begun

    def count(event: Any) -> None:
        nonlocal tried
        tried = getattr(event, "boxes", tried)

    if worker is None:  # a function of this process cannot be sent
        setattr(narrowing, "_bound", bound)  # noqa: B010
    try:
        begun = time.process_time()
        result = sn.certify(problem, tolerance=9.5e-5, boxes=boxes, executor=worker, observer=count)
        whole = time.process_time() - begun
    finally:
        setattr(narrowing, "_bound", original)  # noqa: B010
    with tempfile.TemporaryDirectory() as home:
        path = Path(home) / "c.json"
        result.certificate.save(path)
        return tried, inside, whole, path.stat().st_size
