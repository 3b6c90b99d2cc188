"""The upper bound of a certificate beside errors that were computed: in the report of an audit, or of a fit.

Those speak of the functions as they run. A bound of the deployed model (with its proved rounding) must hold for them
as it is; a bound in exact arithmetic up to what the agreement of run and program shows, which is then added to it. A
computed error above that contradicts the bound: no document ever holds an upper bound below its lower one.
"""

from __future__ import annotations

import math
from dataclasses import replace

from supnorm.auditing import AuditReport
from supnorm.certification.bound_map import bound_map
from supnorm.certification.computed import with_computed
from supnorm.certification.measured import BEYOND
from supnorm.certification.result import CertifyResult
from supnorm.results import BadInput, rounded_up

_PROVED = "The bound is within the tolerance everywhere. Keep the certificate with the model; supnorm check verifies it."
_DECLARED = (
    "On the declared assumptions the bound is within the tolerance everywhere. Keep the certificate with the model; "
    "supnorm check verifies all but these assumptions."
)

SLACK = 4.0  # of the proved rounding of the programs, for float64 code whose order of operations is not known


def beside(result: CertifyResult, found: float) -> tuple[float, str, tuple[str, ...]]:
    """The bound, its kind and its assumptions, as they stand beside an error ``found`` of the functions as they run.

    Raises:
        BadInput: when ``found`` is above the bound and what the measured agreement allows.
    """
    deployed, kind = result.deployed_upper, result.upper_kind
    upper = result.upper if deployed is None else deployed
    if kind == "exact-arithmetic" and deployed is not None:
        kind = "certified"
    if not found > upper * (1.0 + 1e-12):
        return max(upper, found), kind, result.assumptions
    room = 0.0
    if deployed is None:
        rounding = SLACK * result.rounding if math.isfinite(result.rounding) else 0.0
        room = BEYOND * result.agreement.size + rounding
    if found > upper + room:
        raise BadInput(
            f"an error of {found:.8g} was computed, above the bound {upper:.8g} of the certificate"
            + (f" and the {room:.2g} that the functions as they run were seen to differ by" if room else "")
            + ": they are not about the same model and reference"
            + (
                ", or the declared bound is wrong"
                if result.agreement.hidden == 0 and kind == "conditional" and not result.believed
                else ", or a bound of the file is wrong"
                if result.believed
                else ""
            )
            + "; give certify the point of that error (witness = ..)"
        )
    added = (
        f"measured, not proved: the bound in exact arithmetic is {rounded_up(upper, 6):.6g}; {rounded_up(room, 3):.3g} is "
        "added for the difference between the functions as they run and exact arithmetic"
    )
    return max(upper + room, found), "conditional", (*result.assumptions, added)


def proves(result: CertifyResult, upper: float, tolerance: float) -> bool:
    """Whether a bound keeps a tolerance, with what functions in lower precision were seen to add to it.

    A bound that rests on what a file states and was not proved again proves nothing.
    """
    return not result.believed and upper + BEYOND * result.agreement.lower_precision <= tolerance


def into_report(report: AuditReport, result: CertifyResult) -> AuditReport:
    """The report with ``sup.upper``, what it rests on, and the map of local bounds.

    Where `certify` computed a larger error of the same problem than the audit, that is its worst point (`computed`).

    Raises:
        BadInput: when the audit holds an error above the bound: they are not about the same model and reference.
    """
    if result.fingerprint and result.fingerprint == report.record.fingerprint:
        report = with_computed(report, result)
    if result.upper_kind == "none":
        return report
    upper, kind, assumptions = beside(result, report.record.sup.lower)
    if result.agreement.sides:
        unit = f" {result.unit}" if result.unit else ""
        assumptions = (*assumptions, f"measured: {result.agreement.sentence(unit)}")
    picture = bound_map(result.certificate, result.target, result.proved_volume)
    record, status = report.record, report.status
    found_none = status.code in ("within-tolerance", "nothing-found")
    if found_none and record.tolerance is not None and proves(result, upper, record.tolerance):
        advice = _DECLARED if kind == "conditional" else _PROVED
        status = replace(status, code="within-tolerance", advice=advice)
    sup = record.sup.changed(upper=upper, upper_kind=kind, assumptions=assumptions)
    charts = record.charts.changed(local_bounds=picture)
    return replace(report, record=record.changed(status=status, sup=sup, charts=charts))
