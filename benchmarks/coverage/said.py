"""What the pages say of results/coverage.json."""

from __future__ import annotations

from typing import Any

LIMITS = {
    "exceedance": "exceedance: two inputs, a constraint, a log axis, one's own law, a relative error, a level of the sample",
    "unseen peaks": "unseen peaks: ascents of the search on bumps and waves, and made-up lists of basins, 10 to 200 ascents",
    "size at least": "size of a peak, lower limit: balls of 1e-3 to 1e-6 in 2, 4, 6 inputs, an oblique sheet",
    "size at most": "size of a peak, upper limit, where the region is measured as a whole",
}


def said(content: dict[str, Any]) -> dict[str, str]:
    """Table and counts."""
    lines = [
        "| limit, stated with 95 % | rows | trials each | observed coverage | lowest row |",
        "|---|---|---|---|---|",
    ]
    for limit, words in LIMITS.items():
        rows = [r for r in content["rows"] if r["limit"] == limit]
        trials, shares = [r["trials"] for r in rows], [r["coverage"] for r in rows]
        least = min(rows, key=lambda r: r["coverage"])
        low, high = least["interval"]
        lines.append(
            f"| {words} | {len(rows)} | {_range(trials, 'd')} | {_range(shares, '.3f')} | "
            f"{least['coverage']:.3f} ({low:.3f} to {high:.3f}): {least['case']} |"
        )
    return {
        "table": "\n".join(lines),
        "rows": str(len(content["rows"])),
        "hold": f"{sum(r['holds'] for r in content['rows'])} of {len(content['rows'])}",
        "minutes": f"{content['processor_seconds'] / 60:.0f} minutes",
    }


def _range(values: list[Any], form: str) -> str:
    low, high = min(values), max(values)
    return f"{low:{form}}" if low == high else f"{low:{form}} to {high:{form}}"
