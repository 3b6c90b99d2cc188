"""Whether a mended model is better: a search with a fresh seed, and a search for the point where it became worse.

The searches inside a repair choose among its rounds, so that their errors are too kind: up to 200 times on a peak of four
inputs. What is reported comes from here alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing import AuditReport
from supnorm.auditing.find_worst import find_worst
from supnorm.auditing.statistics import clopper_pearson_upper
from supnorm.evaluation.guarded import values_of
from supnorm.interrupts import INTERRUPTS
from supnorm.mending.both import Both, both_at
from supnorm.mending.changed import where_changed
from supnorm.mending.regions import Ellipsoid
from supnorm.mending.task import LEAST_SECONDS, Task, Wrong, at_least
from supnorm.problem import ErrorMeasure, Function
from supnorm.results.powers import rms
from supnorm.training.assessment import FRESH, audit_model
from supnorm.training.calls import in_audits
from supnorm.wording import Fact, fact

Array = NDArray[np.float64]
POINTS = 2000  # independent points at which both models are compared; a tenth where calls are expensive
LEAST_POINTS = 100  # of them where the time is limited: below, a model is not accepted
REGIONS = 8  # the latest regions in which the verdict draws points
INSIDE, INSIDE_EXPENSIVE = 1000, 16  # points in each
NEARER = (0.3, 0.1, 0.03)  # of the radii, round the point of a region where the error grew most
SHARE = 0.2  # of the time left, for points that are known, and for independent ones
IN_REGION = 0.05  # of the time left, for the points of a region
CONFIDENCE = 0.95  # of all limits that are reported: a convention
ROUNDING = 1e-9  # a largest error that is smaller by this share only is the same: batches round differently
RMS_GROWTH = 1.1  # of the root mean square error, above which a model is not accepted
HARM = 0.1  # of the largest error before, above which the error may not have grown anywhere, unless the tolerance is larger


@dataclass(frozen=True, eq=False)
class Compared:
    """Both models at the same independent points: RMS errors, and at how many of ``n`` the error grew."""

    n: int
    rms_before: float
    rms_after: float
    grew: int

    @property
    def grew_at_most(self) -> float:
        """Upper limit of the share of the law where the error grew (Clopper and Pearson)."""
        return clopper_pearson_upper(self.grew, self.n, CONFIDENCE)


@dataclass(frozen=True, eq=False)
class Harm:
    """Where the error grew most: the point, both errors, and how many calls of the reference the search took."""

    x: Array
    before: float
    after: float
    evaluations: int

    @property
    def growth(self) -> float:
        """By how much the error grew; zero where it grew nowhere."""
        return self.after - self.before if self.after > self.before else 0.0


@dataclass(frozen=True, eq=False)
class Verdict:
    """What is reported of a mended model.

    Attributes:
        after: the audit with a fresh seed.
        worst: the largest error of the mended model that any search found, of the audit and at earlier peaks.
        harm: where it is worse than the old model.
        compared: both at independent points.
        against: why it is not accepted; empty where it is.
        allowed: how much the error may grow at a point.
    """

    after: AuditReport
    worst: float
    harm: Harm
    compared: Compared
    against: tuple[Fact, ...]
    allowed: float

    @property
    def accepted(self) -> bool:
        """Whether the mended model is taken."""
        return not self.against


def judge(
    task: Task,
    mended: Function,
    regions: Sequence[Ellipsoid],
    evaluations: int,
    expensive: bool,
    number: int = 0,
) -> Verdict:
    """Audit the mended model with a fresh seed, search for harm, and decide.

    Args:
        task: the repair.
        mended: the model.
        regions: where it was changed most: fresh points are drawn there too, because a patch of a narrow glitch can
            overshoot between the points that it was fitted to.
        evaluations: of the audit, at least those of the audit before; the search for harm takes half as many.
        expensive: whether calls of the reference are.
        number: of the verdicts before: each has seeds of its own, because later models were trained on what earlier ones
            have found.
    """
    seconds, seed = at_least(task.limit.within(0.5), LEAST_SECONDS), task.seed + FRESH * (1 + number)
    with INTERRUPTS.handed_on():
        after = audit_model(task.problem, mended, evaluations, seed, seconds, task.truth.caller)
    found = np.inf if after.worst is None else after.worst.error
    # The first points are those that are known to have been wrong: with the time up a few of these are looked at still.
    seen = task.peaks.joined(Wrong.of_report(after, task.problem.domain.d))
    known = both_at(task, mended, seen.x, task.part(SHARE), seen.y)
    compared, fresh = _compare(task, mended, POINTS // 10 if expensive else POINTS, seed)
    inside = _inside(task, mended, regions, INSIDE_EXPENSIVE if expensive else INSIDE, seed)
    asked = INSIDE_EXPENSIVE if expensive else max(evaluations // 4, 100)
    with INTERRUPTS.handed_on():
        changed = where_changed(task, mended, harm_allowed(task), asked, seed + 2)
    known = known.joined(fresh, inside, changed)
    seconds = at_least(task.limit.within(0.5), LEAST_SECONDS)
    harm = _search_harm(task, mended, known, max(evaluations // 2, 100), seconds, seed + 1)
    worst = max(found, task.worst_of(mended), known.worst)
    reasons = tuple(against(task, worst, harm, compared))
    return Verdict(after, worst, harm, compared, reasons, harm_allowed(task))


def against(task: Task, worst: float, harm: Harm, compared: Compared) -> list[Fact]:
    """Why a mended model is not accepted; empty where it is."""
    facts = []
    if compared.n < LEAST_POINTS and not task.whole.endless:
        facts.append(fact("few-compared", n=compared.n, least=LEAST_POINTS))
    if not worst < (1.0 - ROUNDING) * task.worst:
        facts.append(fact("not-smaller", before=task.worst, after=worst))
    if not compared.rms_after <= RMS_GROWTH * compared.rms_before:
        facts.append(fact("rms-grew", before=compared.rms_before, after=compared.rms_after, n=compared.n))
    allowed = harm_allowed(task)
    if not harm.growth <= allowed:
        at = task.problem.domain.describe(harm.x)
        facts.append(fact("harm", before=harm.before, after=harm.after, at=at, allowed=allowed))
    return facts


def harm_allowed(task: Task) -> float:
    """How much the error may grow at a point: a tenth of the largest error before, or the tolerance if it is larger.

    Where the old model has no value somewhere, its largest error is infinite and a tenth of it would allow anything: then
    its largest finite error counts.
    """
    worst = task.worst if np.isfinite(task.worst) else float(task.wrong.error.max(initial=0.0))
    return max(task.problem.error.limit or 0.0, HARM * worst)


def _compare(task: Task, mended: Function, n: int, seed: int) -> tuple[Compared, Both]:
    """Both models at ``n`` points, or at the first of them for which there is time, and these points."""
    law = task.problem.law
    assert law is not None
    x = law.draw(n, np.random.default_rng([seed, 4]))
    found = both_at(task, mended, x, task.part(SHARE))
    found = found.rows(~np.isnan(found.before) & ~np.isnan(found.after))
    if not len(found):
        return Compared(0, np.nan, np.nan, 0), found
    grew = int(np.sum(found.after > found.before))
    return Compared(len(found), float(rms(found.before)), float(rms(found.after)), grew), found


def _inside(task: Task, mended: Function, regions: Sequence[Ellipsoid], n: int, seed: int) -> Both:
    """Both models inside of each region: at ``n`` fresh points, and round the point where the error grew most."""
    domain, rng = task.problem.domain, np.random.default_rng([seed, 5])
    found = Both.none(domain.d)
    for region in regions[-REGIONS:]:
        shape, grown = region, -np.inf
        for count, scale in ((n, 1.0), *((n // 16, scale) for scale in NEARER)):
            if len(found) and task.limit.over:
                return found
            x = domain.from_unit(Ellipsoid(shape.centre, scale * region.radii).draw(count, rng))
            part = both_at(task, mended, x[domain.contains(x)], task.part(IN_REGION))
            part = part.rows(np.isfinite(part.y).all(axis=1))
            if not len(part):
                break
            found = found.joined(part)
            growth = part.growth
            if growth.max() > grown:
                k = int(growth.argmax())
                shape = Ellipsoid(domain.to_unit(part.x[k : k + 1])[0], region.radii)
                grown = float(growth[k])
    return found


def _search_harm(
    task: Task, mended: Function, known: Both, evaluations: int, seconds: float | None, seed: int
) -> Harm:
    """Search for the largest growth of the error, as the worst error of the mended model in a measure that says it.

    ``known``: points at which both models have been called already. Of 117 repairs of small problems that a search of 250
    to 1,000 evaluations alone had accepted, the error of nine had grown by more than is allowed, up to six times as much
    (`python -m benchmarks.mending.attack`).
    """
    old, error = task.problem.model, task.problem.error

    def growth(model: Array, reference: Array, x: Array) -> Array:
        with np.errstate(all="ignore"):
            was = values_of(old, x, reference.shape[1])
            before, after = error(was, reference, x)[0], error(model, reference, x)[0]
            grown = np.maximum(after - before, 0.0)
        return np.where(np.isnan(grown), 0.0, grown)

    measure = ErrorMeasure("function", function=growth, mask=error.mask, failures="ignore")
    problem = replace(task.problem, model=mended, error=measure, tolerance=None)
    calls = in_audits(task.truth.caller)
    found = find_worst(problem, evaluations=evaluations, seconds=seconds, seed=seed, calls=calls).witness
    if found is not None:
        x, y = found.x[None], found.reference[None]
        known = known.joined(Both(x, y, task.errors(old, x, y), task.errors(mended, x, y)))
    if not len(known):
        return Harm(np.full(task.problem.domain.d, np.nan), 0.0, 0.0, evaluations)
    k = int(np.argmax(known.growth))
    return Harm(known.x[k], float(known.before[k]), float(known.after[k]), evaluations)
