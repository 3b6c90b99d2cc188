"""Templates of the certificate sheet: what `check` verified, in plain words, and nothing more."""

from __future__ import annotations

TEMPLATES = {
    "title-of": "{title}",
    "title-none": "Certificate sheet",
    "chip-proved": "verified",
    "chip-conditional": "verified, on conditions",
    "chip-open": "verified, but it does not prove what is asked for",
    "chip-rejected": "rejected",
    "stated-bound": "The error of the model is **at most {upper:error at most 4}**, at every point of the domain that "
    "stands below.",
    "stated-lower": "At one point it is at least {lower:error at least 4}, so no bound below that can be true.",
    "stated-error": "How the error is measured: {how}.",
    "stated-no-bound": "The file proves **no upper bound** of the error.",
    "stated-parts": "The file proves this:",
    "stated-nothing": "The file was **rejected**: it proves nothing. {reason}",
    "stated-limit": "{advice}",
    "if-conditions": "This holds only if the conditions below hold; they were not verified.",
    "assumes-none": "Nothing that a user declared: model and reference were read as formulas, and the bound follows from "
    "these.",
    "assumes-declared": "Declared, not verified: {assumption}",
    "assumes-deployed": "Assumed of the machine that runs the model: {assumption}",
    "assumes-measured": "Measured at points, not proved: {line}",
    "assumes-checker": "The checker is taken to be right: it shares no code with what made the file, and proves every box "
    "again in ball arithmetic.",
    "not-outside": "Inputs outside of the domain.",
    "not-truth": "Whether the reference is right: the statement compares two functions.",
    "not-rounding": "Rounding of the model as it runs{tied?: beyond what was compared at points}: the statement is about "
    "exact arithmetic.",
    "not-other": "Any other model, reference or file: the hashes below say which ones are meant.",
    "not-tied": "**That the file is about your model.** No problem was given to the check (`--problem`): the names in the "
    "file, its units and its kind of error are its maker's words.",
    "not-everywhere": "That the code as it runs equals the formulas everywhere: they were compared at points.",
    "checked-boxes": "{leaves:One box was|{leaves:count} boxes were} proved again, in {seconds:duration}.",
}
