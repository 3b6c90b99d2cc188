"""The words of an audit of fields: the template of each fact that `supnorm.fields` finds."""

from __future__ import annotations

from collections.abc import Mapping

from supnorm.wording.narrator import Narrator

OF_WHAT = "{lead?: of its lead time}{both?: and}{level?:{both?: level| of its level}}"
OF_THEIR = OF_WHAT.replace("its", "their")
ADVICE = {
    "exceeded": "{names:list} {n:is|are} wrong by more than the tolerance.",
    "missing": "The prediction has no value at {n:one grid point|{n:count} grid points} where the truth has one.",
    "outside": "{n:One value|{n:count} values} of the prediction {n:is|are} outside of what the quantity can be.",
    "nothing": "No grid point of {names:list} has a value on both sides, so their errors are not known.",
    "within": "Every grid point with a value on both sides is within the tolerance.",
    "no-tolerance": "Give --tolerance for a verdict.",
    "stopped": "The run was cut short: {done:count} of {of:count} pairs of fields are compared.{stored?: "
    "--resume goes on with it.}",
    "name": "{name}",
}
FINDINGS = {
    "largest": "{name} is wrong by {error:num 4}{unit?: {unit}} at {at}: the prediction is {prediction:num 6}, "
    "the truth {truth:num 6}. "
    "{ratio?:That is {ratio:ratio} times the RMS error"
    + OF_WHAT
    + "{chance?:, which can be chance: the largest of {n:count} independent "
    "errors with a normal distribution may be {chance:ratio} times it}.}",
    "misplaced": "{name} may be in the wrong place there: with the truth moved by {rows:num} rows and {columns:num} "
    "columns{km?: ({km:num 2} km)} the error of this grid point falls from {error:num} to {left:num}{unit?: {unit}}, and "
    "the RMS difference within 6 cells from {before:num} to {after:num}{unit?: {unit}}.",
    "nowhere": "{name}: the truth has no such value near. The nearest one within {radius:count} cells{km?: (about "
    "{km:num 2} km)} differs by {left:num}{unit?: {unit}}, {wider:list}.",
    "near": "{name}: within {radius:count} cells{km?: (about {km:num 2} km)} the {sides?:truth has the predicted value, or "
    "values on both sides of it|nearest value of the truth differs by {left:num}{unit?: {unit}}}, but no move of the truth "
    "by up to {farthest:count} cells explains the difference around that place.",
    "reach": "within {radius:count} cells {sides?:the truth has it, or values on both sides of it"
    "|by {left:num}{unit?: {unit}}}",
    "missing-at": "{name}: the prediction has no value at {n:one grid point|{n:count} grid points} where the "
    "truth has one, first at {at}.",
    "invalid": "{name}: {n:one value of the {side} is|{n:count} values of the {side} are} treated as missing: "
    "{range?:{low?:below {low:num 6}}{both?: or }{high?:above {high:num 6}} (valid range)}{or?:, or }"
    "{fills?:equal to the fill value {fills:and} of its type}. The first is at {at}. --ignore-valid-range compares them.",
    "fill": "{fill:num 6}",
    "outside-at": "{name}: {n:one value is|{n:count} values are} {low?:below {low:num}}{both?: or }{high?:above {high:num}}"
    "{usual?:, which the quantity cannot be}; the worst is {worst:num 6} at {at}.",
    "unresolved": "{name}: from zonal wavenumber {k:count} on "
    "{power?:the prediction has less than half of the truth's power|the error "
    "has more power than the truth}.",
    "note": "{text}",
}
TEMPLATES: Mapping[str, str] = ADVICE | FINDINGS


def narrator() -> Narrator:
    """What renders the facts of an audit of fields."""
    return Narrator(TEMPLATES)
