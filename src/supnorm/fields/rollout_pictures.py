"""Small pictures of two fields and their error, for the page: the largest error of each block of cells is never lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.fields.rollout_settings import RolloutSettings
from supnorm.fields.rollout_state import Array

MOST = 128  # cells along an axis; 128 x 64 cells of three fields are some 200 kB of JSON
DIGITS = 4  # of a value: one of 256 colours needs three


def picture(
    fields: Mapping[str, Array], index: tuple[int, ...], settings: RolloutSettings
) -> dict[str, Any] | None:
    """Pictures of the last two axes at a cell's other indices; None for fields with fewer axes.

    Args:
        fields: ``model`` and ``reference``.
        index: the cell of the largest error.
        settings: has the axes.
    """
    if len(index) < 2:
        return None
    model, reference = (fields[side][index[:-2]] for side in ("model", "reference"))
    with np.errstate(invalid="ignore", over="ignore"):
        error = model - reference
    blocks = tuple(-(-n // MOST) for n in error.shape)
    small = {
        name: _largest(part, blocks) if name == "error" else part[:: blocks[0], :: blocks[1]]
        for name, part in (("model", model), ("reference", reference), ("error", error))
    }
    ends = [
        settings.at((*index[:-2], *corner)) for corner in ((0, 0), (error.shape[0] - 1, error.shape[1] - 1))
    ]
    names = list(ends[0])[-2:]
    made: dict[str, Any] = {name: _short(part) for name, part in small.items()}
    made["axes"] = [{"name": name, "low": ends[0][name], "high": ends[1][name]} for name in names]
    return made


def _largest(error: Array, blocks: tuple[int, ...]) -> Array:
    """The error of largest size in each block, with its sign."""
    rows = []
    for i in range(0, error.shape[0], blocks[0]):
        row = []
        for j in range(0, error.shape[1], blocks[1]):
            part = error[i : i + blocks[0], j : j + blocks[1]].ravel()
            size = np.where(np.isnan(part), -1.0, np.abs(part))
            row.append(part[int(np.argmax(size))])
        rows.append(row)
    return np.array(rows)


def _short(values: NDArray[np.float64]) -> list[list[float]]:
    """Numbers with few digits: a picture has 64 colours."""
    return [[float(f"{v:.{DIGITS}g}") for v in row] for row in values]
