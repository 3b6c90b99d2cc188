"""What the user should know besides the worst error: the domain against the data, models without a value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.explain import number
from supnorm.auditing.infinite import (
    RANDOM,
    drawn_from,
    failed_share,
    infinite_cause,
    infinite_share,
    points_word,
)
from supnorm.auditing.labels import LabelCheck
from supnorm.auditing.reproducibility import not_reproducible
from supnorm.auditing.statistics import Sample, clopper_pearson_upper
from supnorm.auditing.table import NAMED, Compared, is_table
from supnorm.evaluation import Evaluator
from supnorm.evaluation.caller import guarded
from supnorm.evaluation.failures import FUNCTION
from supnorm.problem import Domain, Problem, draw_inside
from supnorm.results import Witness

Array = NDArray[np.float64]
NONE = np.empty(0, dtype=np.intp)
ROWS = 8192  # at a time
DRAWN = 1000  # points that measure a domain which is not a box
WIDER = 0.01  # of an axis: a domain that exceeds the data by less is not worth a line


def findings(
    evaluator: Evaluator,
    witness: Witness | None,
    sample: Sample,
    places: Sequence[Witness] = (),
    suspects: NDArray[np.intp] = NONE,
    recheck_failures: Sequence[str] = (),
    compared: Compared | None = None,
) -> list[dict[str, Any]]:
    """Plain sentences, each with a code; ``suspects`` are rows of the reference's table (`suspect_rows`).

    Args:
        compared: the rows, where a table was given.
    """
    problem: Problem = evaluator.problem
    found: list[dict[str, Any]] = []
    found += law_outside(problem) if compared is None else rows_left_out(evaluator, compared)
    if problem.data is not None:
        found += domain_against_data(problem.domain, np.asarray(problem.data, dtype=float), witness)
    found += suspect_words(problem, suspects)
    given = compared is not None and problem.model.table is not None and len(compared.without["model"]) > 0
    if witness is not None and witness.error == np.inf and not given:
        code, cause = infinite_cause(problem, witness)
        if code == "no-model-value":
            cause += f" {_most_frequent(evaluator, 'model')}"
        text = f"{cause} {infinite_share(problem, sample, evaluator.worst_finite)}".rstrip()
        found.append({"code": code, "text": text})
    found += not_reproducible(evaluator)
    found += (
        failure_words(evaluator, sample) if compared is None else row_failures(evaluator, sample, compared)
    )
    if evaluator.blind:
        text = (
            "The derivatives of the error are zero at most of the points with the largest errors, as they are behind "
            "rounding, tables and hard decisions: the search went on without derivatives."
        )
        found.append({"code": "zero-derivatives", "text": text})
    found += missing_outputs(problem, sample)
    if recheck_failures:
        text = (
            f"The second reference has no value at {len(recheck_failures)} of {len(places)} places, which are left "
            f"unresolved: {recheck_failures[0]}"
        )
        found.append({"code": "recheck-failed", "text": text})
    return found


def failure_words(evaluator: Evaluator, sample: Sample) -> list[dict[str, Any]]:
    """A finding for each side that failed at points of the domain: on how much of it, and the most frequent cause.

    Not of a model whose missing values count as infinite errors: `infinite_cause` speaks of these.
    """
    found = []
    points = points_word(sample, is_table(evaluator.problem))
    for side in ("model", "reference"):
        causes = [f for f in evaluator.failures.causes.values() if f.where == side]
        if not causes or not evaluator.failures.failed[side]:
            continue
        own = sum(f.kind == FUNCTION for f in causes)
        name = (
            side if not own else "error function" if own == len(causes) else f"{side} or the error function"
        )
        k, n = sample.failed.get(side, 0), sample.drawn
        most = (
            f"with 95 % confidence it has none on at most {number(100 * clopper_pearson_upper(k, n), 2)} % of "
            f"{drawn_from(evaluator.problem)}"
        )
        none = "No error is known there, and none is counted."
        if side == "model":
            none = 'That is ignored, as failures = "ignore" asks: no error is counted there.'
        text = (
            f"The {name} has no value at {failed_share(side, sample, points)}{f': {most}' if points == RANDOM else ''}. "
            f"{none} {_most_frequent(evaluator, side)}"
        )
        found.append({"code": f"{side}-failed", "text": text})
    return found


def _most_frequent(evaluator: Evaluator, side: str) -> str:
    """The most frequent cause of points without a value of a side, with the first such point, as a sentence."""
    causes = [f for f in evaluator.failures.causes.values() if f.where == side]
    if not causes:
        return ""
    cause = max(causes, key=lambda f: f.count)
    # What is not finite has no message of its own.
    said = cause.message if cause.kind == "non-finite" else f"{cause.kind}: {cause.message}"
    at = ", ".join(f"{k} = {v:.6g}" for k, v in evaluator.problem.domain.describe(cause.x).items())
    of = sum(f.count for f in causes)
    return f"The most frequent cause ({cause.count:,} of {of:,}, first at {at}): {said.rstrip('.')}."


def missing_outputs(problem: Problem, sample: Sample) -> list[dict[str, Any]]:
    """A finding where the reference has a value in some outputs only: no error of the others is known there."""
    missing = sample.moments.missing
    if not missing.any():
        return []
    names = problem.output_names(len(missing))
    some = np.flatnonzero(missing)[:5]
    parts = ", ".join(f"{names[j]} ({missing[j]:,})" for j in some)
    more = np.count_nonzero(missing) - len(some)
    points = points_word(sample, is_table(problem))
    fault = "the reference has a value"
    if problem.error.function is not None:  # what it makes of the reference's values is its own
        fault = "the error function or the reference gives a number"
    text = (
        f"At some of the {sample.n:,} {points} {fault} in some outputs only; there is none in {parts}"
        f"{f' and {more} other outputs' if more else ''}. No error of these outputs is known there."
    )
    return [{"code": "output-without-value", "text": text}]


def law_outside(problem: Problem) -> list[dict[str, Any]]:
    """Points of a law's file that lie outside the domain."""
    law = problem.law
    if law is None or not law.outside:
        return []
    text = (
        f"{law.outside:,} of the {law.given:,} points of the law lie outside the declared domain and were left "
        "out: the averages are over the others."
    )
    return [{"code": "law-outside", "text": text}]


