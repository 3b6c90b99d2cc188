"""The command that repeats a run, for its result; its options include decisions that were made by a clock."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from supnorm.results.printable import file_word


def repeated(verb: str, problem: Path | None, options: Mapping[str, Any]) -> str:
    """The command line of a verb; options that are None or False are left out.

    >>> repeated("fit", Path("my problem.toml"), {"seed": 0, "tolerance": 1e-6, "certify": True, "trust": False})
    "supnorm fit 'my problem.toml' --seed 0 --tolerance 1e-06 --certify"
    >>> repeated("audit", Path("--out.toml"), {})
    'supnorm audit ./--out.toml'
    """
    words = ["supnorm", verb] + ([] if problem is None else [file_word(problem)])
    for name, value in options.items():
        if value is None or value is False:
            continue
        words.append(f"--{name}")
        if value is not True:
            # The shortest exact form: rounding would give another seed, tolerance or time.
            words.append(shlex.quote(repr(value) if isinstance(value, float) else str(value)))
    return " ".join(words)
