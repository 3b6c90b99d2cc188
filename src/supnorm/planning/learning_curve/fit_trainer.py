"""A strategy of `fit` as the trainer of a learning curve, so that the curve measures the tool that the user will take.

Networks are trained with the learning curve's width; other strategies have no width. Strategies that choose their own
samples (`ChebyshevTensor`, `PiecewiseChebyshev`, `TensorTrain`) cannot be trained on given ones; constructions and the
pilot cover them. Cost: that of the strategy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.planning.learning_curve.trainings import Trained, Trainer
from supnorm.problem import Domain
from supnorm.results import BadInput
from supnorm.strategies import named

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FitTrainer:
    """A `fit` strategy with ``from_samples``, such as ``NetworkFit()`` or ``GaussianProcess()``.

    >>> from supnorm.approximants import GaussianProcess
    >>> x = np.random.default_rng(0).random((60, 2))
    >>> trained = FitTrainer(GaussianProcess())(x, np.sin(x.sum(axis=1)), 24, 0)
    >>> bool(abs(trained.predict(np.array([[0.5, 0.5]]))[0] - np.sin(1.0)) < 1e-4)
    True
    """

    strategy: Any

    def __call__(self, x: Array, y: Array, width: int, seed: int) -> Trained:
        """Train on ``x`` of shape ``(m, d)`` in the unit cube and ``y`` of shape ``(m,)``.

        Raises:
            BadInput: where the strategy cannot be used with so few samples.
        """
        from supnorm.approximants import NotApplicable

        rng = np.random.default_rng(seed)
        cube = Domain.from_axes({f"x{i + 1}": (0.0, 1.0) for i in range(x.shape[1])})
        try:
            if hasattr(self.strategy, "start"):
                first = self.strategy.start(x, y[:, None], cube, width, rng)
                trained = self.strategy.train(first, x, y[:, None], None, rng)
                value = trained.network.as_function().value
                return Trained(lambda u: value(u)[:, 0], trained.network.size, trained.minimum.iterations)
            fitted = self.strategy.from_samples(x, y[:, None], cube, rng)
        except NotApplicable as error:
            name = type(self.strategy).__name__
            raise BadInput(f"learning curve: {name} cannot be fitted to {len(x)} samples: {error}") from None
        return Trained(lambda u: fitted.function.value(u)[:, 0], fitted.parameters)


def as_trainer(trainer: Any) -> Trainer:
    """A trainer from a trainer, from a `fit` strategy or from its name.

    Raises:
        BadInput: for anything else, such as a strategy that chooses its own samples.
    """
    if isinstance(trainer, str):
        trainer = named(trainer, "learning curve")
    if hasattr(trainer, "from_samples"):
        return FitTrainer(trainer)
    if callable(trainer):
        function: Trainer = trainer
        return function
    what = "chooses its own samples" if hasattr(trainer, "from_function") else "is no trainer"
    raise BadInput(
        f"learning curve: {type(trainer).__name__} {what}; give trainer(x, y, width, seed), or a fit strategy that takes "
        "samples, such as NetworkFit() or GaussianProcess()"
    )
