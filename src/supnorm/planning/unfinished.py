"""A budget that was stopped: what was measured until then. It decides nothing."""

from __future__ import annotations

from supnorm.planning.question import Plan, Question
from supnorm.planning.verdict import UNDECIDED, Verdict


def stopped(plan: Plan, stage: str) -> Verdict:
    """The verdict, with what is known of the function as its evidence; ``stage``: where it was stopped."""
    evidence = [f"stopped by you {stage}"]
    if isinstance(plan, Question):
        target = plan.target
        evidence.append(f"{target.calls:,} calls of the profile and what follows it were made")
        if target.smallest <= target.greatest:
            evidence.append(f"values from {target.smallest:.6g} to {target.greatest:.6g} were seen")
    return Verdict(UNDECIDED, "none yet", tuple(evidence))
