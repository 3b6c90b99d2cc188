"""Templates of what a gate says: a failed assertion, a summary for a pull request, a report for a build server."""

from __future__ import annotations

TEMPLATES = {
    "gate-value": "model {model}, reference {reference}",
    "gate-search": "{evaluations:count} evaluations, seed {seed}",
    "gate-random": "{n:count} random points show at most {worst:error}",
    "gate-repeat": "repeat: problem.error_at({point})",
    "gate-page": "page: {path}",
    "gate-above": "{error:error} at {at:point}: above the tolerance of {tolerance:error}",
    "gate-point": "{error:error} at {at:point}",
    "gate-points": "the {n:worst point|{n:count} worst points}",
    "gate-next": "What next?{advice?: {advice}}",
    "badge-over": "{worst:error} > {tolerance:error}",
    "badge-open": "{worst:error} found",
    "badge-proven": "≤ {upper:error at most} proven",
}
