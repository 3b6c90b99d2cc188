"""supnorm's own search, on the path of an audit: statistics and search, without charts and document."""

from __future__ import annotations

import time

import numpy as np

from supnorm.auditing.audit import Strategy, explore
from supnorm.auditing.pictures import Pictures
from supnorm.auditing.recorder import Recorder
from supnorm.auditing.search import ScreenAndAscent
from supnorm.evaluation import Evaluator
from supnorm.problem import Problem


def supnorm(
    problem: Problem, evaluations: int, seed: int, strategy: Strategy | None = None, maps: bool = True
) -> tuple[float, int, float]:
    """Search with a budget; the probe for determinism comes out of it.

    Args:
        maps: whether a `Recorder` listens, as in an audit: it keeps what the page draws, the search asks it nothing.

    Returns:
        The largest error, evaluations (a gradient counts 3), seconds of processor time of the thread: other programs
        run beside a benchmark, all methods here use one thread, and the process's own clock ticks in 4 ms while a timer
        for a peer is set.
    """
    start = time.thread_time()
    rng = np.random.default_rng(seed)
    evaluator = Evaluator(problem, budget=evaluations)
    recorder = Recorder(problem.domain, Pictures().cells(problem.domain.d), problem.error)
    if maps:
        evaluator.listeners.append(recorder)
    evaluator.probe(rng)
    budget = evaluations - evaluator.total
    explore(evaluator, strategy or ScreenAndAscent(), budget, None, start, rng)
    recorder.flush()
    evaluator.close()
    return evaluator.worst, evaluator.total, time.thread_time() - start
