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
ABSENT = "not installed"
OURS = "supnorm"


def summary(entry: dict[str, Any]) -> tuple[dict[str, dict[str, Any]], str]:
    """Rates, medians and the verdict of a row, from its runs.

    A worst error that is not exact is raised to the best that any method found on that instance.
    """
    runs: dict[str, dict[str, dict[str, float]]] = entry["runs"]
    truth = {
        seed: sup if exact else max([sup, *(done[seed]["best"] for done in runs.values() if seed in done)])
        for seed, (sup, exact) in entry["truth"].items()
    }
    shares = {
        name: {seed: min(run["best"] / truth[seed], 10.0) for seed, run in done.items()}
        for name, done in runs.items()
    }
    found = {n: {seed: s >= entry["share"] for seed, s in done.items()} for n, done in shares.items()}
    methods = {}
    for name, done in runs.items():
        methods[name] = {
            "found": sum(found[name].values()),
            "runs": len(done),
            "ours": sum(found[OURS][seed] for seed in done),
            "median_share": round(float(np.median([*shares[name].values()])), 4),
            "seconds": float(np.median([run["seconds"] for run in done.values()])),
            "evaluations": int(np.median([run["evaluations"] for run in done.values()])),
            "crashes": int(sum(run.get("crashes", 0) for run in done.values())),
        }
    return methods, verdict(methods, entry["target"])


def verdict(methods: dict[str, dict[str, Any]], target: float | None) -> str:
    """Ours beside each peer, on the peer's instances: found less often, or as often and slower."""
    ours = methods[OURS]
    words = []
    if target is not None:
        rate = ours["found"] / ours["runs"]
        words.append(f"target {100 * target:.0f} % {'met' if rate >= target else 'MISSED'}")
    others = {name: m for name, m in methods.items() if name != OURS}
    better = [
        f"{n} ({m['found']} of {m['runs']}, supnorm {m['ours']})"
        for n, m in others.items()
        if m["found"] > m["ours"]
    ]
    level = [n for n, m in others.items() if m["found"] == m["ours"] > 0 and m["seconds"] < ours["seconds"]]
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
            versions[package] = ABSENT
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": os.environ.get("OMP_NUM_THREADS", "all"),
        "python": platform.python_version(),
        "packages": versions,
    }


def save(path: Path, row: str, entry: dict[str, Any]) -> dict[str, Any]:
    """Add a row's instances to the results file, a line a row; returns the row with all that it has there."""
    results: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"rows": {}}
    before = results["rows"].get(row)
    if before is not None:
        entry["truth"] = before["truth"] | entry["truth"]
        names = [*entry["runs"], *(n for n in before["runs"] if n not in entry["runs"])]
        entry["runs"] = {n: before["runs"].get(n, {}) | entry["runs"].get(n, {}) for n in names}
    results["rows"][row] = entry
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(done)}" for name, done in results["rows"].items())
    here = machine()
    for package, version in results.get("machine", {}).get("packages", {}).items():
        if here["packages"].get(package) == ABSENT:  # other rows were measured with it
            here["packages"][package] = version
    text = f'{{"machine": {json.dumps(here)},\n"rows": {{\n{lines}\n}}}}\n'
    path.parent.mkdir(exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_text(text)
    fresh.replace(path)
    return entry


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
            methods, _ = summary(saved[row])
            cells = [_cell(methods[n]) if n in methods else "" for n in names]
            yield f"| {row} ({saved[row]['evaluations']:,}) | {' | '.join(cells)} |"


def _cell(method: dict[str, Any]) -> str:
    seconds = method["seconds"]
    took = f"{seconds:.2g} s" if seconds >= 0.01 else "< .01 s"
    return f"{method['found']}/{method['runs']} in {took}"
