"""Options of a budget besides its tolerance: how it calls the function, and which trainings it makes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supnorm.evaluation.calls import Calls
from supnorm.results.option import Allowed, count_list, demand_number, documented, option
from supnorm.results.printable import one_line
from supnorm.results.status import BadInput

LEAST = 500  # evaluations: fewer leave every test of the profile out


@documented
@dataclass(frozen=True, kw_only=True)
class PlanningCalls(Calls):
    """How planning calls a function, and how often. The same seed and the same cost give the same result.

    ``workers`` and ``executor`` run trainings, too. ``observer`` gets, for a function whose calls take more than two
    seconds, `Planned`, `Advanced` now and then, and `Finished`; for a learning curve `TrainingsPlanned` and `TrainingEnded`.

    Raises:
        BadInput: for fewer than 500 evaluations, or a cost that is no number of seconds.
    """

    most: int | None = option(
        "--calls",
        "Evaluations for planning. [default: 40 s of the reference]",
        default=None,
        kind=int,
        low=LEAST,
    )
    cost: float | None = option(
        "--cost",
        "What a call takes a point; decides how many are planned. [default: measured, and recorded]",
        default=None,
        kind=float,
        metavar="SECONDS",
    )
    observer: Callable[[Any], None] = lambda event: None

    def __post_init__(self) -> None:
        demand_number("calls", self.most, LEAST, whole=True)  # as `budget` and the command line name it
        super().__post_init__()
        if self.cost is not None and self.cost not in Allowed(above=0):
            got = one_line(repr(self.cost), 60)
            raise BadInput(f"cost must be the seconds that a call takes a point, such as 0.002, got {got}")


@documented
@dataclass(frozen=True, kw_only=True)
class LearningCurve:
    """Trainings of growing size, from which the error of larger ones is forecast.

    A trainer is ``train(x, y, width, seed)`` with x of shape ``(m, d)`` in the unit cube, y of shape ``(m,)``, which returns
    a model or a `Trained`; or a `fit` strategy that takes samples, such as ``NetworkFit()``. Several, in a list or by name,
    are trained with equal sizes. The curve in samples has the largest width; three widths or more give a second curve, in
    width, with the most samples. Trainings are kept in ``file`` (one for each trainer), and a second call goes on from it.

    >>> LearningCurve(trainers=print).repeats
    4
    """

    trainers: Any = option(
        "--learning-curve",
        "Train and measure the errors: methods of fit, such as network,gaussian-process, or file.py:trainer.",
        metavar="METHOD",
    )
    sizes: Sequence[int] = option(
        "--training-sizes",
        "Training sizes in samples.",
        default=(32, 64, 128, 256, 512, 1024, 2048),
        read=count_list,
    )
    widths: Sequence[int] = option(
        "--widths",
        "Network widths; three or more give a learning curve in width too.",
        default=(24,),
        read=count_list,
    )
    repeats: int = option("--trainings", "Trainings for each training size.", default=4, kind=int, low=1)
    file: Path | str | None = None
