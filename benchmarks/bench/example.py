"""A tool of one's own: ``python -m benchmarks.bench run --tool benchmarks/bench/example.py:Shrinking --out mine.json``."""

import numpy as np

from benchmarks.bench.tool import Answer


class Shrinking:
    """Random points in a box that is halved around the best one, again and again."""

    name, version = "shrinking box", "1"

    def find_worst(self, task, budget, seed):
        rng, each = np.random.default_rng(seed), max(budget // 20, 1)
        point, best = np.full(task.d, 0.5), -np.inf
        for width in 0.5 ** np.arange(20):
            u = np.clip(point + width * (rng.random((each, task.d)) - 0.5), 0, 1)
            errors = task.batch(u)
            if errors.max() > best:
                point, best = u[errors.argmax()], errors.max()
        return Answer(task.inputs(point), best)
