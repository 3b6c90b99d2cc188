"""One distinct peak of the error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Domain
from supnorm.results import EDGE, Witness
from supnorm.results.charts import ThumbnailRecord

Array = NDArray[np.float64]
PEAKS = 12  # that are reported, at most
INFINITE = 3  # of them without a value of the model, at most: they must not crowd out the others


@dataclass(frozen=True)
class Peak:
    """A distinct peak: in the unit box, as a witness, how wide it is along each axis, and its picture."""

    u: Array
    witness: Witness
    width: Array
    thumbnail: ThumbnailRecord | None = None


def where_in(domain: Domain, u: Array, x: Array) -> str:
    """ "boundary" where the domain ends, else "interior"; u and x: (d,).

    On an end of an axis, the first or last of its values included (a single value has no ends), on the rim of the
    data, or where a constraint begins: a step along an axis leads out.
    """
    ends = [v in (a.low, a.high) and a.low < a.high for v, a in zip(x, domain.axes, strict=True)]
    if ((u <= EDGE) | (u >= 1 - EDGE) | ends).any():
        return "boundary"
    if domain.cloud is not None or domain.constraints:
        free = np.diag([0.0 if a.values is not None else EDGE for a in domain.axes])
        if not domain.contains(domain.from_unit(np.concatenate([u + free, u - free]))).all():
            return "boundary"
    return "interior"
