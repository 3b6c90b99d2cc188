"""The rows of the benchmark as lines of text and as Markdown tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.fit import certified, choice, equations, jumps
from benchmarks.fit.compare import medians, time_ratios
from benchmarks.fit.targets import PUBLISHED, staged_medians

HEADS = (
    ("compare", "RMS"),
    ("candidates", "Other methods, each with its best option on seeds 0 to 4, RMS"),
    ("wide", "Networks of ten thousand weights, RMS"),
)
# What a table's caption begins with or holds, and its name in the marks of the pages.
KEYS = {
    "Other methods": "candidates", "Networks of ten thousand": "wide", "the low-curvature subspace": "plateau",
    "How many times sooner": "sooner", "The same for SciPy": "long", "Refinement at the worst": "refinement",
    "Tasks of Precision": "published", "What fit chooses": "choice", "Networks with their proof": "certified",
    "`fit_pde`": "equations", "Fixed random samples": "jumps", "RMS / maximum error after": "compare",
}  # fmt: skip
OTHERS: dict[str, Any] = {"choice": choice, "certified": certified, "equations": equations, "jumps": jumps}


def lines(part: str, row: dict[str, Any]) -> list[str]:
    """What is printed while it runs."""
    if "missing" in row:
        return [f"{row['task']:14} {row['method']:16} {row['missing']}"]
    if part in OTHERS:
        return OTHERS[part].lines(row)
    if part in ("tuning", "compare", "long", "candidates", "plateau", "wide"):
        return [
            f"{row['task']:14} {row['method']:16} rms {row['rms'][-1]:.1e}  max {row['max'][-1]:.1e}"
            f"  after {row['seconds'][-1]:.3g} s"
        ]
    stages = " -> ".join(_pair(*e) for e in row["errors"])
    return [f"{row['task']:36} {stages}  {row['seconds']:.0f} s"]


def markdown(saved: dict[str, Any]) -> str:
    """The saved results as tables for the docs."""
    return "\n\n".join(as_text(*one) for one in tables(saved))


def as_text(caption: str, head: list[str], body: list[list[str]]) -> str:
    """One table in Markdown under its caption."""
    return f"{caption}\n\n{_table(head, body)}"


def tables(saved: Mapping[str, Any]) -> list[tuple[str, list[str], list[list[str]]]]:
    """Caption, head and body of each part that was saved."""
    found = []
    for part, what in HEADS:
        if not saved.get(part, {}).get("rows"):
            continue
        rows = medians(saved[part]["rows"])
        tasks = list(dict.fromkeys(r["task"] for r in rows))
        by = {(r["task"], r["method"]): r for r in rows}
        body = [
            [m, *(_cell(by.get((t, m))) for t in tasks)] for m in dict.fromkeys(r["method"] for r in rows)
        ]
        seconds, seeds = rows[0]["seconds"][-1], len(rows[0]["seeds"])
        said = f"{what} / maximum error after {seconds:g} CPU seconds, medians over {seeds} seed(s)"
        found.append((said, ["method", *tasks], body))
    if saved.get("plateau", {}).get("rows"):
        rows = medians(saved["plateau"]["rows"])
        body = [[r["method"], *(_pair(r["rms"][i], r["max"][i]) for i in (0, 1))] for r in rows]
        task, seeds = rows[0]["task"], len(rows[0]["seeds"])
        said = (
            f"{task}: the low-curvature subspace after ten seconds of SSBroyden, medians over {seeds} seed(s)"
        )
        found.append((said, ["method", "after 10 CPU seconds", "after 20"], body))
    if "compare" in saved:
        rows = time_ratios(saved["compare"]["rows"], saved["compare"]["rows"])
        tasks = list(dict.fromkeys(r["task"] for r in rows))
        body = [
            [m, *(_ratio(r) for r in rows if r["method"] == m)]
            for m in dict.fromkeys(r["method"] for r in rows)
        ]
        said = "How many times sooner SSBroyden has the error that the others have at the end (its seconds)"
        found.append((said, ["method", *tasks], body))
    if "compare" in saved and "long" in saved:
        long = saved["long"]["rows"]
        body = [[r["task"], f"{r['error']:.1e}", f"{r['seconds']:.0f}", _ratio(r)]
                for r in time_ratios(saved["compare"]["rows"], long)]  # fmt: skip
        seeds = len({r["seed"] for r in long})
        said = f"The same for SciPy's BFGS after a minute, medians over {seeds} seed(s) of it"
        found.append(
            (said, ["task", "RMS error of SciPy's BFGS", "its seconds", "times sooner (seconds)"], body)
        )
    if "refinement" in saved:
        body = [[r["task"], str(r["weights"]), str(r["seeds"]), *(_pair(*e) for e in r["errors"])]
                for r in staged_medians(saved["refinement"]["rows"])]  # fmt: skip
        head = ["target", "weights", "seeds", "RMS / max before refinement", "after"]
        found.append(("Refinement at the worst points, and its control, medians", head, body))
    if "published" in saved:
        body = [[r["task"], str(r["seeds"]), *(_pair(*e) for e in r["errors"]), PUBLISHED[r["task"]],
                 f"{r['seconds']:.0f}"] for r in staged_medians(saved["published"]["rows"])]  # fmt: skip
        head = [
            "task",
            "seeds",
            "one network, RMS / max",
            "with a second on the residual",
            "RMS in the paper",
            "CPU s",
        ]
        found.append(("Tasks of Precision machine learning (2023), absolute errors, medians", head, body))
    if "choice" in saved:
        head = ["task", "method", "RMS / max", "max, a second time", "samples", "parameters", "CPU s"]
        found.append(
            (
                "What fit chooses, and networks with as many evaluations (a second time: another audit, or fresh points)",
                head,
                choice.body(saved["choice"]["rows"]),
            )
        )
    if "certified" in saved:
        head = ["problem", "seed", "tolerance", "network, parameters", "worst error seen", "proved bound", "CPU s",
                "check, CPU s"]  # fmt: skip
        found.append(("Networks with their proof", head, certified.body(saved["certified"]["rows"])))
    if "equations" in saved:
        head = [
            "equation",
            "optimiser",
            "largest error of the solution",
            "worst residual found",
            "error_if",
            "CPU s",
        ]
        found.append(
            ("`fit_pde` on known solutions, medians", head, equations.body(saved["equations"]["rows"]))
        )
    if "jumps" in saved:
        said = "Fixed random samples: labels that were called jumps"
        found.append((said, jumps.HEAD, jumps.body(saved["jumps"]["rows"])))
    return found


def _cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    return "not installed" if "missing" in row else _pair(row["rms"][-1], row["max"][-1])


def _ratio(row: dict[str, Any]) -> str:
    return "not reached" if row["ratio"] is None else f"{row['ratio']:.0f} ({row['ssbroyden']:g})"


def _pair(rms: float, worst: float) -> str:
    return f"{rms:.1e} / {worst:.1e}"


def _table(head: list[str], body: list[list[str]]) -> str:
    rows = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(r) + " |" for r in rows)
