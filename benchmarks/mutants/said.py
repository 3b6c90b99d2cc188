"""What the pages say of results/mutants.json."""

from __future__ import annotations

from typing import Any

from benchmarks.mutants.__main__ import equivalent
from supnorm.auditing.statistics import clopper_pearson_lower, clopper_pearson_upper


def said(content: dict[str, Any]) -> dict[str, str]:
    """Kill rate by room, equivalent mutants apart, and the survivors by name."""
    apart = equivalent()
    rows = [{**r, "equivalent": not r["by"] and _name(r) in apart} for r in content["rows"]]
    counted = [r for r in rows if not r["equivalent"]]
    lines = ["| room | mutants | killed | survived | equivalent |", "|---|---|---|---|---|"]
    for room in sorted({r["room"] for r in rows}):
        some = [r for r in rows if r["room"] == room]
        killed, same = sum(bool(r["by"]) for r in some), sum(r["equivalent"] for r in some)
        lines.append(f"| {room} | {len(some)} | {killed} | {len(some) - killed - same} | {same} |")
    killed, n = sum(bool(r["by"]) for r in counted), len(counted)
    low, high = clopper_pearson_lower(killed, n, 0.975), clopper_pearson_upper(killed, n, 0.975)
    survivors = [f"* `{r['file'].removeprefix('src/supnorm/')}:{r['line']}`: `{r['before']}` became `{r['after']}`"
                 for r in counted if not r["by"]]  # fmt: skip
    return {
        "table": "\n".join(lines),
        "rate": f"{killed} of {len(counted)} (95 % interval {100 * low:.0f} to {100 * high:.0f} %)",
        "equivalent": str(len(rows) - len(counted)),
        "survivors": "\n" + ("\n".join(survivors) or "* none so far") + "\n",
        "seed": str(content["seed"]),
    }


def _name(row: dict[str, Any]) -> str:
    return f"{row['file']}: {row['before']} -> {row['after']}"
