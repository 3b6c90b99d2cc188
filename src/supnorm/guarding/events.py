"""What a guard in progress tells an observer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GuardPlanned:
    """How many evaluations a guard takes at most besides the audit before; ``seconds``: None where calls are cheap."""

    evaluations: int
    seconds: float | None
    words: str
