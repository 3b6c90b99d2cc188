"""The declared domain, and the points that were found, against the data of the problem."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Domain, draw_inside
from supnorm.results import Witness
from supnorm.results.audit import Finding
from supnorm.results.numbers import pretty_unit
from supnorm.wording import fact

Array = NDArray[np.float64]
DRAWN = 1000  # points that measure a domain which is not a box
WIDER = 0.01  # of an axis: a domain that exceeds the data by less is not worth a line


def domain_against_data(domain: Domain, data: Array, witness: Witness | None) -> list[Finding]:
    """Where the declared domain is wider than the range of the data, and whether the worst point is there."""
    low, high = data.min(axis=0), data.max(axis=0)
    wide, share = _beyond(domain, low, high)
    if not len(wide):
        return []
    axes = tuple(
        fact(
            "axis-beyond-data",
            name=domain.names[i],
            seen_low=float(low[i]),
            seen_high=float(high[i]),
            low=domain.axes[i].low,
            high=domain.axes[i].high,
            unit=pretty_unit(domain.axes[i].unit),
        )
        for i in wide
    )
    values: dict[str, Any] = {"axes": axes, "share": share, "about": _partial(domain)}
    if witness is not None:
        out = [domain.names[i] for i in wide if witness.x[i] < low[i] or witness.x[i] > high[i]]
        values |= {"outside": ", ".join(out), "inside": not out}
    return [Finding(code="domain-exceeds-data", values=values)]


def _partial(domain: Domain) -> bool:
    """Whether a domain is not all of its box; its shares are then measured with random points."""
    return bool(domain.constraints) or domain.cloud is not None


def _beyond(domain: Domain, low: Array, high: Array) -> tuple[NDArray[np.intp], float]:
    """Axes along which a domain exceeds a range, and the share of it that lies outside."""
    if _partial(domain):
        x = draw_inside(domain, DRAWN, np.random.default_rng(0))
        beyond = (x < low) | (x > high)
        return np.flatnonzero(beyond.mean(axis=0) > WIDER), float(beyond.any(axis=1).mean())
    u = domain.to_unit(np.stack([low, high])).clip(0, 1)
    for column, a, b, axis in zip(u.T, low, high, domain.axes, strict=True):
        if axis.values is not None:  # each stands for a band of the unit box
            listed = np.asarray(axis.values)
            column[:] = np.mean(listed < a), np.mean(listed <= b)
    inside = float(np.prod(np.maximum(u[1] - u[0], 0.0)))
    return np.flatnonzero((u[0] > WIDER) | (u[1] < 1 - WIDER)), 1 - inside


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
