"""The arguments of an audit, refused before anything is called."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from supnorm.auditing.power import Power
from supnorm.results import BadInput


def demand_norms(norms: Sequence[float]) -> None:
    """See that norms are powers of L^p.

    Raises:
        BadInput: when one is no number of at least 1.
    """
    if not all(isinstance(p, int | float) and 1 <= p < np.inf for p in norms):
        raise BadInput(
            f"norms are powers p of L^p from 1 on (the maximum is always there), got {tuple(norms)}"
        )


def power_of(power: Power | bool | None) -> Power | None:
    """The errors to plant: the usual ones for True.

    Raises:
        BadInput: for anything else that is no `Power`.
    """
    if isinstance(power, bool):
        return Power() if power else None
    if power is not None and not isinstance(power, Power):
        raise BadInput(f"power must be a supnorm.Power, True, False or None, got {power!r}")
    return power
