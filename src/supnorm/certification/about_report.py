"""Whether a certificate is about the problem of an audit: a bound of another problem proves nothing about this one.

Axes with their units, and the measure of the error, must be the same. Names of functions say little in Python, so the
error of the programs is compared with the error that the audit computed at its peaks, by the shares of `agreement`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from supnorm.auditing import AuditReport
from supnorm.certification.agreement import SHARE, UNIT
from supnorm.certification.certificate import Certificate
from supnorm.certification.error_program import ErrorProgram
from supnorm.certification.lower import error_at
from supnorm.certification.measured import BEYOND
from supnorm.certification.propagation import propagate
from supnorm.certification.result import CertifyResult
from supnorm.certification.roots_at_zero import asked
from supnorm.certification.rounding import Array
from supnorm.results import BadInput
from supnorm.results.numbers import exact, num
from supnorm.results.parts import PointRecord
from supnorm.results.printable import one_line

OTHER = "audit and certificate are not about the same problem"


def demand_same_problem(report: AuditReport, result: CertifyResult) -> None:
    """Check that a certificate is about the problem of an audit.

    Raises:
        BadInput: naming the axis, the property of the error, or the point at which the two differ.
    """
    for what, audited, proved in _facts(report, result):
        if audited != proved:
            given, got = (one_line(str(v), 60) for v in (audited, proved))
            raise BadInput(f"{OTHER}: {what}: {given} in the audit, {got} in the certificate")
    for peak in report.record.peaks:
        _demand_same_error(report, result, peak)


def _facts(report: AuditReport, result: CertifyResult) -> Iterator[tuple[str, object, object]]:
    """What is compared: its name, the audit's value and the certificate's."""
    record, domain, measure = report.record, result.certificate.domain, result.measure
    yield "axes", ", ".join(a.name for a in record.axes), ", ".join(domain.names)
    for name, mine, other in zip(domain.names, record.axes, domain.axes, strict=True):
        for key in ("low", "high", "scale", "unit"):
            yield f"{key} of axis {name}", getattr(mine, key), getattr(other, key)
    for key in () if measure is None else ("kind", "side", "floor", "scale", "per_output"):
        yield f"{key} of the error", getattr(record.measure, key), getattr(measure, key)


def _demand_same_error(report: AuditReport, result: CertifyResult, peak: PointRecord) -> None:
    """Compare an error that the audit computed with the programs; `beside` refuses one that is above the bound."""
    record = report.record
    upper = result.upper if result.deployed_upper is None else result.deployed_upper
    k = [output.name for output in record.outputs].index(peak.output)
    model, reference = peak.model[k], peak.reference[k]
    x = np.array([[peak.x[axis.name] for axis in record.axes]])
    proofs = result.by_box
    holding = proofs if len(proofs) == 1 else tuple(proof for proof in proofs if _within(proof, x))
    if not holding:
        raise BadInput(f"{OTHER}: no part of the certificate has the point {_at(peak)} of the audit")
    error = holding[0].error
    if error.declared or not math.isfinite(model - reference) or not 0.0 < peak.error <= upper:
        return
    share = max(SHARE.get(f.precision, max(SHARE.values())) for f in (record.model, record.reference))
    unit = peak.error / abs(model - reference) if model != reference else 0.0
    room = result.off + BEYOND * result.agreement.size + share * (abs(model) + abs(reference)) * unit
    room += _beside_threshold(error, x, (record.model.precision, record.reference.precision))
    least = float(error_at(error, x, -1.0)[0])
    most = float(
        error_at(replace(error, at_least=()), x, 1.0)[0]
    )  # with the room for branches, not without it
    if peak.error < least - room or peak.error > most + room:
        raise BadInput(
            f"{OTHER}: the error at {_at(peak)} is {num(peak.error, 8)} in the audit and {num(most, 8)} by the "
            "programs of the certificate; certify the problem that was audited"
        )


def _beside_threshold(error: ErrorProgram, x: Array, precisions: tuple[str, ...]) -> float:
    """How far the error may be from that of the programs where rounding may take the other formula of a ``where``."""
    units, room = 4.0 * max(UNIT.get(one, max(UNIT.values())) for one in precisions), 0.0
    for program in error.at_least or error.at_points:
        if any(node.op == "where" for node in program.nodes):
            model, _ = propagate(
                program, x, np.zeros_like(x), np.ones(1), True, asked(program, error.low), units
            )
            room = max(room, float(np.max(units * model.err)))
    return math.inf if math.isnan(room) else room


def _within(proof: Certificate, x: Array) -> bool:
    """Whether a point lies on the box of a proof."""
    return all(axis.low <= v <= axis.high for axis, v in zip(proof.domain.axes, x[0], strict=True))


def _at(peak: PointRecord) -> str:
    """The inputs of a point with all their digits."""
    return one_line(", ".join(f"{name} = {exact(value)}" for name, value in peak.x.items()), 200)
