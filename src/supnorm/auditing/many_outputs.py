"""Thousands of outputs: the document of an audit lists some of them, the full table stands beside it.

A vector of 100,000 numbers for both sides of every peak came to 55 MB of JSON. Listed are the outputs of the peaks,
those with the largest errors, and the one with the largest error in each of many equal parts of the outputs, so that a
curve along the outputs passes above all that is left out.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.results.printable import printable

LISTED = 1000  # outputs that a document lists at most, peaks apart: about 1 MB
VECTORS = ("model", "reference", "recheck_value")  # of a peak: a number for each output


def listed(worst: NDArray[np.float64], peaks: Sequence[int]) -> NDArray[np.intp]:
    """Which outputs are listed, in ascending order.

    Args:
        worst: the largest error of each output, shape ``(m,)``.
        peaks: outputs that are listed whatever their error.

    >>> listed(np.arange(5.0), [0])
    array([0, 1, 2, 3, 4])
    """
    if len(worst) <= LISTED:
        return np.arange(len(worst))
    half = LISTED // 2
    high = np.argsort(-worst, kind="stable")[:half]
    ends = np.linspace(0, len(worst), half + 1).astype(np.intp)
    along = [a + int(np.argmax(worst[a:b])) for a, b in pairwise(ends)]
    return np.unique(np.concatenate([high, along, np.asarray(peaks, dtype=np.intp)])).astype(np.intp)


def shortened(
    document: Mapping[str, Any], worst: NDArray[np.float64] | None
) -> tuple[dict[str, Any], str | None]:
    """The document with the listed outputs alone, and all outputs as CSV text; None where all are listed.

    Args:
        document: of an audit, complete.
        worst: the largest error of each output, shape ``(m,)``; None for one output, or where none had a value.
    """
    whole = dict(document)
    outputs, peaks = document["outputs"], [document["witness"], *document["peaks"], *document["glitches"]]
    peaks = [peak for peak in peaks if peak is not None]
    whole["outputs_total"] = len(outputs)
    if len(outputs) <= LISTED or worst is None:
        return whole, None
    names = {output["name"]: i for i, output in enumerate(outputs)}
    rows = listed(worst, [names[peak["output"]] for peak in peaks])

    def short(peak: Mapping[str, Any]) -> dict[str, Any]:
        vectors = {k: np.asarray(peak[k])[rows] for k in VECTORS if peak.get(k) is not None}
        return {**peak, **vectors}

    whole["outputs"] = [outputs[i] for i in rows]
    whole["peaks"], whole["glitches"] = ([short(p) for p in document[k]] for k in ("peaks", "glitches"))
    whole["witness"] = short(document["witness"]) if document["witness"] else None
    measure, scale = document["measure"], np.asarray(document["measure"].get("scale"), dtype=object)
    if scale.shape == (len(outputs),):
        whole["measure"] = {**measure, "scale": scale[rows].tolist()}
    both = ("batch", "alone")  # of a point whose error is not reproducible
    whole["findings"] = [
        {**f, **{k: short(f[k]) for k in both if isinstance(f.get(k), Mapping)}} for f in document["findings"]
    ]
    charts = document["charts"]
    if (profile := charts.profile) is not None:
        parts = {k: tuple(getattr(profile, k)[i] for i in rows) for k in ("coordinate", "worst", "rms")}
        whole["charts"] = charts.changed(profile=profile.changed(**parts))
    return whole, _table(document, worst)


def _table(document: Mapping[str, Any], worst: NDArray[np.float64]) -> str:
    """Every output in a line: name, unit, largest and RMS error, and the values of both sides at each peak."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    peaks = range(1, len(document["peaks"]) + 1)
    writer.writerow(
        ["output", "unit", "largest_error", "rms_error"]
        + [f"{side}_{n}" for n in peaks for side in VECTORS[:2]]
    )
    columns = [worst, np.asarray(document["charts"].profile.rms)]
    columns += [np.asarray(peak[side]) for peak in document["peaks"] for side in VECTORS[:2]]
    for output, *numbers in zip(document["outputs"], *columns, strict=True):
        named = (printable(output["name"]), printable(output["unit"]))
        writer.writerow([*named, *(repr(float(v)) for v in numbers)])
    return text.getvalue()
