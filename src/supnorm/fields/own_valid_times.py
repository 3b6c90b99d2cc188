"""Whether the valid times that a forecast states are its begin plus its lead time, by which its fields are paired."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from supnorm.fields.moments import SECOND, added, key_of, lead_text, moments_of, time_text
from supnorm.fields.near_times import DOUBTFUL
from supnorm.fields.side import Side, is_date
from supnorm.results import BadInput
from supnorm.results.printable import one_line


def demand_own_valid_times(side: Side, times: Sequence[Any] | None, leads: Sequence[Any], what: str) -> None:
    """Refuse a side whose ``valid_time`` is another time than that by which its fields are paired.

    Args:
        side: prediction or truth.
        times: its init or valid times; None where it has none.
        leads: its lead times; empty where it has none.
        what: the fields and the side, for the message.

    Raises:
        BadInput: naming the first contradiction.
    """
    clock = side.clock()
    if clock is None or not is_date(clock) or times is None:
        return
    valid = side.is_valid_time(clock)
    for coordinate in side.variable.coords.values():
        roles = [side.roles[str(d)] for d in coordinate.dims]
        if (
            coordinate.name == clock.name
            or not _says_valid(coordinate, clock)
            or not {*roles} <= {"init", "lead"}
        ):
            continue
        there = ~np.ravel(coordinate.isnull().values)
        if not there.any() or not is_date(coordinate[np.unravel_index(there.argmax(), coordinate.shape)]):
            continue
        shape = [side.size(r) if r in roles else 1 for r in ("init", "lead")]
        order = sorted(coordinate.dims, key=lambda d: side.roles[str(d)])  # "init" before "lead"
        said = _moments(coordinate.transpose(*order), what).reshape(shape)
        room = _room(said)
        for i, time in enumerate(times):
            for k, lead in enumerate(leads if leads and not valid else [0]):
                stated = said[min(i, shape[0] - 1), min(k, shape[1] - 1)]
                if stated is None or _same(stated, added(time, lead) if lead else time, room):
                    continue
                name, sum_ = one_line(str(coordinate.name), 40), f"{clock.name} says {time_text(time)}"
                if lead:
                    sum_ = f"{clock.name} and lead time say {time_text(time)} plus {lead_text(lead)}"
                raise BadInput(
                    f"{what} states its valid times twice: {name} is {time_text(stated)} where {sum_}; mend one of them, or "
                    f"leave out a {name} that does not matter, as with data.drop_vars({name!r})"
                )


def _says_valid(coordinate: Any, clock: Any) -> bool:
    begins = str(clock.attrs.get("standard_name", "")) == "forecast_reference_time"
    named = str(coordinate.name).lower() == "valid_time"
    return named or (begins and coordinate.attrs.get("standard_name") == "time")


def _moments(coordinate: Any, what: str) -> Any:
    """The times of a coordinate, None where it has none, shape ``(n,)``."""
    there = np.flatnonzero(~np.ravel(coordinate.isnull().values))
    found = np.full(coordinate.size, None, dtype=object)
    known = coordinate.stack(all=coordinate.dims) if coordinate.dims else coordinate.expand_dims("all")
    for i, moment in zip(there, moments_of(known[there], what), strict=True):
        found[i] = moment
    return found


def _room(said: Any) -> float:
    """What rounding may change: a share of the smallest step between two different times."""
    known = [v for v in said.flat if v is not None]
    if not all(isinstance(v, int) for v in known):
        return 0.0
    steps = np.diff(np.unique(np.array([*map(float, known)])))
    return DOUBTFUL * float(steps.min()) if steps.size else float(SECOND)


def _same(one: Any, other: Any, room: float) -> bool:
    if isinstance(one, int) and isinstance(other, int):
        return abs(one - other) <= room
    return bool(key_of(one) == key_of(other))
