"""Templates of what a gate says: a failed assertion, a summary for a pull request, a report for a build server."""

from __future__ import annotations

TEMPLATES = {
    "gate-value": "model {model}, reference {reference}",
    "gate-search": "{evaluations:count} evaluations, seed {seed}",
    "gate-random": "{n:count} random points show at most {worst:error}",
    "gate-repeat": "repeat: {problem}.error_at({point})",
    "gate-page": "page: {path}{points?:; points: {points}}",
    "gate-above": "{error:error} {row?:in {row}, }at {at:point}: above the tolerance of {tolerance:error}",
    "gate-point": "{error:error} {row?:in {row}, }at {at:point}",
    "gate-points": "the {n:worst point|{n:count} worst points}",
    "gate-next": "What next?{advice?: {advice}}",
    "gate-refused": "The last {verb} in this folder, of {begun} UTC, was refused: {why}",
    "gate-unfinished": "The last {verb} in this folder, begun on {begun} UTC, has written no result.",
    "gate-earlier": "The folder still has the result of an earlier run. It is not told here, because it may be of another "
    "state of the problem.",
    "gate-again": "Run the {verb} again.",
    "gate-no-result": "no result",
    "badge-over": "{worst:error} > {tolerance:error}",
    "badge-open": "{worst:error} found",
    "badge-proven": "≤ {upper:error at most} proven",
}
