"""The exception of a function that has values only at some points of a batch."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class PartialFailure(Exception):
    """Raised by a function's ``value`` when some points of the batch failed.

    Attributes:
        values: shape ``(n, m)``; NaN in the rows that failed.
        messages: what happened, by row; each message starts with its kind: ``"timeout: ..."``, ``"exception: ..."`` or
            ``"error: ..."``.
    """

    def __init__(self, values: Array, messages: Mapping[int, str]) -> None:
        super().__init__(next(iter(messages.values()), "no message"))
        self.values = values
        self.messages = dict(messages)