def rows_left_out(evaluator: Evaluator, compared: Compared) -> list[dict[str, Any]]:
    """Rows of a table that were not compared, that lack an input, or that repeat the inputs of others."""
    problem: Problem = evaluator.problem
    pairs, found = compared.pairs, []
    if sum(pairs.alone):
        model, reference = pairs.alone
        parts = []
        if model:
            are = "row is" if model == 1 else "rows are"
            parts.append(
                f"{model:,} {are} in the table of predictions alone: there is no truth to compare with."
            )
        if reference:
            are, missing = (
                ("row is", "its prediction is") if reference == 1 else ("rows are", "their predictions are")
            )
            parts.append(f"{reference:,} {are} in the table of truths alone: {missing} missing.")
        text = "By their keys, " + " By their keys, ".join(parts)
        found.append({"code": "rows-alone", "text": text})
    found += _repeated(compared)
    lacking = ~pairs.complete & compared.inside
    if lacking.any():
        none = np.isnan(pairs.x[lacking]).sum(axis=0)
        parts = [f"{name} in {n:,}" for name, n in zip(problem.domain.names, none, strict=True) if n]
        text = (
            f"{lacking.sum():,} of the {len(pairs):,} rows lack an input ({', '.join(parts)}). Both values stand in the "
            "row, so they were compared; maps leave them out."
        )
        found.append({"code": "rows-incomplete", "text": text})
    outside = np.flatnonzero(~compared.inside)
    if len(outside):
        text = (
            f"{len(outside):,} of the {len(pairs):,} rows of the table lie outside the declared domain and were not "
            f"compared.{_worst_outside(evaluator, compared, outside)}"
        )
        found.append({"code": "rows-outside", "text": text})
    return found


def row_failures(evaluator: Evaluator, sample: Sample, compared: Compared) -> list[dict[str, Any]]:
    """Rows in which a table has no value, by their numbers; a side that was called has failed in its own way."""
    found, problem = [], evaluator.problem
    lost, n = compared.without["model"], sample.drawn
    if len(lost) and problem.model.table is not None:
        found.append(
            {"code": "no-model-value", "text": missing_words(compared, problem), "rows": lost.tolist()}
        )
    lost = compared.without["reference"]
    if len(lost) and problem.reference.table is not None:
        text = (
            f"The reference has no value in {len(lost):,} of {n:,} rows ({_numbered(lost)}): no error is known there, and "
            "none is counted."
        )
        found.append({"code": "reference-failed", "text": text, "rows": lost.tolist()})
    given = {side for side in ("model", "reference") if getattr(problem, side).table is not None}
    return found + [f for f in failure_words(evaluator, sample) if f["code"].partition("-")[0] not in given]


