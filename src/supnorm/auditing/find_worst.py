"""The worst error that a search finds, and nothing besides: no peaks, no pictures, no document.

For loops that look at many models, as `fit` does: what a page would show of each of them nobody sees, and where a call
takes seconds it is most of the time. Cost: ``evaluations``, the eight points of the probe and one call at the worst one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.cost import declare
from supnorm.auditing.explore import plan, probe, sample, search
from supnorm.auditing.joint import with_output
from supnorm.auditing.recorder import Recorder
from supnorm.auditing.run import Asked
from supnorm.evaluation import Calls, Evaluator
from supnorm.evaluation.threads import one_thread
from supnorm.interrupts import INTERRUPTS
from supnorm.problem import Problem, stream
from supnorm.results import Witness
from supnorm.results.option import demand_seconds, demand_seed

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class WorstFound:
    """What such a search has found.

    Attributes:
        witness: the worst point, a lower bound of the worst error; None where nothing had an error.
        rows: the worst points, highest error first: inputs, model, reference, error, output; shape
            ``(n, d + 2 m + 2)``.
        evaluations: points that were evaluated, those of the probe and the worst one alone among them. Calls that repeat a
            point only to time it, or to compare two values of it, are not counted.
    """

    witness: Witness | None
    rows: Array
    evaluations: int


@one_thread()
def find_worst(
    problem: Problem,
    *,
    evaluations: int,
    seconds: float | None = None,
    seed: int = 0,
    calls: Calls | None = None,
) -> WorstFound:
    """Search for the worst error of ``problem.model``; the arguments are those of `audit`.

    Raises:
        BadInput: when the problem cannot be evaluated, or model or reference is random.
        KeyboardInterrupt: by Ctrl-C at any time.

    >>> from supnorm.problem import Domain
    >>> problem = Problem(lambda x: x[:, 0] ** 2, lambda x: x[:, 0], Domain(x=(0.0, 1.0)))
    >>> round(find_worst(problem, evaluations=1000).witness.error, 6)
    0.25
    """
    demand_seconds(seconds)
    seed = demand_seed(seed)
    start = time.perf_counter()
    calls = Calls.of(calls)
    evaluator = Evaluator(problem, calls, budget=evaluations)
    declare(evaluator, calls.cost)
    recorder = Recorder(problem.domain, 2, problem.error)
    evaluator.listeners.append(recorder)
    asked = Asked(
        evaluator=evaluator,
        rng=stream(seed),
        start=start,
        evaluations=evaluations,
        seconds=seconds,
        seed=seed,
    )
    try:
        with INTERRUPTS.handed_on():  # what is returned would look like a whole search
            search(sample(plan(probe(asked))))
        witness = evaluator.witness()
    finally:
        evaluator.close()
    spent = evaluator.total + (witness is not None)
    return WorstFound(witness and with_output(problem.error, witness), recorder.worst_rows(), spent)
