"""How far the functions of a problem as they run are from their programs now, for a certificate that is checked.

A certificate is about programs. `certify` widens its claims by what it measured when it made the file; whoever checks the
file measures again, because the code may keep a state, and because a file may be checked against a tolerance that is
smaller than the difference.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from supnorm.certification.executions import Executions
from supnorm.certification.measured import BEYOND, Agreement, Measuring
from supnorm.certification.record_parts import measured_words
from supnorm.problem import Problem
from supnorm.program import Unsupported, program_of
from supnorm.program.branches import rounds_a_threshold
from supnorm.program.recording import read_meanwhile
from supnorm.wording import fact
from supnorm.wording.certify import CERTIFY


@dataclass(frozen=True)
class AsItRuns:
    """What was measured of the functions as they run, beside a claim about their programs.

    Attributes:
        beyond: what a claim has to add where a function in float64 differs from its program by more than rounding.
        lower_precision: what it has to add where a function runs in lower precision.
        worst: the largest error that was computed; 0 where none is known.
        words: what was measured, in lines.
    """

    beyond: float
    lower_precision: float
    worst: float
    words: tuple[str, ...]


def as_it_runs(problem: Problem, measuring: Measuring, witness: tuple[float, ...] | None = None) -> AsItRuns:
    """Compare both functions with their programs, also beside their kinks and at the witness of a file.

    Args:
        measuring: what has been compared already.

    Raises:
        BadInput: when a function gives other values than its program.

    >>> from supnorm.problem import Domain
    >>> problem = Problem(lambda x: x[:, 0] + 1e-3, lambda x: x[:, 0], Domain(x=(0.0, 1.0)))
    >>> as_it_runs(problem, Measuring(problem)).beyond
    0.0
    """
    for what, function in (("model", problem.model), ("reference", problem.reference)):
        if function is None or function.declared is not None or what in measuring.compared:
            continue
        try:
            with read_meanwhile() as read:
                program = program_of(function, problem.domain.d, limited=True, branches=True)
        except Unsupported:  # a root, a flow or an integral has no program
            continue
        measuring.enter(function, program, what, Executions.of(function, program, what, read))
    if witness is not None:
        measuring.at(np.asarray([witness], dtype=float), "witness")
    measuring.beside_kinks(np.random.default_rng(0))
    seen = measuring.agreement()
    return AsItRuns(
        BEYOND * seen.size if seen.hidden else 0.0,
        BEYOND * seen.lower_precision,
        _worst(seen),
        (*_rounded_thresholds(measuring), *measured_words(seen, problem.domain.names)),
    )


def _rounded_thresholds(measuring: Measuring) -> list[str]:
    """That rounding may take the other formula next to a threshold, which the bound leaves out."""
    sides = [
        what
        for what, side in measuring.compared.items()
        if rounds_a_threshold(side.program, side.function.precision)
    ]
    return [CERTIFY.text(fact("threshold-rounded", sides=" or the ".join(sides)))] if sides else []


def _worst(seen: Agreement) -> float:
    return seen.worst if np.isfinite(seen.worst) else 0.0
