"""A budget that was stopped: what was measured until then, as the parts of its result. It decides nothing."""

from __future__ import annotations

from typing import Any

from supnorm.planning.question import Plan
from supnorm.planning.verdict import UNDECIDED, Verdict


def stopped(plan: Plan, stage: str) -> Verdict:
    """The verdict, with what is known of the function as its evidence; ``stage``: where it was stopped."""
    evidence = [f"stopped by you {stage}"]
    target = getattr(plan, "target", None)
    if target is not None:
        evidence.append(f"{target.calls:,} calls of the profile and what follows it were made")
        if target.smallest <= target.greatest:
            evidence.append(f"values from {target.smallest:.6g} to {target.greatest:.6g} were seen")
    return Verdict(UNDECIDED, "none yet", tuple(evidence))


def without_profile(plan: Plan, names: tuple[str, ...], stage: str) -> dict[str, Any]:
    """The parts of a `BudgetResult` where not even the profile was finished."""
    return {
        "title": plan.title, "inputs": names, "output": plan.output, "tolerance": plan.eps, "p": plan.p,
        "guarantee": (), "construction": (), "learning_curves": (), "caveats": (), "verdict": stopped(plan, stage),
        "profile": None, "table": (), "curves": (), "notes": plan.notes, "law": plan.law, "fooling_functions": (),
    }  # fmt: skip
