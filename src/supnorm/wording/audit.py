"""What the page and the summary of an audit say besides the words of its result; one template for each fact."""

from supnorm.wording.other_certificate import TEMPLATES as OTHER_CERTIFICATE

_ALLOWED = "{allowed?:your tolerance of {allowed:error}|any tolerance}"
_LEVEL = "{tolerance?:the tolerance|{level:error}}"
_WITHOUT = "{rows?:{n:row|rows} of the table|random {n:point|points}}{valued?: that {n:has|have} a value}"
# What a share of random points is a share of: in short, and where it is the subject of a sentence.
_DRAWN = "{law?:of what the law “{law}” draws|of the domain}"
_PART = (
    "{rows?:of such rows, if they are independent draws,|{valued?:{law?:of such points|of that part of the domain}|"
    + _DRAWN
    + "}}"
)
_WHOLE = (
    "{rows?:of such rows, if they are independent draws,|{valued?:{law?:of the points with a value that the law “{law}” "
    "draws|of the part of the domain that has a value}|" + _DRAWN + "}}"
)
_GLITCH = "([glitch:what is that?])"
_EVERY = "{points:the only point|all {points:count} points}"
_EVERY_DOMAIN = (
    "{points:the only point of the domain was|all {points:count} points of the domain were} evaluated"
)
_SECOND = "A second reference{name?: ({name})|}"

