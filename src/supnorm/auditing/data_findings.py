"""The declared domain, and the points that were found, against the data of the problem."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Domain, draw_inside
from supnorm.results import Witness
from supnorm.results.audit import FindingRecord
from supnorm.results.numbers import percent

Array = NDArray[np.float64]
DRAWN = 1000  # points that measure a domain which is not a box
WIDER = 0.01  # of an axis: a domain that exceeds the data by less is not worth a line


def domain_against_data(domain: Domain, data: Array, witness: Witness | None) -> list[FindingRecord]:
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
        f"{outside} of the domain lies outside that range."
    )
    if witness is not None:
        out = [domain.names[i] for i in wide if witness.x[i] < low[i] or witness.x[i] > high[i]]
        text += (
            f" The worst point lies outside the data, in {', '.join(out)}."
            if out
            else " The worst point lies inside the range of the data."
        )
    return [FindingRecord(code="domain-exceeds-data", text=text)]


def _beyond(domain: Domain, low: Array, high: Array) -> tuple[NDArray[np.intp], str]:
    """Axes along which a domain exceeds a range, and how much of it lies outside, in per cent and in words."""
    if domain.constraints or domain.cloud is not None:  # not all of the box: by random points
        x = draw_inside(domain, DRAWN, np.random.default_rng(0))
        beyond = (x < low) | (x > high)
        share = float(beyond.any(axis=1).mean())
        return np.flatnonzero(beyond.mean(axis=0) > WIDER), f"about {percent(share)}"
    u = domain.to_unit(np.stack([low, high])).clip(0, 1)
    for column, a, b, axis in zip(u.T, low, high, domain.axes, strict=True):
        if axis.values is not None:  # each stands for a band of the unit box
            listed = np.asarray(axis.values)
            column[:] = np.mean(listed < a), np.mean(listed <= b)
    inside = float(np.prod(np.maximum(u[1] - u[0], 0.0)))
    return np.flatnonzero((u[0] > WIDER) | (u[1] < 1 - WIDER)), percent(1 - inside, 3)


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
