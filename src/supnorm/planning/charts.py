"""Numbers for the charts of a budget: error against samples, a table over tolerances, the interaction graph.

Every curve belongs to one of the three lines; none mixes them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from supnorm.planning.learning_curve import MeasuredCurve, Need
from supnorm.planning.profile.measured import Profile
from supnorm.planning.theory.statement import ClassBound

Rows = Callable[[float], tuple[list[ClassBound], list[ClassBound]]]


def tolerance_table(
    rows: Rows, learning_curves: tuple[MeasuredCurve, ...], eps: float
) -> list[dict[str, Any]]:
    """Both theory lines and the forecast for tolerances from 1000 times tighter to 100 times looser.

    Args:
        rows: guarantee and construction for a tolerance.
        learning_curves: measured learning curves in samples.
        eps: the asked tolerance; one of the rows.
    """
    found = []
    for factor in np.power(10.0, np.arange(-3.0, 2.5, 0.5)):
        guarantee, construction = rows(eps * factor)
        tool, need = fewest_samples(learning_curves, eps * factor)
        found.append(
            {
                "tolerance": eps * factor,
                "guarantee": largest_lower(guarantee),
                "construction": smallest_upper(construction),
                "forecast": None if need is None or need.size is None else math.log10(need.size),
                "forecast_reached": None if need is None else need.reached,
                "forecast_tool": tool,
            }
        )
    return found


def fewest_samples(learning_curves: tuple[MeasuredCurve, ...], eps: float) -> tuple[str | None, Need | None]:
    """The learning curve that needs the fewest samples for ``eps``, by name; the first one where none gets there."""
    needs = [(curve.name, curve.need(eps)) for curve in learning_curves if curve.axis == "samples"]
    if not needs:
        return None, None
    return min(needs, key=lambda n: math.inf if n[1].size is None else n[1].size)


def largest_lower(rows: list[ClassBound]) -> float | None:
    """log10 of the largest lower bound on samples that says something; None when all are vacuous."""
    values = [r.log10 for r in rows if r.quantity == "samples" and r.log10 is not None and not r.vacuous]
    return max(values) if values else None


def smallest_upper(rows: list[ClassBound]) -> dict[str, Any] | None:
    """The cheapest construction in samples."""
    known = [r for r in rows if r.quantity == "samples" and r.log10 is not None]
    if not known:
        return None
    best = min(known, key=lambda r: r.log10 or 0.0)
    return {"log10": best.log10, "name": best.name, "status": best.status}


def error_curves(
    table: list[dict[str, Any]], learning_curves: tuple[MeasuredCurve, ...]
) -> list[dict[str, Any]]:
    """Curves of error against log10 of the samples, each named with its line."""
    curves: list[dict[str, Any]] = [
        {
            "line": "guarantee",
            "name": "nobody can promise this error with fewer samples",
            "points": [[r["guarantee"], r["tolerance"]] for r in table if r["guarantee"] is not None],
        },
        {
            "line": "construction",
            "name": "a named method reaches this error",
            "points": [[r["construction"]["log10"], r["tolerance"]] for r in table if r["construction"]],
        },
    ]
    for curve in learning_curves:
        if curve.axis == "samples":
            data = curve.as_dict()
            curves.append(
                {
                    "line": "forecast",
                    "learning_curve": curve.name,
                    "name": f"measured and forecast {curve.metric} error {curve.name}".rstrip(),
                    "measured": [
                        [math.log10(r["size"]), e] for r in data["training_sizes"] for e in r["errors"]
                    ],
                    "points": [
                        [math.log10(p["size"]), p["value"], p["lower"], p["upper"]] for p in data["forecast"]
                    ],
                }
            )
    return curves


def interaction_graph(profile: Profile) -> dict[str, Any] | None:
    """Nodes with their sensitivity, edges with the largest mixed difference over half the range."""
    acting = profile.interactions
    if acting is None:
        return None
    total = profile.sensitivity.total if profile.sensitivity is not None else np.full(profile.d, np.nan)
    edges = [
        {
            "from": profile.names[i],
            "to": profile.names[j],
            "sup": float(acting.additive[i, j]),
            "rms": float(acting.additive_rms[i, j]),
        }
        for i in range(profile.d)
        for j in range(i + 1, profile.d)
    ]
    return {
        "nodes": [{"name": n, "total_index": float(t)} for n, t in zip(profile.names, total, strict=True)],
        "edges": edges,
        "blocks": [[profile.names[i] for i in b] for b in acting.blocks()],
        "factors": [[profile.names[i] for i in b] for b in acting.factors()],
    }


def smoothness_rows(profile: Profile, eps: float) -> list[dict[str, Any]]:
    """Per axis and for oblique lines: kind, lowest order, smallest rho, degree for the tolerance."""
    degrees = profile.degrees(eps)
    rows = []
    for axis in [*range(profile.d), None]:
        own = [line.spectrum for line in profile.known_lines if line.axis == axis and line.spectrum]
        if not own:
            continue
        kinds = sorted({s.kind for s in own})
        orders = [s.order for s in own if not math.isnan(s.order)]
        rows.append(
            {
                "axis": profile.names[axis] if axis is not None else "oblique lines",
                "lines": len(own),
                "kind": kinds[0] if len(kinds) == 1 else "mixed: " + ", ".join(kinds),
                "order": min(orders) if orders else None,
                "rho": min(s.rho for s in own),
                "degree": degrees[axis] if axis is not None else None,
            }
        )
    return rows
