"""Fits a reference that can be evaluated anywhere: cheap classical methods first, then networks, until a candidate is
accurate enough.

There are three groups of methods in the order of their price: methods that choose their own points, methods on the nested
design, and networks of growing width. A candidate that meets the tolerance on the validation points is audited with a seed
that nothing else uses. The errors that the audit finds are added to the candidate's errors; if they are too large, the fit
goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from supnorm.auditing.find_worst import WorstFound, find_worst
from supnorm.evaluation.limit import Limit
from supnorm.results import BadInput
from supnorm.training.assessment import Errors
from supnorm.training.calls import in_audits
from supnorm.training.contest import Attempt, Contest, Offer, Step
from supnorm.training.reference_points import ReferencePoints

# Of the time left for fitting: what an audit on the way may take, where calls are expensive and where they are cheap. The
# usual 8,000 evaluations of a cheap pair took 0.1 to 0.3 s: the limit is for a reference that has become slow.
AUDITED, CHEAP = 0.5, 0.2
LEAST_SECONDS = 0.01
LEAST = 20  # evaluations of an audit; fewer tell no more than the validation points (16 or more)


@dataclass(eq=False, kw_only=True)
class ActiveFit(Contest):
    """State of the fit of a reference.

    Attributes:
        problem: the problem, without a model.
        points: evaluates the reference and counts its calls.
        audit_evaluations: evaluations of each audit.
        smooth: False once a jump was found: then no continuous model can meet a small tolerance.
        audits: number of audits inside the loop.
        whole: the time for the fit and, where calls are expensive, the audit at its end; `limit` reserves that audit's part.
    """

    points: ReferencePoints
    audit_evaluations: int
    smooth: bool = True
    audits: int = 0
    whole: Limit = field(default_factory=Limit)

    @property
    def left(self) -> int:
        """The evaluations that are left for fitting."""
        return max(self.limit.evaluations - self.points.spent, 0)

    def refuses(self, method: Any) -> str:
        """Refuse when the time is up, unless there is no candidate yet and the method can use values that are known."""
        samples_only = hasattr(method, "from_samples") and not hasattr(method, "from_function")
        instantly = samples_only and not hasattr(method, "candidates")
        needed = instantly and not self.attempts
        return "the time was up" if self.limit.over and not needed else ""

    def candidates(self, method: Any) -> Iterator[Step]:
        """The candidates of a method that offers several, or the one candidate that it fits."""
        domain = self.problem.domain
        if hasattr(method, "candidates"):
            yield from method.candidates(self)
        elif hasattr(method, "from_function"):
            share = min(int(0.4 * self.left), 50_000)
            yield Offer(method.from_function(self.points.value, domain, share))
        else:
            wanted = int(min(max(0.25 * self.limit.evaluations, 16), 4096))
            x, y = self.points.design(min(wanted, self.points.drawn) if self.limit.over else wanted)
            yield Offer(method.from_samples(x, y, domain, np.random.default_rng(self.seed + 1)))

    def accepts(self, attempt: Attempt) -> bool:
        """Whether the candidate still meets the goal after an audit."""
        self.audit(attempt, self.audit_evaluations)
        return self.meets(attempt)

    def best(self) -> Attempt:
        """The most accurate attempt; among those within a factor 2, the one with the fewest parameters.

        Raises:
            BadInput: when no method could be used; the message lists why.
        """
        if not self.attempts:
            reasons = "; ".join(f"{name}: {why}" for name, why in self.skipped)
            raise BadInput(f"no method could be used ({reasons})")
        known = [a for a in self.attempts if not np.isnan(a.errors.by(self.norm))]
        if not known:
            raise BadInput("the error function gives no number at any of the points that judge candidates")
        least = min(a.errors.by(self.norm) for a in known)
        goal = self.goal
        close = max(2.0 * least, 1e-14 * float(np.abs(self.validation.y).max(initial=0.0)))
        if goal is not None and least <= goal:
            close = min(max(close, least), goal)
        near = [a for a in self.attempts if a.errors.by(self.norm) <= close]
        if self.norm == "sup" and self.points.caller.expensive:
            # `audit_best` audits no others, and errors at a few points cannot be compared with those of an audit.
            near = [a for a in near if a.audited] or near
        return min(near, key=lambda a: (a.approximation.parameters, a.errors.by(self.norm)))

    def audit_best(self, most: int = 10) -> None:
        """For norm "sup" and a cheap reference: audit best candidates, at most ``most``, until the best one is audited.

        Errors at validation points alone are too optimistic: they miss a peak in a corner, and its candidate would win.
        """
        for _ in range(0 if self.norm != "sup" or self.interrupted or self.points.caller.expensive else most):
            best = self.best()
            if best.audited or self.audit(best, min(self.audit_evaluations, 8000), self.whole) is None:
                return

    def audit(self, attempt: Attempt, evaluations: int, limit: Limit | None = None) -> WorstFound | None:
        """Search for the worst error with a seed that nothing else uses; the attempt's errors can only grow.

        The audit takes at most half of the remaining time of the limit, by default that of fitting, or a fifth where calls
        are cheap; None if that is too little.
        """
        share = AUDITED if self.points.caller.expensive else CHEAP
        seconds = (limit or self.limit).within(share).seconds
        if seconds is not None:
            evaluations = min(evaluations, int(seconds / self.points.pace))
            if evaluations < LEAST or seconds < LEAST_SECONDS:
                return None
        self.audits += 1
        judged = replace(self.problem, model=attempt.approximation.function)
        search = find_worst(
            judged,
            evaluations=evaluations,
            seconds=seconds,
            seed=self.seed + 7919 * self.audits,
            calls=in_audits(self.points.caller),
        )
        worst = search.witness
        if worst is not None and worst.error > attempt.errors.worst:
            attempt.errors = Errors(attempt.errors.rms, worst.error, tuple(worst.x.tolist()))
        attempt.audited = True
        return search
