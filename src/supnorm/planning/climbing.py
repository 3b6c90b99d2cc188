"""The ladders that a budget climbs: for every trainer one in samples and, from three widths on, one in width.

Along a ladder everything else is equal: the one in samples has the largest width, the one in width the most
samples. Several trainers are climbed with equal rungs, so that their errors can be compared at equal samples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.planning.ladder import Ladder, Trainer, as_trainer, climb, climb_table
from supnorm.planning.ladder.remote import training_ground
from supnorm.planning.names import LEARNERS, NETWORK
from supnorm.planning.profile.target import Target
from supnorm.results import BadInput

Array = NDArray[np.float64]
LEAST = 3  # rungs


@dataclass(frozen=True, kw_only=True)
class Climbing:
    """What is to be climbed.

    Attributes:
        trainers: by name; the ladders carry the names.
        samples, widths: rungs.
        seeds: trainings a rung.
        seed: of the data and the trainers.
        path: the file of runs; None keeps nothing. Several trainers get a file each, with their names.
        observer: gets the events of `climb`, with the name of the ladder.
    """

    trainers: Mapping[str, Trainer]
    samples: Sequence[int]
    widths: Sequence[int]
    seeds: int
    seed: int
    path: Path | None
    observer: Callable[[Any], None]

    def of_function(
        self, target: Target, metric: str, executor: Executor | None, workers: int
    ) -> list[Ladder]:
        """Climb on fresh samples of a function.

        Raises:
            BadInput: for fewer than three rungs both in samples and in width, or for two widths.
        """
        rungs, widths = sorted(set(self.samples)), sorted(set(self.widths))
        if self.trainers and (len(widths) == 2 or max(len(rungs), len(widths)) < LEAST):
            raise BadInput(
                f"a ladder needs at least {LEAST} rungs in samples, or widths, got samples {rungs} and widths "
                f"{widths}; give one width, or at least {LEAST}"
            )
        found = []
        for name, trainer in self.trainers.items():
            with training_ground(target, trainer, executor, workers) as (f, pool):
                run = partial(
                    climb, f, target.d, trainer, seeds=self.seeds, seed=self.seed, path=self._file(name),
                    tests=_tests(target.caller.cost), executor=pool, observer=self._told(name),
                )  # fmt: skip
                if len(rungs) >= LEAST:
                    runs = run(samples=rungs, widths=widths[-1:])
                    found.append(Ladder(tuple(runs), "samples", metric, name=name))
                if len(widths) >= LEAST:
                    runs = run(samples=rungs[-1:], widths=widths)
                    found.append(Ladder(tuple(runs), "width", metric, name=name))
        return found

    def of_table(self, x: Array, y: Array, metric: str) -> list[Ladder]:
        """Climb on parts of a table in the unit cube, shapes ``(N, d)`` and ``(N,)``."""
        found = []
        for name, trainer in self.trainers.items():
            runs = climb_table(
                x, y, trainer, samples=self.samples, width=max(self.widths), seeds=self.seeds, seed=self.seed,
                path=self._file(name), observer=self._told(name),
            )  # fmt: skip
            found.append(Ladder(tuple(runs), "samples", metric, name=name))
        return found

    def _file(self, name: str) -> Path | None:
        if self.path is None or len(self.trainers) == 1:
            return self.path
        word = "".join(c if c.isalnum() else "-" for c in name)
        return self.path.with_name(f"{self.path.stem}-{word}{self.path.suffix}")

    def _told(self, name: str) -> Callable[[Any], None]:
        return lambda event: self.observer(replace(event, ladder=name))


def read_trainers(given: Any) -> dict[str, Trainer]:
    """Trainers by name, from None, one trainer or strategy of `fit`, several, or a mapping by name.

    Strategies have names of their own; a function without a name is taken to train networks.

    Raises:
        BadInput: for none at all, two of one name, or something that cannot train.

    >>> from supnorm.approximants import GaussianProcess
    >>> list(read_trainers(GaussianProcess())), list(read_trainers({"mine": lambda x, y, w, s: None}))
    (['Gaussian process'], ['mine'])
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        several = list(given) if isinstance(given, list | tuple) else [given]
        names = [LEARNERS.get(type(one).__name__, NETWORK) for one in several]
        if len(set(names)) < len(names):
            raise BadInput(f"trainer: two are called {max(names, key=names.count)!r}; give a mapping by name")
        given = dict(zip(names, several, strict=True))
    if not given:
        raise BadInput("trainer is empty; give at least one")
    return {str(name): as_trainer(trainer) for name, trainer in given.items()}


def _tests(cost: float) -> int:
    """Test points a training, about a second of the reference: in wide steps, so that timing seldom changes the answer.

    >>> _tests(1e-7), _tests(1e-4), _tests(2.0)
    (20000, 2000, 200)
    """
    return 20_000 if cost <= 5e-5 else 2_000 if cost <= 5e-4 else 200