def missing_words(compared: Compared, problem: Problem) -> str:
    """In which rows of a table the model has no value, and what the others say."""
    lost, finite, n = compared.without["model"], compared.finite, compared.sample.n
    text = (
        f"The model has no value in {len(lost):,} of {compared.sample.drawn:,} rows where the reference has one "
        f"({_numbered(lost)})"
    )
    if problem.error.failures == "ignore":
        return f"{text}: no error is counted there, as was asked."
    if finite.n == n:
        return f"{text}."
    text += ": there its error is infinite."
    best = next((p.witness for p in compared.places if np.isfinite(p.witness.error)), None)
    if best is None:
        return text
    relative = problem.error.kind == "relative" and not problem.error.per_output
    worst, rms = (
        f"{100 * v:.3g} %" if relative else f"{v:.3g}" for v in (finite.worst(), finite.rms().value)
    )
    rows = "row is" if finite.n == 1 else "rows is"
    return f"{text} The worst error of the other {finite.n:,} {rows} {worst}, in row {best.row:,}, and their RMS {rms}."


def _numbered(rows: NDArray[np.intp]) -> str:
    """Numbers of rows, the first few of them."""
    shown = ", ".join(f"{row:,}" for row in rows[: NAMED // 2])
    return f"{'row' if len(rows) == 1 else 'rows'} {shown}{', ...' if len(rows) > NAMED // 2 else ''}"


def _repeated(compared: Compared) -> list[dict[str, Any]]:
    """That rows repeat inputs, where two tables were compared: it is no fault, but no function of these inputs can fit."""
    pairs = compared.pairs
    if pairs.model is None or pairs.reference is None:
        return []
    x = pairs.x[compared.inside & pairs.complete]
    again = len(x) - len(np.unique(x, axis=0))
    if not again:
        return []
    text = f"{again:,} of the rows repeat the inputs of an earlier row; each row was compared with its own value."
    return [{"code": "rows-repeated", "text": text}]


def _worst_outside(evaluator: Evaluator, compared: Compared, rows: NDArray[np.intp]) -> str:
    """The largest error at rows outside the domain, in words; nothing where it cannot be had."""
    problem: Problem = evaluator.problem
    if evaluator.model.expensive or evaluator.reference.expensive:
        return ""
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
            return ""
        error = np.where(np.isnan(error), -np.inf, error)
        if error.max() > worst:
            worst, where = float(error.max()), int(part[int(error.argmax())])
    if worst == -np.inf:
        return ""
    at = ", ".join(f"{name} = {v:.6g}" for name, v in problem.domain.describe(pairs.x[where]).items())
    limit = problem.error.limit
    over = ", above the tolerance" if limit is not None and worst > limit else ""
    return f" The largest error among them is {worst:.4g} at {at} (row {pairs.row[where] + 1:,}){over}."


def suspect_rows(evaluator: Evaluator, compared: Compared | None = None) -> NDArray[np.intp]:
    """Rows of the reference's table whose labels disagree with both the model and their neighbours.

    In any output, where the error counts; the most suspicious first. Rows without a value of the model are left out.
    Empty where the reference is no table, or the model is one too.

    Args:
        compared: the rows that the model has been called at already.
    """
    problem: Problem = evaluator.problem
    if problem.reference.table is None or problem.model.table is not None:
        return NONE
    x, labels = problem.reference.table
    inside = np.flatnonzero(problem.domain.contains(x) & np.isfinite(labels).all(axis=1))
    if not len(inside):
        return NONE
    if compared is None:
        model, _ = evaluator.model.values(x[inside], "statistics")
    else:
        known = np.full((len(x), labels.shape[1]), np.nan)
        if compared.called[1] is not None and compared.called[1].shape[1] == labels.shape[1]:
            known[compared.called[0]] = compared.called[1]
        model = known[inside]
    valued = np.isfinite(model).all(axis=1)
    if not valued.any():  # a model that failed everywhere does not even know how many outputs it has
        return NONE
    inside, model = inside[valued], model[valued]
    x, labels = x[inside], labels[inside]
    rows = LabelCheck().suspects(problem.domain, x, model, labels)
    return inside[rows[problem.error.counts(x[rows], labels[rows])]] if len(rows) else NONE


def suspect_words(problem: Problem, rows: NDArray[np.intp]) -> list[dict[str, Any]]:
    """The finding about suspect labels; none without them."""
    if not len(rows):
        return []
    shown = ", ".join(str(i + 1) for i in rows[:8]) + (", ..." if len(rows) > 8 else "")
    several = len(rows) > 1
    shown = f"data rows {shown}, most suspicious first" if several else f"data row {shown}"
    labels, disagree, their, them = (
        ("labels", "disagree", "their", "them") if several else ("label", "disagrees", "its", "it")
    )
    return [
        {
            "code": "suspect-labels",
            "text": f"{len(rows):,} {labels} of {len(problem.reference.table[0]):,} {disagree} with both the model and "
            f"{their} neighbours ({shown}): check {them} before the model is blamed.",
            "rows": (rows + 1).tolist(),
        }
    ]


def domain_against_data(domain: Domain, data: Array, witness: Witness | None) -> list[dict[str, Any]]:
    """Where the declared domain is wider than the range of the data, and whether the worst point is there."""
    low, high = data.min(axis=0), data.max(axis=0)
    wide, outside = _beyond(domain, low, high)
    if not len(wide):
        return []
    parts = []
    for i in wide:
        axis, name = domain.axes[i], domain.names[i]
        unit = f" {axis.unit}" if axis.unit else ""
        parts.append(
            f"{name} (data {low[i]:.4g} to {high[i]:.4g}{unit}, declared {axis.low:.4g} to {axis.high:.4g}{unit})"
        )
    text = (
        f"The declared domain exceeds the range of the data in {', '.join(parts)}: "
        f"{outside} % of the domain lies outside that range."
    )
    if witness is not None:
        out = [domain.names[i] for i in wide if witness.x[i] < low[i] or witness.x[i] > high[i]]
        text += (
            f" The worst point lies outside the data, in {', '.join(out)}."
            if out
            else " The worst point lies inside the range of the data."
        )
    return [{"code": "domain-exceeds-data", "text": text}]


def _beyond(domain: Domain, low: Array, high: Array) -> tuple[NDArray[np.intp], str]:
    """Axes along which a domain exceeds a range, and how much of it lies outside, in per cent and in words."""
    if domain.constraints or domain.cloud is not None:  # not all of the box: by random points
        x = draw_inside(domain, DRAWN, np.random.default_rng(0))
        beyond = (x < low) | (x > high)
        share = float(beyond.any(axis=1).mean())
        return np.flatnonzero(beyond.mean(axis=0) > WIDER), f"about {number(100 * share, 2)}"
    u = domain.to_unit(np.stack([low, high])).clip(0, 1)
    for column, a, b, axis in zip(u.T, low, high, domain.axes, strict=True):
        if axis.values is not None:  # each stands for a band of the unit box
            listed = np.asarray(axis.values)
            column[:] = np.mean(listed < a), np.mean(listed <= b)
    inside = float(np.prod(np.maximum(u[1] - u[0], 0.0)))
    return np.flatnonzero((u[0] > WIDER) | (u[1] < 1 - WIDER)), f"{100 * (1 - inside):.3g}"


def data_distances(domain: Domain, data: Any, x: Array) -> Array | None:
    """Distances of points (n, d) to the nearest data point over r95, in the unit box; None without two different ones.

    Data at zero or below on a logarithmic axis are infinitely far away and do not count.
    """
    from scipy.spatial import cKDTree

    unit = np.unique(domain.to_unit(np.asarray(data, dtype=float)), axis=0)
    unit = unit[np.isfinite(unit).all(axis=1)]
    if len(unit) < 2:
        return None
    tree = cKDTree(unit)
    r95 = float(np.quantile(tree.query(unit, k=2)[0][:, 1], 0.95))
    u = domain.to_unit(x)
    whole = np.isfinite(u).all(axis=1)  # rows of a table may lack an input
    distance = np.full(len(x), np.nan)
    distance[whole] = tree.query(u[whole])[0] / r95
    return distance
