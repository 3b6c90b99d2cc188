"""What the pages say of the results of campaigns: soundness.json, composed.json, tiny.json, special.json and others."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

WORDS = {
    "hidden": ("refused", "nothing claimed", "true", "disguised", "FALSE", "CRASHED"),
    "second": ("refused", "nothing claimed", "true", "disguised", "FALSE", "CRASHED"),
    "third": ("refused", "nothing claimed", "true", "FALSE", "CRASHED"),
    "fourth": ("refused", "nothing claimed", "true", "assumed", "REFUSED", "FALSE", "CRASHED"),
    "fifth": ("refused", "nothing claimed", "true", "assumed", "REFUSED", "FALSE", "CRASHED"),
    "asking": ("refused", "nothing claimed", "true", "assumed", "REFUSED", "FALSE", "CRASHED"),
    "forgeries": ("rejected", "refused", "true accepted", "FALSE ACCEPTED", "CRASHED"),
    "lines": ("rejected", "refused", "true accepted", "FALSE ACCEPTED", "CRASHED"),
    "second_lines": ("rejected", "refused", "true accepted", "FALSE ACCEPTED", "CRASHED"),
    "extreme": ("refused", "no bound", "true", "FALSE", "CRASHED"),
}


def said(content: dict[str, Any]) -> dict[str, str]:
    """Counts by campaign, as a sentence each."""
    found = {}
    for name, words in WORDS.items():
        rows = [r for r in content["rows"] if r["campaign"] == name]
        counts: Counter[str] = sum((Counter(r["verdicts"]) for r in rows), Counter())
        seeds = ", ".join(str(r["seed"]) for r in rows)
        named: Counter[str] = sum((Counter(r.get("assumed", {})) for r in rows), Counter())
        of = {"assumed": f" ({', '.join(f'{key} {n:,}' for key, n in named.items())})" if named else ""}
        found[name] = ", ".join(f"{counts[w]:,} {w}{of.get(w, '')}" for w in words) + f" (seeds {seeds})"
        found[f"{name}_count"] = f"{sum(r['count'] for r in rows):,}"
    return found


def composed(content: dict[str, Any]) -> dict[str, str]:
    """How bounds of random formulas by Chebyshev models held."""
    rows, counts = _of(content, "composed")
    wrong = sum(counts[v] for v in ("FALSE", "CRASHED", "NOT ACCEPTED"))
    good = counts["true"] + counts["true and accepted"]
    return {
        "count": f"{counts.total():,}",
        "counts": f"{good:,} true ({counts['true and accepted']:,} of them checked, all accepted), "
        f"{counts['no bound']:,} without a bound, {wrong:,} false",
        "seeds": _seeds(rows),
        "million": _million(rows),
    }


def hostile(content: dict[str, Any]) -> dict[str, str]:
    """How bounds of formulas at the edges of what can be proved held; and in strange domains."""
    return _held(content, "hostile")


def special(content: dict[str, Any]) -> dict[str, str]:
    """How bounds of special functions and tables held."""
    return _held(content, "special")


def zeros(content: dict[str, Any]) -> dict[str, str]:
    """How bounds of roots that reach zero held."""
    return _held(content, "zeros")


def thresholds(content: dict[str, Any]) -> dict[str, str]:
    """How bounds of code that chooses between formulas held."""
    return _held(content, "thresholds")


def solutions(content: dict[str, Any]) -> dict[str, str]:
    """How bounds of errors of solutions held."""
    return _held(content, "solutions")


def properties(content: dict[str, Any]) -> dict[str, str]:
    """How statements about properties and norms held."""
    return _held(content, "properties")


def _held(content: dict[str, Any], campaign: str) -> dict[str, str]:
    rows, counts = _of(content, campaign)
    wrong = {v: counts[v] for v in ("FALSE", "CRASHED", "NOT ACCEPTED")}
    others = [f"{n:,} {v}" for v, n in sorted(counts.items()) if v not in wrong]
    return {
        "count": f"{counts.total():,}",
        "counts": ", ".join(
            [
                *others,
                f"{wrong['FALSE']:,} false",
                *(f"{n:,} {v.lower()}" for v, n in wrong.items() if n and v != "FALSE"),
            ]
        ),
        "seeds": _seeds(rows),
        "million": _million(rows),
    }


def tiny(content: dict[str, Any]) -> dict[str, str]:
    """How brackets of errors below float64 held."""
    rows, counts = _of(content, "tiny")
    wrong = sum(counts[v] for v in ("FALSE", "FALSE LOWER", "CRASHED", "NOT ACCEPTED"))
    accepted = sum(n for v, n in counts.items() if v.startswith("true and accepted"))
    wide = sum(n for v, n in counts.items() if v.endswith("bracket wider"))
    good = sum(n for v, n in counts.items() if v.startswith("true"))
    return {
        "count": f"{counts.total():,}",
        "counts": f"{good:,} true ({accepted:,} of them checked, all accepted; {wide:,} ended with a wider bracket than "
        f"asked), {wrong:,} false",
        "seeds": _seeds(rows),
        "million": _million(rows),
    }


def single(content: dict[str, Any]) -> dict[str, str]:
    """How close deviations of float32 came to their bounds, over all seeds."""
    rows, _ = _of(content, "single")
    return {
        **_held(content, "single"),
        "median": ", ".join(f"{row['median']:.2f}" for row in rows),
        "largest": f"{math.ceil(100 * max(row['largest'] for row in rows)) / 100:.2f}",
    }


def roots(content: dict[str, Any]) -> dict[str, str]:
    """How bounds of errors against roots held."""
    return _solved(content, "roots")


def flows(content: dict[str, Any]) -> dict[str, str]:
    """How bounds of errors against flows and integrals held."""
    return _solved(content, "flows")


def _solved(content: dict[str, Any], campaign: str) -> dict[str, str]:
    rows, counts = _of(content, campaign)
    wrong = sum(counts[v] for v in ("FALSE", "CRASHED", "NOT ACCEPTED"))
    good = counts["true"] + counts["true and accepted"]
    return {
        "count": f"{counts.total():,}",
        "counts": f"{good:,} true ({counts['true and accepted']:,} of them checked, all accepted), {counts['refused']:,} "
        f"refused, {counts['no bound']:,} without a bound, {wrong:,} false",
        "seeds": _seeds(rows),
        "million": _million(rows),
    }


def doors(content: dict[str, Any]) -> dict[str, str]:
    """How the commands on broken and on hostile files ended."""
    found = {}
    for name in ("random", "hostile"):
        rows, counts = _of(content, name)
        ends = ", ".join(f"{counts[v]:,} {v}" for v in sorted(counts) if v != "wrong")
        found[name] = f"{counts['wrong']:,} wrong of {counts.total():,}" + (f" ({ends})" if ends else "")
        found[f"{name}_seeds"] = _seeds(rows)
    return found


def fuzz(content: dict[str, Any]) -> dict[str, str]:
    """How the readers ended on broken files, over all kinds."""
    counts: Counter[str] = sum((Counter(r["verdicts"]) for r in content["rows"]), Counter())
    return {
        "count": f"{counts.total():,}",
        "wrong": f"{counts['wrong']:,}",
        "refused": f"{counts['refused']:,}",
        "kinds": str(len({r["campaign"] for r in content["rows"]})),
        "each": _each(content["rows"]),
        "bytes": f"{sum(r['count'] for r in content['rows'] if r.get('ways') == 'bytes only'):,}",
        "seeds": _seeds([{"seed": seed} for seed in sorted({r["seed"] for r in content["rows"]})]),
    }


def _each(rows: list[dict[str, Any]]) -> str:
    """How many files of each kind, most first."""
    kinds = Counter[str]()
    for row in rows:
        kinds[row["campaign"]] += row["count"]
    return ", ".join(f"{kind} {count:,}" for kind, count in kinds.most_common())


def audits(content: dict[str, Any]) -> dict[str, str]:
    """How random audits held against what their functions returned."""
    rows, counts = _of(content, "audits")
    return {
        "count": f"{counts.total():,}",
        "counts": f"{counts['held']:,} held, {counts['refused']:,} were refused, {counts['wrong']:,} wrong",
        "seeds": _seeds(rows),
    }


def _of(content: dict[str, Any], name: str) -> tuple[list[dict[str, Any]], Counter[str]]:
    rows = [r for r in content["rows"] if r["campaign"] == name]
    return rows, sum((Counter(r["verdicts"]) for r in rows), Counter())


def _million(rows: list[dict[str, Any]]) -> str:
    """How many problems were tried at a million points each."""
    many = sum(r["count"] for r in rows if r.get("points", 0) >= 1_000_000)
    total = sum(r["count"] for r in rows)
    return f"all {total:,}" if many == total else f"{many:,} of {total:,}"


def _seeds(rows: list[dict[str, Any]]) -> str:
    seeds = [str(r["seed"]) for r in rows]
    return f"seed{'s' * (len(seeds) != 1)} {', '.join(seeds)}"
