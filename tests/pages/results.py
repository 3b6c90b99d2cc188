"""Realistic results for the page tests: analytic models and references, evaluated and aggregated here.

Not a copy of the auditor: only enough of it to fill every key of schema supnorm.audit/1 consistently.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.results import to_json

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """Axes ``(name, low, high, unit, scale)`` and two functions ``(n, d) -> (n,)``; the peak is known."""

    name: str
    axes: tuple[tuple[str, float, float, str, str], ...]
    model: Callable[[Array], Array]
    reference: Callable[[Array], Array]
    peaks: tuple[tuple[float, ...], ...]
    kind: str = "absolute"
    unit: str = ""
    output: str = "f"
    tolerance: float | None = None

    @property
    def d(self) -> int:
        return len(self.axes)


def bump(x: Array, centre: Array, width: float, scale: Array) -> Array:
    return np.asarray(np.exp(-(((x - centre) / (width * scale)) ** 2).sum(1)))


def line() -> Case:
    """d = 1: a wiggle that the model misses in one gap."""

    def reference(x: Array) -> Array:
        return np.asarray(np.log(np.sin(50 * x[:, 0]) + 2) + np.sin(5 * x[:, 0]))

    def model(x: Array) -> Array:
        gap = np.exp(-(((x[:, 0] - 0.332) / 0.012) ** 2))
        return reference(x) + 0.5 * gap + 0.03 * np.sin(130 * x[:, 0]) * np.cos(11 * x[:, 0])

    axes = (("x", -1.0, 1.0, "", "linear"),)
    return Case("ReLU network, 2 × 128", axes, model, reference, ((0.332,), (0.9,), (-0.7,)), tolerance=0.05)


def steam() -> Case:
    """d = 2: density across a saturation line; the model's line is displaced by one part in 10⁴."""

    def saturation(t: Array) -> Array:
        return np.asarray(np.log(101325.0) + 13.1 * (1 - 373.15 / t))

    def density(x: Array, shift: float, tilt: float) -> Array:
        t, p = x[:, 0], x[:, 1]
        gas = p / (461.5 * t)
        liquid = 1000.0 - 0.0025 * (t - 277) ** 2 * (t < 650) - 0.5 * (t - 277) * (t >= 650) + 4e-7 * p
        value = np.where(np.log(p) > saturation(t) + shift, np.maximum(liquid, 50), gas)
        ripple = 1 + 5e-5 * tilt * np.sin(0.02 * t) * np.cos(np.log(p))
        value = value * ripple
        return np.where((t > 1040) & (p > 5e7), np.nan, value)

    axes = (("T", 275.0, 1070.0, "K", "linear"), ("p", 1e4, 9.772e7, "Pa", "log"))
    t0 = 380.2
    worst = float(np.exp(saturation(np.array([t0]))[0] + 5e-5))
    peaks = ((t0, worst), (700.0, 3e7), (420.0, 2e6), (300.0, 9e7))
    model: Callable[[Array], Array] = lambda x: density(x, 0.0, 1.0)  # noqa: E731
    reference: Callable[[Array], Array] = lambda x: density(x, 1e-4, 0.0)  # noqa: E731
    return Case(
        "IAPWS-IF97, the industrial formulation",
        axes,
        model,
        reference,
        peaks,
        "relative",
        "",
        "density",
        1e-3,
    )


def bumpy(d: int, width: float = 0.25) -> Case:
    """Any d: a smooth function and a model with two local bumps, one of them in a corner."""
    low, high = np.zeros(d), np.arange(1.0, d + 1)
    inside, corner = 0.37 * high, high.copy()

    def reference(x: Array) -> Array:
        return np.asarray(np.cos(x / high).sum(1))

    def model(x: Array) -> Array:
        ripple = 0.01 * np.sin(5 * x / high).sum(1) / math.sqrt(d)
        both = 0.6 * bump(x, inside, width, high) - 0.35 * bump(x, corner, width, high)
        return np.asarray(reference(x) + ripple + both)

    axes = tuple(
        (f"input_{i}", float(a), float(b), "m", "linear")
        for i, (a, b) in enumerate(zip(low, high, strict=True))
    )
    return Case(
        f"network in {d} dimensions",
        axes,
        model,
        reference,
        (tuple(inside), tuple(corner)),
        unit="m/s",
        output="speed",
        tolerance=0.1,
    )


def result(case: Case, n: int = 20_000, seed: int = 0, cells: int | None = None) -> dict[str, Any]:
    """Evaluate ``case`` at ``n`` random points and on pictures, and aggregate into the JSON of an audit."""
    return _Run(case, n, seed, cells).json()


