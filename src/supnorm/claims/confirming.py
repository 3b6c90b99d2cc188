"""Whether a second reference confirms that the model is wrong at a point by more than was published.

If the truth lies between the values of both references, and both are further from the model than the tolerance while they
differ from each other by less than the error, then the error against the truth is above the tolerance too: the distance to
the model has no minimum between them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.recheck import Recheck, in_its_output
from supnorm.problem import ErrorMeasure
from supnorm.results import Witness

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Confirmation:
    """What the second reference says of a witness.

    Attributes:
        witness: the point, with both values.
        second: values of the second reference, shape (m,); None without one, and where it has no value.
        error: the error against the second reference; None as ``second``.
        confirmed: whether both references find an error above the limit and agree well enough.
    """

    witness: Witness
    second: Array | None
    error: float | None
    confirmed: bool


def confirm(measure: ErrorMeasure, witness: Witness, second: Array | None, limit: float) -> Confirmation:
    """What a second reference's values (m,) say of a witness.

    >>> square = ErrorMeasure(tolerance=0.1)
    >>> wrong = Witness(np.array([0.5]), np.array([1.0]), np.array([0.8]), 0.2)
    >>> [confirm(square, wrong, np.array([y]), 0.1).confirmed for y in (0.8, 0.79, 0.86, 0.95)]
    [True, True, False, False]
    """
    if second is None:
        return Confirmation(witness, None, None, False)
    judged, value = in_its_output(measure, witness, second[None])
    if value is None:
        return Confirmation(witness, None, None, False)
    x, f, n = witness.x[None], witness.reference[None], judged.model[None]
    if (np.isfinite(f) & ~np.isfinite(n)).any():  # the model has no value, and both references have one
        confirmed = witness.error > limit
        return Confirmation(witness, second, np.inf if confirmed else None, bool(confirmed))
    error = float(measure(n, value, x)[0][0])
    apart = float(measure(value, f, x)[0][0])
    if measure.side != "both":  # it counts the difference of one sign only
        apart = max(apart, float(measure(2 * f - value, f, x)[0][0]))
    near = apart <= Recheck().agree * min(witness.error, error)
    return Confirmation(witness, second, error, bool(witness.error > limit and error > limit and near))


def first_confirmed(found: list[Confirmation]) -> Confirmation | None:
    """The worst point that is confirmed; None if none is."""
    return next((c for c in found if c.confirmed), None)
