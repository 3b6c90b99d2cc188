"""Numbers for the charts of a budget: error against samples, a table over tolerances, the interaction graph.

Every curve belongs to one of the three lines; none mixes them.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from supnorm.planning.learning_curve import MeasuredCurve
from supnorm.planning.profile.measured import Profile
from supnorm.planning.theory.statement import ClassBound
from supnorm.results.budget import (
    ChartCurveRecord,
    CheapestRecord,
    EdgeRecord,
    GraphRecord,
    NeedRecord,
    NodeRecord,
    ToleranceRecord,
)

Rows = Callable[[float], tuple[list[ClassBound], list[ClassBound]]]


def tolerance_table(
    rows: Rows, learning_curves: tuple[MeasuredCurve, ...], eps: float
) -> tuple[ToleranceRecord, ...]:
    """The guarantee, the construction and the forecast for tolerances from 1000 times tighter to 100 times looser.

    Args:
        rows: guarantee and construction for a tolerance.
        learning_curves: measured learning curves in samples.
        eps: the tolerance that was asked for, one of the rows.
    """
    table = []
    for factor in np.power(10.0, np.arange(-3.0, 2.5, 0.5)):
        guarantee, construction = rows(eps * factor)
        tool, need = fewest_samples(learning_curves, eps * factor)
        table.append(
            ToleranceRecord(
                tolerance=eps * factor,
                guarantee=largest_lower(guarantee),
                construction=smallest_upper(construction),
                forecast=None if need is None or need.value is None else math.log10(need.value),
                forecast_reached=None if need is None else need.reached,
                forecast_tool=tool,
            )
        )
    return tuple(table)


def fewest_samples(
    learning_curves: tuple[MeasuredCurve, ...], eps: float
) -> tuple[str | None, NeedRecord | None]:
    """Name and need of the learning curve that reaches ``eps`` with the fewest samples, of the first one if none does."""
    needs = [(curve.name, curve.need(eps)) for curve in learning_curves if curve.axis == "samples"]
    if not needs:
        return None, None
    return min(needs, key=lambda n: math.inf if n[1].value is None else n[1].value)


def largest_lower(rows: list[ClassBound]) -> float | None:
    """log10 of the largest lower bound on samples that says something; None when all are vacuous."""
    values = [r.log10 for r in rows if r.quantity == "samples" and r.log10 is not None and not r.vacuous]
    return max(values) if values else None


def smallest_upper(rows: list[ClassBound]) -> CheapestRecord | None:
    """The cheapest construction in samples."""
    known = [(r.log10, r) for r in rows if r.quantity == "samples" and r.log10 is not None]
    if not known:
        return None
    log10, best = min(known, key=lambda pair: pair[0])
    return CheapestRecord(log10=log10, name=best.name, status=best.status)


def error_curves(
    table: tuple[ToleranceRecord, ...], learning_curves: tuple[MeasuredCurve, ...]
) -> tuple[ChartCurveRecord, ...]:
    """Curves of error against log10 of the samples, each named with its line."""
    curves = [
        ChartCurveRecord(
            line="guarantee",
            name="nobody can promise this error with fewer samples",
            points=tuple((r.guarantee, r.tolerance) for r in table if r.guarantee is not None),
        ),
        ChartCurveRecord(
            line="construction",
            name="a named method reaches this error",
            points=tuple((r.construction.log10, r.tolerance) for r in table if r.construction),
        ),
    ]
    for curve in learning_curves:
        if curve.axis == "samples" and not curve.exact:  # zero has no place on a logarithmic axis
            by_size = zip(curve.by_size.size, curve.by_size.logs, strict=True)
            curves.append(
                ChartCurveRecord(
                    line="forecast",
                    learning_curve=curve.name,
                    name=f"measured and forecast {curve.metric} error {curve.name}".rstrip(),
                    measured=tuple((math.log10(s), e) for s, logs in by_size for e in np.exp(logs).tolist()),
                    points=tuple((math.log10(p.size), p.value, p.lower, p.upper) for p in curve.ahead),
                )
            )
    return tuple(curves)


def interaction_graph(profile: Profile) -> GraphRecord | None:
    """Nodes with their sensitivity, edges with the largest mixed difference over half the range."""
    acting, names = profile.interactions, profile.names
    if acting is None:
        return None
    total = profile.sensitivity.total if profile.sensitivity is not None else np.full(profile.d, np.nan)
    return GraphRecord(
        nodes=tuple(NodeRecord(name=n, total_index=float(t)) for n, t in zip(names, total, strict=True)),
        edges=tuple(
            EdgeRecord(
                from_=names[i],
                to=names[j],
                sup=float(acting.additive[i, j]),
                rms=float(acting.additive_rms[i, j]),
            )
            for i in range(profile.d)
            for j in range(i + 1, profile.d)
        ),
        blocks=tuple(tuple(names[i] for i in b) for b in acting.blocks()),
        factors=tuple(tuple(names[i] for i in b) for b in acting.factors()),
    )
