"""What the pages say of results/soundness.json."""

from __future__ import annotations

from collections import Counter
from typing import Any

WORDS = {
    "hidden": ("refused", "nothing claimed", "true", "disguised", "FALSE", "CRASHED"),
    "forgeries": ("rejected", "refused", "true accepted", "FALSE ACCEPTED", "CRASHED"),
    "extreme": ("refused", "no bound", "true", "FALSE", "CRASHED"),
}


def said(content: dict[str, Any]) -> dict[str, str]:
    """Counts by campaign, as a sentence each."""
    found = {}
    for name, words in WORDS.items():
        rows = [r for r in content["rows"] if r["campaign"] == name]
        counts: Counter[str] = sum((Counter(r["verdicts"]) for r in rows), Counter())
        seeds = ", ".join(str(r["seed"]) for r in rows)
        found[name] = ", ".join(f"{counts[w]:,} {w}" for w in words) + f" (seeds {seeds})"
        found[f"{name}_count"] = f"{sum(r['count'] for r in rows):,}"
    return found
