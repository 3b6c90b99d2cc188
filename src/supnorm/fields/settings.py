"""What an audit of fields may be told."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from supnorm.fields.events import KAPPA
from supnorm.results import BadInput

# Every so manieth field gets a spectrum: two FFTs of 721 x 1440 cost 1.5 times all the rest of a scan.
SPECTRA = 8


@dataclass(frozen=True, kw_only=True)
class EventOptions:
    """Which grid points are reported together, and how many events.

    Attributes:
        most: number of events in the result.
        kappa: a grid point belongs to an event from so many RMS errors of its lead time and level on.
        threshold: or from this size of the error on.
        spectra: every so manieth field gets a spectrum; 0 for none.
    """

    most: int = 20
    kappa: float = KAPPA
    threshold: float | None = None
    spectra: int = SPECTRA

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            BadInput: for one that makes no sense.
        """
        for name in ("most", "spectra"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise BadInput(f"{name} must be a whole number from 0 on, got {value!r}")
        for name in ("kappa", "threshold"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int | float) and 0 < value < math.inf):
                raise BadInput(f"{name} must be a number above 0, got {value!r}")


def demand_known(given: Mapping[str, object], names: list[str], what: str) -> None:
    """Check that options name variables that are compared.

    Raises:
        BadInput: for one that does not.
    """
    for name in given:
        if name not in names:
            raise BadInput(f"{what}: {name!r} is no variable that is compared; those are {', '.join(names)}")
