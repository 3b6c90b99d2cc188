"""One point that was evaluated twice, in a batch and alone: whether its error is the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from supnorm.results import Witness

SHOWN = 1e-4  # share of an error: a difference that is visible in the four digits that are printed


@dataclass(frozen=True)
class Twice:
    """One point with its values in a batch, and called alone."""

    batch: Witness
    alone: Witness

    @property
    def difference(self) -> float:
        """Difference of the two errors; infinite if one of them is infinite, or if a call gave no error."""
        a, b = self.batch.error, self.alone.error
        return 0.0 if a == b else float(np.nan_to_num(abs(a - b), nan=np.inf, posinf=np.inf))

    @property
    def differs(self) -> bool:
        """Whether the two errors differ in the printed digits."""
        return self.difference > SHOWN * float(np.fmin(self.batch.error, self.alone.error))
