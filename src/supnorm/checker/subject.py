"""What a certificate is about, in words. No proof uses them, but without them an accepted file tells people nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from supnorm.checker.document import Document
from supnorm.checker.quoted import ERROR, UNIT, quoted
from supnorm.checker.statements import Statement


def subject(document: Document) -> tuple[str, ...]:
    """Lines about the content of a file: the domain with its ends, the side, names and hashes of the functions."""
    units = document.units or ("",) * len(document.names)
    words = {"both": "to both sides", "over": "upwards (model above reference)", "under": "downwards"}
    hashes = ", ".join(h[:16] for h in document.hashes)
    outputs = document.programs[0][-1].width
    kind = f"{quoted(document.error, ERROR)}, " if document.error else ""
    return (
        _domain(document.names, document.axis_low, document.axis_high, document.log, units),
        *_named(document.functions),
        f"error: {kind}{words[document.side]}, of {outputs} output{'s' * (outputs > 1)}",
        f"programs (SHA-256 begins): {hashes}",
        *(f"evaluated, not read: the {one.which}" for one in document.declared),
        *_made_with(document.versions),
    )


def subject_of_statement(statement: Statement) -> tuple[str, ...]:
    """Lines about the content of a file of several parts: the domain with its ends, the functions, the parts."""
    axes = statement.given.axes
    return (
        _domain(axes.names, axes.low, axes.high, axes.log, statement.units),
        *_named(statement.functions),
        f"parts: {', '.join(statement.parts)}",
        *_made_with(statement.versions),
    )


def _domain(
    names: Sequence[str],
    low: Sequence[float],
    high: Sequence[float],
    log: Sequence[bool],
    units: Sequence[str],
) -> str:
    axes = [
        f"{quoted(name)} in [{a!r}, {b!r}]{f' {quoted(unit, UNIT)}' if unit else ''}{' (log)' * by_log}"
        for name, a, b, by_log, unit in zip(names, low, high, log, units, strict=True)
    ]
    return "domain: " + "; ".join(axes)


def _named(functions: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{which}: {quoted(name)} (a name that the maker of the file chose)" for which, name in functions]


def _made_with(versions: Iterable[tuple[str, str]]) -> list[str]:
    made = [f"{k} {quoted(v)}" for k, v in versions if k in ("supnorm", "numpy", "jax", "torch")]
    return [f"made with: {', '.join(made)}"] if made else []
