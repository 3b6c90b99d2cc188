"""Finds a time among others, also where a file has rounded it: ten minutes, stored as days, are off by nanoseconds."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from typing import Any

from supnorm.fields.moments import apart_texts, key_of, lead_text, time_text
from supnorm.results import BadInput
from supnorm.results.printable import one_line

SAME = 1e-3  # of the smallest step between two times: nearer ones are one time; days in single precision are off by so much
DOUBTFUL = 0.05  # of this step: a time that misses another one by less is neither the same nor another one


class Times:
    """Times or lead times of one side, each of them once.

    Args:
        values: moments of `moments_of`, lead times of `leads_of`, plain numbers or text.
        what: the fields and the side, for messages.
        name: ``"time"`` or ``"lead time"``.

    Raises:
        BadInput: for one that is there twice.

    >>> known = Times([0, 600 * 10**9], "fields of the truth", "time")
    >>> known.position(600 * 10**9 + 40), known.position(300 * 10**9)
    (1, -1)
    """

    def __init__(self, values: Sequence[Any], what: str, name: str) -> None:
        self._what, self._name = what, name
        self._at: dict[Any, int] = {}
        for i, v in enumerate(values):
            if self._at.setdefault(_key(v), i) != i:
                raise BadInput(f"{what} has the {name} {one_line(self._text(v), 40)} twice")
        numbers = all(isinstance(v, int | float) for v in values)
        self._order = sorted((v, i) for i, v in enumerate(values)) if numbers else []
        steps = [b - a for (a, _), (b, _) in zip(self._order, self._order[1:], strict=False)]
        self._step = min(steps, default=0)
        if self._step and self._step < DOUBTFUL * sorted(steps)[len(steps) // 2]:
            k = steps.index(self._step)
            one, other = apart_texts([v for v, _ in self._order[k : k + 2]], name == "lead time")
            raise BadInput(
                f"{what} has the {name} {one} almost twice: {other} is the next one; leave one of them out, or "
                "round the times"
            )

    def position(self, value: Any) -> int:
        """The number of the same time, -1 if there is none.

        Raises:
            BadInput: for a time that misses another one by less than steps are apart, but by more than rounding.
        """
        exact = self._at.get(_key(value), -1)
        if exact >= 0 or not self._step or not isinstance(value, int | float):
            return exact
        k = bisect.bisect_left(self._order, (value, -1))
        near, i = min((abs(v - value), i) for v, i in self._order[max(k - 1, 0) : k + 1])
        if near <= SAME * self._step:
            return i
        if near <= DOUBTFUL * self._step:
            raise BadInput(
                f"{self._what} has no {self._name} {one_line(self._text(value), 40)}, and misses it by "
                f"{near / self._step:.2g} of its smallest step: round the times of both files, or store whole numbers"
            )
        return -1

    def _text(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        return lead_text(value) if self._name == "lead time" else time_text(value)


def _key(moment: Any) -> Any:
    return moment if isinstance(moment, str) else key_of(moment)
