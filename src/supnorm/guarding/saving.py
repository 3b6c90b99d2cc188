"""A guard as a file: an archive of arrays and one JSON text, as models have it. Nothing is pickled."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from supnorm.guarding.cells import ProvedCells
from supnorm.guarding.layers import Cuts, DataDistance, Disagreement, KnownGlitches, LearnedError, SecondModel
from supnorm.networks import Network
from supnorm.networks.storage import packed
from supnorm.problem import Domain
from supnorm.results import BadInput, write_whole
from supnorm.results.encoding import to_json
from supnorm.results.guarding import GuardRecord

FORMAT = "supnorm.guard-file/1"


def digest(words: Mapping[str, Any], arrays: Mapping[str, Any]) -> str:
    """SHA-256 over all of a file but this digest itself: a file that was edited by hand has another.

    It is no signature: whoever wants to deceive can compute it too.
    """
    found = hashlib.sha256()
    rest = {key: value for key, value in words.items() if key != "digest"}
    found.update(json.dumps(rest, sort_keys=True, allow_nan=False).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(f"\0{name}\0{array.dtype.str}\0{np.shape(arrays[name])}\0".encode())
        found.update(array.tobytes())
    return found.hexdigest()


def save(
    path: Path,
    domain: Domain,
    cuts: Cuts,
    cells: ProvedCells | None,
    factor: float,
    record: GuardRecord,
) -> None:
    """Write the file, whole or not at all.

    Raises:
        BadInput: for a name that does not end in ``.guard``, and for a domain with constraints or of data, which a file
            cannot hold.
    """
    if path.suffix != ".guard":
        raise BadInput(f"{path}: a guard is saved as .guard; give a name that ends in .guard")
    if domain.constraints or domain.cloud is not None:
        raise BadInput(
            "a guard of a domain with constraints, or of data, cannot be saved: its points are known in Python only"
        )
    arrays: dict[str, Any] = {}
    networks: list[Network] = []
    second: list[Network] = []  # the last one in the file
    words: dict[str, Any] = {"typical": 0.0, "rivals": 0}
    for layer in cuts.layers:
        if isinstance(layer, KnownGlitches):
            arrays["centres"] = np.array([r.centre for r in layer.regions])
            arrays["radii"] = np.array([r.radii for r in layer.regions])
        elif isinstance(layer, LearnedError):
            networks.insert(0, layer.network)
        elif isinstance(layer, DataDistance):
            arrays["data"], words["typical"] = layer.points, layer.typical
        elif isinstance(layer, Disagreement):
            networks += layer.rivals
            words["rivals"] = len(layer.rivals)
        elif isinstance(layer, SecondModel):
            second = [layer.network]
            words["second"] = {"weights": layer.weights, "floor": layer.floor, "sign": layer.sign}
    if cells is not None:
        arrays["cells_low"], arrays["cells_high"] = cells.low, cells.high
    texts = []
    for k, network in enumerate([*networks, *second]):
        text, inner = packed(network)
        texts.append(text)
        arrays |= {f"network{k}.{name}": value for name, value in inner.items()}
    words |= {
        "format": FORMAT,
        "layers": [layer.name for layer in cuts.layers],
        "cuts": to_json(cuts.cuts),
        "factor": to_json(factor),
        "program": "" if cells is None else cells.model,
        "reference": "" if cells is None else cells.reference,
        "networks": texts,
        "record": record.to_dict(),
    }
    words["digest"] = digest(words, arrays)
    buffer = io.BytesIO()
    np.savez(buffer, metadata=np.array(json.dumps(words, allow_nan=False)), **arrays)
    write_whole(path, buffer.getvalue())
