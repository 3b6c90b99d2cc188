"""What an audit of fields may be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from supnorm.fields.events import KAPPA
from supnorm.results import BadInput
from supnorm.results.option import Allowed
from supnorm.results.settings import NONE_TOO, Limits, Settings

# The spectrum of each eighth field is computed: two FFTs of 721 x 1440 cost 1.5 times all the rest of a scan.
SPECTRA = 8


@dataclass(frozen=True, kw_only=True)
class EventOptions(Settings):
    """Which grid points are reported together, and how many events.

    Attributes:
        most: number of events in the result.
        kappa: the smallest error of a grid point of an event, in RMS errors of its lead time and level.
        threshold: the same as a number in the unit of the variable, instead of ``kappa``.
        spectra: the spectrum of each field with a number that this divides is computed; 0 for none.
    """

    most: int = 20  # events in the result and on the page, the largest first
    kappa: float = KAPPA
    threshold: float | None = None
    spectra: int = SPECTRA

    LIMITS: ClassVar[Limits] = {
        "most": NONE_TOO,
        "spectra": NONE_TOO,
        "kappa": Allowed(above=0),
        "threshold": Allowed(above=0),
    }


def demand_known(given: Mapping[str, object], names: list[str], what: str) -> None:
    """Check that options name variables that are compared.

    Raises:
        BadInput: for one that does not.
    """
    for name in given:
        if name not in names:
            raise BadInput(f"{what}: {name!r} is no variable that is compared; those are {', '.join(names)}")
