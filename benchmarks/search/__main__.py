"""``python -m benchmarks.search``: the table of success rates beside the peers; see benchmarks/README.md."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from tests.problems import kink

from benchmarks.claims.stored import stamp
from benchmarks.search import table
from benchmarks.search.objective import Objective
from benchmarks.search.ours import supnorm
from benchmarks.search.peers import PEERS, Peer, quietly
from benchmarks.search.rows import ROWS, Row, truth
from supnorm.auditing.expensive import SurrogateSearch

RESULTS = Path(__file__).parents[1] / "results" / "search.json"
UNSEEN = 7000  # the first seed; those below 1000 are for tuning
CAMPAIGN = 90_000  # the first seed of the table of docs/evidence/search.md; no row had seen it
ASIDE = ("TuRBO",)  # a minute of thinking for a hundred calls: run by --peers, not in the table
PATIENCE = 20  # times our processor time that a peer may take


def main() -> None:
    """Run the rows that were asked for, print each, and keep it in the results file."""
    args = _arguments()
    names = [p.name for p in PEERS if p.name not in ASIDE] if args.peers is None else args.peers.split(",")
    names = [] if args.again else names
    warm_up(peers := [p for p in PEERS if p.name in names])
    for peer in peers:
        if not peer.installed:
            print(f"{peer.name}: {peer.package} is not installed, left out (pip install -e '.[bench]')")
    peers = [p for p in peers if p.installed]
    rows = [r for r in ROWS if _asked(r, args)]
    held: dict[str, dict[str, Any]] = {}
    # Instance by instance through all rows: stopped early, every row has as many instances, give or take one.
    for seed in range(args.first, args.first + args.seeds):
        for row in rows:
            if args.save and table.has(RESULTS, row.name, seed) != args.again:
                continue
            entry = measure(row, peers, seed)
            if args.again and not table.same_truth(RESULTS, row.name, entry):
                print(f"{row.name}, seed {seed}: another instance than the stored one, which stays")
                continue
            entry = (
                table.save(RESULTS, row.name, entry) if args.save else table.joined(held.get(row.name), entry)
            )
            held[row.name] = entry
            print("\n".join(table.lines(row.name, row.evaluations, *table.summary(entry))), flush=True)
            if args.save:
                stamp("search", add=True)


def _asked(row: Row, args: argparse.Namespace) -> bool:
    if args.only is not None:
        return any(part in row.name for part in args.only)
    return row.published if args.published else row.quick or args.full


def _suits(peer: Peer, row: Row) -> bool:
    return row.expensive or not peer.few


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--quick", action="store_true", help="a few rows (the default)")
    which.add_argument("--full", action="store_true", help="every row")
    which.add_argument("--published", action="store_true", help="the rows of docs/evidence/search.md")
    parser.add_argument("--only", nargs="+", help="rows whose name contains one of these")
    parser.add_argument("--peers", help="names, comma-separated; all by default, '' for none")
    parser.add_argument("--seeds", type=int, default=10, help="instances a row")
    parser.add_argument("--first", type=int, default=UNSEEN, help="first seed; below 1000 is for tuning")
    parser.add_argument(
        "--again",
        action="store_true",
        help="with --save: supnorm once more on the stored instances; peers' runs stay",
    )
    parser.add_argument(
        "--save", action="store_true", help=f"add the instances to {RESULTS.name}; {CAMPAIGN} only"
    )
    args = parser.parse_args()
    if args.again and not args.save:
        parser.error("--again is about stored instances; give --save, too")
    if args.save and (args.first != CAMPAIGN or args.peers is not None):
        parser.error(
            f"--save keeps the table alone, whose seeds begin at --first {CAMPAIGN}, with every peer"
        )
    return args


def warm_up(peers: list[Peer]) -> None:
    """Let everybody import what it needs before the first clock starts."""
    problem = kink(2, 0).problem
    supnorm(problem, 2000, 0)
    for peer in peers:
        if peer.installed:
            objective = Objective(problem, 40 if peer.few else 500)
            with objective.within(10.0):
                quietly(peer, objective, 0)


def measure(row: Row, peers: list[Peer], seed: int) -> dict[str, Any]:
    """All methods on one instance of a row, in turn, so that load hits all alike.

    Where calls are dear the clock does not end a peer: what it thinks is cheap beside them.
    """
    instance = row.make(seed)
    strategy = SurrogateSearch() if row.expensive else None
    worst, spent, model, seconds = supnorm(instance.problem, row.evaluations, seed, strategy)
    ours = {"best": worst, "seconds": seconds, "evaluations": spent, "model": model}
    runs: dict[str, dict[str, dict[str, Any]]] = {table.OURS: {str(seed): ours}}
    for peer in peers:
        if (peer.derivatives and instance.problem.model.vjp is None) or not _suits(peer, row):
            continue
        objective = Objective(instance.problem, row.evaluations)
        start = time.thread_time()
        with objective.within(None if row.expensive else PATIENCE * seconds):
            quietly(peer, objective, seed)
        runs[peer.name] = {
            str(seed): {
                "best": objective.best,
                "seconds": time.thread_time() - start,
                "evaluations": objective.spent,
                "model": objective.spent + objective.free,
                "late": objective.late,
                "crashes": objective.crashes,
            }
        }
    fixed = {
        "evaluations": row.evaluations,
        "target": row.target,
        "share": row.share,
        "expensive": row.expensive,
    }
    return {**fixed, "truth": {str(seed): [*truth(instance)]}, "runs": runs}


if __name__ == "__main__":
    main()
