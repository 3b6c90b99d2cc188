"""What the pages say of results/mending.json: medians over the seeds."""

from __future__ import annotations

from itertools import groupby
from statistics import median
from typing import Any

from benchmarks.mending.cases import NAMES

METHODS = {
    "exchange": "exchange",
    "exchange, data given": "exchange, data given",
    "patch": "patch",
    "random": "as many random points",
    "all random": "all calls random, equal time",
    "equal": "new network, equal time",
    "scratch": "new network, 3 times as long",
}


def said(content: dict[str, Any]) -> dict[str, str]:
    """Tables and counts."""
    groups = [
        (name, [*some])
        for name, some in groupby(sorted(content["rows"], key=_order), key=lambda r: r["case"])
    ]
    head = ["| case | " + " | ".join(METHODS.values()) + " |", "|---" * (1 + len(METHODS)) + "|"]
    repairs = [f"| {name} | " + " | ".join(_cell(rows, m) for m in METHODS) + " |" for name, rows in groups]
    guards = [
        "| case | accepted / unguarded | best possible guard | rejected | not effective |",
        "|---|---|---|---|---|",
    ]
    for name, rows in groups:
        safe = [r["guard"] for r in rows]
        weak = sum(g["status"] == "guard-not-effective" for g in safe)
        guards.append(
            f"| {name} | {median(g['worst'] for g in safe):.2g} | {median(g['oracle'] for g in safe):.2g} | "
            f"{100 * median(g['rejected'] for g in safe):.1f} % | {weak} of {len(safe)} |"
        )
    every = [r for _, rows in groups for r in rows]
    ahead = sum(r["exchange"]["worst"] < r["random"]["worst"] for r in every)
    timed = [r for r in every if "equal" in r]
    beaten = sum(r["exchange"]["worst"] < min(r["all random"]["worst"], r["equal"]["worst"]) for r in timed)
    behind = sum(r["exchange"]["worst"] > r["scratch"]["worst"] for r in every)
    taken = [r["exchange"] for r in every if r["exchange"]["accepted"]]
    return {
        "repairs": "\n".join([*head, *repairs]),
        "guards": "\n".join(guards),
        "seeds": str(max(len(rows) for _, rows in groups)),
        "ahead": f"{ahead} of {len(every)}",
        "equal": f"{beaten} of {len(timed)}",
        "scratch": f"{behind} of {len(every)}",
        "taken": f"{len(taken)} of {len(every)}",
        "rms": f"{max(r['rms'] for r in taken):.2f}",
        "cost": f"{median(r['guard']['microseconds'] for r in every):.1f}",
    }


def _order(row: dict[str, Any]) -> int:
    return NAMES.index(row["case"])


def _cell(rows: list[dict[str, Any]], method: str) -> str:
    rows = [r for r in rows if method in r]
    if not rows:
        return "not run"
    worst, size = (median(r[method][k] for r in rows) for k in ("worst", "rms"))
    refused = sum(not r[method]["accepted"] for r in rows)
    return f"{worst:.2g} ({size:.2g})" + (f", {refused} refused" if refused else "")
