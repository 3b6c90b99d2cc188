"""One side of a comparison: a variable with the role of each of its dimensions, and its clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.fields.roles import NAMES, ROLES
from supnorm.fields.validity import ALL_VALID, Validity

OUTER = ("init", "lead", "level", "member")


@dataclass(frozen=True, eq=False)
class Side:
    """A variable of one side, with its dimensions in the order of the roles, and what of it is declared missing.

    ``numbers`` has the number in the file of each lead time or level, by the role of a dimension that was sorted.
    """

    variable: Any
    roles: Mapping[str, str]
    validity: Validity = ALL_VALID
    numbers: Mapping[str, NDArray[np.intp]] = field(default_factory=dict)

    def dimension(self, role: str) -> str | None:
        """The dimension with a role."""
        return next((d for d, r in self.roles.items() if r == role), None)

    def size(self, role: str) -> int:
        """Its size; 1 where there is none."""
        name = self.dimension(role)
        return 1 if name is None else int(self.variable.sizes[name])

    def read(self, **index: slice | int) -> NDArray[Any]:
        """Values of the roles' parts, shape ``(init, lead, level, member, rows, columns)``."""
        chosen = {d: index[r] for d, r in self.roles.items() if r in index}
        chosen = {d: slice(i, i + 1) if isinstance(i, int) else i for d, i in chosen.items()}
        part = self.variable.isel(chosen).transpose(
            *(d for r in ROLES if (d := self.dimension(r)) is not None)
        )
        values = np.asarray(part.values)
        shape = [part.sizes[d] if (d := self.dimension(r)) is not None else 1 for r in ROLES]
        return values.reshape(shape)

    def chunks(self) -> dict[str, int]:
        """How many values of each outer role are stored together; 1 where the file does not say."""
        preferred = self.variable.encoding.get("preferred_chunks") or {}
        return {r: int(preferred.get(self.dimension(r), 1)) if self.dimension(r) else 1 for r in OUTER}

    def axis(self, role: str) -> Any:
        """The coordinate of a dimension; None where the file has none (xarray would count its points)."""
        name = self.dimension(role)
        if name not in self.variable.coords:
            return None
        return self.variable.coords[name]

    def level(self) -> Any:
        """The coordinate with the levels: that of the dimension, or a single number; None where there is none."""
        name = self.dimension("level")
        if name is not None:
            return self.axis("level")
        scalars = [c for c in self.variable.coords.values() if not c.dims and c.dtype.kind in "iuf"]
        return next((c for c in scalars if str(c.name).lower() in NAMES["level"]), None)

    def clock(self) -> Any:
        """The coordinate with the times: that of the dimension, or a single date; None where there is none.

        A single forecast of ECMWF's GRIB has two dates: ``time``, when it begins, and ``valid_time``.
        """
        name = self.dimension("init")
        if name is not None:
            return self.axis("init")
        dates = [c for c in self.variable.coords.values() if not c.dims and is_date(c)]
        leads = self.dimension("lead") is not None or self.single_lead() is not None
        wanted = [c for c in dates if self.is_valid_time(c) != leads] or dates
        return wanted[0] if wanted else None

    def is_valid_time(self, clock: Any) -> bool:
        """Whether a clock says when a field is valid, so that no lead time may be added to it."""
        if clock is None or _begins(clock):
            return False
        others = self.variable.coords.values()
        return str(clock.name).lower() == "valid_time" or any(_begins(c) for c in others)

    def single_lead(self) -> Any:
        """The lead time that all fields have, where it is a single number beside the dimensions; None for none."""
        if self.dimension("lead") is not None:
            return None
        scalars = [c for c in self.variable.coords.values() if not c.dims]
        return next((c for c in scalars if is_lead(c)), None)


def is_date(coordinate: Any) -> bool:
    """Whether a coordinate has dates, of any calendar."""
    kind = coordinate.dtype.kind
    return kind == "M" or (kind == "O" and hasattr(np.ravel(coordinate.values)[0], "calendar"))


def _begins(coordinate: Any) -> bool:
    name = "forecast_reference_time"
    return name in (str(coordinate.name).lower(), str(coordinate.attrs.get("standard_name", "")))


def is_member(coordinate: Any) -> bool:
    """Whether a coordinate has the names of members, by its own name or its attributes."""
    return (
        str(coordinate.name).lower() in NAMES["member"]
        or coordinate.attrs.get("standard_name") == "realization"
    )


def is_lead(coordinate: Any) -> bool:
    """Whether a coordinate has lead times, by its name or its attributes."""
    named = (
        str(coordinate.name).lower() in NAMES["lead"]
        or coordinate.attrs.get("standard_name") == "forecast_period"
    )
    return named and coordinate.dtype.kind in "iufm"
