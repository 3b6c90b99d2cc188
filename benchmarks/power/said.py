"""What the pages say of results/power.json."""

from __future__ import annotations

from itertools import groupby
from typing import Any


def said(content: dict[str, Any]) -> dict[str, str]:
    """Table and counts."""
    rows = content["rows"]
    lines = ["| pair (evaluations of a run) | planted | table / truth, in % |", "|---|---|---|"]
    for (pair, n, shape), some in groupby(rows, key=lambda r: (r["pair"], r["evaluations"], r["shape"])):
        cells = [*some]
        sizes = ", ".join(f"{r['volume']:g}" for r in cells)
        shares = ", ".join(f"{100 * r['table']:.0f} / {100 * r['truth']:.0f}" for r in cells)
        lines.append(f"| {pair} ({n}) | {shape}s of {sizes} | {shares} |")
    apart = [100 * abs(r["table"] - r["truth"]) for r in rows]
    bias = 100 * sum(r["table"] - r["truth"] for r in rows) / len(rows)
    few = [r for r in rows if 300 <= r["evaluations"] <= 600 and r["shape"] == "bump"]
    return {
        "table": "\n".join(lines),
        "cells": str(len(rows)),
        "apart": f"{max(apart):.0f} points",
        "bias": f"{abs(bias):.1f} points too {'little' if bias < 0 else 'much'}",
        "middle": _range([r["truth"] for r in few if r["volume"] == 3e-3]),
        "small": _range([r["truth"] for r in few if r["volume"] == 3e-4]),
        "minutes": f"{content['processor_seconds'] / 60:.0f} minutes",
    }


def _range(shares: list[float]) -> str:
    return f"{100 * min(shares):.0f} to {100 * max(shares):.0f} %"
