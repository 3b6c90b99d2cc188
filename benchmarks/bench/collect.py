"""Runs of the optimisers that `benchmarks.search` has stored already, on tasks of the bank with the same budget.

They saw the error through the same `Objective`, so the largest error that it saw counts; its point was not stored. Their
limit of time was another one: none for BBOB and GKLS, 20 times supnorm's for planted errors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.search.peers import PEERS

RESULTS = Path(__file__).parents[1] / "results"
PACKAGES = {peer.name: peer.package for peer in PEERS if not peer.few}
Stored = tuple[str, str, dict[str, Any]]


def stored() -> Iterator[Stored]:
    """Of each run the tool, the task and what the bench stores of a run; supnorm's own are left out: it is run anew."""
    yield from _planted(json.loads((RESULTS / "search.json").read_text("utf-8")))
    yield from _functions(json.loads((RESULTS / "functions.json").read_text("utf-8")))


def machine(tool: str) -> dict[str, Any]:
    """What the stored runs of a tool were measured on."""
    name = "search.json" if tool in ("Sobol", "SHGO", "PGD", "Sobol + ascent", "NGOpt") else "functions.json"
    return dict(json.loads((RESULTS / name).read_text("utf-8"))["machine"])


def _planted(content: dict[str, Any]) -> Iterator[Stored]:
    for row, entry in content["rows"].items():
        for tool, runs in entry["runs"].items():
            for seed, run in runs.items() if tool in PACKAGES else ():
                note = "ended after 20 times supnorm's seconds" if run["late"] else ""
                yield tool, f"{row}, seed {seed}", _run(run["best"], run["seconds"], run["evaluations"], note)


def _functions(content: dict[str, Any]) -> Iterator[Stored]:
    for row, entry in content["rows"].items():
        family, d = row.split("-")
        for tool, runs in entry["runs"].items():
            for name, run in runs.items() if tool in PACKAGES else ():
                # The first instance of BBOB, functions of GKLS.
                number = re.fullmatch(r"(f\d+)-1|(\d+)", name)
                if number:
                    task = f"{family} {number[1] or number[2]}, d={d}"
                    yield tool, task, _run(1 / (1 + run["left"]), run["seconds"], entry["evaluations"], "")


def _run(best: float, seconds: float, evaluations: int, note: str) -> dict[str, Any]:
    return {
        "best": best,
        "at": None,
        "upper": None,
        "calls": evaluations,
        "evaluations": evaluations,
        "seconds": round(seconds, 4),
        "note": note,
    }
