"""The rows of the benchmark as lines of text and as Markdown tables."""

from __future__ import annotations

from typing import Any


def lines(part: str, row: dict[str, Any]) -> list[str]:
    """What is printed while it runs."""
    if "missing" in row:
        return [f"{row['task']:14} {row['method']:16} {row['missing']}"]
    if part in ("compare", "long"):
        return [
            f"{row['task']:14} {row['method']:16} rms {row['rms'][-1]:.1e}  max {row['max'][-1]:.1e}"
            f"  after {row['seconds'][-1]:.3g} s"
        ]
    if part == "refinement":
        return [
            f"{row['target']:36} rms {row['rms_before']:.1e} -> {row['rms']:.1e}"
            f"  max {row['max_before']:.1e} -> {row['max']:.1e}"
        ]
    return [
        f"{row['task']:24} rms {row['rms_first']:.1e} -> {row['rms']:.1e}  max {row['max_first']:.1e} -> "
        f"{row['max']:.1e}  published rms {row['published']:.1e}  {row['seconds']:.0f} s"
    ]


def markdown(saved: dict[str, Any]) -> str:
    """The saved results as tables for the docs."""
    parts = []
    if "compare" in saved:
        rows = saved["compare"]["rows"]
        tasks = list(dict.fromkeys(r["task"] for r in rows))
        methods = list(dict.fromkeys(r["method"] for r in rows))
        by = {(r["task"], r["method"]): r for r in rows}
        parts.append(
            _table(["method", *tasks], [[m, *(_cell(by.get((t, m))) for t in tasks)] for m in methods])
        )
    if "time_ratios" in saved:
        body = [[r["task"], f"{r['error']:.1e}", f"{r['scipy']:.0f}", f"{r['ssbroyden']:.2g}", f"{r['ratio']:.0f}"]
                for r in saved["time_ratios"]]  # fmt: skip
        parts.append(_table(["task", "RMS error", "SciPy BFGS, s", "SSBroyden, s", "ratio"], body))
    if "refinement" in saved:
        body = [[r["target"], _pair(r["rms_before"], r["max_before"]), _pair(r["rms"], r["max"])]
                for r in saved["refinement"]["rows"]]  # fmt: skip
        parts.append(_table(["target", "before refinement", "after"], body))
    if "published" in saved:
        body = [[r["task"], _pair(r["rms_first"], r["max_first"]), _pair(r["rms"], r["max"]),
                 f"{r['published']:.1e}", f"{r['seconds']:.0f}"] for r in saved["published"]["rows"]]  # fmt: skip
        parts.append(_table(["task", "one network", "two networks", "published RMS", "CPU s"], body))
    return "\n\n".join(parts)


def _cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    return "not installed" if "missing" in row else _pair(row["rms"][-1], row["max"][-1])


def _pair(rms: float, worst: float) -> str:
    return f"{rms:.1e} / {worst:.1e}"


def _table(head: list[str], body: list[list[str]]) -> str:
    rows = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(r) + " |" for r in rows)