VERDICT = {
    # The chip above the headline, and the first line of the summary.
    "chip-nothing": "Nothing could be measured",
    "chip-doubt": "The reference is in doubt",
    "chip-unresolved": "Unresolved: the model or the reference is wrong",
    "chip-over": "Tolerance exceeded",
    "chip-proven": "Proven {tolerance?:within tolerance|bounded}{exact?: in exact arithmetic}",
    "chip-assumed": "{tolerance?:Within tolerance|Bounded} on assumptions; not proven",
    "chip-interrupted": "Interrupted; no verdict",
    "chip-over-interrupted": "Tolerance exceeded at a point; the search was interrupted",
    "chip-rows": "Within tolerance in {drawn?:the {rows:count} of {drawn:count} rows with an error|{rows:the only row|all "
    "{rows:count} rows}}; nothing is known between rows",
    "chip-table": "Statistics of a table; not proven",
    "chip-evaluated": "No tolerance given; every point evaluated",
    "chip-complete": "Within tolerance at {points:its only point|all {points:count} points}, as computed",
    "chip-known": "Within tolerance wherever an error is known",
    "chip-open": "Nothing above tolerance found; not proven",
    "chip-found": "No tolerance given; worst error found, not proven",
    "hatched": "hatched: {bounded?:between the worst error found and the bound|not excluded}",
    # Where a point is, and how large its error.
    "coordinate": "[.nb:{name} = {value}]",
    "at-point": "{begin?:At|at} {at:list}{more?: and [#where:{more:count} more inputs]}",
    "at-one-point": "{begin?:At|at} one [#where:point] of the {d?:{d}-dimensional }domain",
    "in-row": "{begin?:In|in} [#where:{row}]",
    "size": "{error:error}",
    "size-factor": "a factor of {factor:num}",
    "size-tolerance": "{error:num} times its tolerance",
    "size-scale": "{error:error} times the given scale",
    # The headline.
    "no-point": "The error could be computed at **no point**.",
    "rows-missing": "In **{infinite:count} of {rows:count} rows** {model?:the model has no value where the reference has "
    "one|the error is infinite}.",
    "rows-finite": "Of the {n:row|{n:count} rows} with a finite error the worst error is **{size:list}**, {where:list}.",
    "rows-others": "Of {n:the other row|the other {n:count}} the worst error is **{size:list}**, {where:list}.",
    "model-missing": "{where:list} the model gives **no value** where the reference does.",
    "relative-to-zero": "{where:list} the reference is 0 and the model is not: the relative error is **infinite**.",
    "infinite-though-finite": "{where:list} the error is **infinite**, though both values are finite.",
    "points-missing": "At **{infinite:count} of {of:count} {points}** the model has no value where the reference has one, "
    "for example {where:list}.",
    "points-infinite": "The error is infinite at {infinite:count} of {of:count} {points}.",
    "worst-finite": "The worst finite error found is **{size:list}**, {where:list}.",
    "in-doubt": "{where:list} the reference itself is in doubt: model and reference differ by **{size:list}**.",
    "confirmed-elsewhere": "{where:list} the second reference confirms an error of **{size:list}**, above the tolerance.",
    "differ": "{where:list} model and reference differ by **{size:list}**, and a second reference does not settle which "
    "is right.",
    "label-differs": "{where:list} model and label differ by **{size:list}**, but the label does not fit its neighbours "
    "either.",
    "wrong": "{where:list} {output?:the model’s {numbered?:output }{output}|the model} is wrong by **{size:list}**."
    "{allowed?: You allow {allowed:error}.}",
    "at-most-everywhere": "The error is at most **{upper:error at most}** everywhere{assumed?:, on assumptions}{exact?:, in "
    "exact arithmetic}.",
    "none-above": "No point {complete?:has an error|where an error is known has one} above "
    + _ALLOWED
    + ". The worst is **{size:list}**, {where:list}.",
    "rows-within": "None of {rows:count} rows has an error above "
    + _ALLOWED
    + ". The worst is **{size:list}**, {where:list}.",
    "nothing-above": "No error above "
    + _ALLOWED
    + " was found{interrupted?: before the audit was stopped}. The worst found is **{size:list}**, {where:list}.",
    "worst-error": "{rows?:Of {rows:count} rows the|The} worst error{found?: found} is **{size:list}**, {where:list}.",
    "zero-error": "{function?:The error is **exactly zero**}{over?:The model is **at or below the reference**}{under?:The "
    "model is **at or above the reference**}{agree?:Model and reference **agree exactly**} at every point {complete?:of the "
    "domain}{known?:where an error is known and counts}{tried?:tried}{masked?: where the error counts}.",
    # The paragraph below it.
    "all-failed": "Every evaluation of model or reference failed; section “No value” lists the causes.",
    "all-masked": "The mask of the problem leaves out every point that was tried.",
    "all-failed-or-masked": "At every point that was tried, model or reference failed or the mask of the problem leaves the "
    "point out; section “No value” lists the causes.",
    "rms": "The [rms:typical (RMS) error] is {rms:error} ({n:count} {points}).",
    "all-zero": "Every error computed was exactly zero.",
    "rms-zero": "None of {n:count} {points} had an error.",
    "times-rms": "{worst?:The worst error{found?: found} is {worst:error}: |That is }{times:ratio} times the [rms:typical "
    "(RMS) error] of {rms:error}{n?: ({n:count} {points})}{over?: and {over:ratio} times the [tolerance:tolerance]}.",
    "rms-at-least": "The sizes of the peaks found show that the true RMS is at least {least:error} (95 % confidence): the "
    "random points missed these peaks.",
    "random-tests": "{n:count} random test points would have shown at most {plain:error}.",
    "table-given": "A table was given, so nothing could be searched. {text}",
    "no-bound": "There is **no [upper-bound:upper bound]**: a worse point may exist.",
    "bound-proven": "It is proven that the error is nowhere above **{upper:error at most}**.",
    "bound-exact": "In exact arithmetic the error is nowhere above **{upper:error at most}** (proven); rounding of the "
    "deployed model is not covered.",
    "bound-assumed": "The error is nowhere above **{upper:error at most}** ([conditional:conditional bound]) provided these "
    "assumptions hold: {given?:{given}|the {n:count} [#missed:named with the proof]}.",
    # Above the fold where the second reference does not confirm the worst point.
    "recheck-doubt": "**Re-check: the reference is in doubt.**",
    "recheck-unresolved": "**Re-check unresolved.**",
    "second-missing": _SECOND
    + " could not compute this point; the reference gives {reference}, the model {model}.",
    "second-value": _SECOND
    + " gives {second} where the reference gives {reference}; the model says {model}.",
    "doubt-means": "The second reference sides with the model, so this may be no fault of the model.",
    "missing-means": "So it does not say which of the two is right.",
    "unresolved-means": "The fault may lie in the reference, or the question may have no sharp answer here.",
}
SECTIONS = {
    # Where is the worst point, and what happens there?
    "where-none": "There is no worst point: no evaluation gave an error.",
    "where-values": "There the model gives **{model}**; the reference gives **{reference}**.",
    "where-joint": "The error is one of all outputs together; most of it comes from {output}.",
    "where-output": "The output is {output}.",
    "where-confirmed": "A second reference{name?: ({name})} confirms it: {second}.",
    "where-size": "The error stays above half of this peak in {about?:about }{least?:at least }{size:share} of the "
    "domain{low?: (between {small?:{low:share} and {high:share}|{low:percent} and {high:percent}}, with 95 % confidence)}"
    "{least?: ({least:share} with 95 % confidence; the region goes on beyond what was measured)}.",
    "where-data": "The distance to the nearest data point is {times:ratio} times the usual spacing of the data.",
    "profile-worst": "Along the outputs the error is largest, {error:error}, at {output}.",
    "gap": "The largest gap between training points runs from {left} to {right}{inside?:: the worst point lies in it}. "
    "Ticks under the curve: training points.",
    "cuts-chosen": "The plots show the {n:count} inputs along which the error varies most.",
    # How is the error distributed?
    "no-errors": "{drawn?:None of {drawn:count} {rows?:rows|{points}} has an error that counts|No independent random points "
    "were evaluated}{shares?:, so nothing is known about shares}.",
    "shares-infinite": "Random points have infinite errors themselves, so no share above a level is given.",
    "share-exact": "**{k?:{k:count}|None}** of the {n:count} {n:point|points} {every?:of the domain|(of {of:count}) that "
    "{n:has|have} an error}{k?: ({share:percent})} {several?:exceed|exceeds} "
    + _LEVEL
    + ": counted, not estimated. "
    "Quantiles and averages are those of all these points as well.",
    "share-proven": "Nothing exceeds "
    + _LEVEL
    + ": that is proven, {exact?:in exact arithmetic|rounding included}.",
    "share-none": "None of {n:count} "
    + _WITHOUT
    + " exceeds "
    + _LEVEL
    + ": with {sure:percent} confidence, at most **{at_most:share}** "
    + _PART
    + " does.",
    "share-some": "At most **{at_most:share}** "
    + _WHOLE
    + " exceeds "
    + _LEVEL
    + " ({sure:percent} confidence); {share:share} of the "
    + _WITHOUT
    + " did.",
    "share-most": "**{k:count}** of {n:count} " + _WITHOUT + " exceed " + _LEVEL + ".",
    "share-only": "A share says how often errors exceed a level, not by how much.",
    # Which peaks are worst?
    "peaks-none": "No distinct peaks were recorded.",
    "peaks-rows": "The list shows the worst rows, highest first.",
    "glitches-unknown": "Whether a peak counts as a glitch " + _GLITCH + " was not measured.",
    "glitches-none": "No peak counts as a glitch "
    + _GLITCH
    + ": {broad?:the large errors form a broad region rather than "
    "isolated spots|none is at once small, isolated and far above nearly all other errors}.",
    "glitches": "{n:One peak counts as a glitch|{n:Spelled} peaks count as glitches} " + _GLITCH + ".",
    "peaks-one": "{seen?:One peak is listed; independent ascents ended on {seen:count} different ones|"
    "{exhaustive?:There is|The search found} a single peak}.",
    "tag-glitch": "glitch",
    "tag-interior": "interior",
    "tag-edge": "on the edge{on?:: {on}}",
    "tag-edges": "on the edge in {n:count} of {d:count} inputs",
    "tag-off-data": "away from the data: {times:ratio} times its spacing",
    "tag-sharp": "sharp in the {side}",
    "tag-label": "! the label is far from its neighbours",
    "tag-confirmed": "✓ re-check: confirmed",
    "tag-unresolved": "? re-check: unresolved",
    "tag-in-doubt": "! re-check: reference in doubt",
    "peak-times": "{times:ratio} times the tolerance",
    "peak-values": "{row?:{row}: }{output?:{output}: }model {model}, reference {reference}{second?:, second reference "
    "{second}}",
    "grey": "no value{masked?:, outside the domain or not counted| or outside the domain}",
    "peaks-listed": "The list shows the distinct peaks, highest first.",
    # The whole picture.
    "map-cells": "{rows?:Each cell shows the largest error of the rows in it. Grey: no row with a value lies there. The "
    "numbers are those of the rows listed above.|Each cell shows the largest error of the points evaluated in it. A spot "
    "smaller than a cell shows only where a point hit it. Grey: no point with a value was evaluated there. The numbers are "
    "those of the peaks listed above.}",
    "map-panels": "Each panel looks along all other inputs and keeps the largest error seen: a strong colour means that "
    "somewhere behind this cell the error is large. {shown?:The panels show the {shown:count} of {pairs:count} pairs of "
    "inputs that vary most. }Cells hold few points in high dimension; an empty-looking cell proves nothing.",
    # How large can the error be, and where?
    "bounds": "Nowhere above **{upper:error at most}** ({conditional?:conditional: it holds if the named assumptions do|"
    "proven{exact?: in exact arithmetic}}), in {boxes:count} {boxes:box|boxes}.",
    "bounds-reached": "The bound is at most {target:error}, as asked, in {share:percent} of the domain.",
    "bounds-shown": "The picture shows the bound of each place, not an error that was found. The worst point lies where the "
    "bound is at least as large as the worst error found.",
    # What could this search have missed?
    "power-table": "There was no search, because a table was given. Between its rows nothing is known.",
    "power-nothing": "Nothing: " + _EVERY_DOMAIN + ".",
    "power-unknown": "Only what lies where no error is known or counts: " + _EVERY_DOMAIN + ".",
    "power-unmeasured": "How small an error this search would have missed was not measured: no errors were "
    "planted{why?:: {why}| in this run}.",
    "bumps-found": "Of {runs:count} planted errors that fill **{extent:share} of the domain**, such searches found "
    "**{found:count}**: with {sure:percent} confidence they find at least {share:percent} of errors of this size and "
    "height.",
    "bumps-missed": "{even?:Even errors|Errors} that fill {even?:|only }**{extent:share} of the domain** could have been "
    "missed: {found:count} of {runs:count} were found.",
    "sheets-found": "Of {runs:count} planted thin errors between two jumps **{extent:num} of the range** apart, such "
    "searches found **{found:count}**: with {sure:percent} confidence they find at least {share:percent} of such errors.",
    "sheets-missed": "Thin errors between two jumps {even?:|only }**{extent:num} of the range** apart could have been "
    "missed: {found:count} of {runs:count} were found.",
    "bump-extent": "{volume:share} of the domain",
    "sheet-extent": "two jumps {volume:num} of the range apart",
    "sheet-shape": "the thin sheet between them, across the domain",
    "cube": "a cube {width:percent} of each range wide{side?:, in the {side}}",
    "ball": "round a random place of the {data?:data|domain}{side?:, in the {side}}",
    "power-caption": "How often the same kind of search{evaluations?:, with {evaluations:count} evaluations,} found an "
    "error planted at a random place. {searched?:These searches used {searched}, because so many calls of model and "
    "reference would cost too much.|These searches called your model and reference.} A planted bump is round. A jump, as at "
    "the boundary of a phase, is harder to find: the planted sheets stand for jumps.",
    "power-left-out": "Not all that was asked for was planted: {why}.",
    "unseen-none": "None: every point of the domain was evaluated.",
    "unseen-unmeasured": "Not measured: no independent ascents were run.",
    "unseen-ascents": "{ascents:One independent ascent|{ascents:count} independent ascents} ended on {peaks:one peak|"
    "{peaks:count} different peaks}; {once?:{once:spelled} of these {once:was|were} reached only "
    "once|each of these was reached more than once}.",
    "unseen-most": "Most ascents found a new peak: most peaks have not been seen. Search longer, or narrow the domain.",
    "unseen-chance": "So the chance that a further ascent reaches a peak not seen yet is about "
    "{value:percent}{at_most?: (at most {at_most:percent} with {sure:percent} confidence)}.",
    "random-exact": "None were needed: averages and shares are those of {n:count} points of the domain, evaluated one by "
    "one.",
    "random-rule-out": "{n:count} {rows?:rows, if they are independent draws,|independent points} can rule out, with 95 % "
    "confidence, only regions larger than {largest:share} {rows?:of such rows|" + _DRAWN + "}.",
    "proof-none": "None. `supnorm certify` gives an upper bound where model and reference can be analysed.",
    "proof-enumerated": "No certificate: "
    + _EVERY_DOMAIN
    + ", in floating point. That says nothing of the functions in "
    "exact arithmetic, nor of a model that is random from call to call.",
    "proof-certified": "The error is at most {upper:error at most}: proven. The proof rests on this:",
    "proof-exact": "The error is at most {upper:error at most} in exact arithmetic: proven for the same weights without "
    "rounding. The proof rests on this:",
    "proof-assumed": "The error is at most {upper:error at most} if all of this holds:",
    # Did searching longer help?
    "progress-table": "There was no search.",
    "progress-zero": "Every error was zero, from the first point to the last.",
    "progress-no-error": "No point had an error, from the first to the last.",
    "progress-unknown": "The search left no record of its progress.",
    "progress-late": "The search itself reached {best:error} after {reached:count} of {total:count} evaluations; the worst "
    "error, {worst:error}, came up later, in evaluations for pictures{planted?: or planted errors}.",
    "progress": "The worst point was reached after {reached:count} of the {total:count} evaluations of sampling and "
    "search{late?:, late in the search|, and the rest of the search did not improve on it}.",
    "longer": "{upper?:A longer search can find at most {upper:error at most}.|A longer search may well find more.}",
    # Where could nothing be measured?
    "failures-everywhere": "Everywhere: **none of {n:count} points** gave a finite error.",
    "failures": "The reference or the model gave **no finite value {rows?:in {n:count} of {of:count} rows|at {n:count} of "
    "{of:count} points}** ({share:percent}).",
    "failures-infinite": "{rows?:In|At} {n:count} of them the reference has a value and the model has none: each counts as "
    "an infinite error.",
    "failures-ignored": "At {n:count} of them the model has none: no error is counted there, as the problem asks.",
    "failures-unknown": "{n?:At {n:count} of them|There} the error is unknown.",
    "nowhere-outputs": "Nowhere: at all {of:count} points the error of at least one output is known.{others?: Other outputs "
    "have none at some points.}",
    "nowhere-infinite": "Nowhere: an error, finite or infinite, is known at all {of:count} points.",
    "nowhere": "Nowhere: all {of:count} evaluations gave finite values.",
    "failures-masked": "At {n:count} points the error does not count, by the mask of the problem.",
}
# The remarks beside the numbers of the summary in a terminal, in a few words each.
SUMMARY = {
    "times-tolerance": "{times:ratio} × tolerance",
    "over-rms": "{finite?:worst finite|worst} / RMS = {times:num}",
    "known-at": "at {n:count} {points}",
    "too-few": "too few {points}: {n:count}",
    "of-rows": "of {rows:count} rows",
    "of-points": "of {points:the only point|{points:count} points}",
    "of-evaluations": "of {of:count} evaluations",
    "lost-by-side": "{model?:model {model:count}, {infinite?:infinite errors|ignored}}{both?:; }{reference?:reference "
    "{reference:count}}",
    "infinite-in": "{row?:in|at} {infinite:count} of {of:count} {points}",
    "without-value": "the model has no value there",
    "worse-may-exist": "a worse point may exist",
    "exact-over-rows": "exact over the rows alone",
    "all-evaluated": _EVERY + " evaluated",
    "bound-kind": "{assumed?:on assumptions|proven{exact?: in exact arithmetic}}",
    "recheck-none": "no second reference",
    "recheck-word": "{doubt?:the reference is in doubt}{unresolved?:unresolved}{confirmed?:confirmed}",
    "found-table": "a table was given: no search",
    "found-proven": "the bound is proven",
    "found-none-planted": "no errors were planted",
    "found-planted": "planted errors",
    "found-all": "all at size {size:share}",
    "found-rate": "{rate?:{rate:percent}|none} at {size?:size }{volume:share}",
    "and-more": "and {n:count} more",
    "not-planted": "{some?:Not all|No} errors were planted: {why}.",
}
# What a run was made of.
RUN = {
    "evaluations": "{total:count} of model and reference: {parts:list}{failed?:; {failed:count} of them without a value}",
    "spent": "{n:count} {points?:{rows?:rows|independent random points}}{search?:search}{pictures?:pictures}{power?:planted "
    "tests}{recheck?:re-check}",
    "limits": "{evaluations?:{evaluations:count} evaluations}{both?:, }{seconds?:{seconds:num} s (a run limited by time is "
    "not repeatable to the digit)}",
    "time": "{seconds:duration}{model?:; model {model:duration}, reference {reference:duration} a point}",
    "law": "{law}{exact?:, all points of the domain}",
    "error-of": "|model − reference|{divisor?: / {divisor}}",
    "error-function": "the function given in the problem",
    "error-counts": "{error:list}{floor?:, the reference counting as at least {floor:num}}{over?:; only a model above the "
    "reference counts}{under?:; only a model below the reference counts}{multiples?:; in multiples of each output’s "
    "tolerance}",
}
# What a chart shows, for those who do not see it, and what stands beside its axes and lines.
CHARTS = {
    "ruler": "Error ruler, logarithmic: {marks:points}",
    "mark": "{name} {error:error}",
    "mark-level": "{share} of the {rows?:rows|{exact?:points|random points}}{finite?: with a finite error} have at most "
    "this",
    "level-most": "{share} at most",
    "mark-level-short": "{share} level",
    "mark-random": "{n:count} random tests",
    "mark-random-long": "largest of {n:count} random tests",
    "cut": "Model, reference and error along {axis} through the worst point{worst?:; worst {worst:error} at {at}}",
    "few-calls": "Dots: the reference was called only there, because a call is expensive.",
    "listed-values": "Dots (model, error) and rings (reference): the input takes only these values.",
    "cut-distance": "distance from the worst point{unit?:, {unit}}",
    "line": "Model, reference and error over the whole domain",
    "histogram": "Histogram of the error at {n:count} {rows?:rows of the table|{exact?:points of the domain|independent "
    "random points}}",
    "levels": "Share of the {whole} whose error exceeds a level{exact?:|, with 95 % upper limit}",
    "levels-axis": "share of the {whole} above",
    "map": "Map of the {bound?:upper bound proven for|largest error found in} each cell of the domain; {across} to the "
    "right, {up} upwards; the largest is {largest:error}",
    "panel": "{bound?:Largest upper bound|Largest error} over {across} and {up}: up to {largest:error}",
    "thumbnail": "Error around this point in {across} and {up}: up to {largest:error}",
    "curve": "Error around this point, up to {largest:error}",
    "profile": "Largest and typical error along {along}; the largest is {largest:error}",
    "profile-each": "{each:points}",
    "profile-one": "{name} {worst:error} (RMS {rms:error})",
    "steps": "Upper bound of the error over the whole domain, at most {largest:error at most}",
    "no-values": "Share of points without a value along {axis}: at most {most:num} % in a bin",
    "best-so-far": "Best error found against evaluations: the search reached {best:error} after {n:count}{random?:; plain "
    "random sampling {random:error} after {of:count}}",
    "colours": "Colour scale of the {bound?:upper bound|error}, from {low:error} to {high:error}",
    "scatter": "Prediction against truth of {output}",
    "scatter-axis": "prediction of {output}",
    "rows-chosen": "{drawn:count} of {of:count} rows, the {worst:count} worst and evenly chosen ones",
    "rows-not-drawn": "without {n:the row|the {n:count} rows} whose error is infinite",
    "rows-against": "Error against {axis}",
    "groups-more": "The {shown:count} worst of {of:count} values.",
    "groups-left": "and {n:count} more in result.json",
    "rows-accuracy": "{output}: mean absolute error {mae}, root mean square {rmse}, bias {bias}, R² {r2}, over {n} rows",
    "legend": "{bound?:upper bound of }{what}{bar?:; bar: tolerance}",
}
TEMPLATES = {**VERDICT, **SECTIONS, **SUMMARY, **RUN, **CHARTS, **OTHER_CERTIFICATE}
