"""The seal of a file of arrays: what was damaged or edited since it was stored is not gone on with."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np


def seal_of(arrays: Mapping[str, Any]) -> str:
    """SHA-256 of all that a file holds; it is no signature, who computes it again can change a value."""
    seal = hashlib.sha256()
    for name, value in sorted(arrays.items()):
        seal.update(f"{name} {value.dtype.str} {value.shape}\n".encode())
        seal.update(np.ascontiguousarray(value).tobytes())
    return seal.hexdigest()


def demand_sealed(arrays: Mapping[str, Any]) -> None:
    """Check that a file still holds what was stored; its seal is the array ``seal``.

    Raises:
        ValueError: when it does not.
    """
    if str(arrays["seal"]) != seal_of({name: value for name, value in arrays.items() if name != "seal"}):
        raise ValueError("it is not as it was stored")