class _Run:
    def __init__(self, case: Case, n: int, seed: int, cells: int | None) -> None:
        self.case, self.n, self.seed = case, n, seed
        self.rng = np.random.default_rng(seed)
        self.cells = cells or {1: 0, 2: 140}.get(case.d, 26 if case.d <= 4 else 16)
        self.worst, self.worst_x = -math.inf, np.full(case.d, np.nan)
        self.calls = 0

    def unit(self, u: Array) -> Array:
        columns = []
        for k, (_, low, high, _, scale) in enumerate(self.case.axes):
            columns.append(low * (high / low) ** u[:, k] if scale == "log" else low + u[:, k] * (high - low))
        return np.column_stack(columns)

    def error(self, x: Array) -> Array:
        model, reference = self.case.model(x), self.case.reference(x)
        error = np.abs(model - reference)
        if self.case.kind == "relative":
            error = error / np.abs(reference)
        self.calls += len(x)
        if np.isfinite(error).any() and np.nanmax(error) > self.worst:
            self.worst, self.worst_x = float(np.nanmax(error)), x[int(np.nanargmax(error))]
        return np.asarray(error)

    def json(self) -> dict[str, Any]:
        case = self.case
        sample = self.unit(self.rng.random((self.n, case.d)))
        errors = self.error(sample)
        peaks = np.array(case.peaks)
        peak_errors = self.error(peaks)
        charts = {
            "histogram": self.histogram(errors),
            "levels": self.levels(errors),
            "map": self.map(),
            "progress": self.progress(errors),
        }
        order = np.argsort(-np.nan_to_num(peak_errors, nan=-1))
        charts["thumbnails"] = self.thumbnails(peaks[order])
        charts["cuts"] = self.cuts()
        charts["output"] = case.output
        listed = self.listed(peaks, peak_errors)
        finite = errors[np.isfinite(errors)]
        rms = float(np.sqrt(np.mean(finite**2)))
        failed = int(np.isnan(errors).sum())
        above = int((finite > case.tolerance).sum()) if case.tolerance else 0
        quantiles = {q: float(np.quantile(finite, float(q))) for q in ("0.5", "0.9", "0.99", "0.999")}
        worst = self.place(self.worst_x, self.worst)
        code = (
            "no-tolerance"
            if case.tolerance is None
            else ("tolerance-exceeded" if self.worst > case.tolerance else "nothing-found")
        )
        return to_json(
            {
                "schema": "supnorm.audit/1",
                "status": {
                    "code": code,
                    "advice": "Train on points.csv, then audit again.",
                    "exit": int(code == "tolerance-exceeded"),
                },
                "tolerance": case.tolerance,
                "law": "uniform",
                "title": case.name,
                "command": "supnorm audit problem.toml --seed 0",
                "model": {"name": case.name, "precision": "float64", "notes": []},
                "reference": {"name": "the scientific formulation"},
                "recheck": None,
                "axes": [
                    {"name": a, "low": b, "high": c, "unit": u, "scale": s, "values": None}
                    for a, b, c, u, s in case.axes
                ],
                "outputs": [{"name": case.output, "unit": case.unit}],
                "measure": {
                    "kind": case.kind,
                    "side": "both",
                    "floor": None,
                    "scale": None,
                    "unit": "" if case.kind == "relative" else case.unit,
                    "per_output": False,
                },
                "sup": {"lower": self.worst, "upper": None, "upper_kind": "none"},
                "witness": worst,
                "rms": {"value": rms, "kind": "sample", "n": len(finite), "at_least": rms},
                "quantiles": quantiles,
                "plain_sample": {"n": self.n, "worst": float(finite.max())},
                "exceedance": [
                    {
                        "above": case.tolerance or quantiles["0.999"],
                        "count": above,
                        "n": self.n,
                        "fraction": above / self.n,
                        "fraction_at_most": (above + 3) / self.n,
                        "confidence": 0.95,
                    }
                ],
                "unseen_peak_mass": {
                    "value": 0.05,
                    "at_most": 0.12,
                    "ascents": 60,
                    "peaks": 18,
                    "once": 3,
                    "confidence": 0.95,
                },
                "power": [
                    {
                        "height": h * self.worst,
                        "volume": v,
                        "shape": "bump",
                        "found": f,
                        "runs": 10,
                        "evaluations": 8000,
                    }
                    for v, fs in ((1e-2, (10, 10)), (1e-3, (10, 10)), (1e-4, (9, 10)), (1e-5, (3, 7)))
                    for h, f in zip((1.2, 2.0), fs, strict=True)
                ],
                "peaks": listed,
                "glitches": [p for p in listed if "glitch" in p["tags"]],
                "findings": [],
                "table_only": False,
                "failures": self.failures(sample, errors, failed),
                "evaluations": {
                    "search": 16000,
                    "statistics": self.n,
                    "pictures": self.calls - self.n,
                    "power": 0,
                    "recheck": 0,
                    "failed": failed,
                },
                "seconds": 2.9,
                "model_seconds": 0.2,
                "reference_seconds": 2.0,
                "seconds_per_point": {"model": 2.3e-6, "reference": 3.9e-5},
                "seed": self.seed,
                "gradients": "none",
                "regime": "C",
                "finished": "2026-11-24T23:48:00Z",
                "machine": "Linux x86_64, 2 cores",
                "versions": {"python": "3.11.7", "numpy": "2.4.6"},
                "fingerprint": "fd89e56268b9",
                "notes": [],
                "budget": {"evaluations": 36000, "seconds": None},
                "charts": charts,
            }
        )

    def histogram(self, errors: Array) -> dict[str, Any]:
        finite = errors[np.isfinite(errors)]
        rms = max(float(np.sqrt(np.mean(finite**2))), 1e-300)
        edges = np.geomspace(rms * 1e-3, max(finite.max(), rms) * 1.01, 61)
        return {
            "edges": edges,
            "counts": np.histogram(finite, edges)[0],
            "below": int((finite < edges[0]).sum()),
            "above": 0,
        }

    def levels(self, errors: Array) -> dict[str, Any]:
        from scipy.stats import beta

        finite = errors[np.isfinite(errors)]
        top = max(finite.max(), 1e-300)
        level = np.geomspace(max(np.quantile(finite, 0.01), top * 1e-6), top, 90)
        count = np.array([(finite > v).sum() for v in level])
        return {
            "level": level,
            "count": count,
            "at_most": beta.ppf(0.95, count + 1, self.n - count),
            "n": self.n,
        }

    def map(self) -> dict[str, Any]:
        case, names = self.case, [a[0] for a in self.case.axes]
        if case.d == 1:
            x = self.unit(np.linspace(0, 1, 4001)[:, None])
            data = np.sort(self.rng.uniform(-1, 1, 90))
            data = data[(data < 0.304) | (data > 0.356)]
            return {
                "kind": "line",
                "x": x[:, 0],
                "model": case.model(x),
                "reference": case.reference(x),
                "error": self.error(x),
                "data": data,
            }
        if case.d == 2:
            return {"kind": "grid", **self.grid(0, 1, None, self.cells), "axes": names}
        hidden = self.rng.random((200_000 if case.d < 9 else 50_000, case.d))
        peaks = self.to_unit(np.array(case.peaks))
        hidden[: len(peaks)] = peaks
        errors = self.error(self.unit(hidden))
        panels = []
        for i, j in itertools.combinations(range(case.d), 2):
            values = self.maxima(hidden[:, i], hidden[:, j], errors)
            panels.append({"axes": [names[i], names[j]], "shape": values.shape, "values": values})
        return {"kind": "pairs", "panels": panels}

    def maxima(self, a: Array, b: Array, errors: Array) -> Array:
        m = self.cells
        row, column = np.minimum((b * m).astype(int), m - 1), np.minimum((a * m).astype(int), m - 1)
        flat = np.full(m * m, -np.inf)
        np.maximum.at(flat, row * m + column, np.nan_to_num(errors, nan=-np.inf))
        return np.where(np.isinf(flat), np.nan, flat).reshape(m, m)

    def to_unit(self, x: Array) -> Array:
        columns = []
        for k, (_, low, high, _, scale) in enumerate(self.case.axes):
            log = scale == "log"
            columns.append(
                np.log(x[:, k] / low) / np.log(high / low) if log else (x[:, k] - low) / (high - low)
            )
        return np.clip(np.column_stack(columns), 0, 1)

    def grid(self, i: int, j: int, centre: Array | None, m: int, half: float = 0.5) -> dict[str, Any]:
        at = np.full(self.case.d, 0.5) if centre is None else centre
        low, high = np.maximum(at - half, 0), np.minimum(at + half, 1)
        base = np.tile(at, (m * m, 1))
        b, a = np.meshgrid(np.linspace(low[j], high[j], m), np.linspace(low[i], high[i], m), indexing="ij")
        base[:, i], base[:, j] = a.ravel(), b.ravel()
        values = self.error(self.unit(base)).reshape(m, m)
        names = [x[0] for x in self.case.axes]
        ends = self.unit(np.array([low, high]))
        return {
            "axes": [names[i], names[j]],
            "ranges": [ends[:, i], ends[:, j]],
            "shape": [m, m],
            "values": values,
        }

    def thumbnails(self, peaks: Array) -> list[dict[str, Any]]:
        if self.case.d == 1:
            return []
        return [
            self.grid(0, 1, u, 41, 2e-4 if self.case.kind == "relative" else 0.1)
            for u in self.to_unit(peaks)[:6]
        ]

    def cuts(self) -> list[dict[str, Any]]:
        centre = self.to_unit(self.worst_x[None])[0]
        cuts = []
        for k, (name, *_) in enumerate(self.case.axes):
            near = np.concatenate([s * np.geomspace(1e-9, 0.3, 80) + centre[k] for s in (-1, 1)])
            whole = np.unique(np.clip(np.r_[np.linspace(0, 1, 241), near, centre[k]], 0, 1))
            close = np.unique(np.clip(centre[k] + np.linspace(-1, 1, 161) * 3e-3, 0, 1))
            cuts.append(
                {"axis": name, "whole": self.cut(k, centre, whole), "close": self.cut(k, centre, close)}
            )
        return cuts

    def cut(self, k: int, centre: Array, u: Array) -> dict[str, Any]:
        points = np.tile(centre, (len(u), 1))
        points[:, k] = u
        x = self.unit(points)
        error = self.error(x)
        status = ["failed" if np.isnan(e) else "ok" for e in error]
        return {
            "x": x[:, k],
            "model": self.case.model(x),
            "reference": self.case.reference(x),
            "error": error,
            "status": status,
        }

    def place(self, x: Array, error: float) -> dict[str, Any]:
        case = self.case
        tags = ["glitch", "interior", "model-side"] if error > 20 * (case.tolerance or 1) else ["boundary"]
        return {
            "x": {a[0]: v for a, v in zip(case.axes, x, strict=True)},
            "error": error,
            "model": case.model(x[None]),
            "reference": case.reference(x[None]),
            "output": case.output,
            "recheck": None,
            "recheck_value": None,
            "tags": tags,
            "volume": 2e-6,
            "prominence": 12.5,
            "off_data": None,
        }

    def listed(self, peaks: Array, errors: Array) -> list[dict[str, Any]]:
        found = [self.place(x, float(e)) for x, e in zip(peaks, errors, strict=True) if np.isfinite(e)]
        return sorted(found, key=lambda p: -p["error"])

    def progress(self, errors: Array) -> dict[str, Any]:
        finite = np.nan_to_num(errors)
        n = np.unique(np.geomspace(10, self.n, 40).astype(int))
        orders = np.array([np.maximum.accumulate(self.rng.permutation(finite))[n - 1] for _ in range(20)])
        low, median, high = np.quantile(orders, [0.05, 0.5, 0.95], axis=0)
        best = np.maximum.accumulate(finite)
        steps = [[int(k), best[k - 1]] for k in n if k <= 4000] + [
            [5000, self.worst * 0.4],
            [9000, self.worst],
        ]
        rising = np.maximum.accumulate([e for _, e in steps])
        return {
            "search": [[k, float(e)] for (k, _), e in zip(steps, rising, strict=True)]
            + [[16000, self.worst]],
            "random": {"n": n, "median": median, "low": low, "high": high},
        }

    def failures(self, sample: Array, errors: Array, failed: int) -> dict[str, Any]:
        by_axis, bad = [], np.isnan(errors)
        u = self.to_unit(sample)
        for k, (name, *_) in enumerate(self.case.axes):
            bins = np.minimum((u[:, k] * 40).astype(int), 39)
            ends = np.tile(np.full(self.case.d, 0.5), (41, 1))
            ends[:, k] = np.linspace(0, 1, 41)
            by_axis.append(
                {
                    "axis": name,
                    "edges": self.unit(ends)[:, k],
                    "evaluated": np.bincount(bins, minlength=40),
                    "failed": np.bincount(bins[bad], minlength=40),
                    "outside": [0] * 40,
                }
            )
        causes = (
            [
                {
                    "where": "reference",
                    "kind": "non-finite",
                    "count": failed,
                    "message": "a value that is not a number",
                    "x": {a[0]: v for a, v in zip(self.case.axes, sample[bad][0], strict=True)},
                }
            ]
            if failed
            else []
        )
        return {
            "count": failed,
            "of": self.n,
            "reference": failed,
            "model": 0,
            "masked": 0,
            "causes": causes,
            "by_axis": by_axis,
        }
