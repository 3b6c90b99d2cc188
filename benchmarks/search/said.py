"""What the pages say of the search: the tables beside the peers, and what the search's own work costs."""

from __future__ import annotations

from typing import Any

from benchmarks.search import functions, table
from benchmarks.search.peers import PEERS
from benchmarks.search.rows import ROWS

LEAST = 2  # instances of a row that is shown: one says nothing


def said(content: dict[str, Any]) -> dict[str, str]:
    """Of results/search.json."""
    rows, peers = [row.name for row in ROWS], [peer.name for peer in PEERS]
    saved = {row: entry for row, entry in content["rows"].items() if len(entry["truth"]) >= LEAST}
    counts = {len(entry["truth"]) for entry in saved.values()}
    bumps = [table.summary(e)[0][table.OURS] for name, e in saved.items() if " bump, " in name]
    eight = [table.summary(e)[0][table.OURS] for n, e in saved.items() if " bump, d=8" in n]
    slow = ("DIRECT", "dual annealing", "SHGO", "cma", "NGOpt")
    late = [
        table.summary(e)[0][n] for e in saved.values() for n in slow if not e["expensive"] and n in e["runs"]
    ]
    dear = [table.summary(e)[0][table.OURS]["model"] for e in saved.values() if e["expensive"]]
    crashed = sum(m["crashes"] for e in saved.values() for m in table.summary(e)[0].values())
    return {
        "table": "\n".join(table.markdown(saved, rows, peers)),
        "dear": "\n".join(table.expensive(saved, rows, peers))
        if dear
        else f"No row has {LEAST} instances yet.",
        "better": "\n" + "\n".join(table.better(saved, rows)) + "\n",
        "instances": " to ".join(map(str, sorted({min(counts), max(counts)}))),
        "rows": str(len(saved)),
        "bumps": f"{sum(b['found'] for b in bumps)} of {sum(b['runs'] for b in bumps)}",
        "bumps_8": f"{sum(b['found'] for b in eight)} of {sum(b['runs'] for b in eight)}",
        "left_out": ", ".join(r.name for r in ROWS if r.published and r.name not in saved) or "none",
        "late": f"{sum(m['late'] for m in late)} of {sum(m['runs'] for m in late)}",
        "model": f"{min(low for low, _ in dear):,} to {max(high for _, high in dear):,}"
        if dear
        else "as many as it wants",
        "crashes": str(crashed),
        "ascent": _beside(saved, "Sobol + ascent", False),
        "pgd": _beside(saved, "PGD", False),
        "process": _beside(saved, "plain GP", True),
        "versions": ", ".join(
            f"{n} {v}" for n, v in content["machine"]["packages"].items() if v != table.ABSENT
        ),
    }


def _beside(saved: dict[str, Any], name: str, expensive: bool) -> str:
    """A peer beside supnorm over all instances of its rows, and the rows that make the difference."""
    rows = {
        row: table.summary(entry)[0]
        for row, entry in saved.items()
        if entry["expensive"] == expensive and name in entry["runs"]
    }
    found, ours, runs, only, missed = (
        sum(methods[who][what] for methods in rows.values())
        for who, what in (
            (name, "found"),
            (table.OURS, "found"),
            (name, "runs"),
            (name, "only"),
            (name, "missed"),
        )
    )
    apart = sorted(rows, key=lambda row: -rows[row][name]["missed"])
    if not runs:
        return "nothing yet: no row was run often enough"
    most = [f"{row} ({rows[row][name]['missed']})" for row in apart if rows[row][name]["missed"] > 1]
    where = f", most of them in {', '.join(most)}" if most else ""
    return (
        f"{found} of {runs}, supnorm {ours}; {only} are found by it alone, {missed} by supnorm alone{where}"
    )


def overhead(content: dict[str, Any]) -> dict[str, str]:
    """Of results/overhead.json."""
    rows = [f"| {r['inputs']} | {r['evaluations']:,} | {100 * r['search']:.0f} % | {100 * r['with maps']:.0f} % |"
            for r in content["rows"]]  # fmt: skip
    head = ["| inputs | evaluations | search | with the page's maps |", "|---|---|---|---|"]
    return {
        "table": "\n".join([*head, *rows]),
        "runs": str(content["runs"]),
        "load": f"{content['load']:.0f}",
        "memory": f"{content['memory']:.0f} MB",
    }


def said_functions(content: dict[str, Any]) -> dict[str, str]:
    """Of results/functions.json: its tables, and the rows in which another method solved more functions than ours."""
    lost = []
    for family, d in functions.ROWS:
        runs = content["rows"].get(f"{family}-{d}", {"runs": {}})["runs"]
        for level in functions.LEVELS if runs else ():
            solved = {name: functions.solved(of, level) for name, of in runs.items()}
            ours = solved.pop(table.OURS)
            if more := [f"{name} {n}" for name, n in solved.items() if n > ours]:
                lost.append(f"* {family}, d={d}, to {level:.0e}: supnorm {ours}, {', '.join(more)}")
    return functions.said(content) | {"better": "\n" + "\n".join(lost or ["* none"]) + "\n"}
