"""``supnorm replay RUN [N]``: evaluate a witness of a run again and print both values."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from supnorm.cli.answer import answer, say
from supnorm.cli.options import JSON, TRUST
from supnorm.cli.report import RUN

NUMBER = Annotated[int, typer.Argument(metavar="[N]", help="Which place, 1 is the worst.", min=1)]


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("replay")(command)


def command(
    run: RUN,
    number: NUMBER = 1,
    problem: Annotated[
        Path | None, typer.Option("--problem", metavar="PROBLEM.toml", help="Where the problem file is now.")
    ] = None,
    as_json: JSON = False,
    trust: TRUST = False,
) -> int:
    """Evaluate witness N of a run again and print both values; exit 1 when the error is another one."""
    from dataclasses import replace

    import numpy as np

    from supnorm.auditing import load_report
    from supnorm.auditing.joint import with_output
    from supnorm.evaluation.caller import guarded
    from supnorm.results import BadInput, to_json
    from supnorm.results.door import DAMAGED, faults_of
    from supnorm.results.encoding import dumps
    from supnorm.sources import open_problem

    report = load_report(run)
    places = report.places
    if number > len(places):
        raise BadInput(f"{run} has {len(places)} places; give N from 1 to {len(places)}, got {number}")
    path = problem or run / "problem.toml"
    opened = open_problem(path, trust=trust)
    with faults_of(f"{run / 'result.json'}", DAMAGED):
        then = places[number - 1]
        if list(opened.domain.names) != [a["name"] for a in report.document["axes"]]:
            raise BadInput(f"{path} has other inputs than the run in {run}; give the run's own --problem")
        if opened.model is None:
            raise BadInput(f"{path} has no [model]; give the run's own --problem")
        x = then.x[None]
        outputs = len(report.document["outputs"])
        given: list[Any] = [None, None]
        if opened.pairs is not None:  # a row is found by its number: others may have the same inputs
            pair = np.flatnonzero(opened.pairs.row + 1 == then.row)
            if not len(pair) or not np.array_equal(opened.pairs.x[pair], x, equal_nan=True):
                raise BadInput(f"{path}: row {then.row} of the run in {run} is not in its table any more")
            given = [
                None if side is None else side[pair] for side in (opened.pairs.model, opened.pairs.reference)
            ]
        try:
            model, reference = (
                guarded(f.value, x, outputs)[0] if row is None else row
                for f, row in zip((opened.model, opened.reference), given, strict=True)
            )
        except BadInput as why:
            raise BadInput(f"{path} has other outputs than the run in {run}: {why}") from None
        error, output = opened.error(model, reference, x)
        seen = replace(then, model=model[0], reference=reference[0], output=int(output[0]))
        shown = with_output(opened.error, seen)
        now = {
            "x": opened.domain.describe(then.x),
            "model": model[0],
            "reference": reference[0],
            "error": error[0],
            "error_then": then.error,
            "output": report.document["outputs"][shown.output]["name"],
        }
        same = bool(
            np.isclose(float(error[0]), then.error, rtol=1e-6, equal_nan=True) or error[0] == then.error
        )
    if as_json:
        answer(dumps(now))
        return int(not same)
    for name, value in to_json(now).items():
        say(f"{name:>12}  {value}")
    say("the same error as in the run" if same else "NOT the same error as in the run")
    return int(not same)
