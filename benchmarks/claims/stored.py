"""Stored results and their stamps: the command, the date, the commit and the fingerprints of the code below.

``claims.toml`` says of each result which command makes it, where it is kept and on which code it rests; ``stamps.json``
holds what was so when it was measured. A result that was put together in several runs has several stamps.
"""

from __future__ import annotations

import datetime
import json
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.claims.code import ROOT, commit_of, fingerprints

REGISTRY = ROOT / "benchmarks" / "claims.toml"
STAMPS = ROOT / "benchmarks" / "results" / "stamps.json"


@dataclass(frozen=True)
class Claim:
    """One result that pages quote.

    Attributes:
        name: in marks and on the command line.
        command: what a reader types to make it again.
        result: the file that holds it, below the root.
        depends: files and folders of the code that it rests on.
    """

    name: str
    command: str
    result: str
    depends: tuple[str, ...]

    @property
    def content(self) -> Any:
        """The stored result."""
        return _json(ROOT / self.result)

    @property
    def stamps(self) -> list[dict[str, Any]]:
        """What was so when it was measured; empty for a result that has no stamp."""
        return _stamps().get(self.name, [])

    @property
    def changed(self) -> list[str]:
        """The parts of the code below that are no longer what they were in some of the runs."""
        now = _now(self.depends)
        return [p for p in self.depends if any(stamp["code"].get(p) != now[p] for stamp in self.stamps)]

    def words(self) -> str:
        """Date, commit and, where the code below has changed since, of which parts."""
        if not self.stamps:
            return "not measured yet"
        days = sorted({stamp["date"] for stamp in self.stamps})
        commits = [*dict.fromkeys(stamp["commit"] for stamp in self.stamps)]
        when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
        said = f"measured {when} at commit{'s' if len(commits) > 1 else ''} {', '.join(commits)}"
        if changed := self.changed:
            names = ", ".join(p.removeprefix("src/supnorm/").removesuffix("/") for p in changed)
            said += f", before later changes of: {names}"
        return said


def claims() -> dict[str, Claim]:
    """Every claim of the registry."""
    table = tomllib.loads(REGISTRY.read_text("utf-8"))
    rooms = {name: tuple(paths) for name, paths in table.pop("code").items()}
    return {
        name: Claim(
            name,
            entry["command"],
            entry["result"],
            tuple(dict.fromkeys(p for part in entry["depends"] for p in rooms.get(part, (part,)))),
        )
        for name, entry in table.items()
    }


def stamp(name: str, add: bool = False, commit: str | None = None, date: str | None = None) -> None:
    """Note that a result was measured now, with the code that is there.

    Args:
        add: to the stamps of runs before, where the result was put together in several; else in their place.
        commit: of which the code was, for a result of long ago.
        date: of it.
    """
    claim, held = claims()[name], _stamps()
    fresh = {
        "date": date or datetime.datetime.now(datetime.UTC).date().isoformat(),
        "commit": commit or commit_of(claim.depends),
        "code": fingerprints(claim.depends, commit),
    }
    before = held.get(name, []) if add else []
    if not any(stamp == fresh for stamp in before):
        held[name] = [*before, fresh]
        STAMPS.write_text(json.dumps(dict(sorted(held.items())), indent=1) + "\n", encoding="utf-8")
        _json.cache_clear()


@cache
def _now(paths: tuple[str, ...]) -> dict[str, str]:
    return fingerprints(paths)


def _stamps() -> dict[str, list[dict[str, Any]]]:
    return dict(_json(STAMPS)) if STAMPS.exists() else {}


@cache
def _json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))
