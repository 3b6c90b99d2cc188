"""The command line of the chaos test, and the file with its result."""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from benchmarks.scale import network_cut
from benchmarks.scale.chaos import chaos, spent
from benchmarks.scale.driver import end_all

RESULTS = Path(__file__).parents[1] / "results" / "chaos.json"


def main(words: list[str]) -> int:
    """1 if any run had a fault."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale chaos")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument(
        "--minutes", type=float, default=math.inf, help="begin no run after so many; all by default"
    )
    parser.add_argument("--only", default="", help="cases whose name contains this, such as 'audit dask'")
    parser.add_argument(
        "--folder", help="where runs with a fault are kept; a new one, removed at the end, by default"
    )
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    args = parser.parse_args(words)
    own_network = network_cut.enter()
    begun = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory() as other, ExitStack() as at_last:
        at_last.callback(end_all)
        rows = chaos(
            Path(args.folder or other).resolve(), args.seed, args.count, args.only, own_network, args.minutes
        )
    faulty = [row for row in rows if row["faults"]]
    total = {
        "runs": len(rows),
        "faulty": len(faulty),
        "disturbed": sum(row["disturbed"] for row in rows),
        "resumed": sum(row["resumed"] > 0 for row in rows),
        "calls": sum(row["calls"] for row in rows),
        "calls_lost": sum(row["calls_lost"] for row in rows),
        "calls_repeated": sum(row["calls_repeated"] for row in rows),
        "by_loss": dict(sorted(Counter(row["lost"] for row in rows).items())),
        "by_case": dict(sorted(Counter(row["case"] for row in rows).items())),
    }
    print(json.dumps(total))
    if args.save:
        document = {
            "command": f"python -m benchmarks.scale chaos --seed {args.seed} --count {args.count} --save",
            "machine": f"{platform.system()}, {os.cpu_count()} cores, Python {platform.python_version()}",
            "network": "loopback of a namespace, switched off"
            if own_network
            else "the scheduler stopped instead",
            "seconds": round(time.monotonic() - begun),
            "processor_seconds": round(spent()),
            "asked": args.count,
            "total": total,
            "rows": rows,
        }
        RESULTS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    sys.stdout.flush()
    return 1 if faulty else 0
