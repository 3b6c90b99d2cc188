"""Why the average and the maximum differ, and which points or rows an audit has seen; one template for each fact."""

_ZERO = (
    "{function?:The error is exactly zero}{over?:The model is at or below the reference}"
    "{under?:The model is at or above the reference}{agree?:Model and reference agree exactly} at "
)
_POINTS = (
    "{of?:{every?:all {n:count} points of the domain|the {n:count} of {of:count} points of the domain that have an error}"
    "|{n:count} random points}"
)
_WORST = "The worst error{exhaustive?:| found}, {worst:error}{output?:, in {output}}, "
_REGION = (
    "The region around the worst point where the error is at least half as large fills {whole?:about|at least} 1 part in "
    "{part:num} of the domain: {whole?:about|at least about} "
)
TEMPLATES = {
    "text": "{text}",
    "nothing-to-explain": "No point had an error, so there is nothing to explain.",
    "infinite": "The worst error is infinite.",
    "rows": "The RMS error of {n:count} {n:row|rows} is {rms:error} and the largest error is {worst:error}.",
    "zero-everywhere": _ZERO + "every point {complete?:of the domain|where an error is known and counts}.",
    "zero-found": _ZERO + "all of {n:count} random points and everywhere the search looked.",
    "no-average": "The worst error found is {worst:error}; no average is known beside it.",
    "one-point": "One point of the domain has an error, {worst:error}: worst and average are the same.",
    "ratio": _WORST + "is {same?:as large as|{times:num} times} the RMS of " + _POINTS + ", {rms:error}.",
    "beside-zero": _WORST + "stands beside the RMS of " + _POINTS + ", {rms:error}.",
    "region-hit": _REGION + "{hits:ratio} of {drawn:count} random points fall into it.",
    "region-missed": _REGION + "one in {tests:ratio} tests with {drawn:count} random points hits it.",
    "region-dominates": "That region alone makes the true RMS larger than the sample's: the sample has missed what "
    "dominates the average, which is at least {times?:{times:num} times as large|{least:error}}.",
    "region-hidden": "It makes up at least {share:percent} of the mean square, so the average hardly notices it.",
    "region-share": "It makes up at least {share:percent} of the mean square.",
    "region-shows": "It makes up at least {share:percent} of the mean square: the average shows it.",
    "region-unseen": "None of the random points lies in it, so their RMS does not contain it. Over the whole domain "
    "it makes up at least {share:percent} of the mean square, and the RMS is about {least:error} or more.",
    "sample-zero": "None of the random points had an error.",
    "sample-most": "The random points themselves saw at most {plain:error}.",
    "close": "Worst and average are close here: the error is evenly distributed.",
    # Which points of a finite domain were evaluated.
    "some-points": "{n:count} of the {of:count} points of the domain were evaluated; a worse one may be among the others.",
    "all-points": "{of:The only point of the domain was evaluated|All {of:count} points of the domain were evaluated}"
    "{but?:{left?:, but {but:and}. Of {left:the one{other?: other} point|the {left:count}{other?: other} points} none has a "
    "worse error than the one reported, as computed in floating point.|: {but:and}.}"
    "|: the worst error is that of the point reported, as computed in floating point; no worse point exists.}",
    "points-failed": "at {n:count} of them no error is known, because a function failed or gave no finite value there "
    "({first:points}{more?:; ...})",
    "point": "{at:point}",
    "points-in-part": "at {n:count} of them the reference has a value in some outputs only",
    "points-masked": "at {n:count} of them the error does not count, by the mask of the problem",
    # Which rows of a table were compared.
    "some-rows": "{n:count} of {of:count} rows were compared; what the others hold is unknown.",
    "rows-with-error": "The maximum over the {n:count} of {of:count} rows with an error is exact. Nothing is known about "
    "the other rows, or between rows.",
    "all-rows": "The maximum over {n:this row|these {n:count} rows} is exact. Nothing is known between rows.",
}
