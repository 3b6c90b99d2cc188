"""What a file of properties or norms says beside model and reference as they run, for `check --problem`.

`certify` calls no limit proved that a model in lower precision was seen too near, and says of norms that they are those of
exact arithmetic; the verdicts in a file may be edited, and the file may be of a time when the same code ran in float64.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from supnorm.certification.exactly import Bracket
from supnorm.certification.measured import BEYOND
from supnorm.certification.norms import read_programs
from supnorm.certification.properties import read_model
from supnorm.certification.property import Property
from supnorm.certification.record_parts import assumed_words
from supnorm.certification.rounding import Array
from supnorm.certification.verdict import unit_of
from supnorm.problem import Problem
from supnorm.results.door import reading_table
from supnorm.wording import fact
from supnorm.wording.certify import CERTIFY, narrator


def beside_what_runs(
    path: Path | str, problem: Problem, claims: Mapping[str, Bracket]
) -> tuple[tuple[str, ...], bool]:
    """What was seen of the functions as they run, in sentences, and whether what an accepted file proves holds beside it.

    Args:
        path: of the file, which is about the problem (`statement_mismatch`).
        claims: those of the file.

    Raises:
        BadInput: when a function gives other values than its program, in float64 beyond rounding.
    """
    with reading_table(Path(path)):
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    if data["kind"] == "norms":
        _, seen = read_programs(problem, data["data"]["norms"], 0)
        below = map(narrator(unit_of(problem)).text, seen.below_float64)
        return (*assumed_words(seen), *below), True
    if data["kind"] != "properties":
        return (), True
    _, seen, observed = read_model(problem, 0)
    near = _limits_too_near(data, problem, claims, observed)
    return (*assumed_words(seen), *near), not near


def _limits_too_near(
    data: Mapping[str, Any], problem: Problem, claims: Mapping[str, Bracket], observed: Array
) -> tuple[str, ...]:
    """Sentences about the limits of properties that the model as it runs may break."""
    names, words = problem.output_names(len(observed)), []
    for entry in data["data"]["properties"]:
        if entry["property"] not in ("positive", "bounded") or entry["verdict"] != "proved":
            continue
        low, high = (float.fromhex(entry.get(key, end)) for key, end in (("low", "-inf"), ("high", "inf")))
        one = Property(entry["property"], entry["property"], entry["output"], low=low, high=high)
        margins = [
            claims[name][0] - one.threshold(name)
            if name.startswith("min")
            else one.threshold(name) - claims[name][1]
            for name in one.parts
        ]
        difference = float(observed[one.output])
        if difference > 0.0 and not min(margins) > BEYOND * difference:
            about = {"property": one.text, "output": names[one.output]}
            words.append(
                CERTIFY.text(fact("runs-too-near", margin=min(margins), difference=difference, **about))
            )
    return tuple(words)
