"""Notes about keys that have no effect for a kind of source, so that nobody relies on them."""

from __future__ import annotations

from dataclasses import replace

from supnorm.problem import Function
from supnorm.problem.specification import SourceSpec

# The sources that use each key, as the end of a sentence.
PURPOSE = {
    "per_point": "Python code",
    "batch": "graphs and torch modules",
    "device": "graphs and torch",
    "precision": "code, programs and torch files",
    "timeout": "a command, a graph, a function of mpmath, or Python code with per_point = true",
    "retries": "a command, or Python code with per_point = true",
    "protocol": "a command",
}


def with_unused_noted(function: Function, spec: SourceSpec, kind: str, where: str, *used: str) -> Function:
    """The function with a note on each key that is given and not among the ``used`` ones.

    Args:
        kind: the kind of the source, as in "it has no effect for NumPy code".
        where: file and table, for the note.

    >>> import numpy as np
    >>> spec = SourceSpec(file="model.npz", timeout=5.0)
    >>> with_unused_noted(Function(np.sin), spec, ".npz files", "problem.toml: [model]").notes
    ('problem.toml: [model] timeout = 5 was not used: it has no effect for .npz files (it is for a command, a graph, a \
function of mpmath, or Python code with per_point = true)',)
    """
    notes = []
    for key, purpose in PURPOSE.items():
        value = getattr(spec, key)
        # If the function has this precision anyway, the key is superfluous but true.
        true = key in used or (key == "precision" and value == function.precision)
        if value == SourceSpec.model_fields[key].default or true:
            continue
        shown = "true" if value is True else f'"{value}"' if isinstance(value, str) else f"{value:g}"
        notes.append(
            f"{where} {key} = {shown} was not used: it has no effect for {kind} (it is for {purpose})"
        )
    return replace(function, notes=(*function.notes, *notes)) if notes else function
