"""The answer of `budget`: three lines that are never merged, the caveats, the verdict; text and JSON."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from supnorm.planning.caveats import Caveat
from supnorm.planning.charts import interaction_graph, smoothness_rows
from supnorm.planning.guarantees import derivative_bounds
from supnorm.planning.learning_curve import MeasuredCurve
from supnorm.planning.profile.measured import Profile
from supnorm.planning.theory.statement import ClassBound
from supnorm.planning.verdict import Verdict
from supnorm.results import Status
from supnorm.results.encoding import dumps, to_json
from supnorm.results.writing import write_whole

SCHEMA = "supnorm.budget/1"


@dataclass(frozen=True)
class FoolingFunction:
    """What a class holds against given points: a member that vanishes at all of them (`ClassBound.adversary`).

    Attributes:
        name: of the guarantee row, whose ``adversary`` builds the member.
        points: how many there are.
        height: the error that nobody who knows only these values can rule out, in the norm of the row.
        peak: where the member is largest, in the units of the domain.
    """

    name: str
    points: int
    height: float
    peak: dict[str, float]


@dataclass(frozen=True)
class BudgetResult:
    """What a surrogate with a given tolerance costs, and which one to take.

    Attributes:
        title: of the problem.
        inputs: names.
        output: the planned output; empty from numbers alone.
        tolerance: absolute, in the unit of the function.
        p: the norm.
        guarantee: what nobody can promise with less, for a class of functions.
        construction: named methods with their counts.
        learning_curves: measured; their forecasts are the third line.
        caveats: the eight exceptions.
        verdict: is a network the tool, and what else.
        profile: of the function; None from numbers alone.
        table, curves: for charts; see `supnorm.planning.charts`.
        notes: what was converted or assumed.
        status: how it ended.
        fooling_functions: members of the class that vanish at the given data; empty without data.
        cost: what a call costs, who said so, and what that decided; None where nothing was called.
        command: that repeats it; empty where none started it.
        seed, seconds, law, versions: for the record.
    """

    title: str
    inputs: tuple[str, ...]
    output: str
    tolerance: float
    p: float
    guarantee: tuple[ClassBound, ...]
    construction: tuple[ClassBound, ...]
    learning_curves: tuple[MeasuredCurve, ...]
    caveats: tuple[Caveat, ...]
    verdict: Verdict
    profile: Profile | None
    table: tuple[dict[str, Any], ...]
    curves: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]
    status: Status
    seed: int = 0
    seconds: float = 0.0
    law: str = ""
    fooling_functions: tuple[FoolingFunction, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    cost: dict[str, Any] | None = None
    command: str = ""

    def __repr__(self) -> str:
        """One line; ``print`` shows the summary."""
        found = self.verdict
        return f"BudgetResult({found.word!r}, tool={found.tool!r}, tolerance={self.tolerance:.4g}, norm={self.norm!r})"

    @property
    def norm(self) -> str:
        """``"sup"`` or ``"L^p"``."""
        return "sup" if math.isinf(self.p) else f"L^{self.p:g}"

    def to_json(self) -> dict[str, Any]:
        """The answer as plain JSON values, schema ``supnorm.budget/1``."""
        content = {
            "schema": SCHEMA,
            "title": self.title,
            "inputs": list(self.inputs),
            "output": self.output,
            "tolerance": self.tolerance,
            "norm": self.norm,
            "law": self.law,
            "status": {"code": self.status.code, "advice": self.status.advice, "exit": int(self.status.exit)},
            "guarantee": [row.as_dict() for row in self.guarantee],
            "fooling_functions": [asdict(row) for row in self.fooling_functions],
            "construction": [row.as_dict() for row in self.construction],
            "forecast": self._forecast(),
            "caveats": [
                {"name": c.name, "test": c.test, "outcome": c.outcome, "effect": c.effect}
                for c in self.caveats
            ],
            "verdict": {
                "word": self.verdict.word,
                "tool": self.verdict.tool,
                "evidence": list(self.verdict.evidence),
            },
            "pilot": [asdict(trial) for trial in self.verdict.trials],
            "profile": self._profile(),
            "learning_curves": [curve.as_dict() for curve in self.learning_curves],
            "charts": {
                "table": list(self.table),
                "curves": list(self.curves),
                "graph": interaction_graph(self.profile) if self.profile else None,
            },
            "notes": list(self.notes),
            "cost": self.cost,
            "command": self.command,
            "seed": self.seed,
            "seconds": self.seconds,
            "versions": self.versions,
        }
        plain: dict[str, Any] = to_json(content)
        return plain

    def save(self, path: Path | str) -> None:
        """Write the JSON; the file appears whole or not at all."""
        write_whole(path, dumps(self.to_json()) + "\n")

    def _forecast(self) -> list[dict[str, Any]]:
        rows = []
        for curve in self.learning_curves:
            need = curve.need(self.tolerance)
            top = float(curve.by_size.size[-1])
            for ahead in (2.0, 4.0, 8.0):
                found = curve.forecast(ahead * top)
                rows.append(
                    {
                        "learning_curve": curve.name,
                        "quantity": f"{curve.metric} error at {ahead * top:g} {curve.axis}",
                        "value": found.value,
                        "interval": [found.lower, found.upper],
                        "confidence": curve.level,
                        "regime": curve.regime,
                    }
                )
            rows.append(
                {
                    "learning_curve": curve.name,
                    "quantity": f"{curve.axis} needed for the tolerance",
                    "value": need.size,
                    "interval": None,
                    "confidence": curve.level,
                    "regime": curve.regime,
                    "reached": need.reached,
                    "samples": need.samples,
                    "weights": need.weights,
                    "iterations": need.iterations,
                }
            )
        return rows

    def _profile(self) -> dict[str, Any] | None:
        p = self.profile
        if p is None:
            return None
        found: dict[str, Any] = {
            "calls": p.calls,
            "half_range": p.spread,
            "noise": p.noise,
            "kind": p.kind,
            "order": p.order,
            "smoothness": smoothness_rows(p, self.tolerance),
            "class_order": p.class_order(),
            "derivative_scales": list(derivative_bounds(p, self.p)),
            "not_finite": p.hazards.not_finite,
            "scanned": p.hazards.scanned,
            "blow_up": p.hazards.hopeless,
            "jump": p.jump.jump if p.jump else 0.0,
            "inner": [[p.names[i] for i in s] for s in p.inner],
            "left_out": list(p.left_out),
        }
        if p.active is not None:
            found["active"] = {
                "dimension": p.active.dimension,
                "residual": p.active.residual,
                "eigenvalues": p.active.eigenvalues,
                "directions": p.active.directions,
            }
        if p.sensitivity is not None:
            found["sensitivity"] = {
                "first": p.sensitivity.first,
                "total": p.sensitivity.total,
                "note": "mean-square indices: they say nothing about the maximum",
            }
        if p.separation is not None:
            found["separation_ranks"] = p.separation.ranks(self.tolerance / 10)
        if p.dimension is not None:
            s = p.dimension
            found["dimension"] = {
                "lower": s.lower,
                "upper": s.upper,
                "linear": s.linear,
                "single": s.single,
                "two_nn": s.two_nn,
                "mle": s.mle,
                "scales": [list(r) for r in s.scales],
            }
        return found

    def summary(self) -> str:
        """The answer as text, for a terminal."""
        from supnorm.planning.summary import text

        return text(self)

    def __str__(self) -> str:
        return self.summary()
