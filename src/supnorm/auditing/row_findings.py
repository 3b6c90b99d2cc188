"""What the user should know about the rows of a table besides the worst error."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.compared import Compared
from supnorm.auditing.statistics import Sample
from supnorm.evaluation import Evaluator
from supnorm.evaluation.guarded import guarded
from supnorm.problem import Problem
from supnorm.results.audit import Finding
from supnorm.sources.second_prediction import second_predictions

ROWS = 8192  # at a time
NUMBERED = 10  # rows that a sentence names
LIKE = 5  # inputs that are named because they look like outputs


def numbered(rows: Sequence[int]) -> dict[str, Any]:
    """The first of some rows, and whether there are more: values for a fact."""
    return {"numbered": tuple(rows[:NUMBERED]), "more": len(rows) > NUMBERED}


def rows_left_out(evaluator: Evaluator, compared: Compared) -> list[Finding]:
    """Rows of a table that were not compared, that lack an input, or that repeat the inputs of others."""
    problem: Problem = evaluator.problem
    pairs, found = compared.pairs, []
    alone = {side: n for side, n in zip(("model", "reference"), pairs.alone, strict=True) if n}
    if alone:
        found.append(Finding.of("rows-alone", **alone))
    found += _repeated(compared)
    found += _no_inputs(problem, compared)
    lacking = ~pairs.complete & compared.inside
    if lacking.any():
        none = np.isnan(pairs.x[lacking]).sum(axis=0)
        inputs = {name: int(n) for name, n in zip(problem.domain.names, none, strict=True) if n}
        found.append(Finding.of("rows-incomplete", n=int(lacking.sum()), of=len(pairs), inputs=inputs))
    outside = np.flatnonzero(~compared.inside)
    if len(outside):
        worst = _worst_outside(evaluator, compared, outside)
        found.append(Finding.of("rows-outside", n=len(outside), of=len(pairs), **worst))
    return found


def row_failures(problem: Problem, sample: Sample, compared: Compared) -> list[Finding]:
    """Rows in which a table has no value, by their numbers."""
    found: list[Finding] = []
    for side, code in (("model", "no-model-value"), ("reference", "reference-failed")):
        rows = tuple(compared.without[side].tolist())
        if rows and getattr(problem, side).table is not None:
            values: dict[str, Any] = {"k": len(rows), "n": sample.drawn, "name": side} | numbered(rows)
            if side == "model":
                del values["name"]
                values |= _without_model(compared, problem)
            found.append(Finding(code=code, values=values, rows=rows))
    return found


def _without_model(compared: Compared, problem: Problem) -> dict[str, Any]:
    """What rows without a value of the model count as, and what the others say: values for a fact."""
    if problem.error.failures == "ignore":
        return {"ignored": True}
    finite = compared.finite
    if finite.n == compared.sample.n:
        return {}
    best = next((p.witness for p in compared.peaks if np.isfinite(p.witness.error)), None)
    if best is None:
        return {"infinite": True}
    values = {"infinite": True, "worst": finite.worst(), "row": best.row, "rms": finite.rms().value}
    return values | {"finite": finite.n}


def _repeated(compared: Compared) -> list[Finding]:
    """That rows repeat inputs, where two tables were compared: it is no fault, but no function of these inputs can fit."""
    pairs = compared.pairs
    if pairs.model is None or pairs.reference is None:
        return []
    x = pairs.x[compared.inside & pairs.complete]
    again = len(x) - len(np.unique(x, axis=0))
    return [Finding.of("rows-repeated", n=again)] if again else []


def _no_inputs(problem: Problem, compared: Compared) -> list[Finding]:
    """Inputs that nobody named and that look like another prediction of the table."""
    pairs, names = compared.pairs, problem.domain.names
    if not pairs.rows.guessed or pairs.model is None or pairs.reference is None:
        return []
    sides = ((problem.model, pairs.model), (problem.reference, pairs.reference))
    values = {n: column for f, y in sides for n, column in zip(f.outputs, y.T, strict=True)}
    inputs = {n: column for n, column in zip(names, pairs.x.T, strict=True) if n not in values}
    alike = second_predictions(inputs, values)
    left = [n for n in names if n not in {one[0] for one in alike}]
    named = shlex.quote(",".join(left)) if left else ""
    return [
        Finding.of("input-like-output", name=name, of=of, equal=kind == "equal", by=by, left=named)
        for name, of, kind, by in alike[:LIKE]
    ]


def _worst_outside(evaluator: Evaluator, compared: Compared, rows: NDArray[np.intp]) -> dict[str, Any]:
    """The largest error at rows outside the domain: values for a fact; none where it cannot be had."""
    problem: Problem = evaluator.problem
    if evaluator.model.expensive or evaluator.reference.expensive:
        return {}
    pairs, worst, where = compared.pairs, -np.inf, 0
    sides = ((problem.model, pairs.model), (problem.reference, pairs.reference))
    for i in range(0, len(rows), ROWS):
        part = rows[i : i + ROWS]
        x = pairs.x[part]
        try:
            model, reference = (
                guarded(f.value, x, evaluator.outputs)[0] if given is None else given[part]
                for f, given in sides
            )
            error = problem.error(model, reference, x)[0]
        except Exception:  # a model need not be a function outside its domain
            return {}
        error = np.where(np.isnan(error), -np.inf, error)
        if error.max() > worst:
            worst, where = float(error.max()), int(part[int(error.argmax())])
    if worst == -np.inf:
        return {}
    limit = problem.error.limit
    return {
        "worst": worst,
        "at": problem.domain.describe(pairs.x[where]),
        "row": int(pairs.row[where]) + 1,
        "over": limit is not None and worst > limit,
    }
