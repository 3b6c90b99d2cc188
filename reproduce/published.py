"""What a paper says: ``published.toml`` beside the experiment, each number with its source and how sure it is."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

# How we know a number, and what is printed behind it. One from memory is never printed as published.
SURE = {
    "printed": "",
    "figure": "read off a figure",
    "abstract": "abstract",
    "theorem": "theorem",
    "code": "the authors' code",
    "memory": "",
}


@dataclass(frozen=True)
class Number:
    """A published number or statement.

    Attributes:
        text: as it is printed there.
        value: the number, where it is one.
        source: where it stands.
        sure: how we know it, a key of `SURE`.
    """

    text: str
    source: str
    sure: str
    value: float | None = None

    @property
    def shown(self) -> str:
        """The text for a table.

        >>> Number("4e-12", "stored plot", "figure").shown, Number("4.2", "", "memory").shown
        ('4e-12 (read off a figure)', 'not checked')
        """
        if self.sure == "memory":
            return "not checked"
        return f"{self.text} ({SURE[self.sure]})" if SURE[self.sure] else self.text


class Published(Mapping[str, Number]):
    """The published numbers of a paper, by key."""

    def __init__(self, path: Path) -> None:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        self._numbers = {key: Number(**entry) for key, entry in content.items()}
        unknown = [key for key, number in self._numbers.items() if number.sure not in SURE]
        if unknown:
            raise ValueError(f"{path}: {unknown[0]}: sure must be one of {', '.join(SURE)}")

    def __getitem__(self, key: str) -> Number:
        return self._numbers[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, key: str) -> float:
        """The value of a number that may be printed as published.

        Raises:
            ValueError: for one from memory, or a statement without a value.
        """
        found = self[key]
        if found.sure == "memory" or found.value is None:
            raise ValueError(f"{key} is no published number")
        return found.value
