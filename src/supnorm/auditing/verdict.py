"""From what was found to a status, an exit code, and the facts of its advice."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from supnorm.auditing.infinite import failed_share
from supnorm.auditing.listed import Listed
from supnorm.auditing.recheck import Recheck, agrees_with_model, in_its_output
from supnorm.auditing.run import Run
from supnorm.evaluation import Evaluator
from supnorm.problem import Problem
from supnorm.results import ExitCode, Witness
from supnorm.wording import Fact, fact

Facts = tuple[Fact, ...]
GROWN = 0.05  # from which growth on a longer search is advised: a convention; below it the advice says how much it grew
LEAST_GAIN = 1e-3  # below it the advice says "less than": the last digits of a polished peak are no news


@dataclass(frozen=True)
class Verdict:
    """How an audit ended: a `Status` whose advice is not in words yet."""

    code: str
    facts: Facts
    exit: ExitCode = ExitCode.DONE


def verdict(run: Run) -> Verdict:
    """What an audit means and what to do next."""
    evaluator, limit = run.evaluator, run.problem.error.limit
    if run.halted:
        worst = run.witness
        over = worst is not None and limit is not None and worst.error > limit
        stored = any(side.expensive for side in (evaluator.model, evaluator.reference))
        store = evaluator.reference.store
        gone = store is not None and store.vanished
        values = {
            "n": evaluator.total,
            "found": worst is not None,
            "over": over,
            "stored": stored,
            "gone": gone,
            "kept": store is not None,
        }
        stopped = fact("interrupted", cause=run.halted.cause, **values)
        return Verdict("interrupted", (stopped,), ExitCode.INTERRUPTED)
    found = _verdict(run)
    facts = found.facts
    if found.code == "tolerance-exceeded" and _within_alone(evaluator, limit):
        facts = (fact("within-alone"), *facts)
    if run.witness is not None:
        facts += _without_value(run)
    if run.recheck_failures:
        facts += (fact("second-reference-failed", why=run.recheck_failures[0].rstrip(".")),)
    return replace(found, facts=facts)


def _within_alone(evaluator: Evaluator, limit: float | None) -> bool:
    """Whether the worst error exceeds the tolerance in a batch only."""
    worst = evaluator.top
    return (
        limit is not None
        and worst is not None
        and any(np.array_equal(t.batch.x, worst.x) and t.alone.error <= limit for t in evaluator.twice)
    )


def _without_value(run: Run) -> Facts:
    """Which sides have no value at some points, and what these count as."""
    failures = run.evaluator.failures
    return tuple(
        fact(
            "side-without-value",
            side=side,
            **failed_share(run.problem, side, run.sample),
            infinite=side == "model" and failures.infinite > 0,
            ignored=side == "model" and not failures.infinite,
        )
        for side, n in failures.without_value.items()
        if n
    )


def _verdict(run: Run) -> Verdict:
    witness, limit, listed = run.witness, run.problem.error.limit, run.search.listed
    if witness is None:
        return Verdict("no-value", (_why_none(run.evaluator),), ExitCode.UNDECIDED)
    in_doubt = doubt(run.problem, witness)
    if in_doubt is not None:
        return (_sure_elsewhere(run, in_doubt) if in_doubt.code == "reference-fault" else None) or in_doubt
    late = () if run.table else _late(run) if listed is None else (_left(listed),)
    if limit is None:
        return Verdict("no-tolerance", _no_verdict(run, late))
    if witness.error > limit:
        return Verdict("tolerance-exceeded", _exceeded(run, witness, late), ExitCode.EXCEEDED)
    return _within(run, late)


def doubt(problem: Problem, witness: Witness) -> Verdict | None:
    """Whether the reference itself is in doubt at the worst point."""
    if witness.recheck == "reference-fault":
        facts = (fact("reference-fault"),)
        return Verdict("reference-fault", facts, ExitCode.REFERENCE_FAULT)
    if witness.recheck == "unresolved" and _second_sides_with_model(problem, witness):
        return Verdict("unresolved", (fact("jump-unresolved"),), ExitCode.REFERENCE_FAULT)
    return None


def _sure_elsewhere(run: Run, doubt: Verdict) -> Verdict | None:
    """The verdict where the worst point is in doubt, and the second reference confirms another one above the tolerance."""
    limit = run.problem.error.limit
    if limit is None:
        return None
    sure = (
        p.witness.error for p in run.peaks if p.witness.recheck == "confirmed" and p.witness.error > limit
    )
    error = max(sure, default=None)
    if error is None:
        return None
    facts = (*doubt.facts, fact("exceeded-elsewhere", error=error))
    return Verdict("tolerance-exceeded", facts, ExitCode.EXCEEDED)


def _no_verdict(run: Run, late: Facts) -> Facts:
    """The advice where no tolerance was given."""
    listed, compared = run.search.listed, run.search.compared
    bound: Facts = (fact("lower-bound"),)
    if compared is not None:
        bound = compared.facts
    elif listed is not None and listed.exhaustive:
        bound = ()
    return (fact("no-tolerance"), *bound, *late)


def _exceeded(run: Run, witness: Witness, late: Facts) -> Facts:
    """The advice where an error is above the tolerance."""
    compared = run.search.compared
    if witness.recheck == "unresolved":
        return (fact("exceeded-unresolved"), *late)
    if "suspect-label" in witness.tags:
        return (fact("exceeded-suspect-label"),)
    if witness.error == np.inf and compared is not None and run.problem.model.table is not None:
        n = compared.sample.n
        return (fact("exceeded-infinite-rows", n=n - compared.finite.n, of=n),)
    if run.table:
        return (fact("exceeded-row", row=True),)
    if witness.error == np.inf and not np.isfinite(witness.model[witness.output]):
        return (fact("exceeded-no-value"), *late)
    return (fact("exceeded"), *late)


def _within(run: Run, late: Facts) -> Verdict:
    """No error above the tolerance: of all rows, of all points of a finite domain, or of what a search saw."""
    listed, compared = run.search.listed, run.search.compared
    if compared is not None:
        return Verdict("within-tolerance", (fact("no-row-above"), *compared.facts))
    if listed is not None and listed.exhaustive:
        return Verdict("within-tolerance", (fact("no-point-above", complete=listed.complete), *late))
    # A search proves nothing, so it must not end with the word of a proof: scripts read it.
    return Verdict("nothing-found", (fact("none-found"), *late))


def _why_none(evaluator: Evaluator) -> Fact:
    """Why no point had an error, and what to look at."""
    failed = {side: n for side, n in evaluator.failures.failed.items() if n}
    why, check = [fact("side-failed", side=side, n=n) for side, n in failed.items()], [*failed]
    if evaluator.failures.masked:
        why.append(fact("mask-left-out", n=evaluator.failures.masked))
        check.append("mask")
    return fact("no-error", why=tuple(why), check=", ".join(f"the {what}" for what in check))


def _second_sides_with_model(problem: Problem, witness: Witness) -> bool:
    """Whether the model would be right there if the second reference were the truth."""
    if witness.recheck_value is None:
        return False
    judged, value = in_its_output(problem.error, witness, witness.recheck_value[None])
    small = 0.0 if problem.error.limit is not None else Recheck().agree * witness.error
    return value is not None and agrees_with_model(problem.error, judged, value, small)


def _left(listed: Listed) -> Fact:
    """What more time could bring where the points of a finite domain are evaluated one by one."""
    if listed.exhaustive:
        return fact("every-point")
    return fact("points-left", n=listed.evaluated, of=listed.points)


def _late(run: Run) -> Facts:
    """Whether a longer search is likely to find more, judged by when the worst point came."""
    evaluator, searched = run.evaluator, run.searched
    search = [(n, worst) for n, worst in evaluator.history if n <= searched]
    if not search:
        return ()
    if evaluator.worst > (1 + GROWN) * search[-1][1]:
        return (fact("worse-after-search", planted=evaluator.spent("power") > 0),)
    gain = _gain_in_last_third(search, searched)
    if gain > GROWN:
        return (fact("still-grew", n=search[-1][0]),)
    said = max(gain, LEAST_GAIN) if gain > 0 else None
    return (fact("last-third", gain=said, small=gain < LEAST_GAIN),)


def _gain_in_last_third(search: list[tuple[int, float]], searched: int) -> float:
    before = [worst for n, worst in search if n <= 2 * searched / 3]
    if before and search[-1][1] <= before[-1]:
        return 0.0
    if not before or before[-1] <= 0:
        return float("inf")
    return search[-1][1] / before[-1] - 1
