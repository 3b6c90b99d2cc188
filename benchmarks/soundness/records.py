"""What campaigns counted, in results/NAME.json: one row for each campaign and seed."""

from __future__ import annotations

import fcntl
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.claims.code import ROOT
from benchmarks.claims.stored import stamp

RESULTS = ROOT / "benchmarks" / "results"


def save(
    campaign: str,
    seed: int,
    verdicts: Iterable[str] | Counter[str],
    name: str = "soundness",
    wrong: Sequence[Any] = (),
    **more: Any,
) -> None:
    """In the place of what was counted of the same campaign and seed.

    Args:
        name: of the claim and of its file.
        wrong: cases, as they are repeated, and what was wrong.
        more: what else the row has, such as the number of points of a case.
    """
    counts, file = Counter(verdicts), RESULTS / f"{name}.json"
    with _alone():
        _add(campaign, seed, counts, file, wrong, more)
        stamp(name, add=True)


@contextmanager
def _alone() -> Iterator[None]:
    """A context in which no other campaign writes results: two may run beside each other."""
    descriptor = os.open(RESULTS, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _add(
    campaign: str, seed: int, counts: Counter[str], file: Path, wrong: Sequence[Any], more: dict[str, Any]
) -> None:
    rows = json.loads(file.read_text("utf-8"))["rows"] if file.exists() else []
    rows = [r for r in rows if (r["campaign"], r["seed"]) != (campaign, seed)]
    rows.append(
        {
            "campaign": campaign,
            "seed": seed,
            "count": counts.total(),
            "verdicts": dict(sorted(counts.items())),
            **({"wrong": [*wrong]} if wrong else {}),
            **more,
        }
    )
    rows.sort(key=lambda r: (r["campaign"], r["seed"]))
    file.write_text(json.dumps({"rows": rows}, indent=1) + "\n", encoding="utf-8")
