"""``python claims/listed.py``: write the table of claims/README.md from the claim files."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
HEAD = "| claim | of | published | largest error found | kind | needs | verdict |\n|---|---|---|---|---|---|---|\n"


def rows() -> str:
    """One row for each claim, from what was written down when it was last run."""
    lines = []
    for path in sorted(FOLDER.glob("*/claim.toml")):
        content = tomllib.loads(path.read_text("utf-8"))
        claim = content["claim"]
        known = claim["known"]
        lines.append(
            f"| [{path.parent.name}]({path.parent.name}/claim.toml) | {claim['of']} | {claim['published']} | "
            f"{_found(content)} | {claim.get('subject', 'formula')} | {', '.join(claim.get('needs', []))} | "
            f"{known['verdict'].replace('-', ' ')} |\n"
        )
    return HEAD + "".join(lines)


def _found(content: dict[str, Any]) -> str:
    """The interval of the largest error, in the unit of the published number, or as a multiple of the published limits.

    >>> _found({"claim": {"published": "2 %", "known": {"worst": [0.038, 0.041]}}, "error": {"kind": "relative"}})
    '3.8 % to 4.1 %'
    """
    published, worst = content["claim"]["published"], content["claim"]["known"]["worst"]
    if (
        content["error"].get("kind") == "function"
    ):  # the errors of these claims are divided by the limit of their side
        return "{:.3g} to {:.3g} times the limit".format(*worst)
    if "%" in published:
        return "{:.3g} % to {:.3g} %".format(*(100.0 * error for error in worst))
    unit = next((f" {unit}" for unit in ("km", "mas") if published.endswith(f" {unit}")), "")
    low, high = (f"{error:,.0f}" if 100 <= error < 1e6 else f"{error:.3g}" for error in worst)
    return f"{low} to {high}{unit}"


if __name__ == "__main__":
    page = FOLDER / "README.md"
    before = page.read_text("utf-8").split(HEAD[:20])[0]
    page.write_text(before + rows(), "utf-8")
