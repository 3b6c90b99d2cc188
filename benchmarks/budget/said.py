"""What the pages say of the planner: verdicts, forecasts, the intrinsic dimension."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.budget.planning_calls import summary

RESULTS = Path(__file__).parent / "results"
FORECASTS = {
    "final_network": "18 new functions, tanh networks, m = 32..2048",
    "final_gp": "18 new functions, Gaussian processes, m = 16..1024",
    "final_fit": "18 new functions, LM networks, m = 32..2048",
    "used_network": "46 used functions, tanh networks",
    "used_gp": "46 used functions, Gaussian processes",
    "stored": "9 stored learning curves, tanh networks",
}


def verdicts(content: dict[str, Any]) -> dict[str, str]:
    """Of results/planning_calls.json: one line a number of planning calls."""
    heads = (
        "planning calls, really made", "best tool named, where one reaches the tolerance (90 %)", "wrong tool named",
        "gave up", "gave up where none reaches it", "named a tool there",
    )  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    found = {
        calls: summary([r for r in content["rows"] if r["calls"] == calls]) for calls in call_numbers(content)
    }
    for calls, s in found.items():
        low, high = s["spent"]
        lines.append(
            f"| {calls:,}, {low:,} to {high:,} | {s['good']} of {s['reachable']} ({s['interval'][0]:.2f} to "
            f"{s['interval'][1]:.2f}) | {_names(s['wrong'])} | {s['gave up']} | {s['given up rightly']} of "
            f"{s['unreachable']} | {_names(s['named all the same'])} |"
        )
    few, many = found[min(found)], found[max(found)]
    return {
        "curve": "\n".join(lines),
        "few": f"{few['good']} of {few['reachable']}",
        "few_calls": f"{min(found):,}",
        "many": f"{many['good']} of {many['reachable']}",
        "many_calls": f"{max(found):,}",
        "few_wrong": str(len(few["wrong"]) + len(few["named all the same"])),
        "functions": str(few["reachable"] + few["unreachable"]),
    }


def call_numbers(content: dict[str, Any]) -> list[int]:
    """The numbers of planning calls, in order."""
    return sorted({r["calls"] for r in content["rows"]})


def _names(names: list[str]) -> str:
    return f"{len(names)} ({', '.join(names)})" if names else "0"


def with_curves(content: dict[str, Any]) -> dict[str, str]:
    """Of results/verdicts_unseen.json: the verdict at 2,000 samples, with a learning curve where no tool is named."""
    lines = ["| unseen function | inputs | planning calls | verdict | named | error | best | error | agrees |",
             "|---|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for r in content["rows"]:
        error = r["errors"].get(r["named"])
        lines.append(
            f"| {r['function']} | {r['d']} | {r['calls']:,} | {r['word']} | {r['named']} | "
            f"{'–' if error is None else f'{error:.0e}'} | {r['best']} | {r['errors'][r['best']]:.0e} | "
            f"{'yes' if r['agrees'] else 'no'} |"
        )
    reachable = [r for r in content["rows"] if r["reachable"]]
    beyond = [r for r in content["rows"] if not r["reachable"]]
    calls = [r["calls"] for r in content["rows"]]
    design = json.loads((RESULTS / "verdicts_design.json").read_text())
    within = [r for r in design["rows"] if r["reachable"]]
    return {
        "functions": "\n".join(lines),
        "named": f"{sum(r['agrees'] for r in reachable)} of {len(reachable)}",
        "gave_up": f"{sum(r['agrees'] for r in beyond)} of {len(beyond)}",
        "calls": f"{min(calls):,} to {max(calls):,}",
        "regret": f"median {content['median_regret']:.1f}, largest {content['largest_regret']:.1f}",
        "design": f"{sum(r['agrees'] for r in within)} of {len(within)} named, "
        f"{design['agree'] - sum(r['agrees'] for r in within)} of {design['functions'] - len(within)} given up",
    }


def forecasts(content: dict[str, Any]) -> dict[str, str]:
    """Of the results/forecast_*.json: a table each, and the ranges over their columns."""
    found = {}
    for name, caption in FORECASTS.items():
        rows = json.loads((RESULTS / f"forecast_{name}.json").read_text())["rows"]
        by = {(r["law"], r["metric"], r["ahead"]): r for r in rows}
        columns = [(m, a) for m in ("rms", "sup") for a in (2, 4, 8)]
        heads = [f"{m} x{a}" if a == 2 else f"x{a}" for m, a in columns]
        count = rows[0]["functions"]
        lines = [f"| {caption} | {' | '.join(heads)} |", "|---" * 7 + "|"]
        lines += [
            f"| {law} | " + " | ".join(_cover(by[law, m, a]) for m, a in columns) + " |"
            for law in ("line", "shipped")
        ]
        shipped = [by["shipped", m, a] for m, a in columns]
        whole = [
            f"{r['functions_covered']} [{r['functions_interval'][0]:.2f}, {r['functions_interval'][1]:.2f}]"
            for r in shipped
        ]
        lines.append(f"| functions, of {count} | " + " | ".join(whole) + " |")
        lines.append(
            "| below the upper end | " + " | ".join(f"{r['below_upper']:.2f}" for r in shipped) + " |"
        )
        off = [f"x{s['error_of_middle']:.2f}, x{by['line', m, a]['error_of_middle']:.2f}"
               for s, (m, a) in zip(shipped, columns, strict=True)]  # fmt: skip
        lines.append("| middle off by, line's | " + " | ".join(off) + " |")
        found[name] = "\n".join(lines)
        found[f"{name}_coverage"] = _span([r["coverage"] for r in shipped], ".2f")
        found[f"{name}_width"] = "x" + _span([r["half_width"] for r in shipped], ".1f").replace(
            " to ", " to x"
        )
        found[f"{name}_line"] = _span([by["line", m, a]["coverage"] for m, a in columns], ".2f")
    return found


def _cover(r: dict[str, Any]) -> str:
    (low, high), (thin, thick) = r["coverage_interval"], r["half_width_interval"]
    return f"{r['coverage']:.2f} [{low:.2f}, {high:.2f}] x{r['half_width']:.1f} [{thin:.1f}, {thick:.1f}]"


def _span(values: list[float], form: str) -> str:
    return f"{min(values):{form}} to {max(values):{form}}"


def dimension(content: dict[str, Any]) -> dict[str, str]:
    """Of results/dimension.json."""
    lines = [
        "| set | points | truth | TwoNN (peer) | MLE (peer) | our interval |",
        "|---|---|---|---|---|---|",
    ]
    for r in content["rows"]:
        truth = r["dimension"] if r["dimension"] is not None else "none"
        said = f"{r['lower']:.1f} to {r['upper']:.1f}" + ("" if r["single"] else ", no single dimension")
        lines.append(
            f"| {r['set']} | {r['points']} | {truth} | {r['two_nn']:.2f} ({r['peer_two_nn']:.2f}) | "
            f"{r['mle']:.2f} ({r['peer_mle']:.2f}) | {said} |"
        )
    known = [r for r in content["rows"] if r["dimension"] is not None]
    apart = max(abs(r["two_nn"] / r["peer_two_nn"] - 1) for r in content["rows"])
    return {
        "table": "\n".join(lines),
        "hold": f"{sum(r['lower'] <= r['dimension'] <= r['upper'] for r in known)} of {len(known)}",
        "apart": f"{100 * apart:.1f} %",
    }
