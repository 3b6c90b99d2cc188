"""``dataset.supnorm.audit(truth)``: importing this file gives every `xarray.Dataset` that method.

>>> import numpy as np, xarray as xr
>>> import supnorm.fields.accessor
>>> truth = xr.Dataset({"u": (("time", "y", "x"), np.zeros((2, 3, 4)))})
>>> (truth + 0.5).supnorm.audit(truth)["u"].sup.lower
0.5
"""

from __future__ import annotations

from typing import Any

import xarray

from supnorm.fields.audit import audit_fields
from supnorm.fields.report import FieldReport


@xarray.register_dataset_accessor("supnorm")
class Accessor:
    """What a Dataset can be asked.

    Args:
        dataset: the prediction.
    """

    def __init__(self, dataset: xarray.Dataset) -> None:
        self._dataset = dataset

    def audit(self, truth: Any, **options: Any) -> FieldReport:
        """Compare the Dataset with the truth at every grid point: `supnorm.audit_fields`."""
        return audit_fields(self._dataset, truth, **options)
