"""Checks before a run goes on that its data are those that were compared before: a few pairs of fields are compared again.

A file tells when it was changed, and `contents_of` is a hash of data in memory. Of data that are read from a service, or by
Dask, nothing is known, nor of the last files of a very large store; without this check the errors of two data sets would be
told as those of one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from supnorm.fields.pairing import Pair
from supnorm.fields.reading import Reader
from supnorm.fields.state import FieldState
from supnorm.fields.work import Share
from supnorm.results import BadInput
from supnorm.results.numbers import num
from supnorm.results.printable import one_line

DRAWN = 4  # inits and lead times of a variable: each takes the time to read one field of both sides


def contents_of(pairs: Sequence[Pair]) -> str:
    """SHA-256 of the fields that lie in memory as arrays of NumPy."""
    seal = hashlib.sha256()
    for side in (side for one in pairs for side in (one.prediction, one.truth)):
        values = getattr(side.variable.variable, "_data", None)  # `.values` would read a whole file
        if isinstance(values, np.ndarray) and values.dtype.kind in "fiu":
            for part in values if values.ndim else (values,):
                seal.update(np.ascontiguousarray(part).view(np.uint8).data)
    return seal.hexdigest()


def demand_same_data(pair: Pair, shares: Sequence[Share]) -> None:
    """Compare some pairs of fields again that a checkpoint holds: those with the largest error of an init and lead time.

    They are drawn anew each time, because no result depends on them.

    Raises:
        BadInput: when one has another largest error, or has it elsewhere.
    """
    known = [
        (share.state, init, lead)
        for share in shares
        for init, lead in np.argwhere(share.state.pair_key >= 0).tolist()
    ]
    reader, rng = Reader(pair), np.random.default_rng()
    for number in rng.permutation(len(known))[:DRAWN]:
        state, init, lead = known[number]
        was, (unit, index) = (
            float(state.pair_error[init, lead]),
            divmod(int(state.pair_key[init, lead]), pair.grid.size),
        )
        numbers = state.sizes.of(unit)
        truth = reader.truth(*numbers)
        one = FieldState.empty(pair.grid)
        now = None if truth is None else one.add(reader.prediction(*numbers), truth).largest()
        if now is None or (now.error, now.index) != (was, index):
            raise BadInput(
                f"--resume: variable {one_line(pair.name, 60)}: the data are not those that were compared: the largest "
                f"error of init {init}, lead time {lead} (from 0) was {num(was, 8)} and is "
                f"{'no value' if now is None else num(now.error, 8)}; start again without --resume"
            )
