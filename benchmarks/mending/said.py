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
        "| case | accepted / unguarded | best possible guard | aim | rejected | not effective |",
        "|---|---|---|---|---|---|",
    ]
    aims = 0
    for name, rows in groups:
        if not (safe := [r["guard"] for r in rows if "guard" in r]):
            continue
        missed = "" if _left(safe) <= _aim(name, safe) else ", missed"
        aims += not missed
        weak = sum(g["status"] == "guard-not-effective" for g in safe)
        guards.append(
            f"| {name} | {_left(safe):.2g} | {median(g['oracle'] for g in safe):.2g} | {_aim(name, safe):.2g}{missed} | "
            f"{100 * median(g['rejected'] for g in safe):.1f} % | {weak} of {len(safe)} |"
        )
    every = [r for _, rows in groups for r in rows]

    def better(*controls: str) -> str:
        """On how many networks that have these controls `exchange` left the smaller largest error than all of them."""
        both = [r for r in every if all(m in r for m in ("exchange", *controls))]
        ahead = sum(all(r["exchange"]["worst"] < r[m]["worst"] for m in controls) for r in both)
        return f"{ahead} of {len(both)}"

    taken = [r["exchange"] for r in every if r.get("exchange", {}).get("accepted")]
    return {
        "repairs": "\n".join([*head, *repairs]),
        "guards": "\n".join(guards),
        "aims": f"{aims} of {len(guards) - 2}",
        "seeds": str(max(len(rows) for _, rows in groups)),
        "ahead": better("random"),
        "equal": better("all random", "equal"),
        "scratch": better("scratch"),
        "taken": f"{len(taken)} of {sum('exchange' in r for r in every)}",
        "rms": f"{max(r['rms'] for r in taken):.2f}",
        "cost": f"{median(r['guard']['microseconds'] for r in every if 'guard' in r):.1f}",
    }


def _left(safe: list[dict[str, Any]]) -> float:
    """The median of the largest accepted errors over the unguarded ones."""
    return median(g["worst"] for g in safe)


def _aim(name: str, safe: list[dict[str, Any]]) -> float:
    """What a guard that rejects 5 % should leave: half more than the best possible one, or a number that is small enough."""
    return max(0.1 if name.endswith("8") else 0.02, 1.5 * median(g["oracle"] for g in safe))


def _order(row: dict[str, Any]) -> int:
    return NAMES.index(row["case"])


def _cell(rows: list[dict[str, Any]], method: str) -> str:
    """Medians; of fewer networks than the case has, with their number."""
    there = [r for r in rows if method in r]
    if not there:
        return "not run"
    worst, size = (median(r[method][k] for r in there) for k in ("worst", "rms"))
    refused = sum(not r[method]["accepted"] for r in there)
    fewer = f", {len(there)} run" if len(there) < len(rows) else ""
    return f"{worst:.2g} ({size:.2g})" + (f", {refused} refused" if refused else "") + fewer
