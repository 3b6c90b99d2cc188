"""Whether a model as it runs keeps the limits that its program is proved to keep, for `check --problem`.

`certify` calls no limit proved that a model in lower precision was seen too near; the verdicts in a file may be edited, and
the file may be of a time when the same code ran in float64.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from supnorm.certification.exactly import Bracket
from supnorm.certification.measured import BEYOND
from supnorm.certification.properties import read_model
from supnorm.certification.property import Property
from supnorm.problem import Problem
from supnorm.results.door import reading_table
from supnorm.wording import fact
from supnorm.wording.certify import CERTIFY


def limits_too_near(path: Path | str, problem: Problem, claims: Mapping[str, Bracket]) -> tuple[str, ...]:
    """Sentences about the limits of an accepted file that the model as it runs may break; none for a file of another kind.

    Args:
        path: of the file, which is about the problem (`statement_mismatch`).
        claims: those of the file.

    Raises:
        BadInput: when the model gives other values than its program, in float64 beyond rounding.
    """
    with reading_table(Path(path)):
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    if data["kind"] != "properties":
        return ()
    _, _, observed = read_model(problem, 0)
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
