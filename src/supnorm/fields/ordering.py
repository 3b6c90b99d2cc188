"""Lead times and levels of a prediction in order: an event goes on from each to the next one, its neighbour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.fields.moments import lead_text, nanoseconds
from supnorm.results import BadInput

SORTED = {"lead": "lead times", "level": "levels"}


def in_order(
    variable: Any, roles: Mapping[str, str], what: str, notes: list[str]
) -> tuple[Any, dict[str, NDArray[np.intp]]]:
    """The variable with ascending lead times and levels, unless they ascend or descend already; sorting is noted.

    Besides, by the role of each dimension that was sorted, the number in the file of each of its lead times or levels.

    Args:
        variable: an `xarray.DataArray`.
        roles: of its dimensions, by name.
        what: how messages name it.
        notes: gets a sentence for each dimension that is sorted.

    Raises:
        BadInput: for a lead time or level that is there twice.
    """
    numbers: dict[str, NDArray[np.intp]] = {}
    for name, role in roles.items():
        if role not in SORTED or name not in variable.coords:
            continue
        values = np.asarray(variable.coords[name].values)
        if values.ndim != 1 or values.dtype.kind not in "iufm" or (values != values).any():
            continue  # text has no order, and what is missing is refused where times are read
        order = np.argsort(values, kind="stable")
        twice = np.flatnonzero(values[order][1:] == values[order][:-1])
        if twice.size:
            first = values[order][twice[:1]]
            text = lead_text(nanoseconds(first)[0]) if values.dtype.kind == "m" else f"{first[0]:.7g}"
            raise BadInput(f"{what} has the {SORTED[role][:-1]} {text} twice: leave one of them out")
        if not (
            np.array_equal(order, np.arange(len(order))) or np.array_equal(order[::-1], np.arange(len(order)))
        ):
            variable, numbers[role] = variable.isel({name: order}), order
            notes.append(f"The {SORTED[role]} of the prediction are in no order; they were sorted.")
    return variable, numbers
