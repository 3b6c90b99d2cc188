"""What the pages say of results/certify.json."""

from __future__ import annotations

import math
from statistics import median
from typing import Any

from benchmarks.certify import table

EASIEST, SMALLEST = 1e-2, 3e-4  # the errors for which the targets of fitted networks are stated


def said(content: dict[str, Any]) -> dict[str, str]:
    """Tables and counts."""
    fitted = {name: row for name, row in content["fitted"].items() if "by Adam" not in name}
    adam = [row for name, row in content["fitted"].items() if "by Adam" in name]
    within = {n: r for n, r in fitted.items() if SMALLEST <= r["lower"] <= EASIEST}
    in_time = sum(r["code"] == "proved" and r["seconds"] <= r["target_seconds"] for r in fitted.values())
    others = [r["lower"] for n, r in fitted.items() if n not in within]
    kinds = [
        f"{kind} {len(some)}, median {median(r['seconds'] for r in some):.2g} s"
        for kind, some in _kinds(within)
    ]
    return {
        **{name: "\n".join(lines(content)) for name, lines in table.TABLES.items()},
        "dimensions": "\n".join(_dimensions([*content["campaign"].values()])),
        "in_time": f"{in_time} of {len(fitted)}",
        "slowest": f"{100 * max(r['seconds'] / r['target_seconds'] for r in fitted.values()):.0f} %",
        "within": str(len(within)),
        "kinds": "; ".join(kinds),
        "small": str(sum(r["lower"] < 1e-3 for r in within.values())),
        "others": f"{min(others):.1e} to {max(others):.1e}",
        "adam": f"{sum(r['code'] == 'proved' for r in adam)} of {len(adam)}",
        "campaign_seconds": f"{sum(sum(r['seconds'].values()) for r in content['campaign'].values()):.0f}",
    }


def _kinds(rows: dict[str, dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for name, row in rows.items():
        found.setdefault(" ".join(name.split()[:2]), []).append(row)
    return sorted(found.items())


def _dimensions(rows: list[dict[str, Any]]) -> list[str]:
    """How tight the brackets of the campaign are, and how many have no upper end, by the number of inputs."""
    heads = ("inputs", "problems", "no finite upper bound", "upper / lower, median (largest finite)",
             "boxes, median (largest)")  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for d in sorted({r["d"] for r in rows}):
        some = [r for r in rows if r["d"] == d]
        ratios = [r["upper"] / r["lower"] for r in some]
        finite = [r for r in ratios if math.isfinite(r)]
        middle = median(ratios)
        boxes = [r["boxes"] for r in some]
        lines.append(
            f"| {d} | {len(some)} | {len(some) - len(finite)} | "
            f"{f'{middle:.3g}' if math.isfinite(middle) else 'infinite'} ({max(finite):.3g}) | "
            f"{median(boxes):.0f} ({max(boxes):,}) |"
        )
    return lines
