"""What limits the numbers of an audit, what it plans, and why errors were not planted; one template for each fact."""

TEMPLATES = {
    "single-precision": "The {side} runs in {precision}: errors below about {size:num} of its values are its rounding, not "
    "its fit.",
    "equal-values": "The error is exactly 0 wherever it was computed. Two programs that were written apart seldom agree so "
    "well: check that the reference is not the model itself.",
    "noise": "The {side} gives values that differ between {between} by up to {noise:num 1} of their size (measured at the "
    "first points): errors of that size are this difference, not its fit.",
    "equation-beside": "The problem has an [equation] too. Errors and the tolerance are here about the model against "
    "[reference]; the distance from the solution of the equation is what certify bounds.",
    "enough-seconds": "The run was limited by seconds, which sufficed for every point. Sizes of peaks and pictures that "
    "there was no time for are left out.",
    "limited-by-seconds": "The search was limited by seconds: another machine or run may find another point. So were sizes "
    "of peaks, pictures and planted errors: what there was no time for is left out.",
    "asynchronous": "Calls of {seconds:duration} were spread over {workers:count} workers: the next points are chosen while "
    "others are still computed, so that a repeat may search elsewhere. With in_order=True, or one worker, it does not.",
    "near-limit": "A timing near {limit:num} ms decided how this audit searched: {near:and}. The repeat command keeps "
    "that; --cost {choices} decides it beforehand.",
    "near-alone": "The reference took {seconds:num} s a point. Above {limit:num} s the search gives each worker a new point "
    "as soon as it is free; below, it sends many points together and waits for all of them. This audit did the "
    "{one_by_one?:first|second}. The time is so near the limit that another run could do the other, and would then evaluate "
    "other points. The repeat command does the same again; --cost {choices} decides it beforehand.",
    "chosen-budget": "No budget was given. A call took {seconds:duration}, so {n:count} evaluations were chosen; the "
    "repeat command has this number, and --evaluations N gives another one.",
    "timing": "the {side} took {ms:num} ms a point, so it counts as {expensive?:expensive|cheap}",
    "one-place": "{workers:count} workers were asked for, but the reference was called in one place only: a function "
    "that is given in Python may not be able to run several times at once. If it is, say so: Function(f, "
    'parallel="thread").',
    "many-files": "Functions of this problem opened more than {most:count} files. The run watches the first {most:count}: "
    "it does not see an edit of another one, neither while it works nor when it is resumed.",
    "finite-domain": "The domain has {most?:at most }{n:count} points. An audit with as many evaluations evaluates each of "
    "them, and no worse point can then exist.",
    # Evaluations at most, said before the search.
    "chosen": "a call takes {call:duration}: {n:count} evaluations were chosen, about {n_seconds:duration}"
    "{workers?: with {workers:count} workers}; --evaluations N changes that",
    "planned": "planned: at most {total:count} "
    "{call?:calls of {both?:model and reference each|{model?:the model|the reference}}|evaluations}"
    "{call?: in about {seconds:duration}}: {search:count} of search "
    "and statistics{call?: ({search_seconds:duration})}"
    "{pictures?:, {pictures:count} for sizes of peaks and pictures{call?: ({pictures_seconds:duration})}}"
    "{power?:, {power:count} for planted errors}"
    "{recheck?:, {recheck:count} of the second reference{call?: ({recheck_seconds:duration})}}"
    "{call?:; the search itself takes further time{searches?:; planted errors take {searches:count} searches"
    "{searching?:, about {searching:duration},} in which {both?:neither is|the {model?:model|reference} is not} called "
    "(--no-power leaves them out)}"
    "{both?:|; the {model?:reference|model} is cheap and is called more often}}",
    # Why errors were not planted, and what was searched for them.
    "plants-without-height": "their heights are multiples of the worst error, which the search left {left}",
    "plants-without-time": "where a call takes more than 1 ms a point they need a stand-in, and the time does not "
    "suffice to fit one: give {seconds:num} s or more",
    "plants-without-values": "too few values of model and reference are known for a stand-in to be searched in their place",
    "plants-without-size": "no size was asked for that can be planted here",
    "plants-in-own-error": "how an error function of your own grows with the model and with the reference is not known",
    "plants-too-late": "there was no time for {n:count} of {of:count} kinds",
    "plants-unseen": "for {n:count} of them no point was found where they could show",
    "plants-nowhere": "every point of the domain was evaluated, so no error can hide",
    "plants-among-others": "the points of the domain were evaluated one by one, but not all of them; nothing is known of "
    "the others",
    "plants-stopped": "the audit was stopped before",
    "audited-pair": "the audited pair",
    "stand-in": "a stand-in: a Gaussian process of the {sides} through {n:count} computed values",
}
