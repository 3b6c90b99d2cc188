"""``python -m benchmarks.mending``: repair and guard beside their controls, on networks that are wrong somewhere.

Every number is a ratio: the largest error (or the RMS) afterwards over that before, both by one search with a seed that
nothing else uses. Controls with as many calls of the reference as the repair's rounds: ``random`` trains the same network
further, with the same optimiser and as many iterations, on random points, at most four for each weight; ``all random`` on
all of them, in as much CPU time as ``exchange`` took; ``equal`` trains a new network of the same size on them in that time,
``scratch`` in three times as much, on at most four for each weight. Guards reject 5 %: ``oracle`` rejects exactly the worst
5 % of 20,000 fresh points.

The parts of a row are run one by one, for all cases and seeds, and stored after each row: repairs and guards first, then
the controls, which take most of the time. A run with ``--save`` that was stopped goes on with ``--resume``: parts whose
numbers are stored are not run again, except those of ``--again``.
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
from supnorm.auditing.find_worst import find_worst
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
PASSES = ((*METHODS[:3], "guard"), CONTROLS)
JUDGED = 20_000  # evaluations of the search that judges, and fresh points of the RMS
REJECTED = 0.05


def main() -> None:
    """Print one line a case and seed; with ``--save`` put them into the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mending")
    parser.add_argument("--first", type=int, default=5000, help="seed")
    parser.add_argument("--seeds", type=int, default=5, help="networks of each case")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    parser.add_argument("--resume", action="store_true", help="keep what is stored and run what is missing")
    parser.add_argument("--parts", nargs="+", choices=(*METHODS, "guard"), help="these parts of a row only")
    parser.add_argument("--again", action="store_true", help="run them again where they are stored")
    args = parser.parse_args()
    rows: list[dict[str, Any]] = []
    if args.resume and RESULTS.exists():
        rows = json.loads(RESULTS.read_text())["rows"]
    for some in PASSES if args.parts is None else (tuple(args.parts),):
        for seed in range(args.first, args.first + args.seeds):  # a run that is stopped has all cases
            for name in (name for name in NAMES if args.only in name):
                row = next((r for r in rows if (r["case"], r["seed"]) == (name, seed)), None)
                if row is None:
                    rows.append(row := {"case": name, "seed": seed})
                missing = [part for part in some if args.again or part not in row]
                if missing:
                    complete(row, missing)
                    print(line(row), flush=True)
                    if args.save:
                        save(rows, args)


def complete(row: dict[str, Any], parts: list[str]) -> None:
    """Run parts of a row: ``exchange`` before the controls, which take as many calls and as much time as it took."""
    name, seed = row["case"], row["seed"]
    network, f, domain, data = case(name, seed)
    problem = Problem(network.as_function(), f, domain)
    report = audit(problem, evaluations=5000, seed=seed)
    if parts != ["guard"] or "worst" not in row:  # a guard states its own unguarded error
        before = judged(problem, network.as_function(), seed)
        row |= {"worst": before[0], "rms": before[1]}
    for part in parts:
        if part == "guard":
            row[part] = guarded(problem, report, seed)
            continue
        begin, calls = time.process_time(), {}
        if part in CONTROLS:
            made, accepted = control(part, network, f, domain, row["exchange"], seed), True
        else:
            given = data if "data" in part else None
            mended = repair(problem, report, data=given, method=part.split(",")[0], seed=seed)
            made, accepted = (
                mended.candidate.function if mended.candidate else network.as_function(),
                mended.accepted,
            )
            calls = {"calls": mended.evaluations["rounds"]}
        spent = time.process_time() - begin
        after = judged(problem, made, seed)
        row[part] = {
            "worst": after[0] / before[0],
            "rms": after[1] / before[1],
            "accepted": accepted,
            "seconds": round(spent, 1),
        } | calls


def guarded(problem: Problem, report: AuditReport, seed: int) -> dict[str, Any]:
    """What a guard leaves."""
    record = guard(problem, report, reject=REJECTED, seed=seed).record
    return {
        "worst": record.worst_accepted / record.worst_unguarded,
        "oracle": oracle(problem, seed) / record.worst_unguarded,
        "rejected": record.rejected,
        "microseconds": record.microseconds,
        "status": record.status.code,
    }


def control(
    method: str, network: Network, f: Reference, domain: Domain, exchange: dict[str, Any], seed: int
) -> Function:
    """The network trained further on random points, or a new one on them; ``exchange``: what the repair took."""
    calls, seconds = exchange["calls"], exchange["seconds"]
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
    if method != "random":
        limit = Limit.of(3 * seconds if method == "scratch" else seconds, clock=time.process_time)
    return TunableNetwork(start).tuned(x, y, limit).as_function()


def judged(problem: Problem, function: Function, seed: int) -> tuple[float, float]:
    """Largest error by a search with a seed of its own, and the RMS at fresh points."""
    found = find_worst(replace(problem, model=function), evaluations=JUDGED, seed=seed + 424_243).witness
    x = np.random.default_rng(seed + 99).uniform(-1, 1, (JUDGED, problem.domain.d))
    gap = np.abs(function.value(x) - problem.reference.value(x))[:, 0]
    return max(0.0 if found is None else found.error, float(gap.max())), float(rms(gap))


def oracle(problem: Problem, seed: int) -> float:
    """The largest error at 20,000 fresh points without the worst 5 % of them."""
    x = np.random.default_rng(seed + 99).uniform(-1, 1, (JUDGED, problem.domain.d))
    gap = np.abs(problem.model.value(x) - problem.reference.value(x))[:, 0]
    return float(np.quantile(gap, 1 - REJECTED))


def line(row: dict[str, Any]) -> str:
    """A row as text."""
    cells = [f"{m} {row[m]['worst']:.2g} ({row[m]['rms']:.2g})" for m in METHODS if m in row]
    if safe := row.get("guard"):
        cells.append(f"guard {safe['worst']:.2g} (oracle {safe['oracle']:.2g})")
    return f"{row['case']} {row['seed']}: {'  '.join(cells)}"


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
