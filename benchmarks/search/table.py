"""The table: success with its interval, share of the truth, seconds and calls of every method; a loss is said like a win."""

from __future__ import annotations

import importlib.metadata
import json
import math
import os
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from supnorm.auditing.statistics import clopper_pearson_lower, clopper_pearson_upper

PACKAGES = ("numpy", "scipy", "cma", "nevergrad", "torch", "botorch", "gpytorch", "ioh", "gkls")
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
        k, n = sum(found[name].values()), len(done)
        methods[name] = {
            "found": k,
            "runs": n,
            "interval": interval(k, n),
            "only": sum(hit and not found[OURS][seed] for seed, hit in found[name].items()),
            "missed": sum(found[OURS][seed] and not hit for seed, hit in found[name].items()),
            "median_share": round(float(np.median([*shares[name].values()])), 4),
            "seconds": float(np.median([run["seconds"] for run in done.values()])),
            "evaluations": int(np.median([run["evaluations"] for run in done.values()])),
            "model": [int(f([run.get("model", 0) for run in done.values()])) for f in (min, max)],
            "late": int(sum(run.get("late", False) for run in done.values())),
            "crashes": int(sum(run.get("crashes", 0) for run in done.values())),
        }
    return methods, verdict(methods, entry["target"])


def interval(found: int, runs: int) -> tuple[float, float]:
    """The 95 % interval of a rate (Clopper and Pearson)."""
    return clopper_pearson_lower(found, runs, 0.975), clopper_pearson_upper(found, runs, 0.975)


def wilson(share: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a rate by Wilson's score, for a share of ``n`` that need not be a whole number of them."""
    z = 1.959964
    middle, half = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low, high = ((middle + sign * half) / (1 + z * z / n) for sign in (-1, 1))
    return max(low, 0.0), min(high, 1.0)


def verdict(methods: dict[str, dict[str, Any]], target: float | None) -> str:
    """Ours beside each peer, on the same instances: found less often, or as often and slower."""
    ours = methods[OURS]
    words = []
    if target is not None:
        rate = ours["found"] / ours["runs"]
        words.append(f"target {100 * target:.0f} % {'met' if rate >= target else 'MISSED'}")
    others = {name: m for name, m in methods.items() if name != OURS}
    better = [
        f"{n} ({m['found']} of {m['runs']}, supnorm {ours['found']})"
        for n, m in others.items()
        if m["found"] > ours["found"]
    ]
    level = [
        n for n, m in others.items() if m["found"] == ours["found"] > 0 and m["seconds"] < ours["seconds"]
    ]
    if better:
        words.append(f"more found by {', '.join(better)}")
    if level:
        words.append(f"found as often and faster: {', '.join(level)}")
    return "; ".join(words) or "no peer better"


def lines(name: str, evaluations: int, methods: dict[str, dict[str, Any]], said: str) -> Iterable[str]:
    """A row as text."""
    yield f"{name} ({evaluations:,} evaluations): {said}"
    for method, m in methods.items():
        low, high = m["interval"]
        yield (
            f"    {method:16s} {m['found']:3d}/{m['runs']:<3d} ({low:.2f} to {high:.2f}) only it {m['only']:2d}, "
            f"only supnorm {m['missed']:2d}, median share {m['median_share']:.3f} "
            f"{m['seconds']:8.3g} s {m['evaluations']:9,d} evaluations, {m['model'][1]:,} of the model"
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


def has(path: Path, row: str, seed: int) -> bool:
    """Whether an instance is in the results already, with all of its methods."""
    if not path.exists():
        return False
    saved = json.loads(path.read_text())["rows"].get(row)
    return saved is not None and str(seed) in saved["truth"]


def same_truth(path: Path, row: str, entry: dict[str, Any]) -> bool:
    """Whether the instances of an entry are the stored ones: a network that was trained with other packages is another."""
    stored = json.loads(path.read_text())["rows"][row]["truth"]
    return all(
        math.isclose(stored[seed][0], worst, rel_tol=1e-9) for seed, (worst, _) in entry["truth"].items()
    )


def joined(before: dict[str, Any] | None, entry: dict[str, Any]) -> dict[str, Any]:
    """A row's instances of before and the new ones."""
    if before is None:
        return entry
    names = [*entry["runs"], *(n for n in before["runs"] if n not in entry["runs"])]
    runs = {n: before["runs"].get(n, {}) | entry["runs"].get(n, {}) for n in names}
    return {**entry, "truth": before["truth"] | entry["truth"], "runs": runs}


def save(path: Path, row: str, entry: dict[str, Any]) -> dict[str, Any]:
    """Add a row's instances to the results file, a line a row; returns the row with all that it has there."""
    results: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"rows": {}}
    entry = results["rows"][row] = joined(results["rows"].get(row), entry)
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


def markdown(saved: dict[str, Any], rows: Sequence[str], peers: Sequence[str]) -> Iterable[str]:
    """The cheap rows as Markdown: found of runs, the 95 % interval of that share, median seconds of each method."""
    some = [(row, saved[row]) for row in rows if row in saved and not saved[row]["expensive"]]
    names = [n for n in (OURS, *peers) if any(n in entry["runs"] for _, entry in some)]
    yield f"| errors (evaluations) | {' | '.join(names)} |"
    yield "|" + "---|" * (len(names) + 1)
    for row, entry in some:
        methods, _ = summary(entry)
        cells = [_cell(methods[n], True) if n in methods else "no gradients" for n in names]
        yield f"| {row} ({entry['evaluations']:,}) | {' | '.join(cells)} |"


def expensive(saved: dict[str, Any], rows: Sequence[str], peers: Sequence[str]) -> Iterable[str]:
    """The rows of dear calls, a line a method: no clock, and how often the model was called."""
    some = [(row, saved[row]) for row in rows if row in saved and saved[row]["expensive"]]
    yield (
        "| method | "
        + " | ".join(f"{row.removeprefix('expensive reference, ')} ({e['evaluations']})" for row, e in some)
        + " |"
    )
    yield "|" + "---|" * (len(some) + 1)
    found = [(summary(entry)[0]) for _, entry in some]
    for name in (n for n in (OURS, *peers) if all(n in methods for methods in found)):
        cells = []
        for methods in found:
            low, high = methods[name]["model"]
            calls = f"{low:,}" if low == high else f"{low:,} to {high:,}"
            cells.append(f"{_cell(methods[name], False)}; model {calls}")
        yield f"| {name} | {' | '.join(cells)} |"


def better(saved: dict[str, Any], rows: Sequence[str]) -> Iterable[str]:
    """Every row in which some peer found more than supnorm: a list, a line a row, or a sentence that there is none."""
    lines = []
    for row in rows:
        if row in saved:
            methods, _ = summary(saved[row])
            ours = methods[OURS]
            ahead = [
                f"{n} {m['found']} ({m['only']} that supnorm missed, {m['missed']} the other way round)"
                for n, m in methods.items()
                if m["found"] > ours["found"]
            ]
            if ahead:
                lines.append(f"* {row}: supnorm {ours['found']} of {ours['runs']}, {', '.join(ahead)}")
    yield from lines or ["In no row did a peer find more."]


def _cell(method: dict[str, Any], clock: bool) -> str:
    seconds, (low, high) = method["seconds"], method["interval"]
    took = f"{seconds:.2g} s" if seconds >= 0.01 else "< .01 s"
    share = f"{method['found']}/{method['runs']} ({100 * low:.0f}–{100 * high:.0f} %)"
    return f"{share} {took}" if clock else share
