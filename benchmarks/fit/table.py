"""The rows of the benchmark as lines of text and as Markdown tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def lines(part: str, row: dict[str, Any]) -> list[str]:
    """What is printed while it runs."""
    if "missing" in row:
        return [f"{row['task']:14} {row['method']:16} {row['missing']}"]
    if part in ("compare", "long", "candidates"):
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
    return "\n\n".join(f"{caption}\n\n{_table(head, body)}" for caption, head, body in tables(saved))


def tables(saved: Mapping[str, Any]) -> list[tuple[str, list[str], list[list[str]]]]:
    """Caption, head and body of each part that was saved."""
    found = []
    if "compare" in saved:
        rows = saved["compare"]["rows"]
        tasks = list(dict.fromkeys(r["task"] for r in rows))
        by = {(r["task"], r["method"]): r for r in rows}
        body = [
            [m, *(_cell(by.get((t, m))) for t in tasks)] for m in dict.fromkeys(r["method"] for r in rows)
        ]
        seconds = rows[0]["seconds"][-1]
        said = (
            f"RMS / maximum error after {seconds:g} CPU seconds, medians over {len(rows[0]['seeds'])} seeds"
        )
        found.append((said, ["method", *tasks], body))
    if "candidates" in saved:
        rows = saved["candidates"]["rows"]
        body = [[r["task"], r["method"], _cell(r)] for r in rows]
        found.append(("Methods that were tried and left out", ["task", "method", "RMS / max"], body))
    if "time_ratios" in saved:
        body = [[r["task"], f"{r['error']:.1e}", f"{r['scipy']:.0f}", f"{r['ssbroyden']:.2g}", f"{r['ratio']:.0f}"]
                for r in saved["time_ratios"]]  # fmt: skip
        head = ["task", "RMS error", "SciPy BFGS, s", "SSBroyden, s", "ratio"]
        found.append(("CPU seconds to the error that SciPy's BFGS has after a minute", head, body))
    if "refinement" in saved:
        body = [[r["target"], str(r["weights"]), _pair(r["rms_before"], r["max_before"]), _pair(r["rms"], r["max"])]
                for r in saved["refinement"]["rows"]]  # fmt: skip
        head = ["target", "weights", "RMS / max before refinement", "after"]
        found.append(("Refinement at the worst points, and its control", head, body))
    if "published" in saved:
        body = [[r["task"], _pair(r["rms_first"], r["max_first"]), _pair(r["rms"], r["max"]),
                 f"{r['published']:.1e}", f"{r['seconds']:.0f}"] for r in saved["published"]["rows"]]  # fmt: skip
        head = ["task", "one network, RMS / max", "with a second on the residual", "published RMS", "CPU s"]
        found.append(("Tasks of Precision machine learning (2023), absolute errors", head, body))
    return found


def _cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    return "not installed" if "missing" in row else _pair(row["rms"][-1], row["max"][-1])


def _pair(rms: float, worst: float) -> str:
    return f"{rms:.1e} / {worst:.1e}"


def _table(head: list[str], body: list[list[str]]) -> str:
    rows = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(r) + " |" for r in rows)
