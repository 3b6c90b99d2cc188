"""``python -m benchmarks.search``: the table of success rates beside the peers; see benchmarks/README.md."""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
from tests.problems import Instance, kink

from benchmarks.search import table
from benchmarks.search.objective import Objective
from benchmarks.search.ours import supnorm
from benchmarks.search.peers import PEERS, Peer, quietly
from benchmarks.search.rows import ROWS, Row
from supnorm.auditing.expensive import SurrogateSearch

RESULTS = Path(__file__).parents[1] / "results" / "search.json"
DOCS = Path(__file__).parents[2] / "docs" / "audit.md"
UNSEEN = 7000  # the first seed; those below 1000 are for tuning
PATIENCE = 20  # times our processor time that a peer may take


def main() -> None:
    """Run the rows that were asked for, print each, and keep it in the results file."""
    args = _arguments()
    if args.table:
        table.into_page(DOCS, RESULTS, [row.name for row in ROWS], [p.name for p in PEERS])
        print(f"the table in {DOCS} was written from {RESULTS}")
        return
    warm_up(peers := [p for p in PEERS if args.peers is None or p.name in args.peers.split(",")])
    rows = [r for r in ROWS if _asked(r.name, args.only) and (r.quick or args.full or args.only)]
    for peer in peers:
        if not peer.installed:
            print(f"{peer.name}: {peer.package} is not installed, left out (pip install -e '.[bench]')")
    for row in rows:
        entry = measure(row, [p for p in peers if p.installed], args.seeds, args.first, args.slow)
        if args.save:
            entry = table.save(RESULTS, row.name, entry)
        print("\n".join(table.lines(row.name, row.evaluations, *table.summary(entry))), flush=True)


def _asked(name: str, only: list[str] | None) -> bool:
    return only is None or any(part in name for part in only)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--quick", action="store_true", help="a few rows (the default)")
    which.add_argument("--full", action="store_true", help="every row")
    parser.add_argument("--only", nargs="+", help="rows whose name contains one of these")
    parser.add_argument("--peers", help="names, comma-separated; all by default, '' for none")
    parser.add_argument("--seeds", type=int, default=10, help="instances a row")
    parser.add_argument(
        "--slow", type=int, help="of them for peers that take all of their time; all by default"
    )
    parser.add_argument("--first", type=int, default=UNSEEN, help="first seed; below 1000 is for tuning")
    parser.add_argument(
        "--table", action="store_true", help=f"write the saved rows into {DOCS.name}, run nothing"
    )
    parser.add_argument("--save", action="store_true", help=f"add the instances to {RESULTS.name}")
    return parser.parse_args()


def warm_up(peers: list[Peer]) -> None:
    """Let everybody import what it needs before the first clock starts."""
    problem = kink(2, 0).problem
    supnorm(problem, 2000, 0)
    for peer in peers:
        if peer.installed:
            objective = Objective(problem, 40 if peer.few else 500)
            with objective.within(10.0):
                quietly(peer, objective, 0)


def measure(row: Row, peers: list[Peer], seeds: int, first: int, slow: int | None = None) -> dict[str, Any]:
    """All methods on all instances of a row, each instance in turn, so that load hits all alike.

    Args:
        slow: instances, the first ones, for peers that take all of their time.
    """
    entry: dict[str, Any] = {"evaluations": row.evaluations, "target": row.target, "share": row.share}
    entry |= {"truth": {}, "runs": {table.OURS: {}}}
    runs = entry["runs"]
    for i, seed in enumerate(range(first, first + seeds)):
        instance = row.make(seed)
        entry["truth"][str(seed)] = [*_truth(instance)]
        strategy = SurrogateSearch() if row.expensive else None
        worst, spent, seconds = supnorm(instance.problem, row.evaluations, seed, strategy)
        runs[table.OURS][str(seed)] = {"best": worst, "seconds": seconds, "evaluations": spent}
        for peer in peers:
            if (peer.derivatives and instance.problem.model.vjp is None) or (peer.few and not row.expensive):
                continue
            if peer.slow and slow is not None and i >= slow:
                continue
            objective = Objective(instance.problem, row.evaluations)
            start = time.thread_time()
            with objective.within(PATIENCE * seconds):
                quietly(peer, objective, seed)
            runs.setdefault(peer.name, {})[str(seed)] = {
                "best": objective.best,
                "seconds": time.thread_time() - start,
                "evaluations": objective.spent,
                "crashes": objective.crashes,
            }
    return entry


def _truth(instance: Instance) -> tuple[float, bool]:
    """The worst error, and whether it is exact or only the best known; at a pole 50 times the RMS counts as found."""
    if instance.sup == math.inf:
        rng = np.random.default_rng(0)
        problem = instance.problem
        x = problem.domain.from_unit(rng.random((20_000, problem.domain.d)))
        errors = problem.error(problem.model(x), problem.reference(x), x)[0]
        return 50 * float(np.sqrt(np.nanmean(errors**2))), True
    return float(instance.sup), instance.known


if __name__ == "__main__":
    main()
