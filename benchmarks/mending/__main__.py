"""``python -m benchmarks.mending``: repair and guard beside their controls, on networks that are wrong somewhere.

Every number is a ratio: the largest error (or the RMS) afterwards over that before, both by one audit with a seed that
nothing else uses. Controls with as many calls of the reference as the repair's rounds: ``random`` trains the same network
further, with the same optimiser and as many iterations, on random points, at most four for each weight; ``all random`` on
all of them, in as much CPU time as ``exchange`` took; ``equal`` trains a new network of the same size on them in that time,
``scratch`` three times as many iterations. Guards reject 5 %: ``oracle`` rejects exactly the worst 5 % of 20,000 fresh
points.

A run with ``--save`` that was stopped goes on with ``--resume``: cases and seeds whose numbers are stored are not run again.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.claims.stored import stamp
from benchmarks.mending.cases import NAMES, Reference, case
from supnorm.auditing import AuditReport, audit
from supnorm.evaluation.limit import Limit
from supnorm.guarding import guard
from supnorm.mending import Exchange, repair
from supnorm.mending.tunable import TunableNetwork
from supnorm.networks import Network, Scaling
from supnorm.problem import Domain, Function, Problem
from supnorm.results.powers import rms

Array = NDArray[np.float64]
RESULTS = Path(__file__).parents[1] / "results" / "mending.json"
METHODS = ("exchange", "exchange, data given", "patch", "random", "all random", "equal", "scratch")
CONTROLS = METHODS[3:]
JUDGED = 20_000  # evaluations of the audit that judges, and fresh points of the RMS
REJECTED = 0.05


def main() -> None:
    """Print one line a case and seed; with ``--save`` put them into the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mending")
    parser.add_argument("--first", type=int, default=5000, help="seed")
    parser.add_argument("--seeds", type=int, default=5, help="networks of each case")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    parser.add_argument("--resume", action="store_true", help="keep what is stored and run what is missing")
    args = parser.parse_args()
    rows = kept() if args.resume else []
    there = {(row["case"], row["seed"]) for row in rows}
    for seed in range(args.first, args.first + args.seeds):  # a run that is stopped has all cases
        for name in (name for name in NAMES if args.only in name and (name, seed) not in there):
            rows.append(one(name, seed))
            print(line(rows[-1]), flush=True)
            if args.save:
                save(rows, args)


def kept() -> list[dict[str, Any]]:
    """The stored rows that have every method."""
    rows = json.loads(RESULTS.read_text())["rows"] if RESULTS.exists() else []
    return [row for row in rows if all(method in row for method in METHODS)]


def one(name: str, seed: int) -> dict[str, Any]:
    """One network: before, after each method, and guarded."""
    network, f, domain, data = case(name, seed)
    problem = Problem(network.as_function(), f, domain)
    report = audit(problem, evaluations=5000, seed=seed)
    before = judged(problem, network.as_function(), seed)
    row: dict[str, Any] = {"case": name, "seed": seed, "worst": before[0], "rms": before[1]}
    calls, seconds = 0, 0.0
    for method in METHODS:
        begin = time.process_time()
        if method in CONTROLS:
            made, accepted = control(method, network, f, domain, calls, seconds, seed), True
        else:
            given = data if "data" in method else None
            mended = repair(problem, report, data=given, method=method.split(",")[0], seed=seed)
            made, accepted = (
                mended.candidate.function if mended.candidate else network.as_function(),
                mended.accepted,
            )
            calls = calls or mended.evaluations["rounds"]
        spent = time.process_time() - begin
        seconds = seconds or spent
        after = judged(problem, made, seed)
        row[method] = {
            "worst": after[0] / before[0],
            "rms": after[1] / before[1],
            "accepted": accepted,
            "seconds": round(spent, 1),
        }
    safe = guard(problem, report, reject=REJECTED, seed=seed)
    row["guard"] = {
        "worst": safe.record.worst_accepted / safe.record.worst_unguarded,
        "oracle": oracle(problem, seed) / safe.record.worst_unguarded,
        "rejected": safe.record.rejected,
        "microseconds": safe.record.microseconds,
        "status": safe.record.status.code,
    }
    return row


def control(
    method: str, network: Network, f: Reference, domain: Domain, calls: int, seconds: float, seed: int
) -> Function:
    """The network trained further on random points, or a new one on them; ``seconds``: limit of CPU time of some."""
    most = calls if method in ("all random", "equal") else min(calls, 4 * network.size)
    x = np.random.default_rng(seed + 77).uniform(-1, 1, (most, domain.d))
    y = f(x)[:, None]
    limit = Limit(evaluations=Exchange().rounds * Exchange().iterations)
    start = network
    if method in ("equal", "scratch"):
        part = network.parts[0].architecture
        scaling = Scaling.of_domain(domain, y)
        rng = np.random.default_rng(seed + 78)
        start = Network.init(rng, part.d, 1, part.widths[0], 2, scaling=scaling)
        limit = Limit(evaluations=3 * limit.evaluations)
    if method in ("all random", "equal"):
        limit = Limit.of(seconds, clock=time.process_time)
    return TunableNetwork(start).tuned(x, y, limit).as_function()


def judged(problem: Problem, function: Function, seed: int) -> tuple[float, float]:
    """Largest error by an audit with a seed of its own, and the RMS at fresh points."""
    found: AuditReport = audit(replace(problem, model=function), evaluations=JUDGED, seed=seed + 424_243)
    x = np.random.default_rng(seed + 99).uniform(-1, 1, (JUDGED, problem.domain.d))
    gap = np.abs(function.value(x) - problem.reference.value(x))[:, 0]
    return max(found.record.sup.lower, float(gap.max())), float(rms(gap))


def oracle(problem: Problem, seed: int) -> float:
    """The largest error at 20,000 fresh points without the worst 5 % of them."""
    x = np.random.default_rng(seed + 99).uniform(-1, 1, (JUDGED, problem.domain.d))
    gap = np.abs(problem.model.value(x) - problem.reference.value(x))[:, 0]
    return float(np.quantile(gap, 1 - REJECTED))


def line(row: dict[str, Any]) -> str:
    """A row as text."""
    cells = [f"{method} {row[method]['worst']:.2g} ({row[method]['rms']:.2g})" for method in METHODS]
    safe = row["guard"]
    return f"{row['case']} {row['seed']}: {'  '.join(cells)}  guard {safe['worst']:.2g} (oracle {safe['oracle']:.2g})"


def save(rows: list[dict[str, Any]], args: argparse.Namespace) -> None:
    """Write the rows so far."""
    document = {
        "command": f"python -m benchmarks.mending --first {args.first} --seeds {args.seeds} --save",
        "methods": METHODS,
        "machine": f"{platform.system()} {platform.machine()}",
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
        "rows": rows,
    }
    RESULTS.write_text(json.dumps(document, indent=1) + "\n")
    stamp("mending", add=args.resume)


if __name__ == "__main__":
    main()
