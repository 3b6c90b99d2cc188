"""The table: success, share of the truth, seconds and evaluations of every method; a loss is said like a win."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

PACKAGES = ("numpy", "scipy", "cma", "nevergrad", "torch", "botorch", "gpytorch")
OURS = "supnorm"


def summarise(runs: Sequence[dict[str, float]], share: float) -> dict[str, Any]:
    """One method on one row, from its runs (share of the truth, seconds, evaluations)."""
    shares = [run["share"] for run in runs]
    return {
        "found": int(sum(s >= share for s in shares)),
        "runs": len(runs),
        "median_share": round(float(np.median(shares)), 4),
        "seconds": float(f"{np.median([run['seconds'] for run in runs]):.3g}"),
        "evaluations": int(np.median([run["evaluations"] for run in runs])),
        "crashes": int(sum(run.get("crashes", 0) for run in runs)),
    }


def verdict(methods: dict[str, dict[str, Any]], target: float | None) -> str:
    """Ours beside the best peer: found more often, as often (then the seconds decide), or less often.

    By rates: a peer that takes all of its time has fewer instances.
    """
    ours = methods[OURS]
    rates = {n: m["found"] / m["runs"] for n, m in methods.items()}
    words = []
    if target is not None:
        rate = rates[OURS]
        words.append(f"target {100 * target:.0f} % {'met' if rate >= target else 'MISSED'}")
    better = [n for n in methods if n != OURS and rates[n] > rates[OURS]]
    level = [
        n
        for n, m in methods.items()
        if n != OURS and rates[n] == rates[OURS] > 0 and m["seconds"] < ours["seconds"]
    ]
    if better:
        words.append(f"LOSS to {', '.join(better)}")
    if level:
        words.append(f"found as often and faster: {', '.join(level)}")
    return "; ".join(words) or "no peer better"


def lines(name: str, evaluations: int, methods: dict[str, dict[str, Any]], said: str) -> Iterable[str]:
    """A row as text."""
    yield f"{name} ({evaluations:,} evaluations): {said}"
    for method, m in methods.items():
        yield (
            f"    {method:16s} {m['found']:3d}/{m['runs']:<3d} median share {m['median_share']:.3f} "
            f"{m['seconds']:8.3g} s {m['evaluations']:9,d} evaluations"
            + (f", {m['crashes']} crashes of its own" if m["crashes"] else "")
        )


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": os.environ.get("OMP_NUM_THREADS", "all"),
        "python": platform.python_version(),
        "packages": versions,
    }


def save(path: Path, row: str, entry: dict[str, Any]) -> None:
    """Put a row into the results file; the other rows stay."""
    results: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"rows": {}}
    results["machine"] = machine()
    results["rows"][row] = entry
    path.parent.mkdir(exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps(results, indent=1) + "\n")
    fresh.replace(path)


def into_page(page: Path, results: Path, rows: Sequence[str], peers: Sequence[str]) -> None:
    """Replace the page's table of methods by one of the saved rows, in the order given."""
    saved: dict[str, Any] = json.loads(results.read_text())["rows"]
    text = page.read_text()
    start = text.index("| errors (evaluations) |")
    end = text.index("\n\n", start)
    page.write_text(text[:start] + "\n".join(markdown(saved, rows, peers)) + text[end:])


def markdown(saved: dict[str, Any], rows: Sequence[str], peers: Sequence[str]) -> Iterable[str]:
    """The table as Markdown: found / runs and median seconds of each method."""
    names = [OURS, *peers]
    yield f"| errors (evaluations) | {' | '.join(names)} |"
    yield "|" + "---|" * (len(names) + 1)
    for row in rows:
        if row in saved:
            methods = saved[row]["methods"]
            cells = [_cell(methods[n]) if n in methods else "" for n in names]
            yield f"| {row} ({saved[row]['evaluations']:,}) | {' | '.join(cells)} |"


def _cell(method: dict[str, Any]) -> str:
    seconds = method["seconds"]
    took = f"{seconds:.2g} s" if seconds >= 0.01 else "< .01 s"
    return f"{method['found']}/{method['runs']} in {took}"
