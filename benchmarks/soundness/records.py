"""What campaigns counted, in results/soundness.json: one row for each campaign and seed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable

from benchmarks.claims.code import ROOT
from benchmarks.claims.stored import stamp

RESULTS = ROOT / "benchmarks" / "results" / "soundness.json"


def save(campaign: str, seed: int, verdicts: Iterable[str], commit: str | None = None) -> None:
    """In the place of what was counted of the same campaign and seed; ``commit`` where it is not the code that is here."""
    counts = Counter(verdicts)
    rows = json.loads(RESULTS.read_text("utf-8"))["rows"] if RESULTS.exists() else []
    rows = [r for r in rows if (r["campaign"], r["seed"]) != (campaign, seed)]
    rows.append(
        {
            "campaign": campaign,
            "seed": seed,
            "count": counts.total(),
            "verdicts": dict(sorted(counts.items())),
        }
    )
    rows.sort(key=lambda r: (r["campaign"], r["seed"]))
    RESULTS.write_text(json.dumps({"rows": rows}, indent=1) + "\n", encoding="utf-8")
    stamp("soundness", add=True, commit=commit)
