"""An error function of the user's own may give one number for all outputs together: which of them to show.

The one that, set right, lowers the error most: the error is evaluated with each output of the model in turn replaced by
the reference's. It has no unit and no scale to choose. Cost: one call of the error function for each witness.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from supnorm.problem import ErrorMeasure
from supnorm.results import BadInput, Witness

MOST = 500  # outputs that are tried, those that differ most


def is_joint(measure: ErrorMeasure, witness: Witness) -> bool:
    """Whether the error is one of all outputs of several."""
    if measure.function is None or len(witness.model) < 2:
        return False
    errors = measure.by_output(witness.model[None], witness.reference[None], witness.x[None])
    return bool(errors.shape[1] == 1)


def with_output(measure: ErrorMeasure, witness: Witness) -> Witness:
    """The witness; of a joint error with the output that contributes most as its own.

    >>> measure = ErrorMeasure("function", function=lambda model, reference, x: np.hypot(*(model - reference).T))
    >>> witness = Witness(np.zeros(1), np.array([1.0, 2.0]), np.array([1.1, 2.5]), 0.51, 0)
    >>> with_output(measure, witness).output
    1
    """
    if not is_joint(measure, witness):
        return witness
    with np.errstate(invalid="ignore"):
        gap = np.abs(witness.model - witness.reference)
    tried = np.argsort(-np.where(np.isfinite(witness.model), gap, np.inf), kind="stable")[:MOST]
    model = np.repeat(witness.model[None], len(tried), axis=0)
    model[np.arange(len(tried)), tried] = witness.reference[tried]
    reference, x = (np.repeat(v[None], len(tried), axis=0) for v in (witness.reference, witness.x))
    try:
        left, _ = measure(model, reference, x)
    except BadInput:  # an error function may not take values that no model gave
        return replace(witness, output=int(tried[0]))
    return replace(witness, output=int(tried[np.argmin(np.where(np.isnan(left), np.inf, left))]))
