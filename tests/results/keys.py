"""``python -m tests.results.keys``: write the tables of keys into docs/results.md, as the records describe them."""

from __future__ import annotations

import re
from pathlib import Path

from supnorm.results.schemas import RECORDS, keys_table, record_of

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "results.md"


def main() -> None:
    """Replace the table of each section that belongs to a record."""
    text = DOCUMENT.read_text()
    for verb in RECORDS:
        head = f"## `supnorm.{verb}/1`\n"
        before, section = text.split(head)
        table = keys_table(record_of(verb)) + "\n"
        section = re.sub(r"\| key \| what \|\n(\|.*\n)+", lambda _, table=table: table, section, count=1)
        text = before + head + section
    DOCUMENT.write_text(text)


if __name__ == "__main__":
    main()
