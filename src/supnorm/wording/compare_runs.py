"""What the comparison of two runs says; one template for each fact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from supnorm.results.numbers import ErrorUnit, pretty_unit
from supnorm.results.parts import AxisRecord, MeasureRecord
from supnorm.wording.narrator import Narrator, units_of

_AT = "{row?:in row {row:count} ({at:point})|at {at:point}}"
_EVERYWHERE = "{rows?:in every row that was compared|everywhere}"
_VERDICT = {
    "worse-proved": "The new model is worse: its error is {new:error 4} at {at:point}, and the error of the old model is "
    "at most {bound:error at most 4} everywhere.",
    "worse-measured": "The new model is worse: its error is {new:error 4} at {at:point}, and that of the old model is "
    "{there:error 4} there. The largest error known of the old model is {old:error 4}.",
    "worse-unmatched": "The new model is worse, {rows?:in the rows with a prediction|as far as the searches found}: "
    "{new:error 4} at {at:point}, against {old:error 4}. "
    "{rows?:In this row no error of the old model is known."
    "|The old model was not evaluated at this point, so its search may have missed such an error.}",
    "better-proved": "The new model is better: its error is at most {bound:error at most 4} everywhere, and the error of "
    "the old model is {old:error 4} at {at:point}.",
    "better-measured": "The new model is better, {rows?:in the rows with a prediction"
    "|as far as a search that was not smaller can find}: {new:error 4} against "
    "{old:error 4}. At {at:point}, the worst point known of the old model, its error is {there:error 4}.",
    "no-difference-found-proved": "The new model is not worse: its error is at most {bound:error at most 4} everywhere, and "
    "the old model has an error of {old:error 4}.",
    "no-difference-found-search": "No difference was found: the largest errors known are {old:error 4} (old) and "
    "{new:error 4} (new). {rows?:Rows without a prediction|Points that neither search evaluated} may differ.",
    "undecided-smaller-search": "Not decided: the largest errors known are {old:error 4} (old) and {new:error 4} (new), but "
    "the new search was smaller and may have missed more. Repeat it with the evaluations of the old one.",
    "undecided-interrupted": "Not decided: the largest errors known are {old:error 4} (old) and {new:error 4} (new), but "
    "the new search was interrupted and may have missed more. Go on with it (--resume), or repeat it.",
    "undecided-unmatched": "Not decided: {new:error 4} was found of the new model and {old:error 4} of the old one, but the "
    "new model was not evaluated at {at:point}, the worst point of the old one.",
    "worse-more-infinite": "The new model is worse: its error is infinite in {more:one row|{more:count} rows}, and that of "
    "the old model in {fewer:one row|{fewer:count} rows}.",
    "better-fewer-infinite": "The new model is better: its error is infinite in {fewer:one row|{fewer:count} rows}, and "
    "that of the old model in {more:one row|{more:count} rows}. No finite error is larger than before.",
    "no-difference-found-rows": "No difference was found: both models have an infinite error in {more:one row|{more:count} "
    "rows} of the table, and no finite error is larger than before.",
    "undecided-both-infinite": "Not decided: both worst errors are infinite, so they have no sizes to compare. Audit both "
    'with failures = "ignore" in the error section of the problem file to compare the finite errors.',
    "undecided-no-value": "Not decided: one of the runs has no point with an error.",
    "undecided-other-rows": "Not decided: the tables have other rows. The worst error is {old:error 4} in the old one and "
    "{new:error 4} in the new one, and a larger error can come from other inputs as well as from a worse model. The lines "
    "below have the statistics of both. The tolerance of an audit decides each table alone.",
    "undecided-other-references": "Not decided: the reference was not called, and hashes of what defines it differ: "
    "{differ}. The worst error is {old:error 4} against the reference of the old run and {new:error 4} against that of "
    "the new one. Repeat one of the audits with the reference of the other.",
    "undecided-reference-in-doubt": "Not decided: in one of the runs the second reference contradicts the worst error.",
}
_FACTOR = "{factor?: An error counts as larger only above {factor:num} times the other one.}"
VERDICT = {
    code: words.replace("at {at:point}", _AT).replace("everywhere", _EVERYWHERE) + _FACTOR
    for code, words in _VERDICT.items()
}
REMARKS = {
    "raised": "The search of the {run} run missed an error of {worst:error 4} at {at:point}; it had found {found:error 4}.",
    "not-evaluated": "The {run} model was not evaluated at the worst points of the other run: {why}.",
    "reference-not-called": "The reference is expensive and was not called: that it is the same in both runs is taken from "
    "{hashed?:hashes of its code, |}its name and its stored values.",
    "truths-not-compared": "The truths are not equal in all rows: their hashes differ. How far they differ was not "
    "measured, because the reference is expensive and was not called. So only errors in the same row decide, each with the "
    "truth of one run, and RMS and shares cannot be compared.",
    "conditional": "The bound of the {run} run holds under assumptions, so it decides nothing here.",
    "fewer-evaluations": "The {run} search made {n:count} evaluations and the other {of:count}.",
    "less-power": "The {run} search found {found:count} of {runs:count} planted errors and the other {other:count} of "
    "{others:count}.",
    "tolerances-differ": "The tolerances differ: {old} (old), {new} (new).",
    "laws-differ": "The statistics are of different laws: {old} (old), {new} (new). RMS and shares cannot be compared.",
    "rows-differ": "The runs have errors in other rows ({old:count} rows in the old run, {new:count} in the new one), so "
    "RMS and shares cannot be compared, and the largest error of one run is no bound for the rows of the other. "
    "{common?:Over the {common:count} rows in which both have a finite error: RMS {rms_old:error 4} before, "
    "{rms_new:error 4} now; largest error {worst_old:error 4} before, {worst_new:error 4} now; the error of the new model "
    "is the larger one in {larger:one row|{larger:count} rows}."
    "|Statistics over the rows in which both have an error were not computed: the tables could not be read again.}"
    "{only_old?: Rows without a prediction in the old run only: {only_old:rows}.}"
    "{only_new?: Rows without a prediction in the new run only: {only_new:rows}.}",
    "other-rows": "To compare models, audit both on the same rows: write the rows that both tables have, in one order, to "
    "two tables. Here {why}.",
    "other-ranges": "The inputs have other ranges: {ranges:points}.",
    "range": "{name} {low} to {high} before, {low_new} to {high_new} now",
    "rows-unknown": "An older version of supnorm has written one of the results: it does not say which rows have an error, "
    "so RMS and shares cannot be compared. Repeat this audit.",
    "both-infinite": "Both worst errors are infinite. The largest finite errors found are {old:error 4} (old) and "
    "{new:error 4} (new).",
    "more-failures": "The new model has no value at {new:count} evaluated points, the old one at {old:count}.",
}
SUMMARY = {
    "chip-worse": "worse",
    "chip-better": "better",
    "chip-no-difference-found": "no difference found",
    "chip-undecided": "undecided",
    "at": "{row?:row {row:count}: }{at:point}",
    "peak-same": "{row?:row {row:count}|same peak}: {old:error 4} before, {new:error 4} now, at {at:point}",
    "peak-moved": "moved: {old:error 4} at {before:point} before, {new:error 4} at {at:point} now",
    "peak-new": "{row?:row {row:count}, new among the worst|new}: {new:error 4} "
    "at {at:point}{known?: (old model there: {old:error 4})}",
    "peak-gone": "{row?:row {row:count}, no longer among the worst|gone}: {old:error 4} "
    "at {at:point}{known?: (new model there: {new:error 4})}",
    "share-above": "share above {above:error}",
    "share": "{low:percent} to {high:percent}",
    "stat-rows": "rows",
    "stat-mae": "mean absolute error of {output}",
    "stat-bias": "bias of {output} (prediction minus truth)",
    "stat-quantile": "{share:percent 4} of the errors are at most",
    "stat-above": "share of the rows above the tolerance",
    "stat-group-worst": "{column} {value}: worst error",
    "stat-group-rms": "{column} {value}: RMS error",
    "was": "was {old}",
    "bound": "at most {upper:error at most 4} ({kind})",
    "planted": "{found:count} of {runs:count}",
}
TEMPLATES: Mapping[str, str] = VERDICT | REMARKS | SUMMARY


def narrator(measure: MeasureRecord, axes: Iterable[AxisRecord] = ()) -> Narrator:
    """What renders the facts of runs whose error is measured so, over these inputs."""
    unit = ErrorUnit(measure.kind, pretty_unit(measure.unit), measure.per_output)
    return Narrator(TEMPLATES, unit, units_of(axes))
