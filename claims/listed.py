"""``python claims/listed.py``: write the table of claims/README.md from the claim files."""

from __future__ import annotations

import tomllib
from pathlib import Path

FOLDER = Path(__file__).parent
HEAD = "| claim | of | published | largest error found | kind | needs | verdict |\n|---|---|---|---|---|---|---|\n"


def rows() -> str:
    """One row for each claim, from what was written down when it was last run."""
    lines = []
    for path in sorted(FOLDER.glob("*/claim.toml")):
        claim = tomllib.loads(path.read_text("utf-8"))["claim"]
        known = claim["known"]
        low, high = known["worst"]
        lines.append(
            f"| [{path.parent.name}]({path.parent.name}/claim.toml) | {claim['of']} | {claim['published']} | "
            f"{low:.3g} to {high:.3g} | {claim.get('subject', 'formula')} | {', '.join(claim.get('needs', []))} | "
            f"{known['verdict'].replace('-', ' ')} |\n"
        )
    return HEAD + "".join(lines)


if __name__ == "__main__":
    page = FOLDER / "README.md"
    before = page.read_text("utf-8").split(HEAD[:20])[0]
    page.write_text(before + rows(), "utf-8")
