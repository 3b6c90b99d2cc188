"""The upper bound of a certificate beside computed errors, in the report of an audit or of a fit.

Computed errors belong to the functions as they run. A bound of the deployed model (with its proved rounding) must hold
for them as it is. A bound in exact arithmetic must hold up to the measured agreement, which is then added to it. A
computed error above that contradicts the bound: no document ever has an upper bound below its lower bound.
"""

from __future__ import annotations

import math
from dataclasses import replace

from supnorm.auditing import AuditReport
from supnorm.certification.about_report import demand_same_problem
from supnorm.certification.bound_map import bound_map
from supnorm.certification.computed import with_computed
from supnorm.certification.measured import BEYOND
from supnorm.certification.result import CertifyResult
from supnorm.results import BadInput, Contradiction
from supnorm.results.audit import SupRecord
from supnorm.results.numbers import exact
from supnorm.wording import fact
from supnorm.wording.certify import CERTIFY, narrator

SLACK = 4.0  # times the proved rounding of the programs: float64 code may run its operations in another order


def beside(result: CertifyResult, error: float) -> tuple[float, str, tuple[str, ...]]:
    """The bound, its kind and its assumptions, to be written beside a computed ``error`` of the functions as they run.

    Raises:
        BadInput: when ``error`` is above the bound plus the difference that the measured agreement allows.
    """
    deployed, kind = result.deployed_upper, result.upper_kind
    upper = result.upper if deployed is None else deployed
    if kind == "exact-arithmetic" and deployed is not None:
        kind = "certified"
    if not error > upper * (1.0 + 1e-12):
        return max(upper, error), kind, result.assumptions
    room = _room(result) if deployed is None else 0.0
    if error > upper + room:
        declared = result.agreement.hidden == 0 and kind == "conditional" and not result.believed
        measured = {"room": room} if room else {}
        above = fact(
            "above-bound",
            error=error,
            bound=upper,
            declared=declared,
            stated=result.believed > 0,
            **measured,
        )
        raise BadInput(CERTIFY.text(above))
    added = CERTIFY.text(fact("room-added", bound=upper, room=room))
    return max(upper + room, error), "conditional", (*result.assumptions, added)


def _room(result: CertifyResult) -> float:
    """How far a computed error may be above a bound in exact arithmetic."""
    rounding = SLACK * result.rounding if math.isfinite(result.rounding) else 0.0
    return BEYOND * result.agreement.size + rounding


def _demand_not_refuted(held: SupRecord, result: CertifyResult) -> None:
    """Check that no larger error refutes the bound of an earlier certificate: a looser bound would hide that.

    Raises:
        Contradiction: when both numbers are proved, or the bound holds for the functions as they run.
        BadInput: when the bound rests on assumptions.
    """
    if held.upper is None or not held.lower > held.upper * (1.0 + 1e-12):
        return
    if held.lower <= held.upper + (0.0 if held.upper_kind == "certified" else _room(result)):
        return
    above = f"an error of {exact(held.lower)} was computed, above the bound {exact(held.upper)} that the report has"
    if held.upper_kind == "conditional":
        raise BadInput(
            f"{above}: one of its assumptions is wrong (sup.assumptions of the report); correct it, and audit again"
        )
    raise Contradiction(f"{above} from an earlier certificate of the same problem ({held.upper_kind})")


def proves(result: CertifyResult, upper: float, tolerance: float) -> bool:
    """Whether a bound keeps a tolerance, with what functions in lower precision were seen to add to it.

    A bound that rests on what a file states and was not proved again proves nothing.
    """
    return not result.believed and upper + BEYOND * result.agreement.lower_precision <= tolerance


def into_report(report: AuditReport, result: CertifyResult) -> AuditReport:
    """The report with ``sup.upper``, the assumptions of this bound, and the map of local bounds.

    If `certify` computed a larger error of the same problem than the audit, its point becomes the worst one (`computed`).

    Raises:
        BadInput: when the two are not about the same problem (`about_report`), such as where the audit has an error above
            the bound; and when the report has a bound that an error computed by `certify` refutes, and its assumptions with
            it.
        Contradiction: when such a bound has no assumptions.
    """
    demand_same_problem(report, result)
    if result.fingerprint and result.fingerprint == report.record.fingerprint:
        report = with_computed(report, result)
    if result.upper_kind == "none":
        return report
    held = report.record.sup
    _demand_not_refuted(held, result)
    upper, kind, assumptions = beside(result, held.lower)
    if kind == held.upper_kind and held.upper is not None and held.lower <= held.upper < upper:
        return report  # a looser proof never replaces a tighter one
    if result.agreement.sides:
        agreement = fact("agreement-measured", agreement=(result.agreement.fact,))
        assumptions = (*assumptions, narrator(result.unit).text(agreement))
    boxes = result.by_box
    # A picture is of one proof; a flow has one for each slice of time.
    picture = bound_map(boxes[0], result.target, result.proved_volume) if len(boxes) == 1 else None
    record, status = report.record, report.status
    no_excess = status.code in ("within-tolerance", "nothing-found")
    if no_excess and record.tolerance is not None and proves(result, upper, record.tolerance):
        advice = CERTIFY.text(fact("keep-certificate", declared=kind == "conditional"))
        status = replace(status, code="within-tolerance", advice=advice)
    sup = record.sup.changed(upper=upper, upper_kind=kind, assumptions=assumptions)
    charts = record.charts.changed(local_bounds=picture)
    return replace(report, record=record.changed(status=status, sup=sup, charts=charts))
