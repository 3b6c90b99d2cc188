"""From what was found to a status, an advice and an exit code."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from supnorm.auditing.halt import interrupted
from supnorm.auditing.infinite import failed_share, points_word
from supnorm.auditing.listed import Listed
from supnorm.auditing.recheck import Recheck, agrees_with_model, in_its_output
from supnorm.auditing.run import Run
from supnorm.evaluation import Evaluator
from supnorm.problem import Problem
from supnorm.results import ExitCode, Status, Witness


def verdict(run: Run) -> Status:
    """The status of an audit: what it means and what to do next."""
    evaluator, limit = run.evaluator, run.problem.error.limit
    if run.halted:
        return interrupted(run.halted, evaluator, run.witness, limit)
    status = _status(run)
    if status.code == "tolerance-exceeded" and _within_alone(evaluator, limit):
        first = (
            "Called alone, the worst point is within the tolerance: find out first why its value changes. "
        )
        status = replace(status, advice=first + status.advice)
    points = points_word(run.sample, run.table)
    more = [
        f"The {side} has no value at {failed_share(side, run.sample, points)}: {_counted(evaluator, side)}."
        for side, n in evaluator.failures.without_value.items()
        if n and run.witness is not None
    ]
    if run.recheck_failures:
        more.append(f"The second reference failed: {run.recheck_failures[0]}.")
    return replace(status, advice=" ".join([status.advice.rstrip(), *more])) if more else status


def _within_alone(evaluator: Evaluator, limit: float | None) -> bool:
    """Whether the worst error exceeds the tolerance in a batch only."""
    worst = evaluator.top
    return (
        limit is not None
        and worst is not None
        and any(np.array_equal(t.batch.x, worst.x) and t.alone.error <= limit for t in evaluator.twice)
    )


def _counted(evaluator: Evaluator, side: str) -> str:
    """What it means that a side has no value at some points."""
    if side == "model":
        return "each is an infinite error" if evaluator.failures.infinite else "that is ignored, as was asked"
    return "no error is known there"


def _status(run: Run) -> Status:
    witness, limit, listed = run.witness, run.problem.error.limit, run.search.listed
    if witness is None:
        return Status("no-value", _why_none(run.evaluator), ExitCode.UNDECIDED)
    doubt = _doubt(run.problem, witness)
    if doubt is not None:
        return doubt
    late = _late(run.evaluator, run.searched) if listed is None else _left(listed)
    late = "" if run.table else late
    if limit is None:
        return Status("no-tolerance", _no_verdict(run, late))
    if witness.error > limit:
        return Status("tolerance-exceeded", _exceeded(run, witness, late), ExitCode.EXCEEDED)
    return _within(run, late)


def _doubt(problem: Problem, witness: Witness) -> Status | None:
    """Whether the reference itself is in doubt at the worst point."""
    if witness.recheck == "reference-fault":
        return Status(
            "reference-fault",
            "At the worst point the second reference disagrees with the reference and agrees with the model: "
            "check the reference there before blaming the model.",
            ExitCode.REFERENCE_FAULT,
        )
    if witness.recheck == "unresolved" and _second_sides_with_model(problem, witness):
        return Status(
            "unresolved",
            "At the worst point the second reference agrees with the model, but the reference takes the same value "
            "next door: which side of a jump is right is not settled. Look there before the model is retrained.",
            ExitCode.REFERENCE_FAULT,
        )
    return None


def _no_verdict(run: Run, late: str) -> str:
    """The advice where no tolerance was given."""
    listed, compared = run.search.listed, run.search.compared
    bound = "The worst point found is a lower bound of the worst error. "
    if compared is not None:
        bound = compared.text
    elif listed is not None and listed.exhaustive:
        bound = ""
    return f"No tolerance was given, so this is a report and not a verdict. {bound}{late}".rstrip()


def _exceeded(run: Run, witness: Witness, late: str) -> str:
    """The advice where an error is above the tolerance."""
    compared = run.search.compared
    if witness.recheck == "unresolved":
        return (
            "Model and reference differ by more than the tolerance at the worst point, but the second reference does "
            "not settle which is right there: look at it before the model is retrained. " + late
        )
    if "suspect-label" in witness.tags:
        return (
            "At the worst row the label disagrees with both the model and its neighbours: check the suspect labels "
            "first, leave wrong ones out and audit again; do not retrain with them."
        )
    if witness.error == np.inf and compared is not None and run.problem.model.table is not None:
        n = compared.sample.n - compared.finite.n
        return (
            f"In {n:,} of {compared.sample.n:,} rows the error is infinite. Give the model values there, leave these rows "
            'out, or say that they do not count: failures = "ignore" under [error].'
        )
    if run.table:
        return (
            "The error at the worst row is above the tolerance. Retrain with the rows of points.csv, narrow the domain, "
            "or guard this region."
        )
    if witness.error == np.inf and not np.isfinite(witness.model[witness.output]):
        return (
            "The model has no value at points where the reference has one. Make it give one there, narrow the domain, or "
            'say that such points do not count: failures = "ignore" under [error]. ' + late
        )
    return (
        "The error at the worst point is above the tolerance. Retrain with the points of points.csv, "
        "narrow the domain, or guard this region. " + late
    )


def _within(run: Run, late: str) -> Status:
    """No error above the tolerance: of all rows, of all points of a finite domain, or of what a search saw."""
    listed, compared = run.search.listed, run.search.compared
    if compared is not None:
        return Status("within-tolerance", f"No row has an error above the tolerance. {compared.text}")
    if listed is not None and listed.exhaustive:
        where = "of the domain" if listed.complete else "where an error is known"
        text = f"No point {where} has an error above the tolerance, as computed in floating point. {late}"
        return Status("within-tolerance", text)
    # A search proves nothing, so it must not end with the word of a proof: scripts read it.
    return Status("nothing-found", "No error above the tolerance was found; that is not a proof. " + late)


def _why_none(evaluator: Evaluator) -> str:
    """Why no point had an error, and what to look at."""
    why = [
        (f"the {side} failed at {n:,}", f"the {side}") for side, n in evaluator.failures.failed.items() if n
    ]
    if evaluator.failures.masked:
        why.append((f"the mask left out {evaluator.failures.masked:,}", "the mask"))
    if not why:
        return "No point had an error. Check the domain."
    said = " and ".join(words for words, _ in why)
    return f"No point had an error: {said} of the points tried. Check {', '.join(what for _, what in why)} and the domain."


def _second_sides_with_model(problem: Problem, witness: Witness) -> bool:
    """Whether the model would be right there if the second reference were the truth."""
    if witness.recheck_value is None:
        return False
    judged, value = in_its_output(problem.error, witness, witness.recheck_value[None])
    small = 0.0 if problem.error.limit is not None else Recheck().agree * witness.error
    return value is not None and agrees_with_model(problem.error, judged, value, small)


def _left(listed: Listed) -> str:
    """What more time could bring where the points of a finite domain are evaluated one by one."""
    if listed.exhaustive:
        return "Every point was evaluated: a longer search finds nothing else."
    return (
        f"{listed.evaluated:,} of the {listed.points:,} points of the domain were evaluated before time or evaluations "
        "were used up: with more of them all are."
    )


def _late(evaluator: Evaluator, searched: int) -> str:
    """Whether a longer search is likely to find more, judged by when the worst point came."""
    search = [(n, worst) for n, worst in evaluator.history if n <= searched]
    if not search:
        return ""
    if evaluator.worst > 1.05 * search[-1][1]:
        planted = " and planted errors" if evaluator.spent("power") else ""
        return (
            f"What was evaluated after the search, for pictures{planted}, saw a worse point: search longer."
        )
    if _gain_in_last_third(search, searched) > 0.05:
        return f"The worst error still grew after {search[-1][0]:,} evaluations: search longer."
    return "The last third of the search did not raise the worst error by more than 5 %."


def _gain_in_last_third(search: list[tuple[int, float]], searched: int) -> float:
    before = [worst for n, worst in search if n <= 2 * searched / 3]
    if before and search[-1][1] <= before[-1]:
        return 0.0
    if not before or before[-1] <= 0:
        return float("inf")
    return search[-1][1] / before[-1] - 1
