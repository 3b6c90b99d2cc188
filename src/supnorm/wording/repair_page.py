"""What the page and the summary of a repair say besides the words of its result; one template for each fact."""

TEMPLATES = {
    "chip-mended": "mended; not proven",
    "chip-within-tolerance": "mended, and the tolerance proved",
    "chip-tolerance-exceeded": "mended, still above the tolerance",
    "chip-undecided": "mended; the tolerance is not proved",
    "chip-not-improved": "not improved: the old model stays",
    "chip-interrupted": "interrupted",
    "chip-nothing-found": "nothing to mend",
    "asked": "{tolerance?:tolerance {tolerance:error}|no tolerance}",
    "method": "{patch?:patches inside {regions:count} {regions:region|regions}}{residual?:a small network added to the "
    "model}{exchange?:training further on the worst points}, {parameters:count} {parameters:number|numbers} trained",
    # The headline.
    "fell": "Mended: the largest error found is {times?:{times:ratio} times smaller|zero}.",
    "stays": "The old model stays, with a largest error of {before:error}.",
    "nothing": "There is nothing to mend: no error above the tolerance was found.",
    # Before and after.
    "worst-row": "largest error found",
    "rms-row": "root mean square error, {n:one random point|{n:count} random points}",
    "level-row": "error that {share:percent 4} of its audit’s points do not exceed",
    "after-what": "{n?:The root mean square errors of both models are over the same {n:count} random points. }The old "
    "model's {n?:other |}numbers are those of the audit that the repair started from; the mended model was audited with a "
    "seed that no part of the repair has used. The random points of two audits differ, other than rows of a table: an "
    "error that a share of them does not exceed can be larger though no error grew. Largest errors are lower bounds.",
    "before-what": "The numbers are those of the audit that the repair started from.",
    "dumbbell": "Errors of the old and of the mended model, from typical to largest",
    # Harm.
    "harm-none": "A search of {n:count} evaluations for the point where the error grew most found none where it grew.",
    "harm-found": "The largest growth of the error that a search of {n:count} evaluations found is **{growth:error}**: at "
    "{at:point} the error was {before:error} and is {after:error}. A mended model is accepted up to a growth of "
    "{allowed:error}.",
    "harm-share": "At {grew:count} of {n:count} random points the error grew; with 95 % confidence it grew on at most "
    "{limit:percent 3} of the inputs (by the law of the problem).",
    "harm-confined": "Outside the regions the mended model is the old one, bit for bit: nothing can have become "
    "worse there.",
    "harm-unknown": "The repair ended before this was searched for.",
    # Rounds.
    "rounds-what": "Each round adds the worst points of the last search and trains further. The best round was chosen by "
    "these errors, so an audit with a fresh seed may find larger ones: its numbers stand above.",
    "rounds-patch": "Each round patches the highest peaks of the last search. These searches chose the peaks, so an "
    "audit with a fresh seed may find larger errors: its numbers stand above.",
    "regions-what": "Round the centre of each peak that was mended, the middle and the extent in each input.",
    "rounds-axis": "largest error found in the round",
    # What is proved.
    "proof-none": "Nothing was proved. --certify asks for a proof of the tolerance, --bound-change for one of how far both "
    "models differ.",
    "proof-tolerance": "The largest error lies between {lower:error at least 4} and {upper:error at most 4} ({kind}). "
    "`supnorm check certificate.json` verifies it.",
    "proof-outside": "Outside of {boxes:one box|{boxes:count} boxes} round the mended regions they differ nowhere by more "
    "than {upper:error at most 4}: `supnorm check` verifies {parts:one file|{parts:count} files}, {names}.",
    "proof-outside-none": "How much less they differ outside of the mended regions was not proved: there was no time left, "
    "too many boxes would be needed, or the domain is no plain box.",
    "proof-change": "Nowhere in the domain do the mended and the old model differ by more than {upper:error at most 4} "
    "({kind}). `supnorm check change.json` verifies it.{worst?: As the old model's error is proved to be at most "
    "{old:error at most 4}, the mended model's is nowhere above {worst:error at most 4}.}",
}
