"""What was proved of a flow or an integral, and the errors of a model that is proved on several slices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from supnorm.certification.bracket import Goal
from supnorm.certification.certificate import Certificate
from supnorm.certification.measured import Measuring
from supnorm.certification.rounding import Array
from supnorm.certification.running import Running, goal_of_part
from supnorm.certification.statement import Statement
from supnorm.wording import Fact


@dataclass(frozen=True, eq=False)
class SolvedProof:
    """What was proved of a reference that is solved, and how the work ended.

    Attributes:
        statement: the proof.
        measuring: the comparison of what runs with what was read.
        end: a word of `narrow`.
        obstacle: the condition that is not proved, if one is not.
        corrections: the names of the parts whose error is the model's, up to ``off`` of each.
        off: how far the error may be from that of each of them, in the unit of the error.
    """

    statement: Statement
    measuring: Measuring
    end: str
    obstacle: Fact | None
    corrections: tuple[str, ...]
    off: tuple[float, ...]

    @property
    def witness(self) -> Array | None:
        """The point of the largest proved error."""
        proofs = [self.statement.parts[name] for name in self.corrections]
        best = max(proofs, key=lambda p: p.lower, default=None)
        return None if best is None else best.bracket.witness

    @property
    def by_box(self) -> tuple[Certificate, ...]:
        """The parts whose boxes bound the error, with bounds of the error against the exact reference."""
        made = []
        for name, off in zip(self.corrections, self.off, strict=True):
            proof = self.statement.parts[name].certificate
            leaves = proof.leaves.whole
            upper = np.nextafter(leaves.boxes.upper + off, np.inf)
            made.append(replace(proof, leaves=replace(leaves, boxes=replace(leaves.boxes, upper=upper))))
        return tuple(made)


def largest_first(
    running: Running,
    names: list[str],
    off: Mapping[str, float],
    goal: Goal,
    relative: bool,
    sizes: Mapping[str, float],
    held: Mapping[str, Any] | None,
) -> str:
    """Prove the model's error on all slices: the largest one as well as the goal needs, the others below it."""
    order = sorted(names, key=lambda n: -sizes[n])
    least, ends = 0.0, []
    for i, name in enumerate(order):
        limit = running.asked.limit.within(1.0 / (len(order) - i))
        delta = off[name] * (1.0 + 1e-12)
        alone = goal_of_part(goal, delta, relative, sizes[name])
        aim = alone
        if goal.ratio is not None and i:
            shrink = 1.0 - delta if relative else 1.0
            rest = (goal.ratio * least * shrink - delta) * (1.0 - 1e-12)
            aim = Goal(None, rest) if rest > 0.0 else alone
        end = running.prove(name, aim, limit, held, shown=True)
        # Its error is the largest after all.
        if end == "exceeded" and aim is not alone and goal.ratio is not None:
            end = running.prove(name, alone, limit, held, shown=True)
        grow = 1.0 + delta if relative else 1.0
        least = max(least, (running.proofs[name].lower - delta) / grow)
        ends.append(end)
        if end == "interrupted" or (end == "exceeded" and goal.tolerance is not None):
            return end
    left = [e for e in ends if e != "proved"]
    return left[0] if left else "proved"
