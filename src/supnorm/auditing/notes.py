"""What limits what the numbers of an audit say: precision, noise, time, workers, and points that nobody looked at."""

from __future__ import annotations

from supnorm.auditing.cost import cost_notes
from supnorm.auditing.run import Run
from supnorm.evaluation import Evaluator
from supnorm.evaluation.opened_files import LARGEST, overlooking
from supnorm.problem import Domain, Problem
from supnorm.problem.finite import LISTED
from supnorm.wording import Fact, fact

ROUNDING = {"float32": 1e-7, "float16": 1e-3, "bfloat16": 1e-2}  # of a value, by its precision


def notes(run: Run) -> list[Fact]:
    """The facts behind the ``notes`` of a result."""
    listed, evaluator = run.search.listed, run.evaluator
    found = _of_sides(run.problem) + _of_equal_values(run)
    if run.problem.equation is not None:
        found.append(fact("equation-beside"))
    if run.asked.seconds is not None:
        found.append(
            fact("enough-seconds" if listed is not None and listed.exhaustive else "limited-by-seconds")
        )
    found += [
        fact("noise", side=side.side, between=side.noise_between, noise=side.noise)
        for side in (evaluator.model, evaluator.reference)
        if side.noise
    ]
    if run.asked.chosen and run.planned is not None:
        found.append(fact("chosen-budget", seconds=run.planned.call, n=run.evaluations))
    if not run.table:
        found += cost_notes(evaluator, not run.strategy.traits.in_order)
    found += _of_workers(evaluator)
    if overlooking():
        found.append(fact("many-files", most=LARGEST))
    if not run.table and listed is None:
        found += _of_finite(run.problem.domain)
    return found


def _of_sides(problem: Problem) -> list[Fact]:
    """In which precision a side computes, and what else its function says of itself."""
    found: list[Fact] = []
    for side in ("model", "reference"):
        function = getattr(problem, side)
        size = ROUNDING.get(function.precision)
        if size is not None and not any(function.precision in note for note in function.notes):
            found.append(fact("single-precision", side=side, precision=function.precision, size=size))
        own = [fact("text", text=note) for note in function.notes]
        found += [note for note in own if note not in found]
    pairs = problem.pairs
    return found + [fact("text", text=note) for note in (() if pairs is None else pairs.notes)]


def _of_equal_values(run: Run) -> list[Fact]:
    """For an audit in which no error was above 0: its reference may be the model itself."""
    if run.witness is None or run.witness.error != 0.0 or run.problem.error.side != "both":
        return []
    return [fact("equal-values")]


def _of_workers(evaluator: Evaluator) -> list[Fact]:
    """For workers that were asked for and could not be used."""
    reference = evaluator.reference
    if evaluator.workers < 2 or not reference.expensive or reference.function.parallel != "none":
        return []
    return [fact("one-place", workers=evaluator.workers)]


def _of_finite(domain: Domain) -> list[Fact]:
    """For a finite domain that was searched: how many evaluations would leave nothing to be searched for."""
    finite = domain.finite
    if finite is None or finite.size > LISTED:
        return []
    return [fact("finite-domain", n=finite.size, most=bool(domain.constraints))]
