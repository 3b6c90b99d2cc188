"""What the pages say of results/search_tuning.json."""

from __future__ import annotations

from typing import Any

from benchmarks.search.functions import NAMES

SCIPY = (
    "for SciPy's functions, in boxes that are cut with other seeds, the candidates are the library's settings and those "
    "that were taken in any row of BBOB or GKLS, and all run on all instances; these are the functions of its table, and "
    "nothing of supnorm was chosen on them, so that the other methods may have an advantage there"
)
UNTUNED = "for SciPy's functions nothing was tuned yet: in their tables the methods run with the settings of their libraries"


def said(content: dict[str, Any]) -> dict[str, str]:
    """The chosen settings, the number of candidates and what the tuning took."""
    rows = content["rows"]
    tried = [
        len(entry["candidates"])
        for row, held in rows.items()
        if held["rest"]
        for entry in held["peers"].values()
    ]
    seconds = sum(entry["seconds"] for row in rows.values() for entry in row["peers"].values())
    return {
        "table": "\n".join(_table(rows)),
        "candidates": f"{min(tried)} to {max(tried)}" if tried else "no",
        "minutes": f"{seconds / 60:.0f} minutes",
        "gained": _gained(rows),
        "scipy": SCIPY if any(row.startswith("SciPy") for row in rows) else UNTUNED,
    }


def _table(rows: dict[str, Any]) -> list[str]:
    lines = ["| functions | " + " | ".join(NAMES) + " |", "|---" * (1 + len(NAMES)) + "|"]
    for row, held in rows.items():
        cells = [_cell(held, held["peers"].get(name)) for name in NAMES]
        lines.append(f"| {row.replace(' ', ', ', 1)} | " + " | ".join(cells) + " |")
    return lines


def _cell(held: dict[str, Any], entry: dict[str, Any] | None) -> str:
    """The settings that differ from the library's; solved runs with its own, and with these."""
    if entry is None:
        return "–"
    words = ", ".join(f"{key}={_word(value)}" for key, value in entry["chosen"].items()) or "the library's"
    runs = 2 * (len(held["first"]) + len(held["rest"]))
    before = sum(entry["candidates"][0]["all"])
    after = next(sum(t["all"]) for t in entry["candidates"] if t["settings"] == entry["chosen"])
    return f"{words} ({before} → {after} of {runs})"


def _word(value: Any) -> str:
    if isinstance(value, list):
        return "+".join(map(_word, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _gained(rows: dict[str, Any]) -> str:
    """In how many rows and peers other settings than the library's were chosen."""
    entries = [entry for row in rows.values() for entry in row["peers"].values()]
    return f"{sum(bool(entry['chosen']) for entry in entries)} of {len(entries)}"
