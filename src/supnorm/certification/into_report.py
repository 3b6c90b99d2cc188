"""The upper bound of a certificate in the report of an audit of the same problem.

The audit speaks of the model as it runs. A bound of the deployed model (with its proved rounding) is compared
with what the audit found; a bound in exact arithmetic is named so and not compared.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from supnorm.certification.bound_map import bound_map
from supnorm.results import BadInput, from_json, to_json

if TYPE_CHECKING:
    from supnorm.auditing import AuditReport
    from supnorm.certification.result import CertifyResult

_PROVED = "The bound is within the tolerance everywhere. Keep the certificate with the model; supnorm check verifies it."
_IF_DECLARED = " It holds if the declared bounds do."


def into_report(report: AuditReport, result: CertifyResult) -> AuditReport:
    """The report with ``sup.upper``, what it rests on, and the map of local bounds.

    Raises:
        BadInput: when the audit holds an error above a bound of the deployed model: they are not about the same
            model and reference.
    """
    if result.upper_kind == "none":
        return report
    found = from_json(report.document["sup"]["lower"])
    deployed = result.deployed_upper
    upper = result.upper if deployed is None else deployed
    if deployed is not None and found > deployed * (1.0 + 1e-12):
        raise BadInput(
            f"the audit found an error of {found:.8g}, above the bound {deployed:.8g} of the certificate: "
            "they are not about the same model and reference"
            + (", or the declared bound is wrong" if result.upper_kind == "conditional" else "")
        )
    kind = result.upper_kind
    if kind == "exact-arithmetic" and deployed is not None:
        kind = "certified"
    bound = {"upper": upper, "upper_kind": kind, "assumptions": list(result.assumptions)}
    picture = bound_map(result.certificate) | {"target": result.target, "proved_volume": result.proved_volume}
    charts = {**(report.document.get("charts") or {}), "local_bounds": to_json(picture)}
    status = dict(report.document["status"])
    tolerance = report.document["tolerance"]
    found_none = status["code"] in ("within-tolerance", "nothing-found")
    if found_none and tolerance is not None and upper <= from_json(tolerance):
        status["code"] = "within-tolerance"
        status["advice"] = _PROVED + (_IF_DECLARED if kind == "conditional" else "")
    return replace(
        report,
        document={
            **report.document,
            "status": status,
            "sup": {**report.document["sup"], **to_json(bound)},
            "charts": charts,
        },
    )
