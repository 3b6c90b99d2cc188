"""What a certificate is about, in words. No proof uses them, but without them an accepted file tells people nothing."""

from __future__ import annotations

from supnorm.checker.document import Document
from supnorm.checker.statements import Statement


def subject(document: Document) -> tuple[str, ...]:
    """Lines about the content of a file: the domain with its ends, the side, names and hashes of the functions."""
    units = document.units or ("",) * len(document.names)
    columns = zip(document.names, document.axis_low, document.axis_high, document.log, units, strict=True)
    axes = [
        f"{name} in [{a!r}, {b!r}]{f' {unit}' * (unit != '')}{' (log)' * log}"
        for name, a, b, log, unit in columns
    ]
    words = {"both": "to both sides", "over": "upwards (model above reference)", "under": "downwards"}
    hashes = ", ".join(h[:16] for h in document.hashes)
    made = ", ".join(f"{k} {v}" for k, v in document.versions if k in ("supnorm", "numpy", "jax", "torch"))
    outputs = document.programs[0][-1].width
    kind = f"{document.error}, " if document.error else ""
    lines = [
        "domain: " + "; ".join(axes),
        *(f"{which}: {name} (a name that the maker of the file chose)" for which, name in document.functions),
        f"error: {kind}{words[document.side]}, of {outputs} output{'s' * (outputs > 1)}",
        f"programs (SHA-256 begins): {hashes}",
    ]
    lines += [f"evaluated, not read: the {one.which}, {one.name}" for one in document.declared]
    return (*lines, f"made with: {made}") if made else tuple(lines)


def subject_of_statement(statement: Statement) -> tuple[str, ...]:
    """Lines about the content of a file of several parts: the domain with its ends, the functions, the parts."""
    axes = statement.given.axes
    columns = zip(axes.names, axes.low, axes.high, axes.log, statement.units, strict=True)
    ends = [
        f"{name} in [{a!r}, {b!r}]{f' {unit}' * (unit != '')}{' (log)' * log}"
        for name, a, b, log, unit in columns
    ]
    made = ", ".join(f"{k} {v}" for k, v in statement.versions if k in ("supnorm", "numpy", "jax", "torch"))
    lines = [
        "domain: " + "; ".join(ends),
        *(
            f"{which}: {name} (a name that the maker of the file chose)"
            for which, name in statement.functions
        ),
        f"parts: {', '.join(statement.parts)}",
    ]
    return (*lines, f"made with: {made}") if made else tuple(lines)
