"""What `fit` hands back: the winner, the table of all candidates, the audit, and why it stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from supnorm.approximants import Approximation, save
from supnorm.auditing import AuditReport
from supnorm.certification import CertifyResult
from supnorm.problem import Function
from supnorm.results import Status, to_json, write_whole
from supnorm.results.encoding import dumps

COLUMNS = ("method", "rms", "sup", "parameters", "samples", "seconds", "bytes", "us/point")


@dataclass(frozen=True, eq=False)
class Candidate:
    """One approximator and its errors on points that no part of the fit has used.

    Attributes:
        approximation: the fitted model.
        seconds: spent on fitting it, reference included.
        rms: sample root-mean-square error of the law.
        sup_lower: largest error found: a lower bound of the worst error.
        sup_upper: proved upper bound; None without a certificate.
        upper_kind: ``"certified"`` (rounding of the model included), ``"exact-arithmetic"``,
            ``"conditional"`` or ``"none"``.
        spread: root mean square error of the mean taken as a model, by which the relative errors are
            divided: of the absolute error the standard deviation of the reference.
        latency: seconds per point in a batch of 1000.
        trail: processor seconds and relative training error along the way, for networks.
        audited: whether ``sup_lower`` comes from a search; else from independent points.
    """

    approximation: Approximation
    seconds: float
    rms: float
    sup_lower: float
    spread: float
    latency: float
    audited: bool = False
    sup_upper: float | None = None
    upper_kind: str = "none"
    file: str | None = None
    trail: tuple[tuple[float, float], ...] = ()

    @property
    def method(self) -> str:
        """Name in tables."""
        return self.approximation.method

    def to_json(self) -> dict[str, Any]:
        """As plain data; errors relative to the spread are null for a constant reference."""
        a, scale = self.approximation, self.spread if 0 < self.spread < np.inf else np.nan
        return {
            "method": a.method, "rms": self.rms, "relative_rms": self.rms / scale,
            "sup": {"lower": self.sup_lower, "upper": self.sup_upper, "upper_kind": self.upper_kind},
            "relative_sup": self.sup_lower / scale, "audited": self.audited, "parameters": a.parameters,
            "bytes": a.bytes, "samples": a.samples, "seconds": self.seconds,
            "seconds_per_point": self.latency, "file": self.file, "notes": list(a.notes),
            "trail": [list(point) for point in self.trail],
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class FitResult:
    """The outcome of `fit`.

    Attributes:
        winner: the candidate to use; its errors come from an audit with a fresh seed (from samples
            that it was not trained on for fixed data).
        candidates: all that were fitted, best first.
        skipped: methods that could not be used, with the reason.
        status: whether the tolerance is met, and what to do if not.
        audit: of the winner; None for fixed data.
        certificate: the proved bracket of the winner; None where none was asked for.
        evaluations: of the reference, by purpose.
        notes: sentences about the reference or the data.
        tolerance, norm, seed: as asked.
        measure: of the errors, as in the JSON of an audit: kind, side, floor, scale, unit, per_output.
        cost: whether a call counts as expensive, and who said so; empty for fixed data.
        command: that repeats it; empty where none started it.
        title: of the problem; empty where it has none.
    """

    winner: Candidate
    candidates: tuple[Candidate, ...]
    skipped: tuple[tuple[str, str], ...]
    status: Status
    audit: AuditReport | None
    evaluations: Mapping[str, int]
    notes: tuple[str, ...]
    tolerance: float | None
    norm: str
    seed: int
    seconds: float
    certificate: CertifyResult | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    measure: Mapping[str, Any] = field(default_factory=dict)
    cost: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""
    title: str = ""

    def __repr__(self) -> str:
        """One line; the models have thousands."""
        best = self.winner
        return (
            f"FitResult({self.status.code!r}, {best.method!r}, rms={best.rms:.2g}, "
            f"sup_lower={best.sup_lower:.2g}, parameters={best.approximation.parameters})"
        )

    @property
    def model(self) -> Function:
        """The winner as a `Function`."""
        return self.winner.approximation.function

    def table(self) -> list[tuple[str, ...]]:
        """The candidates as rows of text, best first, under `COLUMNS`."""
        rows: list[tuple[str, ...]] = []
        for c in self.candidates:
            a = c.approximation
            numbers = (f"{c.rms:.1e}", f"{c.sup_lower:.1e}", str(a.parameters), str(a.samples))
            rows.append((a.method, *numbers, f"{c.seconds:.2f}", str(a.bytes), f"{1e6 * c.latency:.2f}"))
        return rows

    def to_json(self) -> dict[str, Any]:
        """The result as strict JSON data, schema ``supnorm.fit/1``."""
        encoded: dict[str, Any] = to_json(
            {
                "schema": "supnorm.fit/1",
                "status": {
                    "code": self.status.code,
                    "advice": self.status.advice,
                    "exit": int(self.status.exit),
                },
                "title": self.title,
                "tolerance": self.tolerance,
                "norm": self.norm,
                "measure": dict(self.measure),
                "winner": self.winner.to_json(),
                "candidates": [c.to_json() for c in self.candidates],
                "certificate": None
                if self.certificate is None
                else self.certificate.record.changed(certificate="certificate.json").to_dict(),
                "audit": None if self.audit is None else _short(self.audit.to_json()),
                "skipped": [{"method": m, "reason": r} for m, r in self.skipped],
                "evaluations": dict(self.evaluations),
                "notes": list(self.notes),
                "cost": dict(self.cost) or None,
                "command": self.command,
                "seconds": self.seconds,
                "seed": self.seed,
                "versions": dict(self.versions),
            }
        )
        return encoded

    def save(self, folder: Path | str) -> Path:
        """Write ``model.npz``, ``fit.json``, the audit in ``audit/`` and the certificate if there is one."""
        folder = Path(folder)
        save(self.winner.approximation.model, folder / "model.npz")
        if self.audit is not None:
            self.audit.save(folder / "audit")
        if self.certificate is not None:
            self.certificate.certificate.save(folder / "certificate.json")
        named = replace(self, winner=replace(self.winner, file="model.npz"))
        write_whole(folder / "fit.json", dumps(named.to_json()))
        return folder


def _short(audit: Mapping[str, Any]) -> dict[str, Any]:
    """What the page of a fit says of its audit; the whole is in ``audit/``."""
    return {key: audit[key] for key in ("sup", "witness", "rms", "quantiles", "evaluations", "seed")}
