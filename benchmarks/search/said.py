"""What the pages say of the search: the tables beside the peers, and what the search's own work costs."""

from __future__ import annotations

from typing import Any

from benchmarks.search import table
from benchmarks.search.peers import PEERS
from benchmarks.search.rows import ROWS


def said(content: dict[str, Any]) -> dict[str, str]:
    """Of results/search.json."""
    rows, peers = [row.name for row in ROWS], [peer.name for peer in PEERS]
    saved = content["rows"]
    counts = {len(entry["truth"]) for entry in saved.values()}
    bumps = [table.summary(e)[0][table.OURS] for name, e in saved.items() if " bump, " in name]
    slow = ("DIRECT", "dual annealing", "SHGO", "cma", "NGOpt")
    late = [
        table.summary(e)[0][n] for e in saved.values() for n in slow if not e["expensive"] and n in e["runs"]
    ]
    dear = [table.summary(e)[0][table.OURS]["model"] for e in saved.values() if e["expensive"]]
    crashed = sum(m["crashes"] for e in saved.values() for m in table.summary(e)[0].values())
    return {
        "table": "\n".join(table.markdown(saved, rows, peers)),
        "dear": "\n".join(table.expensive(saved, rows, peers)),
        "better": "\n" + "\n".join(table.better(saved, rows)) + "\n",
        "instances": " to ".join(map(str, sorted({min(counts), max(counts)}))),
        "rows": str(len(saved)),
        "bumps": f"{min(b['found'] for b in bumps)} to {max(b['found'] for b in bumps)} of {bumps[0]['runs']}",
        "late": f"{sum(m['late'] for m in late)} of {sum(m['runs'] for m in late)}",
        "model": f"{min(low for low, _ in dear):,} to {max(high for _, high in dear):,}",
        "crashes": str(crashed),
        "versions": ", ".join(
            f"{n} {v}" for n, v in content["machine"]["packages"].items() if v != table.ABSENT
        ),
    }


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
