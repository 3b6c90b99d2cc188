"""The learning curves that a budget measures: one in samples for every trainer and, with three widths or more, one in width.

Along a learning curve everything else is equal: the curve in samples has the largest width, the curve in width the most
samples. All trainers get the same training sizes, so that their errors can be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.calls import Calls
from supnorm.planning.learning_curve import (
    MeasuredCurve,
    Trainer,
    TrainingEnded,
    TrainingRun,
    as_trainer,
    train_on_function,
    train_on_table,
)
from supnorm.planning.learning_curve.remote import training_ground
from supnorm.planning.names import LEARNERS, NETWORK
from supnorm.planning.profile.target import Target
from supnorm.planning.requested import LearningCurve
from supnorm.results import BadInput

Array = NDArray[np.float64]
LEAST = 3  # training sizes: a law with a floor has three numbers
# Seconds of a call from which on a training is tested on fewer points, so that its test takes about a second.
TESTS = (5e-5, 5e-4)


@dataclass
class _Begun:
    """A learning curve in progress, with the trainings of this process."""

    name: str
    axis: str
    metric: str
    runs: list[TrainingRun] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class CurveMeasurement:
    """The learning curves of one budget.

    Attributes:
        requested: the trainings that were asked for.
        trainers: the trainers by name; the curves carry these names.
        seed: the seed of the data and the trainers.
        observer: gets `TrainingsPlanned` and `TrainingEnded`, with the name of the curve.
        measured: the finished curves; an interrupted budget reports them.
        begun: the curve in progress.
    """

    requested: LearningCurve
    trainers: Mapping[str, Trainer]
    seed: int
    observer: Callable[[Any], None]
    measured: list[MeasuredCurve] = field(default_factory=list)
    begun: list[_Begun] = field(default_factory=list)

    @classmethod
    def of(
        cls, requested: LearningCurve | None, seed: int, observer: Callable[[Any], None]
    ) -> CurveMeasurement:
        """The measurement that was requested; None requests no curve."""
        curve = requested or LearningCurve(trainers={})
        trainers = {} if requested is None else read_trainers(requested.trainers)
        return cls(requested=curve, trainers=trainers, seed=seed, observer=observer)

    def of_function(self, target: Target, metric: str, calls: Calls) -> list[MeasuredCurve]:
        """Measure the curves on fresh samples of a function.

        Raises:
            BadInput: for fewer than three training sizes both in samples and in width, or for two widths.
        """
        sizes, widths = sorted(set(self.requested.sizes)), sorted(set(self.requested.widths))
        if self.trainers and (len(widths) == 2 or max(len(sizes), len(widths)) < LEAST):
            raise BadInput(
                f"a learning curve needs at least {LEAST} training sizes or widths, got training sizes {sizes} and widths "
                f"{widths}; give one width, or at least {LEAST}"
            )
        for name, trainer in self.trainers.items():
            with training_ground(target, trainer, calls) as (f, pool):
                train = partial(
                    train_on_function,
                    f,
                    target.d,
                    trainer,
                    seeds=self.requested.repeats,
                    seed=self.seed,
                    path=self._file(name),
                    tests=tests_for(target.caller.cost),
                    executor=pool,
                    observer=self._observer_of(name),
                )
                if len(sizes) >= LEAST:
                    self._measure(name, "samples", metric, partial(train, samples=sizes, widths=widths[-1:]))
                if len(widths) >= LEAST:
                    self._measure(name, "width", metric, partial(train, samples=sizes[-1:], widths=widths))
        return self.measured

    def of_table(self, x: Array, y: Array, metric: str) -> list[MeasuredCurve]:
        """Measure the curves on parts of a table in the unit cube, shapes ``(N, d)`` and ``(N,)``."""
        for name, trainer in self.trainers.items():
            train = partial(
                train_on_table,
                x,
                y,
                trainer,
                samples=self.requested.sizes,
                width=max(self.requested.widths),
                seeds=self.requested.repeats,
                seed=self.seed,
                path=self._file(name),
                observer=self._observer_of(name),
            )
            self._measure(name, "samples", metric, train)
        return self.measured

    def _measure(self, name: str, axis: str, metric: str, train: Callable[[], list[TrainingRun]]) -> None:
        self.begun[:] = [_Begun(name, axis, metric)]
        self.measured.append(MeasuredCurve(tuple(train()), axis, metric, name=name))

    def _file(self, name: str) -> Path | None:
        """The file of a trainer; several trainers get a file each, which has their name."""
        path = None if self.requested.file is None else Path(self.requested.file)
        if path is None or len(self.trainers) == 1:
            return path
        word = "".join(c if c.isalnum() else "-" for c in name)
        return path.with_name(f"{path.stem}-{word}{path.suffix}")

    def so_far(self) -> tuple[MeasuredCurve, ...]:
        """The finished learning curves, and the finished training sizes of the current one if they make a curve."""
        curves = list(self.measured)
        for one in self.begun:
            sizes = [run.width if one.axis == "width" else run.samples for run in one.runs]
            whole = {size for size in sizes if sizes.count(size) == self.requested.repeats}
            runs = [run for run, size in zip(one.runs, sizes, strict=True) if size in whole]
            known = any(curve.name == one.name and curve.axis == one.axis for curve in curves)
            if len(whole) >= LEAST and not known:
                runs.sort(key=lambda r: (r.samples, r.width, r.seed))
                curves.append(MeasuredCurve(tuple(runs), one.axis, one.metric, name=one.name))
        return tuple(curves)

    def _observer_of(self, name: str) -> Callable[[Any], None]:
        def observe(event: Any) -> None:
            if isinstance(event, TrainingEnded):
                self.begun[-1].runs.append(event.run)
            self.observer(replace(event, curve=name))

        return observe


def read_trainers(given: Any) -> dict[str, Trainer]:
    """Trainers by name, from one trainer or strategy of `fit`, several, or a mapping by name.

    Strategies have names; a function without a name counts as a trainer of networks.

    Raises:
        BadInput: for none at all, two of one name, or something that cannot train.

    >>> from supnorm.approximants import GaussianProcess
    >>> list(read_trainers(GaussianProcess())), list(read_trainers({"mine": lambda x, y, w, s: None}))
    (['Gaussian process'], ['mine'])
    """
    if not isinstance(given, Mapping):
        several = list(given) if isinstance(given, list | tuple) else [given]
        names = [LEARNERS.get(type(one).__name__, NETWORK) for one in several]
        if len(set(names)) < len(names):
            raise BadInput(
                f"trainers: two are called {max(names, key=names.count)!r}; give a mapping by name"
            )
        given = dict(zip(names, several, strict=True))
    if not given:
        raise BadInput("trainers is empty; give at least one")
    return {str(name): as_trainer(trainer) for name, trainer in given.items()}


def tests_for(cost: float) -> int:
    """Test points of a training, about a second of the reference, in wide steps: a timing seldom changes the result.

    >>> tests_for(1e-7), tests_for(1e-4), tests_for(2.0)
    (20000, 2000, 200)
    """
    return 20_000 if cost <= TESTS[0] else 2_000 if cost <= TESTS[1] else 200
