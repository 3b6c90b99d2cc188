"""``python claims/listed.py``: write the table of claims/README.md from the claim files."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from supnorm.results.numbers import num

FOLDER = Path(__file__).parent
HEAD = (
    "| claim | verdict | published | limit | largest error found | kind | of | needs |\n"
    "|---|---|---|---|---|---|---|---|\n"
)
SCALES = {"%": 100.0, "ppm": 1e6, "mK": 1e3}  # a published unit, and how many of it the error's own unit has


def rows() -> str:
    """One row for each claim, from what was written down when it was last run."""
    lines = []
    for path in sorted(FOLDER.glob("*/claim.toml")):
        content = tomllib.loads(path.read_text("utf-8"))
        claim = content["claim"]
        lines.append(
            f"| [{path.parent.name}]({path.parent.name}/claim.toml) | {claim['known']['verdict'].replace('-', ' ')} | "
            f"{claim['published']} | {_limit(content)} | {_found(content)} | {claim.get('subject', 'formula')} | "
            f"{claim['of']} | {', '.join(claim.get('needs', []))} |\n"
        )
    return HEAD + "".join(lines)


def _found(content: dict[str, Any]) -> str:
    """The interval of the largest error, in the unit of the published number, or as a multiple of the published limits.

    >>> _found({"claim": {"published": "2 %", "known": {"worst": [0.038, 0.041]}}, "error": {"kind": "relative"}})
    '3.8 % to 4.1 %'
    """
    low, high = content["claim"]["known"]["worst"]
    if content["error"].get("kind") == "function":  # these errors are divided by the limit of their side
        return f"{low:.3g} to {high:.3g} times the limit"
    scale, unit = _unit(content)
    first = f"{num(scale * low, 4)} %" if unit == " %" else num(scale * low, 4)
    return f"{first} to {num(scale * high, 4)}{unit}"


def _limit(content: dict[str, Any]) -> str:
    """The largest error that counts as within the published number: one that would round to it."""
    if content["error"].get("kind") == "function":
        return "one for each sign"
    if content["claim"]["published"] == "no number":
        return "–"
    scale, unit = _unit(content)
    return f"{num(scale * content['error']['tolerance'], 9)}{unit}"


def _unit(content: dict[str, Any]) -> tuple[float, str]:
    """By what errors are multiplied, and the unit that they have then."""
    published, relative = content["claim"]["published"], content["error"].get("kind") == "relative"
    for unit, scale in SCALES.items():
        if published.endswith(f" {unit}"):
            return scale, f" {unit}"
    if relative and published == "no number":
        return 100.0, " %"
    units = content["model"].get("output_units", [])
    return 1.0, f" {units[0]}" if units and not relative else ""


if __name__ == "__main__":
    page = FOLDER / "README.md"
    before = page.read_text("utf-8").split(HEAD[:9])[0]
    page.write_text(before + rows(), "utf-8")
