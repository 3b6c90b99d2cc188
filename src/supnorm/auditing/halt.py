"""An audit that is cut short, by Ctrl-C or because its calls can no longer be stored: what was done is written down.

The search ends at the next batch; peaks and pictures get a moment, or nothing where calls are expensive: then values
are those that the search has seen. No errors are planted and the second reference is not asked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation import Evaluator
from supnorm.evaluation.limit import Limit
from supnorm.interrupts import INTERRUPTS
from supnorm.results import Interrupted

Array = NDArray[np.float64]
MOMENT = 1.0  # seconds for peaks, and as many for pictures, of cheap functions
HALTS = (KeyboardInterrupt, Interrupted)


@dataclass(frozen=True)
class Halt:
    """An audit was cut short.

    Attributes:
        cause: what ended it, such as a full disk or lost workers; empty where the user did.
    """

    cause: str = ""


def halted(why: BaseException) -> Halt:
    """Take a request to end in; what ends the audit."""
    lost = isinstance(why, Interrupted)
    INTERRUPTS.taken(why if lost else None)
    return Halt(str(why) if lost else "")


def moment(evaluator: Evaluator) -> Limit:
    """The time that is left for peaks, or for pictures, of an audit that was stopped; long calls are not repeated."""
    evaluator.hurry()
    expensive = evaluator.model.expensive or evaluator.reference.expensive
    return Limit.of(0.0 if expensive else MOMENT)


def come_back(evaluator: Evaluator, x: Array) -> NDArray[np.intp]:
    """Rows of a batch (n, d) that was interrupted whose expensive values have come back."""
    sides = [side for side in (evaluator.model, evaluator.reference) if side.expensive]
    rows = [i for i, row in enumerate(x) if sides and all(row.tobytes() in side.known for side in sides)]
    return np.array(rows, dtype=np.intp)
