"""supnorm's own search, on the path of an audit: statistics and search, without charts and document."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.explore import explored
from supnorm.auditing.pictures import Pictures
from supnorm.auditing.recorder import Recorder
from supnorm.auditing.search import ScreenAndAscent
from supnorm.auditing.strategy import Strategy
from supnorm.evaluation import Evaluator
from supnorm.problem import Function, Problem


def supnorm(
    problem: Problem, evaluations: int, seed: int, strategy: Strategy | None = None, maps: bool = True
) -> tuple[float, int, int, float]:
    """Search with a budget; the probe for determinism comes out of it.

    Args:
        maps: whether a `Recorder` listens, as in an audit: it keeps what the page draws, the search asks it nothing.

    Returns:
        The largest error, evaluations (a gradient counts 3), calls of the model, seconds of processor time of the
        thread: other programs run beside a benchmark, all methods here use one thread, and the process's own clock
        ticks in 4 ms while a timer for a peer is set.
    """
    counted = Counted(problem.model)
    start = time.thread_time()
    evaluator = searched(replace(problem, model=counted.function), evaluations, seed, strategy, maps)
    return evaluator.worst, evaluator.total, counted.points, time.thread_time() - start


def searched(
    problem: Problem, evaluations: int, seed: int, strategy: Strategy | None = None, maps: bool = True
) -> Evaluator:
    """The same search; the evaluator knows the worst error and its point."""
    rng = np.random.default_rng(seed)
    evaluator = Evaluator(problem, budget=evaluations)
    recorder = Recorder(problem.domain, Pictures().cells(problem.domain.d), problem.error)
    if maps:
        evaluator.listeners.append(recorder)
    evaluator.probe(rng)
    budget = evaluations - evaluator.total
    explored(evaluator, strategy or ScreenAndAscent(), budget, rng)
    recorder.flush()
    evaluator.close()
    return evaluator


class Counted:
    """Counts the points at which a function is called, whoever calls it and for whatever purpose."""

    def __init__(self, function: Function) -> None:
        self.points = 0
        vjp = None if function.vjp is None else self._watched(function.vjp)
        self.function = replace(function, value=self._watched(function.value), vjp=vjp)

    def _watched(self, call: Callable[[NDArray[np.float64]], Any]) -> Callable[[NDArray[np.float64]], Any]:
        def seen(x: NDArray[np.float64]) -> Any:
            self.points += len(x)
            return call(x)

        return seen
