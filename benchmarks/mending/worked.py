"""``python -m benchmarks.mending.worked corner canyon``: audit, repair and guard of the examples, and what came out.

Each part is one that a user runs from the command line: an audit, ``supnorm repair`` with the evaluations below, and
``supnorm guard`` of the model that comes out.

The network of examples/heston takes minutes: its numbers are read from the folders that the commands have written,
``python -m benchmarks.mending.worked --records heston-repair heston-guard --save``.
"""

from __future__ import annotations

import argparse
import json
import runpy
import sys
from pathlib import Path
from typing import Any

from benchmarks.claims.stored import stamp
from supnorm import Calls, audit, guard, open_problem, repair
from supnorm.pages.reading import record_of
from supnorm.results.guarding import GuardRecord
from supnorm.results.numbers import count, num
from supnorm.results.repair import RepairRecord

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "mending_worked.json"
EVALUATIONS = {"corner": 10_000, "canyon": 10_000, "canyon_patch": 5_000}
METHOD = {"corner": "auto", "canyon": "residual", "canyon_patch": "auto"}
AUDITED = {"corner": 5000, "canyon": 3000, "canyon_patch": 3000}
GUARDED = {"corner": 5000, "canyon": 3000, "canyon_patch": 3000}
KEYS = ("before", "after", "rms_before", "rms_after", "growth", "allowed", "accepted_worst", "unguarded")
# A call of canyon takes 0.01 s and 0.3 ms a point: a timing of few points, under load, would say expensive.
CALLS = {"corner": None, "canyon": Calls(cost="cheap"), "canyon_patch": Calls(cost="cheap")}


def main() -> None:
    """Run the examples that are named, and store them beside those that are stored."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mending.worked")
    parser.add_argument("names", nargs="*", help=", ".join(EVALUATIONS))
    parser.add_argument(
        "--records", nargs=2, type=Path, metavar=("REPAIR", "GUARD"), help="folders of heston"
    )
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    args = parser.parse_args()
    if unknown := set(args.names) - set(EVALUATIONS):
        parser.error(f"no example {unknown}")
    stored: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in [*args.names, *(["heston"] if args.records else [])]:
        stored[name] = one(name) if name in EVALUATIONS else read(*args.records)
        print(name, stored[name], flush=True)
        if args.save:
            RESULTS.write_text(json.dumps(stored, indent=1) + "\n")
            stamp("mending_worked", add=len(stored) > 1)


def one(name: str) -> dict[str, Any]:
    """The numbers of one example."""
    folder = ROOT / "examples" / name.partition("_")[0]
    if name == "corner":
        sys.path.insert(0, str(folder))
        runpy.run_path(str(folder / "train.py"), run_name="__main__")
    problem = open_problem(folder / "problem.toml")
    calls = CALLS[name]
    report = audit(problem, evaluations=AUDITED[name], seed=0, calls=calls)
    mended = repair(problem, report, method=METHOD[name], evaluations=EVALUATIONS[name], seed=0, calls=calls)
    safe = guard(problem, report, evaluations=GUARDED[name], seed=0, calls=calls).record
    return numbers(mended.record, safe)


def read(repaired: Path, guarded: Path) -> dict[str, Any]:
    """The numbers of the records in two folders."""
    record = record_of(json.loads((repaired / "repair.json").read_text("utf-8")), RepairRecord)
    return numbers(record, record_of(json.loads((guarded / "guard.json").read_text("utf-8")), GuardRecord))


def numbers(record: RepairRecord, safe: GuardRecord) -> dict[str, Any]:
    """What is stored of a repair and a guard."""
    rows: dict[str, Any] = {
        "status": record.status.code,
        "method": record.method,
        "accepted": record.accepted,
    }
    rows |= {
        "before": record.worst_before,
        "after": record.worst_after,
        "reasons": [r.text for r in record.reasons],
    }
    if record.compared is not None:
        rows |= {"rms_before": record.compared.rms_before, "rms_after": record.compared.rms_after}
    if record.harm is not None:
        rows |= {"growth": record.harm.growth, "allowed": record.harm.allowed}
    rows |= {"guard": safe.status.code, "rejected": safe.rejected, "accepted_worst": safe.worst_accepted}
    return rows | {"unguarded": safe.worst_unguarded, "calls": dict(record.evaluations)}


def said(content: dict[str, Any]) -> dict[str, str]:
    """Numbers for the pages, by example and key."""
    values = {}
    for name, row in content.items():
        for key in KEYS:
            if row.get(key) is not None:
                values[f"{name}_{key}"] = num(row[key])
        values[f"{name}_rejected"] = f"{100 * row['rejected']:.1f} %"
        values[f"{name}_rounds"] = count(row["calls"]["rounds"])
        values[f"{name}_times"] = f"{row['before'] / row['after']:,.0f}" if row.get("after") else "-"
        values[f"{name}_status"] = f"`{row['status']}`"
        values[f"{name}_guard"] = f"`{row['guard']}`"
    return values


if __name__ == "__main__":
    main()
