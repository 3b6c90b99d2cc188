"""``python -m benchmarks.mending``: repair and guard beside their controls, on networks that are wrong somewhere.

Every number is a ratio: the largest error (or the RMS) afterwards over that before, both by one audit with a seed that
nothing else uses. Controls with as many calls of the reference as the repair's rounds: ``random`` trains the same network
further, with the same optimiser and as many iterations, on random points; ``scratch`` trains a new network of the same size
on them, three times as long. Guards reject 5 %: ``oracle`` rejects exactly the worst 5 % of 20,000 fresh points.
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
METHODS = ("exchange", "exchange, data given", "patch", "random", "scratch")
JUDGED = 20_000  # evaluations of the audit that judges, and fresh points of the RMS
REJECTED = 0.05


def main() -> None:
    """Print one line a case and seed; with ``--save`` put them into the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mending")
    parser.add_argument("--first", type=int, default=5000, help="seed")
    parser.add_argument("--seeds", type=int, default=5, help="networks of each case")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    args = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for seed in range(args.first, args.first + args.seeds):  # a run that is stopped has all cases
        for name in (name for name in NAMES if args.only in name):
            rows.append(one(name, seed))
            print(line(rows[-1]), flush=True)
            if args.save:
                save(rows, args)


def one(name: str, seed: int) -> dict[str, Any]:
    """One network: before, after each method, and guarded."""
    network, f, domain, data = case(name, seed)
    problem = Problem(network.as_function(), f, domain)
    report = audit(problem, evaluations=5000, seed=seed)
    before = judged(problem, network.as_function(), seed)
    row: dict[str, Any] = {"case": name, "seed": seed, "worst": before[0], "rms": before[1]}
    calls = 0
    for method in METHODS:
        begin = time.process_time()
        if method in ("random", "scratch"):
            made, accepted = control(method, network, f, domain, calls, seed), True
        else:
            given = data if "data" in method else None
            mended = repair(problem, report, data=given, method=method.split(",")[0], seed=seed)
            made, accepted = (
                mended.candidate.function if mended.candidate else network.as_function(),
                mended.accepted,
            )
            calls = calls or mended.evaluations["rounds"]
        after = judged(problem, made, seed)
        row[method] = {
            "worst": after[0] / before[0],
            "rms": after[1] / before[1],
            "accepted": accepted,
            "seconds": round(time.process_time() - begin, 1),
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


def control(method: str, network: Network, f: Reference, domain: Domain, calls: int, seed: int) -> Function:
    """The network trained further on random points, or a new one on the same points for three times as long."""
    x = np.random.default_rng(seed + 77).uniform(-1, 1, (min(calls, 4 * network.size), domain.d))
    y = f(x)[:, None]
    steps = Exchange().rounds * Exchange().iterations
    start = network
    if method == "scratch":
        part = network.parts[0].architecture
        start = Network.init(
            np.random.default_rng(seed + 78),
            part.d,
            1,
            part.widths[0],
            2,
            scaling=Scaling.of_domain(domain, y),
        )
        steps *= 3
    return TunableNetwork(start).tuned(x, y, Limit(evaluations=steps)).as_function()


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
        "machine": f"{platform.system()} {platform.machine()}",
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
        "rows": rows,
    }
    RESULTS.write_text(json.dumps(document, indent=1) + "\n")
    stamp("mending")


if __name__ == "__main__":
    main()
