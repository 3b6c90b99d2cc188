"""What the pages say of the stored results of `benchmarks.guard`."""

from __future__ import annotations

from itertools import groupby
from statistics import median
from typing import Any

from benchmarks.mending.cases import NAMES
from supnorm.results.numbers import count, num, percent


def shadow(content: dict[str, Any]) -> dict[str, str]:
    """How often each kind of limits was wrong at some time, and how wide they are."""
    rows = ["| rate | these limits | Clopper and Pearson's, looked at again and again |", "|---|---|---|"]
    for row in content["rows"]:
        shares = (percent(row[kind] / row["runs"], 2) for kind in ("sequence", "once"))
        rows.append(f"| {num(row['rate'])} | {' | '.join(shares)} |")
    widths = [
        f"{num(w['sequence'], 2)} after {count(w['n'])} checks ({num(w['once'], 2)} by limits that are valid once)"
        for w in content["widths"]
    ]
    return {
        "table": "\n".join(rows),
        "runs": count(content["runs"]),
        "checks": count(content["checks"]),
        "widths": ", ".join(widths),
    }


def fuse(content: dict[str, Any]) -> dict[str, str]:
    """How far the graph is from the guard, and what it costs."""
    rows = [
        "| guard | other flags (ties) | largest difference of a value | µs a point in batches: guard (model) | "
        "µs of one point: guard (model) | one point from C |",
        "|---|---|---|---|---|---|",
    ]
    for row in content["rows"]:
        batch, one = row["batch"] - row["batch_model"], row["one"] - row["one_model"]
        c = (
            f"{num(row['c']['one'], 2)} µs, {'equal' if row['c']['same'] else 'NOT EQUAL'}"
            if "c" in row
            else "not run"
        )
        cells = (
            row["guard"],
            f"{row['different']} ({row['ties']})",
            num(row["values"], 2),
            f"{num(batch, 2)} ({num(row['batch_model'], 2)})",
            f"{num(one, 2)} ({num(row['one_model'], 2)})",
            c,
        )
        rows.append(f"| {' | '.join(cells)} |")
    return {
        "table": "\n".join(rows),
        "points": count(content["points"]),
        "runtime": content["versions"]["onnxruntime"],
    }


def serve(content: dict[str, Any]) -> dict[str, str]:
    """Latencies under load."""
    head = "| rows of a request | shadow checks | median | 99 % | rows a second | wrong answers |"
    rows = [head, "|---|---|---|---|---|---|"]
    for row in content["rows"]:
        times = (f"{num(row[q], 2)} ms" for q in ("p50", "p99"))
        wrong = f"{row['wrong']} of {count(row['answers'])}"
        checked = "none" if row["shadow"] is None else "each accepted row"
        rows.append(
            f"| {row['rows']} | {checked} | {' | '.join(times)} | {count(row['a_second'])} | {wrong} |"
        )
    burst = content["burst"]
    return {
        "table": "\n".join(rows),
        "clients": str(content["clients"]),
        "load": num(content["load"], 2),
        "burst_clients": str(burst["clients"]),
        "burst_answers": count(burst["answers"]),
        "burst_wrong": str(burst["wrong"]),
        "burst_p99": f"{num(burst['p99'], 2)} ms",
        "burst_accepted": count(burst["accepted"]),
        "burst_checked": count(burst["checked"] - burst["left_out"]),
        "burst_lost": str(burst["accepted"] - burst["checked"]),
        "burst_left_out": count(burst["left_out"]),
        "burst_megabytes": f"{num(burst['megabytes'], 2)} MB",
    }


def controls(content: dict[str, Any]) -> dict[str, str]:
    """Largest accepted error over the unguarded one: medians over the networks of a case."""
    methods = ("guard", "guard, data given", "distance", "conformal", "spread")
    rows = [f"| case | networks | {' | '.join(methods)} | best possible |", "|---" * (3 + len(methods)) + "|"]
    every = sorted(content["rows"], key=lambda r: NAMES.index(r["case"]))
    for name, some in groupby(every, key=lambda r: r["case"]):
        group = [*some]
        cells = (num(median(r[m]["worst"] for r in group), 2) for m in methods)
        rows.append(
            f"| {name} | {len(group)} | {' | '.join(cells)} | {num(median(r['oracle'] for r in group), 2)} |"
        )

    def ahead(other: str) -> str:
        return f"{sum(r['guard']['worst'] < r[other]['worst'] for r in every)} of {len(every)}"

    return {"table": "\n".join(rows), **{other: ahead(other) for other in methods[2:]}}
